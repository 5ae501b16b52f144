//! Every document that any bytes hold, written as an EDIFACT INVOIC, REMADV or APERAK and read back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use waybill_fuzz::{edifact_envelope, survives};
use waybill_parsers::canonical::Body;
use waybill_parsers::write::{edifact_applications, edifact_invoice, edifact_remittance};

fuzz_target!(|bytes: &[u8]| {
    survives(bytes, |document| match &document.body {
        Body::Invoice(invoice) => edifact_invoice(invoice, &edifact_envelope()).ok(),
        Body::RemittanceAdvice(advice) => edifact_remittance(advice, &edifact_envelope()).ok(),
        Body::Acknowledgment(answer) => edifact_applications(&[answer], &edifact_envelope()).ok(),
        _ => None,
    });
});
