//! What one account's policy says itself; what it does not say is as `[accounts]` has it.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{BANDWIDTH_MIN, NETWORKS_MAX, NamePattern, PATTERNS_MAX, Permission, Policy};
use crate::domain::{Event, Network, OrganisationId, Severity, Timestamp};

/// An account's own settings. What is `None` follows `[accounts]`; 0 is no limit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccountPolicy {
    /// Nobody comes in, and who is inside leaves.
    pub disabled: bool,
    /// The moment from which on it is as if disabled.
    pub valid_until: Option<Timestamp>,
    /// Where logins may come from; empty is anywhere.
    pub allowed_addresses: Option<Vec<Network>>,
    pub permissions: Option<BTreeSet<Permission>>,
    /// What may stand in the drop, in bytes.
    pub quota_bytes: Option<u64>,
    /// How many files may stand in the drop.
    pub quota_files: Option<u64>,
    /// Bytes per second, of all its sessions together, in both directions.
    pub bandwidth: Option<u64>,
    /// What names of files must look like; empty is any name.
    pub name_patterns: Option<Vec<NamePattern>>,
    /// The largest file, in bytes, where that is less than `[land] file_max`.
    pub file_max: Option<u64>,
    /// FTPS uploads that end without TLS's `close_notify` are held, instead of refused.
    pub tolerate_missing_close_notify: Option<bool>,
}

/// What is wrong with one setting of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFault {
    pub setting: String,
    pub message: String,
}

/// Sizes are kept as numbers of 63 bits.
const NUMBER_MAX: u64 = i64::MAX as u64;

impl AccountPolicy {
    /// This policy with the changes applied, as a JSON merge patch says them (RFC 7396): what is not named stays as
    /// it is, `null` goes back to what `[accounts]` says.
    ///
    /// # Errors
    /// Everything that is wrong with the change; then nothing of it holds.
    pub fn changed(&self, changes: &Map<String, Value>) -> Result<Self, Vec<PolicyFault>> {
        let mut policy = self.clone();
        let mut faults = vec![];
        for (setting, value) in changes {
            if let Err(message) = policy.change(setting, value) {
                faults.push(PolicyFault { setting: setting.clone(), message });
            }
        }
        if faults.is_empty() { Ok(policy) } else { Err(faults) }
    }

    fn change(&mut self, setting: &str, value: &Value) -> Result<(), String> {
        match setting {
            "disabled" => self.disabled = read::<bool>(value, "true or false")?.unwrap_or(false),
            "valid_until" => self.valid_until = moment(value)?,
            "allowed_addresses" => self.allowed_addresses = list(value, "addresses", NETWORKS_MAX)?,
            "permissions" => self.permissions = permissions(value)?,
            "quota_bytes" => self.quota_bytes = number(value)?,
            "quota_files" => self.quota_files = number(value)?,
            "bandwidth" => {
                let bandwidth = number(value)?;
                if bandwidth.is_some_and(|bandwidth| bandwidth != 0 && bandwidth < BANDWIDTH_MIN) {
                    return Err(format!("the least is {BANDWIDTH_MIN} bytes per second; 0 is no limit"));
                }
                self.bandwidth = bandwidth;
            }
            "name_patterns" => self.name_patterns = list(value, "patterns", PATTERNS_MAX)?,
            "file_max" => self.file_max = number(value)?,
            "tolerate_missing_close_notify" => {
                self.tolerate_missing_close_notify = read::<bool>(value, "true or false")?;
            }
            _ => return Err(format!("there is no such setting; known: {}", Self::SETTINGS.join(", "))),
        }
        Ok(())
    }

    /// The names of the settings, in their order.
    pub const SETTINGS: [&'static str; 10] = [
        "disabled",
        "valid_until",
        "allowed_addresses",
        "permissions",
        "quota_bytes",
        "quota_files",
        "bandwidth",
        "name_patterns",
        "file_max",
        "tolerate_missing_close_notify",
    ];

    /// The event of a change that `by` has made.
    #[must_use]
    pub fn change_event(&self, after: &Self, login: &str, organisation: OrganisationId, by: &str) -> Event {
        let text = format!("{by} changed the policy of {login}: {}", self.told_apart(after));
        let mut event = Event::new("admin.action", Severity::Info, text).org(organisation);
        event.user = Some(login.to_owned());
        event
    }

    /// What another version of it says differently.
    fn told_apart(&self, after: &Self) -> String {
        let settings = |policy: &Self| match serde_json::to_value(policy) {
            Ok(Value::Object(settings)) => settings,
            _ => Map::new(),
        };
        let (before, after) = (settings(self), settings(after));
        let told: Vec<String> = after
            .iter()
            .filter(|(setting, value)| before.get(*setting) != Some(*value))
            .map(|(setting, value)| match value {
                Value::Null => format!("{setting} as for every account"),
                value => format!("{setting} {value}"),
            })
            .collect();
        if told.is_empty() { "nothing".to_owned() } else { told.join(", ") }
    }

    /// What holds: this, and beneath it what holds for every account.
    #[must_use]
    pub fn over(&self, defaults: &Policy) -> Policy {
        Policy {
            disabled: self.disabled,
            valid_until: self.valid_until,
            allowed_addresses: self.allowed_addresses.clone().unwrap_or_else(|| defaults.allowed_addresses.clone()),
            permissions: self.permissions.clone().unwrap_or_else(|| defaults.permissions.clone()),
            quota_bytes: self.quota_bytes.unwrap_or(defaults.quota_bytes),
            quota_files: self.quota_files.unwrap_or(defaults.quota_files),
            quota_warning_percent: defaults.quota_warning_percent,
            bandwidth: self.bandwidth.unwrap_or(defaults.bandwidth),
            name_patterns: self.name_patterns.clone().unwrap_or_else(|| defaults.name_patterns.clone()),
            file_max: self.file_max.unwrap_or(defaults.file_max),
            tolerate_missing_close_notify: self
                .tolerate_missing_close_notify
                .unwrap_or(defaults.tolerate_missing_close_notify),
        }
    }
}

fn read<T: DeserializeOwned>(value: &Value, wanted: &str) -> Result<Option<T>, String> {
    serde_json::from_value(value.clone()).map_err(|_| format!("`{value}` is not {wanted}"))
}

fn number(value: &Value) -> Result<Option<u64>, String> {
    let number = read::<u64>(value, "a whole number")?;
    match number {
        Some(number) if number > NUMBER_MAX => Err(format!("{number} is more than {NUMBER_MAX}; 0 is no limit")),
        number => Ok(number),
    }
}

/// A moment; a bare day is valid until its end.
fn moment(value: &Value) -> Result<Option<Timestamp>, String> {
    let Some(text) = read::<String>(value, "a moment as text: \"2026-12-31\"")? else { return Ok(None) };
    let is_a_day = text.len() == "2026-12-31".len();
    let moment = Timestamp::parse(&text)?;
    const DAY_MICROS: i64 = 86_400_000_000;
    Ok(Some(if is_a_day { moment.plus_micros(DAY_MICROS) } else { moment }))
}

fn list<T: std::str::FromStr<Err: ToString>>(value: &Value, what: &str, max: usize) -> Result<Option<Vec<T>>, String> {
    let Some(texts) = read::<Vec<String>>(value, "a list of texts")? else { return Ok(None) };
    if texts.len() > max {
        return Err(format!("there may be {max} {what}, and these are {}", texts.len()));
    }
    texts.iter().map(|text| text.parse().map_err(|error: T::Err| error.to_string())).collect::<Result<_, _>>().map(Some)
}

fn permissions(value: &Value) -> Result<Option<BTreeSet<Permission>>, String> {
    let Some(texts) = read::<Vec<String>>(value, "a list of permissions")? else { return Ok(None) };
    texts.iter().map(|text| text.parse()).collect::<Result<_, _>>().map(Some)
}
