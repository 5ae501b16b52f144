//! Who is at the door. Every path that is not a proof accepted by the dropbox is a rejection; what is left to prove
//! after a good one is told as RFC 4252 section 5.1 has it, by partial success.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use russh::keys::ssh_key::certificate::CertType;
use russh::keys::ssh_key::public::KeyData;
use russh::keys::{Algorithm, Certificate, PublicKey};
use russh::server::{Auth, Response};
use tokio::time::{Instant, sleep_until};
use tracing::debug;

use super::ear::Greeting;
use super::listener;
use crate::arrive::presence::Presence;
use crate::config;
use crate::domain::Step;
use crate::land::{Attempt, Door, Dropbox, Peer, Proof, Refused, Session, UserCertificate, Verdict};

/// One connection's attempts to log in.
pub(super) struct Login {
    dropbox: Dropbox,
    presence: Arc<Presence>,
    greeting: Greeting,
    /// Set once, by the proof that was the last the account wanted.
    session: Arc<OnceLock<Session>>,
    attempt: Attempt,
    /// What was asked last, and of whom (keyboard-interactive).
    asked: Option<(String, Step)>,
    /// Who has proved everything and may still not come in is told why, and sent away.
    turned_away: Option<String>,
    failures_left: u32,
    offers_left: u32,
}

/// The connection has tried what it may not, or too often.
#[derive(Debug, thiserror::Error)]
pub(super) enum Hopeless {
    #[error("too many failed logins or offered keys")]
    TooMany,
    #[error("the login changed in the middle of logging in")]
    AnotherLogin,
}

/// A rejected password or code takes at least this long.
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
            attempt: Attempt::default(),
            asked: None,
            turned_away: None,
            failures_left: sftp.login_failures_max,
            offers_left: sftp.key_offers_max,
        }
    }

    /// Why somebody who proved everything is sent away.
    pub(super) fn turned_away(&mut self) -> Option<String> {
        self.turned_away.take()
    }

    pub(super) async fn password(&mut self, login: &str, password: &str) -> Result<Auth, Hopeless> {
        self.asked = None;
        self.guessable(login, Proof::Password(password)).await
    }

    /// Keyboard-interactive (RFC 4256): a question, and the answers to the last one.
    pub(super) async fn questions(&mut self, login: &str, answers: Option<Response<'_>>) -> Result<Auth, Hopeless> {
        let asked = self.asked.take();
        let Some(mut answers) = answers else {
            self.offers_left = self.offers_left.checked_sub(1).ok_or(Hopeless::TooMany)?;
            if !self.attempt.is_of(login) {
                return Err(Hopeless::AnotherLogin);
            }
            // Everybody is asked for a password first, whether there is such an account or not.
            let step = if self.attempt.has_begun() { self.askable() } else { Some(Step::Password) };
            return Ok(match step {
                Some(step) => self.ask(login, step),
                None => self.rejected(),
            });
        };
        let (Some((of, step)), Some(answer), None) = (asked, answers.next(), answers.next()) else {
            self.failed()?;
            return Ok(self.rejected());
        };
        if of != login {
            return Err(Hopeless::AnotherLogin);
        }
        let Ok(answer) = std::str::from_utf8(&answer) else {
            self.failed()?;
            return Ok(self.rejected());
        };
        let proof = if step == Step::Totp { Proof::Code(answer) } else { Proof::Password(answer) };
        let auth = self.guessable(login, proof).await?;
        // What is left to ask is asked in the same breath: there are clients that begin only once.
        match (&auth, self.askable()) {
            (Auth::Reject { partial_success: true, .. }, Some(step)) => Ok(self.ask(login, step)),
            _ => Ok(auth),
        }
    }

    fn ask(&mut self, login: &str, step: Step) -> Auth {
        self.asked = Some((login.to_owned(), step));
        let prompt = if step == Step::Totp { "Verification code: " } else { "Password: " };
        Auth::Partial {
            name: Cow::Borrowed(""),
            instructions: Cow::Borrowed(""),
            prompts: Cow::Owned(vec![(Cow::Borrowed(prompt), false)]),
        }
    }

    /// The next step that can be asked for.
    fn askable(&self) -> Option<Step> {
        self.attempt.next().iter().copied().find(|step| matches!(step, Step::Totp | Step::Password))
    }

    /// A proof somebody could guess: a wrong one takes its time, and there are not many tries.
    async fn guessable(&mut self, login: &str, proof: Proof<'_>) -> Result<Auth, Hopeless> {
        let since = Instant::now();
        let auth = self.prove(login, proof).await?;
        if matches!(auth, Auth::Reject { partial_success: false, .. }) {
            sleep_until(since + REJECTION).await;
            self.failed()?;
        }
        Ok(auth)
    }

    /// A client asks whether it is worth signing with this key, its own or the one in a certificate.
    pub(super) async fn offered(
        &mut self,
        login: &str,
        key: &PublicKey,
        algorithm: &Algorithm,
    ) -> Result<Auth, Hopeless> {
        self.asked = None;
        self.offers_left = self.offers_left.checked_sub(1).ok_or(Hopeless::TooMany)?;
        if !self.attempt.is_of(login) {
            return Err(Hopeless::AnotherLogin);
        }
        let Some(key) = acceptable(key, algorithm) else { return Ok(self.rejected()) };
        let is_wanted = self.dropbox.offers_key(&self.attempt, login, &key, &self.peer()).await;
        Ok(if is_wanted { Auth::Accept } else { self.rejected() })
    }

    /// A client has signed with this key; russh has verified the signature.
    pub(super) async fn public_key(
        &mut self,
        login: &str,
        key: &PublicKey,
        algorithm: &Algorithm,
    ) -> Result<Auth, Hopeless> {
        self.asked = None;
        match acceptable(key, algorithm) {
            Some(key) => self.prove(login, Proof::PublicKey(&key)).await,
            None => Ok(self.rejected()),
        }
    }

    /// A client has signed with the key of this certificate; russh has verified that, and the authority's signature.
    pub(super) async fn certificate(&mut self, login: &str, certificate: &Certificate) -> Result<Auth, Hopeless> {
        self.asked = None;
        let Some(certificate) = told(certificate) else { return Ok(self.rejected()) };
        let auth = self.prove(login, Proof::UserCertificate(&certificate)).await?;
        if matches!(auth, Auth::Reject { partial_success: false, .. }) {
            self.failed()?;
        }
        Ok(auth)
    }

    async fn prove(&mut self, login: &str, proof: Proof<'_>) -> Result<Auth, Hopeless> {
        let peer = self.peer();
        match self.dropbox.prove(&mut self.attempt, login, proof, &peer).await {
            Ok(Verdict::In(session)) => match self.session.set(session) {
                Ok(()) => Ok(Auth::Accept),
                Err(_) => Ok(self.rejected()),
            },
            Ok(Verdict::More) => Ok(Auth::Reject {
                proceed_with_methods: Some(listener::methods_for(self.attempt.next())),
                partial_success: true,
            }),
            Err(refused) => {
                debug!(%refused, "rejected a login");
                match refused {
                    Refused::AnotherLogin => Err(Hopeless::AnotherLogin),
                    // Only after a login can a sentence be sent that every client shows. No session comes with it.
                    Refused::Legacy { .. } => {
                        self.turned_away = Some(refused.to_string());
                        Ok(Auth::Accept)
                    }
                    Refused::Denied | Refused::UnknownKey | Refused::KeptOut | Refused::Busy | Refused::Unavailable => {
                        Ok(self.rejected())
                    }
                }
            }
        }
    }

    fn peer(&self) -> Peer {
        Peer {
            address: self.presence.peer(),
            door: Door::Sftp,
            client: self.greeting.text(),
            algorithms: self.greeting.algorithms(),
        }
    }

    fn failed(&mut self) -> Result<(), Hopeless> {
        self.failures_left = self.failures_left.saturating_sub(1);
        if self.failures_left == 0 { Err(Hopeless::TooMany) } else { Ok(()) }
    }

    /// Naming the methods again matters: left to itself, russh strikes the method just tried off the list, and
    /// nobody could mistype a password.
    fn rejected(&self) -> Auth {
        let methods = match self.attempt.has_begun() {
            true => listener::methods_for(self.attempt.next()),
            false => listener::methods(),
        };
        Auth::Reject { proceed_with_methods: Some(methods), partial_success: false }
    }
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

/// A certificate as the dropbox judges it.
fn told(certificate: &Certificate) -> Option<UserCertificate> {
    let wire = |key: &KeyData| PublicKey::new(key.clone(), "").to_bytes().ok();
    Some(UserCertificate {
        key: wire(certificate.public_key())?,
        authority: wire(certificate.signature_key())?,
        signed_with: certificate.signature().algorithm().to_string(),
        is_user: certificate.cert_type() == CertType::User,
        serial: certificate.serial(),
        key_id: certificate.key_id().to_owned(),
        principals: certificate.valid_principals().to_vec(),
        valid_after: certificate.valid_after(),
        valid_before: certificate.valid_before(),
        critical_options: certificate.critical_options().iter().map(|(k, v)| (k.clone(), v.clone())).collect(),
    })
}
