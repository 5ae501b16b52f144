//! What the SFTP door does with clients that break the rules: it answers, refuses or hangs up; it never
//! grows, never loses its place, and never takes a half for a whole.

use std::future::Future;
use std::io::Read;
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use russh::client;
use tokio::time::timeout;

use crate::house::{House, PASSWORD, PATIENCE, wait_for};
use crate::wire::{self, CLOSE, Connection, FOR_READING, FOR_WRITING, OPEN, READ, WRITE, packet, string};

const UNSUPPORTED: u32 = 8;
const BAD_MESSAGE: u32 = 5;
const FAILURE: u32 = 4;

fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(test)
}

fn house() -> House {
    house_with(&[])
}

fn house_with(settings: &[(&str, &str)]) -> House {
    let house = House::with(settings);
    wire::supplier(&house, "northwind");
    house
}

#[test]
fn a_frame_that_cannot_be_closes_the_channel_at_once() {
    let house = house();
    run(async {
        let connection = Connection::open(&house, "northwind").await;
        for bytes in [&[0xff; 4][..], &[0, 0, 0, 0], &[0, 4, 0, 1], &[0, 0, 0x84, 0xd1, READ]] {
            let mut wire = connection.sftp().await;
            wire.send(bytes).await;
            let end = wire.receive().await.unwrap_err();
            assert_eq!(end.status, Some(1), "{bytes:?}");
            assert!(end.stderr.contains("bytes; at most"), "{bytes:?}: {}", end.stderr);
        }
        // Too short to have an id: nobody could be answered.
        let mut wire = connection.sftp().await;
        wire.send(&[0, 0, 0, 3, OPEN, 0, 0]).await;
        let end = wire.receive().await.unwrap_err();
        assert!(end.stderr.contains("3 bytes; a request has at least 5"), "{}", end.stderr);
        // A megabyte of noise is one line in the log, not a quarter of a million.
        let mut wire = connection.sftp().await;
        for _ in 0..32 {
            wire.send(&[0xff; 32 * 1024]).await;
        }
        wire.receive().await.unwrap_err();
        // The connection itself goes on.
        connection.sftp().await;
    });
    let lines = house.log().lines().filter(|line| line.contains("broke the protocol")).count();
    assert_eq!(lines, 6);
}

#[test]
fn what_is_not_known_or_not_well_formed_is_answered_under_its_own_id() {
    let house = house();
    run(async {
        let connection = Connection::open(&house, "northwind").await;
        let mut wire = connection.sftp().await;
        for kind in [2, 19, 20, 22, 99, 199, 201, 255] {
            let reply = wire.ask(kind, 0xdead_0000 + u32::from(kind), &[b"whatever"]).await;
            assert_eq!(reply.id, 0xdead_0000 + u32::from(kind));
            assert_eq!(reply.status().0, UNSUPPORTED, "type {kind}");
        }
        let extension = wire.ask(200, 77, &[&string(b"no-such-thing@example.com")]).await;
        assert_eq!((extension.id, extension.status().0), (77, UNSUPPORTED));
        for (kind, fields) in [(OPEN, &[0, 0, 0, 9, b'a'][..]), (READ, &[0, 0, 0]), (17, &[0xff; 4]), (18, &[0; 4])] {
            let reply = wire.ask(kind, 78, &[fields]).await;
            assert_eq!((reply.id, reply.status().0), (78, BAD_MESSAGE), "type {kind}");
        }
        let unknown = wire.ask(CLOSE, 79, &[&string(b"nope")]).await;
        assert_eq!((unknown.id, unknown.status().0), (79, FAILURE));
        let written = wire.write(&string(b"nope"), 0, b"data").await;
        assert_eq!(written.status().0, FAILURE);
        // And everything is still in step.
        assert_eq!(wire.ask(16, 80, &[&string(b".")]).await.id, 80);
    });
}

#[test]
fn bytes_in_pieces_of_any_size_are_the_same_file() {
    let house = house();
    run(async {
        let connection = Connection::open(&house, "northwind").await;
        let mut wire = connection.sftp().await;
        let handle = wire.open("/drop/pieces.bin", FOR_WRITING).await.unwrap();
        let bytes = packet(WRITE, 5, &[&handle, &0_u64.to_be_bytes(), &string(b"hello, house")]);
        for piece in bytes.chunks(1) {
            wire.send(piece).await;
        }
        assert_eq!(wire.receive().await.unwrap().status().0, 0);
        assert_eq!(wire.ask(CLOSE, 6, &[&handle]).await.status().0, 0);
    });
    let file = house.settled("pieces.bin");
    assert_eq!(file.sha256, waybill::domain::Digest::of(b"hello, house").to_string());
}

/// Some clients take a handle for text: the 128th file of a session must not have one that is none.
#[test]
fn every_handle_of_a_long_session_is_text() {
    let house = house();
    run(async {
        let connection = Connection::open(&house, "northwind").await;
        let mut wire = connection.sftp().await;
        for number in 0..300 {
            let handle = wire.open(&format!("/drop/{number}.bin"), FOR_WRITING).await.unwrap();
            assert!(handle[4..].iter().all(u8::is_ascii_hexdigit), "{handle:?}");
            assert_eq!(wire.write(&handle, 0, b"data").await.status().0, 0);
            assert_eq!(wire.ask(CLOSE, 6, &[&handle]).await.status().0, 0, "file {number}");
        }
    });
    assert_eq!(house.files().len(), 300);
}

#[test]
fn neither_a_dropped_connection_nor_an_eof_is_a_close() {
    let house = house();
    run(async {
        let connection = Connection::open(&house, "northwind").await;
        let mut wire = connection.sftp().await;
        let handle = wire.open("/drop/eof.bin", FOR_WRITING).await.unwrap();
        wire.write(&handle, 0, b"half of").await;
        wire.eof().await;
        let end = wire.receive().await.unwrap_err();
        assert_eq!(end.status, Some(0), "an EOF ends the channel as sftp-server ends");
        let mut wire = connection.sftp().await;
        let handle = wire.open("/drop/dropped.bin", FOR_WRITING).await.unwrap();
        wire.write(&handle, 0, b"half of").await;
        connection.hang_up().await;
    });
    wait_for("both uploads to be broken off", || {
        let log = house.log();
        (log.contains("eof.bin was broken off") && log.contains("dropped.bin was broken off")).then_some(())
    });
    assert_eq!(house.files().len(), 0);
    // What had come is there to go on from.
    run(async {
        let connection = Connection::open(&house, "northwind").await;
        let mut wire = connection.sftp().await;
        let handle = wire.open("/drop/eof.bin", 0x02 | 0x08).await.unwrap();
        wire.write(&handle, 7, b" a whole").await;
        assert_eq!(wire.ask(CLOSE, 6, &[&handle]).await.status().0, 0);
    });
    assert_eq!(house.settled("eof.bin").sha256, waybill::domain::Digest::of(b"half of a whole").to_string());
}

#[test]
fn a_refused_close_says_why() {
    let house = house_with(&[("WAYBILL_LAND_FILE_MAX", "1 KiB")]);
    run(async {
        let connection = Connection::open(&house, "northwind").await;
        let mut wire = connection.sftp().await;
        let handle = wire.open("/drop/gap.bin", FOR_WRITING).await.unwrap();
        wire.write(&handle, 100, b"behind a gap").await;
        let (code, text) = wire.ask(CLOSE, 6, &[&handle]).await.status();
        assert_eq!(
            (code, text.as_str()),
            (FAILURE, "bytes 0 to 100 were never sent, so the file is not complete; send it again")
        );
        let handle = wire.open("/drop/large.bin", FOR_WRITING).await.unwrap();
        let (code, text) = wire.write(&handle, 0, &[0; 2048]).await.status();
        assert!(code == FAILURE && text.contains("larger than the 1 KiB"), "{text}");
        let (code, text) = wire.ask(CLOSE, 6, &[&handle]).await.status();
        assert!(code == FAILURE && text.contains("larger than the 1 KiB"), "{text}");
    });
    assert_eq!(house.files().len(), 0);
}

/// The client asks for 60,000 times 255 KiB and reads nothing: what waits are questions.
#[test]
fn a_client_that_asks_and_never_reads_costs_little_and_is_cut_off_when_it_goes_on() {
    let data = vec![7_u8; 1 << 20];
    // A window that closes for good after a few kilobytes, and one that never closes while nothing is read
    // from the connection.
    for (window, buffer) in [(wire::STUBBORN / 2, 1000), (u32::MAX, 1)] {
        let house = house();
        run(async {
            let connection = Connection::open(&house, "northwind").await;
            let mut wire = connection.sftp().await;
            let handle = wire.open("/drop/large.bin", FOR_WRITING).await.unwrap();
            for (number, piece) in data.chunks(32 * 1024).enumerate() {
                assert_eq!(wire.write(&handle, number as u64 * 32 * 1024, piece).await.status().0, 0);
            }
            assert_eq!(wire.ask(CLOSE, 6, &[&handle]).await.status().0, 0);
        });
        house.settled("large.bin");
        let before = house.memory_kib();
        run(async {
            let config = client::Config { window_size: window, channel_buffer_size: buffer, ..Default::default() };
            let connection = Connection::with(&house, "northwind", config).await;
            let mut wire = connection.sftp().await;
            let handle = wire.open("/drop/large.bin", FOR_READING).await.unwrap();
            let read = |id: u32| packet(READ, id, &[&handle, &[0; 8], &(255_u32 * 1024).to_be_bytes()]);
            let thousand: Vec<u8> = (0..1000).flat_map(read).collect();
            // A client whose buffer is full reads nothing from the connection, so the server, which has no
            // room left for its replies, soon takes nothing from it either: the sending then waits for good.
            let asking = async {
                for _ in 0..60 {
                    wire.send(&thousand).await;
                }
            };
            let all_taken = timeout(Duration::from_secs(5), asking).await.is_ok();
            assert!(all_taken || window > wire::STUBBORN, "requests of a few bytes were not taken");
            // Another connection is served as if nothing were the matter.
            Connection::open(&house, "northwind").await.sftp().await;
            if window < wire::STUBBORN {
                for _ in 0..7 {
                    wire.send(&thousand).await;
                }
                wait_for("the client to be cut off", || {
                    house.log().contains("requests wait for an answer").then_some(())
                });
            }
        });
        let grown = house.peak_memory_kib().saturating_sub(before);
        println!("window {window}: grown by {grown} KiB");
        assert!(grown < 8 * 1024, "window {window}: the daemon grew by {grown} KiB");
    }
}

#[test]
fn a_client_has_so_many_channels_handles_and_folders_and_no_more() {
    let house = house_with(&[("WAYBILL_SFTP_CHANNELS_MAX", "2"), ("WAYBILL_SFTP_HANDLES_MAX", "8")]);
    run(async {
        let connection = Connection::open(&house, "northwind").await;
        let mut wire = connection.sftp().await;
        let second = connection.sftp().await;
        assert!(connection.channel().await.is_err(), "a third channel");
        for _ in 0..4 {
            assert_eq!(wire.ask(11, 1, &[&string(b"/drop")]).await.kind, 102);
        }
        let (code, text) = wire.ask(11, 1, &[&string(b"/drop")]).await.status();
        assert!(code == FAILURE && text.contains("too many open"), "{text}");
        for number in 0..4 {
            wire.open(&format!("/drop/{number}.bin"), FOR_WRITING).await.unwrap();
        }
        let (code, text) = wire.open("/drop/4.bin", FOR_WRITING).await.unwrap_err().status();
        assert!(code == FAILURE && text.contains("too many open"), "{text}");
        // A channel that has ended makes room.
        second.eof().await;
        let mut second = second;
        second.receive().await.unwrap_err();
        connection.sftp().await;
    });
}

#[test]
fn connections_that_do_not_log_in_are_closed_and_keep_nobody_out() {
    let house = house_with(&[("WAYBILL_DOORS_LOGIN_DEADLINE", "2 s"), ("WAYBILL_DOORS_BEFORE_LOGIN_MAX", "10")]);
    let mut silent: Vec<TcpStream> = (0..50).map(|_| TcpStream::connect(house.sftp()).unwrap()).collect();
    run(async {
        Connection::open(&house, "northwind").await.sftp().await;
    });
    for stream in &mut silent {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut greeting = Vec::new();
        // To its end: the server's greeting at most, then nothing more.
        match stream.read_to_end(&mut greeting) {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}"),
        }
        assert!(greeting.is_empty() || greeting.starts_with(b"SSH-2.0-Waybill_"), "{greeting:?}");
    }
}

#[test]
fn passwords_that_were_checked_leave_no_memory_behind() {
    let house = House::open();
    house.supplier("northwind");
    let before = house.memory_kib();
    for _ in 0..10 {
        // Side by side, so that every thread that checks passwords has had its turn.
        let visits: Vec<_> = (0..6)
            .map(|_| {
                Command::new("curl")
                    .args(["-sS", "-k", "-o", "/dev/null", "--user", &format!("northwind:{PASSWORD}")])
                    .arg(format!("sftp://{}/drop/", house.sftp()))
                    .spawn()
                    .unwrap()
            })
            .collect();
        for mut visit in visits {
            assert!(visit.wait().unwrap().success());
        }
    }
    // One check takes 19 MiB. Kept by each thread that ever did one, it was hundreds. The two that may go on at once
    // leave theirs to the next ones, for a second.
    let kept = || house.memory_kib().saturating_sub(before);
    let at_once = kept();
    assert!(at_once < (24 + 2 * 19) * 1024, "{at_once} KiB are held");
    wait_for("the memory to be given back", || (kept() < 24 * 1024).then_some(()));
}

#[test]
fn an_upload_in_flight_is_finished_when_the_house_closes() {
    let mut house = house();
    let ended = run(async {
        let connection = Connection::open(&house, "northwind").await;
        let idle = Connection::open(&house, "northwind").await;
        let mut idle_wire = idle.sftp().await;
        let mut wire = connection.sftp().await;
        let handle = wire.open("/drop/late.bin", FOR_WRITING).await.unwrap();
        wire.write(&handle, 0, b"before, ").await;
        let pid = house.pid().to_string();
        assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        // The idle one is sent away, the busy one is not.
        idle_wire.receive().await.unwrap_err();
        assert!(TcpStream::connect(house.sftp()).is_err(), "nobody comes in any more");
        wire.write(&handle, 8, b"and after").await;
        assert_eq!(wire.ask(CLOSE, 6, &[&handle]).await.status().0, 0);
        wire.receive().await.unwrap_err()
    });
    assert_eq!(ended, wire::End::default(), "a disconnect, not an exit");
    assert!(house.ended().success());
    house.start();
    assert_eq!(house.settled("late.bin").sha256, waybill::domain::Digest::of(b"before, and after").to_string());
}
