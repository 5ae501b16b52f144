//! The texts of canonical documents.
//!
//! Most of them are a code, a number or a name; a document has some dozens. Those of up to 24 bytes stand in the
//! document itself: to read an EDI invoice took as long for the memory of its texts as for the reading.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::ops::{Add, AddAssign, Deref};

use compact_str::CompactString;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

/// A text that needs no memory of its own up to 24 bytes, and is no larger than a `String`. Reads as a `str`
/// everywhere.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Text(CompactString);

impl Text {
    /// The empty text.
    #[must_use]
    pub const fn new() -> Self {
        Self(CompactString::const_new(""))
    }

    /// The text.
    #[must_use]
    #[inline]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Adds to the end.
    pub fn push_str(&mut self, more: &str) {
        self.0.push_str(more);
    }

    /// Adds a character to the end.
    pub fn push(&mut self, char: char) {
        self.0.push(char);
    }
}

impl Deref for Text {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl From<&str> for Text {
    #[inline]
    fn from(text: &str) -> Self {
        Self(CompactString::new(text))
    }
}

impl From<&String> for Text {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(CompactString::from(text))
    }
}

impl From<Cow<'_, str>> for Text {
    #[inline]
    fn from(text: Cow<'_, str>) -> Self {
        match text {
            Cow::Borrowed(text) => Self::from(text),
            Cow::Owned(text) => Self::from(text),
        }
    }
}

impl From<&Text> for Text {
    fn from(text: &Text) -> Self {
        text.clone()
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        text.0.into_string()
    }
}

impl From<&Text> for String {
    fn from(text: &Text) -> Self {
        text.as_str().to_owned()
    }
}

impl FromIterator<char> for Text {
    fn from_iter<I: IntoIterator<Item = char>>(chars: I) -> Self {
        Self(chars.into_iter().collect())
    }
}

impl Add<&str> for Text {
    type Output = Self;

    fn add(mut self, more: &str) -> Self {
        self.push_str(more);
        self
    }
}

impl AddAssign<&str> for Text {
    fn add_assign(&mut self, more: &str) {
        self.push_str(more);
    }
}

impl fmt::Write for Text {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        self.push_str(more);
        Ok(())
    }
}

impl fmt::Display for Text {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(out)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), out)
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl PartialEq<String> for Text {
    fn eq(&self, other: &String) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<Text> for str {
    fn eq(&self, other: &Text) -> bool {
        self == other.as_str()
    }
}

impl PartialEq<Text> for &str {
    fn eq(&self, other: &Text) -> bool {
        *self == other.as_str()
    }
}

impl PartialEq<Text> for String {
    fn eq(&self, other: &Text) -> bool {
        self == other.as_str()
    }
}

impl PartialEq<Text> for Cow<'_, str> {
    fn eq(&self, other: &Text) -> bool {
        self == other.as_str()
    }
}

/// To a reader of JSON it is a string.
impl JsonSchema for Text {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        String::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_no_larger_than_a_string() {
        assert_eq!(size_of::<Option<Text>>(), size_of::<String>());
    }

    #[test]
    fn a_text_is_the_same_however_long_it_is() {
        for whole in ["", "4711", "a text that is 24 bytes.", "a text that is longer than it has room for"] {
            let text = Text::from(whole);
            assert_eq!(text, whole);
            assert_eq!(text, Text::from(whole.to_owned()));
            assert_eq!(text, whole.chars().collect::<Text>());
            assert_eq!(String::from(text.clone()), whole);
            let written = serde_json::to_string(&text).unwrap();
            assert_eq!(written, serde_json::to_string(whole).unwrap());
            assert_eq!(serde_json::from_str::<Text>(&written).unwrap(), text);
        }
    }
}
