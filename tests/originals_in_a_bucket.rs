//! Originals rest in a bucket of S3 as they do in a directory: put once, whole, and read back the same.

use std::io::Read;

use waybill::config::{Shelf, Store};
use waybill::domain::Digest;
use waybill::originals::{Originals, ShelfError};

use crate::house::House;
use crate::openssh;
use crate::s3_server::{KEY, S3Server, SECRET};

/// Bytes that are not the same anywhere.
pub(crate) fn bytes(count: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    })
    .take(count)
    .collect()
}

async fn shelf(server: &S3Server) -> Originals {
    // nextest gives each test a process of its own, so that this is nobody else's environment.
    // The library reads it when the shelf is opened.
    let store = Store { originals: Shelf::S3, ..Store::default() };
    Originals::of(&store, &S3Server::shelf_settings(server.address())).await.unwrap()
}

/// Runs this test again in a process that has the credentials; `true` in that process.
fn with_credentials(test: &str) -> bool {
    if std::env::var("AWS_ACCESS_KEY_ID").is_ok_and(|key| key == KEY) {
        return true;
    }
    let done = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env("AWS_ACCESS_KEY_ID", KEY)
        .env("AWS_SECRET_ACCESS_KEY", SECRET)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .status()
        .unwrap();
    assert!(done.success());
    false
}

fn run(test: &str, promise: impl AsyncFnOnce(&S3Server, Originals, tempfile::TempDir)) {
    if !with_credentials(test) {
        return;
    }
    let server = S3Server::start();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let originals = shelf(&server).await;
        promise(&server, originals, tempfile::tempdir().unwrap()).await;
    });
}

async fn read(shelf: &Originals, key: &str) -> Vec<u8> {
    let original = shelf.open(key).await.unwrap();
    let read = tokio::task::spawn_blocking(move || {
        let mut whole = vec![];
        original.reader().read_to_end(&mut whole).map(|_| whole)
    });
    read.await.unwrap().unwrap()
}

#[test]
fn an_object_is_put_once_and_reads_back() {
    run("originals_in_a_bucket::an_object_is_put_once_and_reads_back", async |server, shelf, data| {
        let staged = data.path().join("staged");
        for (name, content) in [("empty", vec![]), ("small", b"ISA*".to_vec()), ("larger", bytes(3 << 20, 7))] {
            let key = format!("t/org_1/{name}");
            std::fs::write(&staged, &content).unwrap();
            shelf.put(&key, &staged, Digest::of(&content)).await.unwrap();
            // The answer was lost: the same again is a success.
            shelf.put(&key, &staged, Digest::of(&content)).await.unwrap();
            assert_eq!(read(&shelf, &key).await, content, "{name}");
            let stored = shelf.look(&key).await.unwrap().unwrap();
            assert_eq!((stored.size_bytes, stored.digest), (content.len() as u64, Some(Digest::of(&content))));
            assert!(server.bucket().join("house/t/org_1").join(name).is_file());
        }
        std::fs::write(&staged, b"not the same").unwrap();
        let other = shelf.put("t/org_1/small", &staged, Digest::of(b"not the same")).await;
        assert!(matches!(other, Err(ShelfError::Exists(_))), "{other:?}");
        assert_eq!(read(&shelf, "t/org_1/small").await, b"ISA*");
        assert_eq!(shelf.look("t/org_1/none").await.unwrap(), None);
        assert!(matches!(shelf.open("t/org_1/none").await, Err(ShelfError::NotFound(_))));
        shelf.forget("t/org_1/small").await;
        assert_eq!(shelf.look("t/org_1/small").await.unwrap(), None);
    });
}

#[test]
fn a_large_object_is_sent_while_it_arrives_and_read_in_any_order() {
    run(
        "originals_in_a_bucket::a_large_object_is_sent_while_it_arrives_and_read_in_any_order",
        async |server, shelf, data| {
            let staged = data.path().join("staged");
            let content = bytes((23 << 20) + 12_345, 3);
            let mut sending = shelf.sending("t/org_1/large".to_owned());
            let mut whole = 0;
            for piece in content.chunks(300_000) {
                use std::io::Write;
                std::fs::File::options().create(true).append(true).open(&staged).unwrap().write_all(piece).unwrap();
                whole += piece.len() as u64;
                sending.arrived(&staged, whole);
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
            // Parts are there before the end is known, and no object is.
            let parts = || {
                let listed = std::fs::read_dir(server.bucket().parent().unwrap()).unwrap().flatten();
                listed.filter(|file| file.file_name().to_string_lossy().contains(".upload_id")).count()
            };
            for _ in 0..600 {
                if parts() >= 4 {
                    break;
                }
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                sending.arrived(&staged, whole);
            }
            assert!(parts() >= 4, "{} parts", parts());
            assert_eq!(shelf.look("t/org_1/large").await.unwrap(), None);
            sending.finish(&staged, whole, Digest::of(&content)).await.unwrap();
            assert_eq!(read(&shelf, "t/org_1/large").await, content);
            // As a door asks: here and there.
            let original = shelf.open("t/org_1/large").await.unwrap();
            for offset in [0_usize, 17 << 20, 5, 23 << 20, (4 << 20) - 3] {
                let mut buffer = vec![0; 700_000];
                let count = original.read_at(offset as u64, &mut buffer).await.unwrap();
                let expected = &content[offset..content.len().min(offset + buffer.len())];
                assert_eq!(&buffer[..count], expected, "from {offset}");
            }
            assert_eq!(original.read_at(whole, &mut [0; 10]).await.unwrap(), 0);
        },
    );
}

#[test]
fn what_is_written_again_after_it_was_sent_is_sent_again() {
    run("originals_in_a_bucket::what_is_written_again_after_it_was_sent_is_sent_again", async |server, shelf, data| {
        let staged = data.path().join("staged");
        let mut content = bytes(12 << 20, 9);
        std::fs::write(&staged, &content).unwrap();
        let mut sending = shelf.sending("t/org_1/again".to_owned());
        sending.arrived(&staged, content.len() as u64);
        content[..4].copy_from_slice(b"ISA*");
        std::fs::write(&staged, &content).unwrap();
        sending.rewritten(0);
        sending.arrived(&staged, content.len() as u64);
        sending.finish(&staged, content.len() as u64, Digest::of(&content)).await.unwrap();
        assert_eq!(read(&shelf, "t/org_1/again").await, content);
        // One that its sender gave up leaves nothing.
        let mut given_up = shelf.sending("t/org_1/given-up".to_owned());
        given_up.arrived(&staged, content.len() as u64);
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        drop(given_up);
        let left = || {
            let listed = std::fs::read_dir(server.bucket().parent().unwrap()).unwrap().flatten();
            listed.filter(|file| file.file_name().to_string_lossy().contains(".upload_id")).count()
        };
        for _ in 0..100 {
            if left() == 0 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert_eq!(left(), 0);
    });
}

#[test]
fn files_of_every_size_land_in_the_bucket_are_read_and_can_be_fetched() {
    let server = S3Server::start();
    let settings = S3Server::settings(server.address());
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let house = House::with(&settings);
    openssh::supplier(&house, "northwind");
    let x12 = include_bytes!("../fixtures/x12/ok/minimal/input.edi");
    for (name, content) in [("a.edi", x12.to_vec()), ("empty.edi", vec![]), ("large.bin", bytes((11 << 20) + 77, 5))] {
        let path = house.folder().join(name);
        std::fs::write(&path, &content).unwrap();
        assert!(openssh::put(&house, "northwind", &path, name), "{name}");
        let fetched = house.folder().join(format!("{name}.back"));
        let got = openssh::batch(&house, "northwind", &format!("get /drop/{name} {}\n", fetched.display()));
        assert!(got.status.success(), "{name}: {}", String::from_utf8_lossy(&got.stderr));
        assert!(std::fs::read(&fetched).unwrap() == content, "{name}");
        assert_eq!(house.settled(name).sha256, Digest::of(&content).to_string(), "{name}");
    }
    assert_eq!(house.documents_of(&house.settled("a.edi")).len(), 1);
    assert!(!house.data().join("originals").exists(), "nothing rests on this machine");
}

#[test]
fn a_bucket_that_is_not_there_or_not_ours_is_said_at_the_start() {
    let server = S3Server::start();
    for (name, value, said) in
        [("WAYBILL_S3_BUCKET", "elsewhere", "elsewhere"), ("AWS_SECRET_ACCESS_KEY", "wrong", "originals")]
    {
        let mut settings = S3Server::settings(server.address());
        settings.iter_mut().filter(|known| known.0 == name).for_each(|known| known.1 = value.to_owned());
        let data = tempfile::tempdir().unwrap();
        let done = std::process::Command::new(env!("CARGO_BIN_EXE_waybill"))
            .args(["serve", "--data"])
            .arg(data.path())
            .args(["--sftp-listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0"])
            .envs(settings)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(!done.status.success() && text.contains(said), "{text}");
    }
}
