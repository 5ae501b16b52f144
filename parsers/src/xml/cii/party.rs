//! The parties of a Cross Industry Invoice.

use super::Draft;
use crate::canonical::{Address, Contact, Party, Text};
use crate::xml::element::Element;

/// BG-4, BG-7, BG-10, BG-11.
pub(super) fn party(draft: &mut Draft, element: Element<'_>, path: &str, field: &str) -> Party {
    draft.group(field, element, path);
    let organization = |way: &[&str]| element.child("SpecifiedLegalOrganization").and_then(|inner| inner.at(way));
    let mut party = Party {
        name: element.text_at(&["Name"]),
        trading_name: organization(&["TradingBusinessName"]).and_then(Element::value).map(Text::from),
        legal_id: organization(&["ID"]).and_then(|id| id.identifier("schemeID")),
        legal_form: element.text_at(&["Description"]),
        contact: element.child("DefinedTradeContact").map(contact),
        ..Party::default()
    };
    party.ids.extend(element.children("ID").filter_map(|id| id.identifier("schemeID")));
    party.ids.extend(element.children("GlobalID").filter_map(|id| id.identifier("schemeID")));
    if let Some(around) = element.child("URIUniversalCommunication")
        && let Some(endpoint) = around.child("URIID")
    {
        draft.group(format!("{field}.endpoint"), endpoint, &endpoint.path_below(&around.path_below(path)));
        party.endpoint = endpoint.identifier("schemeID");
    }
    if let Some(postal) = element.child("PostalTradeAddress") {
        draft.group(format!("{field}.address"), postal, &postal.path_below(path));
        party.address = Some(address(postal));
    }
    for registration in element.children("SpecifiedTaxRegistration") {
        let Some(id) = registration.child("ID") else { continue };
        // `VA` is a VAT number, anything else (`FC`) a local tax number.
        let is_vat = id.attribute("schemeID").is_some_and(|scheme| matches!(scheme, "VA" | "VAT"));
        let (slot, name) = if is_vat { (&mut party.vat_id, "vat_id") } else { (&mut party.tax_id, "tax_id") };
        if slot.is_none() {
            let below = registration.path_below(path);
            *slot = draft.text_of(id, &id.path_below(&below), format_args!("{field}.{name}"));
        }
    }
    party
}

/// BG-5, BG-8, BG-12, BG-15.
pub(super) fn address(element: Element<'_>) -> Address {
    let lines = ["LineOne", "LineTwo", "LineThree"];
    Address {
        lines: lines.iter().filter_map(|name| element.text_at(&[name])).collect(),
        city: element.text_at(&["CityName"]),
        postal_code: element.text_at(&["PostcodeCode"]),
        region: element.text_at(&["CountrySubDivisionName"]),
        country: element.text_at(&["CountryID"]),
    }
}

fn contact(element: Element<'_>) -> Contact {
    Contact {
        // BT-41 is a person or a department.
        name: element.text_at(&["PersonName"]).or_else(|| element.text_at(&["DepartmentName"])),
        phone: element.text_at(&["TelephoneUniversalCommunication", "CompleteNumber"]),
        email: element.text_at(&["EmailURIUniversalCommunication", "URIID"]),
    }
}
