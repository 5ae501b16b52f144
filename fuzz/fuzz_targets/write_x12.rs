//! Every document that any bytes hold, written as an X12 810 or 820 and read back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use waybill_fuzz::{survives, x12_envelope};
use waybill_parsers::canonical::Body;
use waybill_parsers::write::{x12_invoice, x12_remittance};

fuzz_target!(|bytes: &[u8]| {
    survives(bytes, |document| match &document.body {
        Body::Invoice(invoice) => x12_invoice(invoice, &x12_envelope()).ok(),
        Body::RemittanceAdvice(advice) => x12_remittance(advice, &x12_envelope()).ok(),
        _ => None,
    });
});
