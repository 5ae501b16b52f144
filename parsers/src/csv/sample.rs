//! The first rows of a table nobody has described yet, for who would describe it.

use super::charset::Charset;
use super::reader::RowSource;
use super::rows::{Dialect, Row};
use super::sniff::{dialects, reader};
use super::workbook;
use crate::packed::{Kind, Zip};
use crate::profile::{Delimiter, Quote, TextEncoding};
use crate::{HEAD_BYTES, Limits};

/// Some rows of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sample {
    /// What it is written in; `None` for a workbook.
    pub(crate) encoding: Option<String>,
    /// Whether a byte order mark says so, or a profile must.
    pub(crate) has_mark: bool,
    /// What stands between two columns; `None` for a workbook.
    pub(crate) delimiter: Option<u8>,
    /// The rows, with their numbers; blank ones are left out.
    pub(crate) rows: Vec<(u64, Vec<String>)>,
}

/// So many rows are looked at.
const ROWS_MAX: usize = 500;
/// So much of a cell.
const CELL_CHARS_MAX: usize = 200;
/// A whole file is looked at no further than this.
const BYTES_MAX: usize = 1024 * 1024;

impl Sample {
    /// Of a file that begins with, or is, these bytes; `None` where they are no text and no workbook.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        if Kind::of(bytes) == Some(Kind::Zip) {
            return Some(Self { encoding: None, has_mark: true, delimiter: None, rows: of_workbook(bytes)? });
        }
        let head = bytes.get(..BYTES_MAX).unwrap_or(bytes);
        let charset = Charset::of(head, bytes.len() < HEAD_BYTES, TextEncoding::Auto)?;
        let best = dialects(head, charset, Delimiter::Auto, Quote::default())
            .into_iter()
            .filter_map(|dialect| Some((dialect, rows_of(head, charset, dialect)?)))
            .max_by_key(|(_, rows)| regularity(rows))?;
        let (dialect, rows) = best;
        Some(Self {
            encoding: Some(charset.name()),
            has_mark: charset.mark_bytes > 0 || charset.guessed,
            delimiter: Some(dialect.delimiter),
            rows,
        })
    }
}

fn rows_of(head: &[u8], charset: Charset, dialect: Dialect) -> Option<Vec<(u64, Vec<String>)>> {
    let mut source = reader(head, charset, dialect)?;
    Some(collect(&mut source, |row| {
        let text = |cell: &super::rows::Cell| kept(&charset.text(&row.value(*cell, dialect.quote)));
        let is_cut = row.is_last && head.len() >= HEAD_BYTES;
        (!row.is_blank(dialect) && !is_cut).then(|| row.cells.iter().map(text).collect())
    }))
}

fn of_workbook(bytes: &[u8]) -> Option<Vec<(u64, Vec<String>)>> {
    let zip = Zip::open(bytes)?;
    workbook::first_rows(&zip, Limits::default(), ROWS_MAX)
}

fn collect(source: &mut dyn RowSource, mut cells: impl FnMut(&Row) -> Option<Vec<String>>) -> Vec<(u64, Vec<String>)> {
    let (mut rows, mut row) = (Vec::new(), Row::default());
    while rows.len() < ROWS_MAX && source.next(&mut row).unwrap_or(false) {
        if row.number == 1 && super::sniff::separator_of(&row).is_some() {
            source.uncount();
            continue;
        }
        if let Some(cells) = cells(&row) {
            rows.push((row.number, cells));
        }
    }
    rows
}

/// A cell as much as a guess needs of it.
pub(super) fn kept(text: &str) -> String {
    text.trim().chars().take(CELL_CHARS_MAX).collect()
}

/// How much a way to split rows looks like a table: how many rows have as many cells as most, and how many
/// cells those are.
fn regularity(rows: &[(u64, Vec<String>)]) -> (usize, usize) {
    let mut counts = std::collections::BTreeMap::new();
    for (_, cells) in rows.iter().filter(|(_, cells)| cells.len() > 1) {
        *counts.entry(cells.len()).or_insert(0_usize) += 1;
    }
    let most = counts.into_iter().max_by_key(|(cells, rows)| (*rows * *cells, *cells));
    most.map_or((0, 0), |(cells, rows)| (rows * cells, cells))
}
