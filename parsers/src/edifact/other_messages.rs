//! Messages that are not read: counted by kind, and named for people.

use crate::finding::{Code, Finding};
use crate::location::Location;
use crate::text::brief;

/// Kinds counted one by one.
const KINDS_MAX: usize = 100;
const READ: &str = "of EDIFACT, INVOIC, REMADV, CONTRL and APERAK are read";

/// The messages of a file that are not read.
#[derive(Default)]
pub(super) struct OtherMessages {
    kinds: Vec<Kind>,
}

struct Kind {
    name: String,
    count: u64,
    first: Location,
    excerpt: String,
}

impl OtherMessages {
    /// Counts a message; `first` is told only of the first of its kind.
    pub(super) fn count(&mut self, name: &str, first: impl FnOnce() -> (Location, String)) {
        if let Some(kind) = self.kinds.iter_mut().find(|kind| kind.name == name) {
            kind.count += 1;
        } else if self.kinds.len() < KINDS_MAX {
            let (location, excerpt) = first();
            self.kinds.push(Kind { name: name.to_owned(), count: 1, first: location, excerpt });
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    /// One warning a kind: nothing is wrong with them, but nobody may think that they were taken.
    pub(super) fn warnings(&self) -> impl Iterator<Item = Finding> + '_ {
        self.kinds.iter().map(|kind| {
            let (messages, were) = if kind.count == 1 { ("message", "was") } else { ("messages", "were") };
            Finding::warning(
                Code::EDI_TRANSACTION_UNSUPPORTED,
                kind.first.clone(),
                format!("{} {messages} {} {were} passed over: {READ}", kind.count, named(&kind.name)),
                "Leave these messages out, or ignore this warning if they were not meant for us.",
            )
            .with_field("UNH S009.0065")
            .with_value(&kind.name)
            .with_excerpt(&kind.excerpt)
        })
    }

    /// The format of a file that holds nothing else: `edifact-orders`.
    pub(super) fn format(&self) -> String {
        match self.kinds.as_slice() {
            [kind] if kind.name.len() == 6 && kind.name.bytes().all(|byte| byte.is_ascii_uppercase()) => {
                format!("edifact-{}", kind.name.to_ascii_lowercase())
            }
            _ => "edifact".to_owned(),
        }
    }
}

/// A file in which no message begins.
pub(super) fn nothing_inside() -> Finding {
    Finding::error(
        Code::EDI_SEGMENT_MISSING,
        Location::new(0, 1, "UNB[1]"),
        "this EDIFACT interchange is empty: no message (UNH) begins in it",
        "Check that your export wrote its documents, and send the file again.",
    )
    .with_rule("NO-UNH")
    .with_field("UNH")
}

/// `ORDERS (purchase order)`.
fn named(name: &str) -> String {
    let words = match name {
        "ORDERS" => "purchase order",
        "ORDRSP" => "purchase order response",
        "ORDCHG" => "purchase order change",
        "DESADV" => "despatch advice",
        "RECADV" => "receiving advice",
        "INVRPT" => "inventory report",
        "PRICAT" => "price catalogue",
        "PARTIN" => "party information",
        "SLSRPT" => "sales report",
        "PAYORD" => "payment order",
        "PAYMUL" => "multiple payment order",
        "PAYEXT" => "extended payment order",
        "DEBADV" => "debit advice",
        "CREADV" => "credit advice",
        "FINSTA" => "financial statement",
        "STATAC" => "statement of account",
        "COMDIS" => "commercial dispute",
        "MSCONS" => "metered services consumption",
        "UTILMD" => "utilities master data",
        _ => return if name.is_empty() { "without a type".to_owned() } else { brief(name) },
    };
    format!("{name} ({words})")
}
