//! Who must be on a document, and what of them: BR-06 to BR-11, BR-17 to BR-20, BR-56, BR-62, BR-63, BR-CO-26.

use std::collections::BTreeSet;

use crate::canonical::{Identifier, Party};
use crate::rules::field::At;
use crate::rules::{Case, is_given};

pub(super) fn check_parties(case: &mut Case<'_>) {
    let invoice = case.invoice;
    check_party(case, &invoice.seller, "seller", "BT-27", ["BR-06", "BR-08", "BR-09", "BR-62"]);
    check_party(case, &invoice.buyer, "buyer", "BT-44", ["BR-07", "BR-10", "BR-11", "BR-63"]);
    let seller = &invoice.seller;
    // `SEPA` marks the creditor identifier (BT-90), which is the bank's name for the seller, not the buyer's.
    let is_identified = seller.ids.iter().any(|id| id.scheme.as_deref() != Some("SEPA"));
    case.want(
        is_identified || seller.legal_id.is_some() || is_given(seller.vat_id.as_deref()),
        "BR-CO-26",
        "seller",
        "the seller has no identifier (BT-29), no registration number (BT-30) and no VAT number (BT-31)",
        "Write at least one of the three, so that the buyer can identify the seller.",
    );
    check_payee(case);
    if let Some(representative) = &invoice.tax_representative {
        check_party(case, representative, "tax_representative", "BT-62", ["BR-18", "BR-19", "BR-20", ""]);
        case.want(
            is_given(representative.vat_id.as_deref()),
            "BR-56",
            "tax_representative.vat_id",
            "the seller's tax representative has no VAT number (BT-63)",
            "Write the VAT number of the tax representative.",
        );
    }
}

/// BR-17: a payee has a name, and is somebody else than the seller.
fn check_payee(case: &mut Case<'_>) {
    let (Some(payee), seller) = (&case.invoice.payee, &case.invoice.seller) else { return };
    let seller_name = seller.trading_name.as_ref().or(seller.name.as_ref());
    if !is_given(payee.name.as_deref()) {
        case.fail("BR-17", "payee.name", "the payee has no name (BT-59)", "Write the payee's name (BT-59).");
    } else if payee.name.as_ref() == seller_name || have_one_in_common(&payee.ids, &seller.ids) {
        let message = "the payee (BG-10) is the seller";
        case.fail("BR-17", "payee.name", message, "Leave the payee out where the seller is paid.");
    }
}

/// A hostile document may have as many of them as it likes.
fn have_one_in_common(some: &[Identifier], others: &[Identifier]) -> bool {
    fn key(id: &Identifier) -> (&str, Option<&str>) {
        (&id.value, id.scheme.as_deref())
    }
    let others: BTreeSet<_> = others.iter().map(key).collect();
    some.iter().any(|id| others.contains(&key(id)))
}

/// Name, address, country; and the scheme of the electronic address if there is one.
fn check_party(case: &mut Case<'_>, party: &Party, field: &'static str, term: &str, rules: [&'static str; 4]) {
    let [name, address, country, scheme] = rules;
    if !is_given(party.name.as_deref()) {
        let message = format!("the {} has no name ({term})", field.replace('_', " "));
        case.fail(name, At::of(field, "name"), message, "Write the legal name of the party.");
    }
    match &party.address {
        None => {
            let message = format!("the {} has no postal address", field.replace('_', " "));
            case.fail(address, At::of(field, "address"), message, "Write the address, at least its country.");
        }
        Some(postal) if !is_given(postal.country.as_deref()) => {
            let message = format!("the address of the {} has no country code", field.replace('_', " "));
            case.fail(country, At::of(field, "address.country"), message, "Write the ISO 3166-1 code of the country.");
        }
        Some(_) => {}
    }
    if let Some(endpoint) = &party.endpoint
        && !scheme.is_empty()
    {
        case.want(
            endpoint.scheme.is_some(),
            scheme,
            At::of(field, "endpoint"),
            "the electronic address has no scheme identifier",
            "Write the scheme of the electronic address, such as 0088 or EM.",
        );
    }
}
