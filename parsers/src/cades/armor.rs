//! Base64 around an envelope: bare, or with PEM's lines before and after it.

use std::io::{self, BufRead, Read};

use super::places::{Lines, Map, Piece};

/// A line is taken in pieces of at most this many characters.
const PIECE_BYTES: usize = 4 * 1024;

/// Decodes while it is read. What is no base64 ends it.
pub(super) struct Armor<'a> {
    input: &'a mut dyn BufRead,
    map: Map,
    decoded: Vec<u8>,
    at: usize,
    /// Bytes decoded so far.
    total: u64,
    byte: u64,
    line: u64,
    after_cr: bool,
    bits: u32,
    bit_count: u32,
    in_label: bool,
    ended: bool,
}

impl<'a> Armor<'a> {
    pub(super) fn new(input: &'a mut dyn BufRead, map: Map) -> Self {
        Self {
            input,
            map,
            decoded: Vec::new(),
            at: 0,
            total: 0,
            byte: 0,
            line: 1,
            after_cr: false,
            bits: 0,
            bit_count: 0,
            in_label: false,
            ended: false,
        }
    }

    fn decode_more(&mut self) -> io::Result<()> {
        self.decoded.clear();
        self.at = 0;
        let chunk = self.input.fill_buf()?;
        let chunk = chunk.get(..PIECE_BYTES).unwrap_or(chunk);
        if chunk.is_empty() {
            self.ended = true;
            return Ok(());
        }
        let mut starts_piece = true;
        let mut taken = 0;
        for byte in chunk {
            taken += 1;
            let place = self.byte;
            self.byte += 1;
            match byte {
                b'\n' if self.after_cr => self.after_cr = false,
                b'\n' | b'\r' => {
                    self.line += 1;
                    self.after_cr = *byte == b'\r';
                    self.in_label = false;
                    starts_piece = true;
                    continue;
                }
                _ => self.after_cr = false,
            }
            if self.in_label || matches!(byte, b' ' | b'\t' | b'=' | b'\n') {
                continue;
            }
            // `-----BEGIN PKCS7-----` and its end.
            if *byte == b'-' {
                self.in_label = true;
                continue;
            }
            let Some(six) = six_bits(*byte) else {
                self.ended = true;
                break;
            };
            if starts_piece {
                starts_piece = false;
                let inside = self.total + self.decoded.len() as u64;
                self.map.add(Piece { inside, outside: place, lines: Lines::At(self.line) })?;
            }
            self.bits = (self.bits << 6) | six;
            self.bit_count += 6;
            if self.bit_count >= 8 {
                self.bit_count -= 8;
                self.decoded.push(u8::try_from((self.bits >> self.bit_count) & 0xFF).unwrap_or_default());
                self.bits &= (1 << self.bit_count) - 1;
            }
        }
        self.input.consume(taken);
        self.total += self.decoded.len() as u64;
        Ok(())
    }
}

impl Read for Armor<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at >= self.decoded.len() {
            if self.ended {
                return Ok(0);
            }
            self.decode_more()?;
        }
        let ahead = self.decoded.get(self.at..).unwrap_or_default();
        let count = ahead.len().min(into.len());
        for (to, from) in into.iter_mut().zip(ahead) {
            *to = *from;
        }
        self.at += count;
        Ok(count)
    }
}

fn six_bits(byte: u8) -> Option<u32> {
    let value = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}

/// The first bytes of what a head holds, if it is base64.
pub(super) fn decoded_head(head: &[u8]) -> Option<Vec<u8>> {
    let mut input = head.get(..256).unwrap_or(head);
    let is_base64 = input.starts_with(b"-----BEGIN ") || input.iter().take(40).all(|byte| six_bits(*byte).is_some());
    // PGP's armor looks alike.
    if !is_base64 || input.starts_with(b"-----BEGIN PGP") {
        return None;
    }
    let mut start = vec![0; super::START_BYTES];
    let count = Armor::new(&mut input, Map::new(64)).read(&mut start).ok()?;
    start.truncate(count);
    Some(start)
}
