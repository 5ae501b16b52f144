//! SIGKILL between and during uploads: every acknowledged file is found exactly once, whole, and read.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::house::{House, wait_for};
use crate::{curl, openssh};
use waybill::domain::Digest;
use waybill::record::FileStatus;

const X12: &str = include_str!("../fixtures/x12/ok/minimal/input.edi");
const ROUNDS: usize = 50;
const SENDERS: usize = 3;

#[test]
fn every_acknowledged_file_survives_fifty_kills_exactly_once() {
    let mut house = House::with(&[
        ("WAYBILL_INGEST_LEASE", "2 s"),
        // A file that five kills in a row interrupted would rightly be set aside; here it is not the file's fault.
        ("WAYBILL_INGEST_ATTEMPTS_MAX", "1000"),
    ]);
    openssh::supplier(&house, "northwind");
    let acknowledged: Arc<Mutex<HashMap<String, (Digest, usize)>>> = Arc::default();
    let number = Arc::new(AtomicUsize::new(0));
    for round in 0..ROUNDS {
        if round > 0 {
            house.start();
        }
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for sender in 0..SENDERS {
                let (house, stop, number, acknowledged) = (&house, &stop, &number, &acknowledged);
                scope.spawn(move || {
                    while !stop.load(Ordering::Relaxed) {
                        let (name, path, digest, size) =
                            new_file(house, number.fetch_add(1, Ordering::Relaxed), sender);
                        // The journal holds only what the client was told is safe.
                        if openssh::put(house, "northwind", &path, &name) {
                            acknowledged.lock().unwrap().insert(name, (digest, size));
                        }
                        std::fs::remove_file(path).unwrap();
                    }
                });
            }
            // Killed at another moment of the work in every round.
            std::thread::sleep(Duration::from_millis(150 + (round as u64 * 37) % 350));
            let killed = std::process::Command::new("kill").args(["-KILL", &house.pid().to_string()]).status().unwrap();
            assert!(killed.success());
            stop.store(true, Ordering::Relaxed);
        });
        house.kill();
    }
    house.start();
    let acknowledged = acknowledged.lock().unwrap();
    assert!(
        acknowledged.len() >= ROUNDS,
        "only {} files were acknowledged: the test proves little",
        acknowledged.len()
    );
    for (name, (digest, size)) in acknowledged.iter() {
        let file = house.settled(name);
        assert_eq!(file.status, FileStatus::Applied, "{name}");
        assert_eq!(file.sha256, digest.to_string(), "{name}");
        assert_eq!(file.size_bytes as usize, *size, "{name}");
        let documents = house.documents_of(&file);
        assert_eq!(documents.len(), 1, "{name}");
    }
    let files = house.files();
    for (name, (_, size)) in acknowledged.iter() {
        assert_eq!(files.iter().filter(|file| file.name == *name).count(), 1, "{name} more than once");
        let kept = curl::get(&house, "northwind", name).unwrap();
        assert_eq!((kept.len(), Digest::of(&kept)), (*size, acknowledged[name].0), "{name}: the original");
    }
    // What was not acknowledged may have landed (the answer was lost), but never half.
    for file in files.iter().filter(|file| !acknowledged.contains_key(&file.name)) {
        let settled = house.settled(&file.name);
        assert_eq!(settled.status, FileStatus::Applied, "{}", file.name);
    }
    wait_for("the queue to be empty", || {
        house.ask(async |record| record.queue_depth().await.unwrap().0 == 0).then_some(())
    });
    println!("{ROUNDS} kills, {} files acknowledged, {} landed, each once", acknowledged.len(), files.len());
}

/// An invoice nobody has sent yet: small, or, for one of the senders, padded to a few MiB, so that kills meet
/// uploads half way.
fn new_file(house: &House, number: usize, sender: usize) -> (String, PathBuf, Digest, usize) {
    let name = format!("n{number:05}.edi");
    let mut content = X12.replace("NW-1001", &format!("NW-{number:05}"));
    if sender == 0 {
        content.push_str(&"\n".repeat(3 << 20));
    }
    let path = house.file(&name, &content);
    (name, path, Digest::of(content.as_bytes()), content.len())
}
