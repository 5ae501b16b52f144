//! A profile proposed from a file's first rows: what its columns are called and what is in them. A proposal
//! is read by a person before it is used; what the file does not show is a question, never a choice.

mod columns;
mod status;
mod toml;
mod values;
mod words;

use std::collections::BTreeMap;

use self::columns::{Column, assign};
use self::values::{Dates, Numbers, Shape};
use super::{Documents, Field, FieldKind, Negative};
use crate::canonical::PaymentStatus;
use crate::csv::Sample;

/// What was proposed, with its reasons. [`Guess::to_toml`] writes it as a profile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Guess {
    /// A name for the profile, from the file's.
    pub name: String,
    /// What the rows hold; `None` where it is no table that a profile could describe.
    pub documents: Option<Documents>,
    /// What stands between two columns; `None` in a workbook.
    pub delimiter: Option<char>,
    /// What the text is written in, where a profile must say so.
    pub encoding: Option<String>,
    /// Rows above the header.
    pub skip_rows: u32,
    /// Words that rows of sums begin with.
    pub skip_starting_with: Vec<String>,
    /// The columns, in the order of the file.
    pub columns: Vec<GuessedColumn>,
    /// How dates are written, and what decided it; `None` where it is a question, or there are none.
    pub dates: Option<(String, String)>,
    /// The decimal mark, and the amount that shows it.
    pub decimal: Option<(char, String)>,
    pub thousands: Vec<char>,
    pub negative: Vec<Negative>,
    pub currency_signs: Vec<String>,
    /// The currency, where no column has it and the amounts' sign says it.
    pub currency: Option<String>,
    /// Whether consecutive rows are lines of one document.
    pub group_by_number: bool,
    /// Words in the column of types that mean a credit note.
    pub credit_types: Vec<String>,
    /// The status codes found, and what they most likely mean.
    pub status: Vec<(String, Option<PaymentStatus>)>,
    /// Vendors: words in the name that ask for the vendor to be taken off the list.
    pub deleted: Vec<String>,
    /// The record types of a file without a header: tag, rows, and cells of its first row.
    pub record_types: Vec<(String, usize, Vec<String>)>,
    /// What only a person can answer.
    pub questions: Vec<String>,
}

/// A column, and the field it most likely is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuessedColumn {
    /// Its name in the header.
    pub header: String,
    /// The field; `None` where nothing speaks for one.
    pub field: Option<&'static str>,
    /// How sure that is, in percent.
    pub confidence: u8,
    /// What speaks for it.
    pub why: String,
    /// The first value in it.
    pub example: String,
}

/// Proposes a profile for a file that begins with these bytes (or is these bytes: a workbook must be whole).
/// The file's name is taken for the profile's, and says nothing else.
#[must_use]
pub fn guess(bytes: &[u8], name_hint: &str) -> Guess {
    let mut guess = Guess { name: name_of(name_hint), ..Guess::default() };
    let Some(sample) = Sample::of(bytes).filter(|sample| !sample.rows.is_empty()) else {
        guess.questions.push("This is no table of text and no workbook: which file was meant?".to_owned());
        return guess;
    };
    guess.delimiter = sample.delimiter.map(char::from);
    guess.encoding = sample.encoding.clone().filter(|encoding| !sample.has_mark && encoding != "utf-8");
    let Some(table) = Table::of(&sample) else {
        guess.of_records(&sample);
        return guess;
    };
    guess.skip_rows = u32::try_from(table.header_row.saturating_sub(1)).unwrap_or(u32::MAX);
    guess.of_table(&table);
    guess
}

/// A name that a profile may have.
fn name_of(hint: &str) -> String {
    let file = hint.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = file.split('.').next().unwrap_or_default();
    let mut name = String::new();
    for c in stem.chars().flat_map(char::to_lowercase) {
        let c = if c.is_ascii_alphanumeric() { c } else { '-' };
        if c != '-' || !name.ends_with('-') {
            name.push(c);
        }
    }
    let name: String = name.trim_matches('-').chars().take(64).collect();
    if name.is_empty() { "new-profile".to_owned() } else { name }
}

/// A header and the rows below it.
struct Table<'s> {
    header_row: u64,
    header: &'s [String],
    rows: Vec<(u64, &'s [String])>,
    /// Rows of sums: the word each begins with.
    sums: Vec<String>,
}

/// What rows of sums begin with.
const SUMS: [&str; 10] =
    ["total", "grand total", "summe", "gesamt", "somme", "totale", "totaal", "suma", "sum", "totals"];

impl<'s> Table<'s> {
    /// The header is the first row as wide as most rows, all of whose cells are names.
    fn of(sample: &'s Sample) -> Option<Self> {
        let mut widths: BTreeMap<usize, usize> = BTreeMap::new();
        for (_, cells) in &sample.rows {
            *widths.entry(width(cells)).or_default() += 1;
        }
        let (common, _) =
            widths.into_iter().filter(|(width, _)| *width > 1).max_by_key(|(width, rows)| (*rows * *width, *width))?;
        let is_header = |cells: &[String]| {
            let named = cells.iter().filter(|cell| is_name(cell)).count();
            width(cells) * 2 > common && named * 5 >= width(cells) * 4 && named > 1
        };
        let at = sample.rows.iter().take(30).position(|(_, cells)| is_header(cells))?;
        let (header_row, header) = sample.rows.get(at)?;
        let mut table = Self { header_row: *header_row, header, rows: Vec::new(), sums: Vec::new() };
        for (number, cells) in sample.rows.iter().skip(at + 1) {
            let first = cells.iter().find(|cell| !cell.is_empty()).map(String::as_str).unwrap_or_default();
            let folded = first.trim_end_matches([':', ' ']).to_lowercase();
            match SUMS.contains(&folded.as_str()) {
                true if !table.sums.iter().any(|known| known == first) => table.sums.push(first.to_owned()),
                true => {}
                false => table.rows.push((*number, cells)),
            }
        }
        Some(table)
    }
}

/// How many cells a row has, without the empty ones at its end.
fn width(cells: &[String]) -> usize {
    cells.len() - cells.iter().rev().take_while(|cell| cell.is_empty()).count()
}

/// A name begins with a letter, as no date and no amount does.
fn is_name(cell: &str) -> bool {
    cell.chars().any(char::is_alphabetic)
        && cell.chars().count() <= 80
        && !cell.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '(' | '$'))
        && Shape::of(&[cell]) == Shape::Text
}

impl Guess {
    fn of_table(&mut self, table: &Table<'_>) {
        let columns: Vec<Column<'_>> = table
            .header
            .iter()
            .enumerate()
            .map(|(index, header)| {
                let cells = table.rows.iter().filter_map(|(row, cells)| Some((*row, cells.get(index)?.as_str())));
                let values: Vec<(u64, &str)> = cells.filter(|(_, cell)| !cell.is_empty()).collect();
                let shape = Shape::of(&values.iter().map(|(_, value)| *value).collect::<Vec<_>>());
                Column { header, values, shape }
            })
            .collect();
        let (documents, fields) = assign(&columns);
        self.documents = Some(documents);
        self.skip_starting_with.clone_from(&table.sums);
        let column = |name: &str| {
            let at = fields.iter().position(|field| field.as_ref().is_some_and(|guessed| guessed.field == name))?;
            columns.get(at)
        };
        self.of_values(documents, &columns, &fields);
        let number = column(documents.number_field());
        let repeats = number
            .is_some_and(|number| number.values.windows(2).any(|pair| matches!(pair, [(_, a), (_, b)] if a == b)));
        self.group_by_number = documents.has_lines() && repeats;
        let types = column("type").or_else(|| column("document_type"));
        self.credit_types = types
            .map(|types| distinct(&types.values))
            .unwrap_or_default()
            .into_iter()
            .filter(|word| is_credit(word))
            .collect();
        if let Some(status) = column("status_code") {
            self.status =
                distinct(&status.values).into_iter().map(|code| (code.clone(), status::status_of(&code))).collect();
            for (code, _) in self.status.iter().filter(|(_, status)| status.is_none()) {
                self.questions.push(format!("What does the status `{code}` mean?"));
            }
        }
        if documents == Documents::Vendor {
            let names = column("vendor_name").map(|names| distinct(&names.values)).unwrap_or_default();
            self.deleted =
                names.into_iter().filter(|name| ["DEL", "DELETE", "DELETED"].contains(&name.as_str())).collect();
        }
        if documents.has_amounts() && column("currency").is_none() && self.currency.is_none() {
            self.questions.push("No column has a currency: which one are the amounts in?".to_owned());
        }
        for field in Field::all(documents).filter(|field| field.always && column(field.name).is_none()) {
            self.questions.push(format!("Which column is `{}`: {}?", field.name, field.about));
        }
        self.columns = columns
            .iter()
            .zip(&fields)
            .map(|(column, field)| GuessedColumn {
                header: column.header.to_owned(),
                field: field.as_ref().map(|guessed| guessed.field),
                confidence: field.as_ref().map_or(0, |guessed| guessed.confidence),
                why: field.as_ref().map(|guessed| guessed.why.clone()).unwrap_or_default(),
                example: column.values.first().map(|(_, value)| (*value).to_owned()).unwrap_or_default(),
            })
            .collect();
    }

    /// How dates and amounts are written, by the columns that hold them.
    fn of_values(&mut self, documents: Documents, columns: &[Column<'_>], fields: &[Option<columns::Guessed>]) {
        let of_kind = |kinds: &[FieldKind]| -> Vec<(u64, &str)> {
            let is_one = |field: &Option<columns::Guessed>| {
                let name = field.as_ref().map(|guessed| guessed.field)?;
                Field::named(documents, name).filter(|field| kinds.contains(&field.kind))
            };
            columns
                .iter()
                .zip(fields)
                .filter(|(_, field)| is_one(field).is_some())
                .flat_map(|(column, _)| column.values.clone())
                .collect()
        };
        let dates = Dates::of(&of_kind(&[FieldKind::Date]));
        match dates.pattern {
            Some(pattern) if dates.rivals.is_empty() => self.dates = Some((pattern, dates.evidence)),
            Some(pattern) => self.questions.push(format!(
                "Are dates written {pattern} or {}? {}.",
                dates.rivals.join(" or "),
                dates.evidence
            )),
            None if of_kind(&[FieldKind::Date]).is_empty() => {}
            None => self.questions.push("How are dates written? No pattern fits them.".to_owned()),
        }
        let numbers = Numbers::of(&of_kind(&[FieldKind::Amount, FieldKind::Number]));
        if let (Some((mark, one)), Some(other)) = (&numbers.mark, &numbers.contradiction) {
            self.questions.push(format!("Is `{mark}` the decimal mark? {one} says so, {other} does not."));
        }
        self.decimal = numbers.mark.filter(|_| numbers.contradiction.is_none());
        self.thousands = numbers.thousands;
        self.negative = numbers.negative;
        self.currency = numbers.signs.iter().find_map(|sign| {
            let code = match sign.as_str() {
                "$" => "USD",
                "€" => "EUR",
                "£" => "GBP",
                sign => sign,
            };
            crate::csv::minor_units(code).is_some().then(|| code.to_owned())
        });
        self.currency_signs = numbers.signs;
    }

    /// A file without a header: its record types, for a person to say what stands where.
    fn of_records(&mut self, sample: &Sample) {
        let mut types: Vec<(String, usize, Vec<String>)> = Vec::new();
        for (_, cells) in &sample.rows {
            let tag = cells.first().cloned().unwrap_or_default();
            match types.iter_mut().find(|(known, ..)| *known == tag) {
                Some((_, rows, _)) => *rows += 1,
                None => types.push((tag, 1, cells.clone())),
            }
        }
        let is_tag = |tag: &str| !tag.is_empty() && tag.chars().count() <= 6 && tag.chars().all(char::is_alphanumeric);
        let is_typed = types.len() < 12
            && types.len() * 2 < sample.rows.len().max(3) + 2
            && types.iter().all(|(tag, ..)| is_tag(tag));
        if is_typed && sample.rows.iter().any(|(_, cells)| cells.len() > 1) {
            self.record_types = types;
            self.questions.push("The rows look like record types: what stands where in each?".to_owned());
        } else {
            self.questions
                .push("No row looks like a header: is it of fixed width, or without one? See [[records]].".to_owned());
        }
    }
}

/// The different values of a column, in the order they come; no more than a person reads.
fn distinct(values: &[(u64, &str)]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for (_, value) in values {
        if found.len() < 40 && !found.iter().any(|known| known == value) {
            found.push((*value).to_owned());
        }
    }
    found
}

fn is_credit(word: &str) -> bool {
    let plain = words::plain(word);
    let whole = ["cm", "cn", "cr", "cred", "381", "kg", "gs", "td04", "nc", "rg"];
    let parts =
        ["credit", "gutschrift", "avoir", "abono", "notadecredito", "rectificativa", "notacredito", "creditnota"];
    whole.contains(&plain.as_str()) || parts.iter().any(|part| plain.contains(part))
}

#[cfg(test)]
mod tests;
