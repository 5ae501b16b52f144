//! The bytes of an XML file as text: decoded while they stream, and counted where they stood in the stored
//! file. What is ahead grows until somebody reads it, so whoever looks for the end of a token sets the bound.

use std::io::{self, BufRead, Read};

use encoding_rs::{CoderResult, Decoder, DecoderResult, Encoding};
use memchr::{memchr, memchr2, memchr2_iter, memmem};

use super::tag::Run;

/// How much is looked at to find the encoding declaration.
const DECLARATION_BYTES: u64 = 1024;

/// How many bytes are decoded at once.
const CHUNK_BYTES: usize = 16 * 1024;

/// A byte and a line of the stored file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) byte: u64,
    pub(super) line: u64,
    after_cr: bool,
}

/// Why there are no more bytes.
#[derive(Debug)]
pub(super) enum Fault {
    Read(io::Error),
    /// Bytes that are not text in the encoding of the file.
    Encoding,
    /// A character XML 1.0 §2.2 does not allow.
    Control(u8),
}

/// An input being decoded.
pub(super) struct Source<'a> {
    input: &'a mut dyn BufRead,
    charset: Charset,
    /// Bytes read but not decoded: the head at first, later the front part of a character.
    undecoded: Vec<u8>,
    /// What is decoded and not forgotten yet; all before `at` has been read.
    text: String,
    at: usize,
    place: Place,
    /// Of UTF-8: where in the text a line ends, and how many of them have been passed.
    breaks: Vec<usize>,
    passed_breaks: usize,
    has_returns: bool,
    fault: Option<Fault>,
    ended: bool,
}

enum Charset {
    Utf8,
    /// One byte is one character.
    SingleByte(Decoder),
    Utf16(Decoder),
}

impl<'a> Source<'a> {
    /// Looks at the first bytes to see which encoding it is.
    pub(super) fn new(input: &'a mut dyn BufRead) -> Result<Self, io::Error> {
        let mut head = Vec::new();
        (&mut *input).take(DECLARATION_BYTES).read_to_end(&mut head)?;
        let (encoding, bom_bytes) = encoding_of(&head);
        head.drain(..bom_bytes);
        let charset = match encoding {
            Some(encoding) if encoding == encoding_rs::UTF_16LE || encoding == encoding_rs::UTF_16BE => {
                Charset::Utf16(encoding.new_decoder_without_bom_handling())
            }
            Some(encoding) if encoding.is_single_byte() => {
                Charset::SingleByte(encoding.new_decoder_without_bom_handling())
            }
            // A multi-byte encoding we do not read is caught below: its first byte over 0x7F is no UTF-8.
            _ => Charset::Utf8,
        };
        let mut source = Self {
            input,
            charset,
            undecoded: head,
            text: String::new(),
            at: 0,
            place: Place { byte: bom_bytes as u64, line: 1, after_cr: false },
            breaks: Vec::new(),
            passed_breaks: 0,
            has_returns: false,
            fault: None,
            ended: false,
        };
        let decoded = source.decode(false);
        source.check(0, decoded);
        Ok(source)
    }

    /// The encoding it is read in, by its name in the Encoding Standard, in lower case.
    pub(super) fn encoding(&self) -> String {
        match &self.charset {
            Charset::Utf8 => "utf-8".to_owned(),
            Charset::SingleByte(decoder) | Charset::Utf16(decoder) => decoder.encoding().name().to_ascii_lowercase(),
        }
    }

    /// Where the next byte stands in the stored file.
    pub(super) fn place(&self) -> Place {
        self.place
    }

    /// Where it stands after `text` has been read from `place` on.
    pub(super) fn after(&self, place: Place, text: &str) -> Place {
        advanced(place, text.as_bytes(), &self.charset)
    }

    /// Where the text ends that is decoded so far.
    pub(super) fn decoded_to(&self) -> Place {
        self.after(self.place, self.ahead())
    }

    /// What ended the text, if it was not the end of the file.
    pub(super) fn take_fault(&mut self) -> Option<Fault> {
        self.fault.take()
    }

    /// What is decoded and not read.
    pub(super) fn ahead(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// A piece that was read; it is there until [`Source::more`].
    pub(super) fn piece(&self, run: Run) -> &str {
        self.text.get(run.start..run.end).unwrap_or_default()
    }

    /// Decodes more; `false` if there is no more. What was read is forgotten.
    pub(super) fn more(&mut self) -> bool {
        if self.ended || self.fault.is_some() {
            return false;
        }
        self.forget();
        let checked = self.text.len();
        // One token may be long, the next need not cost its memory.
        self.text.shrink_to(checked.max(4 * CHUNK_BYTES));
        while self.text.len() == checked && !self.ended && self.fault.is_none() {
            let decoded = self.decode_chunk();
            self.check(checked, decoded);
        }
        self.text.len() > checked
    }

    /// Whether there may be a carriage return in what is decoded.
    pub(super) fn has_returns(&self) -> bool {
        self.has_returns
    }

    /// Drops what was read.
    fn forget(&mut self) {
        self.text.drain(..self.at);
        self.breaks.drain(..self.passed_breaks);
        self.breaks.iter_mut().for_each(|at| *at -= self.at);
        self.passed_breaks = 0;
        self.has_returns = self.has_returns && memchr(b'\r', self.text.as_bytes()).is_some();
        self.at = 0;
    }

    /// Reads over so many bytes; gives them as a piece.
    pub(super) fn pass(&mut self, count: usize) -> Run {
        let start = self.at;
        let end = start.saturating_add(count).min(self.text.len());
        let passed = self.text.as_bytes().get(start..end).unwrap_or_default();
        if let (Charset::Utf8, Some(last)) = (&self.charset, passed.last()) {
            while self.breaks.get(self.passed_breaks).is_some_and(|at| *at < end) {
                self.passed_breaks += 1;
                self.place.line += 1;
            }
            self.place.byte += passed.len() as u64;
            self.place.after_cr = *last == b'\r';
        } else {
            self.place = advanced(self.place, passed, &self.charset);
        }
        self.at = end;
        Run { start, end }
    }

    /// Discards text, CDATA sections too, up to the next markup: what an attachment's base64 needs,
    /// which is larger than everything else in its file together.
    pub(super) fn skip_text(&mut self) {
        while self.has(1) {
            match memchr(b'<', self.ahead().as_bytes()) {
                None => {
                    self.pass(self.ahead().len());
                }
                Some(markup) => {
                    self.pass(markup);
                    if !(self.has(CDATA.len()) && self.ahead().starts_with(CDATA)) {
                        return;
                    }
                    self.skip_cdata();
                }
            }
        }
    }

    fn skip_cdata(&mut self) {
        while self.has(3) {
            match memmem::find(self.ahead().as_bytes(), b"]]>") {
                Some(end) => {
                    self.pass(end + 3);
                    return;
                }
                None => {
                    let tail = self.ahead().len() - 2;
                    let tail = (0..=tail).rev().find(|at| self.ahead().is_char_boundary(*at)).unwrap_or(0);
                    self.pass(tail);
                    if !self.more() {
                        return;
                    }
                }
            }
        }
    }

    /// Whether at least `count` bytes are ahead; decodes more to find out.
    pub(super) fn has(&mut self, count: usize) -> bool {
        while self.ahead().len() < count {
            if !self.more() {
                return false;
            }
        }
        true
    }

    fn decode_chunk(&mut self) -> Result<(), Fault> {
        let chunk = loop {
            match self.input.fill_buf() {
                Ok(chunk) => break chunk.get(..CHUNK_BYTES).unwrap_or(chunk),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Fault::Read(error)),
            }
        };
        let taken = chunk.len();
        if taken > 0
            && self.undecoded.is_empty()
            && matches!(self.charset, Charset::Utf8)
            && let Ok(text) = std::str::from_utf8(chunk)
        {
            self.text.push_str(text);
            self.input.consume(taken);
            return Ok(());
        }
        self.undecoded.extend_from_slice(chunk);
        self.input.consume(taken);
        self.ended = taken == 0;
        self.decode(self.ended)
    }

    fn decode(&mut self, last: bool) -> Result<(), Fault> {
        match &mut self.charset {
            Charset::Utf8 => decode_utf8(&mut self.undecoded, &mut self.text, last),
            Charset::SingleByte(decoder) | Charset::Utf16(decoder) => {
                decode_other(decoder, &mut self.undecoded, &mut self.text, last)
            }
        }
    }

    /// Remembers why decoding ended, and looks for characters that may not be there.
    fn check(&mut self, from: usize, decoded: Result<(), Fault>) {
        if let Err(fault) = decoded {
            self.fault = Some(fault);
        }
        let fresh = self.text.as_bytes().get(from..).unwrap_or_default();
        let is_wrong = |byte: u8| byte < 0x20 && !matches!(byte, 9 | 10 | 13);
        // Without an early end, so that many bytes are looked at at once.
        if fresh.iter().fold(false, |found, byte| found | is_wrong(*byte))
            && let Some(control) = fresh.iter().position(|byte| is_wrong(*byte))
        {
            let byte = fresh.get(control).copied().unwrap_or_default();
            self.text.truncate(from + control);
            self.fault = Some(Fault::Control(byte));
        }
        if matches!(self.charset, Charset::Utf8) {
            self.note_breaks(from);
        } else {
            self.has_returns = true;
        }
    }

    /// Notes where lines end in what was decoded last: once a chunk, instead of once a token.
    fn note_breaks(&mut self, fresh_from: usize) {
        let before = fresh_from.checked_sub(1).and_then(|last| self.text.as_bytes().get(last));
        let mut after_cr = before.map_or(self.place.after_cr, |byte| *byte == b'\r').then_some(fresh_from);
        let fresh = self.text.as_bytes().get(fresh_from..).unwrap_or_default();
        for at in memchr2_iter(b'\n', b'\r', fresh) {
            let (at, is_cr) = (fresh_from + at, fresh.get(at) == Some(&b'\r'));
            if is_cr || after_cr != Some(at) {
                self.breaks.push(at);
            }
            self.has_returns |= is_cr;
            after_cr = is_cr.then_some(at + 1);
        }
    }
}

const CDATA: &str = "<![CDATA[";

/// Where `bytes` of UTF-8 end when they begin at `place`, in the bytes and lines of the stored file.
fn advanced(place: Place, bytes: &[u8], charset: &Charset) -> Place {
    let stored = match charset {
        Charset::Utf8 => bytes.len(),
        Charset::SingleByte(_) => bytes.iter().filter(|byte| is_first(**byte)).count(),
        // What takes four bytes in UTF-8 takes two code units in UTF-16.
        Charset::Utf16(_) => {
            bytes.iter().map(|byte| if *byte >= 0xF0 { 4 } else { usize::from(is_first(*byte)) * 2 }).sum()
        }
    };
    let mut next = Place { byte: place.byte + stored as u64, ..place };
    let mut rest = bytes;
    while let Some(end) = memchr2(b'\n', b'\r', rest) {
        let after_cr = if end == 0 { next.after_cr } else { false };
        let is_cr = rest.get(end) == Some(&b'\r');
        if is_cr || !after_cr {
            next.line += 1;
        }
        next.after_cr = is_cr;
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    if !rest.is_empty() {
        next.after_cr = false;
    }
    next
}

/// Whether a byte of UTF-8 is the first of its character.
fn is_first(byte: u8) -> bool {
    byte & 0xC0 != 0x80
}

fn decode_utf8(undecoded: &mut Vec<u8>, text: &mut String, last: bool) -> Result<(), Fault> {
    let (valid, broken) = match std::str::from_utf8(undecoded) {
        Ok(_) => (undecoded.len(), false),
        Err(error) => (error.valid_up_to(), error.error_len().is_some() || last),
    };
    let decoded = undecoded.get(..valid).and_then(|valid| std::str::from_utf8(valid).ok());
    text.push_str(decoded.unwrap_or_default());
    undecoded.drain(..valid);
    if broken { Err(Fault::Encoding) } else { Ok(()) }
}

fn decode_other(decoder: &mut Decoder, undecoded: &mut Vec<u8>, text: &mut String, last: bool) -> Result<(), Fault> {
    let mut from = 0;
    loop {
        let rest = undecoded.get(from..).unwrap_or_default();
        text.reserve(decoder.max_utf8_buffer_length_without_replacement(rest.len()).unwrap_or(4 * CHUNK_BYTES));
        let (result, read) = decoder.decode_to_string_without_replacement(rest, text, last);
        from += read;
        match result {
            DecoderResult::OutputFull => {}
            DecoderResult::InputEmpty => break,
            DecoderResult::Malformed(..) => return Err(Fault::Encoding),
        }
    }
    undecoded.clear();
    Ok(())
}

/// The encoding a file begins in, and the length of its byte order mark; `None` is UTF-8.
pub(super) fn encoding_of(head: &[u8]) -> (Option<&'static Encoding>, usize) {
    if let Some((encoding, bom_bytes)) = Encoding::for_bom(head) {
        return (Some(encoding), bom_bytes);
    }
    // XML 1.0 appendix F.1: without a mark, the first `<` gives UTF-16 away.
    if head.starts_with(b"<\0") {
        return (Some(encoding_rs::UTF_16LE), 0);
    }
    if head.starts_with(b"\0<") {
        return (Some(encoding_rs::UTF_16BE), 0);
    }
    let head = head.get(..DECLARATION_BYTES as usize).unwrap_or(head);
    (declared(head).and_then(Encoding::for_label).filter(|encoding| encoding.is_single_byte()), 0)
}

/// The encoding an XML declaration names.
fn declared(head: &[u8]) -> Option<&[u8]> {
    let start = head.trim_ascii_start().strip_prefix(b"<?xml")?;
    let declaration = start.get(..memmem::find(start, b"?>")?)?;
    let value = declaration.get(memmem::find(declaration, b"encoding")? + b"encoding".len()..)?;
    let value = value.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let (quote, value) = value.split_first()?;
    value.get(..memchr(*quote, value)?)
}

/// The first bytes of a file as text, for looking only; what cannot be decoded is replaced.
pub(super) fn head_text(head: &[u8]) -> String {
    let (encoding, bom_bytes) = encoding_of(head);
    let head = head.get(bom_bytes..).unwrap_or_default();
    let mut text = String::new();
    let mut decoder = encoding.unwrap_or(encoding_rs::UTF_8).new_decoder_without_bom_handling();
    text.reserve(decoder.max_utf8_buffer_length(head.len()).unwrap_or(0));
    let (result, ..) = decoder.decode_to_string(head, &mut text, false);
    debug_assert_eq!(result, CoderResult::InputEmpty, "the room was asked for");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where each `x` of a text stands when it is stored in an encoding.
    fn places(stored: &[u8]) -> Vec<(u64, u64)> {
        let mut input = stored;
        let mut source = Source::new(&mut input).expect("bytes in memory");
        let mut places = Vec::new();
        while source.has(1) {
            let next = source.ahead().chars().next().expect("a character");
            if next == 'x' {
                places.push((source.place().byte, source.place().line));
            }
            source.pass(next.len_utf8());
        }
        assert!(source.take_fault().is_none(), "valid text");
        places
    }

    #[test]
    fn places_are_those_of_the_stored_file_in_every_encoding() {
        let text = "<ä𝔘x\r\nx\rx\n\nx";
        assert_eq!(places(text.as_bytes()), [(7, 1), (10, 2), (12, 3), (15, 5)]);
        let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(places(&utf16), [(8, 1), (14, 2), (18, 3), (24, 5)]);
        let with_mark: Vec<u8> = [0xFE, 0xFF].into_iter().chain(utf16).collect();
        assert_eq!(places(&with_mark), [(10, 1), (16, 2), (20, 3), (26, 5)]);
        let latin1 = b"<?xml encoding='latin1'?>\xE4x\n\xDFx";
        assert_eq!(places(latin1), [(2, 1), (26, 1), (29, 2)]);
    }

    #[test]
    fn bytes_that_are_no_text_are_a_fault_at_their_place() {
        for (stored, place) in
            [(b"<a>ok\xFF".as_slice(), 5), (b"<a>\xE2\x82".as_slice(), 3), (b"<a>\n\0".as_slice(), 4)]
        {
            let mut input = stored;
            let mut source = Source::new(&mut input).expect("bytes in memory");
            while source.more() {}
            assert!(matches!(source.take_fault(), Some(Fault::Encoding | Fault::Control(0))));
            assert_eq!(source.decoded_to().byte, place, "{stored:?}");
        }
    }
}
