//! camt.052, camt.053 and camt.054: what happened on an account, one document for each entry (`Ntry`).
//!
//! Amounts have no sign in ISO 20022; which way the money went stands beside them. The counts and sums a
//! report states of its entries are counted over, and a statement's balances too, where the message is whole.

use rust_decimal::Decimal;

use super::parties::{account, at_bank, bank, party};
use super::remittance::Remitted;
use crate::canonical::{Account, Body, Direction, Identifier, Statement, StatementTransaction, Text};
use crate::xml::closing::{Cover, tell};
use crate::xml::desk::Desk;
use crate::xml::draft::{Draft, decimal};
use crate::xml::element::Element;
use crate::xml::stream::Trouble;
use crate::xml::tag::Tag;
use crate::xml::values::{Stated, follow, mismatch, said, said_by};
use crate::xml::walk::{Reader, Step};
use crate::{Code, Finding, Limits, Location};

/// The entries of one message.
pub(super) struct Entries {
    cover: Cover,
    limits: Limits,
    message: Draft<Statement>,
    /// What the report that is being read says of its entries.
    report: Draft<Statement>,
    entry: Draft<Statement>,
    batch_count: Option<Stated>,
    totals: Totals,
    pages: bool,
}

/// What a report states of its entries, and what they are.
#[derive(Debug, Default)]
struct Totals {
    count: Option<Stated>,
    credits: (Option<Stated>, Option<Stated>),
    debits: (Option<Stated>, Option<Stated>),
    opening: Option<Decimal>,
    closing: Option<(Decimal, Stated)>,
    credit: Tally,
    debit: Tally,
    /// Whether an entry is not booked, or not in the account's currency.
    is_mixed: bool,
}

#[derive(Debug, Default)]
struct Tally {
    count: u64,
    sum: Decimal,
    is_unknown: bool,
}

impl Tally {
    fn add(&mut self, amount: Option<Decimal>) {
        self.count += 1;
        match amount.and_then(|amount| self.sum.checked_add(amount)) {
            Some(sum) => self.sum = sum,
            None => self.is_unknown = true,
        }
    }
}

impl Entries {
    pub(super) fn new(cover: Cover, limits: Limits) -> Self {
        let draft = || Draft::new(Statement::default(), String::new(), limits);
        let (message, report, entry) = (draft(), draft(), draft());
        Self { cover, limits, message, report, entry, batch_count: None, totals: Totals::default(), pages: false }
    }

    fn read_head(&mut self, head: Element<'_>, path: &str) {
        let message = &mut self.message;
        message.body.message_id = message.text_said(said(head, path, &["MsgId"]), "message_id");
        message.body.issue_date = message.day_said(said(head, path, &["CreDtTm"]), "issue_date");
        let is_last = head.text_at(&["MsgPgntn", "LastPgInd"]);
        let page = head.text_at(&["MsgPgntn", "PgNb"]);
        self.pages =
            is_last.is_some_and(|last| last != "true") || page.is_some_and(|page| page.trim_start_matches('0') != "1");
    }

    fn read_report_part(&mut self, part: Element<'_>, path: &str) {
        let report = &mut self.report;
        match part.name() {
            "Id" => report.body.number = report.text_said(said_by(part, path), "number"),
            "CreDtTm" => {
                report.evidence.retain(|item| item.field != "issue_date");
                report.body.issue_date = report.day_said(said_by(part, path), "issue_date");
            }
            "Acct" => {
                report.group("account", part, path);
                let owner = part.at(&["Ownr", "Nm"]).and_then(Element::value).map(str::to_owned);
                let named = account(part).map(|found| Account { name: found.name.or(owner.map(Into::into)), ..found });
                report.body.account = at_bank(named, part.child("Svcr").and_then(bank));
                report.body.currency = part.text_at(&["Ccy"]);
            }
            "Bal" => self.read_balance(part, path),
            _ => self.read_summary(part, path),
        }
    }

    fn read_balance(&mut self, balance: Element<'_>, path: &str) {
        let code = balance.text_at(&["Tp", "CdOrPrtry", "Cd"]).or_else(|| balance.text_at(&["Tp", "Cd"]));
        let Some((amount, path)) = follow(balance, path, &["Amt"]) else { return };
        let Some(number) = amount.value().and_then(decimal) else { return };
        let signed = if balance.text_at(&["CdtDbtInd"]).as_deref() == Some("DBIT") { -number } else { number };
        match code.as_deref() {
            Some("OPBD") => self.totals.opening = Some(signed),
            Some("PRCD") => self.totals.opening = self.totals.opening.or(Some(signed)),
            Some("CLBD") => self.totals.closing = Stated::new(amount, &path).map(|stated| (signed, stated)),
            _ => {}
        }
    }

    fn read_summary(&mut self, summary: Element<'_>, path: &str) {
        let stated = |part: &str, name: &str| {
            follow(summary, path, &[part, name]).and_then(|(element, path)| Stated::new(element, &path))
        };
        let both = |part: &str| (stated(part, "NbOfNtries"), stated(part, "Sum"));
        self.totals.count = stated("TtlNtries", "NbOfNtries");
        self.totals.credits = both("TtlCdtNtries");
        self.totals.debits = both("TtlDbtNtries");
    }

    fn read_entry_part(&mut self, part: Element<'_>, path: &str) {
        let entry = &mut self.entry;
        match part.name() {
            "Amt" => {
                entry.body.amount = entry.decimal_said(said_by(part, path), "amount");
                entry.body.currency = entry.text_said(part.attribute_at("Ccy", path), "currency");
            }
            "CdtDbtInd" => {
                let code = entry.text_said(said_by(part, path), "direction");
                entry.body.direction = direction(code.as_deref());
            }
            "RvslInd" => entry.body.is_reversal = matches!(part.value(), Some("true" | "1")),
            // A code, or since 2019 a choice with one in it.
            "Sts" => {
                entry.body.status = part.text_at(&["Cd"]).or_else(|| part.value().map(Text::from));
            }
            "BookgDt" => entry.body.booking_date = entry.day_said(moment(part, path), "booking_date"),
            "ValDt" => entry.body.value_date = entry.day_said(moment(part, path), "value_date"),
            "AcctSvcrRef" => entry.body.bank_reference = entry.text_said(said_by(part, path), "bank_reference"),
            "TxDtls" => self.read_transaction(part, path),
            _ => {
                self.batch_count = follow(part, path, &["NbOfTxs"]).and_then(|(found, path)| Stated::new(found, &path))
            }
        }
    }

    fn read_transaction(&mut self, details: Element<'_>, path: &str) {
        let entry = &mut self.entry;
        let field = format!("transactions[{}]", entry.body.transactions.len());
        entry.group(field.clone(), details, path);
        let mut transaction = StatementTransaction {
            direction: direction(details.text_at(&["CdtDbtInd"]).as_deref()).or(entry.body.direction),
            payer: details.at(&["RltdPties", "Dbtr"]).map(party),
            payee: details.at(&["RltdPties", "Cdtr"]).map(party),
            ..StatementTransaction::default()
        };
        let end_to_end = said(details, path, &["Refs", "EndToEndId"]);
        transaction.end_to_end_id = entry.text_said(end_to_end, &format!("{field}.end_to_end_id"));
        let ways: [&[&str]; 3] = [&["Amt"], &["AmtDtls", "TxAmt", "Amt"], &["AmtDtls", "InstdAmt", "Amt"]];
        if let Some((amount, path)) = ways.iter().find_map(|way| follow(details, path, way)) {
            transaction.amount = entry.decimal_said(said_by(amount, &path), &format!("{field}.amount"));
            transaction.currency = amount.attribute("Ccy").map(Text::from);
        }
        transaction.references = details.child("Refs").map(references).unwrap_or_default();
        if let Some(information) = details.child("RmtInf") {
            let mut remitted = Remitted::default();
            remitted.read(entry, information, &information.path_below(path), &format!("{field}."));
            transaction.references.extend(remitted.references);
            transaction.notes = remitted.notes;
            transaction.lines = remitted.lines;
        }
        entry.body.transactions.push(transaction);
    }

    fn tell_entry(&mut self, whole: Location, desk: &mut Desk<'_, '_>) -> Result<(), Trouble> {
        let empty = Draft::new(Statement::default(), String::new(), self.limits);
        let mut draft = std::mem::replace(&mut self.entry, empty);
        draft.require(draft.body.amount.is_some(), "amount", "Amt", &whole);
        draft.require(draft.body.direction.is_some(), "direction", "CdtDbtInd", &whole);
        let entry = &draft.body;
        match entry.direction {
            Some(Direction::Debit) => self.totals.debit.add(entry.amount),
            Some(Direction::Credit) | None => self.totals.credit.add(entry.amount),
        }
        self.totals.is_mixed |= entry.status.as_deref() != Some("BOOK")
            || entry.direction.is_none()
            || self.report.body.currency.as_ref().is_some_and(|currency| Some(currency) != entry.currency.as_ref());
        self.check_batch(&mut draft);
        let entry = std::mem::take(&mut draft.body);
        let mut cover = self.cover.clone();
        cover.control = [("MsgId", &entry.message_id), ("Id", &entry.number)]
            .into_iter()
            .filter_map(|(name, value)| value.clone().map(|value| (name.into(), value)))
            .collect();
        tell(draft, Body::Statement(Box::new(entry)), cover, whole, desk)
    }

    /// A batch may go without its details; where they stand, all of them should.
    fn check_batch(&mut self, draft: &mut Draft<Statement>) {
        let Some(stated) = self.batch_count.take() else { return };
        let found = draft.body.transactions.len();
        if found > 0 && stated.raw.parse() != Ok(found) {
            let message = format!("`NbOfTxs` says {} payments, but the entry details {found}", stated.raw);
            let fix = "Check that all details of the batch were sent.";
            let finding = Finding::warning(Code::TOTAL_MISMATCH, stated.at, message, fix);
            draft.report(finding.with_rule("NBOFTXS").with_field("NbOfTxs").with_value(stated.raw));
        }
    }

    fn check_report(&mut self, desk: &mut Desk<'_, '_>) -> Result<(), Trouble> {
        let totals = std::mem::take(&mut self.totals);
        // A report may go on on the next page.
        if self.pages {
            return Ok(());
        }
        let fix = "Check that the report is whole.";
        let counts = [
            (&totals.count, totals.credit.count + totals.debit.count, "entries"),
            (&totals.credits.0, totals.credit.count, "credits"),
            (&totals.debits.0, totals.debit.count, "debits"),
        ];
        for (stated, counted, what) in counts {
            if let Some(stated) = stated.as_ref().filter(|stated| stated.raw.parse() != Ok(counted)) {
                let message = format!("`NbOfNtries` says {} {what}, but the report holds {counted}", stated.raw);
                desk.finding(mismatch("NBOFNTRIES", stated, message, fix))?;
            }
        }
        for (stated, tally, what) in
            [(&totals.credits.1, &totals.credit, "credits"), (&totals.debits.1, &totals.debit, "debits")]
        {
            if let Some(stated) = stated.as_ref().filter(|stated| decimal(&stated.raw) != Some(tally.sum))
                && !tally.is_unknown
            {
                let message =
                    format!("`Sum` says {}, but the {what} of the report add up to {}", stated.raw, tally.sum);
                desk.finding(mismatch("NTRYSUM", stated, message, fix))?;
            }
        }
        let is_unknown = totals.is_mixed || totals.credit.is_unknown || totals.debit.is_unknown;
        if let (Some(opening), Some((closing, stated)), false) = (totals.opening, &totals.closing, is_unknown)
            && let Some(expected) =
                opening.checked_add(totals.credit.sum).and_then(|sum| sum.checked_sub(totals.debit.sum))
            && expected != *closing
        {
            let message =
                format!("the closing balance is {closing}, but the entries lead from {opening} to {expected}");
            let finding = Finding::warning(Code::TOTAL_MISMATCH, stated.at.clone(), message, fix);
            desk.finding(finding.with_rule("BALANCE").with_field("Amt").with_value(&stated.raw))?;
        }
        Ok(())
    }
}

fn direction(code: Option<&str>) -> Option<Direction> {
    match code {
        Some("CRDT") => Some(Direction::Credit),
        Some("DBIT") => Some(Direction::Debit),
        _ => None,
    }
}

/// A day, or a day with its time.
fn moment<'s>(choice: Element<'s>, path: &str) -> crate::xml::values::Said<'s> {
    said(choice, path, &["Dt"]).or_else(|| said(choice, path, &["DtTm"]))
}

/// `Refs`, but for the end-to-end identification, which has its own field.
fn references(refs: Element<'_>) -> Vec<Identifier> {
    let mut references = Vec::new();
    for part in refs.elements().filter(|part| part.name() != "EndToEndId") {
        let scheme = part.text_at(&["Tp"]).unwrap_or_else(|| part.name().into());
        let value = part.text_at(&["Ref"]).or_else(|| part.value().map(Text::from));
        references.extend(value.map(|value| Identifier { scheme: Some(scheme), value }));
    }
    references
}

impl Reader for Entries {
    fn step(&self, parent: &str, name: &str) -> Step {
        match (parent, name) {
            ("Document", "BkToCstmrAcctRpt" | "BkToCstmrStmt" | "BkToCstmrDbtCdtNtfctn")
            | ("BkToCstmrAcctRpt", "Rpt")
            | ("BkToCstmrStmt", "Stmt")
            | ("BkToCstmrDbtCdtNtfctn", "Ntfctn")
            | ("Rpt" | "Stmt" | "Ntfctn", "Ntry")
            | ("Ntry", "NtryDtls") => Step::Into,
            ("BkToCstmrAcctRpt" | "BkToCstmrStmt" | "BkToCstmrDbtCdtNtfctn", "GrpHdr")
            | ("Rpt" | "Stmt" | "Ntfctn", "Id" | "CreDtTm" | "Acct" | "Bal" | "TxsSummry")
            | (
                "Ntry",
                "Amt" | "CdtDbtInd" | "RvslInd" | "Sts" | "BookgDt" | "ValDt" | "AcctSvcrRef" | "TxDtls" | "Btch",
            )
            | ("NtryDtls", "Btch" | "TxDtls") => Step::Take,
            _ => Step::Over,
        }
    }

    fn repeats(&self, name: &str) -> bool {
        matches!(name, "Rpt" | "Stmt" | "Ntfctn" | "Bal" | "Ntry" | "NtryDtls" | "TxDtls")
    }

    fn entered(&mut self, tag: &Tag, path: &str, desk: &mut Desk<'_, '_>) -> Result<(), Trouble> {
        let below = |above: &Draft<Statement>| {
            let mut draft = Draft::new(above.body.clone(), path.to_owned(), self.limits);
            draft.evidence.clone_from(&above.evidence);
            draft.groups.clone_from(&above.groups);
            draft
        };
        match tag.name() {
            "Rpt" | "Stmt" | "Ntfctn" => self.report = below(&self.message),
            "Ntry" => {
                self.entry = below(&self.report);
                self.batch_count = None;
            }
            _ => {}
        }
        // What is wrong with the head of a message or a report is said once, of the file.
        for finding in self.message.findings.drain(..).chain(self.report.findings.drain(..)) {
            desk.finding(finding)?;
        }
        Ok(())
    }

    fn taken(
        &mut self,
        parent: &str,
        element: Element<'_>,
        path: &str,
        _desk: &mut Desk<'_, '_>,
    ) -> Result<(), Trouble> {
        match parent {
            "Ntry" | "NtryDtls" => self.read_entry_part(element, path),
            "Rpt" | "Stmt" | "Ntfctn" => self.read_report_part(element, path),
            _ => self.read_head(element, path),
        }
        Ok(())
    }

    fn left(&mut self, name: &str, whole: Location, desk: &mut Desk<'_, '_>) -> Result<(), Trouble> {
        match name {
            "Ntry" => self.tell_entry(whole, desk),
            "Rpt" | "Stmt" | "Ntfctn" => self.check_report(desk),
            // What is wrong with the head of a message without entries.
            "Document" => self.message.findings.drain(..).try_for_each(|finding| desk.finding(finding)),
            _ => Ok(()),
        }
    }
}
