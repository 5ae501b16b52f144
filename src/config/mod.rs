//! What may be set, already checked: plain data, a section per room, in the room's words.
//!
//! One file (`config/waybill.toml` shows every setting at its default), overridden by `WAYBILL_…` in the
//! environment: `WAYBILL_SFTP_LISTEN` is `listen` in `[sftp]`. There is no third way.

mod accounts;
mod defend;
mod live;
pub mod partners;
mod store;
mod units;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

pub use accounts::Accounts;
pub use defend::Defend;
pub use live::Live;
pub use partners::{Partner, Partners};
use serde::{Deserialize, Serialize};
pub use store::{Encryption, Retention, S3, Shelf, Store};
pub use units::{ByteSize, Span};
use waybill_parsers::Limits;

use crate::domain::Network;

/// Every setting.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub store: Store,
    pub s3: S3,
    pub sftp: Sftp,
    pub ftps: Ftps,
    pub tls: Tls,
    pub http: Http,
    pub doors: Doors,
    pub defend: Defend,
    pub land: Land,
    pub accounts: Accounts,
    pub ingest: Ingest,
    pub parse: Limits,
    pub log: Log,
    pub partners: Partners,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub partner: Vec<Partner>,
}

/// `[sftp]`: the SFTP door.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sftp {
    pub enabled: bool,
    pub listen: SocketAddr,
    /// SSH channels one connection may hold open.
    pub channels_max: usize,
    /// Files and folders one channel may hold open.
    pub handles_max: usize,
    /// Requests one channel may have waiting for an answer.
    pub requests_max: usize,
    /// Rejected logins before a connection is closed.
    pub login_failures_max: u32,
    /// Public keys a client may offer before a connection is closed.
    pub key_offers_max: u32,
    /// SSH receive window of a channel.
    pub window: ByteSize,
}

impl Default for Sftp {
    fn default() -> Self {
        Self {
            enabled: true,
            listen: SocketAddr::from(([127, 0, 0, 1], 2222)),
            channels_max: 4,
            handles_max: 64,
            requests_max: 65_536,
            login_failures_max: 6,
            key_offers_max: 20,
            window: ByteSize::mib(2),
        }
    }
}

/// `[ftps]`: the FTPS door.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ftps {
    pub enabled: bool,
    /// Explicit FTPS (RFC 4217): connections begin in clear and say AUTH TLS.
    pub listen: SocketAddr,
    pub implicit_enabled: bool,
    /// Implicit FTPS: connections begin with TLS.
    pub implicit_listen: SocketAddr,
    /// First and last port of data connections; 0 and 0 take any free one.
    pub passive_port_first: u16,
    pub passive_port_last: u16,
    /// The address PASV tells clients, where it is not the one they connected to; empty otherwise.
    pub passive_address: String,
    /// PORT and EPRT: the server connects to the client.
    pub active: bool,
    /// Data connections must resume the control connection's TLS session.
    pub require_resumption: bool,
    /// Authorities whose client certificates may log in, PEM; empty: none is asked for.
    pub client_ca: PathBuf,
    /// Their revocation lists, PEM; empty: nothing is revoked.
    pub client_crl: PathBuf,
    /// Rejected logins before a connection is closed.
    pub login_failures_max: u32,
    /// How long a TLS handshake may take, and the client to open a data connection.
    pub handshake_deadline: Span,
    /// A transfer that moves no byte for this long is broken off.
    pub stall_deadline: Span,
    /// The longest command line.
    pub line_max: ByteSize,
}

impl Default for Ftps {
    fn default() -> Self {
        Self {
            enabled: false,
            listen: SocketAddr::from(([127, 0, 0, 1], 2121)),
            implicit_enabled: false,
            implicit_listen: SocketAddr::from(([127, 0, 0, 1], 2990)),
            passive_port_first: 0,
            passive_port_last: 0,
            passive_address: String::new(),
            active: false,
            require_resumption: false,
            client_ca: PathBuf::new(),
            client_crl: PathBuf::new(),
            login_failures_max: 6,
            handshake_deadline: Span::seconds(10),
            stall_deadline: Span::minutes(1),
            line_max: ByteSize::kib(8),
        }
    }
}

/// `[tls]`: who we say we are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// The certificate with its chain, PEM. Empty: a self-signed one, made once in the data folder.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
}

/// `[http]`: the API and the portal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    pub enabled: bool,
    pub listen: SocketAddr,
    /// How long a request may take, uploads and streams apart.
    pub request_timeout: Span,
    /// The longest JSON body.
    pub body_max: ByteSize,
    /// Event streams open at once.
    pub streams_max: usize,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            enabled: true,
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            request_timeout: Span::seconds(30),
            body_max: ByteSize::mib(1),
            streams_max: 256,
        }
    }
}

/// `[doors]`: what holds for every connection at every door.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Doors {
    pub connections_max: usize,
    pub connections_per_address_max: usize,
    /// Connections that have not logged in yet.
    pub before_login_max: usize,
    /// When so many have not logged in, newcomers are turned away at random; see [`Self::early_drop_rate`].
    pub early_drop_begin: usize,
    /// In percent: this share of them at first, all of them at `before_login_max` (sshd's MaxStartups). An address
    /// of which nobody waits is not among them.
    pub early_drop_rate: u32,
    /// Load balancers: from these a PROXY header is required, and believed.
    pub proxy_from: Vec<Network>,
    /// How long a balancer may take over its header.
    pub proxy_deadline: Span,
    /// From connect to a successful login.
    pub login_deadline: Span,
    /// A connection that says nothing for this long is closed.
    pub idle_deadline: Span,
    /// After SIGTERM: how long uploads in flight may take to finish.
    pub drain_deadline: Span,
}

impl Default for Doors {
    fn default() -> Self {
        Self {
            connections_max: 10_000,
            connections_per_address_max: 1_000,
            before_login_max: 300,
            early_drop_begin: 100,
            early_drop_rate: 30,
            proxy_from: Vec::new(),
            proxy_deadline: Span::seconds(3),
            login_deadline: Span::seconds(30),
            idle_deadline: Span::minutes(15),
            drain_deadline: Span::seconds(30),
        }
    }
}

/// `[land]`: uploads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Land {
    /// The largest file.
    pub file_max: ByteSize,
    /// Uploads one account may have open at once.
    pub uploads_per_account_max: usize,
    /// How long a broken-off upload can be resumed.
    pub resume: Span,
    /// How long a landed file and its answers stay listed in `/drop`.
    pub listed: Span,
    /// The most entries a listing of `/drop` shows: the newest.
    pub listing_max: u32,
    /// Passwords checked at once; each costs 19 MiB and about 20 ms.
    pub password_checks_max: usize,
    /// How often what no row names is looked for among the originals.
    pub orphans_every: Span,
    /// How long it has to lie there before it is taken away.
    pub orphans_after: Span,
    /// How many originals are looked at each minute, in turn: whether they are there and whole.
    pub looked_at_per_minute: u32,
    /// A file of keys that sign OpenSSH user certificates, a public key a line; empty: none is trusted.
    pub trusted_user_ca_keys: PathBuf,
    /// A file of what is not trusted any more: a KRL, or a line each.
    pub revoked_keys: PathBuf,
}

impl Default for Land {
    fn default() -> Self {
        Self {
            file_max: ByteSize::gib(2),
            uploads_per_account_max: 64,
            resume: Span::hours(24),
            listed: Span::hours(24 * 7),
            listing_max: 20_000,
            password_checks_max: 2,
            orphans_every: Span::hours(6),
            orphans_after: Span::hours(24),
            looked_at_per_minute: 10,
            trusted_user_ca_keys: PathBuf::new(),
            revoked_keys: PathBuf::new(),
        }
    }
}

/// `[ingest]`: reading what landed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ingest {
    pub workers: usize,
    /// How long a worker may be silent before another takes its file.
    pub lease: Span,
    /// Attempts at a file before it is set aside.
    pub attempts_max: i64,
    /// How often the queue is looked at when nobody rings.
    pub poll: Span,
    /// Rows written in one transaction.
    pub batch_rows: usize,
}

impl Default for Ingest {
    fn default() -> Self {
        Self { workers: 2, lease: Span::seconds(30), attempts_max: 5, poll: Span::seconds(1), batch_rows: 500 }
    }
}

/// `[log]`: what the process says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    pub format: LogFormat,
    /// A `tracing` filter: `info`, `waybill=debug,russh=warn`.
    pub filter: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Auto, filter: "info,russh=warn".to_owned() }
    }
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// `short` on a terminal, `json` otherwise.
    Auto,
    Short,
    Json,
}

/// What is wrong with the settings, in the operator's words.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("could not read the configuration file {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{origin}: {message}")]
    Parse { origin: String, message: String },
    #[error("{variable} in the environment is not a setting; {advice}")]
    UnknownVariable { variable: String, advice: String },
    #[error("{0}")]
    Invalid(String),
}

impl Config {
    /// The settings of a file (or the defaults), overridden by the `WAYBILL_…` variables among
    /// `environment`.
    ///
    /// # Errors
    /// [`ConfigError`], naming the file, line and key, or the variable.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let (origin, text) = match file {
            None => ("the defaults".to_owned(), String::new()),
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
                (path.display().to_string(), text)
            }
        };
        // Parsed on its own first: only here do errors carry the line they stand on.
        let _: Self = toml::from_str(&text)
            .map_err(|error| ConfigError::Parse { origin: origin.clone(), message: error.to_string() })?;
        let mut table: toml::Table = toml::from_str(&text)
            .map_err(|error| ConfigError::Parse { origin: origin.clone(), message: error.to_string() })?;
        for (variable, value) in environment {
            override_from(&mut table, &variable, &value)?;
            // One by one, so that the error names its variable.
            let _: Self = table.clone().try_into().map_err(|error| of_variable(&variable, &value, &error))?;
        }
        let config: Self = table
            .try_into()
            .map_err(|error: toml::de::Error| ConfigError::Parse { origin, message: error.message().to_owned() })?;
        config.checked()
    }

    fn checked(self) -> Result<Self, ConfigError> {
        let positive = [
            ("ingest.workers", self.ingest.workers),
            ("ingest.batch_rows", self.ingest.batch_rows),
            ("land.password_checks_max", self.land.password_checks_max),
            ("land.uploads_per_account_max", self.land.uploads_per_account_max),
            ("store.readers_max", self.store.readers_max as usize),
            ("store.writers_max", self.store.writers_max as usize),
            ("s3.parts_in_flight", self.s3.parts_in_flight),
        ];
        for (name, value) in positive {
            if value == 0 {
                return Err(ConfigError::Invalid(format!("{name} is 0; it must be at least 1")));
            }
        }
        self.accounts.checked()?;
        if self.doors.early_drop_rate > 100 {
            return Err(ConfigError::Invalid(format!(
                "doors.early_drop_rate is {}; it is a share in percent, at most 100",
                self.doors.early_drop_rate
            )));
        }
        self.defend.check()?;
        partners::checked(&self.partners, &self.partner)?;
        let (first, last) = (self.ftps.passive_port_first, self.ftps.passive_port_last);
        if last < first || (first == 0) != (last == 0) {
            return Err(ConfigError::Invalid(format!(
                "ftps.passive_port_first is {first} and ftps.passive_port_last {last}; write a range, or 0 for both"
            )));
        }
        if !self.ftps.passive_address.is_empty() && self.ftps.passive_address.parse::<Ipv4Addr>().is_err() {
            return Err(ConfigError::Invalid(format!(
                "ftps.passive_address is `{}`, which is not an IPv4 address; PASV can tell no other",
                self.ftps.passive_address
            )));
        }
        if self.tls.certificate.as_os_str().is_empty() != self.tls.key.as_os_str().is_empty() {
            return Err(ConfigError::Invalid("tls.certificate and tls.key belong together; set both".to_owned()));
        }
        if self.ftps.client_ca.as_os_str().is_empty() && !self.ftps.client_crl.as_os_str().is_empty() {
            return Err(ConfigError::Invalid("ftps.client_crl is nothing without ftps.client_ca; set both".to_owned()));
        }
        self.store.check().map_err(ConfigError::Invalid)?;
        if self.store.originals == Shelf::S3 {
            self.s3.check(self.land.file_max).map_err(ConfigError::Invalid)?;
        }
        Ok(self)
    }
}

/// Variables that are not settings: they belong to the command line.
const NOT_SETTINGS: [&str; 6] =
    ["WAYBILL_CONFIG", "WAYBILL_DATA", "WAYBILL_URL", "WAYBILL_TOKEN", "WAYBILL_TEST_PYTHON", "WAYBILL_PASSWORD"];

fn of_variable(variable: &str, value: &str, error: &toml::de::Error) -> ConfigError {
    let advice = if variable.ends_with("_LISTEN") { "; write an IP address and a port: 127.0.0.1:2222" } else { "" };
    let message = format!("`{value}`: {}{advice}", error.message());
    ConfigError::Parse { origin: variable.to_owned(), message }
}

fn override_from(table: &mut toml::Table, variable: &str, value: &str) -> Result<(), ConfigError> {
    let Some(name) = variable.strip_prefix("WAYBILL_") else { return Ok(()) };
    if NOT_SETTINGS.contains(&variable) || name.starts_with("TEST_") {
        return Ok(());
    }
    let name = name.to_ascii_lowercase();
    let defaults = toml::Table::try_from(Config::default()).map_err(|error| ConfigError::Invalid(error.to_string()))?;
    let unknown = || ConfigError::UnknownVariable {
        variable: variable.to_owned(),
        advice: "settings are WAYBILL_<SECTION>_<SETTING>, as in WAYBILL_SFTP_LISTEN".to_owned(),
    };
    let (section, setting) = name.split_once('_').ok_or_else(unknown)?;
    let default = defaults.get(section).and_then(|section| section.get(setting)).ok_or_else(unknown)?;
    let value = match default {
        toml::Value::Integer(_) => value.parse().map(toml::Value::Integer).map_err(|_| ConfigError::Parse {
            origin: variable.to_owned(),
            message: format!("`{value}` is not a whole number"),
        })?,
        toml::Value::Boolean(_) => value.parse().map(toml::Value::Boolean).map_err(|_| ConfigError::Parse {
            origin: variable.to_owned(),
            message: format!("`{value}` is not true or false"),
        })?,
        // A list, as words between commas.
        toml::Value::Array(_) => {
            let words = value.split(',').map(str::trim).filter(|word| !word.is_empty());
            toml::Value::Array(words.map(|word| toml::Value::String(word.to_owned())).collect())
        }
        _ => toml::Value::String(value.to_owned()),
    };
    let section = table.entry(section).or_insert_with(|| toml::Value::Table(toml::Table::new()));
    if let Some(section) = section.as_table_mut() {
        section.insert(setting.to_owned(), value);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::load(None, variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn the_environment_overrides_any_setting() {
        let config = with(&[
            ("WAYBILL_SFTP_LISTEN", "127.0.0.1:0"),
            ("WAYBILL_LAND_FILE_MAX", "10 MiB"),
            ("WAYBILL_DOORS_BEFORE_LOGIN_MAX", "7"),
            ("WAYBILL_INGEST_LEASE", "5 s"),
            ("WAYBILL_ACCOUNTS_NAME_PATTERNS", "*.edi, *.csv"),
            ("WAYBILL_DOORS_PROXY_FROM", "10.0.0.0/8, 2001:db8::1"),
            ("WAYBILL_DEFEND_EXEMPT", ""),
            ("PATH", "/bin"),
        ])
        .unwrap();
        assert_eq!(config.accounts.name_patterns.len(), 2);
        assert_eq!(config.sftp.listen.port(), 0);
        assert_eq!(config.land.file_max, ByteSize::mib(10));
        assert_eq!(config.doors.before_login_max, 7);
        assert_eq!(config.ingest.lease, Span::seconds(5));
        assert_eq!(config.doors.proxy_from, ["10.0.0.0/8", "2001:db8::1"].map(|text| text.parse().unwrap()));
        assert_eq!(config.defend.exempt, []);
    }

    #[test]
    fn an_unknown_setting_is_an_error_that_says_where() {
        for (variable, value) in [
            ("WAYBILL_SFTP_LISTEN", "localhost:22"),
            ("WAYBILL_LAND_FILE_MAX", "lots"),
            ("WAYBILL_SFTP_HANDLES_MAX", "-1"),
            ("WAYBILL_LOG_FORMAT", "loud"),
            ("WAYBILL_DOORS_PROXY_FROM", "10.0.0.0/40"),
        ] {
            let error = with(&[("WAYBILL_HTTP_LISTEN", "127.0.0.1:0"), (variable, value)]).unwrap_err().to_string();
            assert!(error.contains(variable) && error.contains(value), "{error}");
        }
        assert!(with(&[("WAYBILL_SFTP_LISTN", "x")]).unwrap_err().to_string().contains("WAYBILL_SFTP_LISTN"));
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "[sftp]\nlisten = \"127.0.0.1:1\"\nlistn = 3\n").unwrap();
        let error = Config::load(Some(file.path()), []).unwrap_err().to_string();
        assert!(error.contains("line 3") && error.contains("listn"), "{error}");
        for (variable, value) in [
            ("WAYBILL_INGEST_WORKERS", "0"),
            ("WAYBILL_FTPS_PASSIVE_PORT_FIRST", "5000"),
            ("WAYBILL_FTPS_PASSIVE_ADDRESS", "gate.example"),
            ("WAYBILL_TLS_KEY", "key.pem"),
            ("WAYBILL_ACCOUNTS_BANDWIDTH", "1 B"),
            ("WAYBILL_ACCOUNTS_QUOTA_WARNING_PERCENT", "101"),
            ("WAYBILL_ACCOUNTS_ALLOWED_ADDRESSES", "10.0.0.0/8,10.0.0.1/8"),
            ("WAYBILL_ACCOUNTS_PERMISSIONS", "upload,fly"),
            ("WAYBILL_DOORS_EARLY_DROP_RATE", "101"),
            ("WAYBILL_DEFEND_THRESHOLD", "0"),
            ("WAYBILL_STORE_ORIGINALS", "s3"),
            ("WAYBILL_STORE_ORIGINALS", "tape"),
            ("WAYBILL_STORE_DATABASE", "mysql://db/waybill"),
            ("WAYBILL_STORE_DATABASE", "postgres://waybill:secret@db/waybill"),
        ] {
            assert!(with(&[(variable, value)]).is_err(), "{variable}");
        }
    }

    #[test]
    fn the_shipped_file_shows_every_setting_at_its_default() {
        let shipped = include_str!("../../config/waybill.toml");
        let table: toml::Table = toml::from_str(shipped).unwrap();
        assert_eq!(table, toml::Table::try_from(Config::default()).unwrap());
    }
}
