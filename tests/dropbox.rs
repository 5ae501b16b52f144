//! The dropbox between two senders of one name, and what a crash leaves it with.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use waybill::config;
use waybill::defend::Defender;
use waybill::domain::{OrganisationId, VirtualPath};
use waybill::land::{Algorithms, Creation, Door, Dropbox, Peer, Session};
use waybill::originals::Originals;
use waybill::record::{Record, Retry};

const NEW: Creation = Creation { truncate: true, exclusive: false, only: None };
const GO_ON: Creation = Creation { truncate: false, exclusive: false, only: None };

/// A dropbox on a folder; opened again, it is the next boot.
async fn open(data: &Path) -> (Record, Dropbox) {
    let record = Record::open(data, 2).await.unwrap();
    let originals = Originals::directory(data).unwrap();
    let (land, accounts) = (config::Land::default(), config::Accounts::default());
    let (defend, doors) = (config::Live::default(), config::Live::default());
    let (defender, _) = Defender::open(record.clone(), defend, doors).await.unwrap();
    let dropbox =
        Dropbox::open(record.clone(), defender, originals, land, &accounts, data, "local".to_owned()).await.unwrap();
    (record, dropbox)
}

async fn supplier(record: &Record) -> OrganisationId {
    record.add_organisation("northwind", "supplier").await.unwrap().id
}

async fn session(dropbox: &Dropbox, organisation: OrganisationId) -> Session {
    let address = SocketAddr::from(([127, 0, 0, 1], 1));
    let peer = Peer { address, door: Door::Sftp, client: None, algorithms: Algorithms::default() };
    dropbox.session_for(organisation, "northwind", &peer).await.unwrap()
}

fn path(name: &str) -> VirtualPath {
    VirtualPath::parse(format!("/drop/{name}").as_bytes()).unwrap()
}

async fn content(session: &Session, name: &str) -> Vec<u8> {
    let file = session.open(&path(name)).await.unwrap();
    let mut buffer = vec![0; 64];
    let count = file.read_at(0, &mut buffer).await.unwrap();
    buffer.truncate(count);
    buffer
}

#[tokio::test]
async fn a_rename_does_not_hide_what_another_connection_sends_under_the_old_name() {
    let data = tempfile::tempdir().unwrap();
    let (record, dropbox) = open(data.path()).await;
    let session = session(&dropbox, supplier(&record).await).await;
    let mut slow = session.create(&path("x.filepart"), NEW).await.unwrap();
    slow.write_at(0, b"slow").await.unwrap();
    let mut fast = session.create(&path("x.filepart"), NEW).await.unwrap();
    fast.write_at(0, b"fast").await.unwrap();
    fast.finish().await.unwrap();
    session.rename(&path("x.filepart"), &path("fast.edi"), false).await.unwrap();
    slow.finish().await.unwrap();
    session.rename(&path("x.filepart"), &path("slow.edi"), false).await.unwrap();
    assert_eq!(content(&session, "fast.edi").await, b"fast");
    assert_eq!(content(&session, "slow.edi").await, b"slow");
}

#[tokio::test]
async fn what_is_gone_on_with_is_what_stat_shows() {
    let data = tempfile::tempdir().unwrap();
    let (record, dropbox) = open(data.path()).await;
    let organisation = supplier(&record).await;
    let session = session(&dropbox, organisation).await;
    // A connection that hangs, a second one that brings the file whole, and then the end of the first.
    let mut hung = session.create(&path("a.edi"), NEW).await.unwrap();
    hung.write_at(0, b"the first half of another").await.unwrap();
    let mut whole = session.create(&path("a.edi"), NEW).await.unwrap();
    whole.write_at(0, b"whole").await.unwrap();
    whole.finish().await.unwrap();
    let open_before = dropbox.uploads_open();
    drop(hung);
    while dropbox.uploads_open() == open_before {
        tokio::task::yield_now().await;
    }
    assert_eq!(session.stat(&path("a.edi")).await.unwrap().size_bytes, 5);
    let mut more = session.create(&path("a.edi"), GO_ON).await.unwrap();
    assert_eq!(more.size_bytes(), 5);
    more.write_at(5, b" and more").await.unwrap();
    more.finish().await.unwrap();
    assert_eq!(content(&session, "a.edi").await, b"whole and more");
}

/// Killed between storing and committing (DURABILITY section 4, CP 8): the spool file is whole, sealed, and
/// has a second name on the shelf.
#[tokio::test]
async fn an_upload_killed_before_its_commit_is_gone_on_with() {
    let data = tempfile::tempdir().unwrap();
    let (record, dropbox) = open(data.path()).await;
    let organisation = supplier(&record).await;
    let mut upload = session(&dropbox, organisation).await.create(&path("a.edi"), NEW).await.unwrap();
    upload.write_at(0, b"whole").await.unwrap();
    let spool = data.path().join(format!("spool/{}.part", upload.id()));
    std::mem::forget(upload);
    std::fs::set_permissions(&spool, std::fs::Permissions::from_mode(0o400)).unwrap();
    let (_record, dropbox) = open(data.path()).await;
    let session = session(&dropbox, organisation).await;
    assert_eq!(session.stat(&path("a.edi")).await.unwrap().size_bytes, 5);
    // A sender who sees that nothing is missing writes nothing more.
    let upload = session.create(&path("a.edi"), GO_ON).await.unwrap();
    assert_eq!(upload.size_bytes(), 5);
    assert_eq!(std::fs::metadata(&spool).unwrap().permissions().mode() & 0o777, 0o600, "whoever runs the daemon");
    upload.finish().await.unwrap();
    assert_eq!(content(&session, "a.edi").await, b"whole");
}

#[tokio::test]
async fn a_spool_file_that_cannot_be_opened_is_not_an_empty_one() {
    let data = tempfile::tempdir().unwrap();
    let (record, dropbox) = open(data.path()).await;
    let organisation = supplier(&record).await;
    let mut upload = session(&dropbox, organisation).await.create(&path("a.edi"), NEW).await.unwrap();
    upload.write_at(0, b"whole").await.unwrap();
    let spool = data.path().join(format!("spool/{}.part", upload.id()));
    std::mem::forget(upload);
    let elsewhere = data.path().join("elsewhere");
    std::fs::rename(&spool, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &spool).unwrap();
    let (_record, dropbox) = open(data.path()).await;
    let refused = session(&dropbox, organisation).await.create(&path("a.edi"), GO_ON).await;
    assert!(refused.is_err(), "{refused:?}");
}

/// A hole that a crash leaves must not be taken for content.
#[tokio::test]
async fn an_upload_killed_with_a_hole_in_it_starts_again() {
    let data = tempfile::tempdir().unwrap();
    let (record, dropbox) = open(data.path()).await;
    let organisation = supplier(&record).await;
    let mut upload = session(&dropbox, organisation).await.create(&path("a.edi"), NEW).await.unwrap();
    upload.write_at(0, b"01").await.unwrap();
    upload.write_at(4, b"45").await.unwrap();
    std::mem::forget(upload);
    let (_record, dropbox) = open(data.path()).await;
    let upload = session(&dropbox, organisation).await.create(&path("a.edi"), GO_ON).await.unwrap();
    assert_eq!(upload.size_bytes(), 0);
}

#[tokio::test]
async fn a_failure_of_the_house_does_not_count_as_an_attempt_at_the_file() {
    let data = tempfile::tempdir().unwrap();
    let (record, dropbox) = open(data.path()).await;
    let session = session(&dropbox, supplier(&record).await).await;
    let mut upload = session.create(&path("a.edi"), NEW).await.unwrap();
    upload.write_at(0, b"ISA").await.unwrap();
    upload.finish().await.unwrap();
    let length = Duration::from_secs(30);
    for (counted, attempt) in [(false, 1), (false, 1), (true, 1), (true, 2)] {
        let lease = record.lease("worker", length).await.unwrap().expect("a job");
        assert_eq!(lease.attempt, attempt);
        let retry = Retry { after: Duration::ZERO, counted };
        record.give_back(&lease, "a reason", Some(retry), vec![]).await.unwrap();
        // Whoever held it before has nothing to say any more.
        assert!(!record.renew(&lease, length).await.unwrap());
    }
    assert_eq!(record.lease("worker", length).await.unwrap().expect("a job").attempt, 3);
}

/// As many as fit are taken and none is refused in vain, although commits and uploads run beside one another.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_quota_is_exact_while_others_commit() {
    let data = tempfile::tempdir().unwrap();
    let record = Record::open(data.path(), 4).await.unwrap();
    let originals = Originals::directory(data.path()).unwrap();
    let accounts =
        config::Accounts { quota_bytes: config::ByteSize::of(40 * 1_000), quota_files: 40, ..Default::default() };
    let (defend, doors) = (config::Live::default(), config::Live::default());
    let (defender, _) = Defender::open(record.clone(), defend, doors).await.unwrap();
    let land = config::Land::default();
    let dropbox = Dropbox::open(record.clone(), defender, originals, land, &accounts, data.path(), "local".to_owned())
        .await
        .unwrap();
    let session = session(&dropbox, supplier(&record).await).await;
    let mut uploads = tokio::task::JoinSet::new();
    // Forty fit exactly, so that each of them is taken whatever the others do.
    for number in 0..40_u32 {
        let session = session.clone();
        uploads.spawn(async move {
            let mut upload = session.create(&path(&format!("f{number}.edi")), NEW).await.unwrap();
            for piece in 0..10_u64 {
                upload.write_at(piece * 100, &[number as u8; 100]).await.unwrap();
                tokio::task::yield_now().await;
            }
            upload.finish().await.unwrap();
        });
    }
    while let Some(done) = uploads.join_next().await {
        done.unwrap();
    }
    let room = session.room().await.unwrap();
    assert_eq!((room.free_bytes, room.free_files), (0, Some(0)));
    assert!(session.create(&path("one.edi"), NEW).await.is_err());
    // In the place of another, with as many bytes, and not with one more.
    let mut again = session.create(&path("f7.edi"), NEW).await.unwrap();
    again.write_at(0, &[9; 1_000]).await.unwrap();
    assert!(again.write_at(1_000, b"x").await.is_err());
    drop(again);
    let mut again = session.create(&path("f7.edi"), NEW).await.unwrap();
    again.write_at(0, &[9; 1_000]).await.unwrap();
    again.finish().await.unwrap();
}
