//! A party in any transaction set: the loop N1, with N2, N3, N4, REF and PER.

use crate::canonical::{Contact, Identifier, Party, Text};
use crate::edi::Segment;
use crate::short::Short;

/// A party while its loop is read.
pub(super) struct OpenParty {
    /// N101 (element 98): who it is.
    pub(super) code: Short,
    pub(super) party: Party,
}

impl OpenParty {
    /// N1: who it is, and its identifier (N103 qualifies N104).
    pub(super) fn open(n1: &Segment<'_>) -> Self {
        let mut party = Party { name: n1.text(2), ..Party::default() };
        if let Some(value) = n1.text(4) {
            party.ids.push(Identifier { scheme: n1.value(3).map(|code| scheme(&code)), value });
        }
        Self { code: n1.value(1).unwrap_or_default().into(), party }
    }

    /// How many repeated parts it has, to be held against a limit.
    pub(super) fn parts(&self) -> usize {
        self.party.ids.len() + self.party.address.as_ref().map_or(0, |address| address.lines.len())
    }

    pub(super) fn take(&mut self, segment: &Segment<'_>) {
        match segment.id {
            b"N2" => self.party.trading_name = self.party.trading_name.take().or_else(|| segment.text(1)),
            b"N3" => {
                let address = self.party.address.get_or_insert_default();
                for element in 1..=2 {
                    if let Some(line) = segment.text(element) {
                        address.lines.push(line);
                    }
                }
            }
            b"N4" => {
                let address = self.party.address.get_or_insert_default();
                address.city = segment.text(1);
                // A region that is no two-letter code has a place of its own (N405 says what N406 is).
                address.region =
                    segment.text(2).or_else(|| segment.text(6).filter(|_| segment.value(5).as_deref() == Some("SP")));
                address.postal_code = segment.text(3);
                address.country = segment.text(4);
            }
            b"REF" => self.take_reference(segment),
            b"PER" => contact(self.party.contact.get_or_insert_default(), segment),
            _ => {}
        }
    }

    fn take_reference(&mut self, segment: &Segment<'_>) {
        let (Some(code), Some(value)) = (segment.value(1), segment.text(2)) else { return };
        match &*code {
            "VX" if self.party.vat_id.is_none() => self.party.vat_id = Some(value),
            "TJ" | "GT" if self.party.tax_id.is_none() => self.party.tax_id = Some(value),
            "EI" if self.party.legal_id.is_none() => {
                self.party.legal_id = Some(Identifier { scheme: Some("x12:EI".into()), value });
            }
            _ => self.party.ids.push(Identifier { scheme: Some(format!("x12:REF:{code}").into()), value }),
        }
    }
}

/// The scheme of an identifier by its own code: `x12:92`.
pub(super) fn scheme(code: &str) -> Text {
    Text::from("x12:") + code
}

/// PER: a name, and up to three numbers, each after its qualifier. What is known already stays.
pub(super) fn contact(contact: &mut Contact, per: &Segment<'_>) {
    contact.name = contact.name.take().or_else(|| per.text(2));
    for element in [3, 5, 7] {
        let slot = match per.value(element).as_deref() {
            Some("TE") => &mut contact.phone,
            Some("EM") => &mut contact.email,
            _ => continue,
        };
        *slot = slot.take().or_else(|| per.text(element + 1));
    }
}
