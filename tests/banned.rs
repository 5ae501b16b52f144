//! Whoever does too much wrong is kept out of every door for a while; nobody else is, and nobody's login is locked.

use std::io::Read;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::process::{Command, Output};

use reqwest::Method;
use serde_json::{Value, json};
use waybill::domain::{Event, Scope};
use waybill::record::EventFilter;

use crate::api::Client;
use crate::house::{FTPS, House, PASSWORD, wait_for};

/// Loopback is not exempt here: it is where the attackers are.
const STRICT: [(&str, &str); 3] =
    [("WAYBILL_DEFEND_EXEMPT", ""), ("WAYBILL_DEFEND_THRESHOLD", "4"), ("WAYBILL_DEFEND_REFRESH", "100 ms")];

fn house() -> House {
    let house = House::with(&[&FTPS[..], &STRICT].concat());
    house.supplier("northwind");
    house
}

fn log_in(house: &House, from: &str, login: &str, password: &str) -> Output {
    Command::new("curl")
        .args(["-sS", "-k", "--interface", from, "--user", &format!("{login}:{password}")])
        .arg(format!("sftp://{}/drop/", house.sftp()))
        .output()
        .unwrap()
}

fn gets_in(house: &House, from: &str) -> bool {
    log_in(house, from, "northwind", PASSWORD).status.success()
}

/// What a door says to a connection from this address before anything else.
fn greeting(door: SocketAddr, from: &str) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let stream = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::new(from.parse::<IpAddr>().unwrap(), 0)).unwrap();
        socket.connect(door).await.unwrap().into_std().unwrap()
    });
    stream.set_nonblocking(false).unwrap();
    read_some(stream)
}

fn read_some(mut stream: TcpStream) -> String {
    let mut said = [0; 64];
    let count = stream.read(&mut said).unwrap_or(0);
    String::from_utf8_lossy(&said[..count]).into_owned()
}

fn events(house: &House, kind: &str) -> Vec<Event> {
    let (scope, filter) = (Scope::operator("tests"), EventFilter::default());
    let events = house.ask(async |record| record.events_after(&scope, &filter, 0, 1_000).await.unwrap());
    events.into_iter().filter(|event| event.kind == kind).collect()
}

fn waybill(house: &House, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_waybill")).args(arguments).arg("--data").arg(house.data()).output().unwrap()
}

fn waybill_json(house: &House, arguments: &[&str]) -> Vec<Value> {
    let done = waybill(house, &[arguments, &["--json"]].concat());
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn whoever_guesses_is_kept_out_of_every_door_and_the_partner_is_not() {
    let house = house();
    for _ in 0..4 {
        assert!(!log_in(&house, "127.0.0.5", "northwind", "a wrong guess").status.success());
    }
    let ban = wait_for("the ban", || events(&house, "ban.added").pop());
    assert_eq!((ban.ip.as_deref(), &ban.data["source"]), (Some("127.0.0.5"), &json!("automatic")));
    assert!(ban.msg.contains("4 failed logins"), "{}", ban.msg);
    // Before any cryptography, and in words.
    assert_eq!(greeting(house.sftp(), "127.0.0.5"), "Not allowed at this time\r\n");
    assert_eq!(greeting(house.ftps(), "127.0.0.5"), "421 not allowed at this time\r\n");
    let http: SocketAddr = house.http().strip_prefix("http://").unwrap().parse().unwrap();
    assert_eq!(greeting(http, "127.0.0.5"), "");
    assert!(!gets_in(&house, "127.0.0.5"), "the right password does not help");
    assert!(gets_in(&house, "127.0.0.6"), "the login is not locked");
    assert!(greeting(house.sftp(), "127.0.0.6").starts_with("SSH-2.0-"));

    let listed = waybill_json(&house, &["ban", "list"]);
    assert_eq!(listed.len(), 1);
    assert_eq!((&listed[0]["network"], &listed[0]["in_a_row"]), (&json!("127.0.0.5"), &json!(1)));
    let shown = waybill(&house, &["ban", "list"]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("127.0.0.5") && shown.contains("4 failed logins"), "{shown}");
    assert!(waybill(&house, &["ban", "lift", "127.0.0.5"]).status.success());
    wait_for("the lifted one to come in", || gets_in(&house, "127.0.0.5").then_some(()));
    assert_eq!(events(&house, "ban.lifted").len(), 1);
    let again = waybill(&house, &["ban", "lift", "127.0.0.5"]);
    assert_eq!(again.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&again.stderr).contains("127.0.0.5 is not banned"));
}

#[test]
fn probing_is_noticed_and_connecting_is_not() {
    let house = house();
    // A health check, a port scan's connect, ssh-keyscan: nothing.
    for _ in 0..20 {
        drop(TcpStream::connect(house.sftp()).unwrap());
        drop(TcpStream::connect(house.ftps()).unwrap());
    }
    for _ in 0..5 {
        let port = house.sftp().port().to_string();
        Command::new("ssh-keyscan").args(["-T", "10", "-p", &port, "127.0.0.1"]).output().unwrap();
    }
    // A client that does not like our certificate says so, and is no attacker.
    for _ in 0..5 {
        let url = format!("ftp://{}/", house.ftps());
        let refused = Command::new("curl").args(["-sS", "--ssl-reqd", &url]).output().unwrap();
        assert!(!refused.status.success());
    }
    assert!(gets_in(&house, "127.0.0.1"));
    assert!(events(&house, "ban.added").is_empty());
    // HTTP to SSH, HTTP to FTP, garbage to TLS: from three addresses.
    for (from, door, said) in [
        ("127.0.0.11", house.sftp(), &b"GET / HTTP/1.1\r\n\r\n"[..]),
        ("127.0.0.12", house.ftps(), b"GET / HTTP/1.1\r\n\r\nQUIT\r\n"),
        ("127.0.0.13", house.ready().address("ftps-implicit").unwrap(), b"GET / HTTP/1.1\r\n\r\n"),
        ("127.0.0.14", house.ftps(), b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n"),
        ("127.0.0.15", house.ftps(), &[b'A'; 5_000]),
    ] {
        for _ in 0..2 {
            let said = said.to_vec();
            let script = format!(
                "import socket\ns = socket.create_connection(('127.0.0.1', {}), 20, ('{from}', 0))\ns.sendall(bytes({:?}))\ntry:\n  s.settimeout(30)\n  while s.recv(1000): pass\nexcept OSError: pass",
                door.port(),
                said
            );
            let done = Command::new("python3").args(["-c", &script]).output().unwrap();
            assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        }
        let ban = wait_for(&format!("the ban of {from}"), || {
            events(&house, "ban.added").into_iter().find(|ban| ban.ip.as_deref() == Some(from))
        });
        assert!(ban.msg.contains("2 probes"), "{}", ban.msg);
    }
}

#[test]
fn an_operator_bans_and_lifts_by_command_line_and_api() {
    let house = house();
    let added = waybill_json(&house, &["ban", "add", "127.0.0.16/29", "--for", "1h", "--reason", "noisy"]);
    assert_eq!((&added[0]["network"], &added[0]["source"]), (&json!("127.0.0.16/29"), &json!("operator")));
    wait_for("the ban to hold", || (!gets_in(&house, "127.0.0.20")).then_some(()));
    assert!(gets_in(&house, "127.0.0.24"));
    let operator = Client::of(&house, None);
    let listed = operator.get("/v1/bans").data();
    assert_eq!((listed.len(), &listed[0]["reason"]), (1, &json!("noisy")));
    let lifted = operator.call(Method::DELETE, "/v1/bans/127.0.0.16%2F29", &[], vec![]).ok();
    assert_eq!(lifted["network"], "127.0.0.16/29");
    assert!(gets_in(&house, "127.0.0.20"), "the node that lifts it knows it at once");
    operator.call(Method::DELETE, "/v1/bans/127.0.0.16%2F29", &[], vec![]).is_problem(404, "not_found");
    operator.call(Method::DELETE, "/v1/bans/nowhere", &[], vec![]).is_problem(400, "validation_failed");

    let made = operator.post_json("/v1/bans", &json!({"network": "127.0.0.33", "reason": "for good"}));
    assert_eq!((made.status.as_u16(), &made.ok()["until"]), (201, &Value::Null));
    assert!(!gets_in(&house, "127.0.0.33"));
    for wrong in [
        json!({"network": "0.0.0.0/0", "reason": "all"}),
        json!({"network": "::/3", "reason": "all"}),
        json!({"network": "localhost", "reason": "a name"}),
        json!({"network": "127.0.0.1", "reason": ""}),
        json!({"network": "127.0.0.1", "reason": "over", "until": "2020-01-01T00:00:00Z"}),
    ] {
        operator.post_json("/v1/bans", &wrong).is_problem(400, "validation_failed");
    }
    assert_eq!(waybill(&house, &["ban", "add", "10.0.0.0/7"]).status.code(), Some(2));
    // Bans are the house's: an organisation's token neither sees nor makes any.
    let organisation = house.ask(async |record| record.add_organisation("Acme", "supplier").await.unwrap().id);
    let theirs = Client::of(&house, Some(organisation));
    theirs.get("/v1/bans").is_problem(403, "forbidden_scope");
    theirs.post_json("/v1/bans", &json!({"network": "127.0.0.1", "reason": "x"})).is_problem(403, "forbidden_scope");
    theirs.call(Method::DELETE, "/v1/bans/127.0.0.33", &[], vec![]).is_problem(403, "forbidden_scope");
    Client::nobody(&house).get("/v1/bans").is_problem(401, "unauthenticated");
}
