//! How an account stands on this node while somebody is inside: its policy, which may change meanwhile; what its drop
//! and its uploads hold; and how fast it goes. All of its sessions share one.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::Dropbox;
use super::error::LandError;
use crate::domain::{AccountId, AccountPolicy, Forbidden, Policy, Timestamp, Usage};
use crate::record::{ChangedPolicy, PolicyRow, RecordError};

/// One account, or one organisation's tokens, on this node.
#[derive(Debug)]
pub(super) struct Standing {
    /// Whose drop: an account's id, or an organisation's.
    principal: String,
    own: Mutex<PolicyRow>,
    policy: watch::Sender<Arc<Policy>>,
    held: Mutex<Held>,
    /// Commits of uploads, begun and over. Meanwhile an upload may count twice, as under way and in the drop.
    commits_begun: AtomicUsize,
    commits_over: AtomicUsize,
    /// When the next byte may go, as the bandwidth has it.
    next: Mutex<Option<Instant>>,
}

/// What counts towards the quota.
#[derive(Debug, Default)]
struct Held {
    /// What stands in the drop, as far as it is known.
    in_drop: Option<Usage>,
    /// What uploads under way have taken beyond what they replace.
    uploads: Usage,
}

/// Everybody inside, and what holds for who says nothing else.
#[derive(Debug, Default)]
pub(super) struct Standings {
    inside: Mutex<HashMap<String, Weak<Standing>>>,
    defaults: Mutex<Policy>,
    /// The newest revision of any policy that has been looked at.
    seen: Mutex<i64>,
}

/// An account's policy as it was read.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) row: Result<PolicyRow, RecordError>,
    /// What [`Dropbox::policies_seen`] was before.
    pub(super) before: i64,
}

/// How long a commit of another upload is waited for before a quota is taken for passed, and how often it is asked.
const SETTLES_WITHIN: Duration = Duration::from_secs(15);
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// How often changed policies are looked for.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Turns a second: what is held back is held back in pieces this short.
const TURNS_A_SECOND: u64 = 8;
/// What may go at once after a pause, as a share of a second: a client's window is not cut into crumbs.
const BURST: Duration = Duration::from_millis(250);

impl Standing {
    fn new(principal: &str, defaults: &Policy) -> Self {
        Self {
            principal: principal.to_owned(),
            own: Mutex::default(),
            policy: watch::Sender::new(Arc::new(AccountPolicy::default().over(defaults))),
            held: Mutex::default(),
            commits_begun: AtomicUsize::new(0),
            commits_over: AtomicUsize::new(0),
            next: Mutex::default(),
        }
    }

    /// What holds now.
    pub(super) fn policy(&self) -> Arc<Policy> {
        Arc::clone(&self.policy.borrow())
    }

    /// Follows what holds.
    pub(super) fn follow(&self) -> watch::Receiver<Arc<Policy>> {
        self.policy.subscribe()
    }

    /// Takes a policy that was read; an older one than is known changes nothing.
    pub(super) fn take(&self, row: PolicyRow, defaults: &Policy) {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        if row.revision >= own.revision {
            *own = row;
        }
        self.settle(&own, defaults);
    }

    fn take_defaults(&self, defaults: &Policy) {
        self.settle(&self.own.lock().unwrap_or_else(PoisonError::into_inner), defaults);
    }

    fn settle(&self, own: &PolicyRow, defaults: &Policy) {
        let policy = own.policy.over(defaults);
        self.policy.send_if_modified(|known| {
            let is_new = **known != policy;
            if is_new {
                *known = Arc::new(policy);
            }
            is_new
        });
    }

    /// Waits until this many bytes may go. Nothing is taken in meanwhile: the peer feels it as backpressure. They go in
    /// turns, so that sessions share, and whoever stops waiting has used up no more than a turn.
    pub(super) async fn pace(&self, bytes: usize) {
        let mut left = u64::try_from(bytes).unwrap_or(u64::MAX);
        while left > 0 {
            let rate = self.policy.borrow().bandwidth;
            if rate == 0 {
                return;
            }
            let turn = left.min(rate / TURNS_A_SECOND).max(1);
            left = left.saturating_sub(turn);
            sleep_until(self.turn(turn, rate)).await;
        }
    }

    /// The moment these bytes may go.
    fn turn(&self, bytes: u64, rate: u64) -> Instant {
        let takes = Duration::from_nanos(bytes.saturating_mul(1_000_000_000).checked_div(rate).unwrap_or(0));
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let turn = next.map_or(now, |next| next.max(now.checked_sub(BURST).unwrap_or(now)));
        *next = turn.checked_add(takes);
        turn
    }

    /// What stands in the drop is to be looked up again.
    pub(super) fn forget_drop(&self) {
        self.held().in_drop = None;
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes room for an upload; `None` where what stands in the drop has to be looked up first.
    fn try_take(&self, more: Usage) -> Option<Result<(), Forbidden>> {
        let quota = self.policy.borrow().quota();
        let mut held = self.held();
        let uploads = plus(held.uploads, more);
        if quota.is_limited() {
            let all = plus(held.in_drop?, uploads);
            if let Err(passed) = quota.allows(all) {
                return Some(Err(passed));
            }
        }
        held.uploads = uploads;
        Some(Ok(()))
    }
}

fn plus(one: Usage, other: Usage) -> Usage {
    Usage { bytes: one.bytes.saturating_add(other.bytes), files: one.files.saturating_add(other.files) }
}

/// Room that an upload has taken of its account's quota; given back when dropped.
#[derive(Debug)]
pub(super) struct Taken {
    standing: Arc<Standing>,
    taken: Usage,
    /// What the upload replaces: so much of it takes no room.
    replaces: Usage,
}

impl Taken {
    /// For an upload that has no byte yet and replaces what `replaces` is.
    pub(super) fn none(standing: Arc<Standing>, replaces: Usage) -> Self {
        Self { standing, taken: Usage::default(), replaces }
    }

    /// The upload is being committed, until what this returns is dropped, with the room it has taken.
    pub(super) fn settling(&mut self) -> Settling {
        self.standing.commits_begun.fetch_add(1, Ordering::SeqCst);
        Settling(self.handed_on())
    }

    /// The room, for whoever ends the upload.
    pub(super) fn handed_on(&mut self) -> Self {
        let taken = std::mem::take(&mut self.taken);
        Self { standing: Arc::clone(&self.standing), taken, replaces: self.replaces }
    }

    /// Makes room for the upload to be this long.
    pub(super) async fn grow(&mut self, dropbox: &Dropbox, len: u64) -> Result<Result<(), Forbidden>, LandError> {
        let wanted =
            Usage { bytes: len.saturating_sub(self.replaces.bytes), files: 1_u64.saturating_sub(self.replaces.files) };
        let more = Usage {
            bytes: wanted.bytes.saturating_sub(self.taken.bytes),
            files: wanted.files.saturating_sub(self.taken.files),
        };
        if more == Usage::default() {
            return Ok(Ok(()));
        }
        // What was known may be out of date: a refusal is given only for what was just looked up.
        let deadline = Instant::now() + SETTLES_WITHIN;
        while !matches!(self.standing.try_take(more), Some(Ok(()))) {
            let over = self.standing.commits_over.load(Ordering::SeqCst);
            dropbox.look_up_drop(&self.standing).await?;
            let asked = self.standing.try_take(more);
            // Nothing was committed since before we looked.
            let settled = over == self.standing.commits_begun.load(Ordering::SeqCst);
            match asked {
                Some(Ok(())) => break,
                Some(Err(passed)) if settled || Instant::now() >= deadline => return Ok(Err(passed)),
                _ => tokio::time::sleep(LOOK_AGAIN).await,
            }
        }
        self.taken = plus(self.taken, more);
        Ok(Ok(()))
    }
}

/// Room of an upload that is being committed.
#[derive(Debug)]
pub(super) struct Settling(Taken);

impl Drop for Settling {
    fn drop(&mut self) {
        // In this order: who sees that the commit is over must not find the room taken.
        let standing = Arc::clone(&self.0.standing);
        drop(self.0.handed_on());
        standing.commits_over.fetch_add(1, Ordering::SeqCst);
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let mut held = self.standing.held();
        held.uploads.bytes = held.uploads.bytes.saturating_sub(self.taken.bytes);
        held.uploads.files = held.uploads.files.saturating_sub(self.taken.files);
        // It may stand in the drop now.
        held.in_drop = None;
    }
}

impl Dropbox {
    /// How a principal stands, for a session that begins. An account's policy is read after it is known to be
    /// inside, so that no change falls in between.
    pub(super) async fn standing(
        &self,
        principal: &str,
        account: Option<AccountId>,
    ) -> Result<Arc<Standing>, RecordError> {
        let standings = &self.0.standings;
        let standing = standings.enter(principal);
        if let Some(account) = account {
            standing.take(self.0.record.policy(account).await?, &standings.defaults());
        }
        Ok(standing)
    }

    /// The newest change of a policy that was looked at, for a [`Read`] that begins.
    pub(super) fn policies_seen(&self) -> i64 {
        self.0.standings.seen()
    }

    /// The same for an account whose policy was read before it is known to be inside. Nobody may have looked for
    /// changes in between: a change of this account would have been passed over.
    pub(super) async fn standing_as_read(
        &self,
        account: AccountId,
        read: &mut Read,
    ) -> Result<Arc<Standing>, RecordError> {
        let standings = &self.0.standings;
        let standing = standings.enter(&account.to_string());
        let row = match std::mem::replace(&mut read.row, Ok(PolicyRow::default())) {
            Ok(row) if standings.seen() == read.before => row,
            Ok(_) => self.0.record.policy(account).await?,
            Err(error) => return Err(error),
        };
        standing.take(row, &standings.defaults());
        Ok(standing)
    }

    /// Changes what holds for every account that says nothing else, for those inside too.
    ///
    /// # Errors
    /// The database did not take them; they hold all the same.
    pub async fn set_account_defaults(&self, defaults: Policy) -> Result<(), RecordError> {
        let standings = &self.0.standings;
        defaults.clone_into(&mut standings.defaults.lock().unwrap_or_else(PoisonError::into_inner));
        for standing in standings.inside() {
            standing.take_defaults(&defaults);
        }
        self.0.record.keep_account_defaults(&defaults, self.0.settings.now().listed.micros()).await
    }

    /// The policy of an account, with what holds for every account beneath.
    #[must_use]
    pub fn policy_of(&self, own: &AccountPolicy) -> Policy {
        own.over(&self.0.standings.defaults())
    }

    /// What stands in a drop now.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn usage_of(&self, principal: &str) -> Result<Usage, RecordError> {
        self.0.record.drop_usage(principal, self.listed_since()).await
    }

    /// Since when what came stands in a drop.
    pub(super) fn listed_since(&self) -> Timestamp {
        Timestamp::now().plus_micros(-self.0.settings.now().listed.micros())
    }

    pub(super) async fn look_up_drop(&self, standing: &Standing) -> Result<(), LandError> {
        let usage = self.usage_of(&standing.principal).await;
        let usage = usage.map_err(|error| LandError::unavailable("add up what stands in a drop", &error))?;
        standing.held().in_drop = Some(usage);
        Ok(())
    }

    /// What stands in a drop and what its uploads have taken.
    pub(super) async fn held_by(&self, standing: &Standing) -> Result<Usage, LandError> {
        self.look_up_drop(standing).await?;
        let held = standing.held();
        Ok(plus(held.in_drop.unwrap_or_default(), held.uploads))
    }

    /// Looks for changed policies again and again, until the house closes. Another node or the command line may have
    /// changed them, so nothing rings.
    pub async fn keep_policies(self) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            if let Err(error) = self.look_for_policies().await {
                tracing::warn!(error = &error as &dyn std::error::Error, "could not look for changed policies");
            }
        }
    }

    async fn look_for_policies(&self) -> Result<(), RecordError> {
        let standings = &self.0.standings;
        standings.forget_left();
        let seen = standings.seen();
        let changed = self.0.record.policies_after(seen).await?;
        // Noted before they are handed on: whoever comes inside meanwhile either is told, or sees that it was not.
        let newest = changed.iter().map(|changed| changed.revision).fold(seen, i64::max);
        *standings.seen.lock().unwrap_or_else(PoisonError::into_inner) = newest;
        for ChangedPolicy { account, revision, policy } in changed {
            // What cannot be read lets nobody in (`standing`), and nobody stay.
            let policy = policy.unwrap_or_else(|error| {
                tracing::error!(account = %account, error = &error as &dyn std::error::Error, "an account's sessions end");
                AccountPolicy { disabled: true, ..AccountPolicy::default() }
            });
            if let Some(standing) = standings.of(&account.to_string()) {
                standing.take(PolicyRow { policy, revision }, &standings.defaults());
            }
        }
        Ok(())
    }
}

impl Standings {
    /// With these defaults, when every policy up to a revision was looked at by nobody inside yet.
    pub(super) fn new(defaults: Policy, seen: i64) -> Self {
        Self { inside: Mutex::default(), defaults: Mutex::new(defaults), seen: Mutex::new(seen) }
    }

    /// How somebody stands who comes inside.
    fn enter(&self, principal: &str) -> Arc<Standing> {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(standing) = inside.get(principal).and_then(Weak::upgrade) {
            return standing;
        }
        let standing = Arc::new(Standing::new(principal, &self.defaults()));
        inside.insert(principal.to_owned(), Arc::downgrade(&standing));
        standing
    }

    fn seen(&self) -> i64 {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn defaults(&self) -> Policy {
        self.defaults.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn of(&self, principal: &str) -> Option<Arc<Standing>> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner).get(principal).and_then(Weak::upgrade)
    }

    fn inside(&self) -> Vec<Arc<Standing>> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner).values().filter_map(Weak::upgrade).collect()
    }

    fn forget_left(&self) {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, standing| standing.strong_count() > 0);
    }
}
