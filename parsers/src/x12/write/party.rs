//! A party on its way out: N1, with N2, N3, N4, REF and PER.

use super::WriteError;
use super::segments::{Out, id, qualifier, text};
use crate::canonical::{Address, Contact, Identifier, Party, Text};

/// Writes a party; nothing, when nothing is known of it. Of its identifiers the first and those that came from
/// REF have a place.
pub(super) fn party(code: &str, party: &Party, out: &mut Out) -> Result<(), WriteError> {
    if *party == Party::default() {
        return Ok(());
    }
    let is_reference = |id: &&Identifier| id.scheme.as_deref().is_some_and(|scheme| scheme.starts_with("x12:REF:"));
    let first = party.ids.iter().find(|id| !is_reference(id));
    let name = text("N102", party.name.as_deref(), 60)?;
    if name.is_none() && first.is_none() {
        return Err(WriteError::Missing { field: "the name of a party", element: "N102" });
    }
    named(code, name, first, out)?;
    if let Some(name) = text("N201", party.trading_name.as_deref(), 60)? {
        out.segment("N2", [Some(name)]);
    }
    if let Some(address) = &party.address {
        located(address, out)?;
    }
    for (code, value) in [
        ("VX", party.vat_id.as_deref()),
        ("TJ", party.tax_id.as_deref()),
        ("EI", party.legal_id.as_ref().map(|id| id.value.as_str())),
    ] {
        reference(code, value, out)?;
    }
    for identifier in party.ids.iter().filter(is_reference) {
        let code = identifier.scheme.as_deref().and_then(|scheme| scheme.strip_prefix("x12:REF:"));
        reference(code.unwrap_or("ZZ"), Some(&identifier.value), out)?;
    }
    party.contact.as_ref().map_or(Ok(()), |contact| reached(contact, out))
}

/// N1: who it is.
pub(super) fn named(
    code: &str,
    name: Option<String>,
    identifier: Option<&Identifier>,
    out: &mut Out,
) -> Result<(), WriteError> {
    let value = id("N104", identifier.map(|id| id.value.as_str()), 80)?;
    // Element 66: DUNS and GLN have codes of their own; 92 is a number given by the buyer.
    let scheme = identifier.and_then(|id| id.scheme.as_deref());
    let qualifier = match scheme {
        Some("0060") => "1".to_owned(),
        Some("0088") => "UL".to_owned(),
        _ => qualifier(scheme, "92"),
    };
    let qualifier = value.is_some().then_some(qualifier);
    out.segment("N1", [Some(code.to_owned()), name, qualifier, value]);
    Ok(())
}

/// N3 and N4: where it is.
pub(super) fn located(address: &Address, out: &mut Out) -> Result<(), WriteError> {
    for lines in address.lines.chunks(2) {
        let line = |index: usize| text("N301", lines.get(index).map(Text::as_str), 55);
        out.segment("N3", [line(0)?, line(1)?]);
    }
    let city = text("N401", address.city.as_deref(), 30)?;
    let region = text("N406", address.region.as_deref(), 30)?;
    let postal_code = id("N403", address.postal_code.as_deref(), 15)?;
    let country = id("N404", address.country.as_deref(), 3)?;
    if city.is_none() && region.is_none() && postal_code.is_none() && country.is_none() {
        return Ok(());
    }
    // N402 takes codes of two letters; any other region stands in N406, as a state or province.
    let is_code = region.as_ref().is_some_and(|region| region.chars().count() == 2);
    let (state, kind, other) =
        if is_code { (region, None, None) } else { (None, region.as_ref().map(|_| "SP".to_owned()), region) };
    out.segment("N4", [city, state, postal_code, country, kind, other]);
    Ok(())
}

fn reference(code: &str, value: Option<&str>, out: &mut Out) -> Result<(), WriteError> {
    if let Some(value) = id("REF02", value, 50)? {
        out.segment("REF", [id("REF01", Some(code), 3)?, Some(value)]);
    }
    Ok(())
}

fn reached(contact: &Contact, out: &mut Out) -> Result<(), WriteError> {
    let mut elements = vec![Some("IC".to_owned()), text("PER02", contact.name.as_deref(), 60)?];
    for (code, element, value) in [("TE", "PER04", &contact.phone), ("EM", "PER06", &contact.email)] {
        if let Some(value) = text(element, value.as_deref(), 256)? {
            elements.extend([Some(code.to_owned()), Some(value)]);
        }
    }
    out.segment("PER", elements);
    Ok(())
}
