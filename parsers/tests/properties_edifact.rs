//! What holds for every EDIFACT file, good or bad: no panic, an answer, and the same answer however the
//! bytes arrive; and what a stranger's file may cost.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test fails by panicking"
)]

use std::io::{self, BufRead, BufReader, Read};
use std::ops::ControlFlow;
use std::path::Path;

use proptest::prelude::*;
use waybill_parsers::{Context, Event, Halt, Limits, Summary, read};

/// Every fixture of EDIFACT.
fn fixtures() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/edifact");
    let cases = ["ok", "err"].into_iter().flat_map(|verdict| std::fs::read_dir(folder.join(verdict)).unwrap());
    let mut files: Vec<Vec<u8>> =
        cases.map(|case| std::fs::read(case.unwrap().path().join("input.edi")).unwrap()).collect();
    files.sort();
    assert!(files.len() > 15);
    files
}

fn told(input: &mut dyn BufRead, limits: Limits) -> (Vec<Event>, Result<Summary, Halt>) {
    let mut events = Vec::new();
    let context = Context { profiles: &[], limits };
    let result = read(input, &context, &mut |event| {
        events.push(event);
        ControlFlow::Continue(())
    });
    (events, result)
}

/// A document or a finding, and documents' ordinals that count from 0.
fn assert_answered(bytes: &[u8]) {
    let (events, result) = told(&mut &*bytes, Limits::default());
    assert!(result.is_ok(), "{result:?} of {:?}", String::from_utf8_lossy(bytes));
    assert!(!events.is_empty(), "nothing was said of {:?}", String::from_utf8_lossy(bytes));
    let documents = events.iter().filter_map(|event| match event {
        Event::Document(document) => Some(document.ordinal),
        Event::Finding(_) | Event::Unlisted { .. } => None,
    });
    assert!(documents.eq(0..u32::try_from(result.unwrap().documents).unwrap()));
}

#[test]
fn every_prefix_of_a_fixture_is_answered() {
    for file in fixtures() {
        (0..=file.len()).for_each(|end| assert_answered(&file[..end]));
    }
}

/// Hands out a few bytes at a time.
struct Trickle<'a> {
    rest: &'a [u8],
    sizes: std::iter::Cycle<std::vec::IntoIter<usize>>,
}

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = self.sizes.next().unwrap().min(buffer.len()).min(self.rest.len());
        buffer[..size].copy_from_slice(&self.rest[..size]);
        self.rest = &self.rest[size..];
        Ok(size)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_fixture_with_any_byte_changed_is_answered(which in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), byte: u8) {
        let files = fixtures();
        let mut file = files[which.index(files.len())].clone();
        let at = at.index(file.len());
        file[at] = byte;
        assert_answered(&file);
    }

    #[test]
    fn segments_in_any_order_are_answered(order in prop::collection::vec(any::<prop::sample::Index>(), 0..60)) {
        let files = fixtures();
        let segments: Vec<&[u8]> = files.iter().flat_map(|file| file.split_inclusive(|byte| *byte == b'\'')).collect();
        let mut file = files[0].split_inclusive(|byte| *byte == b'\'').next().unwrap().to_vec();
        order.iter().for_each(|index| file.extend_from_slice(segments[index.index(segments.len())]));
        assert_answered(&file);
    }

    #[test]
    fn the_same_bytes_in_other_pieces_are_the_same_file(
        which in any::<prop::sample::Index>(),
        sizes in prop::collection::vec(1usize..40, 1..8),
        capacity in 1usize..100,
    ) {
        let files = fixtures();
        let file = &files[which.index(files.len())];
        let (whole, summary) = told(&mut file.as_slice(), Limits::default());
        let trickle = Trickle { rest: file, sizes: sizes.into_iter().cycle() };
        let (pieces, same) = told(&mut BufReader::with_capacity(capacity, trickle), Limits::default());
        prop_assert_eq!(whole, pieces);
        prop_assert_eq!(summary.unwrap(), same.unwrap());
    }
}

const UNB: &str = "UNB+UNOC:3+NORTHWIND+HARBOUR+260412:1030+7'";

/// A head, and a piece repeated without end, as a reader that holds none of it.
fn endless(head: &str, piece: &'static str, times: u64) -> BufReader<impl Read> {
    struct Repeat {
        piece: &'static [u8],
        left: u64,
        rest: &'static [u8],
    }
    impl Read for Repeat {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let mut written = 0;
            while written < buffer.len() {
                if self.rest.is_empty() {
                    if self.left == 0 {
                        break;
                    }
                    self.left -= 1;
                    self.rest = self.piece;
                }
                let count = self.rest.len().min(buffer.len() - written);
                buffer[written..written + count].copy_from_slice(&self.rest[..count]);
                self.rest = &self.rest[count..];
                written += count;
            }
            Ok(written)
        }
    }
    let head = io::Cursor::new(head.as_bytes().to_vec());
    BufReader::new(head.chain(Repeat { piece: piece.as_bytes(), left: times, rest: b"" }))
}

fn halted_by(head: &str, piece: &'static str, times: u64, limits: Limits) -> &'static str {
    match told(&mut endless(head, piece, times), limits).1 {
        Err(Halt::Limit(limit)) => limit.setting,
        other => panic!("not halted by a limit: {other:?}"),
    }
}

#[test]
fn each_limit_halts_what_passes_it() {
    let start = format!("{UNB}UNH+1+INVOIC:D:96A:UN'BGM+380+NW-1+9'");
    let limits = Limits::default();
    assert_eq!(halted_by(&format!("{start}FTX+AAI+++"), "x", 10_000_000, limits), "token_bytes_max");
    assert_eq!(halted_by(&format!("{start}FTX"), "+x", 2_000, limits), "columns_max");
    assert_eq!(halted_by(&format!("{start}FTX"), ":", 2_000, limits), "columns_max");
    assert_eq!(halted_by(&start, "LIN+1'", 60_000, limits), "lines_max");
    let few = Limits { lines_max: 500, ..limits };
    for piece in ["FTX+AAI+++x'", "RFF+ZZ:1'", "NAD+BY+1'", "ALC+A'MOA+8:1'", "LIN+1'", "PAT+22'PCD+12:1'", "EFI+a'"] {
        assert_eq!(halted_by(&start, piece, 6_000, few), "lines_max", "{piece}");
    }
    for (message, piece) in [("REMADV", "DOC+380+1'"), ("REMADV", "AJT+1'"), ("CONTRL", "UCM+1'"), ("APERAK", "ERC+1'")]
    {
        let start = format!("{UNB}UNH+1+{message}:D:96A:UN'DOC+380'");
        assert_eq!(halted_by(&start, piece, 6_000, few), "lines_max", "{piece}");
    }
    let small = Limits { token_bytes_max: 1_000, ..limits };
    assert_eq!(halted_by(&start, "IMD+F++:::a long description of something'", 10_000, small), "token_bytes_max");
}

#[test]
fn ten_million_terminators_are_nothing() {
    let (events, result) = told(&mut endless(UNB, "'", 10_000_000), Limits::default());
    assert_eq!((events.len(), result.unwrap().units), (1, 1));
}

#[test]
fn a_document_is_told_before_the_next_is_read() {
    const MESSAGE: &str =
        "UNH+1+INVOIC:D:96A:UN'BGM+380+NW-1+9'LIN+1'QTY+47:1'MOA+203:1.00'PRI+AAA:1.00'UNS+S'MOA+77:1.00'UNT+9+1'";
    let mut seen = 0u32;
    let context = Context { profiles: &[], limits: Limits::default() };
    // The input has no end: only the sink can stop this.
    let result = read(&mut endless(UNB, MESSAGE, u64::MAX), &context, &mut |event| {
        seen += u32::from(matches!(event, Event::Document(_)));
        if seen < 1_000 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    assert!(matches!(result, Err(Halt::Stopped)));
    assert_eq!(seen, 1_000);
}

#[test]
fn a_flood_of_findings_is_counted_and_not_kept() {
    let start = format!("{UNB}UNH+1+INVOIC:D:96A:UN'BGM+380+NW-1+9'");
    let (events, result) = told(&mut endless(&start, "ZZQ+1'", 50_000), Limits::default());
    let summary = result.unwrap();
    assert_eq!((summary.documents, summary.errors), (1, 50_001));
    let told = events.iter().filter(|event| !matches!(event, Event::Unlisted { .. })).count();
    assert_eq!(told, Limits::default().findings_max + 2);
    assert_eq!(events.len() - told, 50_001 - Limits::default().findings_max);
}

/// Every place that is named lies inside of the file, line and all.
fn assert_places_are_inside(bytes: &[u8]) {
    let size = bytes.len() as u64;
    let lines = 1 + bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count() as u64;
    let inside = |location: &waybill_parsers::Location| {
        location.byte + u64::from(location.len) <= size && location.line <= lines
    };
    for event in told(&mut &*bytes, Limits::default()).0 {
        match event {
            Event::Document(document) => {
                assert!(inside(&document.location), "{:?}", document.location);
                for evidence in document.evidence {
                    assert!(inside(&evidence.at), "{evidence:?}");
                    let start = usize::try_from(evidence.at.byte).unwrap();
                    let named = &bytes[start..start + evidence.at.len as usize];
                    let text = String::from_utf8_lossy(named).replace(['\r', '\n'], "");
                    assert!(!named.is_ascii() || text == evidence.raw, "{text} is not {}", evidence.raw);
                }
            }
            Event::Finding(finding) => assert!(inside(&finding.location), "{finding:?}"),
            Event::Unlisted { .. } => {}
        }
    }
}

#[test]
fn every_place_lies_inside_of_the_file() {
    for file in fixtures() {
        assert_places_are_inside(&file);
        let corpus = file.len();
        (0..corpus).step_by(7).for_each(|end| assert_places_are_inside(&file[..end]));
    }
}

#[test]
fn the_corpus_with_any_byte_changed_is_answered() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    let mut mutations = 0u64;
    for folder in ["own-edifact", "cen-en16931-edifact-examples", "staedi-x12-edifact/EDIFACT"] {
        let Ok(entries) = std::fs::read_dir(corpus.join(folder)) else { continue };
        let files = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
        for file in files.filter(|path| path.extension().is_none_or(|extension| extension != "xml")) {
            let bytes = std::fs::read(file).unwrap();
            for round in 0..24u64 {
                // A small generator of our own: the same mutations every time.
                let mut changed = bytes.clone();
                let mut state = (mutations + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ round;
                for _ in 0..=round % 4 {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    let at = usize::try_from(state >> 33).unwrap() % changed.len();
                    changed[at] = u8::try_from(state >> 24 & 0xff).unwrap();
                }
                assert_answered(&changed);
                assert_places_are_inside(&changed);
                mutations += 1;
            }
        }
    }
    if mutations == 0 {
        eprintln!("skipped: {} is not there", corpus.display());
    }
}
