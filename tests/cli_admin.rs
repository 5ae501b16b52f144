//! The commands that administer and look, as a person and a script meet them: the real binary, on a data
//! folder without a daemon and on a server, its two streams, its exit code.

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::cli_check::Check as Run;
use crate::house::{House, wait_for};

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEulHVVP+VycD4kL4C7RA+dvjmO5nGn6vyFOKIhpNgeS hi there\n";
const FINGERPRINT: &str = "SHA256:wYZ2u7WcNI1DyEft6fsaCdNwvEQSh9zVrGuxPkF2708";
const PROFILE: &str = "name = \"my-erp\"\ntitle = \"Ours\"\ndocuments = \"invoice\"\n\n[columns]\nnumber = \"No\"\nissue_date = \"Date\"\npayable = \"Amount\"\n\n[defaults]\ncurrency = \"EUR\"\n";

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_waybill"));
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).env("TZ", "UTC");
    for name in ["WAYBILL_DATA", "WAYBILL_URL", "WAYBILL_TOKEN", "NO_COLOR"] {
        command.env_remove(name);
    }
    command
}

/// The store in a folder that no daemon has.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn with_globex() -> Self {
        let folder = Self::new();
        assert_eq!(folder.run(&["org", "create", "Globex"]).exit, 0);
        folder
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn file(&self, name: &str, content: &str) -> String {
        let path = self.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn run(&self, args: &[&str]) -> Run {
        command(args).arg("--data").arg(self.path().join("data")).output().unwrap().into()
    }

    fn run_input(&self, args: &[&str], input: &str) -> Run {
        let mut child =
            command(args).arg("--data").arg(self.path().join("data")).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap().into()
    }

    /// The objects of a command with `--json` that went well.
    fn json(&self, args: &[&str]) -> Vec<Value> {
        let run = self.run(&[args, &["--json"]].concat());
        assert_eq!((run.exit, run.err.as_str()), (0, ""), "{args:?}");
        run.lines()
    }
}

/// A daemon, and a token of its operator.
struct Server {
    house: House,
    token: String,
}

impl Server {
    fn open() -> Self {
        let house = House::open();
        let made: Run =
            command(&["token", "create", "--operator", "--data"]).arg(house.data()).output().unwrap().into();
        assert_eq!(made.exit, 0, "{}", made.err);
        Self { house, token: made.out.trim().to_owned() }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = command(args);
        command.args(["--url", &self.house.http()]).env("WAYBILL_TOKEN", &self.token);
        command
    }

    /// Over REST.
    fn there(&self, args: &[&str]) -> Run {
        self.command(args).output().unwrap().into()
    }

    /// The same folder, directly.
    fn here(&self, args: &[&str]) -> Run {
        command(args).arg("--data").arg(self.house.data()).output().unwrap().into()
    }

    /// Sends a file over the API and waits until it was read; its id.
    fn sends(&self, name: &str, content: &str) -> String {
        let path = self.house.file(name, content);
        let token = self.there(&["token", "create", "--org", "Globex", "--name", "erp"]).out;
        let sent = Command::new("curl")
            .args(["-sS", "--fail-with-body", "-F", &format!("file=@{}", path.display())])
            .args(["-H", &format!("Authorization: Bearer {}", token.trim())])
            .arg(format!("{}/v1/files", self.house.http()))
            .output()
            .unwrap();
        assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stdout));
        self.house.settled(name).id.to_string()
    }
}

fn keys(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn reading_commands_refuse_a_folder_without_a_store_and_say_how_to_begin_one() {
    let folder = Folder::new();
    for args in [&["org", "list"][..], &["file", "list"], &["tail"], &["token", "create", "--operator"]] {
        let run = folder.run(args);
        assert_eq!((run.exit, run.out.as_str()), (2, ""), "{args:?}");
        assert!(
            run.err.contains("there is no waybill.db in ") && run.err.contains("waybill org create"),
            "{}",
            run.err
        );
    }
    assert!(!folder.path().join("data").exists(), "a question must not make a store");
}

#[test]
fn an_organisation_is_made_and_listed() {
    let folder = Folder::new();
    let made = folder.run(&["org", "create", "Acme \"Süd\"", "--kind", "payer"]);
    assert_eq!((made.exit, made.err.as_str()), (0, ""));
    assert!(made.out.starts_with("org_") && made.out.ends_with("  payer  Acme \"Süd\"\n"), "{}", made.out);
    let globex = folder.json(&["org", "create", "Globex"]).remove(0);
    assert_eq!(keys(&globex), ["id", "name", "kind", "created_at"]);
    assert_eq!(globex["kind"], "supplier");
    let listed = folder.json(&["org", "list"]);
    assert_eq!(listed.len(), 2);
    assert_eq!(listed[1], globex);
    let table = folder.run(&["org", "list"]).out;
    assert!(table.starts_with("NAME        KIND      SINCE       ID\n"), "{table}");

    let again = folder.run(&["org", "create", "Globex"]);
    assert_eq!((again.exit, again.err.as_str()), (2, "waybill: organisation `Globex` already exists\n"));
    assert_eq!(folder.run(&["org", "create", "a\nb"]).exit, 2);
    assert_eq!(folder.run(&["org", "create", "Initech", "--kind", "bank"]).exit, 2);
}

#[test]
fn an_account_has_a_password_or_keys_and_says_their_fingerprints() {
    let folder = Folder::with_globex();
    let key = folder.file("erp.pub", KEY);
    let keyed = folder.run(&["account", "create", "acme-erp", "--org", "Globex", "--key", &key]);
    assert_eq!((keyed.exit, keyed.err.as_str()), (0, ""));
    assert!(keyed.out.starts_with("acc_"), "{}", keyed.out);
    assert!(keyed.out.ends_with(&format!("  acme-erp  Globex\n  key {FINGERPRINT}\n")), "{}", keyed.out);

    let create = ["account", "create", "globex", "--org", "Globex", "--password-stdin", "--json"];
    let secret = folder.run_input(&create, "correct horse\n");
    assert_eq!((secret.exit, secret.err.as_str()), (0, ""));
    let account = &secret.lines()[0];
    assert_eq!(
        keys(account),
        ["id", "organisation", "organisation_name", "login", "has_password", "keys", "created_at"]
    );
    assert_eq!((&account["has_password"], &account["keys"]), (&json!(true), &json!([])));
    assert!(!secret.out.contains("horse") && !secret.out.contains("argon2"));
    let listed = folder.json(&["account", "list"]);
    assert_eq!(listed[0]["keys"], json!([FINGERPRINT]));
    assert_eq!(&listed[1], account);
    assert!(folder.run(&["account", "list"]).out.contains("acme-erp  Globex        1 key "));
}

#[test]
fn an_account_that_could_not_log_in_is_not_made() {
    let folder = Folder::with_globex();
    let private = folder.file("id", "-----BEGIN OPENSSH PRIVATE KEY-----\n");
    let empty = folder.file("empty.pub", "\n");
    let create = ["account", "create", "a", "--org", "Globex"];
    for (more, said) in [
        (&[][..], "give it a key (--key FILE.pub), or a password on standard input"),
        (&["--key", &private], "this is a private key"),
        (&["--key", &empty], "is empty"),
        (&["--key", "/nonexistent.pub"], "could not read the key /nonexistent.pub"),
        (&["--password-stdin"], "the password is shorter than 8 characters"),
    ] {
        let run = folder.run(&[&create, more].concat());
        assert_eq!((run.exit, run.out.as_str()), (2, ""), "{more:?}");
        assert!(run.err.contains(said), "{}", run.err);
    }
    let long = folder.run_input(&[&create[..], &["--password-stdin"]].concat(), &"x".repeat(5_000));
    assert!(long.exit == 2 && long.err.contains("longer than 1024 bytes"), "{}", long.err);
    let key = folder.file("erp.pub", KEY);
    let stranger = folder.run(&["account", "create", "a", "--org", "Nobody", "--key", &key]);
    assert!(stranger.exit == 2 && stranger.err.contains("there is no organisation `Nobody`"), "{}", stranger.err);
    assert_eq!(folder.run(&["account", "create", "../a", "--org", "Globex", "--key", &key]).exit, 2);
    assert_eq!(folder.json(&["account", "list"]), [] as [Value; 0]);
}

#[test]
fn a_token_is_printed_alone_and_once() {
    let folder = Folder::with_globex();
    let made = folder.run(&["token", "create", "--org", "Globex", "--name", "erp", "--expires", "90d"]);
    assert_eq!(made.exit, 0);
    let token = made.out.strip_suffix('\n').unwrap();
    assert!(token.starts_with("waybill_") && token.len() == 78 && !token.contains(char::is_whitespace), "{token}");
    assert!(made.err.starts_with("waybill: tok_") && made.err.contains("cannot be shown again"), "{}", made.err);
    assert!(!made.err.contains(token));
    let object = folder.json(&["token", "create", "--operator"]).remove(0);
    assert_eq!(keys(&object), ["id", "name", "organisation", "token", "expires_at"]);
    assert_eq!((&object["organisation"], &object["expires_at"]), (&Value::Null, &Value::Null));

    for args in [&["token", "create"][..], &["token", "create", "--operator", "--org", "Globex"]] {
        assert_eq!(folder.run(args).exit, 2, "{args:?}");
    }
    assert!(folder.run(&["token", "create", "--operator", "--expires", "90"]).err.contains("write 90d"));
    let database = std::fs::read(folder.path().join("data/waybill.db")).unwrap();
    let secret = &token.as_bytes()[35..];
    assert!(!database.windows(secret.len()).any(|window| window == secret), "the secret must not be stored");
}

#[test]
fn a_profile_is_checked_applied_in_versions_and_shown() {
    let folder = Folder::with_globex();
    let path = folder.file("my-erp.toml", PROFILE);
    assert_eq!(folder.run(&["profile", "apply", &path]).out, "my-erp is at version 1\n");
    assert_eq!(folder.run(&["profile", "apply", &path]).out, "my-erp is at version 1\n", "the same text again");
    folder.file("my-erp.toml", &PROFILE.replace("Ours", "Ours, since May"));
    let second = folder.json(&["profile", "apply", &path, "--org", "Globex"]).remove(0);
    assert_eq!(keys(&second), ["name", "organisation", "version", "text", "applied_at"]);
    assert_eq!(second["version"], 1, "versions are counted for each organisation");
    assert_eq!(folder.run(&["profile", "show", "my-erp"]).out, PROFILE);
    let own = folder.run(&["profile", "show", "my-erp", "--org", "Globex"]).out;
    assert!(own.contains("since May"), "{own}");
    let table = folder.run(&["profile", "list"]).out;
    assert!(table.contains("my-erp") && table.contains("everybody") && table.contains("sap-open-items"), "{table}");
    assert!(folder.json(&["profile", "list"]).iter().any(|profile| profile["version"] == 0));
    let built_in = folder.run(&["profile", "show", "sap-open-items"]);
    assert!(built_in.exit == 0 && built_in.out.contains("sap-open-items"), "{}", built_in.err);
}

#[test]
fn a_profile_that_is_wrong_is_refused_with_its_line_and_what_is_allowed() {
    let folder = Folder::with_globex();
    let path = folder.file("bad.toml", &PROFILE.replace("\"invoice\"", "\"invoise\""));
    let run = folder.run(&["profile", "apply", &path]);
    assert_eq!((run.exit, run.out.as_str()), (2, ""));
    assert!(run.err.contains("bad.toml is unusable: line 3: `documents`"), "{}", run.err);
    assert!(run.err.contains("allowed: ") && run.err.contains("`invoice`"), "{}", run.err);
    assert!(folder.run(&["profile", "show", "bad"]).err.contains("there is no profile `bad`"));
}

#[test]
fn tail_shows_what_the_commands_did_as_json_lines_and_as_lines_for_people() {
    let folder = Folder::with_globex();
    folder.run(&["org", "create", "Initech\u{9b}2J"]);
    folder.run(&["org", "create", "Initech"]);
    folder.run(&["token", "create", "--org", "Globex", "--name", "erp"]);
    let tail = folder.run(&["tail"]);
    assert_eq!((tail.exit, tail.err.as_str()), (0, ""));
    let events = tail.lines();
    assert_eq!(events.iter().map(|event| event["seq"].as_i64().unwrap()).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(events.iter().all(|event| event["type"] == "admin.action" && event["v"] == 1));

    let short = folder.run(&["tail", "-o", "short", "--utc"]).out;
    let lines: Vec<_> = short.lines().collect();
    assert!(lines[0].starts_with("── 20") && lines[1][8..].starts_with(" · organisation `Globex`"), "{short}");
    assert_eq!(folder.run(&["tail", "-n", "1"]).lines()[0]["seq"], 3);
    let messages = |args: &[&str]| -> Vec<i64> {
        let run = folder.run(&[&["tail"], args].concat());
        assert_eq!((run.exit, run.err.as_str()), (0, ""), "{args:?}");
        run.lines().iter().map(|event| event["seq"].as_i64().unwrap()).collect()
    };
    assert_eq!(messages(&["--grep", "TOKEN"]), [3]);
    assert_eq!(messages(&["--org", "Globex"]), [1, 3]);
    assert_eq!(messages(&["--type", "-admin.action"]), [] as [i64; 0]);
    assert_eq!(messages(&["--type", "admin.action,file.applied", "-n", "2"]), [2, 3]);
    assert_eq!(messages(&["--sev", "warn+"]), [] as [i64; 0]);
    assert_eq!(messages(&["--since", "1h"]), [1, 2, 3]);
    assert_eq!(messages(&["--until", "1h"]), [] as [i64; 0]);
    assert_eq!(messages(&["--errors"]), [] as [i64; 0]);
}

#[test]
fn tail_says_by_its_exit_code_whether_something_severe_was_shown() {
    let folder = Folder::with_globex();
    assert_eq!(folder.run(&["tail", "--fail-on", "error"]).exit, 0);
    assert_eq!(folder.run(&["tail", "--fail-on", "info+"]).exit, 1);
    for args in [&["--sev", "loud"][..], &["--file", "fil_1"], &["--since", "noon"], &["-f", "--until", "1h"]] {
        assert_eq!(folder.run(&[&["tail"], args].concat()).exit, 2, "{args:?}");
    }
}

/// Follows with `command` while `act` makes events and takes lines; how it ended when interrupted.
fn followed(mut command: Command, act: impl FnOnce(&mut dyn FnMut() -> i64)) -> Option<i32> {
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap()["seq"].as_i64().unwrap();
    act(&mut next);
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    wait_for("tail to end", || child.try_wait().unwrap()).code()
}

#[test]
fn tail_follows_what_another_process_writes_and_ends_well_with_ctrl_c() {
    let folder = Folder::with_globex();
    let mut tail = command(&["tail", "-f", "--data"]);
    tail.arg(folder.path().join("data"));
    let exit = followed(tail, |next| {
        assert_eq!(next(), 1);
        folder.run(&["org", "create", "Initech"]);
        folder.run(&["org", "create", "Hooli"]);
        assert_eq!((next(), next()), (2, 3));
    });
    assert_eq!(exit, Some(0));
}

#[test]
fn ids_are_whole_and_what_is_not_there_is_unusable() {
    let folder = Folder::with_globex();
    for action in ["show", "errors", "reprocess"] {
        assert_eq!(folder.run(&["file", action, "9QX"]).exit, 2);
        let missing = folder.run(&["file", action, "fil_01KA6T5VZ3Q9Y0C2N8W4J7H1DX"]);
        assert_eq!(missing.exit, 2);
        assert_eq!(
            missing.err,
            "waybill: there is no file fil_01KA6T5VZ3Q9Y0C2N8W4J7H1DX; `waybill file list` shows them\n"
        );
    }
    assert_eq!(folder.run(&["file", "list", "--status", "lost"]).exit, 2);
    assert_eq!(folder.json(&["file", "list"]), [] as [Value; 0]);
}

#[test]
fn a_store_is_named_once_and_a_server_wants_a_token() {
    let folder = Folder::with_globex();
    assert!(folder.run(&["org", "list", "--url", "http://127.0.0.1:1"]).err.contains("two different stores"));
    let bare: Run = command(&["org", "list", "--url", "http://127.0.0.1:1"]).output().unwrap().into();
    assert!(bare.exit == 2 && bare.err.contains("WAYBILL_TOKEN"), "{}", bare.err);
    let nobody: Run = command(&["org", "list", "--url", "http://127.0.0.1:1", "--token", "x"]).output().unwrap().into();
    assert!(
        nobody.exit == 2 && nobody.err.starts_with("waybill: could not reach http://127.0.0.1:1"),
        "{}",
        nobody.err
    );
    assert!(!nobody.err.contains("'"), "{}", nobody.err);
}

#[test]
fn over_rest_the_commands_answer_as_they_do_on_the_folder() {
    let server = Server::open();
    let key = server.house.file("erp.pub", KEY);
    let profile = server.house.file("my-erp.toml", PROFILE);
    for args in [
        &["org", "create", "Globex"][..],
        &["account", "create", "globex", "--org", "Globex", "--key", key.to_str().unwrap()],
        &["token", "create", "--org", "Globex", "--expires", "1d"],
        &["profile", "apply", profile.to_str().unwrap(), "--org", "Globex"],
    ] {
        let run = server.there(args);
        assert_eq!(run.exit, 0, "{args:?}: {}", run.err);
    }
    let id = server.sends("a.csv", "no such columns\n1\n");
    for args in [
        &["org", "list", "--json"][..],
        &["account", "list", "--json"],
        &["profile", "list", "--json"],
        &["file", "list", "--json", "--org", "Globex", "--errors"],
        &["file", "show", &id, "--json"],
        &["file", "show", &id, "--utc"],
        &["file", "errors", &id, "--json"],
        &["file", "errors", &id, "--csv"],
        &["file", "errors", &id],
        &["profile", "show", "my-erp", "--org", "Globex"],
        &["tail", "--file", &id],
        &["tail", "-n", "3", "--type", "-admin.action"],
        &["tail", "--since", "1h", "-o", "short", "--utc", "--errors"],
    ] {
        let (there, here) = (server.there(args), server.here(args));
        assert_eq!((there.exit, &there.out, &there.err), (here.exit, &here.out, &here.err), "{args:?}");
        assert!(!there.out.is_empty(), "{args:?}");
    }
    let again = server.there(&["org", "create", "Globex"]);
    assert!(again.exit == 2 && again.err.contains("organisation `Globex` already exists"), "{}", again.err);
    let stranger: Run = server.command(&["org", "list"]).env("WAYBILL_TOKEN", "waybill_x").output().unwrap().into();
    assert!(stranger.exit == 2 && stranger.err.contains("the token was refused: "), "{}", stranger.err);
}

#[test]
fn the_errors_of_a_file_are_said_and_its_exit_code_is_1() {
    let server = Server::open();
    assert_eq!(server.here(&["org", "create", "Globex"]).exit, 0);
    let id = server.sends("a.csv", "no such columns\n1\n");
    let errors = server.here(&["file", "errors", &id]);
    assert_eq!((errors.exit, errors.err.as_str()), (1, ""));
    assert!(errors.out.starts_with("error[") && errors.out.contains(" = fix: "), "{}", errors.out);
    assert!(
        errors.out.lines().last().unwrap().starts_with("a.csv: rejected, unknown, 0 documents, 1 error"),
        "{}",
        errors.out
    );
    let csv = server.here(&["file", "errors", &id, "--csv"]);
    assert!(csv.exit == 1 && csv.out.starts_with("line,field,severity,code,rule,message,fix,path,value,original\n"));
    let show = server.here(&["file", "show", &id, "--utc"]);
    assert_eq!(show.exit, 0);
    assert!(show.out.starts_with("a.csv  rejected\n  id             fil_") && show.out.contains(" ✗ "), "{}", show.out);

    for run in [server.here(&["file", "reprocess", &id, "--wait"]), server.there(&["file", "reprocess", &id, "--wait"])]
    {
        assert_eq!((run.exit, run.err.as_str()), (1, ""));
        assert!(run.out.starts_with("a.csv: rejected, "), "{}", run.out);
    }
    let table = server.here(&["file", "list"]).out;
    assert!(table.lines().nth(1).unwrap().contains("  rejected  ") && !table.contains('\x1b'), "{table}");
}

#[test]
fn nobody_waits_for_a_file_that_nobody_reads() {
    let mut server = Server::open();
    assert_eq!(server.here(&["org", "create", "Globex"]).exit, 0);
    let id = server.sends("a.csv", "no such columns\n1\n");
    server.house.stop();
    let run = server.here(&["file", "reprocess", &id, "--wait"]);
    assert!(run.exit == 2 && run.err.contains("no daemon runs on this folder"), "{}", run.err);
    assert_eq!(server.here(&["file", "reprocess", &id]).out, "a.csv waits to be read again\n");
    let again = server.here(&["file", "reprocess", &id]);
    assert!(again.exit == 2 && again.err.contains("the file is stored; it can be read again once"), "{}", again.err);
}

#[test]
fn tail_over_rest_takes_a_broken_stream_up_again_without_gap_or_repeat() {
    let server = Server::open();
    let road = Road::to(server.house.http().strip_prefix("http://").unwrap());
    let mut tail = command(&["tail", "-f", "-n", "1", "--url", &format!("http://{}", road.address)]);
    let noted = server.house.folder().join("noted");
    tail.env("WAYBILL_TOKEN", &server.token).stderr(std::fs::File::create(&noted).unwrap());
    let exit = followed(tail, |next| {
        assert_eq!(next(), 1);
        server.here(&["org", "create", "Globex"]);
        // What came after the first line came by the stream: it stands, and can be cut.
        assert_eq!(next(), 2);
        road.cut();
        server.here(&["org", "create", "Initech"]);
        assert_eq!(next(), 3);
    });
    assert_eq!(exit, Some(0));
    let noted = std::fs::read_to_string(noted).unwrap();
    assert!(noted.contains("reconnected, resumed at seq "), "{noted}");
}

/// A road to a server that can be cut.
struct Road {
    address: std::net::SocketAddr,
    streams: Arc<Mutex<Vec<TcpStream>>>,
}

impl Road {
    fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let road = Self { address: listener.local_addr().unwrap(), streams: Arc::default() };
        let (server, streams) = (server.to_owned(), Arc::clone(&road.streams));
        std::thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                let far = TcpStream::connect(&server).unwrap();
                for (mut from, mut to) in
                    [(&near, &far), (&far, &near)].map(|(a, b)| (a.try_clone().unwrap(), b.try_clone().unwrap()))
                {
                    std::thread::spawn(move || {
                        let _ = std::io::copy(&mut from, &mut to);
                        let _ = to.shutdown(Shutdown::Both);
                    });
                }
                streams.lock().unwrap().extend([near, far]);
            }
        });
        road
    }

    fn cut(&self) {
        for stream in self.streams.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}
