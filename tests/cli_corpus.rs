//! `waybill check` against real documents: every file of the shared corpus is answered cleanly, and agrees with
//! what `expect.tsv` says of it: format, kind, how many documents, the first one's number, currency and amount,
//! the sum of all, and whether it is right.

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
    sum: &'t str,
    validity: &'t str,
}

impl<'t> Expected<'t> {
    fn of(row: &'t str) -> Self {
        let cells: Vec<_> = row.split('\t').collect();
        let [path, format, kind, documents, number, currency, payable, sum, validity, ..] = cells[..] else {
            panic!("a row of expect.tsv is too short: {row}");
        };
        let mut row = Self { path, format, kind, documents, number, currency, payable, sum, validity };
        row.settle();
        row
    }

    /// The format as we name it, or the beginning of it: the table has the version, too.
    fn family(&self) -> &'t str {
        match self.format {
            // Invoices inside a wrapper element are read where they stand.
            "xml-batch-of-ubl" => "ubl-invoice",
            "flat-delimited" => "csv",
            format => format,
        }
    }

    /// Where we differ from the table on purpose; docs/FORMATS.md says why.
    fn settle(&mut self) {
        match self.path {
            // Documents before the one that is cut off are recorded: "the good beside the bad".
            "own-csv/s11_neg_unclosed_quote.csv" => {
                (self.documents, self.kind) = ("2", "invoice");
                (self.number, self.currency, self.payable) = ("SINV00001", "USD", "21897.62");
            }
            // The table has what the file was made from; the file itself says something else, or nothing.
            "own-x12/neg_missing_big.edi" => self.number = "",
            // The last document is cut off before its total.
            "own-x12/neg_truncated.edi" => self.sum = "",
            "own-x12/neg_tds_mismatch.edi" => (self.payable, self.sum) = ("0.01", ""),
            "own-xml/neg_br_02_no_id.xml" => self.number = "",
            "own-xml/neg_br_cl_04_currency.xml" => self.currency = "EURO",
            "own-xml/neg_br_co_16.xml" => (self.payable, self.sum) = ("39588.80", ""),
            "own-xml/neg_br_dec_3_decimals.xml" => (self.payable, self.sum) = ("30913.001", ""),
            "own-edifact/neg_bad_moa.edi" => (self.payable, self.sum) = ("", ""),
            "own-edifact/neg_missing_bgm.edi" => self.number = "",
            "own-edifact/neg_sum_mismatch.edi" => (self.payable, self.sum) = ("0.01", ""),
            "own-edifact/neg_truncated.edi" => self.sum = "",
            // Its labels do not look into data elements, where letters stand for numbers (ISO 9735 §10).
            "staedi-x12-edifact/EDIFACT/invoic_d97b_bad.edi" => self.validity = "na",
            path if path.starts_with("bdew-edifact-mapper/fv2504/") => self.validity = "na",
            // A declared character set that is not the one of the bytes is a warning.
            "own-edifact/neg_unoa_lowercase.edi" => self.validity = "na",
            // The table took the line breaks of a wrapped file for blanks of the data.
            "staedi-x12-edifact/EDIFACT/issue128/wrapped_invoic_d97b.edi" => self.validity = "na",
            "staedi-x12-edifact/EDIFACT/issue128/wrapped_invoic_d97b_una.edi" => {
                (self.validity, self.number) = ("na", "342459");
            }
            // ISO 20022's control sum counts amounts in every currency.
            "iso20022-moov/musterfile_pain.001_Nov2020.xml" => self.sum = "38.00",
            // A credit note's amounts are positive, whatever sign its format writes.
            "facturae-gobl/credit-note.xml" => (self.payable, self.sum) = ("5084.42", "5084.42"),
            // The table looks at ImportoTotaleDocumento only, which is optional.
            "fatturapa-official/valid/IT01234567890_FPA01.xml" | "fatturapa-official/valid/IT01234567890_FPR01.xml" => {
                self.payable = "6.10";
            }
            "fatturapa-official/valid/IT01234567890_FPA02.xml" | "fatturapa-official/valid/IT01234567890_FPA03.xml" => {
                self.payable = "30.50";
            }
            "fatturapa-official/valid/IT01234567890_FPR02.xml" | "fatturapa-official/valid/IT01234567890_FPR03.xml" => {
                self.payable = "32.95";
            }
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
        // Fragments, each with the rule it is about: parsers/tests/corpus_xml.rs has them rule by rule.
        if self.kind == "ruletest" {
            return Vec::new();
        }
        let mut differ = Differences::default();
        // The table's verdict is that of EN 16931's own rules; what Peppol and XRechnung want beyond, it does not say.
        let errors = check.events("finding").into_iter().filter(|finding| {
            let is_beyond = ["PEPPOL-", "BR-DE-"].iter().any(|family| text(finding, "code").starts_with(family));
            finding["severity"] == "error" && !is_beyond
        });
        match (self.validity, errors.count()) {
            ("valid", errors @ 1..) => differ.note("errors", "0", &errors.to_string()),
            ("invalid", 0) => differ.note("errors", "at least one", "none"),
            _ => (),
        }
        let exit = check.events("finding").iter().any(|finding| finding["severity"] == "error");
        differ.note("exit code", &i32::from(exit).to_string(), &check.exit.to_string());
        match self.kind {
            // What is no document of accounts payable is taken or refused, with a word either way.
            "other" => self.as_foreign(check, &mut differ),
            _ => self.as_ours(check, &mut differ),
        }
        if !differ.0.is_empty() {
            let codes: Vec<_> =
                check.events("finding").iter().map(|finding| text(finding, "code").to_owned()).take(8).collect();
            differ.0.push(format!("findings: {}", codes.join(" ")));
        }
        differ.0
    }

    fn as_foreign(&self, check: &Check, differ: &mut Differences) {
        if self.documents == "0" {
            differ.note("documents", "0", &check.events("document").len().to_string());
        }
        if check.events("document").is_empty() && check.events("finding").is_empty() {
            differ.0.push("there is no document, and no word why".to_owned());
        }
    }

    fn as_ours(&self, check: &Check, differ: &mut Differences) {
        let documents = check.events("document");
        differ.note("documents", self.documents, &documents.len().to_string());
        let Some(first) = documents.first() else { return };
        let found = text(first, "format");
        if self.format != "archive" && !self.family().to_lowercase().starts_with(found) {
            differ.note("format", self.family(), found);
        }
        let kind = match self.kind {
            "credit" => "credit_note",
            "remittance" => "remittance_advice",
            "payment" => "payment_order",
            "ack" => "acknowledgment",
            kind => kind,
        };
        // Whether a row of a table is an invoice or a payer's open item, its feed says; the corpus only knows the
        // shape.
        if !(found == "csv" && text(first, "kind") == "voucher" && kind == "invoice") {
            differ.note("kind", kind, text(first, "kind"));
        }
        differ.note("number", self.number, text(first, "number"));
        differ.note("currency", self.currency, text(first, "currency"));
        differ.note("payable", &amount(self.payable), &amount(text(first, "payable")));
        if !self.sum.is_empty() {
            differ.note("payable_sum", &amount(self.sum), &sum(&documents));
        }
    }
}

/// The amounts of all documents, as the table adds them: as their files write them. A credit note of EDI and XML
/// is written positive, one of a table negative.
fn sum(documents: &[Value]) -> String {
    let amounts = documents.iter().map(|document| {
        let payable = text(document, "payable").parse::<Decimal>().ok()?;
        let is_negative =
            document["kind"] == "credit_note" && matches!(text(document, "format"), "csv" | "fixed-width");
        Some(if is_negative { -payable } else { payable })
    });
    let sum: Option<Decimal> = amounts.sum();
    sum.map_or_else(|| "not every document has an amount".to_owned(), |sum| sum.normalize().to_string())
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
