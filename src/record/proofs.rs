//! What accounts prove themselves with: keys for a time, authorities, certificates, and the ways these go together.
//! Second factors are in [`totp`].

mod totp;

pub use totp::{TotpRow, Try};

use super::identity::{AccountRow, taken};
use super::sql::{Row, Writing, query, scalar};
use super::{Record, RecordError, Result};
use crate::domain::{AccountId, Event, Methods, Network, Severity, Timestamp};

/// A public key of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRow {
    /// `SHA256:…`, as OpenSSH shows it.
    pub fingerprint: String,
    /// `type base64`.
    pub public_key: String,
    pub comment: String,
    /// It logs in from then on; without it, at once.
    pub not_before: Option<Timestamp>,
    /// It logs in until then; without it, until it is removed.
    pub not_after: Option<Timestamp>,
    /// It signs OpenSSH user certificates for the account, and does not log in itself.
    pub is_authority: bool,
    pub created_at: Timestamp,
}

impl KeyRow {
    /// `valid`, `not_yet_valid` or `expired`.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> &'static str {
        if self.not_before.is_some_and(|from| now < from) {
            "not_yet_valid"
        } else if self.not_after.is_some_and(|until| now >= until) {
            "expired"
        } else {
            "valid"
        }
    }
}

/// Everything a login is judged by, but the password. Never logged.
#[derive(Clone)]
pub struct Proofs {
    pub keys: Vec<KeyRow>,
    /// `None`: the usual.
    pub methods: Option<Methods>,
    pub has_totp: bool,
    /// Where the legacy algorithms may be spoken.
    pub legacy_from: Vec<Network>,
    /// Names in TLS client certificates that stand for the account: `cn:acme`.
    pub certificates: Vec<String>,
}

impl std::fmt::Debug for Proofs {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Proofs({} keys)", self.keys.len())
    }
}

/// What is to be different about an account's proofs; `None` leaves it as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProofsChange {
    /// `Some(None)`: the usual.
    pub methods: Option<Option<Methods>>,
    pub legacy_from: Option<Vec<Network>>,
    pub certificates: Option<Vec<String>>,
}

/// Keys an account may have, those that are expired and not yet valid among them.
pub const KEYS_MAX: usize = 100;

impl Record {
    /// What a login of this account is judged by.
    ///
    /// # Errors
    /// The database did not answer, or what it has is none of ours: then nobody comes in.
    pub async fn proofs(&self, account: AccountId) -> Result<Proofs> {
        let row = query(
            "select auth_methods, legacy_from,
                    exists (select 1 from account_totp t where t.account_id = a.id) as has_totp
             from account a where a.id = $1",
        )
        .bind(account.to_string())
        .fetch_one(&self.db.reader)
        .await
        .map_err(RecordError::doing("look up how an account logs in"))?;
        let certificates = scalar("select name from account_certificate where account_id = $1 order by name limit 100")
            .bind(account.to_string())
            .fetch_all(&self.db.reader)
            .await
            .map_err(RecordError::doing("look up the certificates of an account"))?;
        let methods = row
            .get::<Option<String>>("auth_methods")
            .map(|text| text.parse().map_err(|_| RecordError::Corrupt { what: format!("auth_methods `{text}`") }))
            .transpose()?;
        Ok(Proofs {
            keys: self.keys(account).await?,
            methods,
            has_totp: row.get::<i64>("has_totp") != 0,
            legacy_from: networks(row.get("legacy_from"))?,
            certificates,
        })
    }

    /// The keys of an account, the oldest first.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn keys(&self, account: AccountId) -> Result<Vec<KeyRow>> {
        Ok(query(
            "select fingerprint, public_key, comment, not_before, not_after, is_authority, created_at
             from account_key where account_id = $1 order by created_at, fingerprint limit 1000",
        )
        .bind(account.to_string())
        .fetch_all(&self.db.reader)
        .await
        .map_err(RecordError::doing("list the keys of an account"))?
        .iter()
        .map(key_of)
        .collect())
    }

    /// Adds a key. False: the account has [`KEYS_MAX`] of them already.
    ///
    /// # Errors
    /// [`RecordError::Exists`] when the account has it.
    pub async fn add_key(&self, account: &AccountRow, key: &KeyRow) -> Result<bool> {
        let mut tx = self.writing().await?;
        let count: i64 = scalar("select count(*) from account_key where account_id = $1")
            .bind(account.id.to_string())
            .fetch_one(&mut tx)
            .await
            .map_err(RecordError::doing("count the keys of an account"))?;
        if usize::try_from(count).map_or(true, |count| count >= KEYS_MAX) {
            return Ok(false);
        }
        query(
            "insert into account_key
                 (account_id, fingerprint, public_key, comment, not_before, not_after, is_authority, created_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(account.id.to_string())
        .bind(&key.fingerprint)
        .bind(&key.public_key)
        .bind(&key.comment)
        .bind(key.not_before.map(Timestamp::micros))
        .bind(key.not_after.map(Timestamp::micros))
        .bind(i64::from(key.is_authority))
        .bind(key.created_at.micros())
        .execute(&mut tx)
        .await
        .map_err(taken("key", &key.fingerprint, "add a key"))?;
        let what = if key.is_authority { "authority" } else { "key" };
        let said = format!("{what} {} added to account `{}`{}", key.fingerprint, account.login, validity(key));
        self.commit_with(tx, vec![told(account, said)], "add a key").await?;
        Ok(true)
    }

    /// Removes a key. False: the account has none with this fingerprint.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn remove_key(&self, account: &AccountRow, fingerprint: &str) -> Result<bool> {
        let mut tx = self.writing().await?;
        let removed = query("delete from account_key where account_id = $1 and fingerprint = $2")
            .bind(account.id.to_string())
            .bind(fingerprint)
            .execute(&mut tx)
            .await
            .map_err(RecordError::doing("remove a key"))?
            .rows_affected();
        if removed == 0 {
            return Ok(false);
        }
        let said = format!("key {fingerprint} removed from account `{}`", account.login);
        self.commit_with(tx, vec![told(account, said)], "remove a key").await?;
        Ok(true)
    }

    /// Changes how an account logs in.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn change_proofs(&self, account: &AccountRow, change: &ProofsChange) -> Result<()> {
        let doing = || RecordError::doing("change how an account logs in");
        let mut tx = self.writing().await?;
        let mut said = vec![];
        if let Some(methods) = &change.methods {
            let text = methods.as_ref().map(Methods::to_string);
            query("update account set auth_methods = $1 where id = $2")
                .bind(&text)
                .bind(account.id.to_string())
                .execute(&mut tx)
                .await
                .map_err(doing())?;
            said.push(format!("account `{}` logs in by {}", account.login, text.as_deref().unwrap_or("the usual")));
        }
        if let Some(networks) = &change.legacy_from {
            let text = networks.iter().map(Network::to_string).collect::<Vec<_>>().join(" ");
            query("update account set legacy_from = $1 where id = $2")
                .bind(Some(&text).filter(|text| !text.is_empty()))
                .bind(account.id.to_string())
                .execute(&mut tx)
                .await
                .map_err(doing())?;
            let whence = if text.is_empty() { "nowhere" } else { &text };
            said.push(format!("account `{}` may speak the legacy algorithms from {whence}", account.login));
        }
        if let Some(names) = &change.certificates {
            replace_certificates(&mut tx, account.id, names).await.map_err(doing())?;
            let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            said.push(format!("TLS client certificates of account `{}`: {names}", account.login));
        }
        let events = said.into_iter().map(|text| told(account, text)).collect();
        self.commit_with(tx, events, "change how an account logs in").await
    }

    /// Every network from which any account may speak the legacy algorithms.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn legacy_networks(&self) -> Result<Vec<Network>> {
        let texts: Vec<Option<String>> =
            scalar("select legacy_from from account where legacy_from is not null order by id limit 10000")
                .fetch_all(&self.db.reader)
                .await
                .map_err(RecordError::doing("list the networks of the legacy algorithms"))?;
        let mut all = vec![];
        for text in texts {
            all.extend(networks(text)?);
        }
        Ok(all)
    }
}

async fn replace_certificates(tx: &mut Writing, account: AccountId, names: &[String]) -> sqlx::Result<()> {
    query("delete from account_certificate where account_id = $1").bind(account.to_string()).execute(&mut *tx).await?;
    for name in names {
        query("insert into account_certificate (account_id, name, created_at) values ($1, $2, $3)")
            .bind(account.to_string())
            .bind(name)
            .bind(Timestamp::now().micros())
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

/// An operator's deed, as it is told.
fn told(account: &AccountRow, said: String) -> Event {
    let mut event = Event::new("admin.action", Severity::Info, said).org(account.organisation);
    event.user = Some(account.login.clone());
    event
}

fn validity(key: &KeyRow) -> String {
    match (key.not_before, key.not_after) {
        (None, None) => String::new(),
        (Some(from), None) => format!(", valid from {from}"),
        (None, Some(until)) => format!(", valid until {until}"),
        (Some(from), Some(until)) => format!(", valid from {from} until {until}"),
    }
}

pub(super) fn networks(text: Option<String>) -> Result<Vec<Network>> {
    let text = text.unwrap_or_default();
    text.split_whitespace()
        .map(|word| word.parse().map_err(|_| RecordError::Corrupt { what: format!("legacy_from `{text}`") }))
        .collect()
}

fn key_of(row: &Row) -> KeyRow {
    let moment = |column| row.get::<Option<i64>>(column).map(Timestamp::from_micros);
    KeyRow {
        fingerprint: row.get("fingerprint"),
        public_key: row.get("public_key"),
        comment: row.get("comment"),
        not_before: moment("not_before"),
        not_after: moment("not_after"),
        is_authority: row.get::<i64>("is_authority") != 0,
        created_at: Timestamp::from_micros(row.get("created_at")),
    }
}
