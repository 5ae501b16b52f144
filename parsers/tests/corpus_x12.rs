//! The shared corpus of X12 files agrees with its `expect.tsv`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use rust_decimal::Decimal;
use waybill_parsers::canonical::{Body, Identifier};
use waybill_parsers::write::{X12Envelope, X12Version, x12_invoice, x12_remittance};
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
        if let Err(fault) = told.agrees(row) {
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

#[test]
fn the_invoices_and_remittances_of_the_corpus_are_written_and_read_back() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    let Ok(table) = std::fs::read_to_string(corpus.join("expect.tsv")) else {
        eprintln!("skipped: {} is not there", corpus.display());
        return;
    };
    let envelope = X12Envelope {
        sender: Identifier { scheme: None, value: "NORTHWIND".into() },
        recipient: Identifier { scheme: None, value: "HARBOUR".into() },
        application_sender: None,
        application_recipient: None,
        control: 7,
        at: jiff::civil::date(2026, 1, 5).at(9, 0, 0, 0),
        version: X12Version::V005010,
        is_test: false,
    };
    let mut written = 0;
    for row in table.lines().filter(|row| row.contains("\tx12-8")) {
        let told = Told::of(&corpus.join(row.split('\t').next().unwrap()));
        for document in &told.documents {
            let has_errors = told
                .findings
                .iter()
                .any(|finding| finding.severity == Severity::Error && finding.document == Some(document.ordinal));
            // A document with errors may hold what cannot be written.
            if has_errors {
                continue;
            }
            let bytes = match &document.body {
                Body::Invoice(invoice) => x12_invoice(invoice, &envelope),
                Body::RemittanceAdvice(advice) => x12_remittance(advice, &envelope),
                _ => continue,
            };
            let bytes = bytes.unwrap_or_else(|error| panic!("{row}: {error}"));
            let again = Told::of_bytes(&bytes);
            let [read] = again.documents.as_slice() else { panic!("{row}: {:?}", again.findings) };
            let plain = |document: &Document| {
                let payable = document.payable().map(|payable| payable.normalize());
                let text = |text: Option<&str>| text.map(str::to_owned);
                let parties = (text(document.seller()), text(document.buyer()));
                let number = (document.kind(), text(document.number()), text(document.currency()));
                (number, document.issue_date(), document.due_date(), payable, parties)
            };
            assert_eq!(plain(read), plain(document), "{row}");
            written += 1;
        }
    }
    assert!(written > 90, "only {written} documents");
}

struct Told {
    documents: Vec<Document>,
    findings: Vec<Finding>,
    summary: Summary,
}

impl Told {
    fn of(path: &Path) -> Self {
        Self::of_bytes(&std::fs::read(path).unwrap())
    }

    fn of_bytes(mut bytes: &[u8]) -> Self {
        let (mut documents, mut findings) = (Vec::new(), Vec::new());
        let context = Context { profiles: &[], limits: Limits::default() };
        let summary = read(&mut bytes, &context, &mut |event| {
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
        // The table adds the version of the group; of a file of several sets we name the one that is read.
        let (format, others) = match row["format"].split('-').nth(1).unwrap().split_once('+') {
            Some((read, _)) => (read, 1),
            None => (row["format"].split('-').nth(1).unwrap(), 0),
        };
        same("format", &self.summary.format, format!("x12-{format}"))?;
        // Transaction sets that are not read are not counted as documents of ours, but told as a warning.
        let unread = if row["kind"] == "other" { 1 } else { others };
        same("documents", (self.summary.documents + unread).to_string(), row["documents"])?;
        let unsupported = self.findings.iter().filter(|finding| finding.code.as_str() == "edi_transaction_unsupported");
        same("kinds of unsupported sets", unsupported.count() as u64, unread)?;
        let kind = self.documents.first().map_or("other", |document| match document.kind() {
            "credit_note" => "credit",
            "remittance_advice" => "remittance",
            "acknowledgment" => "ack",
            kind => kind,
        });
        same("kind", kind, row["kind"])?;
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
        let Some(first) = self.documents.first() else { return Ok(()) };
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
        if row["payable_first"].is_empty() {
            return same("payable_first", first.payable(), None::<Decimal>);
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
}

fn same(what: &str, got: impl std::fmt::Debug, expected: impl std::fmt::Debug) -> Result<(), String> {
    let (got, expected) = (format!("{got:?}"), format!("{expected:?}"));
    if got == expected { Ok(()) } else { Err(format!("{what} is {got}, expected {expected}")) }
}
