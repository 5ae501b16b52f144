//! What a sender is told when something cannot be done: the `Display` of each is the sentence.

use crate::domain::{PathError, chain};

/// Why a session's wish was not granted.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LandError {
    #[error("there is no file {path}")]
    NotFound { path: String },
    #[error("{path} already exists; remove it first or choose another name")]
    Exists { path: String },
    #[error("{reason}")]
    Refused { reason: String },
    /// The account's policy does not allow it.
    #[error("{reason}")]
    Forbidden { reason: String },
    #[error("the file is larger than the {limit} this {taker} takes; split it and send the parts")]
    TooLarge {
        limit: String,
        /// `server` or `account`.
        taker: &'static str,
    },
    #[error("{reason}")]
    OverQuota { reason: String },
    #[error("the server has no room left for this file; nothing was kept, send it again later")]
    NoSpace,
    #[error("bytes {from} to {to} were never sent, so the file is not complete; send it again")]
    Incomplete { from: u64, to: u64 },
    #[error("{reason}; try again in a moment")]
    Busy { reason: String },
    #[error("the file could not be stored and is not received; send it again later (the server's log names the cause)")]
    Unavailable,
    #[error(transparent)]
    Path(#[from] PathError),
}

impl LandError {
    pub(super) fn refused(reason: impl Into<String>) -> Self {
        Self::Refused { reason: reason.into() }
    }

    /// Logs a cause the sender is not told, where it is handled.
    pub(super) fn unavailable(doing: &str, cause: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error = chain(cause), "could not {doing}");
        Self::Unavailable
    }
}
