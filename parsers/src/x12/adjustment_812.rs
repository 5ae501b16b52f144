//! Reads a transaction set 812 (credit/debit adjustment): a credit note, or an invoice that debits.

use rust_decimal::Decimal;

use super::invoice_810::{Parties, charge, identify};
use super::loops::{Grammar, Known, Loop, Members, keys};
use super::party::{OpenParty, contact};
use super::record::{Noted, Place, Record, within};
use super::set::{Opening, SetReader, Told};
use crate::Halt;
use crate::canonical::{Body, Identifier, Invoice, InvoiceKind, ItemId, Line, Preceding};
use crate::edi::Segment;
use crate::finding::{Code, Finding};
use crate::short::Short;

/// Every segment an 812 may hold in 003040 to 008010.
pub(super) static GRAMMAR: Grammar = Grammar {
    set: "812",
    document: "adjustment",
    segments: Known::of([
        "AMT", "AT", "BCD", "CDD", "CTP", "CUR", "DTM", "FA1", "FA2", "FOB", "ITD", "LE", "LIN", "LM", "LQ", "LS",
        "N1", "N11", "N2", "N3", "N4", "N9", "NTE", "PCT", "PER", "PID", "PO4", "PWK", "QTY", "REF", "SAC", "SE",
        "SHD", "ST", "TXI",
    ]),
    opening: |id| match id {
        b"CDD" => Some((Loop::Line, Members::AllBut(const { &keys(["CDD", "SE"]) }))),
        b"N1" => {
            Some((Loop::Party, Members::Only(const { &keys(["N2", "N3", "N4", "N9", "REF", "PER", "AMT", "PCT"]) })))
        }
        b"SAC" => Some((Loop::Charge, Members::Only(const { &keys(["DTM", "TXI"]) }))),
        b"LM" => Some((Loop::Other, Members::Only(const { &keys(["LQ"]) }))),
        b"FA1" => Some((Loop::Other, Members::Only(const { &keys(["FA2"]) }))),
        b"N11" => Some((Loop::Other, Members::Only(const { &keys(["AMT", "PCT", "N1"]) }))),
        _ => None,
    },
};

pub(super) struct AdjustmentReader {
    record: Record,
    invoice: Invoice,
    parties: Parties,
    party: Option<OpenParty>,
    /// BCD04, for the check against the sum.
    total: Option<Noted>,
    seen_bcd: bool,
    /// Σ of the lines, credits positive on a credit note; `None` when one has no amount.
    sum: Option<Decimal>,
    parts: usize,
}

impl AdjustmentReader {
    pub(super) fn new(opening: &Opening<'_>) -> Self {
        Self {
            record: opening.record(&GRAMMAR),
            invoice: Invoice::default(),
            parties: Parties::default(),
            party: None,
            total: None,
            seen_bcd: false,
            sum: Some(Decimal::ZERO),
            parts: 0,
        }
    }
}

impl SetReader for AdjustmentReader {
    fn record(&mut self) -> &mut Record {
        &mut self.record
    }

    fn take(&mut self, segment: &Segment<'_>) -> Result<(), Halt> {
        if !self.record.step(segment)? {
            return Ok(());
        }
        let id = segment.id;
        let innermost = self.record.loops.innermost();
        if innermost != Some(Loop::Party) || id == b"N1" {
            self.seat_party();
        }
        if self.record.loops.in_line() {
            self.take_in_line(id, innermost, segment)?;
        } else {
            self.take_in_header(id, innermost, segment)?;
        }
        let max = self.record.limits.lines_max;
        within(segment, "number of parts of one document", "lines_max", self.parts, max.saturating_mul(10))
    }

    fn finish(mut self: Box<Self>, st: &Place, complete: bool) -> Told {
        self.seat_party();
        if complete && !self.seen_bcd {
            let fix = "Send BCD right after ST, with the number, the date, the amount and its direction.";
            self.record.lacking(st, "BCD", "MISSING-BCD", 2, "no number, date and amount", fix);
        }
        let totals = &mut self.invoice.totals;
        totals.line_net = self.sum.filter(|_| !self.invoice.lines.is_empty());
        if complete {
            self.check_sum();
        }
        Told { body: Body::Invoice(Box::new(self.invoice)), evidence: self.record.evidence, said: self.record.said }
    }
}

impl AdjustmentReader {
    fn take_in_header(&mut self, id: &[u8], innermost: Option<Loop>, segment: &Segment<'_>) -> Result<(), Halt> {
        match (innermost, id) {
            (Some(Loop::Party), b"N1") => self.party = Some(OpenParty::open(segment)),
            (Some(Loop::Party), _) => {
                if let Some(party) = &mut self.party {
                    party.take(segment);
                    let max = self.record.limits.lines_max;
                    within(segment, "number of parts of one party", "lines_max", party.parts(), max)?;
                }
            }
            (_, b"BCD") => self.take_beginning(segment),
            (_, b"CUR") if self.invoice.currency.is_none() => self.invoice.currency = self.record.currency(segment, 2),
            (None, b"N9" | b"REF") => self.take_reference(segment),
            (None, b"PER") => contact(self.invoice.seller.contact.get_or_insert_default(), segment),
            (_, b"SAC") => {
                if let Some(charge) = charge(segment, &mut self.record) {
                    let index = self.invoice.allowances_charges.len();
                    if charge.amount.is_some() {
                        self.record.prove(Short::part("allowances_charges", index, "amount"), segment, 5);
                    }
                    self.parts += 1;
                    self.invoice.allowances_charges.push(charge);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn take_beginning(&mut self, bcd: &Segment<'_>) {
        if std::mem::replace(&mut self.seen_bcd, true) {
            return self.record.repeated(bcd);
        }
        for (element, what) in [(1, "the date"), (2, "the number"), (4, "the amount")] {
            if bcd.text(element).is_none() {
                let finding = self.record.missing(bcd, element, what);
                self.record.report(finding);
            }
        }
        let invoice = &mut self.invoice;
        invoice.issue_date = self.record.date(bcd, 1);
        invoice.number = bcd.text(2);
        invoice.totals.payable = self.record.implied(bcd, 4);
        invoice.references.purchase_order = bcd.text(10);
        invoice.references.sales_order = bcd.text(8);
        invoice.purpose = bcd.text(11);
        invoice.type_code = bcd.text(12);
        match bcd.text(5).as_deref() {
            Some("C") => invoice.kind = InvoiceKind::CreditNote,
            Some("D") => {}
            _ => {
                let finding = Finding::error(
                    Code::EDI_ELEMENT_INVALID,
                    self.record.place(bcd, 5),
                    "BCD05 does not say whether the amount is a credit (C) or a debit (D); it was read as a debit",
                    "Write C or D into BCD05.",
                );
                let finding = finding.with_field("BCD05").with_value(bcd.written(5));
                self.record.report(finding.with_excerpt(bcd.excerpt()));
            }
        }
        if let Some(number) = bcd.text(7) {
            invoice.preceding.push(Preceding { number, issue_date: self.record.date(bcd, 6) });
        }
        if let (Some(code), Some(value)) = (bcd.text(13), bcd.text(14)) {
            invoice.references.other.push(Identifier { scheme: Some(format!("x12:{code}").into()), value });
        }
        for (field, element, is_there) in [
            ("issue_date", 1, invoice.issue_date.is_some()),
            ("number", 2, invoice.number.is_some()),
            ("totals.payable", 4, invoice.totals.payable.is_some()),
            ("kind", 5, bcd.text(5).is_some()),
        ] {
            if is_there {
                self.record.prove(field, bcd, element);
            }
        }
        self.total = Some(self.record.note(bcd, 4));
    }

    /// N9: a reference; of the invoice that is adjusted, if it says so.
    fn take_reference(&mut self, n9: &Segment<'_>) {
        let (Some(code), Some(value)) = (n9.text(1), n9.text(2)) else { return };
        self.parts += 1;
        let invoice = &mut self.invoice;
        match code.as_str() {
            "IV" | "OI" => {
                if invoice.preceding.iter().all(|earlier| earlier.number != value) {
                    invoice.preceding.push(Preceding { number: value, issue_date: None });
                }
            }
            "PO" if invoice.references.purchase_order.is_none() => invoice.references.purchase_order = Some(value),
            _ => invoice.references.other.push(Identifier { scheme: Some(format!("x12:{code}").into()), value }),
        }
    }

    fn take_in_line(&mut self, id: &[u8], innermost: Option<Loop>, segment: &Segment<'_>) -> Result<(), Halt> {
        if id == b"CDD" {
            return self.take_line(segment);
        }
        let Some(line) = self.invoice.lines.last_mut() else { return Ok(()) };
        match (innermost, id) {
            (_, b"LIN") => {
                let before = line.item.classifications.len();
                identify(line, segment, 2);
                self.parts += line.item.classifications.len() - before;
            }
            (_, b"PID") if line.item.name.is_none() => line.item.name = segment.text(5),
            (Some(Loop::Line), b"N9") if segment.text(1).as_deref() == Some("PL") => {
                line.purchase_order_line = line.purchase_order_line.take().or_else(|| segment.text(2));
            }
            (_, b"SAC") => {
                if let Some(charge) = charge(segment, &mut self.record) {
                    self.parts += 1;
                    line.allowances_charges.push(charge);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// CDD: one adjustment. Its own flag (CDD02) may go against the whole's: it is negative then.
    fn take_line(&mut self, cdd: &Segment<'_>) -> Result<(), Halt> {
        let index = self.invoice.lines.len();
        let max = self.record.limits.lines_max;
        within(cdd, "number of lines of one document", "lines_max", index + 1, max)?;
        let is_credit = cdd.text(2).as_deref() == Some("C");
        let is_against = is_credit != (self.invoice.kind == InvoiceKind::CreditNote);
        let turned = |amount: Decimal| if is_against { -amount } else { amount };
        let amount = self.record.implied(cdd, 4).map(turned);
        let quantity = self.record.number(cdd, 7, Code::TYPE_INVALID);
        let price = self.record.number(cdd, 11, Code::AMOUNT_INVALID);
        let mut line = Line {
            id: Some(cdd.text(3).unwrap_or_else(|| (index + 1).to_string().into())),
            quantity: quantity.map(turned),
            unit: cdd.text(8),
            net_amount: amount,
            net_price: price,
            ..Line::default()
        };
        // Why it is adjusted (element 426) classifies the line.
        if let Some(code) = cdd.text(1) {
            line.item.classifications.push(ItemId { list: Some("x12:426".into()), code });
        }
        for (name, element, is_there) in [
            ("net_amount", 4, amount.is_some()),
            ("quantity", 7, quantity.is_some()),
            ("net_price", 11, price.is_some()),
        ] {
            if is_there {
                self.record.prove(Short::part("lines", index, name), cdd, element);
            }
        }
        self.sum = self.sum.and_then(|sum| sum.checked_add(amount?));
        self.invoice.lines.push(line);
        Ok(())
    }

    fn seat_party(&mut self) {
        if let Some(party) = self.party.take() {
            self.parties.seat(party, &mut self.invoice);
        }
    }

    /// BCD04 is "the net amount of this complete transaction": its lines, and its charges where there are any.
    /// A warning, for lines may explain a part of it only.
    fn check_sum(&mut self) {
        let (Some(total), Some(lines)) = (self.invoice.totals.payable, self.invoice.totals.line_net) else { return };
        if total == lines || !self.invoice.allowances_charges.is_empty() {
            return;
        }
        let Some(noted) = self.total.take() else { return };
        let finding = Finding::warning(
            Code::TOTAL_MISMATCH,
            noted.place,
            format!("BCD04 says {total}, but its lines (CDD) make {lines}"),
            "Check the lines against BCD04.",
        );
        let finding = finding.with_rule("BCD04-ARITH").with_field("BCD04").with_value(noted.raw);
        self.record.report_at(finding.with_excerpt(noted.excerpt), noted.position);
    }
}
