//! Second factors. A try is paid for before it is looked at, in one statement, so that a thousand tries at once are
//! no more than five.

use super::super::sql::{query, scalar};
use super::super::{Record, RecordError, Result};
use super::told;
use crate::domain::{AccountId, Timestamp};
use crate::record::AccountRow;

/// An account's second factor.
#[derive(Clone)]
pub struct TotpRow {
    /// Sealed.
    pub secret: String,
    /// The last step of time a code was taken for.
    pub last_step: i64,
}

impl std::fmt::Debug for TotpRow {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("TotpRow")
    }
}

/// Whether a code may be looked at.
#[derive(Debug)]
pub enum Try {
    /// It may; it counts as wrong until it is told to be right.
    Go(TotpRow),
    /// Too many were wrong; nothing is looked at until then.
    Locked(Timestamp),
    /// The account has no second factor.
    Nothing,
}

/// Wrong codes in a row before a delay.
const TRIES: i64 = 5;
/// The first delay; each further wrong code doubles it.
const DELAY_MICROS: i64 = 30_000_000;
/// Doublings at most: 30 s, 1, 2, 4, 8, 16 minutes.
const DOUBLINGS_MAX: i64 = 5;

impl Record {
    /// Enrols a second factor, in place of any other.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn enrol_totp(&self, account: &AccountRow, sealed: &str, codes_sha256: &[String]) -> Result<()> {
        let doing = || RecordError::doing("enrol a second factor");
        let mut tx = self.writing().await?;
        for statement in
            ["delete from account_totp where account_id = $1", "delete from account_recovery where account_id = $1"]
        {
            query(statement).bind(account.id.to_string()).execute(&mut tx).await.map_err(doing())?;
        }
        query("insert into account_totp (account_id, secret, created_at) values ($1, $2, $3)")
            .bind(account.id.to_string())
            .bind(sealed)
            .bind(Timestamp::now().micros())
            .execute(&mut tx)
            .await
            .map_err(doing())?;
        for code in codes_sha256 {
            query("insert into account_recovery (account_id, code_sha256) values ($1, $2)")
                .bind(account.id.to_string())
                .bind(code)
                .execute(&mut tx)
                .await
                .map_err(doing())?;
        }
        let said = format!("second factor (TOTP) enrolled for account `{}`", account.login);
        self.commit_with(tx, vec![told(account, said)], "enrol a second factor").await
    }

    /// Removes an account's second factor. False: it has none.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn remove_totp(&self, account: &AccountRow) -> Result<bool> {
        let doing = || RecordError::doing("remove a second factor");
        let mut tx = self.writing().await?;
        let statement = "delete from account_recovery where account_id = $1";
        query(statement).bind(account.id.to_string()).execute(&mut tx).await.map_err(doing())?;
        let removed = query("delete from account_totp where account_id = $1")
            .bind(account.id.to_string())
            .execute(&mut tx)
            .await
            .map_err(doing())?
            .rows_affected();
        if removed == 0 {
            return Ok(false);
        }
        let said = format!("second factor (TOTP) removed from account `{}`", account.login);
        self.commit_with(tx, vec![told(account, said)], "remove a second factor").await?;
        Ok(true)
    }

    /// Whether a second factor was ever sealed: then there is a master key, and no other one may be made.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn has_sealed(&self) -> Result<bool> {
        scalar("select count(*) from (select 1 from account_totp limit 1) as one")
            .fetch_one(&self.db.reader)
            .await
            .map(|count: i64| count > 0)
            .map_err(RecordError::doing("look for second factors"))
    }

    /// Recovery codes an account has left.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn recovery_codes_left(&self, account: AccountId) -> Result<i64> {
        scalar("select count(*) from account_recovery where account_id = $1")
            .bind(account.to_string())
            .fetch_one(&self.db.reader)
            .await
            .map_err(RecordError::doing("count recovery codes"))
    }

    /// Pays for a try.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn try_totp(&self, account: AccountId, now: Timestamp) -> Result<Try> {
        let doing = || RecordError::doing("try a code");
        let mut tx = self.writing().await?;
        let row = query("select secret, last_step, failures, locked_until from account_totp where account_id = $1")
            .bind(account.to_string())
            .fetch_optional(&mut tx)
            .await
            .map_err(doing())?;
        let Some(row) = row else { return Ok(Try::Nothing) };
        let locked_until = Timestamp::from_micros(row.get("locked_until"));
        if locked_until > now {
            return Ok(Try::Locked(locked_until));
        }
        let failures = row.get::<i64>("failures").saturating_add(1);
        let locked_until = match failures - TRIES {
            ..0 => 0,
            beyond => now.plus_micros(DELAY_MICROS << beyond.min(DOUBLINGS_MAX)).micros(),
        };
        query("update account_totp set failures = $1, locked_until = $2 where account_id = $3")
            .bind(failures)
            .bind(locked_until)
            .bind(account.to_string())
            .execute(&mut tx)
            .await
            .map_err(doing())?;
        tx.commit().await.map_err(doing())?;
        Ok(Try::Go(TotpRow { secret: row.get("secret"), last_step: row.get("last_step") }))
    }

    /// Takes the code of a step that was right. False: one of this step or a later one was taken meanwhile.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn take_totp_step(&self, account: AccountId, step: i64) -> Result<bool> {
        let mut tx = self.writing().await?;
        let taken = query(
            "update account_totp set last_step = $1, failures = 0, locked_until = 0
             where account_id = $2 and last_step < $1",
        )
        .bind(step)
        .bind(account.to_string())
        .execute(&mut tx)
        .await
        .map_err(RecordError::doing("take a code"))?
        .rows_affected();
        tx.commit().await.map_err(RecordError::doing("take a code"))?;
        Ok(taken == 1)
    }

    /// Takes a recovery code, once. False: the account has no such code.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn take_recovery_code(&self, account: AccountId, code_sha256: &str) -> Result<bool> {
        let doing = || RecordError::doing("take a recovery code");
        let mut tx = self.writing().await?;
        let taken = query("delete from account_recovery where account_id = $1 and code_sha256 = $2")
            .bind(account.to_string())
            .bind(code_sha256)
            .execute(&mut tx)
            .await
            .map_err(doing())?
            .rows_affected();
        if taken == 1 {
            query("update account_totp set failures = 0, locked_until = 0 where account_id = $1")
                .bind(account.to_string())
                .execute(&mut tx)
                .await
                .map_err(doing())?;
        }
        tx.commit().await.map_err(doing())?;
        Ok(taken == 1)
    }
}
