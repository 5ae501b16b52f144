//! CSV and its kin: tables of invoices or vouchers, read by a feed profile.
//!
//! ```text
//! head ──► sniff: encoding, delimiter, profile      rows ──► sheet: cells by field ──► invoice | voucher
//! ```
//!
//! One pass, one row and one document in memory. What cannot be read is a finding at its cell; the row's
//! document is still told. A row with too few or too many cells is kept out, for nobody knows which is which.

mod amount;
mod cells;
mod charset;
mod control;
mod currency;
mod draft;
mod faults;
mod invoice;
mod layout;
mod marks;
mod reader;
mod records;
mod remittance;
mod rows;
mod sample;
mod sheet;
mod sniff;
mod vendor;
mod voucher;
mod workbook;
mod write;

use std::io::{BufRead, Cursor, Read};
use std::ops::ControlFlow;

pub use currency::minor_units;
pub(crate) use sample::Sample;
pub(crate) use workbook::read as read_workbook;
pub use write::{Outcome, Writer};

use crate::{Code, Context, Event, Finding, Format, Halt, Profile, Sink, Summary};
use reader::Origin;
use rows::Rows;
use sniff::{Unfit, Verdict};

/// Tables as text: CSV with any delimiter.
pub(crate) struct Csv;

impl Format for Csv {
    fn name(&self) -> &'static str {
        "csv"
    }

    fn recognize(&self, head: &[u8], profiles: &[Profile]) -> bool {
        !matches!(sniff::judge(head, profiles), Verdict::Other)
    }

    fn parse(&self, input: &mut dyn BufRead, context: &Context<'_>, sink: &mut Sink<'_>) -> Result<Summary, Halt> {
        let head = crate::head_of(input)?;
        match sniff::judge(&head, context.profiles) {
            Verdict::Fits(plan) => {
                let mut whole = Cursor::new(head).chain(input);
                let origin =
                    Origin { format: if plan.profile.is_fixed_width() { "fixed-width" } else { "csv" }, sheet: None };
                let (charset, dialect) = (plan.charset, plan.dialect);
                let opened = charset.open(&mut whole).map_err(Halt::Read)?;
                let mut rows = Rows::new(opened, charset, dialect, context.limits);
                reader::read(&mut rows, plan, origin, context.limits, sink)
            }
            Verdict::Table(unfit) => refuse(&unfit, context.profiles, sink),
            // Only a caller who did not ask `recognize` comes here.
            Verdict::Other => Ok(Summary { format: "csv".to_owned(), ..Summary::default() }),
        }
    }
}

/// A header name, so that `Due Date`, `due_date` and ` DUE  DATE ` are one.
pub(crate) fn folded(name: &str) -> String {
    let kept = |c: &char| !c.is_whitespace() && *c != '_' && *c != '\u{feff}';
    name.chars().filter(kept).flat_map(char::to_lowercase).collect()
}

/// Says of a table what keeps it from being read.
fn refuse(unfit: &Unfit<'_>, profiles: &[Profile], sink: &mut Sink<'_>) -> Result<Summary, Halt> {
    let header = unfit.header.iter().map(|name| name.chars().take(40).collect()).collect::<Vec<String>>().join(", ");
    let missing: Vec<(String, &str)> = unfit
        .nearest
        .iter()
        .flat_map(|(profile, missing)| {
            missing.iter().map(|field| {
                let words = profile.columns.get(field.name).map(|words| words.all().join("` or `")).unwrap_or_default();
                (words, field.about)
            })
        })
        .collect();
    let findings: Vec<Finding> = match (profiles, &unfit.nearest) {
        ([_], Some((profile, _))) => missing
            .iter()
            .map(|(words, about)| {
                Finding::error(
                    Code::CSV_HEADER_MISSING,
                    unfit.at.clone(),
                    format!(
                        "the header has no column `{words}` ({about}), which the profile `{}` requires",
                        profile.name
                    ),
                    format!("Add the column `{words}`, or name yours in the profile."),
                )
                .with_field(words.split('`').next().unwrap_or_default())
                .with_excerpt(&header)
            })
            .collect(),
        (_, nearest) => {
            let nearest = nearest.as_ref().map_or_else(String::new, |(profile, _)| {
                let words = missing.iter().map(|(words, _)| format!("`{words}`")).collect::<Vec<_>>().join(", ");
                format!("; the nearest profile is `{}`, which also requires {words}", profile.name)
            });
            vec![
                Finding::error(
                    Code::NO_PROFILE,
                    unfit.at.clone(),
                    format!("no profile is for a table with the header {}{nearest}", shortened(&header)),
                    "Name your columns as a profile does, or ask for a profile for this file.",
                )
                .with_excerpt(&header),
            ]
        }
    };
    let mut summary = Summary { format: "csv".to_owned(), encoding: Some(unfit.charset.name()), ..Summary::default() };
    if let ([only], Some(_)) = (profiles, &unfit.nearest) {
        summary.profile = Some(only.name.clone());
    }
    for finding in findings {
        if let ControlFlow::Break(()) = sink(Event::Finding(Box::new(finding))) {
            return Err(Halt::Stopped);
        }
    }
    Ok(summary)
}

/// As much of a header as a message holds.
fn shortened(header: &str) -> String {
    match header.char_indices().nth(300) {
        None => format!("`{header}`"),
        Some((cut, _)) => format!("`{}…`", header.get(..cut).unwrap_or_default()),
    }
}
