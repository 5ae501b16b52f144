//! `InvoiceDetailRequest`: an invoice or a memo over one order, many, or none.

use rust_decimal::Decimal;

use super::parties::{Envelope, party};
use crate::canonical::{
    AllowanceCharge, Identifier, Invoice, InvoiceKind, Item, ItemId, Line, Note, PaymentTerms, Period, Preceding,
    TaxBreakdown, TermsDiscount, Text,
};
use crate::xml::closing::{Cover, tell_invoice, turn_if_negative};
use crate::xml::desk::Desk;
use crate::xml::draft::Draft;
use crate::xml::element::Element;
use crate::xml::stream::Trouble;
use crate::xml::tag::Tag;
use crate::xml::values::{follow, said, said_by};
use crate::xml::walk::{Reader, Step};
use crate::{Limits, Location};

/// One request while it is read.
pub(super) struct Reading {
    cover: Cover,
    draft: Draft<Invoice>,
    /// The order whose items are being read.
    order: Option<Text>,
    /// `GrossAmount` and `NetAmount`, and the discount between them.
    net: Net,
}

#[derive(Debug, Default)]
struct Net {
    gross: Option<Decimal>,
    net: Option<Decimal>,
    discount: Option<Decimal>,
}

impl Reading {
    pub(super) fn new(cover: Cover, envelope: &Envelope, limits: Limits) -> Self {
        let mut invoice = Invoice::default();
        invoice.seller.ids.clone_from(&envelope.from);
        invoice.buyer.ids.clone_from(&envelope.to);
        Self { cover, draft: Draft::new(invoice, String::new(), limits), order: None, net: Net::default() }
    }

    fn read_head(&mut self, head: Element<'_>, path: &str) {
        let draft = &mut self.draft;
        draft.body.number = draft.text_said(head.attribute_at("invoiceID", path), "number");
        draft.body.issue_date = draft.day_said(head.attribute_at("invoiceDate", path), "issue_date");
        draft.body.type_code = draft.text_said(head.attribute_at("purpose", path), "type_code");
        draft.body.purpose = draft.text_said(head.attribute_at("operation", path), "purpose");
        draft.body.kind = match draft.body.type_code.as_deref() {
            Some("creditMemo" | "lineLevelCreditMemo") => InvoiceKind::CreditNote,
            _ => InvoiceKind::Invoice,
        };
        for part in head.elements() {
            let path = part.path_below(path);
            match part.name() {
                "InvoicePartner" => read_partner(&mut draft.body, part),
                "PaymentTerm" | "InvoiceDetailPaymentTerm" => read_terms(draft, part, &path),
                "Period" => {
                    draft.body.period = Some(Period {
                        start: draft.day_said(part.attribute_at("startDate", &path), "period.start"),
                        end: draft.day_said(part.attribute_at("endDate", &path), "period.end"),
                    });
                }
                "InvoiceIDInfo" => {
                    let field = format!("preceding[{}]", draft.body.preceding.len());
                    let number = draft.text_said(part.attribute_at("invoiceID", &path), &format!("{field}.number"));
                    let issue_date =
                        draft.day_said(part.attribute_at("invoiceDate", &path), &format!("{field}.issue_date"));
                    let number = number.unwrap_or_default();
                    draft.body.preceding.push(Preceding { number, issue_date });
                }
                "Comments" => draft.body.notes.extend(part.value().map(note)),
                "Extrinsic" => read_extrinsic(&mut draft.body, part),
                _ => {}
            }
        }
    }

    /// `InvoiceDetailOrderInfo`: which order the items after it are of.
    fn read_order(&mut self, order: Element<'_>) {
        let reference = order.child("OrderReference");
        let id = reference.and_then(|reference| reference.attribute("orderID").filter(|id| !id.is_empty()));
        let id = id.or_else(|| order.child("OrderIDInfo").and_then(|info| info.attribute("orderID")));
        let payload = reference.and_then(|reference| reference.child("DocumentReference"));
        let id = id.or_else(|| payload.and_then(|payload| payload.attribute("payloadID")));
        self.order = id.filter(|id| !id.is_empty()).map(Text::from);
        let references = &mut self.draft.body.references;
        match (&references.purchase_order, &self.order) {
            (None, Some(order)) => references.purchase_order = Some(order.clone()),
            (Some(first), Some(order)) if first != order => {
                references.other.push(Identifier { scheme: Some("orderID".into()), value: order.clone() });
            }
            _ => {}
        }
        let contract = order.child("MasterAgreementReference").and_then(|found| found.attribute("agreementID"));
        references.contract = references.contract.take().or_else(|| contract.map(Text::from));
    }

    fn read_item(&mut self, item: Element<'_>, path: &str) {
        let draft = &mut self.draft;
        let field = format!("lines[{}]", draft.body.lines.len());
        draft.group(field.clone(), item, path);
        let reference =
            item.child("InvoiceDetailItemReference").or_else(|| item.child("InvoiceDetailServiceItemReference"));
        let text = |name: &str| item.attribute(name).filter(|value| !value.is_empty()).map(str::to_owned);
        let mut line = Line {
            id: text("invoiceLineNumber").map(Into::into),
            parent_id: text("parentInvoiceLineNumber").map(Into::into),
            note: item.text_at(&["Comments"]),
            unit: item.text_at(&["UnitOfMeasure"]),
            item: reference.map(read_reference).unwrap_or_default(),
            ..Line::default()
        };
        line.quantity = draft.decimal_said(item.attribute_at("quantity", path), &format!("{field}.quantity"));
        line.net_amount = money(draft, item, path, &["SubtotalAmount"], &format!("{field}.net_amount"));
        line.net_price = money(draft, item, path, &["UnitPrice"], &format!("{field}.net_price"));
        if let Some((basis, path)) = follow(item, path, &["PriceBasisQuantity"]) {
            let said = basis.attribute_at("quantity", &path);
            line.price_base_quantity = draft.decimal_said(said, &format!("{field}.price_base_quantity"));
            line.price_base_unit = basis.text_at(&["UnitOfMeasure"]);
        }
        if let Some((detail, path)) = follow(item, path, &["Tax", "TaxDetail"]) {
            let said = detail.attribute_at("percentageRate", &path);
            line.tax_rate = draft.decimal_said(said, &format!("{field}.tax_rate"));
        }
        let order_line = reference.and_then(|reference| reference.attribute("lineNumber"));
        line.purchase_order_line = order_line
            .filter(|line| !line.is_empty())
            .map(|line| match &self.order {
                // Over many orders a line number alone says nothing.
                Some(order) if draft.body.references.purchase_order.as_ref() != Some(order) => {
                    format!("{order}/{line}")
                }
                _ => line.to_owned(),
            })
            .map(Into::into);
        draft.body.lines.push(line);
    }

    fn read_summary(&mut self, summary: Element<'_>, path: &str) {
        let draft = &mut self.draft;
        draft.group("totals", summary, path);
        let mut amount = |way: &[&str], field: &str| money(draft, summary, path, way, field);
        let line_net = amount(&["SubtotalAmount"], "totals.line_net");
        let tax = amount(&["Tax"], "totals.tax");
        let tax_exclusive = amount(&["TotalAmountWithoutTax"], "totals.tax_exclusive");
        let gross = amount(&["GrossAmount"], "totals.tax_inclusive");
        let prepaid = amount(&["DepositAmount"], "totals.prepaid");
        let net = amount(&["NetAmount"], "net_amount");
        let due = amount(&["DueAmount"], "totals.payable");
        if due.is_none() && net.is_some() {
            draft.also("net_amount", "totals.payable");
        }
        draft.evidence.retain(|item| item.field != "net_amount");
        let totals = &mut draft.body.totals;
        (totals.line_net, totals.tax, totals.tax_exclusive) = (line_net, tax, tax_exclusive);
        (totals.tax_inclusive, totals.prepaid, totals.payable) = (gross, prepaid, due.or(net));
        draft.body.currency = currency_of(draft, summary, path);
        read_taxes(draft, summary, path);
        for (name, is_charge) in
            [("SpecialHandlingAmount", true), ("ShippingAmount", true), ("InvoiceDetailDiscount", false)]
        {
            let field = format!("allowances_charges[{}]", draft.body.allowances_charges.len());
            let Some(amount) = money(draft, summary, path, &[name], &format!("{field}.amount")) else { continue };
            let percent = summary.child(name).and_then(|found| {
                draft.decimal_said(
                    found.attribute_at("percentageRate", &found.path_below(path)),
                    &format!("{field}.percent"),
                )
            });
            if !is_charge {
                self.net.discount = Some(amount);
            }
            draft.body.allowances_charges.push(AllowanceCharge {
                is_charge,
                amount: Some(amount),
                percent,
                reason: summary.text_at(&[name, "Description"]).or_else(|| Some(name.into())),
                ..AllowanceCharge::default()
            });
        }
        (self.net.gross, self.net.net) = (gross, net);
        // BT-112 is what is left after a discount; cXML's gross amount is what was there before it.
        if self.net.discount.is_some_and(|discount| !discount.is_zero()) {
            draft.body.totals.tax_inclusive = None;
            draft.evidence.retain(|item| item.field != "totals.tax_inclusive");
        }
    }

    /// What the summary says of itself: the gross amount is what is charged, the net amount that less the
    /// discount (cXML User's Guide, `InvoiceDetailSummary`).
    fn check(&mut self, whole: &Location) {
        let Net { gross, net, discount } = self.net;
        let invoice = &self.draft.body;
        let charges = invoice.allowances_charges.iter().filter(|item| item.is_charge).filter_map(|item| item.amount);
        let summed = [invoice.totals.line_net, invoice.totals.tax]
            .into_iter()
            .flatten()
            .chain(charges)
            .try_fold(Decimal::ZERO, Decimal::checked_add)
            .filter(|_| invoice.totals.line_net.is_some());
        let less = discount.unwrap_or_default();
        let expected = gross.or(summed).and_then(|gross| gross.checked_sub(less));
        if let (Some(net), Some(expected)) = (net, expected)
            && net != expected
        {
            let message = format!("`NetAmount` says {net}, but the amounts of the summary come to {expected}");
            let fix = "Correct the net amount, or the amount that is wrong.";
            self.draft.doubt("CXML-NET", "totals.payable", message, fix, whole);
        }
    }
}

/// The amount of a `Money` along the way.
fn money(draft: &mut Draft<Invoice>, base: Element<'_>, path: &str, way: &[&str], field: &str) -> Option<Decimal> {
    let (holder, path) = follow(base, path, way)?;
    draft.decimal_said(said(holder, &path, &["Money"]), field)
}

/// Each amount says its currency; the amount due speaks for the document.
fn currency_of(draft: &mut Draft<Invoice>, summary: Element<'_>, path: &str) -> Option<Text> {
    ["DueAmount", "NetAmount", "GrossAmount", "SubtotalAmount"].iter().find_map(|name| {
        let (money, path) = follow(summary, path, &[name, "Money"])?;
        draft.text_said(money.attribute_at("currency", &path), "currency")
    })
}

fn read_taxes(draft: &mut Draft<Invoice>, summary: Element<'_>, path: &str) {
    let Some((tax, path)) = follow(summary, path, &["Tax"]) else { return };
    for detail in tax.children("TaxDetail") {
        let field = format!("tax_breakdown[{}]", draft.body.tax_breakdown.len());
        let path = detail.path_below(&path);
        draft.group(field.clone(), detail, &path);
        let said = detail.attribute_at("percentageRate", &path);
        let breakdown = TaxBreakdown {
            rate: draft.decimal_said(said, &format!("{field}.rate")),
            base: money(draft, detail, &path, &["TaxableAmount"], &format!("{field}.base")),
            tax: money(draft, detail, &path, &["TaxAmount"], &format!("{field}.tax")),
            exemption_reason: detail.attribute("exemptDetail").map(Text::from),
            ..TaxBreakdown::default()
        };
        draft.body.tax_breakdown.push(breakdown);
    }
}

fn read_partner(invoice: &mut Invoice, partner: Element<'_>) {
    let Some(contact) = partner.child("Contact") else { return };
    let mut found = party(contact);
    for reference in partner.children("IdReference") {
        let value = reference.attribute("identifier").filter(|value| !value.is_empty()).map(str::to_owned);
        let scheme = reference.attribute("domain").map(str::to_owned);
        match (scheme.as_deref(), value) {
            (Some("vatID" | "supplierTaxID" | "buyerTaxID"), value) => {
                found.vat_id = value.or(found.vat_id.map(Into::into)).map(Into::into)
            }
            (_, value) => {
                found.ids.extend(value.map(|value| Identifier { scheme: scheme.map(Into::into), value: value.into() }))
            }
        }
    }
    let merged = |known: &mut crate::canonical::Party, mut found: crate::canonical::Party| {
        found.ids.extend(std::mem::take(&mut known.ids));
        *known = found;
    };
    match contact.attribute("role") {
        Some("from" | "issuerOfInvoice" | "supplierCorporate") if invoice.seller.name.is_none() => {
            merged(&mut invoice.seller, found);
        }
        Some("billTo" | "soldTo" | "buyerCorporate") if invoice.buyer.name.is_none() => {
            merged(&mut invoice.buyer, found);
        }
        Some("remitTo") => invoice.payee = Some(found),
        Some("taxRepresentative") => invoice.tax_representative = Some(found),
        _ => {}
    }
}

fn read_terms(draft: &mut Draft<Invoice>, term: Element<'_>, path: &str) {
    let days = term.attribute("payInNumberOfDays").and_then(|days| days.parse().ok());
    let percent = term.attribute_at("percentageRate", path);
    let percent = percent.or_else(|| {
        let (found, path) = follow(term, path, &["Discount", "DiscountPercent"])?;
        found.attribute_at("percent", &path)
    });
    let amount = follow(term, path, &["Discount", "DiscountAmount", "Money"]);
    let index = draft.body.terms.as_ref().map_or(0, |terms| terms.discounts.len());
    let field = format!("terms.discounts[{index}]");
    let percent = draft.decimal_said(percent, &format!("{field}.percent")).filter(|percent| !percent.is_zero());
    let amount = amount.and_then(|(found, path)| draft.decimal_said(said_by(found, &path), &format!("{field}.amount")));
    let terms = draft.body.terms.get_or_insert_with(PaymentTerms::default);
    if percent.is_some() || amount.is_some() {
        terms.discounts.push(TermsDiscount { percent, days, date: None, amount });
    } else {
        terms.net_days = terms.net_days.or(days);
    }
}

/// Extrinsics are private; these are what the networks call the same thing everywhere.
fn read_extrinsic(invoice: &mut Invoice, extrinsic: Element<'_>) {
    let value = extrinsic.value().map(str::to_owned);
    match extrinsic.attribute("name") {
        Some("supplierVatID" | "supplierTaxID") => {
            invoice.seller.vat_id = invoice.seller.vat_id.take().or(value.map(Into::into))
        }
        Some("buyerVatID" | "buyerTaxID") => {
            invoice.buyer.vat_id = invoice.buyer.vat_id.take().or(value.map(Into::into))
        }
        _ => {}
    }
}

fn read_reference(reference: Element<'_>) -> Item {
    let mut classifications = Vec::new();
    for classification in reference.children("Classification") {
        let list = classification.attribute("domain").map(str::to_owned);
        classifications
            .extend(classification.value().map(|code| ItemId { list: list.map(Into::into), code: code.into() }));
    }
    Item {
        name: reference.text_at(&["Description"]),
        seller_id: reference.text_at(&["ItemID", "SupplierPartID"]),
        buyer_id: reference.text_at(&["ItemID", "BuyerPartID"]),
        classifications,
        origin: reference.child("Country").and_then(|country| country.attribute("isoCountryCode")).map(Text::from),
        ..Item::default()
    }
}

fn note(text: &str) -> Note {
    Note { subject: None, text: text.into() }
}

impl Reader for Reading {
    fn step(&self, parent: &str, name: &str) -> Step {
        match (parent, name) {
            ("InvoiceDetailRequest", "InvoiceDetailOrder" | "InvoiceDetailHeaderOrder") => Step::Into,
            ("InvoiceDetailRequest", "InvoiceDetailRequestHeader" | "InvoiceDetailSummary")
            | ("InvoiceDetailOrder" | "InvoiceDetailHeaderOrder", "InvoiceDetailOrderInfo")
            | ("InvoiceDetailOrder", "InvoiceDetailItem" | "InvoiceDetailServiceItem")
            | ("InvoiceDetailHeaderOrder", "InvoiceDetailOrderSummary") => Step::Take,
            _ => Step::Over,
        }
    }

    fn repeats(&self, name: &str) -> bool {
        matches!(
            name,
            "InvoiceDetailOrder" | "InvoiceDetailHeaderOrder" | "InvoiceDetailItem" | "InvoiceDetailServiceItem"
        )
    }

    fn entered(&mut self, tag: &Tag, _path: &str, _desk: &mut Desk<'_, '_>) -> Result<(), Trouble> {
        if matches!(tag.name(), "InvoiceDetailOrder" | "InvoiceDetailHeaderOrder") {
            self.order = None;
        }
        Ok(())
    }

    fn taken(
        &mut self,
        _parent: &str,
        element: Element<'_>,
        path: &str,
        _desk: &mut Desk<'_, '_>,
    ) -> Result<(), Trouble> {
        match element.name() {
            "InvoiceDetailRequestHeader" => self.read_head(element, path),
            "InvoiceDetailOrderInfo" => self.read_order(element),
            "InvoiceDetailSummary" => self.read_summary(element, path),
            _ => self.read_item(element, path),
        }
        Ok(())
    }

    fn left(&mut self, name: &str, whole: Location, desk: &mut Desk<'_, '_>) -> Result<(), Trouble> {
        if name != "InvoiceDetailRequest" {
            return Ok(());
        }
        self.check(&whole);
        let empty = Draft::new(Invoice::default(), String::new(), desk.limits());
        let mut draft = std::mem::replace(&mut self.draft, empty);
        draft.require(draft.body.number.is_some(), "number", "invoiceID", &whole);
        draft.require(draft.body.issue_date.is_some(), "issue_date", "invoiceDate", &whole);
        if draft.body.totals.payable.is_none() && !draft.unreadable.contains("totals.payable") {
            let message = "the invoice states no amount due: `NetAmount` is missing or empty".to_owned();
            draft.doubt("CXML-DUE", "totals", message, "Write what is due as `NetAmount` or `DueAmount`.", &whole);
        }
        turn_if_negative(&mut draft.body);
        tell_invoice(draft, self.cover.clone(), whole, desk)
    }
}
