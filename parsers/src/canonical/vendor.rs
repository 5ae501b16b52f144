//! A payer's vendor record.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::party::{Address, Contact, Identifier};
use super::text::Text;

/// One row of a payer's vendor feed: who may be paid, under which number.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Vendor {
    /// The payer's company or business unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub company_code: Option<Text>,
    /// The vendor's number in the payer's vendor master.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor_no: Option<Text>,
    /// The remit-to site of the vendor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site_code: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Text>,
    /// Tax and registration numbers, with their scheme (`tax_id`, `vat`, `duns`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<Identifier>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<Contact>,
    /// Where remittance advices are mailed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remittance_email: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<Text>,
    /// The payer's payment terms for this vendor, in its own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terms: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_method: Option<Text>,
    /// `false`: blocked or deleted; absent: the file does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_active: Option<bool>,
    /// The row asks for the vendor to be taken off the list.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_deleted: bool,
}
