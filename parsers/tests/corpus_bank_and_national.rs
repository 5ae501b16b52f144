//! The XML files of the shared corpus that are neither UBL nor CII (cXML, IDocs, ISO 20022, FatturaPA,
//! Facturae, CFDI) read as its `expect.tsv` says, but for the differences listed here with their reasons.
//!
//! Without the corpus the test says that it was skipped.

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

use rust_decimal::Decimal;
use waybill_parsers::canonical::{Body, InvoiceKind};
use waybill_parsers::{Context, Document, Event, Finding, Limits, Severity, Summary, read};

/// What differs from the table, and why. `docs/FORMATS.md` says the same.
const DIFFERENT: &[(&str, What, &str)] = &[
    (
        "musterfile_pain.001_Nov2020.xml",
        What::PayableSum("38.00"),
        "an amount is a choice of InstdAmt and EqvtAmt/Amt, and an order in another currency is an order: the eighth \
         transaction (EqvtAmt, 1 CHF) counts",
    ),
    (
        "musterfile_pain.001_Nov2020.xml",
        What::NoCode("CTRLSUM"),
        "ControlSum is the total of all individual amounts irrespective of currencies, equivalent amounts too: 38.00, \
         as the message says",
    ),
    (
        "pain008-musterfile.xml",
        What::Documents(0),
        "a direct debit initiation collects what others owe: it is recognised and refused by name",
    ),
    (
        "facturae-gobl/credit-note.xml",
        What::Turned,
        "the canonical credit note is positive; the evidence keeps the minus that was written",
    ),
];

#[derive(Debug, Clone, Copy)]
enum What {
    PayableSum(&'static str),
    NoCode(&'static str),
    Documents(usize),
    Turned,
}

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

impl Row {
    fn differs(&self) -> impl Iterator<Item = What> {
        DIFFERENT.iter().filter(|(path, ..)| self.path.ends_with(path)).map(|(_, what, _)| *what)
    }
}

#[test]
fn bank_and_national_files_read_as_the_corpus_expects() {
    let Some(rows) = rows() else { return };
    let mut checked = 0;
    let mut faults = Vec::new();
    for row in rows.iter().filter(|row| is_ours(&row.format)) {
        checked += 1;
        let (summary, documents, findings) = read_file(&row.path);
        for fault in differences(row, &summary, &documents, &findings) {
            faults.push(format!("{}: {fault}\n  {findings:#?}", row.path));
        }
    }
    assert!(checked >= 50, "only {checked} files");
    assert!(faults.is_empty(), "{} faults in {checked} files:\n{}", faults.len(), faults.join("\n"));
}

fn differences(row: &Row, summary: &Summary, documents: &[Document], findings: &[Finding]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut same = |what: &str, got: String, want: &str| {
        if got != want {
            faults.push(format!("{what} is {got}, should be {want}"));
        }
    };
    same("format", summary.format.clone(), &row.format);
    let count = row.differs().find_map(|what| if let What::Documents(count) = what { Some(count) } else { None });
    same("documents", documents.len().to_string(), &count.unwrap_or(row.documents).to_string());
    if let Some(first) = documents.first() {
        let kinds: &[&str] = match row.kind.as_str() {
            "invoice" => &["invoice", "credit_note"],
            "credit" => &["credit_note"],
            "payment" => &["payment_order"],
            "remittance" => &["remittance_advice"],
            "statement" => &["statement"],
            // The table knows acknowledgments of EDI only.
            _ => &["acknowledgment"],
        };
        if !kinds.contains(&first.kind()) {
            same("kind", first.kind().to_owned(), kinds[0]);
        }
        same("number", first.number().unwrap_or_default().to_owned(), &row.number);
        same("currency", first.currency().unwrap_or_default().to_owned(), &row.currency);
        let text = |number: Option<Decimal>| number.map(|number| number.normalize().to_string()).unwrap_or_default();
        let normal = |number: &str| text(number.parse().ok());
        let is_turned = row.differs().any(|what| matches!(what, What::Turned));
        let payable =
            |document: &Document| document.payable().map(|payable| if is_turned { -payable } else { payable });
        // An empty cell is no expectation: the table's maker looked at one element only.
        if !row.payable_first.is_empty() {
            same("first payable", text(payable(first)), &normal(&row.payable_first));
            let sum = documents.iter().filter_map(payable).sum();
            let different =
                row.differs().find_map(|what| if let What::PayableSum(sum) = what { Some(sum) } else { None });
            same("sum of payables", text(Some(sum)), &normal(different.unwrap_or(&row.payable_sum)));
        }
    }
    let errors: Vec<_> = findings.iter().filter(|finding| finding.severity == Severity::Error).collect();
    for code in &row.codes {
        let is_said = errors.iter().any(|finding| finding.rule == Some(code.as_str()));
        let is_different = row.differs().any(|what| matches!(what, What::NoCode(other) if other == code));
        if is_said == is_different {
            faults.push(format!("{code} is said: {is_said}"));
        }
    }
    let is_refused = documents.is_empty();
    match row.validity.as_str() {
        "invalid" if errors.is_empty() => faults.push("has no error".to_owned()),
        "valid" if !errors.is_empty() => faults.push(format!("has {} errors", errors.len())),
        // Real files that nobody has judged: what is refused is refused once, and the rest has nothing wrong.
        "na" if errors.len() != usize::from(is_refused) => faults.push(format!("has {} errors", errors.len())),
        _ => {}
    }
    for document in documents {
        faults.extend(evidence_faults(&row.path, document));
    }
    faults
}

/// What the evidence points at is what the evidence says, and no amount goes without.
fn evidence_faults(path: &str, document: &Document) -> Vec<String> {
    let bytes = fs::read(corpus().join(path)).unwrap();
    let mut faults = Vec::new();
    for item in &document.evidence {
        let start = usize::try_from(item.at.byte).unwrap();
        let piece = bytes.get(start..start + item.at.len as usize).unwrap_or_default();
        let line = line_of(&bytes, start);
        let text = String::from_utf8_lossy(piece);
        let is_plain = !text.contains(['<', '&']) && piece.is_ascii();
        if (is_plain && text != item.raw.trim()) || piece.is_empty() || line != item.at.line {
            faults.push(format!("evidence {item:?} points at `{text}` on line {line}"));
        }
    }
    let names: Vec<&str> = match &document.body {
        Body::Invoice(invoice) => {
            assert!(
                invoice.kind == InvoiceKind::Invoice || invoice.totals.payable.is_none_or(|n| !n.is_sign_negative())
            );
            invoice.totals.payable.map(|_| "totals.payable").into_iter().chain(["number"]).collect()
        }
        Body::PaymentOrder(_) | Body::Statement(_) => vec!["amount", "currency"],
        _ => vec!["number"],
    };
    for name in names {
        let is_there = document.number().is_some() || name != "number";
        if is_there && !document.evidence.iter().any(|item| item.field == name) {
            faults.push(format!("there is no evidence for {name}"));
        }
    }
    faults
}

/// A line ends at LF, CR LF, or a lone CR.
fn line_of(bytes: &[u8], start: usize) -> u64 {
    let is_end = |at: usize| bytes[at] == b'\n' || (bytes[at] == b'\r' && bytes.get(at + 1) != Some(&b'\n'));
    1 + (0..start).filter(|at| is_end(*at)).count() as u64
}

fn is_ours(format: &str) -> bool {
    ["cxml-", "sap-idoc-", "iso20022-", "fatturapa", "facturae", "cfdi-"]
        .iter()
        .any(|family| format.starts_with(family))
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus")
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
