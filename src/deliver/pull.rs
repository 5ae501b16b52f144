//! Fetching: each file of a partner's folder once. What has landed is safe before anything happens to it there.

use std::collections::HashSet;
use std::net::SocketAddr;

use super::partner::{PartnerError, Remote, RemoteFile, path_in};
use super::turn::{Tally, Trouble, Work};
use crate::config::partners::{After, Pull};
use crate::domain::{ArrivalId, Digest, FileName, Hasher, Severity, Timestamp, VirtualPath};
use crate::land::{Algorithms, Creation, Door, LandError, NotEntered, Peer, Session, Upload};
use crate::record::{PulledRow, PulledState, RemoteKey};

/// A turn's work, with where its files land.
struct Fetch<'a, 'b> {
    work: &'a Work<'b>,
    pull: &'a Pull,
    session: Session,
}

/// What came of reading a file.
enum Taken {
    Landed(ArrivalId, Digest),
    /// It is being written there.
    Changing,
    Refused(String),
}

/// Files whose tidying was not finished that are looked at in one turn.
const TIDY_MAX: u32 = 10_000;

/// Whether a file of this name is one to fetch: it looks as the settings say, is not hidden, and is not on its way.
pub(super) fn is_wanted(pull: &Pull, name: &str) -> bool {
    let on_its_way = FileName::parse(name).is_ok_and(|name| name.is_temporary());
    !name.starts_with('.')
        && !on_its_way
        && (pull.names.is_empty() || pull.names.iter().any(|pattern| pattern.matches(name)))
}

pub(super) async fn pull(work: &Work<'_>, tally: &mut Tally) -> Result<(), Trouble> {
    let Some(pull) = &work.partner.pull else { return Ok(()) };
    // Before anybody is connected to: is there somewhere for it to land?
    session(work, SocketAddr::from(([0, 0, 0, 0], 0))).await?;
    let mut remote = work.connect().await?;
    let fetch = Fetch { work, pull, session: session(work, remote.address()).await? };
    let fetched = fetch.all(&mut remote, tally).await;
    remote.leave().await;
    fetched
}

async fn session(work: &Work<'_>, address: SocketAddr) -> Result<Session, Trouble> {
    let account = || work.partner.account.clone();
    let client = Some(format!("partner {}", work.partner.name));
    let peer = Peer { address, door: Door::Partner, client, algorithms: Algorithms::default() };
    match work.deliver.0.dropbox.session_of_partner(&work.partner.account, &peer).await {
        Ok(Some(session)) => Ok(session),
        Ok(None) => Err(Trouble::NoAccount { account: account() }),
        Err(NotEntered::Policy) => Err(Trouble::NotAdmitted { account: account() }),
        Err(NotEntered::Unavailable) => {
            Err(Trouble::Land { path: work.partner.name.clone(), error: LandError::Unavailable })
        }
    }
}

impl Fetch<'_, '_> {
    async fn all(&self, remote: &mut Remote, tally: &mut Tally) -> Result<(), Trouble> {
        let (work, record) = (self.work, &self.work.deliver.0.record);
        let partner = &work.partner.name;
        let max = work.settings.listing_max;
        let mut files = remote.list(&self.pull.folder, max, |name| is_wanted(self.pull, name)).await?;
        // The oldest first, as they were meant to be read.
        files.sort_by(|a, b| (a.modified, &a.name).cmp(&(b.modified, &b.name)));
        let listed: HashSet<RemoteKey> = files.iter().map(|file| self.key(file)).collect();
        for key in record.pulled_to_tidy(partner, TIDY_MAX).await? {
            // It was deleted or moved there, and that is all there was left to do.
            if !listed.contains(&key) {
                record.pulled_done(work.turn, &key).await?;
            }
        }
        let mut fresh = Vec::new();
        for file in &files {
            let key = self.key(file);
            let known = record.pulled(partner, &key).await?;
            let noted = Timestamp::now().plus_micros(-work.settings.remember.micros() / 8);
            if known.as_ref().is_none_or(|row| row.listed < noted) {
                fresh.push(key);
            }
        }
        record.pulled_seen(partner, &fresh).await?;
        for file in &files {
            work.going_on()?;
            self.one(remote, file, tally).await?;
        }
        Ok(())
    }

    fn key(&self, file: &RemoteFile) -> RemoteKey {
        RemoteKey { path: path_in(&self.pull.folder, &file.name), size_bytes: file.size_bytes, modified: file.modified }
    }

    async fn one(&self, remote: &mut Remote, file: &RemoteFile, tally: &mut Tally) -> Result<(), Trouble> {
        let (work, record) = (self.work, &self.work.deliver.0.record);
        let key = self.key(file);
        let Some(row) = record.pulled(&work.partner.name, &key).await? else { return Ok(()) };
        let mut going_on = None;
        match row.state {
            PulledState::Refused if !work.turn.asked => {
                tally.refused += 1;
                return Ok(());
            }
            PulledState::Taking => {
                going_on = row.upload;
                // We died between the landing and the note of it.
                if let Some(upload) = row.upload
                    && let Some(digest) = record.landed_as(upload).await?
                {
                    self.landed(&key, upload, digest).await?;
                    return self.tidy(remote, &key, Some(digest), tally).await;
                }
            }
            PulledState::Landed => return self.tidy(remote, &key, row.digest, tally).await,
            PulledState::Done if self.pull.after == After::Leave => {
                // Where there is no time, another file of the same length looks the same.
                if key.modified.is_some() || self.is_same(remote, &key, row.digest).await? {
                    return Ok(());
                }
            }
            // It was gone, and one like it has come.
            PulledState::Done | PulledState::Seen | PulledState::Refused => {}
        }
        if going_on.is_none() && !self.is_settled(&key, &row) {
            tally.waiting += 1;
            tally.again = true;
            return Ok(());
        }
        match self.take(remote, file, &key, going_on).await? {
            Taken::Landed(upload, digest) => {
                tally.files += 1;
                tally.bytes += key.size_bytes;
                self.landed(&key, upload, digest).await?;
                self.tidy(remote, &key, None, tally).await
            }
            Taken::Changing => {
                record.pulled_forget(&work.partner.name, &key).await?;
                tally.waiting += 1;
                tally.again = true;
                Ok(())
            }
            Taken::Refused(reason) => {
                tally.refused += 1;
                let text = format!("{}: {} is left where it is: {reason}", work.partner.name, key.path);
                let event = work.event("partner.refused", Severity::Warn, text).org(self.session.organisation());
                let event =
                    event.data("path", key.path.clone()).data("size_bytes", key.size_bytes).data("reason", &*reason);
                record.pulled_refused(work.turn, &key, &reason, event).await?;
                Ok(())
            }
        }
    }

    /// Whether a file has not changed for long enough: its time says so, or it was the same when it was first seen.
    fn is_settled(&self, key: &RemoteKey, row: &PulledRow) -> bool {
        let since = Timestamp::now().plus_micros(-self.pull.settle.micros());
        // A server whose clock is ahead of ours says nothing about age.
        row.seen <= since || key.modified.is_some_and(|seconds| seconds < since.seconds())
    }

    /// Reads a file into an upload, and lands it if it is whole and still the same.
    async fn take(
        &self,
        remote: &mut Remote,
        file: &RemoteFile,
        key: &RemoteKey,
        going_on: Option<ArrivalId>,
    ) -> Result<Taken, Trouble> {
        let name = match FileName::parse(&file.name) {
            Ok(name) => name,
            Err(error) => return Ok(Taken::Refused(error.to_string())),
        };
        let max = self.pull.file_max.bytes();
        if max != 0 && key.size_bytes > max {
            let text = format!("it has {} bytes, more than pull.file_max", key.size_bytes);
            return Ok(Taken::Refused(text));
        }
        // As the server says it when asked for this file alone: listings of some servers say it differently.
        let Some(before) = remote.look(&key.path).await? else { return Ok(Taken::Changing) };
        if before.size_bytes != key.size_bytes {
            return Ok(Taken::Changing);
        }
        let how = Creation { truncate: going_on.is_none(), exclusive: false, only: going_on };
        let mut upload = match self.session.create(&VirtualPath::File(name), how).await {
            Ok(upload) => upload,
            Err(error) => return self.not_landed(key, error).await,
        };
        if !self.work.deliver.0.record.pulled_taking(self.work.turn, key, upload.id()).await? {
            upload.break_off().await;
            return Err(Trouble::Interrupted);
        }
        match self.read(remote, key, &mut upload).await {
            Ok(None) => {}
            Ok(Some(Stopped::Changing)) => {
                upload.give_up("the file is still being written there");
                return Ok(Taken::Changing);
            }
            Ok(Some(Stopped::Refused(error))) => {
                drop(upload);
                return self.not_landed(key, error).await;
            }
            Err(trouble) => {
                // What came is kept, and gone on with.
                upload.break_off().await;
                return Err(trouble);
            }
        }
        if remote.look(&key.path).await? != Some(before) {
            upload.give_up("the file has changed there while it was read");
            return Ok(Taken::Changing);
        }
        if let Err(trouble) = self.work.is_ours().await {
            upload.break_off().await;
            return Err(trouble);
        }
        match upload.finish().await {
            Ok(receipt) => Ok(Taken::Landed(receipt.id, receipt.digest)),
            Err(error) => self.not_landed(key, error).await,
        }
    }

    async fn read(
        &self,
        remote: &mut Remote,
        key: &RemoteKey,
        upload: &mut Upload,
    ) -> Result<Option<Stopped>, Trouble> {
        let mut at = upload.size_bytes();
        if at > key.size_bytes {
            return Ok(Some(Stopped::Changing));
        }
        let mut reading = remote.read(&key.path, at, key.size_bytes).await?;
        let stopped = loop {
            self.work.going_on()?;
            let piece = tokio::select! {
                piece = reading.next() => piece?,
                () = self.work.stop.cancelled() => return Err(Trouble::Interrupted),
            };
            if piece.is_empty() {
                break None;
            }
            if at.saturating_add(piece.len() as u64) > key.size_bytes {
                break Some(Stopped::Changing);
            }
            if let Err(error) = upload.write_at(at, &piece).await {
                break Some(Stopped::Refused(error));
            }
            at += piece.len() as u64;
        };
        if stopped.is_none() && at < key.size_bytes {
            return Err(Trouble::Short { path: key.path.clone(), came: at, size: key.size_bytes });
        }
        reading.finish().await?;
        Ok(stopped)
    }

    /// Whose fault it is that a file does not land: its own, or that of the moment.
    async fn not_landed(&self, key: &RemoteKey, error: LandError) -> Result<Taken, Trouble> {
        match error {
            LandError::Refused { .. } | LandError::TooLarge { .. } => Ok(Taken::Refused(error.to_string())),
            LandError::Forbidden { .. } => {
                // The account's rules for files, unless it is the account itself.
                session(self.work, SocketAddr::from(([0, 0, 0, 0], 0))).await?;
                Ok(Taken::Refused(error.to_string()))
            }
            error => Err(Trouble::Land { path: key.path.clone(), error }),
        }
    }

    async fn landed(&self, key: &RemoteKey, upload: ArrivalId, digest: Digest) -> Result<(), Trouble> {
        let work = self.work;
        let text = format!("{}: {} has landed, {} bytes", work.partner.name, key.path, key.size_bytes);
        let event = work
            .event("partner.pulled", Severity::Info, text)
            .org(self.session.organisation())
            .file(upload)
            .data("path", key.path.clone())
            .data("size_bytes", key.size_bytes)
            .data("sha256", digest.to_string());
        if work.deliver.0.record.pulled_landed(work.turn, key, upload, Some(digest), event).await? {
            Ok(())
        } else {
            Err(Trouble::Interrupted)
        }
    }

    /// Does with a file that has landed what is to be done with it there. With `digest`, which is of a file that landed
    /// in an earlier turn, one without a time is looked at first: it may be another.
    async fn tidy(
        &self,
        remote: &mut Remote,
        key: &RemoteKey,
        digest: Option<Digest>,
        tally: &mut Tally,
    ) -> Result<(), Trouble> {
        let record = &self.work.deliver.0.record;
        if digest.is_some() && key.modified.is_none() && !self.is_same(remote, key, digest).await? {
            // Its row is free for it.
            record.pulled_done(self.work.turn, key).await?;
            tally.waiting += 1;
            tally.again = true;
            return Ok(());
        }
        match self.pull.after {
            After::Leave => {}
            After::Delete => {
                remote.remove(&key.path).await?;
            }
            After::Move => self.put_aside(remote, key).await?,
        }
        record.pulled_done(self.work.turn, key).await?;
        Ok(())
    }

    /// Moves a file into the other folder, beside what has this name there already.
    async fn put_aside(&self, remote: &mut Remote, key: &RemoteKey) -> Result<(), PartnerError> {
        let name = key.path.rsplit('/').next().unwrap_or(&key.path);
        let mut to = path_in(&self.pull.move_to, name);
        if remote.look(&to).await?.is_some() {
            to = format!("{to}.{}", Timestamp::now().micros());
        }
        match remote.rename(&key.path, &to).await {
            Ok(()) => Ok(()),
            // Done by a turn that broke off before it could hear so.
            Err(_) if remote.look(&key.path).await?.is_none() => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Whether a file there has these bytes.
    async fn is_same(&self, remote: &mut Remote, key: &RemoteKey, digest: Option<Digest>) -> Result<bool, Trouble> {
        let Some(digest) = digest else { return Ok(false) };
        let mut reading = remote.read(&key.path, 0, key.size_bytes).await?;
        let (mut hasher, mut at) = (Hasher::default(), 0);
        loop {
            self.work.going_on()?;
            let piece = reading.next().await?;
            if piece.is_empty() || at > key.size_bytes {
                break;
            }
            at += piece.len() as u64;
            hasher.update(&piece);
        }
        reading.finish().await?;
        Ok(hasher.finish() == digest)
    }
}

/// Why reading stopped before the end.
enum Stopped {
    Changing,
    Refused(LandError),
}
