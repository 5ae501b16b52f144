//! The pool: each worker takes a lease, reads, and publishes; whoever loses the lease changes nothing.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use waybill_parsers::{Limits, Profile};

use super::read::{self, Plan, ReadError, Reading};
use crate::config;
use crate::domain::{Event, OrganisationId, Scope, Severity, Timestamp, chain, counted};
use crate::laboratory::crash_point;
use crate::originals::Originals;
use crate::record::{Lease, Outcome, Publication, Record, RecordError, Retry};

/// The workers of a house.
#[derive(Clone, Debug)]
pub struct Ingest {
    pub(super) record: Record,
    pub(super) originals: Originals,
    settings: config::Ingest,
    pub(super) limits: Limits,
    /// Where answers are staged before they are put on the shelf.
    staging: PathBuf,
}

/// Why an attempt did not end in a publication.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error(transparent)]
    Shelf(#[from] crate::originals::ShelfError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("the reader stopped unexpectedly: {0}")]
    Panic(String),
    /// Another worker has the file by now; it is theirs to finish.
    #[error("the lease was lost")]
    LeaseLost,
}

/// What the name of a staged answer ends with.
const STAGED: &str = ".answer";

/// How long a file waits after the house itself could not go on.
const RETRY_OURS_AFTER: Duration = Duration::from_secs(5);

impl Failure {
    /// Whether the house failed, not the reading of this file.
    fn is_ours(&self) -> bool {
        match self {
            Self::Record(_) | Self::Read(ReadError::Answer(_)) => true,
            Self::Shelf(error) => error.is_passing(),
            _ => false,
        }
    }
}

impl Ingest {
    #[must_use]
    pub fn new(
        record: Record,
        originals: Originals,
        settings: config::Ingest,
        limits: Limits,
        data: &std::path::Path,
    ) -> Self {
        Self { record, originals, settings, limits, staging: data.join("spool") }
    }

    /// Works until told to stop; files under way are finished first.
    pub async fn work(self, shutdown: CancellationToken) {
        self.sweep_staging();
        let workers: Vec<_> = (0..self.settings.workers)
            .map(|number| tokio::spawn(self.clone().one_worker(format!("worker-{number}"), shutdown.clone())))
            .collect();
        if let Err(error) = self.record.sweep_leftovers().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "could not sweep the rows of earlier attempts");
        }
        for worker in workers {
            if let Err(error) = worker.await {
                tracing::error!(error = &error as &dyn std::error::Error, "an ingest worker ended unexpectedly");
            }
        }
    }

    /// Removes the answers that a killed daemon was writing: nobody else writes here before the workers start.
    fn sweep_staging(&self) {
        let Ok(listed) = std::fs::read_dir(&self.staging) else { return };
        for file in listed.flatten().filter(|file| file.file_name().to_string_lossy().ends_with(STAGED)) {
            if let Err(error) = std::fs::remove_file(file.path()) {
                tracing::warn!(error = %error, "could not remove a staged answer");
            }
        }
    }

    async fn one_worker(self, name: String, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            // First: their senders wait for the answer.
            match self.prove_one().await {
                Ok(false) => {}
                Ok(true) => continue,
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "could not ask whether a file is whole");
                    tokio::time::sleep(self.settings.poll.duration()).await;
                }
            }
            match self.record.lease(&name, self.settings.lease.duration()).await {
                Ok(Some(lease)) => {
                    crash_point("leased");
                    self.attempt(lease).await;
                }
                Ok(None) => {
                    tokio::select! {
                        () = shutdown.cancelled() => {}
                        () = self.record.job_rung(self.settings.poll.duration()) => {}
                    }
                }
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "could not ask the queue for work");
                    tokio::time::sleep(self.settings.poll.duration()).await;
                }
            }
        }
    }

    async fn attempt(&self, lease: Lease) {
        if lease.attempt > self.settings.attempts_max {
            let reason = format!("could not be read in {} attempts", self.settings.attempts_max);
            self.set_aside(&lease, &reason).await;
            return;
        }
        let started = Instant::now();
        let failure = match self.ingest(&lease, started).await {
            Ok(()) => return,
            Err(failure) => failure,
        };
        let reason = chain(&failure);
        tracing::warn!(arrival.id = %lease.file, attempt = lease.attempt, error = %reason, "an attempt at a file failed");
        match failure {
            Failure::LeaseLost => {}
            // The bytes will not get better by being read again.
            Failure::Read(ReadError::Corrupt { .. }) => self.set_aside(&lease, &reason).await,
            // A full disk or a locked database is no fault of the file: it waits, however long that lasts.
            failure if failure.is_ours() => {
                let retry = Retry { after: RETRY_OURS_AFTER, counted: false };
                self.try_again(&lease, &reason, retry, vec![]).await;
            }
            _ if lease.attempt >= self.settings.attempts_max => self.set_aside(&lease, &reason).await,
            _ => {
                let after = Duration::from_secs(1 << lease.attempt.clamp(0, 6));
                let event = event(&lease, "parse.failed", Severity::Warn, format!("could not be read: {reason}"))
                    .data("attempt", lease.attempt)
                    .data("retry_after_s", after.as_secs());
                self.try_again(&lease, &reason, Retry { after, counted: true }, vec![event]).await;
            }
        }
    }

    async fn try_again(&self, lease: &Lease, reason: &str, retry: Retry, events: Vec<Event>) {
        if let Err(error) = self.record.give_back(lease, reason, Some(retry), events).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "could not give a job back; its lease will run out"
            );
        }
    }

    async fn set_aside(&self, lease: &Lease, reason: &str) {
        let event = event(lease, "file.quarantined", Severity::Error, format!("set aside for a human: {reason}"))
            .data("attempts", lease.attempt);
        let given = self.record.give_back(lease, reason, None, vec![event]).await;
        let swept = self.record.sweep_attempts(lease.content, lease.fence).await;
        for error in [given.err(), swept.err()].into_iter().flatten() {
            tracing::error!(error = &error as &dyn std::error::Error, "could not set a file aside");
        }
    }

    async fn ingest(&self, lease: &Lease, started: Instant) -> Result<(), Failure> {
        let original = self.originals.open(&lease.object_key).await?;
        let staging = self.staging.join(format!("{}.{}{STAGED}", lease.file, lease.fence));
        let (rows, mut batches) = mpsc::channel(2);
        let plan = Plan {
            lease: lease.clone(),
            original,
            profiles: self.profiles(lease.organisation).await?,
            limits: self.limits,
            batch_rows: self.settings.batch_rows,
            staging: staging.clone(),
            rows,
        };
        let reading = tokio::task::spawn_blocking(move || read::read(plan));
        let written = self.write_and_renew(lease, &mut batches).await;
        // Without a receiver the reader stops at its next batch.
        drop(batches);
        let read = reading.await.map_err(|error| Failure::Panic(error.to_string()));
        let done = match (written, read) {
            (Err(failure), _) | (_, Err(failure)) => Err(failure),
            (Ok(_), Ok(Err(error))) => Err(error.into()),
            (Ok(last), Ok(Ok(reading))) => self.publish(lease, reading, last, started).await,
        };
        let _ = std::fs::remove_file(&staging);
        done?;
        if lease.fence > 1 {
            self.record.sweep_attempts(lease.content, lease.fence).await?;
        }
        Ok(())
    }

    /// Writes batches as they come and holds on to the lease meanwhile. A few rows that come last are handed back, to
    /// be written when they are published.
    async fn write_and_renew(
        &self,
        lease: &Lease,
        batches: &mut mpsc::Receiver<read::Batch>,
    ) -> Result<read::Batch, Failure> {
        let mut last = read::Batch::default();
        let length = self.settings.lease.duration();
        let mut renewal = tokio::time::interval(length / 3);
        renewal.tick().await;
        loop {
            tokio::select! {
                batch = batches.recv() => {
                    let Some(batch) = batch else { return Ok(last) };
                    // Usually the last one alone is.
                    if batch.is_small() && last.is_empty() {
                        last = batch;
                        continue;
                    }
                    if !self.record.write_rows(lease, &batch.documents, &batch.findings).await? {
                        return Err(Failure::LeaseLost);
                    }
                    crash_point("reading");
                }
                _ = renewal.tick() => {
                    if !self.record.renew(lease, length).await? {
                        return Err(Failure::LeaseLost);
                    }
                }
            }
        }
    }

    async fn publish(
        &self,
        lease: &Lease,
        reading: Reading,
        last: read::Batch,
        started: Instant,
    ) -> Result<(), Failure> {
        let Reading { summary, accepted, answer, first_errors } = reading;
        let answer_key = format!("a/{}/{}.{}", lease.organisation, lease.file, lease.fence);
        self.originals.put(&answer_key, &answer.path, answer.digest).await?;
        let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let outcome = Outcome {
            format: summary.format.clone(),
            format_version: summary.version.clone(),
            encoding: summary.encoding.clone(),
            profile: summary.profile.clone(),
            documents: count(summary.documents),
            accepted,
            errors: count(summary.errors),
            warnings: count(summary.warnings),
            answer_suffix: answer.suffix,
            answer_key,
            answer_bytes: count(answer.size_bytes),
        };
        let identified = if summary.format == "unknown" {
            event(lease, "file.unidentified", Severity::Info, "not a format this server reads")
        } else {
            event(lease, "file.identified", Severity::Info, format!("read as {}", summary.format))
                .data("format", summary.format.clone())
                .data("version", summary.version.clone())
                .data("encoding", summary.encoding.clone())
                .data("profile", summary.profile.clone())
        };
        let mut events = vec![identified];
        events.extend(first_errors.iter().map(|finding| {
            let mut event = event(lease, "record.rejected", Severity::Info, finding.message.clone())
                .data("line", finding.location.line)
                .data("path", finding.location.path.to_string())
                .data("field", finding.field.clone());
            event.code = Some(finding.code.as_str().to_owned());
            event
        }));
        events.push(
            event(
                lease,
                if answer.suffix == ".OK" { "receipt.written" } else { "errors.written" },
                Severity::Info,
                format!("answered with {}{}", lease.name, answer.suffix),
            )
            .data("path", format!("/drop/{}{}", lease.name, answer.suffix)),
        );
        let lag = Timestamp::now().micros().saturating_sub(lease.received_at.micros()) / 1_000;
        events.push(
            event(
                lease,
                "file.applied",
                if summary.errors > 0 { Severity::Warn } else { Severity::Info },
                format!(
                    "{}, {}, {}",
                    counted(summary.documents, "document"),
                    counted(summary.errors, "error"),
                    counted(summary.warnings, "warning")
                ),
            )
            .data("documents", summary.documents)
            .data("errors", summary.errors)
            .data("warnings", summary.warnings)
            .data("units", summary.units)
            .data("lag_ms", lag)
            .took(started.elapsed()),
        );
        for event in &mut events {
            event.feed.clone_from(&outcome.profile);
        }
        let read::Batch { documents, findings, .. } = last;
        let publication = Publication { lease: lease.clone(), outcome, documents, findings };
        match self.record.publish(publication, events).await? {
            true => {
                crash_point("published");
                Ok(())
            }
            false => Err(Failure::LeaseLost),
        }
    }

    /// The profiles this organisation's files may be read by: its own, everybody's, and the built-in ones,
    /// the first of a name counting.
    async fn profiles(&self, organisation: OrganisationId) -> Result<Vec<Profile>, RecordError> {
        let scope = Scope::of_organisation(organisation, "ingest");
        let mut profiles: Vec<Profile> = vec![];
        for row in self.record.profiles(&scope).await? {
            match Profile::from_toml(&row.text) {
                Ok(profile) if !profiles.iter().any(|known| known.name == profile.name) => profiles.push(profile),
                Ok(_) => {}
                Err(error) => {
                    tracing::error!(profile = row.name, error = %error, "a stored profile does not load; it is left out")
                }
            }
        }
        for profile in waybill_parsers::profile::built_in() {
            if !profiles.iter().any(|known| known.name == profile.name) {
                profiles.push(profile.clone());
            }
        }
        Ok(profiles)
    }
}

/// An event of this attempt at a file.
fn event(lease: &Lease, kind: &str, sev: Severity, msg: impl Into<String>) -> Event {
    let mut event = Event::new(kind, sev, msg).file(lease.file).org(lease.organisation);
    event.run = Some(lease.fence);
    event.session = lease.session;
    event.user = Some(lease.login.clone());
    event.proto = Some(lease.door.clone());
    event.data("name", lease.name.clone())
}
