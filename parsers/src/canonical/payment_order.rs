//! An order to a bank: pay somebody, for these documents.

use jiff::civil::Date;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::party::{Identifier, Party};
use super::remittance::{Account, RemittanceLine};
use super::text::Text;

/// One credit transfer of a payer to a payee (ISO 20022 pain.001, `CdtTrfTxInf`; SAP PEXR2002).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PaymentOrder {
    /// The message it came in: `GrpHdr/MsgId`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<Text>,
    /// The batch inside it: `PmtInfId`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_id: Option<Text>,
    /// `InstrId`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instruction_id: Option<Text>,
    /// `EndToEndId`: what the payee sees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_to_end_id: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issue_date: Option<Date>,
    /// The day to pay: `ReqdExctnDt`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_date: Option<Date>,
    /// `PmtMtd`: `TRF`, `CHK`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<Text>,
    /// Of the amount.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<Text>,
    /// `InstdAmt`, or `EqvtAmt/Amt`: what is ordered, in [`PaymentOrder::currency`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<Decimal>,
    /// `EqvtAmt/CcyOfTrf`: the amount is to be moved in this other currency, at the bank's rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transfer_currency: Option<Text>,
    pub payer: Party,
    pub payee: Party,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payer_account: Option<Account>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payee_account: Option<Account>,
    /// The creditor's structured references (`CdtrRefInf/Ref`, ISO 11649) and their kin.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<Identifier>,
    /// Unstructured remittance information (`Ustrd`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Text>,
    /// The documents it pays (`Strd/RfrdDocInf`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<RemittanceLine>,
}
