//! A file being sent, from the first byte to the receipt: DURABILITY section 2, steps 1 to 8, in order.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::Inner;
use super::error::LandError;
use super::extents::Extents;
use super::place::Place;
use super::session::{Creation, Session};
use super::spool::{self, digest_from, open_again, remove_spool, write_error};
use super::standing::Taken;
use crate::domain::{ArrivalId, Digest, FileName, Hasher, Severity, Timestamp, Usage};
use crate::laboratory::{crash_point, is_planted};
use crate::originals::Sending;
use crate::record::{Commit, CommitReply, Committed, Listing, NewUpload};

/// A file being sent, not yet promised to anybody. Dropping it is what a broken connection does: nothing
/// becomes visible, and what came can be gone on with.
#[derive(Debug)]
pub struct Upload {
    session: Session,
    id: ArrivalId,
    name: FileName,
    spool: PathBuf,
    /// `None` once the upload has been finished or given up.
    file: Option<File>,
    extents: Extents,
    /// The digest of the bytes so far, as long as they come in order.
    hashing: Option<(Hasher, u64)>,
    gaps_noted: bool,
    /// Why this upload can no longer succeed: every later write and the end fail with it.
    poison: Option<LandError>,
    opened: Instant,
    place: Place,
    /// What it has taken of the account's quota.
    taken: Taken,
    /// What goes to the shelf while it still arrives.
    sending: Option<Sending>,
}

/// What the sender may rely on: the original is stored, the arrival committed, the job queued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    pub id: ArrivalId,
    pub size_bytes: u64,
    pub digest: Digest,
    /// The earlier file with the same bytes, whose effect this one shares.
    pub duplicate_of: Option<ArrivalId>,
    /// It is not read yet: it has a temporary name, or nothing has proved that it is whole.
    pub held: bool,
    /// Nothing has proved that it is whole.
    pub unproven: bool,
}

/// How long an unknown outcome of the commit is looked into before the sender is told that it failed.
const COMMIT_BUDGET: Duration = Duration::from_secs(12);

impl Upload {
    pub(super) async fn open(session: &Session, name: &FileName, how: Creation) -> Result<Self, LandError> {
        let inner = &session.0.dropbox.0;
        let mut place = Place::take(session)?;
        let listing = session.listing(name).await?;
        if how.exclusive && listing.is_some() {
            return Err(LandError::Exists { path: format!("/drop/{name}") });
        }
        if !how.truncate
            && let Some(upload) = Self::resume(session, name, listing.as_ref(), how.only, &mut place).await?
        {
            return Ok(upload);
        }
        // What it replaces goes when it lands, and makes room for so much of it.
        let replaces = listing.as_ref().map_or(Usage::default(), |old| Usage { bytes: old.size_bytes, files: 1 });
        let mut taken = Taken::none(std::sync::Arc::clone(&session.0.standing), replaces);
        make_room(session, &mut taken, 0, name).await?;
        let id = ArrivalId::random();
        // A file that lies there already is gone on with in a copy: originals never change.
        let base = if how.truncate || how.only.is_some() { None } else { listing };
        let event = session
            .event("upload.opened", Severity::Info, format!("receiving /drop/{name}"))
            .file(id)
            .data("path", format!("/drop/{name}"))
            .data("resume_offset", base.as_ref().map(|listing| listing.size_bytes));
        let new = NewUpload {
            id,
            organisation: session.0.organisation,
            principal: session.0.principal.clone(),
            login: session.0.login.clone(),
            door: session.0.peer.door.as_str(),
            session: session.0.id,
            name: name.clone(),
            node: inner.node.clone(),
            epoch: inner.epoch,
        };
        crash_point("opening");
        inner
            .record
            .open_upload(&new, event)
            .await
            .map_err(|error| LandError::unavailable("register an upload", &error))?;
        crash_point("opened");
        let spool = inner.spool_path(id);
        let file = match spool::make(&spool) {
            Ok(file) => file,
            Err(error) => {
                let refused = write_error(&error, "make a spool file");
                let event = session
                    .event("upload.aborted", Severity::Warn, format!("/drop/{name} was refused: {refused}"))
                    .file(id);
                if let Err(error) = inner.record.abort_upload(id, inner.epoch, 0, event).await {
                    tracing::error!(error = &error as &dyn std::error::Error, "could not note a refused upload");
                }
                return Err(refused);
            }
        };
        let mut upload = Self {
            session: session.clone(),
            id,
            name: name.clone(),
            spool,
            file: Some(file),
            extents: Extents::default(),
            hashing: Some((Hasher::default(), 0)),
            gaps_noted: false,
            poison: None,
            opened: Instant::now(),
            place,
            taken,
            sending: Some(inner.originals.sending(format!("t/{}/{id}", session.0.organisation))),
        };
        if let Some(listing) = base {
            upload.copy_of(&listing.object_key).await?;
        }
        Ok(upload)
    }

    /// Takes up what was broken off under this name, if there is something. It has to be what
    /// [`Session::stat`] shows, or the sender goes on at an offset of another file.
    async fn resume(
        session: &Session,
        name: &FileName,
        listing: Option<&Listing>,
        only: Option<ArrivalId>,
        place: &mut Place,
    ) -> Result<Option<Self>, LandError> {
        let inner = &session.0.dropbox.0;
        let since = Timestamp::now().plus_micros(-session.0.settings.resume.micros());
        let unavailable = |error| LandError::unavailable("take up a broken-off upload", &error);
        let partial =
            inner.record.partial_upload(&session.0.principal, name, &inner.node, since).await.map_err(unavailable)?;
        let Some(partial) = partial.filter(|partial| only.is_none_or(|id| id == partial.id)) else { return Ok(None) };
        if listing.is_some_and(|listing| listing.committed_at >= partial.opened_at) {
            return Ok(None);
        }
        let spool = inner.spool_path(partial.id);
        let file = match open_again(&spool) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            // An empty file in its place would be taken for the whole by a sender with nothing left to send.
            Err(error) => return Err(write_error(&error, "open a spool file again")),
        };
        let len = file.metadata().map_err(|error| write_error(&error, "look at a spool file"))?.len();
        let replaces = listing.map_or(Usage::default(), |old| Usage { bytes: old.size_bytes, files: 1 });
        let taken = Taken::none(std::sync::Arc::clone(&session.0.standing), replaces);
        let event = session
            .event("upload.opened", Severity::Info, format!("receiving the rest of /drop/{name}, from byte {len}"))
            .file(partial.id)
            .data("path", format!("/drop/{name}"))
            .data("resume_offset", len);
        let ours = inner
            .record
            .reopen_upload(partial.id, &inner.node, inner.epoch, session.0.id, event)
            .await
            .map_err(unavailable)?;
        if !ours {
            return Ok(None);
        }
        // A key of its own: what is under the first one, if it got so far, is another file by now.
        let key = format!("t/{}/{}.{}", session.0.organisation, partial.id, ArrivalId::random());
        let mut upload = Self {
            session: session.clone(),
            id: partial.id,
            name: name.clone(),
            spool,
            file: Some(file),
            extents: Extents::prefix(len),
            // What came before is read again at the end: the digest is over the whole file.
            hashing: Some((Hasher::default(), 0)),
            gaps_noted: false,
            poison: None,
            opened: Instant::now(),
            place: std::mem::take(place),
            taken,
            sending: Some(inner.originals.sending(key)),
        };
        // What it holds counts as under way from here on. Where it does not fit any more, it stays as it was.
        session.0.standing.forget_drop();
        make_room(session, &mut upload.taken, len, name).await?;
        Ok(Some(upload))
    }

    async fn copy_of(&mut self, key: &str) -> Result<(), LandError> {
        let original = self
            .session
            .0
            .dropbox
            .0
            .originals
            .open(key)
            .await
            .map_err(|error| LandError::unavailable("open an original", &error))?;
        let mut buffer = vec![0; 256 * 1024];
        let mut offset = 0;
        loop {
            let count = original
                .read_at(offset, &mut buffer)
                .await
                .map_err(|error| LandError::unavailable("read an original", &error))?;
            if count == 0 {
                return Ok(());
            }
            self.put(offset, buffer.get(..count).unwrap_or_default()).await?;
            offset += count as u64;
        }
    }

    #[must_use]
    pub fn id(&self) -> ArrivalId {
        self.id
    }

    /// Where the file ends so far.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.extents.len()
    }

    /// Writes bytes at an offset, in any order, as fast as the account may. A failure poisons the upload: nothing later
    /// succeeds. Dropping the wait writes nothing.
    ///
    /// # Errors
    /// The file grows too large or beyond the account's quota, the account may not be inside any more, the disk is full
    /// or broken, or an earlier write failed.
    pub async fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<(), LandError> {
        if self.poison.is_none() {
            self.session.0.standing.pace(bytes.len()).await;
        }
        self.put(offset, bytes).await
    }

    async fn put(&mut self, offset: u64, bytes: &[u8]) -> Result<(), LandError> {
        if let Some(poison) = &self.poison {
            return Err(poison.clone());
        }
        if let Err(error) = self.may_grow(offset, bytes.len()).await {
            self.poison = Some(error.clone());
            return Err(error);
        }
        // Noted before the bytes are there: a crash in between must not leave a hole that can be resumed.
        if !self.gaps_noted && offset > self.extents.contiguous() && !bytes.is_empty() {
            self.gaps_noted = true;
            let record = &self.session.0.dropbox.0.record;
            record.not_resumable(self.id).await.map_err(|error| LandError::unavailable("note a gap", &error))?;
        }
        self.write(offset, bytes).inspect_err(|error| self.poison = Some(error.clone()))
    }

    /// Whether the account's policy and the server's limit let the upload have these bytes too.
    async fn may_grow(&mut self, offset: u64, count: usize) -> Result<(), LandError> {
        self.session.still_admitted()?;
        let end = offset.saturating_add(count as u64);
        if let Err(error) = self.session.fits(end) {
            self.session.note_refusal("size_limit", &format!("/drop/{}", self.name), &error.to_string()).await;
            return Err(error);
        }
        make_room(&self.session, &mut self.taken, end, &self.name).await
    }

    fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<(), LandError> {
        crash_point("writing");
        let end = offset.saturating_add(bytes.len() as u64);
        let file = self.file.as_ref().ok_or(LandError::Unavailable)?;
        file.write_all_at(bytes, offset).map_err(|error| write_error(&error, "write to a spool file"))?;
        if let Some(sending) = &mut self.sending {
            sending.rewritten(offset);
        }
        if !self.extents.add(offset, end) {
            return Err(LandError::refused("the file came in too many separate pieces; send it front to back"));
        }
        if let Some(sending) = &mut self.sending {
            sending.arrived(&self.spool, self.extents.contiguous());
        }
        match &mut self.hashing {
            Some((hasher, hashed)) if *hashed == offset => {
                hasher.update(bytes);
                *hashed = end;
            }
            // Written again below what is hashed already: the digest starts over at the end.
            Some((_, hashed)) if offset < *hashed => self.hashing = None,
            _ => {}
        }
        Ok(())
    }

    /// Ends an upload that can neither land nor be gone on with: nothing of it is kept.
    pub fn give_up(mut self, reason: &str) {
        self.poison.get_or_insert_with(|| LandError::refused(reason));
    }

    /// Ends the upload as a broken connection does, and returns once that is noted: what the sender asks next
    /// finds it to be gone on with.
    pub async fn break_off(mut self) {
        if let Some(noted) = self.broken_off() {
            // It goes on to the end even if the caller stops waiting.
            let _ = tokio::spawn(noted).await;
        }
    }

    /// What is to be done about an upload that ends without landing, if it has not ended yet.
    fn broken_off(&mut self) -> Option<impl Future<Output = ()> + Send + 'static> {
        let file = self.file.take()?;
        let keep = if self.poison.is_some() { 0 } else { self.extents.contiguous() };
        let (spool, session, id) = (self.spool.clone(), self.session.clone(), self.id);
        let event = session
            .event("upload.partial", Severity::Warn, format!("/drop/{} was broken off after {keep} bytes", self.name))
            .file(id)
            .data("path", format!("/drop/{}", self.name))
            .data("size_bytes", keep)
            .data("client_closed", false)
            .took(self.opened.elapsed());
        let event = match &self.poison {
            None => event,
            Some(poison) => crate::domain::Event {
                kind: "upload.aborted".to_owned(),
                msg: format!("/drop/{} was refused: {poison}", self.name),
                ..event
            },
        };
        let place = std::mem::take(&mut self.place);
        let taken = self.taken.handed_on();
        Some(async move {
            if is_planted("close on drop") && keep > 0 {
                close_it(&session, id, &spool, keep).await;
            }
            let kept = tokio::task::spawn_blocking(move || {
                if keep == 0 {
                    remove_spool(&spool);
                    return 0;
                }
                if file.set_len(keep).and_then(|()| file.sync_all()).is_ok() { keep } else { 0 }
            })
            .await
            .unwrap_or(0);
            let inner = &session.0.dropbox.0;
            if let Err(error) = inner.record.abort_upload(id, inner.epoch, kept, event).await {
                tracing::error!(error = &error as &dyn std::error::Error, "could not note a broken-off upload");
            }
            drop((place, taken));
        })
    }

    /// The sender has said that the file is complete: seals, stores and commits it. When this returns a
    /// receipt, the file survives anything. It goes on to the end even if the caller stops waiting.
    ///
    /// # Errors
    /// The file is not complete or could not be stored; then nothing was taken, and it can be sent again.
    pub async fn finish(self) -> Result<Receipt, LandError> {
        self.finish_as(false).await
    }

    /// The bytes have ended, and the sender has not said that this is the end of the file. It is stored and held, and
    /// its content is asked whether it is whole; waits a while for the answer. A file that turns out to be whole has
    /// arrived as any other.
    ///
    /// # Errors
    /// As for [`finish`](Self::finish).
    pub async fn finish_unproven(self) -> Result<Receipt, LandError> {
        let session = self.session.clone();
        let receipt = self.finish_as(true).await?;
        if !receipt.unproven {
            return Ok(receipt);
        }
        let unproven = session.0.dropbox.proof_of(receipt.id).await;
        Ok(Receipt { unproven, ..receipt })
    }

    async fn finish_as(mut self, unproven: bool) -> Result<Receipt, LandError> {
        if let Some(poison) = self.poison.clone() {
            return Err(poison);
        }
        // A policy may have become stricter than the upload is, without another byte.
        if let Err(error) = self.may_grow(self.extents.len(), 0).await {
            self.poison = Some(error.clone());
            return Err(error);
        }
        if let Some((from, to)) = self.extents.gap() {
            self.poison = Some(LandError::Incomplete { from, to });
            return Err(LandError::Incomplete { from, to });
        }
        crash_point("ended");
        let landing = tokio::spawn(async move { self.land(unproven).await });
        landing.await.unwrap_or(Err(LandError::Unavailable))
    }

    async fn land(mut self, unproven: bool) -> Result<Receipt, LandError> {
        let started = Instant::now();
        let inner = std::sync::Arc::clone(&self.session.0.dropbox.0);
        // 4. Seal: bytes and digest are fixed from here on.
        let size_bytes = self.extents.len();
        let digest = self.seal(size_bytes).await?;
        crash_point("sealed");
        // 5. Put: under a key that is this upload's alone.
        let sending = self.sending.take().ok_or(LandError::Unavailable)?;
        let key = sending.key().to_owned();
        let stored = sending.finish(&self.spool, size_bytes, digest).await;
        stored.map_err(|error| LandError::unavailable("store an original", &error))?;
        crash_point("stored");
        // 6. Commit.
        let commit = Commit {
            id: self.id,
            epoch: inner.epoch,
            size_bytes,
            digest,
            object_key: key.clone(),
            held: self.name.is_temporary(),
            unproven,
            quota: self.session.policy().quota(),
            listed_since: self.session.0.dropbox.listed_since(),
        };
        if is_planted("ack before commit") {
            let receipt = Receipt { id: self.id, size_bytes, digest, duplicate_of: None, held: false, unproven: false };
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(20)).await;
                let _ = self.commit(&inner, &commit, started).await;
            });
            return Ok(receipt);
        }
        let settling = self.taken.settling();
        let committed = match self.commit(&inner, &commit, started).await {
            Ok(committed) => committed,
            Err(error) => {
                if let LandError::OverQuota { reason } = &error {
                    self.session.note_refusal("quota", &format!("/drop/{}", self.name), reason).await;
                    inner.originals.forget(&key).await;
                    self.poison = Some(error.clone());
                }
                return Err(error);
            }
        };
        drop(settling);
        crash_point("committed");
        // 8. Clean. 7, the acknowledgment, is the caller's.
        self.file = None;
        remove_spool(&self.spool);
        crash_point("cleaned");
        self.session.0.files.fetch_add(1, Ordering::Relaxed);
        self.session.0.bytes.fetch_add(size_bytes, Ordering::Relaxed);
        Ok(Receipt {
            id: self.id,
            size_bytes,
            digest,
            duplicate_of: committed.duplicate_of,
            held: committed.held,
            unproven: committed.unproven,
        })
    }

    async fn seal(&mut self, size_bytes: u64) -> Result<Digest, LandError> {
        let hashing = self.hashing.take();
        let file = self.file.as_ref().ok_or(LandError::Unavailable)?;
        let file = file.try_clone().map_err(|error| write_error(&error, "seal a spool file"))?;
        let (hasher, hashed) = hashing.unwrap_or_default();
        if hashed == size_bytes {
            return Ok(hasher.finish());
        }
        tokio::task::spawn_blocking(move || digest_from(&file, hasher, hashed))
            .await
            .map_err(|error| LandError::unavailable("read a spool file", &error))?
            .map_err(|error| write_error(&error, "read a spool file"))
    }

    async fn commit(&self, inner: &Inner, commit: &Commit, started: Instant) -> Result<Committed, LandError> {
        let deadline = Instant::now() + COMMIT_BUDGET;
        loop {
            let path = format!("/drop/{}", self.name);
            let stored = self
                .session
                .event("object.stored", Severity::Debug, format!("{path} stored"))
                .file(self.id)
                .data("key", commit.object_key.clone())
                .took(started.elapsed());
            let completed = self
                .session
                .event("upload.completed", Severity::Info, format!("{path} received, {} bytes", commit.size_bytes))
                .file(self.id)
                .data("path", path)
                .data("size_bytes", commit.size_bytes)
                .data("sha256", commit.digest.to_string())
                .data("held", commit.held || commit.unproven)
                .took(self.opened.elapsed());
            match inner.record.commit_upload(commit, vec![stored, completed]).await {
                Ok(CommitReply::Committed(committed)) => return Ok(committed),
                Ok(CommitReply::OverQuota(passed)) => return Err(LandError::OverQuota { reason: passed.sentence }),
                // Not receiving any more: ended by somebody else, or committed by a commit whose answer was lost.
                Ok(CommitReply::Gone) => {
                    return match inner.record.commit_outcome(self.id).await {
                        Ok(Some(committed)) => Ok(committed),
                        _ => Err(LandError::Unavailable),
                    };
                }
                // A failed commit is an unknown outcome: ask before answering anybody.
                Err(error) => {
                    if is_planted("ack on unknown commit") {
                        return Ok(Committed { duplicate_of: None, held: false, unproven: false });
                    }
                    let failed = LandError::unavailable("commit an arrival", &error);
                    if let Ok(Some(committed)) = inner.record.commit_outcome(self.id).await {
                        return Ok(committed);
                    }
                    if Instant::now() >= deadline {
                        return Err(failed);
                    }
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            }
        }
    }
}

/// The planted fault: a connection that breaks is taken for a sender who has finished.
async fn close_it(session: &Session, id: ArrivalId, spool: &std::path::Path, size_bytes: u64) {
    let inner = &session.0.dropbox.0;
    let Ok(digest) = File::open(spool).and_then(|file| digest_from(&file, Hasher::default(), 0)) else { return };
    let object_key = format!("t/{}/{id}", session.0.organisation);
    if inner.originals.put(&object_key, spool, digest).await.is_ok() {
        let commit = Commit {
            id,
            epoch: inner.epoch,
            size_bytes,
            digest,
            object_key,
            held: false,
            unproven: false,
            quota: session.policy().quota(),
            listed_since: session.0.dropbox.listed_since(),
        };
        let _ = inner.record.commit_upload(&commit, vec![]).await;
    }
}

/// Makes room in the account's quota for an upload of this length, or tells why there is none.
async fn make_room(session: &Session, taken: &mut Taken, len: u64, name: &FileName) -> Result<(), LandError> {
    match taken.grow(&session.0.dropbox, len).await? {
        Ok(()) => Ok(()),
        Err(passed) => {
            session.note_refusal(passed.code, &format!("/drop/{name}"), &passed.sentence).await;
            Err(LandError::OverQuota { reason: passed.sentence })
        }
    }
}

impl Drop for Upload {
    /// A connection that broke, or an upload that failed. Never a close.
    fn drop(&mut self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if let Some(noted) = self.broken_off() {
            runtime.spawn(noted);
        }
    }
}
