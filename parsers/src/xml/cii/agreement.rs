//! What a Cross Industry Invoice says before money: what it is, who trades with whom on what ground, and
//! where it was delivered.

use super::values::{date, referred};
use super::{Draft, party};
use crate::canonical::{Attachment, Delivery, Identifier, Note};
use crate::xml::element::Element;

/// BG-2.
pub(super) fn map_context(draft: &mut Draft, section: Element<'_>, path: &str) {
    draft.body.invoice.process_id = section.text_at(&["BusinessProcessSpecifiedDocumentContextParameter", "ID"]);
    if let Some(guideline) = section.child("GuidelineSpecifiedDocumentContextParameter") {
        let path = guideline.path_below(path);
        draft.body.invoice.specification_id = draft.text(guideline, &path, "ID", "specification_id");
    }
}

/// BT-1, BT-2, BT-3, BG-1.
pub(super) fn map_head(draft: &mut Draft, section: Element<'_>, path: &str) {
    draft.body.invoice.number = draft.text(section, path, "ID", "number");
    draft.body.invoice.type_code = draft.text(section, path, "TypeCode", "type_code");
    draft.body.invoice.issue_date = date(draft, section, path, "IssueDateTime", "issue_date");
    for note in section.children("IncludedNote") {
        let text = note.children("Content").filter_map(Element::value).collect::<Vec<_>>().join("\n");
        if !text.is_empty() {
            draft.body.invoice.notes.push(Note { subject: note.text_at(&["SubjectCode"]), text: text.into() });
        }
    }
}

pub(super) fn map(draft: &mut Draft, section: Element<'_>, path: &str) {
    if let Some(element) = section.child("SellerTradeParty") {
        draft.body.invoice.seller = party::party(draft, element, &element.path_below(path), "seller");
    }
    if let Some(element) = section.child("BuyerTradeParty") {
        draft.body.invoice.buyer = party::party(draft, element, &element.path_below(path), "buyer");
    }
    if let Some(element) = section.child("SellerTaxRepresentativeTradeParty") {
        let representative = party::party(draft, element, &element.path_below(path), "tax_representative");
        draft.body.invoice.tax_representative = Some(representative);
    }
    draft.body.invoice.buyer_reference = section.text_at(&["BuyerReference"]);
    let number = |name: &str| section.child(name).and_then(referred);
    let references = &mut draft.body.invoice.references;
    references.purchase_order = number("BuyerOrderReferencedDocument");
    references.sales_order = number("SellerOrderReferencedDocument");
    references.contract = number("ContractReferencedDocument");
    references.project = section.text_at(&["SpecifiedProcuringProject", "ID"]);
    for reference in section.children("AdditionalReferencedDocument") {
        map_additional(draft, reference, &reference.path_below(path));
    }
}

/// BT-17 (50), BT-18 (130), BG-24 (916), or something else by its own type.
fn map_additional(draft: &mut Draft, reference: Element<'_>, path: &str) {
    let number = referred(reference);
    let code = reference.text_at(&["TypeCode"]);
    let references = &mut draft.body.invoice.references;
    match (code.as_deref(), number) {
        (Some("50"), Some(number)) if references.tender.is_none() => references.tender = Some(number),
        (Some("130"), Some(value)) if references.object.is_none() => {
            references.object = Some(Identifier { scheme: reference.text_at(&["ReferenceTypeCode"]), value });
        }
        (Some("916") | None, number) => {
            draft.group(format!("attachments[{}]", draft.body.invoice.attachments.len()), reference, path);
            let object = reference.child("AttachmentBinaryObject");
            let said_of_object = |name| object.and_then(|object| object.attribute(name)).map(str::to_owned);
            draft.body.invoice.attachments.push(Attachment {
                reference: number,
                description: reference.text_at(&["Name"]),
                uri: reference.text_at(&["URIID"]),
                mime: said_of_object("mimeCode").map(Into::into),
                file_name: said_of_object("filename").map(Into::into),
            });
        }
        (_, Some(value)) => references.other.push(Identifier { scheme: code, value }),
        (_, None) => {}
    }
}

/// BG-13 and what was despatched and received.
pub(super) fn map_delivery(draft: &mut Draft, section: Element<'_>, path: &str) {
    let number = |name: &str| section.child(name).and_then(referred);
    draft.body.invoice.references.receiving_advice = number("ReceivingAdviceReferencedDocument");
    draft.body.invoice.references.despatch_advice =
        number("DespatchAdviceReferencedDocument").or_else(|| number("DeliveryNoteReferencedDocument"));
    let mut delivery = Delivery::default();
    if let Some(event) = section.child("ActualDeliverySupplyChainEvent") {
        let path = event.path_below(path);
        delivery.date = date(draft, event, &path, "OccurrenceDateTime", "delivery.date");
    }
    if let Some(party) = section.child("ShipToTradeParty") {
        let path = party.path_below(path);
        draft.group("delivery", party, &path);
        delivery.name = party.text_at(&["Name"]);
        let id = party.child("GlobalID").or_else(|| party.child("ID"));
        delivery.location_id = id.and_then(|id| id.identifier("schemeID"));
        if let Some(postal) = party.child("PostalTradeAddress") {
            draft.group("delivery.address", postal, &postal.path_below(&path));
            delivery.address = Some(party::address(postal));
        }
    }
    if delivery != Delivery::default() {
        draft.body.invoice.delivery = Some(delivery);
    }
}
