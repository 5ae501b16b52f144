//! Reads a transaction set 997 (functional acknowledgment) or 999 (implementation acknowledgment).
//!
//! They differ in names only: IK3, IK4 and IK5 of the 999 are AK3, AK4 and AK5, with CTX to say more. What is
//! odd in somebody's answer is a warning, for there is nothing to send again.

use super::loops::{Grammar, Known, Loop, Members, keys};
use super::record::{Place, Record, field, within};
use super::set::{Opening, SetReader, Told};
use crate::Halt;
use crate::canonical::{AcknowledgedFault, AcknowledgedItem, Acknowledgment, Body, Text, Verdict};
use crate::edi::Segment;
use crate::finding::{Code, Finding};
use crate::short::Short;
use crate::text::brief;

pub(super) static GRAMMAR: Grammar = Grammar {
    set: "997 or 999",
    document: "functional group",
    segments: Known::of(["AK1", "AK2", "AK3", "AK4", "AK5", "AK9", "CTX", "IK3", "IK4", "IK5", "LE", "LS", "SE", "ST"]),
    opening: |id| match id {
        b"AK2" => Some((Loop::Original, Members::AllBut(const { &keys(["AK2", "AK9", "SE"]) }))),
        b"AK3" | b"IK3" => Some((Loop::Fault, Members::Only(const { &keys(["CTX", "AK4", "IK4"]) }))),
        b"AK4" | b"IK4" => Some((Loop::Other, Members::Only(const { &keys(["CTX"]) }))),
        _ => None,
    },
};

pub(super) struct AcknowledgmentReader {
    record: Record,
    acknowledgment: Acknowledgment,
    /// AK3, until it is known whether AK4 says the same more closely.
    segment: Option<OpenSegment>,
    seen_ak1: bool,
    seen_ak9: bool,
    /// An empty answer is one all the same: nothing more is asked of it.
    is_empty: bool,
    faults: usize,
}

/// A segment of the answered set, while what is said of it is read.
struct OpenSegment {
    fault: AcknowledgedFault,
    /// It needs no fault of its own: it has one, or its elements say it.
    is_told: bool,
}

impl AcknowledgmentReader {
    pub(super) fn new(opening: &Opening<'_>) -> Self {
        let (sender, recipient) = opening.parties();
        let issue_date = opening.group.date;
        Self {
            record: opening.record(&GRAMMAR),
            acknowledgment: Acknowledgment { issue_date, sender, recipient, ..Acknowledgment::default() },
            segment: None,
            seen_ak1: false,
            seen_ak9: false,
            is_empty: true,
            faults: 0,
        }
    }
}

impl SetReader for AcknowledgmentReader {
    fn record(&mut self) -> &mut Record {
        &mut self.record
    }

    fn take(&mut self, segment: &Segment<'_>) -> Result<(), Halt> {
        if !self.record.step(segment)? {
            return Ok(());
        }
        self.is_empty = false;
        match segment.id {
            b"AK1" if self.seen_ak1 => self.record.repeated(segment),
            b"AK1" => self.take_group(segment),
            b"AK2" => self.take_set(segment)?,
            b"AK3" | b"IK3" => {
                self.settle_segment();
                self.take_segment(segment);
            }
            b"AK4" | b"IK4" => self.take_element(segment),
            b"CTX" => self.take_context(segment),
            b"AK5" | b"IK5" => self.close_set(segment),
            b"AK9" => self.close_group(segment),
            _ => {}
        }
        within(segment, "number of faults of one document", "lines_max", self.faults, self.record.limits.lines_max)
    }

    fn finish(mut self: Box<Self>, st: &Place, complete: bool) -> Told {
        self.settle_segment();
        if complete && !self.is_empty {
            if !self.seen_ak1 {
                let fix = "Send AK1 right after ST, with the group it answers.";
                self.record.lacking(st, "AK1", "MISSING-AK1", 2, "no word on which group it answers", fix);
            }
            if !self.seen_ak9 {
                let end = self.record.position + 1;
                let fix = "Send AK9 last, with the verdict on the whole group.";
                self.record.lacking(st, "AK9", "MISSING-AK9", end, "no verdict on the whole group", fix);
            }
        }
        Told {
            body: Body::Acknowledgment(Box::new(self.acknowledgment)),
            evidence: self.record.evidence,
            said: self.record.said,
        }
    }
}

impl AcknowledgmentReader {
    /// AK1: the group it answers.
    fn take_group(&mut self, ak1: &Segment<'_>) {
        self.seen_ak1 = true;
        let subject = &mut self.acknowledgment.subject;
        subject.kind = ak1.text(1);
        subject.control = ak1.text(2);
        subject.version = ak1.text(3);
        // It has no number of its own: the trade knows it by the group it answers.
        self.acknowledgment.number = subject.control.clone();
        if self.acknowledgment.number.is_some() {
            self.record.prove(Short::fixed("subject.control"), ak1, 2);
        }
    }

    /// AK2: a set of that group.
    fn take_set(&mut self, ak2: &Segment<'_>) -> Result<(), Halt> {
        let index = self.acknowledgment.items.len();
        let max = self.record.limits.lines_max;
        within(ak2, "number of transaction sets in one acknowledgment", "lines_max", index + 1, max)?;
        self.acknowledgment.items.push(AcknowledgedItem {
            kind: ak2.text(1),
            control: ak2.text(2),
            ..AcknowledgedItem::default()
        });
        Ok(())
    }

    /// AK3, IK3: a segment of that set.
    fn take_segment(&mut self, ak3: &Segment<'_>) {
        let position = self.number(ak3, 2, ak3.text(2).map(Into::into));
        let fault = AcknowledgedFault {
            code: ak3.text(4),
            segment: ak3.text(1),
            segment_position: position,
            loop_id: ak3.text(3),
            ..AcknowledgedFault::default()
        };
        self.segment = Some(OpenSegment { fault, is_told: false });
    }

    /// AK4, IK4: an element of that segment. It says the same as an AK3 of code 8 (segment has data element
    /// errors), more closely.
    fn take_element(&mut self, ak4: &Segment<'_>) {
        let element =
            self.number(ak4, 1, ak4.component(1, 1).map(Into::into)).and_then(|number| u32::try_from(number).ok());
        let component = ak4.component(1, 2).and_then(|number| number.parse().ok());
        let Some(mut open) = self.segment.take() else { return };
        let is_closer = open.fault.text.is_none() && matches!(open.fault.code.as_deref(), None | Some("8"));
        if !open.is_told && !is_closer {
            self.push(open.fault.clone());
        }
        open.is_told = true;
        self.push(AcknowledgedFault {
            code: ak4.text(3),
            element_position: element,
            component_position: component,
            value: ak4.text(4),
            text: None,
            ..open.fault.clone()
        });
        self.segment = Some(open);
    }

    /// CTX: more words on the segment or the element before it.
    fn take_context(&mut self, ctx: &Segment<'_>) {
        let Some(words) = ctx.text(1) else { return };
        let fault = match &mut self.segment {
            Some(open) if !open.is_told => Some(&mut open.fault),
            _ => self.acknowledgment.items.last_mut().and_then(|item| item.faults.last_mut()),
        };
        let Some(fault) = fault else { return };
        match &mut fault.text {
            Some(text) if text.len() < TEXT_BYTES_MAX => {
                text.push_str("; ");
                text.push_str(&words);
            }
            Some(_) => {}
            None => fault.text = Some(words),
        }
    }

    /// AK5, IK5: the verdict on that set, and codes of the whole of it.
    fn close_set(&mut self, ak5: &Segment<'_>) {
        self.settle_segment();
        let index = self.acknowledgment.items.len().saturating_sub(1);
        let Some(item) = self.acknowledgment.items.last_mut() else { return };
        item.verdict_code = ak5.text(1);
        item.verdict = verdict(item.verdict_code.as_deref());
        let codes = (2..=6).filter_map(|element| ak5.text(element)).map(coded);
        item.faults.splice(0..0, codes);
        if item.verdict_code.is_some() {
            self.record.prove(Short::part("items", index, "verdict"), ak5, 1);
        }
        let said = item.verdict_code.clone();
        self.check_verdict(ak5, said.as_deref());
    }

    /// AK9: the verdict on the group.
    fn close_group(&mut self, ak9: &Segment<'_>) {
        self.settle_segment();
        self.seen_ak9 = true;
        let counts = [2, 3, 4].map(|element| self.number(ak9, element, ak9.text(element).map(Into::into)));
        let acknowledgment = &mut self.acknowledgment;
        [acknowledgment.subject.included, acknowledgment.subject.received, acknowledgment.subject.accepted] = counts;
        acknowledgment.verdict_code = ak9.text(1);
        acknowledgment.verdict = verdict(acknowledgment.verdict_code.as_deref());
        acknowledgment.faults.extend((5..=9).filter_map(|element| ak9.text(element)).map(coded));
        let said = acknowledgment.verdict_code.clone();
        if said.is_some() {
            self.record.prove(Short::fixed("verdict"), ak9, 1);
        }
        self.check_verdict(ak9, said.as_deref());
    }

    /// A verdict nobody can read must not pass for one: it stays `received`.
    fn check_verdict(&mut self, segment: &Segment<'_>, code: Option<&str>) {
        if code.is_some_and(|code| verdict(Some(code)) != Verdict::Received) {
            return;
        }
        let field = field(segment, 1);
        let message = match code {
            Some(code) => format!("{field} says `{}`, which is no verdict (A, E, P, R, M, W or X)", brief(code)),
            None => format!("{field}, the verdict, is missing"),
        };
        let fix = format!("Write A, E, P or R into {field}.");
        let finding = Finding::warning(Code::EDI_ELEMENT_INVALID, self.record.place(segment, 1), message, fix);
        self.record.report(finding.with_field(field).with_value(segment.written(1)).with_excerpt(segment.excerpt()));
    }

    /// A count or a place; what is none is a warning, and left out.
    fn number(&mut self, segment: &Segment<'_>, element: usize, text: Option<String>) -> Option<u64> {
        let text = text?;
        let number = text.parse().ok();
        if number.is_none() {
            let field = field(segment, element);
            let finding = Finding::warning(
                Code::EDI_ELEMENT_INVALID,
                self.record.place(segment, element),
                format!("{field} says `{}`, which is not a number", brief(&text)),
                format!("Write {field} with digits only."),
            );
            let finding = finding.with_rule("BAD-NUMBER").with_field(field).with_value(&text);
            self.record.report(finding.with_excerpt(segment.excerpt()));
        }
        number
    }

    /// An AK3 that stands for itself is a fault of its own.
    fn settle_segment(&mut self) {
        if let Some(open) = self.segment.take().filter(|open| !open.is_told) {
            self.push(open.fault);
        }
    }

    fn push(&mut self, fault: AcknowledgedFault) {
        if let Some(item) = self.acknowledgment.items.last_mut() {
            self.faults += 1;
            item.faults.push(fault);
        }
    }
}

/// The words of one fault.
const TEXT_BYTES_MAX: usize = 1_000;

fn coded(code: Text) -> AcknowledgedFault {
    AcknowledgedFault { code: Some(code), ..AcknowledgedFault::default() }
}

/// Elements 715 and 717. M, W and X reject for reasons of security.
fn verdict(code: Option<&str>) -> Verdict {
    match code {
        Some("A") => Verdict::Accepted,
        Some("E") => Verdict::AcceptedWithErrors,
        Some("P") => Verdict::PartiallyAccepted,
        Some("R" | "M" | "W" | "X") => Verdict::Rejected,
        _ => Verdict::Received,
    }
}
