//! What the commands are answered, from either store, and what `--json` prints: the objects of the REST
//! API, without their links.

use serde::{Deserialize, Serialize};

use crate::domain::{AccountPolicy, Policy, Timestamp, Usage};
use crate::record::{AccountRow, BanRow, FileRow, FindingRow, OrganisationRow, ProfileRow, SessionRow};

/// A payer or a supplier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Organisation {
    pub(in super::super) id: String,
    pub(in super::super) name: String,
    pub(in super::super) kind: String,
    pub(in super::super) created_at: Timestamp,
}

impl From<OrganisationRow> for Organisation {
    fn from(row: OrganisationRow) -> Self {
        Self { id: row.id.to_string(), name: row.name, kind: row.kind, created_at: row.created_at }
    }
}

/// A login, without its secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Account {
    pub(in super::super) id: String,
    pub(in super::super) organisation: String,
    pub(in super::super) organisation_name: String,
    pub(in super::super) login: String,
    pub(in super::super) has_password: bool,
    /// `SHA256:…` of each key.
    pub(in super::super) keys: Vec<String>,
    pub(in super::super) created_at: Timestamp,
}

impl From<AccountRow> for Account {
    fn from(row: AccountRow) -> Self {
        Self {
            id: row.id.to_string(),
            organisation: row.organisation.to_string(),
            organisation_name: row.organisation_name,
            login: row.login,
            has_password: row.has_password,
            keys: row.keys,
            created_at: row.created_at,
        }
    }
}

/// A login with its policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in super::super) struct AccountDetail {
    #[serde(flatten)]
    pub(in super::super) account: Account,
    /// What the account says itself.
    pub(in super::super) policy: AccountPolicy,
    /// What holds, with `[accounts]` beneath.
    pub(in super::super) effective: Policy,
    pub(in super::super) usage: Usage,
}

/// An address or a network that is kept out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Ban {
    pub(in super::super) network: String,
    /// `automatic` or `operator`.
    pub(in super::super) source: String,
    pub(in super::super) reason: String,
    pub(in super::super) in_a_row: u32,
    pub(in super::super) since: Timestamp,
    /// `None`: until it is lifted.
    pub(in super::super) until: Option<Timestamp>,
}

impl From<BanRow> for Ban {
    fn from(row: BanRow) -> Self {
        Self {
            network: row.network.to_string(),
            source: if row.automatic { "automatic" } else { "operator" }.to_owned(),
            reason: row.reason,
            in_a_row: row.in_a_row,
            since: row.since,
            until: row.until,
        }
    }
}

/// A session that is open on one of the nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Session {
    pub(in super::super) id: String,
    pub(in super::super) node: String,
    pub(in super::super) organisation: String,
    pub(in super::super) login: String,
    pub(in super::super) door: String,
    pub(in super::super) address: String,
    pub(in super::super) client: Option<String>,
    pub(in super::super) started_at: Timestamp,
    pub(in super::super) files: u64,
    pub(in super::super) bytes: u64,
    /// Names of files it is bringing now.
    pub(in super::super) receiving: Vec<String>,
    /// Its end has been asked for.
    pub(in super::super) is_ending: bool,
}

impl From<SessionRow> for Session {
    fn from(row: SessionRow) -> Self {
        Self {
            id: row.id.to_string(),
            node: row.node,
            organisation: row.organisation.to_string(),
            login: row.login,
            door: row.door,
            address: row.address,
            client: row.client,
            started_at: row.started_at,
            files: row.files,
            bytes: row.bytes,
            receiving: row.receiving,
            is_ending: row.is_ending,
        }
    }
}

/// A token just made: the only time its text is shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct MadeToken {
    pub(in super::super) id: String,
    pub(in super::super) name: String,
    pub(in super::super) organisation: Option<String>,
    pub(in super::super) token: String,
    pub(in super::super) expires_at: Option<Timestamp>,
}

/// A feed profile, applied or built in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Profile {
    pub(in super::super) name: String,
    /// `None`: for everybody.
    pub(in super::super) organisation: Option<String>,
    /// 0: built in.
    pub(in super::super) version: i64,
    /// TOML.
    pub(in super::super) text: String,
    pub(in super::super) applied_at: Option<Timestamp>,
}

impl From<ProfileRow> for Profile {
    fn from(row: ProfileRow) -> Self {
        Self {
            name: row.name,
            organisation: row.organisation.map(|id| id.to_string()),
            version: row.version,
            text: row.text,
            applied_at: Some(row.created_at),
        }
    }
}

impl From<&waybill_parsers::Profile> for Profile {
    fn from(profile: &waybill_parsers::Profile) -> Self {
        Self { name: profile.name.clone(), organisation: None, version: 0, text: profile.to_toml(), applied_at: None }
    }
}

/// A file that arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct File {
    pub(in super::super) id: String,
    pub(in super::super) organisation: String,
    pub(in super::super) name: String,
    pub(in super::super) status: String,
    pub(in super::super) user: String,
    pub(in super::super) protocol: String,
    pub(in super::super) session: Option<String>,
    pub(in super::super) size_bytes: i64,
    pub(in super::super) sha256: String,
    pub(in super::super) received_at: Timestamp,
    pub(in super::super) published_at: Option<Timestamp>,
    pub(in super::super) duplicate_of: Option<String>,
    pub(in super::super) format: Option<String>,
    pub(in super::super) format_version: Option<String>,
    pub(in super::super) encoding: Option<String>,
    pub(in super::super) profile: Option<String>,
    pub(in super::super) documents: i64,
    pub(in super::super) errors: i64,
    pub(in super::super) warnings: i64,
    pub(in super::super) answer: Option<String>,
    pub(in super::super) reason: Option<String>,
}

impl File {
    /// Whether it still has to be read.
    pub(in super::super) fn waits(&self) -> bool {
        matches!(self.status.as_str(), "held" | "stored" | "parsing")
    }
}

impl From<FileRow> for File {
    fn from(row: FileRow) -> Self {
        Self {
            id: row.id.to_string(),
            organisation: row.organisation.to_string(),
            name: row.name,
            status: row.status.as_str().to_owned(),
            user: row.login,
            protocol: row.door,
            session: row.session.map(|id| id.to_string()),
            size_bytes: row.size_bytes,
            sha256: row.sha256,
            received_at: row.received_at,
            published_at: row.published_at,
            duplicate_of: row.duplicate_of.map(|id| id.to_string()),
            format: row.format,
            format_version: row.format_version,
            encoding: row.encoding,
            profile: row.profile,
            documents: row.documents,
            errors: row.errors,
            warnings: row.warnings,
            answer: row.answer,
            reason: row.reason,
        }
    }
}

/// Something the sender should know, with its place and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Finding {
    pub(in super::super) severity: String,
    pub(in super::super) code: String,
    pub(in super::super) rule: Option<String>,
    pub(in super::super) line: i64,
    pub(in super::super) byte: i64,
    pub(in super::super) length: i64,
    pub(in super::super) path: String,
    pub(in super::super) field: Option<String>,
    pub(in super::super) value: Option<String>,
    /// The document it belongs to, by its place in the file.
    pub(in super::super) document: Option<i64>,
    pub(in super::super) message: String,
    pub(in super::super) fix: String,
    /// The row or segment as it stands in the file.
    pub(in super::super) original: Option<String>,
}

impl From<FindingRow> for Finding {
    fn from(row: FindingRow) -> Self {
        Self {
            severity: row.severity,
            code: row.code,
            rule: row.rule,
            line: row.line,
            byte: row.byte,
            length: row.length,
            path: row.path,
            field: row.field,
            value: row.value,
            document: row.document,
            message: row.message,
            fix: row.fix,
            original: row.excerpt,
        }
    }
}
