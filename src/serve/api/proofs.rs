//! How accounts log in: keys, second factors, client certificates, and the ways these go together.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::super::Shared;
use super::super::ask::{Asked, Nothing, Sent};
use super::super::auth::{Caller, Operator};
use super::super::problem::{Body, Code, Problem};
use super::List;
use super::accounts;
use crate::domain::{Methods, Network, Timestamp};
use crate::land::proofs::{self, NewKey, ProofsError, Wanted};
use crate::land::totp;
use crate::record::{AccountRow, KeyRow};

/// A public key of an account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"fingerprint": "SHA256:wYZ2u7WcNI1DyEft6fsaCdNwvEQSh9zVrGuxPkF2708",
    "public_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEulHVVP+VycD4kL4C7RA+dvjmO5nGn6vyFOKIhpNgeS",
    "comment": "erp 2026", "state": "valid", "not_before": null, "not_after": "2027-01-01T00:00:00.000000Z",
    "authority": false, "created_at": "2026-03-03T02:14:07.123456Z"}))]
pub(in super::super) struct Key {
    /// `SHA256:…`, as OpenSSH shows it.
    fingerprint: String,
    /// `type base64`
    public_key: String,
    comment: String,
    /// `valid`, `not_yet_valid` or `expired`, now.
    state: &'static str,
    #[schema(value_type = Option<String>, format = DateTime)]
    not_before: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    not_after: Option<Timestamp>,
    /// It signs OpenSSH user certificates for the account, and does not log in itself.
    authority: bool,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<KeyRow> for Key {
    fn from(row: KeyRow) -> Self {
        Self {
            state: row.state(Timestamp::now()),
            fingerprint: row.fingerprint,
            public_key: row.public_key,
            comment: row.comment,
            not_before: row.not_before,
            not_after: row.not_after,
            authority: row.is_authority,
            created_at: row.created_at,
        }
    }
}

/// A key to be added.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEulHVVP+VycD4kL4C7RA+dvjmO5nGn6vyFOKIhpNgeS erp",
    "not_after": "2027-01-01T00:00:00Z"}))]
pub(in super::super) struct KeyToAdd {
    /// A line of an OpenSSH `.pub` file.
    key: String,
    /// It logs in from then on; without it, at once.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    not_before: Option<Timestamp>,
    /// It logs in until then; without it, until it is removed.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    not_after: Option<Timestamp>,
    /// It signs OpenSSH user certificates for the account, and does not log in itself.
    #[serde(default)]
    authority: bool,
}

/// How an account logs in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"account": "acc_01KA6T5VZ3Q9Y0C2N8W4J7H1DX", "login": "acme-erp",
    "methods": ["publickey", "certificate", "password+totp"], "usual_methods": true, "totp": true,
    "recovery_codes_left": 10, "legacy_from": ["192.0.2.0/24"], "certificates": ["cn:Acme ERP"], "keys": []}))]
pub(in super::super) struct Authentication {
    account: String,
    login: String,
    /// Any one of these: steps joined by `+`, in their order.
    methods: Vec<String>,
    /// Nothing else was said: any one proof, and with a second factor a password together with its code.
    usual_methods: bool,
    /// A second factor is enrolled.
    totp: bool,
    recovery_codes_left: i64,
    /// Networks from which the account may speak the legacy SSH algorithms.
    legacy_from: Vec<String>,
    /// Names in TLS client certificates that stand for the account.
    certificates: Vec<String>,
    keys: Vec<Key>,
}

/// What is to be different; what is left out stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"methods": ["publickey+totp", "password+totp"], "legacy_from": []}))]
pub(in super::super) struct AuthenticationChange {
    /// Ways to log in, any one of which is enough: `publickey`, `certificate`, `password` and `totp`, joined by `+`
    /// where several are wanted, in that order. Null: the usual.
    #[serde(default, deserialize_with = "told")]
    #[schema(value_type = Option<Vec<String>>)]
    methods: Option<Option<Vec<String>>>,
    /// Addresses and networks; none: from nowhere.
    #[serde(default)]
    legacy_from: Option<Vec<String>>,
    /// `cn:`, `dns:`, `email:`, `uri:`, `upn:` or `sha256:` and the name, whole.
    #[serde(default)]
    certificates: Option<Vec<String>>,
}

/// Null is something that was said.
fn told<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Vec<String>>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// A second factor that was just enrolled: the only time it is shown.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"otpauth": "otpauth://totp/Waybill:acme-erp?secret=…&issuer=Waybill&algorithm=SHA1&digits=6&period=30",
    "secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "recovery_codes": ["abcd-efgh-ijkl-mnop"]}))]
pub(in super::super) struct Enrolled {
    /// For an authenticator app, mostly as a QR code.
    otpauth: String,
    /// The same secret in base 32, to be typed.
    secret: String,
    /// Each works once in place of a code.
    recovery_codes: Vec<String>,
}

impl From<ProofsError> for Problem {
    fn from(error: ProofsError) -> Self {
        match error {
            ProofsError::Wrong { at, why } => Self::at(at, why),
            ProofsError::NotThere(why) => Self::new(Code::NotFound, why),
            ProofsError::NotNow(why) => Self::new(Code::StateConflict, why),
            ProofsError::Record(error) => error.into(),
        }
    }
}

async fn shown(desk: &Shared, account: AccountRow) -> Result<Json<Authentication>, Problem> {
    let proofs = desk.record.proofs(account.id).await?;
    let usual_methods = proofs.methods.is_none();
    let methods = proofs.methods.unwrap_or_else(|| Methods::usual(proofs.has_totp));
    Ok(Json(Authentication {
        methods: methods.to_string().split(',').map(str::to_owned).collect(),
        usual_methods,
        totp: proofs.has_totp,
        recovery_codes_left: desk.record.recovery_codes_left(account.id).await?,
        legacy_from: proofs.legacy_from.iter().map(Network::to_string).collect(),
        certificates: proofs.certificates,
        keys: proofs.keys.into_iter().map(Key::from).collect(),
        account: account.id.to_string(),
        login: account.login,
    }))
}

/// How an account logs in.
#[utoipa::path(get, path = "/v1/accounts/{id}/authentication", tag = "administration",
    params(("id" = String, Path, description = "`acc_…`, or the login")),
    responses((status = 200, body = Authentication),
        (status = 404, description = "`not_found`", body = Body, content_type = "application/problem+json")))]
pub(in super::super) async fn authentication(
    State(desk): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    _: Asked<Nothing>,
) -> Result<Json<Authentication>, Problem> {
    let account = accounts::of_path(&desk, &caller.scope, &id).await?;
    shown(&desk, account).await
}

/// Change how an account logs in. Operators only.
///
/// Good from the next login on; who is logged in stays.
#[utoipa::path(patch, path = "/v1/accounts/{id}/authentication", tag = "administration",
    params(("id" = String, Path, description = "`acc_…`, or the login")),
    request_body = AuthenticationChange,
    responses((status = 200, body = Authentication),
        (status = 403, description = "`forbidden_scope`: not an operator's token", body = Body,
         content_type = "application/problem+json"),
        (status = 404, description = "`not_found`", body = Body, content_type = "application/problem+json")))]
pub(in super::super) async fn change(
    State(desk): State<Shared>,
    _: Operator,
    caller: Caller,
    Path(id): Path<String>,
    _: Asked<Nothing>,
    Sent(change): Sent<AuthenticationChange>,
) -> Result<Json<Authentication>, Problem> {
    let account = accounts::of_path(&desk, &caller.scope, &id).await?;
    let AuthenticationChange { methods, legacy_from, certificates } = change;
    proofs::change(&desk.record, &account, &Wanted { methods, legacy_from, certificates }).await?;
    shown(&desk, account).await
}

/// The keys of an account, the oldest first.
#[utoipa::path(get, path = "/v1/accounts/{id}/keys", tag = "administration",
    params(("id" = String, Path, description = "`acc_…`, or the login")),
    responses((status = 200, body = List<Key>),
        (status = 404, description = "`not_found`", body = Body, content_type = "application/problem+json")))]
pub(in super::super) async fn keys(
    State(desk): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    _: Asked<Nothing>,
) -> Result<Json<List<Key>>, Problem> {
    let account = accounts::of_path(&desk, &caller.scope, &id).await?;
    let keys = desk.record.keys(account.id).await?;
    Ok(Json(List::new(keys.into_iter().map(Key::from).collect(), None)))
}

/// Add a key. Operators only.
#[utoipa::path(post, path = "/v1/accounts/{id}/keys", tag = "administration",
    params(("id" = String, Path, description = "`acc_…`, or the login")),
    request_body = KeyToAdd,
    responses((status = 201, body = Key),
        (status = 403, description = "`forbidden_scope`: not an operator's token", body = Body,
         content_type = "application/problem+json"),
        (status = 404, description = "`not_found`", body = Body, content_type = "application/problem+json"),
        (status = 409, description = "`state_conflict`: the account has the key, or 100 of them", body = Body,
         content_type = "application/problem+json")))]
pub(in super::super) async fn add_key(
    State(desk): State<Shared>,
    _: Operator,
    caller: Caller,
    Path(id): Path<String>,
    _: Asked<Nothing>,
    Sent(new): Sent<KeyToAdd>,
) -> Result<(StatusCode, Json<Key>), Problem> {
    let account = accounts::of_path(&desk, &caller.scope, &id).await?;
    let new =
        NewKey { line: new.key, not_before: new.not_before, not_after: new.not_after, is_authority: new.authority };
    let key = proofs::add_key(&desk.record, &account, &new).await?;
    Ok((StatusCode::CREATED, Json(key.into())))
}

/// Remove a key: it logs in no more. Operators only.
#[utoipa::path(delete, path = "/v1/accounts/{id}/keys/{fingerprint}", tag = "administration",
    params(("id" = String, Path, description = "`acc_…`, or the login"),
        ("fingerprint" = String, Path, description = "`SHA256:…`, its `/` written as `%2F`")),
    responses((status = 200, body = Authentication),
        (status = 403, description = "`forbidden_scope`: not an operator's token", body = Body,
         content_type = "application/problem+json"),
        (status = 404, description = "`not_found`", body = Body, content_type = "application/problem+json")))]
pub(in super::super) async fn remove_key(
    State(desk): State<Shared>,
    _: Operator,
    caller: Caller,
    Path((id, fingerprint)): Path<(String, String)>,
    _: Asked<Nothing>,
) -> Result<Json<Authentication>, Problem> {
    let account = accounts::of_path(&desk, &caller.scope, &id).await?;
    proofs::remove_key(&desk.record, &account, &fingerprint).await?;
    shown(&desk, account).await
}

/// Enrol a second factor, in place of any other. Operators only.
///
/// Its secret and its recovery codes are shown this once. From the next login on a password alone is not enough.
#[utoipa::path(post, path = "/v1/accounts/{id}/totp", tag = "administration",
    params(("id" = String, Path, description = "`acc_…`, or the login")),
    responses((status = 201, body = Enrolled),
        (status = 403, description = "`forbidden_scope`: not an operator's token", body = Body,
         content_type = "application/problem+json"),
        (status = 404, description = "`not_found`", body = Body, content_type = "application/problem+json")))]
pub(in super::super) async fn enrol_totp(
    State(desk): State<Shared>,
    _: Operator,
    caller: Caller,
    Path(id): Path<String>,
    _: Asked<Nothing>,
) -> Result<(StatusCode, Json<Enrolled>), Problem> {
    let account = accounts::of_path(&desk, &caller.scope, &id).await?;
    let enrolment = totp::enrol(&desk.record, desk.dropbox.vault(), &account)
        .await
        .map_err(|error| Problem::internal("enrol a second factor", &error))?;
    let enrolled = Enrolled {
        otpauth: enrolment.otpauth.to_string(),
        secret: enrolment.secret.to_string(),
        recovery_codes: enrolment.recovery_codes.iter().map(|code| code.to_string()).collect(),
    };
    Ok((StatusCode::CREATED, Json(enrolled)))
}

/// Remove a second factor. Operators only.
#[utoipa::path(delete, path = "/v1/accounts/{id}/totp", tag = "administration",
    params(("id" = String, Path, description = "`acc_…`, or the login")),
    responses((status = 200, body = Authentication),
        (status = 403, description = "`forbidden_scope`: not an operator's token", body = Body,
         content_type = "application/problem+json"),
        (status = 404, description = "`not_found`: no such account, or it has none", body = Body,
         content_type = "application/problem+json"),
        (status = 409, description = "`state_conflict`: the account's methods need it", body = Body,
         content_type = "application/problem+json")))]
pub(in super::super) async fn remove_totp(
    State(desk): State<Shared>,
    _: Operator,
    caller: Caller,
    Path(id): Path<String>,
    _: Asked<Nothing>,
) -> Result<Json<Authentication>, Problem> {
    let account = accounts::of_path(&desk, &caller.scope, &id).await?;
    proofs::remove_totp(&desk.record, &account).await?;
    shown(&desk, account).await
}
