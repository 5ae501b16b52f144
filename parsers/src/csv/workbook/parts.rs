//! What a workbook says beside its rows: which sheets there are, which texts they share, which of its number
//! formats are dates.

use std::collections::BTreeMap;

use super::Flaw;
use super::xml::{Piece, Xml};
use crate::packed::{Gauge, Zip};

/// The parts beside the sheets.
pub(super) struct Parts {
    pub(super) sheets: Vec<Named>,
    pub(super) shared: Shared,
    /// Whether each cell format (`cellXfs`) shows a day.
    pub(super) shows_day: Vec<bool>,
    /// Days are counted from 1904-01-01 (§18.2.28).
    pub(super) from_1904: bool,
}

/// A sheet: its name, and the part that holds it.
pub(super) struct Named {
    pub(super) name: String,
    pub(super) part: String,
}

impl Parts {
    pub(super) fn read(zip: &Zip<'_>, gauge: &Gauge) -> Result<Self, Flaw> {
        let (sheets, from_1904) = sheets(zip, gauge)?;
        if sheets.is_empty() {
            return Err(Flaw::Missing("sheet".to_owned()));
        }
        Ok(Self { sheets, from_1904, shared: Shared::read(zip, gauge)?, shows_day: formats(zip, gauge)? })
    }

    /// The sheet of that name, or the first.
    pub(super) fn sheet(&self, name: Option<&str>) -> Option<usize> {
        match name {
            None => Some(0),
            Some(name) => self.sheets.iter().position(|sheet| sheet.name.eq_ignore_ascii_case(name)),
        }
    }
}

/// Opens a part; `None` where the workbook has none of that name.
pub(super) fn open<'a>(zip: &Zip<'a>, gauge: &'a Gauge, name: &str) -> Result<Option<Xml<'a>>, Flaw> {
    let Some(entry) = zip.entry(name) else { return Ok(None) };
    if entry.is_encrypted {
        return Err(Flaw::Malformed("it is locked with a password".to_owned()));
    }
    match zip.inflate(entry, gauge) {
        Some(part) => Ok(Some(Xml::new(part, gauge.limits.token_bytes_max))),
        None => Err(Flaw::Malformed(format!("`{name}` is packed by a method that is not read"))),
    }
}

/// The sheets in the order of the workbook, those without rows (charts) left out.
fn sheets(zip: &Zip<'_>, gauge: &Gauge) -> Result<(Vec<Named>, bool), Flaw> {
    let targets = targets(zip, gauge)?;
    let Some(mut xml) = open(zip, gauge, "xl/workbook.xml")? else {
        return Err(Flaw::Missing("xl/workbook.xml".to_owned()));
    };
    let (mut sheets, mut from_1904) = (Vec::new(), false);
    loop {
        match xml.next()? {
            Piece::Open if xml.name == "sheet" => {
                let part = xml.attribute("id").and_then(|id| targets.get(id));
                if let (Some(name), Some(part)) = (xml.attribute("name"), part) {
                    sheets.push(Named { name: name.chars().take(64).collect(), part: part.clone() });
                }
                if sheets.len() > SHEETS_MAX {
                    return Err(Flaw::Malformed(format!("it has more than {SHEETS_MAX} sheets")));
                }
            }
            Piece::Open if xml.name == "workbookPr" => {
                from_1904 = matches!(xml.attribute("date1904"), Some("1" | "true" | "on"));
            }
            Piece::End => return Ok((sheets, from_1904)),
            _ => {}
        }
    }
}

const SHEETS_MAX: usize = 1_000;

/// The parts of the sheets, by the ids of their relationships.
fn targets(zip: &Zip<'_>, gauge: &Gauge) -> Result<BTreeMap<String, String>, Flaw> {
    let mut targets = BTreeMap::new();
    let Some(mut xml) = open(zip, gauge, "xl/_rels/workbook.xml.rels")? else { return Ok(targets) };
    loop {
        match xml.next()? {
            Piece::Open if xml.name == "Relationship" => {
                let is_sheet = xml.attribute("Type").is_some_and(|kind| kind.ends_with("/worksheet"));
                if let (true, Some(id), Some(target)) = (is_sheet, xml.attribute("Id"), xml.attribute("Target")) {
                    let part = match target.strip_prefix('/') {
                        Some(absolute) => absolute.to_owned(),
                        None => format!("xl/{}", target.trim_start_matches("./")),
                    };
                    targets.insert(id.to_owned(), part);
                }
            }
            Piece::End => return Ok(targets),
            _ => {}
        }
    }
}

/// Which cell formats show a day.
fn formats(zip: &Zip<'_>, gauge: &Gauge) -> Result<Vec<bool>, Flaw> {
    let (mut shows_day, mut own) = (Vec::new(), BTreeMap::new());
    let Some(mut xml) = open(zip, gauge, "xl/styles.xml")? else { return Ok(shows_day) };
    let mut in_cells = false;
    loop {
        match xml.next()? {
            Piece::Open if xml.name == "numFmt" => {
                if let (Some(id), Some(code)) = (xml.attribute("numFmtId"), xml.attribute("formatCode")) {
                    own.insert(id.to_owned(), is_day(code));
                }
            }
            Piece::Open if xml.name == "cellXfs" => in_cells = true,
            Piece::Close if xml.name == "cellXfs" => in_cells = false,
            Piece::Open if in_cells && xml.name == "xf" => {
                let id = xml.attribute("numFmtId").unwrap_or("0");
                // The formats that need no code (§18.8.30): days, and days with a time.
                let known = matches!(id.parse::<u32>(), Ok(14..=17 | 22 | 27..=31 | 36 | 50..=54 | 57 | 58));
                shows_day.push(own.get(id).copied().unwrap_or(known));
            }
            Piece::End => return Ok(shows_day),
            _ => {}
        }
    }
}

/// Whether a format code shows a day: a `d` or a `y` that is no literal text.
fn is_day(code: &str) -> bool {
    let (mut in_quotes, mut in_brackets, mut is_escaped) = (false, false, false);
    for c in code.chars() {
        match c {
            _ if is_escaped => is_escaped = false,
            '"' => in_quotes = !in_quotes,
            _ if in_quotes => {}
            '\\' | '_' | '*' => is_escaped = true,
            '[' => in_brackets = true,
            ']' => in_brackets = false,
            _ if in_brackets => {}
            'd' | 'D' | 'y' | 'Y' => return true,
            // What follows is for negative numbers.
            ';' => return false,
            _ => {}
        }
    }
    false
}

/// The texts that cells share, one behind the other.
#[derive(Default)]
pub(super) struct Shared {
    text: String,
    ends: Vec<usize>,
}

impl Shared {
    fn read(zip: &Zip<'_>, gauge: &Gauge) -> Result<Self, Flaw> {
        let mut shared = Self::default();
        let Some(mut xml) = open(zip, gauge, "xl/sharedStrings.xml")? else { return Ok(shared) };
        let (mut in_text, mut in_phonetic) = (false, false);
        loop {
            match xml.next()? {
                Piece::Open => match xml.name.as_str() {
                    "t" => in_text = true,
                    // How it is spoken, in Japanese; it is no part of the text.
                    "rPh" => in_phonetic = true,
                    _ => {}
                },
                Piece::Close => match xml.name.as_str() {
                    "t" => in_text = false,
                    "rPh" => in_phonetic = false,
                    "si" => shared.ends.push(shared.text.len()),
                    _ => {}
                },
                Piece::Text if in_text && !in_phonetic => shared.text.push_str(&xml.text),
                Piece::Text => {}
                Piece::End => return Ok(shared),
            }
        }
    }

    /// The text of that number.
    pub(super) fn get(&self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index)?;
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or_default();
        self.text.get(start..end)
    }
}

#[cfg(test)]
mod tests {
    use super::is_day;

    #[test]
    fn a_format_with_a_day_or_a_year_shows_a_day() {
        for code in ["dd.mm.yyyy", "yyyy\\-mm\\-dd", "[$-409]d-mmm-yy;@", "mm/dd/yyyy hh:mm"] {
            assert!(is_day(code), "{code}");
        }
        for code in ["0.00", "#,##0.00 [$USD]", "\"day\" 0", "hh:mm:ss", "0.00;[Red]-0.00", "_-* #,##0.00", "General"] {
            assert!(!is_day(code), "{code}");
        }
    }
}
