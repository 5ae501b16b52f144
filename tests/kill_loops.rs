//! Two hundred kills on SQLite and a directory, two hundred on two nodes with PostgreSQL and a bucket: nothing
//! acknowledged is lost, nothing is taken twice, nothing is half visible.

use crate::laboratory::kills::{Outcome, Plan, Trouble, lied_to, run, without_its_database};
use crate::laboratory::{Bench, Store};

fn two_hundred(store: Store) {
    let plan = Plan {
        store,
        cycles: 200,
        seed: 7,
        settings: &[],
        trouble: if store == Store::Shared { Trouble::KillsAndPauses } else { Trouble::Kills },
        look_every: 1_000,
    };
    kept(&run(&plan), 200);
}

fn kept(outcome: &Outcome, acknowledged_at_least: usize) {
    println!("{}", outcome.line());
    assert!(outcome.broken.is_empty(), "{:#?}", outcome.broken);
    assert!(outcome.acknowledged >= acknowledged_at_least, "too few files for a proof: {}", outcome.line());
}

#[test]
fn one_daemon_is_killed_two_hundred_times() {
    two_hundred(Store::Embedded);
}

#[test]
fn two_nodes_are_killed_and_paused_two_hundred_times() {
    two_hundred(Store::Shared);
}

/// Disks that are worse than others; says so where this machine has none.
fn on_a_bad_disk(store: Store, cycles: usize, trouble: Trouble, acknowledged_at_least: usize) {
    if let Some(lack) = Bench::lacks(store) {
        return eprintln!("skipped: {lack}");
    }
    let plan = Plan { store, cycles, seed: 7, settings: &[], trouble, look_every: 1_000 };
    kept(&run(&plan), acknowledged_at_least);
}

#[test]
fn the_power_goes_thirty_times() {
    on_a_bad_disk(Store::Forgetful, 30, Trouble::PowerCuts, 30);
}

#[test]
fn the_disk_is_full_three_times() {
    on_a_bad_disk(Store::Small, 3, Trouble::FullDisk, 30);
}

#[test]
fn a_bucket_lies_about_three_hundred_requests() {
    kept(&lied_to(300, 7), 50);
}

#[test]
fn postgresql_crashes_ten_times_and_cuts_fifty_connections() {
    kept(&without_its_database(10, true, 7), 10);
    kept(&without_its_database(50, false, 7), 10);
}
