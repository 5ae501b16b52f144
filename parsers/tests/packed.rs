//! Archives and workbooks: the corpus read as its `expect.tsv` says (skipped, aloud, where there is none), no
//! damage is a panic, and no archive costs more than its limits.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "what tests share stands outside of a #[test]"
)]

use std::fs;
use std::io::{BufReader, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use rust_decimal::Decimal;
use waybill_parsers::canonical::{Body, Document};
use waybill_parsers::{Context, Event, Finding, Limits, Summary, profile, read};

/// All that is told, and how it ended.
fn told(bytes: &[u8], piece: usize, limits: Limits) -> (Vec<Event>, Result<Summary, String>) {
    let mut events = Vec::new();
    let context = Context { profiles: profile::built_in(), limits };
    let result = read(&mut BufReader::with_capacity(piece, bytes), &context, &mut |event| {
        events.push(event);
        ControlFlow::Continue(())
    });
    (events, result.map_err(|halt| halt.to_string()))
}

fn findings(events: &[Event]) -> Vec<&Finding> {
    events
        .iter()
        .filter_map(|event| if let Event::Finding(finding) = event { Some(&**finding) } else { None })
        .collect()
}

fn documents(events: &[Event]) -> Vec<&Document> {
    events
        .iter()
        .filter_map(|event| if let Event::Document(document) = event { Some(&**document) } else { None })
        .collect()
}

fn corpus() -> Option<PathBuf> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    if corpus.join("expect.tsv").is_file() {
        return Some(corpus);
    }
    println!("skipped: no corpus at {}", corpus.display());
    None
}

/// The corpus' name of a fault, as we say it.
fn says(finding: &Finding, code: &str) -> bool {
    match code {
        "EMPTY" => finding.code.as_str() == "empty_file",
        "UNRECOGNISED" => finding.code.as_str() == "unknown_format",
        rule => finding.rule == Some(rule),
    }
}

#[test]
fn every_archive_of_the_corpus_reads_as_expected() {
    let Some(corpus) = corpus() else { return };
    let table = fs::read_to_string(corpus.join("expect.tsv")).unwrap();
    let mut seen = 0;
    for row in table.lines().skip(1).map(|row| row.split('\t').collect::<Vec<_>>()) {
        let [path, format, _, count, number, currency, first, sum, validity, codes, ..] = row.as_slice() else {
            panic!("a short row: {row:?}")
        };
        if !["archive", "pgp"].contains(format) {
            continue;
        }
        seen += 1;
        let (events, summary) = told(&fs::read(corpus.join(path)).unwrap(), 8192, Limits::default());
        let (findings, documents) = (findings(&events), documents(&events));
        assert_eq!(documents.len().to_string(), *count, "{path}: {findings:?}");
        assert_eq!(summary.unwrap().documents.to_string(), *count, "{path}");
        if *validity == "invalid" {
            assert!(findings.iter().any(|finding| says(finding, codes)), "{path}: {findings:?}");
            continue;
        }
        assert!(findings.is_empty(), "{path}: {findings:?}");
        assert_eq!(documents[0].number(), Some(*number), "{path}");
        assert_eq!(documents[0].currency(), Some(*currency), "{path}");
        // The corpus lets a credit note lower the sum of a table, and raise that of an X12 file.
        let balance = |document: &&Document| match &document.body {
            Body::Invoice(invoice) if document.format == "csv" => invoice.signed_payable().unwrap(),
            Body::Invoice(invoice) => invoice.totals.payable.unwrap(),
            body => panic!("{path}: {body:?}"),
        };
        assert_eq!(balance(&documents[0]).to_string(), *first, "{path}");
        assert_eq!(documents.iter().map(balance).sum::<Decimal>().to_string(), *sum, "{path}");
        for (index, document) in documents.iter().enumerate() {
            assert_eq!(document.ordinal as usize, index, "{path}");
        }
    }
    assert_eq!(seen, 12);
}

/// The fixtures of archives and workbooks.
static FIXTURES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures");
    let mut found = Vec::new();
    for folder in ["archive/ok", "archive/err", "xlsx/ok", "xlsx/err"] {
        for case in fs::read_dir(root.join(folder)).unwrap() {
            let inputs = fs::read_dir(case.unwrap().path()).unwrap().map(|entry| entry.unwrap().path());
            found.extend(inputs.filter(|path| path.file_stem().is_some_and(|stem| stem == "input")));
        }
    }
    found.sort();
    assert!(found.len() > 15);
    found.iter().map(|path| fs::read(path).unwrap()).collect()
});

#[test]
fn every_prefix_is_read_without_a_panic() {
    for bytes in FIXTURES.iter() {
        for end in (0..bytes.len()).step_by(7) {
            told(&bytes[..end], 64, Limits::default()).1.unwrap();
        }
    }
}

#[test]
fn reading_in_pieces_is_reading() {
    for bytes in FIXTURES.iter() {
        let whole = told(bytes, bytes.len().max(1), Limits::default());
        for piece in [1, 3, 100] {
            assert!(told(bytes, piece, Limits::default()) == whole, "pieces of {piece}");
        }
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A table of so many invoices.
fn table(invoices: usize) -> Vec<u8> {
    let mut text = "invoice_number,invoice_date,currency,invoice_amount,vendor_name\n".to_owned();
    for number in 0..invoices {
        // Unlike the row before, so that it packs like a real one.
        let noise = number.wrapping_mul(2_654_435_761) % 1_000_003;
        text += &format!("R-{number},2026-02-03,USD,{noise}.07,Ash {} & Sons {noise:x}\n", noise % 977);
    }
    text.into_bytes()
}

#[test]
fn a_drop_of_many_megabytes_streams_out_of_its_gzip() {
    let table = table(150_000);
    assert!(table.len() > 6 * 1024 * 1024);
    let (events, summary) = told(&gzip(&table), 8192, Limits::default());
    assert_eq!(summary.unwrap().documents, 150_000);
    assert!(findings(&events).is_empty());
}

#[test]
fn what_was_read_before_the_damage_of_a_long_drop_is_told_with_a_warning_of_it() {
    let mut packed = gzip(&table(150_000));
    let at = packed.len() - 4000;
    packed.truncate(at);
    let (events, summary) = told(&packed, 8192, Limits::default());
    assert!(summary.unwrap().documents > 100_000);
    let last = findings(&events).pop().unwrap();
    assert_eq!(last.rule, Some("ARCHIVE-CORRUPT"));
    assert!(last.message.contains("what was read before that may be wrong"), "{}", last.message);
}

#[test]
fn each_limit_of_archives_is_kept() {
    let packed = gzip(&table(20_000));
    let size = Limits { inflated_bytes_max: 10_000, ..Limits::default() };
    assert_eq!(findings(&told(&packed, 8192, size).0).first().unwrap().rule, Some("ARCHIVE-SIZE"));
    let ratio = Limits { inflate_ratio_max: 1, ..Limits::default() };
    assert_eq!(findings(&told(&packed, 8192, ratio).0).first().unwrap().rule, Some("ARCHIVE-RATIO"));
    let depth = Limits { archive_depth_max: 0, ..Limits::default() };
    assert_eq!(findings(&told(&packed, 8192, depth).0).first().unwrap().rule, Some("ARCHIVE-DEPTH"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures");
    let zip = fs::read(root.join("archive/ok/zip-with-folders-and-gzip/input.zip")).unwrap();
    let members = Limits { archive_members_max: 1, ..Limits::default() };
    assert_eq!(findings(&told(&zip, 8192, members).0).first().unwrap().rule, Some("ARCHIVE-MEMBERS"));
    let bytes = Limits { archive_bytes_max: 100, ..Limits::default() };
    assert_eq!(findings(&told(&zip, 8192, bytes).0).first().unwrap().rule, Some("ARCHIVE-SIZE"));
    let book = fs::read(root.join("xlsx/ok/dates-numbers-shared-texts/input.xlsx")).unwrap();
    let book_bytes = Limits { workbook_bytes_max: 500, ..Limits::default() };
    assert_eq!(findings(&told(&book, 8192, book_bytes).0).first().unwrap().rule, Some("ARCHIVE-SIZE"));
    let columns = Limits { columns_max: 5, ..Limits::default() };
    assert!(told(&book, 8192, columns).1.unwrap_err().starts_with("number of columns is over the limit of 5"));
}

proptest! {
    #[test]
    fn damage_is_never_a_panic(case in 0_usize..100, places in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..4)) {
        let mut bytes = FIXTURES[case % FIXTURES.len()].clone();
        for (place, byte) in places {
            let length = bytes.len();
            bytes[place % length] = byte;
        }
        let (events, summary) = told(&bytes, 64, Limits::default());
        if let Ok(summary) = summary {
            prop_assert_eq!(summary.documents as usize, documents(&events).len());
        }
    }
}
