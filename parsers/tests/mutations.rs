//! Whatever happens to a file on its way, it is read without a panic, in bounded memory and time, and
//! every place that is named lies inside of it.
//!
//! Every fixture, and every file of the shared corpus where there is one, is broken in ways that are
//! drawn from a seed: bytes flipped, ends cut off, blocks moved or doubled, numbers changed, delimiters
//! swapped. `WAYBILL_MUTATIONS=20000 cargo test --release --test mutations -- --nocapture` is the long run
//! and prints its figures; `WAYBILL_MUTATION=17` breaks one again.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "what tests share stands outside of a #[test]"
)]

use std::fs;
use std::io::BufReader;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use waybill_parsers::{Context, Event, Limits, Location, Profile, profile, read};

/// So many of them in an ordinary run of the tests.
const FEW: usize = 1_500;

/// The most that reading any of them may ever have taken.
const PEAK_BYTES_MAX: u64 = 256 << 20;
const TIME_MAX_PER_MIB: Duration = Duration::from_secs(2);

/// A file as it was before it is broken.
struct Whole {
    path: PathBuf,
    bytes: Vec<u8>,
    /// The only profile, where it brings its own.
    profile: Option<Profile>,
}

#[test]
fn a_broken_file_is_read_without_a_panic_and_every_place_lies_inside_of_it() {
    let files = files();
    assert!(files.len() > 100, "fixtures are missing");
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<usize>().unwrap());
    let (first, count) = match (number("WAYBILL_MUTATION"), number("WAYBILL_MUTATIONS")) {
        (Some(one), _) => (one, 1),
        (None, many) => (0, many.unwrap_or(FEW)),
    };
    let is_timed = number("WAYBILL_MUTATIONS").is_some();
    let start = Instant::now();
    let (mut bytes, mut slowest, mut faults) = (0, Duration::ZERO, Vec::new());
    for case in first..first + count {
        let whole = &files[case % files.len()];
        let broken = broken(&whole.bytes, case as u64);
        let began = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| misplaced(&broken, whole.profile.as_ref())));
        let time = began.elapsed();
        let named = || format!("WAYBILL_MUTATION={case}, of {}", whole.path.display());
        match outcome {
            Err(_) => faults.push(format!("{} panics", named())),
            Ok(Some(place)) => faults.push(format!("{} ({} bytes) names {place:?}", named(), broken.len())),
            Ok(None) => {}
        }
        // Below a quarter of a MiB half a second is for a busy machine.
        let mebibytes = f64::max(broken.len() as f64 / f64::from(1 << 20), 0.25);
        if is_timed && time > TIME_MAX_PER_MIB.mul_f64(mebibytes) {
            faults.push(format!("{} ({} bytes) takes {time:?}", named(), broken.len()));
        }
        bytes += broken.len();
        slowest = slowest.max(time);
    }
    println!(
        "{count} broken files of {}, {bytes} bytes, in {:?}; the slowest took {slowest:?}",
        files.len(),
        start.elapsed()
    );
    if let Some(peak) = peak_bytes() {
        println!("peak memory {} MiB", peak >> 20);
        if peak >= PEAK_BYTES_MAX {
            faults.push(format!("memory came to {peak} bytes"));
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// Reads it; the first place told that is not in it.
fn misplaced(bytes: &[u8], profile: Option<&Profile>) -> Option<Location> {
    let profiles = match profile {
        Some(profile) => std::slice::from_ref(profile),
        None => profile::built_in(),
    };
    let context = Context { profiles, limits: Limits::default() };
    let end = bytes.len() as u64;
    let lines = 1 + bytes.iter().filter(|byte| matches!(byte, b'\r' | b'\n')).count() as u64;
    // Of an archive or a PDF, places are those inside of the file that was unpacked.
    let head = &bytes[..bytes.len().min(1024)];
    let is_packed =
        head.starts_with(b"PK") || head.starts_with(&[0x1f, 0x8b]) || head.windows(5).any(|w| w == b"%PDF-");
    let mut outside = None;
    let mut look = |place: &Location| {
        let inside = place.byte <= end && place.byte + u64::from(place.len) <= end && (1..=lines).contains(&place.line);
        if !inside && !is_packed && outside.is_none() {
            outside = Some(place.clone());
        }
    };
    // A halt is an answer too: the sender's file passed a limit.
    let _ = read(&mut BufReader::new(bytes), &context, &mut |event| {
        match event {
            Event::Document(document) => {
                look(&document.location);
                document.evidence.iter().for_each(|evidence| look(&evidence.at));
            }
            Event::Finding(finding) => look(&finding.location),
            Event::Unlisted { .. } => {}
        }
        ControlFlow::Continue(())
    });
    outside
}

/// The same file after up to three mishaps.
fn broken(whole: &[u8], seed: u64) -> Vec<u8> {
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let mut bytes = whole.to_vec();
    for _ in 0..=random.below(3) {
        if bytes.is_empty() {
            break;
        }
        let at = random.below(bytes.len());
        let length = 1 + random.below((bytes.len() - at).min(400));
        match random.below(9) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => (0..20).for_each(|_| {
                let at = random.below(bytes.len());
                bytes[at] = u8::try_from(random.below(256)).unwrap();
            }),
            2 => bytes.truncate(at),
            3 => drop(bytes.drain(at..at + length)),
            4 => {
                let block: Vec<u8> = bytes.drain(at..at + length).collect();
                let to = random.below(bytes.len() + 1);
                bytes.splice(to..to, block);
            }
            5 => {
                let block = bytes[at..at + length].to_vec();
                (0..=random.below(30)).for_each(|_| drop(bytes.splice(at..at, block.iter().copied())));
            }
            6 => change_number(&mut bytes, at, &mut random),
            7 => swap_delimiters(&mut bytes, &mut random),
            _ => {
                let run = vec![bytes[at]; 1 + random.below(5_000)];
                bytes.splice(at..at, run);
            }
        }
    }
    bytes
}

/// The next number gets another length or value: counts, control numbers, amounts.
fn change_number(bytes: &mut Vec<u8>, from: usize, random: &mut Random) {
    let Some(start) = (from..bytes.len()).find(|at| bytes[*at].is_ascii_digit()) else { return };
    let end = (start..bytes.len()).find(|at| !bytes[*at].is_ascii_digit()).unwrap_or(bytes.len());
    let numbers: [&[u8]; 8] =
        [b"", b"0", b"-1", b"99999999999999999999999999999999", b"1.5", b"1e9", b"0000000000000000000000000001", b"7"];
    bytes.splice(start..end, numbers[random.below(numbers.len())].iter().copied());
}

/// One delimiter becomes another, everywhere or behind some place.
fn swap_delimiters(bytes: &mut [u8], random: &mut Random) {
    const DELIMITERS: &[u8] = b"*~:'+?>^|,;\t\"\n\r<=&/\x1c\x1d\0";
    let (one, other) = (DELIMITERS[random.below(DELIMITERS.len())], DELIMITERS[random.below(DELIMITERS.len())]);
    let from = if random.below(2) == 0 { 0 } else { random.below(bytes.len()) };
    for byte in &mut bytes[from..] {
        if *byte == one {
            *byte = other;
        }
    }
}

/// Every fixture's input, and the corpus, aloud where there is none.
fn files() -> Vec<Whole> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for format in inside(&root.join("../fixtures")).filter(|path| path.is_dir()) {
        for case in inside(&format).flat_map(|verdict| inside(&verdict).collect::<Vec<_>>()) {
            let profile = fs::read_to_string(case.join("profile.toml")).ok();
            let profile = profile.map(|text| Profile::from_toml(&text).unwrap());
            let inputs = inside(&case).filter(|path| path.file_stem().is_some_and(|stem| stem == "input"));
            files.extend(inputs.map(|path| Whole { bytes: fs::read(&path).unwrap(), path, profile: profile.clone() }));
        }
    }
    let corpus = root.join("../../shared/corpus");
    if corpus.is_dir() {
        let mut folders = vec![corpus];
        while let Some(folder) = folders.pop() {
            for path in inside(&folder) {
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.push(Whole { bytes: fs::read(&path).unwrap(), path, profile: None });
                }
            }
        }
    } else {
        println!("skipped: no corpus at {}", corpus.display());
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    // In another order than by format, so that a short run meets them all.
    let mut random = Random(7);
    for last in (1..files.len()).rev() {
        files.swap(last, random.below(last + 1));
    }
    files
}

fn inside(folder: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path())
}

/// The most memory this process has held, where the system tells.
fn peak_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
}

/// Vigna's xorshift64*: the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).unwrap() % end
    }
}
