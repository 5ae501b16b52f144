//! Disputes: what one side has against an invoice, with Peppol's codes for the reason and for what is asked.

use serde::{Deserialize, Serialize};

use super::status::Status;
use crate::domain::Timestamp;

/// One dispute about an invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispute {
    pub reason: Reason,
    /// What the one who opened it asks for.
    pub requested: Action,
    pub opened_by: Side,
    pub opened_at: Timestamp,
    pub state: DisputeState,
}

/// Whose word it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    Supplier,
    Payer,
}

/// How far it has come. It is settled when the side that opened it says so: at once, or after the other has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisputeState {
    Open,
    /// The side that did not open it says that it is settled; the other has not agreed yet.
    Answered,
    Closed,
}

/// Why a dispute may not do that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DisputeRefusal {
    #[error("an invoice that is {} cannot be disputed", .0.as_str())]
    NotDisputable(Status),
    #[error("the dispute is closed; open a new one")]
    Closed,
    #[error("the other side has to agree before this dispute is closed")]
    WaitsForTheOther,
}

impl Dispute {
    /// Opens one.
    ///
    /// # Errors
    /// The invoice is withdrawn, voided or superseded: nothing is left to dispute.
    pub fn open(
        by: Side,
        reason: Reason,
        requested: Action,
        status: Status,
        at: Timestamp,
    ) -> Result<Self, DisputeRefusal> {
        match status {
            Status::Cancelled | Status::Superseded => Err(DisputeRefusal::NotDisputable(status)),
            _ => Ok(Self { reason, requested, opened_by: by, opened_at: at, state: DisputeState::Open }),
        }
    }

    /// What it is after this side says that it is settled.
    ///
    /// # Errors
    /// It is closed, or this side has said so before.
    pub fn settled_by(&self, side: Side) -> Result<Self, DisputeRefusal> {
        let state = match self.state {
            DisputeState::Closed => return Err(DisputeRefusal::Closed),
            _ if side == self.opened_by => DisputeState::Closed,
            DisputeState::Open => DisputeState::Answered,
            DisputeState::Answered => return Err(DisputeRefusal::WaitsForTheOther),
        };
        Ok(Self { state, ..self.clone() })
    }

    /// What it is after this side says that it is not settled after all.
    ///
    /// # Errors
    /// It is closed.
    pub fn reopened(&self) -> Result<Self, DisputeRefusal> {
        match self.state {
            DisputeState::Closed => Err(DisputeRefusal::Closed),
            DisputeState::Open | DisputeState::Answered => Ok(Self { state: DisputeState::Open, ..self.clone() }),
        }
    }

    /// Whether it still stands in the way of a payment and of an early one.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state != DisputeState::Closed
    }
}

macro_rules! peppol_codes {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $code:literal, $sentence:literal;)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name {
            $(#[serde(rename = $code)] $variant,)*
        }

        impl $name {
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The code as Peppol writes it.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            #[must_use]
            pub fn parse(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.code() == code)
            }

            /// What people read.
            #[must_use]
            pub fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)* }
            }
        }
    };
}

peppol_codes! {
    /// Why (Peppol `OPStatusReason`).
    Reason {
        None = "NON", "No issue.";
        References = "REF", "A reference is missing or wrong, such as the order number.";
        Legal = "LEG", "A legal or tax detail is missing or wrong.";
        Receiver = "REC", "The invoice is addressed to somebody else.";
        Quality = "QUA", "The goods or services are not as agreed.";
        Delivery = "DEL", "The delivery is missing or not accepted.";
        Prices = "PRI", "A price is not as agreed.";
        Quantity = "QTY", "A quantity is not as ordered or delivered.";
        Items = "ITM", "An item is not as ordered.";
        PaymentTerms = "PAY", "The payment terms are not as agreed.";
        Unrecognized = "UNR", "The purchase is not recognized.";
        FinanceIncorrect = "FIN", "The account or the payment details are wrong.";
        PartiallyPaid = "PPD", "Only a part is paid.";
        Other = "OTH", "Something else; see the text.";
    }
}

peppol_codes! {
    /// What is asked of the other side (Peppol `OPStatusAction`).
    Action {
        None = "NOA", "Nothing has to be done.";
        ProvideInformation = "PIN", "Send the information that is missing; the invoice stays.";
        NewInvoice = "NIN", "Send a new invoice in place of this one.";
        CreditFully = "CNF", "Send a credit note for the whole invoice.";
        CreditPartially = "CNP", "Send a credit note for a part of the invoice.";
        CreditAmount = "CNA", "Send a credit note for the amount named.";
        Other = "OTH", "Something else; see the text.";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(by: Side) -> Dispute {
        Dispute::open(by, Reason::Prices, Action::CreditPartially, Status::InReview, Timestamp::from_micros(1)).unwrap()
    }

    #[test]
    fn the_side_that_opened_it_closes_it_and_the_other_only_answers() {
        let dispute = open(Side::Payer);
        assert_eq!(dispute.settled_by(Side::Payer).unwrap().state, DisputeState::Closed);
        let answered = dispute.settled_by(Side::Supplier).unwrap();
        assert_eq!(answered.state, DisputeState::Answered);
        assert!(answered.is_open());
        assert_eq!(answered.settled_by(Side::Supplier), Err(DisputeRefusal::WaitsForTheOther));
        assert_eq!(answered.reopened().unwrap().state, DisputeState::Open);
        let closed = answered.settled_by(Side::Payer).unwrap();
        assert!(!closed.is_open());
        assert_eq!(closed.reopened(), Err(DisputeRefusal::Closed));
        assert_eq!(closed.settled_by(Side::Payer), Err(DisputeRefusal::Closed));
    }

    #[test]
    fn what_is_withdrawn_is_not_disputed() {
        for status in [Status::Cancelled, Status::Superseded] {
            let opened = Dispute::open(Side::Payer, Reason::Other, Action::None, status, Timestamp::from_micros(1));
            assert_eq!(opened, Err(DisputeRefusal::NotDisputable(status)));
        }
    }

    #[test]
    fn the_codes_are_peppols() {
        let reasons: Vec<&str> = Reason::ALL.iter().map(|reason| reason.code()).collect();
        let expected = "NON REF LEG REC QUA DEL PRI QTY ITM PAY UNR FIN PPD OTH";
        assert_eq!(reasons.join(" "), expected);
        let actions: Vec<&str> = Action::ALL.iter().map(|action| action.code()).collect();
        assert_eq!(actions.join(" "), "NOA PIN NIN CNF CNP CNA OTH");
        assert_eq!(Reason::parse("PRI"), Some(Reason::Prices));
        assert_eq!(Action::parse("XXX"), None);
        assert_eq!(serde_json::to_value(Action::NewInvoice).unwrap(), "NIN");
    }
}
