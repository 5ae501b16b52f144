//! What is taxed on a document, and the bases it adds up to by category and rate.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::field::At;
use crate::canonical::Invoice;

/// Something that is taxed: a line, or an allowance or charge of the document.
#[derive(Clone, Copy)]
pub(super) struct Item<'a> {
    pub(super) kind: Kind,
    pub(super) at: At,
    pub(super) category: &'a str,
    pub(super) rate: Option<Decimal>,
    /// What it adds to the base; allowances take away.
    pub(super) amount: Decimal,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Line = 0,
    Allowance = 1,
    Charge = 2,
}

impl Item<'_> {
    pub(super) fn what(&self) -> &'static str {
        match self.kind {
            Kind::Line => "a line",
            Kind::Allowance => "an allowance",
            Kind::Charge => "a charge",
        }
    }
}

/// Lines first, then allowances and charges, in the order of the document.
pub(super) fn items_of(invoice: &Invoice) -> impl Iterator<Item = Item<'_>> {
    let lines = invoice.lines.iter().enumerate().map(|(index, line)| Item {
        kind: Kind::Line,
        at: At::nth("lines", index, "tax_rate"),
        category: line.tax_category.as_deref().unwrap_or_default(),
        rate: line.tax_rate,
        amount: line.net_amount.unwrap_or_default(),
    });
    let others = invoice.allowances_charges.iter().enumerate().map(|(index, item)| {
        let amount = item.amount.unwrap_or_default();
        Item {
            kind: if item.is_charge { Kind::Charge } else { Kind::Allowance },
            at: At::nth("allowances_charges", index, "tax_rate"),
            category: item.tax_category.as_deref().unwrap_or_default(),
            rate: item.tax_rate,
            amount: if item.is_charge { amount } else { -amount },
        }
    });
    lines.chain(others)
}

/// Taxable amounts by category, and by category and rate; a rate is the same however it is written (19, 19.00).
pub(super) struct Bases<'a> {
    by_category: BTreeMap<&'a str, Decimal>,
    by_rate: BTreeMap<(&'a str, Option<Decimal>), Decimal>,
}

impl<'a> Bases<'a> {
    /// `None` when a sum is too large to be calculated.
    pub(super) fn of(invoice: &'a Invoice) -> Option<Self> {
        let mut bases = Self { by_category: BTreeMap::new(), by_rate: BTreeMap::new() };
        for item in items_of(invoice) {
            let whole = bases.by_category.entry(item.category).or_default();
            *whole = whole.checked_add(item.amount)?;
            let part = bases.by_rate.entry((item.category, item.rate)).or_default();
            *part = part.checked_add(item.amount)?;
        }
        Some(bases)
    }

    /// What is in a category at a rate, if anything is.
    pub(super) fn at_rate(&self, category: &'a str, rate: Option<Decimal>) -> Option<Decimal> {
        self.by_rate.get(&(category, rate)).copied()
    }

    /// What is in a category at any rate.
    pub(super) fn of_category(&self, category: &str) -> Decimal {
        self.by_category.get(category).copied().unwrap_or_default()
    }
}
