//! A copy of the embedded database, made while it is used.

use std::path::Path;

use super::sql::query;
use super::{Record, RecordError, Result};

impl Record {
    /// Writes what the embedded database holds at this moment as `waybill.db` of a folder, in which there is none.
    /// Nobody waits for it: it is SQLite's `vacuum into`, one reading transaction.
    ///
    /// Uploads that were under way, or could have been gone on with, are not in the copy any more: their bytes are not.
    ///
    /// # Errors
    /// The database is not SQLite, the folder did not take the copy, or there is one already.
    pub async fn copy_into(&self, folder: &Path) -> Result<()> {
        let doing = || RecordError::doing("copy the database");
        let path = folder.join("waybill.db");
        query("vacuum into $1").bind(path.display().to_string()).execute(&self.db.reader).await.map_err(doing())?;
        let copy = Self::open(folder, 1).await?;
        let mut tx = copy.writing().await?;
        for text in [
            "update upload set state = 'aborted' where state = 'receiving'",
            "update upload set resumable = 0 where resumable <> 0 and state <> 'committed'",
        ] {
            query(text).execute(&mut tx).await.map_err(doing())?;
        }
        tx.commit().await.map_err(doing())?;
        copy.close().await;
        Ok(())
    }

    /// What is wrong inside of the embedded database, as SQLite's `integrity_check` says it; nothing if all is well.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn check_integrity(&self) -> Result<Vec<String>> {
        let rows = query("pragma integrity_check(20)").fetch_all(&self.db.reader).await;
        let rows = rows.map_err(RecordError::doing("check the database"))?;
        Ok(rows.iter().map(|row| row.at::<String>(0)).filter(|text| text != "ok").collect())
    }
}
