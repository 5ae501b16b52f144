//! Where a document stands on its way to being paid (PORTAL B3).

use waybill_parsers::Document;
use waybill_parsers::canonical::Body;

/// The status a freshly read document has: a payer's voucher has the one its profile maps its code to;
/// a supplier's invoice is submitted; what is no claim to be paid is received; a document with errors of its own is
/// rejected, kept, and shown with its reasons.
#[must_use]
pub fn status_of(document: &Document, errors: i64) -> &'static str {
    if errors > 0 {
        return "rejected";
    }
    match &document.body {
        Body::Voucher(voucher) => voucher.status.map_or("received", |status| status.as_str()),
        Body::Invoice(_) => "submitted",
        Body::RemittanceAdvice(_)
        | Body::PaymentOrder(_)
        | Body::Statement(_)
        | Body::Vendor(_)
        | Body::Acknowledgment(_) => "received",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use waybill_parsers::Location;
    use waybill_parsers::canonical::{PaymentStatus, Voucher};

    fn document(body: Body) -> Document {
        Document {
            ordinal: 0,
            format: "csv".into(),
            version: None,
            location: Location::file(),
            control: vec![],
            evidence: vec![],
            body,
        }
    }

    #[test]
    fn errors_reject_and_the_payers_word_counts_otherwise() {
        let invoice = document(Body::Invoice(Box::default()));
        assert_eq!(status_of(&invoice, 0), "submitted");
        assert_eq!(status_of(&invoice, 1), "rejected");
        let paid = Voucher { status: Some(PaymentStatus::Paid), ..Voucher::default() };
        assert_eq!(status_of(&document(Body::Voucher(Box::new(paid))), 0), "paid");
        assert_eq!(status_of(&document(Body::Voucher(Box::default())), 0), "received");
    }
}
