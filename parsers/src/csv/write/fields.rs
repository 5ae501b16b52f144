//! What of a document stands in which column.

use rust_decimal::Decimal;

use crate::canonical::{
    Body, Identifier, Invoice, InvoiceKind, Line, Party, RemittanceAdvice, RemittanceLine, Text, Vendor, Voucher,
};
use crate::profile::Documents;

/// A document that goes into a table.
pub(super) enum Subject<'d> {
    Invoice(&'d Invoice),
    Voucher(&'d Voucher),
    Vendor(&'d Vendor),
    Remittance(&'d RemittanceAdvice),
}

impl<'d> Subject<'d> {
    pub(super) fn of(body: &'d Body) -> Option<Self> {
        match body {
            Body::Invoice(invoice) => Some(Self::Invoice(invoice)),
            Body::Voucher(voucher) => Some(Self::Voucher(voucher)),
            Body::Vendor(vendor) => Some(Self::Vendor(vendor)),
            Body::RemittanceAdvice(advice) => Some(Self::Remittance(advice)),
            Body::PaymentOrder(_) | Body::Statement(_) | Body::Acknowledgment(_) => None,
        }
    }

    pub(super) fn documents(&self) -> Documents {
        match self {
            Self::Invoice(_) => Documents::Invoice,
            Self::Voucher(_) => Documents::Voucher,
            Self::Vendor(_) => Documents::Vendor,
            Self::Remittance(_) => Documents::Remittance,
        }
    }

    pub(super) fn lines(&self) -> usize {
        match self {
            Self::Invoice(invoice) => invoice.lines.len(),
            Self::Remittance(advice) => advice.lines.len(),
            Self::Voucher(_) | Self::Vendor(_) => 0,
        }
    }

    /// The text of a field, on the row of a line.
    pub(super) fn text(&self, field: &str, line: usize) -> Option<Text> {
        let text = match self {
            Self::Invoice(invoice) => match field.strip_prefix("line_").filter(|field| *field != "net") {
                Some(field) => of_line(invoice, invoice.lines.get(line)?, field),
                None => of_invoice(invoice, field),
            },
            Self::Remittance(advice) => {
                of_payment(advice, field).or_else(|| of_settled(advice.lines.get(line)?, field))
            }
            Self::Voucher(voucher) => of_voucher(voucher, field),
            Self::Vendor(vendor) => of_vendor(vendor, field),
        }?;
        (!text.trim().is_empty()).then_some(text)
    }
}

fn written(value: Option<impl ToString>) -> Option<Text> {
    value.map(|value| value.to_string().into())
}

fn id(party: &Party) -> Option<Text> {
    party.ids.first().map(|id| id.value.clone())
}

/// Whether a credit note is told by the sign of its amounts: those that a reader of this table turns again.
fn turns(invoice: &Invoice) -> bool {
    let is_positive = invoice.totals.payable.is_some_and(|payable| payable > Decimal::ZERO);
    invoice.kind == InvoiceKind::CreditNote && is_positive
}

fn amount(invoice: &Invoice, value: Option<Decimal>) -> Option<Text> {
    written(value.map(|value| if turns(invoice) && !value.is_zero() { -value } else { value }))
}

fn of_invoice(invoice: &Invoice, field: &str) -> Option<Text> {
    let totals = &invoice.totals;
    match field {
        "number" => invoice.number.clone(),
        // A credit note without an amount, or with none due, is told by its type.
        "type" if invoice.kind == InvoiceKind::CreditNote && !turns(invoice) => Some("credit note".into()),
        "type" => invoice.type_code.clone(),
        "issue_date" => written(invoice.issue_date),
        "due_date" => written(invoice.due_date),
        "currency" => invoice.currency.clone(),
        "purchase_order" => invoice.references.purchase_order.clone(),
        "contract" => invoice.references.contract.clone(),
        "buyer_reference" => invoice.buyer_reference.clone(),
        "preceding_number" => invoice.preceding.first().map(|preceding| preceding.number.clone()),
        "seller_id" => id(&invoice.seller),
        "seller_name" => invoice.seller.name.clone(),
        "seller_vat_id" => invoice.seller.vat_id.clone(),
        "buyer_id" => id(&invoice.buyer),
        "buyer_name" => invoice.buyer.name.clone(),
        "buyer_vat_id" => invoice.buyer.vat_id.clone(),
        "note" => joined(invoice.notes.iter().map(|note| note.text.as_str())),
        "terms" => invoice.terms.as_ref().and_then(|terms| terms.text.clone()),
        "payment_account" => {
            let transfers = invoice.payments.iter().flat_map(|payment| &payment.credit_transfers);
            transfers.map(|transfer| transfer.account.clone()).next()
        }
        "line_net" => amount(invoice, totals.line_net),
        "tax_exclusive" => amount(invoice, totals.tax_exclusive),
        "tax" => amount(invoice, totals.tax),
        "tax_inclusive" => amount(invoice, totals.tax_inclusive),
        "prepaid" => amount(invoice, totals.prepaid),
        "rounding" => amount(invoice, totals.rounding),
        "payable" => amount(invoice, totals.payable),
        _ => None,
    }
}

fn of_line(invoice: &Invoice, line: &Line, field: &str) -> Option<Text> {
    match field {
        "id" => line.id.clone(),
        "item" => line.item.seller_id.clone(),
        "description" => line.item.name.clone(),
        // The factor that turns with the amount is the quantity.
        "quantity" => amount(invoice, line.quantity),
        "unit" => line.unit.clone(),
        "price" => written(line.net_price),
        "amount" => amount(invoice, line.net_amount),
        "tax_rate" => written(line.tax_rate),
        _ => None,
    }
}

fn joined<'t>(texts: impl Iterator<Item = &'t str>) -> Option<Text> {
    let texts: Vec<&str> = texts.collect();
    (!texts.is_empty()).then(|| texts.join("\n").into())
}

fn of_voucher(voucher: &Voucher, field: &str) -> Option<Text> {
    match field {
        "company_code" => voucher.company_code.clone(),
        "vendor_no" => voucher.vendor_no.clone(),
        "site_code" => voucher.site_code.clone(),
        "vendor_name" => voucher.vendor_name.clone(),
        "invoice_number" => voucher.invoice_number.clone(),
        "voucher_number" => voucher.voucher_number.clone(),
        "invoice_date" => written(voucher.invoice_date),
        "due_date" => written(voucher.due_date),
        "currency" => voucher.currency.clone(),
        "gross" => written(voucher.gross),
        "net" => written(voucher.net),
        "tax" => written(voucher.tax),
        "open" => written(voucher.open),
        "paid" => written(voucher.paid),
        "purchase_order" => voucher.purchase_order.clone(),
        // What the code means is worth more to who reads this table than the payer's own code.
        "status_code" => match voucher.status {
            Some(status) => Some(status.as_str().into()),
            None => voucher.status_code.clone(),
        },
        "hold_codes" => Some(voucher.hold_codes.join(" ").into()),
        "payment_number" => voucher.payment_number.clone(),
        "payment_date" => written(voucher.payment_date),
        "payment_method" => voucher.payment_method.clone(),
        _ => None,
    }
}

fn of_vendor(vendor: &Vendor, field: &str) -> Option<Text> {
    let of_scheme =
        |scheme: &str| vendor.ids.iter().find(|id| id.scheme.as_deref() == Some(scheme)).map(|id| id.value.clone());
    let address = vendor.address.as_ref();
    let street = |index: usize| address.and_then(|address| address.lines.get(index).cloned());
    let contact = vendor.contact.as_ref();
    match field {
        "company_code" => vendor.company_code.clone(),
        "vendor_no" => vendor.vendor_no.clone(),
        "site_code" => vendor.site_code.clone(),
        "vendor_name" => vendor.name.clone(),
        "tax_id" => of_scheme("tax_id"),
        "vat_id" => of_scheme("vat"),
        "duns" => of_scheme("duns"),
        "street" => street(0),
        "street_2" => street(1),
        "street_3" => street(2),
        "city" => address.and_then(|address| address.city.clone()),
        "postal_code" => address.and_then(|address| address.postal_code.clone()),
        "region" => address.and_then(|address| address.region.clone()),
        "country" => address.and_then(|address| address.country.clone()),
        "contact_name" => contact.and_then(|contact| contact.name.clone()),
        "contact_phone" => contact.and_then(|contact| contact.phone.clone()),
        "contact_email" => contact.and_then(|contact| contact.email.clone()),
        "remittance_email" => vendor.remittance_email.clone(),
        "currency" => vendor.currency.clone(),
        "terms" => vendor.terms.clone(),
        "payment_method" => vendor.payment_method.clone(),
        "status" => {
            let word = match (vendor.is_deleted, vendor.is_active) {
                (true, _) => "deleted",
                (false, Some(false)) => "inactive",
                (false, Some(true)) => "active",
                (false, None) => return None,
            };
            Some(word.into())
        }
        _ => None,
    }
}

/// What ties the advice to its payment; else its own number.
fn payment_number(advice: &RemittanceAdvice) -> Option<Text> {
    let is_number = |trace: &&Identifier| trace.scheme.as_deref() == Some("payment_number");
    let trace = advice.traces.iter().find(is_number).map(|trace| trace.value.clone());
    let any = || advice.traces.first().map(|trace| trace.value.clone());
    trace.or_else(|| advice.number.clone()).or_else(any)
}

fn of_payment(advice: &RemittanceAdvice, field: &str) -> Option<Text> {
    match field {
        "payment_number" => payment_number(advice),
        "advice_number" => advice.number.clone().filter(|number| Some(number) != payment_number(advice).as_ref()),
        "issue_date" => written(advice.issue_date),
        "payment_date" => written(advice.payment_date),
        "payment_method" => advice.method.clone(),
        "currency" => advice.currency.clone(),
        "payment_amount" => written(advice.total),
        "payer_id" => id(&advice.payer),
        "payer_name" => advice.payer.name.clone(),
        "payee_id" => id(&advice.payee),
        "payee_name" => advice.payee.name.clone(),
        "payer_account" => advice.payer_account.as_ref().and_then(|account| account.number.clone()),
        "payee_account" => advice.payee_account.as_ref().and_then(|account| account.number.clone()),
        "note" => joined(advice.notes.iter().map(Text::as_str)),
        _ => None,
    }
}

fn of_settled(line: &RemittanceLine, field: &str) -> Option<Text> {
    match field {
        "invoice_number" => line.document_number.clone(),
        "document_type" => line.type_code.clone(),
        "invoice_date" => written(line.document_date),
        "purchase_order" => line.purchase_order.clone(),
        "invoice_amount" => written(line.original),
        "discount" => written(line.discount),
        "adjustment" => {
            let mut amounts = line.adjustments.iter().map(|adjustment| adjustment.amount);
            let first = amounts.next()?;
            written(amounts.try_fold(first, Decimal::checked_add))
        }
        "adjustment_reason" => {
            let reasons =
                line.adjustments.iter().filter_map(|one| one.reason.as_deref().or(one.reason_code.as_deref()));
            joined(reasons)
        }
        "paid" => written(line.paid),
        "voucher_number" => {
            let is_voucher = |id: &&Identifier| id.scheme.as_deref() == Some("voucher_number");
            line.references.iter().find(is_voucher).map(|id| id.value.clone())
        }
        "line_note" => line.note.clone(),
        _ => None,
    }
}
