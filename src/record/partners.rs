//! Partners' servers: whose turn it is to be fetched from or brought to, and how the last turn went. What was taken is
//! in `pulled`, what is sent in `pushed`.

mod pulled;
mod pushed;

use std::time::Duration;

pub use pulled::{PulledRow, PulledState, RemoteKey};
pub use pushed::{NewPush, PushRow, PushState};

use super::sql::{Row, query, scalar};
use super::{Record, RecordError, Result};
use crate::domain::{Event, Timestamp};

/// Which way files go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    Pull,
    Push,
}

impl Direction {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "push",
        }
    }
}

/// The right to work on one direction of one partner, until it runs out. Whoever has the newest fence has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    pub partner: String,
    pub direction: Direction,
    pub fence: i64,
    /// Turns before it that failed, in a row.
    pub failures: u32,
    /// An operator has asked for it.
    pub asked: bool,
}

/// How a turn went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    pub due: Timestamp,
    /// In a row, this one included; 0 if it did not fail.
    pub failures: u32,
    pub failure: Option<String>,
    /// Files that were taken, or sent.
    pub files: u64,
    /// Files that are left for a later turn.
    pub waiting: u64,
    pub refused: u64,
}

/// How a direction of a partner stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnRow {
    pub partner: String,
    pub direction: String,
    /// Somebody is at it.
    pub running: bool,
    pub due: Timestamp,
    pub began: Option<Timestamp>,
    pub ended: Option<Timestamp>,
    pub failures: u32,
    pub failure: Option<String>,
    pub files: u64,
    pub waiting: u64,
    pub refused: u64,
}

impl Record {
    /// Makes sure that a partner has a turn in this direction, at `due` or earlier.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn know_partner(&self, partner: &str, direction: Direction, due: Timestamp) -> Result<()> {
        let doing = || RecordError::doing("note a partner");
        let mut tx = self.writing().await?;
        let now = tx.now().await.map_err(doing())?.micros();
        query(
            "insert into partner (name, direction, due_at, scanned_to) values ($1, $2, $3, $4)
             on conflict (name, direction) do update set due_at = excluded.due_at
             where partner.due_at > excluded.due_at and partner.failures = 0",
        )
        .bind(partner)
        .bind(direction.as_str())
        .bind(due.micros())
        .bind(now)
        .execute(&mut tx)
        .await
        .map_err(doing())?;
        tx.commit().await.map_err(doing())
    }

    /// The directions whose turn it is, and at which nobody is.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn partners_due(&self) -> Result<Vec<(String, String)>> {
        let doing = || RecordError::doing("look whose turn it is");
        let now = self.now().await.map_err(doing())?;
        let rows = query(
            "select name, direction from partner where due_at <= $1 and lease_until < $1
             order by due_at, name, direction limit 10000",
        )
        .bind(now.micros())
        .fetch_all(&self.db.reader)
        .await
        .map_err(doing())?;
        Ok(rows.iter().map(|row| (row.get("name"), row.get("direction"))).collect())
    }

    /// Takes a turn, if it is one's and nobody else has.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn take_turn(
        &self,
        partner: &str,
        direction: Direction,
        owner: &str,
        lease: Duration,
    ) -> Result<Option<Turn>> {
        let doing = || RecordError::doing("take a turn at a partner");
        let mut tx = self.writing().await?;
        let now = tx.now().await.map_err(doing())?;
        let asked: Option<i64> = scalar(
            "select case when asked_at >= coalesce(began_at, 0) and asked_at > 0 then 1 else 0 end
             from partner where name = $1 and direction = $2",
        )
        .bind(partner)
        .bind(direction.as_str())
        .fetch_optional(&mut tx)
        .await
        .map_err(doing())?;
        let row = query(
            "update partner set owner = $3, fence = fence + 1, lease_until = $4, began_at = $5
             where name = $1 and direction = $2 and due_at <= $5 and lease_until < $5
             returning fence, failures",
        )
        .bind(partner)
        .bind(direction.as_str())
        .bind(owner)
        .bind(now.plus_micros(micros(lease)).micros())
        .bind(now.micros())
        .fetch_optional(&mut tx)
        .await
        .map_err(doing())?;
        tx.commit().await.map_err(doing())?;
        Ok(row.map(|row| Turn {
            partner: partner.to_owned(),
            direction,
            fence: row.get("fence"),
            failures: u32::try_from(row.get::<i64>("failures")).unwrap_or(u32::MAX),
            asked: asked == Some(1),
        }))
    }

    /// Holds on to a turn; `false` when somebody else has it by now.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn keep_turn(&self, turn: &Turn, lease: Duration) -> Result<bool> {
        let doing = || RecordError::doing("hold on to a turn at a partner");
        let mut tx = self.writing().await?;
        let now = tx.now().await.map_err(doing())?;
        let done = query(
            "update partner set lease_until = $4 where name = $1 and direction = $2 and fence = $3 and owner is not null",
        )
        .bind(&turn.partner)
        .bind(turn.direction.as_str())
        .bind(turn.fence)
        .bind(now.plus_micros(micros(lease)).micros())
        .execute(&mut tx)
        .await
        .map_err(doing())?;
        tx.commit().await.map_err(doing())?;
        Ok(done.rows_affected() == 1)
    }

    /// Ends a turn and says when the next one is; `false` when somebody else has it by now. An operator who has asked
    /// meanwhile gets another one at once.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn end_turn(&self, turn: &Turn, ended: &Ended, events: Vec<Event>) -> Result<bool> {
        let doing = "end a turn at a partner";
        let mut tx = self.writing().await?;
        let now = tx.now().await.map_err(RecordError::doing(doing))?;
        let done = query(
            "update partner set owner = null, lease_until = 0, ended_at = $4, failures = $5, failure = $6,
                files = $7, waiting = $8, refused = $9,
                due_at = case when asked_at > began_at then asked_at else $10 end
             where name = $1 and direction = $2 and fence = $3 and owner is not null",
        )
        .bind(&turn.partner)
        .bind(turn.direction.as_str())
        .bind(turn.fence)
        .bind(now.micros())
        .bind(i64::from(ended.failures))
        .bind(&ended.failure)
        .bind(i64::try_from(ended.files).unwrap_or(i64::MAX))
        .bind(i64::try_from(ended.waiting).unwrap_or(i64::MAX))
        .bind(i64::try_from(ended.refused).unwrap_or(i64::MAX))
        .bind(ended.due.micros())
        .execute(&mut tx)
        .await
        .map_err(RecordError::doing(doing))?;
        if done.rows_affected() != 1 {
            return Ok(false);
        }
        self.commit_with(tx, events, doing).await?;
        Ok(true)
    }

    /// Makes it a partner's turn now: an operator asks. When that was.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn ask_partner(&self, partner: &str, direction: Direction) -> Result<Timestamp> {
        let doing = || RecordError::doing("ask for a turn at a partner");
        let mut tx = self.writing().await?;
        let now = tx.now().await.map_err(doing())?;
        query(
            "insert into partner (name, direction, due_at, asked_at, scanned_to) values ($1, $2, $3, $3, $3)
             on conflict (name, direction) do update set due_at = excluded.due_at, asked_at = excluded.asked_at",
        )
        .bind(partner)
        .bind(direction.as_str())
        .bind(now.micros())
        .execute(&mut tx)
        .await
        .map_err(doing())?;
        tx.commit().await.map_err(doing())?;
        Ok(now)
    }

    /// How the partners stand.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn partners(&self) -> Result<Vec<TurnRow>> {
        let doing = || RecordError::doing("list the partners");
        let rows = query(
            "select name, direction, lease_until, due_at, began_at, ended_at, failures, failure, files, waiting, refused
             from partner order by name, direction limit 10000",
        )
        .fetch_all(&self.db.reader)
        .await
        .map_err(doing())?;
        let now = self.now().await.map_err(doing())?.micros();
        Ok(rows.iter().map(|row| turn_row(row, now)).collect())
    }
}

fn turn_row(row: &Row, now: i64) -> TurnRow {
    let count = |name: &str| u64::try_from(row.get::<i64>(name)).unwrap_or(0);
    TurnRow {
        partner: row.get("name"),
        direction: row.get("direction"),
        running: row.get::<i64>("lease_until") > now,
        due: Timestamp::from_micros(row.get("due_at")),
        began: row.get::<Option<i64>>("began_at").map(Timestamp::from_micros),
        ended: row.get::<Option<i64>>("ended_at").map(Timestamp::from_micros),
        failures: u32::try_from(row.get::<i64>("failures")).unwrap_or(u32::MAX),
        failure: row.get("failure"),
        files: count("files"),
        waiting: count("waiting"),
        refused: count("refused"),
    }
}

fn micros(length: Duration) -> i64 {
    i64::try_from(length.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_secs(60);

    fn ended(due: Timestamp) -> Ended {
        Ended { due, failures: 0, failure: None, files: 3, waiting: 0, refused: 0 }
    }

    #[tokio::test]
    async fn of_several_nodes_one_has_the_turn_and_only_it_can_end_it() {
        let data = tempfile::tempdir().unwrap();
        let record = Record::open(data.path(), 1).await.unwrap();
        record.know_partner("acme", Direction::Pull, Timestamp::now()).await.unwrap();
        assert_eq!(record.partners_due().await.unwrap(), [("acme".to_owned(), "pull".to_owned())]);
        let first = record.take_turn("acme", Direction::Pull, "a", Duration::ZERO).await.unwrap().unwrap();
        // Its lease is over at once: the other node takes the turn, and the first has lost it.
        tokio::time::sleep(Duration::from_millis(2)).await;
        let second = record.take_turn("acme", Direction::Pull, "b", LEASE).await.unwrap().unwrap();
        assert!(second.fence > first.fence);
        assert_eq!(record.take_turn("acme", Direction::Pull, "c", LEASE).await.unwrap(), None);
        assert!(record.partners_due().await.unwrap().is_empty());
        assert!(!record.keep_turn(&first, LEASE).await.unwrap());
        let later = Timestamp::now().plus_micros(3_600_000_000);
        assert!(!record.end_turn(&first, &ended(later), vec![]).await.unwrap());
        assert!(record.keep_turn(&second, LEASE).await.unwrap());
        assert!(record.end_turn(&second, &ended(later), vec![]).await.unwrap());
        assert!(!record.end_turn(&second, &ended(later), vec![]).await.unwrap(), "once");
        let row = record.partners().await.unwrap().remove(0);
        assert_eq!((row.running, row.files, row.due), (false, 3, later));
    }

    #[tokio::test]
    async fn an_operator_who_asks_gets_a_turn_also_while_one_is_under_way() {
        let data = tempfile::tempdir().unwrap();
        let record = Record::open(data.path(), 1).await.unwrap();
        let later = Timestamp::now().plus_micros(3_600_000_000);
        record.know_partner("acme", Direction::Push, later).await.unwrap();
        assert_eq!(record.take_turn("acme", Direction::Push, "a", LEASE).await.unwrap(), None);
        record.ask_partner("acme", Direction::Push).await.unwrap();
        let turn = record.take_turn("acme", Direction::Push, "a", LEASE).await.unwrap().unwrap();
        assert!(turn.asked);
        tokio::time::sleep(Duration::from_millis(2)).await;
        record.ask_partner("acme", Direction::Push).await.unwrap();
        record.end_turn(&turn, &ended(later), vec![]).await.unwrap();
        let turn = record.take_turn("acme", Direction::Push, "a", LEASE).await.unwrap().unwrap();
        assert!(turn.asked, "what was under way had begun before");
        record.end_turn(&turn, &ended(later), vec![]).await.unwrap();
        assert_eq!(record.take_turn("acme", Direction::Push, "a", LEASE).await.unwrap(), None);
        // Settings that make it sooner count at once; those that make it later, from the next turn on.
        record.know_partner("acme", Direction::Push, Timestamp::now()).await.unwrap();
        assert_eq!(record.partners_due().await.unwrap().len(), 1);
        assert!(!record.take_turn("acme", Direction::Push, "a", LEASE).await.unwrap().unwrap().asked);
    }
}
