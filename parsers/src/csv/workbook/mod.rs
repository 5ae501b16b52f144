//! Workbooks (ECMA-376, SpreadsheetML): a sheet read row by row, as a table is.
//!
//! Read by us, not by a library: those that there are hand over numbers in binary, and money must be what the
//! file says. The texts of a workbook are shared, so they are held in memory; its rows are not.

mod parts;
mod rows;
mod words;
mod xml;

use std::ops::ControlFlow;

use encoding_rs::UTF_8;

pub(super) use words::{cell_name, plain_number, serial_day};

use self::parts::Parts;
use self::rows::SheetRows;
use super::charset::Charset;
use super::reader::{Origin, RowSource, XLSX};
use super::rows::{Cell, CellKind, Dialect, Row};
use super::sniff::{Plan, Unfit, matched, names};
use crate::packed::{Fault, Gauge, Zip};
use crate::profile::Profile;
use crate::{Code, Context, Event, Finding, Halt, Location, Sink, Summary};

/// How cells stand in a row that a sheet gives: between them is what no cell contains (ASCII's unit
/// separator; XML 1.0 has no way to write it).
const CELLS: Dialect = Dialect { delimiter: b'\x1f', quote: None };
const TEXT: Charset = Charset { encoding: UTF_8, mark_bytes: 0, guessed: false };

/// Why a workbook, or a part of it, cannot be read.
#[derive(Debug)]
pub(super) enum Flaw {
    /// A part that must be there is not.
    Missing(String),
    /// A part is no XML that a spreadsheet writes.
    Malformed(String),
    /// A part cannot be unpacked.
    Packed(Fault),
    Halt(Halt),
}

/// Reads the sheet of a workbook that a profile is for.
pub(crate) fn read(zip: &Zip<'_>, context: &Context<'_>, sink: &mut Sink<'_>) -> Result<Summary, Halt> {
    let gauge = Gauge::of_workbook(context.limits);
    match read_or_flaw(zip, &gauge, context, sink) {
        Ok(summary) => Ok(summary),
        Err(Flaw::Halt(halt)) => Err(halt),
        Err(flaw) => {
            tell(sink, said(&flaw, context, Location::file()))?;
            Ok(Summary { format: XLSX.to_owned(), ..Summary::default() })
        }
    }
}

fn read_or_flaw(zip: &Zip<'_>, gauge: &Gauge, context: &Context<'_>, sink: &mut Sink<'_>) -> Result<Summary, Flaw> {
    let parts = Parts::read(zip, gauge)?;
    let verdict = judge(zip, &parts, gauge, context.profiles)?;
    let (plan, sheet) = match verdict {
        Verdict::Fits(plan, sheet) => (plan, sheet),
        Verdict::Unfit(unfit) => {
            let summary = super::refuse(&unfit, context.profiles, sink).map_err(Flaw::Halt)?;
            return Ok(Summary { format: XLSX.to_owned(), ..summary });
        }
    };
    let mut rows = SheetRows::open(zip, &parts, sheet, gauge)?;
    let origin = Origin {
        format: XLSX,
        sheet: Some(parts.sheets.get(sheet).map(|sheet| sheet.name.clone()).unwrap_or_default()),
    };
    let mut summary = super::reader::read(&mut rows, plan, origin, context.limits, sink).map_err(Flaw::Halt)?;
    summary.encoding = None;
    if let Some(flaw) = rows.flaw() {
        let at =
            Location::new(rows.byte(), 1, parts.sheets.get(sheet).map(|sheet| sheet.name.clone()).unwrap_or_default());
        tell(sink, said(&flaw, context, at)).map_err(Flaw::Halt)?;
    }
    Ok(summary)
}

enum Verdict<'p> {
    Fits(Plan<'p>, usize),
    Unfit(Unfit<'p>),
}

/// Which profile the workbook is for, by the header of the sheet that each profile names.
fn judge<'p>(zip: &Zip<'_>, parts: &Parts, gauge: &Gauge, profiles: &'p [Profile]) -> Result<Verdict<'p>, Flaw> {
    let mut best: Option<(Plan<'p>, usize)> = None;
    let of_tables = |profile: &&Profile| profile.documents.is_some() && profile.records.is_empty();
    for profile in profiles.iter().filter(of_tables) {
        let Some(sheet) = parts.sheet(profile.sheet.as_deref()) else { continue };
        let Some((header, _)) = header(zip, parts, sheet, gauge, profile.skip_rows)? else { continue };
        let (missing, known) = matched(profile, &header);
        let rank = |plan: &Plan<'_>| (plan.missing.is_empty(), plan.matched);
        let plan = Plan { profile, charset: TEXT, dialect: CELLS, missing, matched: known };
        if best.as_ref().is_none_or(|(known, _)| rank(&plan) > rank(known)) {
            best = Some((plan, sheet));
        }
    }
    if let Some((plan, sheet)) = best.take_if(|(plan, _)| plan.missing.is_empty()) {
        return Ok(Verdict::Fits(plan, sheet));
    }
    let sheet = best.as_ref().map_or(0, |(_, sheet)| *sheet);
    let skip = best.as_ref().map_or(0, |(plan, _)| plan.profile.skip_rows);
    let (header, row) = header(zip, parts, sheet, gauge, skip)?.unwrap_or_default();
    let name = parts.sheets.get(sheet).map_or("", |sheet| sheet.name.as_str());
    Ok(Verdict::Unfit(Unfit {
        charset: TEXT,
        header,
        at: Location::new(row.byte, row.line.max(1), format!("{name}!{}", row.number.max(1))),
        nearest: best
            .filter(|(plan, _)| plan.matched > 0 || profiles.len() == 1)
            .map(|(plan, _)| (plan.profile, plan.missing)),
    }))
}

/// The names in the first row of a sheet, below its title, that has something in it.
fn header(
    zip: &Zip<'_>,
    parts: &Parts,
    sheet: usize,
    gauge: &Gauge,
    skip: u32,
) -> Result<Option<(Vec<String>, Row)>, Flaw> {
    let mut rows = SheetRows::open(zip, parts, sheet, gauge)?;
    let mut row = Row::default();
    while rows.next(&mut row).map_err(Flaw::Halt)? {
        if row.number > u64::from(skip) && !row.is_blank(CELLS) {
            return Ok(Some((names(&row, TEXT, CELLS), row)));
        }
    }
    match rows.flaw() {
        Some(flaw) => Err(flaw),
        None => Ok(None),
    }
}

/// The first rows of the first sheet, days as they are written in full, for who would describe the table.
pub(super) fn first_rows(zip: &Zip<'_>, limits: crate::Limits, count: usize) -> Option<Vec<(u64, Vec<String>)>> {
    let gauge = Gauge::of_workbook(limits);
    let parts = Parts::read(zip, &gauge).ok()?;
    let mut source = SheetRows::open(zip, &parts, 0, &gauge).ok()?;
    let (mut rows, mut row) = (Vec::new(), Row::default());
    while rows.len() < count && source.next(&mut row).unwrap_or(false) {
        let text = |cell: &Cell| {
            let text = TEXT.text(&row.value(*cell, None)).into_owned();
            let shown = match cell.kind {
                CellKind::Text => None,
                CellKind::Number => plain_number(&text),
                CellKind::Day => serial_day(&text).map(|day| day.to_string()),
            };
            super::sample::kept(&shown.unwrap_or(text))
        };
        if !row.is_blank(CELLS) {
            rows.push((row.number, row.cells.iter().map(text).collect()));
        }
    }
    Some(rows)
}

fn said(flaw: &Flaw, context: &Context<'_>, at: Location) -> Finding {
    let again = "Open the workbook, save it again as .xlsx, and send that.";
    match flaw {
        Flaw::Missing(what) => Finding::error(Code::ARCHIVE_REFUSED, at, format!("the workbook has no {what}"), again)
            .with_rule("WORKBOOK"),
        Flaw::Malformed(what) => {
            let message = format!("the workbook cannot be read: {what}");
            Finding::error(Code::ARCHIVE_REFUSED, at, message, again).with_rule("WORKBOOK")
        }
        Flaw::Packed(Fault::Ratio) => {
            let max = context.limits.inflate_ratio_max;
            let message = format!("a part of the workbook unpacks to more than {max} times its size");
            Finding::error(Code::ARCHIVE_REFUSED, at, message, again).with_rule("ARCHIVE-RATIO")
        }
        Flaw::Packed(Fault::Size) => {
            let max = context.limits.workbook_bytes_max;
            let message = format!("the workbook unpacks to more than {max} bytes");
            let fix = "Send fewer rows at once, or CSV, which may have any size.";
            Finding::error(Code::SIZE_LIMIT, at, message, fix).with_rule("ARCHIVE-SIZE")
        }
        Flaw::Packed(Fault::Corrupt | Fault::Checksum) | Flaw::Halt(_) => {
            let message = "a part of the workbook is damaged; what was read of it may be wrong";
            Finding::error(Code::ARCHIVE_REFUSED, at, message, again).with_rule("ARCHIVE-CORRUPT")
        }
    }
}

fn tell(sink: &mut Sink<'_>, finding: Finding) -> Result<(), Halt> {
    match sink(Event::Finding(Box::new(finding))) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Halt::Stopped),
    }
}
