//! The other side's answer to something sent: taken, taken with errors, or refused, and why.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::party::Party;
use super::text::Text;

/// One acknowledgment (X12 997, 999, TA1, 824; EDIFACT CONTRL, APERAK; ISO 20022 pain.002; UBL
/// ApplicationResponse).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Acknowledgment {
    /// Its own number, where it has one: BGN02, BGM 1004, `MsgId`; of a 997, 999 or TA1 the control number of what
    /// it answers, by which the trade knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issue_date: Option<Date>,
    /// Of the whole of what is acknowledged.
    pub verdict: Verdict,
    /// The verdict as the file codes it: AK901 `P`, UCI 0083 `7`, `RJCT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict_code: Option<Text>,
    pub subject: Subject,
    /// Who answers.
    pub sender: Party,
    /// Who is answered.
    pub recipient: Party,
    /// Faults of the whole: its envelope, its group.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<AcknowledgedFault>,
    /// What is said of single transaction sets, messages or documents.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<AcknowledgedItem>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Text>,
}

/// How something sent was taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Accepted,
    /// Taken, with errors to mend in the next one.
    AcceptedWithErrors,
    /// Some of it was refused.
    PartiallyAccepted,
    Rejected,
    /// It arrived; nothing is said of its content.
    #[default]
    Received,
}

/// What is acknowledged: an interchange, a functional group, or a document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Subject {
    /// `interchange`, a functional identifier code (`IN`), a message type or a document's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<Text>,
    /// The control number or reference of what is acknowledged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub control: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Text>,
    /// Sets or messages the sender's trailer counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub included: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted: Option<u64>,
}

/// What is said of one transaction set, message or document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct AcknowledgedItem {
    /// `810`, `INVOIC`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<Text>,
    /// ST02, UNH 0062, a document's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub control: Option<Text>,
    pub verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict_code: Option<Text>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<AcknowledgedFault>,
}

/// One fault the other side found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct AcknowledgedFault {
    /// Its code: elements 720, 723, 1270 and kin, EDIFACT 0085, ISO 20022 status reasons.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<Text>,
    /// The segment's tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segment: Option<Text>,
    /// Its place in the transaction set; ST (UNH) is 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segment_position: Option<u64>,
    /// The loop's identifier (AK303).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loop_id: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub element_position: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component_position: Option<u32>,
    /// The offending value, as it is quoted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Text>,
}
