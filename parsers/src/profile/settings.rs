//! The kinds of values a profile's keys take: each is parsed once, from the text a person writes.

use std::slice;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use serde::{Deserialize, Serialize};

use crate::canonical::PaymentStatus;

/// What a file's rows hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Documents {
    /// Invoices and credit notes.
    Invoice,
    /// A payer's open items.
    Voucher,
    /// A payer's vendors.
    Vendor,
    /// Payments with the documents they settle.
    Remittance,
}

impl Documents {
    /// As it is written in a profile.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invoice => "invoice",
            Self::Voucher => "voucher",
            Self::Vendor => "vendor",
            Self::Remittance => "remittance",
        }
    }

    /// Whether a document may have rows below its first, a line each.
    #[must_use]
    pub fn has_lines(self) -> bool {
        matches!(self, Self::Invoice | Self::Remittance)
    }

    /// Whether it is about money, and so must say in which currency.
    #[must_use]
    pub fn has_amounts(self) -> bool {
        self != Self::Vendor
    }
}

/// What stands between two columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Delimiter {
    /// The one of [`Delimiter::KNOWN`] that finds the most columns of the profile.
    Auto,
    /// This sign.
    Byte(u8),
}

impl Delimiter {
    /// What `auto` chooses among.
    pub const KNOWN: [u8; 6] = [b',', b';', b'\t', b'|', b'^', b'~'];
}

impl TryFrom<String> for Delimiter {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_bytes() {
            _ if text == "auto" => Ok(Self::Auto),
            [byte] if (byte.is_ascii_punctuation() && *byte != b'"') || matches!(byte, b'\t' | b' ') => {
                Ok(Self::Byte(*byte))
            }
            _ => Err(format!(r#"`{text}` is no delimiter: write "auto", ",", ";", "\t", "|" or another sign"#)),
        }
    }
}

impl From<Delimiter> for String {
    fn from(delimiter: Delimiter) -> Self {
        match delimiter {
            Delimiter::Auto => "auto".to_owned(),
            Delimiter::Byte(byte) => char::from(byte).to_string(),
        }
    }
}

/// What the text is written in. UTF-8, UTF-16, or one byte a character: the encodings in which a byte that
/// looks like a delimiter is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum TextEncoding {
    /// What the byte order mark says; else UTF-8, if it is valid; else windows-1252.
    Auto,
    /// This one, unless a byte order mark says another.
    Named(&'static Encoding),
}

impl TryFrom<String> for TextEncoding {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        Encoding::for_label(text.as_bytes())
            .filter(|encoding| [UTF_8, UTF_16LE, UTF_16BE].contains(encoding) || encoding.is_single_byte())
            .map(Self::Named)
            .ok_or_else(|| {
                format!(
                    r#"`{text}` is no encoding Waybill reads: write "auto", "utf-8", "windows-1252", "iso-8859-1", "iso-8859-15", "utf-16le", "utf-16be" or another encoding of one byte a character"#
                )
            })
    }
}

impl From<TextEncoding> for String {
    fn from(encoding: TextEncoding) -> Self {
        match encoding {
            TextEncoding::Auto => "auto".to_owned(),
            TextEncoding::Named(encoding) => encoding.name().to_ascii_lowercase(),
        }
    }
}

/// What stands around a value that contains the delimiter; doubled inside. `None`: nothing does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Quote(pub Option<u8>);

impl Default for Quote {
    fn default() -> Self {
        Self(Some(b'"'))
    }
}

impl TryFrom<String> for Quote {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_bytes() {
            [] => Ok(Self(None)),
            [byte] if byte.is_ascii_punctuation() => Ok(Self(Some(*byte))),
            _ => Err(format!(r#"`{text}` is no quote: write "\"", "'", or "" for none"#)),
        }
    }
}

impl From<Quote> for String {
    fn from(quote: Quote) -> Self {
        quote.0.map(char::from).into_iter().collect()
    }
}

/// The decimal mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DecimalMark {
    /// `1234.50`
    #[serde(rename = ".")]
    Point,
    /// `1234,50`
    #[serde(rename = ",")]
    Comma,
    /// As the file's own unambiguous amounts show it; an amount that can be read two ways is a finding.
    #[serde(rename = "auto")]
    Auto,
}

/// A way to write a negative amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Negative {
    /// `-12.50`
    Leading,
    /// `12,50-`
    Trailing,
    /// `(12.50)`
    Parentheses,
}

/// What to say about a column that no field names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownColumns {
    /// Nothing.
    Ignore,
    /// A warning `csv_header_unknown`; `[severities]` can make it an error.
    Report,
}

/// Which rules an invoice is held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rules {
    /// Those the document says it follows; an X12, cXML or CSV file says nothing.
    AsStated,
    /// All of EN 16931, whatever the document says of itself.
    En16931,
    /// Only the sums, as warnings, whatever the document says of itself.
    Sums,
    /// None.
    None,
}

/// One word, or a list of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Words {
    /// `"Num"`
    One(String),
    /// `["Num", "No."]`
    Many(Vec<String>),
}

impl Words {
    /// All of them, in order.
    #[must_use]
    pub fn all(&self) -> &[String] {
        match self {
            Self::One(word) => slice::from_ref(word),
            Self::Many(words) => words,
        }
    }
}

/// What holds where the file has no column, or an empty cell.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Defaults {
    /// ISO 4217 code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// The payer's company, for vouchers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub company_code: Option<String>,
    /// The buyer, for invoices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buyer_name: Option<String>,
}

impl Defaults {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What a payer's status code means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusEntry {
    /// The status it stands for.
    pub status: PaymentStatus,
    /// What the supplier reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}
