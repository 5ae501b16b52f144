//! What every code and rule wants, in one place: for `waybill explain`, for the severities of a profile, and
//! for the fixes that findings carry.

mod bank_and_national;
mod categories;
mod edifact;
mod files;
mod formats;
mod lists;
mod peppol;
mod presence;
mod sums;
mod ubl;
mod x12;
mod xrechnung;

use std::sync::LazyLock;

use serde::Serialize;

use crate::Severity;

/// A code or rule, told to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The code or the id of the rule, as findings bear it.
    pub code: &'static str,
    /// How much a finding of it weighs, unless its reader or a profile says otherwise.
    pub severity: Severity,
    /// What holds where nothing is wrong: one sentence.
    pub wants: &'static str,
    /// What to do where it does not hold: one sentence, imperative.
    pub fix: &'static str,
    /// The fields it is about: business terms and groups of EN 16931, or elements of the format. Empty where
    /// it is about files.
    pub fields: &'static str,
    /// Who says so, with version and date.
    pub source: &'static str,
}

const fn error(
    code: &'static str,
    source: &'static str,
    fields: &'static str,
    wants: &'static str,
    fix: &'static str,
) -> Explanation {
    Explanation { code, severity: Severity::Error, wants, fix, fields, source }
}

const fn warning(
    code: &'static str,
    source: &'static str,
    fields: &'static str,
    wants: &'static str,
    fix: &'static str,
) -> Explanation {
    Explanation { severity: Severity::Warning, ..error(code, source, fields, wants, fix) }
}

/// What is known of a code or rule, in whatever case it is written.
#[must_use]
pub fn explain(code: &str) -> Option<&'static Explanation> {
    let by_code = |known: &&'static Explanation| known.code.cmp(code);
    match SORTED.binary_search_by(by_code) {
        Ok(index) => SORTED.get(index).copied(),
        Err(_) => explanations().find(|known| known.code.eq_ignore_ascii_case(code)),
    }
}

/// Everything a finding can be about: the codes first, then the rules inside them, then the published ones.
pub fn explanations() -> impl Iterator<Item = &'static Explanation> {
    let tables =
        [formats::CODES, x12::X12, files::FILES, presence::PRESENCE, sums::CONDITIONS, sums::DECIMALS, lists::LISTS];
    let beyond = [
        bank_and_national::BANK_AND_NATIONAL,
        edifact::EDIFACT,
        ubl::UBL,
        peppol::PEPPOL,
        peppol::PEPPOL_COMMON,
        xrechnung::XRECHNUNG,
    ];
    tables.into_iter().chain(categories::FAMILIES).chain(beyond).flatten()
}

static SORTED: LazyLock<Vec<&'static Explanation>> = LazyLock::new(|| {
    let mut sorted: Vec<_> = explanations().collect();
    sorted.sort_unstable_by_key(|known| known.code);
    sorted
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_explained_twice_and_every_explanation_is_two_sentences() {
        for pair in SORTED.windows(2) {
            assert!(pair[0].code < pair[1].code, "{} is there twice", pair[0].code);
        }
        for known in explanations() {
            for sentence in [known.wants, known.fix] {
                assert!(sentence.ends_with('.') && sentence.len() > 10, "{}: {sentence}", known.code);
                assert!(sentence.starts_with(|first: char| first.is_uppercase()), "{}: {sentence}", known.code);
            }
            assert!(!known.source.is_empty() && known.code == known.code.trim(), "{known:?}");
        }
    }

    #[test]
    fn a_code_is_found_in_whatever_case_it_is_written() {
        assert_eq!(explain("BR-CO-10").map(|known| known.fields), Some("BT-106, BT-131"));
        assert_eq!(explain("br-co-10"), explain("BR-CO-10"));
        assert_eq!(explain("EMPTY_FILE").map(|known| known.code), Some("empty_file"));
        assert_eq!(explain("BR-51").map(|known| known.severity), Some(Severity::Warning));
        assert_eq!(explain("BR-CO-25"), None);
        assert_eq!(explain(""), None);
    }
}
