//! Who may come in. Every failure, of a credential or of ours, is a refusal.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::Dropbox;
use super::credential::{NOBODYS_HASH, fingerprint, verify_password};
use super::session::{Session, SessionInner};
use super::standing::Standing;
use crate::defend::Offence;
use crate::domain::{AccountId, Event, NotAdmitted, OrganisationId, SessionId, Severity, Timestamp};
use crate::record::{AccountRow, Credential};

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
/// Failed logins, and refusals by a policy, written to the log each second; the rest is only spoken. An attacker must not fill the disk.
const NOTED_PER_SECOND: u32 = 10;

impl Dropbox {
    /// Whether this public key would log this account in: for a client's probe before it signs.
    pub async fn offers_key(&self, login: &str, key: &[u8], peer: &Peer) -> bool {
        let fingerprint = fingerprint(key);
        let known = match self.0.record.credential(login).await {
            Ok(Some(known)) if known.keys.contains(&fingerprint) => known,
            _ => return false,
        };
        // A key that is right, from where it may not be used, looks like one that is wrong; and since its client
        // will not come as far as signing, this is where the operator is told.
        match self.welcome(&known, peer).await {
            Ok(_) => true,
            Err(unwelcome) => {
                self.note_failure(login, "publickey", peer, &unwelcome).await;
                false
            }
        }
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
                checked.map_err(Unwelcome::from)
            }
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "could not look up an account");
                Err(Refused::Unavailable.into())
            }
        };
        // Asked only of who has shown the right credential: nobody else learns that there is such an account.
        let checked = match checked {
            Ok(known) => self.welcome(&known, peer).await.map(|standing| (known, standing)),
            Err(unwelcome) => Err(unwelcome),
        };
        match checked {
            Ok((known, standing)) => {
                let principal = known.account.to_string();
                let session = self.session(known.organisation, principal, known.login, peer, standing);
                let event = session
                    .event("session.started", Severity::Info, format!("{} logged in", session.login()))
                    .data("method", proof.method())
                    .data("client", peer.client.clone())
                    .took(started.elapsed());
                // A login is not worth more than its log line: if that cannot be written, nobody comes in.
                self.0.record.tell(vec![event]).await.map_err(|_| Refused::Unavailable)?;
                Ok(session)
            }
            Err(unwelcome) => {
                self.note_failure(login, proof.method(), peer, &unwelcome).await;
                Err(unwelcome.refused())
            }
        }
    }

    /// The session of a caller whose API token was checked already. Its drop folder is the organisation's, and what
    /// holds for every account holds for it.
    ///
    /// # Errors
    /// Nobody may come from there, or the database does not answer.
    pub async fn session_for(
        &self,
        organisation: OrganisationId,
        principal_name: &str,
        peer: &Peer,
    ) -> Result<Session, NotEntered> {
        let principal = organisation.to_string();
        let standing = self.admitted(&principal, None, peer).await;
        self.entered(standing, principal_name, peer)
            .await
            .map(|standing| self.session(organisation, principal, principal_name.to_owned(), peer, standing))
    }

    /// The session of a caller whose API token was checked already, in the name of an account the token shows. It is
    /// to the account's policy as if the account had logged in.
    ///
    /// # Errors
    /// The account's policy lets nobody in, or not from there; or the database does not answer.
    pub async fn session_as(&self, account: &AccountRow, peer: &Peer) -> Result<Session, NotEntered> {
        let principal = account.id.to_string();
        let standing = self.admitted(&principal, Some(account.id), peer).await;
        self.entered(standing, &account.login, peer)
            .await
            .map(|standing| self.session(account.organisation, principal, account.login.clone(), peer, standing))
    }

    async fn entered(
        &self,
        standing: Result<Arc<Standing>, Unwelcome>,
        login: &str,
        peer: &Peer,
    ) -> Result<Arc<Standing>, NotEntered> {
        match standing {
            Ok(standing) => Ok(standing),
            Err(unwelcome) => {
                self.note_failure(login, "token", peer, &unwelcome).await;
                Err(match unwelcome {
                    Unwelcome::Policy(_) => NotEntered::Policy,
                    Unwelcome::Refused(_) => NotEntered::Unavailable,
                })
            }
        }
    }

    async fn welcome(&self, known: &Credential, peer: &Peer) -> Result<Arc<Standing>, Unwelcome> {
        self.admitted(&known.account.to_string(), Some(known.account), peer).await
    }

    /// How a principal stands, if its policy lets it in from there and now.
    async fn admitted(
        &self,
        principal: &str,
        account: Option<AccountId>,
        peer: &Peer,
    ) -> Result<Arc<Standing>, Unwelcome> {
        let standing = self.standing(principal, account).await.map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "could not read an account's policy");
            Refused::Unavailable
        })?;
        standing.policy().admits(peer.address.ip(), Timestamp::now())?;
        Ok(standing)
    }

    fn session(
        &self,
        organisation: OrganisationId,
        principal: String,
        login: String,
        peer: &Peer,
        standing: Arc<Standing>,
    ) -> Session {
        Session(Arc::new(SessionInner {
            dropbox: self.clone(),
            standing,
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

    async fn note_failure(&self, login: &str, method: &str, peer: &Peer, unwelcome: &Unwelcome) {
        let shown: String = login.chars().filter(|c| !c.is_control()).take(64).collect();
        let (text, code) = match unwelcome {
            Unwelcome::Refused(refused) => (format!("login refused: {refused}"), "auth_failed"),
            Unwelcome::Policy(why) => {
                let address = peer.address.ip().to_canonical();
                (
                    format!("login of {shown} from {address} refused, although its credential was right: {why}"),
                    why.code(),
                )
            }
        };
        let mut event =
            Event::new("auth.failed", Severity::Warn, text).data("method", method).data("client", peer.client.clone());
        event.user = Some(shown);
        event.proto = Some(peer.door.as_str().to_owned());
        event.ip = Some(peer.address.ip().to_string());
        event.code = Some(code.to_owned());
        // Apart from wrong passwords, of which anybody can send any number.
        let noted = match unwelcome {
            Unwelcome::Refused(_) => &self.0.noted_failures,
            Unwelcome::Policy(_) => &self.0.noted_refusals,
        };
        self.note(noted, event).await;
    }

    /// Writes an event that a client can cause at will: some of each second, so that nobody fills the disk with it.
    /// The rest is only spoken.
    pub(super) async fn note(&self, noted: &Mutex<(Instant, u32)>, event: Event) {
        let is_noted = {
            let Ok(mut window) = noted.lock() else { return };
            if window.0.elapsed() >= Duration::from_secs(1) {
                *window = (Instant::now(), 0);
            }
            window.1 += 1;
            window.1 <= NOTED_PER_SECOND
        };
        if !is_noted {
            crate::telemetry::speak(&event);
        } else if let Err(error) = self.0.record.tell(vec![event]).await {
            tracing::error!(error = &error as &dyn std::error::Error, "could not note a refusal");
        }
    }
}

/// Why a caller with a valid token does not get in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotEntered {
    /// The account's policy.
    Policy,
    Unavailable,
}

/// Why nobody came in, as the operator is told it.
#[derive(Debug)]
enum Unwelcome {
    Refused(Refused),
    Policy(NotAdmitted),
}

impl Unwelcome {
    /// What the client is told: of a policy, what a wrong password is told.
    fn refused(&self) -> Refused {
        match self {
            Self::Refused(refused) => *refused,
            Self::Policy(_) => Refused::Denied,
        }
    }
}

impl From<Refused> for Unwelcome {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<NotAdmitted> for Unwelcome {
    fn from(why: NotAdmitted) -> Self {
        Self::Policy(why)
    }
}
