//! The shared corpus of X12 files agrees with its `expect.tsv`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::ops::ControlFlow;
use std::path::Path;

use rust_decimal::Decimal;
use waybill_parsers::{Context, Document, Event, Finding, Limits, Severity, Summary, read};

#[test]
fn every_x12_file_of_the_corpus_agrees_with_what_is_expected_of_it() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    let Ok(table) = std::fs::read_to_string(corpus.join("expect.tsv")) else {
        eprintln!("skipped: {} is not there", corpus.display());
        return;
    };
    let mut lines = table.lines();
    let names: Vec<&str> = lines.next().unwrap().split('\t').collect();
    let rows: Vec<BTreeMap<&str, &str>> =
        lines.map(|line| names.iter().copied().zip(line.split('\t')).collect()).collect();
    let mut checked = 0;
    let mut faults = Vec::new();
    for row in rows.iter().filter(|row| row["format"].starts_with("x12-")) {
        checked += 1;
        let told = Told::of(&corpus.join(row["path"]));
        let result = if row["format"].starts_with("x12-810") { told.agrees(row) } else { told.is_unknown() };
        if let Err(fault) = result {
            let findings: Vec<String> = told
                .findings
                .iter()
                .map(|finding| format!("  {} {:?} {}", finding.code, finding.rule, finding.message))
                .collect();
            faults.push(format!("{}: {fault}\n{}", row["path"], findings.join("\n")));
        }
    }
    assert!(checked > 50, "only {checked} X12 files in the corpus");
    assert!(faults.is_empty(), "{} of {checked} differ:\n{}", faults.len(), faults.join("\n"));
}

struct Told {
    documents: Vec<Document>,
    findings: Vec<Finding>,
    summary: Summary,
}

impl Told {
    fn of(path: &Path) -> Self {
        let (mut documents, mut findings) = (Vec::new(), Vec::new());
        let context = Context { profiles: &[], limits: Limits::default() };
        let mut input = BufReader::new(File::open(path).unwrap());
        let summary = read(&mut input, &context, &mut |event| {
            match event {
                Event::Document(document) => documents.push(*document),
                Event::Finding(finding) => findings.push(*finding),
                Event::Unlisted { .. } => panic!("more findings than are listed"),
            }
            ControlFlow::Continue(())
        })
        .unwrap();
        Self { documents, findings, summary }
    }

    fn agrees(&self, row: &BTreeMap<&str, &str>) -> Result<(), String> {
        let codes: Vec<&str> = row["codes"].split(',').filter(|code| !code.is_empty()).collect();
        same("format", &self.summary.format, "x12-810")?;
        // The transaction sets of other kinds in `x12-810+850` are not counted as documents of ours.
        let others = u64::try_from(row["format"].matches('+').count()).unwrap();
        same("documents", (self.summary.documents + others).to_string(), row["documents"])?;
        self.agrees_in_numbers(row, &codes)?;
        match row["validity"] {
            "valid" => same("errors", self.summary.errors.to_string(), "0")?,
            _ if self.summary.errors == 0 => return Err("no error, but it is invalid".to_owned()),
            _ => {}
        }
        for code in &codes {
            if !self.findings.iter().any(|finding| finding.rule == Some(code) || finding.code.as_str() == *code) {
                return Err(format!("{code} was not found"));
            }
        }
        Ok(())
    }

    fn agrees_in_numbers(&self, row: &BTreeMap<&str, &str>, codes: &[&str]) -> Result<(), String> {
        let first = &self.documents[0];
        // The table has what the generator meant; where it then took BIG away, there is no number to read.
        let number = if codes.contains(&"MISSING-BIG") { "" } else { row["first_document_id"] };
        same("number", first.number().unwrap_or_default(), number)?;
        if !row["currency"].is_empty() {
            same("currency", first.currency().unwrap_or_default(), row["currency"])?;
        }
        // The same holds of totals that the generator falsified (TDS-ARITH) or cut off (TRUNCATED).
        if codes.contains(&"TDS-ARITH") {
            return same("payable_first", first.payable().unwrap().to_string(), "0.01");
        }
        let amount = |name: &str| row[name].parse::<Decimal>().unwrap();
        same("payable_first", first.payable().unwrap().normalize(), amount("payable_first").normalize())?;
        if codes.contains(&"TRUNCATED") {
            return same("last payable", self.documents.last().unwrap().payable(), None::<Decimal>);
        }
        // Credits count positive in the table, as they do in the canonical model.
        let sum: Decimal = self.documents.iter().filter_map(Document::payable).sum();
        same("payable_sum", sum.normalize(), amount("payable_sum").normalize())
    }

    fn is_unknown(&self) -> Result<(), String> {
        same("format", &self.summary.format, "unknown")?;
        same("documents", self.documents.len(), 0)?;
        match self.findings.as_slice() {
            [finding] if finding.code.as_str() == "unknown_format" && finding.severity == Severity::Error => Ok(()),
            _ => Err("wants one finding, `unknown_format`".to_owned()),
        }
    }
}

fn same(what: &str, got: impl std::fmt::Debug, expected: impl std::fmt::Debug) -> Result<(), String> {
    let (got, expected) = (format!("{got:?}"), format!("{expected:?}"));
    if got == expected { Ok(()) } else { Err(format!("{what} is {got}, expected {expected}")) }
}
