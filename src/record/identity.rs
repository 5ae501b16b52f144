//! Who there is: organisations, their accounts with passwords and keys, and API tokens.

use super::sql::{Row, query};
use super::{Record, RecordError, Result};
use crate::domain::{AccountId, Event, OrganisationId, Scope, Severity, Timestamp, TokenId};

/// A payer or a supplier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganisationRow {
    pub id: OrganisationId,
    pub name: String,
    /// `payer` or `supplier`.
    pub kind: String,
    pub created_at: Timestamp,
}

/// A login, without its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRow {
    pub id: AccountId,
    pub organisation: OrganisationId,
    pub organisation_name: String,
    pub login: String,
    pub has_password: bool,
    /// `SHA256:…` of each key that may log in.
    pub keys: Vec<String>,
    pub created_at: Timestamp,
}

/// What is needed to check a login. Never logged.
#[derive(Clone)]
pub struct Credential {
    pub account: AccountId,
    pub organisation: OrganisationId,
    pub login: String,
    /// A PHC string.
    pub password_hash: Option<String>,
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Credential({})", self.login)
    }
}

/// An API token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    pub id: TokenId,
    /// `None`: an operator's.
    pub organisation: Option<OrganisationId>,
    pub name: String,
    /// SHA-256 of the secret, in hexadecimal.
    pub secret_sha256: String,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
}

impl Record {
    /// Adds an organisation.
    ///
    /// # Errors
    /// [`RecordError::Exists`] when the name is taken.
    pub async fn add_organisation(&self, name: &str, kind: &str) -> Result<OrganisationRow> {
        let row = OrganisationRow {
            id: OrganisationId::random(),
            name: name.to_owned(),
            kind: kind.to_owned(),
            created_at: Timestamp::now(),
        };
        let mut tx = self.writing().await?;
        query("insert into organisation (id, name, kind, created_at) values ($1, $2, $3, $4)")
            .bind(row.id.to_string())
            .bind(name)
            .bind(kind)
            .bind(row.created_at.micros())
            .execute(&mut tx)
            .await
            .map_err(taken("organisation", name, "add an organisation"))?;
        let event =
            Event::new("admin.action", Severity::Info, format!("organisation `{name}` ({kind}) added")).org(row.id);
        self.commit_with(tx, vec![event], "add an organisation").await?;
        Ok(row)
    }

    /// The organisation with this id or name.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn organisation(&self, id_or_name: &str) -> Result<Option<OrganisationRow>> {
        query("select id, name, kind, created_at from organisation where id = $1 or name = $1")
            .bind(id_or_name)
            .fetch_optional(&self.db.reader)
            .await
            .map_err(RecordError::doing("look up an organisation"))?
            .map(|row| organisation_of(&row))
            .transpose()
    }

    /// The organisations a scope shows, by name.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn organisations(&self, scope: &Scope) -> Result<Vec<OrganisationRow>> {
        let mut seen = self.seen_by(scope, "list the organisations").await?;
        query(
            "select id, name, kind, created_at from organisation where $1 is null or id = $1 order by name limit 10000",
        )
        .bind(scope.organisation().map(|id| id.to_string()))
        .fetch_all(&mut seen)
        .await
        .map_err(RecordError::doing("list the organisations"))?
        .iter()
        .map(organisation_of)
        .collect()
    }

    /// Adds an account. Keys come as (fingerprint, public key, comment).
    ///
    /// # Errors
    /// [`RecordError::Exists`] when the login is taken.
    pub async fn add_account(
        &self,
        organisation: OrganisationId,
        login: &str,
        password_hash: Option<&str>,
        keys: &[(String, String, String)],
    ) -> Result<AccountId> {
        let id = AccountId::random();
        let now = Timestamp::now();
        let mut tx = self.writing().await?;
        query(
            "insert into account (id, organisation_id, login, password_hash, created_at) values ($1, $2, $3, $4, $5)",
        )
        .bind(id.to_string())
        .bind(organisation.to_string())
        .bind(login)
        .bind(password_hash)
        .bind(now.micros())
        .execute(&mut tx)
        .await
        .map_err(taken("account", login, "add an account"))?;
        for (fingerprint, key, comment) in keys {
            query(
                "insert into account_key (account_id, fingerprint, public_key, comment, created_at)
                 values ($1, $2, $3, $4, $5)",
            )
            .bind(id.to_string())
            .bind(fingerprint)
            .bind(key)
            .bind(comment)
            .bind(now.micros())
            .execute(&mut tx)
            .await
            .map_err(taken("key", fingerprint, "add a key"))?;
        }
        let mut event =
            Event::new("admin.action", Severity::Info, format!("account `{login}` added")).org(organisation);
        event.user = Some(login.to_owned());
        self.commit_with(tx, vec![event], "add an account").await?;
        Ok(id)
    }

    /// The accounts a scope shows, by login.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn accounts(&self, scope: &Scope) -> Result<Vec<AccountRow>> {
        self.accounts_named(scope, None).await
    }

    /// The account with this id or login, if the scope shows it.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn account(&self, scope: &Scope, login: &str) -> Result<Option<AccountRow>> {
        Ok(self.accounts_named(scope, Some(login)).await?.into_iter().next())
    }

    async fn accounts_named(&self, scope: &Scope, login: Option<&str>) -> Result<Vec<AccountRow>> {
        let mut seen = self.seen_by(scope, "list the accounts").await?;
        let rows = query(
            "select a.id, a.organisation_id, o.name as organisation_name, a.login, a.created_at,
                    a.password_hash is not null as has_password,
                    (select string_agg(k.fingerprint, ' ') from account_key k
                     where k.account_id = a.id and k.is_authority = 0) as keys
             from account a join organisation o on o.id = a.organisation_id
             where ($1 is null or a.organisation_id = $1) and ($2 is null or a.login = $2 or a.id = $2)
             order by a.login limit 100000",
        )
        .bind(scope.organisation().map(|id| id.to_string()))
        .bind(login)
        .fetch_all(&mut seen)
        .await
        .map_err(RecordError::doing("list the accounts"))?;
        rows.iter()
            .map(|row| {
                Ok(AccountRow {
                    id: text_id(row, "id", AccountId::parse)?,
                    organisation: text_id(row, "organisation_id", OrganisationId::parse)?,
                    organisation_name: row.get("organisation_name"),
                    login: row.get("login"),
                    has_password: row.get::<i64>("has_password") != 0,
                    keys: row
                        .get::<Option<String>>("keys")
                        .map(|keys| keys.split(' ').map(str::to_owned).collect())
                        .unwrap_or_default(),
                    created_at: Timestamp::from_micros(row.get("created_at")),
                })
            })
            .collect()
    }

    /// What is needed to check this login; `None` when there is no such account.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn credential(&self, login: &str) -> Result<Option<Credential>> {
        let account = query("select id, organisation_id, password_hash from account where login = $1")
            .bind(login)
            .fetch_optional(&self.db.reader)
            .await
            .map_err(RecordError::doing("look up an account"))?;
        let Some(account) = account else { return Ok(None) };
        Ok(Some(Credential {
            account: text_id(&account, "id", AccountId::parse)?,
            organisation: text_id(&account, "organisation_id", OrganisationId::parse)?,
            login: login.to_owned(),
            password_hash: account.get("password_hash"),
        }))
    }

    /// Adds an API token; only the hash of its secret is kept.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn add_token(
        &self,
        organisation: Option<OrganisationId>,
        name: &str,
        id: TokenId,
        secret_sha256: &str,
        expires_at: Option<Timestamp>,
    ) -> Result<()> {
        let mut tx = self.writing().await?;
        query(
            "insert into token (id, organisation_id, name, secret_sha256, created_at, expires_at)
             values ($1, $2, $3, $4, $5, $6)",
        )
        .bind(id.to_string())
        .bind(organisation.map(|id| id.to_string()))
        .bind(name)
        .bind(secret_sha256)
        .bind(Timestamp::now().micros())
        .bind(expires_at.map(Timestamp::micros))
        .execute(&mut tx)
        .await
        .map_err(RecordError::doing("add a token"))?;
        let mut event = Event::new("admin.action", Severity::Info, format!("API token `{name}` created"));
        event.org = organisation;
        self.commit_with(tx, vec![event], "add a token").await
    }

    /// The token with this id, if it is neither revoked nor expired.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn token(&self, id: TokenId) -> Result<Option<TokenRow>> {
        let row = query(
            "select id, organisation_id, name, secret_sha256, created_at, expires_at from token
             where id = $1 and revoked_at is null and (expires_at is null or expires_at > $2)",
        )
        .bind(id.to_string())
        .bind(Timestamp::now().micros())
        .fetch_optional(&self.db.reader)
        .await
        .map_err(RecordError::doing("look up a token"))?;
        row.map(|row| {
            let organisation = row.get::<Option<String>>("organisation_id");
            Ok(TokenRow {
                id,
                organisation: organisation
                    .map(|text| OrganisationId::parse(&text).ok_or(RecordError::Corrupt { what: text }))
                    .transpose()?,
                name: row.get("name"),
                secret_sha256: row.get("secret_sha256"),
                created_at: Timestamp::from_micros(row.get("created_at")),
                expires_at: row.get::<Option<i64>>("expires_at").map(Timestamp::from_micros),
            })
        })
        .transpose()
    }
}

fn organisation_of(row: &Row) -> Result<OrganisationRow> {
    Ok(OrganisationRow {
        id: text_id(row, "id", OrganisationId::parse)?,
        name: row.get("name"),
        kind: row.get("kind"),
        created_at: Timestamp::from_micros(row.get("created_at")),
    })
}

/// An id column as its type.
pub(super) fn text_id<T>(row: &Row, column: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T> {
    let text: String = row.get(column);
    parse(&text).ok_or_else(|| RecordError::Corrupt { what: format!("{column} `{text}`") })
}

pub(super) fn taken(what: &'static str, name: &str, doing: &'static str) -> impl FnOnce(sqlx::Error) -> RecordError {
    let name = name.to_owned();
    move |error| match &error {
        sqlx::Error::Database(inner) if inner.is_unique_violation() => RecordError::Exists { what, name },
        _ => RecordError::Database { doing, source: error },
    }
}
