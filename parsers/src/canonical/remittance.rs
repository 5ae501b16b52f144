//! What a payment pays: remittance advices, line by line, with what was deducted and why.

use jiff::civil::Date;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::party::{Identifier, Party};
use super::text::Text;

/// One payment and the documents it settles (X12 820, EDIFACT REMADV, UBL RemittanceAdvice, ISO 20022
/// remt.001, a payer's remittance table).
///
/// Amounts are signed as they count toward the payment: a credit note that was netted is a line with a
/// negative [`RemittanceLine::paid`], whatever sign the file's format writes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RemittanceAdvice {
    /// The advice's own number: BGM 1004, `RemittanceAdvice/ID`, `RmtId`; in an 820 the trace number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issue_date: Option<Date>,
    /// The day the money moves: BPR16, DTM+203, `ReqdExctnDt`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_date: Option<Date>,
    /// How it is paid, as the file says it: `ACH`, `CHK`, UNCL4461 (`30`), `TRF`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handling: Option<Handling>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<Text>,
    /// What is paid in all; negative when the payee owes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<Decimal>,
    pub payer: Party,
    pub payee: Party,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payer_account: Option<Account>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payee_account: Option<Account>,
    /// What ties the advice to the payment: TRN02, end-to-end id, check number; with the scheme's name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub traces: Vec<Identifier>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Text>,
    pub lines: Vec<RemittanceLine>,
    /// Adjustments of the payment that belong to no line.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub adjustments: Vec<Adjustment>,
}

/// What the message asks for (X12 element 305).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Handling {
    /// Payment and advice travel together.
    PaymentAndAdvice,
    /// The advice alone; the payment goes another way.
    AdviceOnly,
    PaymentOnly,
    /// A test of the account data; no money moves.
    Prenotification,
    /// The payment may be split from its advice by the bank.
    Splittable,
}

/// A bank account, as the file gives it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Account {
    /// IBAN or the national number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<Text>,
    /// BIC, ABA routing number or clearing number, with its scheme (`bic`, `aba`, `x12:01`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bank: Option<Identifier>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Text>,
}

/// One settled document.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RemittanceLine {
    pub document_type: SettledKind,
    /// The type in the file's own words: `IV`, `380`, `CINV`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub type_code: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document_number: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document_date: Option<Date>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purchase_order: Option<Text>,
    /// The document's amount before discounts and adjustments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original: Option<Decimal>,
    /// What is paid of it now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paid: Option<Decimal>,
    /// The discount taken, positive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discount: Option<Decimal>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub adjustments: Vec<Adjustment>,
    /// Further references, by their own qualifiers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<Identifier>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<Text>,
}

/// What a line of a remittance settles.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SettledKind {
    #[default]
    Invoice,
    CreditNote,
    DebitNote,
    Other,
}

/// A difference between what was owed and what is paid.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Adjustment {
    /// What it does to the payment: negative takes away. The sign that ADX01 had in X12 before 003050 is
    /// already turned.
    pub amount: Decimal,
    /// The reason as the file codes it: element 426, UNCL5025, `Rsn`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason_code: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<Identifier>,
}
