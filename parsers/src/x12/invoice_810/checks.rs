//! What is checked when a transaction set 810 ends, and what follows from it as a whole.

use jiff::Span;
use rust_decimal::Decimal;

use super::InvoiceReader;
use super::totals::disagreement;
use crate::finding::{Code, Finding, Severity};
use crate::text::brief;
use crate::x12::record::Place;

impl InvoiceReader {
    pub(super) fn check_present(&mut self, st: &Place) {
        if !self.seen_big {
            let fix = "Send BIG right after ST, with the invoice date in BIG01 and the invoice number in BIG02.";
            self.record.lacking(st, "BIG", "MISSING-BIG", 2, "no invoice number and date", fix);
        }
        if self.total.is_none() {
            let fix = "Send TDS after the last line, with the total amount in TDS01.";
            let end = self.record.position + 1;
            self.record.lacking(st, "TDS", "MISSING-TDS", end, "no total amount", fix);
        }
    }

    pub(super) fn check_line_count(&mut self) {
        let counted = self.invoice.lines.len();
        let Some(declared) = self.lines_declared.take() else { return };
        let said = declared.raw.trim();
        if said.parse() == Ok(counted) {
            return;
        }
        let finding = Finding::error(
            Code::EDI_COUNT_MISMATCH,
            declared.place,
            format!("CTT01 says {} lines, but this 810 has {counted} (IT1)", brief(said)),
            "Check that no line was lost or doubled, and write the number of IT1 segments into CTT01.",
        );
        let finding = finding.with_rule("CTT01").with_field("CTT01").with_value(said).with_excerpt(declared.excerpt);
        self.record.report_at(finding, declared.position);
    }

    pub(super) fn check_total(&mut self) {
        self.check_size();
        let Some(off) = disagreement(&self.invoice, &self.sums) else { return };
        let Some(total) = self.total.take() else { return };
        let payable = self.invoice.totals.payable.unwrap_or_default();
        let mut finding = Finding::error(
            Code::TOTAL_MISMATCH,
            total.place,
            format!(
                "TDS01 says {payable}, but the lines ({}) + charges ({}) - allowances ({}) + taxes ({}) make {}",
                off.lines, off.charges, off.allowances, off.tax, off.sum
            ),
            "Check the lines, SAC and TXI against TDS01, and send the invoice again with the right total.",
        );
        // The file itself says that its lines are not the whole shipment: nothing is proven wrong then.
        let quantities = self.invoice.lines.iter().filter_map(|line| line.quantity);
        let listed = quantities.fold(Decimal::ZERO, Decimal::saturating_add);
        if let Some(shipped) = self.shipped.filter(|shipped| *shipped != listed) {
            finding.severity = Severity::Warning;
            finding.message.push_str(&format!("; ISS01 says {shipped} units were shipped, the lines list {listed}"));
        }
        let finding =
            finding.with_rule("TDS-ARITH").with_field("TDS01").with_value(total.raw).with_excerpt(total.excerpt);
        self.record.report_at(finding, total.position);
    }

    /// ITD06, or BIG01 and the days of ITD07.
    pub(super) fn set_due_date(&mut self) {
        let invoice = &mut self.invoice;
        let days = invoice.terms.as_ref().and_then(|terms| terms.net_days);
        if let (None, Some(issued), Some(days)) = (invoice.due_date, invoice.issue_date, days) {
            let span = Span::new().try_days(days);
            invoice.due_date = span.and_then(|span| issued.checked_add(span)).ok();
        }
    }

    /// Numbers that are well-formed one by one may be too large to add up.
    fn check_size(&mut self) {
        let lines = &self.invoice.lines;
        if lines.is_empty() || self.invoice.totals.line_net.is_some() || self.sums.products.iter().any(Option::is_none)
        {
            return;
        }
        let Some(total) = self.total.clone() else { return };
        let finding = Finding::error(
            Code::AMOUNT_INVALID,
            total.place,
            "the amounts of the lines are too large to be added up",
            "Check the quantities and prices of the lines: together they exceed 28 digits.",
        );
        let finding =
            finding.with_rule("BAD-NUMBER").with_field("TDS01").with_value(total.raw).with_excerpt(total.excerpt);
        self.record.report_at(finding, total.position);
    }
}
