//! EDIFACT INVOIC, directory D.96A, syntax UNOC.

use std::io::Write;

use super::{Invoice, money};

/// Messages to an interchange.
const MESSAGES: u64 = 1_000;

pub(super) fn write(out: &mut Vec<u8>, invoice: &Invoice) {
    if invoice.index.is_multiple_of(MESSAGES) {
        if invoice.index > 0 {
            close(out, invoice.index / MESSAGES, MESSAGES);
        }
        open(out, invoice.index / MESSAGES + 1);
    }
    let Invoice { index, day, month, .. } = invoice;
    let message = index % MESSAGES + 1;
    write!(
        out,
        "UNH+{message}+INVOIC:D:96A:UN:EAN008'\nBGM+380+NW{index:09}+9'\nDTM+137:2026{month:02}{day:02}:102'\n\
         DTM+35:2026{month:02}{day:02}:102'\nRFF+ON:PO{order}'\nRFF+VN:SO{order}'\n\
         NAD+SU+{seller_id:013}::9++{seller}+1 Mill Lane+{city}++10001+GB'\nRFF+VA:GB{seller_id}'\n\
         NAD+BY+{buyer_id:013}::9++{buyer}+4 Dock Road+{city}++07001+DE'\nRFF+VA:DE{buyer_id}'\n\
         CUX+2:EUR:4'\nPAT+1'\nDTM+13:2027{month:02}{day:02}:102'\n",
        order = invoice.order,
        seller = invoice.seller,
        seller_id = invoice.seller_id,
        buyer = invoice.buyer,
        buyer_id = invoice.buyer_id,
        city = invoice.city,
    )
    .unwrap();
    for (at, line) in invoice.lines.iter().enumerate() {
        write!(
            out,
            "LIN+{number}++{sku:013}:EN'\nPIA+1+SKU-{sku}:SA'\nIMD+F++:::{name}'\nQTY+47:{quantity}:PCE'\n\
             MOA+203:{amount}'\nPRI+AAA:{price}'\nTAX+7+VAT+++:::20+S'\n",
            number = at + 1,
            sku = line.sku,
            name = line.name,
            quantity = line.quantity,
            amount = money(line.amount()),
            price = money(line.price),
        )
        .unwrap();
    }
    let (net, tax) = (invoice.net(), invoice.tax());
    write!(
        out,
        "UNS+S'\nCNT+2:{lines}'\nMOA+77:{total}'\nMOA+79:{net}'\nMOA+125:{net}'\nMOA+124:{tax}'\n\
         TAX+7+VAT+++:::20+S'\nMOA+125:{net}'\nMOA+124:{tax}'\nUNT+{segments}+{message}'\n",
        lines = invoice.lines.len(),
        total = money(net + tax),
        net = money(net),
        tax = money(tax),
        segments = 23 + 7 * invoice.lines.len(),
    )
    .unwrap();
}

/// Ends the file after `documents` of them.
pub(super) fn end(out: &mut Vec<u8>, documents: u64) {
    let in_last = (documents - 1) % MESSAGES + 1;
    close(out, documents.div_ceil(MESSAGES), in_last);
}

fn open(out: &mut Vec<u8>, control: u64) {
    write!(out, "UNA:+.? '\nUNB+UNOC:3+5060000000000:14+4000000000000:14+260105:0900+{control}'\n").unwrap();
}

fn close(out: &mut Vec<u8>, control: u64, messages: u64) {
    writeln!(out, "UNZ+{messages}+{control}'").unwrap();
}
