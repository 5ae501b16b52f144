//! Income and egress: an invoice, a credit note.
//!
//! `SubTotal` is what the lines come to before discounts; `Descuento` is taken off, taxes that are passed on
//! are added, those that are withheld are taken off: that is `Total` (Anexo 20 of the SAT).

use rust_decimal::Decimal;

use super::{Kind, get};
use crate::canonical::{
    AllowanceCharge, Invoice, InvoiceKind, Item, ItemId, Line, Note, Payment, PaymentTerms, Preceding, TaxBreakdown,
    Text, Withholding,
};
use crate::xml::closing::{Cover, tell_invoice, turn_if_negative};
use crate::xml::desk::Desk;
use crate::xml::draft::Draft;
use crate::xml::element::Element;
use crate::xml::stream::Trouble;
use crate::xml::values::Said;
use crate::{Code, Finding, Location};

/// A cent: amounts of lines may have more digits than the total's currency.
const CENT: Decimal = Decimal::from_parts(1, 0, 0, false, 2);

/// The attributes of the root that an invoice has.
pub(super) fn read_root<'t>(draft: &mut Draft<Invoice>, get: &dyn Fn([&str; 2]) -> Said<'t>) {
    draft.body.totals.line_net = draft.decimal_said(get(["SubTotal", "subTotal"]), "totals.line_net");
    draft.body.totals.payable = draft.decimal_said(get(["Total", "total"]), "totals.payable");
    let said = get(["Descuento", "descuento"]);
    draft.body.totals.allowances = draft.decimal_said(said.clone(), "totals.allowances");
    if let Some(amount) = draft.body.totals.allowances {
        draft.decimal_said(said, "allowances_charges[0].amount");
        draft.body.allowances_charges.push(AllowanceCharge {
            amount: Some(amount),
            reason: Some("Descuento".into()),
            ..AllowanceCharge::default()
        });
    }
    let text = |names: [&str; 2]| get(names).map(|(value, _)| value.to_owned());
    if let Some(text) = text(["CondicionesDePago", "condicionesDePago"]) {
        draft.body.terms = Some(PaymentTerms { text: Some(text.into()), ..PaymentTerms::default() });
    }
    if let Some(form) = text(["FormaPago", "formaDePago"]) {
        draft.body.payments.push(Payment { means_text: Some(form.into()), ..Payment::default() });
    }
    if let Some(method) = text(["MetodoPago", "metodoDePago"]) {
        draft.body.notes.push(Note { subject: Some("MetodoPago".into()), text: method.into() });
    }
}

/// `CfdiRelacionados`: the documents it corrects or replaces, by their fiscal folios.
pub(super) fn read_related(draft: &mut Draft<Invoice>, element: Element<'_>, path: &str) {
    for related in element.children("CfdiRelacionado") {
        let field = format!("preceding[{}].number", draft.body.preceding.len());
        let said = related.attribute_at("UUID", &related.path_below(path));
        let number = draft.text_said(said, &field).unwrap_or_default();
        draft.body.preceding.push(Preceding { number, issue_date: None });
    }
}

/// `Concepto`.
pub(super) fn read_line(draft: &mut Draft<Invoice>, element: Element<'_>, path: &str) {
    let field = format!("lines[{}]", draft.body.lines.len());
    draft.group(field.clone(), element, path);
    let text = |names: [&str; 2]| get(element, path, names).map(|(value, _)| value.to_owned());
    let mut line = Line {
        unit: text(["ClaveUnidad", "unidad"]).or_else(|| text(["Unidad", "unidad"])).map(Into::into),
        item: Item {
            name: text(["Descripcion", "descripcion"]).map(Into::into),
            seller_id: text(["NoIdentificacion", "noIdentificacion"]).map(Into::into),
            ..Item::default()
        },
        ..Line::default()
    };
    let code = text(["ClaveProdServ", "ClaveProdServ"]);
    line.item.classifications.extend(code.map(|code| ItemId { list: Some("ClaveProdServ".into()), code: code.into() }));
    let mut number =
        |names: [&str; 2], to: &str| draft.decimal_said(get(element, path, names), &format!("{field}.{to}"));
    line.quantity = number(["Cantidad", "cantidad"], "quantity");
    line.net_price = number(["ValorUnitario", "valorUnitario"], "net_price");
    line.net_amount = number(["Importe", "importe"], "net_amount");
    draft.body.lines.push(line);
}

/// What the total is made of, besides what the canonical invoice says.
#[derive(Debug, Default)]
pub(super) struct Sums {
    /// Taxes of states and towns that are passed on, less those withheld.
    local: Option<Decimal>,
    is_local_unreadable: bool,
}

impl Sums {
    /// `Impuestos` of the document.
    pub(super) fn read_taxes(&mut self, draft: &mut Draft<Invoice>, element: Element<'_>, path: &str) {
        let said = get(element, path, ["TotalImpuestosTrasladados", "totalImpuestosTrasladados"]);
        draft.body.totals.tax = draft.decimal_said(said, "totals.tax");
        let said = get(element, path, ["TotalImpuestosRetenidos", "totalImpuestosRetenidos"]);
        draft.body.totals.withheld = draft.decimal_said(said, "totals.withheld");
        for (holder, name) in [("Traslados", "Traslado"), ("Retenciones", "Retencion")] {
            let Some(all) = element.child(holder) else { continue };
            let path = all.path_below(path);
            for tax in all.children(name) {
                let path = tax.path_below(&path);
                if name == "Traslado" { read_passed_on(draft, tax, &path) } else { read_withheld(draft, tax, &path) }
            }
        }
    }

    /// `ImpuestosLocales`: taxes of states and towns, which stand outside the federal sums.
    pub(super) fn read_local_taxes(&mut self, draft: &mut Draft<Invoice>, element: Element<'_>, path: &str) {
        let mut signed = Decimal::ZERO;
        for (name, kind, rate, is_charge) in [
            ("TrasladosLocales", "ImpLocTrasladado", "TasadeTraslado", true),
            ("RetencionesLocales", "ImpLocRetenido", "TasadeRetencion", false),
        ] {
            for tax in element.children(name) {
                let path = tax.path_below(path);
                let field = format!("allowances_charges[{}]", draft.body.allowances_charges.len());
                draft.group(field.clone(), tax, &path);
                let amount = draft.decimal_said(tax.attribute_at("Importe", &path), &format!("{field}.amount"));
                let change = amount.map(|amount| if is_charge { amount } else { -amount });
                match change.and_then(|change| signed.checked_add(change)) {
                    Some(sum) => signed = sum,
                    None => self.is_local_unreadable = true,
                }
                let part = AllowanceCharge {
                    is_charge,
                    amount,
                    percent: draft.decimal_said(tax.attribute_at(rate, &path), &format!("{field}.percent")),
                    reason: tax.attribute(kind).map(Text::from),
                    reason_code: Some(name.into()),
                    ..AllowanceCharge::default()
                };
                // What is withheld locally is no allowance: it is withheld.
                if is_charge {
                    draft.body.allowances_charges.push(part);
                } else {
                    draft.body.withholdings.push(Withholding {
                        type_code: part.reason,
                        rate: part.percent,
                        amount,
                        reason: part.reason_code,
                        base: None,
                    });
                }
            }
        }
        self.local = Some(signed);
    }

    pub(super) fn tell(
        self,
        mut draft: Draft<Invoice>,
        kind: Kind,
        cover: Cover,
        whole: Location,
        desk: &mut Desk<'_, '_>,
    ) -> Result<(), Trouble> {
        draft.require(draft.body.totals.payable.is_some(), "totals.payable", "Total", &whole);
        draft.require(draft.body.totals.line_net.is_some(), "totals.line_net", "SubTotal", &whole);
        if kind == Kind::Unknown {
            let at = draft
                .place_of("type_code")
                .map_or_else(|| Location { len: 0, ..whole.clone() }, |item| item.at.clone());
            let message = "`TipoDeComprobante` is none of I, E, P, T and N; the document was read as an invoice";
            let finding = Finding::error(Code::TYPE_INVALID, at, message, "Write the type of the document.");
            draft.report(finding.with_field("TipoDeComprobante"));
        }
        if kind == Kind::Egress {
            draft.body.kind = InvoiceKind::CreditNote;
        }
        self.check_total(&mut draft, &whole);
        turn_if_negative(&mut draft.body);
        tell_invoice(draft, cover, whole, desk)
    }

    fn check_total(&self, draft: &mut Draft<Invoice>, whole: &Location) {
        let totals = &draft.body.totals;
        let (Some(stated), Some(net)) = (totals.payable, totals.line_net) else { return };
        let is_readable = |field: &str| !draft.unreadable.contains(field);
        if self.is_local_unreadable
            || !["totals.allowances", "totals.tax", "totals.withheld"].into_iter().all(is_readable)
        {
            return;
        }
        let parts =
            [totals.tax, self.local, totals.allowances.map(|amount| -amount), totals.withheld.map(|amount| -amount)];
        let Some(expected) = parts.into_iter().flatten().try_fold(net, Decimal::checked_add) else { return };
        if stated.checked_sub(expected).is_none_or(|difference| difference.abs() > CENT) {
            let message = format!("`Total` says {stated}, but subtotal, discount and taxes make {expected}");
            let fix = "Correct the total, or the amount that is wrong.";
            draft.doubt("CFDI-TOTAL", "totals.payable", message, fix, whole);
        }
    }
}

/// `Traslado`: VAT and the like, by rate. A quota (`Cuota`) is an amount for each unit, no percentage.
fn read_passed_on(draft: &mut Draft<Invoice>, tax: Element<'_>, path: &str) {
    let field = format!("tax_breakdown[{}]", draft.body.tax_breakdown.len());
    draft.group(field.clone(), tax, path);
    let factor = tax.attribute("TipoFactor");
    let rate = match factor {
        Some("Cuota") => None,
        // 0.160000 is sixteen percent.
        _ => draft
            .decimal_said(tax.attribute_at("TasaOCuota", path), &format!("{field}.rate"))
            .and_then(|rate| rate.checked_mul(Decimal::ONE_HUNDRED)),
    };
    let rate = rate.or_else(|| draft.decimal_said(tax.attribute_at("tasa", path), &format!("{field}.rate")));
    let kind = get(tax, path, ["Impuesto", "impuesto"]).map(|(value, _)| value.to_owned());
    let is_vat = matches!(kind.as_deref(), Some("002" | "IVA"));
    let category = match (factor, rate) {
        (Some("Exento"), _) => Some("E"),
        (_, Some(rate)) if is_vat && rate.is_zero() => Some("Z"),
        (_, Some(_)) if is_vat => Some("S"),
        _ => None,
    };
    let breakdown = TaxBreakdown {
        rate,
        base: draft.decimal_said(tax.attribute_at("Base", path), &format!("{field}.base")),
        tax: draft.decimal_said(get(tax, path, ["Importe", "importe"]), &format!("{field}.tax")),
        category: category.map(Text::from),
        ..TaxBreakdown::default()
    };
    draft.body.tax_breakdown.push(breakdown);
}

fn read_withheld(draft: &mut Draft<Invoice>, tax: Element<'_>, path: &str) {
    let field = format!("withholdings[{}]", draft.body.withholdings.len());
    draft.group(field.clone(), tax, path);
    let withholding = Withholding {
        type_code: get(tax, path, ["Impuesto", "impuesto"]).map(|(value, _)| value.to_owned()).map(Into::into),
        amount: draft.decimal_said(get(tax, path, ["Importe", "importe"]), &format!("{field}.amount")),
        ..Withholding::default()
    };
    draft.body.withholdings.push(withholding);
}
