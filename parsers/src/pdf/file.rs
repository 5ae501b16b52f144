//! The objects of a PDF by their numbers (ISO 32000-1, 7.5): through its cross-reference tables and
//! streams, as a viewer finds them; where those are broken, by looking for the objects themselves.

use std::collections::{HashMap, HashSet};

use memchr::memmem;

use super::decode::{Room, decoded, predicted};
use super::value::{Allowance, Cursor, Dict, Value};

/// Why an attachment cannot be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is not put together as a PDF is.
    Broken,
    Encrypted,
    /// A filter that we do not undo.
    Filter(String),
    /// Undone, it would be larger than allowed.
    TooLarge,
}

/// Where an object stands.
#[derive(Debug, Clone, Copy)]
enum Place {
    At(usize),
    /// In an object stream.
    In(u32),
}

/// So many cross-reference sections are followed, one for each time the file was added to.
const SECTIONS_MAX: usize = 256;

/// So many cross-reference entries are read, and objects opened.
const ENTRIES_MAX: usize = 4_000_000;
const OPENED_MAX: usize = 100_000;

/// How far from the end the way to the cross-reference table is looked for.
const TAIL_BYTES: usize = 2_048;

/// A PDF in memory.
#[derive(Debug)]
pub(super) struct File<'b> {
    bytes: &'b [u8],
    places: HashMap<u32, Place>,
    /// The catalog's number.
    root: Option<u32>,
    is_encrypted: bool,
    room: Room,
    allowance: Allowance,
    entries_left: usize,
    opened_left: usize,
    /// The object streams that were opened: their values by object number.
    packed: HashMap<u32, HashMap<u32, Value>>,
}

/// A stream's dictionary and where its bytes stand.
#[derive(Debug)]
pub(super) struct StreamObject {
    pub(super) dict: Dict,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl<'b> File<'b> {
    /// Opens a PDF; `inflated_max` bytes may come out of its streams in all.
    pub(super) fn open(bytes: &'b [u8], inflated_max: usize) -> Result<Self, Fault> {
        let mut file = Self {
            bytes,
            places: HashMap::new(),
            root: None,
            is_encrypted: false,
            room: Room::new(inflated_max),
            allowance: Allowance::new(bytes.len().saturating_mul(4).saturating_add(inflated_max)),
            entries_left: ENTRIES_MAX,
            opened_left: OPENED_MAX,
            packed: HashMap::new(),
        };
        if file.follow_sections().is_none() || file.catalog().is_none() {
            file.search();
        }
        if file.is_encrypted {
            return Err(Fault::Encrypted);
        }
        if file.catalog().is_none() {
            return Err(Fault::Broken);
        }
        Ok(file)
    }

    /// The root of everything.
    pub(super) fn catalog(&mut self) -> Option<Dict> {
        let root = self.root?;
        match self.object(root) {
            Some(Value::Dict(dict)) => Some(dict),
            _ => None,
        }
    }

    /// A value, or the object it refers to.
    pub(super) fn resolve(&mut self, value: &Value) -> Option<Value> {
        match value {
            Value::Reference(number) => self.object(*number),
            value => Some(value.clone()),
        }
    }

    /// A value that is a dictionary, or refers to one.
    pub(super) fn dict(&mut self, value: Option<&Value>) -> Option<Dict> {
        match self.resolve(value?)? {
            Value::Dict(dict) => Some(dict),
            _ => None,
        }
    }

    /// The stream that a value refers to.
    pub(super) fn stream(&mut self, value: &Value) -> Option<StreamObject> {
        let Value::Reference(number) = value else { return None };
        let Some(Place::At(at)) = self.places.get(number).copied() else { return None };
        self.stream_at(*number, at)
    }

    /// What a stream holds, its filters undone.
    pub(super) fn content(&mut self, stream: &StreamObject) -> Result<Vec<u8>, Fault> {
        let raw = self.bytes.get(stream.start..stream.end).unwrap_or_default();
        let filter = stream.dict.get("Filter").cloned().and_then(|filter| self.resolve(&filter));
        let content = decoded(raw, filter.as_ref(), &mut self.room)?;
        let parameters = stream.dict.get("DecodeParms").cloned();
        let parameters = match parameters.and_then(|parameters| self.resolve(&parameters)) {
            Some(Value::Array(all)) => self.dict(all.last()),
            Some(Value::Dict(dict)) => Some(dict),
            _ => None,
        };
        match parameters {
            Some(parameters) => predicted(content, &parameters).ok_or(Fault::Broken),
            None => Ok(content),
        }
    }

    fn object(&mut self, number: u32) -> Option<Value> {
        self.opened_left = self.opened_left.checked_sub(1)?;
        match self.places.get(&number).copied()? {
            Place::At(at) => {
                let mut cursor = self.allowance.cursor(self.bytes, at);
                let found = cursor.object_head()?;
                let value = cursor.value();
                self.allowance.spend(&cursor, at);
                value.filter(|_| found == number)
            }
            Place::In(stream) => {
                if !self.packed.contains_key(&stream) {
                    let values = self.unpack(stream).unwrap_or_default();
                    self.packed.insert(stream, values);
                }
                self.packed.get(&stream)?.get(&number).cloned()
            }
        }
    }

    /// All values of an object stream (7.5.7).
    fn unpack(&mut self, number: u32) -> Option<HashMap<u32, Value>> {
        let Some(Place::At(at)) = self.places.get(&number).copied() else { return None };
        let stream = self.stream_at(number, at).filter(|stream| stream.dict.is("Type", "ObjStm"))?;
        let first = usize::try_from(stream.dict.integer("First")?).ok()?;
        let content = self.content(&stream).ok()?;
        let mut heads = Cursor::new(&content, 0);
        let mut values = HashMap::new();
        for _ in 0..stream.dict.integer("N")?.clamp(0, 1_000_000) {
            self.entries_left = self.entries_left.checked_sub(1)?;
            let (Some(number), Some(offset)) = (heads.integer(), heads.integer()) else { break };
            let (Ok(number), Ok(offset)) = (u32::try_from(number), usize::try_from(offset)) else { break };
            if heads.at > first {
                break;
            }
            let start = first.saturating_add(offset);
            let mut cursor = self.allowance.cursor(&content, start);
            values.extend(cursor.value().map(|value| (number, value)));
            self.allowance.spend(&cursor, start);
        }
        Some(values)
    }

    fn stream_at(&mut self, number: u32, at: usize) -> Option<StreamObject> {
        let mut cursor = self.allowance.cursor(self.bytes, at);
        cursor.object_head().filter(|found| *found == number)?;
        let value = cursor.value();
        self.allowance.spend(&cursor, at);
        let Value::Dict(dict) = value? else { return None };
        if !cursor.keyword("stream") {
            return None;
        }
        let start = match cursor.rest() {
            [b'\r', b'\n', ..] => cursor.at + 2,
            [b'\n' | b'\r', ..] => cursor.at + 1,
            _ => return None,
        };
        let length = dict.get("Length").cloned().and_then(|length| self.resolve(&length));
        let stated = match length {
            Some(Value::Integer(length)) => usize::try_from(length).ok().and_then(|length| start.checked_add(length)),
            _ => None,
        };
        let is_end = |end: &usize| *end <= self.bytes.len() && Cursor::new(self.bytes, *end).keyword("endstream");
        let end = match stated.filter(is_end) {
            Some(end) => end,
            None => {
                let rest = self.bytes.get(start..)?;
                let length = memmem::find(rest, b"endstream");
                self.allowance.spend_bytes(length.unwrap_or(rest.len()))?;
                start + length?
            }
        };
        Some(StreamObject { dict, start, end })
    }

    /// Reads the cross-reference sections, the newest first; what is newer stays.
    fn follow_sections(&mut self) -> Option<()> {
        let tail = self.bytes.len().saturating_sub(TAIL_BYTES);
        let found = memmem::rfind(self.bytes.get(tail..)?, b"startxref")?;
        let mut next = Cursor::new(self.bytes, tail + found + b"startxref".len()).integer();
        let mut seen = HashSet::new();
        let mut waiting = Vec::new();
        while let Some(at) = next.take().or_else(|| waiting.pop()) {
            let at = usize::try_from(at).ok().filter(|at| *at < self.bytes.len())?;
            if !seen.insert(at) || seen.len() > SECTIONS_MAX {
                continue;
            }
            let trailer = self.section(at)?;
            self.take_trailer(&trailer);
            // A hybrid file (7.5.8.4) lists its object streams beside the table.
            waiting.extend(trailer.integer("Prev"));
            next = trailer.integer("XRefStm");
        }
        self.root.map(|_| ())
    }

    fn take_trailer(&mut self, trailer: &Dict) {
        if let (None, Some(Value::Reference(root))) = (self.root, trailer.get("Root")) {
            self.root = Some(*root);
        }
        self.is_encrypted |= trailer.get("Encrypt").is_some_and(|value| *value != Value::Nothing);
    }

    fn section(&mut self, at: usize) -> Option<Dict> {
        let mut cursor = Cursor::new(self.bytes, at);
        if cursor.keyword("xref") { self.table(cursor) } else { self.section_stream(at) }
    }

    /// A cross-reference table (7.5.4) and the trailer behind it.
    fn table(&mut self, mut cursor: Cursor<'b>) -> Option<Dict> {
        while !cursor.keyword("trailer") {
            let (first, count) = (cursor.integer()?, cursor.integer()?);
            for number in (0..count.max(0)).map(|index| first.saturating_add(index)) {
                self.entries_left = self.entries_left.checked_sub(1)?;
                let offset = cursor.integer()?;
                cursor.integer()?;
                if cursor.keyword("n") {
                    self.note(number, Place::At(usize::try_from(offset).ok()?));
                } else if !cursor.keyword("f") {
                    return None;
                }
            }
        }
        match cursor.value() {
            Some(Value::Dict(trailer)) => Some(trailer),
            _ => None,
        }
    }

    /// A cross-reference stream (7.5.8); its dictionary is the trailer.
    fn section_stream(&mut self, at: usize) -> Option<Dict> {
        let number = Cursor::new(self.bytes, at).object_head()?;
        let stream = self.stream_at(number, at).filter(|stream| stream.dict.is("Type", "XRef"))?;
        let content = self.content(&stream).ok()?;
        let Some(Value::Array(widths)) = stream.dict.get("W") else { return None };
        let widths: Vec<usize> = widths.iter().map(width).collect::<Option<_>>()?;
        let [kind_bytes, second_bytes, third_bytes] = widths.as_slice() else { return None };
        let entry_bytes = kind_bytes + second_bytes + third_bytes;
        let whole = vec![Value::Integer(0), Value::Integer(stream.dict.integer("Size").unwrap_or(0))];
        let index = match stream.dict.get("Index") {
            Some(Value::Array(index)) => index.clone(),
            _ => whole,
        };
        let mut entries = content.chunks_exact(entry_bytes.max(1));
        for pair in index.chunks_exact(2) {
            let [Value::Integer(first), Value::Integer(count)] = pair else { return None };
            for number in (0..(*count).max(0)).map(|index| first.saturating_add(index)) {
                self.entries_left = self.entries_left.checked_sub(1)?;
                let Some(entry) = entries.next() else { break };
                let (kind, rest) = entry.split_at_checked(*kind_bytes)?;
                let second = big_endian(rest.get(..*second_bytes)?);
                match if kind.is_empty() { 1 } else { big_endian(kind) } {
                    1 => self.note(number, Place::At(usize::try_from(second).ok()?)),
                    2 => self.note(number, Place::In(u32::try_from(second).ok()?)),
                    _ => {}
                }
            }
        }
        Some(stream.dict)
    }

    fn note(&mut self, number: i64, place: Place) {
        if let Ok(number) = u32::try_from(number) {
            self.places.entry(number).or_insert(place);
        }
    }

    /// Looks for objects and trailers from front to back; what comes later stays.
    fn search(&mut self) {
        self.places.clear();
        self.packed.clear();
        self.root = None;
        let mut packs = Vec::new();
        for word in memmem::find_iter(self.bytes, b"obj") {
            let Some(at) = head_before(self.bytes, word) else { continue };
            let Some(left) = self.opened_left.checked_sub(1) else { break };
            self.opened_left = left;
            let mut cursor = self.allowance.cursor(self.bytes, at);
            let Some(number) = cursor.object_head() else { continue };
            self.places.insert(number, Place::At(at));
            let value = cursor.value();
            self.allowance.spend(&cursor, at);
            let Some(Value::Dict(dict)) = value else { continue };
            if dict.is("Type", "Catalog") {
                self.root = Some(number);
            } else if dict.is("Type", "ObjStm") {
                packs.push(number);
            } else if dict.is("Type", "XRef") {
                self.is_encrypted |= dict.get("Encrypt").is_some();
            }
        }
        for word in memmem::find_iter(self.bytes, b"trailer").take(SECTIONS_MAX) {
            if let Some(Value::Dict(trailer)) = Cursor::new(self.bytes, word + b"trailer".len()).value() {
                self.is_encrypted |= trailer.get("Encrypt").is_some();
            }
        }
        self.opened_left = OPENED_MAX;
        for pack in packs {
            let values = self.unpack(pack).unwrap_or_default();
            for (number, value) in &values {
                if matches!(value, Value::Dict(dict) if dict.is("Type", "Catalog")) {
                    self.root = Some(*number);
                }
                self.places.entry(*number).or_insert(Place::In(pack));
            }
            self.packed.insert(pack, values);
        }
    }
}

fn width(value: &Value) -> Option<usize> {
    match value {
        Value::Integer(width @ 0..=8) => usize::try_from(*width).ok(),
        _ => None,
    }
}

fn big_endian(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Where the object begins whose head ends with the `obj` at `word`: two numbers before it.
fn head_before(bytes: &[u8], word: usize) -> Option<usize> {
    let before = bytes.get(word.saturating_sub(24)..word)?;
    let before = before.trim_ascii_end();
    let digits = |text: &[u8]| text.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let generation = digits(before);
    let number_end = before.get(..before.len() - generation)?.trim_ascii_end();
    let number = digits(number_end);
    (generation > 0 && number > 0).then(|| word.saturating_sub(24) + number_end.len() - number)
}
