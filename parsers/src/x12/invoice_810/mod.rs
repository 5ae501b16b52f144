//! Reads one transaction set 810 into an invoice or a credit note.
//!
//! Segment by segment: [`InvoiceReader::take`] each of them, then [`InvoiceReader::finish`]. What is
//! wrong is recorded with its place and reading goes on, so that every 810 becomes a document.

mod checks;
mod grammar;
mod line;
mod party;
mod summary;
mod totals;

use rust_decimal::Decimal;

pub(super) use self::grammar::GRAMMAR;
use self::line::OpenLine;
pub(super) use self::line::{charge, identify, rate};
pub(super) use self::party::Parties;
pub(super) use self::totals::product;
use self::totals::{Sums, derive, turn_credit_positive};
use super::loops::Loop;
use super::party::{OpenParty, contact, scheme};
use super::record::{Noted, Place, Record, within};
use super::set::{Opening, SetReader, Told};
use crate::Halt;
use crate::canonical::{
    Body, Identifier, Invoice, InvoiceKind, Note, PaymentTerms, Preceding, References, TermsDiscount, Text,
};
use crate::edi::Segment;
use crate::finding::Code;
use crate::short::Short;

/// An 810 while it is read.
pub(super) struct InvoiceReader {
    record: Record,
    invoice: Box<Invoice>,
    sums: Sums,
    parties: Parties,
    party: Option<OpenParty>,
    line: Option<OpenLine>,
    /// Parts of lines other than the lines themselves, held against a limit.
    line_parts: usize,
    seen_big: bool,
    /// TDS: its place and its text, for the check against the sum.
    total: Option<Noted>,
    lines_declared: Option<Noted>,
    /// ISS01: units shipped.
    shipped: Option<Decimal>,
}

impl InvoiceReader {
    pub(super) fn new(opening: &Opening<'_>) -> Self {
        Self {
            record: opening.record(&GRAMMAR),
            invoice: Box::default(),
            sums: Sums::default(),
            parties: Parties::default(),
            party: None,
            line: None,
            line_parts: 0,
            seen_big: false,
            total: None,
            lines_declared: None,
            shipped: None,
        }
    }
}

impl SetReader for InvoiceReader {
    fn record(&mut self) -> &mut Record {
        &mut self.record
    }

    fn take(&mut self, segment: &Segment<'_>) -> Result<(), Halt> {
        if !self.record.step(segment)? {
            return Ok(());
        }
        let id = segment.id;
        self.leave_loops(id);
        if self.record.loops.in_line() { self.take_in_line(id, segment) } else { self.take_outside(id, segment) }
    }

    fn finish(mut self: Box<Self>, st: &Place, complete: bool) -> Told {
        self.close_party();
        self.close_line();
        if complete {
            self.check_present(st);
            self.check_line_count();
        }
        self.set_due_date();
        turn_credit_positive(&mut self.invoice, &mut self.sums);
        derive(&mut self.invoice, &self.sums);
        if complete {
            self.check_total();
        }
        Told { body: Body::Invoice(self.invoice), evidence: self.record.evidence, said: self.record.said }
    }
}

impl InvoiceReader {
    /// A loop that the segment at hand has left is complete.
    fn leave_loops(&mut self, id: &[u8]) {
        if self.party.is_some() && (self.record.loops.innermost() != Some(Loop::Party) || id == b"N1") {
            self.close_party();
        }
        if self.line.is_some() && (!self.record.loops.in_line() || id == b"IT1") {
            self.close_line();
        }
    }

    fn take_in_line(&mut self, id: &[u8], segment: &Segment<'_>) -> Result<(), Halt> {
        let innermost = self.record.loops.innermost();
        let lines = &mut self.invoice.lines;
        if id == b"IT1" {
            let (count, max) = (lines.len() + 1, self.record.limits.lines_max);
            within(segment, "number of lines of one document", "lines_max", count, max)?;
            self.line = Some(OpenLine::open(segment, lines, &mut self.record));
        } else if let Some(open) = &mut self.line {
            let index = lines.len().saturating_sub(1);
            match (innermost, id, lines.last_mut()) {
                (Some(Loop::Line), _, Some(line)) => open.take(line, segment, index, &mut self.record),
                (Some(Loop::Charge), b"SAC", Some(line)) => open.take_charge(line, segment, &mut self.record),
                // Parties and sublines of a line have no place in the canonical invoice.
                _ => {}
            }
        }
        let parts = self.line_parts + self.line.as_ref().map_or(0, |line| line.parts);
        let parts_max = self.record.limits.lines_max.saturating_mul(10);
        within(segment, "number of parts of one document's lines", "lines_max", parts, parts_max)
    }

    fn take_outside(&mut self, id: &[u8], segment: &Segment<'_>) -> Result<(), Halt> {
        if let (Some(party), true) = (&mut self.party, self.record.loops.innermost() == Some(Loop::Party)) {
            party.take(segment);
            let parts = party.parts();
            return within(segment, "number of parts of one party", "lines_max", parts, self.record.limits.lines_max);
        }
        match id {
            b"BIG" => self.take_big(segment),
            b"N1" => self.party = Some(OpenParty::open(segment)),
            b"CUR" => self.take_currency(segment),
            b"NTE" => self.note(segment.text(1), segment.text(2)),
            b"MSG" => self.note(None, segment.text(1)),
            b"REF" => self.take_reference(segment),
            b"PER" => contact(self.invoice.seller.contact.get_or_insert_default(), segment),
            b"ITD" => self.take_terms(segment),
            b"DTM" if self.record.loops.innermost().is_none() => self.take_date(segment),
            b"TDS" => self.take_total(segment),
            b"TXI" => self.take_tax(segment),
            b"SAC" => self.take_charge(segment),
            // Older allowances (003xxx), whose sign and place in the sum differ by sender.
            b"ITA" => self.sums.unknown = true,
            b"ISS" => self.shipped = self.shipped.or(segment.text(1).and_then(|units| super::values::decimal(&units))),
            b"CTT" => {
                self.lines_declared = segment.says(1).then(|| self.record.note(segment, 1));
            }
            _ => {}
        }
        if !matches!(id, b"NTE" | b"MSG" | b"REF" | b"ITD" | b"TXI" | b"SAC") {
            return Ok(());
        }
        let invoice = &self.invoice;
        let most = [
            invoice.notes.len(),
            invoice.references.other.len(),
            invoice.preceding.len(),
            invoice.allowances_charges.len(),
            invoice.tax_breakdown.len(),
            invoice.terms.as_ref().map_or(0, |terms| terms.discounts.len()),
        ];
        let most = most.into_iter().max().unwrap_or(0);
        within(segment, "number of parts of one document", "lines_max", most, self.record.limits.lines_max)
    }

    fn take_big(&mut self, big: &Segment<'_>) {
        if self.seen_big {
            return self.record.repeated(big);
        }
        self.seen_big = true;
        for (element, what) in [(1, "the invoice date"), (2, "the invoice number")] {
            if !big.says(element) {
                let finding = self.record.missing(big, element, what);
                self.record.report(finding);
            }
        }
        self.invoice.issue_date = self.record.date(big, 1);
        if self.invoice.issue_date.is_some() {
            self.record.prove(Short::fixed("issue_date"), big, 1);
        }
        self.invoice.number = big.text(2);
        if self.invoice.number.is_some() {
            self.record.prove(Short::fixed("number"), big, 2);
        }
        self.invoice.references.purchase_order = big.text(4);
        self.invoice.type_code = big.text(7);
        self.invoice.purpose = big.text(8);
        if matches!(self.invoice.type_code.as_deref(), Some("CR" | "CN")) {
            self.invoice.kind = InvoiceKind::CreditNote;
        }
    }

    fn take_currency(&mut self, cur: &Segment<'_>) {
        if self.invoice.currency.is_none() {
            self.invoice.currency = self.record.currency(cur, 2);
        }
    }

    fn note(&mut self, subject: Option<Text>, text: Option<Text>) {
        if let Some(text) = text {
            self.invoice.notes.push(Note { subject, text });
        }
    }

    fn take_reference(&mut self, segment: &Segment<'_>) {
        let Some(code) = segment.value(1) else { return };
        let Some(value) = segment.text(2).or_else(|| segment.text(3)) else { return };
        if code == "OI" {
            return self.invoice.preceding.push(Preceding { number: value, issue_date: None });
        }
        let references = &mut self.invoice.references;
        match slot(references, &code) {
            Some(slot) if slot.is_none() => *slot = Some(value),
            Some(slot) if slot.as_ref() == Some(&value) => {}
            _ => references.other.push(Identifier { scheme: Some(scheme(&code)), value }),
        }
        // REF04 holds further references: C04001 qualifies C04002.
        if let (Some(code), Some(value)) = (segment.component(4, 1), segment.component(4, 2)) {
            self.invoice.references.other.push(Identifier { scheme: Some(scheme(&code)), value });
        }
    }

    fn take_terms(&mut self, itd: &Segment<'_>) {
        let due = self.record.date(itd, 6);
        let net_days = self.record.number(itd, 7, Code::TYPE_INVALID);
        let discount = TermsDiscount {
            percent: self.record.number(itd, 3, Code::TYPE_INVALID),
            days: self.record.number(itd, 5, Code::TYPE_INVALID).and_then(|days| u32::try_from(days).ok()),
            date: self.record.date(itd, 4),
            amount: self.record.implied(itd, 8),
        };
        self.invoice.due_date = self.invoice.due_date.or(due);
        let terms = self.invoice.terms.get_or_insert_with(PaymentTerms::default);
        terms.text = terms.text.take().or_else(|| itd.text(12));
        terms.net_days = terms.net_days.or(net_days.and_then(|days| u32::try_from(days).ok()));
        // A percentage of zero says "net"; a negative one is a penalty for paying late.
        let is_discount = |value: Option<Decimal>| value.is_some_and(|value| value > Decimal::ZERO);
        if is_discount(discount.percent) || is_discount(discount.amount) {
            terms.discounts.push(discount);
        }
    }

    fn take_date(&mut self, dtm: &Segment<'_>) {
        let code = dtm.value(1);
        let Some(code @ ("011" | "035" | "150" | "151")) = code.as_deref() else { return };
        let Some(date) = self.record.date(dtm, 2) else { return };
        match code {
            "150" => self.invoice.period.get_or_insert_default().start = Some(date),
            "151" => self.invoice.period.get_or_insert_default().end = Some(date),
            // Delivered (035) says more than shipped (011).
            "035" => self.invoice.delivery.get_or_insert_default().date = Some(date),
            _ => {
                let delivery = self.invoice.delivery.get_or_insert_default();
                delivery.date = delivery.date.or(Some(date));
            }
        }
    }

    fn close_party(&mut self) {
        if let Some(party) = self.party.take() {
            self.parties.seat(party, &mut self.invoice);
        }
    }

    fn close_line(&mut self) {
        let Some(mut open) = self.line.take() else { return };
        open.close(&mut self.record);
        self.line_parts += open.parts;
        self.sums.unknown |= open.charge_unknown;
        match self.sums.line_tax.checked_add(open.tax) {
            Some(sum) => self.sums.line_tax = sum,
            None => self.sums.unknown = true,
        }
        self.sums.products.push(open.product);
    }
}

/// Where a reference of this kind (element 128) has a place of its own.
fn slot<'a>(references: &'a mut References, code: &str) -> Option<&'a mut Option<Text>> {
    match code {
        "PO" => Some(&mut references.purchase_order),
        "CT" => Some(&mut references.contract),
        "CO" | "VN" => Some(&mut references.sales_order),
        "RV" => Some(&mut references.receiving_advice),
        "BM" | "PK" | "SI" => Some(&mut references.despatch_advice),
        _ => None,
    }
}
