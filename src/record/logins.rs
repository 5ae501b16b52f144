//! What a login is judged by, in one question: it is asked at every step of every login, and each question costs a turn
//! between threads.

use super::identity::{Credential, text_id};
use super::policies::{PolicyRow, policy_of};
use super::proofs::{KeyRow, Proofs, networks};
use super::sql::{Row, query};
use super::{Record, RecordError, Result};
use crate::domain::{AccountId, OrganisationId, Timestamp};

/// An account, what it proves itself with, and its own policy.
#[derive(Debug)]
pub struct LoginRow {
    pub credential: Credential,
    pub proofs: Proofs,
    /// An error where what is stored cannot be read: only who has proved everything may learn that.
    pub policy: Result<PolicyRow>,
}

/// One row of the account, and one of each key, certificate and policy it has.
const LOGIN: &str = "select 'account' as part, id as name, organisation_id as detail, password_hash as text,
            auth_methods as methods, legacy_from as legacy_from,
            (select count(*) from account_totp t where t.account_id = a.id) as number,
            cast(null as bigint) as not_before, cast(null as bigint) as not_after, created_at
     from account a where a.login = $1
     union all
     select 'key', k.fingerprint, k.public_key, k.comment, null, null, k.is_authority, k.not_before, k.not_after, k.created_at
     from account_key k join account a on a.id = k.account_id where a.login = $1
     union all
     select 'certificate', c.name, null, null, null, null, null, null, null, c.created_at
     from account_certificate c join account a on a.id = c.account_id where a.login = $1
     union all
     select 'policy', null, p.policy, null, null, null, p.revision, null, null, null
     from account_policy p join account a on a.id = p.account_id where a.login = $1";

impl Record {
    /// What this login is judged by; `None` when there is no such account.
    ///
    /// # Errors
    /// The database did not answer, or what it has is none of ours: then nobody comes in.
    pub async fn login(&self, login: &str) -> Result<Option<LoginRow>> {
        let rows = query(LOGIN)
            .bind(login)
            .fetch_all(&self.db.reader)
            .await
            .map_err(RecordError::doing("look up an account"))?;
        let is = |part: &'static str| move |row: &&Row| row.get::<String>("part") == part;
        let Some(account) = rows.iter().find(is("account")) else { return Ok(None) };
        let methods = account
            .get::<Option<String>>("methods")
            .map(|text| text.parse().map_err(|_| RecordError::Corrupt { what: format!("auth_methods `{text}`") }))
            .transpose()?;
        let moment = |row: &Row, column| row.get::<Option<i64>>(column).map(Timestamp::from_micros);
        let keys = rows.iter().filter(is("key")).map(|row| KeyRow {
            fingerprint: row.get("name"),
            public_key: row.get("detail"),
            comment: row.get("text"),
            not_before: moment(row, "not_before"),
            not_after: moment(row, "not_after"),
            is_authority: row.get::<i64>("number") != 0,
            created_at: Timestamp::from_micros(row.get("created_at")),
        });
        let policy = rows.iter().find(is("policy")).map_or_else(
            || Ok(PolicyRow::default()),
            |row| Ok(PolicyRow { policy: policy_of(&row.get::<String>("detail"))?, revision: row.get("number") }),
        );
        Ok(Some(LoginRow {
            credential: Credential {
                account: text_id(account, "name", AccountId::parse)?,
                organisation: text_id(account, "detail", OrganisationId::parse)?,
                login: login.to_owned(),
                password_hash: account.get("text"),
            },
            proofs: Proofs {
                keys: keys.collect(),
                methods,
                has_totp: account.get::<i64>("number") != 0,
                legacy_from: networks(account.get("legacy_from"))?,
                certificates: rows.iter().filter(is("certificate")).map(|row| row.get("name")).collect(),
            },
            policy,
        }))
    }
}
