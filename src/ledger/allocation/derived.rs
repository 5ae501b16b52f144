//! Payments that nobody advises: read from the paid rows of a payer's voucher file.
//!
//! A row that is paid names its payment document. The rows of one document are one payment. A row that comes again
//! with a new document is a second payment of the same voucher: it was paid in parts.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::TooLarge;
use super::payment::PaymentKey;
use crate::ledger::lifecycle::AsOf;
use crate::ledger::money::{self, Currency};

/// A paid row of a payer's voucher file. `Id` is the caller's name for the voucher.
#[derive(Debug, Clone, PartialEq)]
pub struct PaidRow<Id> {
    pub voucher: Id,
    /// Whom it pays: the vendor's key.
    pub vendor: String,
    pub as_of: AsOf,
    pub payment_number: String,
    pub payment_date: Option<Date>,
    pub currency: Option<Currency>,
    pub gross: Decimal,
    pub open: Option<Decimal>,
    pub paid: Option<Decimal>,
}

/// What the payer's `paid` column says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PaidColumn {
    /// What this payment document paid of the voucher.
    #[default]
    ThisPayment,
    /// What has been paid of it so far, by this document and those before.
    SoFar,
}

/// A payment put together from rows.
#[derive(Debug, Clone, PartialEq)]
pub struct DerivedPayment<Id> {
    pub vendor: String,
    pub key: PaymentKey,
    /// The document's number as the rows write it.
    pub number: String,
    pub date: Option<Date>,
    pub currency: Option<Currency>,
    /// The sum of its parts.
    pub total: Decimal,
    /// What of it goes to which voucher, in the vouchers' order.
    pub parts: Vec<(Id, Decimal)>,
}

/// The payments that paid rows make, in the order of vendor, number and date, whatever the order of the rows; a row
/// that is there twice counts once, and the newest of a voucher and document counts.
///
/// The caller gives every paid row it holds of each voucher that is concerned, not only those of the newest file: what
/// a document paid may only show in the difference to the document before.
///
/// # Errors
/// The amounts pass what a decimal can hold.
pub fn derived<Id: Ord + Clone>(rows: &[PaidRow<Id>], column: PaidColumn) -> Result<Vec<DerivedPayment<Id>>, TooLarge> {
    let mut vouchers: BTreeMap<&Id, BTreeMap<&str, Documented<'_, Id>>> = BTreeMap::new();
    for row in rows {
        let document = vouchers.entry(&row.voucher).or_default().entry(&row.payment_number);
        let known = document.or_insert(Documented { first: row.as_of, newest: row });
        known.first = known.first.min(row.as_of);
        if row.as_of > known.newest.as_of {
            known.newest = row;
        }
    }
    let mut payments: BTreeMap<Group<'_>, Vec<(Id, Decimal)>> = BTreeMap::new();
    for (voucher, documents) in vouchers {
        for (row, amount) in amounts(documents.into_values().collect(), column)? {
            let group = (row.vendor.as_str(), row.payment_number.as_str(), row.payment_date, row.currency);
            payments.entry(group).or_default().push((voucher.clone(), amount));
        }
    }
    let payment = |((vendor, number, date, currency), parts): (Group<'_>, Vec<(Id, Decimal)>)| {
        let total = money::sum(parts.iter().map(|(_, amount)| *amount)).ok_or(TooLarge)?;
        let key = PaymentKey::new(Some(number), date, total);
        let (vendor, number) = (vendor.to_owned(), number.to_owned());
        Ok(DerivedPayment { vendor, key, number, date, currency, total, parts })
    };
    payments.into_iter().map(payment).collect()
}

/// Vendor, number, date, currency.
type Group<'a> = (&'a str, &'a str, Option<Date>, Option<Currency>);

/// One payment document of one voucher.
struct Documented<'a, Id> {
    /// When it was first seen: what puts the documents of a voucher in order where their dates do not.
    first: AsOf,
    newest: &'a PaidRow<Id>,
}

/// What each document paid of one voucher.
fn amounts<'a, Id>(
    mut documents: Vec<Documented<'a, Id>>,
    column: PaidColumn,
) -> Result<Vec<(&'a PaidRow<Id>, Decimal)>, TooLarge> {
    documents.sort_by_key(|document| (document.newest.payment_date, document.first));
    let mut before = Decimal::ZERO;
    let mut amounts = Vec::with_capacity(documents.len());
    for Documented { newest: row, .. } in documents {
        let amount = match (column, row.paid) {
            (PaidColumn::ThisPayment, Some(paid)) => paid,
            _ => so_far(row)?.checked_sub(before).ok_or(TooLarge)?,
        };
        before = before.checked_add(amount).ok_or(TooLarge)?;
        amounts.push((row, amount));
    }
    Ok(amounts)
}

/// What had been paid of the voucher when the row was written: as it says, or all that is not open, or all.
fn so_far<Id>(row: &PaidRow<Id>) -> Result<Decimal, TooLarge> {
    match (row.paid, row.open) {
        (Some(paid), _) => Ok(paid),
        (None, Some(open)) => row.gross.checked_sub(open).ok_or(TooLarge),
        (None, None) => Ok(row.gross),
    }
}
