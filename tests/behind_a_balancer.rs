//! Behind a load balancer that speaks the PROXY protocol, everybody is who they are: to the log, the limits, the
//! bans and the data connections of FTPS. Anybody else who speaks it is nobody.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

use waybill::domain::{Event, Scope};
use waybill::record::EventFilter;

use crate::house::{FTPS, House, PASSWORD, wait_for};
use crate::openssh;
use crate::relay::{self, COMES_FROM, Header, Relay, STANDS_AT};

const CLIENT: &str = "203.0.113.7";

fn named(header: Header) -> impl Fn(SocketAddr, SocketAddr) -> Vec<u8> + Send + Sync + 'static {
    move |client, to| header(SocketAddr::new(CLIENT.parse().unwrap(), client.port()), to)
}

fn house(settings: &[(&str, &str)]) -> House {
    House::with(&[&FTPS[..], &[("WAYBILL_DOORS_PROXY_FROM", COMES_FROM)], settings].concat())
}

fn events(house: &House, kind: &str) -> Vec<Event> {
    let (scope, filter) = (Scope::operator("tests"), EventFilter::default());
    let events = house.ask(async |record| record.events_after(&scope, &filter, 0, 1_000).await.unwrap());
    events.into_iter().filter(|event| event.kind == kind).collect()
}

#[test]
fn openssh_comes_through_with_either_version_as_who_it_is() {
    for header in [relay::version_1 as Header, relay::version_2] {
        let house = house(&[]);
        openssh::supplier(&house, "northwind");
        let relay = Relay::new();
        relay.pass_on(house.sftp().port(), named(header));
        let file = house.file("a.csv", "a,b\n1,2\n");
        let through = SocketAddr::from((STANDS_AT, house.sftp().port()));
        let put = format!("put {} /drop/a.csv\nls /drop\n", file.display());
        let done = openssh::batch_at(&house, "northwind", through, &put);
        assert!(done.status.success(), "{done:?}");
        house.settled("a.csv");
        // Directly, it is who it is, too.
        assert!(openssh::batch(&house, "northwind", "ls /drop\n").status.success());
        let came = events(&house, "session.started");
        let from: Vec<_> = came.iter().map(|event| event.ip.as_deref().unwrap()).collect();
        assert_eq!(from, [CLIENT, "127.0.0.1"]);
    }
}

#[test]
fn ftps_binds_its_data_connections_to_the_client_behind_the_balancer() {
    let first = relay::free_ports(4);
    let (low, high) = (first.to_string(), (first + 3).to_string());
    let range = [("WAYBILL_FTPS_PASSIVE_PORT_FIRST", low.as_str()), ("WAYBILL_FTPS_PASSIVE_PORT_LAST", high.as_str())];
    let deadline = [("WAYBILL_FTPS_HANDSHAKE_DEADLINE", "3 s")];
    let curl = |house: &House, more: &[&str], name: &str| {
        Command::new("curl")
            .args(["-sS", "-k", "--ssl-reqd", "--max-time", "30", "--user", &format!("northwind:{PASSWORD}")])
            .args(more)
            .arg("--upload-file")
            .arg(house.file("up.bin", name))
            .arg(format!("ftp://{STANDS_AT}:{}/{name}", house.ftps().port()))
            .output()
            .unwrap()
    };
    for header in [relay::version_1 as Header, relay::version_2] {
        let house = house(&[&range[..], &deadline].concat());
        house.supplier("northwind");
        let relay = Relay::new();
        relay.pass_on(house.ftps().port(), named(header));
        for port in first..first + 4 {
            relay.pass_on(port, named(header));
        }
        // EPSV, and PASV, which tells the address the client sees: the balancer's.
        for (name, more) in [("epsv.bin", &[][..]), ("pasv.bin", &["--disable-epsv", "--no-ftp-skip-pasv-ip"][..])] {
            let done = curl(&house, more, name);
            assert!(done.status.success(), "{name}: {}", String::from_utf8_lossy(&done.stderr));
            house.settled(name);
        }
        assert!(events(&house, "session.started").iter().all(|event| event.ip.as_deref() == Some(CLIENT)));
    }
    // A data connection of another client of the same balancer, and one without a header, are strangers'.
    let another: Header = |client, to| relay::version_1(SocketAddr::new([203, 0, 113, 8].into(), client.port()), to);
    for header in [another, |_, _| Vec::new()] {
        let house = house(&[&range[..], &deadline].concat());
        house.supplier("northwind");
        let relay = Relay::new();
        relay.pass_on(house.ftps().port(), named(relay::version_1));
        for port in first..first + 4 {
            relay.pass_on(port, header);
        }
        assert!(!curl(&house, &[], "stolen.bin").status.success());
        assert_eq!(house.files().len(), 0);
    }
    // Where clients reach the house itself, PASV sends them there, and they are who they are.
    let house = house(&[&range[..], &[("WAYBILL_FTPS_PASSIVE_ADDRESS", "127.0.0.1")]].concat());
    house.supplier("northwind");
    let relay = Relay::new();
    relay.pass_on(house.ftps().port(), relay::version_2);
    let done = curl(&house, &["--disable-epsv", "--no-ftp-skip-pasv-ip"], "direct.bin");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    house.settled("direct.bin");
}

#[test]
fn a_balancers_health_checks_make_no_noise_and_a_client_behind_it_can_be_banned() {
    let house = house(&[("WAYBILL_DEFEND_THRESHOLD", "4")]);
    house.supplier("northwind");
    let doors = [house.sftp().port(), house.ftps().port()];
    let before = house.log().lines().count();
    let health = Relay::new();
    health.pass_on(doors[0], |_, _| Vec::new());
    health.pass_on(doors[1], |_, _| b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0".to_vec());
    for port in doors {
        for _ in 0..50 {
            drop(TcpStream::connect((STANDS_AT, port)).unwrap());
        }
    }
    // LOCAL is answered: some balancers look for a greeting.
    let mut checking = TcpStream::connect((STANDS_AT, doors[1])).unwrap();
    let mut greeting = [0; 4];
    checking.read_exact(&mut greeting).unwrap();
    assert_eq!(&greeting, b"220 ");
    drop((checking, health));
    assert_eq!(house.log().lines().count(), before, "{}", house.log());

    let relay = Relay::new();
    relay.pass_on(doors[0], named(relay::version_2));
    let log_in = |interface: &str, login: &str, at: SocketAddr| {
        let done = Command::new("curl")
            .args(["-sS", "-k", "--interface", interface, "--user", &format!("{login}:{PASSWORD}")])
            .arg(format!("sftp://{at}/drop/"))
            .output()
            .unwrap();
        done.status.success()
    };
    let through = SocketAddr::from((STANDS_AT, doors[0]));
    assert!(log_in("127.0.0.1", "northwind", through));
    assert!(!log_in("127.0.0.1", "nobody", through) && !log_in("127.0.0.1", "nobody", through));
    let ban = wait_for("the ban", || events(&house, "ban.added").pop());
    assert_eq!(ban.data["network"], CLIENT);
    assert!(!log_in("127.0.0.1", "northwind", through), "the client behind the balancer is kept out");
    assert!(log_in("127.0.0.1", "northwind", house.sftp()), "and nobody else");
}

#[test]
fn a_header_from_anybody_else_is_garbage() {
    let house = house(&[]);
    let header = relay::version_1("203.0.113.7:1".parse().unwrap(), "192.0.2.1:22".parse().unwrap());
    let binary = relay::version_2("203.0.113.7:1".parse().unwrap(), "192.0.2.1:22".parse().unwrap());
    for header in [&header, &binary] {
        for door in [house.sftp(), house.ftps()] {
            let mut stream = TcpStream::connect(door).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            stream.write_all(header).unwrap();
            stream.write_all(b"SSH-2.0-OpenSSH_9.2p1\r\nUSER northwind\r\n").unwrap();
            let mut said = Vec::new();
            // To its end: the door hangs up.
            match stream.read_to_end(&mut said) {
                Ok(_) => {}
                Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{door}: {error}"),
            }
            let said = String::from_utf8_lossy(&said);
            if door == house.ftps() && header.starts_with(b"PROXY") {
                assert!(said.contains("421 a PROXY header"), "{said}");
            }
            assert!(!said.contains("331"), "{said}");
        }
    }
    assert_eq!(events(&house, "session.started").len(), 0);
}
