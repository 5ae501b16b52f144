//! What lies on the shelf and is named by no row: noted when it is first seen, taken away when it has been seen for long.
//! A tombstone keeps its registration and its removal from crossing.

use std::collections::HashSet;
use std::time::Duration;

use super::sql::{Builder, Query, query};
use super::{Record, RecordError, Result};
use crate::laboratory::is_planted;

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
        let named = named_among(found).fetch_all(&self.db.reader).await.map_err(doing())?;
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
            let named = named_among(std::slice::from_ref(&key)).fetch_optional(&mut tx).await.map_err(doing())?;
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
}

/// Which of these objects a row names.
fn named_among(keys: &[String]) -> Query {
    let mut asked = Builder::new("select object_key from upload where state = 'committed' and object_key in (");
    asked.push_list(keys).push(") union all select answer_key from ingestion where answer_key in (");
    // An answer that is on its way to a partner stays, also when another has taken its place.
    asked.push_list(keys).push(") union all select object_key from partner_pushed where object_key in (");
    asked.push_list(keys).push(")");
    asked.build()
}

/// How long a tombstone stays: longer than any upload can be under way.
pub const TOMBSTONES_FOR: Duration = Duration::from_secs(7 * 86_400);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Event, Severity};
    use crate::record::{Commit, CommitReply, NewUpload, ObjectKind};

    #[tokio::test]
    async fn what_is_buried_cannot_be_registered_and_what_is_registered_cannot_be_buried() {
        let data = tempfile::tempdir().unwrap();
        let record = Record::open(data.path(), 1).await.unwrap();
        let organisation = record.add_organisation("northwind", "supplier").await.unwrap().id;
        let mut uploads = vec![];
        for (name, key) in [("late.edi", "t/late"), ("fast.edi", "t/fast")] {
            let upload = NewUpload::example(organisation, name);
            record.open_upload(&upload, Event::new("upload.opened", Severity::Info, name)).await.unwrap();
            uploads.push(Commit::example(upload.id, key));
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
        assert_eq!(record.objects_after(ObjectKind::Original, "", 10).await.unwrap().len(), 1);
    }
}
