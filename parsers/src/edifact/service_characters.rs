//! The service characters of an interchange: what separates what in it (ISO 9735 §5, §7; UNA).

/// The segment UNA with its six characters.
pub(super) const UNA_BYTES: usize = 9;

/// What separates what in one interchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Service {
    pub(super) component: u8,
    pub(super) element: u8,
    /// The next character is data, whatever it is; a blank in UNA says that there is none.
    pub(super) release: Option<u8>,
    /// Between repeated data elements, from syntax version 4 on.
    pub(super) repetition: Option<u8>,
    pub(super) terminator: u8,
}

impl Service {
    /// What holds without UNA. The repetition separator counts from syntax version 4 on only.
    pub(super) const DEFAULT: Self =
        Self { component: b':', element: b'+', release: Some(b'?'), repetition: Some(b'*'), terminator: b'\'' };

    /// Level B of the first syntax versions: the information separators of ISO 646, and no release.
    pub(super) const LEVEL_B: Self =
        Self { component: 0x1f, element: 0x1d, release: None, repetition: None, terminator: 0x1c };

    /// What UNA says, and how many bytes it is long: eight where the reserved blank has got lost. `None`
    /// when these cannot be service characters.
    pub(super) fn of_una(bytes: &[u8]) -> Option<(Self, usize)> {
        let [b'U', b'N', b'A', component, element, _mark, release, fifth, rest @ ..] = bytes else { return None };
        let follows = |bytes: &[u8]| {
            let next = bytes.trim_ascii_start();
            next.is_empty() || next.starts_with(b"UN")
        };
        // A line break that ends segments follows a blank; after anything else it follows the terminator.
        let breaks = |byte: u8| matches!(byte, b'\r' | b'\n') && *fifth != b' ' && *fifth != b'*';
        let (repetition, terminator, length) = match rest {
            [terminator, after @ ..]
                if is_service(*terminator) && !breaks(*terminator) && (follows(after) || !follows(rest)) =>
            {
                (Some(*fifth), *terminator, UNA_BYTES)
            }
            _ => (None, *fifth, UNA_BYTES - 1),
        };
        let given = |byte: &u8| *byte != b' ';
        let service = Self {
            component: *component,
            element: *element,
            release: Some(*release).filter(given),
            repetition: repetition.filter(given).filter(|byte| is_service(*byte)),
            terminator,
        };
        service.is_sound().then_some((service, length))
    }

    fn is_sound(&self) -> bool {
        let mut all = vec![self.component, self.element, self.terminator];
        all.extend(self.release);
        let distinct = all.iter().enumerate().all(|(at, byte)| !all.iter().skip(at + 1).any(|other| other == byte));
        distinct && all.into_iter().all(is_service) && self.repetition.is_none_or(|byte| byte != self.element)
    }
}

/// Whether an interchange begins here that says or implies its service characters.
pub(super) fn starts_interchange(bytes: &[u8]) -> bool {
    match bytes {
        [b'U', b'N', b'A', ..] => Service::of_una(bytes.get(..UNA_BYTES * 2).unwrap_or(bytes)).is_some(),
        [b'U', b'N', b'B' | b'G' | b'H', separator, ..] => matches!(separator, b'+' | 0x1d),
        _ => false,
    }
}

fn is_service(byte: u8) -> bool {
    byte.is_ascii() && !byte.is_ascii_alphanumeric() && !matches!(byte, b' ' | 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(una: &str) -> Option<(Service, usize)> {
        Service::of_una(una.as_bytes())
    }

    #[test]
    fn una_says_what_separates() {
        assert_eq!(of("UNA:+.? 'UNB+").unwrap(), (Service { repetition: None, ..Service::DEFAULT }, 9));
        assert_eq!(of("UNA:+.?*'\r\nUNB+").unwrap(), (Service::DEFAULT, 9));
        let exotic = of("UNA^<.? >UNB<").unwrap().0;
        assert_eq!((exotic.component, exotic.element, exotic.terminator), (b'^', b'<', b'>'));
        assert_eq!(of("UNA:+.  'UNB+").unwrap().0.release, None);
        assert_eq!(of("UNA:+.? \nUNB+").unwrap().0.terminator, b'\n');
    }

    #[test]
    fn a_lost_blank_is_made_up_for() {
        assert_eq!(of("UNA:+.?'UNB+UNOA").unwrap(), (Service { repetition: None, ..Service::DEFAULT }, 8));
        assert_eq!(of("UNA:+.?'\nUNB+UNOA").unwrap().0.terminator, b'\'');
    }

    #[test]
    fn letters_and_doubles_separate_nothing() {
        for una in ["UNA", "UNABCDEFGHI", "UNA:+.?", "UNA::.? 'UNB", "UNA:+.+ 'UNB"] {
            assert_eq!(of(una), None, "{una}");
        }
    }

    #[test]
    fn interchanges_are_known_by_their_first_segment() {
        for head in ["UNA:+.? 'UNB+UNOA", "UNB+UNOC:3", "UNH+1+INVOIC", "UNG+INVOIC", "UNB\u{1d}UNOB"] {
            assert!(starts_interchange(head.as_bytes()), "{head}");
        }
        for head in ["", "UN", "UNB", "UNBELIEVABLE", "UNIT;PRICE", "UNA", "STX=ANA:1+", "UNZ+1"] {
            assert!(!starts_interchange(head.as_bytes()), "{head}");
        }
    }
}
