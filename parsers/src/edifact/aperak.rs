//! Reads one APERAK into an acknowledgment: what an application made of a message, with its errors.

use super::groups::{Grammar, Group};
use super::party::{contact, party};
use super::record::{DATE, Kept, Record, Told};
use super::segment::{Segment, Spot, Tag};
use crate::canonical::{AcknowledgedFault, Acknowledgment, Body, Party, Verdict};
use crate::finding::{Code, Finding};
use crate::path::Steps;
use crate::short::Short;
use crate::{Halt, Limits};

static GRAMMAR: Grammar = Grammar { opens, holds };

fn opens(tag: &Tag) -> Option<Group> {
    match tag {
        b"NAD" => Some(Group::Party),
        b"CTA" => Some(Group::Contact),
        b"RFF" => Some(Group::Reference),
        b"ERC" => Some(Group::Fault),
        _ => None,
    }
}

fn holds(group: Group, tag: &Tag) -> bool {
    match group {
        Group::Message => true,
        Group::Party => matches!(tag, b"LOC" | b"CTA" | b"COM"),
        Group::Contact => tag == b"COM",
        Group::Reference => matches!(tag, b"DTM" | b"FTX"),
        Group::Fault => matches!(tag, b"FTX" | b"RFF" | b"LOC" | b"DTM"),
        _ => false,
    }
}

/// Every segment an APERAK may hold.
const SEGMENTS: [&[u8]; 12] =
    [b"BGM", b"DTM", b"FTX", b"CNT", b"DOC", b"RFF", b"NAD", b"CTA", b"COM", b"ERC", b"LOC", b"UNS"];
const NUMBER: Spot = Spot::new(2, 1, "/1004");
const RESPONSE: Spot = Spot::new(4, 1, "/4343");

/// What an APERAK refers to, the nearest first: the document, the message, what its sender called it.
const SUBJECTS: [&[u8]; 7] = [b"ACE", b"ACW", b"AGO", b"IV", b"DM", b"ON", b"TN"];

/// An APERAK while it is read.
pub(super) struct AperakReader {
    record: Record,
    acknowledgment: Acknowledgment,
    party: Option<bool>,
    subject_rank: usize,
    seen_bgm: bool,
}

impl AperakReader {
    pub(super) fn new(prefix: Steps, ordinal: u32, limits: Limits) -> Self {
        Self {
            record: Record::new(prefix, ordinal, &GRAMMAR, limits),
            acknowledgment: Acknowledgment::default(),
            party: None,
            subject_rank: usize::MAX,
            seen_bgm: false,
        }
    }

    pub(super) fn record(&mut self) -> &mut Record {
        &mut self.record
    }

    pub(super) fn report(&mut self, finding: Finding) {
        self.record.report(finding);
    }

    pub(super) fn take(&mut self, segment: &Segment<'_>) -> Result<(), Halt> {
        self.record.step(segment)?;
        if !SEGMENTS.contains(&segment.tag.as_slice()) {
            self.record.unknown(segment, "an APERAK");
            return Ok(());
        }
        let in_fault = self.record.groups.within(Group::Fault);
        let acknowledgment = &mut self.acknowledgment;
        match &segment.tag {
            b"BGM" => self.take_beginning(segment),
            b"DTM" if self.record.groups.innermost() == Group::Message && segment.code(1, 1).as_ref() == b"137" => {
                acknowledgment.issue_date = self.record.date(segment);
                if acknowledgment.issue_date.is_some() {
                    self.record.prove(Short::fixed("issue_date"), segment, DATE);
                }
            }
            b"ERC" => acknowledgment
                .faults
                .push(AcknowledgedFault { code: segment.owned(1, 1), ..AcknowledgedFault::default() }),
            b"FTX" => {
                if let Some(text) = segment.joined(4, 1, 5, &[70, 512]) {
                    match acknowledgment.faults.last_mut() {
                        Some(fault) if in_fault => {
                            fault.text = Some(fault.text.take().map_or(text.clone(), |before| before + "\n" + &text));
                        }
                        _ => acknowledgment.notes.push(text),
                    }
                }
            }
            b"RFF" if in_fault => {
                if let Some(fault) = acknowledgment.faults.last_mut() {
                    fault.value = fault.value.take().or_else(|| segment.owned(1, 2));
                }
            }
            b"RFF" => self.refer(segment),
            b"NAD" => {
                self.party = match segment.code(1, 1).as_ref() {
                    b"MS" | b"FR" => Some(true),
                    b"MR" | b"TO" => Some(false),
                    _ => None,
                };
                if let Some(slot) = self.party_at_hand() {
                    *slot = party(segment);
                }
            }
            b"CTA" | b"COM" => {
                if let Some(slot) = self.party_at_hand() {
                    contact(slot, segment);
                }
            }
            _ => {}
        }
        self.record.part(segment)
    }

    pub(super) fn finish(mut self, unh: &Kept, complete: bool) -> Told {
        if complete && !self.seen_bgm {
            let finding = Finding::error(
                Code::EDI_SEGMENT_MISSING,
                unh.location.clone(),
                "this APERAK has no BGM segment, and thus no number",
                "Send BGM right after UNH, with the number of the message in 1004.",
            );
            self.record.report(finding.with_rule("MISSING-BGM").with_field("BGM").with_excerpt(&unh.excerpt));
        }
        let acknowledgment = &mut self.acknowledgment;
        // 4343 says it; where it is left out, errors (ERC) are a refusal.
        acknowledgment.verdict = match acknowledgment.verdict_code.as_deref() {
            Some("AP" | "AA" | "AI" | "AJ" | "CA") => Verdict::Accepted,
            Some("AC" | "AD" | "CO") => Verdict::AcceptedWithErrors,
            Some("RE" | "RJ" | "NA") => Verdict::Rejected,
            _ if !acknowledgment.faults.is_empty() => Verdict::Rejected,
            _ => acknowledgment.verdict,
        };
        let Record { evidence, findings, faults, .. } = self.record;
        Told { body: Body::Acknowledgment(Box::new(self.acknowledgment)), evidence, findings, faults }
    }

    fn take_beginning(&mut self, bgm: &Segment<'_>) {
        self.seen_bgm = true;
        self.acknowledgment.number = bgm.owned(2, 1);
        if self.acknowledgment.number.is_some() {
            self.record.prove(Short::fixed("number"), bgm, NUMBER);
        }
        self.acknowledgment.verdict_code = bgm.owned(4, 1);
        if self.acknowledgment.verdict_code.is_some() {
            self.record.prove(Short::fixed("verdict"), bgm, RESPONSE);
        }
        // 312 acknowledges, 313 reports an error, where 4343 says nothing.
        self.acknowledgment.verdict = match bgm.code(1, 1).as_ref() {
            b"312" => Verdict::Accepted,
            b"313" => Verdict::Rejected,
            _ => Verdict::Received,
        };
    }

    fn refer(&mut self, rff: &Segment<'_>) {
        let Some(value) = rff.owned(1, 2) else { return };
        let code = rff.code(1, 1);
        let rank = SUBJECTS.iter().position(|known| *known == code.as_ref()).unwrap_or(SUBJECTS.len());
        if rank < self.subject_rank {
            self.subject_rank = rank;
            let subject = &mut self.acknowledgment.subject;
            (subject.kind, subject.control) = (Some(super::party::scheme_of(&code)), Some(value));
            self.record.evidence.retain(|evidence| evidence.field != "subject.control");
            self.record.prove(Short::fixed("subject.control"), rff, Spot::new(1, 2, "/C506.1154"));
        }
    }

    fn party_at_hand(&mut self) -> Option<&mut Party> {
        let acknowledgment = &mut self.acknowledgment;
        self.party.map(|is_sender| if is_sender { &mut acknowledgment.sender } else { &mut acknowledgment.recipient })
    }
}
