//! How fast the readers are: bytes of generated files to canonical documents, in megabytes a second of
//! CPU time on one core, beside the raw limit of the same bytes in the same run; and the peak of memory
//! from 1 MB to 1 GiB. `benches/README.md` says how to read and repeat it.
//!
//! The ratio is the figure: both sides of it move together when a neighbour is busy.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::float_arithmetic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark fails by panicking, and its figures are no money"
)]

mod generate;
mod measure;
mod raw;

use std::io::{self, BufRead, Read, Write};
use std::ops::ControlFlow;
use std::process::ExitCode;
use std::time::Duration;

use generate::{Generator, Shape};
use serde_json::json;
use waybill_parsers::{Context, Event, Limits, profile, read};

const USAGE: &str = "\
usage: throughput [--format x12,edifact,ubl,ubl-singles,csv] [--size 1MB,32MB] [--rounds 3] [--json]
       throughput --write FORMAT --size 100MB > FILE
sizes are bytes, or a number with kB, MB, GB, KiB, MiB or GiB";

fn main() -> ExitCode {
    let settings = match Settings::of(std::env::args().skip(1)) {
        Ok(settings) => settings,
        Err(fault) => {
            eprintln!("{fault}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    if let Some(shape) = settings.write {
        write_out(shape, settings.sizes[0]);
        return ExitCode::SUCCESS;
    }
    let figures: Vec<Figures> = (settings.sizes.iter())
        .flat_map(|size| settings.shapes.iter().map(move |shape| (*shape, *size)))
        .map(|(shape, size)| figures(shape, size, settings.rounds))
        .collect();
    if settings.json {
        print_json(&figures)
    } else {
        print_table(&figures)
    }
    ExitCode::SUCCESS
}

struct Settings {
    shapes: Vec<Shape>,
    sizes: Vec<u64>,
    rounds: u32,
    json: bool,
    write: Option<Shape>,
}

impl Settings {
    fn of(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut settings = Self {
            shapes: Shape::ALL.to_vec(),
            sizes: vec![1_000_000, 32_000_000],
            rounds: 3,
            json: false,
            write: None,
        };
        let shape = |name: &str| Shape::named(name).ok_or_else(|| format!("no format `{name}`"));
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} wants a value"));
            match word.as_str() {
                // Cargo says so to every benchmark.
                "--bench" => {}
                "--json" => settings.json = true,
                "--format" => settings.shapes = value()?.split(',').map(shape).collect::<Result<_, _>>()?,
                "--size" => settings.sizes = value()?.split(',').map(bytes_of).collect::<Result<_, _>>()?,
                "--rounds" => settings.rounds = value()?.parse().map_err(|_| "--rounds wants a number".to_owned())?,
                "--write" => settings.write = Some(shape(&value()?)?),
                _ => return Err(format!("`{word}`?")),
            }
        }
        Ok(settings)
    }
}

fn bytes_of(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|char: char| !char.is_ascii_digit());
    let unit: u64 = match &text[digits.len()..] {
        "" | "B" => 1,
        "kB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(format!("`{text}` is no size")),
    };
    digits.parse::<u64>().map(|number| number * unit).map_err(|_| format!("`{text}` is no size"))
}

/// Writes a file, for the peers to read.
fn write_out(shape: Shape, size: u64) {
    let mut generator = Generator::new(shape, size);
    let mut out = io::stdout().lock();
    while generator.next() {
        out.write_all(&generator.block).unwrap();
    }
}

/// What one shape at one size came to; the times are the best of all rounds.
struct Figures {
    shape: Shape,
    bytes: u64,
    documents: u64,
    raw: Duration,
    canonical: Duration,
    /// Peak resident set while reading, and how much of it was there before.
    peak_bytes: u64,
    before_bytes: u64,
}

impl Figures {
    fn megabytes_per_second(&self, time: Duration) -> f64 {
        self.bytes as f64 / 1e6 / time.as_secs_f64()
    }

    fn ratio(&self) -> f64 {
        self.raw.as_secs_f64() / self.canonical.as_secs_f64()
    }
}

/// Measures in turns: the limit, ours, the limit, ours.
fn figures(shape: Shape, size: u64, rounds: u32) -> Figures {
    let mut figures = Figures {
        shape,
        bytes: 0,
        documents: 0,
        raw: Duration::MAX,
        canonical: Duration::MAX,
        peak_bytes: 0,
        before_bytes: u64::MAX,
    };
    for _ in 0..rounds.max(1) {
        figures.raw = figures.raw.min(time_raw(shape, size));
        measure::forget_peak();
        figures.before_bytes = figures.before_bytes.min(measure::resident_bytes());
        let told = match shape {
            Shape::UblSingles => read_singles(size),
            _ => read_whole(shape, size),
        };
        figures.peak_bytes = figures.peak_bytes.max(measure::peak_bytes());
        figures.canonical = figures.canonical.min(told.time);
        assert_eq!(told.documents, told.made, "{}: every document made is read", shape.name());
        assert_eq!(told.findings, 0, "{}: nothing is wrong with what is made: {}", shape.name(), told.first);
        (figures.bytes, figures.documents) = (told.bytes, told.documents);
    }
    figures
}

fn time_raw(shape: Shape, size: u64) -> Duration {
    let mut generator = Generator::new(shape, size);
    let mut time = Duration::ZERO;
    while generator.next() {
        let start = measure::cpu_time();
        assert!(raw::cut(shape, &generator) > 0);
        time += measure::cpu_time() - start;
    }
    time
}

/// What a reading said, counted; the documents themselves are dropped.
#[derive(Default)]
struct Told {
    bytes: u64,
    made: u64,
    documents: u64,
    findings: u64,
    first: String,
    time: Duration,
}

impl Told {
    fn read(&mut self, input: &mut dyn BufRead) {
        let context = Context { profiles: &profile::built_in()[..1], limits: Limits::default() };
        let result = read(input, &context, &mut |event| {
            match event {
                Event::Document(document) => {
                    std::hint::black_box(&document);
                    self.documents += 1;
                }
                Event::Finding(finding) => {
                    if self.findings == 0 {
                        self.first = format!("{finding:?}");
                    }
                    self.findings += 1;
                }
                Event::Unlisted { .. } => self.findings += 1,
            }
            ControlFlow::Continue(())
        });
        result.unwrap();
    }
}

fn read_whole(shape: Shape, size: u64) -> Told {
    let mut told = Told::default();
    let mut feed = Feed { generator: Generator::new(shape, size), at: 0, bytes: 0, making: Duration::ZERO };
    let start = measure::cpu_time();
    told.read(&mut feed);
    told.time = measure::cpu_time() - start - feed.making;
    (told.made, told.bytes) = (feed.generator.documents, feed.bytes);
    told
}

fn read_singles(size: u64) -> Told {
    let mut told = Told::default();
    let mut generator = Generator::new(Shape::UblSingles, size);
    while generator.next() {
        let start = measure::cpu_time();
        for place in &generator.places {
            told.read(&mut &generator.block[place.clone()]);
        }
        told.time += measure::cpu_time() - start;
        told.bytes += generator.block.len() as u64;
    }
    told.made = generator.documents;
    told
}

/// Hands out a file while it is made, and keeps count of the time the making took.
struct Feed {
    generator: Generator,
    at: usize,
    bytes: u64,
    making: Duration,
}

impl BufRead for Feed {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at == self.generator.block.len() {
            let start = measure::cpu_time();
            self.generator.next();
            self.at = 0;
            self.bytes += self.generator.block.len() as u64;
            self.making += measure::cpu_time() - start;
        }
        Ok(&self.generator.block[self.at..])
    }

    fn consume(&mut self, count: usize) {
        self.at += count;
    }
}

impl Read for Feed {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(into)?;
        self.consume(count);
        Ok(count)
    }
}

fn print_table(all: &[Figures]) {
    println!("| format | size | documents | raw limit | MB/s | to canonical MB/s | documents/s | ratio | peak RSS |");
    println!("| --- | ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: |");
    for figures in all {
        println!(
            "| {} | {:.0} MB | {} | {} | {:.0} | {:.0} | {:.0} | {:.0} % | {:.1} MiB |",
            figures.shape.name(),
            figures.bytes as f64 / 1e6,
            figures.documents,
            raw::name(figures.shape),
            figures.megabytes_per_second(figures.raw),
            figures.megabytes_per_second(figures.canonical),
            figures.documents as f64 / figures.canonical.as_secs_f64(),
            100.0 * figures.ratio(),
            figures.peak_bytes as f64 / f64::from(1 << 20),
        );
    }
}

fn print_json(all: &[Figures]) {
    let rows: Vec<serde_json::Value> = (all.iter())
        .map(|figures| {
            json!({
                "format": figures.shape.name(),
                "bytes": figures.bytes,
                "documents": figures.documents,
                "raw_limit": raw::name(figures.shape),
                "raw_cpu_seconds": figures.raw.as_secs_f64(),
                "raw_mb_per_second": figures.megabytes_per_second(figures.raw),
                "canonical_cpu_seconds": figures.canonical.as_secs_f64(),
                "canonical_mb_per_second": figures.megabytes_per_second(figures.canonical),
                "ratio": figures.ratio(),
                "peak_rss_bytes": figures.peak_bytes,
                "rss_before_bytes": figures.before_bytes,
            })
        })
        .collect();
    println!("{}", serde_json::Value::Array(rows));
}
