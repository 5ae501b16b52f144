//! What must be there: BR-01 to BR-65 and the BR-CO rules that ask for one of several.

use rust_decimal::Decimal;

use super::field::At;
use super::{Case, is_given};
use crate::canonical::{AllowanceCharge, Line, Party, Period};

pub(super) fn check(case: &mut Case<'_>) {
    check_head(case);
    check_parties(case);
    check_totals(case);
    check_payments(case);
    for (index, attachment) in case.invoice.attachments.iter().enumerate() {
        if !is_given(attachment.reference.as_deref()) {
            let message = "a supporting document is referred to without an identifier (BT-122)";
            case.broken("BR-52", At::nth("attachments", index, "reference"), message);
        }
    }
    for index in 0..case.invoice.lines.len() {
        check_line(case, index);
    }
    let invoice = case.invoice;
    for (index, item) in invoice.allowances_charges.iter().enumerate() {
        check_allowance_charge(case, item, At::nth("allowances_charges", index, ""));
    }
    check_breakdown(case);
}

fn check_head(case: &mut Case<'_>) {
    let invoice = case.invoice;
    case.want(
        is_given(invoice.specification_id.as_deref()),
        "BR-01",
        "specification_id",
        "the document has no specification identifier (BT-24)",
        "Say which specification the document follows.",
    );
    case.want(
        is_given(invoice.number.as_deref()),
        "BR-02",
        "number",
        "the document has no number (BT-1)",
        "Write the invoice number.",
    );
    case.want(
        invoice.issue_date.is_some(),
        "BR-03",
        "issue_date",
        "the document has no issue date (BT-2)",
        "Write the day it was issued.",
    );
    case.want(
        is_given(invoice.type_code.as_deref()),
        "BR-04",
        "type_code",
        "the document has no type code (BT-3)",
        "Write the type code: 380 for an invoice, 381 for a credit note.",
    );
    case.want(
        is_given(invoice.currency.as_deref()),
        "BR-05",
        "currency",
        "the document has no currency code (BT-5)",
        "Write the ISO 4217 code of its amounts.",
    );
    case.want(
        !invoice.lines.is_empty(),
        "BR-16",
        "lines",
        "the document has no lines (BG-25)",
        "Write at least one line.",
    );
    case.want(
        invoice.tax_point_date.is_none() || invoice.tax_point_code.is_none(),
        "BR-CO-03",
        "tax_point_date",
        "the document has a tax point date (BT-7) and a tax point code (BT-8)",
        "Write one of the two.",
    );
    if let Some(period) = &invoice.period {
        check_period(case, period, At::field("period"), "BR-29", "BR-CO-19");
    }
    for (index, preceding) in invoice.preceding.iter().enumerate() {
        case.want(
            is_given(Some(&preceding.number)),
            "BR-55",
            At::nth("preceding", index, "number"),
            "a reference to a preceding invoice has no number (BT-25)",
            "Write the number of the invoice that is corrected or credited.",
        );
    }
    if let Some(address) = invoice.delivery.as_ref().and_then(|delivery| delivery.address.as_ref()) {
        case.want(
            is_given(address.country.as_deref()),
            "BR-57",
            "delivery.address.country",
            "the deliver-to address has no country code (BT-80)",
            "Write the ISO 3166-1 code of the country.",
        );
    }
}

fn check_period(case: &mut Case<'_>, period: &Period, at: At, order: &'static str, filled: &'static str) {
    if let (Some(start), Some(end)) = (period.start, period.end)
        && end < start
    {
        case.fail(
            order,
            at.named(if at == At::field("period") { "end" } else { "period.end" }),
            format!("the period ends on {end}, before it starts on {start}"),
            "Write an end that is not before the start.",
        );
    }
    case.want(
        period.start.is_some() || period.end.is_some(),
        filled,
        at.named(if at == At::field("period") { "" } else { "period" }),
        "the period has neither a start nor an end",
        "Write the first or the last day of the period, or leave the period out.",
    );
}

fn check_parties(case: &mut Case<'_>) {
    let invoice = case.invoice;
    check_party(case, &invoice.seller, "seller", "BT-27", ["BR-06", "BR-08", "BR-09", "BR-62"]);
    check_party(case, &invoice.buyer, "buyer", "BT-44", ["BR-07", "BR-10", "BR-11", "BR-63"]);
    let seller = &invoice.seller;
    // `SEPA` marks the creditor identifier (BT-90), which is the bank's name for the seller, not the buyer's.
    let is_identified = seller.ids.iter().any(|id| id.scheme.as_deref() != Some("SEPA"));
    case.want(
        is_identified || seller.legal_id.is_some() || is_given(seller.vat_id.as_deref()),
        "BR-CO-26",
        "seller",
        "the seller has no identifier (BT-29), no registration number (BT-30) and no VAT number (BT-31)",
        "Write at least one of the three, so that the buyer can identify the seller.",
    );
    check_payee(case);
    if let Some(representative) = &invoice.tax_representative {
        check_party(case, representative, "tax_representative", "BT-62", ["BR-18", "BR-19", "BR-20", ""]);
        case.want(
            is_given(representative.vat_id.as_deref()),
            "BR-56",
            "tax_representative.vat_id",
            "the seller's tax representative has no VAT number (BT-63)",
            "Write the VAT number of the tax representative.",
        );
    }
}

/// BR-17: a payee has a name, and is somebody else than the seller.
fn check_payee(case: &mut Case<'_>) {
    let (Some(payee), seller) = (&case.invoice.payee, &case.invoice.seller) else { return };
    let seller_name = seller.trading_name.as_ref().or(seller.name.as_ref());
    if !is_given(payee.name.as_deref()) {
        case.fail("BR-17", "payee.name", "the payee has no name (BT-59)", "Write the payee's name (BT-59).");
    } else if payee.name.as_ref() == seller_name || payee.ids.iter().any(|id| seller.ids.contains(id)) {
        let message = "the payee (BG-10) is the seller";
        case.fail("BR-17", "payee.name", message, "Leave the payee out where the seller is paid.");
    }
}

/// Name, address, country; and the scheme of the electronic address if there is one.
fn check_party(case: &mut Case<'_>, party: &Party, field: &'static str, term: &str, rules: [&'static str; 4]) {
    let [name, address, country, scheme] = rules;
    if !is_given(party.name.as_deref()) {
        let message = format!("the {} has no name ({term})", field.replace('_', " "));
        case.fail(name, At::of(field, "name"), message, "Write the legal name of the party.");
    }
    match &party.address {
        None => {
            let message = format!("the {} has no postal address", field.replace('_', " "));
            case.fail(address, At::of(field, "address"), message, "Write the address, at least its country.");
        }
        Some(postal) if !is_given(postal.country.as_deref()) => {
            let message = format!("the address of the {} has no country code", field.replace('_', " "));
            case.fail(country, At::of(field, "address.country"), message, "Write the ISO 3166-1 code of the country.");
        }
        Some(_) => {}
    }
    if let Some(endpoint) = &party.endpoint
        && !scheme.is_empty()
    {
        case.want(
            endpoint.scheme.is_some(),
            scheme,
            At::of(field, "endpoint"),
            "the electronic address has no scheme identifier",
            "Write the scheme of the electronic address, such as 0088 or EM.",
        );
    }
}

fn check_totals(case: &mut Case<'_>) {
    let totals = &case.invoice.totals;
    let wanted = [
        (totals.line_net, "BR-12", "totals.line_net", "the sum of line net amounts (BT-106) is missing"),
        (totals.tax_exclusive, "BR-13", "totals.tax_exclusive", "the total without VAT (BT-109) is missing"),
        (totals.tax_inclusive, "BR-14", "totals.tax_inclusive", "the total with VAT (BT-112) is missing"),
        (totals.payable, "BR-15", "totals.payable", "the amount due (BT-115) is missing"),
    ];
    for (total, rule, field, message) in wanted {
        case.want(total.is_some(), rule, field, message, "Write the total; 0.00 if it is nothing.");
    }
    case.want(
        case.invoice.tax_currency.is_none()
            || totals.tax_in_tax_currency.is_some()
            || (case.invoice.tax_currency == case.invoice.currency && totals.tax.is_some()),
        "BR-53",
        "tax_currency",
        "a VAT accounting currency (BT-6) is given, but no VAT total in it (BT-111)",
        "Write the VAT total in the accounting currency too, or leave that currency out.",
    );
}

fn check_payments(case: &mut Case<'_>) {
    let invoice = case.invoice;
    for (index, payment) in invoice.payments.iter().enumerate() {
        let at = At::nth("payments", index, "");
        if let Some(length) = payment.card_number_length {
            let message = format!("a card number of {length} characters is written out (BT-87)");
            case.broken("BR-51", at, message);
        }
        case.want(
            is_given(payment.means_code.as_deref()),
            "BR-49",
            at,
            "the payment instructions have no means code (BT-81)",
            "Write the UNCL4461 code of the means of payment, such as 30 or 58.",
        );
        if !matches!(payment.means_code.as_deref(), Some("30" | "58")) {
            continue;
        }
        let accounts = &payment.credit_transfers;
        if accounts.iter().any(|account| account.account.trim().is_empty()) {
            case.fail(
                "BR-50",
                at,
                "an account to pay to has no identifier (BT-84)",
                "Write the IBAN or account number.",
            );
        }
        case.want(
            accounts.iter().any(|account| !account.account.trim().is_empty()),
            "BR-61",
            at,
            "payment by credit transfer is asked for, but there is no account to pay to (BT-84)",
            "Write the IBAN or account number.",
        );
    }
}

fn check_line(case: &mut Case<'_>, index: usize) {
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

fn check_allowance_charge(case: &mut Case<'_>, item: &AllowanceCharge, at: At) {
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

fn check_breakdown(case: &mut Case<'_>) {
    let invoice = case.invoice;
    case.want(
        !invoice.tax_breakdown.is_empty(),
        "BR-CO-18",
        "tax_breakdown",
        "the document has no VAT breakdown (BG-23)",
        "Write one VAT breakdown for each VAT category and rate.",
    );
    for (index, tax) in invoice.tax_breakdown.iter().enumerate() {
        let at = At::nth("tax_breakdown", index, "");
        let without_rate = tax.category.as_deref() == Some("O");
        for (is_there, rule, name, term) in [
            (tax.base.is_some(), "BR-45", "base", "taxable amount (BT-116)"),
            (tax.tax.is_some(), "BR-46", "tax", "tax amount (BT-117)"),
            (is_given(tax.category.as_deref()), "BR-47", "category", "VAT category (BT-118)"),
            (tax.rate.is_some() || without_rate, "BR-48", "rate", "VAT rate (BT-119)"),
        ] {
            if !is_there {
                let message = format!("VAT breakdown {} has no {term}", index + 1);
                case.fail(rule, at.named(name), message, "Write it in every VAT breakdown.");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::super::sample::{broken, invoice};
    use super::*;
    use crate::canonical::{
        Address, CreditTransfer, Delivery, Identifier, Invoice, ItemId, Payment, Preceding, TaxBreakdown,
    };

    type Spoil = fn(&mut Invoice);

    #[track_caller]
    fn each_breaks(cases: &[(&[&str], Spoil)]) {
        for (rules, spoil) in cases {
            let mut spoiled = invoice();
            spoil(&mut spoiled);
            for rule in *rules {
                assert!(broken(&spoiled).contains(rule), "{rule}: {:?}", broken(&spoiled));
            }
        }
    }

    fn line(invoice: &mut Invoice) -> &mut Line {
        invoice.lines.first_mut().expect("the sample has a line")
    }

    #[test]
    fn the_head_and_the_totals_must_be_there() {
        each_breaks(&[
            (&["BR-01"], |invoice| invoice.specification_id = None),
            (&["BR-02"], |invoice| invoice.number = Some(" ".to_owned())),
            (&["BR-03"], |invoice| invoice.issue_date = None),
            (&["BR-04"], |invoice| invoice.type_code = None),
            (&["BR-05"], |invoice| invoice.currency = None),
            (&["BR-12"], |invoice| invoice.totals.line_net = None),
            (&["BR-13"], |invoice| invoice.totals.tax_exclusive = None),
            (&["BR-14"], |invoice| invoice.totals.tax_inclusive = None),
            (&["BR-15"], |invoice| invoice.totals.payable = None),
            (&["BR-16"], |invoice| invoice.lines.clear()),
            (&["BR-53"], |invoice| invoice.tax_currency = Some("SEK".to_owned())),
            (&["BR-55"], |invoice| invoice.preceding.push(Preceding::default())),
            (&["BR-CO-03"], |invoice| {
                invoice.tax_point_code = Some("35".to_owned());
                invoice.tax_point_date = Some(date(2026, 3, 1));
            }),
            (&["BR-CO-18"], |invoice| invoice.tax_breakdown.clear()),
            (&["BR-CO-19"], |invoice| invoice.period = Some(Period::default())),
            (&["BR-29"], |invoice| {
                invoice.period = Some(Period { start: Some(date(2026, 3, 2)), end: Some(date(2026, 3, 1)) });
            }),
            (&["BR-57"], |invoice| {
                invoice.delivery = Some(Delivery { address: Some(Address::default()), ..Delivery::default() });
            }),
            (&["BR-45", "BR-46", "BR-47", "BR-48"], |invoice| invoice.tax_breakdown.push(TaxBreakdown::default())),
        ]);
    }

    #[test]
    fn parties_must_say_who_and_where_they_are() {
        each_breaks(&[
            (&["BR-06", "BR-08", "BR-CO-26"], |invoice| invoice.seller = Party::default()),
            (&["BR-07", "BR-10"], |invoice| invoice.buyer = Party::default()),
            (&["BR-09"], |invoice| invoice.seller.address = Some(Address::default())),
            (&["BR-11"], |invoice| invoice.buyer.address = Some(Address::default())),
            (&["BR-17"], |invoice| invoice.payee = Some(Party::default())),
            (&["BR-18", "BR-19", "BR-56"], |invoice| invoice.tax_representative = Some(Party::default())),
            (&["BR-62"], |invoice| invoice.seller.endpoint = Some(Identifier::default())),
            (&["BR-63"], |invoice| invoice.buyer.endpoint = Some(Identifier::default())),
        ]);
    }

    #[test]
    fn payment_by_transfer_needs_an_account() {
        let transfer = |accounts: &[&str]| {
            let mut spoiled = invoice();
            let account = |number: &&str| CreditTransfer { account: (*number).to_owned(), ..CreditTransfer::default() };
            spoiled.payments.push(Payment {
                means_code: Some("58".to_owned()),
                credit_transfers: accounts.iter().map(account).collect(),
                ..Payment::default()
            });
            broken(&spoiled)
        };
        assert!(transfer(&["DE02120300000000202051"]).is_empty());
        assert_eq!(transfer(&[]), ["BR-61"]);
        assert_eq!(transfer(&[""]), ["BR-50", "BR-61"]);
        each_breaks(&[(&["BR-49"], |invoice| invoice.payments.push(Payment::default()))]);
    }

    #[test]
    fn lines_and_their_items_must_be_complete() {
        each_breaks(&[
            (&["BR-21", "BR-22", "BR-23", "BR-24", "BR-25", "BR-26", "BR-CO-04"], |invoice| {
                *line(invoice) = Line::default();
            }),
            (&["BR-27"], |invoice| line(invoice).net_price = Some(Decimal::NEGATIVE_ONE)),
            (&["BR-28"], |invoice| line(invoice).gross_price = Some(Decimal::NEGATIVE_ONE)),
            (&["BR-CO-20"], |invoice| line(invoice).period = Some(Period::default())),
            (&["BR-54"], |invoice| line(invoice).item.attributes.push(("Colour".to_owned(), String::new()))),
            (&["BR-64"], |invoice| line(invoice).item.standard_id = Some(Identifier::default())),
            (&["BR-65"], |invoice| line(invoice).item.classifications.push(ItemId::default())),
        ]);
    }

    #[test]
    fn allowances_and_charges_need_an_amount_and_a_reason() {
        each_breaks(&[
            (&["BR-31", "BR-32", "BR-33", "BR-CO-21"], |invoice| {
                invoice.allowances_charges.push(AllowanceCharge::default());
            }),
            (&["BR-36", "BR-37", "BR-38", "BR-CO-22"], |invoice| {
                invoice.allowances_charges.push(AllowanceCharge { is_charge: true, ..AllowanceCharge::default() });
            }),
            (&["BR-41", "BR-42", "BR-CO-23"], |invoice| {
                line(invoice).allowances_charges.push(AllowanceCharge::default());
            }),
            (&["BR-43", "BR-44", "BR-CO-24"], |invoice| {
                let charge = AllowanceCharge { is_charge: true, ..AllowanceCharge::default() };
                line(invoice).allowances_charges.push(charge);
            }),
        ]);
    }
}
