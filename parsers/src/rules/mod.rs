//! The rules of EN 16931 over the canonical model, one place for all formats: what must be there, what
//! must add up, which codes are codes, what VAT wants of each category (CEN validation artefacts v1.3.16);
//! and what Peppol BIS Billing 3 and XRechnung want beyond, where a document says it follows them.
//!
//! The rules know invoices, not files. Where a field stands, the caller says ([`Places`]). What each rule
//! wants, for people, is in the [`catalogue`].

pub(crate) mod catalogue;

mod asked;
mod categories;
mod claim;
mod codes;
mod decimals;
mod field;
mod lists;
mod peppol;
mod places;
mod presence;
mod registers;
mod taxed;
mod totals;
mod xrechnung;

pub(crate) use self::asked::Asked;
pub(crate) use self::catalogue::explain;
pub(crate) use self::claim::{Claim, claim_of, claims_en16931, claims_peppol};
pub(crate) use self::codes::is_of_list;
pub(crate) use self::lists::{is_credit_note_type, is_invoice_type};
pub(crate) use self::places::Places;

use rust_decimal::Decimal;

use self::claim::Follows;
use self::field::At;
use crate::canonical::Invoice;
use crate::{Code, Finding, Severity};

/// What is wrong with an invoice by the rules of EN 16931; at most one more than `findings_max`, so that
/// fifty thousand bad lines do not cost their findings' memory before anybody counts them.
pub(crate) fn check(invoice: &Invoice, places: &Places<'_>, claim: Claim, findings_max: usize) -> Vec<Finding> {
    let claim = if claim == Claim::AsStated { claim_of(invoice.specification_id.as_deref()) } else { claim };
    let follows = Follows::of(invoice.specification_id.as_deref());
    let mut case = Case { invoice, places, claim, follows, findings_max, findings: Vec::new() };
    totals::check(&mut case);
    if claim == Claim::En16931 {
        presence::check(&mut case);
        codes::check(&mut case);
        decimals::check(&mut case);
        categories::check(&mut case);
        if follows.peppol {
            peppol::check(&mut case);
        }
        if follows.xrechnung {
            xrechnung::check(&mut case);
        }
    }
    case.findings
}

/// An invoice before its rules.
struct Case<'a> {
    invoice: &'a Invoice,
    places: &'a Places<'a>,
    claim: Claim,
    follows: Follows,
    findings_max: usize,
    findings: Vec<Finding>,
}

impl Case<'_> {
    /// Says that a rule is broken at a field.
    fn fail(&mut self, rule: &'static str, at: impl Into<At>, message: impl Into<String>, fix: impl Into<String>) {
        if self.is_full() {
            return;
        }
        self.push(rule, &at.into().to_string(), message.into(), fix.into());
    }

    /// Says that a rule is broken, with the fix the catalogue has for it.
    fn broken(&mut self, rule: &'static str, at: impl Into<At>, message: impl Into<String>) {
        if !self.is_full() {
            self.broken_at(rule, &at.into().to_string(), message);
        }
    }

    /// The same, for a field the document itself names.
    fn broken_at(&mut self, rule: &'static str, field: &str, message: impl Into<String>) {
        if self.is_full() {
            return;
        }
        let fix = catalogue::explain(rule).map_or("Correct it as the rule says.", |known| known.fix);
        self.push(rule, field, message.into(), fix.to_owned());
    }

    fn is_full(&self) -> bool {
        self.findings.len() > self.findings_max
    }

    /// How much a broken rule weighs, the catalogue knows; to a document that claims nothing, a warning.
    fn push(&mut self, rule: &'static str, field: &str, message: String, fix: String) {
        let location = self.places.locate(field);
        let weight = match self.claim {
            Claim::None => Severity::Warning,
            _ => catalogue::explain(rule).map_or(Severity::Error, |known| known.severity),
        };
        let finding = match weight {
            Severity::Warning => Finding::warning(Code::rule(rule), location, message, fix),
            Severity::Error => Finding::error(Code::rule(rule), location, message, fix),
        };
        let mut finding = finding.with_rule(rule).with_field(field);
        if let Some(raw) = self.places.raw(field) {
            finding = finding.with_value(raw);
        }
        self.findings.push(finding);
    }

    /// Says that a rule is broken, unless it holds.
    fn want(&mut self, holds: bool, rule: &'static str, at: impl Into<At>, message: &str, fix: &str) {
        if !holds {
            self.fail(rule, at, message, fix);
        }
    }
}

/// Whether there is text other than white space.
fn is_given(text: Option<&str>) -> bool {
    text.is_some_and(|text| !text.trim().is_empty())
}

/// A value of a stranger's, short enough for a message.
fn brief(text: &str) -> String {
    text.chars().take(40).collect()
}

/// To two decimals, half toward +∞, as XPath's `round` does and the published rules with it: −2.345 is
/// −2.34. `None` when the number is too large to round.
fn rounded(number: Decimal) -> Option<Decimal> {
    if number.scale() <= 2 {
        // Nothing to round, as nearly always.
        let mut rounded = number;
        rounded.rescale(2);
        return Some(rounded).filter(|rounded| rounded.scale() == 2);
    }
    let hundredths = number.checked_mul(Decimal::ONE_HUNDRED)?;
    let mut rounded = whole(hundredths)?.checked_div(Decimal::ONE_HUNDRED)?;
    // For the reader of a message: 99.00, as amounts are written.
    rounded.rescale(2);
    Some(rounded)
}

/// To no decimals, half toward +∞: 0.5 is 1, −0.5 is 0.
fn whole(number: Decimal) -> Option<Decimal> {
    Some(number.checked_add(Decimal::new(5, 1))?.floor())
}

/// The sum, or `None` when it is too large.
fn sum(numbers: impl IntoIterator<Item = Decimal>) -> Option<Decimal> {
    numbers.into_iter().try_fold(Decimal::ZERO, Decimal::checked_add)
}

#[cfg(test)]
mod sample;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_round_toward_positive_infinity() {
        for (number, expected) in [("2.345", "2.35"), ("-2.345", "-2.34"), ("-2.346", "-2.35"), ("1", "1")] {
            let number: Decimal = number.parse().expect("a number");
            assert_eq!(rounded(number), Some(expected.parse().expect("a number")), "{number}");
        }
        assert_eq!(rounded(Decimal::MAX), None);
        assert_eq!(whole(Decimal::new(5, 1)), Some(Decimal::ONE));
        assert_eq!(whole(Decimal::new(-5, 1)), Some(Decimal::ZERO));
    }

    #[test]
    fn the_sample_breaks_no_rule() {
        assert_eq!(sample::broken(&sample::invoice()), Vec::<&str>::new());
    }

    #[test]
    fn a_document_that_claims_nothing_gets_warnings_about_its_sums_only() {
        let mut invoice = sample::invoice();
        invoice.specification_id = None;
        invoice.number = None;
        invoice.totals.payable = Some(Decimal::ONE);
        let findings = check(&invoice, &Places::nowhere(), Claim::AsStated, 100);
        assert_eq!(findings.iter().map(|finding| finding.code.as_str()).collect::<Vec<_>>(), ["BR-CO-16"]);
        assert!(findings.iter().all(|finding| finding.severity == Severity::Warning));
    }

    #[test]
    fn no_more_is_said_than_somebody_will_read() {
        let mut invoice = sample::invoice();
        invoice.lines = vec![crate::canonical::Line::default(); 500];
        assert_eq!(check(&invoice, &Places::nowhere(), Claim::AsStated, 7).len(), 8);
    }
}
