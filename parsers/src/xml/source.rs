//! The bytes of an XML file as UTF-8, a token at a time: decoded while they stream, counted where they
//! stood in the stored file, and cut off where one token asks for more than its share of memory.
//!
//! The XML reader keeps one token whole and sets itself no bound, so the bound is here: past
//! `token_bytes_max` there are no more bytes.

use std::io::{self, BufRead, Read};

use encoding_rs::{CoderResult, Decoder, DecoderResult, Encoding};
use memchr::{memchr, memchr2, memchr2_iter, memmem};

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
    TokenTooLong,
}

/// An input being decoded.
pub(super) struct Source<'a> {
    input: &'a mut dyn BufRead,
    charset: Charset,
    /// Bytes read but not decoded: the head at first, later the front part of a character.
    undecoded: Vec<u8>,
    text: Vec<u8>,
    at: usize,
    place: Place,
    /// Of UTF-8: where in the text a line ends, and how many of them have been passed.
    breaks: Vec<usize>,
    passed_breaks: usize,
    token_bytes_max: usize,
    token_bytes_left: usize,
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
    pub(super) fn new(input: &'a mut dyn BufRead, token_bytes_max: usize) -> Result<Self, io::Error> {
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
        Ok(Self {
            input,
            charset,
            undecoded: head,
            text: Vec::new(),
            at: 0,
            breaks: Vec::new(),
            passed_breaks: 0,
            place: Place { byte: bom_bytes as u64, line: 1, after_cr: false },
            token_bytes_max,
            token_bytes_left: token_bytes_max,
            fault: None,
            ended: false,
        })
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

    /// What ended the bytes, if it was not the end of the file.
    pub(super) fn take_fault(&mut self) -> Option<Fault> {
        self.fault.take()
    }

    /// A new token begins: it may be as long as a token may be.
    pub(super) fn begin_token(&mut self) {
        self.token_bytes_left = self.token_bytes_max;
    }

    /// Discards text, CDATA sections too, up to the next markup: what an attachment's base64 needs,
    /// which is larger than everything else in its file together.
    pub(super) fn skip_text(&mut self) {
        while self.has(1) {
            match memchr(b'<', self.ahead()) {
                None => self.pass(self.ahead().len()),
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
            match memmem::find(self.ahead(), b"]]>") {
                Some(end) => return self.pass(end + 3),
                None => self.pass(self.ahead().len() - 2),
            }
        }
    }

    fn ahead(&self) -> &[u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Whether at least `count` bytes are ahead; decodes more to find out.
    fn has(&mut self, count: usize) -> bool {
        while self.ahead().len() < count && !self.ended && self.fault.is_none() {
            self.decode_more();
        }
        self.ahead().len() >= count
    }

    fn pass(&mut self, count: usize) {
        let end = self.at.saturating_add(count).min(self.text.len());
        let passed = self.text.get(self.at..end).unwrap_or_default();
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
    }

    /// Notes where lines end in what was decoded last: once a chunk, instead of once a token.
    fn note_breaks(&mut self, fresh_from: usize) {
        let before = fresh_from.checked_sub(1).and_then(|last| self.text.get(last));
        let mut after_cr = before.map_or(self.place.after_cr, |byte| *byte == b'\r').then_some(fresh_from);
        let fresh = self.text.get(fresh_from..).unwrap_or_default();
        for at in memchr2_iter(b'\n', b'\r', fresh) {
            let (at, is_cr) = (fresh_from + at, fresh.get(at) == Some(&b'\r'));
            if is_cr || after_cr != Some(at) {
                self.breaks.push(at);
            }
            after_cr = is_cr.then_some(at + 1);
        }
    }

    fn decode_more(&mut self) {
        self.text.drain(..self.at);
        self.breaks.drain(..self.passed_breaks);
        self.breaks.iter_mut().for_each(|at| *at -= self.at);
        self.passed_breaks = 0;
        self.at = 0;
        let checked = self.text.len();
        if let Err(fault) = self.decode_chunk() {
            self.fault = Some(fault);
        }
        let fresh = self.text.get(checked..).unwrap_or_default();
        let is_control = |byte: &u8| *byte < 0x20 && !matches!(byte, 9 | 10 | 13);
        // Without a way out of the loop, sixteen bytes are looked at at a time.
        let has_control = fresh.iter().fold(false, |has, byte| has | is_control(byte));
        let control = if has_control { fresh.iter().position(is_control) } else { None };
        if let Some(control) = control {
            let byte = self.text.get(checked + control).copied().unwrap_or_default();
            self.text.truncate(checked + control);
            self.fault = Some(Fault::Control(byte));
        }
        if matches!(self.charset, Charset::Utf8) {
            self.note_breaks(checked);
        }
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
        self.undecoded.extend_from_slice(chunk);
        self.input.consume(taken);
        let last = taken == 0;
        self.ended = last;
        match &mut self.charset {
            Charset::Utf8 => decode_utf8(&mut self.undecoded, &mut self.text, last),
            Charset::SingleByte(decoder) | Charset::Utf16(decoder) => {
                decode_other(decoder, &mut self.undecoded, &mut self.text, last)
            }
        }
    }
}

const CDATA: &[u8] = b"<![CDATA[";

impl Read for Source<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let ahead = self.fill_buf()?;
        let count = ahead.len().min(into.len());
        for (to, from) in into.iter_mut().zip(ahead) {
            *to = *from;
        }
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Source<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if !self.has(1) && self.fault.is_some() {
            return Err(io::Error::other("no more bytes: see the fault"));
        }
        if self.token_bytes_left == 0 && self.has(1) {
            self.fault = Some(Fault::TokenTooLong);
            return Err(io::Error::other("no more bytes: see the fault"));
        }
        let left = self.token_bytes_left;
        let ahead = self.ahead();
        Ok(ahead.get(..left).unwrap_or(ahead))
    }

    fn consume(&mut self, count: usize) {
        self.pass(count);
        self.token_bytes_left = self.token_bytes_left.saturating_sub(count);
    }
}

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

fn decode_utf8(undecoded: &mut Vec<u8>, text: &mut Vec<u8>, last: bool) -> Result<(), Fault> {
    let (valid, broken) = match std::str::from_utf8(undecoded) {
        Ok(_) => (undecoded.len(), false),
        Err(error) => (error.valid_up_to(), error.error_len().is_some() || last),
    };
    text.extend(undecoded.drain(..valid));
    if broken { Err(Fault::Encoding) } else { Ok(()) }
}

fn decode_other(decoder: &mut Decoder, undecoded: &mut Vec<u8>, text: &mut Vec<u8>, last: bool) -> Result<(), Fault> {
    let mut from = 0;
    let mut piece = [0; 4 * 1024];
    loop {
        let rest = undecoded.get(from..).unwrap_or_default();
        let (result, read, written) = decoder.decode_to_utf8_without_replacement(rest, &mut piece, last);
        from += read;
        text.extend_from_slice(piece.get(..written).unwrap_or_default());
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
        let mut source = Source::new(&mut input, 1_000).expect("bytes in memory");
        let mut places = Vec::new();
        loop {
            let Some(byte) = source.fill_buf().expect("valid text").first().copied() else { return places };
            if byte == b'x' {
                places.push((source.place().byte, source.place().line));
            }
            source.consume(1);
        }
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
            let mut source = Source::new(&mut input, 1_000).expect("bytes in memory");
            let mut rest = Vec::new();
            assert!(source.read_to_end(&mut rest).is_err());
            assert!(matches!(source.take_fault(), Some(Fault::Encoding | Fault::Control(0))));
            assert_eq!(source.place().byte, place, "{stored:?}");
        }
    }
}
