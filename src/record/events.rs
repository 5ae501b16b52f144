//! The log: what happened, in order, read back by `tail`, `/v1/events` and the stream.

use std::collections::BTreeSet;

use sqlx::{QueryBuilder, Row, Sqlite};

use super::database::Writing;
use super::together::Work;
use super::{Record, RecordError, Result};
use crate::domain::{ArrivalId, Event, Scope, SessionId, Severity, Timestamp};

/// Which events. Everything given must hold; inside a list, any one.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    pub kinds: BTreeSet<String>,
    pub not_kinds: BTreeSet<String>,
    /// At least this severe.
    pub severity: Option<Severity>,
    /// Exactly these severities.
    pub severities: BTreeSet<Severity>,
    pub organisation: Option<crate::domain::OrganisationId>,
    pub file: Option<ArrivalId>,
    pub session: Option<SessionId>,
    pub users: BTreeSet<String>,
    pub codes: BTreeSet<String>,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// Text that stands in the message.
    pub text: Option<String>,
}

/// Events one statement writes.
const AT_ONCE_MAX: usize = 200;
/// Most events one question answers.
const EVENTS_MAX: u32 = 1_000;

impl Record {
    /// Writes events, with whatever else is written at this moment.
    ///
    /// # Errors
    /// The database did not take them.
    pub async fn tell(&self, events: Vec<Event>) -> Result<()> {
        self.write(Work::Tell, events, "write events").await.map(|_| ())
    }

    /// Commits a transaction with its events in it, and tells whoever follows.
    pub(super) async fn commit_with(&self, mut tx: Writing, mut events: Vec<Event>, doing: &'static str) -> Result<()> {
        let newest = append(&mut tx, &mut events).await.map_err(RecordError::doing(doing))?;
        tx.commit().await.map_err(RecordError::doing(doing))?;
        for event in &events {
            crate::telemetry::speak(event);
        }
        if let Some(newest) = newest {
            self.latest.send_if_modified(|latest| {
                let newer = newest > *latest;
                *latest = newest.max(*latest);
                newer
            });
        }
        Ok(())
    }

    /// The events after `after`, oldest first, at most `limit`.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn events_after(
        &self,
        scope: &Scope,
        filter: &EventFilter,
        after: i64,
        limit: u32,
    ) -> Result<Vec<Event>> {
        let mut query = asked(scope, filter);
        query.push(" and seq > ").push_bind(after);
        query.push(" order by seq limit ").push_bind(i64::from(limit.min(EVENTS_MAX)));
        self.events_of(query).await
    }

    /// The events before `before`, newest first, at most `limit`.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn events_before(
        &self,
        scope: &Scope,
        filter: &EventFilter,
        before: i64,
        limit: u32,
    ) -> Result<Vec<Event>> {
        let mut query = asked(scope, filter);
        query.push(" and seq < ").push_bind(before);
        query.push(" order by seq desc limit ").push_bind(i64::from(limit.min(EVENTS_MAX)));
        self.events_of(query).await
    }

    /// The newest event's sequence number; 0 when there is none.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn newest_event(&self) -> Result<i64> {
        sqlx::query_scalar("select coalesce(max(seq), 0) from event")
            .fetch_one(&self.db.reader)
            .await
            .map_err(RecordError::doing("find the newest event"))
    }

    async fn events_of(&self, mut query: QueryBuilder<Sqlite>) -> Result<Vec<Event>> {
        let rows = query.build().fetch_all(&self.db.reader).await.map_err(RecordError::doing("read events"))?;
        rows.iter()
            .map(|row| {
                let seq: i64 = row.get("seq");
                let envelope: String = row.get("envelope");
                serde_json::from_str(&envelope)
                    .map(|event| Event { seq, ..event })
                    .map_err(|_| RecordError::Corrupt { what: format!("event {seq}") })
            })
            .collect()
    }
}

/// Adds events at the end of the log, giving each its sequence number; the newest of them.
async fn append(tx: &mut Writing, events: &mut [Event]) -> Result<Option<i64>, sqlx::Error> {
    if events.is_empty() {
        return Ok(None);
    }
    let newest: i64 = sqlx::query_scalar("select coalesce(max(seq), 0) from event").fetch_one(&mut **tx).await?;
    for (seq, event) in (newest + 1..).zip(&mut *events) {
        event.seq = seq;
    }
    // 11 columns; SQLite takes 32,766 parameters a statement.
    for chunk in events.chunks(AT_ONCE_MAX) {
        insert(tx, chunk).await?;
    }
    Ok(events.last().map(|event| event.seq))
}

/// One statement for all of them: each costs a turn between threads.
async fn insert(tx: &mut Writing, events: &[Event]) -> Result<(), sqlx::Error> {
    let mut envelopes = Vec::with_capacity(events.len());
    for event in events {
        envelopes.push(serde_json::to_string(event).map_err(|error| sqlx::Error::Encode(Box::new(error)))?);
    }
    let mut query = QueryBuilder::<Sqlite>::new(
        "insert into event (seq, ts, kind, severity, organisation_id, session_id, upload_id, login, code, message, envelope) ",
    );
    query.push_values(events.iter().zip(envelopes), |mut row, (event, envelope)| {
        row.push_bind(event.seq)
            .push_bind(event.ts.micros())
            .push_bind(event.kind.clone())
            .push_bind(event.sev as i64)
            .push_bind(event.org.map(|id| id.to_string()))
            .push_bind(event.session.map(|id| id.to_string()))
            .push_bind(event.file.map(|id| id.to_string()))
            .push_bind(event.user.clone())
            .push_bind(event.code.clone())
            .push_bind(event.msg.clone())
            .push_bind(envelope);
    });
    query.build().execute(&mut **tx).await.map(|_| ())
}

fn asked(scope: &Scope, filter: &EventFilter) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new("select seq, envelope from event where 1 = 1");
    for organisation in scope.organisation().into_iter().chain(filter.organisation) {
        query.push(" and organisation_id = ").push_bind(organisation.to_string());
    }
    if let Some(severity) = filter.severity {
        query.push(" and severity >= ").push_bind(severity as i64);
    }
    if let Some(file) = filter.file {
        // A file's life begins with the connection that brought it.
        query.push(" and (upload_id = ").push_bind(file.to_string());
        query.push(" or (upload_id is null and session_id = (select session_id from upload where id = ");
        query.push_bind(file.to_string()).push(")))");
    }
    if let Some(session) = filter.session {
        query.push(" and session_id = ").push_bind(session.to_string());
    }
    if let Some(since) = filter.since {
        query.push(" and ts >= ").push_bind(since.micros());
    }
    if let Some(until) = filter.until {
        query.push(" and ts < ").push_bind(until.micros());
    }
    if let Some(text) = &filter.text {
        query.push(" and instr(lower(message), ").push_bind(text.to_lowercase()).push(") > 0");
    }
    if !filter.severities.is_empty() {
        query.push(" and severity in (");
        let mut list = query.separated(", ");
        for severity in &filter.severities {
            list.push_bind(*severity as i64);
        }
        query.push(")");
    }
    one_of(&mut query, " and kind in (", &filter.kinds);
    one_of(&mut query, " and kind not in (", &filter.not_kinds);
    one_of(&mut query, " and login in (", &filter.users);
    one_of(&mut query, " and code in (", &filter.codes);
    query
}

fn one_of(query: &mut QueryBuilder<Sqlite>, words: &'static str, values: &BTreeSet<String>) {
    if values.is_empty() {
        return;
    }
    query.push(words);
    let mut list = query.separated(", ");
    for value in values {
        list.push_bind(value.clone());
    }
    query.push(")");
}
