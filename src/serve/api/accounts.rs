//! Accounts: the logins of the doors.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::super::Shared;
use super::super::ask::{Asked, Nothing, Sent};
use super::super::auth::{Caller, Operator};
use super::super::problem::{Body, Problem};
use super::List;
use super::orgs;
use crate::domain::{Scope, Timestamp};
use crate::land::credential;
use crate::record::AccountRow;

/// A login, without its secrets.
#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct Account {
    id: String,
    organisation: String,
    organisation_name: String,
    login: String,
    has_password: bool,
    /// `SHA256:…` of each key that may log in.
    keys: Vec<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
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

/// An account to be made, with a password, keys, or both.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"login": "acme-erp", "org": "Acme Industries",
    "keys": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ erp"]}))]
pub(in super::super) struct NewAccount {
    /// 1 to 64 of a-z, 0-9, `.`, `_` and `-`.
    login: String,
    /// The organisation's id or name.
    org: String,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    password: Option<Zeroized>,
    /// Lines of OpenSSH `.pub` files.
    #[serde(default)]
    keys: Vec<String>,
}

/// A password on its way in: wiped when dropped, never shown.
#[derive(Deserialize)]
#[serde(from = "String")]
struct Zeroized(Zeroizing<String>);

impl From<String> for Zeroized {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl std::fmt::Debug for NewAccount {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "NewAccount({})", self.login)
    }
}

/// Keys one account may have.
const KEYS_MAX: usize = 100;

/// The accounts the token shows.
#[utoipa::path(get, path = "/v1/accounts", tag = "administration", responses((status = 200, body = List<Account>)))]
pub(in super::super) async fn list(
    State(desk): State<Shared>,
    caller: Caller,
    _: Asked<Nothing>,
) -> Result<Json<List<Account>>, Problem> {
    let rows = desk.record.accounts(&caller.scope).await?;
    Ok(Json(List::new(rows.into_iter().map(Account::from).collect(), None)))
}

/// Make an account. Operators only.
#[utoipa::path(post, path = "/v1/accounts", tag = "administration", request_body = NewAccount, responses(
    (status = 201, body = Account),
    (status = 403, description = "`forbidden_scope`: not an operator's token", body = Body,
     content_type = "application/problem+json"),
    (status = 409, description = "`state_conflict`: the login is taken", body = Body,
     content_type = "application/problem+json")
))]
pub(in super::super) async fn create(
    State(desk): State<Shared>,
    _: Operator,
    _: Asked<Nothing>,
    Sent(new): Sent<NewAccount>,
) -> Result<(StatusCode, Json<Account>), Problem> {
    let fine = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    if !(1..=64).contains(&new.login.len()) || !new.login.bytes().all(fine) {
        return Err(Problem::at("/login", "a login has 1 to 64 of the characters a-z, 0-9, `.`, `_` and `-`"));
    }
    if new.keys.len() > KEYS_MAX {
        return Err(Problem::at("/keys", format!("an account has at most {KEYS_MAX} keys")));
    }
    if new.password.is_none() && new.keys.is_empty() {
        return Err(Problem::at("/password", "give the account a password, a key, or both; it could not log in"));
    }
    let mut keys = vec![];
    for (index, line) in new.keys.iter().enumerate() {
        keys.push(credential::parse_public_key(line).map_err(|why| Problem::at(&format!("/keys/{index}"), why))?);
    }
    let organisation = orgs::named(&desk, "/org", &new.org).await?;
    let hash = match new.password {
        None => None,
        Some(password) => Some(hashed(&desk, password).await?),
    };
    let id = desk.record.add_account(organisation.id, &new.login, hash.as_deref(), &keys).await?;
    let account = Account {
        id: id.to_string(),
        organisation: organisation.id.to_string(),
        organisation_name: organisation.name,
        login: new.login,
        has_password: hash.is_some(),
        keys: keys.into_iter().map(|(fingerprint, ..)| fingerprint).collect(),
        created_at: Timestamp::now(),
    };
    Ok((StatusCode::CREATED, Json(account)))
}

/// The account of a path, by its id or login, if the scope shows it.
pub(super) async fn of_path(desk: &Shared, scope: &Scope, id: &str) -> Result<AccountRow, Problem> {
    desk.record.account(scope, id).await?.ok_or_else(|| Problem::not_found("account"))
}

/// The account of a parameter, if the scope shows it.
pub(super) async fn named(desk: &Shared, scope: &Scope, pointer: &str, login: &str) -> Result<AccountRow, Problem> {
    desk.record.account(scope, login).await?.ok_or_else(|| unknown(pointer, login))
}

pub(super) fn unknown(pointer: &str, login: &str) -> Problem {
    Problem::at(pointer, format!("there is no account `{login}`, or your token does not show it"))
}

async fn hashed(desk: &Shared, password: Zeroized) -> Result<String, Problem> {
    let _permit = desk.hashing.acquire().await.map_err(|error| Problem::internal("wait to hash a password", &error))?;
    tokio::task::spawn_blocking(move || credential::hash_password(&password.0))
        .await
        .map_err(|error| Problem::internal("hash a password", &error))?
        .map_err(|why| Problem::at("/password", why))
}
