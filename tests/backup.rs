//! A copy of the embedded house, made while it takes files, and a house made of the copy.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;
use waybill::domain::Digest;

use crate::cli_check::Check as Run;
use crate::house::{House, PASSWORD, wait_for};
use crate::openssh;

const X12: &str = include_str!("../fixtures/x12/ok/minimal/input.edi");
/// The embedded house, also where the tests run on PostgreSQL.
///
/// A file that was being read when the backup was taken is read by the restored house once its lease is over: before a
/// test loses its patience.
pub(crate) const EMBEDDED: [(&str, &str); 2] = [("WAYBILL_STORE_DATABASE", ""), ("WAYBILL_INGEST_LEASE", "3 s")];

pub(crate) fn waybill(args: &[&str]) -> Run {
    command(args).output().unwrap().into()
}

pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_waybill"));
    command.args(args).stdin(Stdio::null());
    for name in ["WAYBILL_DATA", "WAYBILL_URL", "WAYBILL_CONFIG"] {
        command.env_remove(name);
    }
    command
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn back_up(house: &House, to: &Path, more: &[&str]) -> Run {
    waybill(&[&["backup", "--data", text(&house.data()), text(to)], more].concat())
}

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.out).unwrap_or_else(|_| panic!("{}{}", run.out, run.err))
}

/// Sends `count` files, one session each four.
pub(crate) fn send(house: &House, login: &str, from: usize, count: usize) -> HashMap<String, Digest> {
    let mut sent = HashMap::new();
    let mut lines = String::new();
    for number in from..from + count {
        let content = X12.replace("NW-1001", &format!("NW-{number}"));
        let name = format!("f{number}.edi");
        lines.push_str(&format!("put {} /drop/{name}\n", house.file(&name, &content).display()));
        sent.insert(name, Digest::of(content.as_bytes()));
    }
    let done = openssh::batch(house, login, &lines);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    sent
}

/// The files that a house shows under these names are these, can be fetched, and were read.
pub(crate) fn shows(house: &House, login: &str, sent: &HashMap<String, Digest>) {
    wait_for("every file to be read", || {
        (house.ask(async |record| record.queue_depth().await.unwrap()) == (0, 0)).then_some(())
    });
    let files: HashMap<_, _> = house.files().into_iter().map(|file| (file.name.clone(), file)).collect();
    let back = house.folder().join("back");
    std::fs::create_dir_all(&back).unwrap();
    let mut lines = format!("lcd {}\n", back.display());
    for name in sent.keys() {
        lines.push_str(&format!("get /drop/{name}\nget /drop/{name}.OK\n"));
    }
    let got = openssh::batch(house, login, &lines);
    assert!(got.status.success(), "{}", String::from_utf8_lossy(&got.stderr));
    for (name, digest) in sent {
        assert_eq!(files[name].sha256, digest.to_string(), "{name}");
        assert_eq!(Digest::of(&std::fs::read(back.join(name)).unwrap()), *digest, "{name}");
    }
}

fn key_of(from: &House, to: &House, login: &str) {
    std::fs::copy(from.folder().join(format!("{login}.key")), to.folder().join(format!("{login}.key"))).unwrap();
}

/// An original of a folder that has `originals/`.
fn an_original(folder: &Path) -> PathBuf {
    let mut folders = vec![folder.join("originals/t")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            if entry.path().is_file() {
                return entry.path();
            }
            folders.push(entry.path());
        }
    }
    panic!("no original in {}", folder.display())
}

fn flip(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let mut bytes = std::fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a_backup_taken_while_files_arrive_is_a_house_with_all_that_was_acknowledged() {
    let house = House::with(&EMBEDDED);
    openssh::supplier(&house, "northwind");
    let to = house.folder().join("backup");
    let (stop, number) = (AtomicBool::new(false), AtomicUsize::new(0));
    let acknowledged: Mutex<HashMap<String, Digest>> = Mutex::default();
    let (mut safe, mut rounds) = (HashMap::new(), 0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let from = number.fetch_add(4, Ordering::Relaxed);
                    let sent = send(&house, "northwind", from, 4);
                    acknowledged.lock().unwrap().extend(sent);
                }
            });
        }
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            while rounds < 4 || safe.len() < 40 {
                wait_for("more files", || (acknowledged.lock().unwrap().len() > safe.len() + 8).then_some(()));
                safe = acknowledged.lock().unwrap().clone();
                let taken = back_up(&house, &to, &["--json", "--with-keys"]);
                assert_eq!(taken.exit, 0, "{}{}", taken.out, taken.err);
                let verified = waybill(&["backup", "verify", text(&to)]);
                assert_eq!(verified.exit, 0, "{}{}", verified.out, verified.err);
                rounds += 1;
            }
        }));
        stop.store(true, Ordering::Relaxed);
        ended.unwrap();
    });
    let restored = House::over(&EMBEDDED, |data| {
        let done = waybill(&["restore", text(&to), "--data", text(data)]);
        assert_eq!(done.exit, 0, "{}{}", done.out, done.err);
    });
    key_of(&house, &restored, "northwind");
    shows(&restored, "northwind", &safe);
    assert!(restored.files().len() <= acknowledged.lock().unwrap().len(), "more than was sent");
    let fingerprint = |house: &House| house.ready().doors[0].fingerprint.clone().unwrap();
    assert_eq!(fingerprint(&restored), fingerprint(&house), "--with-keys: the same host");
    // It is a house: it takes files, and numbers its events on.
    let before = restored.events(&[]).last().unwrap().seq;
    shows(&restored, "northwind", &send(&restored, "northwind", 100_000, 2));
    assert!(restored.events(&[]).iter().zip(1..).all(|(event, seq)| event.seq == seq));
    assert!(restored.events(&[]).last().unwrap().seq > before);
}

#[test]
fn only_what_is_new_is_copied_and_a_backup_that_was_killed_goes_on() {
    let mut house = House::with(&EMBEDDED);
    openssh::supplier(&house, "northwind");
    let sent = send(&house, "northwind", 0, 60);
    shows(&house, "northwind", &sent);
    let to = house.folder().join("backup");
    // Killed wherever it is by then.
    let mut kills = 0;
    for millis in (5..400).step_by(25) {
        let mut backup = command(&["backup", "--data", text(&house.data()), text(&to)]);
        let mut backup = backup.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(millis));
        backup.kill().unwrap();
        if backup.wait().unwrap().code().is_none() {
            kills += 1;
        }
    }
    assert!(kills >= 3, "only {kills} were killed");
    let taken = json(&back_up(&house, &to, &["--json"]));
    assert_eq!(taken["copied"].as_u64().unwrap() + taken["kept"].as_u64().unwrap(), 120, "{taken}");
    let again = json(&back_up(&house, &to, &["--json"]));
    assert_eq!((&again["copied"], &again["kept"], &again["files"]), (&0.into(), &120.into(), &121.into()), "{again}");
    send(&house, "northwind", 60, 3);
    let more = send(&house, "northwind", 63, 1);
    shows(&house, "northwind", &more);
    let more = json(&back_up(&house, &to, &["--json"]));
    assert_eq!((&more["copied"], &more["kept"]), (&8.into(), &120.into()), "{more}");
    // Nothing is left of the earlier ones, or of what was on its way.
    let names: Vec<_> = std::fs::read_dir(&to).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 4, "{names:?}");
    // The same by names of the same bytes.
    let linked = house.folder().join("linked");
    assert_eq!(back_up(&house, &linked, &["--link"]).exit, 0);
    use std::os::unix::fs::MetadataExt;
    assert!(std::fs::metadata(an_original(&linked)).unwrap().nlink() >= 2);
    house.stop();
    assert_eq!(back_up(&house, &to, &[]).exit, 0, "the daemon may also be stopped");
}

#[test]
fn a_flipped_byte_is_found_and_nothing_is_restored_over_a_house() {
    let house = House::with(&EMBEDDED);
    openssh::supplier(&house, "northwind");
    let sent = send(&house, "northwind", 0, 5);
    shows(&house, "northwind", &sent);
    let to = house.folder().join("backup");
    let plain = back_up(&house, &to, &[]);
    assert!(plain.exit == 0 && plain.err.contains("private keys are not in it"), "{}", plain.err);
    let restore = |data: &Path| waybill(&["restore", text(&to), "--data", text(data)]);
    let verify = || waybill(&["backup", "verify", text(&to)]);

    let over = restore(&house.data());
    assert!(over.exit == 2 && over.err.contains("is not empty"), "{}", over.err);
    let elsewhere = house.folder().join("elsewhere");
    assert_eq!(restore(&elsewhere).exit, 0);
    assert!(!elsewhere.join("ssh_host_ed25519_key").exists() && elsewhere.join("waybill.db").exists());
    let occupied = back_up(&house, house.folder(), &[]);
    assert!(occupied.exit == 2 && occupied.err.contains("no backup"), "{}", occupied.err);

    // An original: found, named, and mended by the next backup once the manifest is not believed.
    let original = an_original(&to);
    let name = original.file_name().unwrap().to_str().unwrap().to_owned();
    flip(&original);
    let found = verify();
    assert!(found.exit == 1 && found.out.contains(&name) && found.out.contains("1 damaged"), "{}", found.out);
    let partly = restore(&house.folder().join("partly"));
    assert!(partly.exit == 1 && partly.out.contains(&name), "{}{}", partly.out, partly.err);
    std::fs::remove_file(&original).unwrap();
    let found = verify();
    assert!(found.exit == 1 && found.out.contains(&format!("{name} is gone")), "{}", found.out);
    assert_eq!(json(&back_up(&house, &to, &["--json"]))["copied"], 1);
    assert_eq!(verify().exit, 0);

    // The house's own original: not taken, and named.
    let (own, kept) = (an_original(&house.data()), house.folder().join("kept"));
    std::fs::copy(&own, &kept).unwrap();
    flip(&own);
    let fresh = house.folder().join("fresh");
    let damaged = back_up(&house, &fresh, &[]);
    assert!(damaged.exit == 1 && damaged.out.contains("is damaged: its SHA-256"), "{}", damaged.out);
    let lacking = waybill(&["backup", "verify", text(&fresh)]);
    assert!(lacking.exit == 1 && lacking.out.contains("is not in the backup"), "{}", lacking.out);
    std::fs::remove_file(&own).unwrap();
    std::fs::copy(&kept, &own).unwrap();
    assert_eq!(back_up(&house, &fresh, &[]).exit, 0);

    // The database, and the manifest.
    let taken =
        std::fs::read_dir(&to).unwrap().flatten().find(|e| e.file_name().to_str().unwrap().starts_with("taken-"));
    let database = taken.unwrap().path().join("waybill.db");
    let whole = std::fs::read(&database).unwrap();
    flip(&database);
    assert_ne!(verify().exit, 0);
    let broken = house.folder().join("broken");
    let refused = restore(&broken);
    assert_eq!(refused.exit, 2, "{}{}", refused.out, refused.err);
    assert!(!broken.join("waybill.db").exists());
    let started = command(&["serve", "--data", text(&broken), "--sftp-listen", "127.0.0.1:0"])
        .env("WAYBILL_HTTP_LISTEN", "127.0.0.1:0")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&started.stderr);
    assert!(started.status.code() == Some(2) && said.contains("half restored"), "{said}");
    std::fs::write(&database, whole).unwrap();
    // What was broken off goes on.
    let mended = restore(&broken);
    assert_eq!(mended.exit, 0, "{}{}", mended.out, mended.err);
    flip(&to.join("manifest.jsonl"));
    assert_eq!((verify().exit, restore(&house.folder().join("none")).exit), (2, 2));
}

#[test]
fn what_was_under_way_is_not_in_a_backup() {
    let house = House::with(&EMBEDDED);
    house.supplier("northwind");
    let half = house.file("half.edi", X12.repeat(2_000));
    let mut curl = Command::new("curl")
        .args(["-s", "-k", "--limit-rate", "20k", "-u", &format!("northwind:{PASSWORD}"), "-T"])
        .arg(&half)
        .arg(format!("sftp://{}/drop/half.edi", house.sftp()))
        .spawn()
        .unwrap();
    wait_for("an upload", || {
        let spool = std::fs::read_dir(house.data().join("spool")).unwrap();
        (spool.count() > 0).then_some(())
    });
    let to = house.folder().join("backup");
    assert_eq!(back_up(&house, &to, &[]).exit, 0);
    curl.kill().unwrap();
    curl.wait().unwrap();
    let restored = House::over(&EMBEDDED, |data| {
        assert_eq!(waybill(&["restore", text(&to), "--data", text(data)]).exit, 0);
    });
    assert!(restored.files().is_empty());
    let rows = Command::new("sqlite3")
        .arg(restored.data().join("waybill.db"))
        .arg("select state, resumable from upload")
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(rows.stdout).unwrap().trim(), "aborted|0");
}

#[test]
fn verifying_and_restoring_leave_a_backup_as_it_was() {
    let house = House::with(&EMBEDDED);
    openssh::supplier(&house, "northwind");
    let sent = send(&house, "northwind", 0, 3);
    shows(&house, "northwind", &sent);
    let to = house.folder().join("backup");
    assert_eq!(back_up(&house, &to, &[]).exit, 0);
    let before = everything_in(&to);
    assert_eq!(waybill(&["backup", "verify", text(&to)]).exit, 0);
    assert_eq!(waybill(&["restore", text(&to), "--data", text(&house.folder().join("new"))]).exit, 0);
    assert_eq!(everything_in(&to), before, "neither leaves anything in it");
}

/// The names in a folder, however deep.
fn everything_in(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (vec![], vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            found.push(entry.path());
            if entry.path().is_dir() {
                folders.push(entry.path());
            }
        }
    }
    found.sort();
    found
}
