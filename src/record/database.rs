//! Which database it is: SQLite in one file of the data folder, or PostgreSQL. On SQLite one connection writes, several
//! read, and `synchronous=FULL` always: with NORMAL a power cut loses acknowledged commits (docs/decisions/0004).

use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};

use super::schema::{self, Schema};
use super::sql::{self, Reader, Seen, Writing, query};
use super::{Record, RecordError, Result};
use crate::config;
use crate::domain::{Scope, Timestamp};

/// The ways to the one database.
#[derive(Clone, Debug)]
pub(super) struct Database {
    writer: Writer,
    pub(super) reader: Reader,
    /// On PostgreSQL: connections on which nothing is seen until a scope says what.
    scoped: Option<PgPool>,
}

#[derive(Clone, Debug)]
enum Writer {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Writer {
    /// A transaction that writes. On SQLite the lock is taken at once, so that it never fails halfway for want of it.
    async fn begin(&self) -> sqlx::Result<Writing> {
        match self {
            Self::Sqlite(pool) => pool.begin_with("begin immediate").await.map(Writing::Sqlite),
            Self::Postgres(pool) => pool.begin().await.map(Writing::Postgres),
        }
    }

    async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// What a Waybill does about a schema that is older than it knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Older {
    Migrate,
    Refuse,
}

/// How long a writer waits for another process (the command line beside the daemon) to finish.
const BUSY: Duration = Duration::from_secs(10);
/// How long anybody waits for a connection.
const ACQUIRE: Duration = Duration::from_secs(12);

impl Record {
    /// The record that the settings name.
    ///
    /// # Errors
    /// The database cannot be opened or reached, its schema is newer than this Waybill, or older where the settings want
    /// that refused, a move to it was not finished, or PostgreSQL's sorts in another order than bytes do.
    pub async fn of(store: &config::Store) -> Result<Self> {
        let older = if store.migrate_at_start { Older::Migrate } else { Older::Refuse };
        let record = Self::reach(store, older).await?;
        record.refuse_half_a_move().await?;
        Ok(record)
    }

    /// Opens the record of a data folder, making folder and schema where they are missing. The daemon and
    /// the command line may have it open at the same time.
    ///
    /// # Errors
    /// The folder or file cannot be made or opened, or a newer Waybill wrote it.
    pub async fn open(data: &Path, readers_max: u32) -> Result<Self> {
        Self::of(&config::Store { data: data.to_owned(), readers_max, ..config::Store::default() }).await
    }

    /// The record that the settings name, also one that is half moved: for whoever moves it.
    pub(super) async fn of_mover(store: &config::Store) -> Result<Self> {
        Self::reach(store, Older::Migrate).await
    }

    /// The embedded record of a data folder, on which nothing is written.
    ///
    /// # Errors
    /// It is not there, or its schema is not this Waybill's.
    pub async fn open_still(data: &Path, readers_max: u32) -> Result<Self> {
        let store = config::Store { data: data.to_owned(), readers_max, ..config::Store::default() };
        let (place, open) = opening(data.join("waybill.db").display().to_string());
        let reader = sqlite_reader(&store).await.map_err(open)?;
        Self::still(place, reader).await
    }

    /// The database in a folder that [`Record::copy_into`] made, which nobody changes: also on a medium that cannot be
    /// written to.
    ///
    /// # Errors
    /// It is not there, or its schema is not this Waybill's.
    pub async fn open_copy(folder: &Path) -> Result<Self> {
        let path = folder.join("waybill.db");
        let (place, open) = opening(path.display().to_string());
        let options = SqliteConnectOptions::new().filename(path).read_only(true).immutable(true);
        let reader = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.map_err(open)?;
        Self::still(place, reader).await
    }

    async fn still(place: String, reader: SqlitePool) -> Result<Self> {
        let found = schema::version(&Reader::Sqlite(reader.clone())).await.map_err(RecordError::doing(schema::LOOK))?;
        Schema::of(place, found).refuse_another()?;
        let db = Database { writer: Writer::Sqlite(reader.clone()), reader: Reader::Sqlite(reader), scoped: None };
        Self::begin(db).await
    }

    /// How the schema of the store stands that the settings name. Nothing is made or changed.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn schema(store: &config::Store) -> Result<Schema> {
        if store.database.is_empty() {
            let path = store.data.join("waybill.db");
            let (place, open) = opening(path.display().to_string());
            if !path.is_file() {
                return Ok(Schema::of(place, 0));
            }
            let reader = sqlite_reader(store).await.map_err(open)?;
            let found = schema::version(&Reader::Sqlite(reader.clone())).await;
            reader.close().await;
            return Ok(Schema::of(place, found.map_err(RecordError::doing(schema::LOOK))?));
        }
        let options = server_options(store)?;
        let (place, open) = opening(server_place(&options));
        let reader = server_pool(&options, 1, HOUSE).await.map_err(open)?;
        let found = schema::version(&Reader::Postgres(reader.clone())).await;
        reader.close().await;
        Ok(Schema::of(place, found.map_err(RecordError::doing(schema::LOOK))?))
    }

    /// Brings the schema of the store up to date that the settings name; how it stood before.
    ///
    /// # Errors
    /// The database cannot be made or reached, or its schema is newer than this Waybill.
    pub async fn migrate(store: &config::Store) -> Result<Schema> {
        let before = Self::schema(store).await?;
        Self::reach(store, Older::Migrate).await?.close().await;
        Ok(before)
    }

    async fn reach(store: &config::Store, older: Older) -> Result<Self> {
        if store.database.is_empty() { Self::of_file(store, older).await } else { Self::of_server(store, older).await }
    }

    async fn of_file(store: &config::Store, older: Older) -> Result<Self> {
        let data = &store.data;
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(data);
        made.map_err(|source| RecordError::Folder { path: data.clone(), source })?;
        let (place, open) = opening(data.join("waybill.db").display().to_string());
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
            .connect_with(sqlite_options(data))
            .await
            .map_err(&open)?;
        let writer = Writer::Sqlite(writer);
        bring_up_to_date(&writer, &place, older).await?;
        let reader = Reader::Sqlite(sqlite_reader(store).await.map_err(&open)?);
        Self::begin(Database { writer, reader, scoped: None }).await
    }

    async fn of_server(store: &config::Store, older: Older) -> Result<Self> {
        let options = server_options(store)?;
        let (place, open) = opening(server_place(&options));
        let writer = server_pool(&options, store.writers_max, HOUSE).await.map_err(&open)?;
        let in_order: bool = sqlx::query_scalar("select 'B' < 'a'").fetch_one(&writer).await.map_err(&open)?;
        if !in_order {
            return Err(RecordError::Collation { place });
        }
        let is_above_policies: bool =
            sqlx::query_scalar("select rolsuper or rolbypassrls from pg_roles where rolname = current_user")
                .fetch_one(&writer)
                .await
                .map_err(&open)?;
        if is_above_policies {
            tracing::warn!(
                "the database at {place} is used by a superuser, or a role with BYPASSRLS: its row-level security does \
                 not hold for it. Use a role of Waybill's own (docs/OPERATIONS.md)"
            );
        }
        let writer = Writer::Postgres(writer);
        bring_up_to_date(&writer, &place, older).await?;
        let reader = Reader::Postgres(server_pool(&options, store.readers_max, HOUSE).await.map_err(&open)?);
        // Not before somebody asks: the command line is an operator.
        let scoped = Some(server_pool_of(store.readers_max, NOBODY).connect_lazy_with(options));
        Self::begin(Database { writer, reader, scoped }).await
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

    /// A transaction that writes, alone: nobody else's is under way until it ends.
    pub(super) async fn writing(&self) -> Result<Writing> {
        let mut tx = self.writing_beside_others().await?;
        tx.alone_with("waybill").await.map_err(RecordError::doing("start writing to the database"))?;
        Ok(tx)
    }

    /// A transaction that writes beside others, where the database can do that: whoever asks for it has seen to it that
    /// it goes well with every other one.
    pub(super) async fn writing_beside_others(&self) -> Result<Writing> {
        self.db.writer.begin().await.map_err(RecordError::doing("start writing to the database"))
    }

    /// Where a scope's questions are asked: an organisation sees its own rows there and nobody else's, even where a
    /// question forgets to say so. That is PostgreSQL's doing; SQLite shows what it is asked for.
    pub(super) async fn seen_by(&self, scope: &Scope, doing: &'static str) -> Result<Seen<'_>> {
        let (Some(pool), Some(organisation)) = (&self.db.scoped, scope.organisation()) else {
            return Ok(Seen::All(&self.db.reader));
        };
        let connection = pool.acquire().await.map_err(RecordError::doing(doing))?;
        let mut seen = Seen::Only(connection);
        // For as long as the connection is ours: nobody else takes one of these without saying whose it is.
        query("select set_config('waybill.organisation', $1, false)")
            .bind(organisation.to_string())
            .execute(&mut seen)
            .await
            .map_err(RecordError::doing(doing))?;
        Ok(seen)
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
        if let Some(pool) = &self.db.scoped {
            pool.close().await;
        }
        self.db.writer.close().await;
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

/// Whose rows a connection to PostgreSQL shows: all, as the house's own work needs it, or none until it is said.
const HOUSE: &str = "set waybill.organisation = '*'";
const NOBODY: &str = "set waybill.organisation = ''; set default_transaction_read_only = on";

async fn server_pool(options: &PgConnectOptions, size: u32, sees: &'static str) -> sqlx::Result<PgPool> {
    server_pool_of(size, sees).connect_with(options.clone()).await
}

fn server_pool_of(size: u32, sees: &'static str) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(size)
        .acquire_timeout(ACQUIRE)
        // A question that runs away does not hold a connection for ever.
        .after_connect(move |connection, _| {
            Box::pin(async move {
                for setting in SERVER_SETTINGS {
                    sqlx::query(setting).execute(&mut *connection).await?;
                }
                sqlx::raw_sql(sees).execute(&mut *connection).await?;
                Ok(())
            })
        })
}

fn server_place(options: &PgConnectOptions) -> String {
    let database = options.get_database().unwrap_or_default();
    format!("postgres://{}:{}/{database}", options.get_host(), options.get_port())
}

fn sqlite_options(data: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(data.join("waybill.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY)
        .foreign_keys(true)
        .pragma("cache_size", "-4000")
        .pragma("temp_store", "memory")
}

async fn sqlite_reader(store: &config::Store) -> sqlx::Result<SqlitePool> {
    SqlitePoolOptions::new()
        .max_connections(store.readers_max)
        .acquire_timeout(ACQUIRE)
        .test_before_acquire(false)
        .connect_with(sqlite_options(&store.data).read_only(true).create_if_missing(false))
        .await
}

/// A place, and what is said when it cannot be opened.
fn opening(place: String) -> (String, impl Fn(sqlx::Error) -> RecordError) {
    (place.clone(), move |source| RecordError::Open { place: place.clone(), source })
}

async fn bring_up_to_date(writer: &Writer, place: &str, older: Older) -> Result<()> {
    let doing = || RecordError::doing("bring the schema up to date");
    let mut tx = writer.begin().await.map_err(doing())?;
    // Two nodes that start at once: the second finds it done.
    tx.alone_with("waybill schema").await.map_err(doing())?;
    let found = schema::version(&mut tx).await.map_err(doing())?;
    let stands = Schema::of(place.to_owned(), found);
    if stands.found > stands.known || older == Older::Refuse {
        return stands.refuse_another();
    }
    schema::migrate(&mut tx, found).await.map_err(doing())?;
    tx.commit().await.map_err(doing())
}

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
            schema::MIGRATIONS[0],
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
