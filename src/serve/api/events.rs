//! The ingestion log, a page at a time.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::Shared;
use super::super::ask::{self, Asked, Reading};
use super::super::auth::Caller;
use super::super::problem::Problem;
use super::{List, orgs};
use crate::domain::{ArrivalId, Event, SessionId, Severity};
use crate::record::EventFilter;

/// One event: the envelope that `waybill tail`, the stream and the log share.
#[derive(Debug, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(as = Event, value_type = Object, example = json!({
    "seq": 4711, "ts": "2026-03-03T02:14:07.123456Z", "type": "file.received", "sev": "info",
    "org": "org_01KA6T5VZ3Q9Y0C2N8W4J7H1DX", "feed": null, "session": "ses_01KA6T5VZ3Q9Y0C2N8W4J7H1DX",
    "file": "fil_01KA6T5VZ3Q9Y0C2N8W4J7H1DX", "run": null, "record": null, "user": "acme-erp", "proto": "sftp",
    "ip": "192.0.2.9", "trace": null, "dur_ms": 12, "msg": "received, 4812 bytes; waiting to be read",
    "data": {"path": "/drop/invoices_0303.edi", "size_bytes": 4812}, "code": null, "v": 1
}))]
pub(in super::super) struct LogEvent(pub(super) Event);

/// Which events, and where to go on. The stream takes the same filters.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in super::super) struct EventQuery {
    /// Oldest first, from the event after this `seq`.
    #[param(value_type = Option<i64>, minimum = 0)]
    after: Option<String>,
    /// Newest first, from the event before this `seq`. Without either: the newest.
    #[param(value_type = Option<i64>, minimum = 0)]
    before: Option<String>,
    /// Rows at most.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200, default = 50)]
    limit: Option<String>,
    /// Types, separated by commas; one with a `-` before it is left out.
    #[param(example = "file.received,-dir.listed")]
    #[serde(rename = "type")]
    kind: Option<String>,
    /// `warn+` is warnings and worse; or severities separated by commas: `debug`, `info`, `warn`, `error`.
    #[param(example = "warn+")]
    sev: Option<String>,
    /// One file's whole life, from the connection that brought it.
    file: Option<String>,
    /// One connection.
    session: Option<String>,
    /// One or several logins, separated by commas.
    user: Option<String>,
    /// One or several codes, separated by commas.
    code: Option<String>,
    /// At or after this moment.
    since: Option<String>,
    /// Before this moment.
    until: Option<String>,
    /// Text in the message.
    q: Option<String>,
    /// One organisation, by id or name; for operators.
    org: Option<String>,
}

/// The filters, wherever they were asked.
#[derive(Debug, Default)]
pub(super) struct Choice<'a> {
    pub(super) kind: Option<&'a String>,
    pub(super) sev: Option<&'a String>,
    pub(super) file: Option<&'a String>,
    pub(super) session: Option<&'a String>,
    pub(super) user: Option<&'a String>,
    pub(super) code: Option<&'a String>,
    pub(super) since: Option<&'a String>,
    pub(super) until: Option<&'a String>,
    pub(super) q: Option<&'a String>,
    pub(super) org: Option<&'a String>,
}

/// The log, a page at a time.
///
/// The newest events first, or with `after` the oldest first. `next_cursor` is the `seq` to give as
/// `before`, or as `after` if that was given.
#[utoipa::path(get, path = "/v1/events", tag = "events", params(EventQuery), responses(
    (status = 200, body = List<LogEvent>)
))]
pub(in super::super) async fn list(
    State(desk): State<Shared>,
    caller: Caller,
    asked: Asked<EventQuery>,
) -> Result<Json<List<LogEvent>>, Problem> {
    let query = asked.query;
    let mut reading = Reading::default();
    let after = reading.one("after", query.after.as_ref(), seq);
    let before = reading.one("before", query.before.as_ref(), |text| match &query.after {
        Some(_) => Err("it cannot be given together with `after`".to_owned()),
        None => seq(text),
    });
    let limit = reading.limit(query.limit.as_ref());
    let choice = Choice {
        kind: query.kind.as_ref(),
        sev: query.sev.as_ref(),
        file: query.file.as_ref(),
        session: query.session.as_ref(),
        user: query.user.as_ref(),
        code: query.code.as_ref(),
        since: query.since.as_ref(),
        until: query.until.as_ref(),
        q: query.q.as_ref(),
        org: query.org.as_ref(),
    };
    let filter = filter_of(&desk, &caller, choice, reading).await?;
    let mut rows = match after {
        Some(after) => desk.record.events_after(&caller.scope, &filter, after, limit + 1).await?,
        None => desk.record.events_before(&caller.scope, &filter, before.unwrap_or(i64::MAX), limit + 1).await?,
    };
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next = rows.last().filter(|_| more).map(|event| event.seq.to_string());
    Ok(Json(List::new(rows.into_iter().map(LogEvent).collect(), next)))
}

pub(super) fn seq(text: &str) -> Result<i64, String> {
    text.parse().ok().filter(|seq| *seq >= 0).ok_or_else(|| format!("`{text}` is not a `seq`: a whole number from 0"))
}

/// The filter a choice means.
pub(super) async fn filter_of(
    desk: &Shared,
    caller: &Caller,
    choice: Choice<'_>,
    mut reading: Reading,
) -> Result<EventFilter, Problem> {
    let kinds = reading.list("type", choice.kind, ask::text);
    let (not_kinds, kinds): (Vec<_>, Vec<_>) = kinds.into_iter().partition(|kind| kind.starts_with('-'));
    let at_least = choice.sev.and_then(|text| text.strip_suffix('+')).map(str::to_owned);
    let severity = reading.one("sev", at_least.as_ref(), severity_of);
    let exactly = choice.sev.filter(|_| at_least.is_none());
    let mut filter = EventFilter {
        kinds: kinds.into_iter().collect(),
        not_kinds: not_kinds.iter().map(|kind| kind.trim_start_matches('-').to_owned()).collect(),
        severity,
        severities: reading.list("sev", exactly, severity_of).into_iter().collect(),
        organisation: None,
        file: reading.one("file", choice.file, |text| {
            ArrivalId::parse(text).ok_or_else(|| format!("`{text}` is not a file's id"))
        }),
        session: reading.one("session", choice.session, |text| {
            SessionId::parse(text).ok_or_else(|| format!("`{text}` is not a session's id"))
        }),
        users: reading.list("user", choice.user, ask::text).into_iter().collect(),
        codes: reading.list("code", choice.code, ask::text).into_iter().collect(),
        since: reading.one("since", choice.since, ask::moment),
        until: reading.one("until", choice.until, ask::moment),
        text: reading.one("q", choice.q, ask::text),
    };
    reading.done()?;
    if let Some(org) = choice.org {
        // An organisation's own name is fine; anyone else's is, for it, not there.
        let named = orgs::named(desk, "org", org).await;
        let own = caller.scope.organisation();
        filter.organisation = match named {
            Ok(named) if own.is_none_or(|own| own == named.id) => Some(named.id),
            Ok(_) => return Err(orgs::unknown("org", org)),
            Err(problem) => return Err(problem),
        };
    }
    Ok(filter)
}

fn severity_of(text: &str) -> Result<Severity, String> {
    Severity::parse(text).ok_or_else(|| format!("`{text}` is not a severity; known: debug, info, warn, error"))
}
