//! The moment an upload becomes an arrival (DURABILITY section 2, step 6): its quota is kept, its content known and its
//! job queued in one transaction.

use super::held::{SameBytes, release_same_bytes, same_bytes};
use super::policies::standing_in;
use super::sql::{Writing, query, scalar};
use super::together::{Reply, Work};
use super::{Record, RecordError, Result};
use crate::domain::{ArrivalId, Digest, Event, Forbidden, Quota, Severity, Timestamp, Usage};
use crate::laboratory::is_planted;

/// What is known of a sealed and stored original: step 6.
#[derive(Debug, Clone)]
pub struct Commit {
    pub id: ArrivalId,
    pub epoch: i64,
    pub size_bytes: u64,
    pub digest: Digest,
    pub object_key: String,
    /// A temporary name: it becomes an arrival when it is renamed.
    pub held: bool,
    /// Its sender has not said that it is whole: it is held until its content proves it.
    pub unproven: bool,
    /// What may stand in the drop, and since when what came counts.
    pub quota: Quota,
    pub listed_since: Timestamp,
}

#[cfg(test)]
impl Commit {
    /// Three bytes under this key, which are also its content, as tests need it.
    pub(super) fn example(id: ArrivalId, object_key: &str) -> Self {
        Self {
            id,
            epoch: 1,
            size_bytes: 3,
            digest: Digest::of(object_key.as_bytes()),
            object_key: object_key.to_owned(),
            held: false,
            unproven: false,
            quota: Quota::default(),
            listed_since: Timestamp::now(),
        }
    }
}

/// What a commit came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommitReply {
    Committed(Committed),
    /// It does not fit any more: other uploads were faster. Nothing of it is kept.
    OverQuota(Forbidden),
    /// It is not being received any more.
    Gone,
}

/// What a commit made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The earlier file with the same bytes from the same sender, whose effect this one shares.
    pub duplicate_of: Option<ArrivalId>,
    pub held: bool,
    /// It is held because nothing has proved yet that it is whole.
    pub unproven: bool,
}

/// Why an unproven file is held, as `reason` of its job.
pub(super) const UNPROVEN: &str = "it came without TLS close_notify, and nothing has proved yet that it is whole";

impl Record {
    /// Step 6: the arrival. The original is stored already; after this its job is queued, exactly once. The quota is
    /// asked here, where uploads come one after the other, so that no two of them pass it together.
    ///
    /// # Errors
    /// The outcome is unknown: ask [`commit_outcome`](Self::commit_outcome) before answering anybody.
    pub async fn commit_upload(&self, commit: &Commit, events: Vec<Event>) -> Result<CommitReply> {
        match self.write(Work::Commit(Box::new(commit.clone())), events, "commit an arrival").await? {
            Reply::Committed(reply) => Ok(reply),
            _ => Err(RecordError::Interrupted { doing: "commit an arrival" }),
        }
    }

    /// What became of a commit whose answer was lost: `None` while the upload is still only an upload.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn commit_outcome(&self, id: ArrivalId) -> Result<Option<Committed>> {
        let row = query(
            "select u.state, u.content_id, u.unproven, j.state as job from upload u left join job j on j.upload_id = u.id where u.id = $1",
        )
        .bind(id.to_string())
        .fetch_optional(&self.db.reader)
        .await
        .map_err(RecordError::doing("find out what became of a commit"))?;
        Ok(row.filter(|row| row.get::<String>("state") == "committed").map(|row| {
            let content = row.get::<Option<String>>("content_id").and_then(|text| ArrivalId::parse(&text));
            Committed {
                duplicate_of: content.filter(|content| *content != id),
                held: row.get::<Option<String>>("job").as_deref() == Some("held"),
                unproven: row.get::<i64>("unproven") != 0,
            }
        }))
    }
}

/// Makes an upload an arrival, and adds what happened by it to `events`.
pub(super) async fn commit_in(
    tx: &mut Writing,
    commit: &Commit,
    events: &mut Vec<Event>,
) -> Result<CommitReply, sqlx::Error> {
    let (id, size) = (commit.id.to_string(), i64::try_from(commit.size_bytes).unwrap_or(i64::MAX));
    let row = query(COMMITTING)
        .bind(&id)
        .bind(commit.epoch)
        .bind(commit.digest.to_string())
        .bind(&commit.object_key)
        .fetch_optional(&mut *tx)
        .await?;
    // Its object lay there so long that it is being taken away.
    let Some(row) = row.filter(|row| row.get::<i64>("buried") == 0) else { return Ok(CommitReply::Gone) };
    let (principal, name): (String, String) = (row.get("principal"), row.get("name"));
    if commit.quota.is_limited() {
        let standing = standing_in(tx, &principal, &name, commit.listed_since).await?;
        let after = plus(standing.others, Usage { bytes: commit.size_bytes, files: 1 });
        if let Err(passed) = commit.quota.allows(after) {
            return Ok(CommitReply::OverQuota(passed));
        }
        let warning = commit.quota.warning(plus(standing.others, standing.same_name), after);
        let warning = warning.map(|text| quota_warning(events, &text, after));
        events.extend(warning);
    }
    let has_unproven = row.get::<i64>("unproven") != 0;
    let same =
        if commit.unproven || has_unproven { same_bytes(tx, &principal, commit).await? } else { SameBytes::default() };
    // The same bytes twice, each time to the same end, are whole.
    let unproven = commit.unproven && !same.prove_each_other();
    let held = commit.held || unproven;
    let content = if held {
        None
    } else {
        Some(content_of(tx, commit, &principal, &row.get::<String>("organisation_id")).await?)
    };
    let duplicate_of = content.as_deref().and_then(ArrivalId::parse).filter(|content| *content != commit.id);
    let now = tx.now().await?;
    query(
        "update upload set state = 'committed', size_bytes = $3, sha256 = $4, object_key = $5, committed_at = $6,
                           version = $7, unproven = $8, content_id = $9
         where id = $1 and state = 'receiving' and boot_epoch = $2",
    )
    .bind(&id)
    .bind(commit.epoch)
    .bind(size)
    .bind(commit.digest.to_string())
    .bind(&commit.object_key)
    .bind(now.micros())
    .bind(row.get::<i64>("version"))
    .bind(i64::from(unproven))
    .bind(content)
    .execute(&mut *tx)
    .await?;
    query("insert into job (upload_id, state, not_before, reason) values ($1, $2, $3, $4)")
        .bind(&id)
        .bind(match (held, duplicate_of) {
            (true, _) => "held",
            (false, None) => "ready",
            (false, Some(_)) => "duplicate",
        })
        .bind(now.micros())
        .bind(unproven.then_some(UNPROVEN))
        .execute(&mut *tx)
        .await?;
    if !held {
        let arrival = arrival_event(events, commit.id, size, duplicate_of);
        events.push(arrival);
    }
    if !unproven && has_unproven {
        let told = release_same_bytes(tx, commit.id, &principal, &name, &same, events).await?;
        events.extend(told);
    }
    Ok(CommitReply::Committed(Committed { duplicate_of, held, unproven }))
}

/// What has to be known of an upload that is committed, in one question: whose it is, which version of its name it
/// becomes, and whether the sender has unproven files that it may prove or outdate.
const COMMITTING: &str = "select u.principal, u.name, u.organisation_id,
        (select coalesce(max(v.version), 0) + 1 from upload v where v.principal = u.principal and v.name = u.name) as version,
        (select count(*) from upload p where p.unproven > 0 and p.unproven in (1, 2) and p.principal = u.principal
            and p.id <> u.id and (p.sha256 = $3 or p.name = u.name)) as unproven,
        (select count(*) from tombstone t where t.object_key = $4) as buried
     from upload u where u.id = $1 and u.state = 'receiving' and u.boot_epoch = $2";

/// The first arrival of the same bytes from the same sender, which may be this one.
async fn content_of(
    tx: &mut Writing,
    commit: &Commit,
    principal: &str,
    organisation: &str,
) -> Result<String, sqlx::Error> {
    let (id, size) = (commit.id.to_string(), i64::try_from(commit.size_bytes).unwrap_or(i64::MAX));
    let principal = if is_planted("no unique content") { &id } else { principal };
    let first = query(
        "insert into content (id, organisation_id, principal, sha256, size_bytes) values ($1, $2, $3, $4, $5)
         on conflict (organisation_id, principal, sha256, size_bytes) do nothing",
    )
    .bind(&id)
    .bind(organisation)
    .bind(principal)
    .bind(commit.digest.to_string())
    .bind(size)
    .execute(&mut *tx)
    .await?;
    if first.rows_affected() == 1 {
        return Ok(id);
    }
    scalar("select id from content where organisation_id = $1 and principal = $2 and sha256 = $3 and size_bytes = $4")
        .bind(organisation)
        .bind(principal)
        .bind(commit.digest.to_string())
        .bind(size)
        .fetch_one(&mut *tx)
        .await
}

fn plus(one: Usage, other: Usage) -> Usage {
    Usage { bytes: one.bytes.saturating_add(other.bytes), files: one.files.saturating_add(other.files) }
}

fn quota_warning(before: &[Event], text: &str, usage: Usage) -> Event {
    let login = before.last().and_then(|event| event.user.clone()).unwrap_or_default();
    let event = Event::new("quota.warning", Severity::Warn, format!("{login}: {text}"))
        .data("bytes", usage.bytes)
        .data("files", usage.files);
    let mut event = by_whom(event, before);
    event.code = Some("quota".to_owned());
    event
}

/// Makes a held arrival's content known and its job ready, or a duplicate's that has nothing left to do.
pub(super) async fn release(tx: &mut Writing, id: ArrivalId) -> Result<Option<ArrivalId>, sqlx::Error> {
    let text = id.to_string();
    query(
        "insert into content (id, organisation_id, principal, sha256, size_bytes)
         select id, organisation_id, principal, sha256, size_bytes from upload where id = $1
         on conflict (organisation_id, principal, sha256, size_bytes) do nothing",
    )
    .bind(&text)
    .execute(&mut *tx)
    .await?;
    let content: String = scalar(
        "select c.id from content c join upload u on u.organisation_id = c.organisation_id and u.principal = c.principal
         and u.sha256 = c.sha256 and u.size_bytes = c.size_bytes where u.id = $1",
    )
    .bind(&text)
    .fetch_one(&mut *tx)
    .await?;
    let state = if content == text { "ready" } else { "duplicate" };
    query("update upload set content_id = $2 where id = $1").bind(&text).bind(&content).execute(&mut *tx).await?;
    query("update job set state = $2 where upload_id = $1 and state = 'held'")
        .bind(&text)
        .bind(state)
        .execute(&mut *tx)
        .await?;
    Ok(ArrivalId::parse(&content).filter(|content| *content != id))
}

/// `file.received` or `file.duplicate`, by whoever the events before it are about.
pub(super) fn arrival_event(
    before: &[Event],
    id: ArrivalId,
    size_bytes: i64,
    duplicate_of: Option<ArrivalId>,
) -> Event {
    let (kind, msg) = match duplicate_of {
        None => ("file.received", format!("received, {size_bytes} bytes; waiting to be read")),
        Some(first) => ("file.duplicate", format!("the same bytes as {first}; it shares that file's records")),
    };
    let mut event = Event::new(kind, Severity::Info, msg).file(id).data("size_bytes", size_bytes);
    if let Some(first) = duplicate_of {
        event = event.data("duplicate_of", first.to_string());
        event.code = Some("duplicate_file".to_owned());
    }
    by_whom(event, before)
}

/// The event with who and where of those it follows.
pub(super) fn by_whom(mut event: Event, before: &[Event]) -> Event {
    if let Some(first) = before.iter().find(|event| event.session.is_some()).or(before.first()) {
        event.org = first.org;
        event.session = first.session;
        event.user.clone_from(&first.user);
        event.proto.clone_from(&first.proto);
        event.ip.clone_from(&first.ip);
    }
    match before.iter().find_map(|event| event.data.get("path")) {
        Some(path) if event.file.is_some() => event.data("path", path.clone()),
        _ => event,
    }
}
