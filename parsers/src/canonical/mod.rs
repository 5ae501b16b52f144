//! What comes out of every format: one model, after EN 16931's semantic model (the BT and BG numbers in
//! the docs are that standard's), with exact decimals and the evidence for every amount.
//!
//! Absent, zero and empty are three different things. Dates are civil dates. Amounts of credit notes are
//! positive, as in UBL; [`Invoice::signed_payable`] turns them into what they do to a balance.

mod invoice;
mod party;
mod voucher;

pub use invoice::{
    AllowanceCharge, CreditTransfer, Delivery, Invoice, InvoiceKind, Item, ItemId, Line, Note, Payment, PaymentTerms,
    Period, Preceding, References, TaxBreakdown, TermsDiscount, Totals,
};
pub use party::{Address, Contact, Identifier, Party};
pub use voucher::{PaymentStatus, Voucher};

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::location::Location;

/// One canonical document read from a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// Its place among the documents of its file, from 0.
    pub ordinal: u32,
    /// The format it was read from: `x12-810`, `ubl-invoice`, `ubl-creditnote`, `csv`.
    pub format: String,
    /// The format's version as the file states it: `004010`, `2.1`, a profile's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Where it starts, and in `len` how long it is (saturating at 4 GiB).
    pub location: Location,
    /// The envelope's control numbers, outermost first: `("ISA13", "000000001")`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub control: Vec<(String, String)>,
    /// Where each amount and each disputable field stands in the original.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
    pub body: Body,
}

/// Which field of the document, and where the original says it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The canonical field: `totals.payable`, `lines[2].net_amount`.
    pub field: String,
    pub at: Location,
    /// The text as it was written, before any conversion.
    pub raw: String,
}

/// What kind of document it is, with its content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// An invoice or a credit note.
    Invoice(Box<Invoice>),
    /// A payer's open item with its status.
    Voucher(Box<Voucher>),
}

impl Document {
    /// The kind, as it is written in answers and in the API: `invoice`, `credit_note`, `voucher`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match &self.body {
            Body::Invoice(invoice) => match invoice.kind {
                InvoiceKind::Invoice => "invoice",
                InvoiceKind::CreditNote => "credit_note",
            },
            Body::Voucher(_) => "voucher",
        }
    }

    /// The number its issuer gave it (BT-1), if it has one.
    #[must_use]
    pub fn number(&self) -> Option<&str> {
        match &self.body {
            Body::Invoice(invoice) => invoice.number.as_deref(),
            Body::Voucher(voucher) => voucher.invoice_number.as_deref(),
        }
    }

    /// ISO 4217 code of its amounts (BT-5).
    #[must_use]
    pub fn currency(&self) -> Option<&str> {
        match &self.body {
            Body::Invoice(invoice) => invoice.currency.as_deref(),
            Body::Voucher(voucher) => voucher.currency.as_deref(),
        }
    }

    /// The amount due (BT-115), as the document states it: positive on a credit note.
    #[must_use]
    pub fn payable(&self) -> Option<Decimal> {
        match &self.body {
            Body::Invoice(invoice) => invoice.totals.payable,
            Body::Voucher(voucher) => voucher.gross,
        }
    }

    /// The day it was issued (BT-2).
    #[must_use]
    pub fn issue_date(&self) -> Option<Date> {
        match &self.body {
            Body::Invoice(invoice) => invoice.issue_date,
            Body::Voucher(voucher) => voucher.invoice_date,
        }
    }

    /// The day payment is due (BT-9).
    #[must_use]
    pub fn due_date(&self) -> Option<Date> {
        match &self.body {
            Body::Invoice(invoice) => invoice.due_date,
            Body::Voucher(voucher) => voucher.due_date,
        }
    }

    /// The purchase order it refers to (BT-13).
    #[must_use]
    pub fn purchase_order(&self) -> Option<&str> {
        match &self.body {
            Body::Invoice(invoice) => invoice.references.purchase_order.as_deref(),
            Body::Voucher(voucher) => voucher.purchase_order.as_deref(),
        }
    }

    /// Who wants the money: the seller's name (BT-27), or the vendor's.
    #[must_use]
    pub fn seller(&self) -> Option<&str> {
        match &self.body {
            Body::Invoice(invoice) => invoice.seller.name.as_deref(),
            Body::Voucher(voucher) => voucher.vendor_name.as_deref(),
        }
    }

    /// Who owes it: the buyer's name (BT-44), or the payer's company code.
    #[must_use]
    pub fn buyer(&self) -> Option<&str> {
        match &self.body {
            Body::Invoice(invoice) => invoice.buyer.name.as_deref(),
            Body::Voucher(voucher) => voucher.company_code.as_deref(),
        }
    }
}
