//! Where a client's requests meet the dropbox: one desk per channel. It keeps what the client has open, and
//! turns every request into one [`Reply`].

use std::collections::HashMap;
use std::sync::Arc;

use tracing::{Instrument, debug, info_span};

use super::folder::Folder;
use super::frames::{Broken, Piece};
use super::reply::{Code, Reading, Reply};
use super::request::{self, Request};
use crate::arrive::presence::{Busy, Presence};
use crate::defend::Offence;
use crate::domain::{PathError, Timestamp, VirtualPath};
use crate::land::{Creation, LandError, Session, Upload};

/// One channel's open files and folders.
pub(in crate::arrive::sftp) struct Desk {
    session: Session,
    presence: Arc<Presence>,
    handles_max: usize,
    open: HashMap<u32, Open>,
    last_handle: u32,
    writing: Option<Write>,
}

enum Open {
    Upload(Box<Writing>),
    Download(Arc<Reading>),
    Folder(Arc<Folder>),
}

/// An upload. Dropping it leaves the upload broken off: only CLOSE finishes one.
struct Writing {
    upload: Upload,
    append: bool,
    span: tracing::Span,
    /// While it is open, a drain waits.
    _busy: Busy,
}

/// The WRITE whose data is coming in.
struct Write {
    id: u32,
    handle: Option<u32>,
    offset: u64,
    left: usize,
    refused: Option<Reply>,
}

/// A listing is kept while it is handed out, and may have 20,000 entries.
const FOLDERS_MAX: usize = 4;

/// Where relative paths begin.
const HOME: &str = "/drop";
/// What `copy-data` copies at once.
const COPY_BYTES: usize = 256 * 1024;

const NO_HANDLE: &str = "this file is not open; open it first";
const NOT_READABLE: &str = "this file is being uploaded and cannot be read; close it first";
const NO_FOLDERS: &str = "folders cannot be made or removed here; put files into /drop";

impl Desk {
    pub(in crate::arrive::sftp) fn new(session: Session, presence: Arc<Presence>, handles_max: usize) -> Self {
        Self { session, presence, handles_max, open: HashMap::new(), last_handle: 0, writing: None }
    }

    /// The answer to a piece, if it completes a request.
    pub(in crate::arrive::sftp) async fn answer(&mut self, piece: Piece<'_>) -> Result<Option<Reply>, Broken> {
        match piece {
            Piece::Write { id, handle, offset, size } => Ok(self.write(id, handle, offset, size)),
            Piece::Data(data) => Ok(self.data(data).await),
            Piece::Request(packet) => {
                let Some((id, request)) = request::read(packet) else {
                    return Err(Broken::Short(packet.len()));
                };
                Ok(Some(match request {
                    Some(request) => self.request(id, request).await,
                    None => Reply::status(id, Code::BadMessage, "the request ends before its last field"),
                }))
            }
        }
    }

    async fn request(&mut self, id: u32, request: Request<'_>) -> Reply {
        match request {
            Request::Init => Ok(Reply::version()),
            Request::Open { path, flags } => self.open(id, path, flags).await,
            Request::Close { handle } => self.close(id, handle).await,
            Request::Read { handle, offset, size } => Ok(self.read(id, handle, offset, size)),
            Request::Stat { path } => self.stat(id, path).await,
            Request::Fstat { handle } => Ok(self.fstat(id, handle)),
            Request::SetStat { path, size } => self.set_stat(id, path, size).await,
            Request::FsetStat { handle, size } => Ok(self.fset_stat(id, handle, size)),
            Request::OpenDir { path } => self.open_folder(id, path).await,
            Request::ReadDir { handle } => Ok(match self.opened(handle) {
                Some(Open::Folder(folder)) => Reply::List { id, folder: Arc::clone(folder) },
                _ => Reply::status(id, Code::Failure, "this folder is not open; open it first"),
            }),
            Request::Remove { path } => self.remove(id, path).await,
            Request::Rename { from, to, replace } => self.rename(id, from, to, replace).await,
            Request::MakeDir { path } => Ok(make_folder(id, path)),
            Request::RemoveDir { .. } => Ok(Reply::status(id, Code::PermissionDenied, NO_FOLDERS)),
            Request::RealPath { path } => Ok(match VirtualPath::canonical(path) {
                Ok(path) => Reply::path(id, &path.to_string()),
                Err(error) => Reply::status(id, Code::NoSuchFile, &error.to_string()),
            }),
            // Every write is answered when it is with the operating system; CLOSE is what makes it safe.
            Request::Fsync { handle } => Ok(match self.opened(handle) {
                Some(_) => Reply::ok(id),
                None => Reply::status(id, Code::Failure, NO_HANDLE),
            }),
            Request::Limits => Ok(Reply::limits(id, self.handles_max)),
            Request::StatVfs { path, handle } => self.room(id, path, handle).await,
            Request::HardLink => Ok(Reply::status(id, Code::PermissionDenied, "there are no links here; send a copy")),
            Request::ExpandPath { path } => Ok(match VirtualPath::canonical(&expanded(path)) {
                Ok(path) => Reply::path(id, &path.to_string()),
                Err(error) => Reply::status(id, Code::NoSuchFile, &error.to_string()),
            }),
            Request::HomeDirectory => Ok(Reply::path(id, HOME)),
            Request::CopyData { from, from_offset, size, to, to_offset } => {
                self.copy(id, from, (from_offset, size), to, to_offset).await
            }
            Request::UsersGroups { users, groups } => Ok(Reply::nobodys_names(id, users, groups)),
            Request::Unknown => Ok(Reply::status(id, Code::Unsupported, "this request is not supported")),
        }
        .unwrap_or_else(|error: LandError| {
            debug!(%error, "refused a request");
            Reply::refused(id, &error)
        })
    }

    async fn open(&mut self, id: u32, path: &[u8], flags: u32) -> Result<Reply, LandError> {
        if self.open.len() >= self.handles_max {
            return Ok(self.too_many(id));
        }
        if flags & (request::WRITING | request::APPEND | request::CREATE | request::TRUNCATE) == 0 {
            let Ok(path) = self.parse(path) else { return Ok(no_such_file(id)) };
            let download = self.session.open(&path).await?;
            return Ok(self.handle(id, Open::Download(Arc::new(Reading::of(download)))));
        }
        let path = self.parse(path)?;
        // Without CREAT a file must be there (section 6.3).
        if flags & request::CREATE == 0 {
            self.session.stat(&path).await?;
        }
        let how = Creation {
            truncate: flags & request::TRUNCATE != 0,
            exclusive: flags & request::EXCLUSIVE != 0,
            only: None,
        };
        let name = match &path {
            VirtualPath::File(name) => name.as_str(),
            VirtualPath::Root | VirtualPath::Drop => "",
        };
        let span = info_span!("upload", partner.name = self.session.login(), file.name = name);
        let upload = self.session.create(&path, how).instrument(span.clone()).await?;
        let append = flags & request::APPEND != 0;
        let writing = Writing { upload, append, span, _busy: self.presence.busy() };
        Ok(self.handle(id, Open::Upload(Box::new(writing))))
    }

    /// The path, and a note to the defender of one that no honest client sends.
    fn parse(&self, path: &[u8]) -> Result<VirtualPath, PathError> {
        VirtualPath::parse(path).inspect_err(|_| {
            if VirtualPath::is_hostile(path) {
                self.presence.blame(Offence::HostilePath);
            }
        })
    }

    /// The only place where an upload is finished: a client said CLOSE, and is answered once the file is
    /// safe.
    async fn close(&mut self, id: u32, handle: &[u8]) -> Result<Reply, LandError> {
        match key(handle).and_then(|key| self.open.remove(&key)) {
            None => Ok(Reply::status(id, Code::Failure, NO_HANDLE)),
            Some(Open::Download(_) | Open::Folder(_)) => Ok(Reply::ok(id)),
            Some(Open::Upload(writing)) => {
                let Writing { upload, span, _busy, .. } = *writing;
                upload.finish().instrument(span).await.map(|_| Reply::ok(id))
            }
        }
    }

    fn read(&self, id: u32, handle: &[u8], offset: u64, size: u32) -> Reply {
        match self.opened(handle) {
            Some(Open::Download(file)) => Reply::Read { id, file: Arc::clone(file), offset, size },
            Some(Open::Upload(_)) => Reply::status(id, Code::PermissionDenied, NOT_READABLE),
            Some(Open::Folder(_)) | None => Reply::status(id, Code::Failure, NO_HANDLE),
        }
    }

    fn write(&mut self, id: u32, handle: &[u8], offset: u64, size: usize) -> Option<Reply> {
        let handle = key(handle);
        let (offset, refused) = match handle.and_then(|key| self.open.get(&key)) {
            // "the offset is ignored": all data goes to the end (section 6.3, APPEND).
            Some(Open::Upload(writing)) if writing.append => (writing.upload.size_bytes(), None),
            Some(Open::Upload(_)) => (offset, None),
            Some(Open::Download(_)) => (
                0,
                Some(Reply::status(id, Code::PermissionDenied, "this file is open for reading; open it for writing")),
            ),
            Some(Open::Folder(_)) | None => (0, Some(Reply::status(id, Code::Failure, NO_HANDLE))),
        };
        let write = Write { id, handle, offset, left: size, refused };
        if size == 0 {
            return Some(write.refused.unwrap_or_else(|| Reply::ok(id)));
        }
        self.writing = Some(write);
        None
    }

    async fn data(&mut self, data: &[u8]) -> Option<Reply> {
        let write = self.writing.as_mut()?;
        if write.refused.is_none()
            && let Some(Open::Upload(writing)) = write.handle.and_then(|key| self.open.get_mut(&key))
        {
            let cut = self.presence.cut();
            let written = tokio::select! {
                // The account's bandwidth may hold a write back; a connection that is cut off is not held back.
                biased;
                () = cut.cancelled() => Err(LandError::Unavailable),
                written = writing.upload.write_at(write.offset, data) => written,
            };
            match written {
                Ok(()) => write.offset = write.offset.saturating_add(data.len() as u64),
                Err(error) => {
                    debug!(parent: &writing.span, %error, "refused a write");
                    write.refused = Some(Reply::refused(write.id, &error));
                }
            }
        }
        write.left = write.left.saturating_sub(data.len());
        if write.left > 0 {
            return None;
        }
        let Write { id, refused, .. } = self.writing.take()?;
        Some(refused.unwrap_or_else(|| Reply::ok(id)))
    }

    async fn stat(&self, id: u32, path: &[u8]) -> Result<Reply, LandError> {
        let Ok(path) = self.parse(path) else { return Ok(no_such_file(id)) };
        self.session.stat(&path).await.map(|entry| Reply::attributes(id, &entry))
    }

    fn fstat(&self, id: u32, handle: &[u8]) -> Reply {
        match self.opened(handle) {
            Some(Open::Upload(writing)) => Reply::file_attributes(id, writing.upload.size_bytes(), Timestamp::now()),
            Some(Open::Download(file)) => Reply::file_attributes(id, file.size_bytes(), file.modified()),
            Some(Open::Folder(_)) | None => Reply::status(id, Code::Failure, NO_HANDLE),
        }
    }

    /// Clients set times and modes after an upload (`put -p`, `WinSCP`, `lftp`) and fail if they are
    /// refused. A file here has neither, so it is said to be done. A size is another matter.
    async fn set_stat(&self, id: u32, path: &[u8], size: Option<u64>) -> Result<Reply, LandError> {
        let path = self.parse(path)?;
        match size {
            None => Ok(Reply::ok(id)),
            Some(size) if self.session.stat(&path).await?.size_bytes == size => Ok(Reply::ok(id)),
            Some(_) => Ok(cannot_truncate(id)),
        }
    }

    fn fset_stat(&self, id: u32, handle: &[u8], size: Option<u64>) -> Reply {
        match (self.opened(handle), size) {
            (None, _) => Reply::status(id, Code::Failure, NO_HANDLE),
            (Some(_), None) => Reply::ok(id),
            (Some(Open::Upload(writing)), Some(size)) if writing.upload.size_bytes() == size => Reply::ok(id),
            (Some(_), Some(_)) => cannot_truncate(id),
        }
    }

    async fn room(&self, id: u32, path: Option<&[u8]>, handle: Option<&[u8]>) -> Result<Reply, LandError> {
        if path.is_some_and(|path| self.parse(path).is_err()) {
            return Ok(no_such_file(id));
        }
        if handle.is_some_and(|handle| self.opened(handle).is_none()) {
            return Ok(Reply::status(id, Code::Failure, NO_HANDLE));
        }
        self.session.room().await.map(|room| Reply::room(id, room))
    }

    /// `copy-data` (draft-ietf-secsh-filexfer-extensions-00 section 7): `size` 0 is up to the end.
    async fn copy(
        &mut self,
        id: u32,
        from: &[u8],
        (mut offset, size): (u64, u64),
        to: &[u8],
        mut to_offset: u64,
    ) -> Result<Reply, LandError> {
        let Some(Open::Download(source)) = self.opened(from) else {
            return Ok(Reply::status(id, Code::Failure, "the file to copy from is not open for reading"));
        };
        let source = Arc::clone(source);
        let Some(Open::Upload(target)) = key(to).and_then(|key| self.open.get_mut(&key)) else {
            return Ok(Reply::status(id, Code::Failure, "the file to copy to is not open for writing"));
        };
        let end = if size == 0 { u64::MAX } else { offset.saturating_add(size) };
        let mut buffer = vec![0; COPY_BYTES];
        while offset < end {
            let wanted = usize::try_from(end - offset).unwrap_or(COPY_BYTES).min(COPY_BYTES);
            let count = source.download().read_at(offset, buffer.get_mut(..wanted).unwrap_or_default()).await?;
            if count == 0 {
                break;
            }
            target.upload.write_at(to_offset, buffer.get(..count).unwrap_or_default()).await?;
            offset = offset.saturating_add(count as u64);
            to_offset = to_offset.saturating_add(count as u64);
            self.presence.heard();
            tokio::task::yield_now().await;
        }
        Ok(Reply::ok(id))
    }

    async fn open_folder(&mut self, id: u32, path: &[u8]) -> Result<Reply, LandError> {
        let folders = self.open.values().filter(|open| matches!(open, Open::Folder(_))).count();
        if self.open.len() >= self.handles_max || folders >= FOLDERS_MAX {
            return Ok(self.too_many(id));
        }
        let path = match self.parse(path) {
            Ok(VirtualPath::File(_)) => {
                return Ok(Reply::status(id, Code::Failure, "this is not a folder; the folder is /drop"));
            }
            Ok(path) => path,
            Err(_) => return Ok(no_such_file(id)),
        };
        let entries = self.session.list(&path).await?;
        Ok(self.handle(id, Open::Folder(Arc::new(Folder::of(entries, Timestamp::now())))))
    }

    async fn remove(&self, id: u32, path: &[u8]) -> Result<Reply, LandError> {
        self.session.remove(&self.parse(path)?).await.map(|()| Reply::ok(id))
    }

    /// RENAME fails if the new name is taken (section 6.5); `posix-rename@openssh.com` replaces it.
    async fn rename(&self, id: u32, from: &[u8], to: &[u8], replace: bool) -> Result<Reply, LandError> {
        let (from, to) = (self.parse(from)?, self.parse(to)?);
        self.session.rename(&from, &to, replace).await.map(|()| Reply::ok(id))
    }

    fn handle(&mut self, id: u32, open: Open) -> Reply {
        // A number is not used again while it is open: there are four thousand million of them, and
        // `handles_max` are few.
        loop {
            self.last_handle = self.last_handle.wrapping_add(1);
            if !self.open.contains_key(&self.last_handle) {
                break;
            }
        }
        self.open.insert(self.last_handle, open);
        Reply::handle(id, self.last_handle)
    }

    fn opened(&self, handle: &[u8]) -> Option<&Open> {
        key(handle).and_then(|key| self.open.get(&key))
    }

    fn too_many(&self, id: u32) -> Reply {
        let text = format!(
            "too many open files or folders; close one first (at most {} files, {FOLDERS_MAX} folders)",
            self.handles_max
        );
        Reply::status(id, Code::Failure, &text)
    }
}

/// What a client calls an open file. Any bytes would do (section 6.3), but some clients take them for text and send
/// back something else: these are text.
pub(super) fn handle_text(key: u32) -> String {
    format!("{key:08x}")
}

fn key(handle: &[u8]) -> Option<u32> {
    let key = u32::from_str_radix(std::str::from_utf8(handle).ok()?, 16).ok()?;
    (handle_text(key).as_bytes() == handle).then_some(key)
}

/// A name that cannot be cannot be there: clients probe (`stat` before `put`, `mkdir -p`) and go on from
/// this answer, as they would not from a refusal.
fn no_such_file(id: u32) -> Reply {
    Reply::status(id, Code::NoSuchFile, "no such file")
}

/// `~` and `~anybody` are the one home there is.
fn expanded(path: &[u8]) -> Vec<u8> {
    match path.strip_prefix(b"~") {
        None => path.to_vec(),
        Some(rest) => {
            let user = rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len());
            [HOME.as_bytes(), rest.get(user..).unwrap_or_default()].concat()
        }
    }
}

fn cannot_truncate(id: u32) -> Reply {
    Reply::status(id, Code::Unsupported, "a file's size cannot be set; send the file again in full")
}

fn make_folder(id: u32, path: &[u8]) -> Reply {
    match VirtualPath::parse(path) {
        Ok(VirtualPath::Root | VirtualPath::Drop) => Reply::status(id, Code::Failure, "this folder already exists"),
        Ok(VirtualPath::File(_)) | Err(PathError::Folder) => Reply::status(id, Code::PermissionDenied, NO_FOLDERS),
        Err(error) => Reply::status(id, Code::PermissionDenied, &error.to_string()),
    }
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Desk").field("open", &self.open.len()).finish_non_exhaustive()
    }
}
