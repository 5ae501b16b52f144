//! The totals of the invoice: MOA of the message, by their qualifiers (UNCL5025).
//!
//! Directories, guides and habits disagree on which qualifier means what. For each total there is an
//! order of preference; the evidence says which one it was.

use rust_decimal::Decimal;

use super::InvoicReader;
use crate::Halt;
use crate::canonical::{Evidence, InvoiceKind, Text, Totals};
use crate::edifact::record::AMOUNT;
use crate::edifact::segment::Segment;

/// A code of UNCL5025.
type Qualifier = crate::short::Short;

/// An amount of the message.
pub(super) struct Found {
    qualifier: Qualifier,
    amount: Decimal,
    /// 6345 of its own.
    currency: Option<Text>,
    proof: Evidence,
}

/// BT-115: EN 16931 and most others write 9; EANCOM 77; libraries 86; older messages 39, 388, 128.
const PAYABLE: &[&[u8]] = &[b"9", b"77", b"86", b"39", b"388", b"128"];
/// BT-112.
const TAX_INCLUSIVE: &[&[u8]] = &[b"388", b"77", b"39", b"128", b"86"];
/// BT-109.
const TAX_EXCLUSIVE: &[&[u8]] = &[b"389", b"125"];
/// BT-106.
const LINE_NET: &[&[u8]] = &[b"79"];
/// BT-107, BT-108.
const ALLOWANCES: &[&[u8]] = &[b"260"];
const CHARGES: &[&[u8]] = &[b"259"];
/// BT-110.
const TAX: &[&[u8]] = &[b"176", b"124", b"150", b"161"];
/// BT-111.
const TAX_IN_TAX_CURRENCY: &[&[u8]] = &[b"2"];
/// BT-113, BT-114.
const PREPAID: &[&[u8]] = &[b"113"];
const ROUNDING: &[&[u8]] = &[b"366", b"165"];
/// All allowances and charges in one (EANCOM).
const BALANCE: &[&[u8]] = &[b"131"];

/// Whether a qualifier is one of the message's totals and of nothing else.
pub(super) fn is_total(qualifier: &[u8]) -> bool {
    matches!(
        qualifier,
        b"9" | b"77"
            | b"86"
            | b"39"
            | b"388"
            | b"128"
            | b"389"
            | b"79"
            | b"260"
            | b"259"
            | b"2"
            | b"113"
            | b"366"
            | b"131"
    ) || qualifier == b"165"
}

impl InvoicReader {
    pub(super) fn keep_total(&mut self, moa: &Segment<'_>, qualifier: &[u8], amount: Decimal) -> Result<(), Halt> {
        self.found_any |= is_total(qualifier);
        // Twice the same: the first counts.
        let currency = moa.owned(1, 3);
        if self.found.iter().any(|found| found.qualifier.as_bytes() == qualifier && found.currency == currency) {
            return Ok(());
        }
        let proof = self.record.evidence("", moa, AMOUNT);
        self.found.push(Found { qualifier: String::from_utf8_lossy(qualifier).into(), amount, currency, proof });
        self.record.part(moa)
    }

    /// Gives each total the best of what was found.
    pub(super) fn settle_totals(&mut self) {
        if self.invoice.currency.is_none() {
            let payable = self.found.iter().find(|found| PAYABLE.contains(&found.qualifier.as_bytes()));
            self.invoice.currency = payable.and_then(|found| found.currency.clone());
        }
        type Slot = fn(&mut Totals) -> &mut Option<Decimal>;
        let totals: [(&str, &[&[u8]], Slot); 10] = [
            ("totals.line_net", LINE_NET, |totals| &mut totals.line_net),
            ("totals.allowances", ALLOWANCES, |totals| &mut totals.allowances),
            ("totals.charges", CHARGES, |totals| &mut totals.charges),
            ("totals.tax_exclusive", TAX_EXCLUSIVE, |totals| &mut totals.tax_exclusive),
            ("totals.tax", TAX, |totals| &mut totals.tax),
            ("totals.tax_in_tax_currency", TAX_IN_TAX_CURRENCY, |totals| &mut totals.tax_in_tax_currency),
            ("totals.tax_inclusive", TAX_INCLUSIVE, |totals| &mut totals.tax_inclusive),
            ("totals.prepaid", PREPAID, |totals| &mut totals.prepaid),
            ("totals.rounding", ROUNDING, |totals| &mut totals.rounding),
            ("totals.payable", PAYABLE, |totals| &mut totals.payable),
        ];
        for (field, ranking, slot) in totals {
            let Some(found) = self.best(ranking) else { continue };
            let (amount, at, raw) = (found.amount, found.proof.at.clone(), found.proof.raw.clone());
            *slot(&mut self.invoice.totals) = Some(amount);
            self.record.evidence.push(Evidence::new(field, at, raw));
        }
    }

    /// MOA+131, as it is signed: all charges less all allowances.
    pub(super) fn balance_stated(&self) -> Option<Decimal> {
        self.best(BALANCE).map(|found| found.amount)
    }

    /// The amount by the best qualifier of a ranking, in the document's currency.
    fn best(&self, ranking: &[&[u8]]) -> Option<&Found> {
        let own = self.invoice.currency.as_deref();
        let is_own = |found: &&Found| found.currency.is_none() || own.is_none() || found.currency.as_deref() == own;
        let of =
            |qualifier: &&[u8]| self.found.iter().filter(is_own).find(|found| found.qualifier.as_bytes() == *qualifier);
        // The tax in the tax currency is in another currency by nature.
        let other = |qualifier: &&[u8]| self.found.iter().find(|found| found.qualifier.as_bytes() == *qualifier);
        if ranking == TAX_IN_TAX_CURRENCY { ranking.iter().find_map(other) } else { ranking.iter().find_map(of) }
    }

    /// A credit note whose amounts are negative says it twice: its amounts are turned positive.
    pub(super) fn turn_credit_positive(&mut self) {
        let invoice = &mut self.invoice;
        let is_negative = invoice.totals.payable.is_some_and(|payable| payable < Decimal::ZERO);
        if invoice.kind != InvoiceKind::CreditNote || !is_negative {
            return;
        }
        let turn = |amount: &mut Option<Decimal>| *amount = amount.map(|amount| -amount);
        let totals = &mut invoice.totals;
        for total in [
            &mut totals.line_net,
            &mut totals.allowances,
            &mut totals.charges,
            &mut totals.tax_exclusive,
            &mut totals.tax,
            &mut totals.tax_in_tax_currency,
            &mut totals.tax_inclusive,
            &mut totals.prepaid,
            &mut totals.rounding,
            &mut totals.payable,
        ] {
            turn(total);
        }
        for tax in &mut invoice.tax_breakdown {
            turn(&mut tax.base);
            turn(&mut tax.tax);
        }
        for charge in &mut invoice.allowances_charges {
            turn(&mut charge.amount);
            turn(&mut charge.base);
        }
        for line in &mut invoice.lines {
            turn(&mut line.net_amount);
            let is_negative = |number: Option<Decimal>| number.is_some_and(|number| number < Decimal::ZERO);
            if is_negative(line.net_price) {
                turn(&mut line.net_price);
            } else {
                turn(&mut line.quantity);
            }
            for charge in &mut line.allowances_charges {
                turn(&mut charge.amount);
                turn(&mut charge.base);
            }
        }
    }
}
