//! The formats that can be written, each behind a [`Pen`].

use std::io::{self, Write};

use clap::ValueEnum;
use waybill_parsers::{Document, json};

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
    /// Written without these of its fields.
    Without(Vec<String>),
    /// Not written, and why.
    Not(String),
}

/// What can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Target {
    /// One canonical document a line; loses nothing
    Json,
}

impl Target {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
        }
    }

    pub(super) fn pen(self) -> Box<dyn Pen> {
        match self {
            Self::Json => Box::new(Json),
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
