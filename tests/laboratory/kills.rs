//! The kill loop: senders send, a daemon is killed at a random moment, or paused past its lease, and started again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Bench, Chance, Journal, Load, Store, verify};

/// What a run came to.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) cycles: usize,
    pub(crate) tried: usize,
    pub(crate) acknowledged: usize,
    /// Crash points at which a daemon ended by itself.
    pub(crate) hits: usize,
    pub(crate) broken: Vec<String>,
}

impl Outcome {
    pub(crate) fn line(&self) -> String {
        let Self { cycles, tried, acknowledged, hits, broken } = self;
        format!(
            "{cycles} cycles, {tried} files sent, {acknowledged} acknowledged, {hits} crash points hit, {} broken promises",
            broken.len()
        )
    }
}

/// How a run goes.
#[derive(Debug, Clone)]
pub(crate) struct Plan<'a> {
    pub(crate) store: Store,
    pub(crate) cycles: usize,
    pub(crate) seed: u64,
    pub(crate) settings: &'a [(&'a str, &'a str)],
    /// Places at which the daemon is to end, one a cycle in turn; without any it is killed from outside.
    pub(crate) crash_points: &'a [&'a str],
    /// Compare promise and fact every so many cycles, and stop at the first that is broken.
    pub(crate) look_every: usize,
    /// Daemons are paused as well as killed: longer than a lease.
    pub(crate) pauses: bool,
}

/// The setting that names a crash point.
const CRASH: &str = "WAYBILL_TEST_CRASH";

pub(crate) fn run(plan: &Plan<'_>) -> Outcome {
    let mut bench = Bench::set_up(plan.store, plan.settings, |address| address);
    let journal = Arc::new(Journal::create(&bench.houses[0].folder().join("journal")));
    run_on(&mut bench, &journal, plan)
}

pub(crate) fn run_on(bench: &mut Bench, journal: &Arc<Journal>, plan: &Plan<'_>) -> Outcome {
    let mut chance = Chance::new(plan.seed);
    let count = bench.houses.len();
    let load = Load::start(Arc::clone(journal), bench.key(), super::bench::LOGIN, count, 4, 6 << 20, plan.seed);
    let mut outcome = Outcome::default();
    for daemon in 0..count {
        load.set_door(daemon, Some(bench.houses[daemon].sftp()));
    }
    for cycle in 0..plan.cycles {
        outcome.cycles += 1;
        let victim = chance.below(count as u64) as usize;
        let house = &mut bench.houses[victim];
        if let [_, ..] = plan.crash_points {
            let point = plan.crash_points[cycle % plan.crash_points.len()];
            // Started once more, with its end before it.
            load.set_door(victim, None);
            house.kill_if_up();
            house.set(CRASH, &format!("{point}:{}", 1 + chance.below(5)));
            if house.start_unless_it_ends() {
                load.set_door(victim, Some(house.sftp()));
            }
            let began = Instant::now();
            while !house.has_ended() && began.elapsed() < Duration::from_secs(4) {
                std::thread::sleep(Duration::from_millis(5));
            }
            outcome.hits += usize::from(house.has_ended());
            house.unset(CRASH);
        } else {
            // Something has to have been promised, or the kill proves nothing.
            let (before, began) = (journal.count_acknowledged(), Instant::now());
            while journal.count_acknowledged() == before && began.elapsed() < Duration::from_secs(3) {
                std::thread::sleep(Duration::from_millis(2));
            }
            std::thread::sleep(Duration::from_millis(chance.below(200)));
            if plan.pauses && chance.one_in(8) {
                house.signal("-STOP");
                std::thread::sleep(Duration::from_millis(1_300));
                house.signal("-CONT");
                continue;
            }
        }
        load.set_door(victim, None);
        house.kill_if_up();
        house.start();
        load.set_door(victim, Some(house.sftp()));
        if (cycle + 1) % plan.look_every == 0 {
            outcome.broken = verify_while_quiet(bench, journal, &load);
            if !outcome.broken.is_empty() {
                break;
            }
        }
    }
    load.stop();
    if outcome.broken.is_empty() {
        outcome.broken = verify(bench, journal);
    }
    outcome.tried = journal.all_tried().len();
    outcome.acknowledged = journal.all_acknowledged().len();
    outcome
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
