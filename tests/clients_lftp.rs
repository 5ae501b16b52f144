//! lftp at the SFTP door: parallel parts, resuming, mirroring.

use std::process::Command;

use crate::house::{House, PASSWORD};
use waybill::domain::Digest;

fn lftp(house: &House, commands: &str) -> (bool, String) {
    let script = format!(
        "set cmd:fail-exit yes\nset net:max-retries 1\nset net:timeout 20\nset sftp:auto-confirm yes\n\
         set sftp:connect-program \"ssh -a -x -F none -o StrictHostKeyChecking=no -o UserKnownHostsFile={}\"\n\
         open -u northwind,'{PASSWORD}' sftp://{}\n{commands}",
        house.folder().join("known_hosts").display(),
        house.sftp()
    );
    let script = house.file("script", script);
    // lftp looks at $HOME for settings and history.
    let done = Command::new("lftp")
        .arg("-f")
        .arg(script)
        .env("HOME", house.folder())
        .current_dir(house.folder())
        .output()
        .unwrap();
    let said = [done.stdout, done.stderr].concat();
    (done.status.success(), String::from_utf8_lossy(&said).into_owned())
}

fn lftp_ok(house: &House, commands: &str) -> String {
    let (done, said) = lftp(house, commands);
    assert!(done, "{commands}\n{said}");
    said
}

fn house() -> House {
    let house = House::open();
    house.supplier("northwind");
    house
}

#[test]
fn lftp_puts_lists_gets_in_parallel_renames_and_removes() {
    let house = house();
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|number| (number * 11 / 3) as u8).collect();
    house.file("big.bin", &bytes);
    let said = lftp_ok(
        &house,
        "put big.bin\nget big.bin -o back.bin\npget -n 4 big.bin -o parts.bin\nmv big.bin other.bin\ncls -1 --size\n\
         rm other.bin\ncls -1\n",
    );
    for copy in ["back.bin", "parts.bin"] {
        assert!(std::fs::read(house.folder().join(copy)).unwrap() == bytes, "{copy}");
    }
    assert!(said.contains("other.bin") && !said.contains("/big.bin"), "{said}");
    assert_eq!(house.files().first().unwrap().sha256, Digest::of(&bytes).to_string());
}

#[test]
fn lftp_mirrors_a_folder_into_drop() {
    let house = house();
    let folder = house.folder().join("outgoing");
    std::fs::create_dir(&folder).unwrap();
    for number in 0..20 {
        std::fs::write(folder.join(format!("{number}.edi")), format!("file number {number}")).unwrap();
    }
    lftp_ok(&house, "mirror --reverse --parallel=4 --no-perms outgoing /drop\n");
    for number in 0..20 {
        let file = house.settled(&format!("{number}.edi"));
        assert_eq!(file.sha256, Digest::of(format!("file number {number}").as_bytes()).to_string());
    }
    // Again: nothing is new, nothing is sent.
    lftp_ok(&house, "mirror --reverse --ignore-time --no-perms outgoing /drop\n");
    assert_eq!(house.files().len(), 20);
}

#[test]
fn lftp_shows_the_reason_of_a_refusal() {
    let house = house();
    let (done, said) = lftp(&house, "mkdir sub\n");
    assert!(!done);
    assert!(said.contains("folders cannot be made or removed here; put files into /drop"), "{said}");
}
