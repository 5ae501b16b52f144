//! The lines (`DettaglioLinee`, 2.2.1).

use super::body::{Body, discount};
use crate::canonical::{Invoice, Item, ItemId, Line, Period};
use crate::xml::draft::Draft;
use crate::xml::element::Element;
use crate::xml::values::said;

/// One line.
pub(super) fn read_line(draft: &mut Draft<Invoice>, body: &mut Body, part: Element<'_>, path: &str) {
    let field = format!("lines[{}]", draft.body.lines.len());
    draft.group(field.clone(), part, path);
    if part.text_at(&["Ritenuta"]).as_deref() == Some("SI") && body.line_withholds.is_none() {
        body.line_withholds = Some(draft.body.lines.len());
    }
    let mut line = Line {
        id: part.text_at(&["NumeroLinea"]),
        unit: part.text_at(&["UnitaMisura"]),
        accounting_reference: part.text_at(&["RiferimentoAmministrazione"]),
        item: item(part),
        ..Line::default()
    };
    let mut number = |name: &str, to: &str| draft.decimal_said(said(part, path, &[name]), &format!("{field}.{to}"));
    line.quantity = number("Quantita", "quantity");
    line.net_price = number("PrezzoUnitario", "net_price");
    line.net_amount = number("PrezzoTotale", "net_amount");
    line.tax_rate = number("AliquotaIVA", "tax_rate");
    let start = draft.day_said(said(part, path, &["DataInizioPeriodo"]), &format!("{field}.period.start"));
    let end = draft.day_said(said(part, path, &["DataFinePeriodo"]), &format!("{field}.period.end"));
    if start.is_some() || end.is_some() {
        line.period = Some(Period { start, end });
    }
    for element in part.children("ScontoMaggiorazione") {
        let field = format!("{field}.allowances_charges[{}]", line.allowances_charges.len());
        line.allowances_charges.push(discount(draft, element, &element.path_below(path), &field));
    }
    draft.body.lines.push(line);
}

fn item(part: Element<'_>) -> Item {
    let mut item = Item { name: part.text_at(&["Descrizione"]), ..Item::default() };
    for code in part.children("CodiceArticolo") {
        if let Some(value) = code.text_at(&["CodiceValore"]) {
            item.classifications.push(ItemId { list: code.text_at(&["CodiceTipo"]), code: value });
        }
    }
    for data in part.children("AltriDatiGestionali") {
        let value =
            ["RiferimentoTesto", "RiferimentoNumero", "RiferimentoData"].iter().find_map(|name| data.text_at(&[name]));
        if let (Some(kind), Some(value)) = (data.text_at(&["TipoDato"]), value) {
            item.attributes.push((kind, value));
        }
    }
    item
}
