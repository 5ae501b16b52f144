//! Money at document level.

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::invoice::Form;
use super::pen::Pen;
use crate::canonical::{AllowanceCharge, CreditTransfer, Invoice, Payment, TaxBreakdown, Text};

pub(super) fn write(pen: &mut Pen, invoice: &Invoice, form: Form) {
    write_payments(pen, invoice, form);
    pen.group("cac:PaymentTerms", |pen| {
        pen.text("cbc:Note", invoice.terms.as_ref().and_then(|terms| terms.text.as_ref()));
    });
    // The two documents have these in the other order.
    if form.is_credit {
        write_exchange_rate(pen, invoice);
    }
    for item in &invoice.allowances_charges {
        write_allowance_charge(pen, item);
    }
    if !form.is_credit {
        write_exchange_rate(pen, invoice);
    }
    write_tax(pen, invoice);
    write_totals(pen, invoice);
}

/// BG-16; the due date of a credit note stands there, on the first.
fn write_payments(pen: &mut Pen, invoice: &Invoice, form: Form) {
    let mut due = invoice.due_date.filter(|_| form.is_credit);
    let mut mandate_seen = false;
    for payment in &invoice.payments {
        // One mandate to a document (UBL-SR-55); where it came with each of several means, the first has it.
        let without = Payment { mandate: None, debited_account: None, ..payment.clone() };
        let has_mandate = payment.mandate.is_some() || payment.debited_account.is_some();
        let payment = if mandate_seen { &without } else { payment };
        mandate_seen |= has_mandate;
        let mut accounts = payment.credit_transfers.iter();
        write_payment(pen, payment, due.take(), accounts.next());
        // The schema has one account for each means.
        for account in accounts {
            write_payment(pen, &without, None, Some(account));
        }
    }
    if due.is_some() {
        write_payment(pen, &Payment::default(), due, None);
    }
}

fn write_payment(pen: &mut Pen, payment: &Payment, due: Option<Date>, account: Option<&CreditTransfer>) {
    pen.group("cac:PaymentMeans", |pen| {
        let code = payment.means_code.as_deref().unwrap_or("1");
        pen.element("cbc:PaymentMeansCode", &[("name", payment.means_text.as_deref())], code);
        pen.value("cbc:PaymentDueDate", due);
        pen.text("cbc:PaymentID", payment.remittance_information.as_ref());
        pen.group("cac:CardAccount", |pen| {
            pen.text("cbc:PrimaryAccountNumberID", payment.card_number_masked.as_ref());
            // The schema asks for the network; nobody has said which.
            pen.text("cbc:NetworkID", payment.card_number_masked.as_ref().map(|_| "NA"));
            pen.text("cbc:HolderName", payment.card_holder.as_ref());
        });
        if let Some(account) = account {
            pen.group("cac:PayeeFinancialAccount", |pen| {
                pen.text("cbc:ID", Some(&account.account).filter(|account| !account.is_empty()));
                pen.text("cbc:Name", account.name.as_ref());
                pen.group("cac:FinancialInstitutionBranch", |pen| pen.text("cbc:ID", account.bic.as_ref()));
            });
        }
        pen.group("cac:PaymentMandate", |pen| {
            pen.text("cbc:ID", payment.mandate.as_ref());
            pen.group("cac:PayerFinancialAccount", |pen| pen.text("cbc:ID", payment.debited_account.as_ref()));
        });
    });
}

/// Between the two currencies the document names.
fn write_exchange_rate(pen: &mut Pen, invoice: &Invoice) {
    if let (Some(rate), Some(target)) = (invoice.exchange_rate, &invoice.tax_currency) {
        pen.group("cac:TaxExchangeRate", |pen| {
            pen.text("cbc:SourceCurrencyCode", invoice.currency.as_ref());
            pen.text("cbc:TargetCurrencyCode", Some(target));
            pen.value("cbc:CalculationRate", Some(rate));
        });
    }
}

/// BG-20, BG-21, BG-27, BG-28.
pub(super) fn write_allowance_charge(pen: &mut Pen, item: &AllowanceCharge) {
    pen.group("cac:AllowanceCharge", |pen| {
        pen.text("cbc:ChargeIndicator", Some(if item.is_charge { "true" } else { "false" }));
        pen.text("cbc:AllowanceChargeReasonCode", item.reason_code.as_ref());
        pen.text("cbc:AllowanceChargeReason", item.reason.as_ref());
        pen.value("cbc:MultiplierFactorNumeric", item.percent);
        pen.amount("cbc:Amount", item.amount);
        pen.amount("cbc:BaseAmount", item.base);
        write_category(pen, "cac:TaxCategory", item.tax_category.as_ref(), item.tax_rate, None);
    });
}

/// A VAT category with its rate; in a breakdown also why there is no tax.
pub(super) fn write_category(
    pen: &mut Pen,
    name: &str,
    code: Option<&Text>,
    rate: Option<Decimal>,
    breakdown: Option<&TaxBreakdown>,
) {
    if code.is_none() && rate.is_none() && breakdown.is_none() {
        return;
    }
    pen.group(name, |pen| {
        pen.text("cbc:ID", code);
        pen.value("cbc:Percent", rate);
        pen.text("cbc:TaxExemptionReasonCode", breakdown.and_then(|tax| tax.exemption_code.as_ref()));
        pen.text("cbc:TaxExemptionReason", breakdown.and_then(|tax| tax.exemption_reason.as_ref()));
        pen.group("cac:TaxScheme", |pen| pen.text("cbc:ID", Some("VAT")));
    });
}

/// BT-110 and BG-23, then BT-111.
fn write_tax(pen: &mut Pen, invoice: &Invoice) {
    pen.group("cac:TaxTotal", |pen| {
        pen.amount("cbc:TaxAmount", invoice.totals.tax.or_else(|| no_tax(invoice)));
        for tax in &invoice.tax_breakdown {
            pen.group("cac:TaxSubtotal", |pen| {
                pen.amount("cbc:TaxableAmount", tax.base);
                pen.amount("cbc:TaxAmount", tax.tax);
                write_category(pen, "cac:TaxCategory", tax.category.as_ref(), tax.rate, Some(tax));
            });
        }
    });
    if let (Some(tax), Some(currency)) = (invoice.totals.tax_in_tax_currency, &invoice.tax_currency) {
        pen.group("cac:TaxTotal", |pen| {
            pen.element("cbc:TaxAmount", &[("currencyID", Some(currency))], &tax.to_string());
        });
    }
}

/// CII lets the VAT total out where the totals with and without VAT are the same; UBL does not (BR-CO-15).
fn no_tax(invoice: &Invoice) -> Option<Decimal> {
    let (with, without) = (invoice.totals.tax_inclusive?, invoice.totals.tax_exclusive?);
    with.checked_sub(without).filter(Decimal::is_zero)
}

/// BG-22.
fn write_totals(pen: &mut Pen, invoice: &Invoice) {
    let totals = &invoice.totals;
    pen.group("cac:LegalMonetaryTotal", |pen| {
        pen.amount("cbc:LineExtensionAmount", totals.line_net);
        pen.amount("cbc:TaxExclusiveAmount", totals.tax_exclusive);
        pen.amount("cbc:TaxInclusiveAmount", totals.tax_inclusive);
        pen.amount("cbc:AllowanceTotalAmount", totals.allowances);
        pen.amount("cbc:ChargeTotalAmount", totals.charges);
        pen.amount("cbc:PrepaidAmount", totals.prepaid);
        pen.amount("cbc:PayableRoundingAmount", totals.rounding);
        pen.amount("cbc:PayableAmount", totals.payable);
    });
}
