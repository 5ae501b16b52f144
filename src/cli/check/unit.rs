//! What a file is made of, as far as showing it goes: lines, segments, elements, or nothing one could show.

/// What is shown of a file around a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Line,
    /// A segment of X12 or EDIFACT, wherever its lines break.
    Segment(Ends),
    /// A line, but of a long one the element with the place in it.
    Element,
    /// Not text: a workbook, a PDF, an archive.
    Packed,
}

/// What ends a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ends {
    pub(super) terminator: char,
    /// EDIFACT's release character: the character behind it means itself.
    pub(super) release: Option<char>,
}

impl Unit {
    /// By the first bytes of a file; [`Unit::HEAD_BYTES`] are enough.
    pub(super) fn of(head: &[u8]) -> Self {
        const PACKED: [&[u8]; 4] = [b"PK\x03\x04", b"%PDF", b"\x1f\x8b", b"\xd0\xcf\x11\xe0"];
        if PACKED.iter().any(|magic| head.starts_with(magic)) {
            return Self::Packed;
        }
        let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
        let ends = match text {
            [b'<', ..] => return Self::Element,
            [b'I', b'S', b'A', separator, ..] => terminator_of_isa(text, *separator).map(|byte| (byte, None)),
            [b'U', b'N', b'A', _, _, _, release, _, terminator, ..] => {
                Some((*terminator, Some(*release).filter(|release| *release != b' ')))
            }
            [b'U', b'N', b'B', ..] => Some((b'\'', Some(b'?'))),
            _ => None,
        };
        match ends {
            // Where a segment is a line, lines are what is shown.
            Some((terminator, release))
                if terminator.is_ascii_graphic() || terminator < b' ' && !is_break(terminator) =>
            {
                Self::Segment(Ends { terminator: char::from(terminator), release: release.map(char::from) })
            }
            _ => Self::Line,
        }
    }

    /// How much of a file says what it is made of: an ISA, with some blank lines before it.
    pub(super) const HEAD_BYTES: u64 = 256;
}

/// An ISA has sixteen elements; the last is one character, and behind it stands the terminator (X12.5 §4.1).
fn terminator_of_isa(text: &[u8], separator: u8) -> Option<u8> {
    let (at, _) = text.iter().enumerate().filter(|(_, byte)| **byte == separator).nth(15)?;
    text.get(at + 2).copied()
}

fn is_break(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISA: &str =
        "ISA*00*          *00*          *ZZ*NORTHWIND      *ZZ*HARBOUR        *260105*0900*U*00401*000000007*0*P*>";

    #[test]
    fn a_file_is_made_of_what_its_first_bytes_say() {
        let segment = |terminator, release| Unit::Segment(Ends { terminator, release });
        assert_eq!(Unit::of(format!("{ISA}~GS").as_bytes()), segment('~', None));
        assert_eq!(Unit::of(format!("\r\n{ISA}\x1cGS").as_bytes()), segment('\x1c', None));
        assert_eq!(Unit::of(format!("{ISA}\nGS").as_bytes()), Unit::Line);
        assert_eq!(Unit::of(b"UNA:+.? 'UNB+UNOC"), segment('\'', Some('?')));
        assert_eq!(Unit::of(b"UNA:+,  ~UNB+UNOC"), segment('~', None));
        assert_eq!(Unit::of(b"UNB+UNOC:3+"), segment('\'', Some('?')));
        assert_eq!(Unit::of(b"\xef\xbb\xbf<?xml"), Unit::Element);
        assert_eq!(Unit::of(b"PK\x03\x04"), Unit::Packed);
        assert_eq!(Unit::of(b"invoice;amount"), Unit::Line);
        assert_eq!(Unit::of(b"ISA*"), Unit::Line);
        assert_eq!(Unit::of(b""), Unit::Line);
    }
}
