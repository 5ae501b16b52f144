//! Seller and buyer. They hold for every invoice of the file.

use crate::canonical::{Address, Contact, Identifier, Invoice, Party};
use crate::xml::draft::Draft;
use crate::xml::element::Element;
use crate::xml::values::{follow, said};

/// `Parties`.
pub(super) fn read(draft: &mut Draft<Invoice>, parties: Element<'_>, path: &str) {
    if let Some((seller, path)) = follow(parties, path, &["SellerParty"]) {
        draft.body.seller = party(draft, seller, &path, "seller");
    }
    if let Some((buyer, path)) = follow(parties, path, &["BuyerParty"]) {
        draft.body.buyer = party(draft, buyer, &path, "buyer");
    }
}

fn party(draft: &mut Draft<Invoice>, element: Element<'_>, path: &str, field: &str) -> Party {
    draft.group(field, element, path);
    let number = said(element, path, &["TaxIdentification", "TaxIdentificationNumber"]);
    let mut party = Party { tax_id: draft.text_said(number, &format!("{field}.tax_id")), ..Party::default() };
    let id = |scheme: &str, value: Option<String>| {
        value.map(|value| Identifier { scheme: Some(scheme.into()), value: value.into() })
    };
    party.ids.extend(id("PartyIdentification", element.text_at(&["PartyIdentification"]).map(Into::into)));
    // Public bodies are addressed by the codes of their offices (DIR3).
    for centre in
        element.child("AdministrativeCentres").into_iter().flat_map(|all| all.children("AdministrativeCentre"))
    {
        let role = centre.text_at(&["RoleTypeCode"]).unwrap_or_default();
        party.ids.extend(id(&format!("DIR3:{role}"), centre.text_at(&["CentreCode"]).map(Into::into)));
    }
    let entity = element.child("LegalEntity").or_else(|| element.child("Individual"));
    let Some(entity) = entity else { return party };
    let names = ["Name", "FirstSurname", "SecondSurname"].iter().filter_map(|name| entity.text_at(&[name]));
    let person = names.collect::<Vec<_>>().join(" ");
    party.name = entity.text_at(&["CorporateName"]).or(Some(person).filter(|name| !name.is_empty()).map(Into::into));
    party.trading_name = entity.text_at(&["TradeName"]);
    let address = entity.child("AddressInSpain").or_else(|| entity.child("OverseasAddress"));
    party.address = address.map(|address| Address {
        lines: address.text_at(&["Address"]).into_iter().collect(),
        city: address.text_at(&["Town"]).or_else(|| address.text_at(&["PostCodeAndTown"])),
        postal_code: address.text_at(&["PostCode"]),
        region: address.text_at(&["Province"]),
        country: address.text_at(&["CountryCode"]).map(|code| country(&code).to_owned()).map(Into::into),
    });
    party.contact = entity.child("ContactDetails").map(|contact| Contact {
        name: contact.text_at(&["ContactPersons"]),
        phone: contact.text_at(&["Telephone"]),
        email: contact.text_at(&["ElectronicMail"]),
    });
    party
}

/// Facturae writes countries in three letters (ISO 3166-1 alpha-3). Those of the neighbourhood are turned into
/// two; others stay as they are written.
fn country(code: &str) -> &str {
    const CODES: [(&str, &str); 40] = [
        ("AND", "AD"),
        ("ARG", "AR"),
        ("AUT", "AT"),
        ("BEL", "BE"),
        ("BGR", "BG"),
        ("BRA", "BR"),
        ("CHE", "CH"),
        ("CHL", "CL"),
        ("CHN", "CN"),
        ("COL", "CO"),
        ("CYP", "CY"),
        ("CZE", "CZ"),
        ("DEU", "DE"),
        ("DNK", "DK"),
        ("ESP", "ES"),
        ("EST", "EE"),
        ("FIN", "FI"),
        ("FRA", "FR"),
        ("GBR", "GB"),
        ("GRC", "GR"),
        ("HRV", "HR"),
        ("HUN", "HU"),
        ("IRL", "IE"),
        ("ITA", "IT"),
        ("JPN", "JP"),
        ("LTU", "LT"),
        ("LUX", "LU"),
        ("LVA", "LV"),
        ("MAR", "MA"),
        ("MEX", "MX"),
        ("MLT", "MT"),
        ("NLD", "NL"),
        ("NOR", "NO"),
        ("POL", "PL"),
        ("PRT", "PT"),
        ("ROU", "RO"),
        ("SVK", "SK"),
        ("SVN", "SI"),
        ("SWE", "SE"),
        ("USA", "US"),
    ];
    CODES.iter().find(|(three, _)| *three == code).map_or(code, |(_, two)| two)
}
