//! Transaction sets that are not 810: counted by kind, and named for people.

use crate::finding::{Code, Finding};
use crate::location::Location;

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

    /// For a file that holds 810s too: one warning a kind.
    pub(super) fn warnings(&self) -> impl Iterator<Item = Finding> + '_ {
        self.kinds.iter().map(|kind| {
            let (sets, were) = if kind.count == 1 { ("transaction set", "was") } else { ("transaction sets", "were") };
            Finding::warning(
                Code::EDI_TRANSACTION_UNSUPPORTED,
                kind.first.clone(),
                format!("{} {sets} {} {were} passed over: of X12, 810 (invoice) is read", kind.count, named(&kind.id)),
                "Leave these transaction sets out, or ignore this warning if they were not meant for us.",
            )
            .with_field("ST01")
            .with_value(&kind.id)
            .with_excerpt(&kind.excerpt)
        })
    }

    /// For a file without a single 810.
    pub(super) fn refusal(&self) -> Option<Finding> {
        let first = self.kinds.first()?;
        let kinds: Vec<String> = self.kinds.iter().take(5).map(|kind| named(&kind.id)).collect();
        Some(
            refusal(first.first.clone(), &format!("this is X12 with transaction set {}", kinds.join(", ")))
                .with_field("ST01")
                .with_value(&first.id)
                .with_excerpt(&first.excerpt),
        )
    }
}

/// A file of X12 that holds nothing we read.
pub(super) fn refusal(location: Location, what: &str) -> Finding {
    Finding::error(
        Code::UNKNOWN_FORMAT,
        location,
        format!("unknown format: {what}; of X12, 810 (invoice) is read"),
        "Send X12 invoices as transaction set 810; check that this file was meant for us.",
    )
}

/// `997 (functional acknowledgment)`.
fn named(id: &str) -> String {
    let words = match id {
        "811" => "consolidated service invoice",
        "812" => "credit/debit adjustment",
        "820" => "payment order/remittance advice",
        "824" => "application advice",
        "832" => "price catalog",
        "846" => "inventory inquiry",
        "850" => "purchase order",
        "855" => "purchase order acknowledgment",
        "856" => "ship notice",
        "860" => "purchase order change",
        "861" => "receiving advice",
        "864" => "text message",
        "880" => "grocery products invoice",
        "997" => "functional acknowledgment",
        "999" => "implementation acknowledgment",
        _ => return super::invoice_810::brief(id),
    };
    format!("{id} ({words})")
}
