//! A payer's open item: the invoice as the payer's ERP sees it, with its status.

use jiff::civil::Date;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::text::Text;

/// One row of a payer's voucher feed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Voucher {
    /// The payer's company or business unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub company_code: Option<Text>,
    /// The vendor in the payer's vendor master.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor_no: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site_code: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor_name: Option<Text>,
    /// The supplier's invoice number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invoice_number: Option<Text>,
    /// The payer's own number of the item.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voucher_number: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invoice_date: Option<Date>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_date: Option<Date>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<Text>,
    /// The whole amount; negative for a credit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gross: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub net: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax: Option<Decimal>,
    /// What is still to be paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paid: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purchase_order: Option<Text>,
    /// The payer's own status code, as the row says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_code: Option<Text>,
    /// What the profile's status map makes of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<PaymentStatus>,
    /// The profile's words for the supplier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_text: Option<Text>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hold_codes: Vec<Text>,
    /// The payment document: check or transfer number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_number: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_date: Option<Date>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_method: Option<Text>,
}

/// Where an item stands on its way to being paid: the statuses a payer's own codes are mapped to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    Received,
    InReview,
    Approved,
    Scheduled,
    PartiallyPaid,
    Paid,
    Cleared,
    Rejected,
    Cancelled,
}

impl PaymentStatus {
    /// As it is written in profiles, answers and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::InReview => "in_review",
            Self::Approved => "approved",
            Self::Scheduled => "scheduled",
            Self::PartiallyPaid => "partially_paid",
            Self::Paid => "paid",
            Self::Cleared => "cleared",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
        }
    }
}
