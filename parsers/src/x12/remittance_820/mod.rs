//! Reads one transaction set 820 (payment order/remittance advice) into a remittance advice.
//!
//! ```text
//! BPR or BPS ─ TRN ─ CUR ─ REF ─ DTM ─ N1…            the payment
//!   ENT ─ ADX…                                          adjustments that belong to no document
//!       └ RMR or RMT ─ REF ─ DTM ─ ADX…                 the documents it settles
//! ```

mod balance;
mod grammar;
mod settled;

pub(super) use self::grammar::GRAMMAR;
use super::loops::Loop;
use super::party::OpenParty;
use super::record::{Noted, Place, Record, within};
use super::set::{Opening, SetReader, Told};
use crate::Halt;
use crate::canonical::{Account, Body, Handling, Identifier, RemittanceAdvice};
use crate::edi::Segment;
use crate::finding::Code;
use crate::short::Short;

/// The guides (GS08, ST03) of premium payments to insurers, which share the 820.
const PREMIUM_GUIDES: [&str; 3] = ["X061", "X218", "X306"];

pub(super) struct RemittanceReader {
    record: Record,
    advice: RemittanceAdvice,
    party: Option<OpenParty>,
    /// How well the payer and the payee fit: the better wins, then the earlier.
    payer: u8,
    payee: u8,
    /// BPR02, for the check against the sum.
    total: Option<Noted>,
    seen_beginning: bool,
    /// BPR03 `D`: the payee collects.
    is_debit: bool,
    adjusts: Sign,
    is_premium: bool,
    /// Per line, where it says what is paid: its evidence, and the place of its segment.
    paid_at: Vec<(Option<usize>, u64)>,
    parts: usize,
}

/// What the sign of ADX01 means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    /// 003050 and later: negative reduces the payment.
    AsWritten,
    /// 003030 and earlier: positive reduces the payment.
    Turned,
    /// 003040, of which we have no text: the document's own sums decide, and without them the older meaning.
    BySum,
}

impl RemittanceReader {
    pub(super) fn new(opening: &Opening<'_>) -> Self {
        let version = opening.version.unwrap_or_default();
        let guide = opening.convention.as_deref().unwrap_or(version);
        let adjusts = match version.get(..6) {
            Some(version) if version < "003040" => Sign::Turned,
            Some("003040") => Sign::BySum,
            _ => Sign::AsWritten,
        };
        let advice = RemittanceAdvice { issue_date: opening.group.date, ..RemittanceAdvice::default() };
        Self {
            record: opening.record(&GRAMMAR),
            advice,
            party: None,
            payer: 0,
            payee: 0,
            total: None,
            seen_beginning: false,
            is_debit: false,
            adjusts,
            is_premium: PREMIUM_GUIDES.iter().any(|code| guide.get(6..).is_some_and(|rest| rest.starts_with(code))),
            paid_at: Vec::new(),
            parts: 0,
        }
    }
}

impl SetReader for RemittanceReader {
    fn record(&mut self) -> &mut Record {
        &mut self.record
    }

    fn take(&mut self, segment: &Segment<'_>) -> Result<(), Halt> {
        if !self.record.step(segment)? {
            return Ok(());
        }
        let id = segment.id;
        let innermost = self.record.loops.innermost();
        if innermost != Some(Loop::Party) || id == b"N1" {
            self.seat_party();
        }
        match innermost {
            None => self.take_in_header(id, segment),
            Some(Loop::Party) => self.take_in_party(id, segment)?,
            Some(Loop::Settled) => self.take_in_settled(id, segment)?,
            Some(Loop::Adjustment) => self.take_in_adjustment(id, segment),
            // What an invoice's items were, and who an entity is, has no place in a remittance advice.
            _ => {}
        }
        let max = self.record.limits.lines_max.saturating_mul(10);
        within(segment, "number of parts of one document", "lines_max", self.parts, max)
    }

    fn finish(mut self: Box<Self>, st: &Place, complete: bool) -> Told {
        self.seat_party();
        if complete && !self.seen_beginning {
            let fix = "Send BPR right after ST, with the amount of the payment in BPR02.";
            self.record.lacking(st, "BPR", "MISSING-BPR", 2, "no amount and date of payment", fix);
        }
        self.settle_signs();
        if complete {
            self.check_lines();
            self.check_total();
        }
        Told {
            body: Body::RemittanceAdvice(Box::new(self.advice)),
            evidence: self.record.evidence,
            said: self.record.said,
        }
    }
}

impl RemittanceReader {
    fn take_in_header(&mut self, id: &[u8], segment: &Segment<'_>) {
        match id {
            b"BPR" | b"BPS" if self.seen_beginning => self.record.repeated(segment),
            b"BPR" => self.take_beginning(segment, &BPR),
            b"BPS" => self.take_beginning(segment, &BPS),
            b"TRN" => self.take_trace(segment),
            b"CUR" if self.advice.currency.is_none() => {
                self.advice.currency = self.record.currency(segment, 2);
                if self.advice.currency.is_some() {
                    self.record.prove(Short::fixed("currency"), segment, 2);
                }
            }
            b"REF" => {
                if let (Some(code), Some(value)) = (segment.text(1), segment.text(2).or_else(|| segment.text(3))) {
                    self.trace(format!("x12:{code}"), value.into());
                }
            }
            b"DTM" if segment.text(1).as_deref() == Some("097") => {
                if let Some(date) = self.record.date(segment, 2) {
                    self.advice.issue_date = Some(date);
                    self.record.prove(Short::fixed("issue_date"), segment, 2);
                }
            }
            b"NTE" => {
                if let Some(text) = segment.text(2) {
                    self.parts += 1;
                    self.advice.notes.push(text);
                }
            }
            _ => {}
        }
    }

    fn take_beginning(&mut self, segment: &Segment<'_>, places: &Beginning) {
        self.seen_beginning = true;
        if segment.text(2).is_none() {
            let finding = self.record.missing(segment, 2, "the amount of the payment");
            self.record.report(finding);
        }
        let advice = &mut self.advice;
        advice.handling = handling(segment.text(places.handling).as_deref());
        advice.method = segment.text(places.method);
        self.is_debit = places.direction.is_some_and(|element| segment.text(element).as_deref() == Some("D"));
        advice.payer_account = account(segment, places.payer);
        advice.payee_account = account(segment, places.payee);
        advice.total = self.record.number(segment, 2, Code::AMOUNT_INVALID);
        advice.payment_date = self.record.date(segment, places.date);
        if self.advice.total.is_some() {
            self.record.prove(Short::fixed("total"), segment, 2);
        }
        if self.advice.payment_date.is_some() {
            self.record.prove(Short::fixed("payment_date"), segment, places.date);
        }
        self.total = Some(self.record.note(segment, 2));
    }

    /// TRN: what ties the advice to the payment, and its number.
    fn take_trace(&mut self, trn: &Segment<'_>) {
        if let Some(number) = trn.text(2) {
            if self.advice.number.is_none() {
                self.advice.number = Some(number.clone());
                self.record.prove(Short::fixed("number"), trn, 2);
            }
            self.trace("x12:TRN".to_owned(), number.into());
        }
        if let Some(more) = trn.text(4) {
            self.trace("x12:TRN04".to_owned(), more.into());
        }
    }

    fn trace(&mut self, scheme: String, value: String) {
        self.parts += 1;
        self.advice.traces.push(Identifier { scheme: Some(scheme.into()), value: value.into() });
    }

    fn take_in_party(&mut self, id: &[u8], segment: &Segment<'_>) -> Result<(), Halt> {
        // An N1 within ENT or N9 is not a party to the payment.
        if id == b"N1" && self.record.loops.depth() == 1 {
            self.party = Some(OpenParty::open(segment));
        } else if let Some(party) = &mut self.party {
            party.take(segment);
            let max = self.record.limits.lines_max;
            within(segment, "number of parts of one party", "lines_max", party.parts(), max)?;
        }
        Ok(())
    }

    /// N101: PR pays (RM, a remitter, for it), PE is paid. Old versions name the supplier instead.
    fn seat_party(&mut self) {
        let Some(open) = self.party.take() else { return };
        let (is_payer, fit) = match open.code.as_str() {
            "PR" => (true, 3),
            "RM" => (true, 2),
            "BY" | "BT" => (true, 1),
            "PE" => (false, 3),
            "SU" | "SE" | "VN" => (false, 1),
            _ => return,
        };
        let (seat, best) = if is_payer {
            (&mut self.advice.payer, &mut self.payer)
        } else {
            (&mut self.advice.payee, &mut self.payee)
        };
        if fit > *best {
            *best = fit;
            *seat = open.party;
        }
    }
}

/// Where a beginning segment says what.
struct Beginning {
    handling: usize,
    direction: Option<usize>,
    method: usize,
    /// Of the bank's qualifier, its number, and the account.
    payer: [usize; 3],
    payee: [usize; 3],
    date: usize,
}

const BPR: Beginning =
    Beginning { handling: 1, direction: Some(3), method: 4, payer: [6, 7, 9], payee: [12, 13, 15], date: 16 };
/// Of 003010 and 003020.
const BPS: Beginning =
    Beginning { handling: 3, direction: None, method: 1, payer: [4, 5, 6], payee: [9, 10, 11], date: 12 };

/// Element 305.
fn handling(code: Option<&str>) -> Option<Handling> {
    match code? {
        "C" => Some(Handling::PaymentAndAdvice),
        "I" => Some(Handling::AdviceOnly),
        "D" => Some(Handling::PaymentOnly),
        "P" => Some(Handling::Prenotification),
        "U" | "X" => Some(Handling::Splittable),
        _ => None,
    }
}

fn account(segment: &Segment<'_>, [qualifier, bank, number]: [usize; 3]) -> Option<Account> {
    let bank = segment.text(bank).map(|value| {
        let scheme = segment.text(qualifier).map(|code| match code.as_str() {
            "01" => "aba".to_owned(),
            "02" => "bic".to_owned(),
            _ => format!("x12:{code}"),
        });
        Identifier { scheme: scheme.map(Into::into), value }
    });
    let account = Account { number: segment.text(number), bank, name: None };
    Some(account).filter(|account| *account != Account::default())
}
