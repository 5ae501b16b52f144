//! The log: what happened, in order, read back by `tail`, `/v1/events` and the stream.

use std::collections::BTreeSet;

use super::sql::{Builder, Kind, Writing, insert_many, scalar};
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
            self.has_come(newest);
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
        self.events_of(scope, query).await
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
        self.events_of(scope, query).await
    }

    /// The newest event's sequence number; 0 when there is none.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn newest_event(&self) -> Result<i64> {
        scalar("select coalesce(max(seq), 0) from event")
            .fetch_one(&self.db.reader)
            .await
            .map_err(RecordError::doing("find the newest event"))
    }

    async fn events_of(&self, scope: &Scope, query: Builder) -> Result<Vec<Event>> {
        let mut seen = self.seen_by(scope, "read events").await?;
        let rows = query.build().fetch_all(&mut seen).await.map_err(RecordError::doing("read events"))?;
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

/// Adds events at the end of the log, giving each its sequence number; the newest of them. Last in a transaction: until
/// that ends, every other one that adds events waits here, so that numbers come into sight in their order.
async fn append(tx: &mut Writing, events: &mut [Event]) -> Result<Option<i64>, sqlx::Error> {
    let Ok(count @ 1..) = i64::try_from(events.len()) else { return Ok(None) };
    let newest: i64 = scalar("update counter set value = value + $1 where name = 'event' returning value")
        .bind(count)
        .fetch_one(&mut *tx)
        .await?;
    let mut rows = Vec::with_capacity(events.len());
    for (seq, event) in (newest - count + 1..).zip(events) {
        event.seq = seq;
        let envelope = serde_json::to_string(&*event).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
        rows.push(vec![
            seq.into(),
            event.ts.micros().into(),
            (&event.kind).into(),
            (event.sev as i64).into(),
            event.org.map(|id| id.to_string()).into(),
            event.session.map(|id| id.to_string()).into(),
            event.file.map(|id| id.to_string()).into(),
            (&event.user).into(),
            (&event.code).into(),
            (&event.msg).into(),
            envelope.into(),
        ]);
    }
    insert_many(tx, "event", &WRITTEN, rows, "").await?;
    tx.ring(newest).await?;
    Ok(Some(newest))
}

/// The columns of an event, in the order in which they are written.
const WRITTEN: [(&str, Kind); 11] = [
    ("seq", Kind::Number),
    ("ts", Kind::Number),
    ("kind", Kind::Text),
    ("severity", Kind::Number),
    ("organisation_id", Kind::Text),
    ("session_id", Kind::Text),
    ("upload_id", Kind::Text),
    ("login", Kind::Text),
    ("code", Kind::Text),
    ("message", Kind::Text),
    ("envelope", Kind::Text),
];

fn asked(scope: &Scope, filter: &EventFilter) -> Builder {
    let mut query = Builder::new("select seq, envelope from event where 1 = 1");
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
        query.push_list(filter.severities.iter().map(|severity| *severity as i64)).push(")");
    }
    one_of(&mut query, " and kind in (", &filter.kinds);
    one_of(&mut query, " and kind not in (", &filter.not_kinds);
    one_of(&mut query, " and login in (", &filter.users);
    one_of(&mut query, " and code in (", &filter.codes);
    query
}

fn one_of(query: &mut Builder, words: &'static str, values: &BTreeSet<String>) {
    if values.is_empty() {
        return;
    }
    query.push(words).push_list(values).push(")");
}
