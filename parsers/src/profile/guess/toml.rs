//! The proposal as a profile to be read: each line with what speaks for it, each question where its answer
//! goes.

use std::fmt::{self, Write};

use super::Guess;
use crate::profile::{Delimiter, Documents, Negative};

impl Guess {
    /// A profile as a TOML file with comments. Without questions it loads as it is, and reads the file.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut out = String::new();
        // Writing to a string does not fail.
        let _written = self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) -> fmt::Result {
        writeln!(out, "# Proposed from the file. Read it, and answer what is asked, before you use it.")?;
        for question in &self.questions {
            writeln!(out, "# ? {}", one_line(question))?;
        }
        writeln!(out, "\nname = {}", quoted(&self.name))?;
        let Some(documents) = self.documents else { return self.write_records(out) };
        writeln!(out, "documents = {}\n", quoted(documents.as_str()))?;
        self.write_text(out)?;
        self.write_values(out)?;
        self.write_rows(out)?;
        self.write_columns(out, documents)?;
        self.write_meanings(out)
    }

    fn write_text(&self, out: &mut String) -> fmt::Result {
        if let Some(delimiter) = self.delimiter {
            writeln!(
                out,
                "delimiter = {}",
                quoted(&String::from(Delimiter::Byte(u8::try_from(delimiter).unwrap_or(b','))))
            )?;
        }
        match &self.encoding {
            Some(encoding) => writeln!(out, "# Its bytes are no UTF-8.\nencoding = {}", quoted(encoding)),
            None => Ok(()),
        }
    }

    fn write_values(&self, out: &mut String) -> fmt::Result {
        match &self.decimal {
            Some((mark, seen)) => writeln!(out, "# {}\ndecimal = {}", one_line(seen), quoted(&mark.to_string()))?,
            None => writeln!(
                out,
                "# No amount shows the decimal mark: one that can be read two ways will be refused.\ndecimal = \"auto\""
            )?,
        }
        let list = |signs: Vec<String>| signs.iter().map(|sign| quoted(sign)).collect::<Vec<_>>().join(", ");
        if !self.thousands.is_empty() {
            writeln!(out, "thousands = [{}]", list(self.thousands.iter().map(char::to_string).collect()))?;
        }
        if !self.negative.is_empty() {
            let names = self.negative.iter().map(|way| match way {
                Negative::Leading => "leading".to_owned(),
                Negative::Trailing => "trailing".to_owned(),
                Negative::Parentheses => "parentheses".to_owned(),
            });
            writeln!(out, "negative = [{}]", list(names.collect()))?;
        }
        if !self.currency_signs.is_empty() {
            writeln!(out, "currency_signs = [{}]", list(self.currency_signs.clone()))?;
        }
        if let Some((pattern, evidence)) = &self.dates {
            writeln!(out, "# {}\ndates = [{}]", one_line(evidence), quoted(pattern))?;
        }
        Ok(())
    }

    fn write_rows(&self, out: &mut String) -> fmt::Result {
        let list = |words: &[String]| words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(", ");
        if self.skip_rows > 0 {
            writeln!(out, "skip_rows = {}", self.skip_rows)?;
        }
        if !self.skip_starting_with.is_empty() {
            writeln!(out, "skip_starting_with = [{}]", list(&self.skip_starting_with))?;
        }
        if self.group_by_number {
            writeln!(out, "# The same number stands on several rows.\ngroup_by_number = true")?;
        }
        if !self.credit_types.is_empty() {
            writeln!(out, "credit_types = [{}]", list(&self.credit_types))?;
        }
        Ok(())
    }

    fn write_columns(&self, out: &mut String, documents: Documents) -> fmt::Result {
        let is_mapped = |name: &str| self.columns.iter().any(|column| column.field == Some(name));
        if documents.has_amounts() && !is_mapped("currency") {
            writeln!(out, "\n[defaults]")?;
            match &self.currency {
                Some(code) => writeln!(out, "# By the sign beside the amounts.\ncurrency = {}", quoted(code))?,
                None => writeln!(out, "# ? currency = \"…\"")?,
            }
        }
        writeln!(out, "\n[columns]")?;
        let knows_no_status = self.status.iter().all(|(_, status)| status.is_none());
        for column in &self.columns {
            let example =
                if column.example.is_empty() { String::new() } else { format!("; `{}`", one_line(&column.example)) };
            match column.field {
                Some("status_code") if knows_no_status => {
                    writeln!(
                        out,
                        "# ? status_code = {}   # when [status] says what its codes mean",
                        quoted(&column.header)
                    )?;
                }
                Some(field) => {
                    writeln!(
                        out,
                        "# {} %: {}{example}\n{field} = {}",
                        column.confidence,
                        one_line(&column.why),
                        quoted(&column.header)
                    )?;
                }
                None => writeln!(out, "# Not read: {}{example}", quoted(&column.header))?,
            }
        }
        Ok(())
    }

    fn write_meanings(&self, out: &mut String) -> fmt::Result {
        if !self.status.is_empty() {
            let is_known = self.status.iter().any(|(_, status)| status.is_some());
            writeln!(out, "\n{}[status]", if is_known { "" } else { "# " })?;
            for (code, status) in &self.status {
                match status {
                    Some(status) => writeln!(out, "{} = {{ status = {} }}", quoted(code), quoted(status.as_str()))?,
                    None => writeln!(out, "# ? {} = {{ status = \"…\" }}", quoted(code))?,
                }
            }
        }
        if !self.deleted.is_empty() {
            let words = self.deleted.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(", ");
            writeln!(out, "\n[deleted]\nvendor_name = [{words}]")?;
        }
        Ok(())
    }

    /// What can be said of a file without a header: its record types, and what stands where in the first.
    fn write_records(&self, out: &mut String) -> fmt::Result {
        if self.record_types.is_empty() {
            return Ok(());
        }
        writeln!(out, "# ? documents = \"invoice\"\n")?;
        self.write_text(out)?;
        writeln!(out, "record_type = 1")?;
        let last = self.record_types.len() - 1;
        let most = self.record_types.iter().map(|(_, rows, _)| *rows).max().unwrap_or_default();
        for (index, (tag, rows, cells)) in self.record_types.iter().enumerate() {
            let role = match *rows {
                1 if index == last && index > 0 => "trailer",
                1 if index == 0 && last > 1 => "ignore",
                rows if rows == most && index > 0 && last > 0 => "line",
                _ => "document",
            };
            writeln!(
                out,
                "\n# {rows} rows\n[[records]]\ntype = {}\nrole = {}\n[records.columns]",
                quoted(tag),
                quoted(role)
            )?;
            for (column, cell) in cells.iter().enumerate().skip(1).filter(|(_, cell)| !cell.is_empty()) {
                writeln!(out, "# ? … = {}   # `{}`", column + 1, one_line(cell))?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Guess {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.to_toml())
    }
}

/// A text of the file in a comment: one line, no longer than a line.
fn one_line(text: &str) -> String {
    text.chars().take(120).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A TOML basic string.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => {
                let _written = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
