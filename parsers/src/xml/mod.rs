//! Being built.

use std::io::BufRead;

use crate::{Context, Format, Halt, Profile, Sink, Summary};

/// Being built.
pub(crate) struct Ubl;

impl Format for Ubl {
    fn name(&self) -> &'static str {
        "ubl"
    }

    fn recognize(&self, _head: &[u8], _profiles: &[Profile]) -> bool {
        false
    }

    fn parse(&self, _input: &mut dyn BufRead, _context: &Context<'_>, _sink: &mut Sink<'_>) -> Result<Summary, Halt> {
        Ok(Summary::default())
    }
}
