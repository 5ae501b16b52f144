//! Files without a header: which record type a row is, and whether a file is one that a profile describes.

use super::amount::Amounts;
use super::charset::Charset;
use super::currency::minor_units;
use super::layout::Layout;
use super::rows::{Dialect, Row, Rows};
use super::sheet::Sheet;
use super::sniff::{Plan, dialects, reader};
use crate::HEAD_BYTES;
use crate::profile::{FIELDS, FieldId, FieldKind, Place, Profile, Role, Span};

/// Finds the record type of a row and cuts it, if it is of fixed width. `Err` is the tag nobody knows.
pub(super) fn assign(
    row: &mut Row,
    profile: &Profile,
    layouts: &[Layout],
    charset: Charset,
    dialect: Dialect,
) -> Result<(), String> {
    row.record = match profile.record_type {
        None => 0,
        Some(place) => {
            let tag = tag(row, place, charset, dialect);
            layouts.iter().position(|layout| layout.tag == tag).ok_or(tag)?
        }
    };
    if let Some(layout) = layouts.get(row.record).filter(|layout| !layout.spans.is_empty()) {
        row.cut(&layout.spans, charset);
    }
    Ok(())
}

fn tag(row: &mut Row, place: Place, charset: Charset, dialect: Dialect) -> String {
    let column = match place {
        Place::Column(column) => (column as usize).saturating_sub(1),
        Place::Span(span) => {
            let whole = Span { start: 1, length: u32::MAX };
            row.cut(&[span, whole], charset);
            0
        }
    };
    let Some(cell) = row.cells.get(column) else { return String::new() };
    charset.text(&row.value(*cell, dialect.quote)).trim().to_owned()
}

/// So many rows of a head are looked at.
const ROWS_LOOKED_AT: usize = 50;

/// The ways to read a file by a profile with record types: those in which its first row, and most of the
/// others, are of a known type, and its first document has a date, an amount and a currency where they are
/// said to be. `lenient` asks for one known row only: the caller has named the profile.
pub(super) fn plans<'p>(head: &[u8], profile: &'p Profile, lenient: bool) -> Vec<Plan<'p>> {
    let Some(charset) = Charset::of(head, head.len() < HEAD_BYTES, profile.encoding) else { return Vec::new() };
    let all = match profile.is_fixed_width() {
        true => vec![Dialect::LINES],
        false => dialects(head, charset, profile.delimiter, profile.quote),
    };
    let matched = profile.records.iter().map(|record| record.columns.len()).sum();
    let plan = |dialect| Plan { profile, charset, dialect, missing: Vec::new(), matched };
    all.into_iter().filter(|dialect| fits(head, plan(*dialect), lenient)).map(plan).collect()
}

fn fits(head: &[u8], plan: Plan<'_>, lenient: bool) -> bool {
    let (profile, charset, dialect) = (plan.profile, plan.charset, plan.dialect);
    let Some(mut rows) = reader(head, charset, dialect) else { return false };
    let layouts: Vec<Layout> = profile.records.iter().map(|record| Layout::of_record(profile, record)).collect();
    let sheet = Sheet::new(plan, layouts, None);
    let (mut known, mut seen, mut has_document) = (0, 0, false);
    let mut row = Row::default();
    while seen < ROWS_LOOKED_AT && next_whole(&mut rows, &mut row, head) {
        if row.is_blank(dialect) || row.number <= u64::from(profile.skip_rows) {
            continue;
        }
        seen += 1;
        let is_known = assign(&mut row, profile, sheet.layouts(), charset, dialect).is_ok();
        known += usize::from(is_known);
        if !lenient && known < seen && seen == 1 {
            return false;
        }
        let role = sheet.layout(&row).map(|layout| layout.role).filter(|_| is_known);
        if !has_document && matches!(role, Some(Role::Document | Role::Row)) {
            has_document = true;
            if !lenient && !reads(&sheet, &row) {
                return false;
            }
        }
    }
    if lenient { known > 0 && profile.record_type.is_some() || has_document } else { has_document && known * 2 > seen }
}

/// The next row, unless the head cuts it off.
fn next_whole(rows: &mut Rows<'_>, row: &mut Row, head: &[u8]) -> bool {
    rows.next(row).unwrap_or(false) && !(row.is_last && head.len() >= HEAD_BYTES)
}

/// Whether every required field of a row that opens a document can be read, and its currency is one.
fn reads(sheet: &Sheet<'_>, row: &Row) -> bool {
    let profile = sheet.plan.profile;
    let amounts = Amounts::new(profile);
    let Some(layout) = sheet.layout(row) else { return false };
    FIELDS.iter().enumerate().all(|(index, field)| {
        let Some(id) = FieldId::at(index) else { return false };
        if Some(field.of) != profile.documents || layout.column(id).is_none() {
            return true;
        }
        let text = sheet.read(row, id);
        match (text, field.kind) {
            (None, _) => field.per_line || !profile.requires(field),
            (Some(text), FieldKind::Date) => profile.dates.iter().any(|pattern| pattern.read(&text).is_some()),
            (Some(text), FieldKind::Amount | FieldKind::Number) => match sheet.format(id) {
                Some(format) => amounts.read_formatted(&text, format).is_ok(),
                // An amount that can be read two ways is an amount.
                None => amounts.read(&text) != Err(super::amount::NoAmount::NotANumber),
            },
            (Some(text), FieldKind::Text) if field.name == "currency" => minor_units(&text.to_uppercase()).is_some(),
            (Some(_), FieldKind::Text) => true,
        }
    })
}
