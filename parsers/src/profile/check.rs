//! What can be wrong with a profile, said with line, key and what would be right.

use std::collections::BTreeMap;
use std::fmt;

use super::Profile;
use super::fields::Field;
use super::settings::{DecimalMark, Delimiter, Documents};

/// Why a profile cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ProfileError {
    /// Line of the profile, from 1, where it could be told.
    pub line: Option<usize>,
    /// The key it is about; empty where the file is no TOML at all.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub allowed: String,
}

impl fmt::Display for ProfileError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(out, "line {line}: ")?;
        }
        if !self.key.is_empty() {
            write!(out, "`{}`: ", self.key)?;
        }
        out.write_str(&self.message)?;
        if self.allowed.is_empty() { Ok(()) } else { write!(out, "; {}", self.allowed) }
    }
}

impl ProfileError {
    pub(super) fn new(key: &str, message: impl Into<String>, allowed: impl Into<String>) -> Self {
        Self { line: None, key: key.to_owned(), message: message.into(), allowed: allowed.into() }
    }

    /// What the TOML reader said, with the line and the key it was at.
    pub(super) fn of_toml(text: &str, error: &toml::de::Error) -> Self {
        let start = error.span().map(|span| span.start);
        let line = start.and_then(|start| text.get(..start)).map(|before| before.matches('\n').count() + 1);
        let key = line
            .and_then(|line| text.lines().nth(line - 1))
            .and_then(|content| content.split_once('='))
            .map(|(key, _)| key.trim().trim_matches('"').to_owned())
            .unwrap_or_default();
        let said = error.message();
        let (message, allowed) = match said.split_once(", expected ") {
            Some((message, expected)) => {
                let nearest = nearest(&key, expected.split('`').filter(|word| !word.contains([' ', ','])));
                let hint = nearest.map(|word| format!("did you mean `{word}`? ")).unwrap_or_default();
                (message.to_owned(), format!("{hint}allowed: {expected}"))
            }
            None => (said.to_owned(), String::new()),
        };
        Self { line, key, message, allowed }
    }

    /// The same, with the line on which `text` has the key.
    pub(super) fn found_in(mut self, text: &str) -> Self {
        let (table, key) = self.key.rsplit_once('.').unwrap_or(("", &self.key));
        let mut inside = String::new();
        for (index, content) in text.lines().enumerate() {
            let content = content.trim();
            if let Some(name) = content.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
                name.trim().clone_into(&mut inside);
            }
            let named = content.split_once('=').map(|(name, _)| name.trim().trim_matches('"'));
            if inside == table && named == Some(key) {
                self.line = Some(index + 1);
                break;
            }
        }
        self
    }
}

impl Profile {
    /// What TOML cannot say by itself.
    pub(super) fn check(&self) -> Result<(), ProfileError> {
        self.check_name()?;
        self.check_severities()?;
        let Some(documents) = self.documents else {
            return match self.columns.is_empty() && self.records.is_empty() {
                true => Ok(()),
                false => {
                    let allowed = "allowed: \"invoice\", \"voucher\", \"vendor\", \"remittance\"";
                    Err(ProfileError::new("documents", "not said", allowed))
                }
            };
        };
        self.check_columns(documents)?;
        self.check_headers()?;
        self.check_records(documents)?;
        self.check_numbers(documents)?;
        self.check_required(documents)?;
        self.check_texts()?;
        self.check_status(documents)
    }

    fn check_name(&self) -> Result<(), ProfileError> {
        let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if self.name.is_empty() || self.name.len() > 64 || !self.name.chars().all(legal) {
            let message = if self.name.is_empty() { "a profile needs a name" } else { "not a name for a profile" };
            let allowed = "allowed: up to 64 lower case letters, digits and hyphens";
            return Err(ProfileError::new("name", message, allowed));
        }
        Ok(())
    }

    fn check_severities(&self) -> Result<(), ProfileError> {
        let is_known = |name: &str| match name.strip_suffix('*') {
            Some(prefix) => !prefix.is_empty() && crate::explanations().any(|known| known.code.starts_with(prefix)),
            None => crate::explanations().any(|known| known.code == name),
        };
        match self.severities.keys().find(|name| !is_known(name)) {
            Some(name) => {
                let message = if name.ends_with('*') {
                    "no code or rule begins so".to_owned()
                } else {
                    format!("`{name}` is no code or rule of a finding")
                };
                let hint = nearest(name, crate::explanations().map(|known| known.code))
                    .map(|near| format!("did you mean `{near}`? "))
                    .unwrap_or_default();
                let allowed = format!("{hint}for example \"total_mismatch\", \"BR-CO-10\" or \"BR-CL-*\"");
                Err(ProfileError::new(&format!("severities.{name}"), message, allowed))
            }
            None => Ok(()),
        }
    }

    fn check_columns(&self, documents: Documents) -> Result<(), ProfileError> {
        for (name, words) in &self.columns {
            let key = format!("columns.{name}");
            if Field::named(documents, name).is_none() {
                return Err(unknown_field(&key, documents, name));
            }
            if words.all().is_empty() || words.all().iter().any(|word| word.trim().is_empty()) {
                return Err(ProfileError::new(
                    &key,
                    "an empty header name",
                    "name the column as the file's header does",
                ));
            }
        }
        Ok(())
    }

    fn check_headers(&self) -> Result<(), ProfileError> {
        let mut owners: BTreeMap<String, &str> = BTreeMap::new();
        for (name, words) in &self.columns {
            for word in words.all() {
                if let Some(other) = owners.insert(crate::csv::folded(word), name).filter(|other| other != name) {
                    return Err(ProfileError::new(
                        &format!("columns.{name}"),
                        format!("the header `{word}` is also accepted for `{other}`"),
                        "a column can be one field only",
                    ));
                }
            }
        }
        Ok(())
    }

    fn check_required(&self, documents: Documents) -> Result<(), ProfileError> {
        for name in &self.required {
            if Field::named(documents, name).is_none() {
                return Err(unknown_field("required", documents, name));
            }
        }
        for field in Field::all(documents).filter(|field| self.requires(field)) {
            if !self.maps(field.name) {
                return Err(ProfileError::new(
                    &format!("columns.{}", field.name),
                    format!("required ({}), but no column is named for it", field.about),
                    format!("add `{} = \"…\"` under [columns]", field.name),
                ));
            }
        }
        let said = self.maps("currency") || self.defaults.currency.is_some();
        if documents.has_amounts() && !said {
            let allowed = "add `currency` under [columns], or `currency = \"USD\"` under [defaults]";
            return Err(ProfileError::new(
                "columns.currency",
                "nothing says in which currency the amounts are",
                allowed,
            ));
        }
        Ok(())
    }

    fn check_texts(&self) -> Result<(), ProfileError> {
        let is_delimiter = |quote: u8| match self.delimiter {
            Delimiter::Byte(delimiter) => quote == delimiter,
            Delimiter::Auto => Delimiter::KNOWN.contains(&quote),
        };
        if self.quote.0.is_some_and(is_delimiter) {
            return Err(ProfileError::new("quote", "the same as the delimiter", "use two different signs"));
        }
        let mark = match self.decimal {
            DecimalMark::Point => Some('.'),
            DecimalMark::Comma => Some(','),
            DecimalMark::Auto => None,
        };
        for sign in &self.thousands {
            if mark == Some(*sign) {
                let allowed = "a sign can separate decimals or thousands, not both";
                return Err(ProfileError::new("thousands", format!("`{sign}` is the decimal mark"), allowed));
            }
            if !matches!(sign, ',' | '.' | ' ' | '\'' | '’' | '_') {
                let allowed = "allowed: \",\", \".\", \" \", \"'\", \"’\", \"_\"";
                return Err(ProfileError::new("thousands", format!("`{sign}` is no thousands separator"), allowed));
            }
        }
        for (index, pattern) in self.dates.iter().enumerate() {
            if let Some(other) = self.dates.iter().take(index).find(|other| pattern.contradicts(other)) {
                let (one, two) = (other.as_str(), pattern.as_str());
                let message = format!("ambiguous: a date can be read as both `{one}` and `{two}`");
                return Err(ProfileError::new("dates", message, "keep the one this sender writes"));
            }
        }
        if self.dates.is_empty() {
            return Err(ProfileError::new("dates", "an empty list", "for example [\"YYYY-MM-DD\"]"));
        }
        match &self.defaults.currency {
            Some(code) if crate::csv::minor_units(code).is_none() => Err(ProfileError::new(
                "defaults.currency",
                format!("`{code}` is no ISO 4217 code"),
                "for example \"EUR\"",
            )),
            _ => Ok(()),
        }
    }

    fn check_status(&self, documents: Documents) -> Result<(), ProfileError> {
        if documents != Documents::Voucher && !self.status.is_empty() {
            let message = format!("{} documents have no status map", documents.as_str());
            return Err(ProfileError::new("status", message, "allowed with documents = \"voucher\""));
        }
        if self.maps("status_code") && self.status.is_empty() {
            let allowed = "add [status] with an entry for each code, or drop the column";
            return Err(ProfileError::new("columns.status_code", "no [status] says what the codes mean", allowed));
        }
        if !documents.has_lines() && self.group_by_number {
            return Err(ProfileError::new(
                "group_by_number",
                format!("a {} is one row", documents.as_str()),
                "allowed with documents = \"invoice\" or \"remittance\"",
            ));
        }
        for (table, words) in [("deleted", &self.deleted), ("inactive", &self.inactive)] {
            for name in words.keys() {
                if documents != Documents::Vendor {
                    return Err(ProfileError::new(table, "only vendors are", "allowed with documents = \"vendor\""));
                }
                if !self.maps(name) {
                    let message = format!("no column is named for `{name}`");
                    return Err(ProfileError::new(&format!("{table}.{name}"), message, "name it under [columns]"));
                }
            }
        }
        Ok(())
    }
}

pub(super) fn unknown_field(key: &str, documents: Documents, name: &str) -> ProfileError {
    let hint = nearest(name, Field::all(documents).map(|field| field.name))
        .map(|near| format!("did you mean `{near}`? "))
        .unwrap_or_default();
    let known = Field::all(documents).map(|field| field.name).collect::<Vec<_>>().join(", ");
    let message = format!("`{name}` is no field of {} documents", documents.as_str());
    ProfileError::new(key, message, format!("{hint}allowed: {known}"))
}

/// The word closest to `word`, if one is close enough to be a slip.
fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // A word of a hostile profile may be of any length; a slip is not.
    if word.len() > 64 {
        return None;
    }
    known
        .filter(|candidate| !candidate.is_empty())
        .map(|candidate| (distance(word, candidate), candidate))
        .min()
        .filter(|(distance, candidate)| *distance <= candidate.len().max(3) / 3)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's distance.
fn distance(one: &str, two: &str) -> usize {
    let mut row: Vec<usize> = (0..=two.chars().count()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, b) in row.iter_mut().skip(1).zip(two.chars()) {
            let cost = if a == b { diagonal } else { diagonal.min(left).min(*cell) + 1 };
            diagonal = *cell;
            *cell = cost;
            left = cost;
        }
    }
    row.last().copied().unwrap_or_default()
}
