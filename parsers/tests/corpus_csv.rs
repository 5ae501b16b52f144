//! The tables of the shared corpus read as its `expect.tsv` says. Skipped, aloud, where there is no corpus.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "what tests share stands outside of a #[test]"
)]

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use waybill_parsers::canonical::{Body, Document};
use waybill_parsers::{Context, Event, Finding, Limits, Severity, Summary, profile, read};

struct Told {
    documents: Vec<Document>,
    findings: Vec<Finding>,
    summary: Summary,
}

fn told(path: &Path) -> Told {
    let bytes = fs::read(path).unwrap();
    let (mut documents, mut findings) = (Vec::new(), Vec::new());
    let context = Context { profiles: profile::built_in(), limits: Limits::default() };
    let summary = read(&mut bytes.as_slice(), &context, &mut |event| {
        match event {
            Event::Document(document) => documents.push(*document),
            Event::Finding(finding) => findings.push(*finding),
            Event::Unlisted { .. } => panic!("more findings than are listed"),
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    Told { documents, findings, summary }
}

fn corpus() -> Option<PathBuf> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    if corpus.join("expect.tsv").is_file() {
        return Some(corpus);
    }
    println!("skipped: no corpus at {}", corpus.display());
    None
}

/// The rows of `expect.tsv`, by column.
fn rows(corpus: &Path) -> Vec<Vec<String>> {
    let table = fs::read_to_string(corpus.join("expect.tsv")).unwrap();
    table.lines().skip(1).map(|row| row.split('\t').map(str::to_owned).collect()).collect()
}

/// A credit note lowers the sum, as the corpus counts.
fn balance(document: &Document) -> String {
    match &document.body {
        Body::Invoice(invoice) => invoice.signed_payable().unwrap().to_string(),
        _ => document.payable().unwrap().to_string(),
    }
}

#[test]
fn every_table_of_the_corpus_reads_as_expected() {
    let Some(corpus) = corpus() else { return };
    let mut seen = 0;
    for row in rows(&corpus) {
        let [path, format, kind, documents, number, currency, first, sum, validity, codes, ..] = row.as_slice() else {
            panic!("a short row: {row:?}")
        };
        if !FORMATS.contains(&format.as_str()) {
            continue;
        }
        seen += 1;
        let told = told(&corpus.join(path));
        let errors: Vec<&Finding> =
            told.findings.iter().filter(|finding| finding.severity == Severity::Error).collect();
        assert_eq!(told.summary.errors, errors.len() as u64, "{path}");
        if validity == "valid" {
            assert!(told.findings.is_empty(), "{path}: {:?}", told.findings);
        } else {
            let named = |code: &str| errors.iter().any(|error| error.rule == Some(code) || error.code.as_str() == code);
            assert!(codes.split(',').all(named), "{path}: {errors:?}");
        }
        // `other` says only that the file is bad; the documents before the bad row are read all the same.
        if kind == "other" {
            continue;
        }
        assert_eq!(told.documents.len().to_string(), *documents, "{path}");
        assert_eq!(told.documents[0].number(), Some(number.as_str()), "{path}");
        assert_eq!(told.documents[0].currency(), Some(currency.as_str()), "{path}");
        assert_eq!(balance(&told.documents[0]), *first, "{path}");
        let total: rust_decimal::Decimal =
            told.documents.iter().map(|one| balance(one).parse::<rust_decimal::Decimal>().unwrap()).sum();
        assert_eq!(total.to_string(), *sum, "{path}");
        let profile = match (format.as_str(), kind.as_str()) {
            ("flat-delimited", _) => "waybill-records",
            ("fixed-width", _) => "waybill-fixed",
            (_, "remittance") => "waybill-remittances",
            _ if path.contains("quickbooks") => "quickbooks-bills",
            _ => "waybill-invoices",
        };
        assert_eq!(told.summary.profile.as_deref(), Some(profile), "{path}");
    }
    assert_eq!(seen, 14);
}

/// The formats of `expect.tsv` that profiles describe.
const FORMATS: [&str; 3] = ["csv", "flat-delimited", "fixed-width"];

#[test]
fn a_truncated_table_keeps_the_documents_before_the_cut() {
    let Some(corpus) = corpus() else { return };
    let told = told(&corpus.join("own-csv/s11_neg_unclosed_quote.csv"));
    assert_eq!(told.documents.len(), 2);
    assert_eq!(told.summary.errors, 1);
}

#[test]
fn no_other_file_of_the_corpus_becomes_a_table_of_documents() {
    let Some(corpus) = corpus() else { return };
    for row in rows(&corpus) {
        let (path, format) = (&row[0], &row[1]);
        // Archives have a test of their own, with what is in them.
        if FORMATS.contains(&format.as_str()) || format == "archive" {
            continue;
        }
        let told = told(&corpus.join(path));
        assert!(!["csv", "fixed-width", "xlsx"].contains(&told.summary.format.as_str()), "{path}");
        assert!(told.documents.iter().all(|document| document.format != "csv"), "{path}");
    }
}

#[test]
fn a_trailer_that_miscounts_is_said_at_its_cell() {
    let Some(corpus) = corpus() else { return };
    let told = told(&corpus.join("own-csv/s05_neg_control_total.txt"));
    let [finding] = told.findings.as_slice() else { panic!("{:?}", told.findings) };
    assert_eq!((finding.rule, finding.location.line), (Some("CONTROL-TOTAL"), 19));
    assert_eq!(finding.location.path, "row 19/T/control_total");
    assert_eq!(finding.value.as_deref(), Some("146708.12"));
}

#[test]
fn a_profile_proposed_for_a_table_of_the_corpus_reads_it_as_expected() {
    let Some(corpus) = corpus() else { return };
    let mut seen = 0;
    for row in rows(&corpus) {
        let [path, format, _, documents, number, currency, ..] = row.as_slice() else { panic!("a short row: {row:?}") };
        if format != "csv" || row[8] != "valid" {
            continue;
        }
        seen += 1;
        let bytes = fs::read(corpus.join(path)).unwrap();
        let guess = profile::guess(&bytes, path);
        assert!(guess.questions.is_empty(), "{path}: {guess}");
        let proposed = profile::Profile::from_toml(&guess.to_toml()).unwrap_or_else(|error| panic!("{error}\n{guess}"));
        let mut told = Vec::new();
        let context = Context { profiles: &[proposed], limits: Limits::default() };
        let summary = read(&mut bytes.as_slice(), &context, &mut |event| {
            match event {
                Event::Document(document) => told.push(*document),
                event => panic!("{path}: {event:?}\n{guess}"),
            }
            ControlFlow::Continue(())
        })
        .unwrap();
        assert_eq!(summary.documents.to_string(), *documents, "{path}: {guess}");
        assert_eq!(told[0].number(), Some(number.as_str()), "{path}: {guess}");
        assert_eq!(told[0].currency(), Some(currency.as_str()), "{path}: {guess}");
    }
    assert_eq!(seen, 7);
}
