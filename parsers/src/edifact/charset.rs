//! Character sets: what UNB declares in S001 (data element 0001), and what the bytes are.
//!
//! UNOA and UNOB are parts of ISO 646, UNOC to UNOK and UNOL are the parts of ISO 8859, UNOW and UNOY are
//! read as UTF-8. What is declared and what is sent often differ; what is sent wins, with a warning.

use std::borrow::Cow;

use encoding_rs::{
    Encoding, ISO_8859_2, ISO_8859_3, ISO_8859_4, ISO_8859_5, ISO_8859_6, ISO_8859_7, ISO_8859_8, ISO_8859_15, UTF_8,
    WINDOWS_1252, WINDOWS_1254,
};

/// What sorts of characters a segment holds, as bits.
pub(super) mod sort {
    pub(in crate::edifact) const NEWLINE: u16 = 1 << 5;
    /// A control character other than tab and line breaks.
    pub(in crate::edifact) const CONTROL: u16 = 1 << 6;
    /// Not ASCII.
    pub(in crate::edifact) const HIGH: u16 = 1 << 7;
    pub(in crate::edifact) const LOWER: u16 = 1 << 8;
    /// ASCII outside of level A: `@ # $ [ \ ] ^ _ { | } ~` and the backquote.
    pub(in crate::edifact) const OUTSIDE_A: u16 = 1 << 9;
}

/// What UNB declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Charset {
    /// UNOA: capitals, digits and few signs.
    LevelA,
    /// UNOB, or a name we do not know: ASCII.
    Ascii,
    /// UNOC.
    Latin1,
    /// `ANSI`, seen in the wild.
    Ansi,
    /// UNOD to UNOK, UNOL.
    Single(&'static Encoding),
    /// UNOW, UNOX, UNOY.
    Utf8,
}

impl Charset {
    /// By data element 0001; without its `UNO` nothing is known.
    pub(super) fn declared(identifier: &[u8]) -> Option<Self> {
        Some(match identifier {
            b"UNOA" => Self::LevelA,
            b"UNOB" => Self::Ascii,
            b"UNOC" => Self::Latin1,
            b"UNOD" => Self::Single(ISO_8859_2),
            b"UNOE" => Self::Single(ISO_8859_5),
            b"UNOF" => Self::Single(ISO_8859_7),
            b"UNOG" => Self::Single(ISO_8859_3),
            b"UNOH" => Self::Single(ISO_8859_4),
            b"UNOI" => Self::Single(ISO_8859_6),
            b"UNOJ" => Self::Single(ISO_8859_8),
            // ISO 8859-9 and the part of windows-1254 that is printed are the same.
            b"UNOK" => Self::Single(WINDOWS_1254),
            b"UNOL" => Self::Single(ISO_8859_15),
            b"UNOW" | b"UNOX" | b"UNOY" => Self::Utf8,
            b"ANSI" => Self::Ansi,
            _ => return None,
        })
    }

    /// How the bytes of a segment are to be read, by the sorts of characters in it.
    #[inline]
    pub(super) fn encoding(self, bytes: &[u8], sorts: u16) -> &'static Encoding {
        if sorts & sort::HIGH == 0 {
            return UTF_8;
        }
        match self {
            Self::Single(encoding) => encoding,
            // No text in a western language is UTF-8 by chance.
            _ if std::str::from_utf8(bytes).is_ok() => UTF_8,
            _ => WINDOWS_1252,
        }
    }

    /// What the bytes of a segment have that the declared character set has not.
    pub(super) fn fault(self, bytes: &[u8], sorts: u16) -> Option<&'static str> {
        let high = sorts & sort::HIGH != 0;
        let is_c1 = |byte: &u8| (0x80..0xa0).contains(byte);
        match self {
            Self::LevelA if high => Some("UNOA has none but unaccented capitals"),
            Self::LevelA if sorts & sort::LOWER != 0 => Some("UNOA has no lower case letters"),
            Self::LevelA if sorts & sort::OUTSIDE_A != 0 => Some("UNOA has no @ # $ [ \\ ] ^ _ ` { | } ~"),
            Self::Ascii if high => Some("UNOB has no accented letters"),
            Self::Utf8 if high && std::str::from_utf8(bytes).is_err() => Some("these bytes are not UTF-8"),
            Self::Latin1 if high && std::str::from_utf8(bytes).is_ok() => {
                Some("UNOC is ISO 8859-1, but these bytes are UTF-8")
            }
            Self::Latin1 if high && bytes.iter().any(is_c1) => {
                Some("UNOC is ISO 8859-1, but these bytes are windows-1252")
            }
            Self::Single(_) if high && bytes.iter().any(is_c1) => {
                Some("bytes 0x80 to 0x9F are no characters of an ISO 8859 set")
            }
            _ => None,
        }
    }
}

/// Text of bytes that are known to be of this encoding.
pub(super) fn decode<'a>(bytes: Cow<'a, [u8]>, encoding: &'static Encoding) -> Cow<'a, str> {
    match bytes {
        Cow::Borrowed(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) if encoding == UTF_8 || text.is_ascii() => Cow::Borrowed(text),
            _ => encoding.decode_without_bom_handling(bytes).0,
        },
        Cow::Owned(bytes) => Cow::Owned(encoding.decode_without_bom_handling(&bytes).0.into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_wins_over_what_is_declared() {
        let latin = Charset::declared(b"UNOC").unwrap();
        for (bytes, text, is_fault) in [
            (&b"M\xfcller"[..], "Müller", false),
            (b"M\xc3\xbcller", "Müller", true),
            (b"50 \x80", "50 €", true),
            (b"Muller", "Muller", false),
        ] {
            let sorts = if bytes.is_ascii() { 0 } else { sort::HIGH };
            assert_eq!(decode(Cow::Borrowed(bytes), latin.encoding(bytes, sorts)), text);
            assert_eq!(latin.fault(bytes, sorts).is_some(), is_fault, "{text}");
        }
    }

    #[test]
    fn each_part_of_iso_8859_has_its_letter() {
        let read = |name: &[u8], byte: u8| {
            let charset = Charset::declared(name).unwrap();
            decode(Cow::Borrowed(&[byte]), charset.encoding(&[byte], sort::HIGH)).into_owned()
        };
        assert_eq!(read(b"UNOD", 0xb3), "ł");
        assert_eq!(read(b"UNOE", 0xb1), "Б");
        assert_eq!(read(b"UNOF", 0xe1), "α");
        assert_eq!(read(b"UNOJ", 0xe0), "א");
        assert_eq!(read(b"UNOK", 0xfe), "ş");
        assert_eq!(read(b"UNOL", 0xa4), "€");
        assert_eq!(Charset::declared(b"UTF8"), None);
    }
}
