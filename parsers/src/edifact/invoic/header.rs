//! Segments of the message itself: BGM, DTM, FTX, RFF, PAI, CUX, EFI, MOA, CNT.

use super::InvoicReader;
use super::totals::is_total;
use crate::Halt;
use crate::canonical::{Attachment, Identifier, InvoiceKind, Note, Payment, Preceding, References, Text};
use crate::edifact::groups::Group;
use crate::edifact::party::scheme_of;
use crate::edifact::record::{AMOUNT, DATE};
use crate::edifact::segment::{Segment, Spot};
use crate::edifact::values;
use crate::finding::{Code, Finding};
use crate::short::Short;

const NUMBER: Spot = Spot::new(2, 1, "/1004");
const TYPE: Spot = Spot::new(1, 1, "/C002.1001");
const CURRENCY: Spot = Spot::new(1, 2, "/C504.6345");
const RATE: Spot = Spot::new(3, 1, "/5402");

impl InvoicReader {
    pub(super) fn take_in_message(&mut self, segment: &Segment<'_>) -> Result<(), Halt> {
        match &segment.tag {
            b"BGM" => self.take_beginning(segment),
            b"DTM" if self.record.groups.innermost() == Group::Reference => self.take_reference_date(segment),
            b"DTM" => self.take_date(segment),
            b"FTX" => return self.take_text(segment),
            b"RFF" => return self.take_reference(segment),
            b"PAI" => self.take_means(segment),
            b"MOA" => return self.take_total(segment),
            b"UNS" => self.in_summary = true,
            b"CNT" if segment.code(1, 1).as_ref() == b"2" => self.take_line_count(segment),
            _ => self.pass(segment),
        }
        Ok(())
    }

    fn take_beginning(&mut self, bgm: &Segment<'_>) {
        if std::mem::replace(&mut self.seen_bgm, true) {
            let finding = Finding::error(
                Code::EDI_SEGMENT_UNEXPECTED,
                bgm.location(self.record.path()),
                "a second BGM in one message; the first one counts",
                "Send one BGM per message, and a message per invoice.",
            );
            return self.record.report(finding.with_field("BGM").with_excerpt(bgm.excerpt()));
        }
        let code = bgm.code(1, 1);
        if is_credit(&code) {
            self.invoice.kind = InvoiceKind::CreditNote;
        }
        self.invoice.type_code = bgm.owned(1, 1);
        if self.invoice.type_code.is_some() {
            self.record.prove(Short::fixed("type_code"), bgm, TYPE);
        }
        self.invoice.number = bgm.owned(2, 1);
        if self.invoice.number.is_some() {
            self.record.prove(Short::fixed("number"), bgm, NUMBER);
        } else {
            let finding = Finding::error(
                Code::REQUIRED_MISSING,
                self.record.place(bgm, NUMBER),
                "BGM 1004, the number of the invoice, is missing",
                "Send the number of the invoice in BGM 1004.",
            );
            self.record.report(finding.with_field("BGM 1004").with_excerpt(bgm.excerpt()));
        }
        self.invoice.purpose = bgm.owned(3, 1);
    }

    fn take_date(&mut self, dtm: &Segment<'_>) {
        let code = dtm.code(1, 1);
        match code.as_ref() {
            b"137" | b"3" => {
                let is_document_date = code.as_ref() == b"137";
                if self.has_document_date || (self.invoice.issue_date.is_some() && !is_document_date) {
                    return;
                }
                self.has_document_date |= is_document_date;
                if let Some(date) = self.record.date(dtm) {
                    if self.invoice.issue_date.replace(date).is_some() {
                        self.record.evidence.retain(|evidence| evidence.field != "issue_date");
                    }
                    self.record.prove(Short::fixed("issue_date"), dtm, DATE);
                }
            }
            b"131" => self.invoice.tax_point_date = self.record.date(dtm),
            b"13" | b"140" | b"265" => self.take_due_date(dtm),
            // The day of delivery says more than the day of despatch.
            b"35" => {
                if let Some(date) = self.record.date(dtm) {
                    self.invoice.delivery.get_or_insert_default().date = Some(date);
                }
            }
            b"11" | b"50" => {
                if let Some(date) = self.record.date(dtm) {
                    let delivery = self.invoice.delivery.get_or_insert_default();
                    delivery.date = delivery.date.or(Some(date));
                }
            }
            b"167" | b"194" | b"155" => {
                if let Some(date) = self.record.date(dtm) {
                    self.invoice.period.get_or_insert_default().start = Some(date);
                }
            }
            b"168" | b"206" | b"156" => {
                if let Some(date) = self.record.date(dtm) {
                    self.invoice.period.get_or_insert_default().end = Some(date);
                }
            }
            b"263" | b"324" | b"273" => {
                if let Some((start, end)) = values::period(&dtm.code(1, 2), &dtm.code(1, 3)) {
                    let period = self.invoice.period.get_or_insert_default();
                    (period.start, period.end) = (Some(start), Some(end));
                }
            }
            _ => {}
        }
    }

    pub(super) fn take_due_date(&mut self, dtm: &Segment<'_>) {
        if self.invoice.due_date.is_some() {
            return;
        }
        self.invoice.due_date = self.record.date(dtm);
        if self.invoice.due_date.is_some() {
            self.record.prove(Short::fixed("due_date"), dtm, DATE);
        }
    }

    fn take_text(&mut self, ftx: &Segment<'_>) -> Result<(), Halt> {
        let subject = ftx.code(1, 1);
        if subject.as_ref() == b"DOC" {
            self.invoice.process_id = ftx.owned(3, 1).or_else(|| self.invoice.process_id.take());
            self.invoice.specification_id = ftx.owned(4, 1).or_else(|| self.invoice.specification_id.take());
            return Ok(());
        }
        let Some(text) = free_text(ftx) else { return Ok(()) };
        match subject.as_ref() {
            b"AAB" => {
                let terms = &mut self.invoice.terms.get_or_insert_default().text;
                *terms = Some(terms.take().map_or(text.clone(), |before| before + "\n" + &text));
            }
            b"AGM" if self.exemption.is_none() => self.exemption = Some(text.into()),
            _ => self.invoice.notes.push(Note { subject: ftx.owned(1, 1), text }),
        }
        self.record.part(ftx)
    }

    fn take_reference(&mut self, rff: &Segment<'_>) -> Result<(), Halt> {
        self.dates_preceding = false;
        let Some(value) = rff.owned(1, 2) else { return Ok(()) };
        self.take_document_reference(rff, value);
        self.record.part(rff)
    }

    /// A reference of the document, wherever it stands.
    pub(super) fn take_document_reference(&mut self, rff: &Segment<'_>, value: Text) {
        let code = rff.code(1, 1);
        match code.as_ref() {
            b"OI" | b"IV" => {
                self.invoice.preceding.push(Preceding { number: value, issue_date: None });
                self.dates_preceding = true;
            }
            b"CR" if self.invoice.buyer_reference.is_none() => self.invoice.buyer_reference = Some(value),
            b"AOU" if self.invoice.buyer_accounting_reference.is_none() => {
                self.invoice.buyer_accounting_reference = Some(value);
            }
            b"PQ" => {
                let payment = self.payment();
                payment.remittance_information = payment.remittance_information.take().or(Some(value));
            }
            b"AVS" => {
                let payment = self.payment();
                payment.mandate = payment.mandate.take().or(Some(value));
            }
            b"ATS" if self.invoice.references.object.is_none() => {
                self.invoice.references.object = Some(Identifier { scheme: None, value });
            }
            _ => {
                let references = &mut self.invoice.references;
                match slot(references, &code) {
                    Some(slot) if slot.is_none() => {
                        *slot = Some(value);
                        if code.as_ref() == b"ON" {
                            self.record.prove(
                                Short::fixed("references.purchase_order"),
                                rff,
                                Spot::new(1, 2, "/C506.1154"),
                            );
                        }
                    }
                    Some(slot) if slot.as_ref() == Some(&value) => {}
                    _ => references.other.push(Identifier { scheme: Some(scheme_of(&code)), value }),
                }
            }
        }
    }

    /// DTM in the group of an RFF: the date of the document that is referred to.
    fn take_reference_date(&mut self, dtm: &Segment<'_>) {
        if !self.dates_preceding || !matches!(dtm.code(1, 1).as_ref(), b"171" | b"137" | b"3") {
            return;
        }
        let date = self.record.date(dtm);
        if let Some(preceding) = self.invoice.preceding.last_mut() {
            preceding.issue_date = preceding.issue_date.or(date);
        }
    }

    pub(super) fn take_means(&mut self, pai: &Segment<'_>) {
        let code = pai.owned(1, 3).or_else(|| pai.owned(1, 1));
        let payment = self.payment();
        payment.means_code = payment.means_code.take().or(code);
    }

    /// The one payment of an INVOIC: its segments do not say which belongs to which.
    pub(super) fn payment(&mut self) -> &mut Payment {
        self.payment.get_or_insert_default()
    }

    pub(super) fn take_currency(&mut self, cux: &Segment<'_>) -> Result<(), Halt> {
        if &cux.tag != b"CUX" {
            return Ok(());
        }
        let rate = self.record.number(cux, RATE, Code::TYPE_INVALID);
        self.invoice.exchange_rate = self.invoice.exchange_rate.or(rate);
        let usage = cux.code(1, 1);
        if usage.as_ref() == b"6" {
            self.invoice.tax_currency = self.record.currency(cux, CURRENCY);
        } else if self.invoice.currency.is_none() || (usage.as_ref() == b"2" && cux.code(1, 3).as_ref() == b"4") {
            let currency = self.record.currency(cux, CURRENCY);
            if let Some(currency) = currency {
                if self.invoice.currency.replace(currency).is_some() {
                    self.record.evidence.retain(|evidence| evidence.field != "currency");
                }
                self.record.prove(Short::fixed("currency"), cux, CURRENCY);
            }
        }
        Ok(())
    }

    /// EFI, and the COM and RFF in its group: a supporting document.
    pub(super) fn take_in_file(&mut self, segment: &Segment<'_>) -> Result<(), Halt> {
        if &segment.tag == b"EFI" {
            let (file_name, description) = (segment.owned(1, 1), segment.owned(1, 2));
            self.invoice.attachments.push(Attachment { file_name, description, ..Attachment::default() });
            return self.record.part(segment);
        }
        let Some(attachment) = self.invoice.attachments.last_mut() else { return Ok(()) };
        match &segment.tag {
            b"COM" => attachment.uri = attachment.uri.take().or_else(|| segment.owned(1, 1)),
            b"RFF" => attachment.reference = attachment.reference.take().or_else(|| segment.owned(1, 2)),
            _ => {}
        }
        Ok(())
    }

    /// MOA of the message, or of a group where it cannot mean that group.
    pub(super) fn take_total(&mut self, moa: &Segment<'_>) -> Result<(), Halt> {
        let qualifier = moa.code(1, 1);
        let Some(amount) = self.record.number(moa, AMOUNT, Code::AMOUNT_INVALID) else {
            // What is there and cannot be read is not missing.
            self.found_any |= is_total(&qualifier) && !moa.code(1, 2).is_empty();
            return Ok(());
        };
        self.keep_total(moa, &qualifier, amount)
    }

    fn take_line_count(&mut self, cnt: &Segment<'_>) {
        let spot = Spot::new(1, 2, "/C270.6066");
        self.lines_declared = cnt.owned(1, 2).map(|count| (self.record.place(cnt, spot), count, cnt.excerpt().into()));
    }
}

/// The text of an FTX: C108, five components of 70 characters (512 in later directories).
pub(super) fn free_text(ftx: &Segment<'_>) -> Option<Text> {
    ftx.joined(4, 1, 5, &[70, 512])
}

/// Where a reference of this kind (1153) has a place of its own.
fn slot<'a>(references: &'a mut References, code: &[u8]) -> Option<&'a mut Option<Text>> {
    match code {
        b"ON" => Some(&mut references.purchase_order),
        b"CT" => Some(&mut references.contract),
        b"VN" => Some(&mut references.sales_order),
        b"AEP" => Some(&mut references.project),
        b"ALO" => Some(&mut references.receiving_advice),
        b"AAK" | b"DQ" => Some(&mut references.despatch_advice),
        b"AGB" => Some(&mut references.tender),
        _ => None,
    }
}

/// Document name codes (1001) of credit notes.
fn is_credit(code: &[u8]) -> bool {
    matches!(
        code,
        b"81"
            | b"83"
            | b"261"
            | b"262"
            | b"296"
            | b"308"
            | b"381"
            | b"396"
            | b"420"
            | b"458"
            | b"502"
            | b"503"
            | b"532"
    )
}
