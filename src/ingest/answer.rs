//! The answer that appears beside a file: `x.edi.OK`, or `x.edi.ERRORS.csv` with every finding, the row or
//! segment it is about, and what to do.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use waybill_parsers::{Finding, Severity, Summary};

/// An answer being written to a staged file, as the findings come.
pub(super) struct Answer {
    path: PathBuf,
    table: csv::Writer<BufWriter<File>>,
    /// The first warnings, for an answer that turns out to be an OK.
    warnings: Vec<String>,
}

/// A finished answer, staged.
#[derive(Debug)]
pub(super) struct Staged {
    pub(super) path: PathBuf,
    pub(super) suffix: &'static str,
    pub(super) size_bytes: u64,
}

/// The columns of an errors file. The original row comes last, so that the advice is read first.
pub(crate) const COLUMNS: [&str; 9] =
    ["line", "field", "severity", "code", "message", "fix", "path", "value", "original"];
/// Warnings an OK repeats; all of them are in the API.
const WARNINGS_MAX: usize = 100;

impl Answer {
    pub(super) fn begin(path: PathBuf) -> io::Result<Self> {
        let mut table = csv::Writer::from_writer(BufWriter::new(File::create(&path)?));
        table.write_record(COLUMNS)?;
        Ok(Self { path, table, warnings: vec![] })
    }

    pub(super) fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        if finding.severity == Severity::Warning && self.warnings.len() < WARNINGS_MAX {
            self.warnings.push(format!("warning: line {}: {}", finding.location.line, finding.message));
        }
        let line = finding.location.line.to_string();
        let cells = [
            line.as_str(),
            finding.field.as_deref().unwrap_or(""),
            finding.severity.as_str(),
            finding.rule.unwrap_or_else(|| finding.code.as_str()),
            &finding.message,
            &finding.fix,
            &finding.location.path,
            finding.value.as_deref().unwrap_or(""),
            finding.excerpt.as_deref().unwrap_or(""),
        ];
        self.table.write_record(cells.map(inert)).map_err(io::Error::from)
    }

    pub(super) fn finish(self, name: &str, summary: &Summary) -> io::Result<Staged> {
        let Self { path, table, warnings } = self;
        let mut file = table.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
        file.flush()?;
        drop(file);
        let suffix = if summary.errors > 0 {
            ".ERRORS.csv"
        } else {
            let mut file = BufWriter::new(File::create(&path)?);
            let version = summary.version.as_deref().unwrap_or("");
            writeln!(file, "OK {name}")?;
            writeln!(
                file,
                "{} {version}: {} documents, 0 errors, {} warnings",
                summary.format, summary.documents, summary.warnings
            )?;
            for warning in warnings {
                writeln!(file, "{warning}")?;
            }
            file.flush()?;
            ".OK"
        };
        let size_bytes = std::fs::metadata(&path)?.len();
        Ok(Staged { path, suffix, size_bytes })
    }
}

/// A cell no spreadsheet takes for a formula (CWE-1236): one that starts like one gets an apostrophe.
pub(crate) fn inert(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use waybill_parsers::{Code, Location};

    fn finding(message: &str) -> Finding {
        Finding::error(Code::AMOUNT_INVALID, Location::new(7, 3, "row 3/amount"), message, "Write 12.00.")
            .with_field("amount")
            .with_value("=1+1")
            .with_excerpt("a,=1+1,\"b\nc\"")
    }

    #[test]
    fn an_errors_file_holds_row_line_field_code_message_and_fix_and_no_formula() {
        let folder = tempfile::tempdir().unwrap();
        let mut answer = Answer::begin(folder.path().join("a")).unwrap();
        answer.finding(&finding("`=1+1` is no amount")).unwrap();
        let summary = Summary { errors: 1, ..Summary::default() };
        let staged = answer.finish("x.csv", &summary).unwrap();
        assert_eq!(staged.suffix, ".ERRORS.csv");
        let mut reader = csv::Reader::from_path(&staged.path).unwrap();
        assert_eq!(reader.headers().unwrap(), &COLUMNS[..]);
        let row = reader.records().next().unwrap().unwrap();
        let cells: Vec<&str> = row.iter().collect();
        assert_eq!(
            cells,
            [
                "3",
                "amount",
                "error",
                "amount_invalid",
                "`=1+1` is no amount",
                "Write 12.00.",
                "row 3/amount",
                "'=1+1",
                "a,=1+1,\"b\nc\""
            ]
        );
    }

    #[test]
    fn a_file_without_errors_is_answered_ok_with_its_warnings() {
        let folder = tempfile::tempdir().unwrap();
        let mut answer = Answer::begin(folder.path().join("a")).unwrap();
        answer.finding(&Finding { severity: Severity::Warning, ..finding("odd") }).unwrap();
        let summary = Summary { format: "csv".to_owned(), documents: 2, warnings: 1, ..Summary::default() };
        let staged = answer.finish("x.csv", &summary).unwrap();
        assert_eq!(staged.suffix, ".OK");
        let text = std::fs::read_to_string(&staged.path).unwrap();
        assert!(text.starts_with("OK x.csv\ncsv : 2 documents") && text.contains("warning: line 3: odd"), "{text}");
        assert_eq!(staged.size_bytes, text.len() as u64);
    }
}
