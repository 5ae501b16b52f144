//! What a vocabulary of XML documents is to the reader: which root elements are its own, how its names are
//! written in paths, and how it reads one.

use super::desk::Desk;
use super::stream::{Space, Stream, Trouble};
use super::{cfdi, cii, cxml, facturae, fatturapa, idoc, iso20022, ubl};

/// One family of XML documents.
pub(super) struct Vocabulary {
    /// Its name in answers, where a file holds several of its formats: `ubl`.
    pub(super) name: &'static str,
    /// Whether an element of that namespace (`None` without one) and local name begins a document.
    pub(super) is_root: fn(namespace: Option<&str>, name: &str) -> bool,
    /// What a namespace is to it; `""` stands for none.
    pub(super) space: fn(namespace: &str) -> Space,
    /// Local names of elements whose text is passed over unread, however long it is: attachments.
    pub(super) unread: &'static [&'static str],
    /// Reads what is under a root whose start tag was just read, its end tag included, and tells the desk
    /// each document it finds: one, or many, one after another.
    pub(super) read: fn(stream: &mut Stream<'_>, root: Root, desk: &mut Desk<'_, '_>) -> Result<(), Trouble>,
}

/// Every vocabulary, in the order they are asked.
pub(super) static VOCABULARIES: &[Vocabulary] = &[
    ubl::VOCABULARY,
    cii::VOCABULARY,
    cxml::VOCABULARY,
    idoc::VOCABULARY,
    iso20022::VOCABULARY,
    fatturapa::VOCABULARY,
    facturae::VOCABULARY,
    cfdi::VOCABULARY,
];

/// The vocabulary whose document an element begins.
pub(super) fn vocabulary_of(namespace: Option<&str>, name: &str) -> Option<&'static Vocabulary> {
    VOCABULARIES.iter().find(|vocabulary| (vocabulary.is_root)(namespace, name))
}

/// The root element of a document, as it was opened.
#[derive(Debug, Clone)]
pub(super) struct Root {
    pub(super) namespace: Option<String>,
    /// Its local name.
    pub(super) name: String,
    /// Its path in the file: `/Invoice`, `/Batch/Invoice[2]`.
    pub(super) path: String,
}
