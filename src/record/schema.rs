//! The schema, step by step: which version a database is at, and what brings it up to date.

use super::sql::{On, Writing, query, scalar};
use super::{RecordError, Result};
use crate::domain::Timestamp;

/// Each step; the position is the version it leads to.
pub(super) const MIGRATIONS: [&str; 8] = [
    include_str!("../../migrations/0001_house.sql"),
    include_str!("../../migrations/0002_account_policy.sql"),
    include_str!("../../migrations/0003_bans.sql"),
    include_str!("../../migrations/0004_proofs.sql"),
    include_str!("../../migrations/0005_many_nodes.sql"),
    include_str!("../../migrations/0006_partners.sql"),
    include_str!("../../migrations/0007_move_and_walls.sql"),
    include_str!("../../migrations/0008_sessions.sql"),
];

/// What PostgreSQL lacks and the one text uses; run before the first migration.
const WORDS: &str = "/*pg: create or replace function instr(text, text) returns integer
    language sql immutable strict parallel safe as 'select strpos($1, $2)' */";

pub(super) const LOOK: &str = "find out which schema the database has";

/// How the schema of a store stands to this Waybill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    /// A file, or the address of a database.
    pub place: String,
    /// The version it is at; 0 where there is nothing yet.
    pub found: i64,
    /// The version this Waybill knows.
    pub known: i64,
}

impl Schema {
    /// How a store at this version stands.
    #[must_use]
    pub fn of(place: String, found: i64) -> Self {
        Self { place, found, known: i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX) }
    }

    /// Refuses every version but ours.
    ///
    /// # Errors
    /// It is an older or a newer one.
    pub fn refuse_another(self) -> Result<()> {
        let Self { place, found, known } = self;
        match found.cmp(&known) {
            std::cmp::Ordering::Less => Err(RecordError::OlderSchema { place, found, known }),
            std::cmp::Ordering::Equal => Ok(()),
            std::cmp::Ordering::Greater => Err(RecordError::NewerSchema { place, found, known }),
        }
    }
}

/// The version a database is at; 0 before the first step.
pub(super) async fn version<'a>(on: impl Into<On<'a>>) -> sqlx::Result<i64> {
    let mut on = on.into();
    let tables: i64 = match &on {
        On::Sqlite(_) | On::SqliteWriting(_) => {
            scalar("select count(*) from sqlite_master where type = 'table' and name = 'schema_version'")
        }
        On::Postgres(_) | On::PostgresWriting(_) => {
            scalar("select (to_regclass('schema_version') is not null)::integer as tables")
        }
    }
    .fetch_one(on.again())
    .await?;
    if tables == 0 {
        return Ok(0);
    }
    scalar("select coalesce(max(version), 0) from schema_version").fetch_one(on).await
}

/// Takes the steps after the version it is at.
pub(super) async fn migrate(tx: &mut Writing, found: i64) -> sqlx::Result<()> {
    if found == 0 {
        tx.run(WORDS).await?;
        tx.run("create table schema_version (version bigint primary key, applied_at bigint not null)").await?;
    }
    for (version, text) in (1_i64..).zip(MIGRATIONS).filter(|(version, _)| *version > found) {
        tx.run(text).await?;
        query("insert into schema_version (version, applied_at) values ($1, $2)")
            .bind(version)
            .bind(Timestamp::now().micros())
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}
