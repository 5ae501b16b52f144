//! asyncssh at the SFTP door: many requests under way at once, certificates of its own checking, and strict about
//! what it is answered.

use std::process::Command;

use crate::house::{House, PASSWORD};

fn python(house: &House, lines: &str) {
    let python = std::env::var("WAYBILL_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let indented: String = lines.lines().map(|line| format!("    {line}\n")).collect();
    let script = format!(
        r#"
import asyncio, os
import asyncssh
def connect(**more):
    options = dict(username="northwind", password="{PASSWORD}", known_hosts=None, client_keys=None, config=None)
    return asyncssh.connect("127.0.0.1", {port}, **(options | more))
async def refused(call):
    try:
        await call
    except (asyncssh.SFTPError, asyncssh.PermissionDenied) as error:
        return f"{{type(error).__name__}}: {{error}}"
    raise AssertionError("it was not refused")
async def main():
{indented}
asyncio.run(asyncio.wait_for(main(), 60))
"#,
        port = house.sftp().port()
    );
    let script = house.file("script.py", script);
    let done = Command::new(&python).arg(script).current_dir(house.folder()).output().unwrap();
    assert!(
        done.status.success(),
        "{}{}",
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
}

fn house() -> House {
    let house = House::open();
    house.supplier("northwind");
    house
}

#[test]
fn asyncssh_puts_gets_lists_renames_and_deletes() {
    let house = house();
    python(
        &house,
        r#"
block = os.urandom(20 << 20)
open("big.bin", "wb").write(block)
async with connect() as connection, connection.start_sftp_client() as sftp:
    await sftp.put("big.bin", "/drop/big.bin.filepart", block_size=32768, max_requests=128)
    await sftp.rename("/drop/big.bin.filepart", "/drop/big.bin")
    await sftp.get("/drop/big.bin", "back.bin", max_requests=128)
    assert open("back.bin", "rb").read() == block
    assert (await sftp.stat("/drop/big.bin")).size == len(block)
    assert "big.bin" in await sftp.listdir("/drop")
    async with sftp.open("/drop/big.bin", "rb") as file:
        await file.seek(1000)
        assert await file.read(500) == block[1000:1500]
    assert await sftp.realpath("/drop/../drop/./big.bin") == "/drop/big.bin"
    # Out of order, and many at once.
    async with sftp.open("/drop/pieces.bin", "wb") as file:
        pieces = [(at, block[at:at + 10000]) for at in range(0, 1 << 20, 10000)]
        pieces = [(at, piece[:(1 << 20) - at]) for at, piece in pieces]
        await asyncio.gather(*(file.write(piece, at) for at, piece in reversed(pieces)))
    await sftp.get("/drop/pieces.bin", "pieces.bin")
    assert open("pieces.bin", "rb").read() == block[:1 << 20]
    await sftp.remove("/drop/pieces.bin")
    assert "pieces.bin" not in await sftp.listdir("/drop")
"#,
    );
    house.settled("big.bin");
}

#[test]
fn asyncssh_is_told_why_it_is_refused() {
    let house = house();
    python(
        &house,
        r#"
assert "PermissionDenied" in await refused(connect(password="a wrong guess").__aenter__())
async with connect() as connection, connection.start_sftp_client() as sftp:
    assert "folder" in (await refused(sftp.mkdir("/drop/sub"))).lower()
    assert "SFTPNoSuchFile" in await refused(sftp.get("/drop/nothing.bin", "nothing.bin"))
    answer = await connection.run("id", check=False)
    assert answer.exit_status != 0 or answer.stderr, answer
"#,
    );
}
