//! The parties of a message: NAD, and the RFF, CTA, COM that follow in its group.

use super::segment::Segment;
use crate::canonical::{Address, Identifier, Party, Text};

/// Widths a name or an address component can be filled to (3036, 3042 in every directory).
const LINE_WIDTH: usize = 35;

/// The party of a NAD segment.
pub(super) fn party(nad: &Segment<'_>) -> Party {
    let mut party = Party::default();
    if let Some(value) = nad.owned(2, 1) {
        party.ids.push(Identifier { scheme: id_scheme(nad), value });
    }
    name(nad, &mut party);
    let mut address = Address {
        lines: (1..=4).filter_map(|component| nad.owned(5, component)).collect(),
        city: nad.owned(6, 1),
        // A plain 3229 up to D.96A; C819 after that, with the name in its last component.
        region: nad.owned(7, 4).or_else(|| nad.owned(7, 1)),
        postal_code: nad.owned(8, 1),
        country: nad.owned(9, 1),
    };
    // C058: name and address without structure. It is the address where the name has a place of its own.
    let mut unstructured = (1..=5).filter_map(|component| nad.owned(3, component));
    if party.name.is_none() {
        party.name = unstructured.next();
    }
    if address.lines.is_empty() {
        address.lines.extend(unstructured);
    }
    if address != Address::default() {
        party.address = Some(address);
    }
    party
}

/// C080: up to five lines; the first is the name, the second the one it trades under. A line filled to
/// its last character goes on in the next.
fn name(nad: &Segment<'_>, party: &mut Party) {
    // Most have one line, and room in it.
    if let Some(only) = nad.only_component(4)
        && only.len() < LINE_WIDTH
    {
        party.name = Some(only.into());
        return;
    }
    let mut lines: Vec<Text> = Vec::new();
    let mut runs_on = false;
    for component in 1..=5 {
        let text = nad.written_text(4, component);
        let is_blank = text.trim().is_empty();
        match lines.last_mut() {
            _ if is_blank => {}
            Some(last) if runs_on => last.push_str(&text),
            _ => lines.push(text.as_ref().into()),
        }
        runs_on = !is_blank && text.chars().count() == LINE_WIDTH;
    }
    let mut lines = lines.into_iter().map(|line| line.trim().to_owned());
    party.name = lines.next().map(Into::into);
    party.trading_name = lines.next().map(|first| lines.fold(first, |all, line| all + " " + &line)).map(Into::into);
}

/// RFF in the group of a party; what has no place of its own is one more identifier of it.
pub(super) fn reference(party: &mut Party, rff: &Segment<'_>) {
    let Some(value) = rff.owned(1, 2) else { return };
    let code = rff.code(1, 1);
    match code.as_ref() {
        b"VA" if party.vat_id.is_none() => party.vat_id = Some(value),
        b"FC" | b"AHP" if party.tax_id.is_none() => party.tax_id = Some(value),
        b"GN" | b"XA" if party.legal_id.is_none() => party.legal_id = Some(Identifier { scheme: None, value }),
        b"VA" if party.vat_id.as_ref() == Some(&value) => {}
        // One more identifier, of no scheme.
        b"AII" | b"API" => party.ids.push(Identifier { scheme: None, value }),
        _ => party.ids.push(Identifier { scheme: Some(scheme_of(&code)), value }),
    }
}

/// CTA and COM: whom to ask, and how. What is known already stays.
pub(super) fn contact(party: &mut Party, segment: &Segment<'_>) {
    match &segment.tag {
        b"CTA" => {
            let name = segment.owned(2, 2).or_else(|| segment.owned(2, 1));
            if name.is_some() {
                let contact = party.contact.get_or_insert_default();
                contact.name = contact.name.take().or(name);
            }
        }
        b"COM" => {
            let Some(number) = segment.owned(1, 1) else { return };
            let contact = party.contact.get_or_insert_default();
            let slot = match segment.code(1, 2).as_ref() {
                b"EM" => &mut contact.email,
                // Some write the address of a mailbox as a telephone number.
                b"TE" | b"AL" if !number.contains('@') => &mut contact.phone,
                b"TE" => &mut contact.email,
                _ => return,
            };
            *slot = slot.take().or(Some(number));
        }
        _ => {}
    }
}

/// The scheme of an identifier by its own code: `edifact:ON`.
pub(super) fn scheme_of(code: &[u8]) -> Text {
    let code = String::from_utf8_lossy(code);
    Text::from("edifact:") + &code
}

/// C082: who issued the identifier (3055), or its list (1131), which in the binding of EN 16931 is the
/// scheme of ISO 6523.
fn id_scheme(nad: &Segment<'_>) -> Option<Text> {
    match (nad.code(2, 3).as_ref(), nad.owned(2, 2)) {
        (b"9", _) => Some("0088".into()),
        (b"", scheme) => scheme,
        (code, _) => Some(scheme_of(code)),
    }
}
