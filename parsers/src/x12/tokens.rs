//! Cuts the input into segments, interchange by interchange, each with its own delimiters.

use std::ops::Range;

use memchr::{memchr, memchr_iter, memchr2};

use super::delimiters::{Delimiters, ISA_BYTES_MAX, Terminator, derive, starts_interchange};
use crate::edi::{Scan, Segment, Window, sort};
use crate::{Halt, Limit, Limits};

const BOM: &[u8] = b"\xef\xbb\xbf";
/// The end-of-file mark of CP/M and of some mainframe transfers, where it stands at the end.
const SUBSTITUTE: u8 = 0x1a;
/// The id and the length of a binary segment stand in as many bytes.
const BINARY_HEAD_BYTES: usize = 32;
/// How much of what is not X12 is quoted.
const TRAILING_QUOTED_BYTES: usize = 200;

/// What comes next in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    /// An ISA segment: an interchange begins, whatever was open before.
    Interchange(Delimiters),
    Segment,
    /// Bytes between two interchanges, or after the last, that are neither.
    Trailing,
}

pub(super) struct Tokens<'a> {
    window: Window<'a>,
    limits: Limits,
    delimiters: Delimiters,
    /// No interchange is open: before the first, or after an IEA.
    between: bool,
    /// Bytes of the last token, to be left behind before the next.
    due: usize,
    /// The last segment: where its elements end, and the sorts of bytes in it.
    ends: Vec<u32>,
    sorts: u8,
    /// Its id, where that is broken over two lines.
    id: Vec<u8>,
    /// The last segment was cut by the scan, as most are; the others are cut by what each byte is under these
    /// delimiters.
    is_scanned: bool,
    scan: Option<Scan<1, 0>>,
    classes: Box<[u8; 256]>,
    /// What was left behind last, where it was no segment.
    trailing: Option<Trailing>,
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
            ends: Vec::new(),
            sorts: 0,
            id: Vec::new(),
            is_scanned: false,
            scan: scan(delimiters),
            classes: classes(delimiters),
            trailing: None,
            met_other_than_utf8: false,
            units: 0,
        }
    }

    /// The byte and the line reading has come to.
    pub(super) fn place(&self) -> (u64, u64) {
        (self.window.byte(), self.window.line())
    }

    /// Goes on to what comes next; [`Tokens::segment`] has it then.
    pub(super) fn next(&mut self) -> Result<Option<Token>, Halt> {
        if self.next_scanned() {
            return Ok(Some(Token::Segment));
        }
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
        self.trailing = None;
        if starts_interchange(head) {
            let delimiters = derive(self.window.at_least(ISA_BYTES_MAX)?);
            if self.delimiters != delimiters {
                self.delimiters = delimiters;
                self.classes = classes(delimiters);
                self.scan = scan(delimiters);
            }
            self.between = false;
            self.cut()?;
            return Ok(Some(Token::Interchange(delimiters)));
        }
        if self.between {
            self.pass_trailing()?;
            return Ok(Some(Token::Trailing));
        }
        self.cut()?;
        self.between = self.id() == b"IEA";
        self.is_scanned &= !self.between;
        Ok(Some(Token::Segment))
    }

    /// Goes on from a segment like most to another; `false` where it is not like most, and nothing is done.
    fn next_scanned(&mut self) -> bool {
        let (Some(scan), true) = (&self.scan, self.is_scanned) else { return false };
        let Some((held, on_new_line)) = self.window.after(self.due) else { return false };
        // Those that are more than a segment.
        if matches!(held, [b'I', b'S' | b'E', b'A', ..]) || is_binary(held) {
            return false;
        }
        self.ends.clear();
        let Some(length) = scan.cut(held, &mut self.ends, &mut Vec::new()) else { return false };
        if length as usize > self.limits.token_bytes_max || self.ends.len() > self.limits.columns_max {
            return false;
        }
        self.window.go_after(self.due, on_new_line);
        self.due = length as usize + 1;
        self.units += 1;
        true
    }

    /// Leaves behind what may stand between segments: blanks, line breaks, extra terminators.
    fn skip_blank(&mut self) -> Result<(), Halt> {
        loop {
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

    /// Cuts the segment that starts here.
    fn cut(&mut self) -> Result<(), Halt> {
        self.ends.clear();
        self.units += 1;
        self.is_scanned = false;
        let held = self.window.bytes();
        if let (Some(scan), false) = (&self.scan, is_binary(held))
            && let Some(length) = scan.cut(held, &mut self.ends, &mut Vec::new())
            && length as usize <= self.limits.token_bytes_max
        {
            self.sorts = 0;
            self.due = length as usize + 1;
            self.is_scanned = matches!(self.delimiters.terminator, Terminator::Byte(_));
            return self.check_columns();
        }
        self.ends.clear();
        self.cut_byte_by_byte()
    }

    /// The same for a segment that goes on past what is held, is wrapped, or holds more than ASCII.
    fn cut_byte_by_byte(&mut self) -> Result<(), Halt> {
        let binary = self.binary()?;
        // What is binary is passed over: it is no text, and has no elements.
        let mut scanned = binary.as_ref().map_or(0, |data| data.end);
        let (length, cut) = loop {
            let ahead = self.window.bytes().get(scanned..).unwrap_or_default();
            let found = match self.delimiters.terminator {
                Terminator::Byte(terminator) => memchr(terminator, ahead),
                Terminator::Newline => memchr2(b'\r', b'\n', ahead),
            };
            if let Some(at) = found {
                break (scanned + at, false);
            }
            scanned += ahead.len();
            if scanned > self.limits.token_bytes_max {
                break (scanned, false);
            }
            if !self.window.more()? {
                break (scanned, true);
            }
        };
        let text_end = binary.as_ref().map_or(length, |data| data.start);
        self.split(text_end);
        self.check_columns()?;
        if length > self.limits.token_bytes_max {
            return Err(self.limit("segment", "token_bytes_max", self.limits.token_bytes_max));
        }
        self.ends.push(as_place(length));
        self.due = length + usize::from(!cut);
        if binary.is_some() {
            // Not looked at: it may hold line breaks, and what is no text.
            self.sorts |= sort::LINE_BREAK | sort::HIGH;
        }
        let raw = self.window.bytes().get(..length).unwrap_or_default();
        if self.sorts & sort::HIGH != 0 && std::str::from_utf8(raw).is_err() {
            self.sorts |= sort::NOT_UTF8;
            self.met_other_than_utf8 |= binary.is_none();
        }
        if self.sorts & sort::LINE_BREAK != 0 {
            let id = raw.get(..self.ends.first().map_or(0, |end| *end as usize)).unwrap_or_default();
            self.id.clear();
            self.id.extend(id.iter().filter(|byte| !matches!(byte, b'\r' | b'\n')));
        }
        Ok(())
    }

    /// Splits the first `length` bytes into elements, all but the last.
    fn split(&mut self, length: usize) {
        let mut seen = 0;
        for (at, byte) in self.window.bytes().iter().take(length).enumerate() {
            let class = self.classes.get(usize::from(*byte)).copied().unwrap_or_default();
            seen |= class;
            if class & DELIMITER != 0 {
                self.ends.push(as_place(at));
            }
        }
        self.sorts = seen & !DELIMITER;
    }

    fn check_columns(&self) -> Result<(), Halt> {
        if self.ends.len() <= self.limits.columns_max {
            return Ok(());
        }
        Err(self.limit("number of elements of one segment", "columns_max", self.limits.columns_max))
    }

    /// The id of the segment last cut, without the line breaks of a wrapped file.
    fn id(&self) -> &[u8] {
        if self.sorts & sort::LINE_BREAK != 0 {
            return &self.id;
        }
        let end = self.ends.first().map_or(0, |end| *end as usize);
        self.window.bytes().get(..end).unwrap_or_default()
    }

    /// The data of a binary segment (BIN, BDS), which are not to be searched for its terminator: X12.6 lets its
    /// last element hold anything, and gives the length before it. A length that does not end at a terminator is
    /// not believed.
    fn binary(&mut self) -> Result<Option<Range<usize>>, Halt> {
        let first = match self.window.bytes().get(..4) {
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

    /// The segment last cut, or what stands in its place.
    #[inline]
    pub(super) fn segment(&self) -> Segment<'_> {
        if let Some(trailing) = &self.trailing {
            return trailing.segment(&self.ends);
        }
        let length = self.ends.last().map_or(0, |end| *end as usize);
        let raw = self.window.bytes().get(..length).unwrap_or_default();
        let is_broken = self.sorts & sort::LINE_BREAK != 0;
        let id = raw.get(..self.ends.first().map_or(0, |end| *end as usize)).unwrap_or_default();
        Segment {
            id: if is_broken { &self.id } else { id },
            raw,
            text: if is_broken { None } else { self.window.text(length) },
            ends: &self.ends,
            sorts: self.sorts,
            byte: self.window.byte(),
            line: self.window.line(),
            component_separator: self.delimiters.component,
            cut: self.due == length,
        }
    }

    /// Leaves behind what is not X12, up to the next terminator or line break, keeping only its start.
    fn pass_trailing(&mut self) -> Result<(), Halt> {
        let (byte, line) = self.place();
        let mut bytes = Vec::new();
        loop {
            let held = self.window.bytes();
            let ends_at = |byte: &u8| matches!(byte, b'\r' | b'\n') || self.delimiters.terminator.is(*byte);
            let end = held.iter().position(ends_at);
            let length = end.unwrap_or(held.len());
            let room = TRAILING_QUOTED_BYTES - bytes.len();
            bytes.extend_from_slice(held.get(..length.min(room)).unwrap_or_default());
            self.window.consume(length);
            if end.is_some() || !self.window.more()? {
                break;
            }
        }
        self.ends.clear();
        self.ends.push(as_place(bytes.len()));
        self.trailing = Some(Trailing { bytes, byte, line });
        Ok(())
    }

    fn limit(&self, what: &'static str, setting: &'static str, max: usize) -> Halt {
        let (byte, line) = self.place();
        Halt::Limit(Limit { what, setting, max: max as u64, byte, line })
    }
}

/// The start of what is not X12.
struct Trailing {
    bytes: Vec<u8>,
    byte: u64,
    line: u64,
}

impl Trailing {
    fn segment<'s>(&'s self, ends: &'s [u32]) -> Segment<'s> {
        let sorts = if std::str::from_utf8(&self.bytes).is_ok() { 0 } else { sort::HIGH | sort::NOT_UTF8 };
        Segment {
            id: &self.bytes,
            raw: &self.bytes,
            text: None,
            ends,
            sorts,
            byte: self.byte,
            line: self.line,
            component_separator: None,
            cut: false,
        }
    }
}

/// A place in a segment: no segment has four gigabytes.
fn as_place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Whether it may be a binary segment, whose data may hold its terminator.
fn is_binary(segment: &[u8]) -> bool {
    matches!(segment, [b'B', b'I', b'N', ..] | [b'B', b'D', b'S', ..])
}

/// The class of what ends an element, beside the sorts of other bytes.
const DELIMITER: u8 = 0x80;

fn classes(delimiters: Delimiters) -> Box<[u8; 256]> {
    let mut classes = Box::new([0; 256]);
    for (byte, class) in (0..=255_u8).zip(classes.iter_mut()) {
        *class = match byte {
            _ if byte == delimiters.element => DELIMITER,
            b'\r' | b'\n' => sort::LINE_BREAK,
            0x80.. => sort::HIGH,
            _ if byte.is_ascii_control() && byte != b'\t' && !delimiters.contains(byte) => sort::CONTROL,
            _ => 0,
        };
    }
    classes
}

fn scan(delimiters: Delimiters) -> Option<Scan<1, 0>> {
    let terminator = match delimiters.terminator {
        Terminator::Byte(terminator) => terminator,
        // A CR before it is none of the bytes a scan passes over.
        Terminator::Newline => b'\n',
    };
    terminator.is_ascii().then(|| Scan::new([delimiters.element], [], terminator))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::Steps;

    const ISA: &str =
        "ISA*00*          *00*          *ZZ*NORTHWIND      *ZZ*HARBOUR        *260105*0900*U*00401*000000007*0*P*>";

    /// Each token as `kind byte:line raw`, an ISA's content left out.
    fn cut(text: &str) -> Vec<String> {
        let mut input = text.as_bytes();
        let mut tokens = Tokens::new(Window::new(&mut input), Limits::default());
        let mut told = Vec::new();
        while let Some(token) = tokens.next().unwrap() {
            let kind = match token {
                Token::Interchange(_) => "isa",
                Token::Segment => "segment",
                Token::Trailing => "trailing",
            };
            let segment = tokens.segment();
            let raw = if kind == "isa" { String::new() } else { segment.excerpt().into_owned() };
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
        assert_eq!(tokens.next().unwrap(), Some(Token::Segment));
        let segment = tokens.segment();
        let place = segment.element_location(2, &Steps::new().within(b"IT1", 1));
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
            assert_eq!(tokens.next().unwrap(), Some(Token::Segment));
            let segment = tokens.segment();
            assert_eq!(segment.text(2).as_deref(), Some(expected));
        }
        assert!(tokens.met_other_than_utf8);
    }
}
