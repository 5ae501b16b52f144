//! Which column is which field: by its name and by what is in it; and what kind of documents that makes.

use super::values::Shape;
use super::words::{WORDS, fit};
use crate::profile::{Documents, Field, FieldKind};

/// A column of the sample.
pub(super) struct Column<'s> {
    pub(super) header: &'s str,
    /// Its filled cells, each with its row.
    pub(super) values: Vec<(u64, &'s str)>,
    pub(super) shape: Shape,
}

/// The field that a column most likely is.
#[derive(Debug, Clone)]
pub(super) struct Guessed {
    pub(super) field: &'static str,
    pub(super) confidence: u8,
    pub(super) why: String,
}

/// Below this nothing is proposed.
const CONFIDENCE_MIN: u8 = 30;

/// The kind of documents that fits the columns best, and the field of each column.
pub(super) fn assign(columns: &[Column<'_>]) -> (Documents, Vec<Option<Guessed>>) {
    let kinds = [Documents::Invoice, Documents::Voucher, Documents::Remittance, Documents::Vendor];
    let mut best: Option<(i32, Documents, Vec<Option<Guessed>>)> = None;
    for documents in kinds {
        let fields = fields_of(columns, documents);
        let score = score(documents, &fields);
        if best.as_ref().is_none_or(|(known, ..)| score > *known) {
            best = Some((score, documents, fields));
        }
    }
    best.map_or((Documents::Invoice, Vec::new()), |(_, documents, fields)| (documents, fields))
}

/// How well a kind fits: what its columns are, what it cannot be without, and what only it has.
fn score(documents: Documents, fields: &[Option<Guessed>]) -> i32 {
    let has = |name: &str| fields.iter().flatten().any(|guessed| guessed.field == name);
    let mut score: i32 = fields.iter().flatten().map(|guessed| i32::from(guessed.confidence)).sum();
    for field in Field::all(documents).filter(|field| field.always) {
        score += if has(field.name) { 40 } else { -160 };
    }
    let own: &[&str] = match documents {
        Documents::Invoice => &["line_quantity", "line_price", "line_amount", "line_description"],
        Documents::Voucher => &["status_code", "voucher_number", "hold_codes", "open"],
        Documents::Remittance => &["payment_amount", "discount", "adjustment"],
        Documents::Vendor => &["street", "city", "tax_id", "remittance_email", "postal_code"],
    };
    score + i32::try_from(own.iter().filter(|name| has(name)).count()).unwrap_or_default() * 50
}

/// The fields of the columns for one kind of documents, the surest pairs first.
fn fields_of(columns: &[Column<'_>], documents: Documents) -> Vec<Option<Guessed>> {
    let mut pairs: Vec<(u8, usize, &'static str, String)> = Vec::new();
    for (index, column) in columns.iter().enumerate() {
        for (_, name, words) in WORDS.iter().filter(|(of, ..)| *of == documents) {
            let Some(field) = Field::named(documents, name) else { continue };
            let Some((score, word)) = fit(column.header, words) else { continue };
            let (score, seen) = weighed(score, column.shape, field.kind, field.name);
            if score >= CONFIDENCE_MIN {
                pairs.push((score, index, field.name, format!("the name is like `{word}`{seen}")));
            }
        }
        if column.shape == Shape::Currency && Field::named(documents, "currency").is_some() {
            pairs.push((70, index, "currency", "the values are currency codes".to_owned()));
        }
    }
    pairs.sort_by(|one, two| two.0.cmp(&one.0).then(one.1.cmp(&two.1)));
    let mut fields: Vec<Option<Guessed>> = columns.iter().map(|_| None).collect();
    for (confidence, index, field, why) in pairs {
        let is_taken = fields.iter().flatten().any(|guessed| guessed.field == field);
        if let Some(slot) = fields.get_mut(index).filter(|slot| slot.is_none() && !is_taken) {
            *slot = Some(Guessed { field, confidence, why });
        }
    }
    fields
}

/// A name's score, with what the values say to it.
fn weighed(score: u8, shape: Shape, kind: FieldKind, name: &str) -> (u8, &'static str) {
    match (kind, shape) {
        (_, Shape::Empty) => (score.saturating_sub(20), ", and nothing is in it"),
        (FieldKind::Date, Shape::Date) => (score.saturating_add(4), ", and dates are in it"),
        (FieldKind::Amount | FieldKind::Number, Shape::Amount) => (score.saturating_add(4), ", and amounts are in it"),
        // 20260203 may be a date or an amount; an amount it is not often.
        (FieldKind::Date, _) => (score / 4, ", but no dates are in it"),
        (FieldKind::Amount | FieldKind::Number, Shape::Date) => (score / 4, ", but dates are in it"),
        (FieldKind::Amount | FieldKind::Number, _) => (score / 4, ", but no amounts are in it"),
        (FieldKind::Text, Shape::Currency) if name == "currency" => {
            (score.saturating_add(4), ", and currency codes are in it")
        }
        (FieldKind::Text, _) if name == "currency" => (score / 4, ", but no currency codes are in it"),
        (FieldKind::Text, Shape::Date) if name != "note" => (score / 2, ", but dates are in it"),
        (FieldKind::Text, _) => (score, ""),
    }
}
