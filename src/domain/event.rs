//! What happened, as one line: the envelope every log line, `tail`, `/v1/events` and the stream share.

use serde::{Deserialize, Serialize};

use super::clock::Timestamp;
use super::id::{ArrivalId, DocumentId, OrganisationId, SessionId};

/// How much an event matters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Debug,
    #[default]
    Info,
    Warn,
    Error,
}

impl Severity {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "debug" => Some(Self::Debug),
            "info" => Some(Self::Info),
            "warn" => Some(Self::Warn),
            "error" => Some(Self::Error),
            _ => None,
        }
    }
}

/// One event of the ingestion log. Fixed ids stand at the top, so that one filter on `file` shows
/// everything from the connection to the visible record. Never file content, secrets or account numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its place in the log, from 1, without gaps that matter; 0 before it is recorded.
    pub seq: i64,
    pub ts: Timestamp,
    /// Dotted, past tense: `file.received`.
    #[serde(rename = "type")]
    pub kind: String,
    pub sev: Severity,
    pub org: Option<OrganisationId>,
    pub feed: Option<String>,
    pub session: Option<SessionId>,
    pub file: Option<ArrivalId>,
    /// The attempt at ingesting, by its fence.
    pub run: Option<i64>,
    pub record: Option<DocumentId>,
    /// The login.
    pub user: Option<String>,
    /// The door: `sftp`, `https`.
    pub proto: Option<String>,
    pub ip: Option<String>,
    pub trace: Option<String>,
    pub dur_ms: Option<i64>,
    /// Readable alone.
    pub msg: String,
    pub data: serde_json::Value,
    /// A code of the catalogue, where the event is about one.
    pub code: Option<String>,
    /// The version of this envelope.
    pub v: u8,
}

impl Event {
    /// An event of this kind, with its sentence; the rest is filled in by the `with_` methods or fields.
    #[must_use]
    pub fn new(kind: &str, sev: Severity, msg: impl Into<String>) -> Self {
        Self {
            seq: 0,
            ts: Timestamp::now(),
            kind: kind.to_owned(),
            sev,
            org: None,
            feed: None,
            session: None,
            file: None,
            run: None,
            record: None,
            user: None,
            proto: None,
            ip: None,
            trace: None,
            dur_ms: None,
            msg: msg.into(),
            data: serde_json::Value::Object(serde_json::Map::new()),
            code: None,
            v: 1,
        }
    }

    #[must_use]
    pub fn data(mut self, key: &str, value: impl Into<serde_json::Value>) -> Self {
        if let serde_json::Value::Object(map) = &mut self.data {
            map.insert(key.to_owned(), value.into());
        }
        self
    }

    #[must_use]
    pub fn file(mut self, file: ArrivalId) -> Self {
        self.file = Some(file);
        self
    }

    #[must_use]
    pub fn org(mut self, org: OrganisationId) -> Self {
        self.org = Some(org);
        self
    }

    #[must_use]
    pub fn took(mut self, duration: std::time::Duration) -> Self {
        self.dur_ms = i64::try_from(duration.as_millis()).ok();
        self
    }
}
