//! The errors file as a table: the answer beside a file, the API's `text/csv` and `file errors --csv` are
//! the same rows.

/// The columns. The original row comes last, so that the advice is read first.
pub const COLUMNS: [&str; 10] =
    ["line", "field", "severity", "code", "rule", "message", "fix", "path", "value", "original"];

/// One finding as a row.
#[derive(Debug, Clone, Copy)]
pub struct ErrorsRow<'a> {
    pub line: u64,
    pub field: Option<&'a str>,
    pub severity: &'a str,
    pub code: &'a str,
    /// The narrower name inside the code, where the trade has one: `SE01`, `BR-CO-10`.
    pub rule: Option<&'a str>,
    pub message: &'a str,
    pub fix: &'a str,
    pub path: &'a str,
    pub value: Option<&'a str>,
    pub original: Option<&'a str>,
}

impl ErrorsRow<'_> {
    /// Its cells, in the order of [`COLUMNS`], none of which a spreadsheet takes for a formula.
    #[must_use]
    pub fn cells(&self) -> [String; 10] {
        let line = self.line.to_string();
        [
            line.as_str(),
            self.field.unwrap_or(""),
            self.severity,
            self.code,
            self.rule.unwrap_or(""),
            self.message,
            self.fix,
            self.path,
            self.value.unwrap_or(""),
            self.original.unwrap_or(""),
        ]
        .map(inert)
    }
}

/// A cell that starts like a formula (CWE-1236) gets an apostrophe.
fn inert(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        let row = ErrorsRow {
            line: 3,
            field: Some("@amount"),
            severity: "error",
            code: "amount_invalid",
            rule: Some("BAD-NUMBER"),
            message: "-1",
            fix: "+1",
            path: "row 3/amount",
            value: Some("=1+1"),
            original: Some("\tx"),
        };
        assert_eq!(
            row.cells(),
            ["3", "'@amount", "error", "amount_invalid", "BAD-NUMBER", "'-1", "'+1", "row 3/amount", "'=1+1", "'\tx"]
        );
    }
}
