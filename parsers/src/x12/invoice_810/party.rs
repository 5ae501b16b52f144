//! What the parties of the header (N101, element 98) are to an invoice.

use crate::canonical::{Address, Delivery, Invoice, Party};
use crate::x12::party::OpenParty;

/// What N101 makes of a party, with how well it fits where several compete: the better wins, then the
/// earlier.
enum Role {
    Seller(u8),
    Buyer(u8),
    Payee,
    Delivery,
    Unused,
}

/// The parties chosen so far.
#[derive(Default)]
pub(in crate::x12) struct Parties {
    seller: u8,
    buyer: u8,
}

impl Parties {
    /// A party's loop has ended: it takes its place in the invoice.
    pub(in crate::x12) fn seat(&mut self, open: OpenParty, invoice: &mut Invoice) {
        match role(&open.code) {
            Role::Seller(fit) if fit > self.seller => {
                self.seller = fit;
                // A PER before the first N1 is the sender's own.
                let contact = invoice.seller.contact.take();
                invoice.seller = open.party;
                invoice.seller.contact = invoice.seller.contact.take().or(contact);
            }
            Role::Buyer(fit) if fit > self.buyer => {
                self.buyer = fit;
                invoice.buyer = open.party;
            }
            Role::Payee if invoice.payee.is_none() => invoice.payee = Some(open.party),
            Role::Delivery => deliver(open.party, invoice.delivery.get_or_insert_default()),
            _ => {}
        }
    }
}

fn role(code: &str) -> Role {
    match code {
        "SU" | "SE" | "VN" => Role::Seller(2),
        "II" => Role::Seller(1),
        "BY" => Role::Buyer(3),
        "BT" => Role::Buyer(2),
        "SO" => Role::Buyer(1),
        "RI" | "RE" | "PE" => Role::Payee,
        "ST" => Role::Delivery,
        _ => Role::Unused,
    }
}

fn deliver(party: Party, delivery: &mut Delivery) {
    if delivery.name.is_none() && delivery.address.is_none() {
        delivery.name = party.name;
        delivery.location_id = party.ids.into_iter().next();
        delivery.address = party.address.filter(|address| *address != Address::default());
    }
}
