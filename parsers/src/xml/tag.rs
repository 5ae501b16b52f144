//! A start tag as it was read last, in buffers that are used again.

use super::known::{ATTRIBUTES_MAX, Meant};
use super::source::{Place, Source};
use super::stream::Space;
use super::trouble::{Trouble, malformed, not_well_formed, past, unknown_entity};
use crate::Location;

/// A piece of a longer text, from byte to byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Run {
    pub(super) const EMPTY: Self = Self { start: 0, end: 0 };
}

/// An attribute, with where its value stands if the vocabulary wants to know.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attribute {
    pub(super) key: Run,
    pub(super) value: Run,
    pub(super) byte: u64,
    pub(super) line: u64,
    pub(super) len: u32,
}

impl Attribute {
    /// Its value without the white space around it, if anything is left, with where it stands.
    pub(super) fn said<'v>(&self, name: &str, value: &'v str, path: &str) -> Option<(&'v str, Location)> {
        let value = Some(value.trim()).filter(|value| !value.is_empty())?;
        Some((
            value,
            Location { byte: self.byte, line: self.line, path: format!("{path}/@{name}").into(), len: self.len },
        ))
    }
}

/// A start tag: the name, which namespace it is from, the attributes.
#[derive(Debug)]
pub(super) struct Tag {
    space: Space,
    text: String,
    /// How much of the text is the name as it was written, and where in it the local name begins.
    name: Run,
    /// Those without a prefix; they are all that the vocabularies use.
    attributes: Vec<Attribute>,
    /// What it declares: prefixes and namespaces.
    declared: Vec<(Run, Run)>,
    keys: Vec<Run>,
}

impl Tag {
    pub(super) fn new() -> Self {
        Self {
            space: Space::Foreign,
            text: String::new(),
            name: Run::EMPTY,
            attributes: Vec::new(),
            declared: Vec::new(),
            keys: Vec::new(),
        }
    }

    /// The name without a prefix.
    pub(super) fn name(&self) -> &str {
        self.text_of(self.name)
    }

    /// The prefix that the file writes; empty without one.
    pub(super) fn prefix(&self) -> &str {
        self.text.get(..self.name.start.saturating_sub(1)).unwrap_or_default()
    }

    /// Which namespace of the vocabulary it is from.
    pub(super) fn space(&self) -> Space {
        self.space
    }

    pub(super) fn set_space(&mut self, space: Space) {
        self.space = space;
    }

    /// The attributes without a prefix, as they were written.
    pub(super) fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.located().map(|(key, value, _)| (key, value))
    }

    /// The attributes without a prefix, each with where it stands.
    pub(super) fn located(&self) -> impl Iterator<Item = (&str, &str, Attribute)> {
        let text = |run| self.text_of(run);
        self.attributes.iter().map(move |found| (text(found.key), text(found.value), *found))
    }

    /// An attribute without a prefix, without the white space around it.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes().find(|(key, _)| *key == name).map(|(_, value)| value.trim())
    }

    /// An attribute without a prefix, with where it stands below `path`, the element's own.
    pub(super) fn attribute_at(&self, name: &str, path: &str) -> Option<(&str, Location)> {
        let (_, value, found) = self.located().find(|(key, ..)| *key == name)?;
        found.said(name, value, path)
    }

    /// The namespaces it declares, by their prefixes.
    pub(super) fn declared(&self) -> impl Iterator<Item = (&str, &str)> {
        self.declared.iter().map(|(prefix, name)| (self.text_of(*prefix), self.text_of(*name)))
    }

    /// Takes over a tag that has been looked at before; it stands at a place.
    pub(super) fn set_known(&mut self, tag: &str, meant: &Meant, start: Place) {
        self.text.clear();
        self.attributes.clear();
        self.declared.clear();
        self.keys.clear();
        self.text.push_str(tag);
        self.name = meant.local;
        self.space = meant.space;
        for (key, value) in meant.attributes.into_iter().flatten() {
            self.attributes.push(Attribute { key, value, byte: start.byte, line: start.line, len: 0 });
        }
    }

    /// Where the names and the values of its attributes stand in `tag`, which it was filled from; `None` where it has
    /// many, or one that is more than a name without a prefix and a value as it is written.
    pub(super) fn plain_attributes(&self, tag: &str) -> Option<[Option<(Run, Run)>; ATTRIBUTES_MAX]> {
        if self.keys.len() != self.attributes.len() {
            return None;
        }
        let mut runs = [None; ATTRIBUTES_MAX];
        let mut from = self.name.end;
        for (at, found) in self.attributes.iter().enumerate() {
            let (key, value) = (self.text_of(found.key), self.text_of(found.value));
            // Behind the name and its `=` comes the quote, and behind that the value.
            let key_at = from + tag.get(from..)?.find(key)?;
            let quote_at = key_at + key.len() + tag.get(key_at + key.len()..)?.find(['"', '\''])?;
            let value_at = quote_at + 1;
            let end = value_at + value.len();
            if tag.get(value_at..end)? != value || tag.get(end..end + 1) != tag.get(quote_at..value_at) {
                return None;
            }
            *runs.get_mut(at)? = Some((Run { start: key_at, end: key_at + key.len() }, Run { start: value_at, end }));
            from = end + 1;
        }
        Some(runs)
    }

    /// Takes over a tag, `name a="b"`, that stands behind its `<` at a place; a `source` says where the
    /// attributes stand.
    pub(super) fn fill(
        &mut self,
        tag: &str,
        start: Place,
        attributes_max: usize,
        source: Option<&Source<'_>>,
    ) -> Result<(), Trouble> {
        self.text.clear();
        self.text.shrink_to(64 * 1024);
        self.attributes.clear();
        self.declared.clear();
        self.keys.clear();
        let name_bytes = tag.bytes().position(is_space).unwrap_or(tag.len());
        let name = tag.get(..name_bytes).unwrap_or_default();
        let Some(local) = local_name(name) else {
            return Err(not_well_formed(start, "an element has no name that is one"));
        };
        self.text.push_str(name);
        self.name = Run { start: name.len() - local.len(), end: name.len() };
        if name_bytes == tag.len() {
            return Ok(());
        }
        let mut parts = Parts { tag, at: name_bytes };
        let mut passed = source.map(|source| (0, source.after(start, "<")));
        while let Some((key, value_at, raw)) = parts.next(start)? {
            if self.keys.len() >= attributes_max {
                return Err(past("attributes of one element", "attributes_max", attributes_max, start));
            }
            let key_run = self.push(key);
            if self.keys.iter().any(|known| self.text_of(*known) == key) {
                let message = format!("an attribute cannot be read: `{}` stands twice", brief(key));
                return Err(malformed(start, message, "Write each attribute once, in quotes."));
            }
            self.keys.push(key_run);
            let value = self.push_value(raw, start)?;
            if key == "xmlns" {
                self.declared.push((Run::EMPTY, value));
            } else if let Some(prefix) = key.strip_prefix("xmlns:") {
                self.declared.push((Run { start: key_run.end - prefix.len(), ..key_run }, value));
            } else if !key.contains(':') {
                let mut found = Attribute { key: key_run, value, byte: start.byte, line: start.line, len: 0 };
                if let (Some(source), Some((from, place))) = (source, passed) {
                    let first = source.after(place, tag.get(from..value_at).unwrap_or_default());
                    let last = source.after(first, raw);
                    (found.byte, found.line) = (first.byte, first.line);
                    found.len = u32::try_from(last.byte - first.byte).unwrap_or(u32::MAX);
                    passed = Some((value_at + raw.len(), last));
                }
                self.attributes.push(found);
            }
        }
        Ok(())
    }

    /// A value as XML 1.0 §3.3.3 wants it: references resolved, white space as spaces.
    fn push_value(&mut self, raw: &str, start: Place) -> Result<Run, Trouble> {
        let from = self.text.len();
        if raw.bytes().all(|byte| !matches!(byte, b'&' | b'<' | b'\t' | b'\n' | b'\r')) {
            self.text.push_str(raw);
            return Ok(Run { start: from, end: self.text.len() });
        }
        let mut rest = raw;
        while let Some(special) = rest.find(['&', '<', '\t', '\n', '\r']) {
            let (plain, after) = rest.split_at_checked(special).unwrap_or_default();
            self.text.push_str(plain);
            rest = after.get(1..).unwrap_or_default();
            match after.bytes().next() {
                Some(b'&') => {
                    let Some((name, behind)) = rest.split_once(';') else { return Err(lone_ampersand(start)) };
                    self.text.push(referred(name, start)?);
                    rest = behind;
                }
                Some(b'<') => return Err(not_well_formed(start, "there is a `<` in the value of an attribute")),
                Some(b'\r') => {
                    self.text.push(' ');
                    rest = rest.strip_prefix('\n').unwrap_or(rest);
                }
                _ => self.text.push(' '),
            }
        }
        self.text.push_str(rest);
        Ok(Run { start: from, end: self.text.len() })
    }

    fn push(&mut self, text: &str) -> Run {
        let start = self.text.len();
        self.text.push_str(text);
        Run { start, end: self.text.len() }
    }

    fn text_of(&self, run: Run) -> &str {
        self.text.get(run.start..run.end).unwrap_or_default()
    }
}

/// The attributes of a tag, one after another.
struct Parts<'t> {
    tag: &'t str,
    at: usize,
}

impl<'t> Parts<'t> {
    /// The next attribute: its name, where its value begins in the tag, and the value as it is written.
    fn next(&mut self, start: Place) -> Result<Option<(&'t str, usize, &'t str)>, Trouble> {
        let unreadable = |what: &str| {
            let message = format!("an attribute cannot be read: {what}");
            Err(malformed(start, message, "Write each attribute once, in quotes."))
        };
        let before = self.at;
        self.skip_space();
        let rest = self.rest();
        if rest.is_empty() {
            return Ok(None);
        }
        if self.at == before {
            return unreadable("there is no space before it");
        }
        let key_bytes = rest.bytes().position(|byte| byte == b'=' || is_space(byte)).unwrap_or(rest.len());
        let key = rest.get(..key_bytes).unwrap_or_default();
        if local_name(key).is_none() {
            return unreadable("it has no name that is one");
        }
        self.at += key_bytes;
        self.skip_space();
        if !self.rest().starts_with('=') {
            return unreadable(&format!("`{}` has no value", brief(key)));
        }
        self.at += 1;
        self.skip_space();
        let rest = self.rest();
        let Some(quote @ (b'"' | b'\'')) = rest.bytes().next() else {
            return unreadable(&format!("the value of `{}` is not in quotes", brief(key)));
        };
        let Some(value_bytes) = rest.get(1..).and_then(|value| memchr::memchr(quote, value.as_bytes())) else {
            return unreadable(&format!("the value of `{}` is not closed", brief(key)));
        };
        let value_at = self.at + 1;
        self.at = value_at + value_bytes + 1;
        Ok(Some((key, value_at, rest.get(1..=value_bytes).unwrap_or_default())))
    }

    fn skip_space(&mut self) {
        self.at += self.rest().bytes().take_while(|byte| is_space(*byte)).count();
    }

    fn rest(&self) -> &'t str {
        self.tag.get(self.at..).unwrap_or_default()
    }
}

/// The character that a reference stands for: a character reference, or one of the five predefined entities
/// (XML 1.0 §4.6).
pub(super) fn referred(name: &str, start: Place) -> Result<char, Trouble> {
    if let Some(number) = name.strip_prefix('#') {
        let (digits, radix) = number.strip_prefix('x').map_or((number, 10), |digits| (digits, 16));
        let code =
            Some(digits).filter(|digits| !digits.starts_with('+')).map(|digits| u32::from_str_radix(digits, radix));
        let character = code.and_then(Result::ok).and_then(char::from_u32);
        return character.filter(|found| *found >= ' ' || matches!(found, '\t' | '\n' | '\r')).ok_or_else(|| {
            let message = format!("`&{};` refers to no character XML allows", brief(name));
            malformed(start, message, "Remove the character.")
        });
    }
    match name {
        "amp" => Ok('&'),
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "quot" => Ok('"'),
        "apos" => Ok('\''),
        name if local_name(name).is_some() => Err(unknown_entity(start, name)),
        _ => Err(lone_ampersand(start)),
    }
}

pub(super) fn lone_ampersand(start: Place) -> Trouble {
    malformed(
        start,
        "this is not well-formed XML: there is a `&` that begins no reference",
        "Write `&` as `&amp;` where it stands for itself.",
    )
}

/// What is behind the prefix of a name, if it is a name at all (near enough to Namespaces in XML §4).
pub(super) fn local_name(name: &str) -> Option<&str> {
    let mut local_at = 0;
    let mut begins = true;
    for (at, byte) in name.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80.. => begins = false,
            b':' if !begins && local_at == 0 => {
                local_at = at + 1;
                begins = true;
            }
            b'0'..=b'9' | b'-' | b'.' if !begins => {}
            _ => return None,
        }
    }
    name.get(local_at..).filter(|_| !begins)
}

pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

fn brief(text: &str) -> String {
    text.chars().take(40).collect()
}
