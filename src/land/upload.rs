//! A file being sent, from the first byte to the receipt: DURABILITY section 2, steps 1 to 8, in order.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::Inner;
use super::error::LandError;
use super::extents::Extents;
use super::session::{Creation, Session};
use crate::domain::{ArrivalId, Digest, FileName, Hasher, Severity, Timestamp};
use crate::record::{Commit, Committed, Listing, NewUpload};

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
}

/// What the sender may rely on: the original is stored, the arrival committed, the job queued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    pub id: ArrivalId,
    pub size_bytes: u64,
    pub digest: Digest,
    /// The earlier file with the same bytes, whose effect this one shares.
    pub duplicate_of: Option<ArrivalId>,
    /// Under a temporary name: it arrives when it is renamed.
    pub held: bool,
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
            && let Some(upload) = Self::resume(session, name, listing.as_ref(), &mut place).await?
        {
            return Ok(upload);
        }
        let id = ArrivalId::random();
        // A file that lies there already is gone on with in a copy: originals never change.
        let base = if how.truncate { None } else { listing };
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
        inner
            .record
            .open_upload(&new, event)
            .await
            .map_err(|error| LandError::unavailable("register an upload", &error))?;
        let spool = inner.spool_path(id);
        let made = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW)
            .open(&spool);
        let file = match made {
            Ok(file) => file,
            Err(error) => {
                let refused = write_error(&error, "make a spool file");
                let event = session
                    .event("upload.aborted", Severity::Warn, format!("/drop/{name} was refused: {refused}"))
                    .file(id);
                if let Err(error) = inner.record.abort_upload(id, inner.epoch, false, event).await {
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
        place: &mut Place,
    ) -> Result<Option<Self>, LandError> {
        let inner = &session.0.dropbox.0;
        let since = Timestamp::now().plus_micros(-session.0.settings.resume.micros());
        let unavailable = |error| LandError::unavailable("take up a broken-off upload", &error);
        let partial =
            inner.record.partial_upload(&session.0.principal, name, &inner.node, since).await.map_err(unavailable)?;
        let Some(partial) = partial else { return Ok(None) };
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
        Ok(ours.then(|| Self {
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
        }))
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
            self.write_at(offset, buffer.get(..count).unwrap_or_default()).await?;
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

    /// Writes bytes at an offset, in any order. A failure poisons the upload: nothing later succeeds.
    ///
    /// # Errors
    /// The file grows too large, the disk is full or broken, or an earlier write failed.
    pub async fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<(), LandError> {
        if let Some(poison) = &self.poison {
            return Err(poison.clone());
        }
        // Noted before the bytes are there: a crash in between must not leave a hole that can be resumed.
        if !self.gaps_noted && offset > self.extents.contiguous() && !bytes.is_empty() {
            self.gaps_noted = true;
            let record = &self.session.0.dropbox.0.record;
            record.not_resumable(self.id).await.map_err(|error| LandError::unavailable("note a gap", &error))?;
        }
        self.write(offset, bytes).inspect_err(|error| self.poison = Some(error.clone()))
    }

    fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<(), LandError> {
        let limit = self.session.0.settings.file_max;
        let end = offset.checked_add(bytes.len() as u64).filter(|end| *end <= limit.bytes());
        let Some(end) = end else { return Err(LandError::TooLarge { limit: limit.to_string() }) };
        let file = self.file.as_ref().ok_or(LandError::Unavailable)?;
        file.write_all_at(bytes, offset).map_err(|error| write_error(&error, "write to a spool file"))?;
        if !self.extents.add(offset, end) {
            return Err(LandError::refused("the file came in too many separate pieces; send it front to back"));
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
        Some(async move {
            let synced = tokio::task::spawn_blocking(move || {
                if keep == 0 {
                    remove_spool(&spool);
                    return false;
                }
                file.set_len(keep).and_then(|()| file.sync_all()).is_ok()
            })
            .await
            .unwrap_or(false);
            let inner = &session.0.dropbox.0;
            if let Err(error) = inner.record.abort_upload(id, inner.epoch, synced, event).await {
                tracing::error!(error = &error as &dyn std::error::Error, "could not note a broken-off upload");
            }
            drop(place);
        })
    }

    /// The sender has said that the file is complete: seals, stores and commits it. When this returns a
    /// receipt, the file survives anything. It goes on to the end even if the caller stops waiting.
    ///
    /// # Errors
    /// The file is not complete or could not be stored; then nothing was taken, and it can be sent again.
    pub async fn finish(mut self) -> Result<Receipt, LandError> {
        if let Some(poison) = self.poison.clone() {
            return Err(poison);
        }
        if let Some((from, to)) = self.extents.gap() {
            self.poison = Some(LandError::Incomplete { from, to });
            return Err(LandError::Incomplete { from, to });
        }
        let landing = tokio::spawn(async move { self.land().await });
        landing.await.unwrap_or(Err(LandError::Unavailable))
    }

    async fn land(mut self) -> Result<Receipt, LandError> {
        let started = Instant::now();
        let inner = std::sync::Arc::clone(&self.session.0.dropbox.0);
        // 4. Seal: bytes and digest are fixed from here on.
        let size_bytes = self.extents.len();
        let digest = self.seal(size_bytes).await?;
        // 5. Put: under a key that is this upload's alone.
        let key = format!("t/{}/{}", self.session.0.organisation, self.id);
        inner
            .originals
            .put(&key, &self.spool)
            .await
            .map_err(|error| LandError::unavailable("store an original", &error))?;
        // 6. Commit.
        let commit = Commit {
            id: self.id,
            epoch: inner.epoch,
            size_bytes,
            digest,
            object_key: key.clone(),
            held: self.name.is_temporary(),
        };
        let committed = self.commit(&inner, &commit, started).await?;
        // 8. Clean. 7, the acknowledgment, is the caller's.
        self.file = None;
        remove_spool(&self.spool);
        self.session.0.files.fetch_add(1, Ordering::Relaxed);
        self.session.0.bytes.fetch_add(size_bytes, Ordering::Relaxed);
        Ok(Receipt { id: self.id, size_bytes, digest, duplicate_of: committed.duplicate_of, held: committed.held })
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
                .data("held", commit.held)
                .took(self.opened.elapsed());
            match inner.record.commit_upload(commit, vec![stored, completed]).await {
                Ok(Some(committed)) => return Ok(committed),
                // Not receiving any more: ended by somebody else, or committed by a commit whose answer was lost.
                Ok(None) => {
                    return match inner.record.commit_outcome(self.id).await {
                        Ok(Some(committed)) => Ok(committed),
                        _ => Err(LandError::Unavailable),
                    };
                }
                // A failed commit is an unknown outcome: ask before answering anybody.
                Err(error) => {
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

impl Drop for Upload {
    /// A connection that broke, or an upload that failed. Never a close.
    fn drop(&mut self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if let Some(noted) = self.broken_off() {
            runtime.spawn(noted);
        }
    }
}

/// One of the uploads an account may have open at once.
#[derive(Debug, Default)]
struct Place(Option<Session>);

impl Place {
    fn take(session: &Session) -> Result<Self, LandError> {
        let inner = &session.0.dropbox.0;
        let max = session.0.settings.uploads_per_account_max;
        let mut open = inner.open_uploads.lock().map_err(|_| LandError::Unavailable)?;
        let count = open.entry(session.0.principal.clone()).or_default();
        if *count >= max {
            return Err(LandError::Busy { reason: format!("{max} uploads are open for this account already") });
        }
        *count += 1;
        Ok(Self(Some(session.clone())))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(session) = self.0.take() else { return };
        let Ok(mut open) = session.0.dropbox.0.open_uploads.lock() else { return };
        if let Some(count) = open.get_mut(&session.0.principal) {
            *count -= 1;
            if *count == 0 {
                open.remove(&session.0.principal);
            }
        }
    }
}

impl Inner {
    pub(super) fn spool_path(&self, id: ArrivalId) -> PathBuf {
        self.spool.join(format!("{id}.part"))
    }
}

/// Opens the spool file of a broken-off upload. If it broke off between being stored and being committed
/// (DURABILITY section 4, CP 8), it is sealed, and an orphan on the shelf is its second name: nobody was
/// promised that one, and it is sealed again when the upload is finished.
fn open_again(spool: &Path) -> io::Result<File> {
    if std::fs::symlink_metadata(spool)?.is_file() {
        std::fs::set_permissions(spool, Permissions::from_mode(0o600))?;
    }
    OpenOptions::new().read(true).write(true).custom_flags(libc::O_NOFOLLOW).open(spool)
}

fn digest_from(file: &File, mut hasher: Hasher, mut offset: u64) -> io::Result<Digest> {
    let mut buffer = vec![0; 256 * 1024];
    let mut reader = OffsetReader { file, offset: &mut offset };
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(hasher.finish()),
            count => hasher.update(buffer.get(..count).unwrap_or_default()),
        }
    }
}

struct OffsetReader<'a> {
    file: &'a File,
    offset: &'a mut u64,
}

impl Read for OffsetReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, *self.offset)?;
        *self.offset += count as u64;
        Ok(count)
    }
}

fn write_error(error: &io::Error, doing: &'static str) -> LandError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => LandError::NoSpace,
        _ => LandError::unavailable(doing, error),
    }
}

fn remove_spool(path: &Path) {
    if let Err(error) = std::fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(error = %error, "could not remove a spool file");
    }
}
