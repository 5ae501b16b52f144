//! Clients in Java, as ERP systems have them inside: JSch 0.1 at the SFTP door, Apache Commons Net at the FTPS door.

use std::path::Path;
use std::process::{Command, Output};

use crate::clients_openssh::{make_key, text};
use crate::house::{FTPS, House, PASSWORD, wait_for};
use waybill::domain::Digest;

/// A compiled client in the house's folder.
struct Java {
    class: &'static str,
    libraries: String,
}

impl Java {
    /// Nothing if this machine cannot have the libraries, which only the test command can tell (it then says so).
    fn compiled(house: &House, class: &'static str, source: &str, libraries: &[&str]) -> Option<Self> {
        let jars: Vec<String> = libraries.iter().map(|name| format!("/usr/share/java/{name}.jar")).collect();
        if std::env::var_os("WAYBILL_TEST_WITHOUT_JAVA").is_some() {
            eprintln!("skipped: {} cannot be had here", libraries.join(" and "));
            return None;
        }
        for jar in &jars {
            assert!(Path::new(jar).exists(), "{jar} is missing; ./scripts/test installs it");
        }
        let libraries = format!("{}:{}", house.folder().display(), jars.join(":"));
        let source = house.file(&format!("{class}.java"), source);
        let has = |program: &str| Command::new(program).arg("-version").output().is_ok();
        let compiler = if has("javac") { "javac" } else { "ecj" };
        let mut compile = Command::new(compiler);
        compile.args(["-source", "17", "-target", "17", "-nowarn", "-d"]).arg(house.folder());
        let done = compile.args(["-cp", &libraries]).arg(source).output().unwrap();
        assert!(done.status.success(), "{}{}", text(&done.stdout), text(&done.stderr));
        Some(Self { class, libraries })
    }

    fn run(&self, house: &House, arguments: &[&str]) -> Output {
        let mut java = Command::new("java");
        java.args(["-XX:TieredStopAtLevel=1", "-cp", &self.libraries, self.class]).args(arguments);
        java.current_dir(house.folder()).output().unwrap()
    }

    /// Logs in and does this; what it printed.
    fn does(&self, house: &House, door: &str, secret: &str, commands: &[&str]) -> String {
        let done = self.run(house, &[&[door, "northwind", secret], commands].concat());
        assert!(done.status.success(), "{commands:?}\n{}{}", text(&done.stdout), text(&done.stderr));
        text(&done.stdout)
    }
}

fn jsch(house: &House) -> Option<Java> {
    Java::compiled(house, "OldErp", include_str!("clients_java/OldErp.java"), &["jsch", "jzlib"])
}

fn content() -> Vec<u8> {
    (0..3_000_000_u32).map(|number| (number * 17 / 5) as u8).collect()
}

#[test]
fn jsch_of_2018_is_refused_and_the_log_says_what_would_help() {
    let house = House::open();
    house.supplier_with_keys("northwind", &[]);
    let Some(jsch) = jsch(&house) else { return };
    let port = house.sftp().port().to_string();
    let refused = jsch.run(&house, &[&port, "northwind", PASSWORD, "ls /drop"]);
    assert!(!refused.status.success() && text(&refused.stderr).contains("Algorithm negotiation fail"));
    wait_for("the log to say so", || {
        let log = house.log();
        let line =
            log.lines().find(|line| line.contains("the client speaks no key exchange algorithm that we speak"))?;
        let what = ["SSH-2.0-JSCH-0.1", "diffie-hellman-group14-sha1", "waybill account auth LOGIN --legacy-from"];
        assert!(what.iter().all(|word| line.contains(word)), "{line}");
        Some(())
    });
}

#[test]
fn jsch_of_2018_does_everything_where_its_account_may_speak_the_legacy_algorithms() {
    let house = House::open();
    let key = make_key(house.folder(), "ecdsa", &["-t", "ecdsa", "-b", "256", "-m", "PEM"]);
    let public = std::fs::read_to_string(key.with_extension("pub")).unwrap();
    let rsa = make_key(house.folder(), "rsa", &["-t", "rsa", "-b", "3072", "-m", "PEM"]);
    let other = std::fs::read_to_string(rsa.with_extension("pub")).unwrap();
    house.supplier_with_keys("northwind", &[&public, &other]);
    house.allow_curl("northwind");
    let Some(jsch) = jsch(&house) else { return };
    let port = house.sftp().port().to_string();

    let bytes = content();
    house.file("big.bin", &bytes);
    house.file("half.bin", &bytes[..1_000_000]);
    house.file("begun.bin", &bytes[..1_000_000]);
    let said = jsch.does(
        &house,
        &port,
        PASSWORD,
        &[
            "put big.bin /drop/big.bin.part",
            "rename /drop/big.bin.part /drop/big.bin",
            "size /drop/big.bin",
            "get /drop/big.bin back.bin",
            "reget /drop/big.bin half.bin",
            "put begun.bin /drop/later.bin.part",
            "reput big.bin /drop/later.bin.part",
            "rename /drop/later.bin.part /drop/later.bin",
            "put big.bin /drop/gone.bin",
            "rm /drop/gone.bin",
            "ls /drop",
            "mkdir /drop/sub",
            "get /drop/nothing nothing.bin",
        ],
    );
    for copy in ["back.bin", "half.bin"] {
        assert!(std::fs::read(house.folder().join(copy)).unwrap() == bytes, "{copy}");
    }
    for name in ["big.bin", "later.bin"] {
        assert_eq!(house.settled(name).sha256, Digest::of(&bytes).to_string(), "{name}");
    }
    assert!(said.contains("size 3000000\n"), "{said}");
    let listed = said.lines().find(|line| line.starts_with("ls ")).unwrap();
    assert!(listed.contains("big.bin") && listed.contains("later.bin") && !listed.contains("gone.bin"), "{said}");
    assert!(said.contains("refused mkdir 3 folders cannot be made or removed here"), "{said}");
    assert!(said.contains("refused get 2 "), "{said}");

    assert!(jsch.does(&house, &port, &format!("key:{}", key.display()), &["ls /drop"]).contains("big.bin"));
    // It signs with SHA-1 and nothing else; and a wrong password is a wrong password.
    for secret in [format!("key:{}", rsa.display()), "a wrong guess".to_owned()] {
        let refused = jsch.run(&house, &[&port, "northwind", &secret, "ls /drop"]);
        assert!(!refused.status.success() && text(&refused.stderr).contains("Auth fail"), "{}", text(&refused.stderr));
    }
}

#[test]
fn commons_net_does_everything_explicitly_and_implicitly() {
    let house = House::with(&FTPS);
    house.supplier("northwind");
    let Some(batch) = Java::compiled(&house, "Batch", include_str!("clients_java/Batch.java"), &["commons-net"]) else {
        return;
    };
    let bytes = content();
    house.file("big.bin", &bytes);
    house.file("begun.bin", &bytes[..1_000_000]);
    let implicit = house.ready().address("ftps-implicit").unwrap();
    for (turn, door) in
        [format!("explicit:{}", house.ftps().port()), format!("implicit:{}", implicit.port())].iter().enumerate()
    {
        house.file("half.bin", &bytes[..1_000_000]);
        let (put, rename) = (format!("put big.bin x{turn}.part"), format!("rename x{turn}.part x{turn}.bin"));
        let (get, reget) = (format!("get x{turn}.bin back.bin"), format!("reget x{turn}.bin half.bin"));
        let more: Vec<String> = ["reput", "append"]
            .iter()
            .flat_map(|how| {
                let name = format!("{how}{turn}.bin");
                [
                    format!("put begun.bin {name}.part"),
                    format!("{how} big.bin {name}.part"),
                    format!("rename {name}.part {name}"),
                ]
            })
            .collect();
        let more: Vec<&str> = more.iter().map(String::as_str).collect();
        let end = ["put big.bin gone.bin", "rm gone.bin", "ls .", "mlsd /drop", "mkdir sub", "get nothing nothing.bin"];
        let said = batch.does(
            &house,
            door,
            PASSWORD,
            &[&[put.as_str(), &rename, &get, &reget], more.as_slice(), end.as_slice()].concat(),
        );
        for copy in ["back.bin", "half.bin"] {
            assert!(std::fs::read(house.folder().join(copy)).unwrap() == bytes, "{copy}");
        }
        for name in [format!("x{turn}.bin"), format!("reput{turn}.bin"), format!("append{turn}.bin")] {
            assert_eq!(house.settled(&name).sha256, Digest::of(&bytes).to_string(), "{name}");
        }
        for how in ["ls ", "mlsd "] {
            let listed = said.lines().find(|line| line.starts_with(how)).unwrap_or_default();
            assert!(listed.contains(&format!("x{turn}.bin=3000000")) && !listed.contains("gone.bin"), "{said}");
        }
        assert!(
            said.contains("refused mkdir 550 folders cannot be made") && said.contains("refused get 550 "),
            "{said}"
        );
    }
    let door = format!("explicit:{}", house.ftps().port());
    let refused = batch.run(&house, &[&door, "northwind", "a wrong guess"]);
    assert!(!refused.status.success() && text(&refused.stdout).contains("refused login 530 "), "{refused:?}");
}
