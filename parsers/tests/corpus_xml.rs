//! The UBL and CII files of the shared corpus read as its `expect.tsv` says, and XML that is no document of
//! any vocabulary is one finding.
//!
//! Without the corpus the tests say that they were skipped.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test fails by panicking"
)]

use std::fs::{self, File};
use std::io::BufReader;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use waybill_parsers::{Context, Document, Event, Finding, Limits, Severity, Summary, read};

struct Row {
    path: String,
    format: String,
    kind: String,
    documents: usize,
    number: String,
    currency: String,
    payable_first: String,
    payable_sum: String,
    validity: String,
    codes: Vec<String>,
}

#[test]
fn ubl_files_read_as_the_corpus_expects() {
    read_as_expected(|row| row.format.starts_with("ubl-") || row.format == "xml-batch-of-ubl", 80);
}

#[test]
fn cross_industry_invoices_read_as_the_corpus_expects() {
    read_as_expected(|row| row.format == "cii-d16b", 36);
}

fn read_as_expected(is_ours: fn(&Row) -> bool, more_than: usize) {
    let Some(rows) = rows() else { return };
    let mut checked = 0;
    let mut faults = Vec::new();
    for row in rows.iter().filter(|row| is_ours(row)) {
        checked += 1;
        let (summary, documents, findings) = read_file(&row.path);
        for fault in differences(row, &summary, &documents, &findings) {
            faults.push(format!("{}: {fault}\n  {findings:#?}", row.path));
        }
    }
    assert!(checked > more_than, "only {checked} files");
    assert!(faults.is_empty(), "{} faults in {checked} files:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn xml_without_a_document_is_one_finding() {
    let Some(rows) = rows() else { return };
    let mut checked = 0;
    for row in rows.iter().filter(|row| is_nothing(row)) {
        checked += 1;
        let (summary, documents, findings) = read_file(&row.path);
        assert_eq!((summary.format.as_str(), documents.len()), ("unknown", 0), "{}: {findings:?}", row.path);
        assert_eq!(findings.iter().map(|finding| finding.code.as_str()).collect::<Vec<_>>(), ["unknown_format"]);
    }
    assert!(checked > 280, "only {checked} other XML files");
}

fn differences(row: &Row, summary: &Summary, documents: &[Document], findings: &[Finding]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut same = |what: &str, got: String, want: &str| {
        if got != want {
            faults.push(format!("{what} is {got}, should be {want}"));
        }
    };
    same("documents", documents.len().to_string(), &row.documents.to_string());
    // What is refused before its root is seen is UBL of neither kind.
    if row.documents > 0 {
        same("format", summary.format.clone(), row.format.replace("xml-batch-of-ubl", "ubl-invoice").as_str());
    }
    if let Some(first) = documents.first() {
        same(
            "kind",
            first.kind().replace("credit_note", "credit").replace("remittance_advice", "remittance"),
            &row.kind,
        );
        let is_missing = |code: &str| row.codes.iter().any(|listed| listed == code);
        if !is_missing("BR-02") {
            same("number", first.number().unwrap_or_default().to_owned(), &row.number);
        }
        if !is_missing("BR-05") && !is_missing("BR-CL-04") {
            same("currency", first.currency().unwrap_or_default().to_owned(), &row.currency);
        }
        // Where the amount due is what was spoiled, the table has the right one and the file does not.
        if !is_missing("BR-CO-16") {
            let text = |number: Option<rust_decimal::Decimal>| number.unwrap_or_default().normalize().to_string();
            let normal = |number: &str| text(number.parse().ok());
            same("first payable", text(first.payable()), &normal(&row.payable_first));
            let sum = documents.iter().filter_map(Document::payable).sum();
            same("sum of payables", text(Some(sum)), &normal(&row.payable_sum));
        }
    }
    // The table's verdict is that of EN 16931's own rules; what Peppol and XRechnung want beyond, it does not say.
    let is_beyond =
        |finding: &&Finding| ["PEPPOL-", "BR-DE-"].iter().any(|family| finding.code.as_str().starts_with(family));
    let is_error = |finding: &&Finding| finding.severity == Severity::Error && !is_beyond(finding);
    let errors: Vec<_> = findings.iter().filter(is_error).collect();
    match row.validity.as_str() {
        "invalid" if errors.is_empty() => faults.push("has no error".to_owned()),
        "invalid" => {}
        _ if !errors.is_empty() => faults.push(format!("has {} errors", errors.len())),
        _ => {}
    }
    for code in &row.codes {
        let is_said = |finding: &&Finding| finding.code.as_str() == code || finding.rule == Some(code.as_str());
        if !errors.iter().any(is_said) {
            faults.push(format!("does not say {code}"));
        }
    }
    for finding in findings {
        if finding.code.as_str() != "unknown_format" && finding.location.byte > file_bytes(&row.path) {
            faults.push(format!("a finding stands past the end: {finding:?}"));
        }
    }
    for document in documents {
        faults.extend(evidence_faults(&row.path, document));
    }
    faults
}

/// What the evidence points at is what the evidence says.
fn evidence_faults(path: &str, document: &Document) -> Vec<String> {
    let bytes = fs::read(corpus().join(path)).unwrap();
    if bytes.starts_with(&[0xFF, 0xFE]) {
        return Vec::new();
    }
    let mut faults = Vec::new();
    for item in &document.evidence {
        let start = usize::try_from(item.at.byte).unwrap();
        let piece = bytes.get(start..start + item.at.len as usize).unwrap_or_default();
        let line = 1 + bytes[..start].iter().filter(|byte| **byte == b'\n').count() as u64;
        let text = String::from_utf8_lossy(piece);
        let is_plain = !text.contains(['<', '&']) && piece.is_ascii();
        if (is_plain && text != item.raw.trim()) || piece.is_empty() || line != item.at.line {
            faults.push(format!("evidence {item:?} points at `{text}` on line {line}"));
        }
    }
    faults
}

/// Rule tests, web pages, and other messages.
fn is_nothing(row: &Row) -> bool {
    matches!(row.format.as_str(), "cen-testset" | "xml-html" | "xml-M_INVOIC" | "xml-Document")
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus")
}

fn file_bytes(path: &str) -> u64 {
    fs::metadata(corpus().join(path)).unwrap().len()
}

fn rows() -> Option<Vec<Row>> {
    let Ok(table) = fs::read_to_string(corpus().join("expect.tsv")) else {
        eprintln!("skipped: there is no corpus at {}", corpus().display());
        return None;
    };
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('\t').collect();
        Row {
            path: cells[0].to_owned(),
            format: cells[1].to_owned(),
            kind: cells[2].to_owned(),
            documents: cells[3].parse().unwrap_or(0),
            number: cells[4].to_owned(),
            currency: cells[5].to_owned(),
            payable_first: cells[6].to_owned(),
            payable_sum: cells[7].to_owned(),
            validity: cells[8].to_owned(),
            codes: cells[9].split(',').filter(|code| !code.is_empty()).map(str::to_owned).collect(),
        }
    };
    Some(table.lines().skip(1).map(row).collect())
}

fn read_file(path: &str) -> (Summary, Vec<Document>, Vec<Finding>) {
    let file = File::open(corpus().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let context = Context { profiles: &[], limits: Limits::default() };
    let (mut documents, mut findings) = (Vec::new(), Vec::new());
    let mut sink = |event| {
        match event {
            Event::Document(document) => documents.push(*document),
            Event::Finding(finding) => findings.push(*finding),
            Event::Unlisted { .. } => panic!("more findings than are listed"),
        }
        ControlFlow::Continue(())
    };
    let summary =
        read(&mut BufReader::new(file), &context, &mut sink).unwrap_or_else(|error| panic!("{path}: {error}"));
    (summary, documents, findings)
}
