//! The parties of the header: NAD and its group, and where each of them goes in the invoice.

use super::InvoicReader;
use crate::Halt;
use crate::canonical::{CreditTransfer, Delivery, Invoice, Party};
use crate::edifact::party::{contact, party, reference};
use crate::edifact::segment::Segment;
use crate::location::Location;

/// A party while its group is read.
pub(super) struct OpenParty {
    role: Role,
    party: Party,
    location: Location,
}

/// What 3035 makes of a party, with how well it fits where several compete: the better wins, then the
/// earlier.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Seller(u8),
    Buyer(u8),
    Payee,
    TaxRepresentative,
    Delivery(u8),
    Unused,
}

/// How well the parties chosen so far fit.
#[derive(Default)]
pub(super) struct Parties {
    seller: u8,
    buyer: u8,
    delivery: u8,
}

impl InvoicReader {
    pub(super) fn take_in_party(&mut self, segment: &Segment<'_>) -> Result<(), Halt> {
        self.record.part(segment)?;
        match &segment.tag {
            b"RFF" => self.take_party_reference(segment),
            b"FII" => self.take_account(segment),
            _ => {
                if let Some(open) = &mut self.party {
                    contact(&mut open.party, segment);
                }
            }
        }
        Ok(())
    }

    /// NAD: a group begins.
    pub(super) fn open_party(&mut self, nad: &Segment<'_>) -> Result<(), Halt> {
        let role = match nad.code(1, 1).as_ref() {
            b"SE" => Role::Seller(4),
            b"SU" => Role::Seller(3),
            b"II" => Role::Seller(2),
            // The German energy market knows its sender and its receiver only.
            b"MS" => Role::Seller(1),
            b"BY" => Role::Buyer(4),
            b"IV" => Role::Buyer(3),
            b"PR" => Role::Buyer(2),
            b"MR" => Role::Buyer(1),
            b"PE" => Role::Payee,
            b"LC" => Role::TaxRepresentative,
            b"DP" => Role::Delivery(3),
            b"ST" => Role::Delivery(2),
            b"UC" => Role::Delivery(1),
            _ => Role::Unused,
        };
        self.party = Some(OpenParty { role, party: party(nad), location: nad.location(self.record.path()) });
        self.record.part(nad)
    }

    pub(super) fn close_party(&mut self) {
        let Some(open) = self.party.take() else { return };
        let (chosen, invoice) = (&mut self.parties, &mut self.invoice);
        let place = match open.role {
            Role::Seller(fit) if fit > chosen.seller => {
                (chosen.seller, invoice.seller) = (fit, open.party);
                "seller"
            }
            Role::Buyer(fit) if fit > chosen.buyer => {
                (chosen.buyer, invoice.buyer) = (fit, open.party);
                "buyer"
            }
            Role::Payee if invoice.payee.is_none() => {
                invoice.payee = Some(open.party);
                "payee"
            }
            Role::TaxRepresentative if invoice.tax_representative.is_none() => {
                invoice.tax_representative = Some(open.party);
                "tax_representative"
            }
            Role::Delivery(fit) if fit > chosen.delivery => {
                chosen.delivery = fit;
                deliver(open.party, invoice);
                "delivery"
            }
            _ => return,
        };
        self.places.push((place.into(), open.location));
    }

    /// RFF in the group of a party; some senders put the document's references there.
    fn take_party_reference(&mut self, rff: &Segment<'_>) {
        let code = rff.code(1, 1);
        if matches!(code.as_ref(), b"AOU" | b"CR" | b"ON" | b"CT" | b"DQ" | b"AAK" | b"PQ" | b"AVS" | b"OI") {
            if let Some(value) = rff.owned(1, 2) {
                self.take_document_reference(rff, value);
            }
        } else if let Some(open) = &mut self.party {
            reference(&mut open.party, rff);
        }
    }

    /// FII: the account to pay to (RB, BF), or the one that is debited (PB, PH; BI in the binding of EN 16931).
    pub(super) fn take_account(&mut self, fii: &Segment<'_>) {
        let account = fii.owned(2, 1);
        match fii.code(1, 1).as_ref() {
            b"RB" | b"BF" | b"BE" => {
                let bic = fii.owned(3, 1);
                let transfers = &mut self.payment.get_or_insert_default().credit_transfers;
                let Some(account) = account else { return };
                match transfers.iter_mut().find(|transfer| transfer.account == account) {
                    Some(known) => known.bic = known.bic.take().or(bic),
                    None => transfers.push(CreditTransfer { account, name: fii.joined(2, 2, 3, &[35]), bic }),
                }
            }
            b"PB" | b"PH" | b"OR" | b"BI" => {
                let payment = self.payment();
                payment.debited_account = payment.debited_account.take().or(account);
            }
            _ => {}
        }
    }
}

fn deliver(party: Party, invoice: &mut Invoice) {
    let delivery = invoice.delivery.get_or_insert_with(Delivery::default);
    delivery.name = party.name;
    delivery.location_id = party.ids.into_iter().next();
    delivery.address = party.address;
}
