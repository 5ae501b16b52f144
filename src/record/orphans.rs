//! What lies on the shelf and is named by no row: noted when it is first seen, taken away when it has been seen for long.
//! A tombstone keeps its registration and its removal from crossing.

use std::collections::HashSet;
use std::time::Duration;

use super::sql::{Builder, query};
use super::{Record, RecordError, Result};
use crate::domain::{ArrivalId, Digest};
use crate::laboratory::is_planted;

/// An original that a row names, to be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub file: ArrivalId,
    pub object_key: String,
    pub size_bytes: u64,
    pub digest: Digest,
}

impl Record {
    /// Notes which of these objects, found on the shelf in the order of their keys, no row names.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn note_orphans(&self, found: &[String]) -> Result<()> {
        let doing = || RecordError::doing("note objects that no row names");
        if found.is_empty() {
            return Ok(());
        }
        let mut asked = Builder::new("select object_key from upload where state = 'committed' and object_key in (");
        asked.push_list(found).push(") union all select answer_key from ingestion where answer_key in (");
        // An answer that is on its way to a partner stays, also when another has taken its place.
        asked.push_list(found).push(") union all select object_key from partner_pushed where object_key in (");
        asked.push_list(found).push(")");
        let named = asked.build().fetch_all(&self.db.reader).await.map_err(doing())?;
        let named: HashSet<String> = named.iter().map(|row| row.at(0)).collect();
        let mut tx = self.writing().await?;
        let now = tx.now().await.map_err(doing())?;
        for key in found.iter().filter(|key| !named.contains(*key)) {
            query("insert into orphan (object_key, seen_at) values ($1, $2) on conflict (object_key) do nothing")
                .bind(key)
                .bind(now.micros())
                .execute(&mut tx)
                .await
                .map_err(doing())?;
        }
        tx.commit().await.map_err(doing())
    }

    /// Buries one object that has been an orphan for this long: no upload can be committed under its key from here on.
    /// `None` when there is none left. One whose removal was cut off before comes again.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn bury_orphan(&self, seen_for: Duration) -> Result<Option<String>> {
        let doing = || RecordError::doing("bury an object that no row names");
        loop {
            let mut tx = self.writing().await?;
            let now = tx.now().await.map_err(doing())?;
            let since = now.plus_micros(-i64::try_from(seen_for.as_micros()).unwrap_or(i64::MAX));
            let row = query("select object_key from orphan where seen_at <= $1 order by seen_at, object_key limit 1")
                .bind(since.micros())
                .fetch_optional(&mut tx)
                .await
                .map_err(doing())?;
            let Some(row) = row else { return Ok(None) };
            let key: String = row.at(0);
            // It may have been registered since it was seen.
            let named = query(
                "select object_key from upload where object_key = $1 and state = 'committed'
                 union all select answer_key from ingestion where answer_key = $1
                 union all select object_key from partner_pushed where object_key = $1",
            )
            .bind(&key)
            .fetch_optional(&mut tx)
            .await
            .map_err(doing())?;
            if named.is_some() {
                query("delete from orphan where object_key = $1").bind(&key).execute(&mut tx).await.map_err(doing())?;
                tx.commit().await.map_err(doing())?;
                continue;
            }
            if is_planted("collection without tombstone") {
                return Ok(Some(key));
            }
            query("insert into tombstone (object_key, buried_at) values ($1, $2) on conflict (object_key) do nothing")
                .bind(&key)
                .bind(now.micros())
                .execute(&mut tx)
                .await
                .map_err(doing())?;
            tx.commit().await.map_err(doing())?;
            return Ok(Some(key));
        }
    }

    /// An object that was buried has been taken away. Its tombstone stays as long as somebody might still come with its
    /// key.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn orphan_gone(&self, key: &str, tombstones_for: Duration) -> Result<()> {
        let doing = || RecordError::doing("note that an object is gone");
        let mut tx = self.writing().await?;
        let now = tx.now().await.map_err(doing())?;
        query("delete from orphan where object_key = $1").bind(key).execute(&mut tx).await.map_err(doing())?;
        query("delete from tombstone where buried_at < $1")
            .bind(now.plus_micros(-i64::try_from(tombstones_for.as_micros()).unwrap_or(i64::MAX)).micros())
            .execute(&mut tx)
            .await
            .map_err(doing())?;
        tx.commit().await.map_err(doing())
    }

    /// The originals after one file, in the order of their ids, at most `limit`: for whoever looks at each in turn.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn kept_after(&self, after: Option<ArrivalId>, limit: u32) -> Result<Vec<Kept>> {
        let rows = query(
            "select id, object_key, size_bytes, sha256 from upload
             where state = 'committed' and id > $1 order by id limit $2",
        )
        .bind(after.map(|id| id.to_string()).unwrap_or_default())
        .bind(i64::from(limit))
        .fetch_all(&self.db.reader)
        .await
        .map_err(RecordError::doing("list originals"))?;
        rows.iter()
            .map(|row| {
                let sha256: String = row.get("sha256");
                Ok(Kept {
                    file: super::identity::text_id(row, "id", ArrivalId::parse)?,
                    object_key: row.get("object_key"),
                    size_bytes: u64::try_from(row.get::<i64>("size_bytes")).unwrap_or(0),
                    digest: Digest::from_hex(&sha256)
                        .ok_or(RecordError::Corrupt { what: format!("sha256 `{sha256}`") })?,
                })
            })
            .collect()
    }
}

/// How long a tombstone stays: longer than any upload can be under way.
pub const TOMBSTONES_FOR: Duration = Duration::from_secs(7 * 86_400);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Event, FileName, Quota, SessionId, Severity, Timestamp};
    use crate::record::{Commit, CommitReply, NewUpload};

    #[tokio::test]
    async fn what_is_buried_cannot_be_registered_and_what_is_registered_cannot_be_buried() {
        let data = tempfile::tempdir().unwrap();
        let record = Record::open(data.path(), 1).await.unwrap();
        let organisation = record.add_organisation("northwind", "supplier").await.unwrap().id;
        let mut uploads = vec![];
        for (name, key) in [("late.edi", "t/late"), ("fast.edi", "t/fast")] {
            let upload = NewUpload {
                id: ArrivalId::random(),
                organisation,
                principal: organisation.to_string(),
                login: "northwind".to_owned(),
                door: "sftp",
                session: SessionId::random(),
                name: FileName::parse(name).unwrap(),
                node: "local".to_owned(),
                epoch: 1,
            };
            record.open_upload(&upload, Event::new("upload.opened", Severity::Info, name)).await.unwrap();
            let commit = Commit {
                id: upload.id,
                epoch: 1,
                size_bytes: 3,
                digest: Digest::of(key.as_bytes()),
                object_key: key.to_owned(),
                held: false,
                unproven: false,
                quota: Quota::default(),
                listed_since: Timestamp::now(),
            };
            uploads.push(commit);
        }
        let found = ["t/fast".to_owned(), "t/late".to_owned()];
        record.note_orphans(&found).await.unwrap();
        assert_eq!(record.bury_orphan(Duration::from_secs(60)).await.unwrap(), None, "seen just now");
        let committed = record.commit_upload(&uploads[1], vec![]).await.unwrap();
        assert!(matches!(committed, CommitReply::Committed(_)));
        assert_eq!(record.bury_orphan(Duration::ZERO).await.unwrap().as_deref(), Some("t/late"));
        assert_eq!(record.commit_upload(&uploads[0], vec![]).await.unwrap(), CommitReply::Gone);
        assert_eq!(record.bury_orphan(Duration::ZERO).await.unwrap().as_deref(), Some("t/late"), "until it is gone");
        record.orphan_gone("t/late", TOMBSTONES_FOR).await.unwrap();
        assert_eq!(record.bury_orphan(Duration::ZERO).await.unwrap(), None);
        assert_eq!(record.commit_upload(&uploads[0], vec![]).await.unwrap(), CommitReply::Gone, "the tombstone stays");
        assert_eq!(record.kept_after(None, 10).await.unwrap().len(), 1);
    }
}
