//! Every verb of FTP, in clear, protected, and logged in: what is answered, and that nothing is done for anybody who
//! has not logged in (ProFTPD CVE-2015-3306, Serv-U CVE-2024-28995, Wing FTP CVE-2025-47812).

use crate::ftps_clients::python;
use crate::house::{FTPS, House, PASSWORD};

fn house() -> House {
    let house = House::with(&[&FTPS[..], &[("WAYBILL_DEFEND_ENABLED", "false")]].concat());
    house.supplier("northwind");
    house
}

/// Verb and argument, and the codes in clear, protected, and logged in. Of what would open a data connection, the
/// code is the one that comes without one.
const MATRIX: &str = "
ABOR                       534 530 226
ACCT x                     534 502 502
ALLO 10                    534 530 202
APPE a.bin                 534 530 425
AUTH GSSAPI                504 503 503
AVBL                       534 530 213
CCC                        534 534 534
CDUP                       534 530 250
CLNT x                     200 200 200
CWD /drop                  534 530 250
CWD ../../etc              534 530 550
DELE nothing               534 530 550
EPRT |1|127.0.0.1|2000|    534 530 502
EPSV                       534 530 229
FEAT                       211 211 211
HASH nothing               534 530 550
HELP                       214 214 214
HOST x                     220 220 503
LANG en                    200 200 200
LIST                       534 530 425
MDTM nothing               534 530 550
MFMT 20260101000000 x      534 530 550
MKD x                      534 530 550
MLSD                       534 530 425
MLST                       534 530 250
MODE S                     534 530 200
NLST                       534 530 425
NOOP                       200 200 200
OPTS UTF8 ON               200 200 200
PASV                       534 530 227
PBSZ 0                     503 200 200
PORT 127,0,0,1,8,0         534 530 502
PROT P                     503 503 200
PWD                        534 530 257
REST 5                     534 530 350
RETR nothing               534 530 550
RETR ../../etc/passwd      534 530 550
RMD x                      534 530 550
RNFR nothing               534 530 550
RNTO x                     534 530 503
SITE CPFR /etc/passwd      534 530 504
SITE CPTO /drop/x          534 530 504
SITE CHMOD 777 x           534 530 550
SITE EXEC id               534 530 504
SITE HELP                  534 530 214
SIZE nothing               534 530 550
STAT                       534 530 211
STOR a.bin                 534 530 425
STOR ../a.bin              534 530 553
STOU                       534 530 425
STRU F                     534 530 200
SYST                       215 215 215
TYPE I                     534 530 200
USER northwind             534 331 503
XSHA256 nothing            534 530 550
PASS x                     534 503 202
REIN                       534 220 220
SMNT x                     534 530 502
ADAT x                     534 530 502
CONF x                     534 530 502
ENC x                      534 530 502
MIC x                      534 530 502
LPRT x                     534 530 502
LPSV                       534 530 502
COMB x                     534 530 502
XCRC x                     534 530 502
XCUP                       534 530 250
XMKD x                     534 530 550
XPWD                       534 530 257
NOSUCH                     500 500 500
";

#[test]
fn every_verb_in_every_state() {
    let house = house();
    let said = python(
        &house,
        &format!(
            r#"
MATRIX = """{MATRIX}"""
def in_clear():
    ftp = ftplib.FTP(timeout=30)
    ftp.connect("127.0.0.1", PORT)
    return ftp
def protected():
    ftp = ftplib.FTP_TLS(context=CONTEXT, timeout=30)
    ftp.connect("127.0.0.1", PORT)
    ftp.auth()
    return ftp
def ask(ftp, line):
    ftp.putline(line)
    code = ftp.getmultiline()[:3]
    # ABOR is answered once: nothing was under way.
    return code
wrong = []
for line in MATRIX.strip().splitlines():
    command, expected = line[:27].strip(), line[27:].split()
    # A connection each: some change the state.
    codes = []
    for ftp in [in_clear(), protected(), client()]:
        if command.startswith("REIN") and ftp.sock is None: continue
        codes.append(ask(ftp, command))
        ftp.close()
    if codes != expected:
        wrong.append((command, codes))
for entry in wrong: print(*entry)
"#
        ),
    );
    assert_eq!(said, "", "answered otherwise than the table says");
    assert_eq!(house.files().len(), 0);
    // Each verb the door knows is in the table; HELP lists them.
    let known = python(
        &house,
        r#"
import re
print(" ".join(re.findall(r"[A-Z0-9]{3,7}", client().sendcmd("HELP").split("\n", 1)[1].rsplit("\n", 1)[0])))
"#,
    );
    let mut known: Vec<&str> = known.split_whitespace().filter(|verb| *verb != "QUIT").collect();
    known.retain(|verb| !MATRIX.lines().any(|line| line.split_whitespace().next() == Some(verb)));
    assert!(known.is_empty(), "not in the table: {known:?}");
}

#[test]
fn a_login_that_hides_something_is_none() {
    let house = house();
    python(
        &house,
        &format!(
            r#"
for login in [b"northwind\x00", b"northwind\x00]]local h = io.popen('id')--", b"\x00", b"", b"north\xffwind", b"n" * 129,
              b"northwind\x7f", b"northwind\x0b", "north\u202ewind".encode(), b"NORTHWIND", b"northwind ", b"../northwind"]:
    ftp = ftplib.FTP_TLS(context=CONTEXT, timeout=30)
    ftp.connect("127.0.0.1", PORT)
    ftp.auth()
    ftp.sock.sendall(b"USER " + login + b"\r\nPASS {PASSWORD}\r\nPWD\r\n")
    replies = [ftp.getmultiline()[:3] for _ in range(3)]
    assert replies[0] in ("331", "501") and replies[1] in ("530", "503") and replies[2] == "530", (login, replies)
# What is behind a line's end is a line of its own, and NUL is in no argument.
ftp = client()
for line in [b"STOR a\x00b.bin", b"SITE CHMOD 777 \x00", b"CWD /drop\x00/../..", b"RETR \x00", b"MFMT \x00",
             b"MFMT 20260101000000 a\x00", b"TYPE I\x00", b"OPTS UTF8 ON\x00"]:
    ftp.sock.sendall(line + b"\r\n")
    assert ftp.getmultiline()[:3] in ("501", "550", "553"), line
for line in [b"STOR a\xe2\x80\xaeb.bin", b"STOR a\xef\xbf\xbdb.bin", b"STOR a\xffb.bin", b"STOR a\\b.bin", b"STOR a\rb.bin", b"STOR x/../y"]:
    ftp.sock.sendall(line + b"\r\n")
    assert ftp.getmultiline()[:3] == "553", line
"#
        ),
    );
    assert_eq!(house.files().len(), 0);
    assert!(house.log().lines().all(|line| line.starts_with('{') && line.ends_with('}')));
    assert!(!house.log().contains(PASSWORD));
}

#[test]
fn a_stranger_at_the_data_port_is_turned_away_and_the_client_is_not() {
    let house = house();
    python(
        &house,
        r#"
ftp = client()
ftp.voidcmd("TYPE I")
host, port = ftp.makepasv()
stranger = socket.create_connection((host, port), 30, ("127.0.0.9", 0))
stranger.sendall(b"\x16\x03\x01")
ftp.putcmd("STOR mine.bin")
assert ftp.getresp().startswith("150 ")
mine = ftp.context.wrap_socket(socket.create_connection((host, port), 30), server_hostname=host)
mine.sendall(b"mine")
mine.unwrap()
mine.close()
assert ftp.voidresp().startswith("226 ")
stranger.settimeout(10)
try:
    assert stranger.recv(100) == b""
except ConnectionResetError:
    pass
"#,
    );
    let file = house.settled("mine.bin");
    assert_eq!(file.sha256, waybill::domain::Digest::of(b"mine").to_string());
    assert!(house.log().contains("a stranger connected to a data port"));
}

/// The race that costs another server 1.5 to 3 % of its handshakes. About half a minute.
#[test]
fn no_handshake_of_thousands_fails() {
    let house = house();
    let started = std::time::Instant::now();
    let said = python(
        &house,
        r#"
from concurrent.futures import ThreadPoolExecutor
def shake(_):
    try:
        raw = socket.create_connection(("127.0.0.1", PORT), timeout=30)
        while not raw.recv(1000).endswith(b"\n"): pass
        raw.sendall(b"AUTH TLS\r\n")
        # Nothing is waited for between the reply and the handshake.
        assert raw.recv(1000).startswith(b"234")
        tls = CONTEXT.wrap_socket(raw)
        tls.sendall(b"NOOP\r\n")
        assert tls.recv(1000).startswith(b"200")
        tls.close()
        return None
    except Exception as error:
        return repr(error)
with ThreadPoolExecutor(8) as pool:
    failed = [error for error in pool.map(shake, range(10000)) if error]
print(len(failed), failed[:3])
"#,
    );
    println!("10,000 handshakes in {:?}", started.elapsed());
    assert_eq!(said.trim(), "0 []");
}
