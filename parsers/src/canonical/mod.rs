//! What comes out of every format: one model, after EN 16931's semantic model (the BT and BG numbers in
//! the docs are that standard's), with exact decimals and the evidence for every amount.
//!
//! Absent, zero and empty are three different things. Dates are civil dates. Amounts of credit notes are
//! positive, as in UBL; [`Invoice::signed_payable`] turns them into what they do to a balance.

mod acknowledgment;
mod invoice;
mod party;
mod payment_order;
mod remittance;
mod schema;
mod statement;
mod text;
mod vendor;
mod voucher;

pub use acknowledgment::{AcknowledgedFault, AcknowledgedItem, Acknowledgment, Subject, Verdict};
pub use invoice::{
    AllowanceCharge, Attachment, CreditTransfer, Delivery, Invoice, InvoiceKind, Item, ItemId, Line, Note,
    OtherCurrency, Payment, PaymentTerms, Period, Preceding, References, TaxBreakdown, TermsDiscount, Totals,
    Withholding,
};
pub use party::{Address, Contact, Identifier, Party};
pub use payment_order::PaymentOrder;
pub use remittance::{Account, Adjustment, Handling, RemittanceAdvice, RemittanceLine, SettledKind};
pub use schema::schema;
pub use statement::{Direction, Statement, StatementTransaction};
pub use text::Text;
pub use vendor::Vendor;
pub use voucher::{PaymentStatus, Voucher};

use jiff::civil::Date;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::location::Location;
use crate::short::Short;

/// One canonical document read from a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Document {
    /// Its place among the documents of its file, from 0.
    #[serde(default)]
    pub ordinal: u32,
    /// The format it was read from: `x12-810`, `ubl-invoice`, `ubl-creditnote`, `csv`.
    #[serde(default)]
    pub format: Text,
    /// The format's version as the file states it: `004010`, `2.1`, a profile's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Text>,
    /// Where it starts, and in `len` how long it is (saturating at 4 GiB).
    #[serde(default)]
    pub location: Location,
    /// The envelope's control numbers, outermost first: `("ISA13", "000000001")`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub control: Vec<(Text, Text)>,
    /// Where each amount and each disputable field stands in the original.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
    pub body: Body,
}

/// Which field of the document, and where the original says it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// The canonical field: `totals.payable`, `lines[2].net_amount`.
    #[schemars(with = "String")]
    pub field: Short,
    pub at: Location,
    /// The text as it was written, before any conversion.
    #[schemars(with = "String")]
    pub raw: Short,
}

impl Evidence {
    /// That `field` stands at this place, written like this.
    #[must_use]
    #[inline]
    pub fn new(field: impl Into<Short>, at: Location, raw: impl Into<Short>) -> Self {
        Self { field: field.into(), at, raw: raw.into() }
    }
}

/// What kind of document it is, with its content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// An invoice or a credit note.
    Invoice(Box<Invoice>),
    /// A payer's open item with its status.
    Voucher(Box<Voucher>),
    /// A payment with the documents it settles.
    RemittanceAdvice(Box<RemittanceAdvice>),
    /// An order to a bank.
    PaymentOrder(Box<PaymentOrder>),
    /// What a bank or a seller says happened on an account.
    Statement(Box<Statement>),
    /// A payer's vendor record.
    Vendor(Box<Vendor>),
    /// The other side's answer to something sent.
    Acknowledgment(Box<Acknowledgment>),
}

impl Document {
    /// The kind, as it is written in answers and in the API: `invoice`, `credit_note`, `voucher`,
    /// `remittance_advice`, `payment_order`, `statement`, `vendor`, `acknowledgment`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match &self.body {
            Body::Invoice(invoice) => match invoice.kind {
                InvoiceKind::Invoice => "invoice",
                InvoiceKind::CreditNote => "credit_note",
            },
            Body::Voucher(_) => "voucher",
            Body::RemittanceAdvice(_) => "remittance_advice",
            Body::PaymentOrder(_) => "payment_order",
            Body::Statement(_) => "statement",
            Body::Vendor(_) => "vendor",
            Body::Acknowledgment(_) => "acknowledgment",
        }
    }

    /// The number its issuer gave it (BT-1), if it has one; of what came in a bank's message, the message's.
    #[must_use]
    pub fn number(&self) -> Option<&str> {
        match &self.body {
            Body::Invoice(invoice) => invoice.number.as_deref(),
            Body::Voucher(voucher) => voucher.invoice_number.as_deref(),
            Body::RemittanceAdvice(advice) => advice.number.as_deref(),
            Body::PaymentOrder(order) => order.message_id.as_deref(),
            Body::Statement(statement) => statement.message_id.as_deref().or(statement.number.as_deref()),
            Body::Vendor(vendor) => vendor.vendor_no.as_deref(),
            Body::Acknowledgment(acknowledgment) => acknowledgment.number.as_deref(),
        }
    }

    /// ISO 4217 code of its amounts (BT-5).
    #[must_use]
    pub fn currency(&self) -> Option<&str> {
        match &self.body {
            Body::Invoice(invoice) => invoice.currency.as_deref(),
            Body::Voucher(voucher) => voucher.currency.as_deref(),
            Body::RemittanceAdvice(advice) => advice.currency.as_deref(),
            Body::PaymentOrder(order) => order.currency.as_deref(),
            Body::Statement(statement) => statement.currency.as_deref(),
            Body::Vendor(vendor) => vendor.currency.as_deref(),
            Body::Acknowledgment(_) => None,
        }
    }

    /// The amount due (BT-115), as the document states it: positive on a credit note. What a remittance
    /// advice or a payment order pays; what a statement's entry moves, whatever the direction.
    #[must_use]
    pub fn payable(&self) -> Option<Decimal> {
        match &self.body {
            Body::Invoice(invoice) => invoice.totals.payable,
            Body::Voucher(voucher) => voucher.gross,
            Body::RemittanceAdvice(advice) => advice.total,
            Body::PaymentOrder(order) => order.amount,
            Body::Statement(statement) => statement.amount,
            Body::Vendor(_) | Body::Acknowledgment(_) => None,
        }
    }

    /// The day it was issued (BT-2).
    #[must_use]
    pub fn issue_date(&self) -> Option<Date> {
        match &self.body {
            Body::Invoice(invoice) => invoice.issue_date,
            Body::Voucher(voucher) => voucher.invoice_date,
            Body::RemittanceAdvice(advice) => advice.issue_date,
            Body::PaymentOrder(order) => order.issue_date,
            Body::Statement(statement) => statement.issue_date,
            Body::Vendor(_) => None,
            Body::Acknowledgment(acknowledgment) => acknowledgment.issue_date,
        }
    }

    /// The day payment is due (BT-9), or made.
    #[must_use]
    pub fn due_date(&self) -> Option<Date> {
        match &self.body {
            Body::Invoice(invoice) => invoice.due_date,
            Body::Voucher(voucher) => voucher.due_date,
            Body::RemittanceAdvice(advice) => advice.payment_date,
            Body::PaymentOrder(order) => order.execution_date,
            Body::Statement(statement) => statement.value_date,
            Body::Vendor(_) | Body::Acknowledgment(_) => None,
        }
    }

    /// The purchase order it refers to (BT-13).
    #[must_use]
    pub fn purchase_order(&self) -> Option<&str> {
        match &self.body {
            Body::Invoice(invoice) => invoice.references.purchase_order.as_deref(),
            Body::Voucher(voucher) => voucher.purchase_order.as_deref(),
            Body::RemittanceAdvice(_)
            | Body::PaymentOrder(_)
            | Body::Statement(_)
            | Body::Vendor(_)
            | Body::Acknowledgment(_) => None,
        }
    }

    /// Who wants the money: the seller's name (BT-27), or the vendor's, or the payee's.
    #[must_use]
    pub fn seller(&self) -> Option<&str> {
        match &self.body {
            Body::Invoice(invoice) => invoice.seller.name.as_deref(),
            Body::Voucher(voucher) => voucher.vendor_name.as_deref(),
            Body::RemittanceAdvice(advice) => advice.payee.name.as_deref(),
            Body::PaymentOrder(order) => order.payee.name.as_deref(),
            Body::Vendor(vendor) => vendor.name.as_deref(),
            Body::Statement(_) | Body::Acknowledgment(_) => None,
        }
    }

    /// Who owes it: the buyer's name (BT-44), or the payer's, or its company code.
    #[must_use]
    pub fn buyer(&self) -> Option<&str> {
        match &self.body {
            Body::Invoice(invoice) => invoice.buyer.name.as_deref(),
            Body::Voucher(voucher) => voucher.company_code.as_deref(),
            Body::RemittanceAdvice(advice) => advice.payer.name.as_deref(),
            Body::PaymentOrder(order) => order.payer.name.as_deref(),
            Body::Vendor(vendor) => vendor.company_code.as_deref(),
            Body::Statement(_) | Body::Acknowledgment(_) => None,
        }
    }
}
