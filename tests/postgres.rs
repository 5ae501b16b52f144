//! PostgreSQL from the machine's own packages: a cluster in a temporary folder, a database a house.

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A running cluster. Dropping it ends it.
pub(crate) struct Postgres {
    folder: tempfile::TempDir,
    port: u16,
}

impl Postgres {
    /// Starts a cluster of its own. It syncs as it would in earnest.
    pub(crate) fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("waybill-pg-").tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let cluster = Self { folder, port };
        if rustix::process::geteuid().is_root() {
            // PostgreSQL refuses to run as root.
            let owned = Command::new("chown").arg("postgres").arg(cluster.folder.path()).status().unwrap();
            assert!(owned.success());
        }
        let data = cluster.data();
        cluster.run(
            "initdb",
            &["-D", &data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"],
        );
        let settings = format!(
            "listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = '{}'\nmax_connections = 200\n",
            cluster.folder.path().display()
        );
        let appended = Command::new("sh")
            .args(["-c", "cat >> \"$0/postgresql.auto.conf\"", &data])
            .stdin(Stdio::piped())
            .spawn()
            .and_then(|mut shell| {
                use std::io::Write;
                shell.stdin.take().unwrap().write_all(settings.as_bytes())?;
                shell.wait()
            });
        assert!(appended.unwrap().success());
        cluster.control(&["start", "-w"]);
        cluster
    }

    fn data(&self) -> String {
        self.folder.path().join("data").display().to_string()
    }

    /// `pg_ctl` with these words: `restart -m immediate` is a crash.
    pub(crate) fn control(&self, words: &[&str]) {
        let (data, log) = (self.data(), self.folder.path().join("log").display().to_string());
        let mut arguments = vec!["-D", &data, "-l", &log, "-s"];
        arguments.extend(words);
        self.run("pg_ctl", &arguments);
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let path = binaries().join(program);
        let mut command = if rustix::process::geteuid().is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(&path);
            command
        } else {
            Command::new(&path)
        };
        let done =
            command.args(arguments).current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).output().unwrap();
        assert!(done.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    }

    /// Ends at random some connections that are in the middle of something; how many.
    pub(crate) fn cut_connections(&self, at_most: usize) -> usize {
        let text = format!(
            "select count(*) from (select pg_terminate_backend(pid) from pg_stat_activity
             where application_name = 'waybill' and state <> 'idle' order by random() limit {at_most}) as cut"
        );
        psql(&self.url("postgres"), &text).parse().unwrap()
    }

    /// The URL of a database.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// A new database; its URL.
    pub(crate) fn database(&self) -> String {
        new_database(&self.url("postgres"))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.control(&["stop", "-m", "immediate"]);
    }
}

/// The URL of a new database on the server that `WAYBILL_TEST_POSTGRES` names, if it names one: then every house of the
/// tests is on PostgreSQL.
pub(crate) fn of_this_run() -> Option<String> {
    let server = std::env::var("WAYBILL_TEST_POSTGRES").ok().filter(|server| !server.is_empty())?;
    Some(new_database(&server))
}

/// A database of a role that is no superuser: row-level security holds for it.
fn new_database(server: &str) -> String {
    let name = format!("house_{}", waybill::domain::ArrivalId::random().to_string().to_lowercase());
    psql(server, &format!("create role {name} login nosuperuser nobypassrls"));
    psql(server, &format!("create database {name} owner {name}"));
    let (server, _) = server.rsplit_once('/').unwrap();
    let (_, address) = server.rsplit_once('@').unwrap();
    format!("postgres://{name}@{address}/{name}")
}

pub(crate) fn psql(url: &str, text: &str) -> String {
    let done = Command::new(binaries().join("psql"))
        .args(["-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", text])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(done.status.success(), "{text}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}

/// All that a database holds, as SQL, the way docs/OPERATIONS.md tells it.
pub(crate) fn dump(url: &str) -> Vec<u8> {
    let done = Command::new(binaries().join("pg_dump"))
        .args(["--enable-row-security", "-d", url])
        .env("PGOPTIONS", "-c waybill.organisation=*")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    done.stdout
}

/// Where the newest PostgreSQL of this machine keeps its programs.
fn binaries() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").expect("PostgreSQL: apt-get install postgresql");
    let newest = versions.flatten().filter_map(|version| {
        let number: u32 = version.file_name().to_str()?.parse().ok()?;
        Some((number, version.path().join("bin")))
    });
    newest.max().expect("a version of PostgreSQL").1
}
