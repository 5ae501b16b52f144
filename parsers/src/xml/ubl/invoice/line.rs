//! The lines of a UBL document.

use super::head::period;
use super::settlement::allowance_charge;
use super::{Draft, amount};
use crate::canonical::{Item, ItemId, Line, Text};
use crate::short::Short;
use crate::xml::element::Element;

/// BG-25.
pub(super) fn map(draft: &mut Draft, section: Element<'_>, path: &str) {
    let index = draft.body.invoice.lines.len();
    let of_line = |name| Short::part("lines", index, name);
    let field = format!("lines[{index}]");
    draft.group(field.clone(), section, path);
    let mut line = Line {
        id: section.text_at(&["ID"]),
        note: section.text_at(&["Note"]),
        net_amount: amount(draft, section, path, "LineExtensionAmount", &of_line("net_amount")),
        purchase_order_line: section.text_at(&["OrderLineReference", "LineID"]),
        accounting_reference: section.text_at(&["AccountingCost"]),
        object: section
            .children("DocumentReference")
            .find(is_object)
            .and_then(|reference| reference.child("ID").and_then(|id| id.identifier("schemeID"))),
        item: section.child("Item").map(item).unwrap_or_default(),
        ..Line::default()
    };
    for name in ["InvoicedQuantity", "CreditedQuantity", "DebitedQuantity"] {
        if let Some(quantity) = section.child(name) {
            line.unit = quantity.attribute("unitCode").map(Text::from);
            line.quantity = draft.number(section, path, name, of_line("quantity"));
        }
    }
    if let Some(element) = section.child("InvoicePeriod") {
        let below = element.path_below(path);
        draft.group(format!("{field}.period"), element, &below);
        line.period = Some(period(draft, element, &below, &format!("{field}.period")));
    }
    for (index, element) in section.children("AllowanceCharge").enumerate() {
        let field = format!("{field}.allowances_charges[{index}]");
        let item = allowance_charge(draft, element, &element.path_below(path), &field);
        line.allowances_charges.push(item);
    }
    if let Some(price) = section.child("Price") {
        map_price(draft, &mut line, price, &price.path_below(path), of_line);
    }
    if let Some(element) = section.child("Item") {
        let path = element.path_below(path);
        draft.group(format!("{field}.item"), element, &path);
        if let Some(category) = element.child("ClassifiedTaxCategory") {
            line.tax_category = category.text_at(&["ID"]);
            line.tax_rate = draft.number(category, &category.path_below(&path), "Percent", of_line("tax_rate"));
        }
    }
    draft.body.invoice.lines.push(line);
}

/// BT-128 has the type 130; some leave it out.
fn is_object(reference: &Element<'_>) -> bool {
    matches!(reference.text_at(&["DocumentTypeCode"]).as_deref(), None | Some("130"))
}

/// BG-29.
fn map_price(
    draft: &mut Draft,
    line: &mut Line,
    price: Element<'_>,
    path: &str,
    of_line: impl Fn(&'static str) -> Short,
) {
    line.net_price = amount(draft, price, path, "PriceAmount", &of_line("net_price"));
    line.price_base_unit = price.child("BaseQuantity").and_then(|base| base.attribute("unitCode")).map(Text::from);
    line.price_base_quantity = draft.number(price, path, "BaseQuantity", of_line("price_base_quantity"));
    let base = price.child("BaseQuantity");
    line.price_base_unit = base.and_then(|quantity| quantity.attribute("unitCode")).map(Text::from);
    if let Some(discount) = price.child("AllowanceCharge") {
        let path = discount.path_below(path);
        line.price_discount = amount(draft, discount, &path, "Amount", &of_line("price_discount"));
        line.gross_price = amount(draft, discount, &path, "BaseAmount", &of_line("gross_price"));
    }
}

/// BG-31.
fn item(element: Element<'_>) -> Item {
    let mut item = Item {
        name: element.text_at(&["Name"]),
        description: element.text_at(&["Description"]),
        seller_id: element.text_at(&["SellersItemIdentification", "ID"]),
        buyer_id: element.text_at(&["BuyersItemIdentification", "ID"]),
        standard_id: element.at(&["StandardItemIdentification", "ID"]).and_then(|id| id.identifier("schemeID")),
        origin: element.text_at(&["OriginCountry", "IdentificationCode"]),
        ..Item::default()
    };
    for classification in element.children("CommodityClassification") {
        if let Some(id) = classification.child("ItemClassificationCode").and_then(|code| code.identifier("listID")) {
            item.classifications.push(ItemId { list: id.scheme, code: id.value });
        }
    }
    for property in element.children("AdditionalItemProperty") {
        let text = |name| property.text_at(&[name]).unwrap_or_default();
        item.attributes.push((text("Name"), text("Value")));
    }
    item
}
