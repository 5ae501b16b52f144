//! Invoices and credit notes: the head, and the order of everything.

use super::pen::Pen;
use super::{WriteError, line, party, required, settlement};
use crate::canonical::{Attachment, Delivery, Invoice, InvoiceKind, Note, Period, Preceding, Text};
use crate::xml::invoice::kind_of;

/// Which of the two documents is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) root: &'static str,
    pub(super) line: &'static str,
    pub(super) quantity: &'static str,
    pub(super) is_credit: bool,
}

const INVOICE: Form =
    Form { root: "Invoice", line: "cac:InvoiceLine", quantity: "cbc:InvoicedQuantity", is_credit: false };
const CREDIT_NOTE: Form =
    Form { root: "CreditNote", line: "cac:CreditNoteLine", quantity: "cbc:CreditedQuantity", is_credit: true };

/// Writes an invoice or a credit note.
pub(crate) fn write(invoice: &Invoice) -> Result<Vec<u8>, WriteError> {
    required(invoice.number.as_ref(), "number", "cbc:ID")?;
    required(invoice.issue_date.as_ref(), "issue_date", "cbc:IssueDate")?;
    required(invoice.totals.payable.as_ref(), "totals.payable", "cbc:PayableAmount")?;
    let currency = required(invoice.currency.as_ref(), "currency", "cbc:DocumentCurrencyCode")?;
    // In the currency of the document they would be other amounts.
    if let Some(other) = invoice.other_currencies.first() {
        return Err(WriteError::Currency {
            field: other.field.clone().into(),
            currency: other.currency.clone().into(),
        });
    }
    let form = match invoice.kind {
        InvoiceKind::Invoice => INVOICE,
        InvoiceKind::CreditNote => CREDIT_NOTE,
    };
    let mut pen = Pen::new(form.root, currency);
    write_head(&mut pen, invoice, form);
    write_references(&mut pen, invoice, form);
    party::write_all(&mut pen, invoice);
    if let Some(delivery) = &invoice.delivery {
        write_delivery(&mut pen, delivery);
    }
    settlement::write(&mut pen, invoice, form);
    for item in &invoice.lines {
        line::write(&mut pen, item, form);
    }
    pen.finish(form.root)
}

fn write_head(pen: &mut Pen, invoice: &Invoice, form: Form) {
    pen.text("cbc:CustomizationID", invoice.specification_id.as_ref());
    pen.text("cbc:ProfileID", invoice.process_id.as_ref());
    pen.text("cbc:ID", invoice.number.as_ref());
    pen.value("cbc:IssueDate", invoice.issue_date);
    let type_code = type_code(invoice);
    if form.is_credit {
        pen.value("cbc:TaxPointDate", invoice.tax_point_date);
        pen.text("cbc:CreditNoteTypeCode", Some(type_code));
    } else {
        pen.value("cbc:DueDate", invoice.due_date);
        pen.text("cbc:InvoiceTypeCode", Some(type_code));
    }
    for note in &invoice.notes {
        pen.text("cbc:Note", Some(noted(note)));
    }
    if !form.is_credit {
        pen.value("cbc:TaxPointDate", invoice.tax_point_date);
    }
    pen.text("cbc:DocumentCurrencyCode", invoice.currency.as_ref());
    pen.text("cbc:TaxCurrencyCode", invoice.tax_currency.as_ref());
    pen.text("cbc:AccountingCost", invoice.buyer_accounting_reference.as_ref());
    pen.text("cbc:BuyerReference", invoice.buyer_reference.as_ref());
    pen.group("cac:InvoicePeriod", |pen| {
        if let Some(period) = &invoice.period {
            write_period(pen, period);
        }
        pen.text("cbc:DescriptionCode", invoice.tax_point_code.as_ref());
    });
}

/// The code that is there, if it is one of UNTDID 1001 and says the same as the kind.
fn type_code(invoice: &Invoice) -> &str {
    let is_number = |code: &&str| matches!(code.len(), 1..=3) && code.bytes().all(|byte| byte.is_ascii_digit());
    let code = invoice.type_code.as_deref().filter(is_number);
    match (invoice.kind, code) {
        (InvoiceKind::Invoice, Some(code)) if kind_of(Some(code)) == InvoiceKind::Invoice => code,
        (InvoiceKind::Invoice, _) => "380",
        (InvoiceKind::CreditNote, Some(code)) => code,
        (InvoiceKind::CreditNote, None) => "381",
    }
}

/// BT-21 stands in front of BT-22.
fn noted(note: &Note) -> String {
    match note.subject.as_deref().filter(|subject| subject.len() == 3) {
        Some(subject) => format!("#{subject}#{}", note.text),
        None => note.text.clone().into(),
    }
}

/// What is in a BG-14 or BG-26.
pub(super) fn write_period(pen: &mut Pen, period: &Period) {
    pen.value("cbc:StartDate", period.start);
    pen.value("cbc:EndDate", period.end);
}

fn write_references(pen: &mut Pen, invoice: &Invoice, form: Form) {
    let references = &invoice.references;
    pen.group("cac:OrderReference", |pen| {
        // The schema wants an order where there is an order number of the seller (Peppol BIS: `NA`).
        let none = references.sales_order.as_ref().map(|_| "NA");
        pen.text("cbc:ID", references.purchase_order.as_deref().or(none));
        pen.text("cbc:SalesOrderID", references.sales_order.as_ref());
    });
    for preceding in &invoice.preceding {
        write_preceding(pen, preceding);
    }
    let reference = |pen: &mut Pen, name: &str, number: &Option<Text>| {
        pen.group(name, |pen| pen.text("cbc:ID", number.as_ref()));
    };
    reference(pen, "cac:DespatchDocumentReference", &references.despatch_advice);
    reference(pen, "cac:ReceiptDocumentReference", &references.receiving_advice);
    if !form.is_credit {
        reference(pen, "cac:OriginatorDocumentReference", &references.tender);
    }
    reference(pen, "cac:ContractDocumentReference", &references.contract);
    pen.group("cac:AdditionalDocumentReference", |pen| {
        pen.identifier("cbc:ID", references.object.as_ref());
        pen.text("cbc:DocumentTypeCode", references.object.as_ref().map(|_| "130"));
    });
    for other in &references.other {
        pen.group("cac:AdditionalDocumentReference", |pen| {
            pen.text("cbc:ID", Some(&other.value));
            pen.text("cbc:DocumentTypeCode", other.scheme.as_ref());
        });
    }
    for attachment in &invoice.attachments {
        write_attachment(pen, attachment);
    }
    if form.is_credit {
        // A credit note has no ProjectReference (BT-11).
        pen.group("cac:AdditionalDocumentReference", |pen| {
            pen.text("cbc:ID", references.project.as_ref());
            pen.text("cbc:DocumentTypeCode", references.project.as_ref().map(|_| "50"));
        });
        reference(pen, "cac:OriginatorDocumentReference", &references.tender);
    } else {
        reference(pen, "cac:ProjectReference", &references.project);
    }
}

fn write_preceding(pen: &mut Pen, preceding: &Preceding) {
    pen.group("cac:BillingReference", |pen| {
        pen.group("cac:InvoiceDocumentReference", |pen| {
            pen.text("cbc:ID", Some(&preceding.number));
            pen.value("cbc:IssueDate", preceding.issue_date);
        });
    });
}

/// BG-24, without the content: that stays in the original.
fn write_attachment(pen: &mut Pen, attachment: &Attachment) {
    pen.group("cac:AdditionalDocumentReference", |pen| {
        pen.text("cbc:ID", attachment.reference.as_ref());
        pen.text("cbc:DocumentDescription", attachment.description.as_ref());
        pen.group("cac:Attachment", |pen| {
            pen.group("cac:ExternalReference", |pen| pen.text("cbc:URI", attachment.uri.as_ref()));
        });
    });
}

/// BG-13.
fn write_delivery(pen: &mut Pen, delivery: &Delivery) {
    pen.group("cac:Delivery", |pen| {
        pen.value("cbc:ActualDeliveryDate", delivery.date);
        pen.group("cac:DeliveryLocation", |pen| {
            pen.identifier("cbc:ID", delivery.location_id.as_ref());
            if let Some(address) = &delivery.address {
                party::write_address(pen, "cac:Address", address);
            }
        });
        pen.group("cac:DeliveryParty", |pen| {
            pen.group("cac:PartyName", |pen| pen.text("cbc:Name", delivery.name.as_ref()));
        });
    });
}
