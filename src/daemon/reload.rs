//! Reading the settings again while the house stands: whoever is inside stays as they are, whoever comes from then
//! on meets the new ones. All of it or nothing: a file that is broken changes nothing and says why.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::Context;

use crate::arrive::{FtpsSettings, SftpSettings};
use crate::config::{self, Config, Live};
use crate::deliver::Deliver;
use crate::domain::{Event, Severity};
use crate::land::Dropbox;
use crate::record::Record;
use crate::serve::ApiSettings;
use crate::telemetry;

/// Everything that can be changed from outside.
#[derive(Debug)]
pub(super) struct Reload {
    /// As they are in force: what waits for a restart is as it was.
    pub(super) config: Config,
    pub(super) record: Record,
    pub(super) doors: Live<config::Doors>,
    pub(super) defend: Live<config::Defend>,
    pub(super) dropbox: Dropbox,
    pub(super) deliver: Deliver,
    pub(super) sftp: Option<SftpSettings>,
    pub(super) ftps: Option<FtpsSettings>,
    pub(super) api: Option<ApiSettings>,
}

/// What came of it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Changes {
    /// Settings by name, and secrets by what they are.
    changed: BTreeSet<String>,
    waiting: BTreeSet<String>,
}

/// The sections whose settings are read when they are needed.
const LIVE: [&str; 10] = ["sftp", "ftps", "tls", "http", "doors", "defend", "land", "accounts", "log", "partners"];
/// The partners themselves: a list, changed as a whole.
const PARTNERS: &str = "partner";
/// And what of them is read once.
const READ_ONCE: [&str; 13] = [
    "sftp.enabled",
    "sftp.listen",
    "ftps.enabled",
    "ftps.listen",
    "ftps.implicit_enabled",
    "ftps.implicit_listen",
    "http.enabled",
    "http.listen",
    "http.streams_max",
    "land.password_checks_max",
    "land.trusted_user_ca_keys",
    "land.revoked_keys",
    "partners.connections_max",
];
/// The format of the log is read once too, but belongs to no room.
const LOG_FORMAT: &str = "log.format";

impl Reload {
    /// Reads the settings and applies what can be; the log says what came of it.
    pub(super) async fn again(&mut self, settings: impl Fn() -> anyhow::Result<Config>) {
        let applied = settings().and_then(|new| self.apply(new));
        if applied.is_ok()
            && let Err(error) = self.dropbox.set_account_defaults(self.config.accounts.policy()).await
        {
            tracing::error!(error = crate::domain::chain(&error), "could not note what holds for every account");
        }
        let event = match applied {
            Ok(changes) => Event::new("settings.reloaded", Severity::Info, changes.sentence())
                .data("changed", changes.changed.into_iter().collect::<Vec<_>>())
                .data("waiting", changes.waiting.into_iter().collect::<Vec<_>>()),
            Err(error) => {
                let why = format!("{error:#}");
                Event::new("settings.rejected", Severity::Error, format!("kept the settings as they were: {why}"))
                    .data("reason", why)
            }
        };
        if let Err(error) = self.record.tell(vec![event]).await {
            tracing::error!(error = crate::domain::chain(&error), "could not note that the settings were read again");
        }
    }

    fn apply(&mut self, new: Config) -> anyhow::Result<Changes> {
        let mut changes = differences(&self.config, &new)?;
        // Everything that can fail comes before everything that changes something.
        let mut steps: Vec<Box<dyn FnOnce() + Send>> = Vec::new();
        if let Some(sftp) = &self.sftp {
            let (is_another, step) =
                sftp.prepare(&new.sftp, &new.doors).context("could not read the SSH host key again")?;
            steps.push(Box::new(step));
            changes.changed.extend(is_another.then(|| "the SSH host key".to_owned()));
        }
        if let Some(ftps) = &self.ftps {
            let (is_another, step) =
                ftps.prepare(&new.ftps, &new.tls).context("could not read the certificate again")?;
            steps.push(Box::new(step));
            changes.changed.extend(is_another.then(|| "the TLS certificate".to_owned()));
        }
        if new.log.filter != self.config.log.filter {
            telemetry::refilter(&new.log.filter).map_err(anyhow::Error::msg)?;
        }
        for step in steps {
            step();
        }
        self.doors.set(new.doors.clone());
        self.defend.set(new.defend.clone());
        self.dropbox.set(new.land.clone());
        self.deliver.set(&new);
        if let Some(api) = &self.api {
            api.set(new.http.clone());
        }
        self.config = in_force(&self.config, new, &changes.waiting)?;
        Ok(changes)
    }
}

impl Changes {
    fn sentence(&self) -> String {
        let list = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(", ");
        let changed = match self.changed.len() {
            0 => "nothing changed".to_owned(),
            _ => format!("{} changed", list(&self.changed)),
        };
        let waiting = match self.waiting.len() {
            0 => String::new(),
            1 => format!("; {} waits for a restart", list(&self.waiting)),
            _ => format!("; {} wait for a restart", list(&self.waiting)),
        };
        format!("the settings were read again: {changed}{waiting}")
    }
}

fn is_live(section: &str, name: &str) -> bool {
    LIVE.contains(&section) && !READ_ONCE.contains(&name) && name != LOG_FORMAT
}

fn differences(old: &Config, new: &Config) -> anyhow::Result<Changes> {
    let mut changes = Changes::default();
    changes.changed.extend((old.partner != new.partner).then(|| PARTNERS.to_owned()));
    let (old, new) = (toml::Table::try_from(old)?, toml::Table::try_from(new)?);
    for (section, settings) in &new {
        let before = old.get(section);
        for (setting, value) in settings.as_table().into_iter().flatten() {
            if before.and_then(|before| before.get(setting)) == Some(value) {
                continue;
            }
            let name = format!("{section}.{setting}");
            if is_live(section, &name) {
                changes.changed.insert(name)
            } else {
                changes.waiting.insert(name)
            };
        }
    }
    Ok(changes)
}

/// The new settings, but for those that wait.
fn in_force(old: &Config, new: Config, waiting: &BTreeSet<String>) -> anyhow::Result<Config> {
    if waiting.is_empty() {
        return Ok(new);
    }
    let (old, mut table) = (toml::Table::try_from(old)?, toml::Table::try_from(new)?);
    for name in waiting {
        let Some((section, setting)) = name.split_once('.') else { continue };
        let Some(before) = old.get(section).and_then(|section| section.get(setting)) else { continue };
        if let Some(section) = table.get_mut(section).and_then(toml::Value::as_table_mut) {
            section.insert(setting.to_owned(), before.clone());
        }
    }
    Ok(table.try_into()?)
}

/// What is needed to read the settings again: the signal, and how they were read the first time.
pub struct Reloading {
    pub(super) told: tokio::signal::unix::Signal,
    pub(super) settings: Box<dyn Fn() -> anyhow::Result<Config> + Send + Sync>,
}

impl Reloading {
    /// From now on SIGHUP does not end the process.
    ///
    /// # Errors
    /// The signal cannot be listened to.
    pub fn on_sighup(settings: impl Fn() -> anyhow::Result<Config> + Send + Sync + 'static) -> std::io::Result<Self> {
        let told = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())?;
        Ok(Self { told, settings: Box::new(settings) })
    }
}

impl std::fmt::Debug for Reloading {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Reloading").finish_non_exhaustive()
    }
}

/// The daemon of a data folder, told to read its settings again.
///
/// # Errors
/// There is none, or it is not ours to tell.
pub fn tell_to_reload(data: &std::path::Path) -> anyhow::Result<()> {
    let nobody = || format!("no daemon is running on {}; name its folder with --data", data.display());
    let text = std::fs::read_to_string(data.join("ready.json")).with_context(nobody)?;
    let ready: super::Ready = serde_json::from_str(&text).context("ready.json is not as a daemon writes it")?;
    // A daemon holds the lock as long as it lives. One that was killed has left its pid, which may be anybody's.
    let lock: PathBuf = data.join("waybill.lock");
    let free = std::fs::File::open(&lock).with_context(nobody)?.try_lock().is_ok();
    anyhow::ensure!(!free, nobody());
    let pid = i32::try_from(ready.pid).ok().and_then(rustix::process::Pid::from_raw).with_context(nobody)?;
    rustix::process::kill_process(pid, rustix::process::Signal::HUP)
        .with_context(|| format!("could not tell the daemon (pid {})", ready.pid))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_for_a_restart_is_said_each_time_until_there_is_one() {
        let old = Config::default();
        let mut new = old.clone();
        new.doors.before_login_max = 7;
        new.defend.threshold = 3;
        new.sftp.listen.set_port(22);
        new.ingest.workers = 9;
        new.log.format = config::LogFormat::Json;
        let changes = differences(&old, &new).unwrap();
        assert_eq!(
            changes.sentence(),
            "the settings were read again: defend.threshold, doors.before_login_max changed; ingest.workers, \
             log.format, sftp.listen wait for a restart"
        );
        let now = in_force(&old, new.clone(), &changes.waiting).unwrap();
        assert_eq!((now.doors.before_login_max, now.sftp.listen), (7, old.sftp.listen));
        let again = differences(&now, &new).unwrap();
        assert_eq!((again.changed.len(), again.waiting), (0, changes.waiting));
        assert_eq!(differences(&old, &old).unwrap().sentence(), "the settings were read again: nothing changed");
    }

    #[test]
    fn the_lists_name_settings_there_are() {
        let table = toml::Table::try_from(Config::default()).unwrap();
        for section in LIVE {
            assert!(table.contains_key(section), "{section}");
        }
        for name in READ_ONCE.into_iter().chain([LOG_FORMAT]) {
            let (section, setting) = name.split_once('.').unwrap();
            assert!(table[section].get(setting).is_some(), "{name}");
        }
    }
}
