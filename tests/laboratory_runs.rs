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
use self::laboratory::kills::{self, Outcome, Plan};

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
                let plan = Plan {
                    store,
                    cycles,
                    seed: command.seed,
                    settings: &[],
                    crash_points: &[],
                    look_every: 100,
                    pauses: store == Store::Shared,
                };
                told(&format!("kills, {store:?}"), || kills::run(&plan))
            })
            .sum(),
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

fn crash_points(hits: usize, store: Option<&str>, seed: u64) -> usize {
    let mut broken = 0;
    for store in stores(store) {
        for point in CRASH_POINTS {
            let plan = Plan {
                store,
                cycles: hits + hits / 2,
                seed,
                // Small batches, so that a file is read in several; orphans are looked for all the time.
                settings: &[
                    ("WAYBILL_INGEST_BATCH_ROWS", "1"),
                    ("WAYBILL_LAND_ORPHANS_EVERY", "50 ms"),
                    ("WAYBILL_LAND_ORPHANS_AFTER", "100 ms"),
                ],
                crash_points: &[point],
                look_every: 1_000,
                pauses: false,
            };
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
const FAULTS: [(&str, Store); 7] = [
    ("ack before commit", Store::Embedded),
    ("commit before object", Store::Embedded),
    ("no unique content", Store::Embedded),
    ("close on drop", Store::Embedded),
    ("no fence", Store::Shared),
    ("collection without tombstone", Store::Embedded),
    ("ack on unknown commit", Store::Shared),
];

fn prove(cycles: usize, only: Option<&str>, seed: u64) -> usize {
    let mut missed = 0;
    for (fault, store) in FAULTS.into_iter().filter(|(fault, _)| only.is_none_or(|only| only == *fault)) {
        let plan = Plan {
            store,
            cycles,
            seed,
            settings: match fault {
                // What is collected is what lies there, however short: a commit and a collection have to meet.
                "collection without tombstone" => &[
                    ("WAYBILL_TEST_PLANT", fault),
                    ("WAYBILL_LAND_ORPHANS_EVERY", "30 ms"),
                    ("WAYBILL_LAND_ORPHANS_AFTER", "0 s"),
                ],
                _ => &[("WAYBILL_TEST_PLANT", fault)] as &[(&str, &str)],
            },
            crash_points: &[],
            look_every: 5,
            pauses: store == Store::Shared,
        };
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
