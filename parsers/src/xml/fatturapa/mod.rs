//! FatturaPA, the Italian electronic invoice (format 1.2 of the Agenzia delle Entrate): one header and as many
//! invoices as there are bodies, in any namespace or none.
//!
//! What is withheld (`DatiRitenuta`) and VAT under split payment make the amount due less than the total. The
//! checks of the exchange system (SdI) on sums are made here under their numbers, as warnings.

mod body;
mod checks;
mod head;
mod line;

use self::body::Body;
use self::head::Header;
use super::closing::{Cover, tell_invoice, turn_if_negative};
use super::desk::Desk;
use super::draft::Draft;
use super::element::Element;
use super::stream::{Space, Stream, Trouble};
use super::tag::Tag;
use super::vocabulary::{Root, Vocabulary};
use super::walk::{Reader, Step, walk};
use crate::canonical::Invoice;
use crate::{Code, Finding, Limits, Location};

pub(super) const VOCABULARY: Vocabulary = Vocabulary {
    name: "fatturapa",
    is_root: |_, name| matches!(name, "FatturaElettronica" | "FatturaElettronicaSemplificata"),
    space: |namespace| if namespace.contains("xmldsig") { Space::Foreign } else { Space::Own("") },
    unread: &["Attachment"],
    read,
};

fn read(stream: &mut Stream<'_>, root: Root, desk: &mut Desk<'_, '_>) -> Result<(), Trouble> {
    let version = stream.tag().attribute("versione").filter(|version| !version.is_empty()).map(str::to_owned);
    if root.name == "FatturaElettronicaSemplificata" {
        desk.name("fatturapa-semplificata", version);
        let start = stream.start();
        let at = Location::new(start.byte, start.line, root.path);
        stream.skip()?;
        return desk.finding(Finding::error(
            Code::UNKNOWN_FORMAT,
            at,
            "this is a simplified FatturaPA invoice (FSM10), which is not read here",
            "Send the invoice as FatturaElettronica (FPA12 or FPR12).",
        ));
    }
    let cover = Cover { format: "fatturapa".to_owned(), version, control: Vec::new() };
    desk.name(&cover.format, cover.version.clone());
    let limits = desk.limits();
    let (header, body) = (Header::new(limits), Body::default());
    let draft = Draft::new(Invoice::default(), String::new(), limits);
    walk(stream, root, desk, &mut Reading { cover, limits, header, draft, body, told: 0 })
}

/// One file while it is read.
struct Reading {
    cover: Cover,
    limits: Limits,
    header: Header,
    /// The invoice whose body is being read.
    draft: Draft<Invoice>,
    body: Body,
    told: u64,
}

impl Reading {
    fn tell_body(&mut self, whole: Location, desk: &mut Desk<'_, '_>) -> Result<(), Trouble> {
        let empty = Draft::new(Invoice::default(), String::new(), self.limits);
        let mut draft = std::mem::replace(&mut self.draft, empty);
        let body = std::mem::take(&mut self.body);
        draft.require(draft.body.number.is_some(), "number", "Numero", &whole);
        draft.require(draft.body.issue_date.is_some(), "issue_date", "Data", &whole);
        draft.require(draft.body.currency.is_some(), "currency", "Divisa", &whole);
        draft.require(draft.body.type_code.is_some(), "type_code", "TipoDocumento", &whole);
        body.finish(&mut draft);
        checks::check(&mut draft, &body, &whole);
        turn_if_negative(&mut draft.body);
        self.told += 1;
        let mut cover = self.cover.clone();
        cover.control.clone_from(&self.header.control);
        tell_invoice(draft, cover, whole, desk)
    }
}

impl Reader for Reading {
    fn step(&self, parent: &str, name: &str) -> Step {
        match (parent, name) {
            ("FatturaElettronica", "FatturaElettronicaBody")
            | ("FatturaElettronicaBody", "DatiGenerali" | "DatiBeniServizi" | "DatiPagamento" | "Allegati") => {
                Step::Into
            }
            ("FatturaElettronica", "FatturaElettronicaHeader")
            | (
                "DatiGenerali",
                "DatiGeneraliDocumento"
                | "DatiOrdineAcquisto"
                | "DatiContratto"
                | "DatiConvenzione"
                | "DatiRicezione"
                | "DatiFattureCollegate"
                | "DatiDDT"
                | "DatiTrasporto",
            )
            | ("DatiBeniServizi", "DettaglioLinee" | "DatiRiepilogo")
            | ("DatiPagamento", "CondizioniPagamento" | "DettaglioPagamento")
            | ("Allegati", "NomeAttachment" | "FormatoAttachment" | "DescrizioneAttachment") => Step::Take,
            _ => Step::Over,
        }
    }

    fn repeats(&self, name: &str) -> bool {
        matches!(
            name,
            "FatturaElettronicaBody"
                | "DatiOrdineAcquisto"
                | "DatiContratto"
                | "DatiConvenzione"
                | "DatiRicezione"
                | "DatiFattureCollegate"
                | "DatiDDT"
                | "DettaglioLinee"
                | "DatiRiepilogo"
                | "DatiPagamento"
                | "DettaglioPagamento"
                | "Allegati"
        )
    }

    fn entered(&mut self, tag: &Tag, path: &str, desk: &mut Desk<'_, '_>) -> Result<(), Trouble> {
        match tag.name() {
            "FatturaElettronicaBody" => {
                for finding in self.header.draft.findings.drain(..) {
                    desk.finding(finding)?;
                }
                let header = &self.header.draft;
                self.draft = Draft::new(header.body.clone(), path.to_owned(), self.limits);
                self.draft.evidence.clone_from(&header.evidence);
                self.draft.groups.clone_from(&header.groups);
                self.body = Body::default();
            }
            "Allegati" => self.draft.body.attachments.push(crate::canonical::Attachment::default()),
            _ => {}
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
        match parent {
            "FatturaElettronica" => self.header.read(element, path),
            "DatiGenerali" => self.body.read_general(&mut self.draft, element, path),
            "DatiPagamento" => self.body.read_payment(&mut self.draft, element, path),
            "Allegati" => body::read_attachment(&mut self.draft, element),
            _ if element.name() == "DettaglioLinee" => line::read_line(&mut self.draft, &mut self.body, element, path),
            _ => self.body.read_summary(&mut self.draft, element, path),
        }
        Ok(())
    }

    fn left(&mut self, name: &str, whole: Location, desk: &mut Desk<'_, '_>) -> Result<(), Trouble> {
        match name {
            "FatturaElettronicaBody" => self.tell_body(whole, desk),
            "FatturaElettronica" => {
                for finding in self.header.draft.findings.drain(..) {
                    desk.finding(finding)?;
                }
                if self.told > 0 {
                    return Ok(());
                }
                let at = Location { len: 0, ..whole };
                let message = "the file holds no invoice: there is no `FatturaElettronicaBody`";
                let fix = "Write a `FatturaElettronicaBody` for each invoice.";
                desk.finding(
                    Finding::error(Code::REQUIRED_MISSING, at, message, fix).with_field("FatturaElettronicaBody"),
                )
            }
            _ => Ok(()),
        }
    }
}
