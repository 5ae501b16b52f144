//! The log as it happens: server-sent events that can be taken up again without a gap or a repeat.
//!
//! The watch on new events is taken before the backlog is read, so that nothing falls between the two; and
//! the table is looked at every second as well, because the command line writes it from another process.
//! A sequence number is given inside the one writing transaction, so rows come into sight in their order.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{HeaderValue, RETRY_AFTER};
use axum::response::sse::{KeepAlive, Sse};
use futures_util::Stream;
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, watch};
use utoipa::IntoParams;

use super::super::Shared;
use super::super::ask::{Asked, Reading};
use super::super::auth::Caller;
use super::super::problem::{Body, Code, Problem};
use super::events::{self, Choice};
use crate::domain::{Event, chain};
use crate::record::EventFilter;

/// Which events, and where to go on.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in super::super) struct StreamQuery {
    /// From the event after this `seq`; without, and without `Last-Event-ID`, from now on.
    #[param(value_type = Option<i64>, minimum = 0)]
    after: Option<String>,
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

/// Events read from the record at a time.
const BATCH: u32 = 200;
/// How often the table is looked at when nobody rings.
const LOOK: Duration = Duration::from_secs(1);
/// A comment goes out this often, so that proxies and clients see the stream is alive.
const COMMENT: Duration = Duration::from_secs(15);
/// How often a long stream's token is checked again.
const RECHECK: Duration = Duration::from_secs(60);

/// The log as it happens.
///
/// `text/event-stream`: `id` is the `seq`, `event` the type, `data` the envelope. Reconnecting with
/// `Last-Event-ID` goes on where it ended; every 15 seconds a comment says that the stream is alive.
#[utoipa::path(get, path = "/v1/events/stream", tag = "events",
    params(StreamQuery, ("last-event-id" = Option<String>, Header, description = "The last `id` that was received")),
    responses(
        (status = 200, description = "Server-sent events", body = String, content_type = "text/event-stream"),
        (status = 429, description = "`rate_limited`: too many streams are open", body = Body,
         content_type = "application/problem+json")
    ))]
pub(in super::super) async fn stream(
    State(desk): State<Shared>,
    caller: Caller,
    asked: Asked<StreamQuery>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<axum::response::sse::Event, Infallible>>>, Problem> {
    let query = asked.query;
    let mut reading = Reading::default();
    let resumed = headers.get("last-event-id").map(|value| value.to_str().unwrap_or_default().to_owned());
    let resumed = reading.one("last-event-id", resumed.as_ref(), events::seq);
    let after = reading.one("after", query.after.as_ref(), events::seq);
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
    let filter = events::filter_of(&desk, &caller, choice, reading).await?;
    let permit = desk.streams.clone().try_acquire_owned().map_err(|_| {
        Problem::new(Code::RateLimited, "too many event streams are open; close one, or ask /v1/events")
            .with_header(RETRY_AFTER, HeaderValue::from_static("5"))
    })?;
    // Before the backlog is read.
    let rung = desk.record.follow();
    let last = match resumed.or(after) {
        Some(last) => last,
        None => desk.record.newest_event().await?,
    };
    let checked = tokio::time::Instant::now();
    let following = Following {
        desk,
        caller,
        filter,
        rung,
        last,
        batch: vec![].into_iter(),
        looked: false,
        greeted: false,
        checked,
        _permit: permit,
    };
    let events = futures_util::stream::unfold(following, |mut following| async move {
        following.next().await.map(|event| (Ok(event), following))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(COMMENT).text("still here")))
}

struct Following {
    desk: Shared,
    caller: Caller,
    filter: EventFilter,
    rung: watch::Receiver<i64>,
    /// Everything up to here was sent or filtered out.
    last: i64,
    batch: std::vec::IntoIter<Event>,
    /// Whether the table was read to its end since somebody rang.
    looked: bool,
    greeted: bool,
    checked: tokio::time::Instant,
    _permit: OwnedSemaphorePermit,
}

impl Following {
    /// The next event for the client; `None` ends the stream.
    async fn next(&mut self) -> Option<axum::response::sse::Event> {
        if !self.greeted {
            self.greeted = true;
            // An id without data: a client that is cut off before the first event knows where to go on.
            let greeting = axum::response::sse::Event::default().comment("connected").id(self.last.to_string());
            return Some(greeting.retry(Duration::from_secs(2)));
        }
        loop {
            if let Some(event) = self.batch.next() {
                self.last = event.seq;
                let data = serde_json::to_string(&event).unwrap_or_default();
                return Some(
                    axum::response::sse::Event::default().id(event.seq.to_string()).event(event.kind).data(data),
                );
            }
            if self.looked {
                self.wait().await?;
            }
            self.look().await?;
        }
    }

    /// Reads on in the table.
    async fn look(&mut self) -> Option<()> {
        // Asked first: rows up to here that the filter leaves out need not be looked at again.
        let record = &self.desk.record;
        let newest = record.newest_event().await.inspect_err(ended).ok()?;
        if newest <= self.last {
            self.looked = true;
            return Some(());
        }
        let read = record.events_after(&self.caller.scope, &self.filter, self.last, BATCH).await;
        let events = read.inspect_err(ended).ok()?;
        self.looked = events.len() < BATCH as usize;
        if events.is_empty() {
            self.last = newest;
        }
        self.batch = events.into_iter();
        Some(())
    }

    /// Waits until there may be more; `None` when the stream is over.
    async fn wait(&mut self) -> Option<()> {
        tokio::select! {
            () = self.desk.closing.cancelled() => return None,
            changed = self.rung.changed() => changed.ok()?,
            () = tokio::time::sleep(LOOK) => {}
        }
        if self.checked.elapsed() >= RECHECK {
            self.checked = tokio::time::Instant::now();
            // A revoked or expired token sees nothing from now on.
            self.desk.record.token(self.caller.token).await.ok().flatten()?;
        }
        Some(())
    }
}

fn ended(error: &crate::record::RecordError) {
    tracing::error!(error = chain(error), "an event stream ended early");
}
