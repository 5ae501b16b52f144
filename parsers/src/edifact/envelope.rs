//! Follows the envelopes (UNB UNG UNH and their trailers), checks them, and hands every message to its
//! reader. Whatever breaks, reading goes on at the next message.

use std::ops::ControlFlow;

use super::charset::{Charset, sort};
use super::envelope_faults::{
    Count, bad_advice, bad_character, charset, control, duplicate, missing_trailer, no_interchange, no_terminator,
    out_of_place, trailing_data, truncated,
};
use super::open::{Group, Interchange, Message, Reader};
use super::other_messages::{OtherMessages, nothing_inside};
use super::receipts::{Fault, Receipts};
use super::record::Kept;
use super::segment::{Segment, Spot};
use crate::canonical::{Document, Text};
use crate::edi::Seen;
use crate::finding::{Code, Finding};
use crate::location::Location;
use crate::path::Steps;
use crate::seen::Digest;
use crate::text::brief;
use crate::{Event, Halt, Limits, Sink, Summary};

const UNB_REFERENCE: Spot = Spot::new(5, 1, "/0020");
const UNH_REFERENCE: Spot = Spot::new(1, 1, "/0062");

pub(super) struct Envelope<'a, 's> {
    limits: Limits,
    sink: &'a mut Sink<'s>,
    others: OtherMessages,
    receipts: Receipts<'a>,
    documents: u32,
    /// The format of all documents so far, or the family where they differ.
    format: Option<&'static str>,
    version: Option<String>,
    interchanges: u32,
    interchange: Option<Interchange>,
    group: Option<Group>,
    message: Option<Message>,
    seen_interchanges: Seen,
    seen_messages: Seen,
    /// Said once for each run of what stands out of place.
    said_out_of_place: bool,
    said_trailing: bool,
    /// Something was found: an empty file need not be called empty as well.
    said_anything: bool,
}

impl<'a, 's> Envelope<'a, 's> {
    pub(super) fn new(limits: Limits, sink: &'a mut Sink<'s>, receipts: Receipts<'a>) -> Self {
        Self {
            limits,
            sink,
            others: OtherMessages::default(),
            receipts,
            documents: 0,
            format: None,
            version: None,
            interchanges: 0,
            interchange: None,
            group: None,
            message: None,
            seen_interchanges: Seen::default(),
            seen_messages: Seen::default(),
            said_out_of_place: false,
            said_trailing: false,
            said_anything: false,
        }
    }

    /// Takes a segment; `charset` is what its interchange declares.
    pub(super) fn take(&mut self, segment: &Segment<'_>, charset: Charset) -> Result<(), Halt> {
        // A last UNZ often lacks its terminator; its content is checked all the same.
        if segment.cut && &segment.tag != b"UNZ" {
            return self.cut(segment);
        }
        if self.message.is_some() && !segment.tag.starts_with(b"UN") {
            self.take_in_message(segment)?;
            return self.check_characters(segment, charset);
        }
        if matches!(&segment.tag, b"UNB" | b"UNG" | b"UNH" | b"UNT" | b"UNE" | b"UNZ") {
            self.said_out_of_place = false;
        }
        match &segment.tag {
            b"UNB" => self.open_interchange(segment)?,
            b"UNG" => self.open_group(segment)?,
            b"UNH" => self.open_message(segment)?,
            b"UNT" => self.close_message(segment)?,
            b"UNE" => self.close_group(segment)?,
            b"UNZ" => return self.close_interchange(segment),
            _ if self.message.is_some() => self.take_in_message(segment)?,
            b"UNO" => {
                if let Some(interchange) = &mut self.interchange {
                    interchange.objects += 1;
                }
            }
            b"UNP" => {}
            _ => return self.out_of_place(segment, "a message (UNH to UNT)"),
        }
        self.check_characters(segment, charset)
    }

    pub(super) fn bad_advice(&mut self, location: Location, text: &str) -> Result<(), Halt> {
        self.tell(bad_advice(location, text))
    }

    /// Something after a UNZ that is no interchange.
    pub(super) fn trailing(&mut self, location: Location, text: &str) -> Result<(), Halt> {
        if std::mem::replace(&mut self.said_trailing, true) {
            return Ok(());
        }
        self.tell(trailing_data(location, text))
    }

    /// The file ends at this byte and line.
    pub(super) fn end(mut self, byte: u64, line: u64) -> Result<Summary, Halt> {
        let at = |path: Steps| Location::new(byte, line, path);
        if let Some(message) = self.message.take() {
            let finding = truncated(at(message.path), &message.named());
            self.finish_message(message, Some(finding), false)?;
        } else if let Some(group) = self.group.take() {
            self.tell(truncated(at(group.path), "a group of messages"))?;
        } else if let Some(interchange) = self.interchange.take() {
            let is_empty = interchange.messages == 0 && self.others.is_empty();
            let finding = match interchange.control {
                None => None,
                Some(_) if is_empty => Some(truncated(at(interchange.path), "an interchange")),
                Some(_) => {
                    let end = at(interchange.path);
                    Some(missing_trailer("NO-UNZ", "UNZ", "the interchange", "the end of the file", end))
                }
            };
            if let Some(finding) = finding {
                self.receipts.fault_of_interchange(&finding, "UNZ");
                self.tell(finding)?;
            }
        }
        let warnings: Vec<Finding> = self.others.warnings().collect();
        warnings.into_iter().try_for_each(|finding| self.tell(finding))?;
        if self.documents == 0 && self.others.is_empty() && !self.said_anything {
            self.tell(nothing_inside())?;
        }
        let format = self.format.map_or_else(|| self.others.format(), str::to_owned);
        Ok(Summary { format, version: self.version, receipts: self.receipts.finish(), ..Summary::default() })
    }

    fn open_interchange(&mut self, unb: &Segment<'_>) -> Result<(), Halt> {
        self.close_message_early("UNB", unb)?;
        self.close_group_early("UNB", unb)?;
        if let Some(open) = self.interchange.take().filter(|open| open.control.is_some()) {
            let location = unb.location(open.path);
            let finding = missing_trailer("NO-UNZ", "UNZ", "the interchange", "another UNB", location);
            self.receipts.fault_of_interchange(&finding, "UNZ");
            self.tell(finding.with_excerpt(unb.excerpt()))?;
        }
        self.said_trailing = false;
        let control = unb.owned(5, 1).unwrap_or_default();
        let key = [unb.written(2, 1), unb.written(2, 2), unb.written(3, 1), unb.written(3, 2), unb.written(5, 1)];
        let is_duplicate = !self.seen_interchanges.is_new(&key);
        let path = self.new_interchange(Some(control.clone()), is_duplicate);
        self.receipts.open_interchange(unb);
        if is_duplicate {
            let message = format!(
                "interchange reference `{}` of this sender and recipient comes twice in this file; messages that \
                 repeat earlier ones to the letter are not read again",
                brief(&control)
            );
            let fix = "Send each interchange once, and give every interchange its own reference in UNB 0020.";
            let finding = duplicate("DUP-UNB", unb, UNB_REFERENCE, path, message, fix);
            self.receipts.fault_of_interchange(&finding, "UNB");
            self.tell(finding)?;
        }
        Ok(())
    }

    fn new_interchange(&mut self, control: Option<Text>, is_duplicate: bool) -> Steps {
        self.interchanges = self.interchanges.saturating_add(1);
        let path = Steps::new().within(b"UNB", self.interchanges);
        self.interchange = Some(Interchange {
            path,
            control,
            is_duplicate,
            groups: 0,
            messages: 0,
            objects: 0,
            said_charset: false,
            seen: Seen::default(),
        });
        path
    }

    /// A message or a group without UNB: an interchange is made up for it, and that is said once.
    fn want_interchange(&mut self, segment: &Segment<'_>) -> Result<(), Halt> {
        if self.interchange.is_some() {
            return Ok(());
        }
        let path = self.new_interchange(None, false);
        self.tell(no_interchange(segment, path))
    }

    fn open_group(&mut self, ung: &Segment<'_>) -> Result<(), Halt> {
        self.close_message_early("UNG", ung)?;
        self.close_group_early("another UNG", ung)?;
        self.want_interchange(ung)?;
        let Some(interchange) = &mut self.interchange else { return Ok(()) };
        interchange.groups = interchange.groups.saturating_add(1);
        let path = interchange.path.within(b"UNG", interchange.groups);
        self.group = Some(Group { path, control: ung.owned(5, 1).unwrap_or_default(), messages: 0 });
        Ok(())
    }

    fn open_message(&mut self, unh: &Segment<'_>) -> Result<(), Halt> {
        self.close_message_early("another UNH", unh)?;
        self.want_interchange(unh)?;
        let Some(interchange) = &mut self.interchange else { return Ok(()) };
        interchange.messages = interchange.messages.saturating_add(1);
        let (parent, number) = match &mut self.group {
            Some(group) => {
                group.messages = group.messages.saturating_add(1);
                (group.path, group.messages)
            }
            None => (interchange.path, interchange.messages),
        };
        let path = parent.within(b"UNH", number);
        let control = unh.owned(1, 1).unwrap_or_default();
        // Unique within its group, or within its interchange.
        let group = self.group.as_ref().map(|group| group.control.as_str());
        let is_new = interchange.seen.is_new(&(group, control.as_str()));
        let kind = unh.owned(2, 1).unwrap_or_default();
        let version = unh.owned(2, 2).zip(unh.owned(2, 3)).map(|(version, release)| version + "." + &release);
        let kept = Kept::of(unh, path);
        self.receipts.open_message(&kind, &control, version.as_deref(), matches!(kind.as_str(), "INVOIC" | "REMADV"));
        let reader = Reader::of(&kind, path, self.documents, unh, self.limits);
        match &reader {
            Some(reader) => {
                let format = reader.format();
                self.format = Some(self.format.filter(|before| *before == format).unwrap_or(match self.format {
                    None => format,
                    Some(_) => "edifact",
                }));
                self.version = self.version.take().or_else(|| version.as_deref().map(str::to_owned));
            }
            None => self.others.count(&kind, || (kept.location.clone(), kept.excerpt.to_string())),
        }
        let mut digest = Digest::default();
        digest.add(unh.raw);
        let end = end_of(unh);
        let mut message = Message { path, control, version, unh: kept, segments: 1, end, digest, reader, told: false };
        if !is_new {
            let text = format!("message reference `{}` comes twice in its interchange", brief(&message.control));
            let fix = "Give every message of an interchange its own reference in UNH and UNT 0062.";
            let finding = duplicate("UNH-DUP", unh, UNH_REFERENCE, message.path, text, fix);
            self.tell_of(&mut message, finding)?;
        }
        self.message = Some(message);
        Ok(())
    }

    fn take_in_message(&mut self, segment: &Segment<'_>) -> Result<(), Halt> {
        let Some(message) = &mut self.message else { return Ok(()) };
        message.segments += 1;
        message.end = end_of(segment);
        let Some(reader) = &mut message.reader else { return Ok(()) };
        message.digest.add(segment.raw);
        reader.take(segment)?;
        if reader.is_clean() {
            return Ok(());
        }
        let (findings, faults) = reader.overflow();
        if findings.is_empty() {
            return Ok(());
        }
        message.told = true;
        self.acknowledge_faults(&findings, &faults);
        findings.into_iter().try_for_each(|finding| self.tell(finding))
    }

    fn close_message(&mut self, unt: &Segment<'_>) -> Result<(), Halt> {
        let Some(mut message) = self.message.take() else { return self.out_of_place(unt, "a message (UNH to UNT)") };
        message.segments += 1;
        message.end = end_of(unt);
        let path = message.path.within(b"UNT", 1);
        let count = Count {
            rule: "UNT-COUNT",
            spot: Spot::new(1, 1, "/0074"),
            of: "segments (UNH and UNT included)",
            inside: "this message",
            counted: message.segments,
        };
        let spot = Spot::new(2, 1, "/0062");
        let control = control(unt, path, "UNT-REF", spot, "UNH 0062", &message.control);
        for finding in [count.check(unt, path), control].into_iter().flatten() {
            self.tell_of(&mut message, finding)?;
        }
        self.finish_message(message, None, true)
    }

    fn close_group(&mut self, une: &Segment<'_>) -> Result<(), Halt> {
        self.close_message_early("UNE", une)?;
        let Some(group) = self.group.take() else { return self.out_of_place(une, "a group (UNG to UNE)") };
        let path = group.path.within(b"UNE", 1);
        let count = Count {
            rule: "UNE-COUNT",
            spot: Spot::new(1, 1, "/0060"),
            of: "messages",
            inside: "this group",
            counted: u64::from(group.messages),
        };
        let control = control(une, path, "UNE-REF", Spot::new(2, 1, "/0048"), "UNG 0048", &group.control);
        [count.check(une, path), control].into_iter().flatten().try_for_each(|finding| self.tell(finding))
    }

    fn close_interchange(&mut self, unz: &Segment<'_>) -> Result<(), Halt> {
        self.close_message_early("UNZ", unz)?;
        self.close_group_early("UNZ", unz)?;
        let Some(interchange) = self.interchange.take() else {
            return self.out_of_place(unz, "an interchange (UNB to UNZ)");
        };
        let Some(opened) = interchange.control else { return Ok(()) };
        let path = interchange.path.within(b"UNZ", 1);
        let messages = u64::from(interchange.messages);
        let (of, mut counted) = match interchange.groups {
            0 => ("messages", messages),
            groups => ("groups", u64::from(groups)),
        };
        // Objects count like messages (ISO 9735-8), though not every sender knows.
        let with_objects = counted + u64::from(interchange.objects);
        if unz.owned(1, 1).and_then(|declared| declared.parse().ok()) == Some(with_objects) {
            counted = with_objects;
        }
        let spot = Spot::new(1, 1, "/0036");
        let count = Count { rule: "UNZ-COUNT", spot, of, inside: "this interchange", counted };
        // A terminator that is released by mistake has become a part of the reference.
        let control = control(unz, path, "UNZ-REF", Spot::new(2, 1, "/0020"), "UNB 0020", &opened).filter(|finding| {
            !unz.cut || !finding.value.as_ref().is_some_and(|value| value.starts_with(opened.as_str()))
        });
        let cut = unz.cut.then(|| no_terminator(unz, path));
        let faults: Vec<Finding> = [count.check(unz, path), control, cut].into_iter().flatten().collect();
        for finding in faults {
            self.receipts.fault_of_interchange(&finding, "UNZ");
            self.tell(finding)?;
        }
        self.receipts.close_interchange();
        Ok(())
    }

    fn close_message_early(&mut self, before: &str, segment: &Segment<'_>) -> Result<(), Halt> {
        let Some(message) = self.message.take() else { return Ok(()) };
        let location = segment.location(message.path);
        let finding = missing_trailer("NO-UNT", "UNT", &message.named(), before, location);
        self.finish_message(message, Some(finding.with_excerpt(segment.excerpt())), false)
    }

    fn close_group_early(&mut self, before: &str, segment: &Segment<'_>) -> Result<(), Halt> {
        let Some(group) = self.group.take() else { return Ok(()) };
        let location = segment.location(group.path);
        let finding = missing_trailer("NO-UNE", "UNE", "a group of messages", before, location);
        self.tell(finding.with_excerpt(segment.excerpt()))
    }

    /// The file ends inside this segment, which is not to be trusted: `MOA+77:296` may have been 29615.18.
    fn cut(&mut self, segment: &Segment<'_>) -> Result<(), Halt> {
        let path = [
            self.message.as_ref().map(|message| message.path),
            self.group.as_ref().map(|group| group.path),
            self.interchange.as_ref().map(|interchange| interchange.path),
        ];
        let path = path.into_iter().flatten().next().unwrap_or(Steps::new());
        let inside = format!("a segment {}", segment.name());
        let finding = truncated(segment.location(path), &inside).with_excerpt(segment.excerpt());
        match self.message.take() {
            Some(message) => self.finish_message(message, Some(finding), false)?,
            None => self.tell(finding)?,
        }
        self.group = None;
        self.interchange = None;
        Ok(())
    }

    fn out_of_place(&mut self, segment: &Segment<'_>, inside: &str) -> Result<(), Halt> {
        if std::mem::replace(&mut self.said_out_of_place, true) {
            return Ok(());
        }
        let group = self.group.as_ref().map(|group| group.path);
        let path = group.or_else(|| self.interchange.as_ref().map(|interchange| interchange.path));
        self.tell(out_of_place(segment, path.unwrap_or(Steps::new()), inside))
    }

    /// A message ends: one that is read becomes a document, after its findings.
    fn finish_message(&mut self, mut message: Message, finding: Option<Finding>, complete: bool) -> Result<(), Halt> {
        if let Some(finding) = finding {
            self.tell_of(&mut message, finding)?;
        }
        let Some(reader) = message.reader.take() else {
            self.receipts.close_message();
            return Ok(());
        };
        let is_new = self.seen_messages.is_new(&message.digest);
        let repeats = !is_new && self.interchange.as_ref().is_some_and(|interchange| interchange.is_duplicate);
        if repeats && !message.told {
            self.receipts.close_message();
            return Ok(());
        }
        let format = reader.format().to_owned();
        let told = reader.finish(&message.unh, complete);
        self.acknowledge_faults(&told.findings, &told.faults);
        self.receipts.close_message();
        told.findings.into_iter().try_for_each(|finding| self.tell(finding))?;
        let length = message.end.saturating_sub(message.unh.location.byte);
        let location = message.unh.location.clone().spanning(usize::try_from(length).unwrap_or(usize::MAX));
        let document = Document {
            ordinal: self.documents,
            format: format.into(),
            version: message.version.take(),
            location,
            control: self.control_numbers(message.control),
            evidence: told.evidence,
            body: told.body,
        };
        self.documents = self.documents.saturating_add(1);
        self.emit(Event::Document(Box::new(document)))
    }

    /// What a reader found goes into the acknowledgment, where its place in the message is known.
    fn acknowledge_faults(&mut self, findings: &[Finding], faults: &[(usize, Fault)]) {
        for (index, fault) in faults {
            if let Some(finding) = findings.get(*index) {
                self.receipts.fault(finding, Some(fault.clone()));
            }
        }
        for finding in findings.iter().filter(|finding| finding.code == Code::EDI_SEGMENT_MISSING) {
            self.receipts.fault(finding, None);
        }
    }

    fn control_numbers(&self, message: Text) -> Vec<(Text, Text)> {
        let interchange = self.interchange.as_ref().and_then(|interchange| interchange.control.clone());
        let group = self.group.as_ref().map(|group| group.control.clone());
        let numbers = [("UNB0020", interchange), ("UNG0048", group), ("UNH0062", Some(message))];
        let mut control = Vec::with_capacity(numbers.len());
        let numbers = numbers.into_iter().filter_map(|(name, number)| Some((Text::from(name), number?)));
        control.extend(numbers.filter(|(_, number)| !number.is_empty()));
        control
    }

    /// Characters the declared set has not, said once an interchange; control characters, always.
    #[inline]
    fn check_characters(&mut self, segment: &Segment<'_>, declared: Charset) -> Result<(), Halt> {
        // Nothing but what every set has, as nearly always.
        if segment.sorts == 0 { Ok(()) } else { self.check_odd_characters(segment, declared) }
    }

    fn check_odd_characters(&mut self, segment: &Segment<'_>, declared: Charset) -> Result<(), Halt> {
        let said = self.interchange.as_ref().is_none_or(|interchange| interchange.said_charset);
        let is_off = !said && declared.fault(segment.raw, segment.sorts).is_some();
        if !is_off && segment.sorts & sort::CONTROL == 0 {
            return Ok(());
        }
        let mut message = self.message.take();
        let path = match &mut message {
            Some(Message { reader: Some(reader), .. }) => reader.path(),
            Some(message) => message.path,
            None => self.interchange.as_ref().map_or(Steps::new(), |interchange| interchange.path),
        };
        let off = if is_off { charset(segment, declared, path) } else { None };
        if let Some(interchange) = &mut self.interchange {
            interchange.said_charset |= off.is_some();
        }
        for finding in off.into_iter().chain(bad_character(segment, path)) {
            match &mut message {
                Some(message) => self.tell_of(message, finding)?,
                None => self.tell(finding)?,
            }
        }
        self.message = message;
        Ok(())
    }

    /// Tells a finding of a message: of its document, if it becomes one.
    fn tell_of(&mut self, message: &mut Message, finding: Finding) -> Result<(), Halt> {
        let segment = finding.field.as_deref().and_then(|field| field.split(' ').next()).map(str::to_owned);
        let segment = segment.filter(|segment| matches!(segment.as_str(), "UNH" | "UNT"));
        let element = match finding.code {
            Code::EDI_COUNT_MISMATCH => Some(1),
            Code::EDI_CONTROL_MISMATCH => Some(2),
            _ => None,
        };
        self.receipts.fault(&finding, Some(Fault { segment, element, ..Fault::default() }));
        match &mut message.reader {
            Some(reader) => {
                reader.report(finding);
                Ok(())
            }
            None => self.tell(finding),
        }
    }

    fn tell(&mut self, finding: Finding) -> Result<(), Halt> {
        self.said_anything = true;
        self.emit(Event::Finding(Box::new(finding)))
    }

    fn emit(&mut self, event: Event) -> Result<(), Halt> {
        match (self.sink)(event) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Halt::Stopped),
        }
    }
}

fn end_of(segment: &Segment<'_>) -> u64 {
    segment.byte + segment.raw.len() as u64 + u64::from(!segment.cut)
}
