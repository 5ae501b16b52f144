//! FileZilla's own SFTP engine, `fzsftp`, which is a program of its own and needs no windows. (Its FTPS engine is a
//! part of the window program: there is nothing to start.)

use std::process::Command;

use crate::clients_openssh::make_key;
use crate::house::{House, PASSWORD};
use waybill::domain::Digest;

/// Runs Python lines with `connect()`, which drives the engine. Nothing happens where it cannot be had.
fn python(house: &House, lines: &str) -> bool {
    let Some(engine) = std::env::var_os("WAYBILL_TEST_FZSFTP").or_else(|| {
        let installed = "/usr/bin/fzsftp";
        std::path::Path::new(installed).exists().then(|| installed.into())
    }) else {
        eprintln!("skipped: WAYBILL_TEST_FZSFTP is not set; ./scripts/test sets it where the program can be had");
        return false;
    };
    let python = std::env::var("WAYBILL_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    house.file("clients_filezilla.py", include_str!("clients_filezilla.py"));
    let prelude = format!(
        "from clients_filezilla import *\ndef connect(password={PASSWORD:?}, key=None):\n    \
         return FileZilla({}, 'northwind', password, key)\n",
        house.sftp().port()
    );
    let script = house.file("script.py", prelude + lines);
    // The engine keeps host keys under $HOME.
    let done = Command::new(&python)
        .arg(script)
        .env("FZSFTP", engine)
        .env("HOME", house.folder())
        .env("XDG_CONFIG_HOME", house.folder())
        .current_dir(house.folder())
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{}{}",
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
    true
}

#[test]
fn filezilla_puts_gets_resumes_renames_lists_and_deletes() {
    let house = House::open();
    house.supplier_with_keys("northwind", &[]);
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|number| (number * 23 / 9) as u8).collect();
    house.file("big.bin", &bytes);
    house.file("begun.bin", &bytes[..1_000_000]);
    let ran = python(
        &house,
        r#"
filezilla = connect()
assert filezilla.ask("pwd")[0] == 'Current directory is: "/drop"'
open("empty.bin", "wb").close()
filezilla.put("empty.bin", "empty.bin")
filezilla.put("big.bin", "big.bin.filepart")
filezilla.ask('mv "big.bin.filepart" "big.bin"')
filezilla.get("big.bin", "back.bin")
filezilla.get("big.bin", "begun.bin", "reget")
big = open("big.bin", "rb").read()
assert open("back.bin", "rb").read() == big and open("begun.bin", "rb").read() == big
with open("begun.bin", "wb") as file:
    file.write(big[:1000000])
filezilla.put("begun.bin", "later.bin.part")
filezilla.put("big.bin", "later.bin.part", "reput")
filezilla.ask('mv "later.bin.part" "later.bin"')
# What it does after each upload of a person who wants to keep the times.
filezilla.ask('chmtime 1600000000 "big.bin"')
names = filezilla.names()
assert {"empty.bin", "big.bin", "later.bin"} <= set(names) and "big.bin.filepart" not in names, names
filezilla.ask('rm "empty.bin"')
assert "empty.bin" not in filezilla.names()
assert "mkdir /drop/sub: permission denied" in refused(filezilla.ask, 'mkdir "sub"')
assert "no such file" in refused(filezilla.get, "nothing", "nothing.bin")
filezilla.close()
"#,
    );
    if ran {
        for name in ["big.bin", "later.bin"] {
            assert_eq!(house.settled(name).sha256, Digest::of(&bytes).to_string(), "{name}");
        }
    }
}

#[test]
fn filezilla_logs_in_with_a_key_and_not_with_a_wrong_password() {
    let house = House::open();
    let key = make_key(house.folder(), "key", &["-t", "ed25519"]);
    let public = std::fs::read_to_string(key.with_extension("pub")).unwrap();
    house.supplier_with_keys("northwind", &[&public]);
    python(
        &house,
        r#"
assert refused(connect, "a wrong guess") == "asked for the password again"
filezilla = connect("", os.path.abspath(putty_key("key", "key.ppk")))
assert any("Sent public key signature" in line for line in filezilla.told), filezilla.told
assert filezilla.names() == []
filezilla.close()
"#,
    );
}
