//! `waybill file errors`: what is wrong with a file, as `waybill check` says it.

use std::io::{self, Write};

use anyhow::bail;
use clap::Args;

use super::super::screen::{Color, Paint, safe};
use super::super::store::{File, Finding, Missing, Place, Store};
use super::super::{Exit, json_line};
use super::{file_id, summary};
use crate::domain::ArrivalId;
use crate::domain::errors_table::{COLUMNS, ErrorsRow};

#[derive(Debug, Args)]
pub(super) struct Errors {
    /// Its id, whole: `fil_…`
    #[arg(value_parser = file_id)]
    id: ArrivalId,

    /// Print the table that lies beside the file in /drop: the row, line, field, code, message, fix
    #[arg(long, conflicts_with = "json")]
    csv: bool,

    /// Print one JSON object a line
    #[arg(long)]
    json: bool,

    /// When to colour
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    color: Color,

    #[command(flatten)]
    place: Place,
}

pub(super) const EXAMPLES: &str = "\
Examples:
  waybill file errors fil_01KA6T5VZ3Q9Y0C2N8W4J7H1DX
  waybill file errors fil_01KA6T5VZ3Q9Y0C2N8W4J7H1DX --csv > errors.csv
  waybill file errors fil_01KA6T5VZ3Q9Y0C2N8W4J7H1DX --json | jq -r .code | sort | uniq -c

Exit codes:
  0  the file was read, and none of its findings is an error
  1  at least one finding is an error
  2  unusable: no such file, it has not been read yet, no store there, wrong arguments";

impl Errors {
    pub(super) async fn run(&self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let store = self.place.open(Missing::Refuse).await?;
        let file = store.file(self.id).await?;
        // A file that is being read again still shows what it showed.
        if file.published_at.is_none() {
            bail!(match (&file.reason, file.waits()) {
                (Some(reason), false) => format!("{} was set aside and not read: {reason}", file.name),
                (_, _) => format!("{} has not been read yet; it is {}", file.name, file.status),
            });
        }
        if self.csv {
            self.table(out, &store).await?;
        } else if self.json {
            self.each(&store, |finding| json_line(out, finding)).await?;
        } else {
            let paint = self.color.paint();
            self.each(&store, |finding| say(out, paint, &file, finding)).await?;
            writeln!(out, "{}", summary(&file))?;
        }
        Ok(if file.errors > 0 { Exit::Findings } else { Exit::Ok })
    }

    /// Every finding in the order of the file; a page at a time, however many there are.
    async fn each(&self, store: &Store, mut with: impl FnMut(&Finding) -> io::Result<()>) -> anyhow::Result<()> {
        let mut from = None;
        loop {
            let found = store.findings(self.id, from).await?;
            for finding in &found.findings {
                with(finding)?;
            }
            from = found.next;
            if from.is_none() {
                return Ok(());
            }
        }
    }

    /// The same columns as the errors file beside the original.
    async fn table(&self, out: &mut dyn Write, store: &Store) -> anyhow::Result<()> {
        let mut table = csv::Writer::from_writer(out);
        table.write_record(COLUMNS)?;
        self.each(store, |finding| {
            let row = ErrorsRow {
                line: u64::try_from(finding.line).unwrap_or(0),
                field: finding.field.as_deref(),
                severity: &finding.severity,
                code: &finding.code,
                rule: finding.rule.as_deref(),
                message: &finding.message,
                fix: &finding.fix,
                path: &finding.path,
                value: finding.value.as_deref(),
                original: finding.original.as_deref(),
            };
            table.write_record(row.cells()).map_err(io::Error::from)
        })
        .await?;
        Ok(table.flush()?)
    }
}

/// One finding: what, where, the row it is about, the fix.
fn say(out: &mut dyn Write, paint: Paint, file: &File, finding: &Finding) -> io::Result<()> {
    let label = format!("{}[{}]", safe(&finding.severity), safe(&finding.code));
    let label = if finding.severity == "error" { paint.red(&label) } else { paint.yellow(&label) };
    writeln!(out, "{label}{}", paint.bold(&format!(": {}", safe(&finding.message))))?;
    let number = finding.line.to_string();
    let gutter = " ".repeat(number.len());
    let is_whole_file = finding.path.is_empty() && finding.byte == 0 && finding.length == 0;
    write!(out, "{} {}", paint.blue(&format!("{gutter}-->")), safe(&file.name))?;
    if !is_whole_file {
        write!(out, ":{number}, byte {}", finding.byte)?;
        if !finding.path.is_empty() {
            write!(out, " ({})", safe(&finding.path))?;
        }
    }
    writeln!(out)?;
    let bar = paint.blue(&format!("{gutter} |")).into_owned();
    if let Some(original) = finding.original.as_deref().filter(|original| !original.trim().is_empty()) {
        writeln!(out, "{bar}")?;
        for (index, line) in original.lines().enumerate() {
            let head = if index == 0 { paint.blue(&format!("{number} |")).into_owned() } else { bar.clone() };
            writeln!(out, "{head} {}", safe(line))?;
        }
        writeln!(out, "{bar}")?;
    }
    let mut fact = |name: &str, value: Option<&String>| match value {
        None => Ok(()),
        Some(value) => writeln!(out, "{} {name}: {}", paint.blue(&format!("{gutter} =")), safe(value)),
    };
    fact("rule", finding.rule.as_ref())?;
    fact("field", finding.field.as_ref())?;
    fact("fix", Some(&finding.fix))?;
    writeln!(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;

    fn file() -> File {
        File {
            id: "fil_x".to_owned(),
            organisation: "org_x".to_owned(),
            name: "a\x1b[2J.csv".to_owned(),
            status: "applied_with_errors".to_owned(),
            user: "acme".to_owned(),
            protocol: "sftp".to_owned(),
            session: None,
            size_bytes: 1,
            sha256: String::new(),
            received_at: Timestamp::from_micros(0),
            published_at: None,
            duplicate_of: None,
            format: Some("csv".to_owned()),
            format_version: None,
            encoding: None,
            profile: None,
            documents: 2,
            errors: 1,
            warnings: 0,
            answer: None,
            reason: None,
        }
    }

    #[test]
    fn a_finding_shows_its_row_and_its_fix_and_steers_nothing() {
        let finding = Finding {
            severity: "error".to_owned(),
            code: "amount_invalid".to_owned(),
            rule: None,
            line: 12,
            byte: 340,
            length: 4,
            path: "row 12/amount".to_owned(),
            field: Some("amount".to_owned()),
            value: Some("1O.5".to_owned()),
            document: Some(3),
            message: "`1O.5\x1b[31m` is no amount".to_owned(),
            fix: "Write 10.50.".to_owned(),
            original: Some("INV-1,1O.5\nx\u{202e}y".to_owned()),
        };
        let mut out = vec![];
        say(&mut out, Paint::PLAIN, &file(), &finding).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "\
error[amount_invalid]: `1O.5\\x1B[31m` is no amount
  --> a\\x1B[2J.csv:12, byte 340 (row 12/amount)
   |
12 | INV-1,1O.5
   | x\\u{202e}y
   |
   = field: amount
   = fix: Write 10.50.

"
        );
        assert_eq!(summary(&file()), "a\\x1B[2J.csv: applied_with_errors, csv, 2 documents, 1 error, 0 warnings");
    }
}
