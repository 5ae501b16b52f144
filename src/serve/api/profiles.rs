//! Feed profiles: how an organisation's files are read. Applied by operators; every change is a new version.

use axum::Json;
use axum::extract::{FromRequest, Path, Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use waybill_parsers::profile::{Profile, ProfileError};

use super::super::Shared;
use super::super::ask::{self, Asked, Nothing, Sent};
use super::super::auth::{Caller, Operator};
use super::super::problem::{Body, Code, Fault, Problem};
use super::super::tagged::tagged;
use super::{List, orgs};
use crate::domain::{OrganisationId, Timestamp};
use crate::record::ProfileRow;

/// A feed profile as it was applied.
#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct FeedProfile {
    name: String,
    /// Null: for everybody.
    organisation: Option<String>,
    version: i64,
    /// TOML.
    text: String,
    #[schema(value_type = String, format = DateTime)]
    applied_at: Timestamp,
}

impl From<ProfileRow> for FeedProfile {
    fn from(row: ProfileRow) -> Self {
        Self {
            name: row.name,
            organisation: row.organisation.map(|id| id.to_string()),
            version: row.version,
            text: row.text,
            applied_at: row.created_at,
        }
    }
}

/// Whose profile.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in super::super) struct OwnerQuery {
    /// The organisation, by id or name; without, everybody's. For operators.
    org: Option<String>,
}

/// A profile in JSON, for clients that would rather not send TOML.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct ProfileText {
    /// TOML.
    text: String,
}

/// The newest version of each profile the token may use.
#[utoipa::path(get, path = "/v1/feed-profiles", tag = "administration", responses(
    (status = 200, body = List<FeedProfile>)
))]
pub(in super::super) async fn list(
    State(desk): State<Shared>,
    caller: Caller,
    _: Asked<Nothing>,
) -> Result<Json<List<FeedProfile>>, Problem> {
    let rows = desk.record.profiles(&caller.scope).await?;
    Ok(Json(List::new(rows.into_iter().map(FeedProfile::from).collect(), None)))
}

/// The newest version of a profile: the organisation's own before everybody's.
#[utoipa::path(get, path = "/v1/feed-profiles/{name}", tag = "administration",
    params(("name" = String, Path, description = "The profile's name"), OwnerQuery),
    responses(
        (status = 200, body = FeedProfile),
        (status = 304, description = "`If-None-Match` names what there is"),
        (status = 404, description = "`not_found`", body = Body, content_type = "application/problem+json")
    ))]
pub(in super::super) async fn one(
    State(desk): State<Shared>,
    caller: Caller,
    Path(name): Path<String>,
    asked: Asked<OwnerQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let owner = match caller.scope.organisation() {
        Some(own) => Some(own),
        None => owner_of(&desk, asked.query.org.as_deref()).await?,
    };
    // Own profiles come before everybody's.
    let rows = desk.record.profiles(&caller.scope).await?;
    let row = rows
        .into_iter()
        .filter(|row| row.name == name && (row.organisation.is_none() || row.organisation == owner))
        .max_by_key(|row| row.organisation.is_some());
    tagged(&headers, &FeedProfile::from(row.ok_or_else(|| Problem::not_found("profile"))?))
}

/// Apply a profile. Operators only.
///
/// TOML as it is, or JSON with a `text`. Each change is a new version; the same text again changes nothing.
#[utoipa::path(put, path = "/v1/feed-profiles/{name}", tag = "administration",
    params(("name" = String, Path, description = "The profile's name, as in its text"), OwnerQuery),
    request_body(content((String = "application/toml"), (ProfileText = "application/json"))),
    responses(
        (status = 200, body = FeedProfile),
        (status = 403, description = "`forbidden_scope`: not an operator's token", body = Body,
         content_type = "application/problem+json")
    ))]
pub(in super::super) async fn apply(
    State(desk): State<Shared>,
    _: Operator,
    Path(name): Path<String>,
    asked: Asked<OwnerQuery>,
    request: Request,
) -> Result<Json<FeedProfile>, Problem> {
    let text = text_of(&desk, request).await?;
    let profile = Profile::from_toml(&text).map_err(refused)?;
    if profile.name != name {
        return Err(Problem::at("name", format!("the text names the profile `{}`, the path `{name}`", profile.name)));
    }
    let owner = owner_of(&desk, asked.query.org.as_deref()).await?;
    let version = desk.record.apply_profile(owner, &name, &text).await?;
    Ok(Json(FeedProfile {
        name,
        organisation: owner.map(|id| id.to_string()),
        version,
        text,
        applied_at: Timestamp::now(),
    }))
}

async fn owner_of(desk: &Shared, org: Option<&str>) -> Result<Option<OrganisationId>, Problem> {
    match org {
        None => Ok(None),
        Some(text) => orgs::named(desk, "org", text).await.map(|row| Some(row.id)),
    }
}

async fn text_of(desk: &Shared, request: Request) -> Result<String, Problem> {
    let kind = ask::content_type(&request);
    match kind.as_str() {
        "application/json" => {
            let Sent(ProfileText { text }) = Sent::<ProfileText>::from_request(request, desk).await?;
            Ok(text)
        }
        "application/toml" | "text/plain" | "text/toml" | "" => {
            let bytes = ask::whole_body(request, desk).await?;
            String::from_utf8(bytes.to_vec())
                .map_err(|_| Problem::new(Code::ValidationFailed, "the profile is not UTF-8; save it as UTF-8"))
        }
        kind => Err(Problem::new(
            Code::UnsupportedMediaType,
            format!("the body is `{kind}`; send application/toml, or application/json with a `text`"),
        )),
    }
}

fn refused(error: ProfileError) -> Problem {
    let fault = Fault {
        pointer: Some(error.key.clone()).filter(|key| !key.is_empty()),
        line: error.line.map(|line| line as u64),
        code: "invalid",
        message: error.to_string(),
        ..Fault::default()
    };
    Problem::new(Code::ValidationFailed, error.to_string()).with_errors(vec![fault])
}
