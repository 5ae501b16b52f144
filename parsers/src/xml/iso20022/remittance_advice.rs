//! remt.001: remittance advices, one document for each `RmtInf`.

use rust_decimal::Decimal;

use super::holds_none;
use super::parties::{account, at_bank, bank, party};
use super::remittance::Remitted;
use crate::canonical::{Body, Handling, Identifier, RemittanceAdvice, Text};
use crate::xml::closing::{Cover, tell};
use crate::xml::desk::Desk;
use crate::xml::draft::Draft;
use crate::xml::element::Element;
use crate::xml::stream::Trouble;
use crate::xml::tag::Tag;
use crate::xml::values::{follow, said, said_by, sum};
use crate::xml::walk::{Reader, Step};
use crate::{Limits, Location};

/// The advices of one message.
pub(super) struct Advices {
    cover: Cover,
    limits: Limits,
    message: Draft<RemittanceAdvice>,
    message_id: Option<Text>,
    advice: Draft<RemittanceAdvice>,
    remitted: Remitted,
    told: u64,
}

impl Advices {
    pub(super) fn new(cover: Cover, limits: Limits) -> Self {
        let draft = || Draft::new(RemittanceAdvice::default(), String::new(), limits);
        let (message, advice) = (draft(), draft());
        Self { cover, limits, message, message_id: None, advice, remitted: Remitted::default(), told: 0 }
    }

    fn read_head(&mut self, head: Element<'_>, path: &str) {
        let message = &mut self.message;
        message.body.number = message.text_said(said(head, path, &["MsgId"]), "number");
        self.message_id.clone_from(&message.body.number);
        message.body.issue_date = message.day_said(said(head, path, &["CreDtTm"]), "issue_date");
        message.body.payer = head.child("InitgPty").map(party).unwrap_or_default();
        message.body.payee = head.child("MsgRcpt").map(party).unwrap_or_default();
        message.body.handling = Some(Handling::AdviceOnly);
    }

    /// `OrgnlPmtInf`: the payment the advice is of.
    fn read_payment(&mut self, payment: Element<'_>, path: &str) {
        let advice = &mut self.advice;
        for (scheme, name) in [
            ("MsgId", "MsgId"),
            ("AcctSvcrRef", "AcctSvcrRef"),
            ("PmtInfId", "PmtInfId"),
            ("InstrId", "InstrId"),
            ("EndToEndId", "EndToEndId"),
            ("TxId", "TxId"),
            ("UETR", "UETR"),
            ("ChqNb", "ChqNb"),
        ] {
            let value = payment.text_at(&["Refs", name]).or_else(|| payment.text_at(&[name]));
            advice.body.traces.extend(value.map(|value| Identifier { scheme: Some(scheme.into()), value }));
        }
        let ways: [&[&str]; 6] = [
            &["Amt", "InstdAmt"],
            &["Amt", "EqvtAmt", "Amt"],
            &["InstdAmt"],
            &["IntrBkSttlmAmt"],
            &["Amt", "Amt"],
            &["Amt"],
        ];
        if let Some((amount, path)) =
            ways.iter().filter_map(|way| follow(payment, path, way)).find(|(amount, _)| amount.value().is_some())
        {
            advice.body.total = advice.decimal_said(said_by(amount, &path), "total");
            advice.body.currency = advice.text_said(amount.attribute_at("Ccy", &path), "currency");
        }
        let day = said(payment, path, &["ReqdExctnDt"])
            .or_else(|| said(payment, path, &["ReqdExctnDt", "Dt"]))
            .or_else(|| said(payment, path, &["ReqdExctnDt", "DtTm"]))
            .or_else(|| said(payment, path, &["IntrBkSttlmDt"]));
        advice.body.payment_date = advice.day_said(day, "payment_date");
        advice.body.method = payment.text_at(&["PmtMtd"]).or_else(|| payment.text_at(&["PmtTpInf", "SvcLvl", "Cd"]));
        if let Some(payer) = payment.child("Dbtr") {
            advice.group("payer", payer, &payer.path_below(path));
            advice.body.payer = party(payer);
        }
        if let Some(payee) = payment.child("Cdtr") {
            advice.group("payee", payee, &payee.path_below(path));
            advice.body.payee = party(payee);
        }
        let at = |account_name: &str, agent: &str| {
            at_bank(payment.child(account_name).and_then(account), payment.child(agent).and_then(bank))
        };
        advice.body.payer_account = at("DbtrAcct", "DbtrAgt");
        advice.body.payee_account = at("CdtrAcct", "CdtrAgt");
    }

    fn tell_advice(&mut self, whole: Location, desk: &mut Desk<'_, '_>) -> Result<(), Trouble> {
        let empty = Draft::new(RemittanceAdvice::default(), String::new(), self.limits);
        let mut draft = std::mem::replace(&mut self.advice, empty);
        let remitted = std::mem::take(&mut self.remitted);
        draft.body.notes.extend(remitted.notes);
        draft.body.traces.extend(remitted.references);
        draft.body.lines = remitted.lines;
        check_sum(&mut draft, &whole);
        let advice = std::mem::take(&mut draft.body);
        self.told += 1;
        let mut cover = self.cover.clone();
        cover.control.extend(self.message_id.clone().map(|id| ("MsgId".into(), id)));
        tell(draft, Body::RemittanceAdvice(Box::new(advice)), cover, whole, desk)
    }
}

/// What is paid is what the lines come to, where each says what is paid of it.
fn check_sum(draft: &mut Draft<RemittanceAdvice>, whole: &Location) {
    let advice = &draft.body;
    let Some(total) = advice.total.filter(|_| !advice.lines.is_empty()) else { return };
    let Some(paid) = sum(advice.lines.iter().map(|line| line.paid)) else { return };
    let more: Option<Decimal> = sum(advice.adjustments.iter().map(|adjustment| Some(adjustment.amount)));
    let Some(expected) = more.and_then(|more| paid.checked_add(more)) else { return };
    if expected != total {
        let message = format!("the payment is of {total}, but what is remitted adds up to {expected}");
        draft.doubt("REMT-SUM", "total", message, "Correct the amount of the payment, or of a document.", whole);
    }
}

impl Reader for Advices {
    fn step(&self, parent: &str, name: &str) -> Step {
        match (parent, name) {
            ("Document", "RmtAdvc") | ("RmtAdvc", "RmtInf") => Step::Into,
            ("RmtAdvc", "GrpHdr") => Step::Take,
            ("RmtInf", "RmtId" | "Ustrd" | "Strd" | "OrgnlPmtInf") => Step::Take,
            _ => Step::Over,
        }
    }

    fn repeats(&self, name: &str) -> bool {
        matches!(name, "RmtInf" | "Ustrd" | "Strd")
    }

    fn entered(&mut self, tag: &Tag, path: &str, desk: &mut Desk<'_, '_>) -> Result<(), Trouble> {
        if tag.name() == "RmtInf" {
            // What is wrong with the head of the message is said once, of the file.
            for finding in self.message.findings.drain(..) {
                desk.finding(finding)?;
            }
            self.remitted = Remitted::default();
            self.advice = Draft::new(self.message.body.clone(), path.to_owned(), self.limits);
            self.advice.evidence.clone_from(&self.message.evidence);
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
            "GrpHdr" => self.read_head(element, path),
            "RmtId" => {
                if element.value().is_some() {
                    self.advice.evidence.retain(|item| item.field != "number");
                    self.advice.body.number = self.advice.text_said(said_by(element, path), "number");
                }
            }
            "OrgnlPmtInf" => self.read_payment(element, path),
            _ => self.remitted.read_part(&mut self.advice, element, path, ""),
        }
        Ok(())
    }

    fn left(&mut self, name: &str, whole: Location, desk: &mut Desk<'_, '_>) -> Result<(), Trouble> {
        match name {
            "RmtInf" => self.tell_advice(whole, desk),
            "Document" => {
                for finding in self.message.findings.drain(..) {
                    desk.finding(finding)?;
                }
                if self.told == 0 { desk.finding(holds_none("remittance advice", "RmtInf", whole)) } else { Ok(()) }
            }
            _ => Ok(()),
        }
    }
}
