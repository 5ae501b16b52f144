//! Starts the real daemon in a temporary folder on free ports, and asks its record what happened.

use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::postgres;
use waybill::config::{Config, Store};
use waybill::daemon::Ready;
use waybill::domain::{Event, OrganisationId, Scope};
use waybill::record::{
    AccountRow, DocumentFilter, DocumentRow, EventFilter, FileFilter, FileRow, FindingRow, ProofsChange, Record,
};

/// The record of a folder, or of the database its settings name.
pub(crate) async fn record_of(data: &Path, environment: &[(String, String)]) -> Record {
    let settings = environment.iter().filter(|(name, _)| name.starts_with("WAYBILL_STORE_")).cloned();
    let store = Config::load(None, settings.filter(|(name, _)| name != "WAYBILL_STORE_ORIGINALS")).unwrap().store;
    let store = Store { data: data.to_owned(), readers_max: 2, writers_max: 2, ..store };
    if !store.database.is_empty() {
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(data);
        made.and_then(|()| store.leave_word()).unwrap();
    }
    Record::of(&store).await.unwrap()
}

/// How long anything may take before a test gives up on it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// The password of every account a test makes.
pub(crate) const PASSWORD: &str = "a password for tests";

/// Settings of a house with an FTPS door.
pub(crate) const FTPS: [(&str, &str); 4] = [
    ("WAYBILL_FTPS_ENABLED", "true"),
    ("WAYBILL_FTPS_LISTEN", "127.0.0.1:0"),
    ("WAYBILL_FTPS_IMPLICIT_ENABLED", "true"),
    ("WAYBILL_FTPS_IMPLICIT_LISTEN", "127.0.0.1:0"),
];

/// A daemon, its folder, and a window on its record. Dropping it ends the daemon.
pub(crate) struct House {
    folder: tempfile::TempDir,
    environment: Vec<(String, String)>,
    daemon: Option<Child>,
    ready: Option<Ready>,
    runtime: tokio::runtime::Runtime,
    record: Record,
}

impl House {
    pub(crate) fn open() -> Self {
        Self::with(&[])
    }

    /// With settings, as the environment gives them: `("WAYBILL_LAND_FILE_MAX", "1 MiB")`.
    pub(crate) fn with(settings: &[(&str, &str)]) -> Self {
        Self::over(settings, |_| {})
    }

    /// With settings, on a data folder that was prepared.
    pub(crate) fn over(settings: &[(&str, &str)], prepare: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        prepare(&folder.path().join("data"));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let mut environment: Vec<(String, String)> =
            settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        if let Some(database) = postgres::of_this_run()
            && !environment.iter().any(|(name, _)| name == "WAYBILL_STORE_DATABASE")
        {
            environment.push(("WAYBILL_STORE_DATABASE".to_owned(), database));
        }
        let record = runtime.block_on(record_of(&folder.path().join("data"), &environment));
        let mut house = Self { folder, environment, daemon: None, ready: None, runtime, record };
        house.start();
        house
    }

    /// Starts the daemon and waits until its doors are open.
    pub(crate) fn start(&mut self) {
        let ready = self.data().join("ready.json");
        self.spawn();
        let text = wait_for("the daemon to be ready", || {
            if let Some(status) = self.daemon.as_mut().unwrap().try_wait().unwrap() {
                panic!("the daemon ended at once ({status}):\n{}", self.log());
            }
            std::fs::read_to_string(&ready).ok()
        });
        self.ready = Some(serde_json::from_str(&text).unwrap());
    }

    fn spawn(&mut self) {
        let _ = std::fs::remove_file(self.data().join("ready.json"));
        let log = std::fs::File::options().create(true).append(true).open(self.log_path()).unwrap();
        let built = env!("CARGO_BIN_EXE_waybill").to_owned();
        let daemon = Command::new(std::env::var("WAYBILL_TEST_BINARY").unwrap_or(built))
            .args(["serve", "--data"])
            .arg(self.data())
            .args(["--sftp-listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0"])
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.daemon = Some(daemon);
    }

    /// Changes a setting of the daemon's, from its next start on.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.unset(name);
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    pub(crate) fn unset(&mut self, name: &str) {
        self.environment.retain(|(known, _)| known != name);
    }

    /// Starts the daemon; `false` where it ends before its doors are open.
    pub(crate) fn start_unless_it_ends(&mut self) -> bool {
        let ready = self.data().join("ready.json");
        self.spawn();
        let opened = wait_for("the daemon to be ready, or to end", || {
            if self.has_ended() {
                return Some(None);
            }
            std::fs::read_to_string(&ready).ok().map(Some)
        });
        self.ready = opened.and_then(|text| serde_json::from_str(&text).ok());
        self.ready.is_some()
    }

    /// Whether the daemon has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.daemon.as_mut().is_none_or(|daemon| daemon.try_wait().unwrap().is_some())
    }

    /// SIGKILL, where it has not ended already.
    pub(crate) fn kill_if_up(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            let _ = daemon.kill();
            daemon.wait().unwrap();
        }
    }

    /// `-STOP`, `-CONT`, `-TERM`.
    pub(crate) fn signal(&self, signal: &str) {
        assert!(Command::new("kill").args([signal, &self.pid().to_string()]).status().unwrap().success());
    }

    /// SIGKILL: what was not acknowledged may be lost, nothing else.
    pub(crate) fn kill(&mut self) {
        let mut daemon = self.daemon.take().expect("a daemon to kill");
        daemon.kill().unwrap();
        daemon.wait().unwrap();
    }

    /// SIGTERM, and waits for the end.
    pub(crate) fn stop(&mut self) -> std::process::ExitStatus {
        let done = Command::new("kill").args(["-TERM", &self.pid().to_string()]).status().unwrap();
        assert!(done.success());
        self.ended()
    }

    /// Waits for a daemon that was told to end.
    pub(crate) fn ended(&mut self) -> std::process::ExitStatus {
        let mut daemon = self.daemon.take().expect("a daemon that ends");
        wait_for("the daemon to end", || daemon.try_wait().unwrap())
    }

    /// All that the database holds, as bytes.
    pub(crate) fn stored(&self) -> Vec<u8> {
        match self.environment.iter().find(|(name, _)| name == "WAYBILL_STORE_DATABASE") {
            Some((_, database)) => postgres::dump(database),
            None => std::fs::read(self.data().join("waybill.db")).unwrap(),
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.daemon.as_ref().expect("a running daemon").id()
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn sftp(&self) -> SocketAddr {
        self.ready.as_ref().unwrap().address("sftp").expect("an SFTP door")
    }

    /// The FTPS door, which a house has when its settings say so ([`FTPS`]).
    pub(crate) fn ftps(&self) -> SocketAddr {
        self.ready.as_ref().unwrap().address("ftps").expect("an FTPS door")
    }

    pub(crate) fn http(&self) -> String {
        format!("http://{}", self.ready.as_ref().unwrap().address("http").expect("an HTTP door"))
    }

    pub(crate) fn ready(&self) -> &Ready {
        self.ready.as_ref().unwrap()
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("daemon.log")
    }

    /// What the daemon has said.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// The most memory the daemon has held at once, in KiB, without the pages of its own program: a build for tests
    /// has five times as many of them.
    pub(crate) fn peak_memory_kib(&self) -> u64 {
        self.memory("VmHWM:").saturating_sub(self.memory("RssFile:"))
    }

    /// The memory the daemon holds now, in KiB, without the pages of its own program.
    pub(crate) fn memory_kib(&self) -> u64 {
        self.memory("RssAnon:")
    }

    fn memory(&self, what: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with(what)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// A file in the house's folder with this content.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// A supplier with one account of the same name and [`PASSWORD`], who may use curl.
    pub(crate) fn supplier(&self, login: &str) -> OrganisationId {
        let organisation = self.supplier_with_keys(login, &[]);
        self.allow_curl(login);
        organisation
    }

    /// Allows an account the legacy algorithms: the curl of Debian 12 knows no MAC that is modern.
    pub(crate) fn allow_curl(&self, login: &str) {
        // Loopback, and whom a balancer of the tests says it speaks for.
        let legacy_from = Some(vec!["127.0.0.0/8".parse().unwrap(), "203.0.113.0/24".parse().unwrap()]);
        self.change_proofs(login, &ProofsChange { legacy_from, ..ProofsChange::default() });
    }

    /// Changes how an account logs in.
    pub(crate) fn change_proofs(&self, login: &str, change: &ProofsChange) {
        let account = self.account(login);
        self.ask(async |record| record.change_proofs(&account, change).await.unwrap());
    }

    pub(crate) fn account(&self, login: &str) -> AccountRow {
        let scope = Scope::operator("tests");
        self.ask(async |record| record.account(&scope, login).await.unwrap()).expect("an account")
    }

    /// The same, with lines of `.pub` files.
    pub(crate) fn supplier_with_keys(&self, login: &str, keys: &[&str]) -> OrganisationId {
        let hash = waybill::land::credential::hash_password(PASSWORD).unwrap();
        let keys: Vec<_> = keys.iter().map(|line| waybill::land::credential::parse_public_key(line).unwrap()).collect();
        self.runtime.block_on(async {
            let organisation = self.record.add_organisation(login, "supplier").await.unwrap();
            self.record.add_account(organisation.id, login, Some(&hash), &keys).await.unwrap();
            organisation.id
        })
    }

    /// Does something while nobody looks into the record from here.
    pub(crate) fn look_away(&mut self, meanwhile: impl FnOnce()) {
        self.runtime.block_on(self.record.close());
        meanwhile();
        self.record = self.runtime.block_on(record_of(&self.data(), &self.environment));
    }

    /// Runs a question to the record.
    pub(crate) fn ask<T>(&self, question: impl AsyncFnOnce(&Record) -> T) -> T {
        self.runtime.block_on(question(&self.record))
    }

    /// Every file that arrived, newest first.
    pub(crate) fn files(&self) -> Vec<FileRow> {
        let scope = Scope::operator("tests");
        self.ask(async |record| record.files(&scope, &FileFilter::default(), None, 100_000).await.unwrap().rows)
    }

    /// The newest file of this name, once it has been read to its end or set aside.
    pub(crate) fn settled(&self, name: &str) -> FileRow {
        use waybill::record::FileStatus::{Held, Parsing, Stored};
        wait_for(&format!("`{name}` to be read"), || {
            self.files().into_iter().find(|file| file.name == name && !matches!(file.status, Held | Stored | Parsing))
        })
    }

    pub(crate) fn documents_of(&self, file: &FileRow) -> Vec<DocumentRow> {
        let scope = Scope::operator("tests");
        let filter = DocumentFilter { file: Some(file.id), ..DocumentFilter::default() };
        self.ask(async |record| record.documents(&scope, &filter, None, 100_000).await.unwrap().rows)
    }

    pub(crate) fn findings_of(&self, file: &FileRow) -> Vec<FindingRow> {
        let scope = Scope::operator("tests");
        self.ask(async |record| record.findings(&scope, file.id, -1, 100_000).await.unwrap())
    }

    /// The events of these types, oldest first.
    pub(crate) fn events(&self, kinds: &[&str]) -> Vec<Event> {
        let scope = Scope::operator("tests");
        let kinds = kinds.iter().map(|kind| (*kind).to_owned()).collect();
        let filter = EventFilter { kinds, ..EventFilter::default() };
        self.ask(async |record| record.events_after(&scope, &filter, 0, 10_000).await.unwrap())
    }

    /// The types of a file's events, oldest first.
    pub(crate) fn life_of(&self, file: &FileRow) -> Vec<String> {
        let scope = Scope::operator("tests");
        let filter = EventFilter { file: Some(file.id), ..EventFilter::default() };
        let events = self.ask(async |record| record.events_after(&scope, &filter, 0, 1_000).await.unwrap());
        events.into_iter().map(|event| event.kind).collect()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some(daemon) = &mut self.daemon {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
        if std::thread::panicking() {
            eprintln!("---- what the daemon said ----\n{}", self.log());
        }
    }
}

/// Asks again until there is an answer.
pub(crate) fn wait_for<T>(what: &str, mut answer: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = answer() {
            return answer;
        }
        assert!(started.elapsed() < PATIENCE, "waited {PATIENCE:?} for {what} in vain");
        std::thread::sleep(Duration::from_millis(10));
    }
}
