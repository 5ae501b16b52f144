//! Who is in a cXML document: the credentials of its envelope, the contacts of its parts.

use crate::canonical::{Address, Contact, Identifier, Party, Text};
use crate::xml::element::Element;

/// Who sends and who receives, by their credentials.
#[derive(Debug, Clone, Default)]
pub(super) struct Envelope {
    pub(super) from: Vec<Identifier>,
    pub(super) to: Vec<Identifier>,
}

/// `Header`: `From` and `To`. The sender's shared secret stands beside them and is left there.
pub(super) fn envelope(header: Element<'_>) -> Envelope {
    let ids = |name: &str| {
        let credentials = header.child(name).into_iter().flat_map(|party| party.children("Credential"));
        credentials
            .filter_map(|credential| {
                let value = credential.text_at(&["Identity"])?;
                Some(Identifier { scheme: credential.attribute("domain").map(Text::from), value })
            })
            .collect()
    };
    Envelope { from: ids("From"), to: ids("To") }
}

/// A `Contact` as a party.
pub(super) fn party(contact: Element<'_>) -> Party {
    let mut party = Party {
        name: contact.text_at(&["Name"]),
        address: contact.child("PostalAddress").map(address),
        contact: person(contact),
        ..Party::default()
    };
    let id = |element: Element<'_>, scheme: &str, value: &str| {
        let scheme = element.attribute(scheme).filter(|scheme| !scheme.is_empty()).map(str::to_owned);
        let value = element.attribute(value).filter(|value| !value.is_empty()).map(str::to_owned);
        value.map(|value| Identifier { scheme: scheme.map(Into::into), value: value.into() })
    };
    party.ids.extend(id(contact, "addressIDDomain", "addressID"));
    for reference in contact.children("IdReference") {
        match (id(reference, "domain", "identifier"), reference.attribute("domain")) {
            (Some(id), Some("vatID" | "supplierTaxID" | "buyerTaxID")) => party.vat_id = Some(id.value),
            (Some(id), Some("taxID" | "gstID" | "federalTaxID")) => party.tax_id = Some(id.value),
            (id, _) => party.ids.extend(id),
        }
    }
    party
}

fn address(element: Element<'_>) -> Address {
    let country = element.child("Country");
    Address {
        lines: element.children("Street").filter_map(Element::value).map(Text::from).collect(),
        city: element.text_at(&["City"]),
        postal_code: element.text_at(&["PostalCode"]),
        region: element.text_at(&["State"]),
        country: country.and_then(|country| country.attribute("isoCountryCode")).map(Text::from),
    }
}

fn person(element: Element<'_>) -> Option<Contact> {
    let email = element.text_at(&["Email"]);
    let number = element.at(&["Phone", "TelephoneNumber"]);
    let phone = number.map(|number| {
        let parts = ["CountryCode", "AreaOrCityCode", "Number"].iter().filter_map(|part| number.text_at(&[part]));
        parts.collect::<Vec<_>>().join(" ")
    });
    let phone = phone.filter(|phone| !phone.is_empty());
    let name = element.at(&["PostalAddress", "DeliverTo"]).and_then(Element::value).map(str::to_owned);
    (email.is_some() || phone.is_some() || name.is_some()).then_some(Contact {
        name: name.map(Into::into),
        phone: phone.map(Into::into),
        email,
    })
}
