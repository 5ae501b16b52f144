//! Sending a file over HTTP. The bytes go to the dropbox as they come; what arrives here is a file like
//! any other, and 201 means what an SFTP CLOSE answered OK means.

mod multipart;

use std::collections::HashSet;
use std::sync::Mutex;

use axum::Json;
use axum::body::Body as HttpBody;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, HeaderMap, HeaderName, HeaderValue, LOCATION, USER_AGENT};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::super::Shared;
use super::super::ask::{self, Asked};
use super::super::auth::Caller;
use super::super::problem::{Body, Code, Problem};
use super::accounts;
use super::files::{self, File};
use super::orgs;
use crate::domain::{ArrivalId, Digest, FileName, Hasher, OrganisationId, VirtualPath, chain};
use crate::land::{Algorithms, Creation, Door, LandError, NotEntered, Peer, Receipt, Session, Upload};
use crate::record::{AccountRow, Remembered};

/// What to call it, and whose it is.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in super::super) struct UploadQuery {
    /// The file's name, where the body is the file itself and `Content-Disposition` does not say.
    name: Option<String>,
    /// The organisation it is for, by id or name: an operator's token must say, unless it names an account.
    org: Option<String>,
    /// The account it is sent as, by its login: it stands in that account's drop, and the account's policy holds.
    account: Option<String>,
}

/// A form with one file.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the form; it is read as a stream")]
pub(in super::super) struct UploadForm {
    #[schema(value_type = String, format = Binary)]
    file: String,
}

/// Send a file.
///
/// A form with one part `file`, or the bytes themselves with `?name=`. 201 means that it is stored for good
/// and will be read; follow its `status`. With an `Idempotency-Key` it is safe to repeat.
#[utoipa::path(post, path = "/v1/files", tag = "files",
    params(UploadQuery,
           ("idempotency-key" = Option<String>, Header,
            description = "1 to 255 visible characters, kept for 48 hours. The same key with the same file answers what \
                           the first did, with `Idempotency-Replayed: true`, and nothing lands twice")),
    request_body(content((UploadForm = "multipart/form-data"), (String = "application/octet-stream"))),
    responses(
        (status = 201, description = "It has landed; `Location` is the file", body = File),
        (status = 403, description = "`policy_refused`: the account's policy does not allow it", body = Body,
         content_type = "application/problem+json"),
        (status = 409, description = "`idempotency_in_progress`, `state_conflict`", body = Body,
         content_type = "application/problem+json"),
        (status = 413, description = "`payload_too_large`", body = Body, content_type = "application/problem+json"),
        (status = 422, description = "`idempotency_mismatch`: the key was used for another file", body = Body,
         content_type = "application/problem+json"),
        (status = 507, description = "`no_space`, `quota_exceeded`: nothing was kept", body = Body, content_type = "application/problem+json")
    ))]
pub(in super::super) async fn upload(
    State(desk): State<Shared>,
    caller: Caller,
    asked: Asked<UploadQuery>,
    request: Request,
) -> Result<Response, Problem> {
    let (organisation, account) = owner(&desk, &caller, &asked.query).await?;
    let key = key_of(request.headers())?;
    // A key is good for one sender's files.
    let owner = account.as_ref().map_or_else(|| organisation.to_string(), |account| account.id.to_string());
    let under_way = match &key {
        None => None,
        Some(key) => Some(UnderWay::take(&desk, &owner, key)?),
    };
    let agent = request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let peer = Peer { address: caller.address, door: Door::Https, client: agent, algorithms: Algorithms::default() };
    let entered = match &account {
        Some(account) => desk.dropbox.session_as(account, &peer).await,
        None => desk.dropbox.session_for(organisation, &caller.token_name, &peer).await,
    };
    let session = entered.map_err(not_entered)?;
    let received = receive(&session, request, asked.query.name).await?;
    let landed = landing(desk.clone(), owner, key, received);
    // Every byte is here: from now on it lands whether or not the client waits for the answer.
    let landed = tokio::spawn(async move {
        let _until_answered = under_way;
        landed.await
    });
    let (id, replayed) = landed.await.map_err(|error| Problem::internal("land an upload", &error))??;
    let file = files::shown(&desk, &caller.scope, &id.to_string()).await?;
    let mut response = (StatusCode::CREATED, Json(File::from(file))).into_response();
    if let Ok(location) = HeaderValue::from_str(&format!("/v1/files/{id}")) {
        response.headers_mut().insert(LOCATION, location);
    }
    if replayed {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Whose file it is, and as whom it is sent.
async fn owner(
    desk: &Shared,
    caller: &Caller,
    asked: &UploadQuery,
) -> Result<(OrganisationId, Option<AccountRow>), Problem> {
    let account = match &asked.account {
        None => None,
        Some(login) => Some(accounts::named(desk, &caller.scope, "account", login).await?),
    };
    let organisation = match (caller.scope.organisation(), asked.org.as_deref(), &account) {
        (Some(own), None, _) => own,
        (Some(own), Some(org), _) => match desk.record.organisation(org).await? {
            Some(named) if named.id == own => own,
            _ => return Err(orgs::unknown("org", org)),
        },
        (None, Some(org), _) => orgs::named(desk, "org", org).await?.id,
        (None, None, Some(account)) => account.organisation,
        (None, None, None) => {
            return Err(Problem::at("org", "this is an operator's token: say with `?org=` whose file it is"));
        }
    };
    match account {
        Some(account) if account.organisation != organisation => Err(accounts::unknown("account", &account.login)),
        account => Ok((organisation, account)),
    }
}

fn not_entered(why: NotEntered) -> Problem {
    match why {
        // No more than a client at the other doors is told; the log names the reason.
        NotEntered::Policy => Problem::new(
            Code::PolicyRefused,
            "nothing can be sent like this now, or not from your address; ask the operator of this server",
        ),
        NotEntered::Unavailable => Problem::new(Code::Unavailable, "the account cannot be looked up; try again later"),
    }
}

fn key_of(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| (1..=255).contains(&key.len()));
    key.map(|key| Some(key.to_owned()))
        .ok_or_else(|| Problem::at("Idempotency-Key", "an Idempotency-Key has 1 to 255 visible ASCII characters"))
}

async fn receive(session: &Session, request: Request, name: Option<String>) -> Result<Receiving, Problem> {
    if ask::content_type(&request) == "multipart/form-data" {
        if name.is_some() {
            return Err(Problem::at("name", "a form says the file's name itself; leave `?name=` out"));
        }
        return multipart::receive(session, request).await;
    }
    let said = request.headers().get(CONTENT_DISPOSITION).map(HeaderValue::as_bytes);
    let name = name.map(String::into_bytes).or_else(|| said.and_then(file_name_in)).ok_or_else(|| {
        Problem::at("name", "say the file's name: `?name=invoices.edi`, or a Content-Disposition with a filename")
    })?;
    let mut receiving = Receiving::begin(session, &name).await?;
    let mut body = HttpBody::into_data_stream(request.into_body());
    receiving.take_all(&mut body).await?;
    Ok(receiving)
}

/// The name in a `Content-Disposition` (RFC 6266), `filename*` before `filename`. Its bytes as they came: what they may
/// be is asked where every path is.
fn file_name_in(value: &[u8]) -> Option<Vec<u8>> {
    let parameter = |wanted: &[u8]| {
        value.split(|byte| *byte == b';').skip(1).find_map(|part| {
            let at = part.iter().position(|byte| *byte == b'=')?;
            let (name, value) = (part.get(..at)?, part.get(at + 1..)?.trim_ascii());
            let value = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value);
            name.trim_ascii().eq_ignore_ascii_case(wanted).then(|| value.to_vec())
        })
    };
    let encoded = parameter(b"filename*").and_then(|value| {
        let mut parts = value.splitn(3, |byte| *byte == b'\'');
        let (charset, _, text) = (parts.next()?, parts.next()?, parts.next()?);
        charset.eq_ignore_ascii_case(b"utf-8").then(|| ask::decoded(text)).flatten()
    });
    encoded.or_else(|| parameter(b"filename")).filter(|name| !name.is_empty())
}

/// A file on its way in. Dropped before its end, nothing of it is kept: over HTTP no upload is resumed.
struct Receiving {
    upload: Option<Upload>,
    name: FileName,
    hasher: Hasher,
    offset: u64,
}

impl Receiving {
    async fn begin(session: &Session, name: &[u8]) -> Result<Self, Problem> {
        let path = VirtualPath::parse(name).map_err(|error| Problem::at("name", error.to_string()))?;
        let how = Creation { truncate: true, ..Creation::default() };
        let VirtualPath::File(file) = &path else {
            // Refused in the words of every door.
            return Err(session.create(&path, how).await.map_or_else(refused, |_| refused(LandError::Unavailable)));
        };
        if file.is_temporary() {
            return Err(Problem::at(
                "name",
                format!("`{file}` is a name for unfinished files; over HTTP a file is complete, so send its real name"),
            ));
        }
        let upload = session.create(&path, how).await.map_err(refused)?;
        Ok(Self { upload: Some(upload), name: file.clone(), hasher: Hasher::default(), offset: 0 })
    }

    async fn take(&mut self, bytes: &[u8]) -> Result<(), Problem> {
        if let Some(upload) = &mut self.upload {
            upload.write_at(self.offset, bytes).await.map_err(refused)?;
        }
        self.hasher.update(bytes);
        self.offset += bytes.len() as u64;
        Ok(())
    }

    async fn take_all<E: std::fmt::Display>(
        &mut self,
        body: &mut (impl Stream<Item = Result<Bytes, E>> + Unpin),
    ) -> Result<(), Problem> {
        while let Some(bytes) = body.next().await {
            self.take(&bytes.map_err(|error| broken_off(&error))?).await?;
        }
        Ok(())
    }

    /// Lands it.
    async fn finish(mut self) -> Result<Receipt, Problem> {
        let upload = self.upload.take().ok_or_else(|| refused(LandError::Unavailable))?;
        upload.finish().await.map_err(refused)
    }

    /// What an Idempotency-Key stands for: the name and the bytes.
    fn request(&self) -> Digest {
        let mut request = Hasher::default();
        request.update(self.name.as_str().as_bytes());
        request.update(&[0]);
        request.update(self.hasher.clone().finish().as_bytes());
        request.finish()
    }
}

impl Drop for Receiving {
    fn drop(&mut self) {
        if let Some(upload) = self.upload.take() {
            upload.give_up("the request did not come to its end, or its Idempotency-Key had been used");
        }
    }
}

/// The client is mostly gone when this is said.
fn broken_off(error: &dyn std::fmt::Display) -> Problem {
    tracing::debug!(error = %error, "an upload broke off");
    Problem::new(Code::ValidationFailed, "the body broke off before its end; nothing was received, send it again")
}

fn refused(error: LandError) -> Problem {
    let code = match &error {
        LandError::NotFound { .. } | LandError::Refused { .. } | LandError::Incomplete { .. } | LandError::Path(_) => {
            Code::ValidationFailed
        }
        LandError::Exists { .. } => Code::StateConflict,
        LandError::Forbidden { .. } => Code::PolicyRefused,
        LandError::OverQuota { .. } => Code::QuotaExceeded,
        LandError::TooLarge { .. } => Code::PayloadTooLarge,
        LandError::NoSpace => Code::NoSpace,
        LandError::Busy { .. } => Code::RateLimited,
        LandError::Unavailable => Code::Unavailable,
    };
    Problem::new(code, error.to_string())
}

/// Lands it, or finds that this key's file has landed already. The key is looked up only now, because the
/// digest of the body is part of what it stands for.
async fn landing(
    desk: Shared,
    principal: String,
    key: Option<String>,
    received: Receiving,
) -> Result<(ArrivalId, bool), Problem> {
    let Some(key) = key else { return Ok((received.finish().await?.id, false)) };
    match desk.record.remember(&principal, &key, received.request()).await? {
        Remembered::New => {}
        Remembered::Done(id) => return Ok((id, true)),
        Remembered::UnderWay => return Err(in_progress()),
        Remembered::Mismatch => {
            return Err(Problem::new(
                Code::IdempotencyMismatch,
                "this Idempotency-Key was used for another file; nothing was received, send it under a new key",
            ));
        }
    }
    let landed = received.finish().await;
    let made = landed.as_ref().ok().map(|receipt| receipt.id);
    if let Err(error) = desk.record.remember_done(&principal, &key, made).await {
        // The file has landed all the same: a repeat of the request is told 409 until the key is free.
        tracing::error!(error = chain(&error), "could not keep an idempotency key");
    }
    Ok((landed?.id, false))
}

fn in_progress() -> Problem {
    Problem::new(
        Code::IdempotencyInProgress,
        "the first request with this Idempotency-Key is still under way; ask again in a moment",
    )
}

/// A key whose first request this process is answering; free again when dropped.
struct UnderWay {
    desk: Shared,
    entry: (String, String),
}

impl UnderWay {
    fn take(desk: &Shared, principal: &str, key: &str) -> Result<Self, Problem> {
        let entry = (principal.to_owned(), key.to_owned());
        if !insert(&desk.keys_under_way, entry.clone()) {
            return Err(in_progress());
        }
        Ok(Self { desk: desk.clone(), entry })
    }
}

fn insert(keys: &Mutex<HashSet<(String, String)>>, entry: (String, String)) -> bool {
    keys.lock().is_ok_and(|mut keys| keys.insert(entry))
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let Ok(mut keys) = self.desk.keys_under_way.lock() {
            keys.remove(&self.entry);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_found_in_a_content_disposition() {
        for (value, expected) in [
            ("attachment; filename=\"a b.edi\"", Some("a b.edi")),
            ("attachment; filename=a.edi", Some("a.edi")),
            ("attachment; filename=\"x\"; filename*=UTF-8''f%C3%A9.xml", Some("f\u{e9}.xml")),
            ("attachment; filename*=UTF-8''%zz", None),
            ("attachment; filename=\"a\"b\"", Some("a\"b")),
            ("attachment", None),
            ("attachment; filename=\"\"", None),
        ] {
            assert_eq!(file_name_in(value.as_bytes()).as_deref(), expected.map(str::as_bytes), "{value}");
        }
        assert_eq!(file_name_in(b"attachment; filename=\"\xe9\"").as_deref(), Some(&b"\xe9"[..]), "nothing is mangled");
    }
}
