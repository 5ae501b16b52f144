//! Reads one REMADV (D.96A, D.01B, D.05A and kin; EANCOM and the German energy market's) into a
//! remittance advice.

mod document;

use rust_decimal::Decimal;

use self::document::OpenDocument;
use super::groups::{Grammar, Group};
use super::party::{contact, party, reference, scheme_of};
use super::record::{AMOUNT, DATE, Kept, Record, Told};
use super::segment::{Segment, Spot, Tag};
use crate::canonical::{Account, Body, Evidence, Identifier, Party, RemittanceAdvice, SettledKind};
use crate::finding::{Code, Finding};
use crate::path::Steps;
use crate::short::Short;
use crate::{Halt, Limits};

static GRAMMAR: Grammar = Grammar { opens, holds };

/// Every segment a REMADV may hold, sorted.
const SEGMENTS: [&str; 29] = [
    "AJT", "ALI", "BGM", "BUS", "CNT", "COM", "CTA", "CUX", "DLI", "DOC", "DTM", "FII", "FTX", "GIR", "IMD", "INP",
    "LIN", "LOC", "MEA", "MOA", "NAD", "PAI", "PIA", "PRI", "QTY", "RFF", "TAX", "UGH", "UNS",
];

fn opens(tag: &Tag) -> Option<Group> {
    match tag {
        b"NAD" => Some(Group::Party),
        b"CTA" => Some(Group::Contact),
        b"RFF" => Some(Group::Reference),
        b"CUX" => Some(Group::Currency),
        b"TAX" => Some(Group::Tax),
        b"DOC" => Some(Group::Settled),
        b"AJT" => Some(Group::Adjustment),
        b"DLI" => Some(Group::SettledLine),
        _ => None,
    }
}

fn holds(group: Group, tag: &Tag) -> bool {
    match group {
        Group::Message => true,
        Group::Settled => !matches!(tag, b"DOC" | b"UNS" | b"UNT" | b"CNT"),
        Group::SettledLine => !matches!(tag, b"DOC" | b"DLI" | b"UNS" | b"UNT" | b"CNT"),
        Group::Party => matches!(tag, b"LOC" | b"FII" | b"RFF" | b"CTA" | b"COM"),
        Group::Contact => tag == b"COM",
        Group::Reference | Group::Currency => tag == b"DTM",
        Group::Tax => tag == b"MOA",
        Group::Adjustment => matches!(tag, b"MOA" | b"RFF" | b"FTX"),
        _ => false,
    }
}

const NUMBER: Spot = Spot::new(2, 1, "/1004");
const CURRENCY: Spot = Spot::new(1, 2, "/C504.6345");

/// A REMADV while it is read.
pub(super) struct RemadvReader {
    record: Record,
    advice: RemittanceAdvice,
    document: Option<OpenDocument>,
    /// Role of the party at hand: the payer, the payee, or neither.
    party: Role,
    /// How well payer and payee fit so far.
    fits: (u8, u8),
    /// The total, by its rank: the lower the better.
    total: Option<(usize, Decimal, Evidence)>,
    /// Per line, the amount paid as it is signed in the file.
    paid: Vec<Option<Decimal>>,
    payment_date_rank: Option<usize>,
    /// A total stands in the message, readable or not.
    found_any: bool,
    seen_bgm: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Payer,
    Payee,
    Neither,
}

impl RemadvReader {
    pub(super) fn new(prefix: Steps, ordinal: u32, limits: Limits) -> Self {
        Self {
            record: Record::new(prefix, ordinal, &GRAMMAR, limits),
            advice: RemittanceAdvice::default(),
            document: None,
            party: Role::Neither,
            fits: (0, 0),
            total: None,
            paid: Vec::new(),
            payment_date_rank: None,
            found_any: false,
            seen_bgm: false,
        }
    }

    pub(super) fn record(&mut self) -> &mut Record {
        &mut self.record
    }

    pub(super) fn report(&mut self, finding: Finding) {
        self.record.report(finding);
    }

    /// Takes a segment between UNH and UNT.
    pub(super) fn take(&mut self, segment: &Segment<'_>) -> Result<(), Halt> {
        self.record.step(segment)?;
        if !self.record.groups.within(Group::Settled) || &segment.tag == b"DOC" {
            self.close_document();
        }
        if !SEGMENTS.iter().any(|known| known.as_bytes() == segment.tag) {
            self.record.unknown(segment, "a REMADV");
            return Ok(());
        }
        if self.record.groups.within(Group::Settled) {
            return self.take_in_document(segment);
        }
        if self.record.groups.within(Group::Party) {
            return self.take_in_party(segment);
        }
        match &segment.tag {
            b"BGM" => self.take_beginning(segment),
            b"DTM" if self.record.groups.innermost() == Group::Message => self.take_date(segment),
            b"PAI" => self.advice.method = segment.owned(1, 3).or_else(|| self.advice.method.take()),
            b"FII" => self.take_account(segment),
            b"RFF" => {
                let scheme = Some(scheme_of(&segment.code(1, 1)));
                self.advice.traces.extend(segment.owned(1, 2).map(|value| Identifier { scheme, value }));
            }
            b"FTX" => self.advice.notes.extend(segment.joined(4, 1, 5, &[70, 512])),
            b"CUX" if self.advice.currency.is_none() => {
                self.advice.currency = self.record.currency(segment, CURRENCY);
                if self.advice.currency.is_some() {
                    self.record.prove(Short::fixed("currency"), segment, CURRENCY);
                }
            }
            b"MOA" if self.record.groups.innermost() == Group::Message => self.take_total(segment),
            _ => return Ok(()),
        }
        self.record.part(segment)
    }

    pub(super) fn finish(mut self, unh: &Kept, complete: bool) -> Told {
        self.close_document();
        if let Some((_, amount, proof)) = self.total.take() {
            self.advice.total = Some(amount);
            self.record.evidence.push(proof);
        }
        if complete {
            self.check_present(unh);
        }
        self.sign_credits(complete);
        let Record { evidence, findings, faults, .. } = self.record;
        Told { body: Body::RemittanceAdvice(Box::new(self.advice)), evidence, findings, faults }
    }

    fn take_beginning(&mut self, bgm: &Segment<'_>) {
        self.seen_bgm = true;
        if self.advice.number.is_none() {
            self.advice.number = bgm.owned(2, 1);
            if self.advice.number.is_some() {
                self.record.prove(Short::fixed("number"), bgm, NUMBER);
            }
        }
    }

    /// 137 is the advice's own day; 203, 138, 140 and 209 are the payment's.
    fn take_date(&mut self, dtm: &Segment<'_>) {
        let code = dtm.code(1, 1);
        if code.as_ref() == b"137" {
            self.advice.issue_date = self.record.date(dtm);
            if self.advice.issue_date.is_some() {
                self.record.prove(Short::fixed("issue_date"), dtm, DATE);
            }
            return;
        }
        let ranking: [&[u8]; 4] = [b"203", b"138", b"140", b"209"];
        let Some(rank) = ranking.iter().position(|known| *known == code.as_ref()) else { return };
        if self.payment_date_rank.is_some_and(|before| before <= rank) {
            return;
        }
        if let Some(date) = self.record.date(dtm) {
            self.payment_date_rank = Some(rank);
            self.advice.payment_date = Some(date);
            self.record.evidence.retain(|evidence| evidence.field != "payment_date");
            self.record.prove(Short::fixed("payment_date"), dtm, DATE);
        }
    }

    /// MOA of the message: 12 is the amount remitted.
    fn take_total(&mut self, moa: &Segment<'_>) {
        let ranking: [&[u8]; 5] = [b"12", b"9", b"86", b"77", b"39"];
        let qualifier = moa.code(1, 1);
        let Some(rank) = ranking.iter().position(|known| *known == qualifier.as_ref()) else { return };
        self.found_any |= !moa.code(1, 2).is_empty();
        if self.total.as_ref().is_some_and(|(before, ..)| *before <= rank) {
            return;
        }
        if let Some(amount) = self.record.number(moa, AMOUNT, Code::AMOUNT_INVALID) {
            let proof = self.record.evidence(Short::fixed("total"), moa, AMOUNT);
            self.total = Some((rank, amount, proof));
        }
        self.advice.currency = self.advice.currency.take().or_else(|| moa.owned(1, 3));
    }

    fn take_in_party(&mut self, segment: &Segment<'_>) -> Result<(), Halt> {
        match &segment.tag {
            b"NAD" => {
                let (role, fit) = match segment.code(1, 1).as_ref() {
                    b"PR" | b"OY" => (Role::Payer, 3),
                    b"BY" | b"IV" => (Role::Payer, 2),
                    b"MS" => (Role::Payer, 1),
                    b"PE" => (Role::Payee, 3),
                    b"SU" | b"SE" => (Role::Payee, 2),
                    b"MR" => (Role::Payee, 1),
                    _ => (Role::Neither, 0),
                };
                let best = if role == Role::Payer { &mut self.fits.0 } else { &mut self.fits.1 };
                self.party = Role::Neither;
                if fit > *best && role != Role::Neither {
                    *best = fit;
                    self.party = role;
                    if let Some(slot) = self.party_at_hand() {
                        *slot = party(segment);
                    }
                }
            }
            b"FII" => self.take_account(segment),
            b"RFF" => {
                if let Some(party) = self.party_at_hand() {
                    reference(party, segment);
                }
            }
            _ => {
                if let Some(party) = self.party_at_hand() {
                    contact(party, segment);
                }
            }
        }
        self.record.part(segment)
    }

    fn party_at_hand(&mut self) -> Option<&mut Party> {
        match self.party {
            Role::Payer => Some(&mut self.advice.payer),
            Role::Payee => Some(&mut self.advice.payee),
            Role::Neither => None,
        }
    }

    /// FII: the ordering party's account (OR, PB), or the beneficiary's (BF, RB).
    fn take_account(&mut self, fii: &Segment<'_>) {
        let slot = match fii.code(1, 1).as_ref() {
            b"OR" | b"PB" | b"PH" => &mut self.advice.payer_account,
            b"BF" | b"RB" | b"BE" => &mut self.advice.payee_account,
            _ => return,
        };
        if slot.is_some() {
            return;
        }
        let bic = fii.owned(3, 1).map(|value| Identifier { scheme: Some("bic".into()), value });
        let branch = || {
            let scheme =
                Some(fii.owned(3, 6).map_or_else(|| "edifact:3434".to_owned(), |code| format!("edifact:{code}")));
            fii.owned(3, 4).map(|value| Identifier { scheme: scheme.map(Into::into), value })
        };
        let account = Account { number: fii.owned(2, 1), bank: bic.or_else(branch), name: fii.joined(2, 2, 3, &[35]) };
        *slot = Some(account).filter(|account| *account != Account::default());
    }

    fn check_present(&mut self, unh: &Kept) {
        let mut missing = |is_there: bool, rule: &'static str, tag: &'static str, what: &str, fix: &str| {
            if !is_there {
                let message = format!("this REMADV has no {tag} segment{what}");
                let finding = Finding::error(Code::EDI_SEGMENT_MISSING, unh.location.clone(), message, fix);
                self.record.report(finding.with_rule(rule).with_field(tag).with_excerpt(&unh.excerpt));
            }
        };
        let fix = "Send BGM right after UNH, with the number of the advice in 1004.";
        missing(self.seen_bgm, "MISSING-BGM", "BGM", ", and thus no number", fix);
        let fix = "Send the amount remitted after UNS, in MOA+12.";
        missing(self.found_any, "MISSING-MOA", "MOA", " with what is paid in all", fix);
    }

    /// Credit notes take away. Some senders write them with a minus, some without, and the total tells
    /// which; a total that neither of the two adds up to is MOA-ARITH.
    fn sign_credits(&mut self, complete: bool) {
        let is_credit = |kind: SettledKind| kind == SettledKind::CreditNote;
        let kinds: Vec<SettledKind> = self.advice.lines.iter().map(|line| line.document_type).collect();
        let sum = |turned: bool| {
            self.paid.iter().zip(&kinds).try_fold(Decimal::ZERO, |sum, (paid, kind)| {
                let paid = (*paid)?;
                sum.checked_add(if turned && is_credit(*kind) { -paid.abs() } else { paid })
            })
        };
        let (turned, written) = (sum(true), sum(false));
        let total = self.advice.total;
        let as_written = turned != total && written == total && total.is_some();
        for line in self.advice.lines.iter_mut().filter(|line| is_credit(line.document_type)) {
            for amount in [&mut line.paid, &mut line.original].into_iter().filter(|_| !as_written) {
                *amount = amount.map(|amount| -amount.abs());
            }
        }
        let (Some(total), Some(turned)) = (total, turned) else { return };
        if !complete || as_written || turned == total || self.paid.is_empty() {
            return;
        }
        let Some(proof) = self.record.evidence.iter().find(|evidence| evidence.field == "total") else { return };
        let finding = Finding::error(
            Code::TOTAL_MISMATCH,
            proof.at.clone(),
            format!("MOA says that {total} is paid, but its {} documents (DOC) add up to {turned}", self.paid.len()),
            "Correct the amount remitted (MOA+12 after UNS), or the document that is wrong.",
        );
        let finding = finding.with_rule("MOA-ARITH").with_field("MOA C516.5004").with_value(&proof.raw);
        self.record.report(finding);
    }
}
