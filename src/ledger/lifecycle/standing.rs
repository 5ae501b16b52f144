//! What each side said last of an invoice, and the status that follows from it.

use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use waybill_parsers::canonical::PaymentStatus;

use super::holds::Hold;
use super::status::Status;
use crate::domain::Timestamp;
use crate::ledger::allocation::Settlement;

/// The place of a payer's file among its feed's files: the moment it speaks of, then its number in the feed. A
/// greater one is newer, whenever it arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AsOf {
    pub at: Timestamp,
    pub feed_seq: u64,
}

impl fmt::Display for AsOf {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} (file {})", self.at, self.feed_seq)
    }
}

/// What the payer decides about the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// In how many full snapshots in a row an open item must be missing before it counts as closed, at least 1.
    pub absent_snapshots: u32,
}

impl Default for Rules {
    fn default() -> Self {
        Self { absent_snapshots: 3 }
    }
}

/// All that is known of where one invoice stands. Layers of two records may be joined ([`Standing::joined`])
/// when a supplier's invoice is matched with a payer's voucher, and parted again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Standing {
    /// The supplier's own invoice, where it filed one.
    pub filing: Option<Filing>,
    /// The newest of the payer's files that lists it.
    pub listed: Option<AsOf>,
    /// The newest status the payer's files gave it that the profile could map.
    pub payer: Option<PayerWord>,
    /// The payer's code is mapped to an exception: somebody there must look.
    pub is_exception: bool,
    pub holds: Vec<Hold>,
    /// In how many full snapshots since `listed` it was missing.
    pub absent: u32,
    /// What accounts payable decided in the portal.
    pub decision: Option<(Decision, Timestamp)>,
    /// What the payments make of it.
    pub settlement: Settlement,
    /// As of when the payments are known.
    pub settled_as_of: Option<Timestamp>,
    /// The pay run it is in.
    pub pay_run: Option<Date>,
}

/// The supplier's own invoice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Filing {
    /// The last that was heard of its way to the payer, and when.
    pub handover: Option<(Handover, Timestamp)>,
    pub is_withdrawn: bool,
    pub is_superseded: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Handover {
    /// Fetched, or accepted by a 997 or CONTRL.
    Taken,
    /// Refused by a 997 or CONTRL: our output was wrong, not the supplier's invoice.
    Refused,
}

/// A status in a payer's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayerWord {
    pub status: PaymentStatus,
    pub as_of: AsOf,
}

/// What accounts payable may decide in the portal, as long as no file of the payer's says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    InReview,
    Approved,
    Rejected,
    Cancelled,
}

/// What the status rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// The supplier's own filing and what became of it on its way.
    Filing,
    /// The payer's file.
    PayerFile,
    /// A person in accounts payable.
    AccountsPayable,
    /// Payments that were allocated to it.
    Payments,
    /// The payer's file says that it is paid, and no payment is known: no number, no date.
    StatusOnly,
    /// Full snapshots that no longer list it.
    Absence,
}

/// What people should look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flag {
    HandoverRefused,
    PaidButRefused,
    Overpaid,
    StatusOnly,
    Exception,
}

impl Flag {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HandoverRefused => "handover_refused",
            Self::PaidButRefused => "paid_but_refused",
            Self::Overpaid => "overpaid",
            Self::StatusOnly => "status_only",
            Self::Exception => "exception",
        }
    }

    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::HandoverRefused => {
                "Your customer's system could not read what we sent it. Our operators know; you need not send it again."
            }
            Self::PaidButRefused => "Your customer's file says that this invoice is refused, and a payment covers it.",
            Self::Overpaid => "The payments are more than the invoice.",
            Self::StatusOnly => "Your customer says that this is paid, and has sent no payment details.",
            Self::Exception => "Your customer has to clear a question about this invoice before it can go on.",
        }
    }
}

/// The status with what it rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    pub status: Status,
    pub evidence: Evidence,
}

impl Standing {
    /// The status that follows from what is known; `None` while nothing is.
    #[must_use]
    pub fn view(&self, rules: &Rules) -> Option<View> {
        let view = |status, evidence| Some(View { status, evidence });
        if self.filing.as_ref().is_some_and(|filing| filing.is_superseded) {
            return view(Status::Superseded, Evidence::Filing);
        }
        let base = self.before_payments()?;
        let paid = self.after_payments(base);
        if paid.status.is_open() && self.listed.is_some() && self.absent >= rules.absent_snapshots.max(1) {
            return view(Status::ClosedUnconfirmed, Evidence::Absence);
        }
        if paid.status == Status::Approved && self.pay_run.is_some() {
            return view(Status::Scheduled, paid.evidence);
        }
        Some(paid)
    }

    /// The payer's file before accounts payable before the supplier.
    fn before_payments(&self) -> Option<View> {
        let view = |status, evidence| Some(View { status, evidence });
        if let Some(word) = self.payer {
            return view(word.status.into(), Evidence::PayerFile);
        }
        if let Some((decision, _)) = self.decision {
            return view(decision.into(), Evidence::AccountsPayable);
        }
        if self.listed.is_some() {
            return view(Status::Received, Evidence::PayerFile);
        }
        let status = match self.filing.as_ref()? {
            filing if filing.is_withdrawn => Status::Cancelled,
            Filing { handover: Some((Handover::Taken, _)), .. } => Status::Delivered,
            _ => Status::Submitted,
        };
        view(status, Evidence::Filing)
    }

    /// Payments raise what the others say, up to what their sum covers. A flag alone makes `paid` only where no
    /// payment is known at all, and not against a reversal that is newer than the flag.
    fn after_payments(&self, base: View) -> View {
        let by_payments = |status| View { status, evidence: Evidence::Payments };
        let is_flag = matches!(base.status, Status::PartiallyPaid | Status::Paid | Status::Cleared);
        match self.settlement {
            _ if matches!(base.status, Status::Rejected | Status::Cancelled) => base,
            Settlement::Paid | Settlement::Overpaid if base.status == Status::Cleared => base,
            Settlement::Paid | Settlement::Overpaid => by_payments(Status::Paid),
            Settlement::Partial => by_payments(Status::PartiallyPaid),
            Settlement::Reversed if is_flag && !self.flag_is_newer_than_payments() => by_payments(Status::Approved),
            Settlement::Unpaid | Settlement::Reversed if is_flag => {
                View { status: base.status, evidence: Evidence::StatusOnly }
            }
            Settlement::Unpaid | Settlement::Reversed => base,
        }
    }

    fn flag_is_newer_than_payments(&self) -> bool {
        let flag = self.payer.map(|word| word.as_of.at);
        matches!((flag, self.settled_as_of), (Some(flag), Some(payments)) if flag > payments)
    }

    /// What people should look at.
    #[must_use]
    pub fn flags(&self, rules: &Rules) -> Vec<Flag> {
        let view = self.view(rules);
        let is_refused = view.is_some_and(|view| matches!(view.status, Status::Rejected | Status::Cancelled));
        let is_covered = matches!(self.settlement, Settlement::Partial | Settlement::Paid | Settlement::Overpaid);
        let handover = self.filing.as_ref().and_then(|filing| filing.handover);
        let flags = [
            (Flag::HandoverRefused, matches!(handover, Some((Handover::Refused, _)))),
            (Flag::PaidButRefused, is_refused && is_covered),
            (Flag::Overpaid, self.settlement == Settlement::Overpaid),
            (Flag::StatusOnly, view.is_some_and(|view| view.evidence == Evidence::StatusOnly)),
            (Flag::Exception, self.is_exception),
        ];
        flags.into_iter().filter(|(_, is_raised)| *is_raised).map(|(flag, _)| flag).collect()
    }

    /// The standing of a supplier's invoice and the payer's voucher that were matched: the filing of the one, and
    /// all else of the other, but for what accounts payable decided, where the newer counts.
    #[must_use]
    pub fn joined(invoice: &Self, voucher: &Self) -> Self {
        let newest = [invoice.decision, voucher.decision].into_iter().flatten().max_by_key(|(_, at)| *at);
        Self { filing: invoice.filing.clone(), decision: newest, ..voucher.clone() }
    }

    /// The two again, when a match is undone. What accounts payable decided stays with the invoice.
    #[must_use]
    pub fn parted(&self) -> (Self, Self) {
        let invoice = Self { filing: self.filing.clone(), decision: self.decision, ..Self::default() };
        (invoice, Self { filing: None, decision: None, ..self.clone() })
    }
}

impl From<Decision> for Status {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::InReview => Self::InReview,
            Decision::Approved => Self::Approved,
            Decision::Rejected => Self::Rejected,
            Decision::Cancelled => Self::Cancelled,
        }
    }
}

/// Whether a payer's feed is late: its newest file speaks of a moment more than `late_after_micros` ago, or there is
/// none. Everything the feed decides is then shown with how old it is.
#[must_use]
pub fn is_stale(newest: Option<AsOf>, now: Timestamp, late_after_micros: i64) -> bool {
    newest.is_none_or(|newest| newest.at.plus_micros(late_after_micros) < now)
}
