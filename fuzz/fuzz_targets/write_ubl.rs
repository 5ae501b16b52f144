//! Every document that any bytes hold, written as UBL and read back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use waybill_fuzz::survives;
use waybill_parsers::canonical::Body;
use waybill_parsers::write::{ubl_invoice, ubl_remittance};

fuzz_target!(|bytes: &[u8]| {
    survives(bytes, |document| match &document.body {
        Body::Invoice(invoice) => ubl_invoice(invoice).ok(),
        Body::RemittanceAdvice(advice) => ubl_remittance(advice).ok(),
        _ => None,
    });
});
