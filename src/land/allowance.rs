//! What the account's policy says to what a session asks: asked here for every door, with what holds at that moment.

use std::sync::Arc;

use super::error::LandError;
use super::session::{Room, Session};
use crate::config::ByteSize;
use crate::domain::{Forbidden, NotAdmitted, Permission, Policy, Severity, Timestamp, Usage, VirtualPath};

/// Why a session has to end, although its client did not ask for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SentAway {
    /// The account's policy does not let it be inside any more.
    NotAdmitted(NotAdmitted),
    /// An operator has ended it.
    ByOperator,
}

impl Session {
    /// What holds for this session now.
    #[must_use]
    pub fn policy(&self) -> Arc<Policy> {
        self.0.standing.policy()
    }

    /// Returns when the session has to end: an operator says so, or the account may not be inside any more. Dropping
    /// the wait loses nothing.
    pub async fn sent_away(&self) -> SentAway {
        tokio::select! {
            why = self.revoked() => SentAway::NotAdmitted(why),
            () = self.0.sent_away.notified() => SentAway::ByOperator,
        }
    }

    /// Returns when the account may not be inside any more: it is disabled, its time is over, or its addresses are
    /// others. The operator has been told why.
    async fn revoked(&self) -> NotAdmitted {
        let mut policy = self.0.standing.follow();
        let why = loop {
            if let Err(why) = self.is_admitted() {
                break why;
            }
            let left = self.policy().valid_until.map(|until| until.micros().saturating_sub(Timestamp::now().micros()));
            // Looked at again before long, whatever happens to the clock.
            let left = left.map_or(LONGEST_WAIT_MICROS, |left| left.clamp(1, LONGEST_WAIT_MICROS));
            let wait = std::time::Duration::from_micros(u64::try_from(left).unwrap_or(1));
            let _ = tokio::time::timeout(wait, policy.changed()).await;
        };
        let mut event = self.event(
            "session.revoked",
            Severity::Warn,
            format!("{} is sent away from {}: {why}", self.login(), self.0.peer.address.ip().to_canonical()),
        );
        event.code = Some(why.code().to_owned());
        if let Err(error) = self.0.dropbox.0.record.tell(vec![event]).await {
            tracing::error!(error = &error as &dyn std::error::Error, "could not note that a session was sent away");
        }
        why
    }

    pub(super) fn is_admitted(&self) -> Result<(), NotAdmitted> {
        self.0.peer.is_admitted_by(&self.policy())
    }

    /// How much room there is: of the account's quota, and where uploads are until they land.
    ///
    /// # Errors
    /// The file system or the database does not say.
    pub async fn room(&self) -> Result<Room, LandError> {
        let spool = rustix::fs::statvfs(&self.0.dropbox.0.spool)
            .map_err(|error| LandError::unavailable("ask how much room there is", &error))?;
        let mut room = Room {
            total_bytes: spool.f_blocks.saturating_mul(spool.f_frsize),
            free_bytes: spool.f_bavail.saturating_mul(spool.f_frsize),
            total_files: None,
            free_files: None,
        };
        let quota = self.policy().quota();
        if quota.is_limited() {
            let Usage { bytes, files } = self.0.dropbox.held_by(&self.0.standing).await?;
            if let Some(max) = quota.bytes {
                room.total_bytes = room.total_bytes.min(max);
                room.free_bytes = room.free_bytes.min(max.saturating_sub(bytes));
            }
            room.total_files = quota.files;
            room.free_files = quota.files.map(|max| max.saturating_sub(files));
        }
        Ok(room)
    }

    /// Whether a file of this size would be taken, as far as can be said before it is sent.
    ///
    /// # Errors
    /// Why not, in words for the client.
    pub async fn has_room_for(&self, size_bytes: u64) -> Result<(), LandError> {
        self.fits(size_bytes)?;
        let usage = self.0.dropbox.held_by(&self.0.standing).await?;
        let after = Usage { bytes: usage.bytes.saturating_add(size_bytes), files: usage.files };
        self.policy().quota().allows(after).map_err(|passed| LandError::OverQuota { reason: passed.sentence })
    }

    /// Whether a file may be this long.
    pub(super) fn fits(&self, size_bytes: u64) -> Result<(), LandError> {
        let server = self.0.settings.file_max.bytes();
        let account = Some(self.policy().file_max).filter(|max| *max != 0 && *max < server);
        if size_bytes <= account.unwrap_or(server) {
            return Ok(());
        }
        Err(LandError::TooLarge {
            limit: ByteSize::of(account.unwrap_or(server)).to_string(),
            taker: if account.is_some() { "account" } else { "server" },
        })
    }

    /// Whether the account is still inside and may do this.
    pub(super) async fn permits(&self, permission: Permission, path: &VirtualPath) -> Result<(), LandError> {
        self.still_admitted()?;
        let policy = self.policy();
        self.unless_forbidden(policy.permits(permission), path).await
    }

    /// For the moment between a change of the policy and the end of the session.
    pub(super) fn still_admitted(&self) -> Result<(), LandError> {
        self.is_admitted().map_err(|_| LandError::Forbidden {
            reason: "this account may not be used any more; ask the operator of this server".to_owned(),
        })
    }

    pub(super) async fn unless_forbidden(
        &self,
        asked: Result<(), Forbidden>,
        path: &VirtualPath,
    ) -> Result<(), LandError> {
        match asked {
            Ok(()) => Ok(()),
            Err(forbidden) => {
                self.note_refusal(forbidden.code, &path.to_string(), &forbidden.sentence).await;
                Err(LandError::Forbidden { reason: forbidden.sentence })
            }
        }
    }

    /// Tells the operator what the account's policy has refused.
    pub(super) async fn note_refusal(&self, code: &str, path: &str, sentence: &str) {
        let text = format!("{path} of {} refused: {sentence}", self.login());
        let mut event = self.event("policy.refused", Severity::Warn, text).data("path", path);
        event.code = Some(code.to_owned());
        self.0.dropbox.note(&self.0.dropbox.0.noted_refusals, event).await;
    }
}

const LONGEST_WAIT_MICROS: i64 = 60_000_000;
