//! Where a vocabulary hands in what it reads: documents with what is to be said about them, one after
//! another, counted and told at once.

use std::ops::ControlFlow;

use super::stream::Trouble;
use crate::{Context, Document, Event, Finding, Halt, Limits, Sink, Summary};

/// The way from a vocabulary to the receiver of the events.
pub(super) struct Desk<'a, 's> {
    context: &'a Context<'a>,
    sink: &'a mut Sink<'s>,
    summary: Summary,
    /// The family of the documents so far; `xml` when there are several.
    family: Option<&'static str>,
}

impl<'a, 's> Desk<'a, 's> {
    pub(super) fn new(context: &'a Context<'a>, sink: &'a mut Sink<'s>, encoding: String) -> Self {
        let summary = Summary { encoding: Some(encoding), ..Summary::default() };
        Self { context, sink, summary, family: None }
    }

    pub(super) fn limits(&self) -> Limits {
        self.context.limits
    }

    /// How many documents have been told.
    pub(super) fn documents(&self) -> u64 {
        self.summary.documents
    }

    /// What the file is, for a file without documents.
    pub(super) fn name(&mut self, format: &str, version: Option<String>) {
        if self.summary.format.is_empty() {
            format.clone_into(&mut self.summary.format);
            self.summary.version = version;
        }
    }

    /// Whether a document of a known vocabulary has begun.
    pub(super) fn has_entered(&self) -> bool {
        self.family.is_some()
    }

    /// Counts elements or sections that were read.
    pub(super) fn count(&mut self, units: u64) {
        self.summary.units += units;
    }

    /// A document of this family begins.
    pub(super) fn enter(&mut self, family: &'static str) {
        self.family = match self.family {
            None => Some(family),
            Some(before) if before == family => Some(family),
            Some(_) => Some("xml"),
        };
    }

    /// Tells a document: its findings, then itself. Its ordinal is given here.
    pub(super) fn document(&mut self, mut document: Document, findings: Vec<Finding>) -> Result<(), Trouble> {
        let ordinal = u32::try_from(self.summary.documents).unwrap_or(u32::MAX);
        document.ordinal = ordinal;
        if self.summary.documents == 0 {
            document.format.as_str().clone_into(&mut self.summary.format);
            self.summary.version = document.version.as_ref().map(String::from);
        } else if self.summary.format != document.format {
            self.family.unwrap_or("xml").clone_into(&mut self.summary.format);
        }
        self.summary.documents += 1;
        for finding in findings {
            self.tell(Event::Finding(Box::new(finding.in_document(ordinal))))?;
        }
        self.tell(Event::Document(Box::new(document)))
    }

    /// Tells a finding of the file as a whole.
    pub(super) fn finding(&mut self, finding: Finding) -> Result<(), Trouble> {
        self.tell(Event::Finding(Box::new(finding)))
    }

    /// What was in the file.
    pub(super) fn summary(self) -> Summary {
        let mut summary = self.summary;
        if summary.format.is_empty() {
            self.family.unwrap_or("unknown").clone_into(&mut summary.format);
        }
        summary
    }

    fn tell(&mut self, event: Event) -> Result<(), Trouble> {
        match (self.sink)(event) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Trouble::Halt(Halt::Stopped)),
        }
    }
}
