//! Follows the envelopes (ISA, GS, ST and their trailers), checks them, and hands every transaction set to
//! its reader. Whatever breaks, reading goes on at the next transaction set.

use std::ops::ControlFlow;

use super::delimiters::Delimiters;
use super::envelope_faults::{
    Count, bad_character, control, duplicate, isa_length, missing_trailer, no_group, out_of_place, trailing_data,
    truncated,
};
use super::interchange_ta1;
use super::open::{Group, Interchange, Set};
use super::other_sets::{OtherSets, nothing_inside};
use super::receipts::Receipts;
use super::record::Place;
use super::set::{Opening, format, reader};
use crate::canonical::{Document, Text};
use crate::edi::{Seen, Segment, sort};
use crate::finding::{Code, Finding};
use crate::location::Location;
use crate::path::Steps;
use crate::seen::Digest;
use crate::text::brief;
use crate::{Context, Event, Halt, Limits, Sink, Summary};

pub(super) struct Envelope<'a, 's> {
    limits: Limits,
    sink: &'a mut Sink<'s>,
    others: OtherSets,
    receipts: Receipts<'a>,
    documents: u32,
    /// The format of its documents, while they have one in common.
    format: Option<&'static str>,
    is_mixed: bool,
    version: Option<String>,
    interchanges: u32,
    interchange: Option<Interchange>,
    group: Option<Group>,
    set: Option<Box<Set>>,
    /// TA1 segments of the open interchange.
    answers: u32,
    /// GS01 of the first group, for a file without transaction sets.
    first_group: Option<(String, Location)>,
    seen_interchanges: Seen,
    seen_documents: Seen,
    /// Said once for each run of what stands out of place.
    said_out_of_place: bool,
    said_trailing: bool,
    said_anything: bool,
}

impl<'a, 's> Envelope<'a, 's> {
    pub(super) fn new(context: &Context<'a>, sink: &'a mut Sink<'s>) -> Self {
        Self {
            limits: context.limits,
            sink,
            others: OtherSets::default(),
            receipts: Receipts::new(context.profiles),
            documents: 0,
            format: None,
            is_mixed: false,
            version: None,
            interchanges: 0,
            interchange: None,
            group: None,
            set: None,
            answers: 0,
            first_group: None,
            seen_interchanges: Seen::default(),
            seen_documents: Seen::default(),
            said_out_of_place: false,
            said_trailing: false,
            said_anything: false,
        }
    }

    pub(super) fn open_interchange(&mut self, isa: &Segment<'_>, delimiters: Delimiters) -> Result<(), Halt> {
        self.close_set_early("ISA", isa)?;
        self.close_group_early("ISA", isa)?;
        if let Some(open) = self.interchange.take() {
            let location = isa.location(open.path);
            let finding = missing_trailer("NO-IEA", "IEA", "the interchange", "another ISA", location);
            self.tell_of_interchange(finding.with_excerpt(isa.excerpt()))?;
        }
        self.said_trailing = false;
        self.said_out_of_place = false;
        self.answers = 0;
        self.interchanges = self.interchanges.saturating_add(1);
        let path = Steps::new().within(b"ISA", self.interchanges);
        if isa.cut {
            return self.tell(truncated(isa.location(path), "its ISA segment").with_excerpt(isa.excerpt()));
        }
        let mut interchange = Interchange::open(path, isa, delimiters);
        self.receipts.open_interchange(isa, &interchange);
        if let Some(finding) = isa_length(isa, interchange.path) {
            self.tell_of_interchange(finding)?;
        }
        let key: Vec<Text> = [5, 6, 7, 8, 13].iter().map(|element| isa.text(*element).unwrap_or_default()).collect();
        interchange.is_duplicate = !self.seen_interchanges.is_new(&key);
        if interchange.is_duplicate {
            let message = format!(
                "interchange control number `{}` of this sender and receiver comes twice in this file; \
                 documents that repeat earlier ones to the letter are not read again",
                brief(&interchange.control)
            );
            let fix = "Send each interchange once, and give every interchange its own ISA13.";
            self.tell_of_interchange(duplicate("DUP-ISA13", isa, 13, interchange.path, message, fix))?;
        }
        self.interchange = Some(interchange);
        Ok(())
    }

    /// Takes a segment of the open interchange.
    pub(super) fn take(&mut self, segment: &Segment<'_>) -> Result<(), Halt> {
        // A last IEA often lacks its terminator; its content is checked all the same.
        if segment.cut && segment.id != b"IEA" {
            return self.cut(segment);
        }
        if matches!(segment.id, b"GS" | b"ST" | b"SE" | b"GE" | b"IEA") {
            self.said_out_of_place = false;
        } else if self.set.is_some() {
            return self.take_in_set(segment);
        }
        match segment.id {
            b"GS" => self.open_group(segment),
            b"ST" => self.open_set(segment),
            b"SE" => self.close_set(segment),
            b"GE" => self.close_group(segment),
            b"IEA" => self.close_interchange(segment),
            b"TA1" if self.group.is_none() => self.take_answer(segment),
            // Segments of the interchange itself (X12.5): grades of service, deferral, interconnect.
            b"ISB" | b"ISE" | b"TA3" if self.group.is_none() => Ok(()),
            _ => self.out_of_place(segment, "a transaction set (ST to SE)"),
        }
    }

    /// Something after an IEA that is no interchange.
    pub(super) fn trailing(&mut self, rest: &Segment<'_>) -> Result<(), Halt> {
        if std::mem::replace(&mut self.said_trailing, true) {
            return Ok(());
        }
        self.tell(trailing_data(rest))
    }

    /// The file ends at this byte and line.
    pub(super) fn end(mut self, byte: u64, line: u64) -> Result<Summary, Halt> {
        if let Some(set) = self.set.take() {
            let finding = truncated(Location::new(byte, line, set.path), &format!("a transaction set {}", set.named()));
            self.finish_set(set, Some(finding), false)?;
        } else if let Some(group) = self.group.take() {
            let finding = truncated(Location::new(byte, line, group.path), "a functional group");
            self.tell_of_group(finding)?;
        } else if let Some(interchange) = self.interchange.take() {
            let location = Location::new(byte, line, interchange.path);
            let finding = match interchange.groups {
                0 if self.first_group.is_none() && self.others.is_empty() => truncated(location, "an interchange"),
                _ => missing_trailer("NO-IEA", "IEA", "the interchange", "the end of the file", location),
            };
            self.tell_of_interchange(finding)?;
        }
        let warnings: Vec<Finding> = self.others.warnings().collect();
        warnings.into_iter().try_for_each(|finding| self.tell(finding))?;
        if self.documents == 0 && self.others.is_empty() && !self.said_anything {
            let finding = nothing_inside(self.first_group.take());
            self.tell(finding)?;
        }
        let format = match self.format {
            Some(_) if self.is_mixed => "x12".to_owned(),
            Some(format) => format.to_owned(),
            None => self.others.format(),
        };
        Ok(Summary { format, version: self.version, receipts: self.receipts.finish(), ..Summary::default() })
    }

    /// TA1: an answer to an interchange of ours.
    fn take_answer(&mut self, ta1: &Segment<'_>) -> Result<(), Halt> {
        let Some(interchange) = &self.interchange else { return Ok(()) };
        self.answers = self.answers.saturating_add(1);
        self.receipts.holds_acknowledgment();
        let path = interchange.path.within(b"TA1", self.answers);
        let document = interchange_ta1::read(ta1, interchange, path, self.documents);
        let lacks = interchange_ta1::lacks(ta1).map(|(element, what)| {
            let field = format!("TA1{element:02}");
            let place = ta1.element_location(element, &path);
            Finding::error(
                Code::REQUIRED_MISSING,
                place,
                format!("{field} does not say {what}"),
                format!("Say in {field} {what}."),
            )
            .with_field(field)
            .with_value(ta1.written(element))
            .with_excerpt(ta1.excerpt())
            .in_document(self.documents)
        });
        let bad = self.character_fault(ta1, path).map(|finding| finding.in_document(self.documents));
        [lacks, bad].into_iter().flatten().try_for_each(|finding| self.tell(finding))?;
        self.hand_over(document, interchange_ta1::FORMAT)
    }

    fn open_group(&mut self, gs: &Segment<'_>) -> Result<(), Halt> {
        self.close_set_early("GS", gs)?;
        self.close_group_early("another GS", gs)?;
        let path = self.next_group_path();
        self.check_characters(gs, path)?;
        if self.first_group.is_none() {
            self.first_group = Some((gs.text(1).unwrap_or_default().into(), gs.location(path)));
        }
        let group = Group::open(path, gs);
        self.receipts.open_group(gs, &group);
        self.group = Some(group);
        Ok(())
    }

    fn next_group_path(&mut self) -> Steps {
        self.interchange.as_mut().map_or_else(Steps::new, |interchange| {
            interchange.groups = interchange.groups.saturating_add(1);
            interchange.path.within(b"GS", interchange.groups)
        })
    }

    fn open_set(&mut self, st: &Segment<'_>) -> Result<(), Halt> {
        self.close_set_early("another ST", st)?;
        let mut group = match self.group.take() {
            Some(group) => group,
            None => {
                let path = self.next_group_path();
                self.tell_of_interchange(no_group(st, path))?;
                Group::missing(path)
            }
        };
        group.sets = group.sets.saturating_add(1);
        let path = group.path.within(b"ST", group.sets);
        let control = st.text(2).unwrap_or_default();
        let place = Place { location: st.location(path), excerpt: st.excerpt().into() };
        let kind = st.text(1).unwrap_or_default();
        let opening = Opening {
            path,
            ordinal: self.documents,
            version: group.version.as_deref(),
            convention: st.text(3).map(Into::into),
            interchange: self.interchange.as_ref(),
            group: &group,
            limits: self.limits,
        };
        let reader = reader(&kind, &opening).zip(format(&kind));
        self.receipts.open_set(&kind, &control, reader.is_some());
        if reader.is_some() {
            self.version = self.version.take().or_else(|| group.version.as_deref().map(str::to_owned));
        } else {
            self.others.count(&kind, || (place.location.clone(), place.excerpt.to_string()));
        }
        let is_new = group.seen.is_new(&control);
        let mut digest = Digest::default();
        digest.add(st.raw);
        let mut set = Set { path, control, st: place, segments: 1, end: end_of(st), digest, reader, told: false };
        if !is_new {
            let message =
                format!("transaction set control number `{}` comes twice in its functional group", brief(&set.control));
            let fix = "Give every transaction set of a group its own control number in ST02 and SE02.";
            let finding = duplicate("ST02-DUP", st, 2, path, message, fix);
            self.tell_of_set(&mut set, finding)?;
        }
        let finding = self.character_fault(st, path);
        finding.map_or(Ok(()), |finding| self.tell_of_set(&mut set, finding))?;
        self.group = Some(group);
        self.set = Some(Box::new(set));
        Ok(())
    }

    fn take_in_set(&mut self, segment: &Segment<'_>) -> Result<(), Halt> {
        let (Some(set), Some(interchange)) = (&mut self.set, &self.interchange) else { return Ok(()) };
        set.segments += 1;
        set.end = end_of(segment);
        let Some((reader, _)) = &mut set.reader else { return Ok(()) };
        set.digest.add(segment.raw);
        reader.take(segment)?;
        let record = reader.record();
        if segment.has(sort::CONTROL)
            && let Some(finding) = bad_character(segment, interchange.delimiters, record.path())
        {
            record.report(finding);
        }
        if record.said.is_empty() {
            return Ok(());
        }
        let said = record.overflow();
        if said.is_empty() {
            return Ok(());
        }
        set.told = true;
        let path = set.path;
        self.tell_said(path, said)
    }

    fn close_set(&mut self, se: &Segment<'_>) -> Result<(), Halt> {
        let Some(mut set) = self.set.take() else { return self.out_of_place(se, "a transaction set (ST to SE)") };
        set.segments += 1;
        set.end = end_of(se);
        let path = set.path.within(b"SE", 1);
        let of = "segments (ST and SE included)";
        let count = Count { rule: "SE01", of, inside: "this transaction set", counted: set.segments };
        let control = control(se, path, "SE02", "ST02", &set.control);
        let faults = [count.check(se, path), control, self.character_fault(se, path)];
        for finding in faults.into_iter().flatten() {
            self.tell_of_set(&mut set, finding)?;
        }
        self.finish_set(set, None, true)
    }

    fn close_group(&mut self, ge: &Segment<'_>) -> Result<(), Halt> {
        self.close_set_early("GE", ge)?;
        let Some(group) = self.group.take() else { return self.out_of_place(ge, "a functional group (GS to GE)") };
        let path = group.path.within(b"GE", 1);
        let counted = u64::from(group.sets);
        let count = Count { rule: "GE01", of: "transaction sets", inside: "this functional group", counted };
        let control = group.control.and_then(|opened| control(ge, path, "GE02", "GS06", &opened));
        for finding in [count.check(ge, path), control].into_iter().flatten() {
            self.tell_of_group(finding)?;
        }
        self.check_characters(ge, path)?;
        self.receipts.close_group(ge.text(1).and_then(|count| count.parse().ok()));
        Ok(())
    }

    fn close_interchange(&mut self, iea: &Segment<'_>) -> Result<(), Halt> {
        self.close_set_early("IEA", iea)?;
        self.close_group_early("IEA", iea)?;
        let Some(interchange) = self.interchange.take() else { return Ok(()) };
        let path = interchange.path.within(b"IEA", 1);
        let counted = u64::from(interchange.groups);
        let count = Count { rule: "IEA01", of: "functional groups", inside: "this interchange", counted };
        let control = control(iea, path, "IEA02", "ISA13", &interchange.control);
        for finding in [count.check(iea, path), control].into_iter().flatten() {
            self.tell_of_interchange(finding)?;
        }
        self.receipts.close_interchange();
        Ok(())
    }

    fn close_set_early(&mut self, before: &str, segment: &Segment<'_>) -> Result<(), Halt> {
        let Some(set) = self.set.take() else { return Ok(()) };
        let location = segment.location(set.path);
        let finding = missing_trailer("NO-SE", "SE", &format!("a transaction set {}", set.named()), before, location);
        self.finish_set(set, Some(finding.with_excerpt(segment.excerpt())), false)
    }

    fn close_group_early(&mut self, before: &str, segment: &Segment<'_>) -> Result<(), Halt> {
        match self.group.take() {
            // A group without GS has been reported; it needs no GE.
            Some(group) if group.control.is_some() => {
                let location = segment.location(group.path);
                let finding = missing_trailer("NO-GE", "GE", "a functional group", before, location);
                self.tell_of_group(finding.with_excerpt(segment.excerpt()))?;
                self.receipts.close_group(None);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The file ends inside this segment, which is not to be trusted: `TDS*296` may have been 29615.18.
    fn cut(&mut self, segment: &Segment<'_>) -> Result<(), Halt> {
        let path = [
            self.set.as_ref().map(|set| set.path),
            self.group.as_ref().map(|group| group.path),
            self.interchange.as_ref().map(|interchange| interchange.path),
        ];
        let path = path.into_iter().flatten().next().unwrap_or(Steps::new());
        let id = segment.written(0);
        let finding =
            truncated(segment.location(path), &format!("a segment {}", brief(&id))).with_excerpt(segment.excerpt());
        match self.set.take() {
            Some(set) => self.finish_set(set, Some(finding), false)?,
            None if self.group.is_some() => self.tell_of_group(finding)?,
            None => self.tell_of_interchange(finding)?,
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

    /// A set ends and becomes a document, after its findings.
    fn finish_set(&mut self, mut set: Box<Set>, finding: Option<Finding>, complete: bool) -> Result<(), Halt> {
        if let Some(finding) = finding {
            self.tell_of_set(&mut set, finding)?;
        }
        let Some((reader, format)) = set.reader.take() else {
            self.receipts.close_set();
            return Ok(());
        };
        let is_new = self.seen_documents.is_new(&set.digest);
        let repeats = !is_new && self.interchange.as_ref().is_some_and(|interchange| interchange.is_duplicate);
        if repeats && !set.told {
            self.receipts.close_set();
            return Ok(());
        }
        let told = reader.finish(&set.st, complete);
        self.tell_said(set.path, told.said)?;
        self.receipts.close_set();
        let length = set.end.saturating_sub(set.st.location.byte);
        let document = Document {
            ordinal: self.documents,
            format: format.into(),
            version: self.group.as_ref().and_then(|group| group.version.clone()),
            control: self.control_numbers(set.control),
            location: set.st.location.spanning(usize::try_from(length).unwrap_or(usize::MAX)),
            evidence: told.evidence,
            body: told.body,
        };
        self.hand_over(document, format)
    }

    fn hand_over(&mut self, document: Document, format: &'static str) -> Result<(), Halt> {
        self.is_mixed |= self.format.is_some_and(|first| first != format);
        self.format = self.format.or(Some(format));
        self.documents = self.documents.saturating_add(1);
        self.emit(Event::Document(Box::new(document)))
    }

    fn control_numbers(&self, st02: Text) -> Vec<(Text, Text)> {
        let isa13 = self.interchange.as_ref().map(|interchange| interchange.control.clone());
        let gs06 = self.group.as_ref().and_then(|group| group.control.clone());
        let numbers = [("ISA13", isa13), ("GS06", gs06), ("ST02", Some(st02))];
        let mut control = Vec::with_capacity(numbers.len());
        for (name, number) in numbers {
            if let Some(number) = number.filter(|number| !number.is_empty()) {
                control.push((Text::from(name), number));
            }
        }
        control
    }

    fn character_fault(&self, segment: &Segment<'_>, path: Steps) -> Option<Finding> {
        bad_character(segment, self.interchange.as_ref()?.delimiters, path)
    }

    fn check_characters(&mut self, segment: &Segment<'_>, path: Steps) -> Result<(), Halt> {
        self.character_fault(segment, path).map_or(Ok(()), |finding| self.tell_of_group(finding))
    }

    /// Tells a finding of a set: of its document, if it becomes one.
    fn tell_of_set(&mut self, set: &mut Set, finding: Finding) -> Result<(), Halt> {
        match &mut set.reader {
            Some((reader, _)) => {
                reader.record().report_at(finding, set.segments);
                Ok(())
            }
            None => self.tell_said(set.path, vec![(finding, set.segments)]),
        }
    }

    fn tell_said(&mut self, path: Steps, said: Vec<(Finding, u64)>) -> Result<(), Halt> {
        said.into_iter().try_for_each(|(finding, position)| {
            self.receipts.fault_of_set(&finding, path, position);
            self.tell(finding)
        })
    }

    fn tell_of_group(&mut self, finding: Finding) -> Result<(), Halt> {
        self.receipts.fault_of_group(&finding);
        self.tell(finding)
    }

    fn tell_of_interchange(&mut self, finding: Finding) -> Result<(), Halt> {
        self.receipts.fault_of_interchange(&finding);
        self.tell(finding)
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
