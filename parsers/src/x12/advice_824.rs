//! Reads a transaction set 824 (application advice): what an application made of documents of ours.

use super::loops::{Grammar, Known, Loop, Members, keys};
use super::party::OpenParty;
use super::record::{Place, Record, within};
use super::set::{Opening, SetReader, Told};
use crate::Halt;
use crate::canonical::{AcknowledgedFault, AcknowledgedItem, Acknowledgment, Body, Party, Verdict};
use crate::edi::Segment;
use crate::short::Short;

/// Words kept of one fault, in bytes.
const TEXT_BYTES_MAX: usize = 1_000;

/// Every segment an 824 may hold in 003040 to 008010.
pub(super) static GRAMMAR: Grammar = Grammar {
    set: "824",
    document: "answer",
    segments: Known::of([
        "AMT", "BGN", "CTX", "DTM", "LE", "LM", "LQ", "LS", "N1", "N2", "N3", "N4", "N9", "NM1", "NTE", "OTI", "PER",
        "PWK", "QTY", "RED", "REF", "SE", "ST", "TED",
    ]),
    opening: |id| match id {
        b"N1" => Some((Loop::Party, Members::Only(const { &keys(["N2", "N3", "N4", "REF", "PER"]) }))),
        b"OTI" => Some((Loop::Original, Members::AllBut(const { &keys(["OTI", "SE"]) }))),
        b"TED" => Some((Loop::Fault, Members::Only(const { &keys(["CTX", "NTE", "RED"]) }))),
        b"LM" => Some((Loop::Other, Members::Only(const { &keys(["LQ", "RED"]) }))),
        _ => None,
    },
};

pub(super) struct AdviceReader {
    record: Record,
    acknowledgment: Acknowledgment,
    party: Option<OpenParty>,
    seen_bgn: bool,
    faults: usize,
}

impl AdviceReader {
    pub(super) fn new(opening: &Opening<'_>) -> Self {
        let (sender, recipient) = opening.parties();
        Self {
            record: opening.record(&GRAMMAR),
            acknowledgment: Acknowledgment { sender, recipient, ..Acknowledgment::default() },
            party: None,
            seen_bgn: false,
            faults: 0,
        }
    }
}

impl SetReader for AdviceReader {
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
        let max = self.record.limits.lines_max;
        match (innermost, id) {
            // An N1 within OTI is about the original, not about who answers.
            (Some(Loop::Party), b"N1") if self.record.loops.depth() == 1 => {
                self.party = Some(OpenParty::open(segment));
            }
            (Some(Loop::Party), _) => {
                if let Some(party) = &mut self.party {
                    party.take(segment);
                    within(segment, "number of parts of one party", "lines_max", party.parts(), max)?;
                }
            }
            (_, b"BGN") => self.take_beginning(segment),
            (_, b"OTI") => self.take_original(segment),
            (_, b"TED") => self.take_fault(segment),
            (Some(Loop::Fault), b"NTE") => self.add_words(segment.text(2).map(Into::into)),
            (Some(Loop::Fault), b"CTX") => self.add_words(segment.text(1).map(Into::into)),
            (_, b"RED") => self.take_related(segment),
            (_, b"LQ") => self.add_words(segment.text(2).map(Into::into)),
            _ => {}
        }
        within(
            segment,
            "number of documents in one application advice",
            "lines_max",
            self.acknowledgment.items.len(),
            max,
        )?;
        within(segment, "number of faults of one document", "lines_max", self.faults, max)
    }

    fn finish(mut self: Box<Self>, st: &Place, complete: bool) -> Told {
        self.seat_party();
        if complete && !self.seen_bgn {
            let fix = "Send BGN right after ST, with its number in BGN02 and its date in BGN03.";
            self.record.lacking(st, "BGN", "MISSING-BGN", 2, "no number and date", fix);
        }
        if complete && self.acknowledgment.items.is_empty() {
            let fix = "Send an OTI for every document that is answered.";
            let end = self.record.position + 1;
            self.record.lacking(st, "OTI", "MISSING-OTI", end, "no word on what it answers", fix);
        }
        self.acknowledgment.verdict = whole(&self.acknowledgment.items);
        Told {
            body: Body::Acknowledgment(Box::new(self.acknowledgment)),
            evidence: self.record.evidence,
            said: self.record.said,
        }
    }
}

impl AdviceReader {
    fn take_beginning(&mut self, bgn: &Segment<'_>) {
        if std::mem::replace(&mut self.seen_bgn, true) {
            return self.record.repeated(bgn);
        }
        self.acknowledgment.number = bgn.text(2);
        self.acknowledgment.issue_date = self.record.date(bgn, 3);
        if self.acknowledgment.number.is_some() {
            self.record.prove(Short::fixed("number"), bgn, 2);
        }
        if self.acknowledgment.issue_date.is_some() {
            self.record.prove(Short::fixed("issue_date"), bgn, 3);
        }
    }

    /// OTI: what is answered. The first one is what the whole is about.
    fn take_original(&mut self, oti: &Segment<'_>) {
        let index = self.acknowledgment.items.len();
        let kind = oti.text(10);
        // OTI03 is the original's own number, in the words of OTI02; insurers write NA there.
        let number = oti.text(3).filter(|number| number != "NA");
        let item = AcknowledgedItem {
            kind: kind.clone(),
            control: number.or_else(|| oti.text(9)),
            verdict: verdict(oti.text(1).as_deref()),
            verdict_code: oti.text(1),
            faults: Vec::new(),
        };
        if index == 0 {
            let subject = &mut self.acknowledgment.subject;
            subject.kind = kind;
            subject.control = oti.text(8);
            subject.version = oti.text(11);
            self.acknowledgment.verdict_code = item.verdict_code.clone();
        }
        self.acknowledgment.items.push(item);
        self.record.prove(Short::part("items", index, "verdict"), oti, 1);
    }

    /// TED: what is wrong with it.
    fn take_fault(&mut self, ted: &Segment<'_>) {
        let Some(item) = self.acknowledgment.items.last_mut() else { return };
        self.faults += 1;
        item.faults.push(AcknowledgedFault {
            code: ted.text(1),
            text: ted.text(2),
            segment: ted.text(3),
            segment_position: ted.text(4).and_then(|position| position.parse().ok()),
            loop_id: None,
            element_position: ted.component(5, 1).and_then(|position| position.parse().ok()),
            component_position: ted.component(5, 2).and_then(|position| position.parse().ok()),
            value: ted.text(7),
        });
    }

    /// RED: data that belong to the fault, as text or as an industry's code (RED05 names its list).
    fn take_related(&mut self, red: &Segment<'_>) {
        self.add_words(red.text(1).filter(|text| text != "NA").map(Into::into));
        self.add_words(red.text(6).map(Into::into));
    }

    /// More words on the fault at hand; without one, on the whole.
    fn add_words(&mut self, words: Option<String>) {
        let Some(words) = words else { return };
        let fault = self.acknowledgment.items.last_mut().and_then(|item| item.faults.last_mut());
        let Some(fault) = fault else {
            if self.acknowledgment.notes.len() < TEXT_BYTES_MAX {
                self.acknowledgment.notes.push(words.into());
            }
            return;
        };
        match &mut fault.text {
            Some(text) if text.len() < TEXT_BYTES_MAX => {
                text.push_str("; ");
                text.push_str(&words);
            }
            Some(_) => {}
            None => fault.text = Some(words.into()),
        }
    }

    /// Who answers (41 submitter, SE, FR) and who is answered (40 receiver, BY, TO).
    fn seat_party(&mut self) {
        let Some(open) = self.party.take() else { return };
        let seat = |seat: &mut Party| {
            let (endpoint, mut ids) = (seat.endpoint.take(), std::mem::take(&mut seat.ids));
            *seat = open.party;
            ids.append(&mut seat.ids);
            seat.ids = ids;
            seat.endpoint = endpoint;
        };
        match open.code.as_str() {
            "41" | "FR" | "SE" | "SU" => seat(&mut self.acknowledgment.sender),
            "40" | "TO" | "BY" => seat(&mut self.acknowledgment.recipient),
            _ => {}
        }
    }
}

/// Element 110: the level (B batch, G group, I item, T transaction set), then the verdict. P of a batch or
/// a set is a part of it.
fn verdict(code: Option<&str>) -> Verdict {
    match code.and_then(|code| code.as_bytes().get(1)) {
        Some(b'A') => Verdict::Accepted,
        Some(b'C' | b'E') => Verdict::AcceptedWithErrors,
        Some(b'P') => Verdict::PartiallyAccepted,
        Some(b'R') => Verdict::Rejected,
        _ => Verdict::Received,
    }
}

/// The verdict on all of it.
fn whole(items: &[AcknowledgedItem]) -> Verdict {
    let Some(first) = items.first() else { return Verdict::Received };
    if items.iter().all(|item| item.verdict == first.verdict) {
        return first.verdict;
    }
    let some_refused = items.iter().any(|item| matches!(item.verdict, Verdict::Rejected | Verdict::PartiallyAccepted));
    if some_refused { Verdict::PartiallyAccepted } else { Verdict::AcceptedWithErrors }
}
