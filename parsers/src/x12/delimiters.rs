//! The delimiters an interchange brings with it, read off its ISA segment.
//!
//! X12.5 gives ISA fixed widths: the element separator is byte 3, the component separator byte 104, the
//! terminator byte 105. Trimmed ISA segments are common in the wild (Ariba's are 81 bytes long), so we
//! count sixteen element separators instead of trusting the offsets.

use memchr::memmem;

/// How much of the input is looked at to find the delimiters.
pub(super) const ISA_BYTES_MAX: usize = 1024;

/// What separates what in one interchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Delimiters {
    pub(super) element: u8,
    pub(super) component: Option<u8>,
    /// ISA11, from 00402 on; before that, ISA11 names a standard (`U`).
    pub(super) repetition: Option<u8>,
    pub(super) terminator: Terminator,
}

/// What ends a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Terminator {
    Byte(u8),
    /// LF, CR LF or a lone CR.
    Newline,
}

impl Terminator {
    pub(super) fn is(self, byte: u8) -> bool {
        match self {
            Self::Byte(terminator) => byte == terminator,
            Self::Newline => is_line_break(byte),
        }
    }
}

impl Delimiters {
    pub(super) fn contains(&self, byte: u8) -> bool {
        let other = Some(byte);
        byte == self.element || self.component == other || self.repetition == other || self.terminator.is(byte)
    }
}

/// Whether an interchange begins here: `ISA` and a byte that can separate elements.
pub(super) fn starts_interchange(bytes: &[u8]) -> bool {
    match bytes {
        [b'I', b'S', b'A', separator, ..] => {
            separator.is_ascii() && !separator.is_ascii_alphanumeric() && !matches!(separator, b' ' | b'\r' | b'\n')
        }
        _ => false,
    }
}

/// The delimiters of the interchange whose ISA segment `head` starts with.
pub(super) fn derive(head: &[u8]) -> Delimiters {
    let element = head.get(3).copied().unwrap_or(b'*');
    counted(head, element).unwrap_or_else(|| Delimiters {
        element,
        component: None,
        repetition: None,
        terminator: terminator_before_group(head, element),
    })
}

/// By counting sixteen separators; `None` where what follows cannot be ISA16 and a terminator.
fn counted(head: &[u8], element: u8) -> Option<Delimiters> {
    let separators: Vec<usize> = memchr::memchr_iter(element, head).take(16).collect();
    let [.., eleventh, twelfth, _, _, _, sixteenth] = separators.as_slice() else { return None };
    if separators.len() < 16 {
        return None;
    }
    let first = *head.get(sixteenth + 1)?;
    let second = head.get(sixteenth + 2).copied();
    let rest = head.get(sixteenth + 2..).unwrap_or_default();
    let (component, terminator) = if is_line_break(first) {
        (None, Terminator::Newline)
    } else if first.is_ascii_alphanumeric() {
        return None;
    } else {
        match second {
            // ISA16 is empty, and `first` is the terminator already.
            Some(second) if second.is_ascii_alphanumeric() => (None, Terminator::Byte(first)),
            Some(b'\r' | b'\n') if first == b'~' => (None, Terminator::Byte(first)),
            // Blanks up to the end of the line: the line break is what ends the segment.
            Some(b' ') if rest.iter().find(|byte| **byte != b' ').is_some_and(|byte| is_line_break(*byte)) => {
                (Some(first), Terminator::Newline)
            }
            Some(second) if is_line_break(second) => (Some(first), Terminator::Newline),
            Some(second) if second == element || second == first => return None,
            Some(second) => (Some(first), Terminator::Byte(second)),
            None => (Some(first), Terminator::Newline),
        }
    };
    let repetition = repetition(head.get(eleventh + 1..*twelfth)?, head.get(twelfth + 1..)?);
    Some(Delimiters { element, component, repetition, terminator })
}

/// ISA11 separates repetitions when ISA12 is 00402 or later.
fn repetition(isa11: &[u8], isa12: &[u8]) -> Option<u8> {
    match (isa11, isa12.get(..5)) {
        ([byte], Some(version)) if !byte.is_ascii_alphanumeric() && version >= b"00402".as_slice() => Some(*byte),
        _ => None,
    }
}

/// For an ISA segment with too few elements: the terminator is what stands before the first GS.
fn terminator_before_group(head: &[u8], element: u8) -> Terminator {
    let before = memmem::find(head, &[b'G', b'S', element]).and_then(|group| head.get(..group));
    let last = before.and_then(|before| before.iter().rev().find(|byte| !byte.is_ascii_whitespace()));
    match last {
        Some(byte) if !byte.is_ascii_alphanumeric() && *byte != element => Terminator::Byte(*byte),
        Some(_) => Terminator::Newline,
        None if head.contains(&b'~') => Terminator::Byte(b'~'),
        None => Terminator::Newline,
    }
}

fn is_line_break(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: &str =
        "ISA*00*          *00*          *ZZ*NORTHWIND      *ZZ*HARBOUR        *260105*0900*U*00401*000000007*0*P*>";

    fn of(tail: &str) -> Delimiters {
        derive(format!("{FULL}{tail}").as_bytes())
    }

    #[test]
    fn the_terminator_is_what_follows_isa16() {
        assert_eq!(of("~GS*").terminator, Terminator::Byte(b'~'));
        assert_eq!(of("~\r\nGS*").terminator, Terminator::Byte(b'~'));
        assert_eq!(of("'GS*").terminator, Terminator::Byte(b'\''));
        for newline in ["\nGS*", "\r\nGS*", "\rGS*", "  \r\nGS*"] {
            assert_eq!(of(newline).terminator, Terminator::Newline, "{newline:?}");
        }
        assert_eq!(of("~GS*").component, Some(b'>'));
    }

    #[test]
    fn a_short_isa_has_its_delimiters_too() {
        let short = derive(b"ISA*00* *00* *ZZ*NORTH*ZZ*HARBOUR*260105*0900*^*00501*7*0*P*:~\nGS*IN*");
        let expected = Delimiters {
            element: b'*',
            component: Some(b':'),
            repetition: Some(b'^'),
            terminator: Terminator::Byte(b'~'),
        };
        assert_eq!(short, expected);
    }

    #[test]
    fn an_isa_with_too_few_elements_ends_before_the_group() {
        let few = derive(b"ISA*00* *00* *ZZ*NORTH*ZZ*HARBOUR*260105!\nGS*IN*A*B*20260105*0900*7*X*004010!ST*810*1!");
        assert_eq!(few.terminator, Terminator::Byte(b'!'));
    }

    #[test]
    fn isa11_is_no_separator_before_00402() {
        assert_eq!(of("~GS*").repetition, None);
    }

    #[test]
    fn a_word_that_begins_with_isa_is_no_interchange() {
        assert!(starts_interchange(b"ISA*00*"));
        assert!(!starts_interchange(b"ISAAC*"));
        assert!(!starts_interchange(b"ISA"));
        assert!(!starts_interchange("ISAé".as_bytes()));
    }
}
