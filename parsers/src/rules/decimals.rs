//! BR-DEC: amounts have at most two decimals.

use rust_decimal::Decimal;

use super::Case;
use super::field::At;

pub(super) fn check(case: &mut Case<'_>) {
    let invoice = case.invoice;
    let totals = &invoice.totals;
    let mut amounts = Amounts { is_padded: case.places.evidence().iter().any(|item| is_padded(&item.raw)), case };
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
        amounts.check(rule, At::field(field), amount);
    }
    for (index, tax) in invoice.tax_breakdown.iter().enumerate() {
        let entry = At::nth("tax_breakdown", index, "");
        amounts.check("BR-DEC-19", entry.named("base"), tax.base);
        amounts.check("BR-DEC-20", entry.named("tax"), tax.tax);
    }
    for (index, item) in invoice.allowances_charges.iter().enumerate() {
        let (amount, base) = if item.is_charge { ("BR-DEC-05", "BR-DEC-06") } else { ("BR-DEC-01", "BR-DEC-02") };
        let entry = At::nth("allowances_charges", index, "");
        amounts.check(amount, entry.named("amount"), item.amount);
        amounts.check(base, entry.named("base"), item.base);
    }
    for (index, line) in invoice.lines.iter().enumerate() {
        let at = At::nth("lines", index, "");
        amounts.check("BR-DEC-23", at.named("net_amount"), line.net_amount);
        for (inner, item) in line.allowances_charges.iter().enumerate() {
            let (amount, base) = if item.is_charge { ("BR-DEC-27", "BR-DEC-28") } else { ("BR-DEC-24", "BR-DEC-25") };
            let entry = at.nested("allowances_charges", inner);
            amounts.check(amount, entry.named("amount"), item.amount);
            amounts.check(base, entry.named("base"), item.base);
        }
    }
}

struct Amounts<'c, 'a> {
    case: &'c mut Case<'a>,
    /// Whether any text at all ends in white space. Hardly any file has some, and then the scale says it all.
    is_padded: bool,
}

impl Amounts<'_, '_> {
    /// The published rule counts the characters behind the point as they were written, white space too
    /// (`string-length`); without the text, the scale of the number.
    fn check(&mut self, rule: &'static str, at: At, amount: Option<Decimal>) {
        let Some(amount) = amount else { return };
        if amount.scale() > 2 {
            let message = format!("the amount {amount} has {} decimals; two are allowed", amount.scale());
            self.case.fail(rule, at, message, "Round the amount to two decimals.");
        } else if self.is_padded && self.decimals_as_written(at) > 2 {
            let message =
                format!("the amount {amount} is written with white space behind it, which the rule counts as decimals");
            self.case.fail(rule, at, message, "Write no white space around amounts.");
        }
    }

    fn decimals_as_written(&self, at: At) -> usize {
        let raw = self.case.places.raw(&at.to_string()).unwrap_or_default();
        raw.split_once('.').map_or(0, |(_, decimals)| decimals.chars().count())
    }
}

fn is_padded(raw: &str) -> bool {
    raw.ends_with(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::super::sample::{broken, invoice};
    use super::super::{Claim, Places, check};
    use super::*;
    use crate::Location;
    use crate::canonical::Evidence;

    #[test]
    fn a_third_decimal_is_one_too_many() {
        let mut invoice = invoice();
        invoice.totals.payable = Some(Decimal::new(119_000, 3));
        assert_eq!(broken(&invoice), ["BR-DEC-18"]);
    }

    #[test]
    fn white_space_behind_an_amount_counts_as_the_published_rule_counts_it() {
        let raw = |raw: &str| {
            let at = Location::new(7, 1, "");
            let evidence = [Evidence::new("totals.payable", at.clone(), raw)];
            let places = Places::new(&evidence, &[], at);
            let findings = check(&invoice(), &places, Claim::En16931, 100);
            findings.iter().map(|finding| finding.code.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(raw("119.00"), Vec::<&str>::new());
        assert_eq!(raw(" 119.00"), Vec::<&str>::new());
        assert_eq!(raw("119.00 "), ["BR-DEC-18"]);
        assert_eq!(raw("119 "), Vec::<&str>::new());
    }
}
