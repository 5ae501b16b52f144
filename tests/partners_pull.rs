//! Fetching from partners' own servers: OpenSSH's sshd and vsftpd.

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use crate::house::{House, wait_for};
use crate::post::{Post, content, ftps, names, pull, sftp};
use crate::postgres::Postgres;
use crate::s3_server::S3Server;
use crate::servers::{Cable, Sshd, Vsftpd};
use waybill::domain::Digest;

const X12: &[u8] = include_bytes!("../fixtures/x12/ok/minimal/input.edi");

/// Whether the landed files are exactly these, each once.
#[track_caller]
fn landed_are(post: &Post, expected: Vec<(String, Vec<u8>)>) {
    let mut found: Vec<_> = post.house.files().into_iter().map(|file| (file.name, file.sha256)).collect();
    let mut expected: Vec<_> =
        expected.into_iter().map(|(name, bytes)| (name, Digest::of(&bytes).to_string())).collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn files_are_fetched_from_sshd_once_and_deleted_there_when_they_are_safe_here() {
    let post = Post::open();
    let sshd = Sshd::start(post.away.path());
    let out = post.folder("out");
    for (name, bytes) in [("a.edi", X12), ("b b.edi", b"ISA*x"), ("empty.edi", b"")] {
        std::fs::write(out.join(name), bytes).unwrap();
    }
    for left in ["c.edi.part", ".hidden.edi", "notes.txt"] {
        std::fs::write(out.join(left), b"not this one").unwrap();
    }
    std::fs::create_dir(out.join("folder.edi")).unwrap();
    std::os::unix::fs::symlink(out.join("a.edi"), out.join("link.edi")).unwrap();
    post.partners(&format!(
        "{}{}",
        sftp(&sshd, sshd.server.port),
        pull(out.to_str().unwrap(), "delete", "names = [\"*.edi\"]\n")
    ));
    let events = post.told("partner.pulled", 3);
    assert!(events[0].org.is_some() && events[0].file.is_some() && events[0].data["partner"] == "acme", "{events:?}");
    let landed: Vec<(String, Vec<u8>)> = [("a.edi", X12), ("b b.edi", b"ISA*x"), ("empty.edi", b"")]
        .map(|(name, bytes)| (name.to_owned(), bytes.to_vec()))
        .to_vec();
    wait_for("them to be gone", || (names(&out).len() == 5).then_some(()));
    assert_eq!(names(&out), [".hidden.edi", "c.edi.part", "folder.edi", "link.edi", "notes.txt"]);
    // It is read and answered like any other, and known by how it came.
    let file = post.house.settled("a.edi");
    assert_eq!((file.door.as_str(), post.house.documents_of(&file).len()), ("partner", 1));
    std::thread::sleep(Duration::from_secs(2));
    landed_are(&post, landed);
    assert!(post.house.events(&["partner.failed"]).is_empty());
}

#[test]
fn files_are_fetched_from_vsftpd_and_moved_aside_and_never_over_one_another() {
    let post = Post::open();
    let vsftpd = Vsftpd::start(post.away.path(), "");
    let out = vsftpd.drop_folder();
    let done = out.join("done");
    std::fs::create_dir(&done).unwrap();
    for folder in [&out, &done] {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o777)).unwrap();
    }
    let big = content(7, 3_000_000);
    std::fs::write(out.join("big.edi"), &big).unwrap();
    std::fs::write(out.join("ä b.edi"), b"ISA*1").unwrap();
    let password = post.secret("anybody@northwind.example");
    // vsftpd wants each data connection to resume the TLS session of the control connection.
    post.partners(&format!(
        "{}tls_ca = \"{}\"\n{}",
        ftps(&vsftpd, &password),
        vsftpd.authority.display(),
        pull("/drop", "move", "move_to = \"/drop/done\"\n")
    ));
    post.told("partner.pulled", 2);
    wait_for("both to be moved", || (names(&out).len() == 1).then_some(()));
    // Another one of the same name: moved beside the first.
    std::fs::write(out.join("big.edi"), b"ISA*2").unwrap();
    post.told("partner.pulled", 3);
    wait_for("the third to be moved", || (names(&done).len() == 3).then_some(()));
    let moved = names(&done);
    assert!(moved[0] == "big.edi" && moved[1].starts_with("big.edi."), "{moved:?}");
    assert_eq!(std::fs::read(done.join("big.edi")).unwrap(), big);
    let landed = [("big.edi", big.as_slice()), ("ä b.edi", b"ISA*1"), ("big.edi", b"ISA*2")];
    landed_are(&post, landed.map(|(name, bytes)| (name.to_owned(), bytes.to_vec())).to_vec());
    assert!(post.house.events(&["partner.failed"]).is_empty());
    assert!(!post.house.log().contains("anybody@northwind.example"));
}

#[test]
fn what_is_left_there_is_not_taken_twice_and_what_changes_is_taken_again() {
    let mut post = Post::open();
    let sshd = Sshd::start(post.away.path());
    let out = post.folder("out");
    std::fs::write(out.join("a.edi"), b"ISA*1").unwrap();
    post.partners(&format!("{}{}", sftp(&sshd, sshd.server.port), pull(out.to_str().unwrap(), "leave", "")));
    post.told("partner.pulled", 1);
    post.house.kill();
    post.house.start();
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(post.house.files().len(), 1);
    std::fs::write(out.join("a.edi"), b"ISA*2 and longer").unwrap();
    post.told("partner.pulled", 2);
    std::thread::sleep(Duration::from_secs(2));
    let landed = [b"ISA*1".as_slice(), b"ISA*2 and longer"];
    landed_are(&post, landed.map(|bytes| ("a.edi".to_owned(), bytes.to_vec())).to_vec());
    assert_eq!(names(&out), ["a.edi"]);
}

#[test]
fn a_file_that_grows_is_left_alone_until_it_is_whole() {
    let post = Post::open();
    let sshd = Sshd::start(post.away.path());
    let out = post.folder("out");
    post.partners(&format!(
        "{}{}",
        sftp(&sshd, sshd.server.port),
        pull(out.to_str().unwrap(), "delete", "").replace("settle = \"1 s\"", "settle = \"2 s\"")
    ));
    let whole = content(3, 90_000);
    let mut file = std::fs::File::create(out.join("slow.edi")).unwrap();
    let begun = Instant::now();
    for piece in whole.chunks(10_000) {
        std::io::Write::write_all(&mut file, piece).unwrap();
        std::thread::sleep(Duration::from_millis(500));
        assert!(post.house.files().is_empty(), "taken after {:?}, half written", begun.elapsed());
    }
    post.told("partner.pulled", 1);
    landed_are(&post, vec![("slow.edi".to_owned(), whole)]);
}

#[test]
fn a_cut_connection_is_gone_on_with_where_it_was_cut() {
    let post = Post::open();
    let sshd = Sshd::start(post.away.path());
    let cable = Cable::to(sshd.server.port);
    let out = post.folder("out");
    let big = content(9, 9_000_000);
    std::fs::write(out.join("big.edi"), &big).unwrap();
    cable.cut_after(4_000_000);
    post.partners(&format!("{}{}", sftp(&sshd, cable.port), pull(out.to_str().unwrap(), "delete", "")));
    post.told("partner.pulled", 1);
    assert_eq!(cable.cuts(), 1);
    landed_are(&post, vec![("big.edi".to_owned(), big)]);
    let opened = post.house.events(&["upload.opened"]);
    let from = opened.last().unwrap().data["resume_offset"].as_u64().unwrap();
    assert!(opened.len() == 2 && from > 1_000_000, "gone on with at {from}");
    let failed = post.told("partner.failed", 1);
    assert!(failed[0].msg.contains("the connection was lost"), "{}", failed[0].msg);
    post.told("partner.recovered", 1);
}

#[test]
fn a_server_that_dies_in_the_middle_is_gone_on_with_over_ftps_too() {
    let post = Post::open();
    let mut vsftpd = Vsftpd::start(post.away.path(), "anon_max_rate=3000000\n");
    let big = content(9, 6_000_000);
    std::fs::write(vsftpd.drop_folder().join("big.edi"), &big).unwrap();
    let password = post.secret("x");
    post.partners(&format!(
        "{}tls_fingerprint = \"{}\"\n{}",
        ftps(&vsftpd, &password),
        vsftpd.fingerprint.to_uppercase(),
        pull("/drop", "delete", "")
    ));
    wait_for("some of it", || {
        let files = std::fs::read_dir(post.house.data().join("spool")).unwrap().filter_map(Result::ok);
        files.filter_map(|file| file.metadata().ok()).find(|file| file.len() > 1_000_000)
    });
    vsftpd.server.stop();
    post.told("partner.failed", 1);
    assert!(post.house.files().is_empty());
    vsftpd.server.start();
    post.told("partner.pulled", 1);
    landed_are(&post, vec![("big.edi".to_owned(), big)]);
    let opened = post.house.events(&["upload.opened"]);
    assert!(opened.last().unwrap().data["resume_offset"].as_u64().unwrap() > 500_000, "{opened:?}");
    wait_for("it to be deleted", || names(&vsftpd.drop_folder()).is_empty().then_some(()));
}

#[test]
fn a_server_that_is_not_who_it_should_be_is_told_nothing() {
    let post = Post::open();
    let (sshd, vsftpd) = (Sshd::start(post.away.path()), Vsftpd::start(post.away.path(), ""));
    let out = post.folder("out");
    std::fs::write(out.join("a.edi"), b"ISA*1").unwrap();
    std::fs::write(vsftpd.drop_folder().join("a.edi"), b"ISA*1").unwrap();
    let stranger = post.folder("stranger");
    let (stranger, _) = crate::servers::certificate(&stranger);
    let other = "SHA256:94x9V6de33IYadVUeCXWdf00L+OJ/MJMae+bZw+eHB8";
    let password = post.secret("x");
    let pinned = |more: &str| format!("{}{more}{}", ftps(&vsftpd, &password), pull("/drop", "delete", ""));
    let cases = [
        (
            format!(
                "{}{}",
                sftp(&sshd, sshd.server.port).replace(&sshd.fingerprint, other),
                pull(out.to_str().unwrap(), "delete", "")
            ),
            format!("the server shows the host key {}, which is not one of the partner's host_keys", sshd.fingerprint),
        ),
        (
            pinned(&format!("tls_fingerprint = \"{}\"\n", "ab".repeat(32))),
            format!("the server shows a certificate with the SHA-256 {}", vsftpd.fingerprint),
        ),
        (
            pinned(&format!("tls_ca = \"{}\"\n", stranger.display())),
            "the server's certificate is not one that the partner's tls_ca vouches for".to_owned(),
        ),
        // The right authority, another name.
        (
            pinned(&format!("tls_ca = \"{}\"\n", vsftpd.authority.display())).replace("127.0.0.1", "localhost"),
            "the server's certificate is not one".to_owned(),
        ),
    ];
    for (block, sentence) in cases {
        post.write(&block);
        let tested = post.waybill(&["partner", "test", "acme"]);
        let said = String::from_utf8_lossy(&tested.stdout);
        assert_eq!(tested.status.code(), Some(1), "{said}");
        assert!(said.contains("fails") && said.contains(&sentence), "{said}\n{sentence}");
    }
    // And the daemon says the same, and has taken nothing.
    post.partners(&pinned(&format!("tls_fingerprint = \"{}\"\n", "ab".repeat(32))));
    let failed = post.told("partner.failed", 2);
    assert!(failed[0].msg.contains("nothing was sent to it"), "{}", failed[0].msg);
    assert!(post.house.files().is_empty());
    assert!(!vsftpd.server.log().contains("anonymous"));
}

#[test]
fn what_landed_and_could_not_be_moved_is_not_taken_again_after_a_crash() {
    let mut post = Post::open();
    let sshd = Sshd::start(post.away.path());
    let (out, done) = (post.folder("out"), post.away.path().join("done"));
    std::fs::write(out.join("a.edi"), b"ISA*1").unwrap();
    let more = format!("move_to = \"{}\"\n", done.display());
    post.partners(&format!("{}{}", sftp(&sshd, sshd.server.port), pull(out.to_str().unwrap(), "move", &more)));
    post.told("partner.pulled", 1);
    let failed = post.told("partner.failed", 1);
    assert!(failed[0].msg.contains("refused to rename"), "{}", failed[0].msg);
    post.house.kill();
    post.house.start();
    post.told("partner.failed", 3);
    std::fs::create_dir(&done).unwrap();
    wait_for("it to be moved", || (names(&done) == ["a.edi"]).then_some(()));
    landed_are(&post, vec![("a.edi".to_owned(), b"ISA*1".to_vec())]);
    assert_eq!(post.house.events(&["partner.pulled"]).len(), 1);
}

#[test]
fn a_daemon_that_is_killed_again_and_again_takes_every_file_and_none_twice() {
    let mut post = Post::open();
    let sshd = Sshd::start(post.away.path());
    let out = post.folder("out");
    let files: Vec<(String, Vec<u8>)> =
        (0..120).map(|number| (format!("{number}.edi"), content(number, 2_000 + number as usize * 500))).collect();
    for (name, bytes) in &files {
        std::fs::write(out.join(name), bytes).unwrap();
    }
    std::thread::sleep(Duration::from_millis(1_100));
    post.partners(&format!("{}{}", sftp(&sshd, sshd.server.port), pull(out.to_str().unwrap(), "delete", "")));
    let mut killed = 0;
    for round in 0..12_u64 {
        std::thread::sleep(Duration::from_millis(150 + round * 37 % 200));
        if names(&out).is_empty() {
            break;
        }
        post.house.kill();
        killed += 1;
        post.house.start();
    }
    wait_for("all of them", || names(&out).is_empty().then_some(()));
    assert!(killed >= 3, "killed {killed} times");
    landed_are(&post, files);
}

#[test]
fn of_two_nodes_one_fetches_and_the_other_goes_on_when_it_dies() {
    let (postgres, s3) = (Postgres::start(), S3Server::start());
    let mut settings = S3Server::settings(s3.address());
    settings.push(("WAYBILL_STORE_DATABASE".to_owned(), postgres.database()));
    settings.push(("WAYBILL_INGEST_LEASE".to_owned(), "3 s".to_owned()));
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let mut post = Post::with(&settings);
    let sshd = Sshd::start(post.away.path());
    let out = post.folder("out");
    post.write(&format!("{}{}", sftp(&sshd, sshd.server.port), pull(out.to_str().unwrap(), "delete", "")));
    let config = post.away.path().join("waybill.toml");
    let more = [("WAYBILL_CONFIG", config.to_str().unwrap())];
    let other = House::with(&[settings.as_slice(), &more].concat());
    assert!(post.waybill(&["reload"]).status.success());
    let files: Vec<(String, Vec<u8>)> =
        (0..80).map(|number| (format!("{number}.edi"), content(number, 3_000 + number as usize * 900))).collect();
    for (name, bytes) in &files {
        std::fs::write(out.join(name), bytes).unwrap();
    }
    for _ in 0..4 {
        let left = names(&out).len();
        wait_for("some more of them", || (names(&out).len() < left.max(1)).then_some(()));
        post.house.kill();
        std::thread::sleep(Duration::from_millis(300));
        post.house.start();
    }
    wait_for("all of them", || names(&out).is_empty().then_some(()));
    landed_are(&post, files);
    let fetched_by = |house: &House| house.log().matches("\"partner.pulled\"").count();
    assert!(fetched_by(&other) > 0 && fetched_by(&post.house) + fetched_by(&other) <= 80);
}

#[test]
fn what_cannot_be_taken_is_said_once_and_taken_when_it_can_be_and_somebody_asks() {
    let post = Post::open();
    let sshd = Sshd::start(post.away.path());
    let out = post.folder("out");
    std::fs::write(out.join("large.edi"), content(1, 5_000)).unwrap();
    std::fs::write(out.join("x.OK"), b"an answer of somebody's").unwrap();
    std::fs::write(out.join("fine.edi"), b"ISA*1").unwrap();
    let block = |max: &str| {
        let more = format!("file_max = \"{max}\"\n");
        format!("{}{}", sftp(&sshd, sshd.server.port), pull(out.to_str().unwrap(), "delete", &more))
    };
    post.partners(&block("4 KiB"));
    post.told("partner.pulled", 1);
    let refused = post.told("partner.refused", 2);
    assert!(
        refused.iter().any(|event| event.msg.contains("it has 5000 bytes, more than pull.file_max")),
        "{refused:?}"
    );
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(post.house.events(&["partner.refused"]).len(), 2, "once each");
    assert_eq!(names(&out), ["large.edi", "x.OK"]);
    post.partners(&block("1 MiB"));
    let asked = post.waybill(&["partner", "pull", "acme", "--json"]);
    let said: serde_json::Value = serde_json::from_slice(&asked.stdout).unwrap();
    assert_eq!((said["files"].as_u64(), said["refused"].as_u64()), (Some(1), Some(1)), "{said}");
    assert_eq!(names(&out), ["x.OK"]);
}
