//! Keeps, while an interchange is read, what its acknowledgment will say: group by group and set by set, with
//! the faults located by segment and element. Bounded: what is past the bound is counted, not kept.

use super::open::{Group, Interchange};
use crate::Profile;
use crate::canonical::{AcknowledgedFault, AcknowledgedItem, Acknowledgment, Subject, Text, Verdict};
use crate::edi::Segment;
use crate::finding::{Code, Finding, Severity};
use crate::path::Steps;
use crate::receipt::Receipt;

/// Items and faults kept of one file; a group of more sets is answered with the counts of all and the sets of
/// some, which X12 allows (AK2 is optional).
const KEPT_MAX: usize = 20_000;
/// Interchanges kept of one file.
const INTERCHANGES_MAX: usize = 1_000;
/// AK502 to AK506, AK905 to AK909: as many codes have a place.
const CODES_MAX: usize = 5;
/// Element 724 (copy of bad data element): as many characters have a place.
const COPY_CHARS_MAX: usize = 99;

/// The functional groups that hold acknowledgments (GS01), which are never acknowledged.
const ACKNOWLEDGMENTS: &str = "FA";

pub(super) struct Receipts<'p> {
    /// The one profile that weighs findings, if there is one.
    profile: Option<&'p Profile>,
    done: Vec<Receipt>,
    interchange: Option<Receipt>,
    group: Option<Acknowledgment>,
    set: Option<SetReceipt>,
    /// The open interchange holds something beside acknowledgments, or nothing at all.
    is_to_answer: bool,
    holds_acknowledgments: bool,
    kept: usize,
}

/// A transaction set, while it is read.
struct SetReceipt {
    item: AcknowledgedItem,
    has_errors: bool,
    is_refused: bool,
}

impl<'p> Receipts<'p> {
    pub(super) fn new(profiles: &'p [Profile]) -> Self {
        let profile = if let [profile] = profiles { Some(profile) } else { None };
        Self {
            profile,
            done: Vec::new(),
            interchange: None,
            group: None,
            set: None,
            is_to_answer: false,
            holds_acknowledgments: false,
            kept: 0,
        }
    }

    pub(super) fn finish(mut self) -> Vec<Receipt> {
        // The file ends inside of an interchange, whatever else was said of that.
        if let Some(receipt) = self.interchange.as_mut().filter(|receipt| receipt.interchange.faults.is_empty()) {
            accept_with(&mut receipt.interchange, "023");
        }
        self.close_interchange();
        self.done
    }

    pub(super) fn open_interchange(&mut self, isa: &Segment<'_>, interchange: &Interchange) {
        self.close_interchange();
        self.is_to_answer = false;
        self.holds_acknowledgments = false;
        if self.done.len() >= INTERCHANGES_MAX {
            return;
        }
        let text = |element| isa.text(element).unwrap_or_default();
        // The answer goes the other way.
        let (recipient, sender) = interchange.parties();
        self.interchange = Some(Receipt {
            sender: interchange.sender.clone(),
            recipient: interchange.recipient.clone(),
            date: text(9).into(),
            time: text(10).into(),
            version: text(12).into(),
            usage: text(15).into(),
            wanted: text(14) == "1",
            interchange: Acknowledgment {
                number: Some(interchange.control.clone()),
                verdict: Verdict::Accepted,
                verdict_code: Some("A".into()),
                subject: Subject {
                    kind: Some("interchange".into()),
                    control: Some(interchange.control.clone()),
                    ..Subject::default()
                },
                sender,
                recipient,
                ..Acknowledgment::default()
            },
            groups: Vec::new(),
        });
    }

    pub(super) fn close_interchange(&mut self) {
        // A group that is still open has no trailer.
        if let Some(group) = &mut self.group {
            add_code(&mut group.faults, "3");
        }
        self.close_group(None);
        let Some(receipt) = self.interchange.take() else { return };
        if self.is_to_answer || !self.holds_acknowledgments {
            self.done.push(receipt);
        }
    }

    /// A TA1 stands in the open interchange.
    pub(super) fn holds_acknowledgment(&mut self) {
        self.holds_acknowledgments = true;
    }

    pub(super) fn open_group(&mut self, gs: &Segment<'_>, group: &Group) {
        self.close_group(None);
        let Some(interchange) = &self.interchange else { return };
        let kind = gs.text(1);
        if kind.as_deref() == Some(ACKNOWLEDGMENTS) {
            self.holds_acknowledgments = true;
            return;
        }
        self.is_to_answer = true;
        let (mut sender, mut recipient) =
            (interchange.interchange.sender.clone(), interchange.interchange.recipient.clone());
        sender.ids.extend(group.recipient.clone());
        recipient.ids.extend(group.sender.clone());
        self.group = Some(Acknowledgment {
            number: group.control.clone(),
            subject: Subject {
                kind,
                control: group.control.clone(),
                version: group.version.clone(),
                included: None,
                received: Some(0),
                accepted: Some(0),
            },
            sender,
            recipient,
            ..Acknowledgment::default()
        });
    }

    /// The group ends; `declared` is what its trailer counts (GE01).
    pub(super) fn close_group(&mut self, declared: Option<u64>) {
        self.close_set();
        let Some(mut group) = self.group.take() else { return };
        let subject = &mut group.subject;
        subject.included = declared.or(subject.received);
        let (received, accepted) = (subject.received.unwrap_or(0), subject.accepted.unwrap_or(0));
        let has_errors = !group.faults.is_empty() || group.items.iter().any(|item| item.verdict != Verdict::Accepted);
        let (verdict, code) = match accepted {
            0 if received > 0 => (Verdict::Rejected, "R"),
            accepted if accepted < received => (Verdict::PartiallyAccepted, "P"),
            _ if has_errors => (Verdict::AcceptedWithErrors, "E"),
            _ => (Verdict::Accepted, "A"),
        };
        group.verdict = verdict;
        group.verdict_code = Some(code.into());
        if let Some(interchange) = &mut self.interchange {
            interchange.groups.push(group);
        }
    }

    /// A set begins. One that is not read is refused: transaction set not supported (element 718, code 1).
    pub(super) fn open_set(&mut self, kind: &str, control: &str, is_read: bool) {
        self.close_set();
        if self.group.is_none() {
            return;
        }
        let text = |text: &str| Some(Text::from(text)).filter(|text| !text.is_empty());
        let mut item = AcknowledgedItem { kind: text(kind), control: text(control), ..AcknowledgedItem::default() };
        if !is_read {
            item.faults.push(coded("1"));
        }
        self.set = Some(SetReceipt { item, has_errors: !is_read, is_refused: !is_read });
    }

    pub(super) fn close_set(&mut self) {
        let (Some(set), Some(group)) = (self.set.take(), &mut self.group) else { return };
        let mut item = set.item;
        let (verdict, code) = match (set.is_refused, set.has_errors) {
            (true, _) => (Verdict::Rejected, "R"),
            (false, true) => (Verdict::AcceptedWithErrors, "E"),
            (false, false) => (Verdict::Accepted, "A"),
        };
        item.verdict = verdict;
        item.verdict_code = Some(code.into());
        let subject = &mut group.subject;
        subject.received = subject.received.map(|count| count.saturating_add(1));
        if !set.is_refused {
            subject.accepted = subject.accepted.map(|count| count.saturating_add(1));
        }
        if self.kept < KEPT_MAX {
            self.kept += 1 + item.faults.len();
            group.items.push(item);
        }
    }

    /// Something is wrong with the interchange's own envelope.
    pub(super) fn fault_of_interchange(&mut self, finding: &Finding) {
        if !self.is_error(finding) {
            return;
        }
        let Some(receipt) = &mut self.interchange else { return };
        let answer = &mut receipt.interchange;
        // A TA1 has room for one code: the first fault's.
        if answer.faults.is_empty() {
            accept_with(answer, interchange_note(finding));
        }
    }

    /// Something is wrong with the group's envelope (element 716).
    pub(super) fn fault_of_group(&mut self, finding: &Finding) {
        if !self.is_error(finding) {
            return;
        }
        let Some(group) = &mut self.group else { return };
        let code = match finding.rule {
            Some("GE02") => "4",
            Some("GE01") => "5",
            _ => "3",
        };
        add_code(&mut group.faults, code);
    }

    /// Something is wrong in the open set, in the segment at `position`.
    pub(super) fn fault_of_set(&mut self, finding: &Finding, set_path: Steps, position: u64) {
        let is_error = self.is_error(finding);
        let Some(set) = self.set.as_mut().filter(|_| is_error) else { return };
        set.has_errors = true;
        // Sums, and what a document lacks to be acted on, are not what a functional acknowledgment is about:
        // the segment is pointed at, and the set is accepted with errors.
        let is_syntax = !matches!(finding.code, Code::TOTAL_MISMATCH | Code::TAX_MISMATCH | Code::DUPLICATE_DOCUMENT);
        set.is_refused |= is_syntax;
        // Element 718.
        let code = match finding.rule {
            Some("NO-SE" | "TRUNCATED") => Some("2"),
            Some("SE02") => Some("3"),
            Some("SE01") => Some("4"),
            Some("ST02-DUP") => Some("23"),
            _ => None,
        };
        if let Some(code) = code {
            return add_code(&mut set.item.faults, code);
        }
        add_code(&mut set.item.faults, "5");
        if self.kept < KEPT_MAX {
            self.kept += 1;
            set.item.faults.push(located(finding, set_path, position));
        }
    }

    /// A finding counts as the profile weighs it.
    fn is_error(&self, finding: &Finding) -> bool {
        let weighed = match self.profile {
            None => Some(finding.severity),
            Some(profile) => profile.weigh(finding.code.as_str(), finding.rule, finding.severity),
        };
        weighed == Some(Severity::Error)
    }
}

/// A fault that is a code of the whole set or group.
fn coded(code: &str) -> AcknowledgedFault {
    AcknowledgedFault { code: Some(code.into()), ..AcknowledgedFault::default() }
}

/// What could be read of the interchange was read: accepted, with a note (element I18).
fn accept_with(answer: &mut Acknowledgment, note: &str) {
    answer.faults.push(coded(note));
    answer.verdict = Verdict::AcceptedWithErrors;
    answer.verdict_code = Some("E".into());
}

/// Adds a code of the whole, once, before the located faults, as far as there is room for it.
fn add_code(faults: &mut Vec<AcknowledgedFault>, code: &str) {
    let whole = faults.iter().take_while(|fault| fault.segment.is_none()).count();
    let is_new = faults.iter().take(whole).all(|fault| fault.code.as_deref() != Some(code));
    if is_new && whole < CODES_MAX {
        faults.insert(whole, coded(code));
    }
}

/// Element I18: the note of a TA1.
fn interchange_note(finding: &Finding) -> &'static str {
    match finding.rule {
        Some("IEA02") => "001",
        Some("IEA01") => "021",
        Some("NO-IEA" | "TRUNCATED") => "023",
        Some("DUP-ISA13") => "025",
        Some("ISA-LEN") => "022",
        _ => "024",
    }
}

/// The fault as AK3 and AK4 have it: the segment (element 720), or the element in it (element 723).
fn located(finding: &Finding, set_path: Steps, position: u64) -> AcknowledgedFault {
    let set_path = set_path.to_string();
    let path = finding.location.path.strip_prefix(&set_path).unwrap_or_default();
    let mut steps = path.rsplit('/').filter(|step| !step.is_empty()).peekable();
    let element: Option<u32> = steps.peek().and_then(|step| step.parse().ok());
    if element.is_some() {
        steps.next();
    }
    let missing = finding.field.as_deref().filter(|_| finding.code == Code::EDI_SEGMENT_MISSING);
    let segment = missing.or_else(|| steps.next().and_then(|step| step.split('[').next())).unwrap_or("ST");
    let mut fault = AcknowledgedFault {
        segment: Some(segment.into()),
        segment_position: Some(position),
        ..AcknowledgedFault::default()
    };
    let code = match (finding.code, finding.rule) {
        (Code::EDI_SEGMENT_MISSING, _) => "3",
        (Code::EDI_SEGMENT_UNEXPECTED, Some("UNKNOWN-SEGMENT")) => "6",
        (Code::EDI_SEGMENT_UNEXPECTED, _) => "5",
        _ => {
            let code = match finding.code {
                Code::REQUIRED_MISSING => "1",
                Code::LENGTH_EXCEEDED => "5",
                Code::DATE_INVALID => "8",
                Code::AMOUNT_INVALID | Code::TYPE_INVALID | Code::EDI_ELEMENT_INVALID => "6",
                Code::CURRENCY_UNKNOWN | Code::EDI_COUNT_MISMATCH => "7",
                // The segment alone: no code of element 723 says that a sum is off.
                _ => return fault,
            };
            fault.element_position = element;
            fault.value = finding.value.as_deref().filter(|value| is_copyable(value)).map(Text::from);
            fault.code = Some(if element.is_some() { code.into() } else { "8".into() });
            return fault;
        }
    };
    fault.code = Some(code.into());
    fault
}

/// Whether a bad value can be repeated in an answer: it must not be taken for one of the answer's delimiters.
fn is_copyable(value: &str) -> bool {
    let is_plain = |char: char| (char.is_ascii_graphic() || char == ' ') && !matches!(char, '*' | '~' | '>' | '^');
    value.trim() == value && !value.is_empty() && value.chars().count() <= COPY_CHARS_MAX && value.chars().all(is_plain)
}
