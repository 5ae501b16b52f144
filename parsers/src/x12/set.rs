//! What every reader of a transaction set does, and which set has which reader.

use crate::canonical::{Body, Evidence, Party};
use crate::edi::Segment;
use crate::finding::Finding;
use crate::path::Steps;
use crate::{Halt, Limits};

use super::acknowledgment_997::AcknowledgmentReader;
use super::adjustment_812::AdjustmentReader;
use super::advice_824::AdviceReader;
use super::invoice_810::InvoiceReader;
use super::loops::Grammar;
use super::open::{Group, Interchange};
use super::record::{Place, Record};
use super::remittance_820::RemittanceReader;

/// Reads one transaction set, segment by segment. What is wrong is recorded with its place and reading goes
/// on, so that every set becomes a document.
pub(super) trait SetReader {
    fn record(&mut self) -> &mut Record;

    /// Takes a segment between ST and SE.
    ///
    /// # Errors
    /// A limit was passed.
    fn take(&mut self, segment: &Segment<'_>) -> Result<(), Halt>;

    /// The set ends. Only a complete one can lack something.
    fn finish(self: Box<Self>, st: &Place, complete: bool) -> Told;
}

/// What a set said.
pub(super) struct Told {
    pub(super) body: Body,
    pub(super) evidence: Vec<Evidence>,
    /// What is wrong, each with the place of its segment in the set.
    pub(super) said: Vec<(Finding, u64)>,
}

/// A transaction set that begins.
pub(super) struct Opening<'a> {
    /// Its path: `ISA[1]/GS[1]/ST[2]`.
    pub(super) path: Steps,
    /// Its document's place in the file.
    pub(super) ordinal: u32,
    /// The group's (GS08).
    pub(super) version: Option<&'a str>,
    /// The implementation convention, where the set names its own (ST03, from 005010 on).
    pub(super) convention: Option<String>,
    pub(super) interchange: Option<&'a Interchange>,
    pub(super) group: &'a Group,
    pub(super) limits: Limits,
}

impl Opening<'_> {
    pub(super) fn record(&self, grammar: &'static Grammar) -> Record {
        Record::new(grammar, self.path, self.ordinal, self.version, self.limits)
    }

    /// Who sent it, and to whom, as the envelope has it: for sets that name no parties.
    pub(super) fn parties(&self) -> (Party, Party) {
        let (mut sender, mut recipient) = self.interchange.map(Interchange::parties).unwrap_or_default();
        sender.ids.extend(self.group.sender.clone());
        recipient.ids.extend(self.group.recipient.clone());
        (sender, recipient)
    }
}

/// The transaction sets that are read: their identifier codes (ST01) and the format of their documents.
const READ: [(&str, &str); 6] = [
    ("810", "x12-810"),
    ("812", "x12-812"),
    ("820", "x12-820"),
    ("824", "x12-824"),
    ("997", "x12-997"),
    ("999", "x12-999"),
];

/// The format of a set's documents; `None` for a set that is not read.
pub(super) fn format(kind: &str) -> Option<&'static str> {
    READ.iter().find(|(id, _)| *id == kind).map(|(_, format)| *format)
}

/// The reader of a set of this kind.
pub(super) fn reader(kind: &str, opening: &Opening<'_>) -> Option<Box<dyn SetReader>> {
    Some(match kind {
        "810" => Box::new(InvoiceReader::new(opening)),
        "812" => Box::new(AdjustmentReader::new(opening)),
        "820" => Box::new(RemittanceReader::new(opening)),
        "824" => Box::new(AdviceReader::new(opening)),
        "997" | "999" => Box::new(AcknowledgmentReader::new(opening)),
        _ => return None,
    })
}
