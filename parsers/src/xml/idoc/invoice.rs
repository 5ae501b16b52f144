//! INVOIC02: what its segments mean.
//!
//! Which document it is says `E1EDK01/BSART` (`INVO`, `CRME`) or the billing type in `E1EDK14` with the
//! qualifier 015: `G2` and `RE` credit, and so does `S1`, which cancels an invoice.

use rust_decimal::Decimal;

use super::invoice_line::read_line;
use super::{Control, field, known, party};
use crate::canonical::{
    AllowanceCharge, CreditTransfer, Delivery, Identifier, Invoice, InvoiceKind, Note, Payment, PaymentTerms,
    TaxBreakdown, TermsDiscount,
};
use crate::xml::closing::{Cover, tell_invoice, turn_if_negative};
use crate::xml::desk::Desk;
use crate::xml::draft::Draft;
use crate::xml::element::Element;
use crate::xml::stream::Trouble;
use crate::{Limits, Location};

/// The segments of an IDoc that are read.
pub(super) const SEGMENTS: [&str; 13] = [
    "E1EDK01", "E1EDKA1", "E1EDK02", "E1EDK03", "E1EDK04", "E1EDK05", "E1EDK14", "E1EDK18", "E1EDK28", "E1EDKT1",
    "E1EDP01", "E1EDS01", "E1EDK17",
];

/// One IDoc while it is read.
pub(super) struct Reading {
    pub(super) draft: Draft<Invoice>,
    /// `E1EDK01/BELNR`, which stands for the number where `E1EDK02` has none.
    head_number: Option<String>,
    billing_type: Option<String>,
    net: Option<Decimal>,
}

impl Reading {
    pub(super) fn new(limits: Limits) -> Self {
        let draft = Draft::new(Invoice::default(), String::new(), limits);
        Self { draft, head_number: None, billing_type: None, net: None }
    }

    /// One segment at the level of the IDoc.
    pub(super) fn read(&mut self, segment: Element<'_>, path: &str) {
        let qualifier = segment.text_at(&["QUALF"]).or_else(|| segment.text_at(&["IDDAT"]));
        let qualifier = qualifier.as_deref().unwrap_or_default();
        match segment.name() {
            "E1EDK01" => self.read_head(segment, path),
            "E1EDKA1" => self.read_partner(segment, path),
            "E1EDK02" => self.read_reference(segment, path, qualifier),
            "E1EDK03" => self.read_date(segment, path, qualifier),
            "E1EDK04" => self.read_tax(segment, path),
            "E1EDK05" => self.read_condition(segment, path),
            "E1EDK14" if qualifier == "015" => self.billing_type = segment.text_at(&["ORGID"]).map(Into::into),
            "E1EDK18" => self.read_terms(segment, path, qualifier),
            "E1EDK28" => self.read_bank(segment),
            "E1EDKT1" => self.read_text(segment),
            "E1EDP01" => read_line(&mut self.draft, segment, path),
            "E1EDS01" => self.read_sum(segment, path),
            _ => {}
        }
    }

    fn read_head(&mut self, segment: Element<'_>, path: &str) {
        let draft = &mut self.draft;
        draft.body.currency = draft.text_said(field(segment, path, "CURCY"), "currency");
        draft.body.type_code = draft.text_said(field(segment, path, "BSART"), "type_code");
        self.head_number = draft.text_said(field(segment, path, "BELNR"), "head_number").map(Into::into);
        draft.body.seller.vat_id = segment.text_at(&["EIGENUINR"]);
        draft.body.buyer.vat_id = segment.text_at(&["KUNDEUINR"]);
        let rate = draft.sap_decimal_said(field(segment, path, "WKURS"), "exchange_rate");
        draft.body.exchange_rate = rate.filter(|rate| !rate.is_zero());
        if let Some(text) = segment.text_at(&["ZTERM"]) {
            draft.body.terms.get_or_insert_with(PaymentTerms::default).text = Some(text);
        }
    }

    /// Partner functions: `LF` vendor, `RS` who bills; `RE` bill-to, `AG` sold-to, `RG` payer; `WE` ship-to.
    fn read_partner(&mut self, segment: Element<'_>, path: &str) {
        let found = party(segment);
        let draft = &mut self.draft;
        let (place, name) = match segment.text_at(&["PARVW"]).as_deref() {
            Some("RS") => (&mut draft.body.seller, "seller"),
            Some("LF" | "BK") if draft.body.seller.ids.is_empty() => (&mut draft.body.seller, "seller"),
            Some("RE") => (&mut draft.body.buyer, "buyer"),
            Some("AG" | "RG") if draft.body.buyer.ids.is_empty() => (&mut draft.body.buyer, "buyer"),
            Some("WE") => {
                let location_id = found.ids.first().cloned();
                let place = Delivery { name: found.name, location_id, address: found.address, ..Delivery::default() };
                draft.body.delivery = Some(place);
                return draft.group("delivery", segment, path);
            }
            _ => return,
        };
        let vat_id = place.vat_id.take();
        *place = found;
        place.vat_id = place.vat_id.take().or(vat_id);
        draft.group(name, segment, path);
    }

    /// References: 001 the buyer's order, 002 the seller's, 009 the invoice, 012 and 016 the delivery,
    /// 087 the invoice that is corrected.
    fn read_reference(&mut self, segment: Element<'_>, path: &str, qualifier: &str) {
        let draft = &mut self.draft;
        if qualifier == "009" {
            draft.body.number = draft.text_said(field(segment, path, "BELNR"), "number");
            let day = draft.sap_day_said(field(segment, path, "DATUM"), "issue_date");
            draft.body.issue_date = day.or(draft.body.issue_date);
            return;
        }
        let Some(value) = segment.text_at(&["BELNR"]) else { return };
        let references = &mut draft.body.references;
        let place = match qualifier {
            "001" => &mut references.purchase_order,
            "002" => &mut references.sales_order,
            "005" => &mut references.contract,
            "012" | "016" => &mut references.despatch_advice,
            _ => {
                return references.other.push(Identifier { scheme: Some(format!("sap:{qualifier}").into()), value });
            }
        };
        *place = place.take().or(Some(value));
    }

    /// Dates: 012 of the document, 024 and 026 of the invoice, 001 and 035 of the delivery.
    fn read_date(&mut self, segment: Element<'_>, path: &str, qualifier: &str) {
        let draft = &mut self.draft;
        match qualifier {
            "012" | "024" | "026" if draft.body.issue_date.is_none() => {
                draft.body.issue_date = draft.sap_day_said(field(segment, path, "DATUM"), "issue_date");
            }
            "001" | "035" => {
                let day = draft.sap_day_said(field(segment, path, "DATUM"), "delivery.date");
                draft.body.delivery.get_or_insert_with(Delivery::default).date = day;
            }
            _ => {}
        }
    }

    fn read_tax(&mut self, segment: Element<'_>, path: &str) {
        let draft = &mut self.draft;
        let name = format!("tax_breakdown[{}]", draft.body.tax_breakdown.len());
        draft.group(name.clone(), segment, path);
        let breakdown = TaxBreakdown {
            rate: draft.sap_decimal_said(field(segment, path, "MSATZ"), &format!("{name}.rate")),
            tax: draft.sap_decimal_said(field(segment, path, "MWSBT"), &format!("{name}.tax")),
            ..TaxBreakdown::default()
        };
        draft.body.tax_breakdown.push(breakdown);
    }

    /// A condition of the document: `ALCKZ` says whether it is added or taken away.
    fn read_condition(&mut self, segment: Element<'_>, path: &str) {
        let draft = &mut self.draft;
        let name = format!("allowances_charges[{}]", draft.body.allowances_charges.len());
        draft.group(name.clone(), segment, path);
        let amount = draft.sap_decimal_said(field(segment, path, "BETRG"), &format!("{name}.amount"));
        let percent = draft.sap_decimal_said(field(segment, path, "KPERC"), &format!("{name}.percent"));
        draft.body.allowances_charges.push(AllowanceCharge {
            is_charge: segment.text_at(&["ALCKZ"]).as_deref() != Some("-"),
            amount,
            percent,
            reason: segment.text_at(&["KOTXT"]),
            reason_code: segment.text_at(&["KSCHL"]),
            ..AllowanceCharge::default()
        });
    }

    /// Terms: 001 and 002 with a discount, 003 net.
    fn read_terms(&mut self, segment: Element<'_>, path: &str, qualifier: &str) {
        let draft = &mut self.draft;
        let days = segment.text_at(&["TAGE"]).and_then(|days| days.parse().ok());
        let index = draft.body.terms.as_ref().map_or(0, |terms| terms.discounts.len());
        let percent =
            draft.sap_decimal_said(field(segment, path, "PRZNT"), &format!("terms.discounts[{index}].percent"));
        let terms = draft.body.terms.get_or_insert_with(PaymentTerms::default);
        match percent.filter(|percent| !percent.is_zero()) {
            Some(percent) => {
                terms.discounts.push(TermsDiscount { percent: Some(percent), days, date: None, amount: None });
            }
            None if qualifier != "005" => terms.net_days = terms.net_days.or(days),
            None => {}
        }
        terms.text = terms.text.take().or_else(|| segment.text_at(&["ZTERM_TXT"]));
    }

    fn read_bank(&mut self, segment: Element<'_>) {
        let account = segment.text_at(&["ACNUM"]).or_else(|| segment.text_at(&["IBAN"]));
        let Some(account) = account else { return };
        let transfer = CreditTransfer { account, name: segment.text_at(&["ACNAM"]), bic: segment.text_at(&["BRNUM"]) };
        self.draft.body.payments.push(Payment { credit_transfers: vec![transfer], ..Payment::default() });
    }

    fn read_text(&mut self, segment: Element<'_>) {
        let lines: Vec<&str> =
            segment.children("E1EDKT2").filter_map(|line| line.child("TDLINE")).filter_map(Element::value).collect();
        if !lines.is_empty() {
            self.draft.body.notes.push(Note { subject: segment.text_at(&["TDID"]), text: lines.join("\n").into() });
        }
    }

    /// Sums: 010 net, 005 tax, 011 what is billed.
    fn read_sum(&mut self, segment: Element<'_>, path: &str) {
        let draft = &mut self.draft;
        let said = field(segment, path, "SUMME");
        match segment.text_at(&["SUMID"]).as_deref() {
            Some("010") => {
                let net = draft.sap_decimal_said(said, "totals.tax_exclusive");
                draft.body.totals.tax_exclusive = net;
                self.net = net;
            }
            Some("005") => {
                let tax = draft.sap_decimal_said(said, "totals.tax");
                draft.body.totals.tax = tax;
            }
            Some("011") if draft.body.totals.payable.is_none() => {
                let gross = draft.sap_decimal_said(said, "totals.tax_inclusive");
                (draft.body.totals.tax_inclusive, draft.body.totals.payable) = (gross, gross);
                if gross.is_some() {
                    draft.also("totals.tax_inclusive", "totals.payable");
                }
                if draft.unreadable.contains("totals.tax_inclusive") {
                    draft.unreadable.insert("totals.payable".to_owned());
                }
            }
            _ => {}
        }
    }

    /// Tells the invoice.
    pub(super) fn tell(
        self,
        control: &Control,
        cover: Cover,
        whole: Location,
        desk: &mut Desk<'_, '_>,
    ) -> Result<(), Trouble> {
        let Self { mut draft, head_number, billing_type, net } = self;
        if draft.body.number.is_none() && head_number.is_some() {
            draft.body.number = head_number.map(Into::into);
            draft.also("head_number", "number");
        }
        draft.evidence.retain(|item| item.field != "head_number");
        draft.body.kind = kind_of(draft.body.type_code.as_deref(), billing_type.as_deref());
        draft.body.type_code = draft.body.type_code.take().or(billing_type.map(Into::into));
        known(&mut draft.body.seller, control.sender.as_ref());
        known(&mut draft.body.buyer, control.receiver.as_ref());
        // The net value is that of the items where nothing is added to the document or taken from it.
        let all_say = draft.body.lines.iter().all(|line| line.net_amount.is_some());
        if draft.body.allowances_charges.is_empty() && all_say && !draft.body.lines.is_empty() {
            draft.body.totals.line_net = net;
            draft.also("totals.tax_exclusive", "totals.line_net");
        }
        draft.require(draft.body.number.is_some(), "number", "E1EDK02/BELNR", &whole);
        draft.require(draft.body.issue_date.is_some(), "issue_date", "E1EDK02/DATUM", &whole);
        draft.require(draft.body.currency.is_some(), "currency", "E1EDK01/CURCY", &whole);
        draft.require(draft.body.totals.payable.is_some(), "totals.payable", "E1EDS01/SUMME", &whole);
        turn_if_negative(&mut draft.body);
        tell_invoice(draft, cover, whole, desk)
    }
}

fn kind_of(document: Option<&str>, billing: Option<&str>) -> InvoiceKind {
    match (document, billing) {
        (Some("CRME"), _) | (None, Some("G2" | "RE" | "S1")) => InvoiceKind::CreditNote,
        (Some("INVO"), Some("S1")) => InvoiceKind::CreditNote,
        _ => InvoiceKind::Invoice,
    }
}
