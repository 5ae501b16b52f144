//! X12 810, version 004010.

use std::io::Write;

use super::Invoice;

/// Transaction sets to an interchange.
const SETS: u64 = 1_000;

pub(super) fn write(out: &mut Vec<u8>, invoice: &Invoice) {
    if invoice.index.is_multiple_of(SETS) {
        if invoice.index > 0 {
            close(out, invoice.index / SETS, SETS);
        }
        open(out, invoice.index / SETS + 1);
    }
    let Invoice { index, day, month, .. } = invoice;
    let set = index % SETS + 1;
    let total = invoice.net() + invoice.tax();
    write!(
        out,
        "ST*810*{set:04}~\nBIG*2026{month:02}{day:02}*NW{index:09}*20251220*PO{order}***DI~\nCUR*SE*USD~\n\
         REF*VN*SO{order}~\nN1*SE*{seller}*1*{seller_id}~\nN3*1 Mill Lane~\nN4*{city}*NY*10001*US~\n\
         N1*BT*{buyer}*92*{buyer_id}~\nN3*4 Dock Road~\nN4*{city}*NJ*07001*US~\nITD*01*3*2**10**30~\n\
         DTM*011*2026{month:02}{day:02}~\n",
        order = invoice.order,
        seller = invoice.seller,
        seller_id = invoice.seller_id,
        buyer = invoice.buyer,
        buyer_id = invoice.buyer_id,
        city = invoice.city,
    )
    .unwrap();
    for (at, line) in invoice.lines.iter().enumerate() {
        let (cents, price) = (line.price % 100, line.price / 100);
        write!(
            out,
            "IT1*{number}*{quantity}*EA*{price}.{cents:02}**VP*SKU-{sku}*BP*B{sku}~\nPID*F****{name}~\n",
            number = at + 1,
            quantity = line.quantity,
            sku = line.sku,
            name = line.name,
        )
        .unwrap();
    }
    write!(
        out,
        "TDS*{total}~\nTXI*ST*{tax}.{tax_cents:02}*.2~\nCTT*{lines}~\nSE*{segments}*{set:04}~\n",
        tax = invoice.tax() / 100,
        tax_cents = invoice.tax() % 100,
        lines = invoice.lines.len(),
        segments = 16 + 2 * invoice.lines.len(),
    )
    .unwrap();
}

/// Ends the file after `documents` of them.
pub(super) fn end(out: &mut Vec<u8>, documents: u64) {
    let in_last = (documents - 1) % SETS + 1;
    close(out, documents.div_ceil(SETS), in_last);
}

fn open(out: &mut Vec<u8>, control: u64) {
    write!(
        out,
        "ISA*00*          *00*          *ZZ*NORTHWIND      *ZZ*HARBOUR        *260105*0900*U*00401*{control:09}*0*P*>~\n\
         GS*IN*NORTHWIND*HARBOUR*20260105*0900*{control}*X*004010~\n"
    )
    .unwrap();
}

fn close(out: &mut Vec<u8>, control: u64, sets: u64) {
    write!(out, "GE*{sets}*{control}~\nIEA*1*{control:09}~\n").unwrap();
}
