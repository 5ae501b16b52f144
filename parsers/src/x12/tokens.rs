//! Cuts the input into segments, interchange by interchange, each with its own delimiters.

use std::ops::Range;

use memchr::memchr_iter;

use super::delimiters::{Delimiters, ISA_BYTES_MAX, Terminator, derive, starts_interchange};
use crate::edi::{Segment, Window, sort};
use crate::{Halt, Limit, Limits};

const BOM: &[u8] = b"\xef\xbb\xbf";
/// The end-of-file mark of CP/M and of some mainframe transfers, where it stands at the end.
const SUBSTITUTE: u8 = 0x1a;
/// The id and the length of a binary segment stand in as many bytes.
const BINARY_HEAD_BYTES: usize = 32;
/// How much of what is not X12 is quoted.
const TRAILING_QUOTED_BYTES: usize = 200;

/// What comes next in the file.
pub(super) enum Token<'a> {
    /// An ISA segment: an interchange begins, whatever was open before.
    Interchange(Segment<'a>, Delimiters),
    Segment(Segment<'a>),
    /// Bytes between two interchanges, or after the last, that are neither.
    Trailing(Segment<'a>),
}

pub(super) struct Tokens<'a> {
    window: Window<'a>,
    limits: Limits,
    delimiters: Delimiters,
    /// No interchange is open: before the first, or after an IEA.
    between: bool,
    /// Bytes of the last token, to be left behind before the next.
    due: usize,
    elements: Vec<(usize, usize)>,
    /// Sorts of bytes in the last segment.
    sorts: u8,
    /// What each byte is under these delimiters.
    classes: Box<[u8; 256]>,
    trailing: Vec<u8>,
    /// A segment was met that is not UTF-8.
    pub(super) met_other_than_utf8: bool,
    /// Segments read.
    pub(super) units: u64,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(window: Window<'a>, limits: Limits) -> Self {
        let delimiters =
            Delimiters { element: b'*', component: None, repetition: None, terminator: Terminator::Byte(b'~') };
        Self {
            window,
            limits,
            delimiters,
            between: true,
            due: 0,
            elements: Vec::new(),
            sorts: 0,
            classes: classes(delimiters),
            trailing: Vec::new(),
            met_other_than_utf8: false,
            units: 0,
        }
    }

    /// The byte and the line reading has come to.
    pub(super) fn place(&self) -> (u64, u64) {
        (self.window.byte(), self.window.line())
    }

    pub(super) fn next(&mut self) -> Result<Option<Token<'_>>, Halt> {
        let due = std::mem::take(&mut self.due);
        if self.sorts & sort::LINE_BREAK == 0 && matches!(self.delimiters.terminator, Terminator::Byte(_)) {
            self.window.consume_within_line(due);
        } else {
            self.window.consume(due);
        }
        self.skip_blank()?;
        let head = self.window.at_least(4)?;
        if head.is_empty() {
            return Ok(None);
        }
        if starts_interchange(head) {
            let delimiters = derive(self.window.at_least(ISA_BYTES_MAX)?);
            if self.delimiters != delimiters {
                self.delimiters = delimiters;
                self.classes = classes(delimiters);
            }
            self.between = false;
            self.segment()?;
            return Ok(Some(Token::Interchange(self.last_segment(), self.delimiters)));
        }
        if self.between {
            return Ok(Some(Token::Trailing(self.pass_trailing()?)));
        }
        self.between = self.segment()?.id().as_ref() == b"IEA";
        Ok(Some(Token::Segment(self.last_segment())))
    }

    /// Leaves behind what may stand between segments: blanks, line breaks, extra terminators.
    fn skip_blank(&mut self) -> Result<(), Halt> {
        loop {
            // Most often there is nothing, or the end of the line.
            match self.window.bytes() {
                [b'A'..=b'Z', ..] if !self.between => return Ok(()),
                [b'\n', b'A'..=b'Z', _, ..] if !self.between && !self.delimiters.terminator.is(b'\n') => {
                    self.window.consume(1);
                    return Ok(());
                }
                _ => {}
            }
            let (terminator, between) = (self.delimiters.terminator, self.between);
            let is_blank =
                |byte: &u8| byte.is_ascii_whitespace() || terminator.is(*byte) || (between && *byte == SUBSTITUTE);
            let bytes = self.window.at_least(BOM.len())?;
            let blanks = if between && bytes.starts_with(BOM) {
                BOM.len()
            } else {
                bytes.iter().position(|byte| !is_blank(byte)).unwrap_or(bytes.len())
            };
            if blanks == 0 {
                return Ok(());
            }
            self.window.consume(blanks);
        }
    }

    /// Cuts the segment that starts here: its end and its elements in one pass.
    fn segment(&mut self) -> Result<Segment<'_>, Halt> {
        let binary = self.binary()?;
        self.elements.clear();
        let (mut scanned, mut start, mut seen) = (0, 0, 0);
        // What is binary is passed over: it is no text, and has no elements.
        let mut text_end = binary.as_ref().map(|data| data.start);
        // Elements are so short that a look at each byte is quicker than a search for the next delimiter.
        let (length, cut) = 'segment: loop {
            let ahead = self.window.bytes().get(scanned..).unwrap_or_default();
            let ahead = text_end.and_then(|end| ahead.get(..end)).unwrap_or(ahead);
            for (at, byte) in (scanned..).zip(ahead) {
                let class = self.classes.get(usize::from(*byte)).copied().unwrap_or_default();
                seen |= class;
                if class & DELIMITER == 0 {
                    continue;
                }
                if class & TERMINATOR != 0 {
                    break 'segment (at, false);
                }
                self.elements.push((start, at));
                start = at + 1;
                if self.elements.len() > self.limits.columns_max {
                    self.units += 1;
                    return Err(self.limit(
                        "number of elements of one segment",
                        "columns_max",
                        self.limits.columns_max,
                    ));
                }
            }
            scanned += ahead.len();
            if let (Some(_), Some(data)) = (text_end.take(), &binary) {
                scanned = data.end;
                continue;
            }
            if scanned > self.limits.token_bytes_max {
                break (scanned, false);
            }
            if !self.window.more()? {
                break (scanned, true);
            }
        };
        self.sorts = seen & !DELIMITER & !TERMINATOR;
        if length > self.limits.token_bytes_max {
            return Err(self.limit("segment", "token_bytes_max", self.limits.token_bytes_max));
        }
        self.elements.push((start, length));
        self.due = length + usize::from(!cut);
        self.units += 1;
        if binary.is_some() {
            // Not looked at: it may hold line breaks, and what is no text.
            self.sorts |= sort::LINE_BREAK | sort::HIGH;
        }
        if self.sorts & sort::HIGH != 0 {
            let raw = self.window.bytes().get(..length).unwrap_or_default();
            if std::str::from_utf8(raw).is_err() {
                self.sorts |= sort::NOT_UTF8;
                self.met_other_than_utf8 |= binary.is_none();
            }
        }
        Ok(self.last_segment())
    }

    /// The data of a binary segment (BIN, BDS), which are not to be searched for its terminator: X12.6 lets its
    /// last element hold anything, and gives the length before it. A length that does not end at a terminator is
    /// not believed.
    fn binary(&mut self) -> Result<Option<Range<usize>>, Halt> {
        let head = self.window.bytes();
        let first = match head.get(..4) {
            Some([b'B', b'I', b'N', separator]) if *separator == self.delimiters.element => 1,
            Some([b'B', b'D', b'S', separator]) if *separator == self.delimiters.element => 2,
            _ => return Ok(None),
        };
        let head = self.window.at_least(BINARY_HEAD_BYTES)?;
        let head = head.get(..BINARY_HEAD_BYTES).unwrap_or(head);
        let mut separators = memchr_iter(self.delimiters.element, head).skip(first - 1);
        let (Some(before), Some(after)) = (separators.next(), separators.next()) else { return Ok(None) };
        let length = head.get(before + 1..after).and_then(|digits| std::str::from_utf8(digits).ok());
        let Some(length) = length.and_then(|digits| digits.parse::<usize>().ok()) else { return Ok(None) };
        let end = (after + 1).saturating_add(length);
        if end > self.limits.token_bytes_max {
            return Ok(None);
        }
        let terminator = self.delimiters.terminator;
        let ends = self.window.at_least(end + 1)?.get(end).is_some_and(|byte| terminator.is(*byte));
        Ok(ends.then_some(after + 1..end))
    }

    /// The segment last split.
    fn last_segment(&self) -> Segment<'_> {
        let length = self.elements.last().map_or(0, |(_, end)| *end);
        let raw = self.window.bytes().get(..length).unwrap_or_default();
        Segment {
            raw,
            text: self.window.text(length),
            elements: &self.elements,
            sorts: self.sorts,
            byte: self.window.byte(),
            line: self.window.line(),
            component_separator: self.delimiters.component,
            cut: self.due == length,
        }
    }

    /// Leaves behind what is not X12, up to the next terminator or line break, keeping only its start.
    fn pass_trailing(&mut self) -> Result<Segment<'_>, Halt> {
        let (byte, line) = self.place();
        self.trailing.clear();
        loop {
            let bytes = self.window.bytes();
            let ends_at = |byte: &u8| matches!(byte, b'\r' | b'\n') || self.delimiters.terminator.is(*byte);
            let end = bytes.iter().position(ends_at);
            let length = end.unwrap_or(bytes.len());
            let room = TRAILING_QUOTED_BYTES - self.trailing.len();
            self.trailing.extend_from_slice(bytes.get(..length.min(room)).unwrap_or_default());
            self.window.consume(length);
            if end.is_some() || !self.window.more()? {
                break;
            }
        }
        self.elements.clear();
        self.elements.push((0, self.trailing.len()));
        let sorts = if std::str::from_utf8(&self.trailing).is_ok() { 0 } else { sort::HIGH | sort::NOT_UTF8 };
        Ok(Segment {
            raw: &self.trailing,
            text: None,
            elements: &self.elements,
            sorts,
            byte,
            line,
            component_separator: None,
            cut: false,
        })
    }

    fn limit(&self, what: &'static str, setting: &'static str, max: usize) -> Halt {
        let (byte, line) = self.place();
        Halt::Limit(Limit { what, setting, max: max as u64, byte, line })
    }
}

/// The classes of what ends an element and, with it, a segment, beside the sorts of other bytes.
const DELIMITER: u8 = 0x80;
const TERMINATOR: u8 = 0x40;

fn classes(delimiters: Delimiters) -> Box<[u8; 256]> {
    let mut classes = Box::new([0; 256]);
    for (byte, class) in (0..=255_u8).zip(classes.iter_mut()) {
        if delimiters.terminator.is(byte) {
            *class = DELIMITER | TERMINATOR;
            continue;
        }
        if byte == delimiters.element {
            *class = DELIMITER;
        }
        *class |= match byte {
            b'\r' | b'\n' => sort::LINE_BREAK,
            0x80.. => sort::HIGH,
            _ if byte.is_ascii_control() && byte != b'\t' && !delimiters.contains(byte) => sort::CONTROL,
            _ => 0,
        };
    }
    classes
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISA: &str =
        "ISA*00*          *00*          *ZZ*NORTHWIND      *ZZ*HARBOUR        *260105*0900*U*00401*000000007*0*P*>";

    /// Each token as `kind byte:line raw`, an ISA's content left out.
    fn cut(text: &str) -> Vec<String> {
        let mut input = text.as_bytes();
        let mut tokens = Tokens::new(Window::new(&mut input), Limits::default());
        let mut told = Vec::new();
        while let Some(token) = tokens.next().unwrap() {
            let (kind, segment) = match &token {
                Token::Interchange(segment, _) => ("isa", segment),
                Token::Segment(segment) => ("segment", segment),
                Token::Trailing(segment) => ("trailing", segment),
            };
            let raw = if kind == "isa" { String::new() } else { segment.excerpt() };
            let cut = if segment.cut { " cut" } else { "" };
            told.push(format!("{kind} {}:{} {raw}{cut}", segment.byte, segment.line).trim_end().to_owned());
        }
        told
    }

    #[test]
    fn segments_know_their_byte_and_line() {
        let text = format!("{ISA}~\r\nGS*IN~\n\n  ST*810~SE*2~");
        let expected = ["isa 0:1", "segment 108:2 GS*IN", "segment 118:4 ST*810", "segment 125:4 SE*2"];
        assert_eq!(cut(&text), expected);
    }

    #[test]
    fn empty_segments_are_left_out() {
        assert_eq!(cut(&format!("{ISA}~~~ ~GS*IN~~")), ["isa 0:1", "segment 110:1 GS*IN"]);
    }

    #[test]
    fn line_breaks_inside_a_wrapped_segment_are_not_data() {
        assert_eq!(cut(&format!("{ISA}~G\r\nS*I\nN~")), ["isa 0:1", "segment 106:1 GS*IN"]);
    }

    #[test]
    fn an_element_stands_on_the_line_it_was_wrapped_to() {
        let text = format!("{ISA}~IT1*1\r\n*10*EA~");
        let mut input = text.as_bytes();
        let mut tokens = Tokens::new(Window::new(&mut input), Limits::default());
        tokens.next().unwrap();
        let Some(Token::Segment(segment)) = tokens.next().unwrap() else { panic!("no segment") };
        let place = segment.element_location(2, "IT1[1]");
        assert_eq!((place.byte, place.line, place.len, place.path.as_str()), (114, 2, 2, "IT1[1]/02"));
        assert_eq!(segment.text(2).as_deref(), Some("10"));
        assert_eq!(segment.text(9), None);
    }

    #[test]
    fn what_follows_iea_is_no_segment_until_the_next_isa() {
        let text = format!("{ISA}~IEA*0*1~ISAAC\nwas here~{ISA}!IEA*0*1!\x1a");
        let expected = [
            "isa 0:1",
            "segment 106:1 IEA*0*1",
            "trailing 114:1 ISAAC",
            "trailing 120:2 was here",
            "isa 129:2",
            "segment 235:2 IEA*0*1",
        ];
        assert_eq!(cut(&text), expected);
    }

    #[test]
    fn an_isa_at_the_start_of_a_segment_begins_an_interchange_and_inside_of_one_it_does_not() {
        let text = format!("{ISA}~NTE*ISA*00~{ISA}~");
        assert_eq!(cut(&text), ["isa 0:1", "segment 106:1 NTE*ISA*00", "isa 117:1"]);
    }

    #[test]
    fn a_segment_without_its_terminator_is_cut() {
        assert_eq!(cut(&format!("{ISA}~TDS*296")), ["isa 0:1", "segment 106:1 TDS*296 cut"]);
    }

    #[test]
    fn bytes_that_are_not_utf8_are_windows_1252() {
        let bytes = [ISA.as_bytes(), b"~N1*SE*M\xfchle \x80~N1*SE*M\xc3\xbchle~"].concat();
        let mut input = bytes.as_slice();
        let mut tokens = Tokens::new(Window::new(&mut input), Limits::default());
        tokens.next().unwrap();
        for expected in ["M\u{fc}hle \u{20ac}", "M\u{fc}hle"] {
            let Some(Token::Segment(segment)) = tokens.next().unwrap() else { panic!("no segment") };
            assert_eq!(segment.text(2).as_deref(), Some(expected));
        }
        assert!(tokens.met_other_than_utf8);
    }
}
