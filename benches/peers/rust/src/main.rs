//! Peers in Rust: `peers NAME FILE` prints how many of what, the CPU seconds, the peak in KiB.

use std::fs;
use std::hint::black_box;

use edifact_parser::{EdifactHandler, EdifactStreamParser};
use edifact_primitives::{Control, RawSegment};
use x12_types::util::Parser;
use x12_types::v004010::{_810, Transmission};

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let bytes = fs::read(&words[2]).unwrap();
    let start = cpu_seconds();
    let (count, what) = match words[1].as_str() {
        "edifact-rs" => {
            let of = |bytes| edifact_rs::from_bytes(bytes).map(|segment| drop(black_box(segment.unwrap()))).count();
            (interchanges(&bytes).map(of).sum(), "segments")
        }
        "edifact-rs-reader" => {
            let of = |bytes| edifact_rs::from_reader(bytes).map(|segment| drop(black_box(segment.unwrap()))).count();
            (interchanges(&bytes).map(of).sum(), "segments")
        }
        "edifact-parser" => {
            let mut counter = Counter(0);
            EdifactStreamParser::parse(&bytes, &mut counter).unwrap();
            (counter.0, "segments")
        }
        "x12-types" => (transactions(std::str::from_utf8(&bytes).unwrap()), "transactions"),
        other => panic!("no peer `{other}`"),
    };
    println!("{count} {what} {:.3} {}", cpu_seconds() - start, peak_kib());
}

/// One interchange at a time: it reads one functional group to each.
fn transactions(text: &str) -> usize {
    let mut count = 0;
    let starts: Vec<usize> = text.match_indices("ISA*00*").map(|(at, _)| at).chain([text.len()]).collect();
    for ends in starts.windows(2) {
        let (_, read) = Transmission::<_810>::parse(&text[ends[0]..ends[1]]).unwrap();
        count += read.functional_group.iter().map(|group| group.segments.len()).sum::<usize>();
    }
    count
}

/// One interchange at a time: it takes a second UNA for a segment.
fn interchanges(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let text = std::str::from_utf8(bytes).unwrap();
    let starts: Vec<usize> = text.match_indices("UNA:+.? '").map(|(at, _)| at).chain([text.len()]).collect();
    (1..starts.len()).map(move |next| &bytes[starts[next - 1]..starts[next]])
}

struct Counter(usize);

impl EdifactHandler for Counter {
    fn on_segment(&mut self, segment: &RawSegment) -> Control {
        black_box(segment);
        self.0 += 1;
        Control::Continue
    }
}

fn cpu_seconds() -> f64 {
    let _ = fs::read("/proc/self/stat");
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}

fn peak_kib() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().to_owned()
}
