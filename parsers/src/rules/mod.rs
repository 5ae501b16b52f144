//! The rules of EN 16931 over the canonical model, one place for all formats: what must be there, what
//! must add up, what VAT wants of each category (CEN validation artefacts v1.3.16).
//!
//! The rules know invoices, not files. Where a field stands, the caller says ([`Places`]).

mod categories;
mod codes;
mod decimals;
mod places;
mod presence;
mod taxed;
mod totals;

pub(crate) use self::places::Places;

use rust_decimal::Decimal;

use crate::canonical::Invoice;
use crate::{Code, Finding};

/// What a document claims to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claim {
    /// What its specification identifier says.
    AsStated,
    /// EN 16931 or a specification built on it: every rule holds.
    En16931,
    /// Nothing: only the sums are looked at, and what is off is a warning.
    None,
}

/// What a specification identifier (BT-24) claims.
pub(crate) fn claim_of(specification_id: Option<&str>) -> Claim {
    match specification_id {
        Some(id) if id.contains("urn:cen.eu:en16931:2017") => Claim::En16931,
        _ => Claim::None,
    }
}

/// What is wrong with an invoice by the rules of EN 16931; at most one more than `findings_max`, so that
/// fifty thousand bad lines do not cost their findings' memory before anybody counts them.
pub(crate) fn check(invoice: &Invoice, places: &Places<'_>, claim: Claim, findings_max: usize) -> Vec<Finding> {
    let claim = if claim == Claim::AsStated { claim_of(invoice.specification_id.as_deref()) } else { claim };
    let mut case = Case { invoice, places, claim, findings_max, findings: Vec::new() };
    totals::check(&mut case);
    if claim == Claim::En16931 {
        presence::check(&mut case);
        codes::check(&mut case);
        decimals::check(&mut case);
        categories::check(&mut case);
    }
    case.findings
}

/// An invoice before its rules.
struct Case<'a> {
    invoice: &'a Invoice,
    places: &'a Places<'a>,
    claim: Claim,
    findings_max: usize,
    findings: Vec<Finding>,
}

impl Case<'_> {
    /// Says that a rule is broken at a field.
    fn fail(&mut self, rule: &'static str, field: &str, message: impl Into<String>, fix: impl Into<String>) {
        if self.findings.len() > self.findings_max {
            return;
        }
        let location = self.places.locate(field);
        let finding = match self.claim {
            Claim::None => Finding::warning(Code::rule(rule), location, message, fix),
            Claim::AsStated | Claim::En16931 => Finding::error(Code::rule(rule), location, message, fix),
        };
        let mut finding = finding.with_rule(rule).with_field(field);
        if let Some(raw) = self.places.raw(field) {
            finding = finding.with_value(raw);
        }
        self.findings.push(finding);
    }

    /// Says that a rule is broken, unless it holds.
    fn want(&mut self, holds: bool, rule: &'static str, field: &str, message: &str, fix: &str) {
        if !holds {
            self.fail(rule, field, message, fix);
        }
    }
}

/// Whether there is text other than white space.
fn is_given(text: Option<&str>) -> bool {
    text.is_some_and(|text| !text.trim().is_empty())
}

/// To two decimals, half toward +∞, as XPath's `round` does and the published rules with it: −2.345 is
/// −2.34. `None` when the number is too large to round.
fn rounded(number: Decimal) -> Option<Decimal> {
    let hundredths = number.checked_mul(Decimal::ONE_HUNDRED)?;
    let mut rounded = hundredths.checked_add(Decimal::new(5, 1))?.floor().checked_div(Decimal::ONE_HUNDRED)?;
    // For the reader of a message: 99.00, as amounts are written.
    rounded.rescale(2);
    Some(rounded)
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
        assert!(findings.iter().all(|finding| finding.severity == crate::Severity::Warning));
    }
}
