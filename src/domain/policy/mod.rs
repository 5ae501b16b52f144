//! What an account may do, from where, how much and until when. Rules without I/O: `land` asks them for every door.

mod own;
mod pattern;

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use own::{AccountPolicy, PolicyFault};
pub use pattern::NamePattern;

use super::{FileName, Network, Timestamp};

/// Networks one policy may name.
pub const NETWORKS_MAX: usize = 100;
/// Patterns one policy may name.
pub const PATTERNS_MAX: usize = 32;
/// The least bandwidth, in bytes per second: less, and a client takes the server for dead.
pub const BANDWIDTH_MIN: u64 = 16 * 1024;

/// Something an account may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// Send files, go on with them, and give them other names.
    Upload,
    /// See what is in `/drop`.
    List,
    /// Fetch the answers beside its files.
    DownloadAnswers,
    /// Fetch the files it sent itself.
    DownloadFiles,
    /// Take files and answers out of sight.
    Delete,
}

impl Permission {
    pub const ALL: [Self; 5] = [Self::Upload, Self::List, Self::DownloadAnswers, Self::DownloadFiles, Self::Delete];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Upload => "upload",
            Self::List => "list",
            Self::DownloadAnswers => "download_answers",
            Self::DownloadFiles => "download_files",
            Self::Delete => "delete",
        }
    }

    /// What somebody without it is told.
    fn refusal(self) -> &'static str {
        match self {
            Self::Upload => "this account may not send or rename files",
            Self::List => "this account may not list its files",
            Self::DownloadAnswers => "this account may not fetch answers",
            Self::DownloadFiles => "this account may not fetch the files it has sent",
            Self::Delete => "this account may not remove files",
        }
    }
}

impl FromStr for Permission {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|permission| permission.as_str() == text)
            .ok_or_else(|| format!("`{text}` is not a permission; known: {}", Self::ALL.map(Self::as_str).join(", ")))
    }
}

/// What holds for an account. 0 is no limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    pub disabled: bool,
    pub valid_until: Option<Timestamp>,
    pub allowed_addresses: Vec<Network>,
    pub permissions: BTreeSet<Permission>,
    pub quota_bytes: u64,
    pub quota_files: u64,
    /// How full a quota is when the operator is told, in percent; 0 is never.
    pub quota_warning_percent: u8,
    pub bandwidth: u64,
    pub name_patterns: Vec<NamePattern>,
    pub file_max: u64,
    pub tolerate_missing_close_notify: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            disabled: false,
            valid_until: None,
            allowed_addresses: vec![],
            permissions: Permission::ALL.into(),
            quota_bytes: 0,
            quota_files: 0,
            quota_warning_percent: 80,
            bandwidth: 0,
            name_patterns: vec![],
            file_max: 0,
            tolerate_missing_close_notify: false,
        }
    }
}

/// Why somebody with the right credential does not come in, or does not stay. Its text is for the operator: a client
/// is told what a wrong password is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotAdmitted {
    Disabled,
    Expired(Timestamp),
    Address(IpAddr),
}

impl NotAdmitted {
    /// Its code in the log.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Disabled => "account_disabled",
            Self::Expired(_) => "account_expired",
            Self::Address(_) => "ip_not_allowed",
        }
    }
}

impl fmt::Display for NotAdmitted {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disabled => out.write_str("the account is disabled"),
            Self::Expired(since) => write!(out, "the account was valid until {since}"),
            Self::Address(address) => write!(out, "{address} is not one of the account's allowed addresses"),
        }
    }
}

/// Something that is refused to a client, in a sentence for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forbidden {
    /// Its code in the log.
    pub code: &'static str,
    pub sentence: String,
}

impl Policy {
    /// Whether somebody from this address may be inside now.
    ///
    /// # Errors
    /// Why not.
    pub fn admits(&self, address: IpAddr, now: Timestamp) -> Result<(), NotAdmitted> {
        if self.disabled {
            return Err(NotAdmitted::Disabled);
        }
        if let Some(until) = self.valid_until.filter(|until| now >= *until) {
            return Err(NotAdmitted::Expired(until));
        }
        let anywhere = self.allowed_addresses.is_empty();
        if !anywhere && !self.allowed_addresses.iter().any(|network| network.contains(address)) {
            return Err(NotAdmitted::Address(address.to_canonical()));
        }
        Ok(())
    }

    /// Whether it may do this.
    ///
    /// # Errors
    /// The sentence for the client.
    pub fn permits(&self, permission: Permission) -> Result<(), Forbidden> {
        if self.permissions.contains(&permission) {
            return Ok(());
        }
        let sentence = format!("{}; ask the operator of this server if it should", permission.refusal());
        Err(Forbidden { code: "permission_denied", sentence })
    }

    /// Whether a file may have this name. A name for unfinished files may be any: it is not read before it is given
    /// up, and then the new name is asked about.
    ///
    /// # Errors
    /// The sentence for the client, which names the patterns.
    pub fn takes_name(&self, name: &FileName) -> Result<(), Forbidden> {
        let fits = |pattern: &NamePattern| pattern.matches(name.as_str());
        if self.name_patterns.is_empty() || name.is_temporary() || self.name_patterns.iter().any(fits) {
            return Ok(());
        }
        let patterns: Vec<&str> = self.name_patterns.iter().map(NamePattern::as_str).collect();
        let sentence =
            format!("this account takes files named {} only; rename the file and send it again", patterns.join(" or "));
        Err(Forbidden { code: "name_rejected", sentence })
    }

    /// The quotas; `None` is no limit.
    #[must_use]
    pub fn quota(&self) -> Quota {
        let limit = |number: u64| Some(number).filter(|number| *number != 0);
        Quota {
            bytes: limit(self.quota_bytes),
            files: limit(self.quota_files),
            warning_percent: self.quota_warning_percent,
        }
    }
}

/// What may stand in a drop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quota {
    pub bytes: Option<u64>,
    pub files: Option<u64>,
    /// 0 is no warning.
    pub warning_percent: u8,
}

/// What stands in a drop: the files a listing shows, without their answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    pub bytes: u64,
    pub files: u64,
}

impl Quota {
    /// Whether there is any limit.
    #[must_use]
    pub fn is_limited(&self) -> bool {
        self.bytes.is_some() || self.files.is_some()
    }

    /// Whether so much may stand there.
    ///
    /// # Errors
    /// Which quota is passed, in words for the client.
    pub fn allows(&self, usage: Usage) -> Result<(), Forbidden> {
        let passed = |what: String| {
            let sentence = format!(
                "this would pass the account's quota of {what}; remove files that are not needed any more, and send it again"
            );
            Err(Forbidden { code: "quota", sentence })
        };
        if let Some(max) = self.files.filter(|max| usage.files > *max) {
            return passed(format!("{max} files"));
        }
        if let Some(max) = self.bytes.filter(|max| usage.bytes > *max) {
            return passed(format!("{max} bytes"));
        }
        Ok(())
    }

    /// What the operator is to be told when a drop grows from `before` to `after`: once, when the warning's share is
    /// reached.
    #[must_use]
    pub fn warning(&self, before: Usage, after: Usage) -> Option<String> {
        let reached = |used: u64, max: u64| {
            u128::from(used) * 100 >= u128::from(max) * u128::from(self.warning_percent) && self.warning_percent != 0
        };
        let crossed = |before: u64, after: u64, max: u64| reached(after, max) && !reached(before, max);
        if let Some(max) = self.bytes.filter(|max| crossed(before.bytes, after.bytes, *max)) {
            return Some(format!("{} of the quota's {max} bytes are used", after.bytes));
        }
        self.files
            .filter(|max| crossed(before.files, after.files, *max))
            .map(|max| format!("{} of the quota's {max} files are there", after.files))
    }
}

#[cfg(test)]
mod tests;
