//! Being built.

use std::io::BufRead;

use crate::{Context, Format, Halt, Profile, Sink, Summary};

/// Being built.
pub(crate) struct X12;

impl Format for X12 {
    fn name(&self) -> &'static str {
        "x12"
    }

    fn recognize(&self, _head: &[u8], _profiles: &[Profile]) -> bool {
        false
    }

    fn parse(&self, _input: &mut dyn BufRead, _context: &Context<'_>, _sink: &mut Sink<'_>) -> Result<Summary, Halt> {
        Ok(Summary::default())
    }
}
