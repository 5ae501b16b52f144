//! What every line, and every allowance and charge, must have: BR-21 to BR-44, BR-54, BR-64, BR-65, BR-CO-20 to
//! BR-CO-24.

use rust_decimal::Decimal;

use super::check_period;
use crate::canonical::{AllowanceCharge, Line};
use crate::rules::field::At;
use crate::rules::{Case, is_given};

pub(super) fn check_line(case: &mut Case<'_>, index: usize) {
    let Some(line) = case.invoice.lines.get(index) else { return };
    let at = At::nth("lines", index, "");
    let number = index + 1;
    for (is_there, rule, name, term) in wanted_of_line(line) {
        if !is_there {
            let message = format!("line {number} has no {term}");
            case.fail(rule, at.named(name), message, "Write it on every line.");
        }
    }
    for (price, rule, name, term) in [
        (line.net_price, "BR-27", "net_price", "net price (BT-146)"),
        (line.gross_price, "BR-28", "gross_price", "gross price (BT-148)"),
    ] {
        if let Some(price) = price.filter(|price| *price < Decimal::ZERO) {
            case.fail(
                rule,
                at.named(name),
                format!("line {number} has the negative {term} {price}"),
                "Write a price of zero or more, and make the quantity negative instead.",
            );
        }
    }
    if let Some(period) = &line.period {
        check_period(case, period, at, "BR-30", "BR-CO-20");
    }
    for (inner, item) in line.allowances_charges.iter().enumerate() {
        let rules = if item.is_charge { ("BR-43", "BR-44", "BR-CO-24") } else { ("BR-41", "BR-42", "BR-CO-23") };
        check_amount_and_reason(case, item, at.nested("allowances_charges", inner), rules);
    }
    if line.item.attributes.iter().any(|(name, value)| name.trim().is_empty() || value.trim().is_empty()) {
        case.fail(
            "BR-54",
            at.named("item"),
            format!("line {number} has an item attribute without a name or a value"),
            "Write both the name (BT-160) and the value (BT-161) of each attribute.",
        );
    }
    if line.item.standard_id.as_ref().is_some_and(|id| id.scheme.is_none()) {
        case.fail(
            "BR-64",
            at.named("item"),
            format!("line {number} has a standard item identifier (BT-157) without a scheme"),
            "Write the scheme of the identifier, such as 0160 for a GTIN.",
        );
    }
    if line.item.classifications.iter().any(|item| item.list.is_none()) {
        case.fail(
            "BR-65",
            at.named("item"),
            format!("line {number} has an item classification (BT-158) without a scheme"),
            "Write the list the classification code is from.",
        );
    }
}

fn wanted_of_line(line: &Line) -> [(bool, &'static str, &'static str, &'static str); 7] {
    [
        (is_given(line.id.as_deref()), "BR-21", "id", "identifier (BT-126)"),
        (line.quantity.is_some(), "BR-22", "quantity", "quantity (BT-129)"),
        (is_given(line.unit.as_deref()), "BR-23", "quantity.unit", "unit of its quantity (BT-130)"),
        (line.net_amount.is_some(), "BR-24", "net_amount", "net amount (BT-131)"),
        (is_given(line.item.name.as_deref()), "BR-25", "item.name", "item name (BT-153)"),
        (line.net_price.is_some(), "BR-26", "net_price", "net price (BT-146)"),
        (is_given(line.tax_category.as_deref()), "BR-CO-04", "tax_category", "VAT category (BT-151)"),
    ]
}

pub(super) fn check_allowance_charge(case: &mut Case<'_>, item: &AllowanceCharge, at: At) {
    let (rules, category) = if item.is_charge {
        (("BR-36", "BR-38", "BR-CO-22"), "BR-37")
    } else {
        (("BR-31", "BR-33", "BR-CO-21"), "BR-32")
    };
    check_amount_and_reason(case, item, at, rules);
    case.want(
        is_given(item.tax_category.as_deref()),
        category,
        at,
        "an allowance or charge has no VAT category",
        "Write the VAT category of each allowance and charge of the document.",
    );
}

fn check_amount_and_reason(
    case: &mut Case<'_>,
    item: &AllowanceCharge,
    at: At,
    (amount, reason, either): (&'static str, &'static str, &'static str),
) {
    let what = if item.is_charge { "charge" } else { "allowance" };
    if item.amount.is_none() {
        case.fail(amount, at, format!("the {what} has no amount"), "Write its amount.");
    }
    if !is_given(item.reason.as_deref()) && !is_given(item.reason_code.as_deref()) {
        let message = format!("the {what} has neither a reason nor a reason code");
        // Two rules say the same in the standard; both are told, so that either can be looked up.
        for rule in [reason, either] {
            case.fail(rule, at, &*message, "Write the reason as text or as a code.");
        }
    }
}
