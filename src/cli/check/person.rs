//! Findings for people, the way a good compiler says them: what, where, the line with a caret, the fix.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};

use waybill_parsers::{Document, Finding, Location, Severity, Summary};

use super::super::screen::{Paint, safe};
use super::original::{Original, Snippet};
use super::{Report, Source, Total, Weight};
use crate::domain::counted;

/// How many findings of one kind are shown of a file; `--json` has them all.
const SHOWN_MAX: u64 = 5;

pub(super) struct Person<'a> {
    out: &'a mut dyn Write,
    paint: Paint,
    columns: usize,
    lists_documents: bool,
    /// The file being read, to show lines of; `None` until the first finding asks.
    original: Option<Shown>,
    /// How many findings there were of each kind in this file.
    kinds: BTreeMap<Kind, u64>,
}

/// Findings that differ only in their place.
type Kind = (Severity, &'static str, Option<&'static str>);

enum Shown {
    File(Original<File>),
    /// Standard input and pipes: only what the finding quotes.
    Gone,
}

impl<'a> Person<'a> {
    pub(super) fn new(out: &'a mut dyn Write, paint: Paint, columns: usize, lists_documents: bool) -> Self {
        Self { out, paint, columns, lists_documents, original: None, kinds: BTreeMap::new() }
    }

    fn snippet(&mut self, source: &Source, location: &Location, columns: usize) -> Option<Snippet> {
        let original = self.original.get_or_insert_with(|| {
            source.reopen().and_then(|file| Original::new(file).ok()).map_or(Shown::Gone, Shown::File)
        });
        match original {
            Shown::File(file) => file.snippet(location, columns).ok(),
            Shown::Gone => None,
        }
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
    fn arrow(&mut self, source: &Source, location: &Location, column: Option<usize>, gutter: usize) -> io::Result<()> {
        let arrow = format!("{}-->", " ".repeat(gutter));
        write!(self.out, "{} {}", self.paint.blue(&arrow), safe(&display(source)))?;
        if is_whole_file(location) {
            return writeln!(self.out);
        }
        write!(self.out, ":{}", location.line)?;
        match column {
            Some(column) => write!(self.out, ":{column}")?,
            None => write!(self.out, ", byte {}", location.byte)?,
        }
        match location.path.as_str() {
            "" => writeln!(self.out),
            path => writeln!(self.out, " ({})", safe(path)),
        }
    }

    /// The line, and under it the carets.
    fn lines(&mut self, finding: &Finding, number: &str, snippet: &Snippet) -> io::Result<()> {
        let empty = format!("{} |", " ".repeat(number.len()));
        let numbered = format!("{number} |");
        let carets = self.severity(finding.severity, &"^".repeat(snippet.carets));
        let (empty, numbered) = (self.paint.blue(&empty), self.paint.blue(&numbered));
        writeln!(self.out, "{empty}")?;
        writeln!(self.out, "{numbered} {}", snippet.text)?;
        writeln!(self.out, "{empty} {}{carets}", " ".repeat(snippet.indent))
    }

    /// What the finding quotes, where the line itself is gone.
    fn quote(&mut self, excerpt: &str, number: &str) -> io::Result<()> {
        let empty = format!("{} |", " ".repeat(number.len()));
        let room = self.columns.saturating_sub(number.len() + 3);
        let mut shown: String = safe(excerpt.trim_end_matches(['\r', '\n'])).chars().take(room + 1).collect();
        if shown.chars().count() > room {
            shown = shown.chars().take(room.saturating_sub(1)).chain(['…']).collect();
        }
        let numbered = format!("{number} |");
        writeln!(self.out, "{}", self.paint.blue(&empty))?;
        writeln!(self.out, "{} {shown}", self.paint.blue(&numbered))
    }

    fn note(&mut self, gutter: usize, name: &str, text: &str) -> io::Result<()> {
        let name = format!("{name}:");
        let mark = format!("{} =", " ".repeat(gutter));
        writeln!(self.out, "{} {} {}", self.paint.blue(&mark), self.paint.bold(&name), safe(text))
    }

    /// Ends a file: says what was left out, and forgets it.
    fn close(&mut self) -> io::Result<()> {
        self.original = None;
        for ((severity, code, rule), count) in std::mem::take(&mut self.kinds) {
            let more = count.saturating_sub(SHOWN_MAX);
            if more == 0 {
                continue;
            }
            let rule = rule.filter(|rule| *rule != code).map_or_else(String::new, |rule| format!(" ({rule})"));
            self.headline(severity, code, &format!("… and {more} more like this{rule}"))?;
            writeln!(self.out)?;
        }
        Ok(())
    }
}

impl Report for Person<'_> {
    fn finding(&mut self, source: &Source, finding: &Finding) -> io::Result<()> {
        let count = self.kinds.entry((finding.severity, finding.code.as_str(), finding.rule)).or_default();
        *count += 1;
        if *count > SHOWN_MAX {
            return Ok(());
        }
        let number = finding.location.line.to_string();
        let room = self.columns.saturating_sub(number.len() + 3);
        let whole = is_whole_file(&finding.location);
        let snippet = if whole { None } else { self.snippet(source, &finding.location, room) };

        self.headline(finding.severity, finding.code.as_str(), &finding.message)?;
        let column = snippet.as_ref().and_then(|snippet| snippet.column);
        self.arrow(source, &finding.location, column, number.len())?;
        match (&snippet, &finding.excerpt) {
            (Some(snippet), _) => self.lines(finding, &number, snippet)?,
            (None, Some(excerpt)) if !whole => self.quote(excerpt, &number)?,
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
        if total.files < 2 {
            return Ok(());
        }
        write!(self.out, "{} files: {}, {}", total.files, counted(total.documents, "document"), weighed(total.weight))?;
        match total.unusable {
            0 => writeln!(self.out),
            files => writeln!(self.out, ", {files} could not be read"),
        }
    }
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
