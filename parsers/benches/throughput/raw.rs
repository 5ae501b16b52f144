//! The limit beside each figure: the same bytes only cut into their smallest parts, by the crates our
//! readers stand on, in memory, with nothing checked and nothing kept.

use std::hint::black_box;

use memchr::{memchr, memchr_iter};
use quick_xml::Reader;
use quick_xml::events::Event;

use crate::generate::{Generator, Shape};

/// What the limit of this shape is called.
pub(crate) fn name(shape: Shape) -> &'static str {
    match shape {
        Shape::X12 => "memchr tokenizer",
        Shape::Edifact => "memchr tokenizer, release characters",
        Shape::Ubl | Shape::UblSingles => "quick-xml slice events",
        Shape::Csv => "csv ByteRecord",
    }
}

/// Cuts the block at hand and counts its parts.
pub(crate) fn cut(shape: Shape, made: &Generator) -> u64 {
    match shape {
        Shape::X12 => elements(&made.block),
        Shape::Edifact => released_elements(&made.block),
        Shape::Ubl => events(&made.block),
        Shape::UblSingles => made.places.iter().map(|place| events(&made.block[place.clone()])).sum(),
        Shape::Csv => cells(&made.block),
    }
}

/// Segments, then their elements.
fn elements(block: &[u8]) -> u64 {
    let (mut count, mut start) = (0, 0);
    for end in memchr_iter(b'~', block) {
        let segment = &block[start..end];
        let mut element = 0;
        for separator in memchr_iter(b'*', segment) {
            black_box(&segment[element..separator]);
            element = separator + 1;
            count += 1;
        }
        black_box(&segment[element..]);
        count += 1;
        start = end + 1;
    }
    count
}

/// The same with EDIFACT's delimiters, where `?` before one makes it data.
fn released_elements(block: &[u8]) -> u64 {
    let (mut count, mut start, mut from) = (0, 0, 0);
    while let Some(at) = block.get(from..).and_then(|rest| memchr(b'\'', rest)) {
        let end = from + at;
        from = end + 1;
        if is_released(&block[start..end]) {
            continue;
        }
        let segment = &block[start..end];
        let mut element = 0;
        for separator in memchr_iter(b'+', segment) {
            if !is_released(&segment[element..separator]) {
                black_box(&segment[element..separator]);
                element = separator + 1;
                count += 1;
            }
        }
        black_box(&segment[element..]);
        count += 1;
        start = end + 1;
    }
    count
}

/// Whether an odd number of `?` stands at the end.
fn is_released(before: &[u8]) -> bool {
    before.last() == Some(&b'?') && before.iter().rev().take_while(|byte| **byte == b'?').count() % 2 == 1
}

/// A block of a batch neither begins nor ends with the wrapper: its tags are not matched.
fn events(block: &[u8]) -> u64 {
    let mut reader = Reader::from_reader(block);
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    let mut count = 0;
    loop {
        match reader.read_event().unwrap() {
            Event::Eof => return count,
            event => {
                black_box(&event);
                count += 1;
            }
        }
    }
}

fn cells(block: &[u8]) -> u64 {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(block);
    let mut record = csv::ByteRecord::new();
    let mut count = 0;
    while reader.read_byte_record(&mut record).unwrap() {
        black_box(&record);
        count += record.len() as u64;
    }
    count
}
