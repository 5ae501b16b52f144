//! The facts. The only room with SQL: everything that is known about organisations, uploads, documents,
//! findings and events is asked and told here, through a [`Scope`](crate::domain::Scope).

mod arrivals;
mod bans;
mod copy;
mod database;
mod documents;
mod events;
mod files;
mod findings;
mod held;
mod idempotency;
mod identity;
mod logins;
mod moving;
mod nodes;
mod objects;
mod orphans;
mod page;
mod partners;
mod policies;
mod profiles;
mod proofs;
mod queue;
mod schema;
mod sessions;
mod sql;
mod together;
mod uploads;

use std::path::PathBuf;

pub use arrivals::{Commit, CommitReply, Committed};
pub use bans::{BanRow, Banned};
pub use documents::{DocumentFilter, DocumentRow, NewDocument};
pub use events::EventFilter;
pub use files::{FileFilter, FileRow, FileStatus};
pub use findings::FindingRow;
pub use held::Unproven;
pub use idempotency::Remembered;
pub use identity::{AccountRow, Credential, OrganisationRow, TokenRow};
pub use logins::LoginRow;
pub use moving::{Counted, Move};
pub use nodes::NodeRow;
pub use objects::{NamedObject, ObjectKind};
pub use orphans::TOMBSTONES_FOR;
pub use page::{Cursor, Page};
pub use partners::{Direction, Ended, NewPush, PulledRow, PulledState, PushRow, PushState, RemoteKey, Turn, TurnRow};
pub use policies::{ChangedPolicy, PolicyRow};
pub use profiles::ProfileRow;
pub use proofs::{KEYS_MAX, KeyRow, Proofs, ProofsChange, TotpRow, Try};
pub use queue::{Lease, Outcome, Publication, Retry};
pub use schema::Schema;
pub use sessions::{SessionChanges, SessionFilter, SessionRow};
pub use uploads::{Listing, NewUpload, PartialUpload};

use database::Database;
use tokio::sync::watch;

/// The record of one house. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Record {
    db: Database,
    together: together::Together,
    /// The newest event this process has written; rung for streams and workers.
    latest: watch::Sender<i64>,
    /// Rung when a job may be waiting.
    jobs: std::sync::Arc<tokio::sync::Notify>,
}

/// What went wrong while asking or telling.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    #[error("could not {doing}")]
    Database {
        doing: &'static str,
        #[source]
        source: sqlx::Error,
    },
    #[error(
        "the store at {place} was made by a newer Waybill (schema {found}, this one knows {known}); upgrade this binary"
    )]
    NewerSchema { place: String, found: i64, known: i64 },
    #[error(
        "the store at {place} was made by an older Waybill (schema {found}, this one needs {known}); run `waybill migrate`"
    )]
    OlderSchema { place: String, found: i64, known: i64 },
    #[error(
        "the database at {place} does not sort as bytes do; make it with `create database … locale 'C.UTF-8' template template0`"
    )]
    Collation { place: String },
    #[error(
        "the store is half of one that is being moved here; run `waybill migrate-store` again until it says that all of it is there"
    )]
    HalfMoved,
    #[error("the database at {place} is not empty, and holds another store; make a new one")]
    NotEmpty { place: String },
    #[error("{reason}")]
    Settings { reason: String },
    #[error("could not open the store at {place}")]
    Open {
        place: String,
        #[source]
        source: sqlx::Error,
    },
    #[error("could not make the folder {path}")]
    Folder {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{what} `{name}` already exists")]
    Exists { what: &'static str, name: String },
    #[error("could not {doing}: it was interrupted")]
    Interrupted { doing: &'static str },
    #[error("what is stored for {what} could not be read back")]
    Corrupt { what: String },
}

impl RecordError {
    fn doing(doing: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| Self::Database { doing, source }
    }
}

type Result<T, E = RecordError> = std::result::Result<T, E>;

impl Record {
    /// Waits until a job may be ready, at most `longest`.
    pub async fn job_rung(&self, longest: std::time::Duration) {
        let _ = tokio::time::timeout(longest, self.jobs.notified()).await;
    }

    /// Follows the newest event's sequence number, as far as this process wrote it.
    #[must_use]
    pub fn follow(&self) -> watch::Receiver<i64> {
        self.latest.subscribe()
    }
}
