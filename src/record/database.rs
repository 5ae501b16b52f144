//! Which database it is: here SQLite, in one file of the data folder. One connection writes; several
//! read. `synchronous=FULL` always: with NORMAL a power cut loses acknowledged commits
//! (docs/decisions/0004).

use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection, Sqlite, Transaction};

use super::{Record, RecordError, Result};

/// The two ways to the one database file.
#[derive(Clone, Debug)]
pub(super) struct Database {
    writer: SqlitePool,
    pub(super) reader: SqlitePool,
}

/// A transaction that may write.
pub(super) type Writing = Transaction<'static, Sqlite>;

/// The schema, step by step; the position is the version it leads to.
const MIGRATIONS: [&str; 5] = [
    include_str!("../../migrations/0001_house.sql"),
    include_str!("../../migrations/0002_account_policy.sql"),
    include_str!("../../migrations/0003_bans.sql"),
    include_str!("../../migrations/0004_proofs.sql"),
    include_str!("../../migrations/0005_partners.sql"),
];

/// How long a writer waits for another process (the command line beside the daemon) to finish.
const BUSY: Duration = Duration::from_secs(10);

impl Record {
    /// Opens the record of a data folder, making folder and schema where they are missing. The daemon and
    /// the command line may have it open at the same time.
    ///
    /// # Errors
    /// The folder or file cannot be made or opened, or a newer Waybill wrote it.
    pub async fn open(data: &Path, readers_max: u32) -> Result<Self> {
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(data);
        made.map_err(|source| RecordError::Folder { path: data.to_owned(), source })?;
        let path = data.join("waybill.db");
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY)
            .foreign_keys(true)
            .pragma("cache_size", "-4000")
            .pragma("temp_store", "memory");
        let open = |source| RecordError::Open { path: path.clone(), source };
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .min_connections(1)
            .acquire_timeout(Duration::from_secs(12))
            .idle_timeout(None)
            .max_lifetime(None)
            // SQLite ends a transaction itself when the disk is full or broken (lang_transaction.html, 2.3). The
            // rollback that follows then fails, and the connection counts a transaction for ever: no other one
            // could begin on it.
            .before_acquire(|writer, _| Box::pin(async move { Ok(!writer.is_in_transaction()) }))
            .connect_with(options.clone())
            .await
            .map_err(open)?;
        migrate(&writer, &path).await?;
        let reader = SqlitePoolOptions::new()
            .max_connections(readers_max)
            .acquire_timeout(Duration::from_secs(12))
            .connect_with(options.read_only(true).create_if_missing(false))
            .await
            .map_err(open)?;
        let record = Self {
            db: Database { writer, reader },
            latest: tokio::sync::watch::Sender::new(0),
            jobs: std::sync::Arc::default(),
        };
        record.latest.send_replace(record.newest_event().await?);
        Ok(record)
    }

    /// A transaction that writes: the lock is taken at once, so that it never fails halfway for want of it.
    pub(super) async fn writing(&self) -> Result<Writing> {
        self.db.writer.begin_with("begin immediate").await.map_err(RecordError::doing("start writing to the database"))
    }

    /// Closes the pools: what was committed is on disk already.
    pub async fn close(&self) {
        self.db.reader.close().await;
        self.db.writer.close().await;
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// It does not.
    pub async fn ping(&self) -> Result<()> {
        sqlx::query("select 1")
            .execute(&self.db.reader)
            .await
            .map(|_| ())
            .map_err(RecordError::doing("ask the database whether it is there"))
    }
}

async fn migrate(writer: &SqlitePool, path: &Path) -> Result<()> {
    let doing = || RecordError::doing("bring the schema up to date");
    let mut tx = writer.begin_with("begin immediate").await.map_err(doing())?;
    sqlx::query("create table if not exists schema_version (version bigint primary key, applied_at bigint not null)")
        .execute(&mut *tx)
        .await
        .map_err(doing())?;
    let found: i64 = sqlx::query_scalar("select coalesce(max(version), 0) from schema_version")
        .fetch_one(&mut *tx)
        .await
        .map_err(doing())?;
    let known = MIGRATIONS.len() as i64;
    if found > known {
        return Err(RecordError::NewerSchema { path: path.to_owned(), found, known });
    }
    for (version, text) in (1_i64..).zip(MIGRATIONS).filter(|(version, _)| *version > found) {
        sqlx::raw_sql(text).execute(&mut *tx).await.map_err(doing())?;
        sqlx::query("insert into schema_version (version, applied_at) values ($1, $2)")
            .bind(version)
            .bind(crate::domain::Timestamp::now().micros())
            .execute(&mut *tx)
            .await
            .map_err(doing())?;
    }
    tx.commit().await.map_err(doing())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Event, Severity};

    #[tokio::test]
    async fn a_disk_that_was_full_is_written_to_again() {
        let data = tempfile::tempdir().unwrap();
        let record = Record::open(data.path(), 1).await.unwrap();
        // This connection may not make the file any larger; another one may.
        sqlx::query("pragma max_page_count = 1").execute(&record.db.writer).await.unwrap();
        let large = Event::new("session.started", Severity::Info, "x".repeat(1 << 20));
        assert!(record.tell(vec![large]).await.is_err());
        record.tell(vec![Event::new("session.started", Severity::Info, "room again")]).await.unwrap();
        assert_eq!(record.newest_event().await.unwrap(), 1);
    }

    /// A store of before there were policies: who was disabled is disabled.
    #[tokio::test]
    async fn an_older_store_keeps_who_is_disabled() {
        let data = tempfile::tempdir().unwrap();
        let options = SqliteConnectOptions::new().filename(data.path().join("waybill.db")).create_if_missing(true);
        let older = SqlitePool::connect_with(options).await.unwrap();
        for text in [
            MIGRATIONS[0],
            "create table schema_version (version bigint primary key, applied_at bigint not null);
             insert into schema_version values (1, 0);
             insert into organisation values ('org_01ARZ3NDEKTSV4RRFFQ69G5FAV', 'northwind', 'supplier', 0);
             insert into account values ('acc_01ARZ3NDEKTSV4RRFFQ69G5FAV', 'org_01ARZ3NDEKTSV4RRFFQ69G5FAV', 'old', null, 1, 0);
             insert into account values ('acc_01BX5ZZKBKACTAV9WEVGEMMVRZ', 'org_01ARZ3NDEKTSV4RRFFQ69G5FAV', 'new', null, 0, 0);",
        ] {
            sqlx::raw_sql(text).execute(&older).await.unwrap();
        }
        older.close().await;
        let record = Record::open(data.path(), 1).await.unwrap();
        for (login, disabled) in [("old", true), ("new", false)] {
            let account = record.credential(login).await.unwrap().unwrap().account;
            assert_eq!(record.policy(account).await.unwrap().policy.disabled, disabled, "{login}");
        }
    }
}
