//! Parties and addresses.

use super::pen::Pen;
use crate::canonical::{Address, Identifier, Invoice, Party};

/// BG-4, BG-7, BG-10, BG-11.
pub(super) fn write_all(pen: &mut Pen, invoice: &Invoice) {
    pen.group("cac:AccountingSupplierParty", |pen| {
        pen.group("cac:Party", |pen| write(pen, &invoice.seller, creditor(invoice).as_ref()));
    });
    pen.group("cac:AccountingCustomerParty", |pen| {
        pen.group("cac:Party", |pen| write(pen, &invoice.buyer, None));
    });
    if let Some(payee) = &invoice.payee {
        pen.group("cac:PayeeParty", |pen| write(pen, &named_by_party_name(payee), None));
    }
    if let Some(representative) = &invoice.tax_representative {
        pen.group("cac:TaxRepresentativeParty", |pen| write(pen, &named_by_party_name(representative), None));
    }
}

/// BT-90 is an identifier of the seller, unless it stands among those already.
fn creditor(invoice: &Invoice) -> Option<Identifier> {
    let value = invoice.payments.iter().find_map(|payment| payment.creditor_id.clone())?;
    let mut known = invoice.payee.iter().chain([&invoice.seller]).flat_map(|party| &party.ids);
    let is_known = known.any(|id| id.value == value && id.scheme.as_deref() == Some("SEPA"));
    (!is_known).then(|| Identifier { scheme: Some("SEPA".into()), value })
}

/// Payee and tax representative have their name there (BT-59, BT-62).
fn named_by_party_name(party: &Party) -> Party {
    Party { name: None, trading_name: party.name.clone(), ..party.clone() }
}

/// What is in a party.
pub(super) fn write(pen: &mut Pen, party: &Party, another: Option<&Identifier>) {
    pen.identifier("cbc:EndpointID", party.endpoint.as_ref());
    for id in party.ids.iter().chain(another) {
        pen.group("cac:PartyIdentification", |pen| pen.identifier("cbc:ID", Some(id)));
    }
    pen.group("cac:PartyName", |pen| pen.text("cbc:Name", party.trading_name.as_ref()));
    if let Some(address) = &party.address {
        write_address(pen, "cac:PostalAddress", address);
    }
    for (number, scheme) in [(&party.vat_id, "VAT"), (&party.tax_id, "TAX")] {
        if number.is_some() {
            pen.group("cac:PartyTaxScheme", |pen| {
                pen.text("cbc:CompanyID", number.as_ref());
                pen.group("cac:TaxScheme", |pen| pen.text("cbc:ID", Some(scheme)));
            });
        }
    }
    pen.group("cac:PartyLegalEntity", |pen| {
        pen.text("cbc:RegistrationName", party.name.as_ref());
        pen.identifier("cbc:CompanyID", party.legal_id.as_ref());
        pen.text("cbc:CompanyLegalForm", party.legal_form.as_ref());
    });
    if let Some(contact) = &party.contact {
        pen.group("cac:Contact", |pen| {
            pen.text("cbc:Name", contact.name.as_ref());
            pen.text("cbc:Telephone", contact.phone.as_ref());
            pen.text("cbc:ElectronicMail", contact.email.as_ref());
        });
    }
}

/// BG-5, BG-8, BG-12, BG-15.
pub(super) fn write_address(pen: &mut Pen, name: &str, address: &Address) {
    let mut lines = address.lines.iter();
    pen.group(name, |pen| {
        pen.text("cbc:StreetName", lines.next());
        pen.text("cbc:AdditionalStreetName", lines.next());
        pen.text("cbc:CityName", address.city.as_ref());
        pen.text("cbc:PostalZone", address.postal_code.as_ref());
        pen.text("cbc:CountrySubentity", address.region.as_ref());
        for line in lines {
            pen.group("cac:AddressLine", |pen| pen.text("cbc:Line", Some(line)));
        }
        pen.group("cac:Country", |pen| pen.text("cbc:IdentificationCode", address.country.as_ref()));
    });
}
