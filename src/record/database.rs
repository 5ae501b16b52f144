//! Which database it is: SQLite in one file of the data folder, or PostgreSQL. On SQLite one connection writes, several
//! read, and `synchronous=FULL` always: with NORMAL a power cut loses acknowledged commits (docs/decisions/0004).

use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};

use super::sql::{self, Reader, Writing, query, scalar};
use super::{Record, RecordError, Result};
use crate::config;
use crate::domain::Timestamp;

/// The ways to the one database.
#[derive(Clone, Debug)]
pub(super) struct Database {
    writer: Writer,
    pub(super) reader: Reader,
}

#[derive(Clone, Debug)]
enum Writer {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// The schema, step by step; the position is the version it leads to.
const MIGRATIONS: [&str; 6] = [
    include_str!("../../migrations/0001_house.sql"),
    include_str!("../../migrations/0002_account_policy.sql"),
    include_str!("../../migrations/0003_bans.sql"),
    include_str!("../../migrations/0004_proofs.sql"),
    include_str!("../../migrations/0005_many_nodes.sql"),
    include_str!("../../migrations/0006_partners.sql"),
];

/// What PostgreSQL lacks and the one text uses; run before the first migration.
const POSTGRES_WORDS: &str = "create or replace function instr(text, text) returns integer
    language sql immutable strict parallel safe as 'select strpos($1, $2)'";

/// How long a writer waits for another process (the command line beside the daemon) to finish.
const BUSY: Duration = Duration::from_secs(10);
/// How long anybody waits for a connection.
const ACQUIRE: Duration = Duration::from_secs(12);

impl Record {
    /// The record that the settings name.
    ///
    /// # Errors
    /// The database cannot be opened or reached, its schema is newer than this Waybill, or PostgreSQL's sorts in another
    /// order than bytes do.
    pub async fn of(store: &config::Store) -> Result<Self> {
        if store.database.is_empty() {
            return Self::open(&store.data, store.readers_max).await;
        }
        Self::of_server(store).await
    }

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
        let place = path.display().to_string();
        let open = |source| RecordError::Open { place: place.clone(), source };
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .min_connections(1)
            .acquire_timeout(ACQUIRE)
            // A file does not hang up: to ask whether it is there costs as much as a question.
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            // SQLite ends a transaction itself when the disk is full or broken (lang_transaction.html, 2.3). The
            // rollback that follows then fails, and the connection counts a transaction for ever: no other one
            // could begin on it.
            .before_acquire(|writer, _| Box::pin(async move { Ok(!writer.is_in_transaction()) }))
            .connect_with(options.clone())
            .await
            .map_err(open)?;
        migrate(&Writer::Sqlite(writer.clone()), &place).await?;
        let reader = SqlitePoolOptions::new()
            .max_connections(readers_max)
            .acquire_timeout(ACQUIRE)
            .test_before_acquire(false)
            .connect_with(options.read_only(true).create_if_missing(false))
            .await
            .map_err(open)?;
        Self::begin(Database { writer: Writer::Sqlite(writer), reader: Reader::Sqlite(reader) }).await
    }

    async fn of_server(store: &config::Store) -> Result<Self> {
        let options = server_options(store)?;
        let place = format!(
            "postgres://{}:{}/{}",
            options.get_host(),
            options.get_port(),
            options.get_database().unwrap_or_default()
        );
        let open = |source| RecordError::Open { place: place.clone(), source };
        let pool = |size: u32| {
            PgPoolOptions::new()
                .max_connections(size)
                .acquire_timeout(ACQUIRE)
                // A question that runs away does not hold a connection for ever.
                .after_connect(|connection, _| {
                    Box::pin(async move {
                        for setting in SERVER_SETTINGS {
                            sqlx::query(setting).execute(&mut *connection).await?;
                        }
                        Ok(())
                    })
                })
                .connect_with(options.clone())
        };
        let writer = pool(store.writers_max).await.map_err(open)?;
        let in_order: bool = sqlx::query_scalar("select 'B' < 'a'").fetch_one(&writer).await.map_err(open)?;
        if !in_order {
            return Err(RecordError::Collation { place });
        }
        migrate(&Writer::Postgres(writer.clone()), &place).await?;
        let reader = pool(store.readers_max).await.map_err(open)?;
        Self::begin(Database { writer: Writer::Postgres(writer), reader: Reader::Postgres(reader) }).await
    }

    async fn begin(db: Database) -> Result<Self> {
        let record = Self {
            db,
            together: super::together::Together::default(),
            latest: tokio::sync::watch::Sender::new(0),
            jobs: std::sync::Arc::default(),
        };
        record.latest.send_replace(record.newest_event().await?);
        Ok(record)
    }

    /// A transaction that writes, alone: nobody else's is under way until it ends. On SQLite the lock is taken at once,
    /// so that it never fails halfway for want of it.
    pub(super) async fn writing(&self) -> Result<Writing> {
        let mut tx = self.writing_beside_others().await?;
        tx.alone_with("waybill").await.map_err(RecordError::doing("start writing to the database"))?;
        Ok(tx)
    }

    /// A transaction that writes beside others, where the database can do that: whoever asks for it has seen to it that
    /// it goes well with every other one.
    pub(super) async fn writing_beside_others(&self) -> Result<Writing> {
        let begun = match &self.db.writer {
            Writer::Sqlite(pool) => pool.begin_with("begin immediate").await.map(Writing::Sqlite),
            Writer::Postgres(pool) => pool.begin().await.map(Writing::Postgres),
        };
        begun.map_err(RecordError::doing("start writing to the database"))
    }

    /// The time by the database's clock.
    pub(super) async fn now(&self) -> sqlx::Result<Timestamp> {
        sql::now(&self.db.reader).await
    }

    /// Closes the pools: what was committed is on disk already.
    pub async fn close(&self) {
        match &self.db.reader {
            Reader::Sqlite(pool) => pool.close().await,
            Reader::Postgres(pool) => pool.close().await,
        }
        match &self.db.writer {
            Writer::Sqlite(pool) => pool.close().await,
            Writer::Postgres(pool) => pool.close().await,
        }
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// It does not.
    pub async fn ping(&self) -> Result<()> {
        query("select 1")
            .execute(&self.db.reader)
            .await
            .map(|_| ())
            .map_err(RecordError::doing("ask the database whether it is there"))
    }
}

/// What each connection to PostgreSQL begins with. An acknowledged commit is on disk whatever the server's own setting.
const SERVER_SETTINGS: [&str; 3] =
    ["set synchronous_commit = on", "set lock_timeout = '10s'", "set idle_in_transaction_session_timeout = '60s'"];

fn server_options(store: &config::Store) -> Result<PgConnectOptions> {
    let unusable = |reason: String| RecordError::Settings { reason };
    let options: PgConnectOptions =
        store.database.parse().map_err(|error: sqlx::Error| unusable(format!("store.database: {error}")))?;
    let options = options.application_name("waybill").disable_statement_logging();
    if store.database_password.as_os_str().is_empty() {
        return Ok(options);
    }
    let path = store.database_password.display();
    let password = std::fs::read_to_string(&store.database_password)
        .map_err(|error| unusable(format!("store.database_password: could not read {path}: {error}")))?;
    Ok(options.password(password.trim_end_matches(['\r', '\n'])))
}

async fn migrate(writer: &Writer, place: &str) -> Result<()> {
    let doing = || RecordError::doing("bring the schema up to date");
    let mut tx = match writer {
        Writer::Sqlite(pool) => pool.begin_with("begin immediate").await.map(Writing::Sqlite),
        Writer::Postgres(pool) => pool.begin().await.map(Writing::Postgres),
    }
    .map_err(doing())?;
    // Two nodes that start at once: the second finds it done.
    tx.alone_with("waybill schema").await.map_err(doing())?;
    query("create table if not exists schema_version (version bigint primary key, applied_at bigint not null)")
        .execute(&mut tx)
        .await
        .map_err(doing())?;
    let found: i64 =
        scalar("select coalesce(max(version), 0) from schema_version").fetch_one(&mut tx).await.map_err(doing())?;
    let known = MIGRATIONS.len() as i64;
    if found > known {
        return Err(RecordError::NewerSchema { place: place.to_owned(), found, known });
    }
    for (version, text) in (1_i64..).zip(MIGRATIONS).filter(|(version, _)| *version > found) {
        match &mut tx {
            Writing::Sqlite(tx) => sqlx::raw_sql(text).execute(&mut **tx).await.map(|_| ()),
            Writing::Postgres(tx) => {
                let words = sqlx::raw_sql(POSTGRES_WORDS).execute(&mut **tx).await;
                match words {
                    Ok(_) => sqlx::raw_sql(text).execute(&mut **tx).await.map(|_| ()),
                    Err(error) => Err(error),
                }
            }
        }
        .map_err(doing())?;
        query("insert into schema_version (version, applied_at) values ($1, $2)")
            .bind(version)
            .bind(Timestamp::now().micros())
            .execute(&mut tx)
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
        let Writer::Sqlite(writer) = &record.db.writer else { panic!("not SQLite") };
        sqlx::query("pragma max_page_count = 1").execute(writer).await.unwrap();
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
