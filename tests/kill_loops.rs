//! Two hundred kills on SQLite and a directory, two hundred on two nodes with PostgreSQL and a bucket: nothing
//! acknowledged is lost, nothing is taken twice, nothing is half visible.

use crate::laboratory::Store;
use crate::laboratory::kills::{Plan, run};

fn two_hundred(store: Store) {
    let plan = Plan {
        store,
        cycles: 200,
        seed: 7,
        settings: &[],
        crash_points: &[],
        look_every: 1_000,
        pauses: store == Store::Shared,
    };
    let outcome = run(&plan);
    println!("{}", outcome.line());
    assert!(outcome.broken.is_empty(), "{:#?}", outcome.broken);
    assert!(outcome.acknowledged >= 200, "too few files for a proof: {}", outcome.line());
}

#[test]
fn one_daemon_is_killed_two_hundred_times() {
    two_hundred(Store::Embedded);
}

#[test]
fn two_nodes_are_killed_and_paused_two_hundred_times() {
    two_hundred(Store::Shared);
}
