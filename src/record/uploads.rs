//! Uploads, from the first byte to the arrival: DURABILITY section 2, steps 1, 6 and 13.

use super::arrivals::{arrival_event, release};
use super::identity::text_id;
use super::sql::{Row, Writing, query, scalar};
use super::together::Work;
use super::{Record, RecordError, Result};
use crate::domain::{ArrivalId, Event, FileName, OrganisationId, SessionId, Timestamp};

/// The columns of a [`Listing`], so that both questions read alike.
macro_rules! listing_columns {
    () => {
        "select u.id, u.name, u.size_bytes, u.object_key, u.committed_at, u.listed, u.answer_listed,
                i.answer_suffix, i.answer_key, i.answer_bytes, i.published_at
         from upload u left join ingestion i on i.content_id = u.content_id"
    };
}

/// A file being sent: step 1.
#[derive(Debug, Clone)]
pub struct NewUpload {
    pub id: ArrivalId,
    pub organisation: OrganisationId,
    pub principal: String,
    pub login: String,
    pub door: &'static str,
    pub session: SessionId,
    pub name: FileName,
    pub node: String,
    pub epoch: i64,
}

#[cfg(test)]
impl NewUpload {
    /// One over SFTP to `local`, as tests need it.
    pub(super) fn example(organisation: OrganisationId, name: &str) -> Self {
        Self {
            id: ArrivalId::random(),
            organisation,
            principal: organisation.to_string(),
            login: "northwind".to_owned(),
            door: "sftp",
            session: SessionId::random(),
            name: FileName::parse(name).unwrap(),
            node: "local".to_owned(),
            epoch: 1,
        }
    }
}

/// An upload that was broken off and can be gone on with.
#[derive(Debug, Clone)]
pub struct PartialUpload {
    pub id: ArrivalId,
    pub opened_at: Timestamp,
}

/// One file in `/drop`, with its answer once there is one.
#[derive(Debug, Clone)]
pub struct Listing {
    pub id: ArrivalId,
    pub name: String,
    pub size_bytes: u64,
    pub object_key: String,
    pub committed_at: Timestamp,
    pub answer: Option<Answer>,
}

/// The answer beside a file.
#[derive(Debug, Clone)]
pub struct Answer {
    /// `.OK` or `.ERRORS.csv`.
    pub suffix: String,
    pub object_key: String,
    pub size_bytes: u64,
    pub published_at: Timestamp,
}

impl Record {
    /// Starts a boot of this node: its epoch, and whether the machine has not been restarted since the
    /// last one (only then is what was written but not synced still there).
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn start_boot(&self, node: &str, kernel_boot: &str) -> Result<(i64, bool)> {
        let doing = || RecordError::doing("start a boot of this node");
        let mut tx = self.writing().await?;
        let before = query("select boot_epoch, kernel_boot from node where id = $1")
            .bind(node)
            .fetch_optional(&mut tx)
            .await
            .map_err(doing())?;
        let (epoch, same) = before.map_or((1, false), |row| {
            (row.get::<i64>("boot_epoch") + 1, row.get::<String>("kernel_boot") == kernel_boot)
        });
        query(
            "insert into node (id, boot_epoch, kernel_boot, seen_at) values ($1, $2, $3, $4)
             on conflict (id) do update set boot_epoch = excluded.boot_epoch, kernel_boot = excluded.kernel_boot,
                                            seen_at = excluded.seen_at",
        )
        .bind(node)
        .bind(epoch)
        .bind(kernel_boot)
        .bind(Timestamp::now().micros())
        .execute(&mut tx)
        .await
        .map_err(doing())?;
        tx.commit().await.map_err(doing())?;
        Ok((epoch, same))
    }

    /// Marks what an earlier boot of this node left open as broken off. Without `same_machine_boot` what
    /// was not synced may be gone, so it cannot be resumed.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn abort_left_open(&self, node: &str, epoch: i64, same_machine_boot: bool) -> Result<u64> {
        let doing = || RecordError::doing("mark uploads left open as broken off");
        let mut tx = self.writing().await?;
        let done = query(
            "update upload set state = 'aborted', resumable = resumable * $3
             where node_id = $1 and boot_epoch < $2 and state = 'receiving'",
        )
        .bind(node)
        .bind(epoch)
        .bind(i64::from(same_machine_boot))
        .execute(&mut tx)
        .await
        .map_err(doing())?;
        tx.commit().await.map_err(doing())?;
        Ok(done.rows_affected())
    }

    /// Step 1: every accepted byte belongs to an upload row.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn open_upload(&self, upload: &NewUpload, event: Event) -> Result<()> {
        self.write(Work::Open(Box::new(upload.clone())), vec![event], "register an upload").await.map(|_| ())
    }

    /// Takes a broken-off upload up again; `false` when somebody else has, or it is gone.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn reopen_upload(
        &self,
        id: ArrivalId,
        node: &str,
        epoch: i64,
        session: SessionId,
        event: Event,
    ) -> Result<bool> {
        let doing = "take up a broken-off upload";
        let mut tx = self.writing().await?;
        let done = query(
            "update upload set state = 'receiving', boot_epoch = $3, session_id = $4
             where id = $1 and node_id = $2 and state = 'aborted' and resumable = 1",
        )
        .bind(id.to_string())
        .bind(node)
        .bind(epoch)
        .bind(session.to_string())
        .execute(&mut tx)
        .await
        .map_err(RecordError::doing(doing))?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        self.commit_with(tx, vec![event], doing).await?;
        Ok(true)
    }

    /// Notes that what has arrived is not one run from byte 0, so that a crash cannot make it look whole.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn not_resumable(&self, id: ArrivalId) -> Result<()> {
        let doing = || RecordError::doing("note that an upload has gaps");
        let mut tx = self.writing().await?;
        query("update upload set resumable = 0 where id = $1")
            .bind(id.to_string())
            .execute(&mut tx)
            .await
            .map_err(doing())?;
        tx.commit().await.map_err(doing())
    }

    /// Ends an upload that its sender did not finish; `kept` bytes of it can be gone on with, unless there are none.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn abort_upload(&self, id: ArrivalId, epoch: i64, kept: u64, event: Event) -> Result<()> {
        let doing = "end a broken-off upload";
        let mut tx = self.writing().await?;
        query(
            "update upload set state = 'aborted', resumable = $3, size_bytes = $4
             where id = $1 and boot_epoch = $2 and state = 'receiving'",
        )
        .bind(id.to_string())
        .bind(epoch)
        .bind(i64::from(kept > 0))
        .bind(i64::try_from(kept).unwrap_or(i64::MAX))
        .execute(&mut tx)
        .await
        .map_err(RecordError::doing(doing))?;
        self.commit_with(tx, vec![event], doing).await
    }

    /// Gives up what was broken off under a name; `false` where there was nothing.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn forget_partial(&self, principal: &str, name: &FileName, event: Event) -> Result<bool> {
        let doing = "give up a broken-off upload";
        let mut tx = self.writing().await?;
        let done = query(
            "update upload set resumable = 0
             where principal = $1 and name = $2 and state = 'aborted' and resumable = 1",
        )
        .bind(principal)
        .bind(name.as_str())
        .execute(&mut tx)
        .await
        .map_err(RecordError::doing(doing))?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        self.commit_with(tx, vec![event], doing).await?;
        Ok(true)
    }

    /// The upload broken off under this name that can still be gone on with on this node.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn partial_upload(
        &self,
        principal: &str,
        name: &FileName,
        node: &str,
        since: Timestamp,
    ) -> Result<Option<PartialUpload>> {
        let row = query(
            "select id, opened_at from upload
             where principal = $1 and name = $2 and node_id = $3 and state = 'aborted' and resumable = 1 and opened_at >= $4
             order by opened_at desc limit 1",
        )
        .bind(principal)
        .bind(name.as_str())
        .bind(node)
        .bind(since.micros())
        .fetch_optional(&self.db.reader)
        .await
        .map_err(RecordError::doing("look for a broken-off upload"))?;
        row.map(|row| {
            Ok(PartialUpload {
                id: text_id(&row, "id", ArrivalId::parse)?,
                opened_at: Timestamp::from_micros(row.get("opened_at")),
            })
        })
        .transpose()
    }

    /// Whether a spool file is still somebody's: an upload under way on this boot, or one that can be resumed.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn spool_is_wanted(&self, id: ArrivalId, epoch: i64, resumable_since: Timestamp) -> Result<bool> {
        let wanted: i64 = scalar(
            "select count(*) from upload where id = $1
             and ((state = 'receiving' and boot_epoch = $2)
                  or (state = 'aborted' and resumable = 1 and opened_at >= $3))",
        )
        .bind(id.to_string())
        .bind(epoch)
        .bind(resumable_since.micros())
        .fetch_one(&self.db.reader)
        .await
        .map_err(RecordError::doing("ask whose a spool file is"))?;
        Ok(wanted > 0)
    }

    /// The files of a `/drop`, each name's newest version, newest first, at most `limit`.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn drop_listing(&self, principal: &str, since: Timestamp, limit: u32) -> Result<Vec<Listing>> {
        let rows = query(concat!(
            listing_columns!(),
            " where u.principal = $1 and u.state = 'committed' and u.listed = 1 and u.committed_at >= $2
                and not exists (select 1 from upload v where v.principal = u.principal and v.name = u.name
                                and v.state = 'committed' and v.version > u.version)
              order by u.committed_at desc limit $3"
        ))
        .bind(principal)
        .bind(since.micros())
        .bind(i64::from(limit))
        .fetch_all(&self.db.reader)
        .await
        .map_err(RecordError::doing("list a drop folder"))?;
        rows.iter().map(listing_of).collect()
    }

    /// The newest listed file of this name.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn in_drop(&self, principal: &str, name: &str, since: Timestamp) -> Result<Option<Listing>> {
        let row = query(concat!(
            listing_columns!(),
            " where u.principal = $1 and u.name = $2 and u.state = 'committed' and u.committed_at >= $3
              order by u.version desc limit 1"
        ))
        .bind(principal)
        .bind(name)
        .bind(since.micros())
        .fetch_optional(&self.db.reader)
        .await
        .map_err(RecordError::doing("look for a file in a drop folder"))?;
        row.filter(|row| row.get::<i64>("listed") == 1).map(|row| listing_of(&row)).transpose()
    }

    /// Gives a file in `/drop` another name. Losing a temporary name is the arrival (step 13). `Ok(None)`:
    /// it is not there any more; `Some(duplicate_of)` otherwise.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn rename_in_drop(&self, id: ArrivalId, principal: &str, to: &FileName, event: Event) -> Result<bool> {
        let doing = || RecordError::doing("rename a file");
        let mut tx = self.writing().await?;
        let row = query(
            "select u.name, u.size_bytes, u.unproven, j.state as job from upload u join job j on j.upload_id = u.id
             where u.id = $1 and u.principal = $2 and u.state = 'committed' and u.listed = 1",
        )
        .bind(id.to_string())
        .bind(principal)
        .fetch_optional(&mut tx)
        .await
        .map_err(doing())?;
        let Some(row) = row else { return Ok(false) };
        let version = next_version(&mut tx, principal, to.as_str()).await.map_err(doing())?;
        // What lay under the old name before must not come into sight again. What is still being sent under
        // it, over another connection, has yet to be seen.
        query("update upload set listed = 0 where principal = $1 and name = $2 and id <> $3 and state = 'committed'")
            .bind(principal)
            .bind(row.get::<String>("name"))
            .bind(id.to_string())
            .execute(&mut tx)
            .await
            .map_err(doing())?;
        query("update upload set name = $2, version = $3 where id = $1")
            .bind(id.to_string())
            .bind(to.as_str())
            .bind(version)
            .execute(&mut tx)
            .await
            .map_err(doing())?;
        let mut events = vec![event];
        // A name says nothing about whether all of it came.
        let waits_for_its_name = row.get::<String>("job") == "held" && row.get::<i64>("unproven") == 0;
        if waits_for_its_name && !to.is_temporary() {
            let duplicate_of = release(&mut tx, id).await.map_err(doing())?;
            let received = arrival_event(&events, id, row.get("size_bytes"), duplicate_of);
            events.push(received);
        }
        self.commit_with(tx, events, "rename a file").await?;
        self.jobs.notify_one();
        Ok(true)
    }

    /// Takes the answer beside a file out of the listing.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn unlist_answer(&self, id: ArrivalId, principal: &str, event: Event) -> Result<bool> {
        let doing = "take an answer out of a drop folder";
        let mut tx = self.writing().await?;
        let done = query("update upload set answer_listed = 0 where id = $1 and principal = $2 and answer_listed = 1")
            .bind(id.to_string())
            .bind(principal)
            .execute(&mut tx)
            .await
            .map_err(RecordError::doing(doing))?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        self.commit_with(tx, vec![event], doing).await?;
        Ok(true)
    }

    /// Takes a file out of the listing; its original stays.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn unlist(&self, id: ArrivalId, principal: &str, event: Event) -> Result<bool> {
        let mut tx = self.writing().await?;
        let done = query("update upload set listed = 0 where id = $1 and principal = $2 and listed = 1")
            .bind(id.to_string())
            .bind(principal)
            .execute(&mut tx)
            .await
            .map_err(RecordError::doing("take a file out of a drop folder"))?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        self.commit_with(tx, vec![event], "take a file out of a drop folder").await?;
        Ok(true)
    }
}

fn listing_of(row: &Row) -> Result<Listing> {
    let suffix: Option<String> = row.get("answer_suffix");
    Ok(Listing {
        id: text_id(row, "id", ArrivalId::parse)?,
        name: row.get("name"),
        size_bytes: u64::try_from(row.get::<i64>("size_bytes")).unwrap_or(0),
        object_key: row.get::<Option<String>>("object_key").unwrap_or_default(),
        committed_at: Timestamp::from_micros(row.get("committed_at")),
        answer: suffix.filter(|_| row.get::<i64>("answer_listed") == 1).map(|suffix| Answer {
            suffix,
            object_key: row.get("answer_key"),
            size_bytes: u64::try_from(row.get::<i64>("answer_bytes")).unwrap_or(0),
            published_at: Timestamp::from_micros(row.get("published_at")),
        }),
    })
}

/// Registers an upload.
pub(super) async fn open_in(tx: &mut Writing, upload: &NewUpload) -> Result<(), sqlx::Error> {
    // A fresh upload under a name ends what was broken off under it.
    query("update upload set resumable = 0 where principal = $1 and name = $2 and state = 'aborted'")
        .bind(&upload.principal)
        .bind(upload.name.as_str())
        .execute(&mut *tx)
        .await?;
    query(
        "insert into upload (id, organisation_id, principal, login, door, session_id, name, state, node_id,
                             boot_epoch, resumable, opened_at)
         values ($1, $2, $3, $4, $5, $6, $7, 'receiving', $8, $9, 1, $10)",
    )
    .bind(upload.id.to_string())
    .bind(upload.organisation.to_string())
    .bind(&upload.principal)
    .bind(&upload.login)
    .bind(upload.door)
    .bind(upload.session.to_string())
    .bind(upload.name.as_str())
    .bind(&upload.node)
    .bind(upload.epoch)
    .bind(Timestamp::now().micros())
    .execute(&mut *tx)
    .await
    .map(|_| ())
}

pub(super) async fn next_version(tx: &mut Writing, principal: &str, name: &str) -> Result<i64, sqlx::Error> {
    scalar("select coalesce(max(version), 0) + 1 from upload where principal = $1 and name = $2")
        .bind(principal)
        .bind(name)
        .fetch_one(&mut *tx)
        .await
}
