//! What a client has already sent under an `Idempotency-Key`.

use super::sql::query;
use super::{Record, RecordError, Result};
use crate::domain::{ArrivalId, Digest, Timestamp};

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remembered {
    /// Never seen: it is this request's now.
    New,
    /// The same request, finished: this is what it made.
    Done(ArrivalId),
    /// The same request is still under way.
    UnderWay,
    /// Another request used this key.
    Mismatch,
}

/// A request that never finished stops blocking its key after this long, in microseconds.
const UNDER_WAY_MICROS: i64 = 3_600 * 1_000_000;
/// Keys are kept this long, in microseconds: 48 hours.
const KEPT_MICROS: i64 = 48 * 3_600 * 1_000_000;

impl Record {
    /// Takes a key for a request, or says what is known of it.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn remember(&self, principal: &str, key: &str, request: Digest) -> Result<Remembered> {
        let doing = || RecordError::doing("look up an idempotency key");
        let now = Timestamp::now().micros();
        let mut tx = self.writing().await?;
        query("delete from idempotency where created_at < $1 or (upload_id is null and created_at < $2)")
            .bind(now - KEPT_MICROS)
            .bind(now - UNDER_WAY_MICROS)
            .execute(&mut tx)
            .await
            .map_err(doing())?;
        let row =
            query("select request_sha256, upload_id from idempotency where principal = $1 and idempotency_key = $2")
                .bind(principal)
                .bind(key)
                .fetch_optional(&mut tx)
                .await
                .map_err(doing())?;
        let known = match row {
            None => {
                query(
                    "insert into idempotency (principal, idempotency_key, request_sha256, created_at) values ($1, $2, $3, $4)",
                )
                .bind(principal)
                .bind(key)
                .bind(request.to_string())
                .bind(now)
                .execute(&mut tx)
                .await
                .map_err(doing())?;
                Remembered::New
            }
            Some(row) if row.get::<String>("request_sha256") != request.to_string() => Remembered::Mismatch,
            Some(row) => row
                .get::<Option<String>>("upload_id")
                .and_then(|text| ArrivalId::parse(&text))
                .map_or(Remembered::UnderWay, Remembered::Done),
        };
        tx.commit().await.map_err(doing())?;
        Ok(known)
    }

    /// Notes what a key's request made; `None` frees the key after a failure.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn remember_done(&self, principal: &str, key: &str, made: Option<ArrivalId>) -> Result<()> {
        let doing = || RecordError::doing("keep an idempotency key");
        let mut tx = self.writing().await?;
        let text = match made {
            Some(_) => "update idempotency set upload_id = $3 where principal = $1 and idempotency_key = $2",
            None => "delete from idempotency where principal = $1 and idempotency_key = $2 and $3 is null",
        };
        query(text)
            .bind(principal)
            .bind(key)
            .bind(made.map(|id| id.to_string()))
            .execute(&mut tx)
            .await
            .map_err(doing())?;
        tx.commit().await.map_err(doing())
    }
}
