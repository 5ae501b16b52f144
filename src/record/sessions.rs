//! Sessions that are open, on every node: each node tells of its own, and hears which of them are to end.

use super::identity::text_id;
use super::page::{Cursor, Page};
use super::sql::{Builder, Kind, Row, insert_many, query};
use super::{Record, RecordError, Result};
use crate::domain::{Event, OrganisationId, Scope, SessionId, Severity, Timestamp};

/// An open session, as its node last told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    pub id: SessionId,
    pub node: String,
    pub organisation: OrganisationId,
    pub login: String,
    /// `sftp`, `ftps`, `https`, `partner`.
    pub door: String,
    /// The client's address and port.
    pub address: String,
    /// What the client calls itself.
    pub client: Option<String>,
    pub started_at: Timestamp,
    /// Files it has brought.
    pub files: u64,
    pub bytes: u64,
    /// The names of files it is bringing now, a few at most.
    pub receiving: Vec<String>,
    /// Somebody has asked for its end.
    pub is_ending: bool,
}

/// What a node has to tell of its sessions since it last did.
#[derive(Debug, Clone, Default)]
pub struct SessionChanges {
    pub new: Vec<SessionRow>,
    /// What they have brought by now: files, bytes.
    pub counted: Vec<(SessionId, u64, u64)>,
    pub over: Vec<SessionId>,
}

/// Which sessions. Everything given must hold.
#[derive(Debug, Clone, Default)]
pub struct SessionFilter {
    pub login: Option<String>,
    pub door: Option<String>,
    pub node: Option<String>,
}

/// A node that has been silent for so long has no sessions, in microseconds: it beats six times meanwhile.
const SILENT_MICROS: i64 = 60_000_000;
/// Files of one session that are named.
const RECEIVING_MAX: i64 = 5;
/// The columns a node writes.
const WRITTEN: [(&str, Kind); 10] = [
    ("id", Kind::Text),
    ("node_id", Kind::Text),
    ("organisation_id", Kind::Text),
    ("login", Kind::Text),
    ("door", Kind::Text),
    ("address", Kind::Text),
    ("client", Kind::Text),
    ("started_at", Kind::Number),
    ("files", Kind::Number),
    ("bytes", Kind::Number),
];
/// Ids in one statement.
const IDS_MAX: usize = 500;

impl SessionChanges {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.new.is_empty() && self.counted.is_empty() && self.over.is_empty()
    }
}

impl Record {
    /// A node tells of its sessions.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn tell_sessions(&self, node: &str, changes: &SessionChanges) -> Result<()> {
        let doing = || RecordError::doing("note the open sessions");
        let mut tx = self.writing_beside_others().await?;
        let rows = changes.new.iter().map(|new| {
            vec![
                new.id.to_string().into(),
                node.into(),
                new.organisation.to_string().into(),
                new.login.as_str().into(),
                new.door.as_str().into(),
                new.address.as_str().into(),
                new.client.clone().into(),
                new.started_at.micros().into(),
                signed(new.files).into(),
                signed(new.bytes).into(),
            ]
        });
        // Told once more where nobody knows whether it was heard.
        let behind = " on conflict (id) do nothing";
        insert_many(&mut tx, "live_session", &WRITTEN, rows.collect(), behind).await.map_err(doing())?;
        for (id, files, bytes) in &changes.counted {
            query("update live_session set files = $2, bytes = $3 where id = $1")
                .bind(id.to_string())
                .bind(signed(*files))
                .bind(signed(*bytes))
                .execute(&mut tx)
                .await
                .map_err(doing())?;
        }
        for over in changes.over.chunks(IDS_MAX) {
            let ids: Vec<String> = over.iter().map(SessionId::to_string).collect();
            let mut gone = Builder::new("delete from live_session where id in (");
            gone.push_list(&ids).push(")");
            gone.build().execute(&mut tx).await.map_err(doing())?;
        }
        tx.commit().await.map_err(doing())
    }

    /// A node has no sessions: it has just begun, or is about to end.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn forget_sessions(&self, node: &str) -> Result<()> {
        let doing = || RecordError::doing("forget the sessions of a node");
        let mut tx = self.writing_beside_others().await?;
        query("delete from live_session where node_id = $1").bind(node).execute(&mut tx).await.map_err(doing())?;
        tx.commit().await.map_err(doing())
    }

    /// The sessions of a node whose end somebody has asked for.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn sessions_to_end(&self, node: &str) -> Result<Vec<SessionId>> {
        let rows = query("select id from live_session where node_id = $1 and end_by is not null limit 1000")
            .bind(node)
            .fetch_all(&self.db.reader)
            .await
            .map_err(RecordError::doing("look for sessions that are to end"))?;
        rows.iter().map(|row| text_id(row, "id", SessionId::parse)).collect()
    }

    /// The open sessions a scope shows, newest first.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn sessions(
        &self,
        scope: &Scope,
        filter: &SessionFilter,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page<SessionRow>> {
        let doing = "list the open sessions";
        let now = self.now().await.map_err(RecordError::doing(doing))?;
        let mut asked = Builder::new(
            "select s.id, s.node_id, s.organisation_id, s.login, s.door, s.address, s.client, s.started_at, s.files,
                    s.bytes, s.end_by is not null as is_ending
             from live_session s join node n on n.id = s.node_id where n.seen_at > ",
        );
        asked.push_bind(now.micros().saturating_sub(SILENT_MICROS));
        if let Some(organisation) = scope.organisation() {
            asked.push(" and s.organisation_id = ").push_bind(organisation.to_string());
        }
        for (column, wanted) in [("login", &filter.login), ("door", &filter.door), ("node_id", &filter.node)] {
            if let Some(wanted) = wanted {
                asked.push(" and s.").push(column).push(" = ").push_bind(wanted.clone());
            }
        }
        if let Some(after) = after {
            asked.push(" and (s.started_at < ").push_bind(after.at);
            asked.push(" or (s.started_at = ").push_bind(after.at);
            asked.push(" and s.id < ").push_bind(after.id.clone()).push("))");
        }
        asked.push(" order by s.started_at desc, s.id desc limit ").push_bind(i64::from(limit) + 1);
        let mut seen = self.seen_by(scope, doing).await?;
        let rows = asked.build().fetch_all(&mut seen).await.map_err(RecordError::doing(doing))?;
        let mut rows = rows.iter().map(session_of).collect::<Result<Vec<_>>>()?;
        for row in &mut rows {
            let receiving = query(
                "select name from upload where state = 'receiving' and node_id = $1 and session_id = $2
                 order by id limit $3",
            )
            .bind(&row.node)
            .bind(row.id.to_string())
            .bind(RECEIVING_MAX)
            .fetch_all(&mut seen)
            .await
            .map_err(RecordError::doing(doing))?;
            row.receiving = receiving.iter().map(|row| row.at(0)).collect();
        }
        Ok(Page::of(rows, limit, |row| Cursor { at: row.started_at.micros(), id: row.id.to_string(), ordinal: 0 }))
    }

    /// Asks for the end of a session, and says so in the log. Its node hears of it within seconds. `None` when the scope
    /// shows no such session.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn end_session(&self, scope: &Scope, id: SessionId, by: &str) -> Result<Option<SessionRow>> {
        let doing = "ask for the end of a session";
        let mut tx = self.writing().await?;
        let mut asked = Builder::new("update live_session set end_by = ");
        asked.push_bind(by.to_owned()).push(" where id = ").push_bind(id.to_string());
        if let Some(organisation) = scope.organisation() {
            asked.push(" and organisation_id = ").push_bind(organisation.to_string());
        }
        asked.push(
            " returning id, node_id, organisation_id, login, door, address, client, started_at, files, bytes,
              end_by is not null as is_ending",
        );
        let row = asked.build().fetch_optional(&mut tx).await.map_err(RecordError::doing(doing))?;
        let Some(row) = row else { return Ok(None) };
        let row = session_of(&row)?;
        let msg = format!("{by} ends the session of {} from {}", row.login, row.address);
        let mut event = Event::new("session.end_asked", Severity::Warn, msg).org(row.organisation).data("by", by);
        event.session = Some(row.id);
        event.user = Some(row.login.clone());
        event.proto = Some(row.door.clone());
        self.commit_with(tx, vec![event], doing).await?;
        Ok(Some(row))
    }
}

fn session_of(row: &Row) -> Result<SessionRow> {
    let unsigned = |name| u64::try_from(row.get::<i64>(name)).unwrap_or_default();
    Ok(SessionRow {
        id: text_id(row, "id", SessionId::parse)?,
        node: row.get("node_id"),
        organisation: text_id(row, "organisation_id", OrganisationId::parse)?,
        login: row.get("login"),
        door: row.get("door"),
        address: row.get("address"),
        client: row.get("client"),
        started_at: Timestamp::from_micros(row.get("started_at")),
        files: unsigned("files"),
        bytes: unsigned("bytes"),
        receiving: vec![],
        is_ending: row.get::<i64>("is_ending") != 0,
    })
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
