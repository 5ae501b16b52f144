//! Feed profiles, as text; every change is a new version, and the newest counts.

use super::sql::query;
use super::{Record, RecordError, Result};
use crate::domain::{Event, OrganisationId, Scope, Severity, Timestamp};

/// A profile as it was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileRow {
    /// `None`: for everybody.
    pub organisation: Option<OrganisationId>,
    pub name: String,
    pub version: i64,
    /// TOML.
    pub text: String,
    pub created_at: Timestamp,
}

impl Record {
    /// Makes this text the newest version of a profile; the version. The same text again changes nothing.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn apply_profile(&self, organisation: Option<OrganisationId>, name: &str, text: &str) -> Result<i64> {
        let doing = || RecordError::doing("apply a profile");
        let owner = organisation.map(|id| id.to_string()).unwrap_or_default();
        let mut tx = self.writing().await?;
        let newest = query(
            "select version, text from profile where organisation_id = $1 and name = $2 order by version desc limit 1",
        )
        .bind(&owner)
        .bind(name)
        .fetch_optional(&mut tx)
        .await
        .map_err(doing())?;
        if let Some(newest) = &newest
            && newest.get::<String>("text") == text
        {
            return Ok(newest.get("version"));
        }
        let version = newest.map_or(0, |row| row.get::<i64>("version")) + 1;
        query("insert into profile (organisation_id, name, version, text, created_at) values ($1, $2, $3, $4, $5)")
            .bind(&owner)
            .bind(name)
            .bind(version)
            .bind(text)
            .bind(Timestamp::now().micros())
            .execute(&mut tx)
            .await
            .map_err(doing())?;
        let mut event =
            Event::new("admin.action", Severity::Info, format!("profile `{name}` is now at version {version}"));
        event.org = organisation;
        event.feed = Some(name.to_owned());
        self.commit_with(tx, vec![event], "apply a profile").await?;
        Ok(version)
    }

    /// The newest version of each profile a scope may use: its organisation's own before everybody's.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn profiles(&self, scope: &Scope) -> Result<Vec<ProfileRow>> {
        let mut seen = self.seen_by(scope, "list the profiles").await?;
        let rows = query(
            "select p.organisation_id, p.name, p.version, p.text, p.created_at from profile p
             where ($1 is null or p.organisation_id = $1 or p.organisation_id = '')
               and p.version = (select max(q.version) from profile q
                                where q.organisation_id = p.organisation_id and q.name = p.name)
             order by p.organisation_id desc, p.name limit 1000",
        )
        .bind(scope.organisation().map(|id| id.to_string()))
        .fetch_all(&mut seen)
        .await
        .map_err(RecordError::doing("list the profiles"))?;
        Ok(rows
            .iter()
            .map(|row| ProfileRow {
                organisation: OrganisationId::parse(&row.get::<String>("organisation_id")),
                name: row.get("name"),
                version: row.get("version"),
                text: row.get("text"),
                created_at: Timestamp::from_micros(row.get("created_at")),
            })
            .collect())
    }
}
