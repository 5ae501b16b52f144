//! A feed profile: how one organisation's files are read. Plain data, checked when it is loaded.
//!
//! A profile is a TOML file; `docs/PROFILES.md` explains every key, `config/profiles/` has one by example
//! per ERP, and [`built_in`] carries those in the program.

mod check;
mod check_records;
mod dates;
mod fields;
mod guess;
mod records;
mod settings;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

pub use check::ProfileError;
pub use dates::DatePattern;
pub(crate) use fields::FieldId;
pub use fields::{FIELDS, Field, FieldKind};
pub use guess::{Guess, GuessedColumn, guess};
pub(crate) use records::is_among;
pub use records::{NumberFormat, Place, Record, Role, Span, TrailerField};
pub use settings::{
    DecimalMark, Defaults, Delimiter, Documents, Negative, Quote, Rules, StatusEntry, TextEncoding, UnknownColumns,
    Words,
};

use crate::finding::Severity;

/// What a profile makes of a finding with a given code or rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    /// The document is not right as it is.
    Error,
    /// Worth knowing.
    Warning,
    /// Not reported at all.
    Off,
}

/// A feed profile. One without `documents` describes no CSV file: it only weighs findings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Profile {
    /// Its name: lower case letters, digits and hyphens.
    pub name: String,
    /// A sentence for people: whose files these are.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// What a row holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub documents: Option<Documents>,
    /// What stands between two columns.
    pub delimiter: Delimiter,
    /// What the text is written in.
    pub encoding: TextEncoding,
    /// What stands around a value that contains the delimiter.
    pub quote: Quote,
    /// The decimal mark.
    pub decimal: DecimalMark,
    /// Thousands separators that are accepted; a space stands for every kind of space.
    pub thousands: Vec<char>,
    /// How a negative amount may be written.
    pub negative: Vec<Negative>,
    /// Signs at either end of an amount that mean nothing.
    pub currency_signs: Vec<String>,
    /// How dates are written; the first pattern that fits is used.
    pub dates: Vec<DatePattern>,
    /// Rows above the header.
    pub skip_rows: u32,
    /// Rows that are no documents begin with one of these words and have no number: `Total`.
    pub skip_starting_with: Vec<String>,
    /// Whether consecutive rows with the same number (and vendor) are one invoice, a line each.
    pub group_by_number: bool,
    /// What to say about a column that no field names.
    pub unknown_columns: UnknownColumns,
    /// Fields whose column must be there and whose cells must not be empty, beside the ones that always must.
    pub required: Vec<String>,
    /// Words in the column of `type` that mean a credit note.
    pub credit_types: Vec<String>,
    /// What holds where the file has no column for it.
    #[serde(skip_serializing_if = "Defaults::is_empty")]
    pub defaults: Defaults,
    /// Canonical field to the header names that are accepted for it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub columns: BTreeMap<String, Words>,
    /// Vendors: field to the words in it that ask for the vendor to be taken off the list.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub deleted: BTreeMap<String, Words>,
    /// Vendors: field to the words in it that say the vendor is blocked.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub inactive: BTreeMap<String, Words>,
    /// The sheet of a workbook that is read; the first, where none is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// Where a row says of which record type it is, in a file without a header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record_type: Option<Place>,
    /// The record types of a file without a header.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub records: Vec<Record>,
    /// Amounts that are written without a decimal mark, or with COBOL's sign, by field.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub numbers: BTreeMap<String, NumberFormat>,
    /// The payer's status codes.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub status: BTreeMap<String, StatusEntry>,
    /// Which rules an invoice is held to, of whatever format it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules: Option<Rules>,
    /// Findings weighed otherwise than by default, by code, rule or family of rules:
    /// `"TDS-ARITH" = "warning"`, `"BR-CL-*" = "off"`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub severities: BTreeMap<String, Weight>,
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            name: String::new(),
            title: String::new(),
            documents: None,
            delimiter: Delimiter::Auto,
            encoding: TextEncoding::Auto,
            quote: Quote::default(),
            decimal: DecimalMark::Point,
            thousands: Vec::new(),
            negative: vec![Negative::Leading],
            currency_signs: Vec::new(),
            dates: DatePattern::parse("YYYY-MM-DD").into_iter().collect(),
            skip_rows: 0,
            skip_starting_with: Vec::new(),
            group_by_number: false,
            unknown_columns: UnknownColumns::Ignore,
            required: Vec::new(),
            credit_types: ["credit", "credit note", "credit memo", "cm", "cn", "381"].map(str::to_owned).to_vec(),
            defaults: Defaults::default(),
            columns: BTreeMap::new(),
            deleted: BTreeMap::new(),
            inactive: BTreeMap::new(),
            sheet: None,
            record_type: None,
            records: Vec::new(),
            numbers: BTreeMap::new(),
            status: BTreeMap::new(),
            rules: None,
            severities: BTreeMap::new(),
        }
    }
}

impl Profile {
    /// Reads and checks a profile.
    ///
    /// # Errors
    /// The first thing that is wrong with it: where, which key, and what would be right.
    pub fn from_toml(text: &str) -> Result<Self, ProfileError> {
        let profile = toml::from_str::<Self>(text).map_err(|error| ProfileError::of_toml(text, &error))?;
        profile.check().map_err(|error| error.found_in(text))?;
        Ok(profile)
    }

    /// The profile as a TOML file that [`Profile::from_toml`] reads back to the same.
    #[must_use]
    #[expect(clippy::expect_used, reason = "strings, numbers and lists under string keys are always TOML")]
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a profile is plain data")
    }

    /// How this profile weighs a finding; `None` drops it. The rule is asked before the code, and each before
    /// the families it is of (`BR-CL-*`), the longest first.
    #[must_use]
    pub fn weigh(&self, code: &str, rule: Option<&str>, severity: Severity) -> Option<Severity> {
        let weight = rule.and_then(|rule| self.weight_of(rule)).or_else(|| self.weight_of(code));
        match weight {
            None => Some(severity),
            Some(Weight::Error) => Some(Severity::Error),
            Some(Weight::Warning) => Some(Severity::Warning),
            Some(Weight::Off) => None,
        }
    }

    /// Whether some column of the profile is for a field.
    #[must_use]
    pub fn maps(&self, name: &str) -> bool {
        self.columns.contains_key(name) || self.records.iter().any(|record| record.columns.contains_key(name))
    }

    fn weight_of(&self, name: &str) -> Option<Weight> {
        let is_of = |family: &&String| family.strip_suffix('*').is_some_and(|prefix| name.starts_with(prefix));
        let family = || self.severities.keys().filter(is_of).max_by_key(|family| family.len());
        self.severities.get(name).or_else(|| self.severities.get(family()?)).copied()
    }

    /// Whether a field's cell must not be empty (and its column not missing).
    #[must_use]
    pub fn requires(&self, field: &Field) -> bool {
        field.always || self.required.iter().any(|name| name == field.name)
    }
}

/// The profiles that ship with the program: the files of `config/profiles/`.
#[must_use]
pub fn built_in() -> &'static [Profile] {
    &BUILT_IN
}

static BUILT_IN: LazyLock<Vec<Profile>> = LazyLock::new(|| {
    [
        include_str!("../../../config/profiles/waybill-invoices.toml"),
        include_str!("../../../config/profiles/waybill-vouchers.toml"),
        include_str!("../../../config/profiles/waybill-vendors.toml"),
        include_str!("../../../config/profiles/waybill-remittances.toml"),
        include_str!("../../../config/profiles/waybill-records.toml"),
        include_str!("../../../config/profiles/waybill-fixed.toml"),
        include_str!("../../../config/profiles/paymentworks-vendors.toml"),
        include_str!("../../../config/profiles/quickbooks-bills.toml"),
        include_str!("../../../config/profiles/netsuite-bills.toml"),
        include_str!("../../../config/profiles/sap-open-items.toml"),
    ]
    .into_iter()
    .map(shipped)
    .collect()
});

#[expect(clippy::panic, reason = "these files are compiled in, and a test reads each")]
fn shipped(text: &str) -> Profile {
    match Profile::from_toml(text) {
        Ok(profile) => profile,
        Err(error) => panic!("a profile that ships with the program is wrong: {error}"),
    }
}

#[cfg(test)]
mod tests;
