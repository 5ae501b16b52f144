//! What an account's keeper says happened on it.

use jiff::civil::Date;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::party::{Identifier, Party};
use super::remittance::{Account, RemittanceLine};
use super::text::Text;

/// One entry of an account report, statement or notification (ISO 20022 camt.052, camt.053, camt.054,
/// `Ntry`), or a whole statement of open items (UBL Statement).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Statement {
    /// The report it stands in: `Rpt/Id`, `Stmt/Id`, `Ntfctn/Id`; UBL `Statement/ID`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<Text>,
    /// The message: `GrpHdr/MsgId`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issue_date: Option<Date>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<Account>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<Text>,
    /// As the file writes it: its direction stands beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<Decimal>,
    /// Whether the money came in or went out (`CdtDbtInd`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
    /// A correction of an earlier entry (`RvslInd`).
    pub is_reversal: bool,
    /// `BOOK`, `PDNG`, `INFO`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub booking_date: Option<Date>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_date: Option<Date>,
    /// The bank's own reference: `AcctSvcrRef`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bank_reference: Option<Text>,
    /// The payments the entry stands for (`NtryDtls/TxDtls`), or a UBL statement's lines.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub transactions: Vec<StatementTransaction>,
}

impl Statement {
    /// What the entry does to the account: negative for money that went out.
    #[must_use]
    pub fn signed_amount(&self) -> Option<Decimal> {
        self.amount.map(|amount| match self.direction {
            Some(Direction::Debit) => -amount,
            Some(Direction::Credit) | None => amount,
        })
    }
}

/// Which way money went, seen from the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// It came in (`CRDT`).
    Credit,
    /// It went out (`DBIT`).
    Debit,
}

/// One payment inside an entry.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct StatementTransaction {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_to_end_id: Option<Text>,
    /// As the file writes it, as [`Statement::amount`] is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<Decimal>,
    /// `CdtDbtInd` of its own, or else the entry's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payer: Option<Party>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payee: Option<Party>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<Identifier>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Text>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<RemittanceLine>,
}
