//! `waybill check` against real documents: every file of the shared corpus is answered cleanly, and those
//! in a format we read agree with what `expect.tsv` says of them.

use std::fs;
use std::path::Path;

use rust_decimal::Decimal;
use serde_json::Value;

use crate::cli_check::{Check, check};

#[test]
fn check_agrees_with_every_file_of_the_corpus() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let Ok(table) = fs::read_to_string(corpus.join("expect.tsv")) else {
        eprintln!("skipped: there is no corpus at {}", corpus.display());
        return;
    };
    let rows: Vec<_> = table.lines().skip(1).map(Expected::of).collect();
    let mut disagreements = Vec::new();
    for row in &rows {
        let check = check(&corpus, &["--json", row.path]);
        disagreements.extend(row.disagreements(&check).into_iter().map(|what| format!("{}: {what}", row.path)));
    }
    assert!(rows.len() > 100, "expect.tsv has only {} rows", rows.len());
    assert!(
        disagreements.is_empty(),
        "{} disagreements on {} files:\n{}",
        disagreements.len(),
        rows.len(),
        disagreements.join("\n")
    );
}

/// A row of `expect.tsv`.
struct Expected<'t> {
    path: &'t str,
    format: &'t str,
    kind: &'t str,
    documents: &'t str,
    number: &'t str,
    currency: &'t str,
    payable: &'t str,
    validity: &'t str,
}

impl<'t> Expected<'t> {
    fn of(row: &'t str) -> Self {
        let cells: Vec<_> = row.split('\t').collect();
        let [path, format, kind, documents, number, currency, payable, _sum, validity, ..] = cells[..] else {
            panic!("a row of expect.tsv is too short: {row}");
        };
        let mut row = Self { path, format, kind, documents, number, currency, payable, validity };
        row.settle();
        row
    }

    /// The format as we name it, when it is one of ours. Remittance tables are of a later issue.
    fn ours(&self) -> Option<&'t str> {
        match self.format {
            "csv" if self.kind == "remittance" => None,
            "ubl-invoice" | "ubl-creditnote" | "csv" => Some(self.format),
            // Invoices inside a wrapper element are read where they stand.
            "xml-batch-of-ubl" => Some("ubl-invoice"),
            format if format.starts_with("x12-810") => Some("x12-810"),
            _ => None,
        }
    }

    /// Where we differ from the table on purpose.
    fn settle(&mut self) {
        match self.path {
            // Documents before the one that is cut off are recorded: "the good beside the bad".
            "own-csv/s11_neg_unclosed_quote.csv" => {
                (self.documents, self.number, self.currency, self.payable) = ("2", "SINV00001", "USD", "21897.62");
            }
            // The table has what the file was made from; the file itself says something else, or nothing.
            "own-x12/neg_missing_big.edi" => self.number = "",
            "own-x12/neg_tds_mismatch.edi" => self.payable = "0.01",
            "own-xml/neg_br_02_no_id.xml" => self.number = "",
            "own-xml/neg_br_cl_04_currency.xml" => self.currency = "EURO",
            "own-xml/neg_br_co_16.xml" => self.payable = "39588.80",
            "own-xml/neg_br_dec_3_decimals.xml" => self.payable = "30913.001",
            // The table counts the purchase order too.
            "staedi-x12-edifact/x12/invoice810_po850_dual.edi" => self.documents = "2",
            _ => (),
        }
    }

    fn disagreements(&self, check: &Check) -> Vec<String> {
        // 2 is for files that cannot be read, 101 would be a panic.
        if !matches!(check.exit, 0 | 1) || !check.err.is_empty() {
            return vec![format!("exit code {}, standard error: {}", check.exit, check.err)];
        }
        match self.ours() {
            Some(format) => self.as_ours(format, check),
            None => as_foreign(check),
        }
    }

    fn as_ours(&self, format: &str, check: &Check) -> Vec<String> {
        let mut differ = Differences::default();
        let documents = check.events("document");
        differ.note("documents", self.documents, &documents.len().to_string());
        match self.validity {
            "valid" => differ.note("exit code", "0", &check.exit.to_string()),
            "invalid" => differ.note("exit code", "1", &check.exit.to_string()),
            _ => (),
        }
        if let (Some(first), false) = (documents.first(), self.documents == "0") {
            differ.note("format", format, text(first, "format"));
            // What a CSV row is, its feed says; the corpus only knows the shape.
            if format != "csv" {
                differ.note("kind", &self.kind.replace("credit", "credit_note"), text(first, "kind"));
            }
            differ.note("number", self.number, text(first, "number"));
            differ.note("currency", self.currency, text(first, "currency"));
            differ.note("payable", &amount(self.payable), &amount(text(first, "payable")));
        }
        if !differ.0.is_empty() {
            let codes: Vec<_> =
                check.events("finding").iter().map(|finding| text(finding, "code").to_owned()).take(8).collect();
            differ.0.push(format!("findings: {}", codes.join(" ")));
        }
        differ.0
    }
}

/// A file in a format of another issue is refused with one clear word, and nothing of it is taken.
fn as_foreign(check: &Check) -> Vec<String> {
    let mut differ = Differences::default();
    differ.note("exit code", "1", &check.exit.to_string());
    differ.note("documents", "0", &check.events("document").len().to_string());
    let codes: Vec<_> = check.events("finding").iter().map(|finding| text(finding, "code").to_owned()).collect();
    if !codes.iter().any(|code| matches!(code.as_str(), "unknown_format" | "no_profile" | "empty_file")) {
        differ.0.push(format!("said neither unknown_format nor no_profile, but {}", codes.join(" ")));
    }
    differ.0
}

#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    fn note(&mut self, what: &str, expected: &str, found: &str) {
        if expected != found {
            self.0.push(format!("{what}: expected `{expected}`, found `{found}`"));
        }
    }
}

/// A value of a line; nothing for `null`.
fn text<'v>(line: &'v Value, key: &str) -> &'v str {
    line[key].as_str().unwrap_or("")
}

/// The amount without the zeros that depend on how it was written.
fn amount(text: &str) -> String {
    text.parse::<Decimal>().map_or_else(|_| text.to_owned(), |amount| amount.normalize().to_string())
}
