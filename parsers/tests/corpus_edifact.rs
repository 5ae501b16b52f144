//! The shared corpus of EDIFACT files agrees with its `expect.tsv`.

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
fn every_edifact_file_of_the_corpus_agrees_with_what_is_expected_of_it() {
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
    for row in rows.iter().filter(|row| row["format"].starts_with("edifact-")) {
        checked += 1;
        let told = Told::of(&corpus.join(row["path"]));
        let result = told.agrees(row);
        if let Err(fault) = result {
            let findings: Vec<String> = told
                .findings
                .iter()
                .map(|finding| format!("  {} {:?} {}", finding.code, finding.rule, finding.message))
                .collect();
            faults.push(format!("{}: {fault}\n{}", row["path"], findings.join("\n")));
        }
    }
    assert!(checked > 40, "only {checked} EDIFACT files in the corpus");
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
        let exception = exception(row["path"]);
        let mut parts = row["format"].splitn(3, '-');
        let (_, message, version) = (parts.next(), parts.next().unwrap(), parts.next());
        same("format", &self.summary.format, format!("edifact-{}", message.to_lowercase()))?;
        if version.is_some() {
            same("version", self.summary.version.as_deref(), version)?;
        }
        same("documents", self.summary.documents.to_string(), row["documents"])?;
        self.agrees_in_numbers(row, exception)?;
        let mut codes: Vec<&str> = row["codes"].split(',').filter(|code| !code.is_empty()).collect();
        let mut errors: Vec<&Finding> =
            self.findings.iter().filter(|finding| finding.severity == Severity::Error).collect();
        let mut is_invalid = row["validity"] == "invalid";
        match exception {
            // Placeholders where numbers are due, and a lone slip of the same kind.
            Some(Exception::NoNumbers) => {
                errors.retain(|finding| !matches!(finding.rule, Some("BAD-NUMBER" | "MISSING-MOA" | "UNKNOWN-SEGMENT")))
            }
            Some(Exception::Wrapped) => (codes, is_invalid) = (Vec::new(), false),
            None => {}
        }
        // A declared character set that is not the one of the bytes is a warning.
        is_invalid &= row["codes"] != "W-CHARSET";
        match (is_invalid, errors.first()) {
            (true, None) => return Err("no error, but it is invalid".to_owned()),
            (false, Some(_)) => return Err("an error, but it is valid".to_owned()),
            _ => {}
        }
        for code in &codes {
            if !self.findings.iter().any(|finding| finding.rule == Some(code) && finding.location.byte > 0) {
                return Err(format!("{code} was not found"));
            }
        }
        Ok(())
    }

    fn agrees_in_numbers(&self, row: &BTreeMap<&str, &str>, exception: Option<Exception>) -> Result<(), String> {
        let first = &self.documents[0];
        // The table has what the generator meant; where it then took BGM away, there is no number to read.
        let number = match (row["codes"], exception) {
            ("MISSING-BGM", _) => String::new(),
            (_, Some(Exception::Wrapped)) => row["first_document_id"].replace(' ', ""),
            _ => row["first_document_id"].to_owned(),
        };
        same("number", first.number().unwrap_or_default(), number)?;
        if !row["currency"].is_empty() {
            same("currency", first.currency().unwrap_or_default(), row["currency"])?;
        }
        let amount = |name: &str| row[name].parse::<Decimal>().unwrap().normalize();
        // The same holds of totals that the generator falsified or cut off.
        match row["codes"] {
            "MOA-ARITH" if row["kind"] == "invoice" => {
                return same("payable_first", first.payable().unwrap().to_string(), "0.01");
            }
            "BAD-NUMBER" => return same("payable_first", first.payable(), None::<Decimal>),
            _ if row["payable_first"].is_empty() => return same("payable_first", first.payable(), None::<Decimal>),
            _ => same("payable_first", first.payable().unwrap().normalize(), amount("payable_first"))?,
        }
        if row["codes"] == "TRUNCATED" {
            return same("last payable", self.documents.last().unwrap().payable(), None::<Decimal>);
        }
        // Credits count positive in the table, as they do in the canonical model.
        let sum: Decimal = self.documents.iter().filter_map(Document::payable).sum();
        same("payable_sum", sum.normalize(), amount("payable_sum"))
    }
}

/// Where the table is not taken at its word; docs/FORMATS.md says why.
#[derive(Clone, Copy)]
enum Exception {
    /// Its labels do not look into data elements, where letters stand for numbers (ISO 9735 §10).
    NoNumbers,
    /// It took the line breaks of a wrapped file for blanks of the data.
    Wrapped,
}

fn exception(path: &str) -> Option<Exception> {
    match path {
        _ if path.starts_with("bdew-edifact-mapper/fv2504/") => Some(Exception::NoNumbers),
        "staedi-x12-edifact/EDIFACT/invoic_d97b_bad.edi" => Some(Exception::NoNumbers),
        _ if path.starts_with("staedi-x12-edifact/EDIFACT/issue128/wrapped_") => Some(Exception::Wrapped),
        _ => None,
    }
}

fn same(what: &str, got: impl std::fmt::Debug, expected: impl std::fmt::Debug) -> Result<(), String> {
    let (got, expected) = (format!("{got:?}"), format!("{expected:?}"));
    if got == expected { Ok(()) } else { Err(format!("{what} is {got}, expected {expected}")) }
}
