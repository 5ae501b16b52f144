//! The envelopes that are open: an interchange, a group in it, a transaction set in that.

use jiff::civil::Date;

use super::delimiters::Delimiters;
use super::record::Place;
use super::set::SetReader;
use super::values;
use crate::canonical::{Identifier, Party, Text};
use crate::edi::{Seen, Segment};
use crate::path::Steps;
use crate::seen::Digest;
use crate::text::brief;

pub(super) struct Interchange {
    pub(super) path: Steps,
    /// ISA13.
    pub(super) control: Text,
    pub(super) delimiters: Delimiters,
    pub(super) is_duplicate: bool,
    pub(super) groups: u32,
    /// ISA05 and ISA06, ISA07 and ISA08.
    pub(super) sender: Identifier,
    pub(super) recipient: Identifier,
    /// ISA09.
    pub(super) date: Option<Date>,
}

impl Interchange {
    pub(super) fn open(path: Steps, isa: &Segment<'_>, delimiters: Delimiters) -> Self {
        Self {
            path,
            control: isa.text(13).unwrap_or_default(),
            delimiters,
            is_duplicate: false,
            groups: 0,
            sender: endpoint(isa, 5),
            recipient: endpoint(isa, 7),
            date: isa.text(9).and_then(|date| values::date(&date, true)),
        }
    }

    /// Who sent it, and to whom.
    pub(super) fn parties(&self) -> (Party, Party) {
        let party = |endpoint: &Identifier| Party { endpoint: Some(endpoint.clone()), ..Party::default() };
        (party(&self.sender), party(&self.recipient))
    }
}

/// A qualifier (element I05) and the identifier after it.
fn endpoint(isa: &Segment<'_>, element: usize) -> Identifier {
    Identifier {
        scheme: isa.text(element).map(|qualifier| format!("x12:{qualifier}")).map(Into::into),
        value: isa.text(element + 1).unwrap_or_default(),
    }
}

pub(super) struct Group {
    pub(super) path: Steps,
    /// GS06; `None` when there was no GS.
    pub(super) control: Option<Text>,
    /// GS08.
    pub(super) version: Option<Text>,
    pub(super) sets: u32,
    pub(super) seen: Seen,
    /// GS02 and GS03.
    pub(super) sender: Option<Identifier>,
    pub(super) recipient: Option<Identifier>,
    /// GS04.
    pub(super) date: Option<Date>,
}

impl Group {
    pub(super) fn open(path: Steps, gs: &Segment<'_>) -> Self {
        let code = |element| gs.text(element).map(|value| Identifier { scheme: Some("x12:GS".into()), value });
        Self {
            path,
            control: Some(gs.text(6).unwrap_or_default()),
            version: gs.text(8),
            sets: 0,
            seen: Seen::default(),
            sender: code(2),
            recipient: code(3),
            date: gs.text(4).and_then(|date| values::date(&date, true)),
        }
    }

    /// For a transaction set that begins without a GS.
    pub(super) fn missing(path: Steps) -> Self {
        Self {
            path,
            control: None,
            version: None,
            sets: 0,
            seen: Seen::default(),
            sender: None,
            recipient: None,
            date: None,
        }
    }
}

pub(super) struct Set {
    pub(super) path: Steps,
    /// ST02.
    pub(super) control: Text,
    pub(super) st: Place,
    pub(super) segments: u64,
    /// Where its last segment ends.
    pub(super) end: u64,
    pub(super) digest: Digest,
    /// What reads it, and the format of its document; a set we do not know is passed over.
    pub(super) reader: Option<(Box<dyn SetReader>, &'static str)>,
    /// Some of its findings have been told: its document must come.
    pub(super) told: bool,
}

impl Set {
    pub(super) fn named(&self) -> String {
        format!("(ST02 `{}`)", brief(&self.control))
    }
}
