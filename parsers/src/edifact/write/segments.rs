//! Segments on their way out: what is data is released, what is empty at an end is left out, what is counted
//! is counted, and the character set is chosen last, by what is in it.

use encoding_rs::WINDOWS_1252;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::{EdifactEnvelope, WriteError};
use crate::canonical::Identifier;

/// The messages of one interchange, as text.
#[derive(Default)]
pub(super) struct Out {
    text: String,
    messages: u64,
    /// Segments of the message at hand.
    segments: u64,
    fault: Option<WriteError>,
}

/// One segment: the tag, then its elements of components.
pub(super) struct Segment {
    text: String,
    /// Empty elements that are written only if another follows.
    pending: usize,
    fault: Option<WriteError>,
}

/// Begins a segment.
pub(super) fn segment(tag: &str) -> Segment {
    Segment { text: tag.to_owned(), pending: 0, fault: None }
}

impl Segment {
    /// The next element.
    pub(super) fn one(self, component: &str) -> Self {
        self.all(&[component])
    }

    /// The next element, of several components.
    pub(super) fn all(mut self, components: &[&str]) -> Self {
        self.pending += 1;
        let used = components.iter().rposition(|component| !component.is_empty()).map_or(0, |last| last + 1);
        if used == 0 {
            return self;
        }
        for _ in 0..std::mem::take(&mut self.pending) {
            self.text.push('+');
        }
        for (index, component) in components.iter().take(used).enumerate() {
            if index > 0 {
                self.text.push(':');
            }
            self.release(component);
        }
        self
    }

    /// Elements that are empty.
    pub(super) fn skip(mut self, count: usize) -> Self {
        self.pending += count;
        self
    }

    fn release(&mut self, component: &str) {
        for character in component.chars() {
            if character.is_control() {
                let segment = self.text.chars().take(3).collect();
                let value = component.chars().take(60).collect();
                self.fault = Some(WriteError::Character { segment, value });
            }
            if matches!(character, '\'' | '+' | ':' | '?') {
                self.text.push('?');
            }
            self.text.push(character);
        }
    }
}

impl Out {
    /// UNH: a message begins.
    pub(super) fn open(&mut self, kind: &str, version: &str, release: &str, guide: &str) {
        self.messages += 1;
        self.segments = 0;
        let number = self.messages.to_string();
        self.add(segment("UNH").one(&number).all(&[kind, version, release, "UN", guide]));
    }

    /// UNT: it ends.
    pub(super) fn close(&mut self) {
        let (count, number) = ((self.segments + 1).to_string(), self.messages.to_string());
        self.add(segment("UNT").one(&count).one(&number));
    }

    pub(super) fn add(&mut self, segment: Segment) {
        self.segments += 1;
        self.text.push_str(&segment.text);
        self.text.push_str("'\n");
        self.fault = self.fault.take().or(segment.fault);
    }

    /// DTM with a day.
    pub(super) fn date(&mut self, qualifier: &str, date: Option<Date>) {
        if let Some(date) = date {
            self.add(segment("DTM").all(&[qualifier, &day(date), "102"]));
        }
    }

    /// MOA with an amount.
    pub(super) fn amount(&mut self, qualifier: &str, amount: Option<Decimal>) {
        if let Some(amount) = amount {
            self.add(segment("MOA").all(&[qualifier, &amount.to_string()]));
        }
    }

    /// RFF with a reference.
    pub(super) fn reference(&mut self, qualifier: &str, value: Option<&str>) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.add(segment("RFF").all(&[qualifier, value]));
        }
    }

    /// FTX, one for each line of a text.
    pub(super) fn text(&mut self, subject: &str, text: &str) {
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let parts = split(line, 70, 5);
            self.add(segment("FTX").one(subject).skip(2).all(&as_strs(&parts)));
        }
    }

    /// The bytes: UNA, UNB, the messages, UNZ. UNOC (ISO 8859-1) where that is enough, else UTF-8 (UNOW,
    /// syntax version 4).
    pub(super) fn into_interchange(self, envelope: &EdifactEnvelope) -> Result<Vec<u8>, WriteError> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let reference = envelope.reference.as_str();
        for (element, value, max) in [
            ("UNB 0020", reference, 14),
            ("UNB 0004", envelope.sender.value.as_str(), 35),
            ("UNB 0010", envelope.recipient.value.as_str(), 35),
        ] {
            if value.is_empty() {
                return Err(WriteError::Missing { field: "the envelope's identification", element });
            }
            if value.chars().count() > max {
                return Err(WriteError::TooLong { element, max, value: value.to_owned() });
            }
        }
        let ids = format!("{}{}", envelope.sender.value, envelope.recipient.value);
        let is_latin = |text: &str| text.chars().all(|character| u32::from(character) <= 0xff);
        let utf8 = !(is_latin(&self.text) && is_latin(&ids) && is_latin(reference));
        let (set, version) = if utf8 { ("UNOW", "4") } else { ("UNOC", "3") };
        let at = envelope.at;
        let date = day(at.date());
        // Syntax version 4 has the century, version 3 has not.
        let date = if utf8 { date.as_str() } else { date.get(2..).unwrap_or_default() };
        let time = format!("{:02}{:02}", at.hour(), at.minute());
        let unb = segment("UNB")
            .all(&[set, version])
            .all(&[&envelope.sender.value, &qualifier(&envelope.sender)])
            .all(&[&envelope.recipient.value, &qualifier(&envelope.recipient)])
            .all(&[date, &time])
            .one(reference)
            .skip(5)
            .one(if envelope.is_test { "1" } else { "" });
        let unz = segment("UNZ").one(&self.messages.to_string()).one(reference);
        if let Some(fault) = unb.fault {
            return Err(fault);
        }
        let text = format!("UNA:+.? '\n{}'\n{}{}'\n", unb.text, self.text, unz.text);
        Ok(if utf8 { text.into_bytes() } else { WINDOWS_1252.encode(&text).0.into_owned() })
    }
}

/// 0007: the qualifier of an identification of a partner.
fn qualifier(identifier: &Identifier) -> String {
    match identifier.scheme.as_deref() {
        Some("0088") => "14".to_owned(),
        Some(scheme) => scheme.strip_prefix("edifact:").unwrap_or(scheme).to_owned(),
        None => String::new(),
    }
}

/// `CCYYMMDD`.
pub(super) fn day(date: Date) -> String {
    format!("{:04}{:02}{:02}", date.year(), date.month(), date.day())
}

/// Text in components: each filled to `width`, the last takes what is left.
pub(super) fn split(text: &str, width: usize, parts: usize) -> Vec<String> {
    let mut rest: Vec<char> = text.chars().collect();
    let mut all = Vec::new();
    while rest.len() > width && all.len() + 1 < parts {
        let tail = rest.split_off(width);
        all.push(rest.into_iter().collect());
        rest = tail;
    }
    all.push(rest.into_iter().collect());
    all
}

pub(super) fn as_strs(parts: &[impl AsRef<str>]) -> Vec<&str> {
    parts.iter().map(AsRef::as_ref).collect()
}

/// The code in a scheme of ours: `edifact:ON`.
pub(super) fn code_of(scheme: Option<&str>, otherwise: &'static str) -> String {
    scheme.and_then(|scheme| scheme.strip_prefix("edifact:")).unwrap_or(otherwise).to_owned()
}
