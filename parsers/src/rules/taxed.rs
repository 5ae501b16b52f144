//! What is taxed on a document, and the bases it adds up to by category and rate.

use std::collections::HashMap;

use rust_decimal::Decimal;

use super::Case;

/// Something that is taxed: a line, or an allowance or charge of the document.
pub(super) struct Item<'a> {
    pub(super) kind: Kind,
    pub(super) field: String,
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

pub(super) fn items_of<'a>(case: &Case<'a>) -> Vec<Item<'a>> {
    let mut items = Vec::new();
    for (index, line) in case.invoice.lines.iter().enumerate() {
        items.push(Item {
            kind: Kind::Line,
            field: format!("lines[{index}].tax_rate"),
            category: line.tax_category.as_deref().unwrap_or_default(),
            rate: line.tax_rate,
            amount: line.net_amount.unwrap_or_default(),
        });
    }
    for (index, item) in case.invoice.allowances_charges.iter().enumerate() {
        let amount = item.amount.unwrap_or_default();
        items.push(Item {
            kind: if item.is_charge { Kind::Charge } else { Kind::Allowance },
            field: format!("allowances_charges[{index}].tax_rate"),
            category: item.tax_category.as_deref().unwrap_or_default(),
            rate: item.tax_rate,
            amount: if item.is_charge { amount } else { -amount },
        });
    }
    items
}

/// Taxable amounts by category, and by category and rate.
pub(super) struct Bases<'a> {
    pub(super) by_category: HashMap<&'a str, Decimal>,
    pub(super) by_rate: HashMap<(&'a str, Option<Decimal>), Decimal>,
}

pub(super) fn bases_of<'a>(items: &[Item<'a>]) -> Option<Bases<'a>> {
    let mut bases = Bases { by_category: HashMap::new(), by_rate: HashMap::new() };
    for item in items {
        let whole = bases.by_category.entry(item.category).or_default();
        *whole = whole.checked_add(item.amount)?;
        let part = bases.by_rate.entry((item.category, item.rate.map(|rate| rate.normalize()))).or_default();
        *part = part.checked_add(item.amount)?;
    }
    Some(bases)
}
