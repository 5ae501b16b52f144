//! Settings, certificates and host keys are read again on SIGHUP without disturbing anybody, and a broken file
//! changes nothing.

use std::fs;
use std::future::Future;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::house::{FTPS, House, wait_for};
use crate::wire::{self, CLOSE, Connection, FOR_WRITING};

fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(test)
}

fn reload(data: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_waybill")).args(["reload", "--json", "--data"]).arg(data).output().unwrap()
}

/// What the log says came of it, and the exit code.
fn reloaded(house: &House) -> (Value, i32) {
    let done = reload(&house.data());
    let event = serde_json::from_slice(&done.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&done.stderr)));
    (event, done.status.code().unwrap())
}

/// The host key a client is shown.
fn host_key(house: &House) -> String {
    let port = house.sftp().port().to_string();
    let done = Command::new("ssh-keyscan").args(["-t", "ed25519", "-p", &port, "127.0.0.1"]).output().unwrap();
    String::from_utf8(done.stdout).unwrap().split(' ').nth(2).unwrap_or_default().trim().to_owned()
}

/// The certificate a client is shown, as text.
fn certificate(house: &House) -> String {
    let door = house.ready().address("ftps-implicit").unwrap();
    let done = Command::new("openssl")
        .args(["s_client", "-connect", &door.to_string(), "-showcerts"])
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    let begin = said.find("-----BEGIN CERTIFICATE").unwrap_or_else(|| panic!("no certificate: {said}"));
    said[begin..said.find("-----END").unwrap()].to_owned()
}

#[test]
fn new_settings_hold_for_who_comes_and_nobody_inside_is_disturbed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("waybill.toml");
    fs::write(&file, "").unwrap();
    let house = House::with(&[("WAYBILL_CONFIG", file.to_str().unwrap())]);
    wire::supplier(&house, "northwind");
    let (event, exit) = reloaded(&house);
    assert_eq!((exit, &event["msg"]), (0, &json!("the settings were read again: nothing changed")));
    run(async {
        let connection = Connection::open(&house, "northwind").await;
        let mut wire = connection.sftp().await;
        let handle = wire.open("/drop/before.bin", FOR_WRITING).await.unwrap();
        assert_eq!(wire.write(&handle, 0, &[1; 1_000]).await.status().0, 0);

        fs::write(&file, "[land]\nfile_max = \"1 KiB\"\n[sftp]\nhandles_max = 1\n[ingest]\nworkers = 5\n").unwrap();
        let (event, exit) = reloaded(&house);
        assert_eq!((exit, &event["type"]), (0, &json!("settings.reloaded")));
        assert_eq!(event["data"]["changed"], json!(["land.file_max", "sftp.handles_max"]));
        assert_eq!(event["data"]["waiting"], json!(["ingest.workers"]));
        assert!(event["msg"].as_str().unwrap().ends_with("; ingest.workers waits for a restart"), "{event}");

        // Who was inside goes on as before, with a file and a handle more than the new settings allow.
        assert_eq!(wire.write(&handle, 1_000, &[2; 2_000]).await.status().0, 0);
        wire.open("/drop/second.bin", FOR_WRITING).await.unwrap();
        assert_eq!(wire.ask(CLOSE, 6, &[&handle]).await.status().0, 0);
        // Who comes now does not.
        let newcomer = Connection::open(&house, "northwind").await;
        let mut wire = newcomer.sftp().await;
        let handle = wire.open("/drop/after.bin", FOR_WRITING).await.unwrap();
        let (_, text) = wire.write(&handle, 0, &[0; 2_000]).await.status();
        assert!(text.contains("larger than the 1 KiB"), "{text}");
        let (_, text) = wire.open("/drop/third.bin", FOR_WRITING).await.unwrap_err().status();
        assert!(text.contains("too many open"), "{text}");
    });
    house.settled("before.bin");

    // Broken in one of many ways: all of it stays as it was, and the reason is said.
    for (broken, why) in [
        ("[land]\nfile_max = \"lots\"\n", "line 2"),
        ("[doors]\nno_such_setting = 1\n", "no_such_setting"),
        ("[tls]\ncertificate = \"/nowhere\"\n", "belong together"),
        ("[log]\nfilter = \"waybill=nonsense\"\n", "log.filter"),
        ("[doors", "waybill.toml"),
    ] {
        fs::write(&file, broken).unwrap();
        let (event, exit) = reloaded(&house);
        assert_eq!((exit, &event["type"]), (1, &json!("settings.rejected")), "{broken}");
        assert!(event["msg"].as_str().unwrap().contains(why), "{broken}: {event}");
    }
    run(async {
        let mut wire = Connection::open(&house, "northwind").await.sftp().await;
        let handle = wire.open("/drop/still.bin", FOR_WRITING).await.unwrap();
        assert!(wire.write(&handle, 0, &[0; 2_000]).await.status().1.contains("larger than the 1 KiB"));
    });
}

#[test]
fn keys_and_certificates_are_read_again_and_broken_ones_are_not_used() {
    let house = House::with(&FTPS);
    wire::supplier(&house, "northwind");
    let other = House::with(&FTPS);
    let (key, shown) = (host_key(&house), certificate(&house));
    assert_ne!((key.as_str(), shown.as_str()), (host_key(&other).as_str(), certificate(&other).as_str()));
    run(async {
        let connection = Connection::open(&house, "northwind").await;
        let mut wire = connection.sftp().await;
        for file in ["ssh_host_ed25519_key", "ssh_host_ed25519_key.pub", "tls_cert.pem", "tls_key.pem"] {
            fs::rename(house.data().join(file), house.data().join(format!("{file}.old"))).unwrap();
            fs::copy(other.data().join(file), house.data().join(file)).unwrap();
        }
        let (event, exit) = reloaded(&house);
        assert_eq!(exit, 0);
        assert_eq!(event["data"]["changed"], json!(["the SSH host key", "the TLS certificate"]));
        assert_eq!(host_key(&house), host_key(&other));
        assert_eq!(certificate(&house), certificate(&other));
        // The session that knows the old key goes on.
        assert_eq!(wire.ask(16, 80, &[&wire::string(b".")]).await.id, 80);
    });
    fs::write(house.data().join("ssh_host_ed25519_key"), "half a key").unwrap();
    let (event, exit) = reloaded(&house);
    assert_eq!((exit, &event["type"]), (1, &json!("settings.rejected")));
    assert_eq!(host_key(&house), host_key(&other), "the one that was read is still there");
    // A house that stands makes itself no new key.
    for file in ["ssh_host_ed25519_key", "ssh_host_ed25519_key.pub"] {
        fs::remove_file(house.data().join(file)).unwrap();
    }
    assert_eq!(reloaded(&house).1, 1);
    assert!(!house.data().join("ssh_host_ed25519_key").exists());
}

#[test]
fn without_a_daemon_nobody_is_told() {
    let mut house = House::open();
    house.kill();
    // ready.json of the one that was killed is still there, and its pid may be anybody's.
    let left = reload(&house.data());
    assert_eq!(left.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&left.stderr).contains("no daemon is running"), "{left:?}");
    house.start();
    // The bare signal does the same as the command.
    let told = Command::new("kill").args(["-HUP", &house.pid().to_string()]).status().unwrap();
    assert!(told.success());
    wait_for("the settings to be read again", || house.log().contains("nothing changed").then_some(()));
}
