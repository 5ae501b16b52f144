//! Who is inside is seen on every node, by whom it concerns, and an operator can end it.

use std::io::{Read, Write};
use std::process::Child;

use reqwest::Method;
use serde_json::Value;

use crate::api::Client;
use crate::ftps_clients::python;
use crate::house::{FTPS, House, wait_for};
use crate::openssh;
use crate::postgres::Postgres;
use crate::s3_server::S3Server;
use crate::two_nodes::{node, settings};

/// An `sftp` that has logged in and waits for its next line.
fn waiting(house: &House, login: &str) -> Child {
    let mut sftp = openssh::sftp(house, login, house.sftp(), &[]);
    sftp.stdin.as_mut().unwrap().write_all(b"pwd\n").unwrap();
    sftp
}

fn only_session(client: &Client<'_>) -> Value {
    wait_for("the session to be listed", || {
        let mut listed = client.get("/v1/sessions").data();
        assert!(listed.len() <= 1, "{listed:?}");
        listed.pop()
    })
}

fn is_over(client: &Client<'_>) {
    wait_for("the session to be over", || client.get("/v1/sessions").data().is_empty().then_some(()));
}

fn end(client: &Client<'_>, session: &Value) -> crate::api::Answer {
    client.call(Method::DELETE, &format!("/v1/sessions/{}", session["id"].as_str().unwrap()), &[], vec![])
}

/// What the client says, asked to go on, when the server has sent it away.
fn farewell(mut sftp: Child) -> String {
    let mut said = String::new();
    let _ = sftp.stdin.take().unwrap().write_all(b"ls\n");
    sftp.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(!sftp.wait().unwrap().success());
    said
}

#[test]
fn a_session_is_listed_for_whom_it_concerns_and_ended_by_an_operator() {
    let house = House::open();
    openssh::supplier(&house, "northwind");
    let (ours, theirs) = (house.account("northwind").organisation, house.supplier("rival"));
    let (owner, rival, operator) =
        (Client::of(&house, Some(ours)), Client::of(&house, Some(theirs)), Client::of(&house, None));
    let sftp = waiting(&house, "northwind");
    let session = only_session(&operator);
    assert_eq!(session["login"], "northwind");
    assert_eq!(session["door"], "sftp");
    assert!(session["address"].as_str().unwrap().starts_with("127.0.0.1:"), "{session}");
    assert!(session["client"].as_str().unwrap().contains("OpenSSH"), "{session}");
    assert_eq!(only_session(&owner)["id"], session["id"]);
    assert!(rival.get("/v1/sessions").data().is_empty());
    assert!(operator.get("/v1/sessions?door=ftps").data().is_empty());
    assert_eq!(operator.get("/v1/sessions?login=northwind&door=sftp").data().len(), 1);

    end(&owner, &session).is_problem(403, "forbidden_scope");
    for id in ["ses_01ARZ3NDEKTSV4RRFFQ69G5FAV", "nonsense"] {
        operator.call(Method::DELETE, &format!("/v1/sessions/{id}"), &[], vec![]).is_problem(404, "not_found");
    }
    let ending = end(&operator, &session);
    assert_eq!(ending.status, 202);
    assert_eq!(ending.ok()["is_ending"], true);
    is_over(&operator);
    let said = farewell(sftp);
    assert!(said.contains("the operator of this server has ended this session"), "{said}");
    let asked = house.events(&["session.end_asked"]).pop().unwrap();
    assert_eq!(asked.session.unwrap().to_string(), session["id"].as_str().unwrap());
    assert!(asked.msg.contains("token tests ends the session of northwind"), "{}", asked.msg);
    end(&operator, &session).is_problem(404, "not_found");
}

#[test]
fn what_a_session_is_bringing_is_named_and_its_end_leaves_what_came() {
    let house = House::with(&FTPS);
    house.supplier("northwind");
    let operator = Client::of(&house, None);
    let said = std::thread::scope(|scope| {
        let client = scope.spawn(|| {
            python(
                &house,
                r#"
ftp = client()
data = ftp.transfercmd("STOR half.edi")
data.sendall(b"ISA*half")
print(ftp.file.readline().strip())
"#,
            )
        });
        let session = wait_for("the upload to be named", || {
            let listed = operator.get("/v1/sessions").data();
            listed.into_iter().find(|session| session["receiving"] == serde_json::json!(["half.edi"]))
        });
        assert_eq!(session["door"], "ftps");
        assert_eq!(end(&operator, &session).status, 202);
        client.join().unwrap()
    });
    assert!(said.contains("the operator of this server has ended this session"), "{said}");
    is_over(&operator);
    assert!(house.files().is_empty(), "half a file has arrived");
}

#[test]
fn one_node_shows_and_ends_the_sessions_of_another() {
    let (postgres, s3) = (Postgres::start(), S3Server::start());
    let settings = settings(&postgres.database(), &s3);
    let (mut one, two) = (node(&settings), node(&settings));
    openssh::supplier(&one, "northwind");
    let operator = Client::of(&two, None);
    let sftp = waiting(&one, "northwind");
    let session = only_session(&operator);
    assert_eq!(end(&operator, &session).status, 202);
    is_over(&operator);
    assert!(farewell(sftp).contains("ended this session"));
    // A node that is gone has nobody inside.
    let mut sftp = waiting(&one, "northwind");
    only_session(&operator);
    one.stop();
    is_over(&operator);
    let _ = sftp.kill();
    sftp.wait().unwrap();
}
