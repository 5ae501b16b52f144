//! The queue of arrivals to read: leases with fences (DURABILITY section 2, steps 9 to 11).

use std::time::Duration;

use super::documents::{NewDocument, insert_documents};
use super::findings::insert_findings;
use super::identity::text_id;
use super::sql::{Writing, query, scalar};
use super::together::{Reply, Work};
use super::{Record, RecordError, Result};
use crate::domain::{ArrivalId, Digest, Event, OrganisationId, Scope, SessionId, Timestamp};
use crate::laboratory::is_planted;
use waybill_parsers::Finding;

/// The right to read one file, until it runs out. Whoever has the newest fence has it.
#[derive(Debug, Clone)]
pub struct Lease {
    pub file: ArrivalId,
    pub content: ArrivalId,
    pub organisation: OrganisationId,
    pub name: String,
    pub login: String,
    pub door: String,
    pub session: Option<SessionId>,
    pub received_at: Timestamp,
    pub size_bytes: u64,
    pub digest: Digest,
    pub object_key: String,
    /// Also the generation of the rows this attempt writes.
    pub fence: i64,
    /// Which attempt this is, from 1.
    pub attempt: i64,
}

/// When a job given back is tried again.
#[derive(Debug, Clone, Copy)]
pub struct Retry {
    pub after: Duration,
    /// Whether the attempt counts towards setting the file aside.
    pub counted: bool,
}

/// What an attempt found, to be made visible at once.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub format: String,
    pub format_version: Option<String>,
    pub encoding: Option<String>,
    pub profile: Option<String>,
    pub documents: i64,
    /// Documents without errors of their own.
    pub accepted: i64,
    pub errors: i64,
    pub warnings: i64,
    pub answer_suffix: &'static str,
    pub answer_key: String,
    pub answer_bytes: i64,
}

/// What an attempt publishes: what it found, and the last of its rows where there are few.
#[derive(Debug)]
pub struct Publication {
    pub lease: Lease,
    pub outcome: Outcome,
    pub documents: Vec<NewDocument>,
    pub findings: Vec<(i64, Box<Finding>)>,
}

impl Record {
    /// Takes a job whose holder went silent, or the one that has waited longest.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn lease(&self, owner: &str, lease: Duration) -> Result<Option<Lease>> {
        let doing = || RecordError::doing("take a job from the queue");
        // Asked of a reader first: an idle house takes no write lock.
        let now = self.now().await.map_err(doing())?;
        let waiting: i64 = scalar(
            "select count(*) from (select 1 from job where (state = 'ready' and not_before <= $1)
                                   or (state = 'running' and lease_until < $1) limit 1) as waiting",
        )
        .bind(now.micros())
        .fetch_one(&self.db.reader)
        .await
        .map_err(doing())?;
        if waiting == 0 {
            return Ok(None);
        }
        let work = Work::Lease { owner: owner.to_owned(), length: lease };
        match self.write(work, vec![], "take a job from the queue").await? {
            Reply::Leased(lease) => Ok(lease.map(|lease| *lease)),
            _ => Err(RecordError::Interrupted { doing: "take a job from the queue" }),
        }
    }

    /// Holds on to a lease; `false` when somebody else has it by now.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn renew(&self, lease: &Lease, length: Duration) -> Result<bool> {
        let doing = || RecordError::doing("renew a lease");
        let mut tx = self.writing_beside_others().await?;
        let now = tx.now().await.map_err(doing())?;
        let until = now.plus_micros(i64::try_from(length.as_micros()).unwrap_or(i64::MAX));
        let done = query("update job set lease_until = $3 where upload_id = $1 and fence = $2 and state = 'running'")
            .bind(lease.file.to_string())
            .bind(lease.fence)
            .bind(until.micros())
            .execute(&mut tx)
            .await
            .map_err(doing())?;
        tx.commit().await.map_err(doing())?;
        Ok(done.rows_affected() == 1 || is_planted("no fence"))
    }

    /// Writes rows of this attempt: invisible until it is published. `false` when the lease is lost.
    ///
    /// # Errors
    /// The database did not take them.
    pub async fn write_rows(
        &self,
        lease: &Lease,
        documents: &[NewDocument],
        findings: &[(i64, Box<Finding>)],
    ) -> Result<bool> {
        let doing = || RecordError::doing("write the rows of a file");
        let mut tx = self.writing_beside_others().await?;
        let held =
            query("select fence from job where upload_id = $1 and fence = $2 and state = 'running' /*pg: for share */")
                .bind(lease.file.to_string())
                .bind(lease.fence)
                .fetch_optional(&mut tx)
                .await
                .map_err(doing())?;
        if held.is_none() && !is_planted("no fence") {
            return Ok(false);
        }
        insert_documents(&mut tx, lease, documents).await.map_err(doing())?;
        insert_findings(&mut tx, lease, findings).await.map_err(doing())?;
        tx.commit().await.map_err(doing())?;
        Ok(true)
    }

    /// Step 11: makes all of a file's records visible in one small transaction. `false` when the lease is
    /// lost; then nothing has changed.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn publish(&self, publication: Publication, events: Vec<Event>) -> Result<bool> {
        let doing = "publish a file's records";
        match self.write(Work::Publish(Box::new(publication)), events, doing).await? {
            Reply::Published(published) => Ok(published),
            _ => Err(RecordError::Interrupted { doing }),
        }
    }

    /// Gives a job back to be tried again later, or sets it aside for a human.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn give_back(&self, lease: &Lease, reason: &str, retry: Option<Retry>, events: Vec<Event>) -> Result<()> {
        let doing = || RecordError::doing("give a job back to the queue");
        let wait = retry.map_or(Duration::ZERO, |retry| retry.after);
        let state = if retry.is_some() { "ready" } else { "set_aside" };
        let uncounted = retry.is_some_and(|retry| !retry.counted);
        let mut tx = self.writing().await?;
        let now = tx.now().await.map_err(doing())?;
        let not_before = now.plus_micros(i64::try_from(wait.as_micros()).unwrap_or(i64::MAX));
        query(
            "update job set state = $3, owner = null, not_before = $4, reason = $5, attempts = attempts - $6
             where upload_id = $1 and fence = $2 and state = 'running'",
        )
        .bind(lease.file.to_string())
        .bind(lease.fence)
        .bind(state)
        .bind(not_before.micros())
        .bind(reason)
        .bind(i64::from(uncounted))
        .execute(&mut tx)
        .await
        .map_err(doing())?;
        self.commit_with(tx, events, "give a job back to the queue").await
    }

    /// Deletes the rows of attempts up to `newest` that are not the visible one, a thousand at a time so that
    /// no sender waits behind it. A later attempt's rows, which somebody may be writing, stay.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn sweep_attempts(&self, content: ArrivalId, newest: i64) -> Result<()> {
        let doing = || RecordError::doing("sweep the rows of earlier attempts");
        for text in [
            "delete from document where (content_id, gen, ordinal) in
                (select content_id, gen, ordinal from document where content_id = $1 and gen <= $2
                 and gen <> coalesce((select active_gen from ingestion where content_id = $1), -1) limit 1000)",
            "delete from finding where (content_id, gen, ordinal) in
                (select content_id, gen, ordinal from finding where content_id = $1 and gen <= $2
                 and gen <> coalesce((select active_gen from ingestion where content_id = $1), -1) limit 1000)",
        ] {
            loop {
                let mut tx = self.writing_beside_others().await?;
                let done = query(text).bind(content.to_string()).bind(newest).execute(&mut tx).await.map_err(doing())?;
                tx.commit().await.map_err(doing())?;
                if done.rows_affected() == 0 {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Sweeps what attempts left whose daemon was killed between publishing and sweeping.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn sweep_leftovers(&self) -> Result<()> {
        // Only a job that was taken more than once, or set aside, can have rows that are not shown.
        let left = query(
            "select j.upload_id, j.fence from job j left join ingestion i on i.content_id = j.upload_id
             where ((j.state = 'done' and j.fence > 1) or j.state = 'set_aside')
               and (exists (select 1 from document d where d.content_id = j.upload_id and d.gen <= j.fence
                            and d.gen <> coalesce(i.active_gen, -1))
                 or exists (select 1 from finding f where f.content_id = j.upload_id and f.gen <= j.fence
                            and f.gen <> coalesce(i.active_gen, -1)))",
        )
        .fetch_all(&self.db.reader)
        .await
        .map_err(RecordError::doing("look for rows of earlier attempts"))?;
        for row in left {
            self.sweep_attempts(text_id(&row, "upload_id", ArrivalId::parse)?, row.get("fence")).await?;
        }
        Ok(())
    }

    /// Puts a file back into the queue, to be read again. `false` when the scope shows no such file, or it
    /// is held, waiting, or being read already.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn reprocess(&self, scope: &Scope, file: ArrivalId) -> Result<bool> {
        let doing = || RecordError::doing("put a file back into the queue");
        let mut tx = self.writing().await?;
        let now = tx.now().await.map_err(doing())?;
        let done = query(
            "update job set state = 'ready', attempts = 0, not_before = $3, reason = null
             where state in ('done', 'set_aside')
               and upload_id = (select u.content_id from upload u
                                where u.id = $1 and u.state = 'committed' and ($2 is null or u.organisation_id = $2))",
        )
        .bind(file.to_string())
        .bind(scope.organisation().map(|id| id.to_string()))
        .bind(now.micros())
        .execute(&mut tx)
        .await
        .map_err(doing())?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        let organisation: String = scalar("select organisation_id from upload where id = $1")
            .bind(file.to_string())
            .fetch_one(&mut tx)
            .await
            .map_err(doing())?;
        let mut event = Event::new(
            "file.reprocess_requested",
            crate::domain::Severity::Info,
            format!("{} asked to read this file again", scope.principal()),
        )
        .file(file);
        event.org = OrganisationId::parse(&organisation);
        self.commit_with(tx, vec![event], "put a file back into the queue").await?;
        self.jobs.notify_one();
        Ok(true)
    }

    /// How many jobs wait or run, and how many are set aside.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn queue_depth(&self) -> Result<(i64, i64)> {
        query(
            "select coalesce(sum(case when state in ('ready', 'running') then 1 else 0 end), 0) as waiting,
                    coalesce(sum(case when state = 'set_aside' then 1 else 0 end), 0) as set_aside
             from job where state in ('ready', 'running', 'set_aside')",
        )
        .fetch_one(&self.db.reader)
        .await
        .map(|row| (row.get("waiting"), row.get("set_aside")))
        .map_err(RecordError::doing("count the jobs"))
    }
}

/// Takes a job for its new owner.
pub(super) async fn lease_in(tx: &mut Writing, owner: &str, length: Duration) -> Result<Option<Lease>> {
    let doing = || RecordError::doing("take a job from the queue");
    let now = tx.now().await.map_err(doing())?.micros();
    // Two questions, each in the order of an index: one of both would sort all that waits, for each job.
    let taken = query(
        "update job set state = 'running', owner = $1, fence = fence + 1, lease_until = $2, attempts = attempts + 1
         where upload_id = coalesce(
            (select upload_id from job where state = 'running' and lease_until < $3
             order by not_before, upload_id limit 1 /*pg: for update skip locked */),
            (select upload_id from job where state = 'ready' and not_before <= $3
             order by not_before, upload_id limit 1 /*pg: for update skip locked */))
         returning upload_id, fence, attempts",
    )
    .bind(owner)
    .bind(now.saturating_add(i64::try_from(length.as_micros()).unwrap_or(i64::MAX)))
    .bind(now)
    .fetch_optional(&mut *tx)
    .await
    .map_err(doing())?;
    let Some(taken) = taken else { return Ok(None) };
    let row = query(
        "select id, content_id, organisation_id, name, login, door, session_id, committed_at, size_bytes, sha256, object_key
         from upload where id = $1",
    )
    .bind(taken.get::<String>("upload_id"))
    .fetch_one(&mut *tx)
    .await
    .map_err(doing())?;
    let sha256: String = row.get::<Option<String>>("sha256").unwrap_or_default();
    Ok(Some(Lease {
        file: text_id(&row, "id", ArrivalId::parse)?,
        content: text_id(&row, "content_id", ArrivalId::parse)?,
        organisation: text_id(&row, "organisation_id", OrganisationId::parse)?,
        name: row.get("name"),
        login: row.get("login"),
        door: row.get("door"),
        session: row.get::<Option<String>>("session_id").and_then(|text| SessionId::parse(&text)),
        received_at: Timestamp::from_micros(row.get("committed_at")),
        size_bytes: u64::try_from(row.get::<i64>("size_bytes")).unwrap_or(0),
        digest: Digest::from_hex(&sha256).ok_or(RecordError::Corrupt { what: format!("sha256 `{sha256}`") })?,
        object_key: row.get::<Option<String>>("object_key").unwrap_or_default(),
        fence: taken.get("fence"),
        attempt: taken.get("attempts"),
    }))
}

/// Makes an attempt's rows the visible ones. `false` when the lease is lost.
pub(super) async fn publish_in(tx: &mut Writing, publication: &Publication) -> Result<bool, sqlx::Error> {
    let Publication { lease, outcome, documents, findings } = publication;
    let done = query(
        "update job set state = 'done', owner = null, reason = null where upload_id = $1 and fence = $2 and state = 'running'",
    )
    .bind(lease.file.to_string())
    .bind(lease.fence)
    .execute(&mut *tx)
    .await?;
    if done.rows_affected() != 1 && !is_planted("no fence") {
        return Ok(false);
    }
    insert_documents(tx, lease, documents).await?;
    insert_findings(tx, lease, findings).await?;
    query(
        "insert into ingestion (content_id, upload_id, active_gen, format, format_version, encoding, profile,
                                documents, accepted, errors, warnings, answer_suffix, answer_key, answer_bytes, published_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
         on conflict (content_id) do update set
            active_gen = excluded.active_gen, format = excluded.format, format_version = excluded.format_version,
            encoding = excluded.encoding, profile = excluded.profile, documents = excluded.documents, accepted = excluded.accepted,
            errors = excluded.errors, warnings = excluded.warnings, answer_suffix = excluded.answer_suffix,
            answer_key = excluded.answer_key, answer_bytes = excluded.answer_bytes,
            published_at = excluded.published_at
         where ingestion.active_gen < excluded.active_gen",
    )
    .bind(lease.content.to_string())
    .bind(lease.file.to_string())
    .bind(lease.fence)
    .bind(&outcome.format)
    .bind(&outcome.format_version)
    .bind(&outcome.encoding)
    .bind(&outcome.profile)
    .bind(outcome.documents)
    .bind(outcome.accepted)
    .bind(outcome.errors)
    .bind(outcome.warnings)
    .bind(outcome.answer_suffix)
    .bind(&outcome.answer_key)
    .bind(outcome.answer_bytes)
    .bind(Timestamp::now().micros())
    .execute(&mut *tx)
    .await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Severity;
    use crate::record::{Commit, CommitReply, NewUpload};
    use waybill_parsers::{Code, Location};

    const LEASE: Duration = Duration::from_secs(60);

    fn event() -> Event {
        Event::new("file.applied", Severity::Info, "a test")
    }

    async fn arrival(record: &Record) -> ArrivalId {
        let organisation = record.add_organisation("northwind", "supplier").await.unwrap().id;
        let upload = NewUpload::example(organisation, "a.edi");
        record.open_upload(&upload, event()).await.unwrap();
        let commit = Commit::example(upload.id, "t/a");
        let reply = record.commit_upload(&commit, vec![]).await.unwrap();
        assert!(matches!(reply, CommitReply::Committed(_)), "{reply:?}");
        upload.id
    }

    /// An attempt that finds one thing and publishes it.
    async fn attempt(record: &Record) -> i64 {
        let lease = record.lease("worker", LEASE).await.unwrap().unwrap();
        let finding = Finding::error(Code::EMPTY_FILE, Location::file(), "the file is empty", "Send it again.");
        assert!(record.write_rows(&lease, &[], &[(0, Box::new(finding))]).await.unwrap());
        let outcome = Outcome {
            format: "x12".to_owned(),
            format_version: None,
            encoding: None,
            profile: None,
            documents: 0,
            accepted: 0,
            errors: 1,
            warnings: 0,
            answer_suffix: ".ERRORS.csv",
            answer_key: "a/a".to_owned(),
            answer_bytes: 0,
        };
        let fence = lease.fence;
        let publication = Publication { lease, outcome, documents: vec![], findings: vec![] };
        assert!(record.publish(publication, vec![event()]).await.unwrap());
        fence
    }

    #[tokio::test]
    async fn rows_left_by_a_daemon_killed_before_its_sweep_are_swept() {
        let data = tempfile::tempdir().unwrap();
        let record = Record::open(data.path(), 1).await.unwrap();
        let file = arrival(&record).await;
        let operator = Scope::operator("tests");
        assert_eq!(attempt(&record).await, 1);
        assert!(record.reprocess(&operator, file).await.unwrap());
        assert_eq!(attempt(&record).await, 2);
        record.sweep_leftovers().await.unwrap();
        let left: Vec<i64> = scalar("select gen from finding").fetch_all(&record.db.reader).await.unwrap();
        assert_eq!(left, [2]);
        assert_eq!(record.findings(&operator, file, -1, 10).await.unwrap().len(), 1);
    }
}
