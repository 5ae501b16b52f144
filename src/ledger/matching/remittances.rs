//! A line of a remittance and the document it pays.
//!
//! | rule | what is the same |
//! | --- | --- |
//! | R1 | the payer's own number of the voucher, and its company where the line names one |
//! | R2 | the supplier's number (k0, else k1), with the vendor that is paid |
//! | R3 | the order number, and the amount |
//!
//! What none of them finds stays on the account, with the payer's words, and is tried again every night: the voucher
//! may come later than its payment.

use jiff::civil::Date;
use rust_decimal::Decimal;
use waybill_parsers::canonical::{RemittanceLine, SettledKind, Text};

use crate::ledger::money;
use crate::ledger::number::Keys;

/// What the supplier reads of a line that nothing is found for.
pub const WHY_ON_ACCOUNT: &str =
    "Your customer paid this, but we cannot tell for which of your invoices. We try again with every new file.";

/// What of a remittance line names its document: what the caller looks up.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LineReference {
    /// Keys of the payer's own number of the voucher.
    pub voucher: Option<Keys>,
    pub company_code: Option<Text>,
    /// Keys of the supplier's number.
    pub number: Option<Keys>,
    pub order: Option<Keys>,
    pub date: Option<Date>,
    /// What the document is said to come to.
    pub original: Option<Decimal>,
    pub paid: Option<Decimal>,
    pub is_credit: bool,
}

impl LineReference {
    /// What a line says. `company_code` is the payer's company, where the advice names it.
    #[must_use]
    pub fn of(line: &RemittanceLine, company_code: Option<&Text>) -> Self {
        // The same thing, said by a table, by an 820 (element 128, VV) and by a REMADV (1153, VV).
        let is_voucher = |scheme: &str| matches!(scheme, "voucher_number" | "x12:VV" | "edifact:VV" | "VV");
        let own = line.references.iter().find(|reference| reference.scheme.as_deref().is_some_and(is_voucher));
        let settles_voucher = line.type_code.as_deref().is_some_and(is_voucher);
        let named = line.document_number.as_deref().and_then(Keys::of);
        let own = own.and_then(|reference| Keys::of(&reference.value));
        Self {
            voucher: own.or_else(|| named.clone().filter(|_| settles_voucher)),
            company_code: company_code.cloned(),
            number: named,
            order: line.purchase_order.as_deref().and_then(Keys::of),
            date: line.document_date,
            original: line.original,
            paid: line.paid,
            is_credit: line.document_type == SettledKind::CreditNote,
        }
    }
}

/// A document that may be paid. `Id` is the caller's name for it: a voucher's, or of an invoice without one.
#[derive(Debug, Clone, PartialEq)]
pub struct Payable<Id> {
    pub id: Id,
    pub voucher: Option<Keys>,
    pub company_code: Option<Text>,
    pub number: Option<Keys>,
    pub order: Option<Keys>,
    pub date: Option<Date>,
    /// Negative for a credit note.
    pub gross: Option<Decimal>,
    pub open: Option<Decimal>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    R1,
    R2,
    R3,
}

impl Rule {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::R1 => "r1",
            Self::R2 => "r2",
            Self::R3 => "r3",
        }
    }
}

/// What a line pays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution<Id> {
    Found {
        id: Id,
        rule: Rule,
    },
    /// Several fit equally well: on the account, until a person or a later file decides.
    Ambiguous(Vec<Id>),
    /// On the account, see [`WHY_ON_ACCOUNT`].
    OnAccount,
}

/// Which of the documents a line pays.
///
/// The caller looks up, within the payer and the vendor numbers of the payee (rule R1 without the vendor: the
/// number is the payer's own), the documents with
/// 1. the k1 of `reference.voucher` among their voucher numbers;
/// 2. the k1 of `reference.number` among their supplier's numbers;
/// 3. the k1 of `reference.order` among their orders, where rules 1 and 2 found nothing.
///
/// Fifty of each are plenty. An amount tells documents of the same number apart (installments, numbers of another
/// year), and then the date. A line that takes money away looks for a credit note first, but a reversal names the
/// invoice it takes the payment back from.
#[must_use]
pub fn paid_document<Id: Clone + Ord>(reference: &LineReference, documents: &[Payable<Id>]) -> Resolution<Id> {
    let same = |one: &Option<Keys>, other: &Option<Keys>| one.as_ref().zip(other.as_ref()).is_some_and(same_number);
    let same_company = |each: &&Payable<Id>| {
        let companies = reference.company_code.as_ref().zip(each.company_code.as_ref());
        companies.is_none_or(|(one, other)| Keys::of(one).map(|keys| keys.k1) == Keys::of(other).map(|keys| keys.k1))
    };
    let by_voucher = documents.iter().filter(|each| same(&reference.voucher, &each.voucher)).filter(same_company);
    let by_number = documents.iter().filter(|each| same(&reference.number, &each.number));
    let by_order = documents.iter().filter(|each| same(&reference.order, &each.order) && is_of_amount(reference, each));
    let rules: [(Rule, Vec<&Payable<Id>>); 3] =
        [(Rule::R1, by_voucher.collect()), (Rule::R2, by_number.collect()), (Rule::R3, by_order.collect())];
    for (rule, found) in rules {
        let best = narrowed(reference, found);
        match best.as_slice() {
            [] => {}
            [one] => return Resolution::Found { id: (*one).clone(), rule },
            several => return Resolution::Ambiguous(several.iter().map(|id| (*id).clone()).collect()),
        }
    }
    Resolution::OnAccount
}

/// The ERP pads its own numbers with zeros in one file and not in the other.
fn same_number((one, other): (&Keys, &Keys)) -> bool {
    one.k1 == other.k1
}

/// What tells one document from another.
type Question<'a, Id> = &'a dyn Fn(&Payable<Id>) -> bool;

/// Of several that fit, those that fit best: each question is asked only where it leaves somebody.
fn narrowed<'a, Id: Ord>(reference: &LineReference, mut found: Vec<&'a Payable<Id>>) -> Vec<&'a Id> {
    let takes = reference.is_credit || reference.paid.is_some_and(|paid| paid < Decimal::ZERO);
    let exactly = |each: &Payable<Id>| {
        let keys = reference.number.as_ref().zip(each.number.as_ref());
        keys.is_some_and(|(one, other)| one.k0 == other.k0)
    };
    let same_direction = |each: &Payable<Id>| each.gross.is_some_and(|gross| (gross < Decimal::ZERO) == takes);
    let same_date = |each: &Payable<Id>| reference.date.is_some() && reference.date == each.date;
    let of_amount = |each: &Payable<Id>| is_of_amount(reference, each);
    let questions: [Question<'_, Id>; 4] = [&exactly, &same_direction, &of_amount, &same_date];
    for question in questions {
        if found.iter().any(|each| question(each)) {
            found.retain(|each| question(each));
        }
    }
    let mut ids: Vec<&Id> = found.into_iter().map(|each| &each.id).collect();
    ids.sort();
    ids.dedup();
    ids
}

/// Whether what the line says of the amount is the document's, whole or still open.
fn is_of_amount<Id>(reference: &LineReference, document: &Payable<Id>) -> bool {
    let said = [reference.original, reference.paid].into_iter().flatten();
    let owed = [document.gross, document.open];
    said.into_iter()
        .any(|said| !said.is_zero() && owed.into_iter().flatten().any(|owed| money::is_close(said.abs(), owed.abs())))
}
