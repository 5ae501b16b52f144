//! The published unit tests of the EN 16931 rules (the shared corpus has them): each is a UBL fragment and
//! the rules it must break or must not break.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::stream::{Piece, Stream, Trouble};
use super::ubl::{self, Kind, VOCABULARY};
use crate::rules::Claim;
use crate::xml::source::Source;
use crate::{Finding, Halt, Limits};

#[test]
fn the_published_rule_tests_agree() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    let (mut files, mut agreed, mut faults) = (0, 0, BTreeMap::<String, Vec<String>>::new());
    for folder in ["cen-en16931-unit-invoice", "cen-en16931-unit-creditnote"] {
        let Ok(entries) = fs::read_dir(corpus.join(folder)) else {
            eprintln!("skipped: there is no corpus at {}", corpus.display());
            return;
        };
        for path in entries.map(|entry| entry.expect("an entry").path()) {
            if path.extension().is_some_and(|extension| extension == "xml") {
                files += 1;
                let bytes = fs::read(&path).expect("a readable file");
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                for (number, test) in tests_of(&bytes).into_iter().enumerate() {
                    for (rule, must_break) in &test.asserts {
                        let is_of = |finding: &&Finding| finding.rule == Some(rule.as_str());
                        let found = test.findings.iter().filter(is_of).count();
                        if (found > 0) == *must_break {
                            agreed += 1;
                        } else {
                            let fault = format!("{name}#{number} must{} break", if *must_break { "" } else { " not" });
                            faults.entry(rule.clone()).or_default().push(fault);
                        }
                    }
                }
            }
        }
    }
    let count: usize = faults.values().map(Vec::len).sum();
    assert!(faults.is_empty(), "{count} differ, {agreed} agree:\n{faults:#?}");
    println!("{agreed} assertions of {files} published test sets agree");
    assert_eq!((files, agreed), (277, 1_133), "the corpus has other test sets than it had");
}

struct Test {
    asserts: Vec<(String, bool)>,
    findings: Vec<Finding>,
}

fn tests_of(bytes: &[u8]) -> Vec<Test> {
    let mut input = bytes;
    let limits = Limits::default();
    let mut stream = Stream::new(Source::new(&mut input).expect("bytes in memory"), limits);
    let mut tests = Vec::new();
    let mut asserts = Vec::new();
    let mut must_break = None;
    loop {
        match ok(stream.next()) {
            Piece::Open => {}
            Piece::Text(text) | Piece::Blank(text) => {
                asserts.extend(must_break.map(|must_break| (text.trim().to_owned(), must_break)));
                continue;
            }
            Piece::Close => {
                must_break = None;
                continue;
            }
            Piece::Nothing => continue,
            Piece::End => return tests,
        }
        let name = stream.tag().name();
        let Some(kind) = Kind::of(stream.namespace(), name) else {
            must_break = match name {
                "error" | "warning" => Some(true),
                "success" => Some(false),
                _ => None,
            };
            continue;
        };
        stream.speak(Some(&VOCABULARY));
        let reading = ok(ubl::read(&mut stream, kind, String::new(), limits, Claim::En16931));
        stream.speak(None);
        tests.push(Test { asserts: std::mem::take(&mut asserts), findings: reading.findings });
    }
}

#[track_caller]
fn ok<T>(result: Result<T, Trouble>) -> T {
    match result {
        Ok(value) => value,
        Err(Trouble::Refused(finding)) => panic!("{finding:?}"),
        Err(Trouble::Halt(halt)) => {
            let halt: Halt = halt;
            panic!("{halt}")
        }
    }
}
