//! The lines: LIN and what follows in its group.

use rust_decimal::Decimal;

use super::InvoicReader;
use super::header::free_text;
use super::tax::{category, rate};
use super::totals::is_total;
use crate::Halt;
use crate::canonical::{Identifier, ItemId, Line};
use crate::edifact::groups::Group;
use crate::edifact::party::scheme_of;
use crate::edifact::record::{AMOUNT, Record};
use crate::edifact::segment::{Segment, Spot};
use crate::edifact::values;
use crate::finding::Code;
use crate::rules::{Claim, claim_of};
use crate::short::Short;

const QUANTITY: Spot = Spot::new(1, 2, "/C186.6060");
const PRICE: Spot = Spot::new(1, 2, "/C509.5118");
const PRICE_BASE: Spot = Spot::new(1, 5, "/C509.5284");

/// A line while its group is read: the last of the invoice's. Where several segments say the same, the
/// better qualifier counts.
#[derive(Default)]
pub(super) struct OpenLine {
    net: Best,
    quantity: Best,
    price: Best,
    gross: Best,
}

/// The best qualifier so far (the lowest rank), and which evidence is its.
#[derive(Default)]
struct Best {
    rank: Option<usize>,
    proof: Option<usize>,
}

impl Best {
    /// The rank of a qualifier in this list, if that is better than what is there.
    fn better(&self, ranking: &[&[u8]], qualifier: &[u8]) -> Option<usize> {
        let rank = ranking.iter().position(|known| *known == qualifier)?;
        self.rank.is_none_or(|before| rank < before).then_some(rank)
    }

    fn prove(&mut self, rank: usize, field: Short, segment: &Segment<'_>, spot: Spot, record: &mut Record) {
        self.rank = Some(rank);
        let evidence = record.evidence(field, segment, spot);
        match self.proof.and_then(|at| record.evidence.get_mut(at)) {
            Some(before) => *before = evidence,
            None => {
                self.proof = Some(record.evidence.len());
                record.evidence.push(evidence);
            }
        }
    }
}

impl InvoicReader {
    pub(super) fn take_in_line(&mut self, segment: &Segment<'_>) -> Result<(), Halt> {
        match (self.record.groups.innermost(), &segment.tag) {
            (_, b"LIN") => return self.open_line(segment),
            (Group::Allowance, _) => return self.take_in_charge(segment),
            (Group::Tax, _) if self.record.groups.outer() == Group::Allowance => return self.take_in_charge(segment),
            (Group::Tax, b"MOA") if is_total(&segment.code(1, 1)) && segment.code(1, 1).as_ref() != b"124" => {
                return self.take_total(segment);
            }
            // Parties of a line have no place in the invoice, nor have their references and contacts.
            _ if self.record.groups.within(Group::Party) => return Ok(()),
            _ => {}
        }
        let index = self.invoice.lines.len().saturating_sub(1);
        let (Some(open), Some(line)) = (&mut self.line, self.invoice.lines.last_mut()) else { return Ok(()) };
        match &segment.tag {
            b"PIA" => (2..=segment.count().min(6)).for_each(|element| identify(line, segment, element)),
            b"IMD" => describe(line, segment),
            b"QTY" => open.take_quantity(line, segment, index, &mut self.record),
            b"MOA" => open.take_amount(line, segment, index, &mut self.record),
            b"PRI" => open.take_price(line, segment, index, &mut self.record),
            b"TAX" => {
                line.tax_rate = line.tax_rate.or(rate(segment, &mut self.record));
                line.tax_category = line.tax_category.take().or_else(|| category(segment));
            }
            b"ALI" => line.item.origin = line.item.origin.take().or_else(|| segment.owned(1, 1)),
            b"LOC" if segment.code(1, 1).as_ref() == b"27" => {
                line.item.origin = line.item.origin.take().or_else(|| segment.owned(2, 1));
            }
            b"DTM" if self.record.groups.innermost() == Group::Line => take_period(line, segment, &mut self.record),
            b"FTX" => take_text(line, segment),
            b"RFF" => refer(line, segment),
            _ => {
                self.pass(segment);
                return Ok(());
            }
        }
        self.record.part(segment)
    }

    fn open_line(&mut self, lin: &Segment<'_>) -> Result<(), Halt> {
        let index = self.invoice.lines.len();
        let lines_max = self.record.limits.lines_max;
        self.record.within(lin, "number of lines of one document", "lines_max", index + 1, lines_max)?;
        let mut line = Line {
            id: Some(lin.owned(1, 1).unwrap_or_else(|| (index + 1).to_string().into())),
            parent_id: lin.owned(4, 2),
            ..Line::default()
        };
        identify(&mut line, lin, 3);
        // Only the rules of EN 16931 ask where a line is that lacks something.
        if claim_of(self.invoice.specification_id.as_deref()) == Claim::En16931 {
            self.places.push((format!("lines[{index}]").into(), lin.location(self.record.path())));
        }
        if self.invoice.lines.is_empty() {
            self.invoice.lines.reserve(4);
        }
        self.invoice.lines.push(line);
        self.line = Some(OpenLine::default());
        Ok(())
    }

    pub(super) fn close_line(&mut self) {
        self.line = None;
    }
}

impl OpenLine {
    /// QTY: 47 is invoiced; what was delivered or despatched stands in for it.
    fn take_quantity(&mut self, line: &mut Line, qty: &Segment<'_>, index: usize, record: &mut Record) {
        let Some(rank) = self.quantity.better(&[b"47", b"46", b"12", b"1"], &qty.code(1, 1)) else { return };
        let Some(quantity) = record.number(qty, QUANTITY, Code::TYPE_INVALID) else { return };
        (line.quantity, line.unit) = (Some(quantity), qty.owned(1, 3));
        self.quantity.prove(rank, line_field(index, "quantity"), qty, QUANTITY, record);
    }

    fn take_amount(&mut self, line: &mut Line, moa: &Segment<'_>, index: usize, record: &mut Record) {
        let Some(rank) = self.net.better(&[b"203", b"66", b"38"], &moa.code(1, 1)) else { return };
        let Some(amount) = record.number(moa, AMOUNT, Code::AMOUNT_INVALID) else { return };
        line.net_amount = Some(amount);
        self.net.prove(rank, line_field(index, "net_amount"), moa, AMOUNT, record);
    }

    fn take_price(&mut self, line: &mut Line, pri: &Segment<'_>, index: usize, record: &mut Record) {
        let qualifier = pri.code(1, 1);
        if let Some(rank) = self.price.better(&[b"AAA", b"NTP", b"INV", b"CAL", b"CON"], &qualifier) {
            let base = record.number(pri, PRICE_BASE, Code::TYPE_INVALID);
            let Some(price) = record.number(pri, PRICE, Code::AMOUNT_INVALID) else { return };
            line.net_price = Some(price);
            (line.price_base_quantity, line.price_base_unit) = (base, pri.owned(1, 6));
            self.price.prove(rank, line_field(index, "net_price"), pri, PRICE, record);
        } else if let Some(rank) = self.gross.better(&[b"AAB", b"GRP"], &qualifier) {
            let Some(price) = record.number(pri, PRICE, Code::AMOUNT_INVALID) else { return };
            line.gross_price = Some(price);
            self.gross.prove(rank, line_field(index, "gross_price"), pri, PRICE, record);
        }
    }
}

/// C212, in LIN and PIA: an identifier of what was sold.
fn identify(line: &mut Line, segment: &Segment<'_>, element: usize) {
    let Some(value) = segment.owned(element, 1) else { return };
    let item = &mut line.item;
    let code = segment.code(element, 2);
    match code.as_ref() {
        b"SA" | b"" if item.seller_id.is_none() => item.seller_id = Some(value),
        b"IN" | b"BP" if item.buyer_id.is_none() => item.buyer_id = Some(value),
        b"EN" | b"SRV" | b"UP" if item.standard_id.is_none() => {
            // GTIN (ISO 6523 0160); a UPC is one in twelve digits.
            let scheme = Some(if code.as_ref() == b"UP" { scheme_of(&code) } else { "0160".into() });
            item.standard_id = Some(Identifier { scheme, value });
        }
        _ => {
            let list = segment.owned(element, 2);
            item.classifications.push(ItemId { list, code: value });
        }
    }
}

/// IMD: free text (F) is the name, then the description; a coded characteristic (C) is an attribute.
fn describe(line: &mut Line, imd: &Segment<'_>) {
    let Some(text) = imd.joined(3, 4, 5, &[35, 256]) else { return };
    let item = &mut line.item;
    let kind = imd.code(1, 1);
    // The book trade's 050 is a title.
    let is_name = |characteristic: &str| kind.as_ref() == b"A" || kind.as_ref() == b"E" || characteristic == "050";
    if let Some(characteristic) = imd.owned(2, 1).filter(|characteristic| !is_name(characteristic)) {
        item.attributes.push((characteristic, text));
    } else if item.name.is_none() && kind.as_ref() != b"A" {
        item.name = Some(text);
    } else {
        let description = &mut item.description;
        *description = Some(description.take().map_or(text.clone(), |before| before + " " + &text));
    }
}

fn take_period(line: &mut Line, dtm: &Segment<'_>, record: &mut Record) {
    match dtm.code(1, 1).as_ref() {
        b"167" | b"194" | b"155" => {
            if let Some(date) = record.date(dtm) {
                line.period.get_or_insert_default().start = Some(date);
            }
        }
        b"168" | b"206" | b"156" => {
            if let Some(date) = record.date(dtm) {
                line.period.get_or_insert_default().end = Some(date);
            }
        }
        b"263" | b"324" => {
            if let Some((start, end)) = values::period(&dtm.code(1, 2), &dtm.code(1, 3)) {
                let period = line.period.get_or_insert_default();
                (period.start, period.end) = (Some(start), Some(end));
            }
        }
        _ => {}
    }
}

/// FTX: ACF names an attribute and its value; any other is a note.
fn take_text(line: &mut Line, ftx: &Segment<'_>) {
    let is_attribute = ftx.code(1, 1).as_ref() == b"ACF";
    if let (true, Some(name), Some(value)) = (is_attribute, ftx.owned(4, 1), ftx.owned(4, 2)) {
        return line.item.attributes.push((name, value));
    }
    let Some(text) = free_text(ftx) else { return };
    line.note = Some(line.note.take().map_or(text.clone(), |before| before + "\n" + &text));
}

/// RFF of a line: the line of the order, the account, the object.
fn refer(line: &mut Line, rff: &Segment<'_>) {
    let value = rff.owned(1, 2);
    match rff.code(1, 1).as_ref() {
        b"ON" => line.purchase_order_line = line.purchase_order_line.take().or_else(|| rff.owned(1, 3)),
        b"LI" => line.purchase_order_line = line.purchase_order_line.take().or(value),
        b"AOU" | b"AWQ" => line.accounting_reference = line.accounting_reference.take().or(value),
        b"ATS" | b"AVE" => {
            let object = value.map(|value| Identifier { scheme: None, value });
            line.object = line.object.take().or(object);
        }
        _ => {}
    }
}

/// `lines[3].net_amount`.
fn line_field(index: usize, field: &str) -> Short {
    Short::part("lines", index, field)
}

/// What a line's amounts and prices come to, where both are known: quantity × price ÷ base.
pub(super) fn product(line: &Line) -> Option<Decimal> {
    let product = line.quantity?.checked_mul(line.net_price?)?;
    match line.price_base_quantity {
        Some(base) => product.checked_div(base),
        None => Some(product),
    }
}
