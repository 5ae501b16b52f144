//! Money at document level: how to pay, allowances and charges, tax, totals.

use super::{Draft, amount};
use crate::canonical::{
    AllowanceCharge, CreditTransfer, Identifier, Invoice, Payment, PaymentTerms, TaxBreakdown, Text, Totals,
};
use crate::xml::draft::evidence;
use crate::xml::element::Element;
use crate::xml::invoice::{TaxTotal, masked, too_long};

/// BG-16; a credit note's due day stands here too (BT-9).
pub(super) fn map_payment(draft: &mut Draft, section: Element<'_>, path: &str) {
    let index = draft.body.invoice.payments.len();
    draft.group(format!("payments[{index}]"), section, path);
    if draft.body.invoice.due_date.is_none() {
        draft.body.invoice.due_date = draft.date(section, path, "PaymentDueDate", "due_date");
    }
    let code = section.child("PaymentMeansCode");
    let mut payment = Payment {
        means_code: code.and_then(Element::value).map(Text::from),
        means_text: code.and_then(|code| code.attribute("name")).map(Text::from),
        remittance_information: section.text_at(&["PaymentID"]),
        card_number_masked: section
            .text_at(&["CardAccount", "PrimaryAccountNumberID"])
            .map(|number| masked(&number))
            .map(Into::into),
        card_number_length: section
            .text_at(&["CardAccount", "PrimaryAccountNumberID"])
            .and_then(|number| too_long(&number)),
        card_holder: section.text_at(&["CardAccount", "HolderName"]),
        mandate: section.text_at(&["PaymentMandate", "ID"]),
        debited_account: section.text_at(&["PaymentMandate", "PayerFinancialAccount", "ID"]),
        ..Payment::default()
    };
    for account in section.children("PayeeFinancialAccount") {
        payment.credit_transfers.push(CreditTransfer {
            account: account.text_at(&["ID"]).unwrap_or_default(),
            name: account.text_at(&["Name"]),
            bic: account.text_at(&["FinancialInstitutionBranch", "ID"]),
        });
    }
    draft.body.invoice.payments.push(payment);
}

/// BT-90 is the identifier of the seller, or of the payee, that has the scheme `SEPA`; it is said of the
/// payments that are direct debits.
pub(super) fn name_creditor(invoice: &mut Invoice) {
    let is_creditor = |id: &&Identifier| id.scheme.as_deref() == Some("SEPA");
    let ids = invoice.payee.iter().chain([&invoice.seller]).flat_map(|party| &party.ids);
    let Some(creditor) = ids.filter(|id| is_creditor(id)).map(|id| id.value.clone()).next() else { return };
    for payment in &mut invoice.payments {
        let is_debit = matches!(payment.means_code.as_deref(), Some("49" | "59"));
        if is_debit || payment.mandate.is_some() || payment.debited_account.is_some() {
            payment.creditor_id = Some(creditor.clone());
        }
    }
}

/// From the currency of the document to the tax currency. A rate to divide by is another number, and not
/// kept.
pub(super) fn map_exchange_rate(draft: &mut Draft, section: Element<'_>, path: &str) {
    let operator = section.text_at(&["MathematicOperatorCode"]);
    if operator.is_none_or(|operator| operator.eq_ignore_ascii_case("multiply")) {
        draft.body.invoice.exchange_rate = draft.number(section, path, "CalculationRate", "exchange_rate");
    }
}

/// BT-20; several sections are joined, a line each.
pub(super) fn map_terms(draft: &mut Draft, section: Element<'_>) {
    let notes = section.children("Note").filter_map(Element::value);
    let terms = draft.body.invoice.terms.get_or_insert_with(PaymentTerms::default);
    for note in notes {
        match &mut terms.text {
            Some(text) => {
                text.push('\n');
                text.push_str(note);
            }
            None => terms.text = Some(note.into()),
        }
    }
}

/// BG-20, BG-21.
pub(super) fn map_allowance_charge(draft: &mut Draft, section: Element<'_>, path: &str) {
    let field = format!("allowances_charges[{}]", draft.body.invoice.allowances_charges.len());
    let item = allowance_charge(draft, section, path, &field);
    draft.body.invoice.allowances_charges.push(item);
}

/// BG-20, BG-21, BG-27, BG-28.
pub(super) fn allowance_charge(draft: &mut Draft, section: Element<'_>, path: &str, field: &str) -> AllowanceCharge {
    draft.group(field, section, path);
    let mut item = AllowanceCharge {
        is_charge: section.text_at(&["ChargeIndicator"]).is_some_and(|text| text == "true" || text == "1"),
        amount: amount(draft, section, path, "Amount", format_args!("{field}.amount")),
        base: amount(draft, section, path, "BaseAmount", format_args!("{field}.base")),
        percent: draft.number(section, path, "MultiplierFactorNumeric", format_args!("{field}.percent")),
        reason: section.text_at(&["AllowanceChargeReason"]),
        reason_code: section.text_at(&["AllowanceChargeReasonCode"]),
        ..AllowanceCharge::default()
    };
    if let Some(category) = section.child("TaxCategory") {
        item.tax_category = category.text_at(&["ID"]);
        item.tax_rate = draft.number(category, &category.path_below(path), "Percent", format_args!("{field}.tax_rate"));
    }
    item
}

/// BT-110 or BT-111, and BG-23.
pub(super) fn map_tax_total(draft: &mut Draft, section: Element<'_>, path: &str) {
    let tax = section.child("TaxAmount");
    let currency = tax.and_then(|tax| tax.attribute("currencyID")).map(Text::from);
    let is_other_currency = currency.is_some()
        && currency == draft.body.invoice.tax_currency
        && draft.body.invoice.tax_currency != draft.body.invoice.currency;
    let mut total = TaxTotal { currency, amount: None, evidence: None };
    if let Some(element) = tax {
        let location = element.location(element.path_below(path));
        total.amount = draft.number_of(element, location.clone(), "totals.tax");
        if total.amount.is_some() {
            draft.evidence.pop();
            total.evidence = Some(evidence(element, location, "totals.tax"));
        }
    }
    if let Some(element) = tax.filter(|_| !is_other_currency) {
        let field = format!("tax_totals[{}]", draft.body.tax_totals.len());
        if draft.body.note_currency(element, &field) {
            draft.group(field, element, &element.path_below(path));
        }
    }
    draft.body.tax_totals.push(total);
    // The breakdown stands in the currency of the document only.
    if is_other_currency {
        return;
    }
    for subtotal in section.children("TaxSubtotal") {
        let field = format!("tax_breakdown[{}]", draft.body.invoice.tax_breakdown.len());
        let path = subtotal.path_below(path);
        draft.group(field.clone(), subtotal, &path);
        let mut breakdown = TaxBreakdown {
            base: amount(draft, subtotal, &path, "TaxableAmount", format_args!("{field}.base")),
            tax: amount(draft, subtotal, &path, "TaxAmount", format_args!("{field}.tax")),
            ..TaxBreakdown::default()
        };
        // UBL 2.0 wrote the rate beside the category.
        breakdown.rate = draft.number(subtotal, &path, "Percent", format_args!("{field}.rate"));
        if let Some(category) = subtotal.child("TaxCategory") {
            let path = category.path_below(&path);
            breakdown.category = category.text_at(&["ID"]);
            breakdown.rate = draft.number(category, &path, "Percent", format_args!("{field}.rate")).or(breakdown.rate);
            breakdown.exemption_reason = category.text_at(&["TaxExemptionReason"]);
            breakdown.exemption_code = category.text_at(&["TaxExemptionReasonCode"]);
        }
        draft.body.invoice.tax_breakdown.push(breakdown);
    }
}

/// BG-22.
pub(super) fn map_totals(draft: &mut Draft, section: Element<'_>, path: &str) {
    draft.group("totals", section, path);
    let payable = section.child("PayableAmount");
    draft.body.payable_currency = payable.and_then(|amount| amount.attribute("currencyID")).map(Text::from);
    let mut number = |name: &str, field: &str| amount(draft, section, path, name, field);
    draft.body.invoice.totals = Totals {
        line_net: number("LineExtensionAmount", "totals.line_net"),
        tax_exclusive: number("TaxExclusiveAmount", "totals.tax_exclusive"),
        tax_inclusive: number("TaxInclusiveAmount", "totals.tax_inclusive"),
        allowances: number("AllowanceTotalAmount", "totals.allowances"),
        charges: number("ChargeTotalAmount", "totals.charges"),
        prepaid: number("PrepaidAmount", "totals.prepaid"),
        rounding: number("PayableRoundingAmount", "totals.rounding"),
        payable: number("PayableAmount", "totals.payable"),
        ..Totals::default()
    };
}
