//! One turn at a partner: connect, fetch or bring, and say how it went and when the next one is.

use tokio_util::sync::CancellationToken;
use tracing::{Instrument, info_span};

use super::partner::{PartnerError, Remote};
use super::{Deliver, pull, push, schedule};
use crate::config::{Partner, Partners};
use crate::domain::{Event, OrganisationId, Severity, Timestamp, chain};
use crate::land::LandError;
use crate::originals::ShelfError;
use crate::record::{Direction, Ended, RecordError, Turn};

/// What was done in a turn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Files that have landed, or were sent.
    pub files: u64,
    pub bytes: u64,
    /// Files that are left for a later turn.
    pub waiting: u64,
    /// Files that cannot be taken, or sent.
    pub refused: u64,
    /// There is something to be looked at again before the schedule says so.
    pub again: bool,
}

/// Why a turn ended before everything was done.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    #[error(transparent)]
    Partner(#[from] PartnerError),
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error(transparent)]
    Shelf(#[from] ShelfError),
    #[error("could not read what is to be sent")]
    Original(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("{path} could not land")]
    Land {
        path: String,
        #[source]
        error: LandError,
    },
    #[error("there is no account `{account}`, in whose /drop the files would land")]
    NoAccount { account: String },
    #[error("the account `{account}` may not be used: it is disabled, or has expired")]
    NotAdmitted { account: String },
    #[error("{path} ended after {came} of its {size} bytes")]
    Short { path: String, came: u64, size: u64 },
    #[error("{path} has {found} bytes there, and not the {size} that were sent")]
    NotWhole { path: String, found: u64, size: u64 },
    #[error("{} could not be sent; the first: {first}", crate::domain::counted(*.count, "file"))]
    Files { count: u64, first: String },
    /// Another node has the turn by now, or the house closes.
    #[error("it was interrupted")]
    Interrupted,
}

/// How long a turn may take to come to an end when the house closes.
const GRACE: std::time::Duration = std::time::Duration::from_secs(3);

/// What a turn works with.
pub(super) struct Work<'a> {
    pub(super) deliver: &'a Deliver,
    pub(super) settings: &'a Partners,
    pub(super) partner: &'a Partner,
    pub(super) turn: &'a Turn,
    /// When to stop in the middle.
    pub(super) stop: CancellationToken,
}

impl Work<'_> {
    pub(super) fn going_on(&self) -> Result<(), Trouble> {
        if self.stop.is_cancelled() { Err(Trouble::Interrupted) } else { Ok(()) }
    }

    /// Whether the turn is still ours, asked of the record.
    pub(super) async fn is_ours(&self) -> Result<(), Trouble> {
        let lease = self.settings.lease.duration();
        if self.deliver.0.record.keep_turn(self.turn, lease).await? { Ok(()) } else { Err(Trouble::Interrupted) }
    }

    pub(super) async fn connect(&self) -> Result<Remote, Trouble> {
        tokio::select! {
            connected = Remote::connect(self.partner) => Ok(connected?),
            () = self.stop.cancelled() => Err(Trouble::Interrupted),
        }
    }

    /// An event of this partner's.
    pub(super) fn event(&self, kind: &str, severity: Severity, text: impl Into<String>) -> Event {
        let mut event = Event::new(kind, severity, text).data("partner", self.partner.name.clone());
        event.proto = Some(crate::land::Door::Partner.as_str().to_owned());
        event.user = Some(self.partner.account.clone());
        event
    }
}

/// Sees a turn through; the record knows how it went.
pub(super) async fn run(
    deliver: &Deliver,
    settings: &Partners,
    partner: &Partner,
    turn: Turn,
    stop: &CancellationToken,
) -> Result<Tally, String> {
    let span = info_span!("partner", partner.name = partner.name, direction = turn.direction.as_str());
    let work = Work { deliver, settings, partner, turn: &turn, stop: stop.child_token() };
    async {
        let mut tally = Tally::default();
        let done = tokio::select! {
            done = go(&work, &mut tally) => done,
            () = keep(&work) => Err(Trouble::Interrupted),
            () = told_to_stop(&work) => Err(Trouble::Interrupted),
        };
        let organisation = deliver.0.record.credential(&partner.account).await.ok().flatten();
        end(&work, &tally, &done, organisation.map(|account| account.organisation)).await;
        done.map(|()| tally).map_err(|trouble| chain(&trouble))
    }
    .instrument(span)
    .await
}

async fn go(work: &Work<'_>, tally: &mut Tally) -> Result<(), Trouble> {
    match work.turn.direction {
        Direction::Pull => pull::pull(work, tally).await,
        Direction::Push => push::push(work, tally).await,
    }
}

/// Holds on to the turn, and returns once it is lost. Whatever is under way then has no effect: the record takes notes
/// of a turn's holder only.
async fn keep(work: &Work<'_>) {
    let lease = work.settings.lease.duration();
    let mut held = std::time::Instant::now();
    loop {
        tokio::time::sleep(lease / 3).await;
        match work.deliver.0.record.keep_turn(work.turn, lease).await {
            Ok(true) => held = std::time::Instant::now(),
            Ok(false) => return,
            // For as long as nobody else can have taken it.
            Err(_) if held.elapsed() < lease => {}
            Err(_) => return,
        }
    }
}

/// Returns some time after the house has begun to close: what looks up from its work has stopped by itself then.
async fn told_to_stop(work: &Work<'_>) {
    work.stop.cancelled().await;
    tokio::time::sleep(GRACE).await;
}

async fn end(work: &Work<'_>, tally: &Tally, done: &Result<(), Trouble>, organisation: Option<OrganisationId>) {
    let now = Timestamp::now();
    let (name, turn) = (&work.partner.name, work.turn);
    let scheduled = schedule::next(work.partner, turn.direction, now);
    let mut ended = Ended {
        due: scheduled,
        failures: 0,
        failure: None,
        files: tally.files,
        waiting: tally.waiting,
        refused: tally.refused,
    };
    let what = match turn.direction {
        Direction::Pull => "fetch from",
        Direction::Push => "send to",
    };
    let mut events = vec![];
    match done {
        Ok(()) => {
            if tally.again {
                let settle = work.partner.pull.as_ref().map_or(0, |pull| pull.settle.micros());
                ended.due = scheduled.min(now.plus_micros(settle.max(1_000_000)));
            }
            if turn.failures > 0 {
                let text = format!("{name}: it works again to {what} it");
                events.push(work.event("partner.recovered", Severity::Info, text).data("failures", turn.failures));
            }
        }
        // To be gone on with by whoever comes next.
        Err(Trouble::Interrupted) => {
            ended.due = now;
            ended.failures = turn.failures;
        }
        Err(trouble) => {
            // Who gets on a little each time is not made to wait longer each time.
            ended.failures = if tally.bytes > 0 { 1 } else { turn.failures.saturating_add(1) };
            ended.due = schedule::after_failures(work.settings, ended.failures, now);
            let why = chain(trouble);
            let text = format!("{name}: could not {what} it: {why}");
            let event = work.event("partner.failed", Severity::Warn, text);
            events.push(
                event
                    .data("direction", turn.direction.as_str())
                    .data("failures", ended.failures)
                    .data("reason", why.clone()),
            );
            ended.failure = Some(why);
        }
    }
    for event in &mut events {
        event.org = organisation;
    }
    match work.deliver.0.record.end_turn(turn, &ended, events).await {
        Ok(true) => {}
        Ok(false) => tracing::warn!("somebody else has taken this turn meanwhile"),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "could not note how a turn at a partner went");
        }
    }
}
