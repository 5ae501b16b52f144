//! What holds for every writer, whatever document it is given.

use std::ops::ControlFlow;

use jiff::civil::DateTime;
use waybill_parsers::canonical::Identifier;
use waybill_parsers::write::{EdifactEnvelope, X12Envelope, X12Version};
use waybill_parsers::{Context, Document, Event, Limits, profile, read};

/// Reads any bytes, has every document written, and looks at what was written: it is one document of the same kind,
/// number, currency and amount; and once a reader has filled in what follows from the rest, writing and reading
/// change nothing any more.
///
/// A writer gives `None` for what it has no place for.
pub fn survives(bytes: &[u8], write: impl Fn(&Document) -> Option<Vec<u8>>) {
    for document in documents(bytes) {
        let Some(first) = write(&document) else { continue };
        let back = only(&first);
        for (said, again) in essence(&document).iter().zip(essence(&back)) {
            assert!(said.is_none() || *said == again, "{said:?}, {again:?}: {}", String::from_utf8_lossy(&first));
        }
        // What a reader makes of it may say more than the writer has a place for: a limit, not a fault.
        let Some(second) = write(&back) else { continue };
        let settled = only(&second);
        let Some(third) = write(&settled) else { continue };
        assert_eq!(only(&third).body, settled.body, "{}", String::from_utf8_lossy(&third));
    }
}

fn documents(bytes: &[u8]) -> Vec<Document> {
    let mut documents = Vec::new();
    let context = Context { profiles: profile::built_in(), limits: Limits::default() };
    let mut input = bytes;
    let _ = read(&mut input, &context, &mut |event| {
        if let Event::Document(document) = event {
            documents.push(*document);
        }
        // A file of thousands says no more than one of some.
        if documents.len() < 20 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    documents
}

fn only(written: &[u8]) -> Document {
    let mut documents = documents(written);
    assert_eq!(documents.len(), 1, "{}", String::from_utf8_lossy(written));
    documents.remove(0)
}

/// What no writer may lose or change: what the document says itself. A reader may know more from the envelope or
/// from other totals, and none knows a currency that is none.
fn essence(document: &Document) -> [Option<String>; 5] {
    let currency = document.currency().filter(|code| code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase()));
    [
        Some(document.kind().to_owned()),
        document.number().map(str::to_owned),
        currency.map(str::to_owned),
        document.payable().map(|amount| amount.normalize().to_string()),
        document.issue_date().map(|date| date.to_string()),
    ]
}

/// An envelope to write X12 in.
pub fn x12_envelope() -> X12Envelope {
    X12Envelope {
        sender: party("x12:01", "123456789"),
        recipient: party("x12:ZZ", "HARBOUR"),
        application_sender: None,
        application_recipient: None,
        control: 7,
        at: AT,
        version: X12Version::V005010,
        is_test: false,
    }
}

/// An envelope to write EDIFACT in.
pub fn edifact_envelope() -> EdifactEnvelope {
    EdifactEnvelope {
        sender: party("0088", "4000001000005"),
        recipient: party("edifact:ZZ", "HARBOUR"),
        reference: "7".to_owned(),
        at: AT,
        is_test: false,
    }
}

const AT: DateTime = DateTime::constant(2026, 4, 12, 10, 30, 0, 0);

fn party(scheme: &str, value: &str) -> Identifier {
    Identifier { scheme: Some(scheme.into()), value: value.into() }
}

