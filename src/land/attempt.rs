//! Proving who one is, in one step or in several. A caller's [`Attempt`] remembers what it has proved; each further
//! proof is weighed against what the account wants next. Whatever fails here, a check or one of ours, is a refusal,
//! and one of ours takes back what was proved before it (CVE-2024-5806 was an error that was none).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::Dropbox;
use super::admit::{Peer, Refused, admits};
use super::certificate::UserCertificate;
use super::credential::{NOBODYS_HASH, fingerprint};
use super::session::Session;
use super::standing::{Read, Standing};
use super::totp;
use crate::defend::Offence;
use crate::domain::methods::joined;
use crate::domain::{AccountId, Methods, NotAdmitted, Severity, Step, Timestamp};
use crate::record::{Credential, KeyRow, LoginRow, Proofs, Try};

/// What a caller shows to prove who it is.
pub enum Proof<'a> {
    Password(&'a str),
    /// A password and, where the account wants one, a code right behind it: for protocols that ask one thing only.
    PasswordAndCode(&'a str),
    /// A code of the second factor, or a recovery code.
    Code(&'a str),
    /// A public key in SSH wire format (RFC 4253 §6.6) whose signature the door has verified.
    PublicKey(&'a [u8]),
    /// An OpenSSH user certificate; the door has verified its signature, and its key's.
    UserCertificate(&'a UserCertificate),
    /// A TLS client certificate; the door has verified that an authority it trusts has issued and not revoked it, or
    /// says what is wrong with it.
    ClientCertificate(&'a ClientCertificate),
}

impl std::fmt::Debug for Proof<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.method())
    }
}

impl Proof<'_> {
    pub(super) fn method(&self) -> &'static str {
        match self {
            Self::Password(_) | Self::PasswordAndCode(_) => Step::Password.as_str(),
            Self::Code(_) => Step::Totp.as_str(),
            Self::PublicKey(_) | Self::UserCertificate(_) => Step::PublicKey.as_str(),
            Self::ClientCertificate(_) => Step::Certificate.as_str(),
        }
    }

    /// Whether who has none may try until one fits.
    fn can_be_guessed(&self) -> bool {
        matches!(self, Self::Password(_) | Self::PasswordAndCode(_) | Self::Code(_))
    }
}

/// Who a TLS client certificate says its holder is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientCertificate {
    /// `cn:…`, `dns:…`, `email:…`, `uri:…`, `upn:…`, and `sha256:…` of the certificate itself.
    pub names: Vec<String>,
    /// Why it is not good; then it has no names.
    pub trouble: Option<String>,
}

/// What a caller has proved so far. One connection has one, and nobody else.
#[derive(Debug, Default)]
pub struct Attempt {
    login: String,
    account: Option<AccountId>,
    done: Vec<Step>,
    next: Vec<Step>,
    /// What was shown, for the log: keys by their fingerprints.
    shown: Vec<(&'static str, String)>,
}

impl Attempt {
    /// Whether a step is proved already: from then on the login may not change.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        !self.done.is_empty()
    }

    /// What may be proved next, once a step is proved.
    #[must_use]
    pub fn next(&self) -> &[Step] {
        &self.next
    }

    /// Whose attempt it is, once a step is proved.
    #[must_use]
    pub fn is_of(&self, login: &str) -> bool {
        !self.has_begun() || self.login == login
    }

    fn forget(&mut self) {
        *self = Self::default();
    }
}

/// What a proof that was good comes to.
#[derive(Debug)]
pub enum Verdict {
    In(Session),
    /// The account wants more: [`Attempt::next`] says what.
    More,
}

/// A refusal, and what an operator is told about it.
pub(super) struct Denial {
    pub(super) refused: Refused,
    /// Never for the caller.
    pub(super) reason: String,
    /// The proofs are good, and the account's policy keeps their owner out.
    pub(super) policy: Option<NotAdmitted>,
}

impl Denial {
    fn new(refused: Refused, reason: impl Into<String>) -> Self {
        Self { refused, reason: reason.into(), policy: None }
    }

    fn denied(reason: impl Into<String>) -> Self {
        Self::new(Refused::Denied, reason)
    }

    /// The caller is told what a wrong password is told.
    pub(super) fn by_policy(why: NotAdmitted) -> Self {
        Self { policy: Some(why.clone()), ..Self::denied(why.to_string()) }
    }

    /// Something of ours failed: it is logged here, and everybody else is told to try again.
    pub(super) fn ours(doing: &str, cause: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error = crate::domain::chain(cause), "could not {doing}");
        Self::new(Refused::Unavailable, format!("could not {doing}"))
    }
}

/// An account, and what it is judged by.
struct Known {
    credential: Credential,
    proofs: Proofs,
    methods: Methods,
    /// Its policy as it was read with the rest, for [`Dropbox::standing_as_read`].
    policy: Read,
}

/// What a proof has proved.
struct Proved {
    steps: Vec<Step>,
    shown: Vec<(&'static str, String)>,
}

impl Proved {
    fn by(steps: &[Step]) -> Self {
        Self { steps: steps.to_vec(), shown: vec![] }
    }
}

/// How long a login waits for its turn to be checked.
const WAIT_FOR_CHECK: Duration = Duration::from_secs(10);

impl Dropbox {
    /// Whether it is worth a client's while to sign with this key: it is the account's, and good now, and a key is
    /// what is wanted. Where certificates are trusted, a key that nobody knows may still be in one, so it is too.
    pub async fn offers_key(&self, attempt: &Attempt, login: &str, key: &[u8], peer: &Peer) -> bool {
        if !attempt.is_of(login) {
            return false;
        }
        // A key that is right, from where it may not be used, looks like one that is wrong; and since its client
        // will not come as far as signing, this is where the operator is told.
        let weighed = match self.weigh_offer(attempt, login, key).await {
            Ok(Some(mut known)) => self.admitted_as_read(&mut known, peer).await.map(|_| ()),
            Ok(None) => Ok(()),
            Err(denial) => Err(denial),
        };
        match weighed {
            Ok(()) => true,
            Err(denial) if denial.refused == Refused::UnknownKey => false,
            Err(denial) => {
                self.note_failure(login, Step::PublicKey.as_str(), peer, &denial).await;
                false
            }
        }
    }

    async fn admitted_as_read(&self, known: &mut Known, peer: &Peer) -> Result<Arc<Standing>, Denial> {
        let standing = self.standing_as_read(known.credential.account, &mut known.policy).await;
        admits(standing, peer)
    }

    /// The account whose key it is; none where it may still be in a certificate.
    async fn weigh_offer(&self, attempt: &Attempt, login: &str, key: &[u8]) -> Result<Option<Known>, Denial> {
        let unknown = || Denial::new(Refused::UnknownKey, "an unknown key".to_owned());
        let all = self.0.trust.authorities().map_err(|error| Denial::ours("check a key", &error))?;
        let known = self.known(login, attempt).await?;
        let may_be_certified =
            !all.is_empty() || known.as_ref().is_some_and(|known| known.proofs.keys.iter().any(|key| key.is_authority));
        let Some(known) = known else { return if may_be_certified { Ok(None) } else { Err(unknown()) } };
        match self.key(&known, attempt, key).map(|_| ()) {
            Ok(()) => Ok(Some(known)),
            Err(denial) if denial.refused == Refused::UnknownKey && may_be_certified => {
                wanted(&known, attempt, Step::PublicKey).map(|()| None).map_err(|_| unknown())
            }
            Err(denial) => Err(denial),
        }
    }

    /// Weighs a proof, and opens a session when the account wants no more of them.
    ///
    /// # Errors
    /// [`Refused`]; it never says which part was wrong.
    pub async fn prove(
        &self,
        attempt: &mut Attempt,
        login: &str,
        proof: Proof<'_>,
        peer: &Peer,
    ) -> Result<Verdict, Refused> {
        let started = Instant::now();
        // A ban also holds for connections that were there before it.
        if self.0.defender.keeps_out(peer.address.ip()) {
            attempt.forget();
            return Err(Refused::KeptOut);
        }
        if proof.can_be_guessed() {
            tokio::time::sleep(self.0.defender.slow_down(login)).await;
        }
        let outcome = if attempt.is_of(login) {
            self.weigh_whole(attempt, login, &proof, peer).await
        } else {
            let reason = format!("the login changed from `{}` after a step was proved", attempt.login);
            Err(Denial::new(Refused::AnotherLogin, reason))
        };
        let (known, proved, standing) = match outcome {
            Ok(good) => good,
            Err(denial) => {
                // A wrong code may be typed again; what we could not check, or must not, begins anew.
                if !matches!(denial.refused, Refused::Denied | Refused::UnknownKey) {
                    attempt.forget();
                }
                if denial.refused == Refused::Denied && denial.policy.is_none() {
                    self.blame(login, &proof, peer).await;
                }
                if denial.refused != Refused::UnknownKey {
                    self.note_failure(login, proof.method(), peer, &denial).await;
                }
                return Err(denial.refused);
            }
        };
        login.clone_into(&mut attempt.login);
        attempt.account = Some(known.credential.account);
        attempt.done.extend(proved.steps);
        attempt.shown.extend(proved.shown);
        let Some(standing) = standing else {
            attempt.next = known.methods.next(&attempt.done);
            return Ok(Verdict::More);
        };
        let attempt = std::mem::take(attempt);
        let Credential { account, organisation, login, .. } = known.credential;
        let session = self.session(organisation, account.to_string(), login, peer, standing);
        let mut event = session
            .event("session.started", Severity::Info, format!("{} logged in", session.login()))
            .data("method", joined(&attempt.done))
            .data("client", peer.client.clone())
            .data("algorithms", peer.algorithms.shown())
            .took(started.elapsed());
        for (name, value) in attempt.shown {
            event = event.data(name, value);
        }
        // A login is not worth more than its log line: if that cannot be written, nobody comes in.
        self.0.record.tell(vec![event]).await.map_err(|_| Refused::Unavailable)?;
        Ok(Verdict::In(session))
    }

    /// Points for who guesses, and a brake for who is guessed at.
    async fn blame(&self, login: &str, proof: &Proof<'_>, peer: &Peer) {
        let is_unknown = matches!(self.0.record.credential(login).await, Ok(None));
        let offence = if is_unknown { Offence::UnknownLogin } else { Offence::FailedLogin };
        self.0.defender.blame(peer.address.ip(), offence);
        if proof.can_be_guessed() {
            self.0.defender.guessed(login);
        }
    }

    /// Weighs a proof; of who has proved all there is to prove, asks the account's policy. Nobody else learns that
    /// there is such an account.
    async fn weigh_whole(
        &self,
        attempt: &Attempt,
        login: &str,
        proof: &Proof<'_>,
        peer: &Peer,
    ) -> Result<(Known, Proved, Option<Arc<Standing>>), Denial> {
        let (mut known, proved) = self.weigh(attempt, login, proof, peer).await?;
        if !known.methods.is_complete(&[attempt.done.as_slice(), &proved.steps].concat()) {
            return Ok((known, proved, None));
        }
        let standing = self.admitted_as_read(&mut known, peer).await?;
        Ok((known, proved, Some(standing)))
    }

    async fn weigh(
        &self,
        attempt: &Attempt,
        login: &str,
        proof: &Proof<'_>,
        peer: &Peer,
    ) -> Result<(Known, Proved), Denial> {
        let known = self.known(login, attempt).await?;
        let proved = match proof {
            Proof::Password(password) => {
                self.password(known.as_ref(), password).await?;
                Proved::by(&[Step::Password])
            }
            Proof::PasswordAndCode(line) => self.password_and_code(known.as_ref(), attempt, line).await?,
            Proof::Code(code) => {
                let account = known.as_ref().ok_or_else(|| Denial::denied("there is no such account"))?;
                wanted(account, attempt, Step::Totp)?;
                self.code(account, code).await?
            }
            Proof::PublicKey(key) => {
                let account =
                    known.as_ref().ok_or_else(|| Denial::new(Refused::UnknownKey, "there is no such account"))?;
                let row = self.key(account, attempt, key)?;
                let shown = vec![("key", row.fingerprint.clone())];
                Proved { steps: vec![Step::PublicKey], shown }
            }
            Proof::UserCertificate(certificate) => {
                let account = known.as_ref().ok_or_else(|| Denial::denied("there is no such account"))?;
                self.certificate(account, login, certificate, peer)
                    .map_err(|why| Denial::denied(format!("certificate {}: {why}", certificate.shown())))?;
                Proved { steps: vec![Step::PublicKey], shown: vec![("certificate", certificate.shown())] }
            }
            Proof::ClientCertificate(certificate) => {
                let name = certified(known.as_ref(), attempt, certificate)?;
                Proved { steps: vec![Step::Certificate], shown: vec![("certificate", name)] }
            }
        };
        let known = known.ok_or_else(|| Denial::denied("there is no such account"))?;
        // The last word on every step, whichever of the checks above has asked already.
        let mut done = attempt.done.clone();
        for step in &proved.steps {
            if !known.methods.next(&done).contains(step) {
                return Err(not_wanted(&known, &done, *step));
            }
            done.push(*step);
        }
        if known.methods.is_complete(&done) {
            let allowed = known.proofs.legacy_from.iter().any(|network| network.contains(peer.address.ip()));
            if !peer.algorithms.legacy.is_empty() && !allowed {
                let algorithms = peer.algorithms.legacy.join(", ");
                let reason = format!("the connection speaks {algorithms}, which the account may not from there");
                return Err(Denial::new(Refused::Legacy { algorithms }, reason));
            }
        }
        Ok((known, proved))
    }

    /// The account of a login, and what it is judged by. It is looked up at every step, so that what was taken away
    /// meanwhile is gone.
    async fn known(&self, login: &str, attempt: &Attempt) -> Result<Option<Known>, Denial> {
        let ours = |error: crate::record::RecordError| Denial::ours("look up an account", &error);
        let before = self.policies_seen();
        let Some(row) = self.0.record.login(login).await.map_err(ours)? else { return Ok(None) };
        let LoginRow { credential, proofs, policy } = row;
        if attempt.account.is_some_and(|account| account != credential.account) {
            return Ok(None);
        }
        let methods = proofs.methods.clone().unwrap_or_else(|| Methods::usual(proofs.has_totp));
        Ok(Some(Known { credential, proofs, methods, policy: Read { row: policy, before } }))
    }

    /// A key of the account that is wanted now, and good now.
    fn key<'a>(&self, known: &'a Known, attempt: &Attempt, key: &[u8]) -> Result<&'a KeyRow, Denial> {
        let name = fingerprint(key);
        let row = known.proofs.keys.iter().find(|row| row.fingerprint == name && !row.is_authority);
        let Some(row) = row else {
            return Err(Denial::new(Refused::UnknownKey, format!("key {name} is not the account's")));
        };
        // Clients offer their keys before anything else, also where a password is what is wanted: no failure.
        wanted(known, attempt, Step::PublicKey).map_err(|denial| Denial { refused: Refused::UnknownKey, ..denial })?;
        usable(row, Timestamp::now()).map_err(|why| Denial::denied(format!("key {name} {why}")))?;
        let revoked = self.0.trust.revoked().map_err(|error| Denial::ours("check a key", &error))?;
        if revoked.has_key(key) {
            return Err(Denial::denied(format!("key {name} is revoked")));
        }
        Ok(row)
    }

    fn certificate(
        &self,
        known: &Known,
        login: &str,
        certificate: &UserCertificate,
        peer: &Peer,
    ) -> Result<(), String> {
        let now = Timestamp::now();
        let unreadable = |error: super::TrustError| {
            tracing::error!(error = &error as &dyn std::error::Error, "could not check a certificate");
            "it could not be checked".to_owned()
        };
        let all = self.0.trust.authorities().map_err(unreadable)?;
        let authority = fingerprint(&certificate.authority);
        let own = known.proofs.keys.iter().filter(|key| key.is_authority && key.fingerprint == authority);
        if !all.contains(&certificate.authority) && !own.into_iter().any(|key| usable(key, now).is_ok()) {
            return Err("its authority is not trusted for this login".to_owned());
        }
        if self.0.trust.revoked().map_err(unreadable)?.has_certificate(certificate) {
            return Err("it is revoked".to_owned());
        }
        let second = u64::try_from(now.seconds()).unwrap_or(0);
        certificate.check(login, peer.address.ip().to_canonical(), second)
    }

    /// Takes as long for a login that does not exist, and for one that has no password.
    async fn password(&self, known: Option<&Known>, password: &str) -> Result<(), Denial> {
        let permit = tokio::time::timeout(WAIT_FOR_CHECK, self.0.password_checks.acquire()).await;
        let Ok(Ok(_permit)) = permit else {
            return Err(Denial::new(Refused::Busy, "too many passwords are being checked".to_owned()));
        };
        let hash: Option<Arc<str>> = known.and_then(|known| known.credential.password_hash.as_deref()).map(Arc::from);
        let checked = hash.clone().unwrap_or_else(|| Arc::from(NOBODYS_HASH));
        let password = Zeroizing::new(password.to_owned());
        let inner = Arc::clone(&self.0);
        let fits = tokio::task::spawn_blocking(move || inner.checks.verify(&password, &checked))
            .await
            .map_err(|error| Denial::ours("check a password", &error))?;
        self.give_memory_back();
        match (known, hash) {
            (None, _) => Err(Denial::denied("there is no such account")),
            (Some(_), None) => Err(Denial::denied("the account has no password")),
            (Some(_), Some(_)) if fits => Ok(()),
            (Some(_), Some(_)) => Err(Denial::denied("the password is wrong")),
        }
    }

    /// Gives the memory of password checks back once there are none for a while.
    fn give_memory_back(&self) {
        if self.0.memory_is_watched.swap(true, Ordering::SeqCst) {
            return;
        }
        let inner = Arc::downgrade(&self.0);
        tokio::spawn(async move {
            loop {
                while let Some(left) = inner.upgrade().and_then(|inner| inner.checks.give_back()) {
                    tokio::time::sleep(left).await;
                }
                let Some(inner) = inner.upgrade() else { return };
                inner.memory_is_watched.store(false, Ordering::SeqCst);
                // A check that ended just now took somebody for watching.
                let is_kept = inner.checks.give_back().is_some();
                if !is_kept || inner.memory_is_watched.swap(true, Ordering::SeqCst) {
                    return;
                }
            }
        });
    }

    async fn password_and_code(&self, known: Option<&Known>, attempt: &Attempt, line: &str) -> Result<Proved, Denial> {
        let ends = |steps: &[Step]| {
            known.is_some_and(|known| known.methods.is_complete(&[attempt.done.as_slice(), steps].concat()))
        };
        let code_alone = known.filter(|_| ends(&[Step::Totp]) && !ends(&[Step::Password]));
        if let Some(known) = code_alone {
            return self.code(known, line).await;
        }
        let both = known.filter(|_| ends(&[Step::Password, Step::Totp]) && !ends(&[Step::Password]));
        let Some(known) = both else {
            self.password(known, line).await?;
            return Ok(Proved::by(&[Step::Password]));
        };
        let Some((password, code)) = totp::parted(line) else {
            // Checked all the same, so that it takes as long.
            self.password(Some(known), line).await?;
            return Err(Denial::denied("there is no code behind the password"));
        };
        self.password(Some(known), password).await?;
        let Proved { shown, .. } = self.code(known, code).await?;
        Ok(Proved { steps: vec![Step::Password, Step::Totp], shown })
    }

    async fn code(&self, known: &Known, code: &str) -> Result<Proved, Denial> {
        let account = known.credential.account;
        let ours = |error: crate::record::RecordError| Denial::ours("check a code", &error);
        let now = Timestamp::now();
        let row = match self.0.record.try_totp(account, now).await.map_err(ours)? {
            Try::Go(row) => row,
            Try::Locked(until) => {
                return Err(Denial::denied(format!("too many wrong codes; none is looked at until {until}")));
            }
            Try::Nothing => return Err(Denial::denied("the account has no second factor enrolled")),
        };
        if totp::is_recovery_code(code) {
            let hashed = totp::recovery_sha256(account, code);
            if !self.0.record.take_recovery_code(account, &hashed).await.map_err(ours)? {
                return Err(Denial::denied("the recovery code is wrong, or was used"));
            }
            let left = self.0.record.recovery_codes_left(account).await.map_err(ours)?;
            let shown = vec![("recovery_codes_left", left.to_string())];
            return Ok(Proved { steps: vec![Step::Totp], shown });
        }
        let secret = totp::unseal(&self.0.vault, account, &row.secret)
            .map_err(|error| Denial::ours("open a second factor", &error))?;
        let wrong = || Denial::denied("the code is wrong, or was used");
        let step = totp::step_of(&secret, code.trim(), now, row.last_step).ok_or_else(wrong)?;
        if !self.0.record.take_totp_step(account, step).await.map_err(ours)? {
            return Err(wrong());
        }
        Ok(Proved::by(&[Step::Totp]))
    }
}

/// By which name of its TLS certificate a client is the account. Where the account has no use for one, it is passed
/// over: clients show one certificate to every server that asks.
fn certified(known: Option<&Known>, attempt: &Attempt, shown: &ClientCertificate) -> Result<String, Denial> {
    let passed_over = |reason: &str| Denial::new(Refused::UnknownKey, reason.to_owned());
    let known = known.ok_or_else(|| passed_over("there is no such account"))?;
    if known.proofs.certificates.is_empty() || !known.methods.next(&attempt.done).contains(&Step::Certificate) {
        return Err(passed_over("the account has no use for a client certificate"));
    }
    if let Some(trouble) = &shown.trouble {
        return Err(Denial::denied(format!("the client certificate is not good: {trouble}")));
    }
    let name = shown.names.iter().find(|name| known.proofs.certificates.contains(name));
    name.cloned().ok_or_else(|| Denial::denied("the client certificate is somebody else's"))
}

/// Whether the account wants this step now.
fn wanted(known: &Known, attempt: &Attempt, step: Step) -> Result<(), Denial> {
    if known.methods.next(&attempt.done).contains(&step) {
        return Ok(());
    }
    Err(not_wanted(known, &attempt.done, step))
}

fn not_wanted(known: &Known, done: &[Step], step: Step) -> Denial {
    let after = if done.is_empty() { String::new() } else { format!(" after {}", joined(done)) };
    Denial::denied(format!("the account logs in by {}, and not by {}{after}", known.methods, step.as_str()))
}

fn usable(key: &KeyRow, now: Timestamp) -> Result<(), String> {
    match (key.not_before, key.not_after) {
        (Some(from), _) if now < from => Err(format!("is not valid before {from}")),
        (_, Some(until)) if now >= until => Err(format!("is not valid since {until}")),
        _ => Ok(()),
    }
}
