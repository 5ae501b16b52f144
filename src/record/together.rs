//! What several want to write at the same moment is written in one transaction: one wait for the disk, and one turn of
//! the writer, for all of them. Each is answered once it is committed, and fails alone.
//!
//! Whoever comes first begins to write; whoever comes while the writer is busy is written next.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::arrivals::{Commit, CommitReply, commit_in};
use super::queue::{Lease, Publication, lease_in, publish_in};
use super::sql::Writing;
use super::uploads::{NewUpload, open_in};
use super::{Record, RecordError, Result};
use crate::domain::{Event, Severity};
use crate::laboratory::crash_point;

/// What waits to be written. Whoever wants something waits for the answer, so there is never more than there are
/// callers.
#[derive(Debug, Clone, Default)]
pub(super) struct Together(Arc<Mutex<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    all: VecDeque<Wanted>,
    /// Somebody is writing, and will look again.
    is_attended: bool,
}

#[derive(Debug)]
struct Wanted {
    work: Work,
    events: Vec<Event>,
    doing: &'static str,
    answer: oneshot::Sender<Result<Reply>>,
}

/// What is to be written beside events.
#[derive(Debug)]
pub(super) enum Work {
    Tell,
    Open(Box<NewUpload>),
    Commit(Box<Commit>),
    Lease { owner: String, length: Duration },
    Publish(Box<Publication>),
}

#[derive(Debug)]
pub(super) enum Reply {
    Told,
    Opened,
    Committed(CommitReply),
    Leased(Option<Box<Lease>>),
    Published(bool),
}

/// What one transaction takes: meanwhile nobody else writes.
const TOGETHER_MAX: usize = 64;

/// Somebody is writing. If that ends before it should, whoever waits is told so, and the next one begins anew.
struct Attending {
    together: Together,
    is_over: bool,
}

impl Drop for Attending {
    fn drop(&mut self) {
        if !self.is_over {
            *self.together.lock() = Waiting::default();
        }
    }
}

impl Together {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts one more in; whether nobody attends to them yet.
    fn put(&self, wanted: Wanted) -> bool {
        let mut waiting = self.lock();
        waiting.all.push_back(wanted);
        !std::mem::replace(&mut waiting.is_attended, true)
    }

    /// What is written next; nothing when nobody waits, and then nobody attends to them any more.
    fn take(&self) -> Vec<Wanted> {
        let mut waiting = self.lock();
        // Whoever has gone is owed nothing; what happened has happened all the same.
        waiting.all.retain(|wanted| matches!(wanted.work, Work::Tell) || !wanted.answer.is_closed());
        let count = waiting.all.len().min(TOGETHER_MAX);
        waiting.is_attended = count > 0;
        waiting.all.drain(..count).collect()
    }
}

impl Record {
    /// Writes this with whatever else waits to be written.
    pub(super) async fn write(&self, work: Work, events: Vec<Event>, doing: &'static str) -> Result<Reply> {
        let (answer, answered) = oneshot::channel();
        if self.together.put(Wanted { work, events, doing, answer }) {
            // A task of its own: a caller that goes must not take the others' answers along.
            tokio::spawn(self.clone().write_what_waits());
        }
        answered.await.unwrap_or(Err(RecordError::Interrupted { doing }))
    }

    async fn write_what_waits(self) {
        let mut attending = Attending { together: self.together.clone(), is_over: false };
        loop {
            // The writer first: until it is free, more come.
            let tx = self.writing().await;
            let batch = self.together.take();
            if batch.is_empty() {
                attending.is_over = true;
                return;
            }
            let written = match tx {
                Ok(tx) => self.try_all(tx, &batch).await,
                Err(error) => Err(error),
            };
            match written {
                Ok(replies) => {
                    for (wanted, reply) in batch.into_iter().zip(replies) {
                        self.answer(wanted, reply).await;
                    }
                }
                Err(error) => self.write_each(batch, error).await,
            }
        }
    }

    /// One of them cannot be written: each by itself, as far as there are several.
    async fn write_each(&self, mut batch: Vec<Wanted>, error: RecordError) {
        if batch.len() == 1
            && let Some(wanted) = batch.pop()
        {
            let _ = wanted.answer.send(Err(error));
        }
        for wanted in batch {
            let written = match self.writing().await {
                Ok(tx) => self.try_all(tx, std::slice::from_ref(&wanted)).await,
                Err(error) => Err(error),
            };
            match written.map(|mut replies| replies.pop()) {
                Ok(Some(reply)) => self.answer(wanted, reply).await,
                Ok(None) => {}
                Err(error) => drop(wanted.answer.send(Err(error))),
            }
        }
    }

    /// Writes all of them, or none.
    async fn try_all(&self, mut tx: Writing, batch: &[Wanted]) -> Result<Vec<Reply>> {
        let (mut replies, mut events, mut jobs) = (vec![], vec![], 0);
        for wanted in batch {
            let doing = || RecordError::doing(wanted.doing);
            let mut told = wanted.events.clone();
            let reply = match &wanted.work {
                Work::Tell => Reply::Told,
                Work::Open(upload) => {
                    open_in(&mut tx, upload).await.map_err(doing())?;
                    Reply::Opened
                }
                Work::Commit(commit) => {
                    let committed = commit_in(&mut tx, commit, &mut told).await.map_err(doing())?;
                    match committed {
                        CommitReply::Committed(_) => jobs += 1,
                        _ => told.clear(),
                    }
                    Reply::Committed(committed)
                }
                Work::Lease { owner, length } => Reply::Leased(lease_in(&mut tx, owner, *length).await?.map(Box::new)),
                Work::Publish(publication) => {
                    let published = publish_in(&mut tx, publication).await.map_err(doing())?;
                    if !published {
                        told.clear();
                    }
                    Reply::Published(published)
                }
            };
            replies.push(reply);
            events.append(&mut told);
        }
        if jobs > 0 {
            crash_point("committing");
        }
        if replies.iter().any(|reply| matches!(reply, Reply::Published(true))) {
            crash_point("publishing");
        }
        let doing = batch.first().map_or("write events", |wanted| wanted.doing);
        self.commit_with(tx, events, doing).await?;
        for _ in 0..jobs {
            self.jobs.notify_one();
        }
        Ok(replies)
    }

    async fn answer(&self, wanted: Wanted, reply: Reply) {
        let Err(_gone) = wanted.answer.send(Ok(reply)) else { return };
        // Nobody knows of this upload, and nobody will end it.
        if let Work::Open(upload) = wanted.work {
            let Some(opened) = wanted.events.into_iter().next() else { return };
            let msg = format!("/drop/{} was given up before its first byte", upload.name);
            let event = Event { kind: "upload.aborted".to_owned(), sev: Severity::Warn, msg, ..opened };
            let ended = self.abort_upload(upload.id, upload.epoch, 0, event).await;
            if let Err(error) = ended {
                tracing::error!(error = &error as &dyn std::error::Error, "could not end an upload nobody waits for");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Scope;
    use crate::record::EventFilter;

    async fn upload(record: &Record, organisation: &str) -> NewUpload {
        let organisation = record.add_organisation(organisation, "supplier").await.unwrap().id;
        NewUpload::example(organisation, "a.edi")
    }

    fn event(text: &str) -> Event {
        Event::new("session.started", Severity::Info, text)
    }

    async fn events(record: &Record) -> Vec<Event> {
        record.events_after(&Scope::operator("tests"), &EventFilter::default(), 0, 1_000).await.unwrap()
    }

    #[tokio::test]
    async fn what_cannot_be_written_fails_alone() {
        let data = tempfile::tempdir().unwrap();
        let record = Record::open(data.path(), 1).await.unwrap();
        let taken = upload(&record, "northwind").await;
        record.open_upload(&taken, event("the first of its id")).await.unwrap();
        let before = events(&record).await.len();
        // Nobody else writes while these are put in.
        let writer = record.writing().await.unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..150 {
            let (record, taken) = (record.clone(), taken.clone());
            tasks.spawn(async move {
                let written = match number % 50 {
                    7 => record.open_upload(&taken, event("again")).await,
                    _ => record.tell(vec![event(&number.to_string())]).await,
                };
                (number, written.is_ok())
            });
        }
        tokio::task::yield_now().await;
        drop(writer);
        for (number, is_written) in tasks.join_all().await {
            assert_eq!(is_written, number % 50 != 7, "{number}");
        }
        let told = events(&record).await;
        assert_eq!(told.len() - before, 147);
        assert!(told.iter().zip(1..).all(|(event, seq)| event.seq == seq), "one number each, and none left out");
        // Whoever wrote the last of them looks once more before it goes.
        let looked = tokio::time::timeout(Duration::from_secs(10), async {
            while record.together.lock().is_attended {
                tokio::task::yield_now().await;
            }
        });
        assert!(looked.await.is_ok() && record.together.lock().all.is_empty());
    }

    #[tokio::test]
    async fn an_upload_that_nobody_waits_for_is_ended() {
        let data = tempfile::tempdir().unwrap();
        let record = Record::open(data.path(), 1).await.unwrap();
        let new = upload(&record, "northwind").await;
        record.open_upload(&new, event("opened")).await.unwrap();
        let (answer, gone) = oneshot::channel();
        drop(gone);
        let wanted =
            Wanted { work: Work::Open(Box::new(new.clone())), events: vec![event("opened")], doing: "test", answer };
        record.answer(wanted, Reply::Opened).await;
        assert!(!record.spool_is_wanted(new.id, 1, crate::domain::Timestamp::from_micros(0)).await.unwrap());
        assert_eq!(events(&record).await.pop().unwrap().kind, "upload.aborted");
    }

    #[tokio::test]
    async fn a_writer_that_is_stopped_leaves_nobody_waiting() {
        let data = tempfile::tempdir().unwrap();
        let record = Record::open(data.path(), 1).await.unwrap();
        let writer = record.writing().await.unwrap();
        let (answer, answered) = oneshot::channel();
        assert!(record.together.put(Wanted { work: Work::Tell, events: vec![], doing: "test", answer }));
        let writing = tokio::spawn(record.clone().write_what_waits());
        tokio::task::yield_now().await;
        writing.abort();
        assert!(writing.await.is_err() && answered.await.is_err());
        drop(writer);
        record.tell(vec![event("the next one")]).await.unwrap();
    }
}
