//! What was taken from partners' servers: the same path, size and time is the same file, and is taken once.

use super::{Record, RecordError, Result, Turn};
use crate::domain::{ArrivalId, Digest, Event, Timestamp};
use crate::record::sql::query;

/// A file on a partner's server, as it is told from others.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RemoteKey {
    pub path: String,
    pub size_bytes: u64,
    /// Seconds since 1970 in UTC; `None` where the server tells no time.
    pub modified: Option<i64>,
}

impl RemoteKey {
    fn size(&self) -> i64 {
        i64::try_from(self.size_bytes).unwrap_or(i64::MAX)
    }

    fn time(&self) -> i64 {
        self.modified.unwrap_or(-1)
    }
}

/// How far a file has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PulledState {
    /// It was in a listing.
    Seen,
    /// It is, or was, being read into an upload.
    Taking,
    /// It is safe here; what is to become of it there has not been done yet.
    Landed,
    Done,
    /// It cannot be taken, and is not tried again.
    Refused,
}

/// What is known of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PulledRow {
    pub state: PulledState,
    pub upload: Option<ArrivalId>,
    pub digest: Option<Digest>,
    /// When it was first seen as it is.
    pub seen: Timestamp,
    pub listed: Timestamp,
}

impl Record {
    /// What is known of a file of a partner's.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn pulled(&self, partner: &str, key: &RemoteKey) -> Result<Option<PulledRow>> {
        let row = query(
            "select state, upload_id, sha256, seen_at, listed_at from partner_pulled
             where partner = $1 and path = $2 and size_bytes = $3 and modified = $4",
        )
        .bind(partner)
        .bind(&key.path)
        .bind(key.size())
        .bind(key.time())
        .fetch_optional(&self.db.reader)
        .await
        .map_err(RecordError::doing("look up a partner's file"))?;
        row.map(|row| {
            let state: String = row.get("state");
            let state = match state.as_str() {
                "seen" => PulledState::Seen,
                "taking" => PulledState::Taking,
                "landed" => PulledState::Landed,
                "done" => PulledState::Done,
                "refused" => PulledState::Refused,
                _ => return Err(RecordError::Corrupt { what: format!("the state of {}", key.path) }),
            };
            Ok(PulledRow {
                state,
                upload: row.get::<Option<String>>("upload_id").and_then(|id| ArrivalId::parse(&id)),
                digest: row.get::<Option<String>>("sha256").and_then(|hex| Digest::from_hex(&hex)),
                seen: Timestamp::from_micros(row.get("seen_at")),
                listed: Timestamp::from_micros(row.get("listed_at")),
            })
        })
        .transpose()
    }

    /// Whether an upload has landed, and what it is; `None` if it has not.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn landed_as(&self, upload: ArrivalId) -> Result<Option<Digest>> {
        let row = query("select sha256 from upload where id = $1 and state = 'committed'")
            .bind(upload.to_string())
            .fetch_optional(&self.db.reader)
            .await
            .map_err(RecordError::doing("find out what became of a partner's file"))?;
        let Some(row) = row else { return Ok(None) };
        let hex = row.get::<Option<String>>("sha256").unwrap_or_default();
        Digest::from_hex(&hex).map(Some).ok_or_else(|| RecordError::Corrupt { what: format!("the digest of {upload}") })
    }

    /// Notes that files stand in a partner's folder as they are now.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn pulled_seen(&self, partner: &str, keys: &[RemoteKey]) -> Result<()> {
        let doing = || RecordError::doing("note partners' files");
        let now = Timestamp::now().micros();
        for batch in keys.chunks(500) {
            let mut tx = self.writing().await?;
            for key in batch {
                query(
                    "insert into partner_pulled (partner, path, size_bytes, modified, state, seen_at, listed_at)
                     values ($1, $2, $3, $4, 'seen', $5, $5)
                     on conflict (partner, path, size_bytes, modified) do update set listed_at = excluded.listed_at",
                )
                .bind(partner)
                .bind(&key.path)
                .bind(key.size())
                .bind(key.time())
                .bind(now)
                .execute(&mut tx)
                .await
                .map_err(doing())?;
            }
            tx.commit().await.map_err(doing())?;
        }
        Ok(())
    }

    /// Notes which upload a file is read into, before a byte of it can land; `false` when the turn is lost.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn pulled_taking(&self, turn: &Turn, key: &RemoteKey, upload: ArrivalId) -> Result<bool> {
        self.pulled_is(turn, key, "taking", Some(upload), None, None, vec![]).await
    }

    /// Notes that a file has landed, and as what; `false` when the turn is lost.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn pulled_landed(
        &self,
        turn: &Turn,
        key: &RemoteKey,
        upload: ArrivalId,
        digest: Option<Digest>,
        event: Event,
    ) -> Result<bool> {
        self.pulled_is(turn, key, "landed", Some(upload), digest, None, vec![event]).await
    }

    /// Notes that nothing is left to do about a file; `false` when the turn is lost.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn pulled_done(&self, turn: &Turn, key: &RemoteKey) -> Result<bool> {
        self.pulled_is(turn, key, "done", None, None, None, vec![]).await
    }

    /// Notes that a file cannot be taken as it is; `false` when the turn is lost.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn pulled_refused(&self, turn: &Turn, key: &RemoteKey, reason: &str, event: Event) -> Result<bool> {
        self.pulled_is(turn, key, "refused", None, None, Some(reason), vec![event]).await
    }

    #[expect(clippy::too_many_arguments, reason = "the columns of one row, named by the four above")]
    async fn pulled_is(
        &self,
        turn: &Turn,
        key: &RemoteKey,
        state: &str,
        upload: Option<ArrivalId>,
        digest: Option<Digest>,
        reason: Option<&str>,
        events: Vec<Event>,
    ) -> Result<bool> {
        let doing = "note what became of a partner's file";
        let mut tx = self.writing().await?;
        let done = query(
            "update partner_pulled set state = $5, upload_id = coalesce($6, upload_id), sha256 = coalesce($7, sha256),
                reason = $8
             where partner = $1 and path = $2 and size_bytes = $3 and modified = $4
               and exists (select 1 from partner where name = $1 and direction = 'pull' and fence = $9
                           and owner is not null)",
        )
        .bind(&turn.partner)
        .bind(&key.path)
        .bind(key.size())
        .bind(key.time())
        .bind(state)
        .bind(upload.map(|id| id.to_string()))
        .bind(digest.map(|digest| digest.to_string()))
        .bind(reason)
        .bind(turn.fence)
        .execute(&mut tx)
        .await
        .map_err(RecordError::doing(doing))?;
        if done.rows_affected() != 1 {
            return Ok(false);
        }
        self.commit_with(tx, events, doing).await?;
        Ok(true)
    }

    /// Takes back that a file was being read: it has changed meanwhile.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn pulled_forget(&self, partner: &str, key: &RemoteKey) -> Result<()> {
        let doing = || RecordError::doing("forget a partner's file");
        let mut tx = self.writing().await?;
        query(
            "delete from partner_pulled
             where partner = $1 and path = $2 and size_bytes = $3 and modified = $4 and state in ('seen', 'taking')",
        )
        .bind(partner)
        .bind(&key.path)
        .bind(key.size())
        .bind(key.time())
        .execute(&mut tx)
        .await
        .map_err(doing())?;
        tx.commit().await.map_err(doing())
    }

    /// Files that have landed and are still to be deleted or moved there, whether or not the folder lists them.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn pulled_to_tidy(&self, partner: &str, limit: u32) -> Result<Vec<RemoteKey>> {
        let rows = query(
            "select path, size_bytes, modified from partner_pulled where partner = $1 and state = 'landed'
             order by path limit $2",
        )
        .bind(partner)
        .bind(i64::from(limit))
        .fetch_all(&self.db.reader)
        .await
        .map_err(RecordError::doing("list partners' files that have landed"))?;
        Ok(rows
            .iter()
            .map(|row| RemoteKey {
                path: row.get("path"),
                size_bytes: u64::try_from(row.get::<i64>("size_bytes")).unwrap_or(0),
                modified: Some(row.get::<i64>("modified")).filter(|seconds| *seconds >= 0),
            })
            .collect())
    }

    /// Forgets files that no listing has shown since `before`.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn pulled_sweep(&self, before: Timestamp) -> Result<u64> {
        let doing = || RecordError::doing("forget partners' old files");
        let mut tx = self.writing().await?;
        let pulled =
            query("delete from partner_pulled where listed_at < $1 and state in ('seen', 'taking', 'done', 'refused')")
                .bind(before.micros())
                .execute(&mut tx)
                .await
                .map_err(doing())?;
        let pushed = query("delete from partner_pushed where sent_at < $1 and state in ('sent', 'given_up')")
            .bind(before.micros())
            .execute(&mut tx)
            .await
            .map_err(doing())?;
        tx.commit().await.map_err(doing())?;
        Ok(pulled.rows_affected() + pushed.rows_affected())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::Direction;
    use super::*;
    use crate::domain::Severity;

    fn key(size_bytes: u64, modified: i64) -> RemoteKey {
        RemoteKey { path: "/out/a.edi".to_owned(), size_bytes, modified: Some(modified) }
    }

    #[tokio::test]
    async fn another_size_or_time_is_another_file_and_a_lost_turn_notes_nothing() {
        let data = tempfile::tempdir().unwrap();
        let record = Record::open(data.path(), 1).await.unwrap();
        record.know_partner("acme", Direction::Pull, Timestamp::now()).await.unwrap();
        let turn = record.take_turn("acme", Direction::Pull, "a", Duration::from_secs(60)).await.unwrap().unwrap();
        record.pulled_seen("acme", &[key(1, 5), key(2, 5), key(1, 6)]).await.unwrap();
        let (id, digest) = (ArrivalId::random(), Digest::of(b"x"));
        assert!(record.pulled_taking(&turn, &key(1, 5), id).await.unwrap());
        let event = Event::new("partner.pulled", Severity::Info, "x");
        assert!(record.pulled_landed(&turn, &key(1, 5), id, Some(digest), event.clone()).await.unwrap());
        let known = record.pulled("acme", &key(1, 5)).await.unwrap().unwrap();
        assert_eq!((known.state, known.upload, known.digest), (PulledState::Landed, Some(id), Some(digest)));
        for other in [key(2, 5), key(1, 6)] {
            assert_eq!(record.pulled("acme", &other).await.unwrap().unwrap().state, PulledState::Seen);
        }
        assert_eq!(record.pulled("other", &key(1, 5)).await.unwrap(), None);
        assert_eq!(record.pulled_to_tidy("acme", 10).await.unwrap(), [key(1, 5)]);
        let stale = Turn { fence: turn.fence - 1, ..turn.clone() };
        assert!(!record.pulled_taking(&stale, &key(2, 5), id).await.unwrap());
        assert!(record.pulled_done(&turn, &key(1, 5)).await.unwrap());
        // Seen again, it stays what it is.
        record.pulled_seen("acme", &[key(1, 5)]).await.unwrap();
        assert_eq!(record.pulled("acme", &key(1, 5)).await.unwrap().unwrap().state, PulledState::Done);
        assert_eq!(record.pulled_sweep(Timestamp::now().plus_micros(1)).await.unwrap(), 3);
    }
}
