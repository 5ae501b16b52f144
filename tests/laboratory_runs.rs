//! The fault laboratory, a command for each kind of fault: `scripts/laboratory --help`. It is no part of the test
//! command, which has kill loops of its own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    dead_code,
    reason = "a laboratory may end at the first surprise, and needs a part of the harness only"
)]

mod house;
mod laboratory;
mod openssh;
mod postgres;
mod s3_server;

use std::time::Instant;

use clap::{Parser, Subcommand};

use self::laboratory::Store;
use self::laboratory::kills::{self, Outcome, Plan, Trouble};

/// Kills, cuts off and lies to real daemons, and counts the promises they break
#[derive(Parser)]
struct Command {
    #[command(subcommand)]
    run: Run,
    /// The same seed, the same choices
    #[arg(long, global = true, default_value_t = 1)]
    seed: u64,
}

#[derive(Subcommand)]
enum Run {
    /// Kills at random moments: one daemon on SQLite, then two on PostgreSQL and a bucket
    Kills {
        #[arg(long, default_value_t = 1_000)]
        cycles: usize,
        /// `embedded` or `shared`; both if left out
        #[arg(long)]
        store: Option<String>,
    },
    /// A proxy before the bucket that fails, is late, hangs up, or does what it is asked and denies it
    Bucket {
        /// How many requests are lied about, at least
        #[arg(long, default_value_t = 10_000)]
        faults: usize,
    },
    /// PostgreSQL crashes and comes back; then its connections are cut
    Database {
        #[arg(long, default_value_t = 100)]
        restarts: usize,
        #[arg(long, default_value_t = 1_000)]
        cuts: usize,
    },
    /// The clock is set by hours, days and years (libfaketime), and daemons are killed
    Clock {
        #[arg(long, default_value_t = 100)]
        cycles: usize,
    },
    /// The power goes, and with it what was not synced (a disk of our own, through FUSE)
    Power {
        #[arg(long, default_value_t = 1_000)]
        cuts: usize,
    },
    /// The disk is full, and there is room again (a small tmpfs)
    FullDisk {
        #[arg(long, default_value_t = 20)]
        times: usize,
    },
    /// Kills at each crash point between two steps
    CrashPoints {
        /// How often each is to be hit
        #[arg(long, default_value_t = 20)]
        hits: usize,
        #[arg(long)]
        store: Option<String>,
    },
    /// Plants faults, and says after how many cycles each is found
    Prove {
        #[arg(long, default_value_t = 100)]
        cycles: usize,
        /// Only this one
        #[arg(long)]
        only: Option<String>,
    },
}

/// The places between two steps of an upload and of its reading, in their order.
const CRASH_POINTS: [&str; 15] = [
    "opening",
    "opened",
    "writing",
    "ended",
    "sealed",
    "storing",
    "stored",
    "committing",
    "committed",
    "cleaned",
    "leased",
    "reading",
    "publishing",
    "published",
    "buried",
];

fn main() {
    let command = Command::parse();
    let broken = match command.run {
        Run::Kills { cycles, store } => stores(store.as_deref())
            .into_iter()
            .map(|store| {
                let trouble = if store == Store::Shared { Trouble::KillsAndPauses } else { Trouble::Kills };
                told(&format!("kills, {store:?}"), || kills::run(&plan(store, cycles, command.seed, &[], trouble)))
            })
            .sum(),
        Run::Bucket { faults } => bucket(faults, command.seed),
        Run::Database { restarts, cuts } => database(restarts, cuts, command.seed),
        Run::Clock { cycles } => clock(cycles, command.seed),
        Run::Power { cuts } => {
            told("power cuts", || kills::run(&plan(Store::Forgetful, cuts, command.seed, &[], Trouble::PowerCuts)))
        }
        Run::FullDisk { times } => {
            told("a full disk", || kills::run(&plan(Store::Small, times, command.seed, &[], Trouble::FullDisk)))
        }
        Run::CrashPoints { hits, store } => crash_points(hits, store.as_deref(), command.seed),
        Run::Prove { cycles, only } => prove(cycles, only.as_deref(), command.seed),
    };
    std::process::exit(i32::from(broken > 0));
}

fn stores(named: Option<&str>) -> Vec<Store> {
    match named {
        Some("embedded") => vec![Store::Embedded],
        Some("shared") => vec![Store::Shared],
        Some(other) => panic!("no such store: {other}"),
        None => vec![Store::Embedded, Store::Shared],
    }
}

/// Runs something, prints what it came to; how many promises it broke.
fn told(what: &str, run: impl FnOnce() -> Outcome) -> usize {
    let began = Instant::now();
    let outcome = run();
    println!("{what}: {} in {} s", outcome.line(), began.elapsed().as_secs());
    for broken in outcome.broken.iter().take(20) {
        println!("  BROKEN {broken}");
    }
    outcome.broken.len()
}

fn plan<'a>(store: Store, cycles: usize, seed: u64, settings: &'a [(&'a str, &'a str)], trouble: Trouble) -> Plan<'a> {
    Plan { store, cycles, seed, settings, trouble, look_every: 100 }
}

fn bucket(faults: usize, seed: u64) -> usize {
    told("a lying bucket", || kills::lied_to(faults, seed))
}

fn database(restarts: usize, cuts: usize, seed: u64) -> usize {
    let crashes = told("PostgreSQL crashes", || kills::without_its_database(restarts, true, seed));
    crashes + told("connections to PostgreSQL are cut", || kills::without_its_database(cuts, false, seed))
}

fn clock(cycles: usize, seed: u64) -> usize {
    let library = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";
    assert!(std::path::Path::new(library).exists(), "libfaketime is missing: apt-get install faketime");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("clock");
    std::fs::write(&file, "+0").expect("a clock");
    let path = file.display().to_string();
    let settings = [("LD_PRELOAD", library), ("FAKETIME_TIMESTAMP_FILE", &path), ("FAKETIME_NO_CACHE", "1")];
    told("steps of the clock", || {
        kills::run(&plan(Store::Embedded, cycles, seed, &settings, Trouble::Clock { file: file.clone() }))
    })
}

fn crash_points(hits: usize, store: Option<&str>, seed: u64) -> usize {
    let mut broken = 0;
    for store in stores(store) {
        for point in CRASH_POINTS {
            // Small batches, so that a file is read in several; orphans are looked for all the time.
            let settings = [
                ("WAYBILL_INGEST_BATCH_ROWS", "1"),
                ("WAYBILL_LAND_ORPHANS_EVERY", "50 ms"),
                ("WAYBILL_LAND_ORPHANS_AFTER", "2 s"),
            ];
            let plan = plan(store, hits + hits / 2, seed, &settings, Trouble::CrashPoint(point));
            broken += told(&format!("crash point {point}, {store:?}"), || {
                let mut outcome = kills::run(&plan);
                if outcome.hits < hits {
                    outcome.broken.push(format!("{point} was hit {} times only", outcome.hits));
                }
                outcome
            });
        }
    }
    broken
}

/// The faults that can be planted, and where each shows.
const FAULTS: [(&str, Store); 8] = [
    ("ack before commit", Store::Embedded),
    ("commit before object", Store::Embedded),
    ("no unique content", Store::Embedded),
    ("close on drop", Store::Embedded),
    ("no fence", Store::Shared),
    ("collection without tombstone", Store::Embedded),
    ("ack on unknown commit", Store::Shared),
    ("missing fsync", Store::Forgetful),
];

fn prove(cycles: usize, only: Option<&str>, seed: u64) -> usize {
    let mut missed = 0;
    for (fault, store) in FAULTS.into_iter().filter(|(fault, _)| only.is_none_or(|only| only == *fault)) {
        let planted = ("WAYBILL_TEST_PLANT", fault);
        // What is collected is what lies there, however short: a commit and a collection have to meet.
        let greedy = [planted, ("WAYBILL_LAND_ORPHANS_EVERY", "30 ms"), ("WAYBILL_LAND_ORPHANS_AFTER", "0 s")];
        let settings = if fault == "collection without tombstone" { &greedy[..] } else { &greedy[..1] };
        let trouble = match (fault, store) {
            ("ack on unknown commit", _) => Trouble::Database { restarts: true },
            (_, Store::Shared) => Trouble::KillsAndPauses,
            (_, Store::Forgetful) => Trouble::PowerCuts,
            (_, Store::Embedded | Store::Small) => Trouble::Kills,
        };
        let plan = Plan { look_every: 5, ..plan(store, cycles, seed, settings, trouble) };
        let outcome = kills::run(&plan);
        match outcome.broken.first() {
            Some(broken) => println!("{fault}: found after {} cycles: {broken}", outcome.cycles),
            None => {
                println!("{fault}: NOT FOUND in {}", outcome.line());
                missed += 1;
            }
        }
    }
    missed
}
