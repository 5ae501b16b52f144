//! What the FTPS door does with clients that break the rules, on purpose or by habit.

use crate::ftps_clients::python;
use crate::house::{FTPS, House, PASSWORD};

fn house_with(settings: &[(&str, &str)]) -> House {
    let house = House::with(&[&FTPS[..], settings].concat());
    house.supplier("northwind");
    house
}

#[test]
fn a_file_counts_only_after_close_notify() {
    let house = house_with(&[]);
    python(
        &house,
        r#"
ftp = client()
ftp.voidcmd("TYPE I")
def broken_off(name, offset=None):
    data = ftp.transfercmd("STOR " + name, offset)
    data.sendall(b"half of")
    # The connection ends as if it were whole, and TLS has not said so.
    raw = socket.socket(fileno=data.detach())
    raw.shutdown(socket.SHUT_RDWR)
    raw.close()
    return refused(ftp.voidresp)
reply = broken_off("cut.bin")
assert reply.startswith("451 ") and "close_notify" in reply, reply
# What came can be gone on with, and the whole counts.
assert ftp.size("cut.bin") == 7
import io
ftp.storbinary("STOR cut.bin", io.BytesIO(b" a whole"), rest=7)
"#,
    );
    let file = house.settled("cut.bin");
    assert_eq!(file.sha256, waybill::domain::Digest::of(b"half of a whole").to_string());
    assert_eq!(house.files().len(), 1);
}

#[test]
fn abor_is_answered_in_the_middle_of_a_transfer_and_nothing_lands() {
    let house = house_with(&[]);
    python(
        &house,
        r#"
ftp = client()
ftp.voidcmd("TYPE I")
data = ftp.transfercmd("STOR abandoned.bin")
data.sendall(b"x" * 100000)
assert ftp.sendcmd("STAT").startswith("213 a transfer is under way")
# As old clients say it, behind Telnet's Interrupt Process and Synch.
ftp.sock.sendall(b"\xff\xf4\xff\xf2ABOR\r\n")
assert refused(ftp.voidresp).startswith("426 ")
assert ftp.voidresp().startswith("226 ")
data.close()
# What was said meanwhile is answered in its order.
data = ftp.transfercmd("STOR queued.bin")
ftp.sock.sendall(b"NOOP\r\nPWD\r\n")
data.sendall(b"whole")
data.unwrap()
data.close()
assert [ftp.getresp()[:3] for _ in range(3)] == ["226", "200", "257"]
"#,
    );
    house.settled("queued.bin");
    assert_eq!(house.files().len(), 1);
}

#[test]
fn nothing_said_in_clear_behind_auth_tls_is_done() {
    let house = house_with(&[]);
    python(
        &house,
        r#"
raw = socket.create_connection(("127.0.0.1", PORT), timeout=30)
assert raw.recv(100).startswith(b"220")
raw.sendall(b"AUTH TLS\r\nUSER northwind\r\nPASS " + PASSWORD.encode() + b"\r\nDELE a\r\n")
said = b""
while True:
    piece = raw.recv(1000)
    if not piece:
        break
    said += piece
assert said.count(b"\r\n") == 2 and said.startswith(b"234") and b"421" in said, said
for verb in b"USER PASS PWD STOR RETR LIST DELE CWD PASV EPSV SITE MKD RNFR HASH STAT REIN ACCT".split():
    raw = socket.create_connection(("127.0.0.1", PORT), timeout=30)
    raw.recv(100)
    raw.sendall(verb + b" x\r\n")
    reply = raw.recv(1000)
    assert reply.startswith(b"534 "), (verb, reply)
# Protected, and not logged in.
ftp = ftplib.FTP_TLS(context=CONTEXT, timeout=30)
ftp.connect("127.0.0.1", PORT)
ftp.auth()
for verb in "PWD STOR RETR LIST MLSD NLST DELE CWD CDUP PASV EPSV SITE MKD RMD RNFR RNTO HASH XSHA256 STAT ABOR REST".split():
    reply = refused(ftp.sendcmd, verb + " x")
    assert reply.startswith("530 "), (verb, reply)
"#,
    );
}

#[test]
fn lines_logins_handshakes_and_data_connections_have_their_limits() {
    let house = house_with(&[
        ("WAYBILL_FTPS_HANDSHAKE_DEADLINE", "3 s"),
        ("WAYBILL_FTPS_STALL_DEADLINE", "2 s"),
        ("WAYBILL_FTPS_LOGIN_FAILURES_MAX", "2"),
        ("WAYBILL_DOORS_LOGIN_DEADLINE", "20 s"),
    ]);
    let before = house.memory_kib();
    python(
        &house,
        r#"
def to_the_end(raw):
    said = b""
    try:
        while True:
            piece = raw.recv(65536)
            if not piece:
                return said
            said += piece
    except (ConnectionResetError, ssl.SSLError):
        return said
# A line that never ends.
raw = socket.create_connection(("127.0.0.1", PORT), timeout=30)
try:
    for _ in range(512):
        raw.sendall(b"A" * 65536)
except (BrokenPipeError, ConnectionResetError):
    pass
to_the_end(raw)
# AUTH TLS, and then silence; garbage; silence from the start.
raw = socket.create_connection(("127.0.0.1", PORT), timeout=30)
raw.sendall(b"AUTH TLS\r\n")
started = time.time()
assert b"234" in to_the_end(raw)
assert time.time() - started < 15
raw = socket.create_connection(("127.0.0.1", IMPLICIT), timeout=30)
raw.sendall(b"\x00" * 1000)
to_the_end(raw)
to_the_end(socket.create_connection(("127.0.0.1", IMPLICIT), timeout=30))
# Two wrong passwords, and out.
ftp = ftplib.FTP_TLS(context=CONTEXT, timeout=30)
ftp.connect("127.0.0.1", PORT)
assert refused(ftp.login, "northwind", "wrong").startswith("530 ")
assert refused(ftp.login, "northwind", "wrong").startswith("421 ")
# A port nobody comes to, garbage on it, and a transfer that stalls; the session goes on each time.
ftp = client()
ftp.voidcmd("TYPE I")
ftp.makepasv()
assert ftp.sendcmd("STOR never.bin").startswith("150 ")
assert refused(ftp.voidresp).startswith("425 ")
host, port = ftp.makepasv()
raw = socket.create_connection((host, port), timeout=30)
raw.sendall(b"\x00\xff" * 500)
assert ftp.sendcmd("STOR garbage.bin").startswith("150 ")
assert refused(ftp.voidresp).startswith("425 ")
data = ftp.transfercmd("STOR stalled.bin")
data.sendall(b"a little")
assert refused(ftp.voidresp).startswith("426 ")
# Asking again closes the port before.
ports = [ftp.makepasv()[1] for _ in range(20)]
open_ports = 0
for port in ports:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
        open_ports += 1
    except ConnectionRefusedError:
        pass
# One of the others may be somebody else's by now.
assert 1 <= open_ports < 4, open_ports
ftp.quit()
# In clear, nothing is listed or sent.
ftp = ftplib.FTP_TLS(context=CONTEXT, timeout=30)
ftp.connect("127.0.0.1", PORT)
ftp.login("northwind", PASSWORD)
assert refused(ftp.retrlines, "LIST").startswith("521 ")
"#,
    );
    let grown = house.peak_memory_kib().saturating_sub(before);
    // Checking a password takes 19 MiB of it.
    assert!(grown < 40 * 1024, "the daemon grew by {grown} KiB");
    assert_eq!(house.files().len(), 0);
    assert!(!house.log().contains(PASSWORD));
}

#[test]
fn a_session_that_must_be_resumed_is_asked_for_and_another_is_refused() {
    let house = house_with(&[("WAYBILL_FTPS_REQUIRE_RESUMPTION", "true")]);
    python(
        &house,
        r#"
import io
ftp = client()
ftp.transfercmd("STOR a.bin")
reply = refused(ftp.voidresp)
assert reply.startswith("522 "), reply
class Resuming(ftplib.FTP_TLS):
    def ntransfercmd(self, cmd, rest=None):
        connection, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        session = self.other if self.other else self.sock.session
        return self.context.wrap_socket(connection, server_hostname=self.host, session=session), size
def resuming(version, other=None):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = version
    ftp = Resuming(context=context, timeout=30)
    ftp.other = other
    ftp.connect("127.0.0.1", PORT)
    ftp.login("northwind", PASSWORD)
    ftp.prot_p()
    return ftp
for version in [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]:
    ftp = resuming(version)
    # In TLS 1.3 the ticket comes behind the handshake, with the first reply.
    ftp.sendcmd("NOOP")
    assert ftp.storbinary("STOR mine.bin", io.BytesIO(b"mine")).startswith("226 ")
    # A session of the same server, and of another connection.
    other = ftplib.FTP_TLS(context=ftp.context, timeout=30)
    other.connect("127.0.0.1", PORT)
    other.login("northwind", PASSWORD)
    ftp.other = other.sock.session
    ftp.transfercmd("STOR theirs.bin")
    assert refused(ftp.voidresp).startswith("522 ")
"#,
    );
    house.settled("mine.bin");
    assert!(house.files().iter().all(|file| file.name == "mine.bin"));
}

#[test]
fn what_is_closing_lets_an_upload_finish() {
    let mut house = house_with(&[]);
    let pid = house.pid();
    let fingerprint = |house: &House| {
        let door = house.ready().doors.iter().find(|door| door.door == "ftps").unwrap();
        door.fingerprint.clone().unwrap()
    };
    let before = fingerprint(&house);
    python(
        &house,
        &format!(
            r#"
import os, signal
ftp = client()
idle = client()
ftp.voidcmd("TYPE I")
data = ftp.transfercmd("STOR late.bin")
data.sendall(b"before, ")
os.kill({pid}, signal.SIGTERM)
# The idle one is sent away, the busy one is not.
assert refused(idle.getresp).startswith("421 ")
for port in [PORT, IMPLICIT]:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5)
        raise AssertionError("somebody came in")
    except ConnectionRefusedError:
        pass
data.sendall(b"and after")
data.unwrap()
assert ftp.voidresp().startswith("226 ")
"#
        ),
    );
    assert!(house.ended().success());
    house.start();
    assert_eq!(house.settled("late.bin").sha256, waybill::domain::Digest::of(b"before, and after").to_string());
    assert_eq!(fingerprint(&house), before, "a restart makes no new certificate");
}
