//! What goes out: partners' own servers, from which files are fetched and to which answers are brought.
//!
//! Whose turn it is stands in the record, so that of several nodes one does it. `turn` is one turn, `pull` and `push` are
//! what is done in it, `partner` is how a server is spoken with, `outgoing` is how a file of the operator's gets in line.

mod outgoing;
pub mod partner;
mod pull;
mod push;
mod schedule;
mod turn;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use outgoing::{OutgoingError, Queued, queue};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
pub use turn::{Tally, Trouble};

use self::partner::{PartnerError, Remote};
use crate::config::{Config, Live, Partner, Partners};
use crate::domain::Timestamp;
use crate::land::Dropbox;
use crate::originals::Originals;
use crate::record::{Direction, Record, RecordError};

/// The one post room of a house. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Deliver(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    record: Record,
    originals: Originals,
    dropbox: Dropbox,
    settings: Live<Settings>,
    /// Who takes turns: this process.
    owner: String,
}

#[derive(Debug)]
struct Settings {
    all: Partners,
    partners: Vec<Partner>,
}

/// What a look at a partner's server has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tested {
    /// `connect`, `pull`, `push`.
    pub step: &'static str,
    /// A sentence.
    pub found: Result<String, String>,
}

/// How often a push partner without work is looked at again, at least.
const IDLE: Duration = Duration::from_secs(10);
/// How often what is long gone is forgotten.
const SWEEP_EVERY: Duration = Duration::from_secs(600);

impl Deliver {
    #[must_use]
    pub fn new(record: Record, originals: Originals, dropbox: Dropbox, config: &Config) -> Self {
        let owner = format!("{}-{}", std::process::id(), crate::domain::SessionId::random());
        let settings = Live::new(Settings::of(config));
        Self(Arc::new(Inner { record, originals, dropbox, settings, owner }))
    }

    /// Changes the settings for every turn that is taken from now on; `partners.connections_max` stays.
    pub fn set(&self, config: &Config) {
        self.0.settings.set(Settings::of(config));
    }

    /// Takes turns until `stop`; then what is under way is broken off, to be gone on with.
    pub async fn keep(self, stop: CancellationToken) {
        let connections = Arc::new(Semaphore::new(self.0.settings.now().all.connections_max));
        let (mut turns, mut idle) = (JoinSet::new(), HashMap::new());
        let mut known: Option<Arc<Settings>> = None;
        let mut swept = Instant::now();
        while !stop.is_cancelled() {
            let settings = self.0.settings.now();
            let looked = async {
                if known.as_ref().is_none_or(|known| !Arc::ptr_eq(known, &settings)) {
                    self.know(&settings).await?;
                    known = Some(Arc::clone(&settings));
                }
                self.hand_out(&settings, &connections, &mut turns, &mut idle, &stop).await?;
                if swept.elapsed() > SWEEP_EVERY {
                    swept = Instant::now();
                    let before = Timestamp::now().plus_micros(-settings.all.remember.micros());
                    self.0.record.pulled_sweep(before).await?;
                }
                Ok::<_, RecordError>(())
            };
            if let Err(error) = looked.await {
                tracing::error!(error = &error as &dyn std::error::Error, "could not look after the partners");
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(settings.all.poll.duration()) => {}
                Some(_) = turns.join_next() => {}
            }
        }
        while turns.join_next().await.is_some() {}
    }

    /// Makes sure that every partner of the settings has its turns.
    async fn know(&self, settings: &Settings) -> Result<(), RecordError> {
        for partner in &settings.partners {
            for direction in partner.directions() {
                let due = schedule::first(partner, direction, Timestamp::now());
                self.0.record.know_partner(&partner.name, direction, due).await?;
            }
        }
        Ok(())
    }

    /// Takes the turns there are connections for.
    async fn hand_out(
        &self,
        settings: &Arc<Settings>,
        connections: &Arc<Semaphore>,
        turns: &mut JoinSet<()>,
        idle: &mut HashMap<String, Instant>,
        stop: &CancellationToken,
    ) -> Result<(), RecordError> {
        if settings.partners.is_empty() {
            return Ok(());
        }
        for (name, direction) in self.0.record.partners_due().await? {
            let Some(partner) = settings.partners.iter().find(|partner| partner.name == name) else { continue };
            let mut directions = partner.directions();
            let Some(direction) = directions.find(|known| known.as_str() == direction) else { continue };
            if direction == Direction::Push {
                // A turn is two writes to the database: none is taken when there is nothing to bring.
                if idle.get(&name).is_some_and(|since| since.elapsed() < IDLE.min(partner.push_every())) {
                    continue;
                }
                if !self.0.record.has_pushes(&name, self.answers_of(partner).await?).await? {
                    idle.insert(name, Instant::now());
                    continue;
                }
            }
            let Ok(connection) = Arc::clone(connections).try_acquire_owned() else { return Ok(()) };
            let lease = settings.all.lease.duration();
            let Some(turn) = self.0.record.take_turn(&name, direction, &self.0.owner, lease).await? else { continue };
            let (deliver, settings, stop) = (self.clone(), Arc::clone(settings), stop.clone());
            turns.spawn(async move {
                if let Some(partner) = settings.partners.iter().find(|partner| partner.name == turn.partner) {
                    // How it went is in the record.
                    let _ = turn::run(&deliver, &settings.all, partner, turn, &stop).await;
                }
                drop(connection);
            });
        }
        Ok(())
    }

    /// Takes a partner's turn now and sees it through, for whoever runs without a daemon. `None`: somebody else has it.
    ///
    /// # Errors
    /// The database does not answer. What goes wrong at the partner is in the record.
    pub async fn once(
        &self,
        partner: &Partner,
        direction: Direction,
        stop: &CancellationToken,
    ) -> Result<Option<Result<Tally, String>>, RecordError> {
        let all = self.0.settings.now().all.clone();
        let lease = all.lease.duration();
        let Some(turn) = self.0.record.take_turn(&partner.name, direction, &self.0.owner, lease).await? else {
            return Ok(None);
        };
        Ok(Some(turn::run(self, &all, partner, turn, stop).await))
    }

    /// Whose answers a partner gets.
    async fn answers_of(&self, partner: &Partner) -> Result<Option<crate::domain::OrganisationId>, RecordError> {
        if !partner.push.as_ref().is_some_and(|push| push.answers) {
            return Ok(None);
        }
        Ok(self.0.record.credential(&partner.account).await?.map(|account| account.organisation))
    }
}

/// Connects, logs in, and looks into the folders. Changes nothing there and nothing here.
pub async fn test(settings: &Partners, partner: &Partner) -> Vec<Tested> {
    let sentence = |error: PartnerError| crate::domain::chain(&error);
    let mut remote = match Remote::connect(partner).await {
        Ok(remote) => remote,
        Err(error) => return vec![Tested { step: "connect", found: Err(sentence(error)) }],
    };
    let found = Ok(format!("logged in to {} as {}", remote.address(), partner.user));
    let mut tested = vec![Tested { step: "connect", found }];
    if let Some(pull) = &partner.pull {
        let listed = remote.list(&pull.folder, settings.listing_max, |name| pull::is_wanted(pull, name)).await;
        let found = listed.map_err(sentence).map(|files| {
            let bytes: u64 = files.iter().map(|file| file.size_bytes).sum();
            format!(
                "{} has {}, {bytes} bytes",
                pull.folder,
                crate::domain::counted(files.len() as u64, "file to fetch")
            )
        });
        tested.push(Tested { step: "pull", found });
    }
    if let Some(push) = &partner.push {
        let listed = remote.list(&push.folder, settings.listing_max, |_| true).await;
        let found = listed
            .map_err(sentence)
            .map(|files| format!("{} has {}", push.folder, crate::domain::counted(files.len() as u64, "file")));
        tested.push(Tested { step: "push", found });
    }
    remote.leave().await;
    tested
}

impl Settings {
    fn of(config: &Config) -> Self {
        Self { all: config.partners.clone(), partners: config.partner.clone() }
    }
}

impl Partner {
    /// What is done with this partner.
    pub fn directions(&self) -> impl Iterator<Item = Direction> + use<> {
        let pull = self.pull.is_some().then_some(Direction::Pull);
        pull.into_iter().chain(self.push.is_some().then_some(Direction::Push))
    }

    fn push_every(&self) -> Duration {
        self.push.as_ref().map_or(IDLE, |push| push.every.duration())
    }
}
