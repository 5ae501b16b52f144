//! Stand-in until the catalogue is merged.

use crate::Severity;

/// A code or rule, told to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explanation {
    /// The code or the id of the rule, as findings bear it.
    pub code: &'static str,
    /// How much a finding of it weighs.
    pub severity: Severity,
    /// What holds where nothing is wrong: one sentence.
    pub wants: &'static str,
    /// What to do where it does not hold: one sentence, imperative.
    pub fix: &'static str,
    /// The fields it is about.
    pub fields: &'static str,
    /// Who says so, with version and date.
    pub source: &'static str,
}

static ALL: [Explanation; 2] = [
    Explanation {
        code: "edi_count_mismatch",
        severity: Severity::Error,
        wants: "A trailer counts what is there.",
        fix: "Count again.",
        fields: "",
        source: "X12.5",
    },
    Explanation {
        code: "BR-CO-10",
        severity: Severity::Error,
        wants: "The sum of the lines is right.",
        fix: "Add it up.",
        fields: "BT-106",
        source: "EN 16931-1",
    },
];

/// What is known of a code or rule, in whatever case it is written.
#[must_use]
pub fn explain(code: &str) -> Option<&'static Explanation> {
    explanations().find(|known| known.code.eq_ignore_ascii_case(code))
}

/// All of them.
pub fn explanations() -> impl Iterator<Item = &'static Explanation> {
    ALL.iter()
}
