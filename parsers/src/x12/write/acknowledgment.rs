//! Writes the answer to what was received: an interchange for each, back to its sender, with a TA1 where one is
//! due, and a 997 or a 999 for each functional group.
//!
//! A group of 005010 and later is answered with a 999, an earlier one with a 997 (which has no place for the
//! group's version). Acknowledgments are not answered: [`crate::x12::receipts`] does not keep them.

use super::CONTROL_MAX;
use super::segments::{COMPONENT, Interchange, Out, clean};
use crate::canonical::{AcknowledgedFault, Acknowledgment};
use crate::receipt::{Receipt, Reply};

/// The version a 999 is written in, and its guide.
const GUIDE_999: &str = "005010X231A1";

/// The interchanges to send back; `None` when nothing is to be said.
pub(crate) fn acknowledgment(receipts: &[Receipt], reply: &Reply) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut control = reply.control.clamp(1, CONTROL_MAX);
    for receipt in receipts {
        let is_due = receipt.wanted || reply.every_interchange || !receipt.interchange.faults.is_empty();
        // An answer names what it answers, and goes to somebody.
        let answers_itself = is_due && is_number(receipt.interchange.subject.control.as_deref());
        let has_groups = receipt.groups.iter().any(has_control);
        if receipt.sender.value.is_empty() || (!has_groups && !answers_itself) {
            continue;
        }
        bytes.extend(interchange(receipt, reply, control, answers_itself));
        // After the largest number comes the first again (X12.5).
        control = if control >= CONTROL_MAX { 1 } else { control + 1 };
    }
    Some(bytes).filter(|bytes| !bytes.is_empty())
}

fn interchange(receipt: &Receipt, reply: &Reply, control: u32, answers_itself: bool) -> Vec<u8> {
    let mut out = Out::default();
    let mut groups = Vec::new();
    let (newer, older): (Vec<&Acknowledgment>, Vec<&Acknowledgment>) = receipt
        .groups
        .iter()
        .partition(|group| group.subject.version.as_deref().is_some_and(|version| version >= "005"));
    for (is_newer, answered) in [(false, &older), (true, &newer)] {
        // Those who share their parties share a group.
        let mut rest = answered.as_slice();
        while let Some(first) = rest.first() {
            let same = |group: &&&Acknowledgment| group.sender == first.sender && group.recipient == first.recipient;
            let count = rest.iter().take_while(same).count().max(1);
            let (together, after) = rest.split_at(count.min(rest.len()));
            for (index, group) in together.iter().enumerate() {
                set(group, index, is_newer, &mut out);
            }
            let version = if is_newer { GUIDE_999 } else { "004010" };
            let code = |ids: &[crate::canonical::Identifier]| clean(ids.first().map_or("", |id| id.value.as_str()));
            groups.push(("FA", code(&first.sender.ids), code(&first.recipient.ids), version, together.len()));
            rest = after;
        }
    }
    let opened = Interchange {
        sender: receipt.recipient.clone(),
        recipient: receipt.sender.clone(),
        version: if newer.is_empty() { "00401" } else { "00501" },
        control,
        at: reply.at,
        usage: receipt.usage.clone(),
    };
    let before: Vec<Vec<String>> = if answers_itself { vec![ta1(receipt)] } else { Vec::new() };
    out.into_interchange(&opened, &before, &groups)
}

fn ta1(receipt: &Receipt) -> Vec<String> {
    let answer = &receipt.interchange;
    let control = answer.subject.control.clone().unwrap_or_default();
    let verdict = answer.verdict_code.clone().unwrap_or_else(|| "A".into());
    let note = answer.faults.first().and_then(|fault| fault.code.clone()).unwrap_or_else(|| "000".into());
    let elements =
        ["TA1".to_owned(), control.into(), receipt.date.clone(), receipt.time.clone(), verdict.into(), note.into()];
    elements.iter().map(|element| clean(element)).collect()
}

/// One 997 or 999.
fn set(group: &Acknowledgment, index: usize, is_999: bool, out: &mut Out) {
    let [segment, element, verdict] = if is_999 { ["IK3", "IK4", "IK5"] } else { ["AK3", "AK4", "AK5"] };
    out.open_set(if is_999 { "999" } else { "997" }, index, is_999.then_some(GUIDE_999));
    let subject = &group.subject;
    let version = subject.version.as_deref().filter(|_| is_999);
    out.segment("AK1", [said(subject.kind.as_deref()), said(subject.control.as_deref()), said(version)]);
    for item in &group.items {
        out.segment("AK2", [said(item.kind.as_deref()), said(item.control.as_deref())]);
        let mut before: Option<&AcknowledgedFault> = None;
        for fault in item.faults.iter().filter(|fault| fault.segment.is_some()) {
            let is_element = fault.element_position.is_some();
            let shares = before.is_some_and(|before| is_element && is_same_segment(before, fault));
            if !shares {
                let code = if is_element { Some("8") } else { fault.code.as_deref() };
                let place = fault.segment_position.map(|position| position.to_string());
                out.segment(
                    segment,
                    [said(fault.segment.as_deref()), place, said(fault.loop_id.as_deref()), said(code)],
                );
            }
            if let Some(position) = fault.element_position {
                let component = fault.component_position.map(|component| format!("{COMPONENT}{component}"));
                let place = format!("{position}{}", component.unwrap_or_default());
                out.segment(element, [Some(place), None, said(fault.code.as_deref()), said(fault.value.as_deref())]);
            }
            before = Some(fault).filter(|_| is_element);
        }
        let codes = item.faults.iter().filter(|fault| fault.segment.is_none()).take(5);
        let codes = codes.map(|fault| said(fault.code.as_deref()));
        out.segment(verdict, std::iter::once(said(item.verdict_code.as_deref())).chain(codes));
    }
    let count = |count: Option<u64>| Some(count.unwrap_or_default().to_string());
    let head = [
        said(group.verdict_code.as_deref()),
        count(subject.included),
        count(subject.received),
        count(subject.accepted),
    ];
    let codes = group.faults.iter().take(5).map(|fault| said(fault.code.as_deref()));
    out.segment("AK9", head.into_iter().chain(codes));
    out.close_set();
}

fn has_control(group: &Acknowledgment) -> bool {
    group.subject.control.as_deref().is_some_and(|control| !clean(control).trim().is_empty())
}

fn is_number(control: Option<&str>) -> bool {
    control.is_some_and(|control| !control.is_empty() && control.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_same_segment(one: &AcknowledgedFault, other: &AcknowledgedFault) -> bool {
    one.segment == other.segment && one.segment_position == other.segment_position && one.loop_id == other.loop_id
}

fn said(text: Option<&str>) -> Option<String> {
    text.map(clean)
}
