//! Who is on a document: names, identifiers, addresses, contacts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::text::Text;

/// A party of a document: seller (BG-4), buyer (BG-7), payee (BG-10), tax representative (BG-11).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Party {
    /// Legal name (BT-27, BT-44, BT-59, BT-62).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Text>,
    /// Name it trades under (BT-28, BT-45).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trading_name: Option<Text>,
    /// Identifiers (BT-29, BT-46, BT-60), with the scheme as the file names it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<Identifier>,
    /// Registration number (BT-30, BT-47, BT-61).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legal_id: Option<Identifier>,
    /// VAT number (BT-31, BT-48, BT-63).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vat_id: Option<Text>,
    /// Other tax registration (BT-32).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax_id: Option<Text>,
    /// Additional legal information (BT-33).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legal_form: Option<Text>,
    /// Electronic address (BT-34, BT-49).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Identifier>,
    /// Postal address (BG-5, BG-8, BG-12).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// Contact (BG-6, BG-9).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<Contact>,
}

/// A value and the scheme it belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Identifier {
    /// ISO 6523 code (`0088`), X12 element 66 qualifier (`x12:92`), or our word (`vendor_no`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheme: Option<Text>,
    pub value: Text,
}

/// A postal address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Address {
    /// Street lines (BT-35, 36, 162 and kin), in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<Text>,
    /// ISO 3166-1 alpha-2 (BT-40, BT-55).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<Text>,
}

/// Whom to call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Contact {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<Text>,
}
