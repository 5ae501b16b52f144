//! What is on its way to partners' servers: queued once, sent once.

use super::{Record, RecordError, Result, Turn};
use crate::domain::{ArrivalId, Event, OrganisationId, Timestamp};
use crate::record::identity::text_id;
use crate::record::sql::{Row, query, scalar};

/// A file to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPush {
    pub identity: String,
    pub organisation: Option<OrganisationId>,
    /// What it answers.
    pub upload: Option<ArrivalId>,
    pub name: String,
    pub object_key: String,
    pub size_bytes: u64,
}

/// A file on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushRow {
    pub id: ArrivalId,
    pub partner: String,
    pub organisation: Option<OrganisationId>,
    pub upload: Option<ArrivalId>,
    pub name: String,
    pub object_key: String,
    pub size_bytes: u64,
    pub state: PushState,
    /// The name it has, or is about to have, there.
    pub placed_as: Option<String>,
    pub attempts: u32,
    pub reason: Option<String>,
    pub queued: Timestamp,
    pub sent: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushState {
    Waiting,
    /// Every byte is there under the temporary name, which is about to be given up.
    Placing,
    Sent,
    GivenUp,
}

impl PushState {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Placing => "placing",
            Self::Sent => "sent",
            Self::GivenUp => "given_up",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Waiting, Self::Placing, Self::Sent, Self::GivenUp].into_iter().find(|state| state.as_str() == text)
    }
}

/// Answers queued in one transaction.
const ANSWERS_MAX: i64 = 1_000;
/// Transactions that have not ended yet may publish an answer under an earlier time than some that were seen.
const SCAN_OVERLAP_MICROS: i64 = 10 * 60 * 1_000_000;

impl Record {
    /// Whether there is something to do for a partner: a file that waits, an answer that is not queued yet, or a last look
    /// so long ago that the next one would be slow.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn has_pushes(&self, partner: &str, answers_of: Option<OrganisationId>) -> Result<bool> {
        let doing = || RecordError::doing("look for files to send to a partner");
        let waiting: i64 = scalar(
            "select count(*) from (select 1 from partner_pushed
             where partner = $1 and state in ('waiting', 'placing') and not_before <= $2 limit 1) as found",
        )
        .bind(partner)
        .bind(Timestamp::now().micros())
        .fetch_one(&self.db.reader)
        .await
        .map_err(doing())?;
        if waiting > 0 {
            return Ok(true);
        }
        let Some(organisation) = answers_of else { return Ok(false) };
        let long_ago: i64 =
            scalar("select count(*) from partner where name = $1 and direction = 'push' and scanned_to < $2")
                .bind(partner)
                .bind(Timestamp::now().plus_micros(-3 * SCAN_OVERLAP_MICROS).micros())
                .fetch_one(&self.db.reader)
                .await
                .map_err(doing())?;
        if long_ago > 0 {
            return Ok(true);
        }
        let fresh: i64 = scalar(
            "select count(*) from (
                select 1 from ingestion i join upload u on u.id = i.upload_id
                where u.organisation_id = $2
                  and i.published_at >= (select p.scanned_to from partner p where p.name = $1 and p.direction = 'push')
                  and not exists (select 1 from partner_pushed s where s.partner = $1
                                  and s.identity = 'answer:' || i.content_id || ':' || i.active_gen)
                limit 1) as found",
        )
        .bind(partner)
        .bind(organisation.to_string())
        .fetch_one(&self.db.reader)
        .await
        .map_err(doing())?;
        Ok(fresh > 0)
    }

    /// Queues the answers to what an organisation has sent that are newer than the last ones; how many.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn queue_answers(&self, turn: &Turn, organisation: OrganisationId) -> Result<usize> {
        let doing = || RecordError::doing("queue answers for a partner");
        let mut queued = 0;
        loop {
            let mut tx = self.writing().await?;
            let now = tx.now().await.map_err(doing())?;
            let rows = query(
                "select i.content_id, i.active_gen, i.answer_suffix, i.answer_key, i.answer_bytes, u.id, u.name
                 from ingestion i join upload u on u.id = i.upload_id
                 where u.organisation_id = $2
                   and i.published_at >= (select p.scanned_to from partner p where p.name = $1 and p.direction = 'push')
                   and not exists (select 1 from partner_pushed s where s.partner = $1
                                   and s.identity = 'answer:' || i.content_id || ':' || i.active_gen)
                 order by i.published_at, i.content_id limit $3",
            )
            .bind(&turn.partner)
            .bind(organisation.to_string())
            .bind(ANSWERS_MAX)
            .fetch_all(&mut tx)
            .await
            .map_err(doing())?;
            for row in &rows {
                let (content, generation): (String, i64) = (row.get("content_id"), row.get("active_gen"));
                let (name, suffix): (String, String) = (row.get("name"), row.get("answer_suffix"));
                query(
                    "insert into partner_pushed (id, partner, identity, organisation_id, upload_id, name, object_key,
                        size_bytes, state, queued_at)
                     values ($1, $2, $3, $4, $5, $6, $7, $8, 'waiting', $9)",
                )
                .bind(ArrivalId::random().to_string())
                .bind(&turn.partner)
                .bind(format!("answer:{content}:{generation}"))
                .bind(organisation.to_string())
                .bind(row.get::<String>("id"))
                .bind(format!("{name}{suffix}"))
                .bind(row.get::<String>("answer_key"))
                .bind(row.get::<i64>("answer_bytes"))
                .bind(now.micros())
                .execute(&mut tx)
                .await
                .map_err(doing())?;
            }
            let more = i64::try_from(rows.len()).unwrap_or(0) == ANSWERS_MAX;
            if !more {
                query(
                    "update partner set scanned_to = $3
                     where name = $1 and direction = 'push' and fence = $2 and scanned_to < $3",
                )
                .bind(&turn.partner)
                .bind(turn.fence)
                .bind(now.plus_micros(-SCAN_OVERLAP_MICROS).micros())
                .execute(&mut tx)
                .await
                .map_err(doing())?;
            }
            tx.commit().await.map_err(doing())?;
            queued += rows.len();
            if !more {
                return Ok(queued);
            }
        }
    }

    /// Queues a file; the one that is known by this identity already, if there is one.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn queue_push(&self, partner: &str, new: &NewPush) -> Result<(PushRow, bool)> {
        let doing = || RecordError::doing("queue a file for a partner");
        let mut tx = self.writing().await?;
        let done = query(
            "insert into partner_pushed (id, partner, identity, organisation_id, upload_id, name, object_key, size_bytes,
                state, queued_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, 'waiting', $9) on conflict (partner, identity) do nothing",
        )
        .bind(ArrivalId::random().to_string())
        .bind(partner)
        .bind(&new.identity)
        .bind(new.organisation.map(|id| id.to_string()))
        .bind(new.upload.map(|id| id.to_string()))
        .bind(&new.name)
        .bind(&new.object_key)
        .bind(i64::try_from(new.size_bytes).unwrap_or(i64::MAX))
        .bind(Timestamp::now().micros())
        .execute(&mut tx)
        .await
        .map_err(doing())?;
        let row = query(
            "select id, partner, organisation_id, upload_id, name, object_key, size_bytes, state, placed_as, attempts,
                reason, queued_at, sent_at
             from partner_pushed where partner = $1 and identity = $2",
        )
        .bind(partner)
        .bind(&new.identity)
        .fetch_one(&mut tx)
        .await
        .map_err(doing())?;
        tx.commit().await.map_err(doing())?;
        Ok((push_row(&row)?, done.rows_affected() == 1))
    }

    /// The files that wait to be sent, oldest first, at most `limit`.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn pushes_waiting(&self, partner: &str, limit: u32) -> Result<Vec<PushRow>> {
        let rows = query(
            "select id, partner, organisation_id, upload_id, name, object_key, size_bytes, state, placed_as, attempts,
                reason, queued_at, sent_at
             from partner_pushed where partner = $1 and state in ('waiting', 'placing') and not_before <= $2
             order by queued_at, id limit $3",
        )
        .bind(partner)
        .bind(Timestamp::now().micros())
        .bind(i64::from(limit))
        .fetch_all(&self.db.reader)
        .await
        .map_err(RecordError::doing("list files to send to a partner"))?;
        rows.iter().map(push_row).collect()
    }

    /// A file on its way.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn push(&self, id: ArrivalId) -> Result<Option<PushRow>> {
        let row = query(
            "select id, partner, organisation_id, upload_id, name, object_key, size_bytes, state, placed_as, attempts,
                reason, queued_at, sent_at
             from partner_pushed where id = $1",
        )
        .bind(id.to_string())
        .fetch_optional(&self.db.reader)
        .await
        .map_err(RecordError::doing("look up a file to send to a partner"))?;
        row.as_ref().map(push_row).transpose()
    }

    /// How many files wait for a partner, also those that wait for their next try.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn pushes_left(&self, partner: &str) -> Result<u64> {
        let count: i64 =
            scalar("select count(*) from partner_pushed where partner = $1 and state in ('waiting', 'placing')")
                .bind(partner)
                .fetch_one(&self.db.reader)
                .await
                .map_err(RecordError::doing("count files to send to a partner"))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Notes that every byte is there, and the name that is about to be given; `false` when the turn is lost.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn push_placing(&self, turn: &Turn, id: ArrivalId, placed_as: &str) -> Result<bool> {
        let doing = "note that a file is being placed";
        let mut tx = self.writing().await?;
        let done = query(
            "update partner_pushed set state = 'placing', placed_as = $4
             where id = $1 and state in ('waiting', 'placing')
               and exists (select 1 from partner where name = $2 and direction = 'push' and fence = $3
                           and owner is not null)",
        )
        .bind(id.to_string())
        .bind(&turn.partner)
        .bind(turn.fence)
        .bind(placed_as)
        .execute(&mut tx)
        .await
        .map_err(RecordError::doing(doing))?;
        tx.commit().await.map_err(RecordError::doing(doing))?;
        Ok(done.rows_affected() == 1)
    }

    /// Notes that a file has been sent; `false` when that is known already.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn push_sent(&self, id: ArrivalId, event: Event) -> Result<bool> {
        let doing = "note that a file has been sent";
        let mut tx = self.writing().await?;
        let done = query(
            "update partner_pushed set state = 'sent', sent_at = $2, reason = null where id = $1 and state = 'placing'",
        )
        .bind(id.to_string())
        .bind(Timestamp::now().micros())
        .execute(&mut tx)
        .await
        .map_err(RecordError::doing(doing))?;
        if done.rows_affected() != 1 {
            return Ok(false);
        }
        self.commit_with(tx, vec![event], doing).await?;
        Ok(true)
    }

    /// Notes that a file could not be sent, and when it is tried again; `None`: it is given up. Only what has not been
    /// placed can be.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn push_failed(
        &self,
        id: ArrivalId,
        reason: &str,
        again: Option<Timestamp>,
        events: Vec<Event>,
    ) -> Result<()> {
        let doing = "note that a file could not be sent";
        let now = Timestamp::now().micros();
        let mut tx = self.writing().await?;
        query(
            "update partner_pushed set attempts = attempts + 1, reason = $2, not_before = $3,
                state = case when $4 = 1 and state = 'waiting' then 'given_up' else state end,
                sent_at = case when $4 = 1 and state = 'waiting' then $5 else sent_at end
             where id = $1 and state in ('waiting', 'placing')",
        )
        .bind(id.to_string())
        .bind(reason)
        .bind(again.map_or(now, Timestamp::micros))
        .bind(i64::from(again.is_none()))
        .bind(now)
        .execute(&mut tx)
        .await
        .map_err(RecordError::doing(doing))?;
        self.commit_with(tx, events, doing).await
    }
}

fn push_row(row: &Row) -> Result<PushRow> {
    let state: String = row.get("state");
    Ok(PushRow {
        id: text_id(row, "id", ArrivalId::parse)?,
        partner: row.get("partner"),
        organisation: row.get::<Option<String>>("organisation_id").and_then(|id| OrganisationId::parse(&id)),
        upload: row.get::<Option<String>>("upload_id").and_then(|id| ArrivalId::parse(&id)),
        name: row.get("name"),
        object_key: row.get("object_key"),
        size_bytes: u64::try_from(row.get::<i64>("size_bytes")).unwrap_or(0),
        state: PushState::parse(&state)
            .ok_or_else(|| RecordError::Corrupt { what: format!("the state `{state}` of a file to send") })?,
        placed_as: row.get("placed_as"),
        attempts: u32::try_from(row.get::<i64>("attempts")).unwrap_or(u32::MAX),
        reason: row.get("reason"),
        queued: Timestamp::from_micros(row.get("queued_at")),
        sent: row.get::<Option<i64>>("sent_at").map(Timestamp::from_micros),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::Direction;
    use super::*;
    use crate::domain::Severity;

    fn new(identity: &str) -> NewPush {
        NewPush {
            identity: identity.to_owned(),
            organisation: None,
            upload: None,
            name: "a.edi".to_owned(),
            object_key: "p/x/y".to_owned(),
            size_bytes: 5,
        }
    }

    #[tokio::test]
    async fn what_is_queued_twice_is_one_file_and_what_is_placed_is_not_given_up() {
        let data = tempfile::tempdir().unwrap();
        let record = Record::open(data.path(), 1).await.unwrap();
        record.know_partner("acme", Direction::Push, Timestamp::now()).await.unwrap();
        assert!(!record.has_pushes("acme", None).await.unwrap());
        let (first, is_new) = record.queue_push("acme", &new("file:1")).await.unwrap();
        assert!(is_new && record.has_pushes("acme", None).await.unwrap());
        let (again, is_new) = record.queue_push("acme", &new("file:1")).await.unwrap();
        assert_eq!((again.id, is_new), (first.id, false));
        let turn = record.take_turn("acme", Direction::Push, "a", Duration::from_secs(60)).await.unwrap().unwrap();
        let later = Timestamp::now().plus_micros(60_000_000);
        record.push_failed(first.id, "no room", Some(later), vec![]).await.unwrap();
        assert!(record.pushes_waiting("acme", 10).await.unwrap().is_empty());
        assert_eq!(record.pushes_left("acme").await.unwrap(), 1);
        assert!(record.push_placing(&turn, first.id, "a.edi").await.unwrap());
        record.push_failed(first.id, "gone", None, vec![]).await.unwrap();
        assert_eq!(record.push(first.id).await.unwrap().unwrap().state, PushState::Placing);
        let event = Event::new("partner.sent", Severity::Info, "x");
        assert!(record.push_sent(first.id, event.clone()).await.unwrap());
        assert!(!record.push_sent(first.id, event).await.unwrap(), "once");
        let (sent, _) = record.queue_push("acme", &new("file:1")).await.unwrap();
        assert_eq!((sent.state, sent.placed_as.as_deref(), sent.attempts), (PushState::Sent, Some("a.edi"), 2));
        let (second, _) = record.queue_push("acme", &new("file:2")).await.unwrap();
        record.push_failed(second.id, "refused", None, vec![]).await.unwrap();
        assert_eq!(record.push(second.id).await.unwrap().unwrap().state, PushState::GivenUp);
        let stale = Turn { fence: turn.fence - 1, ..turn };
        let (third, _) = record.queue_push("acme", &new("file:3")).await.unwrap();
        assert!(!record.push_placing(&stale, third.id, "a.edi").await.unwrap());
    }

    #[tokio::test]
    async fn what_is_in_line_is_not_taken_off_the_shelf() {
        let data = tempfile::tempdir().unwrap();
        let record = Record::open(data.path(), 1).await.unwrap();
        let found = ["p/acme/one".to_owned(), "p/acme/two".to_owned()];
        record.note_orphans(&found).await.unwrap();
        record.queue_push("acme", &NewPush { object_key: found[0].clone(), ..new("file:1") }).await.unwrap();
        record.note_orphans(&found).await.unwrap();
        assert_eq!(record.bury_orphan(Duration::ZERO).await.unwrap().as_deref(), Some("p/acme/two"));
        record.orphan_gone("p/acme/two", Duration::from_secs(60)).await.unwrap();
        assert_eq!(record.bury_orphan(Duration::ZERO).await.unwrap(), None);
    }
}
