//! What VAT wants of each category: BR-S, BR-Z, BR-E, BR-AE, BR-IC, BR-G, BR-O, BR-AF, BR-AG.

use rust_decimal::Decimal;

use super::field::At;
use super::taxed::{Bases, Kind, items_of};
use super::totals::is_near;
use super::{Case, brief, is_given};

/// A VAT category and the ids of its rules, 01 to 10.
struct Category {
    code: &'static str,
    name: &'static str,
    rules: [&'static str; 10],
    /// Taxed: it has a rate, and stands in the breakdown once per rate.
    rate: Rate,
    /// Whose VAT numbers must be there (rules 02 to 04).
    numbers: Numbers,
    /// Rule 10: whether the breakdown says why there is no tax; `None` when it must not.
    is_explained: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Rate {
    /// More than zero.
    Positive,
    /// Zero or more.
    Any,
    Zero,
    Absent,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Numbers {
    /// The seller's VAT number or tax registration, or the tax representative's VAT number.
    Seller,
    /// The seller's or the tax representative's VAT number.
    SellerVat,
    /// `Seller`, and the buyer's VAT number or registration.
    SellerAndBuyer,
    /// `SellerVat`, and the buyer's VAT number.
    SellerVatAndBuyerVat,
    /// No VAT number of anybody.
    Nobody,
}

macro_rules! rules {
    ($family:literal) => {
        [
            concat!("BR-", $family, "-01"),
            concat!("BR-", $family, "-02"),
            concat!("BR-", $family, "-03"),
            concat!("BR-", $family, "-04"),
            concat!("BR-", $family, "-05"),
            concat!("BR-", $family, "-06"),
            concat!("BR-", $family, "-07"),
            concat!("BR-", $family, "-08"),
            concat!("BR-", $family, "-09"),
            concat!("BR-", $family, "-10"),
        ]
    };
}

const CATEGORIES: [Category; 9] = [
    category("S", "standard rate", rules!("S"), Rate::Positive, Numbers::Seller, false),
    category("Z", "zero rate", rules!("Z"), Rate::Zero, Numbers::Seller, false),
    category("E", "exempt", rules!("E"), Rate::Zero, Numbers::Seller, true),
    category("AE", "reverse charge", rules!("AE"), Rate::Zero, Numbers::SellerAndBuyer, true),
    category("K", "intra-community supply", rules!("IC"), Rate::Zero, Numbers::SellerVatAndBuyerVat, true),
    category("G", "export outside the EU", rules!("G"), Rate::Zero, Numbers::SellerVat, true),
    category("O", "not subject to VAT", rules!("O"), Rate::Absent, Numbers::Nobody, true),
    category("L", "Canary Islands IGIC", rules!("AF"), Rate::Any, Numbers::Seller, false),
    category("M", "Ceuta and Melilla IPSI", rules!("AG"), Rate::Any, Numbers::Seller, false),
];

const fn category(
    code: &'static str,
    name: &'static str,
    rules: [&'static str; 10],
    rate: Rate,
    numbers: Numbers,
    is_explained: bool,
) -> Category {
    Category { code, name, rules, rate, numbers, is_explained }
}

impl Category {
    fn is_by_rate(&self) -> bool {
        matches!(self.rate, Rate::Positive | Rate::Any)
    }

    fn takes(&self, rate: Option<Decimal>) -> bool {
        match self.rate {
            Rate::Positive => rate.is_some_and(|rate| rate > Decimal::ZERO),
            Rate::Any => rate.is_some_and(|rate| rate >= Decimal::ZERO),
            Rate::Zero => rate == Some(Decimal::ZERO),
            Rate::Absent => rate.is_none(),
        }
    }

    fn rate_wanted(&self) -> &'static str {
        match self.rate {
            Rate::Positive => "a rate above zero",
            Rate::Any => "a rate of zero or more",
            Rate::Zero => "the rate 0",
            Rate::Absent => "no rate",
        }
    }
}

pub(super) fn check(case: &mut Case<'_>) {
    let invoice = case.invoice;
    let mut counts = [[0_usize; 3]; CATEGORIES.len()];
    for item in items_of(invoice) {
        let known = CATEGORIES.iter().zip(&mut counts).find(|(category, _)| category.code == item.category);
        let Some((category, counts)) = known else { continue };
        if let Some(count) = counts.get_mut(item.kind as usize) {
            *count += 1;
        }
        if !category.takes(item.rate) {
            let said = item.rate.map_or_else(|| "no rate".to_owned(), |rate| format!("the rate {rate}"));
            let message = format!("{} is {} ({}) with {said}", item.what(), category.name, category.code);
            let fix = format!("Write {} there.", category.rate_wanted());
            case.fail(rule_of(category, item.kind, 4), item.at, message, fix);
        }
    }
    for (category, counts) in CATEGORIES.iter().zip(counts) {
        let entries = invoice.tax_breakdown.iter().filter(|tax| tax.category.as_deref() == Some(category.code)).count();
        let items = counts.iter().sum();
        check_breakdown_is_there(case, category, items, entries);
        if items > 0 {
            check_numbers(case, category, counts);
        }
    }
    // `None` is a sum too large to calculate; the totals say so already.
    if let Some(bases) = Bases::of(invoice) {
        check_entries(case, &bases);
    }
    check_intra_community(case);
    check_not_subject(case);
    check_split_payment(case);
}

/// The rule of a family for lines (`first`), allowances and charges, which follow in that order.
fn rule_of(category: &Category, kind: Kind, first: usize) -> &'static str {
    category.rules.get(first + kind as usize).copied().unwrap_or_default()
}

/// Rule 01. The published rules of the untaxed categories also pass a breakdown entry that nothing is in.
fn check_breakdown_is_there(case: &mut Case<'_>, category: &Category, items: usize, entries: usize) {
    let fits = match (items, entries) {
        (0, 0) => true,
        (0, _) if category.is_by_rate() => false,
        (_, 0) => false,
        (_, entries) => entries == 1 || category.is_by_rate(),
    };
    if !fits {
        let message = format!(
            "{items} lines, allowances and charges are {} ({}), and the VAT breakdown has {entries} entries for it",
            category.name, category.code
        );
        let fix = "Write one VAT breakdown entry for each category (and rate) that is used, and none for others.";
        case.fail(rule_of(category, Kind::Line, 0), "tax_breakdown", message, fix);
    }
}

/// Rules 02 to 04.
fn check_numbers(case: &mut Case<'_>, category: &Category, counts: [usize; 3]) {
    let invoice = case.invoice;
    let representative = invoice.tax_representative.as_ref().and_then(|party| party.vat_id.as_deref());
    let seller_vat = is_given(invoice.seller.vat_id.as_deref()) || is_given(representative);
    let seller = seller_vat || is_given(invoice.seller.tax_id.as_deref());
    let buyer_vat = is_given(invoice.buyer.vat_id.as_deref());
    let (holds, message, fix) = match category.numbers {
        Numbers::Seller => {
            (seller, "the seller has no VAT number or tax registration", "Write the seller's VAT number.")
        }
        Numbers::SellerVat => (seller_vat, "the seller has no VAT number", "Write the seller's VAT number."),
        Numbers::SellerAndBuyer => (
            seller && (buyer_vat || invoice.buyer.legal_id.is_some()),
            "the seller or the buyer has no VAT number or registration",
            "Write the VAT numbers of both.",
        ),
        Numbers::SellerVatAndBuyerVat => {
            (seller_vat && buyer_vat, "the seller or the buyer has no VAT number", "Write the VAT numbers of both.")
        }
        Numbers::Nobody => (
            !seller_vat && !buyer_vat,
            "a VAT number of the seller or the buyer is given",
            "Leave VAT numbers out where VAT does not apply.",
        ),
    };
    if holds {
        return;
    }
    for (kind, count) in [Kind::Line, Kind::Allowance, Kind::Charge].into_iter().zip(counts) {
        if count > 0 {
            let message = format!("the document has {} ({}) items, and {message}", category.name, category.code);
            let field = if seller || category.numbers == Numbers::Nobody { "buyer" } else { "seller" };
            case.fail(rule_of(category, kind, 1), field, message, fix);
        }
    }
}

/// Rules 08 to 10, for each entry of the breakdown.
fn check_entries(case: &mut Case<'_>, bases: &Bases<'_>) {
    for (index, entry) in case.invoice.tax_breakdown.iter().enumerate() {
        let code = entry.category.as_deref().unwrap_or_default();
        let Some(category) = CATEGORIES.iter().find(|category| category.code == code) else { continue };
        let [.., base_rule, tax_rule, reason_rule] = category.rules;
        let at = At::nth("tax_breakdown", index, "");
        if let Some(base) = entry.base {
            check_base(case, category, bases, entry.rate, base, base_rule, at.named("base"));
        }
        if let Some(tax) = entry.tax {
            let fits = match (category.is_by_rate(), entry.base, entry.rate) {
                (true, Some(base), Some(rate)) => is_near(tax, base, rate).unwrap_or(false),
                (true, ..) => true,
                (false, ..) => tax.is_zero(),
            };
            if !fits {
                let message = format!("the tax on {} ({}) is {tax}", category.name, category.code);
                let fix = "Correct the tax amount (BT-117): taxable amount times rate, 0 where there is no tax.";
                case.fail(tax_rule, at.named("tax"), message, fix);
            }
        }
        let is_explained = is_given(entry.exemption_reason.as_deref()) || is_given(entry.exemption_code.as_deref());
        if is_explained != category.is_explained {
            let (message, fix) = if is_explained {
                ("gives a reason for an exemption", "Leave the exemption reason (BT-120, BT-121) out.")
            } else {
                ("gives no reason why there is no VAT", "Write the exemption reason (BT-120) or its code (BT-121).")
            };
            let message = format!("the VAT breakdown of {} ({}) {message}", category.name, category.code);
            case.fail(reason_rule, at, message, fix);
        }
    }
}

/// Rule 08. By rate the published rule lets the sum be less than one unit off; without a rate it is exact.
/// An entry without a rate is no entry of any rate, and BR-48 says so.
fn check_base(
    case: &mut Case<'_>,
    category: &Category,
    bases: &Bases<'_>,
    rate: Option<Decimal>,
    base: Decimal,
    rule: &'static str,
    at: At,
) {
    let sum = if category.is_by_rate() {
        if rate.is_none() {
            return;
        }
        let at_rate = bases.at_rate(category.code, rate);
        // The rule of the standard rate wants something at that rate; those of IGIC and IPSI, any line.
        at_rate.or_else(|| (category.rate == Rate::Any).then_some(Decimal::ZERO))
    } else {
        Some(bases.of_category(category.code))
    };
    let sum = sum.filter(|_| category.rate == Rate::Positive || !case.invoice.lines.is_empty());
    let fits = sum.is_some_and(|sum| match base.checked_sub(sum) {
        Some(off) if category.is_by_rate() => off.abs() < Decimal::ONE,
        Some(off) => off.is_zero(),
        None => false,
    });
    if !fits {
        let sum = sum.unwrap_or_default();
        let message = format!(
            "the taxable amount of {} ({}) is {base}, but its lines, allowances and charges add up to {sum}",
            category.name, category.code
        );
        let fix = "Correct the taxable amount (BT-116), or the category or rate of a line.";
        case.fail(rule, at, message, fix);
    }
}

/// BR-IC-11 and BR-IC-12.
fn check_intra_community(case: &mut Case<'_>) {
    let invoice = case.invoice;
    let Some(index) = invoice.tax_breakdown.iter().position(|tax| tax.category.as_deref() == Some("K")) else { return };
    let at = At::nth("tax_breakdown", index, "");
    let delivery = invoice.delivery.as_ref();
    // A period that only says when VAT is due (BT-8) is a period to the published rule.
    let period = invoice.period.as_ref().is_some_and(|period| period.start.is_some() || period.end.is_some())
        || invoice.tax_point_code.is_some();
    case.want(
        delivery.is_some_and(|delivery| delivery.date.is_some()) || period,
        "BR-IC-11",
        at,
        "an intra-community supply has neither a delivery date (BT-72) nor a period (BG-14)",
        "Write the day of delivery or the invoicing period.",
    );
    let address = delivery.and_then(|delivery| delivery.address.as_ref());
    case.want(
        address.is_some_and(|address| is_given(address.country.as_deref())),
        "BR-IC-12",
        at,
        "an intra-community supply has no deliver-to country (BT-80)",
        "Write the country the goods were delivered to.",
    );
}

/// BR-O-11 to BR-O-14: what is not subject to VAT stands alone.
fn check_not_subject(case: &mut Case<'_>) {
    let invoice = case.invoice;
    if !invoice.tax_breakdown.iter().any(|tax| tax.category.as_deref() == Some("O")) {
        return;
    }
    let fix = "Send what is not subject to VAT on a document of its own.";
    let other = invoice.tax_breakdown.iter().position(|tax| tax.category.as_deref().is_some_and(|code| code != "O"));
    if let Some(other) = other {
        let message = "the VAT breakdown has another category beside `not subject to VAT` (O)";
        case.fail("BR-O-11", At::nth("tax_breakdown", other, ""), message, fix);
    }
    for (kind, rule) in [(Kind::Line, "BR-O-12"), (Kind::Allowance, "BR-O-13"), (Kind::Charge, "BR-O-14")] {
        let other = items_of(invoice).find(|item| item.kind == kind && !matches!(item.category, "" | "O"));
        if let Some(other) = other {
            let message = format!("{} has another category beside `not subject to VAT` (O)", other.what());
            case.fail(rule, other.at, message, fix);
        }
    }
}

/// BR-B-01 and BR-B-02: split payment is Italian, and stands without the standard rate.
fn check_split_payment(case: &mut Case<'_>) {
    let invoice = case.invoice;
    let uses = |code: &str| {
        items_of(invoice).any(|item| item.category == code)
            || invoice.tax_breakdown.iter().any(|tax| tax.category.as_deref() == Some(code))
    };
    if !uses("B") {
        return;
    }
    let delivery = invoice.delivery.as_ref().and_then(|delivery| delivery.address.as_ref());
    let addresses = [Some(&invoice.seller), Some(&invoice.buyer), invoice.tax_representative.as_ref()]
        .into_iter()
        .filter_map(|party| party.and_then(|party| party.address.as_ref()))
        .chain(delivery);
    let origins = invoice.lines.iter().filter_map(|line| line.item.origin.as_deref());
    let mut countries = addresses.filter_map(|address| address.country.as_deref()).chain(origins);
    if let Some(country) = countries.find(|country| *country != "IT") {
        let message = format!("split payment (B) on a document that names the country `{}`", brief(country));
        case.broken("BR-B-01", "tax_breakdown", message);
    }
    if uses("S") {
        let message = "the document has split payment (B) and the standard rate (S)";
        case.broken("BR-B-02", "tax_breakdown", message);
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{broken, in_category};
    use super::*;

    #[test]
    fn each_category_has_a_form_that_breaks_no_rule() {
        for category in &CATEGORIES {
            let invoice = in_category(category.code);
            assert_eq!(broken(&invoice), Vec::<&str>::new(), "{}", category.code);
        }
    }

    #[test]
    fn each_category_misses_its_breakdown_its_base_its_tax_and_its_rate() {
        for category in &CATEGORIES {
            let [first, .., base, tax, reason] = category.rules;
            let rate = rule_of(category, Kind::Line, 4);
            let spoiled = |spoil: fn(&mut crate::canonical::Invoice)| {
                let mut invoice = in_category(category.code);
                spoil(&mut invoice);
                broken(&invoice)
            };
            let without = spoiled(|invoice| invoice.tax_breakdown.clear());
            assert!(without.contains(&first), "{first}: {without:?}");
            let other_base = spoiled(|invoice| {
                invoice.tax_breakdown.iter_mut().for_each(|tax| tax.base = Some(Decimal::from(7)));
            });
            assert!(other_base.contains(&base), "{base}: {other_base:?}");
            let other_tax = spoiled(|invoice| {
                invoice.tax_breakdown.iter_mut().for_each(|tax| tax.tax = Some(Decimal::from(70)));
            });
            assert!(other_tax.contains(&tax), "{tax}: {other_tax:?}");
            let other_rate = spoiled(|invoice| {
                invoice.lines.iter_mut().for_each(|line| line.tax_rate = Some(Decimal::from(-1)));
            });
            assert!(other_rate.contains(&rate), "{rate}: {other_rate:?}");
            let other_reason = spoiled(|invoice| {
                for tax in &mut invoice.tax_breakdown {
                    tax.exemption_reason = match tax.exemption_reason.take() {
                        Some(_) => None,
                        None => Some("because".into()),
                    };
                }
            });
            assert!(other_reason.contains(&reason), "{reason}: {other_reason:?}");
        }
    }

    #[test]
    fn split_payment_is_italian_and_stands_without_the_standard_rate() {
        let mut invoice = in_category("S");
        for tax in &mut invoice.tax_breakdown {
            tax.category = Some("B".into());
        }
        for party in [&mut invoice.seller, &mut invoice.buyer] {
            party.address.as_mut().expect("an address").country = Some("IT".into());
        }
        let both = broken(&invoice);
        assert!(both.contains(&"BR-B-02") && !both.contains(&"BR-B-01"), "{both:?}");
        invoice.lines.iter_mut().for_each(|line| line.tax_category = Some("B".into()));
        assert_eq!(broken(&invoice), Vec::<&str>::new());
        invoice.buyer.address.as_mut().expect("an address").country = Some("SM".into());
        assert_eq!(broken(&invoice), ["BR-B-01"]);
    }

    #[test]
    fn vat_numbers_are_wanted_where_there_is_vat() {
        let mut invoice = in_category("AE");
        invoice.buyer.vat_id = None;
        assert_eq!(broken(&invoice), ["BR-AE-02"]);
    }
}
