//! `waybill migrate`, and what a daemon does about a schema that is not its own: on both databases.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use waybill::config::Store;
use waybill::record::Record;

use crate::cli_check::Check as Run;
use crate::postgres::{Postgres, psql};

/// A database without anything in it, and a way to write into it past Waybill.
enum Database {
    File(PathBuf),
    Server(String),
}

impl Database {
    fn waybill(&self, folder: &Path, args: &[&str]) -> Run {
        self.with(folder, args, &[])
    }

    fn with(&self, folder: &Path, args: &[&str], settings: &[(&str, &str)]) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_waybill"));
        command.args(args).arg("--data").arg(folder).env_remove("WAYBILL_CONFIG");
        command.env("WAYBILL_SFTP_LISTEN", "127.0.0.1:0").env("WAYBILL_HTTP_LISTEN", "127.0.0.1:0");
        if let Self::Server(url) = self {
            command.env("WAYBILL_STORE_DATABASE", url);
        }
        command.envs(settings.iter().copied()).output().unwrap().into()
    }

    fn tell(&self, text: &str) {
        match self {
            Self::File(path) => {
                let done = Command::new("sqlite3").arg(path).arg(text).output().unwrap();
                assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
            }
            Self::Server(url) => drop(psql(url, text)),
        }
    }
}

fn stands(run: &Run) -> (i64, i64, i64) {
    let object: Value = serde_json::from_str(&run.out).unwrap();
    let number = |name: &str| object[name].as_i64().unwrap();
    (number("found"), number("known"), number("now"))
}

fn a_schema_is_checked_migrated_and_refused(database: &Database, folder: &Path) {
    let fresh = database.waybill(folder, &["migrate", "--check", "--json"]);
    let (found, known, now) = stands(&fresh);
    assert_eq!((fresh.exit, found, now), (1, 0, 0), "{}", fresh.err);
    if let Database::File(path) = database {
        assert!(!path.exists(), "--check makes nothing");
    }
    let refused = database.with(folder, &["serve"], &[("WAYBILL_STORE_MIGRATE_AT_START", "false")]);
    assert!(refused.exit == 2 && refused.err.contains("run `waybill migrate`"), "{}", refused.err);
    let made = database.waybill(folder, &["migrate", "--json"]);
    assert_eq!((made.exit, stands(&made)), (0, (0, known, known)), "{}", made.err);
    let checked = database.waybill(folder, &["migrate", "--check"]);
    assert!(checked.exit == 0 && checked.out.contains("up to date"), "{}", checked.out);
    assert_eq!(database.waybill(folder, &["migrate"]).exit, 0, "again is nothing");

    // As an older Waybill has left it; whoever may not migrate must say so, and change nothing.
    database.tell(&format!("update schema_version set version = -1 where version = {known}"));
    let older = database.waybill(folder, &["migrate", "--check"]);
    assert!(older.exit == 1 && older.out.contains("run `waybill migrate`"), "{}", older.out);
    let not = [("WAYBILL_STORE_MIGRATE_AT_START", "false")];
    for args in [&["serve"][..], &["org", "list"]] {
        let refused = database.with(folder, args, &not);
        let sentence = format!("(schema {}, this one needs {known})", known - 1);
        assert!(refused.exit == 2 && refused.err.contains(&sentence), "{args:?}: {}", refused.err);
    }
    database.tell(&format!("update schema_version set version = {known} where version = -1"));
    assert_eq!(database.with(folder, &["org", "list"], &not).exit, 0);

    database.tell("insert into schema_version (version, applied_at) values (999, 0)");
    for args in [&["migrate", "--check"][..], &["migrate"], &["serve"], &["org", "list"]] {
        let refused = database.waybill(folder, args);
        assert!(refused.exit == 2 && refused.err.contains("newer Waybill"), "{args:?}: {}", refused.err);
    }
}

#[test]
fn on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    a_schema_is_checked_migrated_and_refused(&Database::File(data.join("waybill.db")), &data);
}

#[test]
fn on_postgresql() {
    let (folder, postgres) = (tempfile::tempdir().unwrap(), Postgres::start());
    let database = Database::Server(postgres.database());
    a_schema_is_checked_migrated_and_refused(&database, &folder.path().join("data"));
    drop(postgres);
    let gone = database.waybill(folder.path(), &["migrate", "--check"]);
    assert!(gone.exit == 2 && gone.err.contains("could not open the store at postgres://"), "{}", gone.err);
}

/// Two nodes of a new version start at once.
#[test]
fn two_who_migrate_at_once_do_it_once() {
    let (folder, postgres) = (tempfile::tempdir().unwrap(), Postgres::start());
    for url in [String::new(), postgres.database()] {
        let store = Store { data: folder.path().join("data"), database: url, ..Store::default() };
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let (one, two) = runtime.block_on(async { tokio::join!(Record::migrate(&store), Record::migrate(&store)) });
        let known = one.unwrap().known;
        two.unwrap();
        let stands = runtime.block_on(Record::schema(&store)).unwrap();
        assert_eq!(stands.found, known);
    }
}
