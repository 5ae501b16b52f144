//! Every document that any bytes hold, written as a table and read back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use waybill_fuzz::survives;
use waybill_parsers::csv::{Outcome, Writer};

fuzz_target!(|bytes: &[u8]| {
    survives(bytes, |document| {
        let mut out = Vec::new();
        match Writer::new(Writer::documents_of(document)?).write(document, &mut out) {
            Ok(Outcome::Written) => Some(out),
            Ok(Outcome::NotWritten(_)) | Err(_) => None,
        }
    });
});
