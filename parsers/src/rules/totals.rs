//! What must add up: BR-CO-10 to BR-CO-17.

use rust_decimal::Decimal;

use super::field::At;
use super::{Case, Claim, brief, rounded, sum, whole};
use crate::Finding;
use crate::canonical::{AllowanceCharge, TaxBreakdown};

pub(super) fn check(case: &mut Case<'_>) {
    if check_sums(case).is_none() {
        let finding = Finding::error(
            crate::Code::AMOUNT_INVALID,
            case.places.locate("totals"),
            "the amounts are too large to be added up exactly",
            "Check the amounts: none of them can be right.",
        );
        case.findings.push(finding.with_field("totals"));
    }
}

/// `None` when a sum is too large to be calculated.
fn check_sums(case: &mut Case<'_>) -> Option<()> {
    let invoice = case.invoice;
    let totals = &invoice.totals;
    let lines = invoice.lines.len();
    let of_lines = rounded(sum(invoice.lines.iter().filter_map(|line| line.net_amount))?)?;
    // X12 and CSV files may state no sum at all; who claims EN 16931 hears of that from BR-12 to BR-15.
    if let Some(stated) = totals.line_net.filter(|stated| *stated != of_lines) {
        let message = format!("BT-106 says {stated}, but the {lines} lines add up to {of_lines}");
        let fix = "Correct the sum of line net amounts (BT-106), or the line that is wrong.";
        case.fail("BR-CO-10", "totals.line_net", message, fix);
    }
    check_part(case, false, totals.allowances, "BR-CO-11", "BT-107", "totals.allowances")?;
    check_part(case, true, totals.charges, "BR-CO-12", "BT-108", "totals.charges")?;
    if let (Some(stated), Some(net)) = (totals.tax_exclusive, totals.line_net) {
        let (less, more) = (totals.allowances, totals.charges);
        let exact = net.checked_sub(less.unwrap_or_default())?.checked_add(more.unwrap_or_default())?;
        // The published rule rounds a sum, and takes a single amount as it is.
        let expected = if less.is_none() && more.is_none() { exact } else { rounded(exact)? };
        if stated != expected {
            let (less, more) = (term("−", less, "BT-107"), term("+", more, "BT-108"));
            let message = format!("BT-109 says {stated}, but should be {expected}: {net} (BT-106){less}{more}");
            case.fail("BR-CO-13", "totals.tax_exclusive", message, "Correct the total without VAT (BT-109).");
        }
    }
    check_tax(case)?;
    check_payable(case)?;
    for (index, tax) in invoice.tax_breakdown.iter().enumerate() {
        if !is_tax_plausible(tax)? && (tax.rate.is_some() || case.claim != Claim::None) {
            let message = format!(
                "VAT breakdown {}: {} at {} % is not {}",
                index + 1,
                said(tax.base),
                said(tax.rate),
                said(tax.tax)
            );
            let fix = "Correct the tax amount (BT-117), its base (BT-116) or its rate (BT-119).";
            case.fail("BR-CO-17", At::nth("tax_breakdown", index, "tax"), message, fix);
        }
    }
    Some(())
}

/// BR-CO-16: the published rule takes rounding (BT-114) off the amount due, not off what it is compared with.
fn check_payable(case: &mut Case<'_>) -> Option<()> {
    let totals = &case.invoice.totals;
    let (Some(stated), Some(gross)) = (totals.payable, totals.tax_inclusive) else { return Some(()) };
    let due = match totals.prepaid {
        None => gross,
        Some(prepaid) => rounded(gross.checked_sub(prepaid)?)?,
    };
    // EN 16931 knows no tax that the buyer keeps back; formats that do state it.
    let due = match totals.withheld {
        None => due,
        Some(withheld) => rounded(due.checked_sub(withheld)?)?,
    };
    let said = match totals.rounding {
        None => stated,
        Some(rounding) => rounded(stated.checked_sub(rounding)?)?,
    };
    if said != due {
        let expected = due.checked_add(totals.rounding.unwrap_or_default())?;
        let (less, more) = (term("−", totals.prepaid, "BT-113"), term("+", totals.rounding, "BT-114"));
        let kept = term("−", totals.withheld, "withheld");
        let message = format!("BT-115 says {stated}, but should be {expected}: {gross} (BT-112){less}{more}{kept}");
        case.fail("BR-CO-16", "totals.payable", message, "Correct the amount due (BT-115).");
    }
    Some(())
}

/// BR-CO-11 and BR-CO-12: both the sum and its parts may be absent, not one of them.
fn check_part(
    case: &mut Case<'_>,
    is_charge: bool,
    stated: Option<Decimal>,
    rule: &'static str,
    term: &str,
    field: &'static str,
) -> Option<()> {
    let invoice = case.invoice;
    let parts = || invoice.allowances_charges.iter().filter(move |item: &&AllowanceCharge| item.is_charge == is_charge);
    let expected = rounded(sum(parts().filter_map(|item| item.amount))?)?;
    let what = if is_charge { "charges" } else { "allowances" };
    let count = parts().count();
    match stated {
        Some(stated) if stated != expected => {
            let message = format!("{term} says {stated}, but the {count} {what} of the document add up to {expected}");
            case.fail(rule, field, message, format!("Correct the sum of {what} ({term})."));
        }
        None if count > 0 && case.claim != Claim::None => {
            let message = format!("the document has {count} {what}, {expected} in all, but no sum of them ({term})");
            case.fail(rule, field, message, format!("Write the sum of {what} ({term})."));
        }
        _ => {}
    }
    Some(())
}

/// BR-CO-14 and BR-CO-15.
fn check_tax(case: &mut Case<'_>) -> Option<()> {
    let invoice = case.invoice;
    let totals = &invoice.totals;
    let breakdown = rounded(sum(invoice.tax_breakdown.iter().filter_map(|tax| tax.tax))?)?;
    if let Some(stated) = totals.tax.filter(|stated| *stated != breakdown && !invoice.tax_breakdown.is_empty()) {
        let message = format!("BT-110 says {stated}, but the tax of the VAT breakdown adds up to {breakdown}");
        case.fail("BR-CO-14", "totals.tax", message, "Correct the VAT total (BT-110), or the breakdown.");
    }
    let (Some(net), Some(gross)) = (totals.tax_exclusive, totals.tax_inclusive) else { return Some(()) };
    match (totals.tax, &invoice.currency) {
        (Some(tax), _) => {
            let expected = rounded(net.checked_add(tax)?)?;
            if gross != expected {
                let message = format!("BT-112 says {gross}, but should be {expected}: {net} (BT-109) + {tax} (BT-110)");
                case.fail("BR-CO-15", "totals.tax_inclusive", message, "Correct the total with VAT (BT-112).");
            }
        }
        (None, Some(currency)) if case.claim != Claim::None => {
            let currency = brief(currency);
            let message = format!("there is no VAT total (BT-110) in `{currency}`, the currency of the document");
            let fix = "Write the VAT total in the currency of the document; 0.00 if there is none.";
            case.fail("BR-CO-15", "totals.tax_inclusive", message, fix);
        }
        // Without a currency the rule has nothing to ask for; BR-05 does.
        (None, _) => {}
    }
    Some(())
}

/// BR-CO-17, as the published rule has it: less than one currency unit off; below half a percent, nothing.
fn is_tax_plausible(tax: &TaxBreakdown) -> Option<bool> {
    let Some(amount) = tax.tax else { return Some(true) };
    let is_nothing = whole(amount)?.is_zero();
    match (tax.base, tax.rate) {
        (_, None) => Some(is_nothing),
        (_, Some(rate)) if whole(rate)?.is_zero() => Some(is_nothing),
        (None, _) => Some(true),
        (Some(base), Some(rate)) => is_near(amount, base, rate),
    }
}

/// Whether tax is less than one currency unit away from base times rate.
pub(super) fn is_near(tax: Decimal, base: Decimal, rate: Decimal) -> Option<bool> {
    let expected = rounded(base.abs().checked_mul(rate.checked_div(Decimal::ONE_HUNDRED)?)?)?;
    let tax = tax.abs();
    Some(tax.checked_sub(Decimal::ONE)? < expected && tax.checked_add(Decimal::ONE)? > expected)
}

/// A part of a sum, if the document states it.
fn term(sign: &str, number: Option<Decimal>, term: &str) -> String {
    number.map_or_else(String::new, |number| format!(" {sign} {number} ({term})"))
}

fn said(number: Option<Decimal>) -> String {
    number.map_or_else(|| "nothing".to_owned(), |number| number.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::sample::{broken, invoice};
    use super::*;

    #[test]
    fn each_sum_that_is_off_is_named() {
        let off = Some(Decimal::new(12_345, 2));
        type Spoil = fn(&mut crate::canonical::Totals, Option<Decimal>);
        let cases: [(&str, Spoil); 6] = [
            ("BR-CO-10", |totals, off| totals.line_net = off),
            ("BR-CO-11", |totals, off| totals.allowances = off),
            ("BR-CO-12", |totals, off| totals.charges = off),
            ("BR-CO-13", |totals, off| totals.tax_exclusive = off),
            ("BR-CO-14", |totals, off| totals.tax = off),
            ("BR-CO-16", |totals, off| totals.payable = off),
        ];
        for (rule, spoil) in cases {
            let mut invoice = invoice();
            spoil(&mut invoice.totals, off);
            assert!(broken(&invoice).contains(&rule), "{rule}: {:?}", broken(&invoice));
        }
    }

    #[test]
    fn the_vat_total_must_be_in_the_currency_of_the_document() {
        let mut invoice = invoice();
        invoice.totals.tax = None;
        assert_eq!(broken(&invoice), ["BR-CO-15"]);
    }

    #[test]
    fn a_tax_amount_may_be_less_than_one_unit_off() {
        let near = |tax| is_near(tax, Decimal::ONE_HUNDRED, Decimal::from(19)).expect("small numbers");
        assert!(near(Decimal::new(1999, 2)));
        assert!(!near(Decimal::new(2000, 2)));
        assert!(!near(Decimal::new(1800, 2)));
    }

    #[test]
    fn a_single_amount_is_taken_as_it_is_and_a_sum_is_rounded() {
        let mut exact = invoice();
        exact.totals.payable = Some(Decimal::new(119_001, 3));
        assert!(broken(&exact).contains(&"BR-CO-16"));
        exact.totals.tax_inclusive = exact.totals.payable;
        assert!(!broken(&exact).contains(&"BR-CO-16"));
        let mut rounded = invoice();
        rounded.totals.prepaid = Some(Decimal::new(19_004, 3));
        rounded.totals.payable = Some(Decimal::from(100));
        assert!(!broken(&rounded).contains(&"BR-CO-16"));
        rounded.totals.rounding = Some(Decimal::new(-4, 1));
        rounded.totals.payable = Some(Decimal::new(996, 1));
        assert!(!broken(&rounded).contains(&"BR-CO-16"));
        rounded.totals.payable = Some(Decimal::new(1_004, 1));
        assert!(broken(&rounded).contains(&"BR-CO-16"));
    }

    #[test]
    fn a_rate_below_half_a_percent_is_no_rate_to_the_published_rule() {
        let tax = |rate, tax| TaxBreakdown {
            base: Some(Decimal::from(1_000)),
            tax: Some(tax),
            rate: Some(rate),
            ..TaxBreakdown::default()
        };
        assert_eq!(is_tax_plausible(&tax(Decimal::new(4, 1), Decimal::from(4))), Some(false));
        assert_eq!(is_tax_plausible(&tax(Decimal::new(5, 1), Decimal::from(5))), Some(true));
    }

    #[test]
    fn amounts_too_large_to_add_up_are_a_finding() {
        let mut invoice = invoice();
        let mut line = invoice.lines.first().cloned().expect("a line");
        line.net_amount = Some(Decimal::MAX);
        invoice.lines = vec![line.clone(), line];
        assert!(broken(&invoice).contains(&"amount_invalid"));
    }
}
