//! UBL 2 (OASIS; ISO/IEC 19845): invoices and credit notes of every kind, remittance advices, statements, and
//! the answers to them.

mod invoice;
mod party;
mod remittance;
mod response;
mod sections;
mod statement;
pub(crate) mod write;

use super::stream::{Space, Stream, Trouble};
use super::vocabulary::Vocabulary;
use crate::rules::Claim;
use crate::{Document, Finding, Limits};

const SCHEMA: &str = "urn:oasis:names:specification:ubl:schema:xsd:";
const AGGREGATE: &str = "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2";
const BASIC: &str = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2";

/// UBL 2.
pub(super) const VOCABULARY: Vocabulary = Vocabulary {
    name: "ubl",
    is_root: |namespace, name| Kind::of(namespace, name).is_some(),
    space: |namespace| match namespace {
        AGGREGATE => Space::Own("cac"),
        BASIC => Space::Own("cbc"),
        _ => Space::Foreign,
    },
    unread: &["EmbeddedDocumentBinaryObject"],
    read: |stream, root, desk| {
        let Some(kind) = Kind::of(root.namespace.as_deref(), &root.name) else { return stream.skip() };
        let Reading { document, findings, sections } = read(stream, kind, root.path, desk.limits(), Claim::AsStated)?;
        desk.count(sections);
        desk.document(document, findings)
    },
};

/// Which of the documents it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Invoice,
    CreditNote,
    SelfBilledInvoice,
    SelfBilledCreditNote,
    DebitNote,
    FreightInvoice,
    RemittanceAdvice,
    Statement,
    ApplicationResponse,
}

const KINDS: [Kind; 9] = [
    Kind::Invoice,
    Kind::CreditNote,
    Kind::SelfBilledInvoice,
    Kind::SelfBilledCreditNote,
    Kind::DebitNote,
    Kind::FreightInvoice,
    Kind::RemittanceAdvice,
    Kind::Statement,
    Kind::ApplicationResponse,
];

impl Kind {
    /// What a root element begins: the namespace of each document is named after its root.
    pub(super) fn of(namespace: Option<&str>, name: &str) -> Option<Self> {
        let document = namespace?.strip_prefix(SCHEMA)?.strip_suffix("-2")?;
        KINDS.into_iter().find(|kind| kind.name() == name && name == document)
    }

    /// The name of its root element.
    fn name(self) -> &'static str {
        match self {
            Self::Invoice => "Invoice",
            Self::CreditNote => "CreditNote",
            Self::SelfBilledInvoice => "SelfBilledInvoice",
            Self::SelfBilledCreditNote => "SelfBilledCreditNote",
            Self::DebitNote => "DebitNote",
            Self::FreightInvoice => "FreightInvoice",
            Self::RemittanceAdvice => "RemittanceAdvice",
            Self::Statement => "Statement",
            Self::ApplicationResponse => "ApplicationResponse",
        }
    }

    fn format(self) -> &'static str {
        match self {
            Self::Invoice => "ubl-invoice",
            Self::CreditNote => "ubl-creditnote",
            Self::SelfBilledInvoice => "ubl-selfbilledinvoice",
            Self::SelfBilledCreditNote => "ubl-selfbilledcreditnote",
            Self::DebitNote => "ubl-debitnote",
            Self::FreightInvoice => "ubl-freightinvoice",
            Self::RemittanceAdvice => "ubl-remittanceadvice",
            Self::Statement => "ubl-statement",
            Self::ApplicationResponse => "ubl-applicationresponse",
        }
    }
}

/// A document with what is to be said about it.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) document: Document,
    pub(super) findings: Vec<Finding>,
    pub(super) sections: u64,
}

/// Reads the document whose start tag was just read, to its end tag.
pub(super) fn read(
    stream: &mut Stream<'_>,
    kind: Kind,
    path: String,
    limits: Limits,
    claim: Claim,
) -> Result<Reading, Trouble> {
    match kind {
        Kind::RemittanceAdvice => remittance::read(stream, path, limits),
        Kind::Statement => statement::read(stream, path, limits),
        Kind::ApplicationResponse => response::read(stream, path, limits),
        _ => invoice::read(stream, kind, path, limits, claim),
    }
}
