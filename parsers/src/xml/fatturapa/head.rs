//! The header (`FatturaElettronicaHeader`): who sends what to whom. It holds for every body.

use crate::Limits;
use crate::canonical::{Address, Contact, Identifier, Invoice, Party, Text};
use crate::xml::draft::Draft;
use crate::xml::element::Element;
use crate::xml::values::{follow, said};

/// What the header says.
pub(super) struct Header {
    /// What each of its invoices begins with.
    pub(super) draft: Draft<Invoice>,
    pub(super) control: Vec<(Text, Text)>,
}

impl Header {
    pub(super) fn new(limits: Limits) -> Self {
        Self { draft: Draft::new(Invoice::default(), String::new(), limits), control: Vec::new() }
    }

    pub(super) fn read(&mut self, header: Element<'_>, path: &str) {
        let draft = &mut self.draft;
        if let Some((sending, path)) = follow(header, path, &["DatiTrasmissione"]) {
            draft.body.specification_id =
                draft.text_said(said(sending, &path, &["FormatoTrasmissione"]), "specification_id");
            let progressive = sending.text_at(&["ProgressivoInvio"]);
            self.control.extend(progressive.map(|value| ("ProgressivoInvio".into(), value)));
            let address = sending.text_at(&["CodiceDestinatario"]).filter(|code| code.bytes().any(|byte| byte != b'0'));
            let address = address.or_else(|| sending.text_at(&["PECDestinatario"]));
            draft.body.buyer.endpoint =
                address.map(|value| Identifier { scheme: Some("CodiceDestinatario".into()), value });
        }
        if let Some((seller, path)) = follow(header, path, &["CedentePrestatore"]) {
            draft.body.seller = party(draft, seller, &path, "seller");
            draft.body.seller.contact = seller.child("Contatti").map(|contacts| Contact {
                name: None,
                phone: contacts.text_at(&["Telefono"]),
                email: contacts.text_at(&["Email"]),
            });
            let register = seller.at(&["IscrizioneREA"]).and_then(|register| register.text_at(&["NumeroREA"]));
            draft.body.seller.legal_id =
                register.map(|value| Identifier { scheme: seller.text_at(&["IscrizioneREA", "Ufficio"]), value });
        }
        if let Some((buyer, path)) = follow(header, path, &["CessionarioCommittente"]) {
            let endpoint = draft.body.buyer.endpoint.take();
            draft.body.buyer = Party { endpoint, ..party(draft, buyer, &path, "buyer") };
        }
        if let Some((representative, path)) = follow(header, path, &["RappresentanteFiscale"]) {
            draft.body.tax_representative = Some(party(draft, representative, &path, "tax_representative"));
        }
    }
}

/// A party by its `DatiAnagrafici` and its seat.
fn party(draft: &mut Draft<Invoice>, element: Element<'_>, path: &str, field: &str) -> Party {
    draft.group(field, element, path);
    let (data, data_path) = follow(element, path, &["DatiAnagrafici"]).unwrap_or_else(|| (element, path.to_owned()));
    let name = data.child("Anagrafica");
    let person = name.map(|name| {
        let parts = ["Titolo", "Nome", "Cognome"].iter().filter_map(|part| name.text_at(&[part]));
        parts.collect::<Vec<_>>().join(" ")
    });
    let mut party = Party {
        name: name
            .and_then(|name| name.text_at(&["Denominazione"]))
            .or(person.filter(|name| !name.is_empty()).map(Into::into)),
        address: element.child("Sede").map(address),
        ..Party::default()
    };
    if let Some(country) = data.text_at(&["IdFiscaleIVA", "IdPaese"]) {
        let code = draft.text_said(said(data, &data_path, &["IdFiscaleIVA", "IdCodice"]), &format!("{field}.vat_id"));
        party.vat_id = code.map(|code| format!("{country}{code}")).map(Into::into);
    }
    party.tax_id = draft.text_said(said(data, &data_path, &["CodiceFiscale"]), &format!("{field}.tax_id"));
    let eori = name.and_then(|name| name.text_at(&["CodEORI"]));
    party.ids.extend(eori.map(|value| Identifier { scheme: Some("EORI".into()), value }));
    party
}

fn address(seat: Element<'_>) -> Address {
    let street = seat.text_at(&["Indirizzo"]);
    let street = match (street, seat.text_at(&["NumeroCivico"])) {
        (Some(street), Some(number)) => Some(format!("{street} {number}").into()),
        (street, number) => street.or(number),
    };
    Address {
        lines: street.into_iter().collect(),
        city: seat.text_at(&["Comune"]),
        postal_code: seat.text_at(&["CAP"]),
        region: seat.text_at(&["Provincia"]),
        country: seat.text_at(&["Nazione"]),
    }
}
