//! The digest of what a document says, whatever the format it says it in: `100.0` is `100.00`, and where it stood in
//! its file does not count.

use jiff::civil::Date;
use rust_decimal::Decimal;
use waybill_parsers::canonical::{Invoice, InvoiceKind, Line, Text, Vendor, Voucher};

use crate::domain::{Digest, Hasher};
use crate::ledger::number::Keys;

/// What an invoice says to the one who has to pay it: number, dates, references, amounts, taxes, lines. Names,
/// addresses and notes do not count: formats cut them, and nobody pays another amount for them.
#[must_use]
pub fn invoice_content(invoice: &Invoice) -> Digest {
    let mut fields = Fields::new("invoice 1");
    let kind = match invoice.kind {
        InvoiceKind::Invoice => "invoice",
        InvoiceKind::CreditNote => "credit_note",
    };
    fields.text("kind", Some(kind));
    fields.text("number", invoice.number.as_deref().and_then(Keys::of).map(|keys| keys.k0).as_deref());
    fields.date("issued", invoice.issue_date);
    fields.date("due", invoice.due_date);
    fields.text("currency", invoice.currency.as_deref());
    fields.text("order", invoice.references.purchase_order.as_deref());
    fields.text("seller", invoice.seller.vat_id.as_ref().or(invoice.seller.tax_id.as_ref()).map(Text::as_str));
    let totals = &invoice.totals;
    for (tag, amount) in [
        ("exclusive", totals.tax_exclusive),
        ("tax", totals.tax),
        ("inclusive", totals.tax_inclusive),
        ("prepaid", totals.prepaid),
        ("withheld", totals.withheld),
        ("payable", totals.payable),
    ] {
        fields.amount(tag, amount);
    }
    for tax in &invoice.tax_breakdown {
        fields.text("category", tax.category.as_deref());
        fields.amount("rate", tax.rate);
        fields.amount("base", tax.base);
        fields.amount("tax", tax.tax);
    }
    for preceding in &invoice.preceding {
        fields.text("preceding", Some(&preceding.number));
    }
    for account in invoice.payments.iter().flat_map(|payment| &payment.credit_transfers) {
        fields.text("account", Some(&account.account));
    }
    fields.lines(&invoice.lines);
    fields.finish()
}

/// The digest of the lines alone; `None` of an invoice without lines. Two invoices whose lines are the same are the
/// same purchase, or the same month's subscription.
#[must_use]
pub fn line_content(lines: &[Line]) -> Option<Digest> {
    let mut fields = Fields::new("lines 1");
    fields.lines(lines);
    (!lines.is_empty()).then(|| fields.finish())
}

/// What a payer's row says: all of it. The order of its hold codes does not count.
#[must_use]
pub fn voucher_content(voucher: &Voucher) -> Digest {
    let mut fields = Fields::new("voucher 1");
    for (tag, text) in [
        ("company_code", &voucher.company_code),
        ("vendor_no", &voucher.vendor_no),
        ("site_code", &voucher.site_code),
        ("vendor_name", &voucher.vendor_name),
        ("invoice_number", &voucher.invoice_number),
        ("voucher_number", &voucher.voucher_number),
        ("currency", &voucher.currency),
        ("purchase_order", &voucher.purchase_order),
        ("status_code", &voucher.status_code),
        ("status_text", &voucher.status_text),
        ("payment_number", &voucher.payment_number),
        ("payment_method", &voucher.payment_method),
    ] {
        fields.text(tag, text.as_deref());
    }
    fields.text("status", voucher.status.map(|status| status.as_str()));
    for (tag, date) in
        [("invoice_date", voucher.invoice_date), ("due_date", voucher.due_date), ("payment_date", voucher.payment_date)]
    {
        fields.date(tag, date);
    }
    for (tag, amount) in [
        ("gross", voucher.gross),
        ("net", voucher.net),
        ("tax", voucher.tax),
        ("open", voucher.open),
        ("paid", voucher.paid),
    ] {
        fields.amount(tag, amount);
    }
    let mut holds: Vec<&str> = voucher.hold_codes.iter().map(Text::as_str).collect();
    holds.sort_unstable();
    holds.dedup();
    for hold in holds {
        fields.text("hold", Some(hold));
    }
    fields.finish()
}

/// What a vendor row says: all of it.
#[must_use]
pub fn vendor_content(vendor: &Vendor) -> Digest {
    let mut fields = Fields::new("vendor 1");
    // It holds no amount: its JSON is its text.
    fields.text("row", serde_json::to_string(vendor).ok().as_deref());
    fields.finish()
}

/// Named fields on their way into a digest: each with its length, so that no two rows of fields read the same.
struct Fields(Hasher);

impl Fields {
    /// `what` names the list of fields and its version: a digest is comparable with those of the same list only.
    fn new(what: &str) -> Self {
        let mut fields = Self(Hasher::default());
        fields.bytes(what);
        fields
    }

    fn text(&mut self, tag: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.bytes(tag);
            self.bytes(text.trim());
        }
    }

    fn date(&mut self, tag: &str, date: Option<Date>) {
        self.text(tag, date.map(|date| date.to_string()).as_deref());
    }

    fn amount(&mut self, tag: &str, amount: Option<Decimal>) {
        self.text(tag, amount.map(|amount| amount.normalize().to_string()).as_deref());
    }

    fn lines(&mut self, lines: &[Line]) {
        for line in lines {
            self.bytes("line");
            self.amount("quantity", line.quantity);
            self.text("unit", line.unit.as_deref());
            self.amount("price", line.net_price);
            self.amount("net", line.net_amount);
            self.text("name", line.item.name.as_deref());
            self.text("seller_id", line.item.seller_id.as_deref());
            self.text("buyer_id", line.item.buyer_id.as_deref());
        }
    }

    fn bytes(&mut self, text: &str) {
        self.0.update(&(text.len() as u64).to_be_bytes());
        self.0.update(text.as_bytes());
    }

    fn finish(self) -> Digest {
        self.0.finish()
    }
}
