//! What Peppol BIS Billing 3 wants beyond EN 16931: PEPPOL-EN16931-R, -P and PEPPOL-COMMON-R (OpenPEPPOL
//! release 2025-Q2, which is 3.0.19), for documents that say they follow it. The code list rules (-CL) are
//! told where EN 16931's own are; what only the syntax can show (empty elements, a second tax total), the
//! readers tell.

use rust_decimal::Decimal;

use super::field::At;
use super::lists::{PEPPOL_ADDRESS_SCHEMES, has};
use super::registers;
use super::{Case, brief, is_given, rounded, sum};
use crate::canonical::{AllowanceCharge, InvoiceKind, Line, Party};

const SPECIFICATION: &str = "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0";

/// UNTDID 1001, the invoices of process 01 (P0100): not self-billed, and no kind of statement.
const INVOICES: [&str; 26] = [
    "71", "80", "82", "84", "102", "218", "219", "326", "331", "380", "382", "383", "384", "386", "388", "393", "395",
    "553", "575", "623", "780", "817", "870", "875", "876", "877",
];

/// UNTDID 1001, the credit notes of process 01 (P0101).
const CREDIT_NOTES: [&str; 5] = ["381", "396", "81", "83", "532"];

pub(super) fn check(case: &mut Case<'_>) {
    check_head(case);
    check_tax(case);
    check_parties(case);
    let invoice = case.invoice;
    for (index, payment) in invoice.payments.iter().enumerate() {
        let is_debit = matches!(payment.means_code.as_deref().map(str::trim), Some("49" | "59"));
        if is_debit && !is_given(payment.mandate.as_deref()) {
            let message = "payment by direct debit is agreed, but no mandate is named (BT-89)";
            case.broken("PEPPOL-EN16931-R061", At::nth("payments", index, "mandate"), message);
        }
    }
    for (index, item) in invoice.allowances_charges.iter().enumerate() {
        check_allowance_charge(case, item, At::nth("allowances_charges", index, ""));
    }
    for (index, line) in invoice.lines.iter().enumerate() {
        check_line(case, line, At::nth("lines", index, ""));
    }
    check_dates(case);
}

/// R001 to R007, R051, P0100, P0101, P0112.
fn check_head(case: &mut Case<'_>) {
    let invoice = case.invoice;
    let process = invoice.process_id.as_deref().map(str::trim).filter(|process| !process.is_empty());
    let profile = process.and_then(profile_of);
    match (process, profile) {
        (None, _) => {
            case.broken("PEPPOL-EN16931-R001", "process_id", "the document has no business process (BT-23)");
            case.broken("PEPPOL-EN16931-R007", "process_id", "the document has no business process (BT-23)");
        }
        (Some(process), None) => {
            let process: String = process.chars().take(120).collect();
            let message = format!("`{process}` is no business process of Peppol billing");
            case.broken("PEPPOL-EN16931-R007", "process_id", message);
        }
        (Some(_), Some(_)) => {}
    }
    let is_german = |party: &Party| {
        let country = party.address.as_ref().and_then(|address| address.country.as_deref());
        country.is_some_and(|country| country.eq_ignore_ascii_case("DE"))
    };
    let both_german = is_german(&invoice.seller) && is_german(&invoice.buyer);
    if invoice.notes.len() > 1 && !both_german {
        let message = format!("the document has {} notes (BT-22)", invoice.notes.len());
        case.broken("PEPPOL-EN16931-R002", At::nth("notes", 1, ""), message);
    }
    if invoice.buyer_reference.is_none() && invoice.references.purchase_order.is_none() {
        let message = "the document has neither a buyer reference (BT-10) nor an order reference (BT-13)";
        case.broken("PEPPOL-EN16931-R003", "buyer_reference", message);
    }
    if !invoice.specification_id.as_deref().is_some_and(|id| id.trim().starts_with(SPECIFICATION)) {
        let message = "the specification identifier (BT-24) does not begin as Peppol's does";
        case.broken("PEPPOL-EN16931-R004", "specification_id", message);
    }
    if invoice.tax_currency.is_some() && invoice.tax_currency == invoice.currency {
        let message = "the VAT accounting currency (BT-6) is the currency of the document (BT-5)";
        case.broken("PEPPOL-EN16931-R005", "tax_currency", message);
    }
    for other in &invoice.other_currencies {
        let message = format!("an amount is in `{}`, not in the currency of the document", brief(&other.currency));
        case.broken_at("PEPPOL-EN16931-R051", &other.field, message);
    }
    let Some(code) = invoice.type_code.as_deref().map(str::trim) else { return };
    let (rule, types) = match invoice.kind {
        InvoiceKind::Invoice => ("PEPPOL-EN16931-P0100", &INVOICES[..]),
        InvoiceKind::CreditNote => ("PEPPOL-EN16931-P0101", &CREDIT_NOTES[..]),
    };
    if profile == Some("01") && !types.contains(&code) {
        let message = format!("the type code `{}` is none of process 01 of Peppol billing", brief(code));
        case.broken(rule, "type_code", message);
    }
    if matches!(code, "326" | "384") && !both_german {
        let message = format!("the type code {code} is for German sellers and buyers");
        case.broken("PEPPOL-EN16931-P0112", "type_code", message);
    }
}

/// The two digits in `urn:fdc:peppol.eu:2017:poacc:billing:01:1.0`.
fn profile_of(process: &str) -> Option<&str> {
    let rest = process.split_once("urn:fdc:peppol.eu:2017:poacc:billing:")?.1;
    let (number, rest) = rest.split_at_checked(2)?;
    (number.bytes().all(|byte| byte.is_ascii_digit()) && rest.starts_with(":1.0")).then_some(number)
}

/// R053 to R055, P0104 to P0111.
fn check_tax(case: &mut Case<'_>) {
    let invoice = case.invoice;
    if invoice.tax_breakdown.is_empty() {
        case.broken("PEPPOL-EN16931-R053", "tax_breakdown", "the document has no VAT total with a breakdown");
    }
    if invoice.tax_currency.is_some() && invoice.totals.tax_in_tax_currency.is_none() {
        let message = "a VAT accounting currency (BT-6) is given, but no VAT total in it (BT-111)";
        case.broken("PEPPOL-EN16931-R054", "tax_currency", message);
    }
    if let (Some(tax), Some(other)) = (invoice.totals.tax, invoice.totals.tax_in_tax_currency)
        && ((tax > Decimal::ZERO && other < Decimal::ZERO) || (tax < Decimal::ZERO && other > Decimal::ZERO))
    {
        let message = format!("the VAT totals {tax} (BT-110) and {other} (BT-111) have different signs");
        case.broken("PEPPOL-EN16931-R055", "totals.tax_in_tax_currency", message);
    }
    for (index, tax) in invoice.tax_breakdown.iter().enumerate() {
        let Some(code) = &tax.exemption_code else { continue };
        let wanted = EXEMPTIONS.iter().find(|(reason, ..)| code.trim().eq_ignore_ascii_case(reason));
        let Some((reason, category, rule)) = wanted else { continue };
        if tax.category.as_deref().map(str::trim) != Some(category) {
            let message = format!("the exemption reason {reason} is for the VAT category {category}");
            case.broken(rule, At::nth("tax_breakdown", index, ""), message);
        }
    }
}

/// What a VATEX code says of the category, and the rule.
const EXEMPTIONS: [(&str, &str, &str); 8] = [
    ("VATEX-EU-G", "G", "PEPPOL-EN16931-P0104"),
    ("VATEX-EU-O", "O", "PEPPOL-EN16931-P0105"),
    ("VATEX-EU-IC", "K", "PEPPOL-EN16931-P0106"),
    ("VATEX-EU-AE", "AE", "PEPPOL-EN16931-P0107"),
    ("VATEX-EU-D", "E", "PEPPOL-EN16931-P0108"),
    ("VATEX-EU-F", "E", "PEPPOL-EN16931-P0109"),
    ("VATEX-EU-I", "E", "PEPPOL-EN16931-P0110"),
    ("VATEX-EU-J", "E", "PEPPOL-EN16931-P0111"),
];

/// R010, R020, and the numbers of registers.
fn check_parties(case: &mut Case<'_>) {
    let invoice = case.invoice;
    if invoice.buyer.endpoint.is_none() {
        case.broken("PEPPOL-EN16931-R010", "buyer.endpoint", "the buyer has no electronic address (BT-49)");
    }
    if invoice.seller.endpoint.is_none() {
        case.broken("PEPPOL-EN16931-R020", "seller.endpoint", "the seller has no electronic address (BT-34)");
    }
    let parties = [
        ("seller", Some(&invoice.seller)),
        ("buyer", Some(&invoice.buyer)),
        ("payee", invoice.payee.as_ref()),
        ("tax_representative", invoice.tax_representative.as_ref()),
    ];
    for (field, party) in parties {
        let Some(party) = party else { continue };
        let ids = party.ids.iter().map(|id| ("ids", id));
        let numbers = party.endpoint.iter().map(|id| ("endpoint", id)).chain(ids);
        for (name, id) in numbers.chain(party.legal_id.iter().map(|id| ("legal_id", id))) {
            let scheme = id.scheme.as_deref().unwrap_or_default();
            if name == "endpoint" && id.scheme.is_some() && !has(PEPPOL_ADDRESS_SCHEMES, scheme) {
                let message = format!("`{}` is no electronic address scheme of Peppol", brief(scheme));
                case.broken("PEPPOL-EN16931-CL008", At::of(field, name), message);
            }
            // 9907 is a scheme of addresses only.
            if scheme == "9907" && name != "endpoint" {
                continue;
            }
            if let Some((rule, what)) = registers::rule_of(scheme, &id.value) {
                case.broken(rule, At::of(field, name), format!("`{}` is no {what}", brief(&id.value)));
            }
        }
    }
}

/// R040 to R042.
fn check_allowance_charge(case: &mut Case<'_>, item: &AllowanceCharge, at: At) {
    match (item.percent, item.base) {
        (Some(_), None) => case.broken("PEPPOL-EN16931-R041", at, "a percentage is given without its base amount"),
        (None, Some(_)) => case.broken("PEPPOL-EN16931-R042", at, "a base amount is given without its percentage"),
        (Some(percent), Some(base)) => {
            let amount = item.amount.unwrap_or_default();
            let expected = base.checked_mul(percent).and_then(|product| product.checked_div(Decimal::ONE_HUNDRED));
            if !is_within_slack(amount, expected) {
                let message = format!("the amount {amount} is not {percent} % of {base}");
                case.broken("PEPPOL-EN16931-R040", at.named("amount"), message);
            }
        }
        (None, None) => {}
    }
}

/// R046, R110, R111, R120, R121, R130.
fn check_line(case: &mut Case<'_>, line: &Line, at: At) {
    for (inner, item) in line.allowances_charges.iter().enumerate() {
        check_allowance_charge(case, item, at.nested("allowances_charges", inner));
    }
    if !is_within_slack(line.net_amount.unwrap_or_default(), net_of(line)) {
        let net = line.net_amount.unwrap_or_default();
        let expected = net_of(line).map_or_else(String::new, |net| format!(", but should be {}", net.normalize()));
        let message = format!("the net amount of the line (BT-131) is {net}{expected}");
        case.broken("PEPPOL-EN16931-R120", at.named("net_amount"), message);
    }
    if let Some(base) = line.price_base_quantity.filter(|base| *base <= Decimal::ZERO) {
        let message = format!("the price is for a quantity of {base} (BT-149)");
        case.broken("PEPPOL-EN16931-R121", at.named("price_base_quantity"), message);
    }
    if let (Some(unit), true) = (&line.price_base_unit, line.quantity.is_some())
        && line.unit.as_ref() != Some(unit)
    {
        let message = format!("the price is per `{}`, the quantity in another unit", brief(unit));
        case.broken("PEPPOL-EN16931-R130", at.named("price_base_quantity.unit"), message);
    }
    if let (Some(net), Some(gross)) = (line.net_price, line.gross_price)
        && gross.checked_sub(line.price_discount.unwrap_or_default()) != Some(net)
    {
        let message = format!("the net price (BT-146) is {net}, not the gross price {gross} less its discount");
        case.broken("PEPPOL-EN16931-R046", at.named("net_price"), message);
    }
    let (Some(period), Some(whole)) = (&line.period, &case.invoice.period) else { return };
    if let (Some(start), Some(first)) = (period.start, whole.start)
        && start < first
    {
        let message = format!("the period of the line starts on {start}, that of the document on {first}");
        case.broken("PEPPOL-EN16931-R110", at.named("period.start"), message);
    }
    if let (Some(end), Some(last)) = (period.end, whole.end)
        && end > last
    {
        let message = format!("the period of the line ends on {end}, that of the document on {last}");
        case.broken("PEPPOL-EN16931-R111", at.named("period.end"), message);
    }
}

/// Quantity × price ÷ base quantity, with the line's charges and without its allowances.
fn net_of(line: &Line) -> Option<Decimal> {
    let base = line.price_base_quantity.filter(|base| !base.is_zero()).unwrap_or(Decimal::ONE);
    let price = line.net_price.unwrap_or_default().checked_div(base)?;
    let of = |is_charge| {
        let items = line.allowances_charges.iter().filter(move |item| item.is_charge == is_charge);
        rounded(sum(items.filter_map(|item| item.amount))?)
    };
    let quantity = line.quantity.unwrap_or(Decimal::ONE);
    quantity.checked_mul(price)?.checked_add(of(true)?)?.checked_sub(of(false)?)
}

/// Two hundredths off, either way. What is too large to calculate is not within anything.
fn is_within_slack(stated: Decimal, expected: Option<Decimal>) -> bool {
    let off = expected.and_then(|expected| stated.checked_sub(expected));
    off.is_some_and(|off| off.abs() <= Decimal::new(2, 2))
}

/// F001: a day is ten characters; readers take a time zone behind it too.
fn check_dates(case: &mut Case<'_>) {
    for item in case.places.evidence() {
        let name = item.field.rsplit('.').next().unwrap_or_default();
        let is_date = name.ends_with("_date") || matches!(name, "date" | "start" | "end");
        if is_date && item.raw.trim().len() != 10 {
            let message = format!("`{}` is not written as YYYY-MM-DD", brief(item.raw.trim()));
            case.broken_at("PEPPOL-EN16931-F001", &item.field, message);
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::super::sample::{broken, identifier, peppol};
    use super::super::{Claim, Places};
    use super::*;
    use crate::Location;
    use crate::canonical::{Evidence, Invoice, Note, OtherCurrency, Payment, Period};

    type Spoil = fn(&mut Invoice);

    fn line(invoice: &mut Invoice) -> &mut Line {
        invoice.lines.first_mut().expect("the sample has a line")
    }

    fn exempt(invoice: &mut Invoice, code: &str) {
        invoice.tax_breakdown.first_mut().expect("a tax").exemption_code = Some(code.into());
    }

    fn allowance(percent: Option<i64>, base: Option<i64>, amount: i64) -> AllowanceCharge {
        AllowanceCharge {
            amount: Some(Decimal::new(amount, 2)),
            percent: percent.map(Decimal::from),
            base: base.map(Decimal::from),
            reason_code: Some("95".into()),
            ..AllowanceCharge::default()
        }
    }

    #[test]
    fn the_whole_sample_breaks_nothing_and_a_document_of_another_specification_is_not_asked() {
        assert_eq!(broken(&peppol()), Vec::<&str>::new());
        let mut other = peppol();
        other.specification_id = Some("urn:cen.eu:en16931:2017".into());
        other.process_id = None;
        other.buyer_reference = None;
        assert_eq!(broken(&other), Vec::<&str>::new());
    }

    #[test]
    fn each_rule_is_broken_by_what_it_forbids() {
        let cases: &[(&str, Spoil)] = &[
            ("R001", |invoice| invoice.process_id = None),
            ("R002", |invoice| {
                invoice.notes = vec![Note::default(), Note::default()];
                invoice.buyer.address.as_mut().expect("an address").country = Some("AT".into());
            }),
            ("R003", |invoice| invoice.buyer_reference = None),
            ("R004", |invoice| {
                invoice.specification_id = Some(
                    "urn:cen.eu:en16931:2017#conformant#urn:fdc:peppol.eu:2017:poacc:billing:3.0".to_owned().into(),
                );
            }),
            ("R005", |invoice| invoice.tax_currency = invoice.currency.clone()),
            ("R007", |invoice| invoice.process_id = Some("urn:fdc:peppol.eu:2017:poacc:billing:1:1.0".into())),
            ("R010", |invoice| invoice.buyer.endpoint = None),
            ("R020", |invoice| invoice.seller.endpoint = None),
            ("R040", |invoice| invoice.allowances_charges.push(allowance(Some(10), Some(50), 503))),
            ("R041", |invoice| invoice.allowances_charges.push(allowance(Some(10), None, 500))),
            ("R042", |invoice| line(invoice).allowances_charges.push(allowance(None, Some(50), 500))),
            ("R046", |invoice| line(invoice).gross_price = Some(Decimal::from(26))),
            ("R051", |invoice| {
                let field = "lines[0].net_price".to_owned();
                invoice.other_currencies.push(OtherCurrency { field: field.into(), currency: "USD".into() });
            }),
            ("R053", |invoice| invoice.tax_breakdown.clear()),
            ("R054", |invoice| invoice.tax_currency = Some("SEK".into())),
            ("R055", |invoice| {
                invoice.tax_currency = Some("SEK".into());
                invoice.totals.tax_in_tax_currency = Some(Decimal::from(-190));
            }),
            ("R061", |invoice| {
                invoice.payments.push(Payment { means_code: Some("59".into()), ..Payment::default() });
            }),
            ("R110", |invoice| {
                invoice.period = Some(Period { start: Some(date(2026, 2, 1)), end: None });
                line(invoice).period = Some(Period { start: Some(date(2026, 1, 31)), end: None });
            }),
            ("R111", |invoice| {
                invoice.period = Some(Period { start: None, end: Some(date(2026, 2, 28)) });
                line(invoice).period = Some(Period { start: None, end: Some(date(2026, 3, 1)) });
            }),
            ("R120", |invoice| line(invoice).net_price = Some(Decimal::new(2_501, 2))),
            ("R121", |invoice| line(invoice).price_base_quantity = Some(Decimal::ZERO)),
            ("R130", |invoice| line(invoice).price_base_unit = Some("KGM".into())),
            ("P0100", |invoice| invoice.type_code = Some("389".into())),
            ("P0101", |invoice| {
                invoice.kind = InvoiceKind::CreditNote;
                invoice.type_code = Some("261".into());
            }),
            ("P0104", |invoice| exempt(invoice, "VATEX-EU-G")),
            ("P0105", |invoice| exempt(invoice, "vatex-eu-o")),
            ("P0106", |invoice| exempt(invoice, "VATEX-EU-IC")),
            ("P0107", |invoice| exempt(invoice, "VATEX-EU-AE")),
            ("P0108", |invoice| exempt(invoice, "VATEX-EU-D")),
            ("P0109", |invoice| exempt(invoice, "VATEX-EU-F")),
            ("P0110", |invoice| exempt(invoice, "VATEX-EU-I")),
            ("P0111", |invoice| exempt(invoice, "VATEX-EU-J")),
            ("P0112", |invoice| {
                invoice.type_code = Some("326".into());
                invoice.seller.address.as_mut().expect("an address").country = Some("AT".into());
            }),
            ("CL002", |invoice| {
                let item = AllowanceCharge { reason_code: Some("AA".into()), ..AllowanceCharge::default() };
                line(invoice).allowances_charges.push(item);
            }),
            ("CL006", |invoice| invoice.tax_point_code = Some("4".into())),
            ("CL008", |invoice| invoice.seller.endpoint = identifier("EM", "a@b.example")),
        ];
        for (rule, spoil) in cases {
            let mut spoiled = peppol();
            spoil(&mut spoiled);
            let rule = format!("PEPPOL-EN16931-{rule}");
            assert!(broken(&spoiled).contains(&rule.as_str()), "{rule}: {:?}", broken(&spoiled));
        }
    }

    #[test]
    fn two_hundredths_are_let_pass_and_a_price_may_be_for_more_than_one() {
        let mut near = peppol();
        near.allowances_charges.push(AllowanceCharge {
            tax_category: Some("S".into()),
            tax_rate: Some(Decimal::from(19)),
            ..allowance(Some(10), Some(50), 502)
        });
        assert!(!broken(&near).contains(&"PEPPOL-EN16931-R040"));
        let mut per_hundred = peppol();
        line(&mut per_hundred).net_price = Some(Decimal::from(2_500));
        line(&mut per_hundred).price_base_quantity = Some(Decimal::ONE_HUNDRED);
        line(&mut per_hundred).price_base_unit = Some("C62".into());
        assert_eq!(broken(&per_hundred), Vec::<&str>::new());
        line(&mut per_hundred).quantity = Some(Decimal::MAX);
        assert!(broken(&per_hundred).contains(&"PEPPOL-EN16931-R120"));
    }

    #[test]
    fn the_numbers_of_registers_are_told_by_their_scheme() {
        let mut spoiled = peppol();
        spoiled.buyer.endpoint = identifier("0088", "7300010000002");
        spoiled.seller.legal_id = identifier("0208", "0202239952");
        assert_eq!(broken(&spoiled), ["PEPPOL-COMMON-R043", "PEPPOL-COMMON-R040"]);
    }

    #[test]
    fn a_day_with_a_time_zone_is_not_written_as_peppol_wants() {
        let at = Location::new(7, 1, "");
        let evidence = ["2026-03-01Z", " 2026-03-01 "].map(|raw| Evidence::new("issue_date", at.clone(), raw));
        let findings = super::super::check(&peppol(), &Places::new(&evidence, &[], at), Claim::AsStated, 100);
        assert_eq!(findings.iter().map(|found| found.code.as_str()).collect::<Vec<_>>(), ["PEPPOL-EN16931-F001"]);
    }
}
