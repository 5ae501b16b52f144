//! Files that came without an end their sender had declared: held until their content proves that they are whole, the
//! same bytes come again, or somebody who may releases them.

use super::arrivals::{Commit, UNPROVEN, arrival_event, by_whom, release};
use super::identity::text_id;
use super::sql::{Writing, query, scalar};
use super::{Record, RecordError, Result};
use crate::domain::{ArrivalId, Event, FileName, OrganisationId, Scope, SessionId, Severity};

/// A file whose content is to be asked whether it is whole.
#[derive(Debug, Clone)]
pub struct Unproven {
    pub file: ArrivalId,
    pub organisation: OrganisationId,
    pub name: String,
    pub login: String,
    pub door: String,
    pub session: Option<SessionId>,
    pub object_key: String,
}

/// What else came with the same bytes from the same sender.
#[derive(Debug, Default)]
pub(super) struct SameBytes {
    /// They arrived properly before.
    arrived: bool,
    /// Held ones that nothing has proved.
    unproven: Vec<ArrivalId>,
}

impl SameBytes {
    /// Two transfers that were cut off end at the same byte only where that is the end.
    pub(super) fn prove_each_other(&self) -> bool {
        self.arrived || !self.unproven.is_empty()
    }
}

/// Asked before every file that is read. `unproven > 0` is what the index on it is limited to: without these words,
/// every file that ever came is looked at.
macro_rules! next_unproven {
    () => {
        "select id, organisation_id, name, login, door, session_id, object_key from upload
         where unproven > 0 and unproven = 1 and state = 'committed' order by committed_at, id limit 1"
    };
}

/// Asked by the same index.
macro_rules! same_bytes {
    () => {
        "select id from upload where unproven > 0 and unproven in (1, 2) and principal = $1 and sha256 = $2
         and size_bytes = $3 and id <> $4 order by committed_at, id"
    };
}

impl Record {
    /// The file that has waited longest to be asked whether it is whole.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn next_unproven(&self) -> Result<Option<Unproven>> {
        let row = query(next_unproven!())
            .fetch_optional(&self.db.reader)
            .await
            .map_err(RecordError::doing("look for files that may not be whole"))?;
        row.map(|row| {
            Ok(Unproven {
                file: text_id(&row, "id", ArrivalId::parse)?,
                organisation: text_id(&row, "organisation_id", OrganisationId::parse)?,
                name: row.get("name"),
                login: row.get("login"),
                door: row.get("door"),
                session: row.get::<Option<String>>("session_id").and_then(|text| SessionId::parse(&text)),
                object_key: row.get::<Option<String>>("object_key").unwrap_or_default(),
            })
        })
        .transpose()
    }

    /// Notes what a file's content says about its being whole. One that is, arrives now, unless it waits for its name.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn note_proof(&self, file: ArrivalId, is_whole: bool, event: Event) -> Result<()> {
        let doing = "note whether a file is whole";
        let mut tx = self.writing().await?;
        let noted = query("update upload set unproven = $2 where id = $1 and unproven = 1")
            .bind(file.to_string())
            .bind(if is_whole { 1_i64 } else { 2 })
            .execute(&mut tx)
            .await
            .map_err(RecordError::doing(doing))?;
        // The same bytes came again meanwhile, or somebody released it.
        if noted.rows_affected() == 0 {
            return Ok(());
        }
        let mut events = vec![event];
        if is_whole {
            let arrived = prove(&mut tx, file, &events).await.map_err(RecordError::doing(doing))?;
            events.extend(arrived);
        }
        self.commit_with(tx, events, doing).await?;
        self.jobs.notify_one();
        Ok(())
    }

    /// Whether a file is held, or nothing has proved yet that it is whole; `None` where it is not there.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn unproven(&self, file: ArrivalId) -> Result<Option<i64>> {
        scalar("select unproven from upload where id = $1 and state = 'committed'")
            .bind(file.to_string())
            .fetch_optional(&self.db.reader)
            .await
            .map_err(RecordError::doing("ask whether a file is whole"))
    }

    /// Releases a held file to be read: it is whole, and its name is its name. `false` when the scope shows no such
    /// file, or it is not held.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn release_held(&self, scope: &Scope, file: ArrivalId) -> Result<bool> {
        let doing = || RecordError::doing("release a held file");
        let mut tx = self.writing().await?;
        let row = query(
            "select u.organisation_id, u.login, u.name, u.size_bytes from upload u join job j on j.upload_id = u.id
             where u.id = $1 and u.state = 'committed' and j.state = 'held' and ($2 is null or u.organisation_id = $2)",
        )
        .bind(file.to_string())
        .bind(scope.organisation().map(|id| id.to_string()))
        .fetch_optional(&mut tx)
        .await
        .map_err(doing())?;
        let Some(row) = row else { return Ok(false) };
        let text = format!("{} released {}: it is read as it is", scope.principal(), row.get::<String>("name"));
        let mut event = Event::new("file.released", Severity::Info, text)
            .file(file)
            .data("path", format!("/drop/{}", row.get::<String>("name")));
        event.org = OrganisationId::parse(&row.get::<String>("organisation_id"));
        event.user = Some(row.get("login"));
        let mut events = vec![event];
        query("update upload set unproven = 0 where id = $1")
            .bind(file.to_string())
            .execute(&mut tx)
            .await
            .map_err(doing())?;
        let duplicate_of = free(&mut tx, file).await.map_err(doing())?;
        let arrival = arrival_event(&events, file, row.get("size_bytes"), duplicate_of);
        events.push(arrival);
        self.commit_with(tx, events, "release a held file").await?;
        self.jobs.notify_one();
        Ok(true)
    }
}

/// What else came with the bytes of a commit.
pub(super) async fn same_bytes(tx: &mut Writing, principal: &str, commit: &Commit) -> Result<SameBytes, sqlx::Error> {
    let size = i64::try_from(commit.size_bytes).unwrap_or(i64::MAX);
    let unproven: Vec<String> = scalar(same_bytes!())
        .bind(principal)
        .bind(commit.digest.to_string())
        .bind(size)
        .bind(commit.id.to_string())
        .fetch_all(&mut *tx)
        .await?;
    let mut same =
        SameBytes { arrived: false, unproven: unproven.iter().filter_map(|id| ArrivalId::parse(id)).collect() };
    if commit.unproven {
        let arrived: i64 = scalar(
            "select count(*) from content c join upload u on u.organisation_id = c.organisation_id
             where u.id = $1 and c.principal = $2 and c.sha256 = $3 and c.size_bytes = $4",
        )
        .bind(commit.id.to_string())
        .bind(principal)
        .bind(commit.digest.to_string())
        .bind(size)
        .fetch_one(&mut *tx)
        .await?;
        same.arrived = arrived > 0;
    }
    Ok(same)
}

/// What a file that is whole says about unproven ones: those with its bytes are whole too, and others of its name are
/// out of date.
pub(super) async fn release_same_bytes(
    tx: &mut Writing,
    by: ArrivalId,
    principal: &str,
    name: &str,
    same: &SameBytes,
    before: &[Event],
) -> Result<Vec<Event>, sqlx::Error> {
    let mut told = vec![];
    for file in &same.unproven {
        let proved = Event::new("file.proved", Severity::Info, format!("whole: the same bytes came again as {by}"));
        told.push(by_whom(proved, before).file(*file));
        told.extend(prove(tx, *file, before).await?);
    }
    query(
        "update job set reason = $4 where state = 'held' and reason = $5 and upload_id in
            (select id from upload where unproven > 0 and principal = $1 and name = $2 and id <> $3)",
    )
    .bind(principal)
    .bind(name)
    .bind(by.to_string())
    .bind(format!("{UNPROVEN}; {by} came later under its name"))
    .bind(UNPROVEN)
    .execute(&mut *tx)
    .await?;
    Ok(told)
}

/// It is whole: it arrives now, unless it waits for its name.
async fn prove(tx: &mut Writing, file: ArrivalId, before: &[Event]) -> Result<Option<Event>, sqlx::Error> {
    let row = query("update upload set unproven = 0 where id = $1 returning name, size_bytes")
        .bind(file.to_string())
        .fetch_one(&mut *tx)
        .await?;
    let name: String = row.get("name");
    let is_temporary = FileName::parse(&name).is_ok_and(|name| name.is_temporary());
    if is_temporary {
        query("update job set reason = null where upload_id = $1").bind(file.to_string()).execute(&mut *tx).await?;
        return Ok(None);
    }
    let duplicate_of = free(tx, file).await?;
    let arrival = arrival_event(before, file, row.get("size_bytes"), duplicate_of);
    Ok(Some(arrival.data("path", format!("/drop/{name}"))))
}

async fn free(tx: &mut Writing, file: ArrivalId) -> Result<Option<ArrivalId>, sqlx::Error> {
    query("update job set reason = null where upload_id = $1").bind(file.to_string()).execute(&mut *tx).await?;
    release(tx, file).await
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What every file costs must not grow with how many came before it.
    #[tokio::test]
    async fn looking_for_unproven_files_does_not_look_at_all_files() {
        let data = tempfile::tempdir().unwrap();
        let record = Record::open(data.path(), 1).await.unwrap();
        for plan in [
            query(concat!("explain query plan ", next_unproven!())),
            query(concat!("explain query plan ", same_bytes!())),
        ] {
            let plan = plan.fetch_all(&record.db.reader).await.unwrap();
            let plan: Vec<String> = plan.iter().map(|row| row.get("detail")).collect();
            assert!(plan.iter().any(|step| step.contains("upload_unproven")), "{plan:?}");
        }
    }
}
