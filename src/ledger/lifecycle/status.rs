//! The statuses of an invoice, in the supplier's words.

use std::fmt;

use serde::{Deserialize, Serialize};
use waybill_parsers::canonical::PaymentStatus;

/// Where an invoice stands (PORTAL B3). The first nine are a ladder; the others are ways off it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// We hold a valid invoice of the supplier's; the payer has not answered.
    Submitted,
    /// The payer's system has fetched it.
    Delivered,
    /// The payer's file lists it.
    Received,
    /// It is being matched or approved.
    InReview,
    /// Approved; the next step is payment.
    Approved,
    /// Approved, and the pay run is known.
    Scheduled,
    /// Payments cover a part of it.
    PartiallyPaid,
    /// Payments cover all of it, or the payer says so.
    Paid,
    /// The bank has confirmed the payment.
    Cleared,
    /// The payer will not process it.
    Rejected,
    /// Withdrawn by the supplier, or voided by the payer.
    Cancelled,
    /// It left the payer's list of open items, and nothing says that it was paid.
    ClosedUnconfirmed,
    /// A newer invoice took its place.
    Superseded,
}

impl Status {
    pub const ALL: [Self; 13] = [
        Self::Submitted,
        Self::Delivered,
        Self::Received,
        Self::InReview,
        Self::Approved,
        Self::Scheduled,
        Self::PartiallyPaid,
        Self::Paid,
        Self::Cleared,
        Self::Rejected,
        Self::Cancelled,
        Self::ClosedUnconfirmed,
        Self::Superseded,
    ];

    /// As it is written in the API, in files and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::Delivered => "delivered",
            Self::Received => "received",
            Self::InReview => "in_review",
            Self::Approved => "approved",
            Self::Scheduled => "scheduled",
            Self::PartiallyPaid => "partially_paid",
            Self::Paid => "paid",
            Self::Cleared => "cleared",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
            Self::ClosedUnconfirmed => "closed_unconfirmed",
            Self::Superseded => "superseded",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// What the supplier reads where the payer's profile has no words of its own.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Submitted => "We have your invoice. Your customer has not confirmed it yet.",
            Self::Delivered => "Your customer's system has fetched your invoice.",
            Self::Received => "Your customer has your invoice in its books.",
            Self::InReview => "Your customer is checking your invoice.",
            Self::Approved => "Your customer has approved your invoice. The next step is payment.",
            Self::Scheduled => "Your invoice is approved and waits for its pay run.",
            Self::PartiallyPaid => "Your customer has paid a part of your invoice.",
            Self::Paid => "Your customer has paid your invoice.",
            Self::Cleared => "The payment of your invoice has cleared the bank.",
            Self::Rejected => {
                "Your customer has rejected your invoice. See the reason; a corrected one may take its place."
            }
            Self::Cancelled => "Your invoice was withdrawn or voided and will not be paid.",
            Self::ClosedUnconfirmed => {
                "Your customer no longer lists your invoice as open, and has sent no payment for it. Ask your customer."
            }
            Self::Superseded => "A newer invoice of yours has taken the place of this one.",
        }
    }

    /// Whether something is still to happen to it.
    #[must_use]
    pub fn is_open(self) -> bool {
        self.rung().is_some_and(|rung| rung <= 6)
    }

    /// Whether going from `self` to `to` is a step down the ladder: approved, and then in review again.
    #[must_use]
    pub fn regresses_to(self, to: Self) -> bool {
        matches!((self.rung(), to.rung()), (Some(from), Some(to)) if to < from)
    }

    fn rung(self) -> Option<u8> {
        match self {
            Self::Submitted => Some(0),
            Self::Delivered => Some(1),
            Self::Received => Some(2),
            Self::InReview => Some(3),
            Self::Approved => Some(4),
            Self::Scheduled => Some(5),
            Self::PartiallyPaid => Some(6),
            Self::Paid => Some(7),
            Self::Cleared => Some(8),
            Self::Rejected | Self::Cancelled | Self::ClosedUnconfirmed | Self::Superseded => None,
        }
    }
}

impl From<PaymentStatus> for Status {
    fn from(status: PaymentStatus) -> Self {
        match status {
            PaymentStatus::Received => Self::Received,
            PaymentStatus::InReview => Self::InReview,
            PaymentStatus::Approved => Self::Approved,
            PaymentStatus::Scheduled => Self::Scheduled,
            PaymentStatus::PartiallyPaid => Self::PartiallyPaid,
            PaymentStatus::Paid => Self::Paid,
            PaymentStatus::Cleared => Self::Cleared,
            PaymentStatus::Rejected => Self::Rejected,
            PaymentStatus::Cancelled => Self::Cancelled,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_reads_back_and_has_a_sentence() {
        for status in Status::ALL {
            assert_eq!(Status::parse(status.as_str()), Some(status));
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
            assert!(status.sentence().ends_with('.'));
        }
        assert_eq!(Status::parse("lost"), None);
    }

    #[test]
    fn a_payers_word_keeps_its_name() {
        use PaymentStatus as P;
        for word in [P::Received, P::InReview, P::Approved, P::Scheduled, P::PartiallyPaid, P::Paid, P::Cleared] {
            assert_eq!(Status::from(word).as_str(), word.as_str());
        }
        assert_eq!(Status::from(P::Rejected), Status::Rejected);
        assert_eq!(Status::from(P::Cancelled), Status::Cancelled);
    }

    #[test]
    fn only_a_step_down_the_ladder_is_a_regression() {
        assert!(Status::Approved.regresses_to(Status::InReview));
        assert!(Status::Paid.regresses_to(Status::Approved));
        assert!(!Status::InReview.regresses_to(Status::Approved));
        assert!(!Status::Approved.regresses_to(Status::Rejected));
        assert!(!Status::Rejected.regresses_to(Status::InReview));
    }
}
