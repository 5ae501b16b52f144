//! The parties of a UBL document.

use crate::canonical::{Address, Contact, Party, Text};
use crate::xml::draft::Draft;
use crate::xml::element::Element;

pub(super) fn named_by_party_name(party: Party) -> Party {
    Party { name: party.trading_name, trading_name: None, ..party }
}

/// Supplier and customer have their party one level down.
pub(super) fn inner<'e>(section: Element<'e>, path: &str) -> (Element<'e>, String) {
    match section.child("Party") {
        Some(party) => (party, party.path_below(path)),
        None => (section, path.to_owned()),
    }
}

pub(super) fn party<B>(draft: &mut Draft<B>, element: Element<'_>, path: &str, field: &str) -> Party {
    draft.group(field, element, path);
    let mut party = Party {
        name: element.text_at(&["PartyLegalEntity", "RegistrationName"]),
        trading_name: element.text_at(&["PartyName", "Name"]),
        legal_id: element.at(&["PartyLegalEntity", "CompanyID"]).and_then(|id| id.identifier("schemeID")),
        legal_form: element.text_at(&["PartyLegalEntity", "CompanyLegalForm"]),
        endpoint: element.child("EndpointID").and_then(|id| id.identifier("schemeID")),
        contact: element.child("Contact").map(contact),
        ..Party::default()
    };
    for identification in element.children("PartyIdentification") {
        party.ids.extend(identification.child("ID").and_then(|id| id.identifier("schemeID")));
    }
    if let Some(endpoint) = element.child("EndpointID") {
        draft.group(format!("{field}.endpoint"), endpoint, &endpoint.path_below(path));
    }
    if let Some(postal) = element.child("PostalAddress") {
        draft.group(format!("{field}.address"), postal, &postal.path_below(path));
        party.address = Some(address(postal));
    }
    for scheme in element.children("PartyTaxScheme") {
        let Some(id) = scheme.child("CompanyID") else { continue };
        let is_vat = scheme.text_at(&["TaxScheme", "ID"]).is_some_and(|name| name.eq_ignore_ascii_case("VAT"));
        let (slot, name) = if is_vat { (&mut party.vat_id, "vat_id") } else { (&mut party.tax_id, "tax_id") };
        if slot.is_none() {
            let below = scheme.path_below(path);
            *slot = draft.text_of(id, &id.path_below(&below), format_args!("{field}.{name}"));
        }
    }
    party
}

/// BG-5, BG-8, BG-12, BG-15.
pub(super) fn address(element: Element<'_>) -> Address {
    let mut lines = Vec::new();
    lines.extend(street(element));
    lines.extend(element.text_at(&["AdditionalStreetName"]));
    for line in element.children("AddressLine") {
        lines.extend(line.text_at(&["Line"]));
    }
    Address {
        lines,
        city: element.text_at(&["CityName"]),
        postal_code: element.text_at(&["PostalZone"]),
        region: element.text_at(&["CountrySubentity"]),
        country: element.text_at(&["Country", "IdentificationCode"]),
    }
}

/// The street, with the house number where UBL keeps it apart (EN 16931 does not).
fn street(element: Element<'_>) -> Option<Text> {
    let street = element.text_at(&["StreetName"])?;
    Some(match element.text_at(&["BuildingNumber"]) {
        Some(number) => format!("{street} {number}").into(),
        None => street,
    })
}

fn contact(element: Element<'_>) -> Contact {
    Contact {
        name: element.text_at(&["Name"]),
        phone: element.text_at(&["Telephone"]),
        email: element.text_at(&["ElectronicMail"]),
    }
}
