//! Who may come in, and what is written of those who may not. Every failure, of a proof or of ours, is a refusal.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use super::Dropbox;
use super::attempt::Denial;
use super::session::{Session, SessionInner};
use crate::domain::{Event, OrganisationId, SessionId, Severity};

/// Where a connection comes from.
#[derive(Debug, Clone)]
pub struct Peer {
    pub address: SocketAddr,
    pub door: Door,
    /// What the client calls itself.
    pub client: Option<String>,
    pub algorithms: Algorithms,
}

/// What a connection is protected with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Algorithms {
    /// What for, and which: `("cipher", "aes256-gcm@openssh.com")`.
    pub chosen: Vec<(&'static str, String)>,
    /// Those of them that only accounts with the legacy policy may speak.
    pub legacy: Vec<String>,
}

impl Algorithms {
    /// As events tell it.
    pub(super) fn shown(&self) -> Value {
        if self.chosen.is_empty() {
            return Value::Null;
        }
        let named = self.chosen.iter().map(|(what, name)| ((*what).to_owned(), Value::from(name.clone())));
        Value::Object(named.collect::<Map<_, _>>())
    }
}

/// Which front end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    Sftp,
    Ftps,
    Https,
}

impl Door {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sftp => "sftp",
            Self::Ftps => "ftps",
            Self::Https => "https",
        }
    }
}

/// Why nobody came in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the login or its credential is not right")]
    Denied,
    /// Nobody guesses keys, and clients offer all they have: not a failed login.
    #[error("the key is not one that logs in here")]
    UnknownKey,
    #[error("the login may not change in the middle of logging in; connect again")]
    AnotherLogin,
    #[error(
        "this account may not speak the old algorithms this connection chose ({algorithms}); update the client, or ask \
         the operator to allow them for the account"
    )]
    Legacy { algorithms: String },
    #[error("too many logins are being checked; try again in a moment")]
    Busy,
    #[error("logins cannot be checked at the moment; try again later")]
    Unavailable,
}

/// Failed logins written to the log each second; the rest is only spoken. An attacker must not fill the disk.
const NOTED_FAILURES_PER_SECOND: u32 = 10;

impl Dropbox {
    /// The session of a caller whose API token was checked already. Its drop folder is the organisation's.
    #[must_use]
    pub fn session_for(&self, organisation: OrganisationId, principal_name: &str, peer: &Peer) -> Session {
        self.session(organisation, organisation.to_string(), principal_name.to_owned(), peer)
    }

    pub(super) fn session(
        &self,
        organisation: OrganisationId,
        principal: String,
        login: String,
        peer: &Peer,
    ) -> Session {
        Session(Arc::new(SessionInner {
            dropbox: self.clone(),
            id: SessionId::random(),
            organisation,
            principal,
            login,
            peer: peer.clone(),
            started: Instant::now(),
            files: 0.into(),
            bytes: 0.into(),
        }))
    }

    pub(super) async fn note_failure(&self, login: &str, method: &str, peer: &Peer, denial: &Denial) {
        let shown: String = login.chars().filter(|c| !c.is_control()).take(64).collect();
        let refused = &denial.refused;
        let mut event = Event::new("auth.failed", Severity::Warn, format!("login refused: {}", denial.reason))
            .data("method", method)
            .data("told", refused.to_string())
            .data("client", peer.client.clone())
            .data("algorithms", peer.algorithms.shown());
        event.user = Some(shown);
        event.proto = Some(peer.door.as_str().to_owned());
        event.ip = Some(peer.address.ip().to_string());
        event.code = Some("auth_failed".to_owned());
        let noted = {
            let Ok(mut window) = self.0.noted_failures.lock() else { return };
            if window.0.elapsed() >= Duration::from_secs(1) {
                *window = (Instant::now(), 0);
            }
            window.1 += 1;
            window.1 <= NOTED_FAILURES_PER_SECOND
        };
        if !noted {
            crate::telemetry::speak(&event);
        } else if let Err(error) = self.0.record.tell(vec![event]).await {
            tracing::error!(error = &error as &dyn std::error::Error, "could not note a failed login");
        }
    }
}
