//! A feed profile: how one organisation's files are read. Plain data, checked when it is loaded.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::finding::Severity;

/// What a profile makes of a finding with a given code or rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    Error,
    Warning,
    /// Not reported at all.
    Off,
}

/// A feed profile.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Its name: lower case letters, digits and hyphens.
    pub name: String,
    /// Findings weighed otherwise than by default, by code or rule: `"TDS-ARITH" = "warning"`.
    #[serde(default)]
    pub severities: BTreeMap<String, Weight>,
}

impl Profile {
    /// How this profile weighs a finding; `None` drops it.
    #[must_use]
    pub fn weigh(&self, code: &str, rule: Option<&str>, severity: Severity) -> Option<Severity> {
        let weight = rule.and_then(|rule| self.severities.get(rule)).or_else(|| self.severities.get(code));
        match weight {
            None => Some(severity),
            Some(Weight::Error) => Some(Severity::Error),
            Some(Weight::Warning) => Some(Severity::Warning),
            Some(Weight::Off) => None,
        }
    }
}
