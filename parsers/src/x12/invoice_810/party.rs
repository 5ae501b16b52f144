//! The parties of the header: the loops N1, with N2, N3, N4, REF and PER.

use crate::canonical::{Address, Contact, Delivery, Identifier, Invoice, Party};
use crate::edi::Segment;

/// A party while its loop is read.
pub(super) struct OpenParty {
    role: Role,
    party: Party,
}

/// What N101 makes of a party, with how well it fits where several compete: the better wins, then the
/// earlier.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Seller(u8),
    Buyer(u8),
    Payee,
    Delivery,
    Unused,
}

/// The parties chosen so far.
#[derive(Default)]
pub(super) struct Parties {
    seller: u8,
    buyer: u8,
}

impl OpenParty {
    /// N1: who it is, and its identifier (N103 qualifies N104).
    pub(super) fn open(n1: &Segment<'_>) -> Self {
        let role = match n1.text(1).as_deref() {
            Some("SU" | "SE" | "VN") => Role::Seller(2),
            Some("II") => Role::Seller(1),
            Some("BY") => Role::Buyer(3),
            Some("BT") => Role::Buyer(2),
            Some("SO") => Role::Buyer(1),
            Some("RI" | "RE" | "PE") => Role::Payee,
            Some("ST") => Role::Delivery,
            _ => Role::Unused,
        };
        let mut party = Party { name: n1.text(2), ..Party::default() };
        if let Some(value) = n1.text(4) {
            party.ids.push(Identifier { scheme: n1.text(3).map(|code| format!("x12:{code}")), value });
        }
        Self { role, party }
    }

    /// How many repeated parts it has, to be held against a limit.
    pub(super) fn parts(&self) -> usize {
        self.party.ids.len() + self.party.address.as_ref().map_or(0, |address| address.lines.len())
    }

    pub(super) fn take(&mut self, segment: &Segment<'_>) {
        match segment.id().as_ref() {
            b"N2" => self.party.trading_name = self.party.trading_name.take().or_else(|| segment.text(1)),
            b"N3" => {
                let address = self.party.address.get_or_insert_default();
                address.lines.extend([segment.text(1), segment.text(2)].into_iter().flatten());
            }
            b"N4" => {
                let address = self.party.address.get_or_insert_default();
                address.city = segment.text(1);
                address.region = segment.text(2);
                address.postal_code = segment.text(3);
                address.country = segment.text(4);
            }
            b"REF" => self.take_reference(segment),
            b"PER" => contact(self.party.contact.get_or_insert_default(), segment),
            _ => {}
        }
    }

    fn take_reference(&mut self, segment: &Segment<'_>) {
        let (Some(code), Some(value)) = (segment.text(1), segment.text(2)) else { return };
        match code.as_str() {
            "VX" if self.party.vat_id.is_none() => self.party.vat_id = Some(value),
            "TJ" | "GT" if self.party.tax_id.is_none() => self.party.tax_id = Some(value),
            "EI" if self.party.legal_id.is_none() => {
                self.party.legal_id = Some(Identifier { scheme: Some("x12:EI".to_owned()), value });
            }
            _ => self.party.ids.push(Identifier { scheme: Some(format!("x12:REF:{code}")), value }),
        }
    }

    /// The loop ends: the party takes its place in the invoice.
    pub(super) fn close(self, chosen: &mut Parties, invoice: &mut Invoice) {
        match self.role {
            Role::Seller(fit) if fit > chosen.seller => {
                chosen.seller = fit;
                // A PER before the first N1 is the sender's own.
                let contact = invoice.seller.contact.take();
                invoice.seller = self.party;
                invoice.seller.contact = invoice.seller.contact.take().or(contact);
            }
            Role::Buyer(fit) if fit > chosen.buyer => {
                chosen.buyer = fit;
                invoice.buyer = self.party;
            }
            Role::Payee if invoice.payee.is_none() => invoice.payee = Some(self.party),
            Role::Delivery => deliver(self.party, invoice.delivery.get_or_insert_default()),
            _ => {}
        }
    }
}

fn deliver(party: Party, delivery: &mut Delivery) {
    if delivery.name.is_none() && delivery.address.is_none() {
        delivery.name = party.name;
        delivery.location_id = party.ids.into_iter().next();
        delivery.address = party.address.filter(|address| *address != Address::default());
    }
}

/// PER: a name, and up to three numbers, each after its qualifier. What is known already stays.
pub(super) fn contact(contact: &mut Contact, per: &Segment<'_>) {
    contact.name = contact.name.take().or_else(|| per.text(2));
    for element in [3, 5, 7] {
        let slot = match per.text(element).as_deref() {
            Some("TE") => &mut contact.phone,
            Some("EM") => &mut contact.email,
            _ => continue,
        };
        *slot = slot.take().or_else(|| per.text(element + 1));
    }
}
