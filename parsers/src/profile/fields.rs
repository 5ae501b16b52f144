//! The canonical fields a column can be mapped to: what `[columns]` of a profile may name.

use super::settings::Documents;
use FieldKind::{Amount, Date, Number, Text};

/// How a cell is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// As it is, blanks around it cut.
    Text,
    /// An amount of money.
    Amount,
    /// A quantity, a price or a rate: any number of decimals.
    Number,
    /// A civil date.
    Date,
}

/// A canonical field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// As a profile names it.
    pub name: &'static str,
    /// The documents that have it.
    pub of: Documents,
    /// How its cells are read.
    pub kind: FieldKind,
    /// Whether it belongs to a line rather than to the document.
    pub per_line: bool,
    /// Whether no profile can do without its column.
    pub always: bool,
    /// What it is, for the list of what is allowed.
    pub about: &'static str,
}

impl Field {
    /// The field of that name.
    #[must_use]
    pub fn named(of: Documents, name: &str) -> Option<&'static Self> {
        FIELDS.iter().find(|field| field.of == of && field.name == name)
    }

    /// All fields of a kind of document.
    pub fn all(of: Documents) -> impl Iterator<Item = &'static Self> {
        FIELDS.iter().filter(move |field| field.of == of)
    }
}

/// A field by its place in [`FIELDS`]: what the readers ask for, settled when the program is compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FieldId(u8);

impl FieldId {
    /// The field of that name.
    #[expect(clippy::panic, clippy::indexing_slicing, reason = "evaluated by the compiler only")]
    pub(crate) const fn of(of: Documents, name: &str) -> Self {
        let mut index = 0;
        while index < FIELDS.len() {
            if FIELDS[index].of as u8 == of as u8 && is_same(FIELDS[index].name.as_bytes(), name.as_bytes()) {
                #[expect(clippy::cast_possible_truncation, reason = "there are fewer than 256 fields")]
                return Self(index as u8);
            }
            index += 1;
        }
        panic!("no such field")
    }

    /// The field at a place of [`FIELDS`].
    pub(crate) fn at(index: usize) -> Option<Self> {
        u8::try_from(index).ok().filter(|_| index < FIELDS.len()).map(Self)
    }

    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }

    pub(crate) fn name(self) -> &'static str {
        FIELDS.get(self.index()).map_or("", |field| field.name)
    }
}

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler only")]
const fn is_same(one: &[u8], two: &[u8]) -> bool {
    let mut index = 0;
    while index < one.len() && index < two.len() {
        if one[index] != two[index] {
            return false;
        }
        index += 1;
    }
    one.len() == two.len()
}

const fn head(name: &'static str, kind: FieldKind, about: &'static str) -> Field {
    Field { name, of: Documents::Invoice, kind, per_line: false, always: false, about }
}

const fn line(name: &'static str, kind: FieldKind, about: &'static str) -> Field {
    Field { name, of: Documents::Invoice, kind, per_line: true, always: false, about }
}

const fn item(name: &'static str, kind: FieldKind, about: &'static str) -> Field {
    Field { name, of: Documents::Voucher, kind, per_line: false, always: false, about }
}

const fn vendor(name: &'static str, about: &'static str) -> Field {
    Field { name, of: Documents::Vendor, kind: Text, per_line: false, always: false, about }
}

const fn payment(name: &'static str, kind: FieldKind, about: &'static str) -> Field {
    Field { name, of: Documents::Remittance, kind, per_line: false, always: false, about }
}

const fn settled(name: &'static str, kind: FieldKind, about: &'static str) -> Field {
    Field { name, of: Documents::Remittance, kind, per_line: true, always: false, about }
}

const fn always(field: Field) -> Field {
    Field { always: true, ..field }
}

/// Every canonical field.
pub static FIELDS: [Field; 100] = [
    always(head("number", Text, "the invoice number (BT-1)")),
    head("type", Text, "invoice or credit note, in the file's own words (BT-3)"),
    always(head("issue_date", Date, "invoice date (BT-2)")),
    head("due_date", Date, "due date (BT-9)"),
    head("currency", Text, "ISO 4217 code (BT-5)"),
    head("purchase_order", Text, "purchase order number (BT-13)"),
    head("contract", Text, "contract number (BT-12)"),
    head("buyer_reference", Text, "the buyer's reference (BT-10)"),
    head("preceding_number", Text, "the invoice a credit note corrects (BT-25)"),
    head("seller_id", Text, "the supplier's number in the buyer's vendor master (BT-29)"),
    head("seller_name", Text, "the supplier's name (BT-27)"),
    head("seller_vat_id", Text, "the supplier's VAT number (BT-31)"),
    head("buyer_id", Text, "the buyer's number (BT-46)"),
    head("buyer_name", Text, "the buyer's name (BT-44)"),
    head("buyer_vat_id", Text, "the buyer's VAT number (BT-48)"),
    head("note", Text, "a note (BT-22)"),
    head("terms", Text, "payment terms in words (BT-20)"),
    head("payment_account", Text, "account to pay to: IBAN or number (BT-84)"),
    head("line_net", Amount, "sum of the lines (BT-106)"),
    head("tax_exclusive", Amount, "total without tax (BT-109)"),
    head("tax", Amount, "total tax (BT-110)"),
    head("tax_inclusive", Amount, "total with tax (BT-112)"),
    head("prepaid", Amount, "already paid (BT-113)"),
    head("rounding", Amount, "rounding (BT-114)"),
    always(head("payable", Amount, "the amount due (BT-115)")),
    line("line_id", Text, "line number (BT-126)"),
    line("line_item", Text, "the seller's item number (BT-155)"),
    line("line_description", Text, "what was sold (BT-153)"),
    line("line_quantity", Number, "quantity (BT-129)"),
    line("line_unit", Text, "unit of the quantity (BT-130)"),
    line("line_price", Number, "price of one unit, without tax (BT-146)"),
    line("line_amount", Amount, "the line's amount, without tax (BT-131)"),
    line("line_tax_rate", Number, "tax rate in percent (BT-152)"),
    item("company_code", Text, "the payer's company or business unit"),
    item("vendor_no", Text, "the vendor's number in the payer's vendor master"),
    item("site_code", Text, "the vendor's site"),
    item("vendor_name", Text, "the vendor's name"),
    always(item("invoice_number", Text, "the supplier's invoice number")),
    item("voucher_number", Text, "the payer's own number of the item"),
    item("invoice_date", Date, "the supplier's invoice date"),
    item("due_date", Date, "when payment is due"),
    item("currency", Text, "ISO 4217 code"),
    always(item("gross", Amount, "the whole amount, negative for a credit")),
    item("net", Amount, "the amount without tax"),
    item("tax", Amount, "the tax"),
    item("open", Amount, "what is still to be paid"),
    item("paid", Amount, "what has been paid"),
    item("purchase_order", Text, "purchase order number"),
    item("status_code", Text, "the payer's status code; [status] says what it means"),
    item("hold_codes", Text, "hold codes, separated by blanks or commas"),
    item("payment_number", Text, "check or transfer number"),
    item("payment_date", Date, "when it was paid"),
    item("payment_method", Text, "how it was paid"),
    vendor("company_code", "the payer's company or business unit"),
    always(vendor("vendor_no", "the vendor's number in the payer's vendor master")),
    vendor("site_code", "the vendor's remit-to site"),
    vendor("vendor_name", "the vendor's name"),
    vendor("tax_id", "tax number: EIN, SSN, TIN, Steuernummer"),
    vendor("vat_id", "VAT number"),
    vendor("duns", "DUNS number"),
    vendor("street", "first line of the address"),
    vendor("street_2", "second line of the address"),
    vendor("street_3", "third line of the address"),
    vendor("city", "city"),
    vendor("postal_code", "postal code"),
    vendor("region", "state or province"),
    vendor("country", "country"),
    vendor("contact_name", "whom to call"),
    vendor("contact_phone", "telephone"),
    vendor("contact_email", "e-mail of the contact"),
    vendor("remittance_email", "where remittance advices are mailed"),
    vendor("currency", "ISO 4217 code"),
    vendor("terms", "payment terms, in the payer's words"),
    vendor("payment_method", "how the vendor is paid"),
    vendor("status", "whether the vendor is active; [inactive] and [deleted] say which words mean what"),
    always(payment("payment_number", Text, "check or transfer number")),
    payment("advice_number", Text, "the advice's own number, where it is not the payment's"),
    payment("issue_date", Date, "date of the advice"),
    payment("payment_date", Date, "when the money moves"),
    payment("payment_method", Text, "how it is paid: ACH, CHK, wire"),
    payment("currency", Text, "ISO 4217 code"),
    always(payment("payment_amount", Amount, "what is paid in all")),
    payment("payer_id", Text, "the payer's company or number"),
    payment("payer_name", Text, "the payer's name"),
    payment("payee_id", Text, "the payee's number in the payer's vendor master"),
    payment("payee_name", Text, "the payee's name"),
    payment("payer_account", Text, "the account it is paid from"),
    payment("payee_account", Text, "the account it is paid to"),
    payment("note", Text, "a note on the payment"),
    always(settled("invoice_number", Text, "the number of the document that is paid")),
    settled("document_type", Text, "invoice or credit note, in the file's own words"),
    settled("invoice_date", Date, "its date"),
    settled("purchase_order", Text, "its purchase order number"),
    settled("invoice_amount", Amount, "its amount before discount and adjustments"),
    settled("discount", Amount, "discount taken, positive"),
    settled("adjustment", Amount, "adjustment: negative takes away from the payment"),
    settled("adjustment_reason", Text, "why it was adjusted"),
    always(settled("paid", Amount, "what is paid of it now")),
    settled("voucher_number", Text, "the payer's own number of the document"),
    settled("line_note", Text, "a note on the document"),
];
