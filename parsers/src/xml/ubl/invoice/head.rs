//! The head of a document: its number, days, codes, notes and references.

use super::{Draft, Kind};
use crate::canonical::{Attachment, Delivery, Identifier, Note, Period, Preceding, Text};
use crate::xml::element::Element;
use crate::xml::ubl::party;

/// Takes over one section of the head.
pub(super) fn map(draft: &mut Draft, section: Element<'_>, path: &str) {
    match section.name() {
        "UBLVersionID" => draft.version = section.value().map(str::to_owned),
        "CustomizationID" => draft.body.invoice.specification_id = draft.text_of(section, path, "specification_id"),
        "ProfileID" => draft.body.invoice.process_id = section.value().map(Text::from),
        "ID" => draft.body.invoice.number = draft.text_of(section, path, "number"),
        "IssueDate" => draft.body.invoice.issue_date = draft.date_of(section, section.location(path), "issue_date"),
        "DueDate" => draft.body.invoice.due_date = draft.date_of(section, section.location(path), "due_date"),
        "TaxPointDate" => {
            draft.body.invoice.tax_point_date = draft.date_of(section, section.location(path), "tax_point_date");
        }
        "InvoiceTypeCode" | "CreditNoteTypeCode" => {
            draft.body.invoice.type_code = draft.text_of(section, path, "type_code")
        }
        "DocumentCurrencyCode" => draft.body.invoice.currency = draft.text_of(section, path, "currency"),
        "TaxCurrencyCode" => draft.body.invoice.tax_currency = draft.text_of(section, path, "tax_currency"),
        "BuyerReference" => draft.body.invoice.buyer_reference = section.value().map(Text::from),
        "AccountingCost" => draft.body.invoice.buyer_accounting_reference = section.value().map(Text::from),
        "Note" => draft.body.invoice.notes.extend(section.value().map(note)),
        "InvoicePeriod" => map_period(draft, section, path),
        "BillingReference" => map_preceding(draft, section, path),
        "Delivery" => map_delivery(draft, section, path),
        _ => map_reference(draft, section, path),
    }
}

/// BT-21 stands in front of BT-22: `#AAI#text` (CEN/TS 16931-3-2).
fn note(text: &str) -> Note {
    let coded = text.strip_prefix('#').and_then(|rest| rest.split_once('#')).filter(|(code, _)| code.len() == 3);
    match coded {
        Some((code, text)) => Note { subject: Some(code.into()), text: text.into() },
        None => Note { subject: None, text: text.into() },
    }
}

fn map_period(draft: &mut Draft, section: Element<'_>, path: &str) {
    if let Some(code) = section.text_at(&["DescriptionCode"]) {
        draft.body.invoice.tax_point_code = Some(code);
    }
    let period = period(draft, section, path, "period");
    // A section that only carries the tax point code (BT-8) is no period.
    if period != Period::default() || section.child("DescriptionCode").is_none() {
        draft.group("period", section, path);
        draft.body.invoice.period = Some(period);
    }
}

/// BG-14, BG-26.
pub(super) fn period(draft: &mut Draft, section: Element<'_>, path: &str, field: &str) -> Period {
    Period {
        start: draft.date(section, path, "StartDate", format_args!("{field}.start")),
        end: draft.date(section, path, "EndDate", format_args!("{field}.end")),
    }
}

fn map_preceding(draft: &mut Draft, section: Element<'_>, path: &str) {
    let is_empty = section.child("InvoiceDocumentReference").is_none()
        && section.child("CreditNoteDocumentReference").is_none()
        && section.child("AdditionalDocumentReference").is_none();
    if is_empty {
        draft.group(format!("preceding[{}]", draft.body.invoice.preceding.len()), section, path);
        draft.body.invoice.preceding.push(Preceding::default());
    }
    for reference in section.children("InvoiceDocumentReference").chain(section.children("CreditNoteDocumentReference"))
    {
        let field = format!("preceding[{}]", draft.body.invoice.preceding.len());
        let path = reference.path_below(path);
        draft.group(field.clone(), reference, &path);
        let issue_date = draft.date(reference, &path, "IssueDate", format_args!("{field}.issue_date"));
        let number = reference.text_at(&["ID"]).unwrap_or_default();
        draft.body.invoice.preceding.push(Preceding { number, issue_date });
    }
}

fn map_delivery(draft: &mut Draft, section: Element<'_>, path: &str) {
    if draft.body.invoice.delivery.is_some() {
        return;
    }
    draft.group("delivery", section, path);
    let date = draft.date(section, path, "ActualDeliveryDate", "delivery.date");
    draft.body.invoice.delivery = Some(Delivery {
        name: section.text_at(&["DeliveryParty", "PartyName", "Name"]),
        location_id: section.at(&["DeliveryLocation", "ID"]).and_then(|id| id.identifier("schemeID")),
        date,
        address: section.at(&["DeliveryLocation", "Address"]).map(party::address),
    });
}

fn map_reference(draft: &mut Draft, section: Element<'_>, path: &str) {
    if section.name() == "AdditionalDocumentReference" {
        return map_additional(draft, section, path);
    }
    let number = section.text_at(&["ID"]);
    let references = &mut draft.body.invoice.references;
    let first = |slot: &mut Option<Text>| {
        if slot.is_none() {
            slot.clone_from(&number);
        }
    };
    match section.name() {
        "OrderReference" => {
            first(&mut references.purchase_order);
            references.sales_order = references.sales_order.take().or_else(|| section.text_at(&["SalesOrderID"]));
        }
        "DespatchDocumentReference" => first(&mut references.despatch_advice),
        "ReceiptDocumentReference" => first(&mut references.receiving_advice),
        "OriginatorDocumentReference" => first(&mut references.tender),
        "ContractDocumentReference" => first(&mut references.contract),
        "ProjectReference" => first(&mut references.project),
        _ => {}
    }
}

/// BT-18 (130), BT-11 of a credit note (50), BG-24, or something else by its own type.
fn map_additional(draft: &mut Draft, section: Element<'_>, path: &str) {
    let id = section.child("ID").and_then(|id| id.identifier("schemeID"));
    let code = section.text_at(&["DocumentTypeCode"]);
    let is_credit = matches!(draft.body.kind, Kind::CreditNote | Kind::SelfBilledCreditNote);
    let invoice = &mut draft.body.invoice;
    let description = section.text_at(&["DocumentDescription"]).or_else(|| section.text_at(&["DocumentType"]));
    let is_supporting = matches!(code.as_deref(), None | Some("916")) || section.child("Attachment").is_some();
    match (code.as_deref(), id) {
        (Some("130"), Some(id)) if invoice.references.object.is_none() => invoice.references.object = Some(id),
        // A credit note has no ProjectReference: BT-11 stands here.
        (Some("50"), Some(id)) if is_credit && invoice.references.project.is_none() => {
            invoice.references.project = Some(id.value);
        }
        (_, Some(id)) if !is_supporting && description.is_none() => {
            invoice.references.other.push(Identifier { scheme: code, value: id.value });
        }
        (_, id) => {
            let object = section.at(&["Attachment", "EmbeddedDocumentBinaryObject"]);
            let said_of_object = |name| object.and_then(|object| object.attribute(name)).map(str::to_owned);
            draft.group(format!("attachments[{}]", draft.body.invoice.attachments.len()), section, path);
            draft.body.invoice.attachments.push(Attachment {
                reference: id.map(|id| id.value),
                description,
                uri: section.text_at(&["Attachment", "ExternalReference", "URI"]),
                mime: said_of_object("mimeCode").map(Into::into),
                file_name: said_of_object("filename").map(Into::into),
            });
        }
    }
}
