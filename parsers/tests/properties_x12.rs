//! What holds for every X12 file, good or bad: no panic, an answer, and the same answer however the
//! bytes arrive; and what a stranger's file may cost.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::io::{self, BufRead, BufReader, Read};
use std::ops::ControlFlow;
use std::path::Path;

use proptest::prelude::*;
use waybill_parsers::{Context, Event, Halt, Limits, Location, Reply, Summary, acknowledge, read};

const REPLY: Reply =
    Reply { control: 999_999_999, at: jiff::civil::date(2026, 1, 5).at(9, 0, 0, 0), every_interchange: true };

/// Every fixture of X12.
fn fixtures() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/x12");
    let cases = ["ok", "err"].into_iter().flat_map(|verdict| std::fs::read_dir(folder.join(verdict)).unwrap());
    let mut files: Vec<Vec<u8>> =
        cases.map(|case| std::fs::read(case.unwrap().path().join("input.edi")).unwrap()).collect();
    files.sort();
    assert!(files.len() > 20);
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

/// A document or a finding, documents' ordinals that count from 0, and places that lie inside of the file.
fn assert_answered(bytes: &[u8]) {
    let (events, result) = told(&mut &*bytes, Limits::default());
    assert!(result.is_ok(), "{result:?} of {:?}", String::from_utf8_lossy(bytes));
    assert!(!events.is_empty(), "nothing was said of {:?}", String::from_utf8_lossy(bytes));
    let lines = 1 + bytes.iter().filter(|byte| matches!(byte, b'\r' | b'\n')).count() as u64;
    let inside = |at: &Location| {
        let end = at.byte + u64::from(at.len);
        assert!(end <= bytes.len() as u64 && (1..=lines).contains(&at.line), "{at:?} of {} bytes", bytes.len());
    };
    for event in &events {
        match event {
            Event::Finding(finding) => inside(&finding.location),
            Event::Document(document) => {
                inside(&document.location);
                document.evidence.iter().for_each(|proof| inside(&proof.at));
            }
            Event::Unlisted { .. } => {}
        }
    }
    let _ = acknowledge(result.as_ref().unwrap(), &REPLY);
    let documents = events.iter().filter_map(|event| match event {
        Event::Document(document) => Some(document.ordinal),
        Event::Finding(_) | Event::Unlisted { .. } => None,
    });
    assert!(documents.eq(0..u32::try_from(result.unwrap().documents).unwrap()));
}

#[test]
fn every_prefix_of_a_fixture_is_answered() {
    for file in fixtures() {
        // Of the longest only some: a debug build takes its time, and what they hold stands in shorter ones too.
        let step = 1 + file.len() / 250;
        (0..=file.len()).step_by(step).for_each(|end| assert_answered(&file[..end]));
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
        let segments: Vec<&[u8]> = files.iter().flat_map(|file| file.split_inclusive(|byte| *byte == b'~')).collect();
        let mut file = files[0].split_inclusive(|byte| *byte == b'~').next().unwrap().to_vec();
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

const ISA: &str =
    "ISA*00*          *00*          *ZZ*NORTHWIND      *ZZ*HARBOUR        *260105*0900*U*00401*000000007*0*P*>~";
const GS: &str = "GS*IN*NORTHWIND*HARBOUR*20260105*0900*7*X*004010~";

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
    let start = format!("{ISA}{GS}ST*810*0001~BIG*20260105*NW-1~");
    let limits = Limits::default();
    assert_eq!(halted_by(&format!("{start}NTE*"), "x", 10_000_000, limits), "token_bytes_max");
    assert_eq!(halted_by(&format!("{start}NTE"), "*x", 2_000, limits), "columns_max");
    assert_eq!(halted_by(&start, "IT1*1*1*EA*1~", 60_000, limits), "lines_max");
    assert_eq!(halted_by(&start, "NTE*GEN*x~", 60_000, limits), "lines_max");
    let few = Limits { lines_max: 100, ..limits };
    let set = |kind: &str, body: &str| format!("{ISA}{GS}ST*{kind}*0001~{body}");
    let remittance = set("820", "BPR*C*1*C*ACH~ENT*1~");
    for piece in ["RMR*IV*1**1~", "ADX*1*06~", "RMR*IV*1**1~REF*AB*1~REF*AB*1~REF*AB*1~REF*AB*1~"] {
        assert_eq!(halted_by(&remittance, piece, 2_000, few), "lines_max", "{piece}");
    }
    for piece in ["NTE**x~", "REF*AB*1~"] {
        assert_eq!(halted_by(&set("820", "BPR*C*1*C*ACH~"), piece, 2_000, few), "lines_max", "{piece}");
    }
    assert_eq!(halted_by(&set("997", "AK1*IN*1~"), "AK2*810*1~", 2_000, few), "lines_max");
    assert_eq!(halted_by(&set("997", "AK1*IN*1~AK2*810*1~"), "AK3*N1*1~", 2_000, few), "lines_max");
    assert_eq!(halted_by(&set("824", "BGN*11*1*20260105~"), "OTI*TA*IV*1~", 2_000, few), "lines_max");
    assert_eq!(halted_by(&set("824", "BGN*11*1*20260105~OTI*TR*IV*1~"), "TED*1*x~", 2_000, few), "lines_max");
    assert_eq!(halted_by(&set("812", "BCD*20260105*1*M*1*C~"), "CDD*01*C*1*1~", 2_000, few), "lines_max");
    assert_eq!(halted_by(&set("812", "BCD*20260105*1*M*1*C~"), "N9*IA*1~", 2_000, few), "lines_max");
    let small = Limits { token_bytes_max: 1_000, ..limits };
    assert_eq!(halted_by(&start, "PID*F****a long description of something~", 10_000, small), "token_bytes_max");
}

#[test]
fn ten_million_terminators_are_nothing() {
    let (events, result) = told(&mut endless(&format!("{ISA}{GS}"), "~", 10_000_000), Limits::default());
    assert_eq!((events.len(), result.unwrap().units), (1, 2));
}

#[test]
fn a_document_is_told_before_the_next_is_read() {
    const SET: &str = "ST*810*0001~BIG*20260105*NW-1~IT1*1*1*EA*1.00~TDS*100~SE*5*0001~";
    let mut seen = 0u32;
    let context = Context { profiles: &[], limits: Limits::default() };
    // The input has no end: only the sink can stop this.
    let result = read(&mut endless(&format!("{ISA}{GS}"), SET, u64::MAX), &context, &mut |event| {
        seen += u32::from(matches!(event, Event::Document(_)));
        if seen < 1_000 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    assert!(matches!(result, Err(Halt::Stopped)));
    assert_eq!(seen, 1_000);
}

#[test]
fn a_flood_of_findings_is_counted_and_not_kept() {
    let start = format!("{ISA}{GS}ST*810*0001~BIG*20260105*NW-1~");
    let (events, result) = told(&mut endless(&start, "ZZQ*1~", 50_000), Limits::default());
    let summary = result.unwrap();
    assert_eq!((summary.documents, summary.errors), (1, 50_001));
    let told = events.iter().filter(|event| !matches!(event, Event::Unlisted { .. })).count();
    assert_eq!(told, Limits::default().findings_max + 2);
    assert_eq!(events.len() - told, 50_001 - Limits::default().findings_max);
}
