//! Findings for people, the way a good compiler says them: what, where, the line with a caret, the fix.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Cursor, Write};

use waybill_parsers::{Document, Finding, Location, Severity, Summary, explain};

use super::super::screen::{Paint, safe, visible};
use super::original::{Original, Snippet};
use super::{Report, Source, Total, Weight};
use crate::domain::counted;

/// How many findings of one kind are shown of a file; `--json` has them all.
const SHOWN_MAX: u64 = 5;
/// How many more of them are named by their lines.
const NAMED_MAX: usize = 8;
/// How many codes are named where more can be read about them.
const CODES_MAX: usize = 5;

pub(in super::super) struct Person<'a> {
    out: &'a mut dyn Write,
    paint: Paint,
    columns: usize,
    lists_documents: bool,
    /// The file being read, to show lines of; `None` until the first finding asks.
    original: Option<Shown>,
    /// How many findings there were of each kind in this file.
    kinds: BTreeMap<Kind, Repeats>,
    /// The codes that were shown of all files, and that can be explained.
    codes: BTreeSet<&'static str>,
}

/// Findings that differ only in their place.
type Kind = (Severity, &'static str, Option<&'static str>);

#[derive(Default)]
struct Repeats {
    count: u64,
    /// The lines of the first that were not shown.
    lines: Vec<u64>,
}

enum Shown {
    File(Original<File>),
    /// A workbook, a PDF, an archive: only what the finding quotes, and places that are the reader's.
    Packed,
    /// Standard input and pipes: only what the finding quotes.
    Gone,
}

impl<'a> Person<'a> {
    pub(in super::super) fn new(out: &'a mut dyn Write, paint: Paint, columns: usize, lists_documents: bool) -> Self {
        Self { out, paint, columns, lists_documents, original: None, kinds: BTreeMap::new(), codes: BTreeSet::new() }
    }

    fn shown(&mut self, source: &Source) -> &mut Shown {
        self.original.get_or_insert_with(|| match source.reopen().and_then(|file| Original::new(file).ok()) {
            Some(file) if file.is_packed() => Shown::Packed,
            Some(file) => Shown::File(file),
            None => Shown::Gone,
        })
    }

    fn severity(&self, severity: Severity, text: &str) -> String {
        match severity {
            Severity::Error => self.paint.red(text),
            Severity::Warning => self.paint.yellow(text),
        }
        .into_owned()
    }

    /// `error[code]: message`
    fn headline(&mut self, severity: Severity, code: &str, message: &str) -> io::Result<()> {
        let label = self.severity(severity, &format!("{}[{code}]", severity.as_str()));
        writeln!(self.out, "{label}{}", self.paint.bold(&format!(": {}", safe(message))))
    }

    /// `  --> file:line:column (path)`
    fn arrow(&mut self, source: &Source, location: &Location, place: Place, gutter: usize) -> io::Result<()> {
        let arrow = format!("{}-->", " ".repeat(gutter));
        write!(self.out, "{} {}", self.paint.blue(&arrow), safe(&display(source)))?;
        match place {
            Place::Whole => return writeln!(self.out),
            Place::Inside => (),
            Place::Column(column) => write!(self.out, ":{}:{column}", location.line)?,
            Place::Byte => write!(self.out, ":{}, byte {}", location.line, location.byte)?,
        }
        match location.path.as_str() {
            "" => writeln!(self.out),
            path => writeln!(self.out, " ({})", safe(path)),
        }
    }

    /// The line with the carets under it, and the name of what they point at: above a cell, beside an element.
    fn lines(&mut self, finding: &Finding, number: &str, snippet: &Snippet, room: usize) -> io::Result<()> {
        let empty = format!("{} |", " ".repeat(number.len()));
        let numbered = format!("{number} |");
        let empty = self.paint.blue(&empty).into_owned();
        writeln!(self.out, "{empty}")?;
        let name = name_of(finding);
        if let Some(Name::Above(name)) = &name {
            let indent = snippet.indent.min(room.saturating_sub(columns_of(name)));
            writeln!(self.out, "{empty} {}{}", " ".repeat(indent), self.paint.bold(name))?;
        }
        writeln!(self.out, "{} {}", self.paint.blue(&numbered), snippet.text)?;
        let mut carets = self.severity(finding.severity, &"^".repeat(snippet.carets));
        if let Some(Name::Beside(name)) = &name
            && snippet.indent + snippet.carets + 1 + columns_of(name) <= room
        {
            carets.push(' ');
            carets.push_str(&self.severity(finding.severity, name));
        }
        writeln!(self.out, "{empty} {}{carets}", " ".repeat(snippet.indent))
    }

    /// What the finding quotes, where the line itself is not to be had; with carets where the value is plain
    /// to see in it.
    fn quote(&mut self, finding: &Finding, excerpt: &str, number: &str, room: usize) -> io::Result<()> {
        let line = excerpt.trim_end_matches(['\r', '\n']).replace("\r\n", "↵").replace(['\r', '\n'], "↵");
        let value = finding.value.as_deref().filter(|value| !value.is_empty());
        let mut found = value.into_iter().flat_map(|value| line.match_indices(value));
        let place = match (found.next(), found.next()) {
            (Some((at, value)), None) => Some(Location::new(at as u64, 1, "").spanning(value.len())),
            _ => None,
        };
        let snippet = |place: &Location| Original::new(Cursor::new(line.as_bytes()))?.snippet(place, room);
        if let Some(place) = &place {
            return self.lines(finding, number, &snippet(place)?, room);
        }
        let start = snippet(&Location::new(0, 1, ""))?;
        writeln!(self.out, "{}", self.paint.blue(&format!("{} |", " ".repeat(number.len()))))?;
        writeln!(self.out, "{} {}", self.paint.blue(&format!("{number} |")), start.text)
    }

    fn note(&mut self, gutter: usize, name: &str, text: &str) -> io::Result<()> {
        let name = format!("{name}:");
        let mark = format!("{} =", " ".repeat(gutter));
        writeln!(self.out, "{} {} {}", self.paint.blue(&mark), self.paint.bold(&name), safe(text))
    }

    /// Ends a file: says what was left out, and forgets it.
    fn close(&mut self) -> io::Result<()> {
        self.original = None;
        for ((severity, code, rule), Repeats { count, lines }) in std::mem::take(&mut self.kinds) {
            let more = count.saturating_sub(SHOWN_MAX);
            if more == 0 {
                continue;
            }
            let rule = rule.filter(|rule| *rule != code).map_or_else(String::new, |rule| format!(" ({rule})"));
            self.headline(severity, code, &format!("… and {more} more like this{rule}{}", lines_named(&lines, more)))?;
            writeln!(self.out)?;
        }
        Ok(())
    }
}

impl Report for Person<'_> {
    fn finding(&mut self, source: &Source, finding: &Finding) -> io::Result<()> {
        let repeats = self.kinds.entry((finding.severity, finding.code.as_str(), finding.rule)).or_default();
        repeats.count += 1;
        if repeats.count > SHOWN_MAX {
            if repeats.lines.len() < NAMED_MAX {
                repeats.lines.push(finding.location.line);
            }
            return Ok(());
        }
        let code = finding.code.as_str();
        if explain(code).is_some() {
            self.codes.insert(code);
        }
        let location = &finding.location;
        let (number, columns) = (location.line.to_string(), self.columns);
        let room_beside = |number: &str| columns.saturating_sub(number.len() + 3);
        let (snippet, place, number) = match self.shown(source) {
            _ if is_whole_file(location) => (None, Place::Whole, number),
            Shown::Packed => (None, Place::Inside, String::new()),
            Shown::Gone => (None, Place::Byte, number),
            Shown::File(file) => {
                let snippet = file.snippet(location, room_beside(&number)).ok();
                let column = snippet.as_ref().and_then(|snippet| snippet.column);
                (snippet, column.map_or(Place::Byte, Place::Column), number)
            }
        };
        let room = room_beside(&number);

        self.headline(finding.severity, code, &finding.message)?;
        self.arrow(source, location, place, number.len())?;
        match (&snippet, &finding.excerpt) {
            (Some(snippet), _) => self.lines(finding, &number, snippet, room)?,
            (None, Some(excerpt)) if place != Place::Whole => self.quote(finding, excerpt, &number, room)?,
            _ => (),
        }
        if let Some(rule) = finding.rule.filter(|rule| *rule != finding.code.as_str()) {
            self.note(number.len(), "rule", rule)?;
        }
        self.note(number.len(), "fix", &finding.fix)?;
        writeln!(self.out)
    }

    fn document(&mut self, _source: &Source, document: &Document, weight: Weight) -> io::Result<()> {
        if !self.lists_documents {
            return Ok(());
        }
        let kind = document.kind().replace('_', " ");
        let number = document.number().unwrap_or("without number");
        write!(self.out, "{} {}", self.paint.bold(&kind), safe(number))?;
        if let Some(amount) = document.payable() {
            write!(self.out, ", {amount}")?;
            if let Some(currency) = document.currency() {
                write!(self.out, " {}", safe(currency))?;
            }
        }
        if let Some(date) = document.issue_date() {
            write!(self.out, ", {date}")?;
        }
        write!(self.out, " (line {}", document.location.line)?;
        if !document.location.path.is_empty() {
            write!(self.out, ", {}", safe(&document.location.path))?;
        }
        write!(self.out, ")")?;
        if weight.errors + weight.warnings > 0 {
            write!(self.out, ": {}", weighed(weight))?;
        }
        writeln!(self.out)
    }

    fn summary(&mut self, source: &Source, summary: &Summary) -> io::Result<()> {
        self.close()?;
        let name = display(source);
        let format = if summary.format == "unknown" { "unknown format" } else { &summary.format };
        let version = summary.version.as_deref().map_or_else(String::new, |version| format!(" {version}"));
        let weight = Weight { errors: summary.errors, warnings: summary.warnings };
        writeln!(
            self.out,
            "{}: {}{}, {}, {}",
            self.paint.bold(&safe(&name)),
            safe(format),
            safe(&version),
            counted(summary.documents, "document"),
            weighed(weight)
        )?;
        self.out.flush()
    }

    fn unusable(&mut self, source: &Source, reason: &str) -> io::Result<()> {
        self.close()?;
        self.out.flush()?;
        // Where standard error is closed, the exit code still says it.
        let _ = writeln!(io::stderr(), "waybill: {}: {}", safe(&display(source)), safe(reason));
        Ok(())
    }

    fn total(&mut self, total: &Total) -> io::Result<()> {
        if total.files > 1 {
            let documents = counted(total.documents, "document");
            write!(self.out, "{} files: {documents}, {}", total.files, weighed(total.weight))?;
            match total.unusable {
                0 => writeln!(self.out)?,
                files => writeln!(self.out, ", {files} could not be read")?,
            }
        }
        let mut codes: Vec<&str> = self.codes.iter().copied().take(CODES_MAX).collect();
        if self.codes.len() > CODES_MAX {
            codes.push("…");
        }
        match codes.as_slice() {
            [] => Ok(()),
            [code] => writeln!(self.out, "more about this: waybill explain {code}"),
            codes => writeln!(self.out, "more about these: waybill explain CODE ({})", codes.join(", ")),
        }
    }
}

/// What the arrow of a finding can say of its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The file as a whole.
    Whole,
    /// Inside something packed: its path says it all.
    Inside,
    /// The column in its line.
    Column(usize),
    /// Only how far from the beginning.
    Byte,
}

/// What the carets point at, and where its name goes.
enum Name {
    /// A column of a table: its header stands above the cell.
    Above(String),
    /// An element of a segment: `IT104`.
    Beside(String),
}

fn name_of(finding: &Finding) -> Option<Name> {
    // Of a member of an archive, what stands in it: `a/items.csv!/row 12/amount`.
    let path = finding.location.path.rsplit_once("!/").map_or(finding.location.path.as_str(), |(_, inside)| inside);
    if let Some((_, column)) = path.strip_prefix("row ").and_then(|row| row.split_once('/')) {
        return Some(Name::Above(safe(column).into_owned()));
    }
    let is_edi = path.starts_with("ISA") || path.starts_with("UN");
    let field = finding.field.as_deref().filter(|_| is_edi)?;
    Some(Name::Beside(safe(field).into_owned()))
}

fn columns_of(text: &str) -> usize {
    text.chars().map(|c| visible(c).columns()).sum()
}

/// `, at lines 12, 15, …`: the first of those that are not shown.
fn lines_named(lines: &[u64], more: u64) -> String {
    let mut lines: Vec<u64> = lines.to_vec();
    lines.dedup();
    // Where all are on one line, that is no help.
    if lines.len() < 2 {
        return String::new();
    }
    let named: Vec<_> = lines.iter().map(ToString::to_string).collect();
    let rest = if more > NAMED_MAX as u64 { ", …" } else { "" };
    format!(", at lines {}{rest}", named.join(", "))
}

/// The location of a finding on the file as a whole: there is no line to show.
fn is_whole_file(location: &Location) -> bool {
    location.path.is_empty() && location.byte == 0 && location.len == 0
}

fn display(source: &Source) -> String {
    if source.is_stdin() { "<stdin>".to_owned() } else { source.name() }
}

fn weighed(weight: Weight) -> String {
    format!("{}, {}", counted(weight.errors, "error"), counted(weight.warnings, "warning"))
}

#[cfg(test)]
mod tests {
    use waybill_parsers::Code;

    use super::*;

    const FILE: &[u8] = b"ST*810*0001~\nSE*12*0001~\n";

    fn miscount() -> Finding {
        let location = Location::new(16, 2, "ISA[1]/GS[1]/ST[1]/SE/01").spanning(2);
        let message = "SE01 says 12 segments, but this transaction set has 2";
        Finding::error(Code::EDI_COUNT_MISMATCH, location, message, "Count the segments from ST to SE.")
            .with_rule("SE01")
    }

    #[test]
    fn the_header_of_a_bad_cell_stands_above_it() {
        let (folder, source) = source(b"invoice,amount\nNW-1,12.3.4\n");
        let location = Location::new(20, 2, "row 2/amount").spanning(6);
        let finding = Finding::error(Code::AMOUNT_INVALID, location, "no amount", "Write one.").with_field("amount");
        let text = said(Paint::PLAIN, &source, &[finding]).replace(&format!("{}/", folder.path().display()), "");
        assert!(
            text.contains("invoices.edi:2:6 (row 2/amount)\n  |\n  |      amount\n2 | NW-1,12.3.4\n  |      ^^^^^^\n"),
            "{text}"
        );
    }

    #[test]
    fn the_name_of_a_bad_element_stands_beside_it() {
        let (_folder, source) = source(FILE);
        let text = said(Paint::PLAIN, &source, &[miscount().with_field("SE01")]);
        assert!(text.contains("2 | SE*12*0001~\n  |    ^^ SE01\n"), "{text}");
    }

    #[test]
    fn of_what_is_packed_the_place_inside_and_the_excerpt_are_shown() {
        let (folder, source) = source(b"PK\x03\x04rest");
        let finding = |path: &str| {
            let finding = Finding::error(Code::AMOUNT_INVALID, Location::new(0, 12, path), "no amount", "Write one.");
            finding.with_value("12.3.4").with_excerpt("NW-1,12.3.4,EUR")
        };
        let findings = [finding("Sheet1!C12"), finding("a/items.csv!/row 12/amount")];
        let text = said(Paint::PLAIN, &source, &findings).replace(&format!("{}/", folder.path().display()), "");
        assert!(
            text.contains("(a/items.csv!/row 12/amount)\n |\n |      amount\n | NW-1,12.3.4,EUR\n |      ^^^^^^\n"),
            "{text}"
        );
        assert!(
            text.contains("\n--> invoices.edi (Sheet1!C12)\n |\n | NW-1,12.3.4,EUR\n |      ^^^^^^\n = fix"),
            "{text}"
        );
    }

    fn said(paint: Paint, source: &Source, findings: &[Finding]) -> String {
        let mut out = Vec::new();
        let mut person = Person::new(&mut out, paint, 80, false);
        for finding in findings {
            person.finding(source, finding).unwrap();
        }
        let summary = Summary { format: "x12-810".to_owned(), version: Some("004010".to_owned()), ..tally(findings) };
        person.summary(source, &summary).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn tally(findings: &[Finding]) -> Summary {
        Summary { documents: 1, errors: findings.len() as u64, ..Summary::default() }
    }

    /// A file in a folder of its own, and the source that reads it.
    fn source(content: &[u8]) -> (tempfile::TempDir, Source) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("invoices.edi");
        std::fs::write(&path, content).unwrap();
        (folder, Source::new(path))
    }

    #[test]
    fn a_finding_shows_its_line_a_caret_and_a_fix() {
        let (folder, source) = source(FILE);
        let text = said(Paint::PLAIN, &source, &[miscount()]);
        let text = text.replace(&format!("{}/", folder.path().display()), "");
        assert_eq!(
            text,
            "\
error[edi_count_mismatch]: SE01 says 12 segments, but this transaction set has 2
 --> invoices.edi:2:4 (ISA[1]/GS[1]/ST[1]/SE/01)
  |
2 | SE*12*0001~
  |    ^^
  = rule: SE01
  = fix: Count the segments from ST to SE.

invoices.edi: x12-810 004010, 1 document, 1 error, 0 warnings
"
        );
    }

    #[test]
    fn color_changes_nothing_but_the_color() {
        let (_folder, source) = source(FILE);
        let mut warning = miscount();
        warning.severity = Severity::Warning;
        let findings = [miscount(), warning];
        let colored = said(Paint::COLORED, &source, &findings);
        assert!(colored.contains("\x1b[1;31merror[edi_count_mismatch]\x1b[0m"));
        assert!(colored.contains("\x1b[1;33mwarning[edi_count_mismatch]\x1b[0m"));
        let mut stripped = colored;
        for code in ["\x1b[1;31m", "\x1b[1;33m", "\x1b[1;34m", "\x1b[1m", "\x1b[0m"] {
            stripped = stripped.replace(code, "");
        }
        assert_eq!(stripped, said(Paint::PLAIN, &source, &findings));
    }

    #[test]
    fn the_sixth_of_a_kind_is_only_counted() {
        let (_folder, source) = source(FILE);
        let text = said(Paint::PLAIN, &source, &vec![miscount(); 42]);
        assert_eq!(text.matches("SE01 says 12").count(), 5);
        assert!(text.contains("error[edi_count_mismatch]: … and 37 more like this (SE01)\n"), "{text}");
        let mut findings = vec![miscount(); 42];
        findings.iter_mut().zip(1..).for_each(|(finding, line)| finding.location.line = line);
        let text = said(Paint::PLAIN, &source, &findings);
        assert!(text.contains("37 more like this (SE01), at lines 6, 7, 8, 9, 10, 11, 12, 13, …\n"), "{text}");
    }

    #[test]
    fn where_the_line_is_gone_the_finding_is_quoted() {
        let source = Source::new("-".into());
        let text = said(Paint::PLAIN, &source, &[miscount().with_excerpt("SE*12*0001\x1b[2J")]);
        assert!(text.contains(" --> <stdin>:2, byte 16 (ISA[1]"), "{text}");
        assert!(text.contains("2 | SE*12*0001\\x1B[2J\n"), "{text}");
    }

    #[test]
    fn nothing_a_sender_wrote_reaches_the_terminal_raw() {
        let (_folder, source) = source(b"\x1b]0;title\x07;\x9b2J\n");
        let mut finding = miscount();
        finding.message = "bad \x1b[31m value".to_owned();
        finding.fix = "remove \u{202e} it".to_owned();
        finding.location = Location::new(3, 1, "row 1/\x1b[1m").spanning(4);
        let text = said(Paint::PLAIN, &source, &[finding.clone()]);
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
        let gone = said(Paint::PLAIN, &Source::new("-".into()), &[finding.with_excerpt("a\x1b\nb")]);
        assert!(gone.chars().all(|c| c == '\n' || !c.is_control()) && !gone.contains('\u{202e}'), "{gone:?}");
    }
}
