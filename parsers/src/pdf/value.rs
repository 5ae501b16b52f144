//! The values a PDF is made of (ISO 32000-1, 7.3), read where they are needed and no further.

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// `null`, and all that we have no use for: booleans, real numbers.
    Nothing,
    Integer(i64),
    /// A string or a name, decoded.
    Text(Vec<u8>),
    Array(Vec<Value>),
    Dict(Dict),
    /// `12 0 R`: the number of another object.
    Reference(u32),
}

/// A dictionary.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Dict(Vec<(Vec<u8>, Value)>);

impl Dict {
    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.0.iter().find(|(name, _)| name == key.as_bytes()).map(|(_, value)| value)
    }

    pub(super) fn integer(&self, key: &str) -> Option<i64> {
        match self.get(key) {
            Some(Value::Integer(number)) => Some(*number),
            _ => None,
        }
    }

    pub(super) fn is(&self, key: &str, name: &str) -> bool {
        matches!(self.get(key), Some(Value::Text(text)) if text == name.as_bytes())
    }
}

/// Values are nested this deep at most.
const DEPTH_MAX: usize = 32;

/// One object holds at most this many values; a large document's name tree has some thousand.
const VALUES_MAX: usize = 200_000;

/// So much white space and comment may stand between two values, and so much in a string of digits.
const GAP_BYTES_MAX: usize = 64 * 1024;
const HEX_BYTES_MAX: usize = 1024 * 1024;

/// What reading values may still cost, over all of a file: objects may be asked for again and again, and
/// overlap in a file made to be slow.
#[derive(Debug)]
pub(super) struct Allowance {
    bytes: usize,
    values: usize,
}

impl Allowance {
    pub(super) fn new(bytes: usize) -> Self {
        Self { bytes, values: 10 * VALUES_MAX }
    }

    /// A cursor that goes no further than allowed.
    pub(super) fn cursor<'b>(&self, bytes: &'b [u8], at: usize) -> Cursor<'b> {
        let end = at.saturating_add(self.bytes).min(bytes.len());
        Cursor { bytes: bytes.get(..end).unwrap_or_default(), at, values_left: self.values.min(VALUES_MAX), values: 0 }
    }

    /// What a cursor that began at `start` has cost.
    pub(super) fn spend(&mut self, cursor: &Cursor<'_>, start: usize) {
        self.bytes = self.bytes.saturating_sub(cursor.at.saturating_sub(start).saturating_add(1));
        self.values = self.values.saturating_sub(cursor.values);
    }

    /// The same for bytes that were only searched.
    pub(super) fn spend_bytes(&mut self, bytes: usize) -> Option<()> {
        self.bytes = self.bytes.checked_sub(bytes)?;
        Some(())
    }
}

/// A place in bytes, from which values are read.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'b> {
    bytes: &'b [u8],
    pub(super) at: usize,
    values_left: usize,
    values: usize,
}

impl<'b> Cursor<'b> {
    pub(super) fn new(bytes: &'b [u8], at: usize) -> Self {
        Self { bytes, at, values_left: VALUES_MAX, values: 0 }
    }

    /// The next value; `None` where there is none that can be read.
    pub(super) fn value(&mut self) -> Option<Value> {
        self.nested(0)
    }

    /// The head of an object, `12 0 obj`: its number.
    pub(super) fn object_head(&mut self) -> Option<u32> {
        let number = self.integer()?;
        self.integer()?;
        self.keyword("obj").then(|| u32::try_from(number).ok())?
    }

    /// Whether this word is next; passes it if it is.
    pub(super) fn keyword(&mut self, word: &str) -> bool {
        self.skip_blank();
        let is_next = self.rest().starts_with(word.as_bytes())
            && self.bytes.get(self.at + word.len()).is_none_or(|next| !is_regular(*next));
        if is_next {
            self.at += word.len();
        }
        is_next
    }

    /// The next value, if it is a whole number.
    pub(super) fn integer(&mut self) -> Option<i64> {
        self.skip_blank();
        let word = self.word();
        let number = std::str::from_utf8(word).ok()?.parse().ok()?;
        self.at += word.len();
        Some(number)
    }

    pub(super) fn skip_blank(&mut self) {
        let start = self.at;
        while self.at - start < GAP_BYTES_MAX {
            match self.peek() {
                Some(byte) if is_blank(byte) => self.at += 1,
                Some(b'%') => {
                    let line = memchr::memchr2(b'\n', b'\r', self.rest());
                    self.at += line.unwrap_or(self.rest().len());
                }
                _ => return,
            }
        }
    }

    pub(super) fn rest(&self) -> &'b [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn word(&self) -> &'b [u8] {
        let rest = self.rest();
        let end = rest.iter().position(|byte| !is_regular(*byte)).unwrap_or(rest.len());
        rest.get(..end).unwrap_or_default()
    }

    fn nested(&mut self, depth: usize) -> Option<Value> {
        self.values_left = self.values_left.checked_sub(1)?;
        self.values += 1;
        if depth > DEPTH_MAX {
            return None;
        }
        self.skip_blank();
        match self.peek()? {
            b'<' if self.rest().starts_with(b"<<") => self.dict(depth),
            b'<' => self.hex_string(),
            b'(' => self.string(),
            b'/' => {
                self.at += 1;
                Some(Value::Text(self.name()))
            }
            b'[' => self.array(depth),
            b'+' | b'-' | b'.' | b'0'..=b'9' => Some(self.number()),
            byte if is_regular(byte) => {
                let word = self.word();
                self.at += word.len();
                matches!(word, b"true" | b"false" | b"null").then_some(Value::Nothing)
            }
            _ => None,
        }
    }

    fn dict(&mut self, depth: usize) -> Option<Value> {
        self.at += 2;
        let mut entries = Vec::new();
        loop {
            self.skip_blank();
            if self.rest().starts_with(b">>") {
                self.at += 2;
                return Some(Value::Dict(Dict(entries)));
            }
            if self.peek()? != b'/' {
                return None;
            }
            self.at += 1;
            let key = self.name();
            entries.push((key, self.nested(depth + 1)?));
        }
    }

    fn array(&mut self, depth: usize) -> Option<Value> {
        self.at += 1;
        let mut values = Vec::new();
        loop {
            self.skip_blank();
            if self.peek()? == b']' {
                self.at += 1;
                return Some(Value::Array(values));
            }
            values.push(self.nested(depth + 1)?);
        }
    }

    /// A number, or a reference, which begins with two.
    fn number(&mut self) -> Value {
        let word = self.word();
        let Some(number) = self.integer() else {
            self.at += word.len().max(1);
            return Value::Nothing;
        };
        let after = self.at;
        if let Ok(object) = u32::try_from(number)
            && word.first().is_some_and(u8::is_ascii_digit)
            && self.integer().is_some_and(|generation| generation >= 0)
            && self.keyword("R")
        {
            return Value::Reference(object);
        }
        self.at = after;
        Value::Integer(number)
    }

    fn name(&mut self) -> Vec<u8> {
        let word = self.word();
        self.at += word.len();
        let mut name = Vec::with_capacity(word.len());
        let mut rest = word;
        while let Some((byte, after)) = rest.split_first() {
            let escaped = after.get(..2).filter(|_| *byte == b'#').and_then(hex);
            name.push(escaped.unwrap_or(*byte));
            rest = if escaped.is_some() { after.get(2..).unwrap_or_default() } else { after };
        }
        name
    }

    fn hex_string(&mut self) -> Option<Value> {
        let rest = self.rest();
        let end = memchr::memchr(b'>', rest.get(..HEX_BYTES_MAX).unwrap_or(rest))?;
        let digits: Vec<u8> =
            rest.get(1..end).unwrap_or_default().iter().copied().filter(|byte| !is_blank(*byte)).collect();
        self.at += end + 1;
        let pair = |pair: &[u8]| match pair {
            [one] => hex(&[*one, b'0']),
            pair => hex(pair),
        };
        digits.chunks(2).map(pair).collect::<Option<Vec<u8>>>().map(Value::Text)
    }

    fn string(&mut self) -> Option<Value> {
        self.at += 1;
        let mut text = Vec::new();
        let mut open = 1_usize;
        loop {
            let byte = self.peek()?;
            self.at += 1;
            match byte {
                b'(' => open += 1,
                b')' if open == 1 => return Some(Value::Text(text)),
                b')' => open -= 1,
                b'\\' => {
                    if let Some(byte) = self.escaped()? {
                        text.push(byte);
                    }
                    continue;
                }
                _ => {}
            }
            text.push(byte);
        }
    }

    /// What follows a backslash; `Some(None)` for an escaped line end.
    fn escaped(&mut self) -> Option<Option<u8>> {
        let byte = self.peek()?;
        self.at += 1;
        Some(Some(match byte {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'b' => 8,
            b'f' => 12,
            b'\r' => {
                if self.peek() == Some(b'\n') {
                    self.at += 1;
                }
                return Some(None);
            }
            b'\n' => return Some(None),
            b'0'..=b'7' => {
                let mut code = u32::from(byte - b'0');
                for _ in 0..2 {
                    let Some(digit @ b'0'..=b'7') = self.peek() else { break };
                    code = code * 8 + u32::from(digit - b'0');
                    self.at += 1;
                }
                u8::try_from(code & 0xFF).unwrap_or(0)
            }
            other => other,
        }))
    }
}

fn hex(digits: &[u8]) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | 12 | b'\r' | b' ')
}

fn is_regular(byte: u8) -> bool {
    !is_blank(byte) && !b"()<>[]{}/%".contains(&byte)
}

/// A text string (7.9.2.2): UTF-16 with its mark, UTF-8 with its, or bytes that are mostly ASCII.
pub(super) fn text(bytes: &[u8]) -> String {
    let (text, ..) = encoding_rs::WINDOWS_1252.decode(bytes);
    text.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Value> {
        Cursor::new(text.as_bytes(), 0).value()
    }

    fn said(text: &str) -> Option<Value> {
        Some(Value::Text(text.as_bytes().to_vec()))
    }

    #[test]
    fn values_are_read_as_the_standard_writes_them() {
        assert_eq!(read(" % c\n 12 0 R"), Some(Value::Reference(12)));
        assert_eq!(read("12 0 0"), Some(Value::Integer(12)));
        assert_eq!(read("-1.5"), Some(Value::Nothing));
        assert_eq!(read("/A#20B"), said("A B"));
        assert_eq!(read("(a(b)\\)\\101\\\nc)"), said("a(b))Ac"));
        assert_eq!(read("<41 4>"), said("A@"));
        let Some(Value::Dict(dict)) = read("<</Type/Catalog/Kids[1 0 R 2 0 R]/Count 3>>") else { panic!("no dict") };
        assert!(dict.is("Type", "Catalog"));
        assert_eq!(dict.integer("Count"), Some(3));
        assert_eq!(dict.get("Kids"), Some(&Value::Array(vec![Value::Reference(1), Value::Reference(2)])));
        for broken in ["", "<<", "<</A", "[1", "(", "<4", ")", "<</A 1 2>>", "endobj"] {
            assert_eq!(read(broken), None, "{broken}");
        }
        assert_eq!(read(&"[".repeat(1_000)), None);
    }

    #[test]
    fn text_is_decoded_by_its_mark() {
        assert_eq!(text(b"\xFE\xFF\0a\0.\0x"), "a.x");
        assert_eq!(text(b"\xEF\xBB\xBFa"), "a");
        assert_eq!(text(b"factur-x.xml"), "factur-x.xml");
    }
}
