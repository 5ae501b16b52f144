//! Who may come in, and what is written of those who may not. Every failure, of a proof or of ours, is a refusal.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use tokio::sync::Notify;

use super::Dropbox;
use super::attempt::Denial;
use super::session::{Session, SessionInner};
use super::standing::Standing;
use crate::domain::{AccountId, Event, NotAdmitted, OrganisationId, Policy, SessionId, Severity, Timestamp};
use crate::record::{AccountRow, RecordError};

/// Where a connection comes from.
#[derive(Debug, Clone)]
pub struct Peer {
    pub address: SocketAddr,
    pub door: Door,
    /// What the client calls itself.
    pub client: Option<String>,
    pub algorithms: Algorithms,
}

impl Peer {
    /// Whether a policy lets it be inside now. Where somebody comes from is asked of those who come.
    pub(super) fn is_admitted_by(&self, policy: &Policy) -> Result<(), NotAdmitted> {
        match policy.admits(self.address.ip(), Timestamp::now()) {
            Err(NotAdmitted::Address(_)) if self.door == Door::Partner => Ok(()),
            admitted => admitted,
        }
    }
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
    /// We went and fetched it.
    Partner,
}

impl Door {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sftp => "sftp",
            Self::Ftps => "ftps",
            Self::Https => "https",
            Self::Partner => "partner",
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
    #[error("this address is kept out for a while, because too much went wrong; try again later or ask the operator")]
    KeptOut,
    #[error("too many logins are being checked; try again in a moment")]
    Busy,
    #[error("logins cannot be checked at the moment; try again later")]
    Unavailable,
}

/// Failed logins, and refusals by a policy, written to the log each second; the rest is only spoken. An attacker must not fill the disk.
const NOTED_PER_SECOND: u32 = 10;

impl Dropbox {
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

    /// The session in which what is fetched from a partner's server lands, in the name of an account. `None`: there is
    /// no such account. Where its logins may come from is of no matter: nobody has come.
    ///
    /// # Errors
    /// The account's policy lets nobody in; or the database does not answer.
    pub async fn session_of_partner(&self, login: &str, peer: &Peer) -> Result<Option<Session>, NotEntered> {
        let account = self.0.record.credential(login).await.map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "could not look up a partner's account");
            NotEntered::Unavailable
        })?;
        let Some(account) = account else { return Ok(None) };
        let principal = account.account.to_string();
        let standing = self.admitted(&principal, Some(account.account), peer).await;
        let standing = standing.map_err(|denial| match denial.policy {
            Some(_) => NotEntered::Policy,
            None => NotEntered::Unavailable,
        })?;
        Ok(Some(self.session(account.organisation, principal, account.login, peer, standing)))
    }

    async fn entered(
        &self,
        standing: Result<Arc<Standing>, Denial>,
        login: &str,
        peer: &Peer,
    ) -> Result<Arc<Standing>, NotEntered> {
        match standing {
            Ok(standing) => Ok(standing),
            Err(denial) => {
                self.note_failure(login, "token", peer, &denial).await;
                Err(if denial.policy.is_some() { NotEntered::Policy } else { NotEntered::Unavailable })
            }
        }
    }

    /// How a principal stands, if its policy lets it in from there and now.
    pub(super) async fn admitted(
        &self,
        principal: &str,
        account: Option<AccountId>,
        peer: &Peer,
    ) -> Result<Arc<Standing>, Denial> {
        admits(self.standing(principal, account).await, peer)
    }

    pub(super) fn session(
        &self,
        organisation: OrganisationId,
        principal: String,
        login: String,
        peer: &Peer,
        standing: Arc<Standing>,
    ) -> Session {
        let session = Arc::new(SessionInner {
            dropbox: self.clone(),
            standing,
            settings: self.0.settings.now(),
            id: SessionId::random(),
            organisation,
            principal,
            login,
            peer: peer.clone(),
            started: Instant::now(),
            began: Timestamp::now(),
            files: 0.into(),
            bytes: 0.into(),
            sent_away: Notify::new(),
        });
        self.0.inside.came(&session);
        Session(session)
    }

    pub(super) async fn note_failure(&self, login: &str, method: &str, peer: &Peer, denial: &Denial) {
        let shown: String = login.chars().filter(|c| !c.is_control()).take(64).collect();
        let (text, code) = match &denial.policy {
            None => (format!("login refused: {}", denial.reason), "auth_failed"),
            Some(why) => {
                let address = peer.address.ip().to_canonical();
                let text = format!("login of {shown} from {address} refused, although its credential was right: {why}");
                (text, why.code())
            }
        };
        let mut event = Event::new("auth.failed", Severity::Warn, text)
            .data("method", method)
            .data("told", denial.refused.to_string())
            .data("client", peer.client.clone())
            .data("algorithms", peer.algorithms.shown());
        event.user = Some(shown);
        event.proto = Some(peer.door.as_str().to_owned());
        event.ip = Some(peer.address.ip().to_string());
        event.code = Some(code.to_owned());
        // Apart from wrong passwords, of which anybody can send any number.
        let noted = if denial.policy.is_some() { &self.0.noted_refusals } else { &self.0.noted_failures };
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

/// How somebody stands, if the policy lets them in from there and now.
pub(super) fn admits(standing: Result<Arc<Standing>, RecordError>, peer: &Peer) -> Result<Arc<Standing>, Denial> {
    let standing = standing.map_err(|error| Denial::ours("read an account's policy", &error))?;
    peer.is_admitted_by(&standing.policy()).map_err(Denial::by_policy)?;
    Ok(standing)
}

/// Why a caller with a valid token does not get in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotEntered {
    /// The account's policy.
    Policy,
    Unavailable,
}
