//! PEXR2001 to PEXR2003: a payment with the documents it settles. The message REMADV tells the payee, PAYEXT
//! orders the bank.
//!
//! Amounts are told apart by `MOAQUAL`: of the payment 002; of a document 004 what it was for, 003 its
//! discount, 006 what is paid of it. Where a sender writes one amount only, that is it (001).

use rust_decimal::Decimal;

use super::{Control, field, known, party};
use crate::canonical::{
    Account, Adjustment, Body, Identifier, PaymentOrder, RemittanceAdvice, RemittanceLine, SettledKind, Text,
};
use crate::xml::closing::{Cover, tell};
use crate::xml::desk::Desk;
use crate::xml::draft::Draft;
use crate::xml::element::Element;
use crate::xml::stream::Trouble;
use crate::xml::values::sum;
use crate::{Limits, Location};

/// The segments of an IDoc that are read.
pub(super) const SEGMENTS: [&str; 10] =
    ["E1IDKU1", "E1EDK02", "E1EDK03", "E1EDK12", "E1IDKU3", "E1IDKU5", "E1IDB02", "E1EDKA1", "E1IDPU1", "E1IDT01"];

/// One IDoc while it is read.
pub(super) struct Reading {
    draft: Draft<RemittanceAdvice>,
    /// The qualifier of the amount that is taken for the total.
    total_qualifier: Option<String>,
}

impl Reading {
    pub(super) fn new(limits: Limits) -> Self {
        Self { draft: Draft::new(RemittanceAdvice::default(), String::new(), limits), total_qualifier: None }
    }

    /// One segment at the level of the IDoc.
    pub(super) fn read(&mut self, segment: Element<'_>, path: &str) {
        let qualifier = segment.text_at(&["QUALF"]).or_else(|| segment.text_at(&["IDDAT"]));
        let qualifier = qualifier.as_deref().unwrap_or_default();
        let draft = &mut self.draft;
        match segment.name() {
            "E1IDKU1" => {
                let number = draft.text_said(field(segment, path, "BGMREF"), "number");
                draft.body.number = number.or(draft.body.number.take());
                // Some senders put all the other segments into this one.
                for inner in segment.elements().filter(|inner| is_segment(*inner)) {
                    self.read(inner, &inner.path_below(path));
                }
            }
            "E1EDK02" | "E1EDK12" => {
                let value = segment.text_at(&["BELNR"]);
                let scheme = Some(format!("sap:{qualifier}"));
                draft.body.traces.extend(value.map(|value| Identifier { scheme: scheme.map(Into::into), value }));
            }
            "E1EDK03" => self.read_date(segment, path, qualifier),
            "E1IDKU3" => draft.body.method = segment.text_at(&["PAIRZAWE"]).or_else(|| segment.text_at(&["PAIZWEG"])),
            "E1IDKU5" | "E1IDPU5" => self.read_total(segment, path),
            "E1IDB02" => self.read_bank(segment),
            "E1EDKA1" => self.read_partner(segment, path),
            "E1IDPU1" => self.read_line(segment, path),
            "E1IDT01" => {
                let lines: Vec<&str> =
                    segment.elements().filter(|part| part.name() != "TXTVW").filter_map(Element::value).collect();
                draft.body.notes.extend(Some(lines.join("\n")).filter(|note| !note.is_empty()).map(Text::from));
            }
            _ => {}
        }
    }

    /// Dates: 012 and 011 of the advice, 017 and 026 of the payment, 010 of its value.
    fn read_date(&mut self, segment: Element<'_>, path: &str, qualifier: &str) {
        let draft = &mut self.draft;
        match qualifier {
            "011" | "012" => draft.body.issue_date = draft.sap_day_said(field(segment, path, "DATUM"), "issue_date"),
            "010" | "017" | "026" if draft.body.payment_date.is_none() => {
                draft.body.payment_date = draft.sap_day_said(field(segment, path, "DATUM"), "payment_date");
            }
            _ => {}
        }
    }

    /// The payment's amount: 002 is in its own currency; 001 will do where that is missing.
    fn read_total(&mut self, segment: Element<'_>, path: &str) {
        let qualifier = segment.text_at(&["MOAQUAL"]).unwrap_or_default();
        let rank = |qualifier: &str| match qualifier {
            "002" => 2,
            "001" => 1,
            _ => 0,
        };
        let is_better = self.total_qualifier.as_deref().is_none_or(|known| rank(&qualifier) > rank(known));
        if rank(&qualifier) == 0 || !is_better {
            return;
        }
        let draft = &mut self.draft;
        draft.evidence.retain(|item| !matches!(item.field.as_str(), "total" | "currency"));
        draft.body.total = draft.sap_decimal_said(field(segment, path, "MOABETR"), "total");
        draft.body.currency = draft.text_said(field(segment, path, "CUXWAERZ"), "currency");
        self.total_qualifier = Some(qualifier.into());
    }

    /// Banks: `BA` the payer's, `BB` and `BE` the payee's.
    fn read_bank(&mut self, segment: Element<'_>) {
        let bank = segment.text_at(&["FIIBKENN"]).or_else(|| segment.text_at(&["FIISWIFT"]));
        let number = segment.text_at(&["FIIBAN"]).or_else(|| segment.text_at(&["FIIKONTO"]));
        let account = Account {
            number,
            bank: bank.map(|value| Identifier { scheme: segment.text_at(&["FIIBLAND"]), value }),
            name: segment.text_at(&["FIIKNAME"]),
        };
        match segment.text_at(&["FIIQUALI"]).as_deref() {
            Some("BA") => self.draft.body.payer_account = Some(account),
            Some("BB" | "BE") => self.draft.body.payee_account = Some(account),
            _ => {}
        }
    }

    /// Partners: `AG` pays, `BE` is paid, `ZE` is paid in its place; `LF` where the vendor is named as such.
    fn read_partner(&mut self, segment: Element<'_>, path: &str) {
        let draft = &mut self.draft;
        let is_paid = !draft.body.payee.ids.is_empty() || draft.body.payee.name.is_some();
        let (place, name) = match segment.text_at(&["PARVW"]).as_deref() {
            Some("AG" | "RG") => (&mut draft.body.payer, "payer"),
            Some("ZE") => (&mut draft.body.payee, "payee"),
            Some("BE" | "LF" | "RE") if !is_paid => (&mut draft.body.payee, "payee"),
            _ => return,
        };
        *place = party(segment);
        draft.group(name, segment, path);
    }

    fn read_line(&mut self, segment: Element<'_>, path: &str) {
        let draft = &mut self.draft;
        let name = format!("lines[{}]", draft.body.lines.len());
        draft.group(name.clone(), segment, path);
        let mut line = RemittanceLine { type_code: segment.text_at(&["DOCNAME"]), ..RemittanceLine::default() };
        line.document_type = match line.type_code.as_deref() {
            None | Some("INV") => SettledKind::Invoice,
            Some("CRM") => SettledKind::CreditNote,
            Some("DBM") => SettledKind::DebitNote,
            Some(_) => SettledKind::Other,
        };
        line.document_number = draft.text_said(field(segment, path, "DOCNUMMR"), &format!("{name}.document_number"));
        let mut only = None;
        let inside: Vec<Element<'_>> = segment.elements().collect();
        for part in inside {
            let path = part.path_below(path);
            let qualifier = part.text_at(&["QUALF"]).or_else(|| part.text_at(&["IDDAT"]));
            match (part.name(), qualifier.as_deref()) {
                ("E1IDPU5", _) => {
                    let said = field(part, &path, "MOABETR");
                    match part.text_at(&["MOAQUAL"]).as_deref() {
                        Some("003") => line.discount = draft.sap_decimal_said(said, &format!("{name}.discount")),
                        Some("004") => line.original = draft.sap_decimal_said(said, &format!("{name}.original")),
                        Some("006") => line.paid = draft.sap_decimal_said(said, &format!("{name}.paid")),
                        Some("001") => only = only.or(said),
                        _ => {}
                    }
                }
                // 009 is the payee's number of the document, 010 the payer's own.
                ("E1EDP02", Some("009")) if line.document_number.is_none() => {
                    let number = draft.text_said(field(part, &path, "BELNR"), &format!("{name}.document_number"));
                    line.document_number = number;
                }
                ("E1EDP02", Some("001")) => line.purchase_order = part.text_at(&["BELNR"]),
                ("E1EDP02", Some("070")) => line.note = line.note.take().or_else(|| part.text_at(&["BELNR"])),
                ("E1EDP02", Some(kind)) => {
                    let scheme = Some(format!("sap:{kind}"));
                    line.references.extend(
                        part.text_at(&["BELNR"]).map(|value| Identifier { scheme: scheme.map(Into::into), value }),
                    );
                }
                ("E1EDP03", Some("012" | "015")) => {
                    let day = draft.sap_day_said(field(part, &path, "DATUM"), &format!("{name}.document_date"));
                    line.document_date = day;
                }
                ("E1IDPU2", _) => {
                    let adjusted = format!("{name}.adjustments[{}].amount", line.adjustments.len());
                    let said = field(part, &path, "MOABETR").or_else(|| field(part, &path, "AJTBETR"));
                    if let Some(amount) = draft.sap_decimal_said(said, &adjusted) {
                        let reason_code = part.text_at(&["AJTGRUND"]);
                        line.adjustments.push(Adjustment { amount, reason_code, ..Adjustment::default() });
                    }
                }
                _ => {}
            }
        }
        if line.paid.is_none() {
            line.paid = draft.sap_decimal_said(only, &format!("{name}.paid"));
        }
        // What is credited takes away from the payment, whether or not the sender writes the minus.
        if line.document_type == SettledKind::CreditNote {
            line.paid = line.paid.map(|paid| if paid.is_sign_positive() && !paid.is_zero() { -paid } else { paid });
        }
        draft.body.lines.push(line);
    }

    /// Tells the advice, or the order.
    pub(super) fn tell(
        self,
        control: &Control,
        cover: Cover,
        whole: Location,
        desk: &mut Desk<'_, '_>,
    ) -> Result<(), Trouble> {
        let mut draft = self.draft;
        known(&mut draft.body.payer, control.sender.as_ref());
        draft.require(draft.body.number.is_some(), "number", "E1IDKU1/BGMREF", &whole);
        draft.require(draft.body.total.is_some(), "total", "E1IDKU5/MOABETR", &whole);
        check_sum(&mut draft, &whole);
        let advice = std::mem::take(&mut draft.body);
        if control.message.as_deref() == Some("PAYEXT") {
            for item in &mut draft.evidence {
                let renamed = match item.field.as_str() {
                    "total" => "amount",
                    "number" => "message_id",
                    "payment_date" => "execution_date",
                    _ => continue,
                };
                item.field = renamed.into();
            }
            return tell(draft, Body::PaymentOrder(Box::new(order(advice))), cover, whole, desk);
        }
        tell(draft, Body::RemittanceAdvice(Box::new(advice)), cover, whole, desk)
    }
}

fn is_segment(element: Element<'_>) -> bool {
    SEGMENTS.contains(&element.name()) || element.name() == "E1IDPU5"
}

fn check_sum(draft: &mut Draft<RemittanceAdvice>, whole: &Location) {
    let lines = &draft.body.lines;
    let paid: Option<Decimal> = sum(lines.iter().map(|line| line.paid)).filter(|_| !lines.is_empty());
    if let (Some(total), Some(paid)) = (draft.body.total, paid)
        && total != paid
    {
        let message = format!("the payment is of {total}, but what is paid of its documents adds up to {paid}");
        draft.doubt("PEXR-SUM", "total", message, "Correct the amount of the payment, or of a document.", whole);
    }
}

fn order(advice: RemittanceAdvice) -> PaymentOrder {
    PaymentOrder {
        message_id: advice.number,
        issue_date: advice.issue_date,
        execution_date: advice.payment_date,
        method: advice.method,
        currency: advice.currency,
        amount: advice.total,
        payer: advice.payer,
        payee: advice.payee,
        payer_account: advice.payer_account,
        payee_account: advice.payee_account,
        references: advice.traces,
        notes: advice.notes,
        lines: advice.lines,
        ..PaymentOrder::default()
    }
}
