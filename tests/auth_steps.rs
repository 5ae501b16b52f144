//! Logging in at the SFTP door in one step and in several: keys for a time, a key and a password, a second factor.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use russh::client::{self, AuthResult};
use russh::keys::{PrivateKey, PrivateKeyWithHashAlg};
use serde_json::Value;
use waybill::domain::Timestamp;
use waybill::land::proofs::{self, NewKey, Wanted};

use crate::clients_openssh::{client, make_key, text};
use crate::house::{House, PASSWORD, PATIENCE};

/// A house with `northwind`, who has a password and a key.
fn house() -> (House, PathBuf) {
    let house = House::open();
    let key = make_key(house.folder(), "key", &["-t", "ed25519"]);
    let public = std::fs::read_to_string(key.with_extension("pub")).unwrap();
    house.supplier_with_keys("northwind", &[&public]);
    (house, key)
}

pub(crate) fn methods(house: &House, ways: &[&str]) {
    let ways = ways.iter().map(|way| (*way).to_owned()).collect();
    let wanted = Wanted { methods: Some(Some(ways)), ..Wanted::default() };
    let account = house.account("northwind");
    house.ask(async |record| proofs::change(record, &account, &wanted).await.unwrap());
}

/// Enrols a second factor on the command line; what is shown once.
pub(crate) fn enrol(house: &House) -> Value {
    let done = Command::new(env!("CARGO_BIN_EXE_waybill"))
        .args(["account", "totp", "enrol", "northwind", "--json", "--data"])
        .arg(house.data())
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", text(&done.stderr));
    serde_json::from_slice(&done.stdout).unwrap()
}

/// The code an authenticator app shows, `aside` steps from now: by Python's HMAC, and none of ours.
pub(crate) fn code(house: &House, secret: &str, aside: i64) -> String {
    let lines = format!(
        "import base64, hashlib, hmac, struct, time\n\
         step = int(time.time()) // 30 + ({aside})\n\
         tag = hmac.new(base64.b32decode('{secret}'), struct.pack('>q', step), hashlib.sha1).digest()\n\
         at = tag[-1] & 15\n\
         print('%06d' % ((struct.unpack('>I', tag[at:at + 4])[0] & 0x7fffffff) % 1000000))\n"
    );
    let python = std::env::var("WAYBILL_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let done = Command::new(python).arg(house.file("totp.py", lines)).output().unwrap();
    assert!(done.status.success(), "{}", text(&done.stderr));
    text(&done.stdout).trim().to_owned()
}

/// `sftp` with a key if there is one, and somebody who types these answers at these prompts.
fn sftp(house: &House, key: Option<&Path>, password: &str, code: &str) -> Output {
    let askpass = format!("#!/bin/sh\ncase \"$1\" in *Verification*) echo '{code}';; *) echo '{password}';; esac\n");
    let askpass = house.file("askpass", askpass);
    assert!(Command::new("chmod").arg("+x").arg(&askpass).status().unwrap().success());
    let batch = house.file("batch", "pwd\n");
    let mut sftp = client("sftp", house);
    sftp.env("SSH_ASKPASS", askpass).env("SSH_ASKPASS_REQUIRE", "force").env("DISPLAY", "none");
    sftp.args(["-o", "BatchMode=no", "-o", "NumberOfPasswordPrompts=1", "-o", "IdentitiesOnly=yes"]);
    match key {
        Some(key) => sftp.arg("-i").arg(key),
        None => sftp.args(["-o", "PubkeyAuthentication=no"]),
    };
    sftp.arg("-b").arg(batch).args(["-o", "BatchMode=no"]).arg("northwind@127.0.0.1").output().unwrap()
}

fn gets_in(done: &Output) -> bool {
    done.status.success()
}

#[test]
fn a_second_factor_is_asked_for_and_a_code_is_good_once() {
    let (house, key) = house();
    let enrolled = enrol(&house);
    let secret = enrolled["secret"].as_str().unwrap();
    let first = code(&house, secret, 0);
    assert!(!gets_in(&sftp(&house, None, PASSWORD, "000000")), "a wrong code");
    assert!(!gets_in(&sftp(&house, None, "not the password", &first)), "a wrong password");
    let done = sftp(&house, None, PASSWORD, &first);
    assert!(gets_in(&done), "{}", text(&done.stderr));
    assert!(!gets_in(&sftp(&house, None, PASSWORD, &first)), "a code was taken twice");
    let recovery = enrolled["recovery_codes"][0].as_str().unwrap();
    assert!(gets_in(&sftp(&house, None, PASSWORD, recovery)));
    assert!(!gets_in(&sftp(&house, None, PASSWORD, recovery)), "a recovery code was taken twice");
    assert!(gets_in(&sftp(&house, Some(&key), "", "")), "the usual: a key is enough");
    let started = house.events(&["session.started"]);
    let by: Vec<&str> = started.iter().filter_map(|event| event.data["method"].as_str()).collect();
    assert_eq!(by, ["password+totp", "password+totp", "publickey"]);
    assert_eq!(started[1].data["recovery_codes_left"], "9");
    let refused = house.events(&["auth.failed"]);
    assert!(refused.iter().any(|event| event.msg.contains("the code is wrong, or was used")), "{refused:#?}");
    let log = house.log();
    for shown in [secret, &first, recovery, PASSWORD] {
        assert!(!log.contains(shown), "a secret is in the log");
    }
}

#[test]
fn after_five_wrong_codes_a_right_one_is_not_looked_at() {
    let (house, _) = house();
    let secret = enrol(&house)["secret"].as_str().unwrap().to_owned();
    for _ in 0..5 {
        assert!(!gets_in(&sftp(&house, None, PASSWORD, "000000")));
    }
    assert!(!gets_in(&sftp(&house, None, PASSWORD, &code(&house, &secret, 0))));
    let refused = house.events(&["auth.failed"]);
    assert!(refused.last().unwrap().msg.contains("too many wrong codes; none is looked at until"), "{refused:#?}");
}

#[test]
fn a_key_and_then_a_code_and_nothing_less() {
    let (house, key) = house();
    let enrolled = enrol(&house);
    methods(&house, &["publickey+totp"]);
    let secret = enrolled["secret"].as_str().unwrap();
    assert!(!gets_in(&sftp(&house, Some(&key), PASSWORD, "")), "a key alone");
    assert!(!gets_in(&sftp(&house, None, PASSWORD, &code(&house, secret, -1))), "a password and a code");
    methods(&house, &["password+totp"]);
    let before = house.events(&["auth.failed"]).len();
    assert!(gets_in(&sftp(&house, Some(&key), PASSWORD, &code(&house, secret, -1))));
    assert_eq!(house.events(&["auth.failed"]).len(), before, "a key that is not wanted was called a failure");
    methods(&house, &["publickey+totp"]);
    let done = sftp(&house, Some(&key), "", &code(&house, secret, 0));
    assert!(gets_in(&done), "{}", text(&done.stderr));
    assert_eq!(house.events(&["session.started"]).pop().unwrap().data["method"], "publickey+totp");
}

#[test]
fn a_key_and_then_a_password_in_this_order() {
    let (house, key) = house();
    methods(&house, &["publickey+password"]);
    assert!(!gets_in(&sftp(&house, None, PASSWORD, "")), "a password alone");
    assert!(!gets_in(&sftp(&house, Some(&key), "wrong", "")), "a wrong password");
    let done = sftp(&house, Some(&key), PASSWORD, "");
    assert!(gets_in(&done), "{}", text(&done.stderr));
    let started = house.events(&["session.started"]);
    assert_eq!(started.len(), 1);
    assert_eq!(started[0].data["method"], "publickey+password");
    assert!(started[0].data["key"].as_str().unwrap().starts_with("SHA256:"));
    let algorithms = &started[0].data["algorithms"];
    assert!(algorithms["kex"].is_string() && algorithms["cipher"].is_string(), "{algorithms}");
    // The other way round is another way.
    methods(&house, &["password+publickey"]);
    run(async {
        let (mut session, key) = (connect(&house).await, load(&key));
        assert!(!session.authenticate_publickey("northwind", key.clone()).await.unwrap().success());
        let AuthResult::Failure { partial_success, remaining_methods } =
            session.authenticate_password("northwind", PASSWORD).await.unwrap()
        else {
            panic!("a password alone")
        };
        assert!(partial_success && remaining_methods[..] == [russh::MethodKind::PublicKey]);
        assert!(session.authenticate_publickey("northwind", key).await.unwrap().success());
    });
}

struct Trusting;

impl client::Handler for Trusting {
    type Error = russh::Error;

    async fn check_server_key(&mut self, _: &russh::keys::PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        Ok(true)
    }
}

fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(PATIENCE, test).await.expect("it hung") })
}

async fn connect(house: &House) -> client::Handle<Trusting> {
    client::connect(Arc::default(), house.sftp(), Trusting).await.unwrap()
}

fn load(key: &Path) -> PrivateKeyWithHashAlg {
    let key = PrivateKey::from_openssh(std::fs::read_to_string(key).unwrap()).unwrap();
    PrivateKeyWithHashAlg::new(Arc::new(key), None)
}

/// CVE-2026-46705: what one has proved is not another's.
#[test]
fn the_login_may_not_change_between_the_steps() {
    let (house, key) = house();
    house.supplier_with_keys("rival", &[]);
    methods(&house, &["publickey+password"]);
    run(async {
        for (login, password) in [("rival", PASSWORD), ("nobody", PASSWORD), ("northwind ", PASSWORD)] {
            let mut session = connect(&house).await;
            let begun = session.authenticate_publickey("northwind", load(&key)).await.unwrap();
            assert!(matches!(begun, AuthResult::Failure { partial_success: true, .. }));
            let changed = session.authenticate_password(login, password).await;
            assert!(!changed.is_ok_and(|result| result.success()), "{login} came in on another's key");
            // And the connection is of no more use, not for its own login either.
            let again = session.authenticate_password("northwind", PASSWORD).await;
            assert!(!again.is_ok_and(|result| result.success()), "it went on");
        }
        // Before anything is proved, a client may still change its mind.
        let mut session = connect(&house).await;
        assert!(!session.authenticate_password("nobody", "x").await.unwrap().success());
        assert!(session.authenticate_password("rival", PASSWORD).await.unwrap().success());
    });
    let refused = house.events(&["auth.failed"]);
    assert_eq!(refused.iter().filter(|event| event.msg.contains("the login changed from `northwind`")).count(), 3);
}

/// CVE-2024-5806: an answer to a question that was not asked, and other things out of turn.
#[test]
fn what_comes_out_of_turn_is_a_rejection() {
    let (house, key) = house();
    let secret = enrol(&house)["secret"].as_str().unwrap().to_owned();
    run(async {
        use russh::client::KeyboardInteractiveAuthResponse as Asked;
        let mut session = connect(&house).await;
        // Two answers to one question, then none.
        for answers in [vec![PASSWORD.to_owned(), code(&house, &secret, 0)], vec![]] {
            let Asked::InfoRequest { prompts, .. } =
                session.authenticate_keyboard_interactive_start("northwind", None).await.unwrap()
            else {
                panic!("nothing was asked")
            };
            assert_eq!((prompts.len(), prompts[0].prompt.as_str(), prompts[0].echo), (1, "Password: ", false));
            let answer = session.authenticate_keyboard_interactive_respond(answers).await.unwrap();
            assert!(matches!(answer, Asked::Failure { partial_success: false, .. }), "{answer:?}");
        }
        // The code instead of the password, which comes first.
        session.authenticate_keyboard_interactive_start("northwind", None).await.unwrap();
        let answer = session.authenticate_keyboard_interactive_respond(vec![code(&house, &secret, 0)]).await.unwrap();
        assert!(matches!(answer, Asked::Failure { .. }), "{answer:?}");
        // Somebody who does not exist is asked the same.
        let Asked::InfoRequest { prompts, .. } =
            session.authenticate_keyboard_interactive_start("nobody", None).await.unwrap()
        else {
            panic!("nobody was not asked")
        };
        assert_eq!(prompts[0].prompt, "Password: ");
        // Nobody can tell from the methods who there is.
        let mut told = vec![];
        for login in ["nobody", "northwind"] {
            let mut session = connect(&house).await;
            let AuthResult::Failure { remaining_methods, .. } = session.authenticate_none(login).await.unwrap() else {
                panic!("{login} came in with nothing")
            };
            told.push(remaining_methods);
            let known = session.authenticate_publickey("northwind", load(&key)).await.unwrap();
            assert!(known.success(), "{login}");
        }
        assert_eq!(told[0], told[1]);
    });
}

#[test]
fn a_key_logs_in_in_its_time_and_an_event_says_which_was_out_of_it() {
    let (house, key) = house();
    let account = house.account("northwind");
    let add = |name: &str, from: Option<i64>, until: Option<i64>| {
        let key = make_key(house.folder(), name, &["-t", "ed25519"]);
        let line = std::fs::read_to_string(key.with_extension("pub")).unwrap();
        let at = |hours: Option<i64>| hours.map(|hours| Timestamp::now().plus_micros(hours * 3_600_000_000));
        let new = NewKey { line, not_before: at(from), not_after: at(until), is_authority: false };
        let row = house.ask(async |record| proofs::add_key(record, &account, &new).await.unwrap());
        (key, row)
    };
    let (expired, expired_row) = add("expired", Some(-2), Some(-1));
    let (early, early_row) = add("early", Some(1), None);
    let (good, _) = add("good", Some(-1), Some(1));
    let (authority, _) = add("authority-to-be", None, None);
    for good in [&good, &key, &authority] {
        assert!(gets_in(&sftp(&house, Some(good), "wrong", "")), "{}", good.display());
    }
    for (key, row, why) in [(&expired, &expired_row, "not valid since"), (&early, &early_row, "not valid before")] {
        assert!(!gets_in(&sftp(&house, Some(key), "wrong", "")), "{}", key.display());
        let refused = house.events(&["auth.failed"]);
        let told = refused.iter().find(|event| event.msg.contains(&row.fingerprint)).expect("an event with the key");
        assert!(told.msg.contains(why) && told.user.as_deref() == Some("northwind"), "{}", told.msg);
    }
    // A key that was removed is one of a stranger, from then on and for who is not in yet.
    let removed = Command::new(env!("CARGO_BIN_EXE_waybill"))
        .args(["account", "key", "remove", "northwind"])
        .arg(waybill::land::credential::parse_public_key(&public(&good)).unwrap().0)
        .arg("--data")
        .arg(house.data())
        .output()
        .unwrap();
    assert!(removed.status.success(), "{}", text(&removed.stderr));
    assert!(!gets_in(&sftp(&house, Some(&good), "wrong", "")));
}

fn public(key: &Path) -> String {
    std::fs::read_to_string(key.with_extension("pub")).unwrap()
}

/// Whatever the record says: it may be older than the rule.
#[test]
fn a_weak_rsa_key_does_not_log_in_even_if_an_account_has_it() {
    let house = House::open();
    let weak = make_key(house.folder(), "weak", &["-t", "rsa", "-b", "2048"]);
    let line = public(&weak);
    assert!(waybill::land::credential::parse_public_key(&line).unwrap_err().contains("2048 bits"));
    let listed = Command::new("ssh-keygen").arg("-lf").arg(weak.with_extension("pub")).output().unwrap();
    let fingerprint = text(&listed.stdout).split_whitespace().nth(1).unwrap().to_owned();
    house.ask(async |record| {
        let organisation = record.add_organisation("northwind", "supplier").await.unwrap();
        let key = (fingerprint, line.clone(), String::new());
        record.add_account(organisation.id, "northwind", None, &[key]).await.unwrap();
    });
    for algorithm in ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"] {
        let mut sftp = client("sftp", &house);
        sftp.args(["-o", &format!("PubkeyAcceptedAlgorithms={algorithm}"), "-o", "BatchMode=yes", "-i"]).arg(&weak);
        let batch = house.file("batch", "pwd\n");
        let done = sftp.arg("-b").arg(batch).arg("northwind@127.0.0.1").output().unwrap();
        assert!(!done.status.success(), "{algorithm}");
    }
}
