//! Parties: NAD, with the references and the contact of its group.
//!
//! Without a place: the electronic address, the legal form, the scheme of the registration number. Of
//! several identifiers the first is NAD's, the others are references (RFF+API where their scheme is no
//! code of EDIFACT's).

use super::segments::{Out, as_strs, code_of, segment, split};
use crate::canonical::{Identifier, Party, Text};

pub(super) fn party(role: &str, party: &Party, out: &mut Out) {
    let id = party.ids.first();
    let (value, list, agency) = id.map_or((String::new(), String::new(), String::new()), identification);
    let mut names = party.name.as_deref().map_or_else(Vec::new, |name| split(name, 35, 4));
    if let Some(trading) = &party.trading_name {
        // A name filled to its last character must not run on into the next one.
        if names.is_empty() || names.last().is_some_and(|last| last.chars().count() == 35) {
            names.push(String::new());
        }
        let room = 5usize.saturating_sub(names.len()).max(1);
        names.extend(split(trading, 35, room));
    }
    let address = party.address.clone().unwrap_or_default();
    let text = |text: &Option<Text>| text.clone().unwrap_or_default();
    out.add(
        segment("NAD")
            .one(role)
            .all(&[&value, &list, &agency])
            .skip(1)
            .all(&as_strs(&names))
            .all(&as_strs(&address.lines))
            .one(&text(&address.city))
            .one(&text(&address.region))
            .one(&text(&address.postal_code))
            .one(&text(&address.country)),
    );
}

/// RFF, CTA and COM of the group.
pub(super) fn details(party: &Party, out: &mut Out) {
    out.reference("VA", party.vat_id.as_deref());
    out.reference("FC", party.tax_id.as_deref());
    out.reference("XA", party.legal_id.as_ref().map(|id| id.value.as_str()));
    for id in party.ids.iter().skip(1) {
        out.reference(&code_of(id.scheme.as_deref(), "API"), Some(&id.value));
    }
    let Some(contact) = &party.contact else { return };
    if let Some(name) = &contact.name {
        out.add(segment("CTA").one("IC").all(&["", name]));
    }
    for (kind, number) in [("TE", &contact.phone), ("EM", &contact.email)] {
        if let Some(number) = number {
            out.add(segment("COM").all(&[number, kind]));
        }
    }
}

/// C082: the identifier, its list (1131), its agency (3055).
fn identification(id: &Identifier) -> (String, String, String) {
    match id.scheme.as_deref() {
        Some("0088") => (id.value.clone().into(), String::new(), "9".to_owned()),
        Some(scheme) => match scheme.strip_prefix("edifact:") {
            Some(agency) => (id.value.clone().into(), String::new(), agency.to_owned()),
            None => (id.value.clone().into(), scheme.to_owned(), String::new()),
        },
        None => (id.value.clone().into(), String::new(), String::new()),
    }
}
