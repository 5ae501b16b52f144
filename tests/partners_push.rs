//! Bringing files and answers to partners' own servers, and being such a server to somebody else.

use std::path::Path;
use std::time::Duration;

use crate::curl;
use crate::house::{FTPS, House, PASSWORD, wait_for};
use crate::post::{Post, content, ftps, names, pull, push, sftp};
use crate::servers::{Cable, Sshd, Vsftpd};
use waybill::domain::Digest;

const X12: &[u8] = include_bytes!("../fixtures/x12/ok/minimal/input.edi");

fn said(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

/// Puts a file in line without waiting for what becomes of it.
fn in_line(post: &Post, file: &Path) -> std::process::Child {
    let mut waybill = std::process::Command::new(env!("CARGO_BIN_EXE_waybill"));
    waybill.args(["partner", "push", "acme"]).arg(file).stdout(std::process::Stdio::null());
    waybill.stderr(std::process::Stdio::null());
    waybill.env("WAYBILL_DATA", post.house.data()).env("WAYBILL_CONFIG", post.away.path().join("waybill.toml"));
    waybill.spawn().unwrap()
}

#[test]
fn answers_go_to_the_partner_of_who_sent_the_file_each_once() {
    let mut post = Post::open();
    let sshd = Sshd::start(post.away.path());
    let inbox = post.folder("in");
    post.house.supplier("rival");
    let early = post.house.file("early.edi", X12);
    curl::put_ok(&post.house, "northwind", &early, "early.edi");
    post.house.settled("early.edi");
    post.partners(&format!("{}{}", sftp(&sshd, sshd.server.port), push(inbox.to_str().unwrap(), "")));
    post.house.kill();
    post.house.start();
    let fine = post.house.file("fine.edi", [X12, b"\n"].concat());
    let broken = post.house.file("broken.edi", b"ISA*00");
    for (login, file, name) in
        [("northwind", &fine, "fine.edi"), ("northwind", &broken, "broken.edi"), ("rival", &broken, "rivals.edi")]
    {
        curl::put_ok(&post.house, login, file, name);
        post.house.settled(name);
    }
    let events = post.told("partner.sent", 2);
    assert!(events.iter().all(|event| event.org.is_some() && event.file.is_some()), "{events:?}");
    let expected = ["broken.edi.ERRORS.csv", "fine.edi.OK"];
    assert_eq!(names(&inbox), expected, "not those from before there was a partner, and nobody else's");
    let answer = curl::get(&post.house, "northwind", "fine.edi.OK").unwrap();
    assert_eq!(std::fs::read(inbox.join("fine.edi.OK")).unwrap(), answer);
    // Taken away by the partner, they do not come again.
    for name in expected {
        std::fs::remove_file(inbox.join(name)).unwrap();
    }
    post.house.kill();
    post.house.start();
    std::thread::sleep(Duration::from_secs(3));
    assert!(names(&inbox).is_empty());
    // Read anew, it is answered anew.
    let file = post.house.settled("fine.edi");
    let again = post.waybill(&["file", "reprocess", &file.id.to_string()]);
    assert!(again.status.success(), "{}", said(&again));
    post.told("partner.sent", 3);
    assert_eq!(names(&inbox), ["fine.edi.OK"]);
}

#[test]
fn a_push_that_was_cut_is_gone_on_with_and_shows_its_name_only_when_it_is_whole() {
    let post = Post::open();
    let sshd = Sshd::start(post.away.path());
    let cable = Cable::to(sshd.server.port);
    let inbox = post.folder("in");
    post.partners(&format!("{}{}", sftp(&sshd, cable.port), push(inbox.to_str().unwrap(), "")));
    let bytes = content(5, 9_000_000);
    let file = post.house.file("big.edi", &bytes);
    cable.cut_after(5_000_000);
    let mut waiting = in_line(&post, &file);
    let failed = post.told("partner.failed", 1);
    assert!(failed[0].msg.contains("the connection was lost"), "{}", failed[0].msg);
    post.told("partner.sent", 1);
    waiting.wait().unwrap();
    assert_eq!(names(&inbox), ["big.edi"]);
    assert!(std::fs::read(inbox.join("big.edi")).unwrap() == bytes);
    // What went over the cable after the cut was the rest.
    let log = sshd.server.log();
    assert_eq!((cable.cuts(), log.matches("Accepted publickey").count()), (1, 2), "{log}");
}

#[test]
fn what_is_under_the_temporary_name_is_gone_on_with_and_what_has_the_name_is_never_replaced() {
    let post = Post::open();
    let vsftpd = Vsftpd::start(post.away.path(), "anon_max_rate=3000000\nchown_uploads=NO\n");
    let inbox = vsftpd.drop_folder();
    let password = post.secret("x");
    let trusted = format!("{}tls_ca = \"{}\"\n", ftps(&vsftpd, &password), vsftpd.authority.display());
    post.partners(&format!("{trusted}{}", push("/drop", "")));
    std::fs::write(inbox.join("big.edi"), b"an older one, not fetched yet").unwrap();
    let bytes = content(5, 6_000_000);
    let file = post.house.file("big.edi", &bytes);
    let mut vsftpd = vsftpd;
    let mut waiting = in_line(&post, &file);
    wait_for("some of it", || {
        let names = names(&inbox).into_iter().filter(|name| name.ends_with(".part"));
        names.filter_map(|name| inbox.join(name).metadata().ok()).find(|file| file.len() > 1_000_000)
    });
    vsftpd.server.stop();
    post.told("partner.failed", 1);
    let (part, kept) = names(&inbox)
        .into_iter()
        .find(|name| name.ends_with(".part"))
        .map(|name| (name.clone(), inbox.join(name).metadata().unwrap().len()))
        .unwrap();
    assert!(part.starts_with("big.edi.fil_") && kept < bytes.len() as u64, "{part}");
    // It is seen to be gone on with: were it sent anew, this mark would go.
    use std::os::unix::fs::FileExt;
    let open = std::fs::File::options().write(true).open(inbox.join(&part)).unwrap();
    open.write_all_at(b"MARK", 0).unwrap();
    vsftpd.server.start();
    let sent = post.told("partner.sent", 1);
    waiting.wait().unwrap();
    let placed = sent[0].data["placed_as"].as_str().unwrap();
    assert!(placed.starts_with("big-") && placed.ends_with(".edi"), "{placed}");
    let mut expected = vec!["big.edi".to_owned(), placed.to_owned()];
    expected.sort();
    assert_eq!(names(&inbox), expected);
    let found = std::fs::read(inbox.join(placed)).unwrap();
    assert!(found.len() == bytes.len() && found[..4] == *b"MARK" && found[4..] == bytes[4..]);
    assert_eq!(std::fs::read(inbox.join("big.edi")).unwrap(), b"an older one, not fetched yet");
}

#[test]
fn a_daemon_that_is_killed_again_and_again_sends_every_file_and_none_twice() {
    let mut post = Post::open();
    let sshd = Sshd::start(post.away.path());
    let inbox = post.folder("in");
    post.write(&format!("{}{}", sftp(&sshd, sshd.server.port), push(inbox.to_str().unwrap(), "")));
    let files: Vec<(String, Vec<u8>)> =
        (0..60).map(|number| (format!("{number}.edi"), content(number, 2_000 + number as usize * 4_000))).collect();
    let paths: Vec<_> = files.iter().map(|(name, bytes)| post.house.file(name, bytes)).collect();
    // Put in line while nobody sends: the server is away.
    let mut sshd = sshd;
    sshd.server.stop();
    post.partners(&format!("{}{}", sftp(&sshd, sshd.server.port), push(inbox.to_str().unwrap(), "")));
    let arguments: Vec<&str> = paths.iter().map(|path| path.to_str().unwrap()).collect();
    let queued = post.waybill(&[&["partner", "push", "acme"], arguments.as_slice()].concat());
    assert_eq!(queued.status.code(), Some(1), "{}", said(&queued));
    assert!(said(&queued).contains("could not connect to 127.0.0.1:"), "{}", said(&queued));
    sshd.server.start();
    let mut killed = 0;
    for round in 0..12_u64 {
        std::thread::sleep(Duration::from_millis(120 + round * 37 % 150));
        if post.house.events(&["partner.sent"]).len() == files.len() {
            break;
        }
        post.house.kill();
        killed += 1;
        post.house.start();
    }
    post.told("partner.sent", files.len());
    assert!(killed >= 2, "killed {killed} times");
    let mut expected: Vec<String> = files.iter().map(|(name, _)| name.clone()).collect();
    expected.sort();
    assert_eq!(names(&inbox), expected, "each once, and nothing left of the tries");
    for (name, bytes) in &files {
        assert!(std::fs::read(inbox.join(name)).unwrap() == *bytes, "{name}");
    }
}

#[test]
fn the_command_line_lists_tries_sends_and_fetches_with_a_daemon_and_without() {
    let mut post = Post::open();
    let sshd = Sshd::start(post.away.path());
    let (out, inbox) = (post.folder("out"), post.folder("in"));
    let nothing = post.waybill(&["partner", "test", "acme"]);
    assert_eq!(nothing.status.code(), Some(2));
    assert!(said(&nothing).contains("the settings name no partner `acme`; they name none"), "{}", said(&nothing));
    let both = [
        pull(out.to_str().unwrap(), "delete", "cron = \"0 0 1 1 *\"\n"),
        push(inbox.to_str().unwrap(), "answers = false\n"),
    ];
    post.partners(&format!("{}{}", sftp(&sshd, sshd.server.port), both.concat()));
    std::fs::write(out.join("a.edi"), X12).unwrap();
    let tested = post.waybill(&["partner", "test", "acme"]);
    assert!(tested.status.success(), "{}", said(&tested));
    let text = said(&tested);
    assert!(text.contains("logged in to 127.0.0.1") && text.contains("has 1 file to fetch"), "{text}");
    assert_eq!(names(&out), ["a.edi"], "nothing was changed");
    let file = post.house.file("answer.csv", "number\nNW-1\n");
    let push = |post: &Post, more: &[&str]| {
        let file = file.to_str().unwrap();
        post.waybill(&[&["partner", "push", "acme", file], more].concat())
    };
    for daemon in [true, false] {
        if !daemon {
            post.house.stop();
        }
        std::fs::write(out.join("a.edi"), X12).unwrap();
        std::thread::sleep(Duration::from_millis(2_200));
        let pulled = post.waybill(&["partner", "pull", "acme", "--json"]);
        let shown: serde_json::Value =
            serde_json::from_slice(&pulled.stdout).unwrap_or_else(|_| panic!("{}", said(&pulled)));
        assert_eq!((shown["files"].as_u64(), pulled.status.code()), (Some(1), Some(0)), "{shown}");
        assert!(names(&out).is_empty());
        let pushed = push(&post, &if daemon { vec![] } else { vec!["--again"] });
        assert!(pushed.status.success() && said(&pushed).contains("answer.csv: sent as answer"), "{}", said(&pushed));
        let again = push(&post, &[]);
        assert!(again.status.success() && said(&again).contains("was sent before"), "{}", said(&again));
    }
    assert_eq!(names(&inbox).len(), 2);
    assert_eq!(post.house.files().len(), 2);
    let listed = post.waybill(&["partner", "list"]);
    assert!(said(&listed).contains("1 file fetched") && said(&listed).contains("1 file sent"), "{}", said(&listed));
    let idle = post.waybill(&["partner", "push", "acme"]);
    assert!(idle.status.success() && said(&idle).contains("nothing waits to be sent"), "{}", said(&idle));
    let missing = post.waybill(&["partner", "push", "acme", "nowhere.edi"]);
    assert_eq!(missing.status.code(), Some(2), "{}", said(&missing));
}

#[test]
fn a_house_is_a_partner_to_another_by_sftp_and_by_implicit_ftps() {
    let post = Post::open();
    let other = House::with(&FTPS);
    other.supplier("waybill");
    let sent = other.file("invoice.edi", X12);
    curl::put_ok(&other, "waybill", &sent, "invoice.edi");
    other.settled("invoice.edi");
    let password = post.secret(PASSWORD);
    let block = |name: &str, protocol: &str, port: u16, trusted: &str| {
        format!(
            "[[partner]]\nname = \"{name}\"\naccount = \"northwind\"\nprotocol = \"{protocol}\"\nhost = \"127.0.0.1\"\n\
             port = {port}\nuser = \"waybill\"\npassword_file = \"{}\"\n{trusted}\n{}{}",
            password.display(),
            pull("/drop", "leave", "names = [\"*.edi\"]\n"),
            push("/drop", "answers = false\n")
        )
    };
    let pin =
        |door: &str| other.ready().doors.iter().find(|known| known.door == door).unwrap().fingerprint.clone().unwrap();
    let implicit = other.ready().address("ftps-implicit").unwrap().port();
    post.partners(
        &[
            block("by-sftp", "sftp", other.sftp().port(), &format!("host_keys = [\"{}\"]", pin("sftp"))),
            block("by-ftps", "ftps-implicit", implicit, &format!("tls_fingerprint = \"{}\"", pin("ftps-implicit"))),
        ]
        .concat(),
    );
    post.told("partner.pulled", 2);
    let files = post.house.files();
    assert!(
        files.iter().all(|file| file.name == "invoice.edi" && file.sha256 == Digest::of(X12).to_string()),
        "{files:?}"
    );
    for (number, name) in ["by-sftp", "by-ftps"].into_iter().enumerate() {
        let bytes = content(u32::try_from(number).unwrap(), 700_000);
        let file = post.house.file(&format!("{name}.csv"), &bytes);
        let pushed = post.waybill(&["partner", "push", name, file.to_str().unwrap()]);
        assert!(pushed.status.success(), "{}", said(&pushed));
        assert_eq!(other.settled(&format!("{name}.csv")).sha256, Digest::of(&bytes).to_string());
    }
    assert!(other.files().iter().all(|file| !file.name.contains(".part")), "{:?}", other.files());
    // A wrong password, and one that others can read.
    std::fs::write(&password, "a wrong guess").unwrap();
    for name in ["by-sftp", "by-ftps"] {
        let tested = post.waybill(&["partner", "test", name]);
        let text = said(&tested);
        assert!(tested.status.code() == Some(1) && text.contains("the server refused the login `waybill`"), "{text}");
    }
    std::process::Command::new("chmod").arg("644").arg(&password).status().unwrap();
    let tested = post.waybill(&["partner", "test", "by-sftp"]);
    assert!(said(&tested).contains("it holds a secret: chmod 600 it"), "{}", said(&tested));
    assert!(!post.house.log().contains(PASSWORD) && !post.house.log().contains("a wrong guess"));
}
