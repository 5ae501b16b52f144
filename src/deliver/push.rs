//! Bringing: each file once. It is sent under a temporary name with the transfer's own id in it, so that what lies there
//! under it is ours and can be gone on with; when every byte is there, it is given its name.

use super::partner::{Remote, path_in};
use super::schedule;
use super::turn::{Tally, Trouble, Work};
use crate::config::partners::Push;
use crate::domain::{Event, OrganisationId, Severity, Timestamp, chain};
use crate::record::{PushRow, PushState};

/// Files that are sent in one turn; the next one comes at once.
const FILES_MAX: u32 = 1_000;
const BUFFER: usize = 256 * 1024;
/// A temporary name shows the file's own, if that is at most this long, in bytes.
const SHOWN_MAX: usize = 200;

pub(super) async fn push(work: &Work<'_>, tally: &mut Tally) -> Result<(), Trouble> {
    let Some(push) = &work.partner.push else { return Ok(()) };
    let record = &work.deliver.0.record;
    if let Some(organisation) = work.deliver.answers_of(work.partner).await? {
        record.queue_answers(work.turn, organisation).await?;
    }
    let rows = record.pushes_waiting(&work.partner.name, FILES_MAX).await?;
    if rows.is_empty() {
        tally.waiting = record.pushes_left(&work.partner.name).await?;
        return Ok(());
    }
    let mut remote = work.connect().await?;
    let (mut failed, mut first) = (0_u64, None);
    for row in &rows {
        work.going_on()?;
        match one(work, push, &mut remote, row, tally).await {
            Ok(()) => {}
            // The server says no to this file: others may fare better.
            Err(trouble) if is_about_the_file(&trouble) => {
                let why = chain(&trouble);
                failed += 1;
                note_failure(work, row, &why, tally).await?;
                first.get_or_insert(format!("{}: {why}", row.name));
            }
            Err(trouble) => return Err(trouble),
        }
    }
    remote.leave().await;
    tally.waiting = record.pushes_left(&work.partner.name).await?;
    match first {
        None => Ok(()),
        Some(first) => Err(Trouble::Files { count: failed, first }),
    }
}

fn is_about_the_file(trouble: &Trouble) -> bool {
    use super::partner::PartnerError::Refused;
    matches!(
        trouble,
        Trouble::Partner(Refused { .. }) | Trouble::NotWhole { .. } | Trouble::Shelf(_) | Trouble::Original(_)
    )
}

async fn note_failure(work: &Work<'_>, row: &PushRow, why: &str, tally: &mut Tally) -> Result<(), Trouble> {
    let attempts = row.attempts.saturating_add(1);
    let given_up = attempts >= work.settings.attempts_max && row.state == PushState::Waiting;
    let again = (!given_up).then(|| schedule::after_failures(work.settings, attempts, Timestamp::now()));
    let mut events = vec![];
    if given_up {
        tally.refused += 1;
        let text = format!(
            "{}: {} is given up after {attempts} tries: {why}; `waybill partner push` sends it again",
            work.partner.name, row.name
        );
        events.push(about(work.event("partner.given_up", Severity::Error, text), row).data("reason", why));
    }
    work.deliver.0.record.push_failed(row.id, why, again, events).await?;
    Ok(())
}

async fn one(
    work: &Work<'_>,
    push: &Push,
    remote: &mut Remote,
    row: &PushRow,
    tally: &mut Tally,
) -> Result<(), Trouble> {
    let begun = std::time::Instant::now();
    // Not longer than a name may be.
    let shown = if row.name.len() > SHOWN_MAX { "" } else { &format!("{}.", row.name) };
    let temporary = path_in(&push.folder, &format!("{shown}{}{}", row.id, push.temporary));
    let there = remote.look(&temporary).await?.map(|file| file.size_bytes);
    // The temporary name was about to be given up. Nobody else knows it: if it is gone, that was done, even if the
    // file has been taken away since.
    if let (PushState::Placing, None, Some(placed_as)) = (row.state, there, &row.placed_as) {
        return sent(work, row, placed_as, begun, tally).await;
    }
    if there != Some(row.size_bytes) {
        send(work, remote, row, &temporary, there, tally).await?;
    }
    let found = remote.look(&temporary).await?.map_or(0, |file| file.size_bytes);
    if found != row.size_bytes {
        // What is wrong with it is not known: it is sent anew.
        remote.remove(&temporary).await?;
        return Err(Trouble::NotWhole { path: temporary, found, size: row.size_bytes });
    }
    let placed_as = free_name(push, remote, row).await?;
    if !work.deliver.0.record.push_placing(work.turn, row.id, &placed_as).await? {
        return Err(Trouble::Interrupted);
    }
    remote.rename(&temporary, &path_in(&push.folder, &placed_as)).await?;
    sent(work, row, &placed_as, begun, tally).await
}

/// Sends what is not there yet.
async fn send(
    work: &Work<'_>,
    remote: &mut Remote,
    row: &PushRow,
    temporary: &str,
    there: Option<u64>,
    tally: &mut Tally,
) -> Result<(), Trouble> {
    let original = work.deliver.0.originals.open(&row.object_key).await?;
    let mut at = match there {
        Some(there) if there <= row.size_bytes => there,
        Some(_) => {
            remote.remove(temporary).await?;
            0
        }
        None => 0,
    };
    let mut writing = remote.write(temporary, at).await?;
    let mut buffer = vec![0; BUFFER];
    loop {
        let count = original.read_at(at, &mut buffer).await.map_err(|error| Trouble::Original(error.into()))?;
        if count == 0 {
            break;
        }
        let piece = buffer.get(..count).unwrap_or_default();
        tokio::select! {
            put = writing.put(piece) => put?,
            () = work.stop.cancelled() => return Err(Trouble::Interrupted),
        }
        at += count as u64;
        tally.bytes += count as u64;
    }
    Ok(writing.finish().await?)
}

/// The file's name, or one like it where that is taken: what the partner has not fetched yet is never replaced.
async fn free_name(push: &Push, remote: &mut Remote, row: &PushRow) -> Result<String, Trouble> {
    if remote.look(&path_in(&push.folder, &row.name)).await?.is_none() {
        return Ok(row.name.clone());
    }
    let id = row.id.to_string();
    let mark = id.get(id.len().saturating_sub(8)..).unwrap_or(&id).to_ascii_lowercase();
    Ok(match row.name.split_once('.') {
        Some((stem, rest)) => format!("{stem}-{mark}.{rest}"),
        None => format!("{}-{mark}", row.name),
    })
}

async fn sent(
    work: &Work<'_>,
    row: &PushRow,
    placed_as: &str,
    begun: std::time::Instant,
    tally: &mut Tally,
) -> Result<(), Trouble> {
    let text = format!("{}: sent {placed_as}, {} bytes", work.partner.name, row.size_bytes);
    let event = about(work.event("partner.sent", Severity::Info, text), row)
        .data("placed_as", placed_as)
        .data("size_bytes", row.size_bytes)
        .took(begun.elapsed());
    if work.deliver.0.record.push_sent(row.id, event).await? {
        tally.files += 1;
    }
    Ok(())
}

fn about(event: Event, row: &PushRow) -> Event {
    let organisation: Option<OrganisationId> = row.organisation;
    let mut event = event.data("name", row.name.clone());
    event.org = organisation;
    event.file = row.upload;
    event
}
