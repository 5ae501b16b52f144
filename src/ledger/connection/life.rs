//! The life of a connection.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionStatus {
    /// The payer has asked the supplier.
    Invited,
    /// The supplier has asked the payer.
    Requested,
    Accepted,
    Declined,
    /// The payer has stopped it for a while.
    Suspended,
    Revoked,
}

impl ConnectionStatus {
    pub const ALL: [Self; 6] =
        [Self::Invited, Self::Requested, Self::Accepted, Self::Declined, Self::Suspended, Self::Revoked];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invited => "invited",
            Self::Requested => "requested",
            Self::Accepted => "accepted",
            Self::Declined => "declined",
            Self::Suspended => "suspended",
            Self::Revoked => "revoked",
        }
    }

    /// What the supplier reads.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Invited => "Your customer invites you to see your invoices and payments here.",
            Self::Requested => "Your customer has been asked and has not answered yet.",
            Self::Accepted => "You see your invoices and payments of this customer.",
            Self::Declined => "The connection was declined.",
            Self::Suspended => "Your customer has suspended the connection.",
            Self::Revoked => "The connection has ended.",
        }
    }
}

/// The two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    Supplier,
    Payer,
}

/// How much an accepted connection lets the supplier do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// See invoices, payments and their history. What knowledge alone opens: somebody who has left the supplier
    /// knows invoice numbers, too.
    ReadOnly,
    /// Submit, dispute and accept discounts as well.
    Full,
}

/// A connection between a supplier and a payer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    pub status: ConnectionStatus,
    /// Of what is accepted, and of what was before it was suspended.
    pub access: Access,
    /// Who declined or revoked it.
    pub ended_by: Option<Party>,
}

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionEvent {
    Invite,
    /// The supplier asks. With a proof ([`super::prove`]), and where the payer does not want to be asked, that is
    /// enough to read.
    Request {
        is_proved: bool,
        needs_approval: bool,
    },
    /// The side that was asked agrees; the payer also widens a connection that may only read.
    Accept {
        by: Party,
    },
    Decline {
        by: Party,
    },
    Suspend,
    Resume,
    Revoke {
        by: Party,
    },
}

/// Why it may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConnectionRefusal {
    #[error("there is no such connection")]
    None,
    #[error("a connection that is {} cannot do that", .0.as_str())]
    OutOfOrder(ConnectionStatus),
    #[error("the other side has to answer")]
    NotYours,
}

impl Connection {
    /// What the event makes of a connection, or of none. An event that has nothing left to do leaves it as it is.
    ///
    /// # Errors
    /// The event may not happen now, or not by this side.
    pub fn after(connection: Option<&Self>, event: ConnectionEvent) -> Result<Self, ConnectionRefusal> {
        use ConnectionStatus as S;
        let new = |status, access| Ok(Self { status, access, ended_by: None });
        let ended = connection.and_then(|connection| connection.ended_by);
        let (status, access) = match (connection, event) {
            (None, ConnectionEvent::Invite | ConnectionEvent::Request { .. }) => (S::Revoked, Access::ReadOnly),
            (None, _) => return Err(ConnectionRefusal::None),
            (Some(connection), _) => (connection.status, connection.access),
        };
        let same = || connection.copied().ok_or(ConnectionRefusal::None);
        match (event, status) {
            (ConnectionEvent::Invite, S::Declined | S::Revoked) => new(S::Invited, Access::Full),
            // Both want it.
            (ConnectionEvent::Invite, S::Requested) => new(S::Accepted, Access::Full),
            (ConnectionEvent::Invite, S::Invited | S::Accepted) => same(),
            (ConnectionEvent::Request { is_proved, needs_approval }, S::Declined | S::Revoked) => {
                // A payer who said no is asked, whatever can be proved.
                let is_enough = is_proved && !needs_approval && ended != Some(Party::Payer);
                if is_enough {
                    return new(S::Accepted, Access::ReadOnly);
                }
                Ok(Self { status: S::Requested, access: Access::ReadOnly, ended_by: ended })
            }
            (ConnectionEvent::Request { is_proved: true, needs_approval: false }, S::Requested)
                if ended != Some(Party::Payer) =>
            {
                new(S::Accepted, Access::ReadOnly)
            }
            (ConnectionEvent::Request { .. }, S::Invited) => new(S::Accepted, access),
            (ConnectionEvent::Request { .. }, S::Requested | S::Accepted) => same(),
            (ConnectionEvent::Accept { by: Party::Payer }, S::Requested | S::Accepted) => {
                new(S::Accepted, Access::Full)
            }
            (ConnectionEvent::Accept { by: Party::Supplier }, S::Invited) => new(S::Accepted, access),
            (ConnectionEvent::Accept { by: Party::Supplier }, S::Accepted) => same(),
            (ConnectionEvent::Decline { by: Party::Payer }, S::Requested) => {
                Ok(Self { status: S::Declined, access, ended_by: Some(Party::Payer) })
            }
            (ConnectionEvent::Decline { by: Party::Supplier }, S::Invited) => {
                Ok(Self { status: S::Declined, access, ended_by: Some(Party::Supplier) })
            }
            (ConnectionEvent::Accept { .. } | ConnectionEvent::Decline { .. }, S::Invited | S::Requested) => {
                Err(ConnectionRefusal::NotYours)
            }
            (ConnectionEvent::Suspend, S::Accepted) => new(S::Suspended, access),
            (ConnectionEvent::Suspend, S::Suspended) => same(),
            (ConnectionEvent::Resume, S::Suspended) => new(S::Accepted, access),
            (ConnectionEvent::Resume, S::Accepted) => same(),
            (ConnectionEvent::Revoke { by: Party::Supplier }, S::Invited) => Err(ConnectionRefusal::NotYours),
            (ConnectionEvent::Revoke { by }, S::Invited | S::Requested | S::Accepted | S::Suspended) => {
                // A supplier that takes back its request, or leaves while it is suspended, does not undo the payer's
                // no before it: it would be back with a proof.
                let was_no = ended == Some(Party::Payer) || status == S::Suspended;
                let ended_by = if was_no { Party::Payer } else { by };
                Ok(Self { status: S::Revoked, access, ended_by: Some(ended_by) })
            }
            // The payer's no counts, also of what the supplier has ended already.
            (ConnectionEvent::Revoke { by: Party::Payer }, S::Revoked | S::Declined) => {
                Ok(Self { status, access, ended_by: Some(Party::Payer) })
            }
            (ConnectionEvent::Revoke { .. }, S::Revoked) => same(),
            (_, status) => Err(ConnectionRefusal::OutOfOrder(status)),
        }
    }

    /// Whether the supplier sees the payer's documents for it.
    #[must_use]
    pub fn may_read(&self) -> bool {
        self.status == ConnectionStatus::Accepted
    }

    /// Whether the supplier may submit, dispute and accept discounts.
    #[must_use]
    pub fn may_act(&self) -> bool {
        self.may_read() && self.access == Access::Full
    }
}
