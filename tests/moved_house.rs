//! `waybill migrate-store`: an embedded house on its way to PostgreSQL and a bucket, killed again and again, and the
//! daemon that goes on with it there.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use waybill::domain::Digest;

use crate::auth_steps;
use crate::backup::{EMBEDDED, command, send, shows, text, waybill};
use crate::cli_check::Check as Run;
use crate::house::House;
use crate::openssh;
use crate::postgres::{Postgres, psql};
use crate::s3_server::{BUCKET, KEY, S3Server, SECRET};

const BROKEN: &str = "ISA*00*broken";

/// A stopped house with files, duplicates, answers, findings, a second factor and a ban.
fn house(files: usize) -> (House, std::collections::HashMap<String, Digest>) {
    let mut house = House::with(&EMBEDDED);
    openssh::supplier(&house, "northwind");
    auth_steps::enrol(&house);
    let mut sent = send(&house, "northwind", 0, files);
    sent.extend(send(&house, "northwind", 1_000, 1));
    let bad = house.file("bad.edi", BROKEN);
    assert!(openssh::put(&house, "northwind", &bad, "bad.edi"));
    let large = house.file("large.bin", vec![b'x'; 11 << 20]);
    assert!(openssh::put(&house, "northwind", &large, "large.bin"));
    shows(&house, "northwind", &sent);
    let banned = waybill(&["ban", "add", "203.0.113.9", "--reason", "tests", "--data", text(&house.data())]);
    assert_eq!(banned.exit, 0, "{}", banned.err);
    house.stop();
    (house, sent)
}

/// The settings of the house as it will be.
fn target(folder: &Path, data: &Path, database: Option<&str>, s3: Option<&S3Server>) -> PathBuf {
    let mut settings = format!("[store]\ndata = {:?}\n", text(data));
    if let Some(database) = database {
        settings.push_str(&format!("database = {database:?}\n"));
    }
    if let Some(s3) = s3 {
        settings.push_str(&format!(
            "originals = \"s3\"\n[s3]\nbucket = \"{BUCKET}\"\nregion = \"eu-central-1\"\nendpoint = \"http://{}\"\n\
             path_style = true\nprefix = \"house/\"\npart = \"5 MiB\"\n",
            s3.address()
        ));
    }
    let path = folder.join("new.toml");
    std::fs::write(&path, settings).unwrap();
    path
}

fn mover(data: &Path, to: &Path, more: &[&str]) -> std::process::Command {
    let mut mover = command(&[&["migrate-store", "--data", text(data), "--to", text(to)], more].concat());
    mover.env("AWS_ACCESS_KEY_ID", KEY).env("AWS_SECRET_ACCESS_KEY", SECRET).env("AWS_EC2_METADATA_DISABLED", "true");
    mover
}

fn moved(data: &Path, to: &Path, more: &[&str]) -> Run {
    mover(data, to, more).output().unwrap().into()
}

fn settings(database: Option<&str>, s3: Option<&S3Server>) -> Vec<(String, String)> {
    let mut settings = s3.map(|s3| S3Server::settings(s3.address())).unwrap_or_default();
    settings.push(("WAYBILL_STORE_DATABASE".to_owned(), database.unwrap_or_default().to_owned()));
    settings
}

fn pairs(settings: &[(String, String)]) -> Vec<(&str, &str)> {
    settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// Whatever is in a house, but for the daemon's own comings and goings.
fn all_of(house: &House) -> (Vec<String>, Vec<String>, usize) {
    let mut files: Vec<_> = house.files().iter().map(|file| format!("{file:?}")).collect();
    files.sort();
    let rows = house.files();
    let documents = rows.iter().flat_map(|file| house.documents_of(file)).map(|document| format!("{document:?}"));
    let mut documents: Vec<_> = documents.collect();
    documents.sort();
    let findings = rows.iter().map(|file| house.findings_of(file).len()).sum();
    (files, documents, findings)
}

#[test]
fn a_house_moves_to_postgresql_and_a_bucket_however_often_it_is_killed_on_the_way() {
    let (house, sent) = house(150);
    let (postgres, s3) = (Postgres::start(), S3Server::start());
    let url = postgres.database();
    let new = house.folder().join("new-node");
    let to = target(house.folder(), &new, Some(&url), Some(&s3));
    let (before, events) = (all_of(&house), house.events(&[]));
    let digest = Digest::of(&std::fs::read(house.data().join("waybill.db")).unwrap());

    let (mut kills, mut refusals) = (0, 0);
    for millis in [30, 60, 100, 160, 240, 340, 460, 600, 800, 1_000, 1_300, 1_600, 2_000] {
        let mut mover = mover(&house.data(), &to, &[]);
        let mut mover = mover.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(millis));
        if mover.try_wait().unwrap().is_some() {
            break;
        }
        mover.kill().unwrap();
        mover.wait().unwrap();
        kills += 1;
        // No daemon, and no command, runs on half of it.
        let marked = "select count(*) from pg_class where relname = 'move'";
        if psql(&url, marked) == "1" && psql(&url, "set waybill.organisation = '*'; select count(*) from move") == "1" {
            let mut list = command(&["org", "list", "--data", text(&new)]);
            let refused: Run = list.env("WAYBILL_STORE_DATABASE", &url).output().unwrap().into();
            assert!(refused.exit == 2 && refused.err.contains("half of one"), "{}{}", refused.out, refused.err);
            refusals += 1;
        }
    }
    assert!(kills >= 3 && refusals >= 1, "{kills} kills, {refusals} refusals: the test proves little");
    let done = moved(&house.data(), &to, &["--json"]);
    assert_eq!(done.exit, 0, "{}{}", done.out, done.err);
    let told: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!((&told["ready"], &told["damaged"]["count"]), (&true.into(), &0.into()), "{told}");
    assert_eq!(told["objects"], 2 * 153, "{told}");
    let left = Digest::of(&std::fs::read(house.data().join("waybill.db")).unwrap());
    assert_eq!(left, digest, "the source is as it was");

    let settings = settings(Some(&url), Some(&s3));
    let there = House::over(&pairs(&settings), |data| {
        std::fs::create_dir_all(data).unwrap();
        for name in ["master.key", "master.key.id"] {
            std::fs::copy(house.data().join(name), data.join(name)).unwrap();
        }
    });
    std::fs::copy(house.folder().join("northwind.key"), there.folder().join("northwind.key")).unwrap();
    assert_eq!(all_of(&there), before);
    assert_eq!(there.events(&[])[..events.len()], events[..], "the log goes on behind what it was");
    shows(&there, "northwind", &sent);
    let large = there.settled("large.bin");
    assert_eq!(large.size_bytes, 11 << 20);
    let bans = there.ask(async |record| record.bans(waybill::domain::Timestamp::now(), 10).await.unwrap());
    assert_eq!(bans.len(), 1);
    // It goes on as a house: the next file, and the same bytes as one from before.
    shows(&there, "northwind", &send(&there, "northwind", 5_000, 1));
    let again = there.file("again", std::fs::read(house.folder().join("f0.edi")).unwrap());
    assert!(openssh::put(&there, "northwind", &again, "again.edi"));
    assert!(there.settled("again.edi").duplicate_of.is_some());
    // Once it is over, doing it again changes nothing, and another house does not get in.
    assert_eq!(moved(&house.data(), &to, &[]).exit, 0);
    assert_eq!(there.settled("again.edi").name, "again.edi");
    let (other, _) = self::house(1);
    let refused = moved(&other.data(), &target(other.folder(), &new, Some(&url), Some(&s3)), &[]);
    assert!(refused.exit == 2 && refused.err.contains("holds another store"), "{}", refused.err);
}

#[test]
fn what_changed_between_two_attempts_is_what_is_there_in_the_end() {
    let (mut house, _) = house(20);
    let postgres = Postgres::start();
    let url = postgres.database();
    let to = target(house.folder(), &house.data(), Some(&url), None);
    let mut mover = mover(&house.data(), &to, &[]);
    let mut mover = mover.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(150));
    mover.kill().unwrap();
    mover.wait().unwrap();
    // The house is opened once more meanwhile.
    house.start();
    let refused = moved(&house.data(), &to, &[]);
    assert!(refused.exit == 2 && refused.err.contains("stop the daemon first"), "{}", refused.err);
    let sent = send(&house, "northwind", 7_000, 3);
    let policy = waybill(&["account", "set", "northwind", "--quota-files", "777", "--data", text(&house.data())]);
    assert_eq!(policy.exit, 0, "{}", policy.err);
    shows(&house, "northwind", &sent);
    house.stop();
    let before = all_of(&house);
    let done = moved(&house.data(), &to, &[]);
    assert_eq!(done.exit, 0, "{}{}", done.out, done.err);
    let data = house.data();
    let there = House::over(&pairs(&settings(Some(&url), None)), |new| {
        std::fs::create_dir_all(new).unwrap();
        std::fs::rename(data.join("originals"), new.join("originals")).unwrap();
    });
    std::fs::copy(house.folder().join("northwind.key"), there.folder().join("northwind.key")).unwrap();
    assert_eq!(all_of(&there), before);
    shows(&there, "northwind", &sent);
    let policy = there.ask(async |record| {
        let account = record.credential("northwind").await.unwrap().unwrap().account;
        record.policy(account).await.unwrap().policy
    });
    assert!(format!("{policy:?}").contains("777"), "{policy:?}");
}

#[test]
fn originals_alone_move_to_a_bucket_and_a_damaged_one_is_not_passed_over() {
    let (house, sent) = house(6);
    let s3 = S3Server::start();
    let elsewhere = target(house.folder(), &house.folder().join("elsewhere"), None, Some(&s3));
    let refused = moved(&house.data(), &elsewhere, &[]);
    assert!(refused.exit == 2 && refused.err.contains("make it the same folder"), "{}", refused.err);
    let nothing = moved(&house.data(), &target(house.folder(), &house.data(), None, None), &[]);
    assert!(nothing.exit == 2 && nothing.err.contains("nothing to move to"), "{}", nothing.err);

    let to = target(house.folder(), &house.data(), None, Some(&s3));
    let file = house.files().into_iter().find(|file| file.name == "bad.edi").unwrap();
    let shelf = waybill::originals::Originals::directory(&house.data()).unwrap();
    let path = shelf.path_of(&file.object_key).unwrap();
    let kept = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "ISA*00*brokem").unwrap();
    let damaged = moved(&house.data(), &to, &[]);
    assert!(damaged.exit == 1 && damaged.out.contains(&file.object_key), "{}{}", damaged.out, damaged.err);
    assert_eq!(moved(&house.data(), &to, &["--without-damaged"]).exit, 0);
    std::fs::write(&path, kept).unwrap();
    let done = moved(&house.data(), &to, &["--json"]);
    let told: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!((&told["ready"], &told["sent"]), (&true.into(), &1.into()), "{told}");
    // What is in the bucket under a key of ours and is not ours stops it.
    let object = s3.bucket().join("house").join(&file.object_key);
    std::fs::write(&object, "something else").unwrap();
    let other = moved(&house.data(), &to, &[]);
    assert!(other.exit != 0, "{}{}", other.out, other.err);
    std::fs::write(&object, BROKEN).unwrap();

    std::fs::rename(house.data().join("originals"), house.folder().join("gone")).unwrap();
    let there = House::over(&pairs(&settings(None, Some(&s3))), |new| {
        std::fs::create_dir_all(new).unwrap();
        std::fs::copy(house.data().join("waybill.db"), new.join("waybill.db")).unwrap();
        let wal = house.data().join("waybill.db-wal");
        if wal.exists() {
            std::fs::copy(wal, new.join("waybill.db-wal")).unwrap();
        }
    });
    std::fs::copy(house.folder().join("northwind.key"), there.folder().join("northwind.key")).unwrap();
    shows(&there, "northwind", &sent);
}
