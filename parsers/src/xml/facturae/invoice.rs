//! One invoice of a batch.

use rust_decimal::Decimal;

use crate::Location;
use crate::canonical::{
    AllowanceCharge, CreditTransfer, Identifier, Invoice, InvoiceKind, Item, ItemId, Line, Note, Payment, Period,
    Preceding, TaxBreakdown, Withholding,
};
use crate::xml::draft::Draft;
use crate::xml::element::Element;
use crate::xml::values::{follow, said};

/// What is gathered of an invoice besides its canonical form.
#[derive(Debug, Default)]
pub(super) struct Invoicing {
    /// Whether it corrects another (`OR`, `CR`).
    is_corrective: bool,
    total: Option<Decimal>,
    outstanding: Option<Decimal>,
    executable: Option<Decimal>,
    /// `TotalTaxesWithheld` and `AmountsWithheld`.
    taxes_withheld: Option<Decimal>,
    amounts_withheld: Option<Decimal>,
}

impl Invoicing {
    /// What the batch header sums up.
    pub(super) fn for_batch(&self) -> [Option<Decimal>; 3] {
        [self.total, self.outstanding, self.executable]
    }

    /// One part of an `Invoice`.
    pub(super) fn read(&mut self, draft: &mut Draft<Invoice>, part: Element<'_>, path: &str) {
        match part.name() {
            "InvoiceHeader" => self.read_header(draft, part, path),
            "InvoiceIssueData" => read_issue_data(draft, part, path),
            "TaxesOutputs" => read_taxes(draft, part, path),
            "TaxesWithheld" => read_withheld(draft, part, path),
            "InvoiceTotals" => self.read_totals(draft, part, path),
            "InvoiceLine" => read_line(draft, part, path),
            "PaymentDetails" => read_payments(draft, part, path),
            _ => draft.body.notes.extend(part.value().map(|text| Note { subject: None, text: text.into() })),
        }
    }

    fn read_header(&mut self, draft: &mut Draft<Invoice>, part: Element<'_>, path: &str) {
        // Numbers are unique within their series.
        let series = part.text_at(&["InvoiceSeriesCode"]);
        let number = draft.text_said(said(part, path, &["InvoiceNumber"]), "number");
        draft.body.number = number.map(|number| format!("{}{number}", series.unwrap_or_default())).map(Into::into);
        draft.body.type_code = draft.text_said(said(part, path, &["InvoiceClass"]), "type_code");
        self.is_corrective = matches!(draft.body.type_code.as_deref(), Some("OR" | "CR"));
        if let Some((corrective, path)) = follow(part, path, &["Corrective"]) {
            draft.group("preceding[0]", corrective, &path);
            let series = corrective.text_at(&["InvoiceSeriesCode"]).unwrap_or_default();
            let number = draft.text_said(said(corrective, &path, &["InvoiceNumber"]), "preceding[0].number");
            let issue_date = draft.day_said(said(corrective, &path, &["InvoiceIssueDate"]), "preceding[0].issue_date");
            let number = format!("{series}{}", number.unwrap_or_default());
            draft.body.preceding.push(Preceding { number: number.into(), issue_date });
            let reason = corrective.text_at(&["ReasonDescription"]);
            let subject = corrective.text_at(&["ReasonCode"]);
            draft.body.notes.extend(reason.map(|text| Note { subject, text }));
        }
    }

    fn read_totals(&mut self, draft: &mut Draft<Invoice>, part: Element<'_>, path: &str) {
        draft.group("totals", part, path);
        let mut number = |name: &str, field: &str| draft.decimal_said(said(part, path, &[name]), field);
        let line_net = number("TotalGrossAmount", "totals.line_net");
        let allowances = number("TotalGeneralDiscounts", "totals.allowances");
        let charges = number("TotalGeneralSurcharges", "totals.charges");
        let tax_exclusive = number("TotalGrossAmountBeforeTaxes", "totals.tax_exclusive");
        let tax = number("TotalTaxOutputs", "totals.tax");
        self.taxes_withheld = number("TotalTaxesWithheld", "totals.withheld");
        self.total = number("InvoiceTotal", "totals.tax_inclusive");
        let prepaid = number("TotalPaymentsOnAccount", "totals.prepaid");
        self.executable = number("TotalExecutableAmount", "totals.payable");
        let outstanding = if self.executable.is_some() { "outstanding" } else { "totals.payable" };
        self.outstanding = number("TotalOutstandingAmount", outstanding);
        draft.evidence.retain(|item| item.field != "outstanding");
        self.amounts_withheld =
            draft.decimal_said(said(part, path, &["AmountsWithheld", "WithholdingAmount"]), "totals.withheld");
        if let Some(amount) = self.amounts_withheld {
            draft.body.withholdings.push(Withholding {
                amount: Some(amount),
                reason: part.text_at(&["AmountsWithheld", "WithholdingReason"]),
                ..Withholding::default()
            });
        }
        let totals = &mut draft.body.totals;
        (totals.line_net, totals.allowances, totals.charges) = (line_net, allowances, charges);
        (totals.tax_exclusive, totals.tax, totals.tax_inclusive) = (tax_exclusive, tax, self.total);
        (totals.prepaid, totals.payable) = (prepaid, self.executable.or(self.outstanding));
        totals.withheld = match (self.taxes_withheld, self.amounts_withheld) {
            (Some(taxes), Some(amounts)) => taxes.checked_add(amounts),
            (taxes, amounts) => taxes.or(amounts),
        };
        for (holder, name, is_charge) in
            [("GeneralDiscounts", "Discount", false), ("GeneralSurcharges", "Charge", true)]
        {
            let Some((all, path)) = follow(part, path, &[holder]) else { continue };
            for element in all.children(name) {
                let field = format!("allowances_charges[{}]", draft.body.allowances_charges.len());
                let item = allowance_charge(draft, element, &element.path_below(&path), &field, is_charge);
                draft.body.allowances_charges.push(item);
            }
        }
    }

    /// What follows from all of it.
    pub(super) fn finish(&self, draft: &mut Draft<Invoice>, whole: &Location) {
        let totals = &draft.body.totals;
        let (net, tax, kept) = (totals.tax_exclusive, totals.tax, self.taxes_withheld.unwrap_or_default());
        let gross = net.zip(tax).and_then(|(net, tax)| net.checked_add(tax));
        let less = gross.and_then(|gross| gross.checked_sub(kept));
        if let (Some(total), Some(gross), Some(less)) = (self.total, gross, less) {
            if total == less && total != gross {
                // The total is what is left after withholding, as the format defines it: no BT-112.
                draft.body.totals.tax_inclusive = None;
                draft.evidence.retain(|item| item.field != "totals.tax_inclusive");
            } else if total != gross {
                let message = format!("`InvoiceTotal` says {total}, but net, taxes and withholding make {less}");
                let fix = "Correct the total of the invoice, or the amount that is wrong.";
                draft.doubt("INVOICETOTAL", "totals.tax_inclusive", message, fix, whole);
            }
        }
        let is_negative =
            draft.body.totals.payable.or(self.total).is_some_and(|n| n.is_sign_negative() && !n.is_zero());
        if self.is_corrective && is_negative {
            draft.body.kind = InvoiceKind::CreditNote;
        }
    }
}

fn read_issue_data(draft: &mut Draft<Invoice>, part: Element<'_>, path: &str) {
    draft.body.issue_date = draft.day_said(said(part, path, &["IssueDate"]), "issue_date");
    draft.body.tax_point_date = draft.day_said(said(part, path, &["OperationDate"]), "tax_point_date");
    draft.body.currency = draft.text_said(said(part, path, &["InvoiceCurrencyCode"]), "currency");
    draft.body.tax_currency =
        part.text_at(&["TaxCurrencyCode"]).filter(|code| Some(code) != draft.body.currency.as_ref());
    draft.body.exchange_rate =
        draft.decimal_said(said(part, path, &["ExchangeRateDetails", "ExchangeRate"]), "exchange_rate");
    draft.body.references.contract = part.text_at(&["ReceiverContractReference"]);
    draft.body.references.purchase_order = part.text_at(&["ReceiverTransactionReference"]);
    let file = part.text_at(&["FileReference"]);
    let scheme = Some("FileReference".to_owned());
    draft.body.references.other.extend(file.map(|value| Identifier { scheme: scheme.map(Into::into), value }));
    if let Some((period, path)) = follow(part, path, &["InvoicingPeriod"]) {
        draft.body.period = Some(Period {
            start: draft.day_said(said(period, &path, &["StartDate"]), "period.start"),
            end: draft.day_said(said(period, &path, &["EndDate"]), "period.end"),
        });
    }
}

/// `TaxesOutputs`: each rate, and the equivalence surcharge that comes on top of some.
fn read_taxes(draft: &mut Draft<Invoice>, part: Element<'_>, path: &str) {
    for tax in part.children("Tax") {
        let path = tax.path_below(path);
        let field = format!("tax_breakdown[{}]", draft.body.tax_breakdown.len());
        draft.group(field.clone(), tax, &path);
        let breakdown = TaxBreakdown {
            rate: draft.decimal_said(said(tax, &path, &["TaxRate"]), &format!("{field}.rate")),
            base: draft.decimal_said(said(tax, &path, &["TaxableBase", "TotalAmount"]), &format!("{field}.base")),
            tax: draft.decimal_said(said(tax, &path, &["TaxAmount", "TotalAmount"]), &format!("{field}.tax")),
            ..TaxBreakdown::default()
        };
        let base = breakdown.base;
        draft.body.tax_breakdown.push(breakdown);
        let surcharge = said(tax, &path, &["EquivalenceSurchargeAmount", "TotalAmount"]);
        if surcharge.is_some() {
            let field = format!("tax_breakdown[{}]", draft.body.tax_breakdown.len());
            draft.group(field.clone(), tax, &path);
            let breakdown = TaxBreakdown {
                rate: draft.decimal_said(said(tax, &path, &["EquivalenceSurcharge"]), &format!("{field}.rate")),
                base,
                tax: draft.decimal_said(surcharge, &format!("{field}.tax")),
                ..TaxBreakdown::default()
            };
            draft.body.tax_breakdown.push(breakdown);
        }
    }
}

fn read_withheld(draft: &mut Draft<Invoice>, part: Element<'_>, path: &str) {
    for tax in part.children("Tax") {
        let path = tax.path_below(path);
        let field = format!("withholdings[{}]", draft.body.withholdings.len());
        draft.group(field.clone(), tax, &path);
        let withholding = Withholding {
            type_code: tax.text_at(&["TaxTypeCode"]),
            rate: draft.decimal_said(said(tax, &path, &["TaxRate"]), &format!("{field}.rate")),
            base: draft.decimal_said(said(tax, &path, &["TaxableBase", "TotalAmount"]), &format!("{field}.base")),
            amount: draft.decimal_said(said(tax, &path, &["TaxAmount", "TotalAmount"]), &format!("{field}.amount")),
            reason: None,
        };
        draft.body.withholdings.push(withholding);
    }
}

fn allowance_charge(
    draft: &mut Draft<Invoice>,
    element: Element<'_>,
    path: &str,
    field: &str,
    is_charge: bool,
) -> AllowanceCharge {
    draft.group(field, element, path);
    let [reason, rate, amount] = if is_charge {
        ["ChargeReason", "ChargeRate", "ChargeAmount"]
    } else {
        ["DiscountReason", "DiscountRate", "DiscountAmount"]
    };
    AllowanceCharge {
        is_charge,
        amount: draft.decimal_said(said(element, path, &[amount]), &format!("{field}.amount")),
        percent: draft.decimal_said(said(element, path, &[rate]), &format!("{field}.percent")),
        reason: element.text_at(&[reason]),
        ..AllowanceCharge::default()
    }
}

fn read_line(draft: &mut Draft<Invoice>, part: Element<'_>, path: &str) {
    let field = format!("lines[{}]", draft.body.lines.len());
    draft.group(field.clone(), part, path);
    let mut line = Line {
        id: part.text_at(&["SequenceNumber"]),
        unit: part.text_at(&["UnitOfMeasure"]),
        note: part.text_at(&["AdditionalLineItemInformation"]),
        item: Item { name: part.text_at(&["ItemDescription"]), ..Item::default() },
        ..Line::default()
    };
    let code = part.text_at(&["ArticleCode"]);
    line.item.classifications.extend(code.map(|code| ItemId { list: Some("ArticleCode".into()), code }));
    let order = part.text_at(&["ReceiverTransactionReference"]);
    let references = &mut draft.body.references;
    references.purchase_order = references.purchase_order.take().or(order);
    let mut number = |name: &str, to: &str| draft.decimal_said(said(part, path, &[name]), &format!("{field}.{to}"));
    line.quantity = number("Quantity", "quantity");
    line.net_price = number("UnitPriceWithoutTax", "net_price");
    line.net_amount = number("GrossAmount", "net_amount");
    let rate = said(part, path, &["TaxesOutputs", "Tax", "TaxRate"]);
    line.tax_rate = draft.decimal_said(rate, &format!("{field}.tax_rate"));
    if let Some((period, path)) = follow(part, path, &["LineItemPeriod"]) {
        line.period = Some(Period {
            start: draft.day_said(said(period, &path, &["StartDate"]), &format!("{field}.period.start")),
            end: draft.day_said(said(period, &path, &["EndDate"]), &format!("{field}.period.end")),
        });
    }
    for (holder, name, is_charge) in [("DiscountsAndRebates", "Discount", false), ("Charges", "Charge", true)] {
        let Some((all, path)) = follow(part, path, &[holder]) else { continue };
        for element in all.children(name) {
            let field = format!("{field}.allowances_charges[{}]", line.allowances_charges.len());
            let item = allowance_charge(draft, element, &element.path_below(&path), &field, is_charge);
            line.allowances_charges.push(item);
        }
    }
    draft.body.lines.push(line);
}

/// Instalments; of several, the first day is the day the invoice is due.
fn read_payments(draft: &mut Draft<Invoice>, part: Element<'_>, path: &str) {
    for instalment in part.children("Installment") {
        let path = instalment.path_below(path);
        draft.group(format!("payments[{}]", draft.body.payments.len()), instalment, &path);
        let due = draft.day_said(said(instalment, &path, &["InstallmentDueDate"]), "due_date");
        draft.body.due_date = draft.body.due_date.into_iter().chain(due).min();
        let to = instalment.child("AccountToBeCredited");
        let account = to.and_then(|to| to.text_at(&["IBAN"]).or_else(|| to.text_at(&["AccountNumber"])));
        let transfer =
            account.map(|account| CreditTransfer { account, name: None, bic: to.and_then(|to| to.text_at(&["BIC"])) });
        draft.body.payments.push(Payment {
            means_text: instalment.text_at(&["PaymentMeans"]),
            remittance_information: instalment.text_at(&["PaymentReconciliationReference"]),
            credit_transfers: transfer.into_iter().collect(),
            debited_account: instalment.text_at(&["AccountToBeDebited", "IBAN"]),
            ..Payment::default()
        });
    }
}
