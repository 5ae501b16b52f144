//! Who is kept out: one table for all nodes, of which each keeps a copy as long as its revision stays the same.

use super::sql::{Row, Writing, query, scalar};
use super::{Record, RecordError, Result};
use crate::config::Defend;
use crate::domain::{Event, Network, Severity, Timestamp};

/// A ban that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BanRow {
    pub network: Network,
    /// Made by the defender, not by an operator.
    pub automatic: bool,
    pub reason: String,
    /// How many automatic bans in a row this is.
    pub in_a_row: u32,
    pub since: Timestamp,
    /// `None`: until it is lifted.
    pub until: Option<Timestamp>,
}

/// What became of a wish for a ban.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Banned {
    Added(BanRow),
    /// There was one already, which is at least as long.
    Already(BanRow),
    /// There are too many, and all are operators'.
    Full,
}

impl Record {
    /// Keeps an address out because of what it did: longer each time in a row.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn ban_automatically(&self, network: Network, reason: &str, settings: &Defend) -> Result<Banned> {
        let doing = "add a ban";
        let mut tx = self.writing().await?;
        let now = Timestamp::now();
        let known = ban_of(&mut tx, network).await.map_err(RecordError::doing(doing))?;
        let in_a_row = match known {
            Some((known, lifted)) => {
                if !lifted && known.until.is_none_or(|until| until > now) {
                    return Ok(Banned::Already(known));
                }
                let forgotten = known.until.is_some_and(|until| until.plus_micros(settings.ban_memory.micros()) < now);
                // What an operator lifted was none of the address's fault.
                if lifted || forgotten { 1 } else { known.in_a_row.saturating_add(1) }
            }
            None => 1,
        };
        let until = now.plus_micros(settings.length(in_a_row).micros());
        let row =
            BanRow { network, automatic: true, reason: reason.to_owned(), in_a_row, since: now, until: Some(until) };
        self.put_ban(tx, row, settings.bans_max, "the defender").await
    }

    /// Keeps an address or a network out because an operator says so, until a moment or until it is lifted.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn ban(
        &self,
        network: Network,
        until: Option<Timestamp>,
        reason: &str,
        by: &str,
        bans_max: u32,
    ) -> Result<Banned> {
        let tx = self.writing().await?;
        let (reason, since) = (reason.to_owned(), Timestamp::now());
        let row = BanRow { network, automatic: false, reason, in_a_row: 0, since, until };
        self.put_ban(tx, row, bans_max, by).await
    }

    async fn put_ban(&self, mut tx: Writing, row: BanRow, bans_max: u32, by: &str) -> Result<Banned> {
        let doing = "add a ban";
        if !make_room(&mut tx, row.network, bans_max).await.map_err(RecordError::doing(doing))? {
            return Ok(Banned::Full);
        }
        query(
            "insert into ban (network, source, reason, in_a_row, since_at, until_at, lifted_at, revision)
             values ($1, $2, $3, $4, $5, $6, null, $7)
             on conflict (network) do update set source = excluded.source, reason = excluded.reason,
                 in_a_row = excluded.in_a_row, since_at = excluded.since_at, until_at = excluded.until_at,
                 lifted_at = null, revision = excluded.revision",
        )
        .bind(row.network.to_string())
        .bind(if row.automatic { "automatic" } else { "operator" })
        .bind(&row.reason)
        .bind(i64::from(row.in_a_row))
        .bind(row.since.micros())
        .bind(row.until.map(Timestamp::micros))
        .bind(next_revision(&mut tx).await.map_err(RecordError::doing(doing))?)
        .execute(&mut tx)
        .await
        .map_err(RecordError::doing(doing))?;
        let until = row.until.map_or_else(|| "it is lifted".to_owned(), |until| until.to_string());
        let msg = format!("{} is kept out until {until}: {}", row.network, row.reason);
        let mut event = Event::new("ban.added", Severity::Warn, msg)
            .data("network", row.network.to_string())
            .data("source", if row.automatic { "automatic" } else { "operator" })
            .data("reason", row.reason.clone())
            .data("in_a_row", row.in_a_row)
            .data("until", row.until.map(|until| until.to_string()))
            .data("by", by);
        event.ip = Some(row.network.to_string());
        self.commit_with(tx, vec![event], doing).await?;
        Ok(Banned::Added(row))
    }

    /// Lets an address or a network in again; the ban that held.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn lift_ban(&self, network: Network, by: &str) -> Result<Option<BanRow>> {
        let doing = "lift a ban";
        let mut tx = self.writing().await?;
        let now = Timestamp::now();
        let known = ban_of(&mut tx, network).await.map_err(RecordError::doing(doing))?;
        let Some((row, false)) = known.filter(|(row, _)| row.until.is_none_or(|until| until > now)) else {
            return Ok(None);
        };
        let revision = next_revision(&mut tx).await.map_err(RecordError::doing(doing))?;
        query("update ban set lifted_at = $1, revision = $2 where network = $3")
            .bind(now.micros())
            .bind(revision)
            .bind(network.to_string())
            .execute(&mut tx)
            .await
            .map_err(RecordError::doing(doing))?;
        let mut event = Event::new("ban.lifted", Severity::Info, format!("{network} may come in again"))
            .data("network", network.to_string())
            .data("reason", row.reason.clone())
            .data("by", by);
        event.ip = Some(network.to_string());
        self.commit_with(tx, vec![event], doing).await?;
        Ok(Some(row))
    }

    /// The bans that hold at `now`, newest first, at most `limit`.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn bans(&self, now: Timestamp, limit: u32) -> Result<Vec<BanRow>> {
        let rows = query(
            "select network, source, reason, in_a_row, since_at, until_at from ban
             where lifted_at is null and (until_at is null or until_at > $1)
             order by since_at desc, network limit $2",
        )
        .bind(now.micros())
        .bind(i64::from(limit))
        .fetch_all(&self.db.reader)
        .await
        .map_err(RecordError::doing("list the bans"))?;
        rows.iter().map(row_of).collect()
    }

    /// Changes whenever the bans do.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn bans_revision(&self) -> Result<i64> {
        scalar("select coalesce(max(revision), 0) from ban")
            .fetch_one(&self.db.reader)
            .await
            .map_err(RecordError::doing("ask whether the bans have changed"))
    }

    /// Forgets bans that ended before `before`.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn forget_bans(&self, before: Timestamp) -> Result<()> {
        let doing = "forget old bans";
        let mut tx = self.writing().await?;
        query("delete from ban where until_at < $1 or lifted_at < $1")
            .bind(before.micros())
            .execute(&mut tx)
            .await
            .map_err(RecordError::doing(doing))?;
        tx.commit().await.map_err(RecordError::doing(doing))
    }
}

/// What is known of a network, and whether its ban was lifted.
async fn ban_of(tx: &mut Writing, network: Network) -> Result<Option<(BanRow, bool)>, sqlx::Error> {
    let row =
        query("select network, source, reason, in_a_row, since_at, until_at, lifted_at from ban where network = $1")
            .bind(network.to_string())
            .fetch_optional(&mut *tx)
            .await?;
    Ok(row.and_then(|row| Some((row_of(&row).ok()?, row.get::<Option<i64>>("lifted_at").is_some()))))
}

/// Whether one more fits; what is over goes first, then what is over soonest.
async fn make_room(tx: &mut Writing, network: Network, bans_max: u32) -> Result<bool, sqlx::Error> {
    let count: i64 =
        scalar("select count(*) from ban where network <> $1").bind(network.to_string()).fetch_one(&mut *tx).await?;
    let over = count + 1 - i64::from(bans_max);
    if over <= 0 {
        return Ok(true);
    }
    let gone = query(
        "delete from ban where network in (
             select network from ban where network <> $1 and (source = 'automatic' or lifted_at is not null)
             order by case when lifted_at is null then 1 else 0 end, until_at, network limit $2)",
    )
    .bind(network.to_string())
    .bind(over)
    .execute(&mut *tx)
    .await?;
    Ok(i64::try_from(gone.rows_affected()).unwrap_or(0) >= over)
}

/// Never one there has been, even if its row is gone.
async fn next_revision(tx: &mut Writing) -> Result<i64, sqlx::Error> {
    let largest: i64 = scalar("select coalesce(max(revision), 0) from ban").fetch_one(&mut *tx).await?;
    Ok(Timestamp::now().micros().max(largest.saturating_add(1)))
}

fn row_of(row: &Row) -> Result<BanRow> {
    let network: String = row.get("network");
    let network = network.parse().map_err(|_| RecordError::Corrupt { what: format!("the ban of `{network}`") })?;
    let source: String = row.get("source");
    Ok(BanRow {
        network,
        automatic: source == "automatic",
        reason: row.get("reason"),
        in_a_row: u32::try_from(row.get::<i64>("in_a_row")).unwrap_or(u32::MAX),
        since: Timestamp::from_micros(row.get("since_at")),
        until: row.get::<Option<i64>>("until_at").map(Timestamp::from_micros),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        text.parse().unwrap()
    }

    async fn shown(record: &Record) -> Vec<String> {
        let bans = record.bans(Timestamp::now(), 100).await.unwrap();
        let mut shown: Vec<_> = bans.iter().map(|ban| ban.network.to_string()).collect();
        shown.sort();
        shown
    }

    #[tokio::test]
    async fn bans_in_a_row_grow_and_a_lifted_one_does_not_count() {
        let data = tempfile::tempdir().unwrap();
        let record = Record::open(data.path(), 1).await.unwrap();
        let settings = Defend::default();
        let mut lengths = Vec::new();
        for _ in 0..3 {
            let Banned::Added(ban) = record.ban_automatically(network("203.0.113.7"), "x", &settings).await.unwrap()
            else {
                panic!("not added")
            };
            lengths.push((ban.until.unwrap().micros() - ban.since.micros()) / 1_000_000);
            let again = record.ban_automatically(network("203.0.113.7"), "x", &settings).await.unwrap();
            assert!(matches!(again, Banned::Already(_)), "two nodes at once make one ban");
            // Its time passes.
            let over = Timestamp::now().plus_micros(-1).micros();
            let mut tx = record.writing().await.unwrap();
            query("update ban set until_at = $1").bind(over).execute(&mut tx).await.unwrap();
            tx.commit().await.unwrap();
            assert!(shown(&record).await.is_empty());
        }
        assert_eq!(lengths, [1_800, 2_700, 4_050]);
        // Lifted: it starts anew.
        record.ban_automatically(network("203.0.113.7"), "x", &settings).await.unwrap();
        assert!(record.lift_ban(network("203.0.113.7"), "me").await.unwrap().is_some());
        assert!(record.lift_ban(network("203.0.113.7"), "me").await.unwrap().is_none());
        let Banned::Added(ban) = record.ban_automatically(network("203.0.113.7"), "x", &settings).await.unwrap() else {
            panic!("not added")
        };
        assert_eq!(ban.in_a_row, 1);
    }

    #[tokio::test]
    async fn the_table_is_bounded_and_every_change_is_seen() {
        let data = tempfile::tempdir().unwrap();
        let record = Record::open(data.path(), 1).await.unwrap();
        let settings = Defend { bans_max: 3, ..Defend::default() };
        let mut revision = record.bans_revision().await.unwrap();
        let mut changed = async |record: &Record| {
            let now = record.bans_revision().await.unwrap();
            assert!(now > revision);
            revision = now;
        };
        record.ban(network("198.51.100.0/24"), None, "a bad neighbourhood", "me", 3).await.unwrap();
        changed(&record).await;
        for last in 1..=9 {
            let address = network(&format!("203.0.113.{last}"));
            assert!(matches!(record.ban_automatically(address, "x", &settings).await.unwrap(), Banned::Added(_)));
            changed(&record).await;
        }
        assert_eq!(shown(&record).await, ["198.51.100.0/24", "203.0.113.8", "203.0.113.9"]);
        for last in [8, 9] {
            record.ban(network(&format!("203.0.113.{last}")), None, "for good", "me", 3).await.unwrap();
        }
        assert_eq!(record.ban_automatically(network("203.0.113.1"), "x", &settings).await.unwrap(), Banned::Full);
        record.lift_ban(network("203.0.113.8"), "me").await.unwrap();
        changed(&record).await;
        record.ban_automatically(network("203.0.113.1"), "x", &settings).await.unwrap();
        assert_eq!(shown(&record).await, ["198.51.100.0/24", "203.0.113.1", "203.0.113.9"]);
        record.lift_ban(network("203.0.113.1"), "me").await.unwrap();
        record.forget_bans(Timestamp::now().plus_micros(1)).await.unwrap();
        assert_eq!(shown(&record).await, ["198.51.100.0/24", "203.0.113.9"]);
    }
}
