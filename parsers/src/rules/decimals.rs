//! BR-DEC: amounts have at most two decimals.

use rust_decimal::Decimal;

use super::Case;

pub(super) fn check(case: &mut Case<'_>) {
    let invoice = case.invoice;
    let totals = &invoice.totals;
    for (rule, field, amount) in [
        ("BR-DEC-09", "totals.line_net", totals.line_net),
        ("BR-DEC-10", "totals.allowances", totals.allowances),
        ("BR-DEC-11", "totals.charges", totals.charges),
        ("BR-DEC-12", "totals.tax_exclusive", totals.tax_exclusive),
        ("BR-DEC-13", "totals.tax", totals.tax),
        ("BR-DEC-14", "totals.tax_inclusive", totals.tax_inclusive),
        ("BR-DEC-15", "totals.tax_in_tax_currency", totals.tax_in_tax_currency),
        ("BR-DEC-16", "totals.prepaid", totals.prepaid),
        ("BR-DEC-17", "totals.rounding", totals.rounding),
        ("BR-DEC-18", "totals.payable", totals.payable),
    ] {
        check_amount(case, rule, field, amount);
    }
    for (index, tax) in invoice.tax_breakdown.iter().enumerate() {
        check_amount(case, "BR-DEC-19", &format!("tax_breakdown[{index}].base"), tax.base);
        check_amount(case, "BR-DEC-20", &format!("tax_breakdown[{index}].tax"), tax.tax);
    }
    for (index, item) in invoice.allowances_charges.iter().enumerate() {
        let (amount, base) = if item.is_charge { ("BR-DEC-05", "BR-DEC-06") } else { ("BR-DEC-01", "BR-DEC-02") };
        check_amount(case, amount, &format!("allowances_charges[{index}].amount"), item.amount);
        check_amount(case, base, &format!("allowances_charges[{index}].base"), item.base);
    }
    for (index, line) in invoice.lines.iter().enumerate() {
        let field = format!("lines[{index}]");
        check_amount(case, "BR-DEC-23", &format!("{field}.net_amount"), line.net_amount);
        for (at, item) in line.allowances_charges.iter().enumerate() {
            let field = format!("{field}.allowances_charges[{at}]");
            let (amount, base) = if item.is_charge { ("BR-DEC-27", "BR-DEC-28") } else { ("BR-DEC-24", "BR-DEC-25") };
            check_amount(case, amount, &format!("{field}.amount"), item.amount);
            check_amount(case, base, &format!("{field}.base"), item.base);
        }
    }
}

/// The published rule counts the characters behind the point as they were written, white space too
/// (`string-length`); without the text, the scale of the number.
fn check_amount(case: &mut Case<'_>, rule: &'static str, field: &str, amount: Option<Decimal>) {
    let Some(amount) = amount else { return };
    let decimals = match case.places.raw(field) {
        Some(raw) => raw.split_once('.').map_or(0, |(_, decimals)| decimals.chars().count()),
        None => usize::try_from(amount.scale()).unwrap_or(usize::MAX),
    };
    if decimals > 2 {
        let message = if amount.scale() > 2 {
            format!("the amount {amount} has {decimals} decimals; two are allowed")
        } else {
            format!("the amount {amount} is written with white space behind it, which the rule counts as decimals")
        };
        case.fail(rule, field, message, "Round the amount to two decimals, and write no white space around it.");
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{broken, invoice};
    use super::*;

    #[test]
    fn a_third_decimal_is_one_too_many() {
        let mut invoice = invoice();
        invoice.totals.payable = Some(Decimal::new(119_000, 3));
        assert_eq!(broken(&invoice), ["BR-DEC-18"]);
    }
}
