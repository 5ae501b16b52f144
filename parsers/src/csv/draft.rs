//! A document whose rows are being read: what of it depends on its kind.

use super::cells::{Cells, Money};
use super::sheet::Sheet;
use super::{invoice, remittance, vendor, voucher};
use crate::canonical::{Body, Evidence, Invoice, RemittanceAdvice, Vendor, Voucher};
use crate::profile::{Documents, FieldId, Profile};
use crate::{Finding, Location};

/// What has been read of a document.
pub(super) enum Draft {
    Invoice(Box<Invoice>),
    Remittance(Box<RemittanceAdvice>),
    Voucher(Box<Voucher>),
    Vendor(Box<Vendor>),
}

impl Draft {
    /// Reads the document's own fields, and its currency for the amounts of its lines.
    pub(super) fn read(of: Documents, sheet: &Sheet<'_>, cells: &mut Cells<'_>) -> (Self, Option<Money>) {
        match of {
            Documents::Invoice => {
                let (invoice, currency) = invoice::read(sheet, cells);
                (Self::Invoice(invoice), currency)
            }
            Documents::Remittance => {
                let (advice, currency) = remittance::read(sheet, cells);
                (Self::Remittance(Box::new(advice)), currency)
            }
            Documents::Voucher => (Self::Voucher(Box::new(voucher::read(sheet, cells))), None),
            Documents::Vendor => (Self::Vendor(Box::new(vendor::read(sheet, cells))), None),
        }
    }

    /// Reads a row's line; whether there was one.
    pub(super) fn read_line(&mut self, cells: &mut Cells<'_>, currency: Option<&Money>, profile: &Profile) -> bool {
        match self {
            Self::Invoice(invoice) => {
                cells.of_line(invoice.lines.len());
                invoice::read_line(cells, &mut invoice.lines, currency)
            }
            Self::Remittance(advice) => {
                cells.of_line(advice.lines.len());
                let line = remittance::read_line(cells, currency, &profile.credit_types);
                line.map(|line| advice.lines.push(line)).is_some()
            }
            Self::Voucher(_) | Self::Vendor(_) => false,
        }
    }

    /// How many lines it has.
    pub(super) fn lines(&self) -> usize {
        match self {
            Self::Invoice(invoice) => invoice.lines.len(),
            Self::Remittance(advice) => advice.lines.len(),
            Self::Voucher(_) | Self::Vendor(_) => 0,
        }
    }

    /// Its number.
    pub(super) fn number(&self) -> &str {
        match self {
            Self::Invoice(invoice) => invoice.number.as_deref(),
            Self::Remittance(advice) => advice.number.as_deref(),
            Self::Voucher(voucher) => voucher.invoice_number.as_deref(),
            Self::Vendor(vendor) => vendor.vendor_no.as_deref(),
        }
        .unwrap_or_default()
    }

    /// Decides what can be decided only when every row is there.
    pub(super) fn settle(&mut self, profile: &Profile) {
        if let Self::Invoice(invoice) = self {
            invoice::settle(invoice, &profile.credit_types);
        }
    }

    /// Says that the lines do not come to the total.
    pub(super) fn mismatch(&self, evidence: &[Evidence], start: &Location) -> Option<Finding> {
        match self {
            Self::Invoice(invoice) => {
                let (sum, total) = invoice::sums(invoice)?;
                Some(invoice::mismatch(invoice, evidence, start, sum, total))
            }
            Self::Remittance(advice) => {
                let (sum, total) = remittance::sums(advice)?;
                Some(remittance::mismatch(advice, evidence, start, sum, total))
            }
            Self::Voucher(_) | Self::Vendor(_) => None,
        }
    }

    pub(super) fn into_body(self) -> Body {
        match self {
            Self::Invoice(invoice) => Body::Invoice(invoice),
            Self::Remittance(advice) => Body::RemittanceAdvice(advice),
            Self::Voucher(voucher) => Body::Voucher(voucher),
            Self::Vendor(vendor) => Body::Vendor(vendor),
        }
    }
}

/// Whether two words are the same, however their letters are written.
pub(super) fn is_same_word(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
        || (!(one.is_ascii() && other.is_ascii()) && one.to_lowercase() == other.to_lowercase())
}

/// What tells a document of a file from another.
pub(super) fn key(of: Documents) -> &'static [FieldId] {
    match of {
        Documents::Invoice => &invoice::KEY,
        Documents::Remittance => &remittance::KEY,
        Documents::Voucher => &voucher::KEY,
        Documents::Vendor => &vendor::KEY,
    }
}

/// The field that numbers a document.
pub(super) fn number(of: Documents) -> FieldId {
    match of {
        Documents::Invoice => invoice::NUMBER,
        Documents::Remittance => remittance::NUMBER,
        Documents::Voucher => voucher::NUMBER,
        Documents::Vendor => vendor::NUMBER,
    }
}

/// The rule that a second document of one number breaks.
pub(super) fn repeated_rule(of: Documents) -> &'static str {
    match of {
        Documents::Invoice | Documents::Voucher => "DUP-INVOICE-NUMBER",
        Documents::Remittance => "DUP-PAYMENT-NUMBER",
        Documents::Vendor => "DUP-VENDOR",
    }
}
