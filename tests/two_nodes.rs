//! Two nodes, one PostgreSQL and one bucket: what one takes the other reads and shows; a restart of one fails nobody.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use waybill::domain::{Digest, Scope};

use crate::house::{House, wait_for};
use crate::openssh;
use crate::postgres::Postgres;
use crate::s3_server::S3Server;

const X12: &str = include_str!("../fixtures/x12/ok/minimal/input.edi");

/// Settings of every node of one house.
pub(crate) fn settings(postgres: &str, s3: &S3Server) -> Vec<(String, String)> {
    let mut settings = S3Server::settings(s3.address());
    settings.push(("WAYBILL_STORE_DATABASE".to_owned(), postgres.to_owned()));
    settings.push(("WAYBILL_INGEST_LEASE".to_owned(), "3 s".to_owned()));
    settings
}

pub(crate) fn node(settings: &[(String, String)]) -> House {
    House::with(&settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>())
}

/// Gives an account of one node's the key it has there, for a client of another node.
fn same_key(from: &House, to: &House, login: &str) {
    for end in ["key", "key.pub"] {
        let name = format!("{login}.{end}");
        std::fs::copy(from.folder().join(&name), to.folder().join(&name)).unwrap();
    }
}

#[test]
fn what_one_node_takes_the_other_shows() {
    let (postgres, s3) = (Postgres::start(), S3Server::start());
    let settings = settings(&postgres.database(), &s3);
    let (one, two) = (node(&settings), node(&settings));
    openssh::supplier(&one, "northwind");
    same_key(&one, &two, "northwind");
    let path = one.file("a.edi", X12);
    assert!(openssh::put(&one, "northwind", &path, "a.edi"));
    let file = two.settled("a.edi");
    assert_eq!(two.documents_of(&file).len(), 1);
    let back = two.folder().join("back");
    let got =
        openssh::batch(&two, "northwind", &format!("get /drop/a.edi {0}\nget /drop/a.edi.OK {0}.OK\n", back.display()));
    assert!(got.status.success(), "{}", String::from_utf8_lossy(&got.stderr));
    assert_eq!(std::fs::read_to_string(&back).unwrap(), X12);
    // The same bytes over the other node are one effect.
    assert!(openssh::put(&two, "northwind", &path, "again.edi"));
    assert_eq!(one.settled("again.edi").duplicate_of, Some(file.id));
    // A version of each node under one name: both are kept, the last one is shown.
    let (first, second) =
        (one.file("v1", X12.replace("NW-1001", "NW-1")), one.file("v2", X12.replace("NW-1001", "NW-2")));
    assert!(openssh::put(&one, "northwind", &first, "v.edi") && openssh::put(&two, "northwind", &second, "v.edi"));
    let got = openssh::batch(&one, "northwind", &format!("get /drop/v.edi {}\n", back.display()));
    assert!(got.status.success() && std::fs::read(&back).unwrap() == std::fs::read(&second).unwrap());
    let nodes = one.ask(async |record| record.nodes().await.unwrap());
    assert_eq!(nodes.len(), 2, "{nodes:?}");
}

#[test]
fn nodes_are_restarted_and_killed_one_after_the_other_and_every_acknowledged_file_is_there_once() {
    let (postgres, s3) = (Postgres::start(), S3Server::start());
    let settings = settings(&postgres.database(), &s3);
    let mut nodes = [node(&settings), node(&settings)];
    openssh::supplier(&nodes[0], "northwind");
    same_key(&nodes[0], &nodes[1], "northwind");
    let acknowledged: Arc<Mutex<HashMap<String, Digest>>> = Arc::default();
    let (number, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    for round in 0..8 {
        let stop = AtomicBool::new(false);
        let (down, up) = (round % 2, 1 - round % 2);
        std::thread::scope(|scope| {
            for target in [down, up] {
                let (nodes, stop, number, refused, acknowledged) = (&nodes, &stop, &number, &refused, &acknowledged);
                scope.spawn(move || {
                    while !stop.load(Ordering::Relaxed) {
                        let number = number.fetch_add(1, Ordering::Relaxed);
                        let content = X12.replace("NW-1001", &format!("NW-{number}"));
                        let name = format!("f{number}.edi");
                        let path = nodes[target].file(&name, &content);
                        if openssh::put(&nodes[target], "northwind", &path, &name) {
                            acknowledged.lock().unwrap().insert(name, Digest::of(content.as_bytes()));
                        } else if target == up {
                            refused.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
            std::thread::sleep(std::time::Duration::from_millis(700));
            // Half of the rounds a restart, half of them a crash.
            let signal = if round % 4 < 2 { "-TERM" } else { "-KILL" };
            let told = std::process::Command::new("kill").args([signal, &nodes[down].pid().to_string()]).status();
            assert!(told.unwrap().success());
            std::thread::sleep(std::time::Duration::from_millis(500));
            stop.store(true, Ordering::Relaxed);
        });
        nodes[down].ended();
        nodes[down].start();
    }
    assert_eq!(refused.into_inner(), 0, "the node that stayed refused nothing");
    let acknowledged = acknowledged.lock().unwrap();
    assert!(acknowledged.len() >= 16, "only {} files: the test proves little", acknowledged.len());
    let scope = Scope::operator("tests");
    wait_for("every file to be read", || {
        let depth = nodes[0].ask(async |record| record.queue_depth().await.unwrap());
        (depth == (0, 0)).then_some(())
    });
    for (name, digest) in acknowledged.iter() {
        let file = nodes[1].settled(name);
        assert_eq!(file.sha256, digest.to_string(), "{name}");
        assert_eq!(nodes[1].documents_of(&file).len(), 1, "{name}");
    }
    let all = nodes[0].ask(async |record| record.documents(&scope, &Default::default(), None, 10_000).await.unwrap());
    let mut numbers: Vec<_> = all.rows.iter().filter_map(|row| row.number.clone()).collect();
    numbers.sort();
    let count = numbers.len();
    numbers.dedup();
    assert_eq!(numbers.len(), count, "an invoice is there twice");
}
