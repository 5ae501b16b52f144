//! How accounts log in, asked and changed in either store.

use anyhow::bail;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Here, Store};
use crate::domain::{Methods, Network, Timestamp};
use crate::land::proofs::{self, NewKey, Wanted};
use crate::land::seal::Vault;
use crate::land::totp;
use crate::record::{AccountRow, KeyRow};

/// A public key of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Key {
    pub(in super::super) fingerprint: String,
    pub(in super::super) public_key: String,
    pub(in super::super) comment: String,
    /// `valid`, `not_yet_valid`, `expired`.
    pub(in super::super) state: String,
    pub(in super::super) not_before: Option<Timestamp>,
    pub(in super::super) not_after: Option<Timestamp>,
    pub(in super::super) authority: bool,
    pub(in super::super) created_at: Timestamp,
}

impl From<KeyRow> for Key {
    fn from(row: KeyRow) -> Self {
        Self {
            state: row.state(Timestamp::now()).to_owned(),
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

/// How an account logs in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Authentication {
    pub(in super::super) account: String,
    pub(in super::super) login: String,
    pub(in super::super) methods: Vec<String>,
    pub(in super::super) usual_methods: bool,
    pub(in super::super) totp: bool,
    pub(in super::super) recovery_codes_left: i64,
    pub(in super::super) legacy_from: Vec<String>,
    pub(in super::super) certificates: Vec<String>,
    pub(in super::super) keys: Vec<Key>,
}

/// A second factor just enrolled: the only time it is shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Enrolled {
    pub(in super::super) otpauth: String,
    pub(in super::super) secret: String,
    pub(in super::super) recovery_codes: Vec<String>,
}

impl Store {
    pub(in super::super) async fn authentication(&self, login: &str) -> anyhow::Result<Authentication> {
        match self {
            Self::Here(here) => here.authentication(&here.account_row(login).await?).await,
            Self::There(there) => there.answer(there.request(Method::GET, &path(login, "authentication")?)).await,
        }
    }

    pub(in super::super) async fn change_authentication(
        &self,
        login: &str,
        wanted: &Wanted,
    ) -> anyhow::Result<Authentication> {
        match self {
            Self::Here(here) => {
                let account = here.account_row(login).await?;
                proofs::change(&here.record, &account, wanted).await?;
                here.authentication(&account).await
            }
            Self::There(there) => {
                let mut body = serde_json::Map::new();
                if let Some(methods) = &wanted.methods {
                    body.insert("methods".to_owned(), json!(methods));
                }
                if let Some(networks) = &wanted.legacy_from {
                    body.insert("legacy_from".to_owned(), json!(networks));
                }
                if let Some(names) = &wanted.certificates {
                    body.insert("certificates".to_owned(), json!(names));
                }
                there.answer(there.request(Method::PATCH, &path(login, "authentication")?).json(&body)).await
            }
        }
    }

    pub(in super::super) async fn keys(&self, login: &str) -> anyhow::Result<Vec<Key>> {
        match self {
            Self::Here(here) => {
                let account = here.account_row(login).await?;
                Ok(here.record.keys(account.id).await?.into_iter().map(Key::from).collect())
            }
            Self::There(there) => there.whole_list(&path(login, "keys")?).await,
        }
    }

    pub(in super::super) async fn add_key(&self, login: &str, new: &NewKey) -> anyhow::Result<Key> {
        match self {
            Self::Here(here) => {
                let account = here.account_row(login).await?;
                Ok(proofs::add_key(&here.record, &account, new).await?.into())
            }
            Self::There(there) => {
                let body = json!({"key": new.line, "not_before": new.not_before, "not_after": new.not_after,
                    "authority": new.is_authority});
                there.post(&path(login, "keys")?, &body).await
            }
        }
    }

    pub(in super::super) async fn remove_key(&self, login: &str, fingerprint: &str) -> anyhow::Result<Authentication> {
        match self {
            Self::Here(here) => {
                let account = here.account_row(login).await?;
                proofs::remove_key(&here.record, &account, fingerprint).await?;
                here.authentication(&account).await
            }
            Self::There(there) => {
                let fingerprint = fingerprint.replace('/', "%2F").replace('+', "%2B");
                if !fingerprint.bytes().all(|byte| byte.is_ascii_alphanumeric() || b":%".contains(&byte)) {
                    bail!(
                        "`{fingerprint}` is no fingerprint; it reads SHA256:…, as `waybill account key list` shows it"
                    );
                }
                let path = path(login, &format!("keys/{fingerprint}"))?;
                there.answer(there.request(Method::DELETE, &path)).await
            }
        }
    }

    pub(in super::super) async fn enrol_totp(&self, login: &str) -> anyhow::Result<Enrolled> {
        match self {
            Self::Here(here) => {
                let account = here.account_row(login).await?;
                let enrolment = totp::enrol(&here.record, &Vault::new(&here.data), &account).await?;
                Ok(Enrolled {
                    otpauth: enrolment.otpauth.to_string(),
                    secret: enrolment.secret.to_string(),
                    recovery_codes: enrolment.recovery_codes.iter().map(|code| code.to_string()).collect(),
                })
            }
            Self::There(there) => there.answer(there.request(Method::POST, &path(login, "totp")?)).await,
        }
    }

    pub(in super::super) async fn remove_totp(&self, login: &str) -> anyhow::Result<Authentication> {
        match self {
            Self::Here(here) => {
                let account = here.account_row(login).await?;
                proofs::remove_totp(&here.record, &account).await?;
                here.authentication(&account).await
            }
            Self::There(there) => there.answer(there.request(Method::DELETE, &path(login, "totp")?)).await,
        }
    }
}

impl Here {
    async fn authentication(&self, account: &AccountRow) -> anyhow::Result<Authentication> {
        let proofs = self.record.proofs(account.id).await?;
        let usual_methods = proofs.methods.is_none();
        let methods = proofs.methods.unwrap_or_else(|| Methods::usual(proofs.has_totp));
        Ok(Authentication {
            account: account.id.to_string(),
            login: account.login.clone(),
            methods: methods.to_string().split(',').map(str::to_owned).collect(),
            usual_methods,
            totp: proofs.has_totp,
            recovery_codes_left: self.record.recovery_codes_left(account.id).await?,
            legacy_from: proofs.legacy_from.iter().map(Network::to_string).collect(),
            certificates: proofs.certificates,
            keys: proofs.keys.into_iter().map(Key::from).collect(),
        })
    }
}

/// Below an account; logins and ids have no character that a path would take for its own.
fn path(login: &str, rest: &str) -> anyhow::Result<String> {
    if login.is_empty() || !login.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)) {
        bail!("`{login}` is neither a login nor the id of an account");
    }
    Ok(format!("/v1/accounts/{login}/{rest}"))
}
