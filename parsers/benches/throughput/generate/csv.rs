//! A table in the columns of the built-in profile `waybill-invoices`: a row per line, the invoice's own
//! columns repeated.

use std::io::Write;

use super::{Invoice, money};

pub(super) fn write(out: &mut Vec<u8>, invoice: &Invoice) {
    if invoice.index == 0 {
        out.extend_from_slice(
            b"invoice_number,type,invoice_date,due_date,vendor_id,vendor_name,po_number,currency,invoice_amount,\
              tax_amount,line_no,sku,description,quantity,unit_price,line_amount\n",
        );
    }
    let Invoice { index, day, month, seller, seller_id, order, .. } = invoice;
    let (tax, total) = (money(invoice.tax()), money(invoice.net() + invoice.tax()));
    for (at, line) in invoice.lines.iter().enumerate() {
        // As exports do, the free text is quoted; now and then it holds the delimiter.
        let rest = if line.sku % 4 == 0 { ", pallet" } else { "" };
        writeln!(
            out,
            "NW-{index:09},INVOICE,2026-{month:02}-{day:02},2027-{month:02}-{day:02},V{seller_id},{seller},PO-{order},\
             USD,{total},{tax},{number},SKU-{sku},\"{name}{rest}\",{quantity},{price},{amount}",
            number = at + 1,
            sku = line.sku,
            name = line.name,
            quantity = line.quantity,
            price = money(line.price),
            amount = money(line.amount()),
        )
        .unwrap();
    }
}
