//! The narrower rules of X12 sets other than the 810.

use super::{Explanation, error, warning};

pub(super) static X12: &[Explanation] = &[
    warning(
        "BCD04-ARITH",
        "X12 812",
        "BCD04, CDD",
        "The amount of an adjustment is the sum of its lines.",
        "Check the lines (CDD) against BCD04.",
    ),
    warning(
        "RMR04-ARITH",
        "X12 820",
        "RMR04, RMR05, RMR06, ADX01",
        "What is paid of a document is its amount less discount and adjustments.",
        "Check RMR05, RMR06 and ADX01 against RMR04.",
    ),
    error(
        "MISSING-AK1",
        "X12 997, 999",
        "AK1",
        "An acknowledgment says which group it answers.",
        "Send AK1 right after ST, with the group it answers.",
    ),
    error(
        "MISSING-AK9",
        "X12 997, 999",
        "AK9",
        "An acknowledgment has a verdict on the whole group.",
        "Send AK9 last, with the verdict on the whole group.",
    ),
    error(
        "MISSING-BCD",
        "X12 812",
        "BCD",
        "An adjustment has a number, a date and an amount.",
        "Send BCD right after ST, with the number, the date, the amount and its direction.",
    ),
    error(
        "MISSING-BGN",
        "X12 824",
        "BGN",
        "An application advice has a number and a date.",
        "Send BGN right after ST, with its number in BGN02 and its date in BGN03.",
    ),
    error(
        "MISSING-OTI",
        "X12 824",
        "OTI",
        "An application advice says what it answers.",
        "Send an OTI for every document that is answered.",
    ),
];
