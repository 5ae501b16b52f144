//! CFDI, the Mexican fiscal document (versions 3.2, 3.3 and 4.0 of the SAT): income (`I`) is an invoice,
//! egress (`E`) a credit note, and a payment (`P`, with the complement Pagos 1.0 or 2.0) a remittance advice
//! for each `Pago`.
//!
//! Everything stands in attributes. Documents that move goods (`T`) or pay wages (`N`) are recognised and
//! refused by name.

mod invoice;
mod payment;

use super::closing::Cover;
use super::desk::Desk;
use super::draft::Draft;
use super::element::Element;
use super::stream::{Space, Stream, Trouble};
use super::tag::Tag;
use super::values::Said;
use super::vocabulary::{Root, Vocabulary};
use super::walk::{Reader, Step, walk};
use crate::canonical::{Address, Identifier, Invoice, Party, Text};
use crate::{Code, Finding, Limits, Location};

pub(super) const VOCABULARY: Vocabulary = Vocabulary {
    name: "cfdi",
    is_root: |namespace, name| {
        name == "Comprobante"
            && matches!(namespace, Some("http://www.sat.gob.mx/cfd/3" | "http://www.sat.gob.mx/cfd/4"))
    },
    space: |namespace| match namespace {
        "http://www.sat.gob.mx/cfd/3" | "http://www.sat.gob.mx/cfd/4" => Space::Own("cfdi"),
        "http://www.sat.gob.mx/Pagos" => Space::Own("pago10"),
        "http://www.sat.gob.mx/Pagos20" => Space::Own("pago20"),
        "http://www.sat.gob.mx/TimbreFiscalDigital" => Space::Own("tfd"),
        "http://www.sat.gob.mx/implocal" => Space::Own("implocal"),
        _ => Space::Foreign,
    },
    unread: &[],
    read,
};

fn read(stream: &mut Stream<'_>, root: Root, desk: &mut Desk<'_, '_>) -> Result<(), Trouble> {
    stream.locate_attributes();
    let tag = stream.tag();
    let version = ["Version", "version"].iter().find_map(|name| tag.attribute(name)).unwrap_or_default();
    let version: String = version.chars().filter(|c| c.is_ascii_digit() || *c == '.').take(8).collect();
    let format = if version.is_empty() { "cfdi".to_owned() } else { format!("cfdi-{version}") };
    let cover = Cover { format, version: Some(version).filter(|version| !version.is_empty()), control: Vec::new() };
    desk.name(&cover.format, cover.version.clone());
    let kind = ["TipoDeComprobante", "tipoDeComprobante"].iter().find_map(|name| tag.attribute(name));
    let kind = match kind {
        Some("I" | "ingreso") => Kind::Income,
        Some("E" | "egreso") => Kind::Egress,
        Some("P") => Kind::Payment,
        Some("T" | "traslado") => return refuse(stream, root, "T (goods that are moved)", desk),
        Some("N") => return refuse(stream, root, "N (wages)", desk),
        Some(_) | None => Kind::Unknown,
    };
    let limits = desk.limits();
    let draft = Draft::new(Invoice::default(), String::new(), limits);
    let mut reading =
        Reading { kind, cover, limits, draft, sums: invoice::Sums::default(), payments: payment::Payments::default() };
    walk(stream, root, desk, &mut reading)
}

fn refuse(stream: &mut Stream<'_>, root: Root, kind: &str, desk: &mut Desk<'_, '_>) -> Result<(), Trouble> {
    let start = stream.start();
    let at = Location::new(start.byte, start.line, root.path);
    stream.skip()?;
    let message = format!("this CFDI is of type {kind}, which is nothing accounts payable reads");
    let fix = "Send the CFDI of an income (I), an egress (E) or a payment (P).";
    desk.finding(Finding::error(Code::UNKNOWN_FORMAT, at, message, fix).with_field("TipoDeComprobante"))
}

/// `TipoDeComprobante`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Income,
    Egress,
    Payment,
    /// None that the SAT knows; it is read as an invoice, with a finding.
    Unknown,
}

/// One CFDI while it is read.
struct Reading {
    kind: Kind,
    cover: Cover,
    limits: Limits,
    draft: Draft<Invoice>,
    sums: invoice::Sums,
    payments: payment::Payments,
}

impl Reading {
    /// The attributes of the `Comprobante` itself.
    fn read_root(&mut self, tag: &Tag, path: &str) {
        // Version 3.2 begins its names with small letters.
        let get = |names: [&str; 2]| names.iter().find_map(|name| tag.attribute_at(name, path));
        let draft = &mut self.draft;
        let series = get(["Serie", "serie"]);
        let folio = get(["Folio", "folio"]);
        let number = [&series, &folio].into_iter().flatten().map(|(value, _)| *value).collect::<String>();
        draft.body.number = Some(number).filter(|number| !number.is_empty()).map(Into::into);
        for part in [series, folio] {
            draft.text_said(part, "number");
        }
        draft.body.issue_date = draft.day_said(get(["Fecha", "fecha"]), "issue_date");
        draft.body.type_code = draft.text_said(get(["TipoDeComprobante", "tipoDeComprobante"]), "type_code");
        draft.body.currency = draft.text_said(get(["Moneda", "moneda"]), "currency");
        let rate = draft.decimal_said(get(["TipoCambio", "tipoCambio"]), "exchange_rate");
        draft.body.exchange_rate = rate;
        invoice::read_root(draft, &get);
    }

    fn read_issuer(&mut self, element: Element<'_>, path: &str) {
        let party = party(&mut self.draft, element, path, "seller");
        self.draft.body.seller = party;
    }

    fn read_receiver(&mut self, element: Element<'_>, path: &str) {
        let party = party(&mut self.draft, element, path, "buyer");
        self.draft.body.buyer = party;
    }

    /// `TimbreFiscalDigital`: the fiscal folio, by which the SAT knows the document.
    fn read_stamp(&mut self, stamp: Element<'_>) {
        let id = stamp.attribute("UUID").filter(|id| !id.is_empty()).map(str::to_owned);
        self.cover.control = id.map(|id| ("UUID".into(), id.into())).into_iter().collect();
    }
}

/// `Emisor`, `Receptor`.
fn party(draft: &mut Draft<Invoice>, element: Element<'_>, path: &str, field: &str) -> Party {
    draft.group(field, element, path);
    let get = |names: [&str; 2]| names.iter().find_map(|name| element.attribute_at(name, path));
    let name = get(["Nombre", "nombre"]).map(|(value, _)| value.to_owned());
    let tax_id = draft.text_said(get(["Rfc", "rfc"]), &format!("{field}.tax_id"));
    let foreign = element.attribute("NumRegIdTrib").filter(|id| !id.is_empty()).map(str::to_owned);
    let scheme = Some("NumRegIdTrib".to_owned());
    let postal_code = element.attribute("DomicilioFiscalReceptor").filter(|code| !code.is_empty()).map(str::to_owned);
    let address = element.child("DomicilioFiscal").or_else(|| element.child("Domicilio")).map(address);
    Party {
        name: name.map(Into::into),
        tax_id,
        ids: foreign
            .map(|value| Identifier { scheme: scheme.map(Into::into), value: value.into() })
            .into_iter()
            .collect(),
        address: address
            .or_else(|| postal_code.map(|code| Address { postal_code: Some(code.into()), ..Address::default() })),
        ..Party::default()
    }
}

/// An address of version 3.2.
fn address(element: Element<'_>) -> Address {
    let text = |name: &str| element.attribute(name).filter(|value| !value.is_empty()).map(str::to_owned);
    let street = ["calle", "noExterior", "noInterior"].into_iter().filter_map(text).collect::<Vec<_>>().join(" ");
    let lines =
        Some(street).filter(|street| !street.is_empty()).into_iter().chain(text("colonia")).map(Text::from).collect();
    Address {
        lines,
        city: text("localidad").or_else(|| text("municipio")).map(Into::into),
        postal_code: text("codigoPostal").map(Into::into),
        region: text("estado").map(Into::into),
        country: text("pais").map(Into::into),
    }
}

/// An attribute by its name in the newer versions, or in 3.2.
fn get<'s>(element: Element<'s>, path: &str, names: [&str; 2]) -> Said<'s> {
    names.iter().find_map(|name| element.attribute_at(name, path))
}

impl Reader for Reading {
    fn step(&self, parent: &str, name: &str) -> Step {
        match (parent, name) {
            ("Comprobante", "Conceptos" | "Complemento") | ("Complemento", "Pagos") => Step::Into,
            ("Comprobante", "Emisor" | "Receptor" | "CfdiRelacionados" | "Impuestos")
            | ("Conceptos", "Concepto")
            | ("Complemento", "TimbreFiscalDigital" | "ImpuestosLocales")
            | ("Pagos", "Pago" | "Totales") => Step::Take,
            _ => Step::Over,
        }
    }

    fn repeats(&self, name: &str) -> bool {
        matches!(name, "Concepto" | "Pago" | "CfdiRelacionados" | "Complemento")
    }

    fn entered(&mut self, tag: &Tag, path: &str, _desk: &mut Desk<'_, '_>) -> Result<(), Trouble> {
        if tag.name() == "Comprobante" {
            self.read_root(tag, path);
        }
        Ok(())
    }

    fn taken(
        &mut self,
        parent: &str,
        element: Element<'_>,
        path: &str,
        _desk: &mut Desk<'_, '_>,
    ) -> Result<(), Trouble> {
        match (parent, element.name()) {
            (_, "Emisor") => self.read_issuer(element, path),
            (_, "Receptor") => self.read_receiver(element, path),
            (_, "CfdiRelacionados") => invoice::read_related(&mut self.draft, element, path),
            (_, "Impuestos") => self.sums.read_taxes(&mut self.draft, element, path),
            (_, "Concepto") => invoice::read_line(&mut self.draft, element, path),
            (_, "TimbreFiscalDigital") => self.read_stamp(element),
            (_, "ImpuestosLocales") => self.sums.read_local_taxes(&mut self.draft, element, path),
            (_, "Pago") => self.payments.read(element, path, self.limits),
            _ => self.payments.read_totals(element, path),
        }
        Ok(())
    }

    fn left(&mut self, name: &str, whole: Location, desk: &mut Desk<'_, '_>) -> Result<(), Trouble> {
        if name != "Comprobante" {
            return Ok(());
        }
        let empty = Draft::new(Invoice::default(), String::new(), self.limits);
        let mut draft = std::mem::replace(&mut self.draft, empty);
        draft.require(draft.body.issue_date.is_some(), "issue_date", "Fecha", &whole);
        let cover = self.cover.clone();
        if self.kind == Kind::Payment {
            return std::mem::take(&mut self.payments).tell(draft, cover, whole, desk);
        }
        std::mem::take(&mut self.sums).tell(draft, self.kind, cover, whole, desk)
    }
}
