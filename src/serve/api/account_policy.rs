//! One account: its policy, what holds, and what stands in its drop.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::Shared;
use super::super::ask::{Asked, Nothing, Sent};
use super::super::auth::{Caller, Operator};
use super::super::problem::{Body, Code, Fault, Problem};
use super::super::tagged::tagged;
use super::accounts::{self, Account};
use crate::domain::policy::PolicyFault;
use crate::domain::{AccountPolicy, Policy, Usage};
use crate::record::AccountRow;

/// A login with its policy.
#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct AccountDetail {
    #[serde(flatten)]
    account: Account,
    /// What the account says itself; null follows `[accounts]`.
    #[schema(value_type = PolicySettings)]
    policy: AccountPolicy,
    /// What holds: the policy, and beneath it `[accounts]`. 0 is no limit.
    #[schema(value_type = EffectivePolicy)]
    effective: Policy,
    /// What stands in its drop and counts towards its quota.
    #[schema(value_type = DropUsage)]
    usage: Usage,
}

/// What an account may do. In a change, what is not named stays as it is, and null goes back to `[accounts]`.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the policy; `domain` reads and checks it")]
pub(in super::super) struct PolicySettings {
    /// Nobody comes in, and who is inside leaves.
    disabled: Option<bool>,
    /// The account is valid until this moment; a bare day is valid until its end.
    #[schema(format = DateTime)]
    valid_until: Option<String>,
    /// Addresses and networks logins may come from; empty is anywhere.
    allowed_addresses: Option<Vec<String>>,
    /// Of `upload`, `list`, `download_answers`, `download_files`, `delete`.
    permissions: Option<Vec<String>>,
    /// Bytes that may stand in the drop; 0 is no limit.
    quota_bytes: Option<u64>,
    /// Files that may stand in the drop; 0 is no limit.
    quota_files: Option<u64>,
    /// Bytes per second, at least 16384, of all sessions together; 0 is no limit.
    bandwidth: Option<u64>,
    /// Patterns names must fit: `*.edi`; empty is any name.
    name_patterns: Option<Vec<String>>,
    /// The largest file in bytes; 0 is as large as the server takes.
    file_max: Option<u64>,
    /// FTPS uploads without TLS `close_notify` are held, instead of refused.
    tolerate_missing_close_notify: Option<bool>,
}

/// What holds for an account.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the policy; `domain` reads and checks it")]
pub(in super::super) struct EffectivePolicy {
    /// Nobody comes in, and who is inside leaves.
    disabled: bool,
    /// The account is valid until this moment; a bare day is valid until its end.
    #[schema(format = DateTime)]
    valid_until: Option<String>,
    /// Addresses and networks logins may come from; empty is anywhere.
    allowed_addresses: Vec<String>,
    /// Of `upload`, `list`, `download_answers`, `download_files`, `delete`.
    permissions: Vec<String>,
    /// Bytes that may stand in the drop; 0 is no limit.
    quota_bytes: u64,
    /// Files that may stand in the drop; 0 is no limit.
    quota_files: u64,
    /// How full a quota is when the operator is told, in percent; 0 is never.
    quota_warning_percent: u8,
    /// Bytes per second, at least 16384, of all sessions together; 0 is no limit.
    bandwidth: u64,
    /// Patterns names must fit: `*.edi`; empty is any name.
    name_patterns: Vec<String>,
    /// The largest file in bytes; 0 is as large as the server takes.
    file_max: u64,
    /// FTPS uploads without TLS `close_notify` are held, instead of refused.
    tolerate_missing_close_notify: bool,
}

/// What stands in a drop.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes `domain::Usage`")]
pub(in super::super) struct DropUsage {
    bytes: u64,
    files: u64,
}

/// A change of an account (RFC 7396): what is not named stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"policy": {"allowed_addresses": ["192.0.2.0/24"], "quota_bytes": 10_737_418_240_u64,
    "name_patterns": ["*.edi", "INV[0-9]*.csv"], "valid_until": "2026-12-31", "bandwidth": null}}))]
pub(in super::super) struct AccountChange {
    #[schema(value_type = PolicySettings)]
    policy: serde_json::Map<String, serde_json::Value>,
}

/// One account, with its policy.
#[utoipa::path(get, path = "/v1/accounts/{id}", tag = "administration",
    params(("id" = String, Path, description = "Its id or login")),
    responses(
        (status = 200, body = AccountDetail),
        (status = 304, description = "`If-None-Match` names what there is"),
        (status = 404, description = "`not_found`", body = Body, content_type = "application/problem+json")
    ))]
pub(in super::super) async fn one(
    State(desk): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    _: Asked<Nothing>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let row = accounts::of_path(&desk, &caller.scope, &id).await?;
    tagged(&headers, &detail(&desk, row).await?)
}

/// Change an account's policy. Operators only.
///
/// It holds at once for new logins, and within seconds for sessions that are open: they go on with what holds now, or
/// end where the account may not be inside any more.
#[utoipa::path(patch, path = "/v1/accounts/{id}", tag = "administration",
    params(("id" = String, Path, description = "Its id or login")), request_body = AccountChange,
    responses(
        (status = 200, body = AccountDetail),
        (status = 403, description = "`forbidden_scope`: not an operator's token", body = Body,
         content_type = "application/problem+json"),
        (status = 404, description = "`not_found`", body = Body, content_type = "application/problem+json")
    ))]
pub(in super::super) async fn change(
    State(desk): State<Shared>,
    _: Operator,
    caller: Caller,
    Path(id): Path<String>,
    _: Asked<Nothing>,
    Sent(change): Sent<AccountChange>,
) -> Result<Json<AccountDetail>, Problem> {
    let row = accounts::of_path(&desk, &caller.scope, &id).await?;
    let changed = desk.record.change_policy(row.id, |known| {
        let policy = known.changed(&change.policy)?;
        let event = known.change_event(&policy, &row.login, row.organisation, caller.scope.principal());
        Ok((policy, event))
    });
    changed.await?.map_err(not_valid)?;
    detail(&desk, row).await.map(Json)
}

fn not_valid(faults: Vec<PolicyFault>) -> Problem {
    let first = faults.first().map(|fault| fault.message.clone()).unwrap_or_default();
    let faults = faults.into_iter().map(|fault| Fault {
        pointer: Some(format!("/policy/{}", fault.setting)),
        code: "invalid",
        message: fault.message,
        ..Fault::default()
    });
    Problem::new(Code::ValidationFailed, first).with_errors(faults.collect())
}

async fn detail(desk: &Shared, row: AccountRow) -> Result<AccountDetail, Problem> {
    let policy = desk.record.policy(row.id).await?.policy;
    let usage = desk.dropbox.usage_of(&row.id.to_string()).await?;
    let effective = desk.dropbox.policy_of(&policy);
    Ok(AccountDetail { account: accounts::Account::from(row), policy, effective, usage })
}
