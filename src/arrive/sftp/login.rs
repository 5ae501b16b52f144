//! Who is at the door. Every path that is not a proof accepted by the dropbox is a rejection.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use russh::keys::ssh_key::public::KeyData;
use russh::keys::{Algorithm, PublicKey};
use russh::server::Auth;
use tokio::time::{Instant, sleep_until};
use tracing::debug;

use super::line::Greeting;
use super::listener;
use crate::arrive::presence::Presence;
use crate::config;
use crate::land::{Door, Dropbox, Peer, Proof, Refused, Session};

/// One connection's attempts to log in.
pub(super) struct Login {
    dropbox: Dropbox,
    presence: Arc<Presence>,
    greeting: Greeting,
    /// Set once, by the proof that was accepted.
    session: Arc<OnceLock<Session>>,
    failures_left: u32,
    offers_left: u32,
}

/// The connection has tried too often.
#[derive(Debug, thiserror::Error)]
#[error("too many failed logins or offered keys")]
pub(super) struct TooMany;

/// A rejected password takes at least this long.
const REJECTION: Duration = Duration::from_secs(1);
/// NIST SP 800-131A asks for 2048 bits, and for 3072 beyond 2030.
const RSA_BITS_MIN: u32 = 3072;

impl Login {
    pub(super) fn new(
        dropbox: Dropbox,
        presence: Arc<Presence>,
        greeting: Greeting,
        session: Arc<OnceLock<Session>>,
        sftp: &config::Sftp,
    ) -> Self {
        Self {
            dropbox,
            presence,
            greeting,
            session,
            failures_left: sftp.login_failures_max,
            offers_left: sftp.key_offers_max,
        }
    }

    pub(super) async fn password(&mut self, login: &str, password: &str) -> Result<Auth, TooMany> {
        let since = Instant::now();
        let auth = self.admit(login, Proof::Password(password)).await;
        if auth != Auth::Accept {
            sleep_until(since + REJECTION).await;
            self.failed()?;
        }
        Ok(auth)
    }

    /// A client asks whether it is worth signing with this key.
    pub(super) async fn offered(
        &mut self,
        login: &str,
        key: &PublicKey,
        algorithm: &Algorithm,
    ) -> Result<Auth, TooMany> {
        self.offers_left = self.offers_left.checked_sub(1).ok_or(TooMany)?;
        let Some(key) = acceptable(key, algorithm) else { return Ok(rejected()) };
        Ok(if self.dropbox.offers_key(login, &key, &self.peer()).await { Auth::Accept } else { rejected() })
    }

    /// A client has signed with this key; russh has verified the signature.
    pub(super) async fn public_key(
        &mut self,
        login: &str,
        key: &PublicKey,
        algorithm: &Algorithm,
    ) -> Result<Auth, TooMany> {
        let auth = match acceptable(key, algorithm) {
            Some(key) => self.admit(login, Proof::PublicKey(&key)).await,
            None => rejected(),
        };
        if auth != Auth::Accept {
            self.failed()?;
        }
        Ok(auth)
    }

    async fn admit(&self, login: &str, proof: Proof<'_>) -> Auth {
        match self.dropbox.admit(login, proof, &self.peer()).await {
            Ok(session) => match self.session.set(session) {
                Ok(()) => Auth::Accept,
                Err(_) => rejected(),
            },
            Err(refused) => {
                debug!(%refused, "rejected a login");
                match refused {
                    Refused::Denied | Refused::KeptOut | Refused::Busy | Refused::Unavailable => rejected(),
                }
            }
        }
    }

    fn peer(&self) -> Peer {
        Peer { address: self.presence.peer(), door: Door::Sftp, client: self.greeting.text() }
    }

    fn failed(&mut self) -> Result<(), TooMany> {
        self.failures_left = self.failures_left.saturating_sub(1);
        if self.failures_left == 0 { Err(TooMany) } else { Ok(()) }
    }
}

/// Naming the methods again matters: left to itself, russh strikes the method just tried off the list, and
/// nobody could mistype a password.
fn rejected() -> Auth {
    Auth::Reject { proceed_with_methods: Some(listener::methods()), partial_success: false }
}

/// The key in its wire format, if it is of a kind we accept at all.
fn acceptable(key: &PublicKey, algorithm: &Algorithm) -> Option<Vec<u8>> {
    let strong = match (key.key_data(), algorithm) {
        (KeyData::Ed25519(_), Algorithm::Ed25519) | (KeyData::Ecdsa(_), Algorithm::Ecdsa { .. }) => true,
        // `hash: None` is `ssh-rsa`: SHA-1.
        (KeyData::Rsa(rsa), Algorithm::Rsa { hash: Some(_) }) => rsa.key_size() >= RSA_BITS_MIN,
        (KeyData::SkEd25519(_), Algorithm::SkEd25519) => true,
        (KeyData::SkEcdsaSha2NistP256(_), Algorithm::SkEcdsaSha2NistP256) => true,
        _ => false,
    };
    if !strong {
        debug!(algorithm = algorithm.as_str(), "refused a weak key");
        return None;
    }
    key.to_bytes().ok()
}
