//! What an account may do is the same through every door, holds at once, and is never refused in silence.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use waybill::domain::{Event, Scope};
use waybill::record::EventFilter;

use crate::api::Client;
use crate::ftps_clients::python;
use crate::house::{FTPS, House, wait_for};
use crate::{curl, openssh};

const X12: &[u8] = include_bytes!("../fixtures/x12/ok/minimal/input.edi");

fn house() -> House {
    let house = House::with(&FTPS);
    openssh::supplier(&house, "northwind");
    house
}

/// Changes northwind's policy, as an operator does over REST.
fn set(house: &House, changes: &Value) {
    let body = json!({"policy": changes}).to_string();
    let headers = [("content-type", "application/json")];
    Client::of(house, None).call(Method::PATCH, "/v1/accounts/northwind", &headers, body.into()).ok();
}

fn events(house: &House, kind: &str) -> Vec<Event> {
    let filter = EventFilter { kinds: [kind.to_owned()].into(), ..EventFilter::default() };
    house.ask(async |record| record.events_after(&Scope::operator("tests"), &filter, 0, 1_000).await.unwrap())
}

/// The codes of what the policy has refused, oldest first.
fn refused(house: &House) -> Vec<String> {
    events(house, "policy.refused").into_iter().filter_map(|event| event.code).collect()
}

/// A POST in northwind's name: the status, and the words of a refusal.
fn post(house: &House, name: &str, body: &[u8]) -> (u16, String) {
    let answer = Client::of(house, None).post(&format!("/v1/files?account=northwind&name={name}"), &[], body);
    (answer.status.as_u16(), answer.json()["detail"].as_str().unwrap_or_default().to_owned())
}

/// Whether OpenSSH's `sftp` could do it, and what it said.
fn sftp(house: &House, lines: &str) -> (bool, String) {
    let done = openssh::batch(house, "northwind", lines);
    let said = String::from_utf8_lossy(&done.stderr).into_owned() + &String::from_utf8_lossy(&done.stdout);
    (done.status.success(), said)
}

#[test]
fn who_may_not_come_in_is_told_no_more_than_a_wrong_password_and_the_operator_is_told_all() {
    let house = house();
    let login = |password: &str| {
        python(
            &house,
            &format!(
                "ftp = ftplib.FTP_TLS(context=CONTEXT, timeout=30)\nftp.connect('127.0.0.1', PORT)\n\
                 print(refused(ftp.login, 'northwind', {password}))\n"
            ),
        )
    };
    let wrong = login("'not the password'");
    for (changes, code, says) in [
        (json!({"allowed_addresses": ["192.0.2.0/24", "2001:db8::/32"]}), "ip_not_allowed", "127.0.0.1 is not one of"),
        (json!({"allowed_addresses": null, "disabled": true}), "account_disabled", "disabled"),
        (json!({"disabled": false, "valid_until": "2020-01-01"}), "account_expired", "valid until 2020-01-02T00:00:00"),
    ] {
        set(&house, &changes);
        let before = events(&house, "auth.failed").len();
        assert_eq!(login("PASSWORD"), wrong, "{code}");
        assert!(!curl::put(&house, "northwind", &house.file("a.edi", X12), "a.edi").status.success());
        assert!(!sftp(&house, "ls /drop\n").0);
        let (status, detail) = post(&house, "a.edi", X12);
        assert_eq!((status, detail.contains("ask the operator")), (403, true), "{detail}");
        let told = events(&house, "auth.failed").split_off(before);
        // The key is right, and its client never gets as far as signing with it.
        for (door, method) in [("ftps", "password"), ("sftp", "password"), ("sftp", "publickey"), ("https", "token")] {
            let is_told = |event: &&Event| {
                event.proto.as_deref() == Some(door)
                    && event.data["method"] == method
                    && event.code.as_deref() == Some(code)
                    && event.msg.contains("northwind from 127.0.0.1")
                    && event.msg.contains(says)
            };
            assert!(told.iter().any(|event| is_told(&event)), "{door} {method}: {told:#?}");
        }
    }
    set(&house, &json!({"valid_until": "2999-12-31", "allowed_addresses": ["127.0.0.0/8"]}));
    curl::put_ok(&house, "northwind", &house.file("a.edi", X12), "a.edi");
    assert!(sftp(&house, "ls /drop\n").0);
    assert_eq!(house.files().len(), 1);
}

#[test]
fn each_permission_is_asked_at_every_door() {
    let house = house();
    let file = house.file("a.edi", X12);
    curl::put_ok(&house, "northwind", &file, "a.edi");
    house.settled("a.edi");
    set(&house, &json!({"permissions": []}));
    let put = format!("put {} /drop/b.edi\n", file.display());
    for line in [
        &put,
        "ls /drop\n",
        "get /drop/a.edi\n",
        "get /drop/a.edi.OK\n",
        "rm /drop/a.edi\n",
        "rename /drop/a.edi /drop/c.edi\n",
    ] {
        let (done, said) = sftp(&house, line);
        assert!(!done && said.to_lowercase().contains("permission denied"), "{line}: {said}");
    }
    python(
        &house,
        r#"
ftp = client()
for command, says in [
    ("STOR b.edi", "may not send"), ("APPE b.edi", "may not send"), ("RETR a.edi", "may not fetch the files"),
    ("RETR a.edi.OK", "may not fetch answers"), ("HASH a.edi", "may not fetch the files"), ("DELE a.edi", "may not remove"),
    ("LIST", "may not list"), ("MLSD", "may not list"), ("NLST", "may not list"), ("STAT /drop", "may not list"),
]:
    ftp.makepasv()
    reply = refused(ftp.sendcmd, command)
    assert reply.startswith("550 ") and says in reply and "ask the operator" in reply, (command, reply)
assert ftp.sendcmd("RNFR a.edi").startswith("350 ")
assert "may not send or rename" in refused(ftp.sendcmd, "RNTO c.edi")
# What it has is its own to know.
assert ftp.sendcmd("SIZE a.edi").startswith("213 ")
"#,
    );
    let (status, detail) = post(&house, "b.edi", X12);
    assert_eq!((status, detail.contains("may not send")), (403, true), "{detail}");
    assert!(refused(&house).iter().all(|code| code == "permission_denied"));
    let told = events(&house, "policy.refused");
    assert!(
        told.iter()
            .any(|event| event.msg.contains("/drop/b.edi of northwind") && event.ip.as_deref() == Some("127.0.0.1"))
    );
    // One at a time, and nothing else.
    set(&house, &json!({"permissions": ["upload"]}));
    assert!(sftp(&house, &put).0 && !sftp(&house, "ls /drop\n").0 && !sftp(&house, "rm /drop/b.edi\n").0);
    set(&house, &json!({"permissions": ["list", "download_answers"]}));
    assert!(
        sftp(&house, "ls /drop\nget /drop/a.edi.OK /dev/null\n").0 && !sftp(&house, "get /drop/a.edi /dev/null\n").0
    );
    set(&house, &json!({"permissions": null}));
    assert!(sftp(&house, "get /drop/a.edi /dev/null\nrm /drop/a.edi\n").0);
}

#[test]
fn names_and_sizes_are_as_the_account_says_and_a_temporary_name_is_on_the_way() {
    let house = house();
    set(&house, &json!({"name_patterns": ["*.edi", "INV[0-9]*.csv"], "file_max": 1 << 20}));
    let (small, large) = (house.file("small", X12), house.file("large", vec![b'x'; (1 << 20) + 1]));
    let put = |file: &std::path::Path, name: &str| sftp(&house, &format!("put {} /drop/{name}\n", file.display()));
    let (done, said) = put(&small, "a.exe");
    assert!(!done && said.contains("ermission denied"), "{said}");
    // WinSCP's way, and an ERP's that writes under a name of its own.
    assert!(put(&small, "a.exe.filepart").0);
    assert!(!sftp(&house, "rename /drop/a.exe.filepart /drop/a.exe\n").0);
    assert!(sftp(&house, "rename /drop/a.exe.filepart /drop/a.edi\n").0);
    assert!(put(&small, "inv7.CSV").0 && !put(&small, "inv.csv").0);
    let (status, detail) = post(&house, "a.exe", X12);
    assert_eq!((status, detail.contains("*.edi or INV[0-9]*.csv")), (403, true), "{detail}");
    assert_eq!(post(&house, "a.edi", &vec![b'x'; (1 << 20) + 1]).0, 413);
    assert!(!put(&large, "large.edi").0);
    python(
        &house,
        r#"
import io
ftp = client()
for name in ["a.exe", "b.OK.exe"]:
    ftp.makepasv()
    reply = refused(ftp.sendcmd, "STOR " + name)
    assert reply.startswith("550 ") and "*.edi or INV[0-9]*.csv" in reply, reply
ftp.storbinary("STOR 4711.tmp", io.BytesIO(b"x"))
ftp.sendcmd("RNFR 4711.tmp")
assert refused(ftp.sendcmd, "RNTO 4711.txt").startswith("550 ")
ftp.rename("4711.tmp", "INV4711.csv")
assert refused(ftp.sendcmd, "ALLO 1048577").startswith("552 ")
assert ftp.sendcmd("ALLO 1048576").startswith("202 ")
try:
    reply = ftp.storbinary("STOR large.edi", open("large", "rb"))
except (ConnectionError, ssl.SSLError):
    # It was refused before it was sent whole.
    reply = refused(ftp.voidresp)
except ftplib.all_errors as error:
    reply = str(error)
assert reply.startswith("552 ") and "1 MiB this account takes" in reply, reply
"#,
    );
    let mut names: Vec<_> = house.files().into_iter().map(|file| file.name).collect();
    names.sort();
    assert_eq!(names, ["INV4711.csv", "a.edi", "inv7.CSV"]);
    let codes = refused(&house);
    assert!(codes.contains(&"name_rejected".to_owned()) && codes.contains(&"size_limit".to_owned()), "{codes:?}");
    wait_for("the spool to be empty", || {
        (std::fs::read_dir(house.data().join("spool")).unwrap().count() == 0).then_some(())
    });
}

#[test]
fn a_quota_is_kept_to_the_byte_also_when_many_come_at_once() {
    let house = house();
    set(&house, &json!({"quota_bytes": 400_000, "quota_files": 6}));
    let files: Vec<_> =
        (0..8).map(|number: u8| house.file(&format!("f{number}"), vec![b'a' + number; 100_000])).collect();
    let taken = std::thread::scope(|scope| {
        let puts: Vec<_> = files
            .iter()
            .enumerate()
            .map(|(number, file)| {
                let house = &house;
                scope.spawn(move || sftp(house, &format!("put {} /drop/f{number}.edi\n", file.display())).0)
            })
            .collect();
        puts.into_iter().map(|put| put.join().unwrap()).filter(|taken| *taken).count()
    });
    assert!((1..=4).contains(&taken), "{taken} of four that fit");
    assert_eq!(house.files().len(), taken);
    // Those that got in each other's way fit one by one, and then nothing does: not one byte.
    for (number, file) in files.iter().enumerate() {
        sftp(&house, &format!("put {} /drop/f{number}.edi\n", file.display()));
    }
    let drop = || house.files().iter().map(|file| file.name.clone()).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(drop().len(), 4);
    assert_eq!(post(&house, "one.edi", b"x").0, 507);
    assert!(post(&house, "one.edi", b"x").1.contains("quota of 400000 bytes"));
    // What it is told, in each protocol's words.
    let (_, said) = sftp(&house, "df /drop\n");
    assert!(said.contains("100%") || said.contains(" 0 "), "{said}");
    python(
        &house,
        r#"
import io
ftp = client()
assert ftp.sendcmd("AVBL") == "213 0"
assert refused(ftp.sendcmd, "ALLO 1").startswith("552 ")
ftp.voidcmd("TYPE I")
data = ftp.transfercmd("STOR more.edi")
data.sendall(b"x" * 10)
try:
    data.unwrap()
except (OSError, ssl.SSLError):
    pass
data.close()
reply = refused(ftp.voidresp)
assert reply.startswith("552 ") and "quota of 400000 bytes" in reply, reply
names = ftp.nlst()
# In the place of another it takes no room; and what is removed gives room.
replaced = [name for name in names if name.endswith(".edi")][0]
ftp.storbinary("STOR " + replaced, io.BytesIO(b"y" * 100000))
ftp.delete(replaced)
assert ftp.sendcmd("AVBL") == "213 100000"
ftp.storbinary("STOR exact.edi", io.BytesIO(b"z" * 99999))
assert ftp.sendcmd("AVBL") == "213 1"
ftp.storbinary("STOR one.edi", io.BytesIO(b"1"))
# Files have a quota of their own.
ftp.storbinary("STOR zero.edi", io.BytesIO(b""))
assert ftp.sendcmd("AVBL") == "213 0"
ftp.makepasv()
reply = refused(ftp.sendcmd, "STOR seventh.edi")
assert reply.startswith("552 ") and "quota of 6 files" in reply, reply
"#,
    );
    let warnings: Vec<_> = events(&house, "quota.warning").into_iter().map(|event| event.msg).collect();
    assert!(!warnings.is_empty() && warnings[0].contains("400000 of the quota's 400000 bytes"), "{warnings:?}");
    assert!(refused(&house).iter().any(|code| code == "quota"));
    let shown = Client::of(&house, None).get("/v1/accounts/northwind").ok();
    assert_eq!(shown["usage"], json!({"bytes": 400_000, "files": 6}));
    // What is broken off takes room as well, until it is given up.
    set(&house, &json!({"quota_bytes": 500_000, "quota_files": 0}));
    python(
        &house,
        r#"
ftp = client()
ftp.voidcmd("TYPE I")
data = ftp.transfercmd("STOR partial.edi")
data.sendall(b"p" * 60000)
raw = socket.socket(fileno=data.detach())
raw.shutdown(socket.SHUT_RDWR)
raw.close()
assert refused(ftp.voidresp).startswith("451 ")
assert ftp.sendcmd("AVBL") == "213 40000"
ftp.delete("partial.edi")
assert ftp.sendcmd("AVBL") == "213 100000"
"#,
    );
}

#[test]
fn an_account_is_as_fast_as_it_may_be_in_both_directions_over_all_its_sessions() {
    let house = house();
    let file = house.file("a.bin", vec![7; 600 * 1024]);
    set(&house, &json!({"bandwidth": 256 * 1024}));
    let memory = house.memory_kib();
    let started = Instant::now();
    std::thread::scope(|scope| {
        for name in ["a.bin", "b.bin"] {
            let (house, file) = (&house, &file);
            scope.spawn(move || assert!(openssh::put(house, "northwind", file, name)));
        }
    });
    // 1200 KiB at 256 KiB a second, and a quarter of a second's worth at once.
    let up = started.elapsed();
    assert!(up > Duration::from_millis(4_000) && up < Duration::from_secs(20), "{up:?}");
    let started = Instant::now();
    assert_eq!(curl::get(&house, "northwind", "a.bin").unwrap().len(), 600 * 1024);
    python(&house, "ftp = client()\nftp.retrbinary('RETR b.bin', lambda piece: None)\n");
    let down = started.elapsed();
    assert!(down > Duration::from_millis(3_500) && down < Duration::from_secs(20), "{down:?}");
    let started = Instant::now();
    assert_eq!(post(&house, "c.bin", &[9; 600 * 1024]).0, 201);
    assert!(started.elapsed() > Duration::from_millis(1_800), "{:?}", started.elapsed());
    // What waits is with the sender, not here (a password's check takes 19 MiB of it).
    assert!(house.memory_kib().saturating_sub(memory) < 48 * 1024);
    // Taken back, it holds at once.
    set(&house, &json!({"bandwidth": 0}));
    std::thread::sleep(Duration::from_millis(1_500));
    let started = Instant::now();
    assert!(openssh::put(&house, "northwind", &file, "d.bin"));
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
}

#[test]
fn a_change_holds_for_sessions_that_are_open_and_ends_those_that_may_not_be() {
    let house = house();
    std::thread::scope(|scope| {
        let house = &house;
        let told = scope.spawn(move || {
            python(
                house,
                r#"
import io, os
ftp = client()
ftp.voidcmd("TYPE I")
slow = client()
slow.voidcmd("TYPE I")
data = slow.transfercmd("STOR slow.edi")
data.sendall(b"the first half")
def until(done):
    deadline = time.time() + 20
    while not done():
        assert time.time() < deadline
        time.sleep(0.1)
open("ready1", "w").close()
ftp.storbinary("STOR a.edi", io.BytesIO(b"x"))
def refuses():
    try:
        ftp.rename("a.edi", "a.txt")
    except ftplib.error_perm as error:
        return "*.edi" in str(error)
    ftp.rename("a.txt", "a.edi")
    return False
until(refuses)
assert ftp.pwd() == "/drop"
# The upload that was under way goes on.
data.sendall(b" and the second")
data.unwrap()
assert slow.voidresp().startswith("226 ")
data = slow.transfercmd("STOR other.edi")
data.sendall(b"half")
open("ready2", "w").close()
started = time.time()
assert refused(ftp.getresp).startswith("421 this account may not be used any more")
assert refused(slow.getresp).startswith("421 this account may not be used any more")
assert time.time() - started < 10
"#,
            )
        });
        let ready = |name: &str| wait_for(name, || house.folder().join(name).exists().then_some(()));
        ready("ready1");
        set(house, &json!({"name_patterns": ["*.edi"]}));
        ready("ready2");
        set(house, &json!({"allowed_addresses": ["192.0.2.1"]}));
        told.join().unwrap();
    });
    let revoked = events(&house, "session.revoked");
    assert_eq!(revoked.len(), 2, "{revoked:#?}");
    assert!(revoked[0].msg.contains("northwind") && revoked[0].msg.contains("127.0.0.1"), "{}", revoked[0].msg);
    assert_eq!(revoked[0].code.as_deref(), Some("ip_not_allowed"));
    assert_eq!(house.files().len(), 2, "what was half there has not landed");
    // An SFTP session ends when its account's time is over, to the second.
    set(&house, &json!({"allowed_addresses": null, "name_patterns": null}));
    let until = waybill::domain::Timestamp::now().plus_micros(4_000_000);
    let started = Instant::now();
    let session = std::thread::scope(|scope| {
        let session = scope.spawn(|| sftp(&house, "ls /drop\n!sleep 20\nls /drop\n"));
        std::thread::sleep(Duration::from_secs(1));
        set(&house, &json!({"valid_until": until.to_string()}));
        wait_for("the session to be sent away", || (events(&house, "session.revoked").len() == 3).then_some(()));
        let after = started.elapsed();
        assert!(after > Duration::from_secs(3) && after < Duration::from_secs(12), "{after:?}");
        session.join().unwrap()
    });
    assert!(!session.0, "{session:?}");
}

#[test]
fn the_command_line_says_the_same_on_a_folder_and_on_a_server() {
    let house = House::with(&[("WAYBILL_ACCOUNTS_QUOTA_FILES", "77")]);
    house.supplier("northwind");
    let token = std::process::Command::new(env!("CARGO_BIN_EXE_waybill"))
        .args(["token", "create", "--operator", "--data"])
        .arg(house.data())
        .output()
        .unwrap();
    let token = String::from_utf8(token.stdout).unwrap().trim().to_owned();
    let run = |arguments: &[&str], there: bool| {
        let mut waybill = std::process::Command::new(env!("CARGO_BIN_EXE_waybill"));
        waybill.args(arguments).env("TZ", "UTC");
        match there {
            true => waybill.args(["--url", &house.http()]).env("WAYBILL_TOKEN", &token),
            false => waybill.arg("--data").arg(house.data()),
        };
        let done = waybill.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (done.status.code().unwrap(), text(done.stdout), text(done.stderr))
    };
    for there in [false, true] {
        let set = [
            "account",
            "set",
            "northwind",
            "--allowed-addresses",
            "127.0.0.0/8,2001:db8::/32",
            "--quota-bytes",
            "10 GiB",
            "--permissions",
            "upload,list",
            "--name-patterns",
            "*.edi,INV[0-9]*.csv",
            "--valid-until",
            "2999-12-31",
            "--bandwidth",
            "1 MiB",
            "--file-max",
            "none",
            "--tolerate-missing-close-notify",
            "yes",
            "--json",
        ];
        let (exit, out, err) = run(&set, there);
        assert_eq!((exit, err.as_str()), (0, ""));
        let account: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(account["policy"]["quota_bytes"], 10_u64 << 30);
        assert_eq!(account["policy"]["valid_until"], "3000-01-01T00:00:00.000000Z");
        assert_eq!(
            (&account["policy"]["quota_files"], &account["effective"]["quota_files"]),
            (&Value::Null, &json!(77))
        );
        assert_eq!(account["effective"]["name_patterns"], json!(["*.edi", "INV[0-9]*.csv"]));
        let (exit, out, _) = run(&["account", "set", "northwind", "--quota-bytes", "default", "--disable"], there);
        assert_eq!(exit, 0);
        assert!(out.contains("no limit (0 B used)") && out.contains("77 (0 used)"), "{out}");
        run(&["account", "set", "northwind", "--enable"], there);
        for (arguments, says) in [
            (&["--allowed-addresses", "10.0.0.1/8"][..], "did you mean 10.0.0.0/8"),
            (&["--quota-bytes", "lots"], "write a whole number"),
            (&["--bandwidth", "1 KiB"], "16384"),
            (&["--permissions", "fly"], "is not a permission"),
            (&[], "nothing is to be changed"),
        ] {
            let (exit, out, err) = run(&[&["account", "set", "northwind"], arguments].concat(), there);
            assert!(exit == 2 && out.is_empty() && err.contains(says), "{arguments:?}: {err}");
        }
        let (exit, _, err) = run(&["account", "show", "nobody"], there);
        assert!(exit == 2 && err.contains("no account `nobody`"), "{err}");
    }
    for json in [&[][..], &["--json"]] {
        let show = [&["account", "show", "northwind"], json].concat();
        assert_eq!(run(&show, false), run(&show, true), "the answers are the same, to the byte");
    }
    let changes = events(&house, "admin.action");
    assert!(changes.iter().any(|event| event.msg.contains("changed the policy of northwind: valid_until")));
    // What is wrong with a change is said place by place, and nothing of it holds.
    let operator = Client::with(&house, &token);
    let headers = [("content-type", "application/json")];
    let change = json!({"policy": {"quota_bytes": -1, "disabled": true, "colour": "red"}}).to_string();
    let problem = operator.call(Method::PATCH, "/v1/accounts/northwind", &headers, change.into());
    let problem = problem.is_problem(400, "validation_failed");
    let places: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|fault| fault["pointer"].clone()).collect();
    assert_eq!(places, ["/policy/quota_bytes", "/policy/colour"]);
    assert_eq!(operator.get("/v1/accounts/northwind").ok()["policy"]["disabled"], false);
}
