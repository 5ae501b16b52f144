//! Who is kept out: addresses collect points for what goes wrong, points leak away, and too many at once are a
//! ban. Bans are in the record, so that all nodes keep to them; each asks its own copy, at every accept.
//!
//! Never by login: whoever knows a partner's login could lock the partner out. A login that is guessed at is slowed
//! down a little, for everybody and with an upper limit.

mod bans;
mod scores;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use self::bans::Bans;
use self::scores::{Leak, Scores};
use crate::config::{self, Live};
use crate::domain::{Network, Timestamp, chain, counted};
use crate::record::{BanRow, Banned, Record, RecordError};

/// What an address did wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offence {
    /// A wrong credential of an account there is.
    FailedLogin,
    UnknownLogin,
    /// What no honest client sends.
    Probe,
    /// A path that tries to leave its folder, or hides characters.
    HostilePath,
    /// It ran into a limit.
    Limit,
}

const KINDS: usize = 5;
const OFFENCES: [(Offence, &str); KINDS] = [
    (Offence::FailedLogin, "failed login"),
    (Offence::UnknownLogin, "unknown login"),
    (Offence::Probe, "probe"),
    (Offence::HostilePath, "hostile path"),
    (Offence::Limit, "exceeded limit"),
];

/// Scores and bans of this node. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Defender(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    record: Record,
    settings: Live<config::Defend>,
    /// A balancer's address is everybody's: it is not scored.
    doors: Live<config::Doors>,
    scores: Mutex<Scores<Network, KINDS>>,
    logins: Mutex<Scores<String, 1>>,
    bans: RwLock<Bans>,
    /// Bans this node has decided on and the record does not have yet.
    fresh: RwLock<Bans>,
    decided: mpsc::Sender<Verdict>,
}

#[derive(Debug)]
struct Verdict {
    network: Network,
    reason: String,
}

/// Writes down what the defender decides, and looks for what others have.
#[derive(Debug)]
pub struct Keeper {
    defender: Defender,
    decided: mpsc::Receiver<Verdict>,
    revision: i64,
}

/// Bans that wait to be written; what does not fit is kept by this node alone.
const DECIDED_MAX: usize = 1_024;
/// Between two bans that are written: an attacker with many addresses must not keep the disk busy. The ban holds on
/// this node meanwhile.
const BETWEEN_BANS: Duration = Duration::from_millis(100);
/// How often bans that are over and forgotten are swept.
const SWEEP_EVERY: Duration = Duration::from_secs(3_600);

impl Defender {
    /// Reads the bans there are.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn open(
        record: Record,
        settings: Live<config::Defend>,
        doors: Live<config::Doors>,
    ) -> Result<(Self, Keeper), RecordError> {
        let (decided, queue) = mpsc::channel(DECIDED_MAX);
        let defender = Self(Arc::new(Inner {
            record,
            settings,
            doors,
            scores: Mutex::new(Scores::new()),
            logins: Mutex::new(Scores::new()),
            bans: RwLock::default(),
            fresh: RwLock::default(),
            decided,
        }));
        let mut keeper = Keeper { defender: defender.clone(), decided: queue, revision: -1 };
        keeper.look().await?;
        Ok((defender, keeper))
    }

    /// One with a record of its own, for tests.
    #[cfg(test)]
    pub(crate) async fn alone(settings: config::Defend, doors: Live<config::Doors>) -> (Self, tempfile::TempDir) {
        let data = tempfile::tempdir().unwrap();
        let record = Record::open(data.path(), 1).await.unwrap();
        (Self::open(record, Live::new(settings), doors).await.unwrap().0, data)
    }

    /// Whether this address is kept out now.
    #[must_use]
    pub fn keeps_out(&self, address: IpAddr) -> bool {
        let now = Timestamp::now();
        [&self.0.bans, &self.0.fresh]
            .into_iter()
            .any(|bans| bans.read().unwrap_or_else(PoisonError::into_inner).holds(address, now))
    }

    /// Notes what an address did. At the threshold it is kept out from this moment on.
    pub fn blame(&self, address: IpAddr, offence: Offence) {
        let settings = self.0.settings.now();
        if !settings.enabled || self.is_exempt(&settings, address) {
            return;
        }
        let points = match offence {
            Offence::FailedLogin => settings.failed_login,
            Offence::UnknownLogin => settings.unknown_login,
            Offence::Probe => settings.probe,
            Offence::HostilePath => settings.hostile_path,
            Offence::Limit => settings.limit,
        };
        if points == 0 {
            return;
        }
        let network = Network::subscriber(address);
        let kind = OFFENCES.iter().position(|(known, _)| *known == offence).unwrap_or(0);
        let leak = Leak { points: settings.threshold, window: settings.window.duration() };
        let score = {
            let mut scores = self.0.scores.lock().unwrap_or_else(PoisonError::into_inner);
            let sum = scores.add(&network, kind, points, leak, settings.scores_max, Instant::now());
            if sum < u64::from(settings.threshold) {
                return;
            }
            scores.take(&network)
        };
        let reason = reason(score.map_or([0; KINDS], |score| score.counts));
        let now = Timestamp::now();
        {
            let mut fresh = self.0.fresh.write().unwrap_or_else(PoisonError::into_inner);
            if fresh.len() >= settings.scores_max {
                fresh.drop_ended(now);
            }
            if fresh.len() < settings.scores_max {
                fresh.add(network, Some(now.plus_micros(settings.ban.micros())));
            }
        }
        if self.0.decided.try_send(Verdict { network, reason }).is_err() {
            tracing::warn!(%network, "too many bans at once; this one is kept by this node alone");
        }
    }

    fn is_exempt(&self, settings: &config::Defend, address: IpAddr) -> bool {
        let doors = self.0.doors.now();
        settings.exempt.iter().chain(&doors.proxy_from).any(|network| network.contains(address))
    }

    /// Notes a wrong password for a login, whether there is such a login or not.
    pub fn guessed(&self, login: &str) {
        let settings = self.0.settings.now();
        let leak = Leak { points: settings.slow_down_after.max(1), window: settings.window.duration() };
        let mut logins = self.0.logins.lock().unwrap_or_else(PoisonError::into_inner);
        logins.add(&short(login), 0, 1, leak, settings.scores_max, Instant::now());
    }

    /// How long the next password for this login waits before it is checked.
    #[must_use]
    pub fn slow_down(&self, login: &str) -> Duration {
        let settings = self.0.settings.now();
        if !settings.enabled {
            return Duration::ZERO;
        }
        let leak = Leak { points: settings.slow_down_after.max(1), window: settings.window.duration() };
        let logins = self.0.logins.lock().unwrap_or_else(PoisonError::into_inner);
        let wrong = logins.points(&short(login), leak, Instant::now());
        let beyond = wrong.saturating_sub(u64::from(settings.slow_down_after));
        let step = settings.slow_down_step.duration();
        step.saturating_mul(u32::try_from(beyond).unwrap_or(u32::MAX)).min(settings.slow_down_max.duration())
    }

    /// The bans that hold, newest first.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn bans(&self) -> Result<Vec<BanRow>, RecordError> {
        self.0.record.bans(Timestamp::now(), self.0.settings.now().bans_max).await
    }

    /// Keeps a network out because an operator says so.
    ///
    /// # Errors
    /// The database does not take it.
    pub async fn ban(
        &self,
        network: Network,
        until: Option<Timestamp>,
        reason: &str,
        by: &str,
    ) -> Result<Banned, RecordError> {
        let banned = self.0.record.ban(network, until, reason, by, self.0.settings.now().bans_max).await?;
        if let Banned::Added(row) = &banned {
            self.0.bans.write().unwrap_or_else(PoisonError::into_inner).add(row.network, row.until);
        }
        Ok(banned)
    }

    /// Lets a network in again; the ban that held.
    ///
    /// # Errors
    /// The database does not take it.
    pub async fn lift(&self, network: Network, by: &str) -> Result<Option<BanRow>, RecordError> {
        let lifted = self.0.record.lift_ban(network, by).await?;
        for bans in [&self.0.bans, &self.0.fresh] {
            bans.write().unwrap_or_else(PoisonError::into_inner).lift(network);
        }
        Ok(lifted)
    }
}

/// Logins of accounts are at most 64 characters; whatever else is tried need not be kept.
fn short(login: &str) -> String {
    login.chars().take(64).collect()
}

/// `5 failed logins, 3 probes`.
fn reason(counts: [u32; KINDS]) -> String {
    let kinds = OFFENCES.iter().zip(counts).filter(|(_, count)| *count > 0);
    kinds.map(|((_, name), count)| counted(count, name)).collect::<Vec<_>>().join(", ")
}

impl Keeper {
    /// Keeps the copy current until `shutdown`.
    pub async fn keep(mut self, shutdown: CancellationToken) {
        let mut swept = Instant::now();
        let mut next_look = tokio::time::Instant::now();
        loop {
            // The look comes first: a flood of verdicts must not keep an operator's word from being heard.
            let done = tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep_until(next_look) => {
                    let looked = self.look().await;
                    next_look = tokio::time::Instant::now() + self.defender.0.settings.now().refresh.duration();
                    looked
                }
                verdict = self.decided.recv() => match verdict {
                    Some(verdict) => {
                        let written = self.write_down(verdict).await;
                        tokio::time::sleep(BETWEEN_BANS).await;
                        written
                    }
                    None => return,
                },
            };
            if let Err(error) = done {
                // What is decided holds on this node; the next look is in a moment.
                tracing::error!(error = chain(&error), "could not keep the bans current");
            }
            if swept.elapsed() >= SWEEP_EVERY {
                swept = Instant::now();
                self.sweep().await;
            }
        }
    }

    async fn write_down(&mut self, verdict: Verdict) -> Result<(), RecordError> {
        let inner = Arc::clone(&self.defender.0);
        let Inner { record, settings, bans, fresh, .. } = &*inner;
        match record.ban_automatically(verdict.network, &verdict.reason, &settings.now()).await? {
            Banned::Added(row) | Banned::Already(row) => {
                bans.write().unwrap_or_else(PoisonError::into_inner).add(row.network, row.until);
            }
            Banned::Full => {
                let network = verdict.network;
                tracing::warn!(%network, "there are defend.bans_max operators' bans; this one is kept by this node");
                return Ok(());
            }
        }
        fresh.write().unwrap_or_else(PoisonError::into_inner).lift(verdict.network);
        Ok(())
    }

    async fn look(&mut self) -> Result<(), RecordError> {
        let inner = Arc::clone(&self.defender.0);
        let Inner { record, settings, bans, fresh, .. } = &*inner;
        let revision = record.bans_revision().await?;
        if revision != self.revision {
            let rows = record.bans(Timestamp::now(), settings.now().bans_max).await?;
            *bans.write().unwrap_or_else(PoisonError::into_inner) = Bans::of(&rows);
            self.revision = revision;
        }
        fresh.write().unwrap_or_else(PoisonError::into_inner).drop_ended(Timestamp::now());
        Ok(())
    }

    async fn sweep(&self) {
        let Inner { record, settings, .. } = &*self.defender.0;
        let before = Timestamp::now().plus_micros(-settings.now().ban_memory.micros());
        if let Err(error) = record.forget_bans(before).await {
            tracing::error!(error = chain(&error), "could not sweep old bans");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Defend, Span};

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// Two nodes on one record.
    async fn nodes(settings: Defend) -> ([Defender; 2], [Keeper; 2], tempfile::TempDir) {
        let data = tempfile::tempdir().unwrap();
        let record = Record::open(data.path(), 1).await.unwrap();
        let (settings, doors) = (Live::new(settings), Live::default());
        let one = Defender::open(record.clone(), settings.clone(), doors.clone()).await.unwrap();
        let two = Defender::open(record, settings, doors).await.unwrap();
        ([one.0, two.0], [one.1, two.1], data)
    }

    #[tokio::test]
    async fn an_address_at_the_threshold_is_kept_out_at_once_and_on_every_node_soon() {
        let settings = Defend { refresh: Span::milliseconds(20), ..Defend::default() };
        let ([here, there], keepers, _data) = nodes(settings).await;
        let bad = address("2001:db8:1:2::1");
        for offence in [Offence::FailedLogin, Offence::UnknownLogin, Offence::Probe, Offence::Limit, Offence::Limit] {
            here.blame(bad, offence);
        }
        here.blame(bad, Offence::Limit);
        assert!(!here.keeps_out(bad), "14 points are one too few");
        // Another address of the same /64 is the same guest; the /64 beside it is not.
        here.blame(address("2001:db8:1:2:ffff::2"), Offence::HostilePath);
        assert!(here.keeps_out(bad) && here.keeps_out(address("2001:db8:1:2:3::")));
        assert!(!here.keeps_out(address("2001:db8:1:3::1")) && !there.keeps_out(bad));
        let shutdown = CancellationToken::new();
        for keeper in keepers {
            tokio::spawn(keeper.keep(shutdown.clone()));
        }
        while !there.keeps_out(bad) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let bans = there.bans().await.unwrap();
        assert_eq!(bans.len(), 1);
        assert_eq!(bans[0].reason, "1 failed login, 1 unknown login, 1 probe, 1 hostile path, 3 exceeded limits");
        // Lifted on one, it is lifted on both.
        assert!(there.lift(Network::subscriber(bad), "me").await.unwrap().is_some());
        assert!(!there.keeps_out(bad));
        while here.keeps_out(bad) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        here.ban("203.0.113.0/24".parse().unwrap(), None, "a bad neighbourhood", "me").await.unwrap();
        assert!(here.keeps_out(address("203.0.113.77")));
        while !there.keeps_out(address("203.0.113.77")) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        shutdown.cancel();
    }

    #[tokio::test]
    async fn exempt_addresses_and_balancers_are_never_scored() {
        let doors = config::Doors { proxy_from: vec!["10.0.0.0/8".parse().unwrap()], ..Default::default() };
        let (defender, _data) = Defender::alone(Defend::default(), Live::new(doors)).await;
        for exempt in ["127.0.0.1", "::1", "10.1.2.3", "::ffff:10.1.2.3"] {
            for _ in 0..1_000 {
                defender.blame(address(exempt), Offence::Limit);
            }
            assert!(!defender.keeps_out(address(exempt)), "{exempt}");
        }
        let (off, _data) = Defender::alone(Defend { enabled: false, ..Defend::default() }, Live::default()).await;
        for _ in 0..1_000 {
            off.blame(address("203.0.113.7"), Offence::Limit);
        }
        assert!(!off.keeps_out(address("203.0.113.7")));
    }

    /// Each /64 of a /48 fails once, and then is banned: what is kept has its bounds, and the one that goes on is
    /// not forgotten for the many.
    #[tokio::test]
    async fn a_48_of_attackers_grows_nothing() {
        let settings = Defend { scores_max: 500, bans_max: 200, ..Defend::default() };
        let (defender, _data) = Defender::alone(settings, Live::default()).await;
        let persistent = address("198.51.100.1");
        for subnet in 0..=u16::MAX {
            let attacker = IpAddr::from([0x2001, 0xdb8, 1, subnet, 0, 0, 0, 1]);
            defender.blame(attacker, Offence::Probe);
            if subnet % 400 == 0 && subnet < 400 * 7 {
                defender.blame(persistent, Offence::Probe);
            }
        }
        {
            let scores = defender.0.scores.lock().unwrap();
            assert_eq!(scores.len(), 500);
        }
        for _ in 0..8 {
            defender.blame(persistent, Offence::Probe);
        }
        assert!(defender.keeps_out(persistent));
        for subnet in 0..5_000 {
            for _ in 0..5 {
                defender.blame(IpAddr::from([0x2001, 0xdb8, 2, subnet, 0, 0, 0, 1]), Offence::Limit);
            }
        }
        assert_eq!(defender.0.fresh.read().unwrap().len(), 500);
        for guess in 0..5_000 {
            defender.guessed(&format!("{guess}{}", "x".repeat(5_000)));
        }
        let logins = defender.0.logins.lock().unwrap();
        assert_eq!(logins.len(), 500);
    }

    #[tokio::test]
    async fn a_login_that_is_guessed_at_is_slowed_down_and_never_locked() {
        let (defender, _data) = Defender::alone(Defend::default(), Live::default()).await;
        for _ in 0..5 {
            defender.guessed("northwind");
        }
        assert_eq!(defender.slow_down("northwind"), Duration::ZERO);
        defender.guessed("northwind");
        assert_eq!(defender.slow_down("northwind"), Duration::from_millis(500));
        for _ in 0..10_000 {
            defender.guessed("northwind");
        }
        assert_eq!(defender.slow_down("northwind"), Duration::from_secs(5));
        assert_eq!(defender.slow_down("acme"), Duration::ZERO);
    }
}
