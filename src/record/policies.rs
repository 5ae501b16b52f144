//! The policies of accounts, and what stands in their drops.

use super::identity::text_id;
use super::sql::{On, Writing, query, scalar};
use super::{Record, RecordError, Result};
use crate::domain::{AccountId, AccountPolicy, Event, Policy, Timestamp, Usage};

/// An account's policy as it was at a revision; revision 0 was never changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PolicyRow {
    pub policy: AccountPolicy,
    pub revision: i64,
}

/// A policy that was changed.
#[derive(Debug)]
pub struct ChangedPolicy {
    pub account: AccountId,
    pub revision: i64,
    /// An error where what is stored cannot be read.
    pub policy: Result<AccountPolicy>,
}

/// What stands in a drop, but for one name, and what stands under that name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) others: Usage,
    pub(super) same_name: Usage,
}

/// Policies read at once by a daemon that looks for changes.
const CHANGES_MAX: i64 = 1_000;

impl Record {
    /// An account's own policy.
    ///
    /// # Errors
    /// The database did not answer, or what is stored cannot be read.
    pub async fn policy(&self, account: AccountId) -> Result<PolicyRow> {
        let row = query("select policy, revision from account_policy where account_id = $1")
            .bind(account.to_string())
            .fetch_optional(&self.db.reader)
            .await
            .map_err(RecordError::doing("read an account's policy"))?;
        let Some(row) = row else { return Ok(PolicyRow::default()) };
        Ok(PolicyRow { policy: policy_of(&row.get::<String>("policy"))?, revision: row.get("revision") })
    }

    /// Changes an account's own policy, as `change` makes it of what it is now; both in one transaction, so that no
    /// change of somebody else is lost. What `change` refuses is handed back.
    ///
    /// # Errors
    /// The database did not take it, or what is stored cannot be read.
    pub async fn change_policy<E>(
        &self,
        account: AccountId,
        change: impl FnOnce(&AccountPolicy) -> Result<(AccountPolicy, Event), E>,
    ) -> Result<Result<(), E>> {
        let doing = "change an account's policy";
        let mut tx = self.writing().await?;
        let known: Option<String> = scalar("select policy from account_policy where account_id = $1")
            .bind(account.to_string())
            .fetch_optional(&mut tx)
            .await
            .map_err(RecordError::doing(doing))?;
        let known = known.map_or_else(|| Ok(AccountPolicy::default()), |text| policy_of(&text))?;
        let (policy, event) = match change(&known) {
            Ok(changed) => changed,
            Err(refused) => return Ok(Err(refused)),
        };
        let text = serde_json::to_string(&policy).map_err(|_| RecordError::Corrupt { what: "a policy".to_owned() })?;
        query(
            "insert into account_policy (account_id, policy, revision, changed_at)
             select $1, $2, coalesce(max(revision), 0) + 1, $3 from account_policy where 1 = 1
             on conflict (account_id) do update set policy = excluded.policy, revision = excluded.revision,
                                                    changed_at = excluded.changed_at",
        )
        .bind(account.to_string())
        .bind(text)
        .bind(Timestamp::now().micros())
        .execute(&mut tx)
        .await
        .map_err(RecordError::doing(doing))?;
        self.commit_with(tx, vec![event], doing).await?;
        Ok(Ok(()))
    }

    /// The policies changed after a revision, in the order they were.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn policies_after(&self, revision: i64) -> Result<Vec<ChangedPolicy>> {
        let rows = query(
            "select account_id, policy, revision from account_policy where revision > $1 order by revision limit $2",
        )
        .bind(revision)
        .bind(CHANGES_MAX)
        .fetch_all(&self.db.reader)
        .await
        .map_err(RecordError::doing("look for changed policies"))?;
        rows.iter()
            .map(|row| {
                Ok(ChangedPolicy {
                    account: text_id(row, "account_id", AccountId::parse)?,
                    revision: row.get("revision"),
                    policy: policy_of(&row.get::<String>("policy")),
                })
            })
            .collect()
    }

    /// Keeps what holds for every account, and how long files stay listed, for whoever asks beside the daemon.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn keep_account_defaults(&self, defaults: &Policy, listed_micros: i64) -> Result<()> {
        let doing = || RecordError::doing("keep what holds for every account");
        let text = serde_json::to_string(defaults).map_err(|_| RecordError::Corrupt { what: "a policy".to_owned() })?;
        let mut tx = self.writing().await?;
        query(
            "insert into account_default (id, policy, listed_micros) values (1, $1, $2)
             on conflict (id) do update set policy = excluded.policy, listed_micros = excluded.listed_micros",
        )
        .bind(text)
        .bind(listed_micros)
        .execute(&mut tx)
        .await
        .map_err(doing())?;
        tx.commit().await.map_err(doing())
    }

    /// What held for every account, and how long files stayed listed, when a daemon ran last.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn account_defaults(&self) -> Result<Option<(Policy, i64)>> {
        let row = query("select policy, listed_micros from account_default where id = 1")
            .fetch_optional(&self.db.reader)
            .await
            .map_err(RecordError::doing("read what holds for every account"))?;
        row.map(|row| {
            let policy = serde_json::from_str(&row.get::<String>("policy"));
            let policy =
                policy.map_err(|_| RecordError::Corrupt { what: "what holds for every account".to_owned() })?;
            Ok((policy, row.get("listed_micros")))
        })
        .transpose()
    }

    /// The newest revision of any policy.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn newest_policy(&self) -> Result<i64> {
        scalar("select coalesce(max(revision), 0) from account_policy")
            .fetch_one(&self.db.reader)
            .await
            .map_err(RecordError::doing("find the newest policy"))
    }

    /// What stands in a drop: each name's newest listed file since a moment, and the bytes of what was broken off and
    /// can be gone on with.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn drop_usage(&self, principal: &str, since: Timestamp) -> Result<Usage> {
        let doing = || RecordError::doing("add up what stands in a drop");
        let standing = standing(On::from(&self.db.reader), principal, "", since).await;
        standing.map(|standing| standing.others).map_err(doing())
    }
}

pub(super) fn policy_of(text: &str) -> Result<AccountPolicy> {
    serde_json::from_str(text).map_err(|_| RecordError::Corrupt { what: "an account's policy".to_owned() })
}

/// What stands in a drop, as the transaction sees it.
pub(super) async fn standing_in(
    tx: &mut Writing,
    principal: &str,
    name: &str,
    since: Timestamp,
) -> Result<Standing, sqlx::Error> {
    standing(On::from(tx), principal, name, since).await
}

async fn standing(mut on: On<'_>, principal: &str, name: &str, since: Timestamp) -> Result<Standing, sqlx::Error> {
    let row = query(
        "select cast(coalesce(sum(case when u.name <> $2 then u.size_bytes else 0 end), 0) as bigint) as other_bytes,
                coalesce(sum(case when u.name <> $2 then 1 else 0 end), 0) as other_files,
                cast(coalesce(sum(case when u.name = $2 then u.size_bytes else 0 end), 0) as bigint) as same_bytes,
                coalesce(sum(case when u.name = $2 then 1 else 0 end), 0) as same_files
         from upload u
         where u.principal = $1 and u.state = 'committed' and u.listed = 1 and u.committed_at >= $3
           and not exists (select 1 from upload v where v.principal = u.principal and v.name = u.name
                           and v.state = 'committed' and v.version > u.version)",
    )
    .bind(principal)
    .bind(name)
    .bind(since.micros())
    .fetch_one(on.again())
    .await?;
    // A broken-off upload is no file yet, and takes its room all the same.
    let partial: i64 = scalar(
        "select cast(coalesce(sum(size_bytes), 0) as bigint) from upload
         where principal = $1 and name <> $2 and state = 'aborted' and resumable = 1 and opened_at >= $3",
    )
    .bind(principal)
    .bind(name)
    .bind(since.micros())
    .fetch_one(on.again())
    .await?;
    let number = |column| u64::try_from(row.get::<i64>(column)).unwrap_or(0);
    Ok(Standing {
        others: Usage {
            bytes: number("other_bytes").saturating_add(u64::try_from(partial).unwrap_or(0)),
            files: number("other_files"),
        },
        same_name: Usage { bytes: number("same_bytes"), files: number("same_files") },
    })
}
