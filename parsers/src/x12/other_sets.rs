//! Transaction sets that are not read: counted by kind, and named for people.

use crate::finding::{Code, Finding};
use crate::location::Location;
use crate::text::brief;

/// What is read, for people.
const READ: &str = "810, 812, 820, 824, 997 and 999";

/// Kinds counted one by one.
const KINDS_MAX: usize = 100;

/// The transaction sets of a file that are not read.
#[derive(Default)]
pub(super) struct OtherSets {
    kinds: Vec<Kind>,
}

struct Kind {
    id: String,
    count: u64,
    first: Location,
    excerpt: String,
}

impl OtherSets {
    /// Counts a set; `first` is told only of the first of its kind.
    pub(super) fn count(&mut self, id: &str, first: impl FnOnce() -> (Location, String)) {
        if let Some(kind) = self.kinds.iter_mut().find(|kind| kind.id == id) {
            kind.count += 1;
        } else if self.kinds.len() < KINDS_MAX {
            let (location, excerpt) = first();
            self.kinds.push(Kind { id: id.to_owned(), count: 1, first: location, excerpt });
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    /// One warning a kind: nothing is wrong with them, but nobody may think that they were taken.
    pub(super) fn warnings(&self) -> impl Iterator<Item = Finding> + '_ {
        self.kinds.iter().map(|kind| {
            let (sets, were) = if kind.count == 1 { ("transaction set", "was") } else { ("transaction sets", "were") };
            Finding::warning(
                Code::EDI_TRANSACTION_UNSUPPORTED,
                kind.first.clone(),
                format!("{} {sets} {} {were} passed over: of X12, {READ} are read", kind.count, named(&kind.id)),
                "Leave these transaction sets out, or ignore this warning if they were not meant for us.",
            )
            .with_field("ST01")
            .with_value(&kind.id)
            .with_excerpt(&kind.excerpt)
        })
    }

    /// The format of a file that holds nothing else: `x12-850`.
    pub(super) fn format(&self) -> String {
        match self.kinds.as_slice() {
            [kind] if kind.id.len() == 3 && kind.id.bytes().all(|byte| byte.is_ascii_digit()) => {
                format!("x12-{}", kind.id)
            }
            _ => "x12".to_owned(),
        }
    }
}

/// A file in which no transaction set begins; `group` is the code (GS01) of its first functional group.
pub(super) fn nothing_inside(group: Option<(String, Location)>) -> Finding {
    let (location, what) = match group {
        Some((code, location)) => (location, format!("functional group `{}` is", brief(&code))),
        None => (Location::new(0, 1, "ISA[1]"), "interchange is".to_owned()),
    };
    Finding::error(
        Code::EDI_SEGMENT_MISSING,
        location,
        format!("this X12 {what} empty: no transaction set (ST) begins in it"),
        "Check that your export wrote its documents, and send the file again.",
    )
    .with_rule("NO-ST")
    .with_field("ST")
}

/// `850 (purchase order)`.
fn named(id: &str) -> String {
    let words = match id {
        "210" => "motor carrier freight invoice",
        "214" => "shipment status",
        "270" => "eligibility inquiry",
        "271" => "eligibility response",
        "276" => "claim status request",
        "277" => "claim status",
        "278" => "services review",
        "810" => "invoice",
        "811" => "consolidated service invoice",
        "830" => "planning schedule",
        "832" => "price catalog",
        "834" => "benefit enrollment",
        "835" => "claim payment",
        "837" => "health care claim",
        "846" => "inventory inquiry",
        "850" => "purchase order",
        "852" => "product activity",
        "855" => "purchase order acknowledgment",
        "856" => "ship notice",
        "860" => "purchase order change",
        "861" => "receiving advice",
        "862" => "shipping schedule",
        "864" => "text message",
        "880" => "grocery products invoice",
        _ => return brief(id),
    };
    format!("{id} ({words})")
}
