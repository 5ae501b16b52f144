//! Money at document level: how to pay, allowances and charges, tax, totals.

use std::collections::HashSet;
use std::fmt::Display;

use rust_decimal::Decimal;

use super::values::{date, one_of, referred};
use super::{Draft, party, twice};
use crate::canonical::{
    AllowanceCharge, CreditTransfer, Payment, PaymentTerms, Period, Preceding, TaxBreakdown, TermsDiscount, Totals,
};
use crate::xml::draft::evidence;
use crate::xml::element::Element;
use crate::xml::invoice::{TaxTotal, masked, too_long};

const SUMMATION: [&str; 2] =
    ["SpecifiedTradeSettlementHeaderMonetarySummation", "SpecifiedTradeSettlementMonetarySummation"];

pub(super) fn map(draft: &mut Draft, section: Element<'_>, path: &str) {
    draft.body.invoice.currency = draft.text(section, path, "InvoiceCurrencyCode", "currency");
    draft.body.invoice.tax_currency = draft.text(section, path, "TaxCurrencyCode", "tax_currency");
    draft.body.invoice.buyer_accounting_reference =
        section.text_at(&["ReceivableSpecifiedTradeAccountingAccount", "ID"]);
    draft.body.payment.remittance_information = section.text_at(&["PaymentReference"]);
    draft.body.payment.creditor_id = section.text_at(&["CreditorReferenceID"]);
    if let Some(exchange) = section.child("TaxApplicableTradeCurrencyExchange") {
        let path = exchange.path_below(path);
        draft.body.invoice.exchange_rate = draft.number(exchange, &path, "ConversionRate", "exchange_rate");
    }
    if let Some(payee) = section.child("PayeeTradeParty") {
        draft.body.invoice.payee = Some(party::party(draft, payee, &payee.path_below(path), "payee"));
    }
    if let Some(element) = section.child("BillingSpecifiedPeriod") {
        draft.body.invoice.period = Some(period(draft, element, &element.path_below(path), "period"));
    }
    for element in section.elements() {
        let path = || element.path_below(path);
        match element.name() {
            "SpecifiedTradeSettlementPaymentMeans" => map_payment(draft, element, &path()),
            "ApplicableTradeTax" => map_tax(draft, element, &path()),
            "SpecifiedTradeAllowanceCharge" => {
                let field = format!("allowances_charges[{}]", draft.body.invoice.allowances_charges.len());
                let item = allowance_charge(draft, element, &path(), &field);
                draft.body.invoice.allowances_charges.push(item);
            }
            "SpecifiedLogisticsServiceCharge" => map_logistics_charge(draft, element, &path()),
            "SpecifiedTradePaymentTerms" => map_terms(draft, element, &path()),
            "InvoiceReferencedDocument" => map_preceding(draft, element, &path()),
            _ => {}
        }
    }
    if let Some(summation) = one_of(section, &SUMMATION) {
        map_totals(draft, summation, &summation.path_below(path));
    }
}

/// BG-14, BG-26.
pub(super) fn period(draft: &mut Draft, element: Element<'_>, path: &str, field: &str) -> Period {
    draft.group(field, element, path);
    Period {
        start: date(draft, element, path, "StartDateTime", format_args!("{field}.start")),
        end: date(draft, element, path, "EndDateTime", format_args!("{field}.end")),
    }
}

/// BG-16; each account of a credit transfer has a section of its own.
fn map_payment(draft: &mut Draft, element: Element<'_>, path: &str) {
    draft.group(format!("payments[{}]", draft.body.invoice.payments.len()), element, path);
    let card = element.child("ApplicableTradeSettlementFinancialCard");
    let account = |inner: Element<'_>| inner.text_at(&["IBANID"]).or_else(|| inner.text_at(&["ProprietaryID"]));
    let mut payment = Payment {
        means_code: element.text_at(&["TypeCode"]),
        means_text: element.text_at(&["Information"]),
        card_number_masked: card.and_then(|card| card.text_at(&["ID"])).map(|number| masked(&number)).map(Into::into),
        card_number_length: card.and_then(|card| card.text_at(&["ID"])).and_then(|number| too_long(&number)),
        card_holder: card.and_then(|card| card.text_at(&["CardholderName"])),
        debited_account: element.child("PayerPartyDebtorFinancialAccount").and_then(account),
        ..Payment::default()
    };
    if let Some(payee) = element.child("PayeePartyCreditorFinancialAccount") {
        payment.credit_transfers.push(CreditTransfer {
            account: account(payee).unwrap_or_default(),
            name: payee.text_at(&["AccountName"]),
            bic: element.text_at(&["PayeeSpecifiedCreditorFinancialInstitution", "BICID"]),
        });
    }
    draft.body.invoice.payments.push(payment);
}

/// What is said once for all means of payment is said of each.
pub(super) fn spread_payment(draft: &mut Draft) {
    let Payment { remittance_information, mandate, creditor_id, .. } = &draft.body.payment;
    for payment in &mut draft.body.invoice.payments {
        payment.remittance_information.clone_from(remittance_information);
        payment.mandate.clone_from(mandate);
        payment.creditor_id.clone_from(creditor_id);
    }
}

/// A remittance text stands in no section of payment means: without one it is kept all the same, after the
/// rules that ask every means for its code.
pub(super) fn keep_payment_without_means(draft: &mut Draft) {
    let payment = std::mem::take(&mut draft.body.payment);
    if draft.body.invoice.payments.is_empty() && payment != Payment::default() {
        draft.body.invoice.payments.push(payment);
    }
}

/// BT-9, BT-20, BT-89, and the discounts of EXTENDED.
fn map_terms(draft: &mut Draft, element: Element<'_>, path: &str) {
    if draft.body.invoice.due_date.is_none() {
        draft.body.invoice.due_date = date(draft, element, path, "DueDateDateTime", "due_date");
    }
    if draft.body.payment.mandate.is_none() {
        draft.body.payment.mandate = element.text_at(&["DirectDebitMandateID"]);
    }
    let mut discounts = Vec::new();
    let known = draft.body.invoice.terms.as_ref().map_or(0, |terms| terms.discounts.len());
    for discount in element.children("ApplicableTradePaymentDiscountTerms") {
        let field = format!("terms.discounts[{}]", known + discounts.len());
        let path = discount.path_below(path);
        let days = discount
            .child("BasisPeriodMeasure")
            .filter(|measure| measure.attribute("unitCode").is_none_or(|unit| unit == "DAY"))
            .and_then(|measure| measure.value()?.parse().ok());
        discounts.push(TermsDiscount {
            percent: draft.number(discount, &path, "CalculationPercent", format_args!("{field}.percent")),
            amount: draft.number(discount, &path, "ActualDiscountAmount", format_args!("{field}.amount")),
            days,
            date: None,
        });
    }
    let descriptions = element.children("Description").filter_map(Element::value).collect::<Vec<_>>().join("\n");
    if descriptions.is_empty() && discounts.is_empty() {
        return;
    }
    let terms = draft.body.invoice.terms.get_or_insert_with(PaymentTerms::default);
    terms.discounts.append(&mut discounts);
    if !descriptions.is_empty() {
        terms.text = Some(match terms.text.take() {
            Some(text) => format!("{text}\n{descriptions}").into(),
            None => descriptions.into(),
        });
    }
}

/// BG-20, BG-21, BG-27, BG-28.
pub(super) fn allowance_charge(draft: &mut Draft, element: Element<'_>, path: &str, field: &str) -> AllowanceCharge {
    draft.group(field, element, path);
    let indicator = element.at(&["ChargeIndicator", "Indicator"]).or_else(|| element.child("ChargeIndicator"));
    let mut item = AllowanceCharge {
        is_charge: indicator.and_then(Element::value).is_some_and(|text| text == "true" || text == "1"),
        amount: draft.number(element, path, "ActualAmount", format_args!("{field}.amount")),
        base: draft.number(element, path, "BasisAmount", format_args!("{field}.base")),
        percent: draft.number(element, path, "CalculationPercent", format_args!("{field}.percent")),
        reason: element.text_at(&["Reason"]),
        reason_code: element.text_at(&["ReasonCode"]),
        ..AllowanceCharge::default()
    };
    if let Some(tax) = element.child("CategoryTradeTax") {
        item.tax_category = tax.text_at(&["CategoryCode"]);
        item.tax_rate = rate(draft, tax, &tax.path_below(path), format_args!("{field}.tax_rate"));
    }
    item
}

/// A charge for transport (EXTENDED, ZUGFeRD 1 COMFORT); it counts among the charges of the document.
fn map_logistics_charge(draft: &mut Draft, element: Element<'_>, path: &str) {
    let field = format!("allowances_charges[{}]", draft.body.invoice.allowances_charges.len());
    draft.group(field.clone(), element, path);
    let mut item = AllowanceCharge {
        is_charge: true,
        amount: draft.number(element, path, "AppliedAmount", format_args!("{field}.amount")),
        reason: element.text_at(&["Description"]),
        ..AllowanceCharge::default()
    };
    if let Some(tax) = element.child("AppliedTradeTax") {
        item.tax_category = tax.text_at(&["CategoryCode"]);
        item.tax_rate = rate(draft, tax, &tax.path_below(path), format_args!("{field}.tax_rate"));
    }
    draft.body.invoice.allowances_charges.push(item);
}

/// The rate of a tax; ZUGFeRD 1 calls it `ApplicablePercent`.
pub(super) fn rate(draft: &mut Draft, tax: Element<'_>, path: &str, field: impl Display) -> Option<Decimal> {
    let element = one_of(tax, &["RateApplicablePercent", "ApplicablePercent"])?;
    draft.number_of(element, element.location(element.path_below(path)), field)
}

/// BG-23; the tax point stands here too (BT-7, BT-8).
fn map_tax(draft: &mut Draft, element: Element<'_>, path: &str) {
    let field = format!("tax_breakdown[{}]", draft.body.invoice.tax_breakdown.len());
    draft.group(field.clone(), element, path);
    let breakdown = TaxBreakdown {
        base: draft.number(element, path, "BasisAmount", format_args!("{field}.base")),
        tax: draft.number(element, path, "CalculatedAmount", format_args!("{field}.tax")),
        category: element.text_at(&["CategoryCode"]),
        rate: rate(draft, element, path, format_args!("{field}.rate")),
        exemption_reason: element.text_at(&["ExemptionReason"]),
        exemption_code: element.text_at(&["ExemptionReasonCode"]),
    };
    draft.body.invoice.tax_breakdown.push(breakdown);
    if draft.body.invoice.tax_point_date.is_none() {
        draft.body.invoice.tax_point_date = date(draft, element, path, "TaxPointDate", "tax_point_date");
    }
    if draft.body.invoice.tax_point_code.is_none() {
        draft.body.invoice.tax_point_code = element.text_at(&["DueDateTypeCode"]);
    }
}

/// BG-3.
fn map_preceding(draft: &mut Draft, element: Element<'_>, path: &str) {
    let field = format!("preceding[{}]", draft.body.invoice.preceding.len());
    draft.group(field.clone(), element, path);
    let name =
        if element.child("FormattedIssueDateTime").is_some() { "FormattedIssueDateTime" } else { "IssueDateTime" };
    let issue_date = date(draft, element, path, name, format_args!("{field}.issue_date"));
    let number = referred(element).unwrap_or_default();
    draft.body.invoice.preceding.push(Preceding { number, issue_date });
}

/// BG-22.
fn map_totals(draft: &mut Draft, summation: Element<'_>, path: &str) {
    draft.group("totals", summation, path);
    let mut seen = HashSet::new();
    for element in summation.elements() {
        if !seen.insert(element.name()) && element.name() != "TaxTotalAmount" {
            draft.report(twice(element, element.path_below(path)));
        }
    }
    let mut number = |name: &str, field: &str| draft.number(summation, path, name, field);
    draft.body.invoice.totals = Totals {
        line_net: number("LineTotalAmount", "totals.line_net"),
        tax_exclusive: number("TaxBasisTotalAmount", "totals.tax_exclusive"),
        tax_inclusive: number("GrandTotalAmount", "totals.tax_inclusive"),
        allowances: number("AllowanceTotalAmount", "totals.allowances"),
        charges: number("ChargeTotalAmount", "totals.charges"),
        prepaid: number("TotalPrepaidAmount", "totals.prepaid"),
        rounding: number("RoundingAmount", "totals.rounding"),
        payable: number("DuePayableAmount", "totals.payable"),
        ..Totals::default()
    };
    for element in summation.children("TaxTotalAmount") {
        let location = element.location(element.path_below(path));
        let currency = element.attribute("currencyID").map(str::to_owned);
        let amount = draft.number_of(element, location.clone(), "totals.tax");
        // Whose it is shows when both currencies are known.
        let proof = amount.map(|_| evidence(element, location, "totals.tax".to_owned()));
        if amount.is_some() {
            draft.evidence.pop();
        }
        draft.body.tax_totals.push(TaxTotal { currency: currency.map(Into::into), amount, evidence: proof });
    }
}
