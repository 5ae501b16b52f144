//! `[partners]` and `[[partner]]`: partners' own servers, which we fetch files from and bring answers to.

use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{ByteSize, ConfigError, Span};
use crate::domain::policy::{NamePattern, PATTERNS_MAX};

/// `[partners]`: what holds for the connections to all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Partners {
    /// Connections at once, from this node.
    pub connections_max: usize,
    /// How often it is looked whose turn it is.
    pub poll: Span,
    /// How long a node may be silent before another takes its turn.
    pub lease: Span,
    /// After a failure: how long until the next try, doubled each time.
    pub backoff: Span,
    pub backoff_max: Span,
    /// Tries at sending one file before it is given up.
    pub attempts_max: u32,
    /// The most files a listing may have.
    pub listing_max: usize,
    /// How long a file that was taken is remembered after it has left the partner's folder.
    pub remember: Span,
}

impl Default for Partners {
    fn default() -> Self {
        Self {
            connections_max: 4,
            poll: Span::seconds(1),
            lease: Span::minutes(1),
            backoff: Span::seconds(30),
            backoff_max: Span::hours(1),
            attempts_max: 20,
            listing_max: 20_000,
            remember: Span::hours(24 * 30),
        }
    }
}

/// `[[partner]]`: one server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partner {
    pub name: String,
    /// Whose `/drop` the files land in, and whose organisation's answers are sent: a login.
    pub account: String,
    pub protocol: Protocol,
    pub host: String,
    /// 0 is the protocol's own: 22, 21, 990.
    #[serde(default)]
    pub port: u16,
    pub user: String,
    /// A file with the password, mode 0600.
    #[serde(default)]
    pub password_file: PathBuf,
    /// A file with a private key of OpenSSH's, mode 0600. SFTP only.
    #[serde(default)]
    pub key_file: PathBuf,
    /// The server's keys: `SHA256:…`, a public key, or a line of `known_hosts`. SFTP only.
    #[serde(default)]
    pub host_keys: Vec<String>,
    /// Also speaks algorithms of ten years ago. SFTP only.
    #[serde(default)]
    pub legacy_algorithms: bool,
    /// The authorities its certificate comes from, PEM. FTPS only; this or the next.
    #[serde(default)]
    pub tls_ca: PathBuf,
    /// SHA-256 of its certificate, in hexadecimal.
    #[serde(default)]
    pub tls_fingerprint: String,
    /// From connect to logged in.
    #[serde(default = "connect_deadline")]
    pub connect_deadline: Span,
    /// A command without an answer, or a transfer that moves no byte, for this long is given up.
    #[serde(default = "stall_deadline")]
    pub stall_deadline: Span,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull: Option<Pull>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub push: Option<Push>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    Sftp,
    /// Explicit: AUTH TLS (RFC 4217).
    Ftps,
    FtpsImplicit,
}

/// `[partner.pull]`: fetching.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pull {
    pub folder: String,
    /// What names must look like; none is any name.
    #[serde(default)]
    pub names: Vec<NamePattern>,
    /// What becomes of a file there, once it has landed here.
    pub after: After,
    #[serde(default)]
    pub move_to: String,
    #[serde(default = "pull_every")]
    pub every: Span,
    /// In place of `every`: a cron expression.
    #[serde(default)]
    pub cron: String,
    #[serde(default = "time_zone")]
    pub time_zone: String,
    /// A file is taken when it has not changed for so long.
    #[serde(default = "settle")]
    pub settle: Span,
    /// Larger ones are left where they are; 0 is what `[land] file_max` says.
    #[serde(default = "no_limit")]
    pub file_max: ByteSize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum After {
    Delete,
    Move,
    Leave,
}

/// `[partner.push]`: bringing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Push {
    pub folder: String,
    /// Sends the answers to what the account's organisation has sent.
    #[serde(default = "yes")]
    pub answers: bool,
    /// What a file's name ends with until all of it is there.
    #[serde(default = "temporary")]
    pub temporary: String,
    #[serde(default = "push_every")]
    pub every: Span,
    #[serde(default)]
    pub cron: String,
    #[serde(default = "time_zone")]
    pub time_zone: String,
}

fn connect_deadline() -> Span {
    Span::seconds(30)
}
fn stall_deadline() -> Span {
    Span::minutes(1)
}
fn pull_every() -> Span {
    Span::minutes(15)
}
fn push_every() -> Span {
    Span::seconds(10)
}
fn time_zone() -> String {
    "UTC".to_owned()
}
fn settle() -> Span {
    Span::minutes(1)
}
fn no_limit() -> ByteSize {
    ByteSize::of(0)
}
fn temporary() -> String {
    ".part".to_owned()
}
fn yes() -> bool {
    true
}

/// Partners there may be.
const PARTNERS_MAX: usize = 1_000;
/// Keys one server may have.
const HOST_KEYS_MAX: usize = 16;
/// A folder's path is at most this long, in bytes.
const FOLDER_BYTES_MAX: usize = 1_024;

pub(super) fn checked(settings: &Partners, partners: &[Partner]) -> Result<(), ConfigError> {
    for (name, value) in [
        ("connections_max", settings.connections_max),
        ("attempts_max", settings.attempts_max as usize),
        ("listing_max", settings.listing_max),
    ] {
        if value == 0 {
            return Err(ConfigError::Invalid(format!("partners.{name} is 0; it must be at least 1")));
        }
    }
    if partners.len() > PARTNERS_MAX {
        return Err(ConfigError::Invalid(format!("there are {} partners; {PARTNERS_MAX} may be", partners.len())));
    }
    for (at, partner) in partners.iter().enumerate() {
        if partners.iter().take(at).any(|other| other.name == partner.name) {
            return Err(ConfigError::Invalid(format!("there are two partners `{}`; rename one", partner.name)));
        }
        partner.check().map_err(|wrong| ConfigError::Invalid(format!("partner `{}`: {wrong}", partner.name)))?;
    }
    Ok(())
}

impl Partner {
    fn check(&self) -> Result<(), String> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
        if self.name.is_empty() || self.name.len() > 64 || !self.name.chars().all(plain) {
            return Err("a name has 1 to 64 of a-z, 0-9, `-`, `_` and `.`".to_owned());
        }
        for (what, value) in [("account", &self.account), ("host", &self.host), ("user", &self.user)] {
            if value.is_empty() || value.len() > 255 || value.chars().any(char::is_control) {
                return Err(format!("{what} is empty, too long, or has control characters in it"));
            }
        }
        let set = |path: &PathBuf| !path.as_os_str().is_empty();
        if self.protocol == Protocol::Sftp {
            if !set(&self.password_file) && !set(&self.key_file) {
                return Err("set key_file or password_file: how do we log in?".to_owned());
            }
            if self.host_keys.is_empty() || self.host_keys.len() > HOST_KEYS_MAX {
                return Err(format!(
                    "host_keys pins the server's key, 1 to {HOST_KEYS_MAX} of them; `ssh-keyscan {}` shows it, and the \
                     partner confirms it",
                    self.host
                ));
            }
            if set(&self.tls_ca) || !self.tls_fingerprint.is_empty() {
                return Err("tls_ca and tls_fingerprint are for FTPS".to_owned());
            }
        } else {
            if !set(&self.password_file) {
                return Err("set password_file: how do we log in?".to_owned());
            }
            if set(&self.tls_ca) != self.tls_fingerprint.is_empty() {
                return Err("set one of tls_ca and tls_fingerprint: whose certificate do we trust?".to_owned());
            }
            if set(&self.key_file) || !self.host_keys.is_empty() || self.legacy_algorithms {
                return Err("key_file, host_keys and legacy_algorithms are for SFTP".to_owned());
            }
        }
        if self.pull.is_none() && self.push.is_none() {
            return Err("write [partner.pull], [partner.push], or both".to_owned());
        }
        self.pull.as_ref().map_or(Ok(()), Pull::check)?;
        self.push.as_ref().map_or(Ok(()), Push::check)
    }

    /// The port that is meant.
    #[must_use]
    pub fn port(&self) -> u16 {
        match (self.port, self.protocol) {
            (0, Protocol::Sftp) => 22,
            (0, Protocol::Ftps) => 21,
            (0, Protocol::FtpsImplicit) => 990,
            (port, _) => port,
        }
    }
}

impl Pull {
    fn check(&self) -> Result<(), String> {
        folder("pull.folder", &self.folder)?;
        if self.names.len() > PATTERNS_MAX {
            return Err(format!("pull.names has {} entries; there may be {PATTERNS_MAX}", self.names.len()));
        }
        match self.after {
            After::Move => {
                folder("pull.move_to", &self.move_to)?;
                if self.move_to.trim_end_matches('/') == self.folder.trim_end_matches('/') {
                    return Err("pull.move_to is the folder that is pulled from; name another".to_owned());
                }
            }
            After::Delete | After::Leave if !self.move_to.is_empty() => {
                return Err("pull.move_to is for after = \"move\"".to_owned());
            }
            After::Delete | After::Leave => {}
        }
        schedule("pull", self.every, &self.cron, &self.time_zone)
    }
}

impl Push {
    fn check(&self) -> Result<(), String> {
        folder("push.folder", &self.folder)?;
        let suffix = self.temporary.strip_prefix('.').unwrap_or_default();
        if suffix.is_empty() || suffix.len() > 16 || !suffix.chars().all(|c| c.is_ascii_alphanumeric()) {
            return Err("push.temporary is a dot and 1 to 16 letters and digits".to_owned());
        }
        schedule("push", self.every, &self.cron, &self.time_zone)
    }
}

fn folder(what: &str, path: &str) -> Result<(), String> {
    if path.is_empty() || path.len() > FOLDER_BYTES_MAX || path.chars().any(char::is_control) {
        return Err(format!("{what} is empty, too long, or has control characters in it"));
    }
    Ok(())
}

fn schedule(what: &str, every: Span, cron: &str, time_zone: &str) -> Result<(), String> {
    if every.micros() < 1_000_000 {
        return Err(format!("{what}.every is {every}; the least is 1 s"));
    }
    if !cron.is_empty() {
        croner::Cron::from_str(cron).map_err(|error| {
            format!(
                "{what}.cron is `{cron}`: {error}; write minute, hour, day, month, weekday: \"*/15 6-20 * * MON-FRI\""
            )
        })?;
    }
    jiff::tz::TimeZone::get(time_zone).map_err(|_| {
        format!("{what}.time_zone is `{time_zone}`, which this machine does not know: \"Europe/Berlin\"")
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::Config;

    fn load(text: &str) -> Result<Config, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        Config::load(Some(file.path()), []).map_err(|error| error.to_string())
    }

    const SFTP: &str = "[[partner]]\nname = \"acme\"\naccount = \"acme-erp\"\nprotocol = \"sftp\"\nhost = \"h\"\nuser = \"u\"\n\
        key_file = \"/k\"\nhost_keys = [\"SHA256:x\"]\n";
    const PULL: &str = "[partner.pull]\nfolder = \"/out\"\nafter = \"delete\"\n";

    #[test]
    fn what_is_not_said_has_the_defaults_that_the_shipped_file_shows() {
        let shipped = include_str!("../../config/waybill.toml");
        let example: String = shipped
            .lines()
            .skip_while(|line| !line.starts_with("#[[partner]]"))
            .take_while(|line| line.starts_with('#'))
            .filter_map(|line| line.strip_prefix('#').filter(|setting| !setting.starts_with(' ')))
            .map(|line| format!("{line}\n"))
            .collect();
        let shown = load(&example).unwrap().partner.remove(0);
        let said = "[[partner]]\nname = \"northwind\"\naccount = \"northwind-erp\"\nprotocol = \"sftp\"\n\
            host = \"sftp.northwind.example\"\nuser = \"waybill\"\nkey_file = \"/etc/waybill/northwind_key\"\n\
            host_keys = [\"SHA256:94x9V6de33IYadVUeCXWdf00L+OJ/MJMae+bZw+eHB8\"]\n\
            [partner.pull]\nfolder = \"/out\"\nafter = \"delete\"\n[partner.push]\nfolder = \"/in\"\n";
        assert_eq!(shown, load(said).unwrap().partner.remove(0));
        // And every setting there is stands in the example.
        let keys = |table: &toml::Table| table.keys().cloned().collect::<Vec<_>>();
        let (table, all) = (toml::from_str::<toml::Table>(&example).unwrap(), toml::Table::try_from(&shown).unwrap());
        let table = table["partner"][0].as_table().unwrap();
        assert_eq!(keys(table), keys(&all));
        for part in ["pull", "push"] {
            assert_eq!(keys(table[part].as_table().unwrap()), keys(all[part].as_table().unwrap()), "{part}");
        }
    }

    #[test]
    fn what_cannot_work_is_refused_when_it_is_read() {
        load(&format!("{SFTP}{PULL}")).unwrap();
        let ftps = SFTP.replace("\"sftp\"", "\"ftps\"").replace("key_file", "password_file");
        let ftps = ftps.replace("host_keys = [\"SHA256:x\"]", "tls_fingerprint = \"00\"");
        load(&format!("{ftps}{PULL}")).unwrap();
        for (text, what) in [
            (SFTP.to_owned(), "[partner.pull]"),
            (format!("{SFTP}{PULL}{SFTP}{PULL}"), "two partners"),
            (format!("{SFTP}{PULL}").replace("host_keys", "#"), "ssh-keyscan"),
            (format!("{SFTP}{PULL}").replace("key_file", "#"), "how do we log in"),
            (format!("{ftps}{PULL}").replace("tls_fingerprint", "#"), "whose certificate"),
            (format!("{ftps}tls_ca = \"/ca\"\n{PULL}"), "whose certificate"),
            (format!("{ftps}key_file = \"/k\"\n{PULL}"), "for SFTP"),
            (format!("{SFTP}tls_ca = \"/ca\"\n{PULL}"), "for FTPS"),
            (format!("{SFTP}{PULL}").replace("acme\"\na", "A B\"\na"), "a name has"),
            (format!("{SFTP}{PULL}").replace("\"delete\"", "\"move\""), "move_to is empty"),
            (format!("{SFTP}{PULL}move_to = \"/done\"\n"), "for after = \"move\""),
            (format!("{SFTP}{PULL}move_to = \"/out/\"\n").replace("\"delete\"", "\"move\""), "name another"),
            (format!("{SFTP}{PULL}cron = \"often\"\n"), "minute, hour"),
            (format!("{SFTP}{PULL}time_zone = \"Mars\"\n"), "does not know"),
            (format!("{SFTP}{PULL}every = \"0 s\"\n"), "the least is"),
            (format!("{SFTP}[partner.push]\nfolder = \"/in\"\ntemporary = \"part\"\n"), "a dot and"),
            (format!("{SFTP}{PULL}evry = \"1 s\"\n"), "evry"),
            ("[partners]\nlisting_max = 0\n".to_owned(), "partners.listing_max"),
        ] {
            let error = load(&text).unwrap_err();
            assert!(error.contains(what), "{what}: {error}\n{text}");
        }
    }
}
