//! Files without a header: record types by a tag in each row, delimited or of fixed width, and what their
//! trailers count.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::settings::{Documents, Words};

/// One record type: what rows with its tag are, and what stands where in them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Record {
    /// What the row says at `record_type`; empty where the file has one type only.
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    pub tag: String,
    /// What a row of this type is.
    pub role: Role,
    /// How many cells a row has, or how many characters in a file of fixed width; unsaid, it may be any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Field to its place in the row.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub columns: BTreeMap<String, Place>,
}

/// What a row of a record type is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// It stands alone, as a row of a table does: a document, or a line of the document it names.
    #[default]
    Row,
    /// It opens a document.
    Document,
    /// It is a line of the document above it.
    Line,
    /// It counts what came since the trailer of its type before it.
    Trailer,
    /// It is passed over: a file header, a comment.
    Ignore,
}

/// Where a value stands in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a column number from 1, or { start = 1, length = 10 } in a file of fixed width"
)]
pub enum Place {
    /// The number of the column, from 1.
    Column(u32),
    /// Characters of the row.
    Span(Span),
}

/// Some characters of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// The first, from 1.
    pub start: u32,
    /// How many.
    pub length: u32,
}

/// How a number is written that has no decimal mark of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NumberFormat {
    /// How many of its last digits are decimals: `0001250` with 2 is 12.50. A mark that is written wins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimals: Option<u32>,
    /// The last digit carries the sign, as COBOL writes `SIGN IS TRAILING`: `125{` is 1250, `125}` is -1250.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub zoned: bool,
}

/// What a trailer can state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrailerField {
    /// Documents since the trailer before.
    DocumentCount,
    /// Lines since then.
    LineCount,
    /// Documents and lines.
    DataCount,
    /// Every record, the trailer among them, and what is passed over.
    RecordCount,
    /// The sum of the documents' amounts, as they are written.
    ControlTotal,
}

impl TrailerField {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::DocumentCount, Self::LineCount, Self::DataCount, Self::RecordCount, Self::ControlTotal];

    /// As a profile names it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::DocumentCount => "document_count",
            Self::LineCount => "line_count",
            Self::DataCount => "data_count",
            Self::RecordCount => "record_count",
            Self::ControlTotal => "control_total",
        }
    }

    /// The one of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == name)
    }
}

impl Documents {
    /// The amount of a document that a control total sums, by its field; vendors have none.
    pub(crate) fn amount_field(self) -> Option<&'static str> {
        match self {
            Self::Invoice => Some("payable"),
            Self::Voucher => Some("gross"),
            Self::Remittance => Some("payment_amount"),
            Self::Vendor => None,
        }
    }

    /// The field that numbers a document.
    pub(crate) fn number_field(self) -> &'static str {
        match self {
            Self::Invoice => "number",
            Self::Voucher => "invoice_number",
            Self::Vendor => "vendor_no",
            Self::Remittance => "payment_number",
        }
    }
}

/// Whether a text is one of the words, whatever its case.
pub(crate) fn is_among(words: &Words, text: &str) -> bool {
    words.all().iter().any(|word| word.eq_ignore_ascii_case(text))
}
