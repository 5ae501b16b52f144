//! What can be wrong with the record types of a profile, and with how it says numbers are written.

use super::check::{ProfileError, unknown_field};
use super::{Documents, Field, FieldKind, Place, Profile, Record, Role, TrailerField};

/// So wide may a row of fixed width be, in characters.
const COLUMN_MAX: u32 = 100_000;
/// An exact decimal has no more decimals.
const DECIMALS_MAX: u32 = 28;

impl Profile {
    /// The record types agree with each other and with the rest.
    pub(super) fn check_records(&self, documents: Documents) -> Result<(), ProfileError> {
        if self.records.is_empty() {
            return match self.record_type {
                None => Ok(()),
                Some(_) => Err(ProfileError::new("record_type", "no [[records]] says what the types are", "add them")),
            };
        }
        if !self.columns.is_empty() {
            let message = "a file has a header with [columns], or [[records]]";
            return Err(ProfileError::new("columns", message, "keep one of them"));
        }
        self.check_tags()?;
        for record in &self.records {
            self.check_record(record, documents)?;
        }
        let opens = |record: &Record| matches!(record.role, Role::Document | Role::Row);
        if !self.records.iter().any(opens) {
            let allowed = "one needs role = \"document\" or role = \"row\"";
            return Err(ProfileError::new("records", "no record type opens a document", allowed));
        }
        let number = documents.number_field();
        for record in self.records.iter().filter(|record| opens(record)) {
            if !record.columns.contains_key(number) {
                let message = format!("a `{}` record opens a document, but has no `{number}`", record.tag);
                return Err(ProfileError::new("records", message, format!("add `{number}` to its columns")));
            }
        }
        Ok(())
    }

    fn check_tags(&self) -> Result<(), ProfileError> {
        match (self.records.as_slice(), self.record_type) {
            ([_], None) => return Ok(()),
            (_, None) => {
                let message = "there are several record types, and nothing says where a row names its own";
                let allowed = "record_type = 1, or record_type = { start = 1, length = 1 }";
                return Err(ProfileError::new("record_type", message, allowed));
            }
            _ => {}
        }
        for (index, record) in self.records.iter().enumerate() {
            if record.tag.trim().is_empty() {
                return Err(ProfileError::new(
                    "records",
                    "a record type without a `type`",
                    "say what its rows begin with",
                ));
            }
            if self.records.iter().take(index).any(|other| other.tag == record.tag) {
                let message = format!("the record type `{}` comes twice", record.tag);
                return Err(ProfileError::new("records", message, "keep one of them"));
            }
        }
        Ok(())
    }

    fn check_record(&self, record: &Record, documents: Documents) -> Result<(), ProfileError> {
        for (name, place) in &record.columns {
            let key = format!("records.columns.{name}");
            if record.role == Role::Trailer {
                if TrailerField::named(name).is_none() {
                    let known = TrailerField::ALL.map(TrailerField::name).join(", ");
                    let message = format!("`{name}` is nothing a trailer counts");
                    return Err(ProfileError::new(&key, message, format!("allowed: {known}")));
                }
                if name == TrailerField::ControlTotal.name() && documents.amount_field().is_none() {
                    return Err(ProfileError::new(&key, "vendors have no amounts", "leave it out"));
                }
            } else if Field::named(documents, name).is_none() {
                return Err(unknown_field(&key, documents, name));
            }
            self.check_place(&key, *place)?;
        }
        if let Some(place) = self.record_type {
            self.check_place("record_type", place)?;
        }
        if record.role == Role::Line && !documents.has_lines() {
            let message = format!("a {} has no lines", documents.as_str());
            return Err(ProfileError::new(
                "records.role",
                message,
                "allowed: \"document\", \"row\", \"trailer\", \"ignore\"",
            ));
        }
        Ok(())
    }

    fn check_place(&self, key: &str, place: Place) -> Result<(), ProfileError> {
        let (is_span, good) = match place {
            Place::Column(column) => (false, (1..=COLUMN_MAX).contains(&column)),
            Place::Span(span) => {
                let end = u64::from(span.start) + u64::from(span.length);
                (true, span.start > 0 && span.length > 0 && end <= u64::from(COLUMN_MAX))
            }
        };
        if !good {
            return Err(ProfileError::new(key, "no place in a row", format!("columns count from 1 to {COLUMN_MAX}")));
        }
        if is_span != self.is_fixed_width() {
            let allowed = "either all are column numbers, or all are { start = …, length = … }";
            return Err(ProfileError::new(key, "a file is delimited or of fixed width, not both", allowed));
        }
        Ok(())
    }

    /// Whether values stand at fixed places in a row.
    #[must_use]
    pub fn is_fixed_width(&self) -> bool {
        self.records.iter().flat_map(|record| record.columns.values()).any(|place| matches!(place, Place::Span(_)))
    }

    /// Only numbers have a number format.
    pub(super) fn check_numbers(&self, documents: Documents) -> Result<(), ProfileError> {
        for (name, format) in &self.numbers {
            let key = format!("numbers.{name}");
            let is_number = |field: &Field| matches!(field.kind, FieldKind::Amount | FieldKind::Number);
            let is_total = name == TrailerField::ControlTotal.name() && !self.records.is_empty();
            match Field::named(documents, name) {
                Some(field) if !is_number(field) => {
                    return Err(ProfileError::new(&key, format!("{} is no number", field.about), "leave it out"));
                }
                None if !is_total => return Err(unknown_field(&key, documents, name)),
                _ => {}
            }
            if format.decimals.is_some_and(|decimals| decimals > DECIMALS_MAX) {
                return Err(ProfileError::new(&key, "too many decimals", format!("at most {DECIMALS_MAX}")));
            }
        }
        Ok(())
    }
}
