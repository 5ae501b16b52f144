//! What must be there: BR-01 to BR-65 and the BR-CO rules that ask for one of several.

mod lines;
mod parties;

use self::lines::{check_allowance_charge, check_line};
use self::parties::check_parties;
use super::field::At;
use super::{Case, is_given};
use crate::canonical::Period;

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
    use rust_decimal::Decimal;

    use super::super::sample::{broken, invoice};
    use super::*;
    use crate::canonical::{
        Address, AllowanceCharge, Attachment, CreditTransfer, Delivery, Identifier, Invoice, ItemId, Line, Party,
        Payment, Preceding, TaxBreakdown,
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
            (&["BR-02"], |invoice| invoice.number = Some(" ".into())),
            (&["BR-03"], |invoice| invoice.issue_date = None),
            (&["BR-04"], |invoice| invoice.type_code = None),
            (&["BR-05"], |invoice| invoice.currency = None),
            (&["BR-12"], |invoice| invoice.totals.line_net = None),
            (&["BR-13"], |invoice| invoice.totals.tax_exclusive = None),
            (&["BR-14"], |invoice| invoice.totals.tax_inclusive = None),
            (&["BR-15"], |invoice| invoice.totals.payable = None),
            (&["BR-16"], |invoice| invoice.lines.clear()),
            (&["BR-51"], |invoice| {
                invoice.payments.push(Payment { card_number_length: Some(16), ..Payment::default() });
            }),
            (&["BR-52"], |invoice| invoice.attachments.push(Attachment::default())),
            (&["BR-53"], |invoice| invoice.tax_currency = Some("SEK".into())),
            (&["BR-55"], |invoice| invoice.preceding.push(Preceding::default())),
            (&["BR-CO-03"], |invoice| {
                invoice.tax_point_code = Some("35".into());
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
            (&["BR-17"], |invoice| {
                invoice.payee = Some(Party { name: invoice.seller.name.clone(), ..Party::default() });
            }),
            (&["BR-17"], |invoice| {
                let id = Identifier { scheme: Some("0088".into()), value: "7300010000001".into() };
                invoice.seller.ids.push(id.clone());
                invoice.payee = Some(Party { name: Some("Inkasso".into()), ids: vec![id], ..Party::default() });
            }),
            (&["BR-18", "BR-19", "BR-56"], |invoice| invoice.tax_representative = Some(Party::default())),
            (&["BR-62"], |invoice| invoice.seller.endpoint = Some(Identifier::default())),
            (&["BR-63"], |invoice| invoice.buyer.endpoint = Some(Identifier::default())),
        ]);
    }

    #[test]
    fn payment_by_transfer_needs_an_account() {
        let transfer = |accounts: &[&str]| {
            let mut spoiled = invoice();
            let account = |number: &&str| CreditTransfer { account: (*number).into(), ..CreditTransfer::default() };
            spoiled.payments.push(Payment {
                means_code: Some("58".into()),
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
            (&["BR-54"], |invoice| line(invoice).item.attributes.push(("Colour".into(), String::new().into()))),
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
