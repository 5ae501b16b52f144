//! paramiko at the SFTP door: it asks for whole files at once (TRANSFER.md R1), and shows the sentences.

use std::process::Command;

use crate::house::{House, PASSWORD};
use waybill::domain::Digest;

/// Runs Python lines with `sftp`, a connected client, and `again()`, which makes another.
pub(crate) fn python(house: &House, lines: &str) -> String {
    let python = std::env::var("WAYBILL_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let prelude = format!(
        r#"
import hashlib, os, threading, time
import paramiko
def again():
    transport = paramiko.Transport(("127.0.0.1", {port}))
    transport.connect(username="northwind", password="{PASSWORD}")
    return paramiko.SFTPClient.from_transport(transport)
def refused(call, *arguments):
    try:
        call(*arguments)
    except IOError as error:
        return str(error)
    raise AssertionError("it was not refused")
sftp = again()
sftp.get_channel().settimeout(30)
"#,
        port = house.sftp().port()
    );
    let script = house.file("script.py", prelude + lines);
    let done = Command::new(&python).arg(script).current_dir(house.folder()).output().unwrap();
    assert!(
        done.status.success(),
        "{python}: {}{}",
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
    String::from_utf8(done.stdout).unwrap()
}

fn house() -> House {
    let house = House::open();
    house.supplier("northwind");
    house
}

#[test]
fn paramiko_gets_a_file_it_asks_for_all_at_once() {
    let house = house();
    python(
        &house,
        r#"
block = os.urandom(1 << 20)
with open("big.bin", "wb") as file:
    for _ in range(64):
        file.write(block)
sftp.put("big.bin", "/drop/big.bin")
sftp.get("/drop/big.bin", "back.bin")
assert open("big.bin", "rb").read() == open("back.bin", "rb").read()
# Two at once, over two channels of one connection.
other = paramiko.SFTPClient.from_transport(sftp.get_channel().get_transport())
threads = [
    threading.Thread(target=client.get, args=("/drop/big.bin", name))
    for client, name in ((sftp, "one.bin"), (other, "two.bin"))
]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
for name in ("one.bin", "two.bin"):
    assert open("big.bin", "rb").read() == open(name, "rb").read()
"#,
    );
    let bytes = std::fs::read(house.folder().join("big.bin")).unwrap();
    assert_eq!(house.settled("big.bin").sha256, Digest::of(&bytes).to_string());
}

#[test]
fn paramiko_sees_and_changes_what_there_is() {
    let house = house();
    python(
        &house,
        r#"
sftp.putfo(__import__("io").BytesIO(b"hello"), "/drop/a.edi")
stat = sftp.stat("/drop/a.edi")
assert stat.st_size == 5 and stat.st_mode == 0o100644 and abs(stat.st_mtime - time.time()) < 60, stat
assert sftp.stat("/drop").st_mode == 0o040755
assert sftp.normalize(".") == "/drop" and sftp.normalize("..") == "/" and sftp.normalize("x") == "/drop/x"
assert "a.edi" in sftp.listdir("/drop") and sftp.listdir("/") == ["drop"]
sftp.chmod("/drop/a.edi", 0o600)
sftp.utime("/drop/a.edi", None)
sftp.truncate("/drop/a.edi", 5)
sftp.putfo(__import__("io").BytesIO(b"other"), "/drop/b.edi")
# RENAME does not replace; posix-rename does.
assert "already exists" in refused(sftp.rename, "/drop/a.edi", "/drop/b.edi")
sftp.posix_rename("/drop/a.edi", "/drop/b.edi")
assert sftp.open("/drop/b.edi").read() == b"hello"
sftp.remove("/drop/b.edi")
assert refused(sftp.stat, "/drop/b.edi").startswith("[Errno 2]")
# What goes to the end goes to the end, wherever the client says it is.
with sftp.open("/drop/c.edi", "a") as file:
    file.write(b"one,")
    file.flush()
    assert file.stat().st_size == 4
    file.seek(0)
    file.write(b"two")
assert sftp.open("/drop/c.edi").read() == b"one,two"
"#,
    );
}

#[test]
fn paramiko_shows_why_something_was_refused() {
    let house = house();
    python(
        &house,
        r#"
for call, arguments, sentence in [
    (sftp.mkdir, ("/drop/sub",), "folders cannot be made or removed here; put files into /drop"),
    (sftp.mkdir, ("/drop",), "this folder already exists"),
    (sftp.rmdir, ("/drop",), "folders cannot be made or removed here"),
    (sftp.open, ("/drop/../../etc/passwd", "w"), "`..` is not allowed in a path"),
    (sftp.open, (b"/drop/facture_\xe9.xml", "w"), "the path is not UTF-8; send names in UTF-8"),
    (sftp.open, ("/drop/x.OK", "w"), "kept for this server's answers"),
    (sftp.open, ("/drop/sub/x", "w"), "there are no folders inside /drop"),
    (sftp.open, ("/drop/missing",), "no file"),
    (sftp.truncate, ("/drop/missing", 3), "no file"),
    (sftp.symlink, ("a", "b"), "this request is not supported"),
    (sftp.readlink, ("a",), "this request is not supported"),
]:
    said = refused(call, *arguments)
    assert sentence in said, (call.__name__, arguments, said)
file = sftp.open("/drop/a.edi", "w+")
file.write("x")
assert "being uploaded and cannot be read" in refused(file.read, 1)
"#,
    );
    assert_eq!(house.files().len(), 0, "the upload was never closed");
}

#[test]
fn paramiko_writes_out_of_order_and_goes_on_where_it_stopped() {
    let house = house();
    python(
        &house,
        r#"
with sftp.open("/drop/order.bin", "w") as file:
    file.set_pipelined(True)
    for number in reversed(range(64)):
        file.seek(number * 1000)
        file.write(bytes([number]) * 1000)
assert sftp.open("/drop/order.bin").read() == b"".join(bytes([number]) * 1000 for number in range(64))
file = sftp.open("/drop/half.bin", "w")
file.write(b"h" * 100_000)
file.flush()
sftp.get_channel().get_transport().sock.close()
sftp = again()
while True:
    try:
        size = sftp.stat("/drop/half.bin").st_size
        break
    except FileNotFoundError:
        pass
assert size == 100_000, size
assert "half.bin" not in sftp.listdir("/drop")
with sftp.open("/drop/half.bin", "a") as file:
    file.write(b"a" * 1000)
assert sftp.open("/drop/half.bin").read() == b"h" * 100_000 + b"a" * 1000
"#,
    );
    assert_eq!(house.settled("half.bin").size_bytes, 101_000);
}
