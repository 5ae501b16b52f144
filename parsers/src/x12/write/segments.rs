//! Segments on their way out: elements are checked as they are added, and the delimiters are chosen last, so
//! that none of them occurs in the data.

use jiff::civil::{Date, DateTime};
use rust_decimal::Decimal;

use super::WriteError;
use crate::canonical::Identifier;

/// Stands for the component separator until that is chosen. Control characters are never data here.
pub(super) const COMPONENT: char = '\x1f';

/// Candidates for each delimiter, the usual ones first; the last of each is a control character, and thus
/// always free.
const ELEMENT: [u8; 4] = [b'*', b'|', b'^', 0x1d];
const TERMINATOR: [u8; 4] = [b'~', b'\'', b'!', 0x1c];
const COMPONENTS: [u8; 4] = [b'>', b':', b'<', 0x1f];
const REPETITION: [u8; 4] = [b'^', b'`', b'\\', 0x1e];

/// An interchange's own data.
pub(super) struct Interchange {
    pub(super) sender: Identifier,
    pub(super) recipient: Identifier,
    /// ISA12.
    pub(super) version: &'static str,
    pub(super) control: u32,
    pub(super) at: DateTime,
    /// ISA15.
    pub(super) usage: String,
}

/// GS01, GS02, GS03, GS08, and how many of the sets are in it.
pub(super) type GroupOut = (&'static str, String, String, &'static str, usize);

/// The transaction sets of one interchange.
#[derive(Default)]
pub(super) struct Out {
    sets: Vec<Vec<Vec<String>>>,
}

impl Out {
    /// ST: `index` counts from 0.
    pub(super) fn open_set(&mut self, kind: &str, index: usize, convention: Option<&str>) {
        let mut st = vec!["ST".to_owned(), kind.to_owned(), format!("{:04}", index + 1)];
        st.extend(convention.map(str::to_owned));
        self.sets.push(vec![st]);
    }

    /// SE, with the count.
    pub(super) fn close_set(&mut self) {
        let Some(set) = self.sets.last_mut() else { return };
        let control = set.first().and_then(|st| st.get(2)).cloned().unwrap_or_default();
        set.push(vec!["SE".to_owned(), (set.len() + 1).to_string(), control]);
    }

    /// A segment; elements that are empty at its end are left out.
    pub(super) fn segment(&mut self, id: &str, elements: impl IntoIterator<Item = Option<String>>) {
        let mut segment = vec![id.to_owned()];
        segment.extend(elements.into_iter().map(Option::unwrap_or_default));
        while segment.len() > 1 && segment.last().is_some_and(String::is_empty) {
            segment.pop();
        }
        if let Some(set) = self.sets.last_mut() {
            set.push(segment);
        }
    }

    /// Holds a value against its element, without writing it.
    pub(super) fn check(&self, element: &'static str, value: &str, max: usize) -> Result<(), WriteError> {
        id(element, Some(value), max).map(|_| ())
    }

    /// The bytes: ISA, `before` (segments of the interchange itself), the groups, IEA.
    pub(super) fn into_interchange(self, opened: &Interchange, before: &[Vec<String>], groups: &[GroupOut]) -> Vec<u8> {
        let control = format!("{:09}", opened.control);
        let id = |identifier: &Identifier| {
            let qualifier = qualifier(identifier.scheme.as_deref(), "ZZ");
            [fixed(&qualifier, 2), fixed(&identifier.value, 15)]
        };
        let ([from_code, from], [to_code, to]) = (id(&opened.sender), id(&opened.recipient));
        let group_control = opened.control.to_string();
        let mut body: Vec<Vec<String>> = before.to_vec();
        let mut sets = self.sets.into_iter();
        for (kind, from, to, version, count) in groups {
            let (date, time) = (day(opened.at.date()), opened.at.strftime("%H%M").to_string());
            let head = ["GS", kind, from, to, &date, &time, &group_control, "X", version];
            body.push(head.map(str::to_owned).to_vec());
            body.extend(sets.by_ref().take(*count).flatten());
            body.push(["GE", &count.to_string(), &group_control].map(str::to_owned).to_vec());
        }
        let chosen = Chosen::free_of(body.iter().flatten().chain([&from, &to, &from_code, &to_code]));
        let repetition = if opened.version < "00402" { b'U' } else { chosen.repetition };
        let (date, time) = (opened.at.strftime("%y%m%d").to_string(), opened.at.strftime("%H%M").to_string());
        let (blank, usage) = (" ".repeat(10), if opened.usage == "T" { "T" } else { "P" });
        let mut bytes = Vec::new();
        let isa = [
            "ISA",
            "00",
            &blank,
            "00",
            &blank,
            &from_code,
            &from,
            &to_code,
            &to,
            &date,
            &time,
            &char::from(repetition).to_string(),
            opened.version,
            &control,
            "0",
            usage,
        ];
        for element in isa {
            bytes.extend_from_slice(element.as_bytes());
            bytes.push(chosen.element);
        }
        bytes.extend([chosen.component, chosen.terminator, b'\n']);
        body.push(vec!["IEA".to_owned(), groups.len().to_string(), control]);
        body.iter().for_each(|segment| chosen.write(segment, &mut bytes));
        bytes
    }
}

/// The delimiters of one interchange.
struct Chosen {
    element: u8,
    terminator: u8,
    component: u8,
    repetition: u8,
}

impl Chosen {
    fn free_of<'a>(data: impl Iterator<Item = &'a String>) -> Self {
        let mut met = [false; 128];
        for byte in data.flat_map(|text| text.bytes()) {
            if let Some(seen) = met.get_mut(usize::from(byte)) {
                *seen = true;
            }
        }
        let mut taken: Vec<u8> = Vec::new();
        let mut choose = |candidates: [u8; 4]| {
            let is_free = |byte: &u8| {
                let is_control = byte.is_ascii_control();
                !taken.contains(byte) && (is_control || !met.get(usize::from(*byte)).copied().unwrap_or(true))
            };
            let [.., last] = candidates;
            let chosen = candidates.into_iter().find(is_free).unwrap_or(last);
            taken.push(chosen);
            chosen
        };
        Self {
            element: choose(ELEMENT),
            terminator: choose(TERMINATOR),
            component: choose(COMPONENTS),
            repetition: choose(REPETITION),
        }
    }

    fn write(&self, segment: &[String], bytes: &mut Vec<u8>) {
        for (index, element) in segment.iter().enumerate() {
            if index > 0 {
                bytes.push(self.element);
            }
            bytes.extend(element.bytes().map(|byte| if char::from(byte) == COMPONENT { self.component } else { byte }));
        }
        bytes.extend([self.terminator, b'\n']);
    }
}

/// An identifier, a code, a number: exactly as it is, or not at all.
pub(super) fn id(element: &'static str, value: Option<&str>, max: usize) -> Result<Option<String>, WriteError> {
    let Some(value) = value.map(str::trim).filter(|value| !value.is_empty()) else { return Ok(None) };
    if value.chars().any(char::is_control) {
        return Err(WriteError::Character { element, value: value.to_owned() });
    }
    if value.chars().count() > max {
        return Err(WriteError::TooLong { element, max, value: value.to_owned() });
    }
    Ok(Some(value.to_owned()))
}

/// Free text: line breaks and other control characters become blanks.
pub(super) fn text(element: &'static str, value: Option<&str>, max: usize) -> Result<Option<String>, WriteError> {
    id(element, value.map(clean).as_deref(), max)
}

/// Free text that may be split over several segments, at blanks where there are any.
pub(super) fn pieces(value: &str, max: usize) -> Vec<String> {
    let value = clean(value);
    let whole = value.trim();
    if !whole.is_empty() && whole.chars().count() <= max {
        return vec![whole.to_owned()];
    }
    let mut pieces = Vec::new();
    let mut piece = String::new();
    let mut length = 0;
    for word in whole.split_whitespace() {
        let count = word.chars().count();
        if length > 0 && length + 1 + count > max {
            pieces.push(std::mem::take(&mut piece));
            length = 0;
        }
        if length > 0 {
            piece.push(' ');
            length += 1;
        }
        for char in word.chars() {
            if length == max {
                pieces.push(std::mem::take(&mut piece));
                length = 0;
            }
            piece.push(char);
            length += 1;
        }
    }
    if !piece.is_empty() {
        pieces.push(piece);
    }
    pieces
}

/// R: the decimal point is written, the scale is kept.
pub(super) fn number(element: &'static str, value: Option<Decimal>, max: usize) -> Result<Option<String>, WriteError> {
    let Some(value) = value else { return Ok(None) };
    let text = value.to_string();
    if text.bytes().filter(u8::is_ascii_digit).count() > max {
        return Err(WriteError::Amount { element, value, why: "it has too many digits" });
    }
    Ok(Some(text))
}

/// N2: two decimals are implied.
pub(super) fn implied(element: &'static str, value: Option<Decimal>) -> Result<Option<String>, WriteError> {
    let Some(value) = value else { return Ok(None) };
    let hundredfold = value.checked_mul(Decimal::ONE_HUNDRED).map(|hundredfold| hundredfold.normalize());
    match hundredfold.filter(|hundredfold| hundredfold.scale() == 0) {
        Some(hundredfold) => number(element, Some(hundredfold), 15),
        None => Err(WriteError::Amount { element, value, why: "two decimals are implied there" }),
    }
}

pub(super) fn date(value: Option<Date>) -> Option<String> {
    value.map(day)
}

fn day(date: Date) -> String {
    format!("{:04}{:02}{:02}", date.year(), date.month(), date.day())
}

/// The X12 qualifier in a scheme of ours (`x12:92`), or `other`.
pub(super) fn qualifier(scheme: Option<&str>, other: &str) -> String {
    match scheme.and_then(|scheme| scheme.strip_prefix("x12:")) {
        Some(code) if (1..=3).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            code.to_owned()
        }
        _ => other.to_owned(),
    }
}

/// An element of ISA, whose widths are fixed. What a writer is given is checked before; what is answered may
/// come from an ISA that is out of shape.
fn fixed(value: &str, width: usize) -> String {
    let kept: String = clean(value).chars().take(width).collect();
    format!("{kept:<width$}")
}

/// Without control characters, which become blanks.
pub(super) fn clean(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}
