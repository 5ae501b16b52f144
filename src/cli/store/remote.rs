//! The store of a running server, asked over its REST API (docs/API.md).

use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::here::{no_such_account, no_such_file};
use super::sse::Stream;
use super::{
    Account, AccountDetail, Ban, EventsAsked, File, FilesAsked, Finding, Found, MadeToken, NewAccount, NewBan,
    NewToken, Organisation, PolicyChanges, Profile, Session,
};
use crate::cli::note;
use crate::domain::{ArrivalId, Event, Network, SessionId};

/// A server, and the right to ask it.
#[derive(Clone)]
pub(in super::super) struct Remote {
    client: Client,
    /// Without a slash at its end.
    base: String,
    token: String,
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Remote({})", self.base)
    }
}

/// Rows of a page; the server's most.
const PAGE: usize = 200;
const CONNECT: Duration = Duration::from_secs(10);
/// A stream says something every 15 seconds, and everything else is answered sooner.
const SILENCE: Duration = Duration::from_secs(60);

/// A page of a list.
#[derive(Deserialize)]
struct List<T> {
    data: Vec<T>,
    next_cursor: Option<String>,
}

/// What is read of an error (RFC 9457).
#[derive(Deserialize)]
struct Problem {
    detail: String,
    #[serde(default)]
    request_id: Option<String>,
}

impl Remote {
    pub(super) fn new(url: &str, token: Option<&str>) -> anyhow::Result<Self> {
        let address = Url::parse(url).ok().filter(|address| matches!(address.scheme(), "http" | "https"));
        let Some(address) = address else {
            bail!("`{url}` is not the address of a server; it reads https://waybill.example or http://127.0.0.1:8080");
        };
        let Some(token) = token.filter(|token| !token.is_empty()) else {
            bail!(
                "a server wants a token: set WAYBILL_TOKEN (or give --token); `waybill token create --operator` on the \
                 server's own machine makes one"
            );
        };
        if travels_in_the_clear(&address) {
            note(&format!("{url} is not https: whoever is on the way there can read the token"));
        }
        let client = Client::builder()
            .user_agent(concat!("waybill/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            // A token is for the server it was given for.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .context("could not set up the connection")?;
        Ok(Self { client, base: url.trim_end_matches('/').to_owned(), token: token.to_owned() })
    }

    pub(super) async fn organisations(&self) -> anyhow::Result<Vec<Organisation>> {
        self.whole_list("/v1/orgs").await
    }

    pub(super) async fn add_organisation(&self, name: &str, kind: &str) -> anyhow::Result<Organisation> {
        self.post("/v1/orgs", &serde_json::json!({"name": name, "kind": kind})).await
    }

    pub(super) async fn accounts(&self) -> anyhow::Result<Vec<Account>> {
        self.whole_list("/v1/accounts").await
    }

    pub(super) async fn add_account(&self, new: NewAccount) -> anyhow::Result<Account> {
        #[derive(Serialize)]
        struct Body<'a> {
            login: &'a str,
            org: &'a str,
            password: Option<&'a str>,
            keys: &'a [String],
        }
        let password = new.password.as_ref().map(|password| password.as_str());
        self.post("/v1/accounts", &Body { login: &new.login, org: &new.org, password, keys: &new.keys }).await
    }

    pub(super) async fn account(&self, login: &str) -> anyhow::Result<AccountDetail> {
        self.of_account(login, self.request(Method::GET, &format!("/v1/accounts/{login}"))).await
    }

    pub(super) async fn change_policy(&self, login: &str, changes: &PolicyChanges) -> anyhow::Result<AccountDetail> {
        let request = self.request(Method::PATCH, &format!("/v1/accounts/{login}"));
        self.of_account(login, request.json(&serde_json::json!({"policy": changes}))).await
    }

    async fn of_account(&self, login: &str, request: RequestBuilder) -> anyhow::Result<AccountDetail> {
        let response = self.send(request).await?;
        if response.status() == StatusCode::NOT_FOUND {
            bail!(no_such_account(login));
        }
        self.read(response).await
    }

    pub(super) async fn release(&self, id: ArrivalId) -> anyhow::Result<File> {
        self.about(id, self.request(Method::POST, &format!("/v1/files/{id}/release"))).await
    }

    pub(super) async fn add_token(&self, new: NewToken) -> anyhow::Result<MadeToken> {
        let body = serde_json::json!({"name": new.name, "org": new.org, "expires_days": new.expires_days});
        self.post("/v1/api-tokens", &body).await
    }

    pub(super) async fn sessions(&self) -> anyhow::Result<Vec<Session>> {
        self.whole_list("/v1/sessions").await
    }

    pub(super) async fn end_session(&self, id: SessionId) -> anyhow::Result<Option<Session>> {
        let response = self.send(self.request(Method::DELETE, &format!("/v1/sessions/{id}"))).await?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        self.read(response).await.map(Some)
    }

    pub(super) async fn bans(&self) -> anyhow::Result<Vec<Ban>> {
        self.whole_list("/v1/bans").await
    }

    pub(super) async fn add_ban(&self, new: NewBan) -> anyhow::Result<Ban> {
        let (network, until) = (new.network.to_string(), new.until);
        self.post("/v1/bans", &serde_json::json!({"network": network, "reason": new.reason, "until": until})).await
    }

    pub(super) async fn lift_ban(&self, network: Network) -> anyhow::Result<Option<Ban>> {
        let path = format!("/v1/bans/{}", network.to_string().replace('/', "%2F"));
        let response = self.send(self.request(Method::DELETE, &path)).await?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        self.read(response).await.map(Some)
    }

    pub(super) async fn profiles(&self) -> anyhow::Result<Vec<Profile>> {
        self.whole_list("/v1/feed-profiles").await
    }

    pub(super) async fn apply_profile(&self, name: &str, text: &str, org: Option<&str>) -> anyhow::Result<Profile> {
        let request = self
            .request(Method::PUT, &format!("/v1/feed-profiles/{name}"))
            .query(&org.map(|org| ("org", org)).into_iter().collect::<Vec<_>>())
            .header("content-type", "application/toml")
            .body(text.to_owned());
        self.answer(request).await
    }

    pub(super) async fn files(&self, asked: &FilesAsked) -> anyhow::Result<Vec<File>> {
        let org = match &asked.org {
            None => None,
            Some(org) => Some(self.organisation(org).await?.id),
        };
        let mut query = vec![("limit", asked.limit.clamp(1, PAGE).to_string())];
        if !asked.statuses.is_empty() {
            query.push(("status", asked.statuses.join(",")));
        }
        query.extend(asked.user.clone().map(|user| ("user", user)));
        query.extend(asked.name.clone().map(|name| ("name", name)));
        query.extend(asked.with_errors.then(|| ("has_errors", "true".to_owned())));
        let mut files: Vec<File> = vec![];
        let mut cursor: Option<String> = None;
        loop {
            let request = self.request(Method::GET, "/v1/files").query(&query);
            let page: List<File> = self.answer(request.query(&pair("cursor", cursor.as_ref()))).await?;
            files.extend(page.data.into_iter().filter(|file| org.as_ref().is_none_or(|org| *org == file.organisation)));
            cursor = page.next_cursor;
            if cursor.is_none() || files.len() >= asked.limit {
                files.truncate(asked.limit);
                return Ok(files);
            }
        }
    }

    pub(super) async fn file(&self, id: ArrivalId) -> anyhow::Result<File> {
        self.about(id, self.request(Method::GET, &format!("/v1/files/{id}"))).await
    }

    pub(super) async fn findings(&self, id: ArrivalId, from: Option<String>) -> anyhow::Result<Found> {
        let request = self
            .request(Method::GET, &format!("/v1/files/{id}/errors"))
            .query(&[("limit", PAGE)])
            .query(&pair("cursor", from.as_ref()));
        let page: List<Finding> = self.about(id, request).await?;
        Ok(Found { findings: page.data, next: page.next_cursor })
    }

    pub(super) async fn reprocess(&self, id: ArrivalId) -> anyhow::Result<File> {
        self.about(id, self.request(Method::POST, &format!("/v1/files/{id}/reprocess"))).await
    }

    pub(super) async fn last_events(&self, asked: &EventsAsked, limit: usize) -> anyhow::Result<Vec<Event>> {
        let query = pairs(asked);
        let mut events: Vec<Event> = vec![];
        while events.len() < limit {
            let before = events.last().map(|event| event.seq.to_string());
            let left = (limit - events.len()).min(PAGE);
            let request = self.request(Method::GET, "/v1/events").query(&query).query(&[("limit", left)]);
            let page: List<Event> = self.answer(request.query(&pair("before", before.as_ref()))).await?;
            let is_last = page.next_cursor.is_none() || page.data.is_empty();
            events.extend(page.data);
            if is_last {
                break;
            }
        }
        events.reverse();
        Ok(events)
    }

    pub(super) async fn events_after(&self, asked: &EventsAsked, after: i64) -> anyhow::Result<Vec<Event>> {
        let request = self.request(Method::GET, "/v1/events").query(&pairs(asked)).query(&[("limit", PAGE)]);
        let page: List<Event> = self.answer(request.query(&[("after", after)])).await?;
        Ok(page.data)
    }

    pub(super) fn follow(&self, asked: &EventsAsked, after: i64) -> Stream {
        Stream::new(self.clone(), pairs(asked), after)
    }

    /// The answer to a stream's request, its body still to come.
    pub(super) async fn listen(&self, query: &[(&str, String)], after: i64) -> Result<Response, Refusal> {
        let request = self.request(Method::GET, "/v1/events/stream").query(query).query(&[("after", after)]);
        let response = request.send().await.map_err(|error| Refusal::Unreachable(said(&self.base, &error)))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let passing = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
        let why = refused(status, &response.bytes().await.unwrap_or_default());
        Err(if passing { Refusal::Unreachable(why) } else { Refusal::Final(why) })
    }

    async fn organisation(&self, id_or_name: &str) -> anyhow::Result<Organisation> {
        let known = self.organisations().await?.into_iter();
        let found = known.into_iter().find(|org| org.id == id_or_name || org.name == id_or_name);
        found.with_context(|| format!("there is no organisation `{id_or_name}`; `waybill org list` shows them"))
    }

    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base)).bearer_auth(&self.token)
    }

    pub(super) async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> anyhow::Result<T> {
        self.answer(self.request(Method::POST, path).json(body)).await
    }

    pub(super) async fn whole_list<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<Vec<T>> {
        let mut rows = vec![];
        let mut cursor: Option<String> = None;
        loop {
            let request = self.request(Method::GET, path).query(&pair("cursor", cursor.as_ref()));
            let page: List<T> = self.answer(request).await?;
            rows.extend(page.data);
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(rows);
            }
        }
    }

    /// The answer about a file; what is not there is said as it is here.
    async fn about<T: DeserializeOwned>(&self, id: ArrivalId, request: RequestBuilder) -> anyhow::Result<T> {
        let response = self.send(request).await?;
        if response.status() == StatusCode::NOT_FOUND {
            bail!(no_such_file(id));
        }
        self.read(response).await
    }

    pub(super) async fn answer<T: DeserializeOwned>(&self, request: RequestBuilder) -> anyhow::Result<T> {
        let response = self.send(request).await?;
        self.read(response).await
    }

    async fn send(&self, request: RequestBuilder) -> anyhow::Result<Response> {
        request.send().await.map_err(|error| anyhow::Error::msg(said(&self.base, &error)))
    }

    async fn read<T: DeserializeOwned>(&self, response: Response) -> anyhow::Result<T> {
        let status = response.status();
        let body = response.bytes().await.map_err(|error| anyhow::Error::msg(said(&self.base, &error)))?;
        if !status.is_success() {
            bail!(refused(status, &body));
        }
        serde_json::from_slice(&body).with_context(|| {
            format!("{} does not answer as a Waybill server does; is the URL right, and as new as this one?", self.base)
        })
    }
}

fn travels_in_the_clear(address: &Url) -> bool {
    let host = address.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let is_here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    address.scheme() == "http" && !is_here
}

/// Why there is no stream.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It may be there again in a moment.
    Unreachable(String),
    Final(String),
}

fn pair<'a>(name: &'static str, value: Option<&'a String>) -> Vec<(&'static str, &'a String)> {
    value.map(|value| (name, value)).into_iter().collect()
}

/// The filters as query parameters.
fn pairs(asked: &EventsAsked) -> Vec<(&'static str, String)> {
    let mut query = vec![];
    let kinds = asked.kinds.iter().cloned().chain(asked.not_kinds.iter().map(|kind| format!("-{kind}")));
    for (name, value) in [
        ("type", kinds.collect::<Vec<_>>().join(",")),
        ("sev", asked.severity.map(|severity| format!("{}+", severity.as_str())).unwrap_or_default()),
        ("org", asked.org.clone().unwrap_or_default()),
        ("file", asked.file.map(|id| id.to_string()).unwrap_or_default()),
        ("session", asked.session.map(|id| id.to_string()).unwrap_or_default()),
        ("user", asked.users.iter().cloned().collect::<Vec<_>>().join(",")),
        ("code", asked.codes.iter().cloned().collect::<Vec<_>>().join(",")),
        ("since", asked.since.map(|moment| moment.to_string()).unwrap_or_default()),
        ("until", asked.until.map(|moment| moment.to_string()).unwrap_or_default()),
        ("q", asked.text.clone().unwrap_or_default()),
    ] {
        if !value.is_empty() {
            query.push((name, value));
        }
    }
    query
}

/// A server's refusal, in its own words.
fn refused(status: StatusCode, body: &[u8]) -> String {
    match serde_json::from_slice::<Problem>(body) {
        Ok(problem) if status.is_server_error() => {
            let id = problem.request_id.map(|id| format!(" (request {id})")).unwrap_or_default();
            format!("the server could not do it: {}{id}", problem.detail)
        }
        Ok(problem) if status == StatusCode::UNAUTHORIZED => format!("the token was refused: {}", problem.detail),
        Ok(problem) => problem.detail,
        Err(_) => format!("the server answered {status}, and not as a Waybill server does; is the URL right?"),
    }
}

/// What kept a request from being answered, with all its causes and without the query.
fn said(base: &str, error: &reqwest::Error) -> String {
    let mut text = format!("could not reach {base}");
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let _ = write!(text, ": {inner}");
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Severity;

    #[test]
    fn a_server_needs_an_address_and_a_token() {
        assert!(Remote::new("127.0.0.1:8080", Some("t")).unwrap_err().to_string().contains("http://127.0.0.1:8080"));
        assert!(Remote::new("http://127.0.0.1:1", None).unwrap_err().to_string().contains("WAYBILL_TOKEN"));
        let shown = format!("{:?}", Remote::new("http://127.0.0.1:1/", Some("secret")).unwrap());
        assert_eq!(shown, "Remote(http://127.0.0.1:1)");
    }

    #[test]
    fn a_token_on_an_open_road_is_warned_of() {
        let open = |url: &str| travels_in_the_clear(&Url::parse(url).unwrap());
        assert!(open("http://waybill.example") && open("http://192.0.2.7:8080"));
        for closed in ["https://waybill.example", "http://127.0.0.1:8080", "http://[::1]:80", "http://localhost"] {
            assert!(!open(closed), "{closed}");
        }
    }

    #[test]
    fn filters_become_the_parameters_of_the_api() {
        let asked = EventsAsked {
            kinds: ["file.applied".to_owned()].into(),
            not_kinds: ["dir.listed".to_owned()].into(),
            severity: Some(Severity::Warn),
            text: Some("10492".to_owned()),
            ..EventsAsked::default()
        };
        let expected = [("type", "file.applied,-dir.listed"), ("sev", "warn+"), ("q", "10492")];
        assert_eq!(pairs(&asked), expected.map(|(name, value)| (name, value.to_owned())));
        assert_eq!(pairs(&EventsAsked::default()), []);
    }

    #[test]
    fn a_refusal_is_said_in_the_servers_words() {
        let body = br#"{"type":"urn:x","title":"t","status":409,"detail":"`a` is taken","instance":"/","code":"c"}"#;
        assert_eq!(refused(StatusCode::CONFLICT, body), "`a` is taken");
        assert_eq!(refused(StatusCode::UNAUTHORIZED, body), "the token was refused: `a` is taken");
        assert!(refused(StatusCode::BAD_GATEWAY, b"<html>").contains("502 Bad Gateway"));
    }
}
