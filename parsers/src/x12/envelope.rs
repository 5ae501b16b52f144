//! Follows the envelopes (ISA, GS, ST and their trailers), checks them, and hands every 810 to its
//! reader. Whatever breaks, reading goes on at the next transaction set.

use std::hash::{DefaultHasher, Hasher};
use std::ops::ControlFlow;

use super::delimiters::Delimiters;
use super::envelope_faults::{
    Count, bad_character, control, duplicate, isa_length, missing_trailer, no_group, out_of_place, trailing_data,
    truncated,
};
use super::invoice_810::{InvoiceReader, Place, brief};
use super::open::{Group, Interchange, Seen, Set};
use super::other_sets::{OtherSets, refusal};
use crate::canonical::{Body, Document};
use crate::edi::Segment;
use crate::finding::Finding;
use crate::location::Location;
use crate::{Event, Halt, Limits, Sink, Summary};

/// Findings kept back until it is known whether the file holds an 810.
const HELD_MAX: usize = 1_000;

pub(super) struct Envelope<'a, 's> {
    limits: Limits,
    sink: &'a mut Sink<'s>,
    /// Findings of the file before its first 810: a file without one is refused with one finding, and
    /// its envelope is none of our business. `None` from the first 810 on.
    held: Option<Vec<Finding>>,
    others: OtherSets,
    documents: u32,
    version: Option<String>,
    interchanges: u32,
    interchange: Option<Interchange>,
    group: Option<Group>,
    set: Option<Set>,
    /// GS01 of the first group, for a file without transaction sets.
    first_group: Option<(String, Location)>,
    seen_interchanges: Seen,
    seen_invoices: Seen,
    /// Said once for each run of what stands out of place.
    said_out_of_place: bool,
    said_trailing: bool,
}

impl<'a, 's> Envelope<'a, 's> {
    pub(super) fn new(limits: Limits, sink: &'a mut Sink<'s>) -> Self {
        Self {
            limits,
            sink,
            held: Some(Vec::new()),
            others: OtherSets::default(),
            documents: 0,
            version: None,
            interchanges: 0,
            interchange: None,
            group: None,
            set: None,
            first_group: None,
            seen_interchanges: Seen::default(),
            seen_invoices: Seen::default(),
            said_out_of_place: false,
            said_trailing: false,
        }
    }

    pub(super) fn open_interchange(&mut self, isa: &Segment<'_>, delimiters: Delimiters) -> Result<(), Halt> {
        self.close_set_early("ISA", isa)?;
        self.close_group_early("ISA", isa)?;
        if let Some(open) = self.interchange.take() {
            let location = isa.location(&open.path);
            let finding = missing_trailer("NO-IEA", "IEA", "the interchange", "another ISA", location);
            self.tell(finding.with_excerpt(isa.excerpt()))?;
        }
        self.said_trailing = false;
        self.said_out_of_place = false;
        self.interchanges = self.interchanges.saturating_add(1);
        let path = format!("ISA[{}]", self.interchanges);
        if isa.cut {
            return self.tell(truncated(isa.location(path), "its ISA segment").with_excerpt(isa.excerpt()));
        }
        if let Some(finding) = isa_length(isa, &path) {
            self.tell(finding)?;
        }
        let control = isa.text(13).unwrap_or_default();
        let key: Vec<String> = [5, 6, 7, 8, 13].iter().map(|element| isa.text(*element).unwrap_or_default()).collect();
        let is_duplicate = !self.seen_interchanges.is_new(&key);
        if is_duplicate {
            let message = format!(
                "interchange control number `{}` of this sender and receiver comes twice in this file; \
                 invoices that repeat earlier ones to the letter are not read again",
                brief(&control)
            );
            let fix = "Send each interchange once, and give every interchange its own ISA13.";
            self.tell(duplicate("DUP-ISA13", isa, 13, &path, message, fix))?;
        }
        self.interchange = Some(Interchange { path, control, delimiters, is_duplicate, groups: 0 });
        Ok(())
    }

    /// Takes a segment of the open interchange.
    pub(super) fn take(&mut self, segment: &Segment<'_>) -> Result<(), Halt> {
        let id = segment.id();
        // A last IEA often lacks its terminator; its content is checked all the same.
        if segment.cut && id.as_ref() != b"IEA" {
            return self.cut(segment);
        }
        if matches!(id.as_ref(), b"GS" | b"ST" | b"SE" | b"GE" | b"IEA") {
            self.said_out_of_place = false;
        }
        match id.as_ref() {
            b"GS" => self.open_group(segment),
            b"ST" => self.open_set(segment),
            b"SE" => self.close_set(segment),
            b"GE" => self.close_group(segment),
            b"IEA" => self.close_interchange(segment),
            _ if self.set.is_some() => self.take_in_set(segment),
            // Segments of the interchange itself (X12.5): acknowledgment, grades of service, deferral.
            b"TA1" | b"ISB" | b"ISE" | b"TA3" if self.group.is_none() => Ok(()),
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
            let finding =
                truncated(Location::new(byte, line, &set.path), &format!("a transaction set {}", set.named()));
            self.finish_set(set, Some(finding), false)?;
        } else if let Some(group) = self.group.take() {
            self.tell(truncated(Location::new(byte, line, &group.path), "a functional group"))?;
        } else if let Some(interchange) = self.interchange.take() {
            let location = Location::new(byte, line, &interchange.path);
            let finding = match interchange.groups {
                0 if self.first_group.is_none() && self.others.is_empty() => truncated(location, "an interchange"),
                _ => missing_trailer("NO-IEA", "IEA", "the interchange", "the end of the file", location),
            };
            self.tell(finding)?;
        }
        let warnings: Vec<Finding> = self.others.warnings().collect();
        let Some(held) = self.held.take() else {
            warnings.into_iter().try_for_each(|finding| self.tell(finding))?;
            return Ok(Summary { format: "x12-810".to_owned(), version: self.version, ..Summary::default() });
        };
        self.end_without_invoice(held)
    }

    fn end_without_invoice(mut self, held: Vec<Finding>) -> Result<Summary, Halt> {
        let of_group =
            |code: &str| format!("this is X12 with a functional group `{}` and no transaction set", brief(code));
        let refused = match (self.others.refusal(), &self.first_group) {
            (Some(finding), _) => Some(finding),
            (None, Some((code, location))) if held.is_empty() || code != "IN" => {
                Some(refusal(location.clone(), &of_group(code)))
            }
            (None, None) if held.is_empty() => {
                Some(refusal(Location::new(0, 1, "ISA[1]"), "this is an X12 interchange without transaction sets"))
            }
            _ => None,
        };
        let format = if refused.is_some() { "unknown" } else { "x12" };
        let findings = refused.map_or(held, |finding| vec![finding]);
        findings.into_iter().try_for_each(|finding| self.emit(Event::Finding(Box::new(finding))))?;
        Ok(Summary { format: format.to_owned(), ..Summary::default() })
    }

    fn open_group(&mut self, gs: &Segment<'_>) -> Result<(), Halt> {
        self.close_set_early("GS", gs)?;
        self.close_group_early("another GS", gs)?;
        let path = self.next_group_path();
        self.check_characters(gs, &path)?;
        if self.first_group.is_none() {
            self.first_group = Some((gs.text(1).unwrap_or_default(), gs.location(&path)));
        }
        let control = Some(gs.text(6).unwrap_or_default());
        self.group = Some(Group { path, control, version: gs.text(8), sets: 0, seen: Seen::default() });
        Ok(())
    }

    fn next_group_path(&mut self) -> String {
        self.interchange.as_mut().map_or_else(String::new, |interchange| {
            interchange.groups = interchange.groups.saturating_add(1);
            format!("{}/GS[{}]", interchange.path, interchange.groups)
        })
    }

    fn open_set(&mut self, st: &Segment<'_>) -> Result<(), Halt> {
        self.close_set_early("another ST", st)?;
        let mut group = match self.group.take() {
            Some(group) => group,
            None => {
                let path = self.next_group_path();
                self.tell(no_group(st, &path))?;
                Group { path, control: None, version: None, sets: 0, seen: Seen::default() }
            }
        };
        group.sets = group.sets.saturating_add(1);
        let path = format!("{}/ST[{}]", group.path, group.sets);
        let control = st.text(2).unwrap_or_default();
        let place = Place { location: st.location(&path), excerpt: st.excerpt() };
        let kind = st.text(1).unwrap_or_default();
        let invoice = if kind == "810" {
            self.release()?;
            self.version = self.version.take().or_else(|| group.version.clone());
            let version = group.version.as_deref();
            Some(Box::new(InvoiceReader::new(path.clone(), self.documents, version, self.limits)))
        } else {
            self.others.count(&kind, || (place.location.clone(), place.excerpt.clone()));
            None
        };
        let is_new = group.seen.is_new(&control);
        let mut digest = DefaultHasher::new();
        digest.write(st.raw);
        let mut set = Set { path, control, st: place, segments: 1, end: end_of(st), digest, invoice, told: false };
        if !is_new {
            let message =
                format!("transaction set control number `{}` comes twice in its functional group", brief(&set.control));
            let fix = "Give every transaction set of a group its own control number in ST02 and SE02.";
            let finding = duplicate("ST02-DUP", st, 2, &set.path, message, fix);
            self.tell_of(&mut set, finding)?;
        }
        let path = set.path.clone();
        let finding = self.character_fault(st, || path);
        finding.map_or(Ok(()), |finding| self.tell_of(&mut set, finding))?;
        self.group = Some(group);
        self.set = Some(set);
        Ok(())
    }

    fn take_in_set(&mut self, segment: &Segment<'_>) -> Result<(), Halt> {
        let Some(mut set) = self.set.take() else { return Ok(()) };
        set.segments += 1;
        set.end = end_of(segment);
        if let Some(invoice) = &mut set.invoice {
            set.digest.write(segment.raw);
            set.digest.write_u8(0);
            invoice.take(segment)?;
            if let Some(finding) = self.character_fault(segment, || invoice.path()) {
                invoice.report(finding);
            }
            for finding in invoice.overflow() {
                set.told = true;
                self.tell(finding)?;
            }
        }
        self.set = Some(set);
        Ok(())
    }

    fn close_set(&mut self, se: &Segment<'_>) -> Result<(), Halt> {
        let Some(mut set) = self.set.take() else { return self.out_of_place(se, "a transaction set (ST to SE)") };
        set.segments += 1;
        set.end = end_of(se);
        let path = format!("{}/SE[1]", set.path);
        let of = "segments (ST and SE included)";
        let count = Count { rule: "SE01", of, inside: "this transaction set", counted: set.segments };
        let control = control(se, &path, "SE02", "ST02", &set.control);
        let faults = [count.check(se, &path), control, self.character_fault(se, || path.clone())];
        for finding in faults.into_iter().flatten() {
            self.tell_of(&mut set, finding)?;
        }
        self.finish_set(set, None, true)
    }

    fn close_group(&mut self, ge: &Segment<'_>) -> Result<(), Halt> {
        self.close_set_early("GE", ge)?;
        let Some(group) = self.group.take() else { return self.out_of_place(ge, "a functional group (GS to GE)") };
        let path = format!("{}/GE[1]", group.path);
        let counted = u64::from(group.sets);
        let count = Count { rule: "GE01", of: "transaction sets", inside: "this functional group", counted };
        let control = group.control.and_then(|opened| control(ge, &path, "GE02", "GS06", &opened));
        for finding in [count.check(ge, &path), control].into_iter().flatten() {
            self.tell(finding)?;
        }
        self.check_characters(ge, &path)
    }

    fn close_interchange(&mut self, iea: &Segment<'_>) -> Result<(), Halt> {
        self.close_set_early("IEA", iea)?;
        self.close_group_early("IEA", iea)?;
        let Some(interchange) = self.interchange.take() else { return Ok(()) };
        let path = format!("{}/IEA[1]", interchange.path);
        let counted = u64::from(interchange.groups);
        let count = Count { rule: "IEA01", of: "functional groups", inside: "this interchange", counted };
        let control = control(iea, &path, "IEA02", "ISA13", &interchange.control);
        for finding in [count.check(iea, &path), control].into_iter().flatten() {
            self.tell(finding)?;
        }
        Ok(())
    }

    fn close_set_early(&mut self, before: &str, segment: &Segment<'_>) -> Result<(), Halt> {
        let Some(set) = self.set.take() else { return Ok(()) };
        let location = segment.location(&set.path);
        let finding = missing_trailer("NO-SE", "SE", &format!("a transaction set {}", set.named()), before, location);
        self.finish_set(set, Some(finding.with_excerpt(segment.excerpt())), false)
    }

    fn close_group_early(&mut self, before: &str, segment: &Segment<'_>) -> Result<(), Halt> {
        match self.group.take() {
            // A group without GS has been reported; it needs no GE.
            Some(group) if group.control.is_some() => {
                let location = segment.location(&group.path);
                let finding = missing_trailer("NO-GE", "GE", "a functional group", before, location);
                self.tell(finding.with_excerpt(segment.excerpt()))
            }
            _ => Ok(()),
        }
    }

    /// The file ends inside this segment, which is not to be trusted: `TDS*296` may have been 29615.18.
    fn cut(&mut self, segment: &Segment<'_>) -> Result<(), Halt> {
        let path = [
            self.set.as_ref().map(|set| set.path.clone()),
            self.group.as_ref().map(|group| group.path.clone()),
            self.interchange.as_ref().map(|interchange| interchange.path.clone()),
        ];
        let path = path.into_iter().flatten().next().unwrap_or_default();
        let id = segment.written(0);
        let finding =
            truncated(segment.location(path), &format!("a segment {}", brief(&id))).with_excerpt(segment.excerpt());
        match self.set.take() {
            Some(set) => self.finish_set(set, Some(finding), false)?,
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
        let group = self.group.as_ref().map(|group| group.path.clone());
        let path = group.or_else(|| self.interchange.as_ref().map(|interchange| interchange.path.clone()));
        self.tell(out_of_place(segment, path.unwrap_or_default(), inside))
    }

    /// A set ends: an 810 becomes a document, after its findings.
    fn finish_set(&mut self, mut set: Set, finding: Option<Finding>, complete: bool) -> Result<(), Halt> {
        if let Some(finding) = finding {
            self.tell_of(&mut set, finding)?;
        }
        let Some(invoice) = set.invoice.take() else { return Ok(()) };
        let is_new = self.seen_invoices.is_new(&set.digest.finish());
        let repeats = !is_new && self.interchange.as_ref().is_some_and(|interchange| interchange.is_duplicate);
        if repeats && !set.told {
            return Ok(());
        }
        let told = invoice.finish(&set.st, complete);
        for finding in told.findings {
            self.tell(finding)?;
        }
        let length = set.end.saturating_sub(set.st.location.byte);
        let document = Document {
            ordinal: self.documents,
            format: "x12-810".to_owned(),
            version: self.group.as_ref().and_then(|group| group.version.clone()),
            location: set.st.location.clone().spanning(usize::try_from(length).unwrap_or(usize::MAX)),
            control: self.control_numbers(&set),
            evidence: told.evidence,
            body: Body::Invoice(Box::new(told.invoice)),
        };
        self.documents = self.documents.saturating_add(1);
        self.emit(Event::Document(Box::new(document)))
    }

    fn control_numbers(&self, set: &Set) -> Vec<(String, String)> {
        let isa13 = self.interchange.as_ref().map(|interchange| interchange.control.clone());
        let gs06 = self.group.as_ref().and_then(|group| group.control.clone());
        let numbers = [("ISA13", isa13), ("GS06", gs06), ("ST02", Some(set.control.clone()))];
        let numbers = numbers.into_iter().filter_map(|(name, number)| Some((name.to_owned(), number?)));
        numbers.filter(|(_, number)| !number.is_empty()).collect()
    }

    fn character_fault(&self, segment: &Segment<'_>, path: impl FnOnce() -> String) -> Option<Finding> {
        let delimiters = self.interchange.as_ref()?.delimiters;
        bad_character(segment, |byte| delimiters.contains(byte), path)
    }

    fn check_characters(&mut self, segment: &Segment<'_>, path: &str) -> Result<(), Halt> {
        self.character_fault(segment, || path.to_owned()).map_or(Ok(()), |finding| self.tell(finding))
    }

    /// The first 810: what was kept back is told.
    fn release(&mut self) -> Result<(), Halt> {
        let held = self.held.take().unwrap_or_default();
        held.into_iter().try_for_each(|finding| self.emit(Event::Finding(Box::new(finding))))
    }

    /// Tells a finding of a set: of its document, if it becomes one.
    fn tell_of(&mut self, set: &mut Set, finding: Finding) -> Result<(), Halt> {
        match &mut set.invoice {
            Some(invoice) => {
                invoice.report(finding);
                Ok(())
            }
            None => self.tell(finding),
        }
    }

    fn tell(&mut self, finding: Finding) -> Result<(), Halt> {
        match &mut self.held {
            Some(held) if held.len() < HELD_MAX => held.push(finding),
            // Past that, a file of other sets is refused anyway, and one of 810s has said enough.
            Some(_) => {}
            None => return self.emit(Event::Finding(Box::new(finding))),
        }
        Ok(())
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
