//! `PaymentRemittanceRequest`: one payment and the invoices and orders it pays.

use rust_decimal::Decimal;

use super::parties::{Envelope, party};
use crate::canonical::{Adjustment, Body, Identifier, RemittanceAdvice, RemittanceLine, SettledKind, Text};
use crate::xml::closing::{Cover, tell};
use crate::xml::desk::Desk;
use crate::xml::draft::Draft;
use crate::xml::element::Element;
use crate::xml::stream::Trouble;
use crate::xml::values::{follow, said, sum};
use crate::xml::walk::{Reader, Step};
use crate::{Limits, Location};

/// One request while it is read.
pub(super) struct Reading {
    cover: Cover,
    draft: Draft<RemittanceAdvice>,
}

impl Reading {
    pub(super) fn new(cover: Cover, envelope: &Envelope, limits: Limits) -> Self {
        let mut advice = RemittanceAdvice::default();
        advice.payer.ids.clone_from(&envelope.from);
        advice.payee.ids.clone_from(&envelope.to);
        Self { cover, draft: Draft::new(advice, String::new(), limits) }
    }

    fn read_head(&mut self, head: Element<'_>, path: &str) {
        let draft = &mut self.draft;
        draft.body.number = draft.text_said(head.attribute_at("paymentRemittanceID", path), "number");
        draft.body.payment_date = draft.day_said(head.attribute_at("paymentDate", path), "payment_date");
        let trace = draft.text_said(head.attribute_at("paymentReferenceNumber", path), "traces[0].value");
        let scheme = Some("paymentReferenceNumber".to_owned());
        draft.body.traces.extend(trace.map(|value| Identifier { scheme: scheme.map(Into::into), value }));
        let method = head.child("PaymentMethod");
        draft.body.method = method.and_then(|method| method.attribute("type")).map(Text::from);
        draft.body.notes.extend(head.children("Comments").filter_map(Element::value).map(Text::from));
        for partner in head.children("PaymentPartner") {
            let Some(contact) = partner.child("Contact") else { continue };
            let place = match contact.attribute("role") {
                Some("payer" | "originatingBankAccountHolder") => &mut draft.body.payer,
                Some("payee" | "remitTo") => &mut draft.body.payee,
                _ => continue,
            };
            let mut found = party(contact);
            found.ids.extend(std::mem::take(&mut place.ids));
            *place = found;
        }
    }

    fn read_summary(&mut self, summary: Element<'_>, path: &str) {
        let draft = &mut self.draft;
        draft.body.total = money(draft, summary, path, "NetAmount", "total");
        if let Some((amount, path)) = follow(summary, path, &["NetAmount", "Money"]) {
            draft.body.currency = draft.text_said(amount.attribute_at("currency", &path), "currency");
        }
    }

    fn read_detail(&mut self, detail: Element<'_>, path: &str) {
        let draft = &mut self.draft;
        let field = format!("lines[{}]", draft.body.lines.len());
        draft.group(field.clone(), detail, path);
        let mut line = RemittanceLine { note: detail.text_at(&["Comments"]), ..RemittanceLine::default() };
        read_payable(draft, &mut line, detail, path, &field);
        line.original = money(draft, detail, path, "GrossAmount", &format!("{field}.original"));
        line.paid = money(draft, detail, path, "NetAmount", &format!("{field}.paid"));
        line.discount = money(draft, detail, path, "DiscountAmount", &format!("{field}.discount"));
        let adjusted = format!("{field}.adjustments[0].amount");
        if let Some(amount) = money(draft, detail, path, "AdjustmentAmount", &adjusted).filter(|n| !n.is_zero()) {
            // cXML takes the adjustment away: net is gross less discount less adjustment.
            line.adjustments.push(Adjustment { amount: -amount, ..Adjustment::default() });
        }
        if line.paid.is_some_and(|paid| paid.is_sign_negative() && !paid.is_zero()) {
            line.document_type = SettledKind::CreditNote;
        }
        draft.body.lines.push(line);
    }
}

/// `PayableInfo`: the invoice that is paid, or the order.
fn read_payable(
    draft: &mut Draft<RemittanceAdvice>,
    line: &mut RemittanceLine,
    detail: Element<'_>,
    path: &str,
    field: &str,
) {
    let ways: [&[&str]; 4] = [
        &["PayableInfo", "PayableInvoiceInfo", "InvoiceReference"],
        &["PayableInfo", "PayableInvoiceInfo", "InvoiceIDInfo"],
        &["InvoiceReference"],
        &["InvoiceIDInfo"],
    ];
    if let Some((invoice, path)) = ways.iter().find_map(|way| follow(detail, path, way)) {
        let number = draft.text_said(invoice.attribute_at("invoiceID", &path), &format!("{field}.document_number"));
        line.document_number = number;
        line.document_date =
            draft.day_said(invoice.attribute_at("invoiceDate", &path), &format!("{field}.document_date"));
    }
    let orders: [&[&str]; 3] = [
        &["PayableInfo", "PayableInvoiceInfo", "PayableOrderInfo"],
        &["PayableInfo", "PayableOrderInfo"],
        &["PayableInfo", "PayableMasterAgreementInfo"],
    ];
    if let Some((order, _)) = orders.iter().find_map(|way| follow(detail, path, way)) {
        let id = ["OrderReference", "OrderIDInfo"].iter().find_map(|name| order.child(name)?.attribute("orderID"));
        line.purchase_order = id.filter(|id| !id.is_empty()).map(Text::from);
    }
    if line.document_number.is_none() {
        let said = detail.attribute_at("referenceDocumentNumber", path);
        line.document_number = draft.text_said(said, &format!("{field}.document_number"));
    }
}

fn money(
    draft: &mut Draft<RemittanceAdvice>,
    base: Element<'_>,
    path: &str,
    name: &str,
    field: &str,
) -> Option<Decimal> {
    draft.decimal_said(said(base, path, &[name, "Money"]), field)
}

impl Reader for Reading {
    fn step(&self, parent: &str, name: &str) -> Step {
        match (parent, name) {
            (
                "PaymentRemittanceRequest",
                "PaymentRemittanceRequestHeader" | "PaymentRemittanceSummary" | "RemittanceDetail",
            ) => Step::Take,
            _ => Step::Over,
        }
    }

    fn repeats(&self, name: &str) -> bool {
        matches!(name, "RemittanceDetail")
    }

    fn taken(
        &mut self,
        _parent: &str,
        element: Element<'_>,
        path: &str,
        _desk: &mut Desk<'_, '_>,
    ) -> Result<(), Trouble> {
        match element.name() {
            "PaymentRemittanceRequestHeader" => self.read_head(element, path),
            "PaymentRemittanceSummary" => self.read_summary(element, path),
            _ => self.read_detail(element, path),
        }
        Ok(())
    }

    fn left(&mut self, _name: &str, whole: Location, desk: &mut Desk<'_, '_>) -> Result<(), Trouble> {
        let empty = Draft::new(RemittanceAdvice::default(), String::new(), desk.limits());
        let mut draft = std::mem::replace(&mut self.draft, empty);
        draft.require(draft.body.number.is_some(), "number", "paymentRemittanceID", &whole);
        draft.require(draft.body.total.is_some(), "total", "NetAmount", &whole);
        let lines = &draft.body.lines;
        let paid = sum(lines.iter().map(|line| line.paid)).filter(|_| !lines.is_empty());
        if let (Some(total), Some(paid)) = (draft.body.total, paid)
            && total != paid
        {
            let message = format!("the payment is of {total}, but what is remitted adds up to {paid}");
            draft.doubt(
                "CXML-REMIT",
                "total",
                message,
                "Correct the net amount of the payment or of a detail.",
                &whole,
            );
        }
        let advice = std::mem::take(&mut draft.body);
        tell(draft, Body::RemittanceAdvice(Box::new(advice)), self.cover.clone(), whole, desk)
    }
}
