//! What an SSH client may do before it has logged in: log in, soon and in order. Everything else ends the connection
//! or is refused, costs little, and is never a session (libssh CVE-2018-10933, Terrapin, and the weaknesses measured
//! of others).

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use waybill::domain::{Event, Scope};
use waybill::record::EventFilter;

use crate::clients_paramiko::python;
use crate::house::{House, PASSWORD, PATIENCE, wait_for};
use crate::openssh;

fn house_with(settings: &[(&str, &str)]) -> House {
    let house = House::with(settings);
    house.supplier("northwind");
    house
}

fn sessions(house: &House) -> Vec<Event> {
    let (scope, filter) = (Scope::operator("tests"), EventFilter::default());
    let events = house.ask(async |record| record.events_after(&scope, &filter, 0, 1_000).await.unwrap());
    events.into_iter().filter(|event| event.kind == "session.started").collect()
}

/// A packet in clear (RFC 4253 section 6).
fn packet(payload: &[u8]) -> Vec<u8> {
    let padding = 4 + (8 - (5 + payload.len() + 4) % 8) % 8;
    let size = u32::try_from(1 + payload.len() + padding).unwrap();
    [&size.to_be_bytes()[..], &[u8::try_from(padding).unwrap()], payload, &vec![0; padding]].concat()
}

/// A KEXINIT as a client of today sends it, strict key exchange included.
fn kexinit(kex: &str) -> Vec<u8> {
    let mut payload = vec![20];
    payload.extend([7; 16]);
    let (cipher, mac) = ("aes256-gcm@openssh.com", "hmac-sha2-256");
    for list in [kex, "ssh-ed25519", cipher, cipher, mac, mac, "none", "none", "", ""] {
        payload.extend(u32::try_from(list.len()).unwrap().to_be_bytes());
        payload.extend(list.as_bytes());
    }
    payload.extend([0; 5]);
    packet(&payload)
}

const STRICT: &str = "curve25519-sha256,kex-strict-c-v00@openssh.com";

/// Says this behind the version, and reads what comes until the server hangs up.
fn to_the_end(house: &House, said: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(house.sftp()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(b"SSH-2.0-Test_1.0\r\n").unwrap();
    let _ = stream.write_all(said);
    let mut heard = Vec::new();
    if let Err(error) = stream.read_to_end(&mut heard) {
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "the server went on: {error}");
    }
    heard
}

#[test]
fn a_message_out_of_turn_in_clear_ends_the_connection() {
    // Longer than any of it takes: whatever ends, ends for what was said.
    let house = house_with(&[("WAYBILL_DOORS_LOGIN_DEADLINE", "60 s")]);
    let text = |words: &[&[u8]]| -> Vec<u8> {
        words.iter().flat_map(|word| [&u32::try_from(word.len()).unwrap().to_be_bytes()[..], word].concat()).collect()
    };
    let channel = [&text(&[b"session"])[..], &[0, 0, 0, 0, 0, 16, 0, 0, 0, 0, 128, 0]].concat();
    let login = text(&[b"northwind", b"ssh-connection", b"none"]);
    let messages: [(&str, u8, &[u8]); 9] = [
        ("SERVICE_ACCEPT", 6, &text(&[b"ssh-userauth"])),
        ("NEWKEYS", 21, b""),
        ("KEX_ECDH_INIT", 30, &text(&[&[9; 32]])),
        ("USERAUTH_REQUEST", 50, &login),
        ("USERAUTH_FAILURE", 51, &text(&[b"password", b""])),
        ("USERAUTH_SUCCESS", 52, b""),
        ("GLOBAL_REQUEST", 80, &text(&[b"tcpip-forward"])),
        ("CHANNEL_OPEN", 90, &channel),
        ("CHANNEL_DATA", 94, &[&[0; 4][..], &text(&[b"x"])].concat()),
    ];
    for (name, number, body) in messages {
        let message = packet(&[&[number], body].concat());
        let started = Instant::now();
        // Before the key exchange has begun, and in its middle.
        for before in [Vec::new(), kexinit(STRICT)] {
            if number == 30 && !before.is_empty() {
                continue;
            }
            let heard = to_the_end(&house, &[&before[..], &message].concat());
            assert!(heard.starts_with(b"SSH-2.0-Waybill_"), "{name}");
        }
        assert!(started.elapsed() < Duration::from_secs(20), "{name}");
    }
    assert!(sessions(&house).is_empty());
}

#[test]
fn strict_key_exchange_is_offered_and_kept_to() {
    let house = house_with(&[("WAYBILL_DOORS_LOGIN_DEADLINE", "60 s")]);
    // Terrapin (CVE-2023-48795): a packet slipped in before NEWKEYS shifts the count of all that follow.
    let (ignore, debug) = (packet(&[2, 0, 0, 0, 0]), packet(&[4, 1, 0, 0, 0, 0, 0, 0, 0, 0]));
    for slipped_in in [ignore, debug] {
        let heard = to_the_end(&house, &[kexinit(STRICT), slipped_in].concat());
        let marker = b"kex-strict-s-v00@openssh.com";
        assert!(heard.windows(marker.len()).any(|window| window == marker));
    }
}

#[test]
fn a_message_out_of_turn_behind_the_key_exchange_is_no_login() {
    let house = house_with(&[("WAYBILL_DOORS_LOGIN_DEADLINE", "4 s")]);
    let said = python(
        &house,
        r#"
from paramiko.message import Message
def message(number, *fields):
    m = Message()
    m.add_byte(bytes([number]))
    for field in fields:
        if isinstance(field, int): m.add_int(field)
        elif isinstance(field, bool): m.add_boolean(field)
        else: m.add_string(field)
    return m
port = sftp.get_channel().get_transport().getpeername()[1]
MESSAGES = {
    "SERVICE_ACCEPT": message(6, "ssh-userauth"),
    "NEWKEYS": message(21),
    "KEX_ECDH_INIT": message(30, b"9" * 32),
    "USERAUTH_FAILURE": message(51, "password"),
    "USERAUTH_SUCCESS": message(52),
    "INFO_RESPONSE": message(61, 0),
    "GLOBAL_REQUEST": message(80, "tcpip-forward"),
    "REQUEST_SUCCESS": message(81),
    "CHANNEL_OPEN": message(90, "session", 0, 1 << 20, 1 << 15),
    "CHANNEL_OPEN_CONFIRMATION": message(91, 0, 0, 1 << 20, 1 << 15),
    "WINDOW_ADJUST": message(93, 0, 1 << 20),
    "CHANNEL_DATA": message(94, 0, "x"),
    "CHANNEL_REQUEST": message(98, 0, "subsystem"),
    "unknown": message(192),
}
def attempt(asked):
    name, asks_for_service = asked
    transport = paramiko.Transport(("127.0.0.1", port))
    transport.start_client(timeout=20)
    started = time.time()
    if asks_for_service:
        transport._send_message(message(5, "ssh-userauth"))
    transport._send_message(MESSAGES[name])
    try:
        # And as if it had helped: a channel.
        transport._send_message(message(90, "session", 0, 1 << 20, 1 << 15))
        transport._send_message(message(98, 0, "subsystem"))
    except Exception:
        pass
    transport.join(20)
    # By the login deadline at the latest.
    assert not transport.is_active() and not transport.is_authenticated(), name
    return name, time.time() - started, repr(transport.saved_exception)
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(28) as pool:
    for result in pool.map(attempt, [(name, asks) for name in MESSAGES for asks in (False, True)]): print(*result)
"#,
    );
    println!("{said}");
    assert_eq!(said.lines().count(), 28, "{said}");
    assert_eq!(sessions(&house).len(), 1, "the one that logged in to begin with");
}

#[test]
fn the_login_deadline_is_not_put_off_by_packets() {
    let house = house_with(&[("WAYBILL_DOORS_LOGIN_DEADLINE", "3 s")]);
    python(
        &house,
        r#"
from paramiko.message import Message
port = sftp.get_channel().get_transport().getpeername()[1]
# Packets that mean nothing; half a packet, byte by byte; a version that never ends.
transport = paramiko.Transport(("127.0.0.1", port))
transport.start_client(timeout=20)
started = time.time()
while transport.is_active() and time.time() - started < 20:
    m = Message()
    m.add_byte(b"\x02")
    m.add_string(b"ignore me")
    try:
        transport._send_message(m)
    except Exception:
        break
    time.sleep(0.1)
    transport.join(0.1)
assert 2 < time.time() - started < 10, time.time() - started
import socket
for said in [b"SSH-2.0-x\r\n\x00\x00\x10\x00" + b"\x05" * 1000, b"SSH-2.0-" + b"x" * 200]:
    raw = socket.create_connection(("127.0.0.1", port), timeout=20)
    raw.settimeout(0.1)
    started = time.time()
    for byte in said:
        try:
            raw.sendall(bytes([byte]))
            if not raw.recv(4096): break
        except socket.timeout: pass
        except OSError: break
    assert time.time() - started < 10, time.time() - started
"#,
    );
}

#[test]
fn keys_are_offered_so_many_times_and_no_more() {
    let house = house_with(&[]);
    let right = openssh::supplier(&house, "globex");
    let wrong: Vec<_> = (0..25)
        .map(|number| {
            let key = house.folder().join(format!("wrong{number}"));
            let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key).status();
            assert!(made.unwrap().success());
            key
        })
        .collect();
    let attempt = |count: usize| {
        let mut sftp = Command::new("sftp");
        sftp.args(["-q", "-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null", "-oIdentitiesOnly=yes"]);
        sftp.args(["-oIdentityAgent=none", "-oPreferredAuthentications=publickey", "-b", "/dev/null"]);
        for key in wrong.iter().take(count).chain([&right]) {
            sftp.arg("-i").arg(key);
        }
        sftp.args(["-P", &house.sftp().port().to_string(), "globex@127.0.0.1"]).output().unwrap().status.success()
    };
    assert!(attempt(15), "an agent with fifteen other keys in it gets in");
    assert!(!attempt(25), "the 26th offer is not heard");
    assert_eq!(sessions(&house).len(), 1);
}

#[test]
fn a_login_is_judged_alone_whatever_was_tried_before_it() {
    let house = house_with(&[]);
    house.supplier("globex");
    python(
        &house,
        &format!(
            r#"
port = sftp.get_channel().get_transport().getpeername()[1]
def attempt(*tries):
    # The one that asks for the login service once, as the standard wants it.
    transport = paramiko.ServiceRequestingTransport(("127.0.0.1", port))
    transport.start_client(timeout=20)
    for login, password in tries:
        try:
            transport.auth_password(login, password)
        except paramiko.AuthenticationException:
            continue
        return True
    return False
# Another user in the middle; names that hide something; an empty one; one that is far too long.
assert attempt(("northwind", "wrong"), ("globex", "{PASSWORD}"))
for login in ["", "northwind\x00", "\x00northwind", "northwind\n", "northwind\r\nroot", "north\u202ewind", "NORTHWIND",
              "northwind ", "../northwind", "northwind/..", "x" * 30000, "' or 1=1 --", "northwind\ufffd"]:
    assert not attempt((login, "{PASSWORD}")), repr(login)
# A password of another account, and one that is not text.
assert not attempt(("northwind", "x" * 5000), ("northwind", "\x00"), ("northwind", ""))
"#
        ),
    );
    let logins: Vec<_> = sessions(&house).into_iter().map(|event| event.user.unwrap()).collect();
    assert_eq!(logins, ["northwind", "globex"]);
    assert!(!house.log().contains(PASSWORD));
    // A log line is a line: whatever is in a name, it does not begin another one.
    assert!(house.log().lines().all(|line| line.starts_with('{') && line.ends_with('}')));
}

#[test]
fn nobody_gets_in_while_accounts_cannot_be_looked_up() {
    let house = house_with(&[]);
    let key = openssh::supplier(&house, "globex");
    assert!(openssh::batch(&house, "globex", "ls /drop\n").status.success());
    let sql = |text: &str| {
        let done = Command::new("sqlite3")
            .args(["-cmd", ".timeout 10000"])
            .arg(house.data().join("waybill.db"))
            .arg(text)
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    for (broken, mended) in [
        ("alter table account rename to gone", "alter table gone rename to account"),
        ("alter table account_key rename to gone", "alter table gone rename to account_key"),
        // What says that they came in cannot be written.
        ("create trigger full before insert on event begin select raise(abort, 'full'); end", "drop trigger full"),
    ] {
        sql(broken);
        assert!(key.exists());
        assert!(!openssh::batch(&house, "globex", "ls /drop\n").status.success(), "{broken}");
        let with_password = Command::new("curl")
            .args(["-sS", "-k", "--user", &format!("northwind:{PASSWORD}")])
            .arg(format!("sftp://{}/drop/", house.sftp()))
            .output()
            .unwrap();
        assert!(!with_password.status.success(), "{broken}");
        sql(mended);
        assert!(openssh::batch(&house, "globex", "ls /drop\n").status.success(), "{mended}");
    }
}

/// Each says its version and all but a byte of the longest packet there is.
#[test]
fn unfinished_packets_of_many_strangers_are_bounded() {
    let house = house_with(&[]);
    let before = house.memory_kib();
    let size = 256 * 1024_u32;
    let half = [b"SSH-2.0-x\r\n", &size.to_be_bytes()[..], &vec![7; size as usize - 1]].concat();
    let mut kept = Vec::new();
    for _ in 0..600 {
        let Ok(mut stream) = TcpStream::connect(house.sftp()) else { continue };
        stream.set_write_timeout(Some(Duration::from_secs(2))).unwrap();
        if stream.write_all(&half).is_ok() {
            kept.push(stream);
        }
    }
    let grown = house.peak_memory_kib().saturating_sub(before);
    println!("{} connections were taken, and cost {grown} KiB", kept.len());
    // At most `before_login_max` of them wait, each with a packet; and what it takes to notice.
    assert!(grown < 300 * 320 + 16 * 1024, "grown by {grown} KiB");
    // Whoever comes from elsewhere comes in meanwhile.
    wait_for("a login in the middle of it", || {
        let done = Command::new("curl")
            .args(["-sS", "-k", "--interface", "127.0.0.7", "--user", &format!("northwind:{PASSWORD}")])
            .arg(format!("sftp://{}/drop/", house.sftp()))
            .output()
            .unwrap();
        done.status.success().then_some(())
    });
    drop(kept);
}

#[test]
fn data_beyond_the_window_is_not_hoarded() {
    let house = house_with(&[]);
    let before = house.peak_memory_kib();
    python(
        &house,
        r#"
# A client that never minds the window.
channel = sftp.get_channel()
channel.out_window_size = 1 << 40
file = sftp.open("/drop/flood.bin", "w")
file.set_pipelined(True)
block = b"x" * 32000
for _ in range(4000):
    channel.out_window_size = 1 << 40
    file.write(block)
file.close()
"#,
    );
    let grown = house.peak_memory_kib().saturating_sub(before);
    // Checking the password takes 19 MiB of it.
    assert!(grown < 40 * 1024, "128 MB beyond the window cost {grown} KiB");
}
