//! Files as they are shown: what arrived, and what became of it.

use super::identity::text_id;
use super::page::{Cursor, Page};
use super::sql::{Builder, Row};
use super::{Record, RecordError, Result};
use crate::domain::{ArrivalId, OrganisationId, Scope, SessionId, Timestamp};

/// A file that arrived.
#[derive(Debug, Clone)]
pub struct FileRow {
    pub id: ArrivalId,
    pub organisation: OrganisationId,
    pub name: String,
    pub login: String,
    /// `sftp` or `https`.
    pub door: String,
    pub session: Option<SessionId>,
    pub size_bytes: i64,
    pub sha256: String,
    pub object_key: String,
    pub received_at: Timestamp,
    pub status: FileStatus,
    pub duplicate_of: Option<ArrivalId>,
    pub format: Option<String>,
    pub format_version: Option<String>,
    pub encoding: Option<String>,
    pub profile: Option<String>,
    pub documents: i64,
    pub errors: i64,
    pub warnings: i64,
    pub published_at: Option<Timestamp>,
    /// The answer beside it in `/drop`: its name, once there is one.
    pub answer: Option<String>,
    /// Why it was set aside.
    pub reason: Option<String>,
}

/// Where a file stands (PORTAL B3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileStatus {
    /// Landed, waiting to be read.
    Stored,
    /// Landed under a temporary name, waiting to be renamed.
    Held,
    /// Being read.
    Parsing,
    /// Read; every document is right.
    Applied,
    /// Read; some document, or the file around them, is not right.
    AppliedWithErrors,
    /// Read; no document in it could be used.
    Rejected,
    /// The same bytes from the same sender as an earlier file.
    Duplicate,
    /// Could not be read after several attempts: a human must look.
    Quarantined,
}

impl FileStatus {
    /// Every status, in the order of a file's life.
    pub const ALL: [Self; 8] = [
        Self::Held,
        Self::Stored,
        Self::Parsing,
        Self::Applied,
        Self::AppliedWithErrors,
        Self::Rejected,
        Self::Duplicate,
        Self::Quarantined,
    ];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Held => "held",
            Self::Parsing => "parsing",
            Self::Applied => "applied",
            Self::AppliedWithErrors => "applied_with_errors",
            Self::Rejected => "rejected",
            Self::Duplicate => "duplicate",
            Self::Quarantined => "quarantined",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// Which files. Everything given must hold; inside a list, any one.
#[derive(Debug, Clone, Default)]
pub struct FileFilter {
    pub statuses: Vec<FileStatus>,
    pub name: Option<String>,
    pub sha256: Option<String>,
    pub user: Option<String>,
    pub format: Option<String>,
    pub received_from: Option<Timestamp>,
    pub received_to: Option<Timestamp>,
    pub has_errors: Option<bool>,
}

const STATUS: &str = "case when j.state = 'ready' then 'stored' when j.state = 'held' then 'held'
    when j.state = 'running' then 'parsing' when j.state = 'duplicate' then 'duplicate'
    when j.state = 'set_aside' then 'quarantined' when i.errors = 0 then 'applied'
    when i.accepted = 0 then 'rejected' else 'applied_with_errors' end";
const COLUMNS: &str = "select u.id, u.organisation_id, u.name, u.login, u.door, u.session_id, u.size_bytes, u.sha256,
    u.object_key, u.committed_at, u.content_id, j.reason, i.format, i.format_version, i.encoding, i.profile, i.documents,
    i.errors, i.warnings, i.published_at, i.answer_suffix, ";
const FROM: &str = " as status from upload u join job j on j.upload_id = u.id
    left join ingestion i on i.content_id = u.content_id where u.state = 'committed'";

impl Record {
    /// The files a scope shows, newest first.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn files(
        &self,
        scope: &Scope,
        filter: &FileFilter,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page<FileRow>> {
        let mut query = shown(scope);
        if !filter.statuses.is_empty() {
            query.push(" and (").push(STATUS).push(") in (");
            query.push_list(filter.statuses.iter().map(|status| status.as_str())).push(")");
        }
        for (column, value) in [
            (" and u.name = ", &filter.name),
            (" and u.sha256 = ", &filter.sha256),
            (" and u.login = ", &filter.user),
            (" and i.format = ", &filter.format),
        ] {
            if let Some(value) = value {
                query.push(column).push_bind(value.clone());
            }
        }
        if let Some(from) = filter.received_from {
            query.push(" and u.committed_at >= ").push_bind(from.micros());
        }
        if let Some(to) = filter.received_to {
            query.push(" and u.committed_at < ").push_bind(to.micros());
        }
        match filter.has_errors {
            Some(true) => query.push(" and i.errors > 0"),
            Some(false) => query.push(" and coalesce(i.errors, 0) = 0"),
            None => &mut query,
        };
        if let Some(after) = after {
            query.push(" and (u.committed_at < ").push_bind(after.at);
            query.push(" or (u.committed_at = ").push_bind(after.at);
            query.push(" and u.id < ").push_bind(after.id.clone()).push("))");
        }
        query.push(" order by u.committed_at desc, u.id desc limit ").push_bind(i64::from(limit) + 1);
        let mut seen = self.seen_by(scope, "list files").await?;
        let rows = query.build().fetch_all(&mut seen).await.map_err(RecordError::doing("list files"))?;
        let rows = rows.iter().map(file_of).collect::<Result<Vec<_>>>()?;
        Ok(Page::of(rows, limit, |row| Cursor { at: row.received_at.micros(), id: row.id.to_string(), ordinal: 0 }))
    }

    /// One file, if the scope shows it.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn file(&self, scope: &Scope, id: ArrivalId) -> Result<Option<FileRow>> {
        let mut query = shown(scope);
        query.push(" and u.id = ").push_bind(id.to_string());
        let mut seen = self.seen_by(scope, "read a file's row").await?;
        let row = query.build().fetch_optional(&mut seen).await.map_err(RecordError::doing("read a file's row"))?;
        row.map(|row| file_of(&row)).transpose()
    }
}

fn shown(scope: &Scope) -> Builder {
    let mut query = Builder::new(COLUMNS);
    query.push(STATUS).push(FROM);
    if let Some(organisation) = scope.organisation() {
        query.push(" and u.organisation_id = ").push_bind(organisation.to_string());
    }
    query
}

fn file_of(row: &Row) -> Result<FileRow> {
    let id = text_id(row, "id", ArrivalId::parse)?;
    let name: String = row.get("name");
    let status: String = row.get("status");
    let content = row.get::<Option<String>>("content_id").and_then(|text| ArrivalId::parse(&text));
    Ok(FileRow {
        id,
        organisation: text_id(row, "organisation_id", OrganisationId::parse)?,
        answer: row.get::<Option<String>>("answer_suffix").map(|suffix| format!("{name}{suffix}")),
        name,
        login: row.get("login"),
        door: row.get("door"),
        session: row.get::<Option<String>>("session_id").and_then(|text| SessionId::parse(&text)),
        size_bytes: row.get("size_bytes"),
        sha256: row.get::<Option<String>>("sha256").unwrap_or_default(),
        object_key: row.get::<Option<String>>("object_key").unwrap_or_default(),
        received_at: Timestamp::from_micros(row.get("committed_at")),
        status: FileStatus::parse(&status).ok_or(RecordError::Corrupt { what: format!("status `{status}`") })?,
        duplicate_of: content.filter(|content| *content != id),
        format: row.get("format"),
        format_version: row.get("format_version"),
        encoding: row.get("encoding"),
        profile: row.get("profile"),
        documents: row.get::<Option<i64>>("documents").unwrap_or(0),
        errors: row.get::<Option<i64>>("errors").unwrap_or(0),
        warnings: row.get::<Option<i64>>("warnings").unwrap_or(0),
        published_at: row.get::<Option<i64>>("published_at").map(Timestamp::from_micros),
        reason: row.get("reason"),
    })
}
