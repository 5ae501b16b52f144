//! cXML: invoices (`InvoiceDetailRequest`) and remittance advices (`PaymentRemittanceRequest`), as cxml.org
//! has them in version 1.2.
//!
//! Other cXML (orders, PunchOut, responses) is recognised and refused by name. The document type a cXML file
//! names is never fetched. Credentials are read for who sends and who receives; a shared secret is not kept.

mod invoice;
mod parties;
mod remittance;

use self::parties::Envelope;
use super::closing::Cover;
use super::desk::Desk;
use super::element::{Budget, Section};
use super::stream::{Piece, Space, Stream, Trouble};
use super::vocabulary::{Root, Vocabulary};
use super::walk::walk;
use crate::{Code, Finding, Location};

pub(super) const VOCABULARY: Vocabulary = Vocabulary {
    name: "cxml",
    is_root: |namespace, name| namespace.is_none() && name == "cXML",
    space: |namespace| if namespace.is_empty() { Space::Own("") } else { Space::Foreign },
    unread: &[],
    read,
};

/// Reads the envelope, and in it each request.
fn read(stream: &mut Stream<'_>, root: Root, desk: &mut Desk<'_, '_>) -> Result<(), Trouble> {
    stream.locate_attributes();
    let tag = stream.tag();
    let text = |name: &str| tag.attribute(name).filter(|value| !value.is_empty()).map(str::to_owned);
    let version = text("version");
    let control = text("payloadID").map(|id| ("payloadID".into(), id.into())).into_iter().collect();
    let cover = Cover { format: "cxml-invoice".to_owned(), version, control };
    let start = stream.start();
    let mut envelope = Envelope::default();
    let mut room = Section::default();
    let mut held = None;
    loop {
        match stream.next()? {
            Piece::Open => {
                desk.count(1);
                let name = stream.tag().name().to_owned();
                let path = format!("{}/{name}", root.path);
                match name.as_str() {
                    "Header" => {
                        let mut budget = Budget::new(desk.limits());
                        envelope = parties::envelope(room.read(stream, &mut budget)?);
                    }
                    "Request" | "Response" | "Message" => {
                        held = read_payload(stream, &path, &cover, &envelope, desk)?.or(held);
                    }
                    _ => stream.skip()?,
                }
            }
            Piece::Close => break,
            Piece::Blank(_) | Piece::Text(_) | Piece::Nothing | Piece::End => {}
        }
    }
    match held {
        Some(Held::Read) => Ok(()),
        Some(Held::Refused(name, at)) => {
            desk.name(&format!("cxml-{name}"), cover.version);
            desk.finding(Finding::error(
                Code::UNKNOWN_FORMAT,
                at,
                format!("the cXML holds a `{name}`, which is nothing accounts payable reads"),
                "Send an InvoiceDetailRequest or a PaymentRemittanceRequest.",
            ))
        }
        None => {
            desk.name("cxml", cover.version);
            desk.finding(Finding::error(
                Code::REQUIRED_MISSING,
                Location::new(start.byte, start.line, root.path),
                "the cXML holds no request",
                "Send an InvoiceDetailRequest or a PaymentRemittanceRequest.",
            ))
        }
    }
}

/// What a request, a response or a message holds.
enum Held {
    Read,
    Refused(String, Location),
}

fn read_payload(
    stream: &mut Stream<'_>,
    path: &str,
    cover: &Cover,
    envelope: &Envelope,
    desk: &mut Desk<'_, '_>,
) -> Result<Option<Held>, Trouble> {
    let mut held = None;
    loop {
        match stream.next()? {
            Piece::Open => {
                desk.count(1);
                let start = stream.start();
                let name: String = stream.tag().name().chars().take(60).collect();
                let path = format!("{path}/{name}");
                let at = Location::new(start.byte, start.line, path.clone());
                let root = Root { namespace: None, name: name.clone(), path };
                let limits = desk.limits();
                match name.as_str() {
                    "InvoiceDetailRequest" => {
                        let cover = Cover { format: "cxml-invoice".to_owned(), ..cover.clone() };
                        walk(stream, root, desk, &mut invoice::Reading::new(cover, envelope, limits))?;
                        held = Some(Held::Read);
                    }
                    "PaymentRemittanceRequest" => {
                        let cover = Cover { format: "cxml-remittance".to_owned(), ..cover.clone() };
                        walk(stream, root, desk, &mut remittance::Reading::new(cover, envelope, limits))?;
                        held = Some(Held::Read);
                    }
                    // A response says how it went before what it brings.
                    "Status" => {
                        stream.skip()?;
                        held = held.or(Some(Held::Refused("Response".to_owned(), at)));
                    }
                    _ => {
                        stream.skip()?;
                        held = match held {
                            Some(Held::Read) => held,
                            _ => Some(Held::Refused(name, at)),
                        };
                    }
                }
            }
            Piece::Close => return Ok(held),
            Piece::Blank(_) | Piece::Text(_) | Piece::Nothing | Piece::End => {}
        }
    }
}
