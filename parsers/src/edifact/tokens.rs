//! Cuts the input into segments, and these into components.
//!
//! Each interchange brings its own service characters and its own character set.

use encoding_rs::{Encoding, UTF_8};

use super::bytes::{ELEMENT, RELEASE, REPETITION, SERVICE, TERMINATOR, as_place, class, classes, scan};
use super::charset::{Charset, sort};
use super::segment::{Segment, Tag};
use super::service_characters::{Service, UNA_BYTES, starts_interchange};
use crate::edi::{Scan, Window};
use crate::location::Location;
use crate::{Halt, Limit, Limits};

const BOM: &[u8] = b"\xef\xbb\xbf";
/// The end-of-file mark of CP/M and of some mainframe transfers, where it stands at the end.
const SUBSTITUTE: u8 = 0x1a;
/// How much of what is not EDIFACT is quoted.
const TRAILING_QUOTED_BYTES: usize = 200;

/// What comes next in the file.
pub(super) enum Token {
    Segment,
    /// A UNA whose characters cannot separate anything; it was passed over.
    BadAdvice(Location, String),
    /// Bytes between two interchanges, or after the last, that are neither.
    Trailing(Location, String),
}

pub(super) struct Tokens<'a> {
    window: Window<'a>,
    limits: Limits,
    service: Service,
    /// The last segment was cut by the scan, as most are; the others are cut by what each byte is under these
    /// service characters.
    is_scanned: bool,
    scan: Scan<2, 2>,
    classes: Box<[u16; 256]>,
    charset: Charset,
    /// No interchange is open: before the first, or after a UNZ.
    between: bool,
    /// A UNA came last.
    advised: bool,
    /// The interchange at hand began with UNA.
    has_advice: bool,
    /// Bytes of the last token, to be left behind before the next, and whether a line may end in them.
    due: usize,
    due_breaks: bool,
    /// The last segment: its tag, its length, whether the file ended first, and the sorts of characters in it;
    tag: Tag,
    length: usize,
    cut: bool,
    sorts: u16,
    /// where its components end, the first of each element, and those that repeat one.
    ends: Vec<u32>,
    elements: Vec<u32>,
    repeats: Vec<u32>,
    /// What the first segment that is not ASCII was read as.
    met: Option<&'static Encoding>,
    /// Segments read.
    pub(super) units: u64,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(window: Window<'a>, limits: Limits) -> Self {
        let service = Service { repetition: None, ..Service::DEFAULT };
        Self {
            window,
            limits,
            service,
            is_scanned: false,
            scan: scan(service),
            classes: classes(service),
            charset: Charset::Ascii,
            between: true,
            advised: false,
            has_advice: false,
            due: 0,
            due_breaks: true,
            tag: *b"???",
            length: 0,
            cut: false,
            sorts: 0,
            ends: Vec::new(),
            elements: Vec::new(),
            repeats: Vec::new(),
            met: None,
            units: 0,
        }
    }

    /// The byte and the line reading has come to.
    pub(super) fn place(&self) -> (u64, u64) {
        (self.window.byte(), self.window.line())
    }

    /// The encoding the file was read in, by its first segment that tells.
    pub(super) fn encoding(&self) -> String {
        self.met.unwrap_or(UTF_8).name().to_ascii_lowercase()
    }

    /// The character set its interchange declares.
    pub(super) fn charset(&self) -> Charset {
        self.charset
    }

    /// Goes on to what comes next; [`Tokens::segment`] has it then, if it is one.
    pub(super) fn next(&mut self) -> Result<Option<Token>, Halt> {
        if self.next_scanned() {
            return Ok(Some(Token::Segment));
        }
        loop {
            let due = std::mem::take(&mut self.due);
            if std::mem::replace(&mut self.due_breaks, true) {
                self.window.consume(due);
            } else {
                self.window.consume_within_line(due);
            }
            self.skip_blank()?;
            let head = self.window.at_least(2 * UNA_BYTES)?;
            if head.is_empty() {
                return Ok(None);
            }
            if head.starts_with(b"UNA") && (self.between || Service::of_una(head).is_some()) {
                let Some((service, length)) = Service::of_una(head) else { return Ok(Some(self.pass_bad_advice()?)) };
                self.window.consume(length);
                self.set_service(service);
                (self.advised, self.has_advice) = (true, true);
                self.between = true;
                continue;
            }
            let opens = self.imply_service();
            if self.between && !opens {
                let (location, text) = self.pass_trailing()?;
                return Ok(Some(Token::Trailing(location, text)));
            }
            self.take_segment()?;
            return Ok(Some(Token::Segment));
        }
    }

    /// Goes on from a segment like most to another; `false` where it is not like most, and nothing is done.
    fn next_scanned(&mut self) -> bool {
        if !self.is_scanned {
            return false;
        }
        let Some((held, on_new_line)) = self.window.after(self.due) else { return false };
        // Those that are more than a segment.
        let tag = match *held {
            [b'U', b'N', ..] => return false,
            [a, b, c, after, ..] if after == self.service.element && [b, c].iter().all(u8::is_ascii_alphanumeric) => {
                [a, b, c]
            }
            _ => return false,
        };
        self.ends.clear();
        self.elements.truncate(1);
        let Some(length) = self.scan.cut(held, &mut self.ends, &mut self.elements) else { return false };
        if length as usize > self.limits.token_bytes_max || self.ends.len() > self.limits.columns_max {
            return false;
        }
        self.window.go_after(self.due, on_new_line);
        (self.length, self.due) = (length as usize, length as usize + 1);
        self.tag = tag;
        self.units += 1;
        true
    }

    /// The segment that starts here, and what it means for those that follow.
    fn take_segment(&mut self) -> Result<(), Halt> {
        self.cut()?;
        self.tag = self.tag();
        self.advised = false;
        match &self.tag {
            b"UNB" => self.take_syntax(),
            b"UNO" => self.pass_object()?,
            _ => {}
        }
        self.between = &self.tag == b"UNZ";
        // A wrapped tag, or one that is none, is not like most; nor is one that changes what follows.
        let is_like_most = !self.tag.starts_with(b"UN") || &self.tag == b"UNH";
        self.is_scanned &= is_like_most && !self.service.terminator.is_ascii_whitespace();
        // What UNO announces, and a terminator that is a line break, are looked at.
        self.due_breaks =
            self.sorts & sort::NEWLINE != 0 || &self.tag == b"UNO" || self.service.terminator.is_ascii_whitespace();
        if self.sorts & sort::HIGH != 0 && self.met.is_none() {
            let raw = self.window.bytes().get(..self.length).unwrap_or_default();
            self.met = Some(self.charset.encoding(raw, self.sorts));
        }
        Ok(())
    }

    /// Whether an envelope begins here; one without UNA says its service characters by its separator.
    fn imply_service(&mut self) -> bool {
        let head = self.window.bytes();
        let Some([b'U', b'N', kind @ (b'B' | b'G' | b'H'), separator]) = head.get(..4) else { return false };
        let (kind, separator) = (*kind, *separator);
        if self.advised || separator == self.service.element {
            // A second interchange of a file often does without the UNA of the first.
            return separator == self.service.element;
        }
        let opens = self.between || kind == b'B';
        self.has_advice &= !opens;
        match separator {
            b'+' if opens => self.set_service(Service { repetition: None, ..Service::DEFAULT }),
            0x1d if opens => self.set_service(Service::LEVEL_B),
            _ => return false,
        }
        true
    }

    fn set_service(&mut self, service: Service) {
        self.service = service;
        // Repetition waits for UNB to say syntax version 4: before that, its character is data.
        self.separate_by(Service { repetition: None, ..service });
        self.charset = Charset::Ascii;
    }

    fn separate_by(&mut self, service: Service) {
        self.scan = scan(service);
        self.classes = classes(service);
    }

    /// S001 of a UNB: the character set (0001), and whether the syntax knows repetition (0002).
    fn take_syntax(&mut self) {
        let unb = self.segment();
        let (charset, version) = (Charset::declared(&unb.code(1, 1)), unb.code(1, 2).into_owned());
        self.charset = charset.unwrap_or(Charset::Ascii);
        if version.as_slice() == b"4" {
            // Without UNA, `*` separates repetitions.
            let repetition = if self.has_advice { self.service.repetition } else { Service::DEFAULT.repetition };
            self.separate_by(Service { repetition, ..self.service });
        }
    }

    /// UNO: as many bytes of an object as 0810 says, that hold no segments (ISO 9735-8).
    fn pass_object(&mut self) -> Result<(), Halt> {
        let uno = self.segment();
        let declared: Option<usize> = std::str::from_utf8(&uno.code(4, 1)).ok().and_then(|text| text.parse().ok());
        let Some(object) = declared.filter(|object| *object <= self.limits.token_bytes_max) else { return Ok(()) };
        let end = self.due + object;
        let held = self.window.at_least(end + 4)?;
        // Only if its trailer is where it should be: a wrong length must not swallow what follows.
        if held.get(end..).is_some_and(|rest| rest.starts_with(b"UNP")) {
            self.due = end;
        }
        Ok(())
    }

    /// Leaves behind what may stand between segments: blanks, line breaks, extra terminators.
    fn skip_blank(&mut self) -> Result<(), Halt> {
        loop {
            let (terminator, between) = (self.service.terminator, self.between);
            let is_blank =
                |byte: &u8| byte.is_ascii_whitespace() || *byte == terminator || (between && *byte == SUBSTITUTE);
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

    /// Cuts the segment that starts here, where it is like most; `false` where it is not.
    fn scan(&mut self) -> bool {
        let held = self.window.bytes();
        let Some(length) = self.scan.cut(held, &mut self.ends, &mut self.elements) else { return false };
        let raw = held.get(..length as usize).unwrap_or_default();
        if raw.len() > self.limits.token_bytes_max || self.ends.len() > self.limits.columns_max {
            return false;
        }
        // Only the sets of few characters ask for more; which one it is says UNB.
        self.sorts = if self.charset == Charset::LevelA || raw.starts_with(b"UNB") {
            raw.iter().fold(0, |seen, byte| seen | class(&self.classes, *byte))
        } else {
            0
        };
        (self.length, self.cut, self.due) = (raw.len(), false, raw.len() + 1);
        // The sets of few characters are asked about each of them.
        self.is_scanned = self.charset != Charset::LevelA;
        true
    }

    /// Cuts the segment that starts here.
    fn cut(&mut self) -> Result<(), Halt> {
        self.units += 1;
        self.clear_parts();
        self.is_scanned = false;
        if self.scan() {
            return Ok(());
        }
        self.clear_parts();
        (self.length, self.cut, self.sorts) = self.cut_byte_by_byte()?;
        self.due = self.length + usize::from(!self.cut);
        Ok(())
    }

    /// Finds the end of the segment that starts here, and its parts: its length, whether the file ended
    /// first, and the sorts of characters in it.
    fn cut_byte_by_byte(&mut self) -> Result<(usize, bool, u16), Halt> {
        let (mut at, mut released, mut seen) = (0, false, 0);
        loop {
            for byte in self.window.bytes().get(at..).unwrap_or_default() {
                let class = class(&self.classes, *byte);
                seen |= class;
                if released {
                    // A line break between the release character and what it releases is a wrapped file's.
                    released = class & sort::NEWLINE != 0;
                } else if class & SERVICE != 0 {
                    if class & RELEASE != 0 {
                        released = true;
                    } else {
                        self.ends.push(as_place(at));
                        if class & TERMINATOR != 0 {
                            self.check_token(at)?;
                            return Ok((at, false, seen));
                        }
                        if class & ELEMENT != 0 {
                            self.elements.push(as_place(self.ends.len()));
                        }
                        if class & REPETITION != 0 {
                            self.repeats.push(as_place(self.ends.len()));
                        }
                        if self.ends.len() > self.limits.columns_max {
                            let what = "number of components of one segment";
                            return Err(self.limit(what, "columns_max", self.limits.columns_max));
                        }
                    }
                }
                at += 1;
            }
            self.check_token(at)?;
            if !self.window.more()? {
                self.ends.push(as_place(at));
                return Ok((at, true, seen));
            }
        }
    }

    fn clear_parts(&mut self) {
        self.ends.clear();
        self.elements.clear();
        self.elements.push(0);
        self.repeats.clear();
    }

    fn check_token(&self, length: usize) -> Result<(), Halt> {
        if length <= self.limits.token_bytes_max {
            return Ok(());
        }
        Err(self.limit("segment", "token_bytes_max", self.limits.token_bytes_max))
    }

    /// The tag of the segment last cut: three capitals or digits, or `???`.
    fn tag(&self) -> Tag {
        let end = self.ends.first().map_or(0, |end| *end as usize);
        let bytes = self.window.bytes().get(..end).unwrap_or_default();
        let is_tag = |byte: &u8| byte.is_ascii_alphanumeric();
        if let [a, b, c] = bytes {
            return if bytes.iter().all(is_tag) { [*a, *b, *c] } else { *b"???" };
        }
        let mut letters = bytes.iter().filter(|byte| !byte.is_ascii_whitespace());
        match (letters.next(), letters.next(), letters.next(), letters.next()) {
            (Some(a), Some(b), Some(c), None) if [a, b, c].into_iter().all(is_tag) => [*a, *b, *c],
            _ => *b"???",
        }
    }

    /// The segment last cut.
    #[inline]
    pub(super) fn segment(&self) -> Segment<'_> {
        let Self { tag, length, cut, sorts, .. } = *self;
        let raw = self.window.bytes().get(..length).unwrap_or_default();
        let encoding = self.charset.encoding(raw, sorts);
        let is_text = encoding == UTF_8 && sorts & sort::NEWLINE == 0;
        let text = || self.window.text(length).or_else(|| std::str::from_utf8(raw).ok());
        Segment {
            tag,
            raw,
            text: if is_text { text() } else { None },
            ends: &self.ends,
            elements: &self.elements,
            repeats: &self.repeats,
            byte: self.window.byte(),
            line: self.window.line(),
            release: self.service.release,
            sorts,
            has_release: sorts & RELEASE != 0,
            encoding,
            cut,
        }
    }

    fn pass_bad_advice(&mut self) -> Result<Token, Halt> {
        let (byte, line) = self.place();
        let head = self.window.bytes();
        let quoted = head.get(..UNA_BYTES.min(head.len())).unwrap_or_default();
        let text = String::from_utf8_lossy(quoted).into_owned();
        let location = Location::new(byte, line, "UNA").spanning(quoted.len());
        // Up to the UNB, if there is one near.
        let head = self.window.at_least(4 * UNA_BYTES)?;
        let length = memchr::memmem::find(head, b"UNB").unwrap_or(UNA_BYTES.min(head.len()));
        self.window.consume(length);
        self.set_service(Service { repetition: None, ..Service::DEFAULT });
        Ok(Token::BadAdvice(location, text))
    }

    /// Leaves behind what is not EDIFACT, up to the next terminator or line break, keeping its start.
    fn pass_trailing(&mut self) -> Result<(Location, String), Halt> {
        let (byte, line) = self.place();
        let mut quoted = Vec::new();
        let mut passed = 0usize;
        loop {
            let bytes = self.window.bytes();
            let ends_at = |byte: &u8| matches!(byte, b'\r' | b'\n') || *byte == self.service.terminator;
            let end = bytes.iter().position(ends_at);
            let length = end.unwrap_or(bytes.len());
            let room = TRAILING_QUOTED_BYTES - quoted.len();
            quoted.extend_from_slice(bytes.get(..length.min(room)).unwrap_or_default());
            self.window.consume(length);
            passed += length;
            if end.is_some() || !self.window.more()? {
                break;
            }
        }
        let encoding = Charset::Latin1.encoding(&quoted, sort::HIGH);
        let text = encoding.decode_without_bom_handling(&quoted).0.into_owned();
        Ok((Location::new(byte, line, "").spanning(passed), text))
    }

    fn limit(&self, what: &'static str, setting: &'static str, max: usize) -> Halt {
        let (byte, line) = self.place();
        Halt::Limit(Limit { what, setting, max: max as u64, byte, line })
    }
}

/// Whether a file starts with an interchange; used to recognise the format.
pub(super) fn opens_file(head: &[u8]) -> bool {
    let head = head.strip_prefix(BOM).unwrap_or(head).trim_ascii_start();
    // A UNA that cannot be right is one all the same where UNB follows.
    let near = head.get(..4 * UNA_BYTES).unwrap_or(head);
    starts_interchange(head) || (head.starts_with(b"UNA") && memchr::memmem::find(near, b"UNB+").is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edifact::segment::Spot;

    /// Each token as `byte:line TAG|element:component|…`.
    fn cut(bytes: &[u8]) -> Vec<String> {
        let mut input = bytes;
        let mut tokens = Tokens::new(Window::new(&mut input), Limits::default());
        let mut told = Vec::new();
        while let Some(token) = tokens.next().unwrap() {
            told.push(match token {
                Token::Segment => {
                    let segment = tokens.segment();
                    let mut line = format!("{}:{} {}", segment.byte, segment.line, segment.name());
                    for element in 1..segment.elements.len() {
                        let components: Vec<String> = (1..=4)
                            .map(|component| segment.owned(element, component).unwrap_or_default().into())
                            .collect();
                        line.push('|');
                        line.push_str(components.join(":").trim_end_matches(':'));
                    }
                    if segment.cut { line + " cut" } else { line }
                }
                Token::BadAdvice(location, text) => format!("{}:{} bad {text}", location.byte, location.line),
                Token::Trailing(location, text) => format!("{}:{} trailing {text}", location.byte, location.line),
            });
        }
        told
    }

    #[test]
    fn segments_know_their_byte_and_line() {
        let text = b"UNA:+.? '\r\nUNB+UNOA:1+A:14'\nUNH+1+INVOIC:D:96A:UN'UNZ+1+X'";
        assert_eq!(cut(text), ["11:2 UNB|UNOA:1|A:14", "28:3 UNH|1|INVOIC:D:96A:UN", "50:3 UNZ|1|X"]);
    }

    #[test]
    fn the_release_character_makes_data_of_whatever_follows() {
        let text = b"UNB+UNOA:1'FTX+a?+b?:c?'d??'IMD+??'QTY+1???''END+?'x?x'";
        assert_eq!(cut(text)[1..], ["11:1 FTX|a+b:c'd?", "28:1 IMD|?", "35:1 QTY|1?'", "45:1 END|'xx"]);
    }

    #[test]
    fn a_release_character_at_the_end_of_a_line_or_of_the_file_releases_nothing_else() {
        assert_eq!(cut(b"UNB+UNOA:1'FTX+O?\r\n'Brien'")[1..], ["11:1 FTX|O'Brien"]);
        assert_eq!(cut(b"UNB+UNOA:1'UNZ+1+X?")[1..], ["11:1 UNZ|1|X cut"]);
    }

    #[test]
    fn a_wrapped_file_breaks_lines_anywhere() {
        assert_eq!(cut(b"UNB+UNOA:1'UN\nH+1+INV\r\nOIC:D\n'BG\nM+380'")[1..], ["11:1 UNH|1|INVOIC:D", "30:4 BGM|380"]);
    }

    #[test]
    fn an_element_stands_on_the_line_it_was_wrapped_to() {
        let mut input = &b"UNB+UNOA:1'MOA+\n203:12.50'"[..];
        let mut tokens = Tokens::new(Window::new(&mut input), Limits::default());
        tokens.next().unwrap();
        tokens.next().unwrap();
        let moa = tokens.segment();
        let spot = Spot::new(1, 2, "/C516.5004");
        let place = moa.component_location(spot.element, spot.component, "MOA[1]/C516.5004".to_owned());
        assert_eq!((place.byte, place.line, place.len), (20, 2, 5));
    }

    #[test]
    fn repetition_is_of_syntax_version_4() {
        assert_eq!(cut(b"UNB+UNOC:3'FTX+a*b'")[1..], ["11:1 FTX|a*b"]);
        assert_eq!(cut(b"UNB+UNOC:4'FTX+a:1*b:2+c'")[1..], ["11:1 FTX|a:1|c"]);
        assert_eq!(cut(b"UNA:+.? 'UNB+UNOC:4'FTX+a+c'")[1..], ["20:1 FTX|a|c"]);
        let mut input = &b"UNB+UNOC:4'FTX+a:1*b:2'"[..];
        let mut tokens = Tokens::new(Window::new(&mut input), Limits::default());
        tokens.next().unwrap();
        tokens.next().unwrap();
        let ftx = tokens.segment();
        assert_eq!(ftx.joined(1, 1, 1, &[]).as_deref(), Some("a b"));
    }

    #[test]
    fn each_interchange_brings_its_own_service_characters() {
        let text = b"UNA=*,! ~UNB*UNOC=3~UNZ*0*X~UNB*UNOC=3~UNZ*0*Y~UNB+UNOC:3'UNZ+0+Z'";
        let expected =
            ["9:1 UNB|UNOC:3", "20:1 UNZ|0|X", "28:1 UNB|UNOC:3", "39:1 UNZ|0|Y", "47:1 UNB|UNOC:3", "58:1 UNZ|0|Z"];
        assert_eq!(cut(text), expected);
    }

    #[test]
    fn what_follows_unz_is_no_segment_until_the_next_interchange() {
        let text = b"UNB+UNOC:3'UNZ+0+X'EOF\nUNA is a word\nUNB+UNOC:3'UNZ+0+Y'\x1a";
        let told = cut(text);
        assert_eq!(told[2], "19:1 trailing EOF");
        assert!(told[3].starts_with("23:2 bad UNA"), "{told:?}");
        assert_eq!(told[told.len() - 1], "48:3 UNZ|0|Y");
    }

    #[test]
    fn an_object_is_passed_over_by_its_length() {
        let text = b"UNB+UNOC:4'UNO+P1+1+13+7'a'b'c+dUNP+7+P1'UNZ+1+X'";
        assert_eq!(cut(text)[1..], ["11:1 UNO|P1|1|13|7", "32:1 UNP|7|P1", "41:1 UNZ|1|X"]);
        // A length that is wrong swallows nothing.
        assert_eq!(cut(b"UNB+UNOC:4'UNO+P1+1+13+9'UNZ+1+X'")[2..], ["25:1 UNZ|1|X"]);
    }

    #[test]
    fn level_b_separates_by_control_characters() {
        let told = cut(b"UNB\x1dUNOB\x1f1\x1dA\x1cUNZ\x1d0\x1dX\x1c");
        assert_eq!(told, ["0:1 UNB|UNOB:1|A", "13:1 UNZ|0|X"]);
    }
}
