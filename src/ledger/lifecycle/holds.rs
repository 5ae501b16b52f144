//! Holds: why an invoice is not paid although nothing is wrong with its status. They are the payer's, come and go with
//! its snapshots, and there may be several at once.

use serde::{Deserialize, Serialize};
use waybill_parsers::canonical::Text;

use crate::domain::Timestamp;

/// How many holds of one invoice are kept; more codes in a row are counted, not kept.
pub const HOLDS_MAX: usize = 32;

/// One hold. An invoice with any of them is not paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// The payer's code.
    pub code: Text,
    /// What the supplier reads.
    pub text: Text,
    pub owner: Owner,
    /// As of when the payer's files list it without a gap.
    pub since: Timestamp,
}

/// Who has to act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    Payer,
    Supplier,
}

impl Owner {
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Payer => "Your customer has to act; you need not.",
            Self::Supplier => "You have to act: see the text of the hold.",
        }
    }
}

/// What the payer's profile says of a hold code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldMeaning {
    pub text: Text,
    pub owner: Owner,
}

impl HoldMeaning {
    /// Of a code the profile does not know: shown as it is, and the payer's to clear.
    #[must_use]
    pub fn unknown(code: &str) -> Self {
        Self { text: Text::from(format!("Your customer holds this invoice (code {code}).")), owner: Owner::Payer }
    }
}

/// The difference between two snapshots.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HoldsChange {
    pub set: Vec<Hold>,
    pub released: Vec<Hold>,
    /// All that hold it now.
    pub now: Vec<Hold>,
    /// Codes past [`HOLDS_MAX`].
    pub left_out: usize,
}

/// What the codes of a snapshot of the moment `as_of` make of the holds before it. A code that is not in the
/// snapshot is released; one that stays keeps its beginning, and takes the meaning the profile now has.
#[must_use]
pub fn held(before: &[Hold], codes: &[Text], meaning: &dyn Fn(&str) -> HoldMeaning, as_of: Timestamp) -> HoldsChange {
    let mut change = HoldsChange::default();
    for code in codes {
        if change.now.iter().any(|hold| hold.code == *code) {
            continue;
        }
        if change.now.len() == HOLDS_MAX {
            change.left_out += 1;
            continue;
        }
        let known = before.iter().find(|hold| hold.code == *code);
        let HoldMeaning { text, owner } = meaning(code);
        let hold = Hold { code: code.clone(), text, owner, since: known.map_or(as_of, |hold| hold.since) };
        if known.is_none() {
            change.set.push(hold.clone());
        }
        change.now.push(hold);
    }
    let is_gone = |hold: &&Hold| !change.now.iter().any(|now| now.code == hold.code);
    change.released = before.iter().filter(is_gone).cloned().collect();
    change
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: i64) -> Timestamp {
        Timestamp::from_micros(day * 86_400_000_000)
    }

    fn meaning(code: &str) -> HoldMeaning {
        match code {
            "PO" => HoldMeaning { text: "Tell us the order number.".into(), owner: Owner::Supplier },
            code => HoldMeaning::unknown(code),
        }
    }

    #[test]
    fn a_hold_that_is_not_in_the_next_snapshot_is_released() {
        let first = held(&[], &["PO".into(), "QTY".into(), "PO".into()], &meaning, at(1));
        assert_eq!(first.set.len(), 2);
        assert_eq!(first.now[0].owner, Owner::Supplier);
        assert_eq!(first.now[1].text, "Your customer holds this invoice (code QTY).");
        let second = held(&first.now, &["QTY".into(), "PRI".into()], &meaning, at(2));
        assert_eq!(second.released, [first.now[0].clone()]);
        assert_eq!(second.set.iter().map(|hold| hold.code.as_str()).collect::<Vec<_>>(), ["PRI"]);
        assert_eq!(second.now[0].since, at(1), "a hold that stays keeps its beginning");
        assert_eq!(held(&second.now, &[], &meaning, at(3)).released.len(), 2);
    }

    #[test]
    fn the_same_snapshot_twice_changes_nothing() {
        let first = held(&[], &["QTY".into()], &meaning, at(1));
        let again = held(&first.now, &["QTY".into()], &meaning, at(1));
        assert_eq!(again.now, first.now);
        assert!(again.set.is_empty() && again.released.is_empty());
    }

    #[test]
    fn a_row_of_a_thousand_codes_keeps_some() {
        let codes: Vec<Text> = (0..1_000).map(|code| Text::from(format!("H{code}"))).collect();
        let change = held(&[], &codes, &meaning, at(1));
        assert_eq!((change.now.len(), change.left_out), (HOLDS_MAX, 1_000 - HOLDS_MAX));
    }
}
