//! Every object on the shelf that the record names, in an order, so that a walk over them can be gone on with.

use super::sql::{query, scalar};
use super::{Record, RecordError, Result};
use crate::domain::Digest;

/// What kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectKind {
    Original,
    /// The answer to a file that is the visible one.
    Answer,
}

/// An object that the record names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedObject {
    /// Of the row that names it; the order of the walk.
    pub id: String,
    pub key: String,
    pub size_bytes: u64,
    /// Of answers no digest is kept.
    pub digest: Option<Digest>,
}

impl Record {
    /// Objects of one kind, at most `limit` of them, in the order of their ids, after the given one.
    ///
    /// # Errors
    /// The database did not answer, or what it says of an original is no digest.
    pub async fn objects_after(&self, kind: ObjectKind, after: &str, limit: u32) -> Result<Vec<NamedObject>> {
        let asked = match kind {
            ObjectKind::Original => query(
                "select id, object_key, sha256, size_bytes from upload
                 where id > $1 and state = 'committed' and object_key is not null order by id limit $2",
            ),
            ObjectKind::Answer => query(
                "select content_id as id, answer_key as object_key, null as sha256, answer_bytes as size_bytes
                 from ingestion where content_id > $1 order by content_id limit $2",
            ),
        };
        let rows = asked
            .bind(after)
            .bind(i64::from(limit))
            .fetch_all(&self.db.reader)
            .await
            .map_err(RecordError::doing("list the objects on the shelf"))?;
        rows.iter()
            .map(|row| {
                let id: String = row.get("id");
                let digest = match row.get::<Option<String>>("sha256") {
                    None => None,
                    Some(text) => Some(
                        Digest::from_hex(&text)
                            .ok_or_else(|| RecordError::Corrupt { what: format!("the digest of {id}") })?,
                    ),
                };
                let size_bytes = u64::try_from(row.get::<i64>("size_bytes")).unwrap_or_default();
                Ok(NamedObject { id, key: row.get("object_key"), size_bytes, digest })
            })
            .collect()
    }

    /// How many objects the record names.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn objects(&self) -> Result<u64> {
        let count: i64 = scalar(
            "select (select count(*) from upload where state = 'committed' and object_key is not null)
                  + (select count(*) from ingestion) as objects",
        )
        .fetch_one(&self.db.reader)
        .await
        .map_err(RecordError::doing("count the objects on the shelf"))?;
        Ok(u64::try_from(count).unwrap_or_default())
    }
}
