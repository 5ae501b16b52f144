//! The formats that can be written, each behind a [`Pen`].

use std::fmt::Display;
use std::io::{self, Write};
use std::ops::ControlFlow;

use clap::ValueEnum;
use waybill_parsers::canonical::{Body, Invoice, RemittanceAdvice};
use waybill_parsers::write::{self, EdifactEnvelope, X12Envelope};
use waybill_parsers::{Context, Document, Event, Limits, Profile, json};

use super::envelope::Envelope;
use super::loss;
use super::rows::Rows;
use super::sets::Sets;
use super::ubl::Ubl;

/// Writes documents of one format, one after the other, in bounded memory.
pub(super) trait Pen {
    /// Writes a document, and what must stand before it.
    fn write(&mut self, document: &Document, out: &mut dyn Write) -> io::Result<Written>;

    /// Writes what must stand behind the last document.
    fn finish(&mut self, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}

/// What became of a document.
pub(super) enum Written {
    Whole,
    /// Written without these of its fields, or with others in their place.
    Without(Vec<String>),
    /// Not written, and why.
    Not(String),
}

/// What can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Target {
    /// One canonical document a line; loses nothing
    Json,
    /// A table in the columns of Waybill's own profiles, of one kind of documents
    Csv,
    /// UBL 2.1: invoices, credit notes, remittance advices
    Ubl,
    /// X12 invoices and credit notes
    #[value(name = "x12-810")]
    X12Invoice,
    /// X12 remittance advices
    #[value(name = "x12-820")]
    X12Remittance,
    /// EDIFACT invoices and credit notes, D.96A
    EdifactInvoic,
    /// EDIFACT remittance advices, D.96A
    EdifactRemadv,
}

impl Target {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Ubl => "ubl",
            Self::X12Invoice => "x12-810",
            Self::X12Remittance => "x12-820",
            Self::EdifactInvoic => "edifact-invoic",
            Self::EdifactRemadv => "edifact-remadv",
        }
    }

    pub(super) fn pen(self, envelope: &Envelope) -> Box<dyn Pen> {
        let control = envelope.control();
        let (x12, edifact) = (envelope.x12(), envelope.edifact());
        let x12 = move |control| X12Envelope { control, ..x12.clone() };
        let edifact = move |control: u32| EdifactEnvelope { reference: control.to_string(), ..edifact.clone() };
        match self {
            Self::Json => Box::new(Json),
            Self::Csv => Box::new(Rows::default()),
            Self::Ubl => Box::new(Ubl::default()),
            Self::X12Invoice => Box::new(Sets::new(
                is_invoice,
                control,
                Box::new(move |bodies, control| said(write::x12_invoices(&invoices(bodies), &x12(control)))),
            )),
            Self::X12Remittance => Box::new(Sets::new(
                is_remittance,
                control,
                Box::new(move |bodies, control| said(write::x12_remittances(&remittances(bodies), &x12(control)))),
            )),
            Self::EdifactInvoic => Box::new(Sets::new(
                is_invoice,
                control,
                Box::new(move |bodies, control| said(write::edifact_invoices(&invoices(bodies), &edifact(control)))),
            )),
            Self::EdifactRemadv => Box::new(Sets::new(
                is_remittance,
                control,
                Box::new(move |bodies, control| {
                    said(write::edifact_remittances(&remittances(bodies), &edifact(control)))
                }),
            )),
        }
    }
}

/// Why it could not be written, as a sentence's end.
fn said<E: Display>(written: Result<Vec<u8>, E>) -> Result<Vec<u8>, String> {
    written.map_err(|error| error.to_string())
}

fn is_invoice(body: &Body) -> Result<(), &'static str> {
    if matches!(body, Body::Invoice(_)) { Ok(()) } else { Err("it holds invoices and credit notes") }
}

fn is_remittance(body: &Body) -> Result<(), &'static str> {
    if matches!(body, Body::RemittanceAdvice(_)) { Ok(()) } else { Err("it holds remittance advices") }
}

fn invoices<'b>(bodies: &[&'b Body]) -> Vec<&'b Invoice> {
    let invoices =
        bodies.iter().filter_map(|body| if let Body::Invoice(invoice) = body { Some(&**invoice) } else { None });
    invoices.collect()
}

fn remittances<'b>(bodies: &[&'b Body]) -> Vec<&'b RemittanceAdvice> {
    let advices =
        bodies.iter().filter_map(|body| if let Body::RemittanceAdvice(advice) = body { Some(&**advice) } else { None });
    advices.collect()
}

/// Reads one document back from what was written of it, and says what is not there any more.
pub(super) fn read_back(from: &Body, written: &[u8], profiles: &[Profile]) -> Written {
    let mut bodies = Vec::new();
    let mut fault = None;
    let context = Context { profiles, limits: Limits::default() };
    let done = waybill_parsers::read(&mut &*written, &context, &mut |event| {
        match event {
            Event::Document(document) => bodies.push(document.body),
            Event::Finding(finding) => fault = fault.take().or(Some(finding.message)),
            Event::Unlisted { .. } => (),
        }
        ControlFlow::Continue(())
    });
    match (done, bodies.as_slice()) {
        (Ok(_), [back]) => match loss::between(from, back) {
            lost if lost.is_empty() => Written::Whole,
            lost => Written::Without(lost),
        },
        // Better none than one that nobody can read.
        (Err(halt), _) => Written::Not(format!("what was written cannot be read back: {halt}")),
        (Ok(_), _) => {
            let why = fault.unwrap_or_else(|| format!("{} documents were found", bodies.len()));
            Written::Not(format!("what was written cannot be read back: {why}"))
        }
    }
}

struct Json;

impl Pen for Json {
    fn write(&mut self, document: &Document, out: &mut dyn Write) -> io::Result<Written> {
        json::write(document, out)?;
        Ok(Written::Whole)
    }
}
