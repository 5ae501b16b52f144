//! What the server says: three digits and a sentence (RFC 959 section 4.2).

/// A reply. Text of a client's never gets into one unescaped: a line break in it would be a second reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    code: u16,
    text: String,
    /// Lines between the first and the last of a long reply.
    between: Vec<String>,
}

impl Reply {
    pub(super) fn new(code: u16, text: impl Into<String>) -> Self {
        Self { code, text: text.into(), between: Vec::new() }
    }

    /// A reply of several lines: `text`, the lines, and an end.
    pub(super) fn long(code: u16, text: impl Into<String>, between: Vec<String>) -> Self {
        Self { code, text: text.into(), between }
    }

    pub(super) fn code(&self) -> u16 {
        self.code
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        let code = self.code;
        if self.between.is_empty() {
            return format!("{code} {}\r\n", clean(&self.text)).into_bytes();
        }
        let mut bytes = format!("{code}-{}\r\n", clean(&self.text));
        for line in &self.between {
            // A blank before each, as in FEAT (RFC 2389 section 3.2): none can be taken for the last line.
            bytes.push(' ');
            bytes.push_str(&clean(line));
            bytes.push_str("\r\n");
        }
        bytes.push_str(&format!("{code} End\r\n"));
        bytes.into_bytes()
    }
}

fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_makes_a_second_reply() {
        let reply = Reply::new(550, "there is no file a\r\n230 Logged in").into_bytes();
        assert_eq!(reply.iter().filter(|byte| **byte == b'\n').count(), 1);
        let reply = Reply::long(211, "Extensions", vec!["MLST".to_owned(), "211 End".to_owned()]).into_bytes();
        assert_eq!(reply, b"211-Extensions\r\n MLST\r\n 211 End\r\n211 End\r\n");
    }
}
