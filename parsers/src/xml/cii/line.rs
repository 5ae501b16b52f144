//! The lines of a Cross Industry Invoice (BG-25), sub-lines of EXTENDED too.

use super::Draft;
use super::settlement::{allowance_charge, period, rate};
use super::values::one_of;
use crate::canonical::{Identifier, Item, ItemId, Line, Text};
use crate::xml::element::Element;

const AGREEMENT: [&str; 2] = ["SpecifiedLineTradeAgreement", "SpecifiedSupplyChainTradeAgreement"];
const DELIVERY: [&str; 2] = ["SpecifiedLineTradeDelivery", "SpecifiedSupplyChainTradeDelivery"];
const SETTLEMENT: [&str; 2] = ["SpecifiedLineTradeSettlement", "SpecifiedSupplyChainTradeSettlement"];
const SUMMATION: [&str; 2] =
    ["SpecifiedTradeSettlementLineMonetarySummation", "SpecifiedTradeSettlementMonetarySummation"];

pub(super) fn map(draft: &mut Draft, section: Element<'_>, path: &str) {
    let index = draft.body.invoice.lines.len();
    let field = format!("lines[{index}]");
    draft.group(field.clone(), section, path);
    let mut line = Line::default();
    if let Some(document) = section.child("AssociatedDocumentLineDocument") {
        line.id = document.text_at(&["LineID"]);
        line.parent_id = document.text_at(&["ParentLineID"]);
        line.note = document.text_at(&["IncludedNote", "Content"]);
        let reason = document.text_at(&["LineStatusReasonCode"]);
        if matches!(reason.as_deref(), Some("GROUP" | "INFORMATION")) {
            draft.body.uncounted.insert(index);
        }
    }
    if let Some(product) = section.child("SpecifiedTradeProduct") {
        draft.group(format!("{field}.item"), product, &product.path_below(path));
        line.item = item(product);
    }
    if let Some(agreement) = one_of(section, &AGREEMENT) {
        map_agreement(draft, &mut line, agreement, &agreement.path_below(path), &field);
    }
    if let Some(delivery) = one_of(section, &DELIVERY)
        && let Some(quantity) = delivery.child("BilledQuantity")
    {
        line.unit = quantity.attribute("unitCode").map(Text::from);
        line.quantity =
            draft.number(delivery, &delivery.path_below(path), "BilledQuantity", format_args!("{field}.quantity"));
    }
    if let Some(settlement) = one_of(section, &SETTLEMENT) {
        map_settlement(draft, &mut line, settlement, &settlement.path_below(path), &field);
    }
    draft.body.invoice.lines.push(line);
}

/// BG-29 and the order.
fn map_agreement(draft: &mut Draft, line: &mut Line, agreement: Element<'_>, path: &str, field: &str) {
    line.purchase_order_line = agreement.text_at(&["BuyerOrderReferencedDocument", "LineID"]);
    if let Some(gross) = agreement.child("GrossPriceProductTradePrice") {
        let path = gross.path_below(path);
        line.gross_price = draft.number(gross, &path, "ChargeAmount", format_args!("{field}.gross_price"));
        if let Some(discount) = gross.child("AppliedTradeAllowanceCharge") {
            let path = discount.path_below(&path);
            line.price_discount = draft.number(discount, &path, "ActualAmount", format_args!("{field}.price_discount"));
        }
        if agreement.at(&["NetPriceProductTradePrice", "BasisQuantity"]).is_none() {
            map_base_quantity(draft, line, gross, &path, field);
        }
    }
    if let Some(net) = agreement.child("NetPriceProductTradePrice") {
        let path = net.path_below(path);
        line.net_price = draft.number(net, &path, "ChargeAmount", format_args!("{field}.net_price"));
        map_base_quantity(draft, line, net, &path, field);
    }
}

/// BT-149 and BT-150: the net price's, or else the gross price's.
fn map_base_quantity(draft: &mut Draft, line: &mut Line, price: Element<'_>, path: &str, field: &str) {
    if let Some(quantity) = price.child("BasisQuantity") {
        line.price_base_unit = quantity.attribute("unitCode").map(Text::from);
        line.price_base_quantity =
            draft.number(price, path, "BasisQuantity", format_args!("{field}.price_base_quantity"));
    }
}

fn map_settlement(draft: &mut Draft, line: &mut Line, settlement: Element<'_>, path: &str, field: &str) {
    if let Some(tax) = settlement.child("ApplicableTradeTax") {
        line.tax_category = tax.text_at(&["CategoryCode"]);
        line.tax_rate = rate(draft, tax, &tax.path_below(path), format_args!("{field}.tax_rate"));
    }
    if let Some(element) = settlement.child("BillingSpecifiedPeriod") {
        line.period = Some(period(draft, element, &element.path_below(path), &format!("{field}.period")));
    }
    for element in settlement.children("SpecifiedTradeAllowanceCharge") {
        let field = format!("{field}.allowances_charges[{}]", line.allowances_charges.len());
        let item = allowance_charge(draft, element, &element.path_below(path), &field);
        line.allowances_charges.push(item);
    }
    if let Some(summation) = one_of(settlement, &SUMMATION) {
        let path = summation.path_below(path);
        line.net_amount = draft.number(summation, &path, "LineTotalAmount", format_args!("{field}.net_amount"));
    }
    let object = settlement
        .children("AdditionalReferencedDocument")
        .find(|reference| reference.text_at(&["TypeCode"]).is_none_or(|code| code == "130"));
    line.object = object.and_then(|reference| {
        let value = reference.text_at(&["IssuerAssignedID"])?;
        Some(Identifier { scheme: reference.text_at(&["ReferenceTypeCode"]), value })
    });
    line.accounting_reference = settlement.text_at(&["ReceivableSpecifiedTradeAccountingAccount", "ID"]);
}

/// BG-31.
fn item(product: Element<'_>) -> Item {
    let mut item = Item {
        name: product.text_at(&["Name"]),
        description: product.text_at(&["Description"]),
        seller_id: product.text_at(&["SellerAssignedID"]),
        buyer_id: product.text_at(&["BuyerAssignedID"]),
        standard_id: product.child("GlobalID").and_then(|id| id.identifier("schemeID")),
        origin: product.text_at(&["OriginTradeCountry", "ID"]),
        ..Item::default()
    };
    for classification in product.children("DesignatedProductClassification") {
        if let Some(id) = classification.child("ClassCode").and_then(|code| code.identifier("listID")) {
            item.classifications.push(ItemId { list: id.scheme, code: id.value });
        }
    }
    for characteristic in product.children("ApplicableProductCharacteristic") {
        let text = |name| characteristic.text_at(&[name]).unwrap_or_default();
        item.attributes.push((text("Description"), text("Value")));
    }
    item
}
