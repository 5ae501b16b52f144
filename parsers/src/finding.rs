//! What is wrong with a file, said so that its sender can mend it: code, place, reason, fix.
//!
//! A finding is data, never an error: a reader reports it and goes on.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::location::Location;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; the document stands.
    Warning,
    /// The document (or the file) is not right as it is.
    Error,
}

impl Severity {
    /// `error` or `warning`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A code of the one catalogue that speaks in findings, the API, errors files, pages and logs, or the
/// id of a published rule (`BR-CO-10`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(&'static str);

impl Code {
    // file
    pub const EMPTY_FILE: Self = Self("empty_file");
    pub const UNKNOWN_FORMAT: Self = Self("unknown_format");
    pub const ENCODING_INVALID: Self = Self("encoding_invalid");
    pub const NO_PROFILE: Self = Self("no_profile");
    pub const SIZE_LIMIT: Self = Self("size_limit");
    pub const TOO_MANY_FINDINGS: Self = Self("too_many_findings");
    pub const TRUNCATED: Self = Self("truncated");
    pub const ARCHIVE_REFUSED: Self = Self("archive_refused");
    pub const ENCRYPTED: Self = Self("encrypted");
    // structure
    pub const CSV_HEADER_MISSING: Self = Self("csv_header_missing");
    pub const CSV_HEADER_UNKNOWN: Self = Self("csv_header_unknown");
    pub const CSV_HEADER_DUPLICATE: Self = Self("csv_header_duplicate");
    pub const CSV_COLUMN_COUNT: Self = Self("csv_column_count");
    pub const CSV_QUOTE_UNCLOSED: Self = Self("csv_quote_unclosed");
    pub const RECORD_UNEXPECTED: Self = Self("record_unexpected");
    pub const CONTROL_MISMATCH: Self = Self("control_mismatch");
    pub const XML_MALFORMED: Self = Self("xml_malformed");
    pub const XML_DTD: Self = Self("xml_dtd");
    pub const XML_DEPTH: Self = Self("xml_depth");
    pub const XML_SCHEMA: Self = Self("xml_schema");
    pub const EDI_ENVELOPE: Self = Self("edi_envelope");
    pub const EDI_CONTROL_MISMATCH: Self = Self("edi_control_mismatch");
    pub const EDI_COUNT_MISMATCH: Self = Self("edi_count_mismatch");
    pub const EDI_DUPLICATE_CONTROL: Self = Self("edi_duplicate_control");
    pub const EDI_SEGMENT_UNEXPECTED: Self = Self("edi_segment_unexpected");
    pub const EDI_SEGMENT_MISSING: Self = Self("edi_segment_missing");
    pub const EDI_ELEMENT_INVALID: Self = Self("edi_element_invalid");
    pub const EDI_TRAILING_DATA: Self = Self("edi_trailing_data");
    pub const EDI_TRANSACTION_UNSUPPORTED: Self = Self("edi_transaction_unsupported");
    pub const JSON_MALFORMED: Self = Self("json_malformed");
    pub const JSON_SCHEMA: Self = Self("json_schema");
    // record
    pub const REQUIRED_MISSING: Self = Self("required_missing");
    pub const TYPE_INVALID: Self = Self("type_invalid");
    pub const DATE_INVALID: Self = Self("date_invalid");
    pub const AMOUNT_INVALID: Self = Self("amount_invalid");
    pub const AMOUNT_SCALE: Self = Self("amount_scale");
    pub const AMOUNT_IMPLIED_DECIMAL: Self = Self("amount_implied_decimal");
    pub const CURRENCY_UNKNOWN: Self = Self("currency_unknown");
    pub const STATUS_UNMAPPED: Self = Self("status_unmapped");
    pub const TOTAL_MISMATCH: Self = Self("total_mismatch");
    pub const TAX_MISMATCH: Self = Self("tax_mismatch");
    pub const DUPLICATE_DOCUMENT: Self = Self("duplicate_document");
    pub const LENGTH_EXCEEDED: Self = Self("length_exceeded");
    // writing in another format
    pub const CONVERT_UNSUPPORTED: Self = Self("convert_unsupported");
    pub const CONVERT_LOSSY: Self = Self("convert_lossy");

    /// The code of a published rule: its own id, as the standard spells it.
    #[must_use]
    pub const fn rule(id: &'static str) -> Self {
        Self(id)
    }

    /// The code as it is written everywhere.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0)
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

/// Something the sender should be told, with its place, a code and a fix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub severity: Severity,
    pub code: Code,
    /// The narrower rule inside the code, where the trade has a name for it: `SE01`, `GE02`,
    /// `TDS-ARITH`, `BR-CO-10`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<&'static str>,
    /// What is wrong, readable alone.
    pub message: String,
    /// What the sender should do about it: one sentence, imperative.
    pub fix: String,
    pub location: Location,
    /// The field in the sender's words: a column name, `IT104`, `cbc:PayableAmount`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The value as it was read, shortened to [`Finding::VALUE_CHARS_MAX`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The original row, segment or element, as text, shortened to [`Finding::EXCERPT_CHARS_MAX`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<String>,
    /// The document it belongs to, by its ordinal in the file from 0; `None` for the file as a whole.
    /// A reader reports a document's findings before the document itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<u32>,
}

impl Finding {
    /// A quoted value is at most this many characters long.
    pub const VALUE_CHARS_MAX: usize = 120;
    /// A message or a fix is at most this many characters long, whatever of the file it quotes.
    pub const MESSAGE_CHARS_MAX: usize = 500;
    /// A quoted row or segment is at most this many characters long.
    pub const EXCERPT_CHARS_MAX: usize = 2_000;

    /// An error at a place.
    #[must_use]
    pub fn error(code: Code, location: Location, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, location, message.into(), fix.into())
    }

    /// A warning at a place.
    #[must_use]
    pub fn warning(code: Code, location: Location, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, location, message.into(), fix.into())
    }

    fn new(severity: Severity, code: Code, location: Location, message: String, fix: String) -> Self {
        Self {
            severity,
            code,
            rule: None,
            message: shortened(&message, Self::MESSAGE_CHARS_MAX),
            fix: shortened(&fix, Self::MESSAGE_CHARS_MAX),
            location,
            field: None,
            value: None,
            excerpt: None,
            document: None,
        }
    }

    #[must_use]
    pub fn with_rule(mut self, rule: &'static str) -> Self {
        self.rule = Some(rule);
        self
    }

    #[must_use]
    pub fn with_field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    #[must_use]
    pub fn with_value(mut self, value: impl AsRef<str>) -> Self {
        self.value = Some(shortened(value.as_ref(), Self::VALUE_CHARS_MAX));
        self
    }

    #[must_use]
    pub fn with_excerpt(mut self, excerpt: impl AsRef<str>) -> Self {
        self.excerpt = Some(shortened(excerpt.as_ref(), Self::EXCERPT_CHARS_MAX));
        self
    }

    #[must_use]
    pub fn in_document(mut self, ordinal: u32) -> Self {
        self.document = Some(ordinal);
        self
    }
}

/// At most `chars` characters of `text`, with an ellipsis where something was cut.
fn shortened(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        None => text.to_owned(),
        Some((cut, _)) => text.get(..cut).map_or_else(String::new, |head| format!("{head}…")),
    }
}
