//! The loop: senders send, and in every cycle something happens to a daemon or to what it stands on.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::liar::Liar;
use super::{Bench, Chance, Journal, Load, Store, verify};

/// What a run came to.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) cycles: usize,
    pub(crate) tried: usize,
    pub(crate) acknowledged: usize,
    /// What was done to them: kills, pauses, crash points hit, restarts, connections cut, steps of the clock.
    pub(crate) hits: usize,
    pub(crate) broken: Vec<String>,
}

impl Outcome {
    pub(crate) fn line(&self) -> String {
        let Self { cycles, tried, acknowledged, hits, broken } = self;
        format!(
            "{cycles} cycles, {tried} files sent, {acknowledged} acknowledged, {hits} faults, {} broken promises",
            broken.len()
        )
    }
}

/// What happens in a cycle.
#[derive(Debug, Clone)]
pub(crate) enum Trouble {
    /// A daemon is killed at a random moment.
    Kills,
    /// The same, and now and then one is paused for longer than a lease.
    KillsAndPauses,
    /// A daemon ends at this place between two steps.
    CrashPoint(&'static str),
    /// PostgreSQL crashes and comes back, or its connections are cut.
    Database { restarts: bool },
    /// The machine's clock is set, by the file that libfaketime reads; and a daemon is killed.
    Clock { file: PathBuf },
    /// The power goes: a daemon is killed, and its disk forgets what was not synced.
    PowerCuts,
    /// The disk is filled; then there is room again, and now and then the daemon is killed before that.
    FullDisk,
    /// Nothing from here: the trouble is on the wire.
    Wire,
}

/// How a run goes.
#[derive(Debug, Clone)]
pub(crate) struct Plan<'a> {
    pub(crate) store: Store,
    pub(crate) cycles: usize,
    pub(crate) seed: u64,
    pub(crate) settings: &'a [(&'a str, &'a str)],
    pub(crate) trouble: Trouble,
    /// Compare promise and fact every so many cycles, and stop at the first that is broken.
    pub(crate) look_every: usize,
}

/// The setting that names a crash point.
const CRASH: &str = "WAYBILL_TEST_CRASH";

pub(crate) fn run(plan: &Plan<'_>) -> Outcome {
    run_counted(Bench::set_up(plan.store, plan.settings, |address| address), plan, |_| false)
}

/// The same; `enough` hears after each cycle what it did.
pub(crate) fn run_counted(mut bench: Bench, plan: &Plan<'_>, mut enough: impl FnMut(usize) -> bool) -> Outcome {
    let journal = Arc::new(Journal::create(&bench.houses[0].folder().join("journal")));
    let mut chance = Chance::new(plan.seed);
    let count = bench.houses.len();
    let load = Load::start(Arc::clone(&journal), bench.key(), super::bench::LOGIN, count, 4, 6 << 20, plan.seed);
    let mut outcome = Outcome::default();
    for daemon in 0..count {
        load.set_door(daemon, Some(bench.houses[daemon].sftp()));
    }
    for cycle in 0..plan.cycles {
        outcome.cycles += 1;
        let victim = chance.below(count as u64) as usize;
        if !matches!(plan.trouble, Trouble::CrashPoint(_)) {
            promises(&journal, Duration::from_secs(3));
            std::thread::sleep(Duration::from_millis(chance.below(200)));
        }
        let hits = match &plan.trouble {
            Trouble::Kills => restart(&mut bench, &load, victim),
            Trouble::KillsAndPauses if chance.one_in(8) => {
                bench.houses[victim].signal("-STOP");
                std::thread::sleep(Duration::from_millis(1_300));
                bench.houses[victim].signal("-CONT");
                1
            }
            Trouble::KillsAndPauses => restart(&mut bench, &load, victim),
            Trouble::CrashPoint(point) => {
                let hit = crash(&mut bench, &load, victim, &format!("{point}:{}", 1 + chance.below(5)));
                restart(&mut bench, &load, victim);
                hit
            }
            Trouble::Database { restarts: true } => bench.crash_postgres(),
            Trouble::Database { restarts: false } => bench.cut_connections(1 + chance.below(8) as usize),
            Trouble::Clock { file } => {
                // An hour, a day, a year, to and fro.
                let step = [3_600, 86_400, 31_536_000][chance.below(3) as usize];
                let sign = if chance.one_in(2) { '-' } else { '+' };
                std::fs::write(file, format!("{sign}{step}")).unwrap();
                std::thread::sleep(Duration::from_millis(chance.below(300)));
                restart(&mut bench, &load, victim)
            }
            Trouble::PowerCuts => {
                load.set_door(victim, None);
                let cuts = bench.cut_power();
                restart(&mut bench, &load, victim);
                cuts
            }
            Trouble::FullDisk => match fill(&mut bench, &journal, chance.one_in(3)) {
                Ok(()) => {
                    if bench.houses[victim].has_ended() {
                        restart(&mut bench, &load, victim);
                    }
                    if !promises(&journal, Duration::from_secs(20)) {
                        outcome.broken.push("nothing was taken although there was room again".to_owned());
                        break;
                    }
                    1
                }
                Err(broken) => {
                    outcome.broken.push(broken);
                    break;
                }
            },
            Trouble::Wire => 0,
        };
        outcome.hits += hits;
        if enough(hits) {
            break;
        }
        if (cycle + 1) % plan.look_every == 0 {
            outcome.broken = verify_while_quiet(&bench, &journal, &load);
            if !outcome.broken.is_empty() {
                break;
            }
        }
    }
    load.stop();
    if outcome.broken.is_empty() {
        outcome.broken = verify(&bench, &journal);
    }
    outcome.tried = journal.all_tried().len();
    outcome.acknowledged = journal.count_acknowledged();
    outcome
}

/// Two nodes whose bucket lies about nearly a third of all requests, until it has lied so often.
pub(crate) fn lied_to(faults: usize, seed: u64) -> Outcome {
    let mut liar = None;
    let settings = [("WAYBILL_S3_REQUEST_TIMEOUT", "1 s"), ("WAYBILL_S3_BUDGET", "8 s")];
    // The first requests are answered: a daemon that finds no bucket does not start.
    let bench = Bench::set_up(Store::Shared, &settings, |server| liar.insert(Liar::before(server, 0, seed)).address());
    let liar = liar.expect("a bucket");
    liar.lie(30);
    let plan = Plan {
        store: Store::Shared,
        cycles: usize::MAX,
        seed,
        settings: &[],
        trouble: Trouble::Wire,
        look_every: usize::MAX,
    };
    let mut outcome = run_counted(bench, &plan, |_| {
        let is_enough = liar.lies() >= faults;
        if is_enough {
            liar.lie(0);
        }
        is_enough
    });
    outcome.hits = liar.lies();
    outcome
}

/// Two nodes whose PostgreSQL crashes so often and comes back, or cuts so many of their connections.
pub(crate) fn without_its_database(times: usize, restarts: bool, seed: u64) -> Outcome {
    let bench = Bench::set_up(Store::Shared, &[], |address| address);
    let plan = Plan {
        store: Store::Shared,
        cycles: usize::MAX,
        seed,
        settings: &[],
        trouble: Trouble::Database { restarts },
        look_every: usize::MAX,
    };
    let mut count = 0;
    run_counted(bench, &plan, |hits| {
        count += hits;
        count >= times
    })
}

/// Whether something is promised before long. Without a promise, what comes next proves nothing.
fn promises(journal: &Journal, patience: Duration) -> bool {
    let (before, began) = (journal.count_acknowledged(), Instant::now());
    while journal.count_acknowledged() == before {
        if began.elapsed() > patience {
            return false;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    true
}

/// How much room is left on a disk that is called full: less than the smallest file wants in all.
const FULL_BYTES: u64 = 128 << 10;

/// Waits until the disk is full and nothing is promised any more, and makes room. A daemon goes on as if nothing had been;
/// one that is killed on the full disk starts when there is room.
fn fill(bench: &mut Bench, journal: &Journal, is_killed: bool) -> Result<(), String> {
    let began = Instant::now();
    let mut promised = (journal.count_acknowledged(), Instant::now());
    while !bench.is_full(FULL_BYTES) || promised.1.elapsed() < Duration::from_millis(700) {
        if began.elapsed() > Duration::from_secs(60) {
            return Err("the disk was not filled within a minute".to_owned());
        }
        std::thread::sleep(Duration::from_millis(5));
        let count = journal.count_acknowledged();
        if count != promised.0 {
            promised = (count, Instant::now());
        }
    }
    if bench.houses[0].has_ended() {
        return Err("the daemon ended when its disk was full".to_owned());
    }
    if is_killed {
        bench.houses[0].kill_if_up();
    }
    bench.make_room();
    Ok(())
}

/// SIGKILL, and the next start.
fn restart(bench: &mut Bench, load: &Load, victim: usize) -> usize {
    let house = &mut bench.houses[victim];
    load.set_door(victim, None);
    house.kill_if_up();
    house.start();
    load.set_door(victim, Some(house.sftp()));
    1
}

/// Starts a daemon with its end before it; 1 where it met it.
fn crash(bench: &mut Bench, load: &Load, victim: usize, place: &str) -> usize {
    let house = &mut bench.houses[victim];
    load.set_door(victim, None);
    house.kill_if_up();
    house.set(CRASH, place);
    if house.start_unless_it_ends() {
        load.set_door(victim, Some(house.sftp()));
    }
    let began = Instant::now();
    while !house.has_ended() && began.elapsed() < Duration::from_secs(4) {
        std::thread::sleep(Duration::from_millis(5));
    }
    house.unset(CRASH);
    usize::from(house.has_ended())
}

/// Compares while no sender has a door to send through.
fn verify_while_quiet(bench: &Bench, journal: &Journal, load: &Load) -> Vec<String> {
    for daemon in 0..bench.houses.len() {
        load.set_door(daemon, None);
    }
    // What is under way ends: an upload that is not acknowledged by then will not be.
    let mut count = load.count();
    loop {
        std::thread::sleep(Duration::from_millis(300));
        if load.count() == count {
            break;
        }
        count = load.count();
    }
    let broken = verify(bench, journal);
    for (daemon, house) in bench.houses.iter().enumerate() {
        load.set_door(daemon, Some(house.sftp()));
    }
    broken
}
