//! When to pay: PAT (PYT from D.08A on) and its group.

use jiff::Span;

use super::InvoicReader;
use super::charge::PERCENT;
use crate::Halt;
use crate::canonical::TermsDiscount;
use crate::edifact::record::AMOUNT;
use crate::edifact::segment::{Segment, Spot};
use crate::finding::Code;

/// Terms while their group is read.
pub(super) struct OpenTerms {
    /// 4279 is 22: a discount for paying early.
    is_discount: bool,
    discount: TermsDiscount,
}

impl InvoicReader {
    pub(super) fn take_in_terms(&mut self, segment: &Segment<'_>) -> Result<(), Halt> {
        match &segment.tag {
            b"PAT" | b"PYT" => {
                self.open_terms(segment);
                return self.record.part(segment);
            }
            b"PAI" => self.take_means(segment),
            b"FII" => self.take_account(segment),
            b"DTM" => match segment.code(1, 1).as_ref() {
                b"12" => {
                    let date = self.record.date(segment);
                    if let Some(open) = &mut self.terms {
                        open.discount.date = open.discount.date.or(date);
                    }
                }
                b"13" | b"140" | b"265" | b"209" => self.take_due_date(segment),
                _ => {}
            },
            b"PCD" => {
                let percent = self.record.number(segment, PERCENT, Code::TYPE_INVALID);
                if let Some(open) = &mut self.terms {
                    open.discount.percent = open.discount.percent.or(percent);
                }
            }
            b"MOA" => {
                let amount = self.record.number(segment, AMOUNT, Code::AMOUNT_INVALID);
                if let Some(open) = &mut self.terms {
                    open.discount.amount = open.discount.amount.or(amount);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn open_terms(&mut self, segment: &Segment<'_>) {
        let is_discount = segment.code(1, 1).as_ref() == b"22";
        // PAT has the time in C112, PYT in four elements of their own.
        let (element, spread) = if &segment.tag == b"PAT" { (3, false) } else { (3, true) };
        let at = |part: usize| if spread { segment.code(element + part, 1) } else { segment.code(element, 1 + part) };
        let spot = if spread { Spot::new(element + 3, 1, "/2152") } else { Spot::new(element, 4, "/C112.2152") };
        let is_days = matches!(at(2).as_ref(), b"D" | b"CD");
        // 5 is the date of the invoice; 1, 3, 4 and 66 are other ways to say the same, or nothing.
        let counts_from_issue = matches!(at(0).as_ref(), b"" | b"5" | b"66" | b"1" | b"3");
        let count = if at(3).is_empty() { None } else { self.record.number(segment, spot, Code::TYPE_INVALID) };
        let days = count.filter(|_| is_days).and_then(|count| u32::try_from(count).ok());
        // C110 of PAT, C019 of PYT.
        let text = segment.joined(2, 4, 5, &[35]);
        if let Some(text) = text {
            let terms = self.invoice.terms.get_or_insert_default();
            terms.text = Some(terms.text.take().map_or(text.clone(), |before| before + "\n" + &text));
        }
        if let (false, Some(days), true) = (is_discount, days, counts_from_issue) {
            let terms = self.invoice.terms.get_or_insert_default();
            terms.net_days = terms.net_days.or(Some(days));
        }
        let discount = TermsDiscount { days: days.filter(|_| is_discount), ..TermsDiscount::default() };
        self.terms = Some(OpenTerms { is_discount, discount });
    }

    pub(super) fn close_terms(&mut self) {
        let Some(open) = self.terms.take() else { return };
        if open.is_discount && (open.discount.percent.is_some() || open.discount.amount.is_some()) {
            self.invoice.terms.get_or_insert_default().discounts.push(open.discount);
        }
    }

    /// DTM+13, or the day of issue and the days of the terms.
    pub(super) fn settle_due_date(&mut self) {
        let invoice = &mut self.invoice;
        let days = invoice.terms.as_ref().and_then(|terms| terms.net_days);
        if let (None, Some(issued), Some(days)) = (invoice.due_date, invoice.issue_date, days) {
            let span = Span::new().try_days(days);
            invoice.due_date = span.and_then(|span| issued.checked_add(span)).ok();
        }
    }
}
