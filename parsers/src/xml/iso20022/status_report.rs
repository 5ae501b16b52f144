//! pain.002: what a bank says of payment orders. One message is one acknowledgment.

use super::parties::party;
use crate::canonical::{AcknowledgedFault, AcknowledgedItem, Acknowledgment, Body, Verdict};
use crate::xml::closing::{Cover, tell};
use crate::xml::desk::Desk;
use crate::xml::draft::Draft;
use crate::xml::element::Element;
use crate::xml::stream::Trouble;
use crate::xml::values::said;
use crate::xml::walk::{Reader, Step};
use crate::{Limits, Location};

/// One report.
pub(super) struct Status {
    cover: Cover,
    draft: Draft<Acknowledgment>,
    /// The batch that is being read; its place among the items.
    batch: Option<usize>,
    is_told: bool,
}

impl Status {
    pub(super) fn new(cover: Cover, limits: Limits) -> Self {
        let draft = Draft::new(Acknowledgment::default(), String::new(), limits);
        Self { cover, draft, batch: None, is_told: false }
    }

    fn read_head(&mut self, head: Element<'_>, path: &str) {
        let draft = &mut self.draft;
        draft.body.number = draft.text_said(said(head, path, &["MsgId"]), "number");
        draft.body.issue_date = draft.day_said(said(head, path, &["CreDtTm"]), "issue_date");
        let sender = ["DbtrAgt", "CdtrAgt"].iter().find_map(|name| head.child(name)).and_then(super::parties::bank);
        draft.body.sender = head.child("InitgPty").map(party).unwrap_or_default();
        draft.body.sender.ids.extend(sender);
    }

    fn read_group(&mut self, group: Element<'_>, path: &str) {
        let draft = &mut self.draft;
        draft.body.subject.control = draft.text_said(said(group, path, &["OrgnlMsgId"]), "subject.control");
        draft.body.subject.kind = group.text_at(&["OrgnlMsgNmId"]);
        draft.body.subject.included = group.child("OrgnlNbOfTxs").and_then(super::count);
        draft.body.verdict_code = draft.text_said(said(group, path, &["GrpSts"]), "verdict_code");
        let accepted = group.children("NbOfTxsPerSts").filter(|part| {
            let status = part.text_at(&["DtldSts"]);
            status.is_some_and(|status| verdict_of(&status) == Verdict::Accepted)
        });
        draft.body.subject.accepted = accepted
            .filter_map(|part| part.child("DtldNbOfTxs").and_then(super::count))
            .fold(None, |sum: Option<u64>, count| Some(sum.unwrap_or(0).saturating_add(count)));
        draft.body.faults = group.children("StsRsnInf").flat_map(faults).collect();
    }

    fn add_item(&mut self, kind: &str, element: Element<'_>, ways: &[&str], status: &str) {
        let verdict_code = element.text_at(&[status]);
        self.draft.body.items.push(AcknowledgedItem {
            kind: Some(kind.into()),
            control: ways.iter().find_map(|name| element.text_at(&[name])),
            verdict: verdict_code.as_deref().map_or(Verdict::Received, verdict_of),
            verdict_code,
            faults: element.children("StsRsnInf").flat_map(faults).collect(),
        });
    }

    fn batch_item(&mut self) -> Option<&mut AcknowledgedItem> {
        self.batch.and_then(|index| self.draft.body.items.get_mut(index))
    }

    fn read_batch_part(&mut self, part: Element<'_>) {
        let value = part.value().map(str::to_owned);
        let found: Vec<AcknowledgedFault> =
            if part.name() == "StsRsnInf" { faults(part).collect() } else { Vec::new() };
        let Some(item) = self.batch_item() else { return };
        match part.name() {
            "OrgnlPmtInfId" => item.control = value.map(Into::into),
            "PmtInfSts" => {
                item.verdict = value.as_deref().map_or(Verdict::Received, verdict_of);
                item.verdict_code = value.map(Into::into);
            }
            _ => item.faults.extend(found),
        }
    }
}

/// ISO 20022 external code list `PaymentTransactionStatus`.
fn verdict_of(status: &str) -> Verdict {
    match status {
        "ACCC" | "ACCP" | "ACFC" | "ACSC" | "ACSP" | "ACTC" => Verdict::Accepted,
        "ACWC" | "ACWP" => Verdict::AcceptedWithErrors,
        "PART" | "PATC" => Verdict::PartiallyAccepted,
        "RJCT" | "CANC" => Verdict::Rejected,
        _ => Verdict::Received,
    }
}

/// Of the whole, where the message says nothing of it: what its items come to.
fn verdict_of_items(items: &[AcknowledgedItem]) -> Verdict {
    let is_refused = |verdict: Verdict| matches!(verdict, Verdict::Rejected | Verdict::PartiallyAccepted);
    if items.iter().any(|item| is_refused(item.verdict)) {
        // Only what was refused is listed as a rule, so that all of the list is not all of the message.
        return Verdict::PartiallyAccepted;
    }
    let all = |verdict: Verdict| !items.is_empty() && items.iter().all(|item| item.verdict == verdict);
    if all(Verdict::Accepted) { Verdict::Accepted } else { Verdict::Received }
}

/// `StsRsnInf`: one fault, its texts joined.
fn faults(information: Element<'_>) -> impl Iterator<Item = AcknowledgedFault> {
    let code = information.text_at(&["Rsn", "Cd"]).or_else(|| information.text_at(&["Rsn", "Prtry"]));
    let code = code.or_else(|| information.text_at(&["StsRsn", "Cd"]));
    let text: Vec<&str> = information
        .children("AddtlInf")
        .chain(information.children("AddtlStsRsnInf"))
        .filter_map(Element::value)
        .collect();
    let text = Some(text.join("\n")).filter(|text| !text.is_empty());
    let is_something = code.is_some() || text.is_some();
    is_something
        .then(|| AcknowledgedFault { code, text: text.map(Into::into), ..AcknowledgedFault::default() })
        .into_iter()
}

impl Reader for Status {
    fn step(&self, parent: &str, name: &str) -> Step {
        match (parent, name) {
            ("Document", "CstmrPmtStsRpt" | "pain.002.001.02") => Step::Into,
            ("CstmrPmtStsRpt" | "pain.002.001.02", "OrgnlPmtInfAndSts") => Step::Into,
            ("CstmrPmtStsRpt" | "pain.002.001.02", "GrpHdr" | "OrgnlGrpInfAndSts") => Step::Take,
            ("CstmrPmtStsRpt" | "pain.002.001.02" | "OrgnlPmtInfAndSts", "TxInfAndSts") => Step::Take,
            ("OrgnlPmtInfAndSts", "OrgnlPmtInfId" | "PmtInfSts" | "StsRsnInf") => Step::Take,
            _ => Step::Over,
        }
    }

    fn repeats(&self, name: &str) -> bool {
        matches!(name, "OrgnlPmtInfAndSts" | "TxInfAndSts" | "StsRsnInf")
    }

    fn entered(&mut self, tag: &crate::xml::tag::Tag, _path: &str, _desk: &mut Desk<'_, '_>) -> Result<(), Trouble> {
        if tag.name() == "OrgnlPmtInfAndSts" {
            self.batch = Some(self.draft.body.items.len());
            self.draft.body.items.push(AcknowledgedItem { kind: Some("PmtInf".into()), ..AcknowledgedItem::default() });
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
            "OrgnlGrpInfAndSts" => self.read_group(element, path),
            "TxInfAndSts" => self.add_item("Tx", element, &["OrgnlEndToEndId", "OrgnlInstrId", "StsId"], "TxSts"),
            _ => self.read_batch_part(element),
        }
        Ok(())
    }

    fn left(&mut self, name: &str, whole: Location, desk: &mut Desk<'_, '_>) -> Result<(), Trouble> {
        if name != "Document" || self.is_told {
            return Ok(());
        }
        self.is_told = true;
        let empty = Draft::new(Acknowledgment::default(), String::new(), desk.limits());
        let mut draft = std::mem::replace(&mut self.draft, empty);
        draft.require(draft.body.number.is_some(), "number", "MsgId", &whole);
        let mut report = std::mem::take(&mut draft.body);
        report.verdict = match report.verdict_code.as_deref() {
            Some(code) => verdict_of(code),
            None => verdict_of_items(&report.items),
        };
        tell(draft, Body::Acknowledgment(Box::new(report)), self.cover.clone(), whole, desk)
    }
}
