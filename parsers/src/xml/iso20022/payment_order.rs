//! pain.001: orders to pay, one document for each transaction.
//!
//! `NbOfTxs` and `CtrlSum` of the message and of each batch are counted over: the sum is that of all
//! individual amounts, instructed or equivalent, irrespective of currencies (ISO 20022, `ControlSum`).

use rust_decimal::Decimal;

use super::holds_none;
use super::parties::{account, at_bank, bank, party};
use super::remittance::Remitted;
use crate::canonical::{Body, Identifier, PaymentOrder, Text};
use crate::xml::closing::{Cover, tell};
use crate::xml::desk::Desk;
use crate::xml::draft::{Draft, decimal};
use crate::xml::element::Element;
use crate::xml::stream::Trouble;
use crate::xml::tag::Tag;
use crate::xml::values::{Stated, follow, mismatch, said, said_by};
use crate::xml::walk::{Reader, Step};
use crate::{Limits, Location};

/// The orders of one message.
pub(super) struct Orders {
    cover: Cover,
    limits: Limits,
    /// What the message says of all its orders.
    message: Draft<PaymentOrder>,
    /// What the batch that is being read says of its orders.
    batch: Draft<PaymentOrder>,
    of_message: Tally,
    of_batch: Tally,
}

/// What is stated of a number of transactions, and what they are.
#[derive(Debug, Default)]
struct Tally {
    stated_count: Option<Stated>,
    stated_sum: Option<Stated>,
    count: u64,
    /// `None` once an amount was not readable, or the sum too large.
    sum: Option<Decimal>,
}

impl Tally {
    fn new() -> Self {
        Self { sum: Some(Decimal::ZERO), ..Self::default() }
    }

    fn add(&mut self, amount: Option<Decimal>) {
        self.count += 1;
        self.sum = self.sum.zip(amount).and_then(|(sum, amount)| sum.checked_add(amount));
    }

    fn check(&self, what: &str, desk: &mut Desk<'_, '_>) -> Result<(), Trouble> {
        if let Some(stated) = &self.stated_count
            && stated.raw.parse() != Ok(self.count)
        {
            let message = format!("`NbOfTxs` says {} transactions, but {what} holds {}", stated.raw, self.count);
            let fix = "Correct the number of transactions, or send those that are missing.";
            desk.finding(mismatch("NBOFTXS", stated, message, fix))?;
        }
        if let (Some(stated), Some(sum)) = (&self.stated_sum, self.sum)
            && decimal(&stated.raw) != Some(sum)
        {
            let message = format!("`CtrlSum` says {}, but the amounts of {what} add up to {sum}", stated.raw);
            let fix = "Correct the control sum, or the amount that is wrong.";
            desk.finding(mismatch("CTRLSUM", stated, message, fix))?;
        }
        Ok(())
    }
}

impl Orders {
    pub(super) fn new(cover: Cover, limits: Limits) -> Self {
        let draft = || Draft::new(PaymentOrder::default(), String::new(), limits);
        Self { cover, limits, message: draft(), batch: draft(), of_message: Tally::new(), of_batch: Tally::new() }
    }

    fn read_head(&mut self, head: Element<'_>, path: &str) {
        let message = &mut self.message;
        message.body.message_id = message.text_said(said(head, path, &["MsgId"]), "message_id");
        message.body.issue_date = message.day_said(said(head, path, &["CreDtTm"]), "issue_date");
        if let Some(initiating) = head.child("InitgPty") {
            message.body.payer = party(initiating);
        }
        let stated = |name: &str| head.child(name).and_then(|element| Stated::new(element, &element.path_below(path)));
        self.of_message.stated_count = stated("NbOfTxs");
        self.of_message.stated_sum = stated("CtrlSum");
    }

    fn read_batch_part(&mut self, part: Element<'_>, path: &str) {
        let batch = &mut self.batch;
        match part.name() {
            "PmtInfId" => batch.body.batch_id = batch.text_said(said_by(part, path), "batch_id"),
            "PmtMtd" => batch.body.method = part.value().map(Text::from),
            // A day, or since 2016 a choice of a day and a time.
            "ReqdExctnDt" => {
                let day =
                    said_by(part, path).or_else(|| said(part, path, &["Dt"])).or_else(|| said(part, path, &["DtTm"]));
                batch.body.execution_date = batch.day_said(day, "execution_date");
            }
            "Dbtr" => {
                batch.group("payer", part, path);
                batch.body.payer = party(part);
            }
            "DbtrAcct" => {
                batch.group("payer_account", part, path);
                batch.body.payer_account = at_bank(account(part), bank_of(&batch.body));
            }
            "DbtrAgt" => batch.body.payer_account = at_bank(batch.body.payer_account.take(), bank(part)),
            "NbOfTxs" => self.of_batch.stated_count = Stated::new(part, path),
            "CtrlSum" => self.of_batch.stated_sum = Stated::new(part, path),
            _ => {}
        }
    }

    fn read_transaction(
        &mut self,
        transaction: Element<'_>,
        path: &str,
        desk: &mut Desk<'_, '_>,
    ) -> Result<(), Trouble> {
        let mut draft = Draft::new(self.batch.body.clone(), path.to_owned(), self.limits);
        draft.evidence.clone_from(&self.batch.evidence);
        draft.groups.clone_from(&self.batch.groups);
        // Newer versions let a transaction say its own debtor; the batch's stands otherwise.
        let ids = transaction.child("PmtId");
        let order = &mut draft.body;
        order.instruction_id = transaction.text_at(&["PmtId", "InstrId"]);
        if let Some(uetr) = ids.and_then(|ids| ids.text_at(&["UETR"])) {
            order.references.push(Identifier { scheme: Some("UETR".into()), value: uetr });
        }
        let end_to_end = said(transaction, path, &["PmtId", "EndToEndId"]);
        draft.body.end_to_end_id = draft.text_said(end_to_end, "end_to_end_id");
        read_amount(&mut draft, transaction, path);
        let order = &mut draft.body;
        order.payee = transaction.child("Cdtr").map(party).unwrap_or_default();
        let account = transaction.child("CdtrAcct").and_then(account);
        order.payee_account = at_bank(account, transaction.child("CdtrAgt").and_then(bank));
        for name in ["Cdtr", "CdtrAcct"] {
            if let Some(element) = transaction.child(name) {
                let field = if name == "Cdtr" { "payee" } else { "payee_account" };
                draft.group(field, element, &element.path_below(path));
            }
        }
        if let Some(information) = transaction.child("RmtInf") {
            let mut remitted = Remitted::default();
            remitted.read(&mut draft, information, &information.path_below(path), "");
            draft.body.references.extend(remitted.references);
            draft.body.notes = remitted.notes;
            draft.body.lines = remitted.lines;
        }
        let whole = transaction.location(path);
        draft.require(draft.body.amount.is_some(), "amount", "Amt", &whole);
        self.of_message.add(draft.body.amount);
        self.of_batch.add(draft.body.amount);
        let order = std::mem::take(&mut draft.body);
        let mut cover = self.cover.clone();
        cover.control = [("MsgId", &order.message_id), ("PmtInfId", &order.batch_id)]
            .into_iter()
            .filter_map(|(name, value)| value.clone().map(|value| (name.into(), value)))
            .collect();
        tell(draft, Body::PaymentOrder(Box::new(order)), cover, whole, desk)
    }
}

/// The bank that was read before the account.
fn bank_of(order: &PaymentOrder) -> Option<Identifier> {
    order.payer_account.as_ref().and_then(|account| account.bank.clone())
}

/// `Amt` is a choice: the amount that is instructed, or one to be moved in another currency.
fn read_amount(draft: &mut Draft<PaymentOrder>, transaction: Element<'_>, path: &str) {
    let ways: [&[&str]; 2] = [&["Amt", "InstdAmt"], &["Amt", "EqvtAmt", "Amt"]];
    for way in ways {
        let Some((amount, path)) = follow(transaction, path, way) else { continue };
        draft.body.amount = draft.decimal_said(said_by(amount, &path), "amount");
        draft.body.currency = draft.text_said(amount.attribute_at("Ccy", &path), "currency");
        break;
    }
    draft.body.transfer_currency = transaction.text_at(&["Amt", "EqvtAmt", "CcyOfTrf"]);
}

impl Reader for Orders {
    fn step(&self, parent: &str, name: &str) -> Step {
        match (parent, name) {
            ("Document", "CstmrCdtTrfInitn" | "pain.001.001.02") => Step::Into,
            ("CstmrCdtTrfInitn" | "pain.001.001.02", "PmtInf") => Step::Into,
            ("CstmrCdtTrfInitn" | "pain.001.001.02", "GrpHdr") => Step::Take,
            (
                "PmtInf",
                "CdtTrfTxInf" | "PmtInfId" | "PmtMtd" | "ReqdExctnDt" | "Dbtr" | "DbtrAcct" | "DbtrAgt" | "NbOfTxs"
                | "CtrlSum",
            ) => Step::Take,
            _ => Step::Over,
        }
    }

    fn repeats(&self, name: &str) -> bool {
        matches!(name, "PmtInf" | "CdtTrfTxInf")
    }

    fn entered(&mut self, tag: &Tag, path: &str, _desk: &mut Desk<'_, '_>) -> Result<(), Trouble> {
        if tag.name() == "PmtInf" {
            self.of_batch = Tally::new();
            self.batch = Draft::new(self.message.body.clone(), path.to_owned(), self.limits);
            self.batch.evidence.clone_from(&self.message.evidence);
        }
        Ok(())
    }

    fn taken(
        &mut self,
        _parent: &str,
        element: Element<'_>,
        path: &str,
        desk: &mut Desk<'_, '_>,
    ) -> Result<(), Trouble> {
        match element.name() {
            "GrpHdr" => self.read_head(element, path),
            "CdtTrfTxInf" => self.read_transaction(element, path, desk)?,
            _ => self.read_batch_part(element, path),
        }
        // What is wrong with the head of a message or a batch is said once, of the file.
        for finding in self.message.findings.drain(..).chain(self.batch.findings.drain(..)) {
            desk.finding(finding)?;
        }
        Ok(())
    }

    fn left(&mut self, name: &str, whole: Location, desk: &mut Desk<'_, '_>) -> Result<(), Trouble> {
        match name {
            "PmtInf" => self.of_batch.check("the batch", desk),
            "Document" if self.of_message.count == 0 => {
                desk.finding(holds_none("transaction", "CdtTrfTxInf", whole))?;
                self.of_message.check("the message", desk)
            }
            "Document" => self.of_message.check("the message", desk),
            _ => Ok(()),
        }
    }
}
