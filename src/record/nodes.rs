//! The nodes of a house: who is there, and how they hear from each other.

use std::time::Duration;

use sqlx::postgres::PgListener;

use super::sql::{Reader, query};
use super::{Record, RecordError, Result};
use crate::domain::Timestamp;

/// A node that has been heard of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeRow {
    pub id: String,
    /// How often it has been started.
    pub boot_epoch: i64,
    pub seen_at: Timestamp,
}

/// How long after a lost connection, or without a word, the database is asked.
const POLL: Duration = Duration::from_secs(2);

impl Record {
    /// Notes that a node is there, and marks as broken off what nodes were receiving that have been silent for long:
    /// should one of them come back, it finds its uploads ended. `false` when the node has been started once more since:
    /// two daemons use its name.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn beat(&self, node: &str, epoch: i64, silent_after: Duration) -> Result<bool> {
        let doing = || RecordError::doing("note that a node is there");
        let mut tx = self.writing_beside_others().await?;
        let now = tx.now().await.map_err(doing())?;
        let noted = query("update node set seen_at = $3 where id = $1 and boot_epoch = $2")
            .bind(node)
            .bind(epoch)
            .bind(now.micros())
            .execute(&mut tx)
            .await
            .map_err(doing())?;
        let silent_since = now.plus_micros(-i64::try_from(silent_after.as_micros()).unwrap_or(i64::MAX));
        query(
            "update upload set state = 'aborted' where state = 'receiving'
             and node_id in (select id from node where seen_at < $1)",
        )
        .bind(silent_since.micros())
        .execute(&mut tx)
        .await
        .map_err(doing())?;
        tx.commit().await.map_err(doing())?;
        Ok(noted.rows_affected() == 1)
    }

    /// The nodes, those heard of last first.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn nodes(&self) -> Result<Vec<NodeRow>> {
        let rows = query("select id, boot_epoch, seen_at from node order by seen_at desc, id limit 1000")
            .fetch_all(&self.db.reader)
            .await
            .map_err(RecordError::doing("list the nodes"))?;
        Ok(rows
            .iter()
            .map(|row| NodeRow {
                id: row.get("id"),
                boot_epoch: row.get("boot_epoch"),
                seen_at: Timestamp::from_micros(row.get("seen_at")),
            })
            .collect())
    }

    /// Hears from the other nodes, for ever: whatever one of them commits wakes the workers and the followers here. The
    /// database is asked as well, now and then: a word may be lost. Does nothing on SQLite, which has one node.
    pub async fn listen(self) {
        let Reader::Postgres(pool) = &self.db.reader else { return };
        loop {
            let heard = async {
                let mut listener = PgListener::connect_with(pool).await?;
                listener.listen("waybill").await?;
                loop {
                    match tokio::time::timeout(POLL, listener.recv()).await {
                        Ok(word) => self.heard(word?.payload().parse().unwrap_or_default()),
                        Err(_) => self.ask().await,
                    }
                }
            };
            let ended: Result<(), sqlx::Error> = heard.await;
            if let Err(error) = ended {
                tracing::warn!(error = &error as &dyn std::error::Error, "lost the line to the other nodes; once more");
            }
            tokio::time::sleep(POLL).await;
            self.ask().await;
        }
    }

    async fn ask(&self) {
        if let Ok(newest) = self.newest_event().await {
            self.heard(newest);
        }
    }

    fn heard(&self, newest: i64) {
        if self.has_come(newest) {
            self.jobs.notify_one();
        }
    }

    /// Events up to this one are there: whoever follows them is woken. Whether it is newer than what was known.
    pub(super) fn has_come(&self, newest: i64) -> bool {
        self.latest.send_if_modified(|latest| {
            let is_newer = newest > *latest;
            *latest = newest.max(*latest);
            is_newer
        })
    }
}
