//! `[accounts]`: what holds for every account whose own policy does not say otherwise.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{ByteSize, ConfigError};
use crate::domain::Network;
use crate::domain::policy::{BANDWIDTH_MIN, NETWORKS_MAX, NamePattern, PATTERNS_MAX};
use crate::domain::{Permission, Policy};

/// The defaults of every account. 0 is no limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Accounts {
    /// Where logins may come from; empty is anywhere.
    pub allowed_addresses: Vec<Network>,
    pub permissions: BTreeSet<Permission>,
    /// What may stand in one account's drop.
    pub quota_bytes: ByteSize,
    pub quota_files: u64,
    /// How full a quota is when the operator is told, in percent; 0 is never.
    pub quota_warning_percent: u8,
    /// Bytes per second of one account, over all its sessions, in both directions.
    pub bandwidth: ByteSize,
    /// What names of files must look like; empty is any name.
    pub name_patterns: Vec<NamePattern>,
    /// The largest file, where that is less than `[land] file_max`.
    pub file_max: ByteSize,
    /// FTPS uploads that end without TLS's `close_notify` are held, instead of refused.
    pub tolerate_missing_close_notify: bool,
}

impl Default for Accounts {
    fn default() -> Self {
        let policy = Policy::default();
        Self {
            allowed_addresses: policy.allowed_addresses,
            permissions: policy.permissions,
            quota_bytes: ByteSize::of(policy.quota_bytes),
            quota_files: policy.quota_files,
            quota_warning_percent: policy.quota_warning_percent,
            bandwidth: ByteSize::of(policy.bandwidth),
            name_patterns: policy.name_patterns,
            file_max: ByteSize::of(policy.file_max),
            tolerate_missing_close_notify: policy.tolerate_missing_close_notify,
        }
    }
}

impl Accounts {
    /// The policy of an account that says nothing itself.
    #[must_use]
    pub fn policy(&self) -> Policy {
        Policy {
            disabled: false,
            valid_until: None,
            allowed_addresses: self.allowed_addresses.clone(),
            permissions: self.permissions.clone(),
            quota_bytes: self.quota_bytes.bytes(),
            quota_files: self.quota_files,
            quota_warning_percent: self.quota_warning_percent,
            bandwidth: self.bandwidth.bytes(),
            name_patterns: self.name_patterns.clone(),
            file_max: self.file_max.bytes(),
            tolerate_missing_close_notify: self.tolerate_missing_close_notify,
        }
    }

    pub(super) fn checked(&self) -> Result<(), ConfigError> {
        let bandwidth = self.bandwidth.bytes();
        if bandwidth != 0 && bandwidth < BANDWIDTH_MIN {
            let least = ByteSize::of(BANDWIDTH_MIN);
            return Err(ConfigError::Invalid(format!(
                "accounts.bandwidth is {}; the least is {least}",
                self.bandwidth
            )));
        }
        if self.quota_warning_percent > 100 {
            return Err(ConfigError::Invalid("accounts.quota_warning_percent is more than 100".to_owned()));
        }
        for (name, count, max) in [
            ("allowed_addresses", self.allowed_addresses.len(), NETWORKS_MAX),
            ("name_patterns", self.name_patterns.len(), PATTERNS_MAX),
        ] {
            if count > max {
                return Err(ConfigError::Invalid(format!("accounts.{name} has {count} entries; there may be {max}")));
            }
        }
        Ok(())
    }
}
