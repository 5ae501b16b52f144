//! The answer that appears beside a file: `x.edi.OK`, or `x.edi.ERRORS.csv` with every finding, the row or
//! segment it is about, and what to do.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use waybill_parsers::{Finding, Severity, Summary};

use crate::domain::errors_table::{COLUMNS, ErrorsRow};
use crate::domain::{Digest, Hasher, counted};

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
    pub(super) digest: Digest,
}

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
        let row = ErrorsRow {
            line: finding.location.line,
            field: finding.field.as_deref(),
            severity: finding.severity.as_str(),
            code: finding.code.as_str(),
            rule: finding.rule,
            message: &finding.message,
            fix: &finding.fix,
            path: &finding.location.path,
            value: finding.value.as_deref(),
            original: finding.excerpt.as_deref(),
        };
        self.table.write_record(row.cells()).map_err(io::Error::from)
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
            writeln!(file, "OK {name}")?;
            writeln!(
                file,
                "{}{}: {}, 0 errors, {}",
                summary.format,
                summary.version.as_deref().map(|version| format!(" {version}")).unwrap_or_default(),
                counted(summary.documents, "document"),
                counted(summary.warnings, "warning")
            )?;
            for warning in warnings {
                writeln!(file, "{warning}")?;
            }
            file.flush()?;
            ".OK"
        };
        let mut hasher = Hasher::default();
        let size_bytes = hasher.copy(&mut File::open(&path)?, &mut io::sink())?;
        Ok(Staged { path, suffix, size_bytes, digest: hasher.finish() })
    }
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
                "",
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
        assert!(
            text.starts_with("OK x.csv\ncsv: 2 documents, 0 errors, 1 warning")
                && text.contains("warning: line 3: odd"),
            "{text}"
        );
        assert_eq!(staged.size_bytes, text.len() as u64);
    }
}
