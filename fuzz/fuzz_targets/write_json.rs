//! Every document that any bytes hold, written as canonical JSON and read back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use waybill_fuzz::survives;
use waybill_parsers::json;

fuzz_target!(|bytes: &[u8]| {
    survives(bytes, |document| {
        let mut out = Vec::new();
        json::write(document, &mut out).ok().map(|()| out)
    });
});
