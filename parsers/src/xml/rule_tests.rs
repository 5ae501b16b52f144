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

/// Rules we do not check, and why.
const NOT_YET: &[(&str, &[&str])] = &[
    (
        "code lists we do not carry",
        &[
            "BR-CL-01", "BR-CL-06", "BR-CL-07", "BR-CL-10", "BR-CL-11", "BR-CL-13", "BR-CL-16", "BR-CL-19", "BR-CL-20",
            "BR-CL-21", "BR-CL-23", "BR-CL-24",
        ],
    ),
    ("the canonical model has one currency for all amounts", &["BR-CL-03"]),
    ("attachments are not kept", &["UBL-DT-06", "UBL-DT-07"]),
    ("cardinalities inside a section", &["UBL-SR-12", "UBL-SR-18", "UBL-SR-42", "UBL-SR-44", "UBL-SR-47"]),
];

#[test]
fn the_published_rule_tests_agree() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    let (mut agreed, mut faults) = (0, BTreeMap::<String, Vec<String>>::new());
    for folder in ["cen-en16931-unit-invoice", "cen-en16931-unit-creditnote"] {
        let Ok(entries) = fs::read_dir(corpus.join(folder)) else {
            eprintln!("skipped: there is no corpus at {}", corpus.display());
            return;
        };
        for path in entries.map(|entry| entry.expect("an entry").path()) {
            if path.extension().is_some_and(|extension| extension == "xml") {
                let bytes = fs::read(&path).expect("a readable file");
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                for (number, test) in tests_of(&bytes).into_iter().enumerate() {
                    for (rule, must_break) in &test.asserts {
                        if NOT_YET.iter().any(|(_, rules)| rules.contains(&rule.as_str())) {
                            continue;
                        }
                        let found = test.findings.iter().find(|finding| finding.rule == Some(rule.as_str()));
                        if found.is_some() == *must_break {
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
    assert!(agreed > 1_000, "only {agreed} agree");
}

struct Test {
    asserts: Vec<(String, bool)>,
    findings: Vec<Finding>,
}

fn tests_of(bytes: &[u8]) -> Vec<Test> {
    let mut input = bytes;
    let limits = Limits::default();
    let mut stream = Stream::new(Source::new(&mut input, limits.token_bytes_max).expect("bytes in memory"), limits);
    let mut tests = Vec::new();
    let mut asserts = Vec::new();
    let mut must_break = None;
    loop {
        match ok(stream.next()) {
            Piece::Open => {}
            Piece::Text(text) => {
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
                "error" => Some(true),
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
