//! Who may come in. Every failure, of a credential or of ours, is a refusal.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Dropbox;
use super::credential::{NOBODYS_HASH, fingerprint, verify_password};
use super::session::{Session, SessionInner};
use crate::defend::Offence;
use crate::domain::{Event, OrganisationId, SessionId, Severity};
use crate::record::Credential;

/// What a caller shows to prove who it is.
pub enum Proof<'a> {
    Password(&'a str),
    /// A public key in SSH wire format (RFC 4253 §6.6) whose signature the door has verified.
    PublicKey(&'a [u8]),
}

impl std::fmt::Debug for Proof<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.method())
    }
}

impl Proof<'_> {
    fn method(&self) -> &'static str {
        match self {
            Self::Password(_) => "password",
            Self::PublicKey(_) => "publickey",
        }
    }
}

/// Where a connection comes from.
#[derive(Debug, Clone)]
pub struct Peer {
    pub address: SocketAddr,
    pub door: Door,
    /// What the client calls itself.
    pub client: Option<String>,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the login or its credential is not right")]
    Denied,
    #[error("this address is kept out for a while, because too much went wrong; try again later or ask the operator")]
    KeptOut,
    #[error("too many logins are being checked; try again in a moment")]
    Busy,
    #[error("logins cannot be checked at the moment; try again later")]
    Unavailable,
}

/// How long a login waits for its turn to be checked.
const WAIT_FOR_CHECK: Duration = Duration::from_secs(10);
/// Failed logins written to the log each second; the rest is only spoken. An attacker must not fill the disk.
const NOTED_FAILURES_PER_SECOND: u32 = 10;

impl Dropbox {
    /// Whether this public key would log this account in: for a client's probe before it signs.
    pub async fn offers_key(&self, login: &str, key: &[u8]) -> bool {
        let fingerprint = fingerprint(key);
        matches!(self.0.record.credential(login).await, Ok(Some(known)) if known.keys.contains(&fingerprint))
    }

    /// Checks a credential and opens a session.
    ///
    /// # Errors
    /// [`Refused`]; it never says which part was wrong.
    pub async fn admit(&self, login: &str, proof: Proof<'_>, peer: &Peer) -> Result<Session, Refused> {
        let started = Instant::now();
        let address = peer.address.ip();
        // A ban also holds for connections that were there before it.
        if self.0.defender.keeps_out(address) {
            return Err(Refused::KeptOut);
        }
        if matches!(proof, Proof::Password(_)) {
            tokio::time::sleep(self.0.defender.slow_down(login)).await;
        }
        let checked = match self.0.record.credential(login).await {
            Ok(known) => {
                let offence = if known.is_some() { Offence::FailedLogin } else { Offence::UnknownLogin };
                let checked = self.check(known, &proof).await;
                if checked.as_ref().err() == Some(&Refused::Denied) {
                    self.0.defender.blame(address, offence);
                    if matches!(proof, Proof::Password(_)) {
                        self.0.defender.guessed(login);
                    }
                }
                checked
            }
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "could not look up an account");
                Err(Refused::Unavailable)
            }
        };
        match checked {
            Ok(known) => {
                let principal = known.account.to_string();
                let session = self.session(known.organisation, principal, known.login, peer);
                let event = session
                    .event("session.started", Severity::Info, format!("{} logged in", session.login()))
                    .data("method", proof.method())
                    .data("client", peer.client.clone())
                    .took(started.elapsed());
                // A login is not worth more than its log line: if that cannot be written, nobody comes in.
                self.0.record.tell(vec![event]).await.map_err(|_| Refused::Unavailable)?;
                Ok(session)
            }
            Err(refused) => {
                self.note_failure(login, &proof, peer, refused).await;
                Err(refused)
            }
        }
    }

    /// The session of a caller whose API token was checked already. Its drop folder is the organisation's.
    #[must_use]
    pub fn session_for(&self, organisation: OrganisationId, principal_name: &str, peer: &Peer) -> Session {
        self.session(organisation, organisation.to_string(), principal_name.to_owned(), peer)
    }

    fn session(&self, organisation: OrganisationId, principal: String, login: String, peer: &Peer) -> Session {
        Session(Arc::new(SessionInner {
            dropbox: self.clone(),
            settings: self.0.settings.now(),
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

    async fn check(&self, known: Option<Credential>, proof: &Proof<'_>) -> Result<Credential, Refused> {
        match proof {
            Proof::PublicKey(key) => {
                let fingerprint = fingerprint(key);
                known.filter(|known| known.keys.contains(&fingerprint)).ok_or(Refused::Denied)
            }
            Proof::Password(password) => {
                let permit = tokio::time::timeout(WAIT_FOR_CHECK, self.0.password_checks.acquire()).await;
                let Ok(Ok(_permit)) = permit else { return Err(Refused::Busy) };
                let hash = known
                    .as_ref()
                    .and_then(|known| known.password_hash.clone())
                    .unwrap_or_else(|| NOBODYS_HASH.to_owned());
                let password = zeroize::Zeroizing::new((*password).to_owned());
                let fits = tokio::task::spawn_blocking(move || verify_password(&password, &hash))
                    .await
                    .map_err(|_| Refused::Unavailable)?;
                known.filter(|known| fits && known.password_hash.is_some()).ok_or(Refused::Denied)
            }
        }
    }

    async fn note_failure(&self, login: &str, proof: &Proof<'_>, peer: &Peer, refused: Refused) {
        let shown: String = login.chars().filter(|c| !c.is_control()).take(64).collect();
        let mut event = Event::new("auth.failed", Severity::Warn, format!("login refused: {refused}"))
            .data("method", proof.method())
            .data("client", peer.client.clone());
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
