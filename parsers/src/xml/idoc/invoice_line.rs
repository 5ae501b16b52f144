//! INVOIC02: what an item (`E1EDP01`) means.

use super::field;
use crate::canonical::{AllowanceCharge, Identifier, Invoice, Line};
use crate::xml::draft::Draft;
use crate::xml::element::Element;

/// One item with the segments in it.
pub(super) fn read_line(draft: &mut Draft<Invoice>, item: Element<'_>, path: &str) {
    let name = format!("lines[{}]", draft.body.lines.len());
    draft.group(name.clone(), item, path);
    let mut line = Line {
        id: item.text_at(&["POSEX"]),
        unit: item.text_at(&["MENEE"]),
        parent_id: item.text_at(&["UEPOS"]).filter(|parent| parent.bytes().any(|byte| byte != b'0')),
        ..Line::default()
    };
    line.quantity = draft.sap_decimal_said(field(item, path, "MENGE"), &format!("{name}.quantity"));
    line.net_price = draft.sap_decimal_said(field(item, path, "VPREI"), &format!("{name}.net_price"));
    line.price_base_quantity =
        draft.sap_decimal_said(field(item, path, "PEINH"), &format!("{name}.price_base_quantity"));
    line.price_base_unit = item.text_at(&["PMENE"]).filter(|_| line.price_base_quantity.is_some());
    for segment in item.elements() {
        let path = segment.path_below(path);
        let qualifier = segment.text_at(&["QUALF"]);
        match (segment.name(), qualifier.as_deref()) {
            // 003 is the net value of the item.
            ("E1EDP26", Some("003")) => {
                line.net_amount = draft.sap_decimal_said(field(segment, &path, "BETRG"), &format!("{name}.net_amount"));
            }
            ("E1EDP19", Some(kind)) => read_material(&mut line, segment, kind),
            ("E1EDP02", Some("001")) => {
                line.purchase_order_line = segment.text_at(&["ZEILE"]);
                draft.body.references.purchase_order =
                    draft.body.references.purchase_order.take().or_else(|| segment.text_at(&["BELNR"]));
            }
            ("E1EDP02", Some("016")) => {
                draft.body.references.despatch_advice =
                    draft.body.references.despatch_advice.take().or_else(|| segment.text_at(&["BELNR"]));
            }
            ("E1EDP04", _) => {
                line.tax_rate = draft.sap_decimal_said(field(segment, &path, "MSATZ"), &format!("{name}.tax_rate"));
            }
            ("E1EDP05", _) => read_condition(draft, &mut line, segment, &path, &name),
            ("E1EDPT1", _) => {
                let texts: Vec<&str> = segment
                    .children("E1EDPT2")
                    .filter_map(|text| text.child("TDLINE"))
                    .filter_map(Element::value)
                    .collect();
                line.note =
                    line.note.take().or_else(|| Some(texts.join("\n")).filter(|text| !text.is_empty()).map(Into::into));
            }
            _ => {}
        }
    }
    if line.net_amount.is_none() {
        line.net_amount = draft.sap_decimal_said(field(item, path, "NETWR"), &format!("{name}.net_amount"));
    }
    draft.body.lines.push(line);
}

/// Material numbers: 001 the buyer's, 002 the seller's, 003 the article number (EAN).
fn read_material(line: &mut Line, segment: Element<'_>, kind: &str) {
    let id = segment.text_at(&["IDTNR"]);
    match kind {
        "001" => line.item.buyer_id = id,
        "002" => line.item.seller_id = id,
        "003" => line.item.standard_id = id.map(|value| Identifier { scheme: Some("0160".into()), value }),
        _ => {}
    }
    line.item.name = line.item.name.take().or_else(|| segment.text_at(&["KTEXT"]));
}

/// A condition of the item. Prices and subtotals are conditions too; what is added or taken away has a sign.
fn read_condition(draft: &mut Draft<Invoice>, line: &mut Line, segment: Element<'_>, path: &str, name: &str) {
    let is_charge = match segment.text_at(&["ALCKZ"]).as_deref() {
        Some("+") => true,
        Some("-") => false,
        _ => return,
    };
    let name = format!("{name}.allowances_charges[{}]", line.allowances_charges.len());
    let amount = draft.sap_decimal_said(field(segment, path, "BETRG"), &format!("{name}.amount"));
    line.allowances_charges.push(AllowanceCharge {
        is_charge,
        amount,
        percent: draft.sap_decimal_said(field(segment, path, "KPERC"), &format!("{name}.percent")),
        reason: segment.text_at(&["KOTXT"]),
        reason_code: segment.text_at(&["KSCHL"]),
        ..AllowanceCharge::default()
    });
}
