//! Interchanges of X12 and EDIFACT: many documents under one envelope, a bounded number at a time.

use std::io::{self, Write};

use waybill_parsers::Document;
use waybill_parsers::canonical::Body;

use super::pen::{Pen, Written, read_back};

/// Writes some documents as one interchange of this control number; or says what one of them has that cannot be
/// written.
pub(super) type WriteSets = Box<dyn Fn(&[&Body], u32) -> Result<Vec<u8>, String>>;

/// Whether a document is of the kind that is written, or what is.
pub(super) type Takes = fn(&Body) -> Result<(), &'static str>;

/// An interchange holds so many documents; then the next begins. It is what is held in memory.
const SETS_MAX: usize = 500;

pub(super) struct Sets {
    takes: Takes,
    write: WriteSets,
    held: Vec<Body>,
    control: u32,
}

impl Sets {
    pub(super) fn new(takes: Takes, control: u32, write: WriteSets) -> Self {
        Self { takes, write, held: Vec::new(), control }
    }

    fn flush(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if self.held.is_empty() {
            return Ok(());
        }
        let bodies: Vec<&Body> = self.held.iter().collect();
        // Each was written alone before it was held.
        let interchange = (self.write)(&bodies, self.control).map_err(io::Error::other)?;
        out.write_all(&interchange)?;
        self.held.clear();
        // The numbers of X12 have nine digits and begin again at 1.
        self.control = self.control % 999_999_999 + 1;
        Ok(())
    }
}

impl Pen for Sets {
    fn write(&mut self, document: &Document, out: &mut dyn Write) -> io::Result<Written> {
        if let Err(why) = (self.takes)(&document.body) {
            return Ok(Written::Not(why.to_owned()));
        }
        let alone = match (self.write)(&[&document.body], self.control) {
            Ok(alone) => alone,
            Err(why) => return Ok(Written::Not(why)),
        };
        let written = read_back(&document.body, &alone, &[]);
        if !matches!(written, Written::Not(_)) {
            self.held.push(document.body.clone());
        }
        if self.held.len() >= SETS_MAX {
            self.flush(out)?;
        }
        Ok(written)
    }

    fn finish(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.flush(out)
    }
}
