//! What a client is answered (filexfer-02 section 7). A [`Reply`] to READ or READDIR is still a question:
//! it turns into bytes only when there is room for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;

use super::desk::handle_text;
use super::folder::Folder;
use crate::domain::Timestamp;
use crate::domain::path::NAME_BYTES_MAX;
use crate::land::{Download, Entry, EntryKind, LandError, Room};

/// One packet to send.
#[derive(Debug)]
pub(in crate::arrive::sftp) enum Reply {
    Now(Bytes),
    Read { id: u32, file: Arc<Reading>, offset: u64, size: u32 },
    List { id: u32, folder: Arc<Folder> },
}

/// A file being fetched.
pub(in crate::arrive::sftp) struct Reading {
    download: Download,
    /// The last byte has been read; said once.
    completed: AtomicBool,
}

impl std::fmt::Debug for Reading {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Reading").field("size_bytes", &self.download.size_bytes()).finish_non_exhaustive()
    }
}

/// A READ is answered with at most this much: OpenSSH's limit, and what `limits@openssh.com` tells.
pub(super) const READ_BYTES_MAX: u32 = 255 * 1024;

pub(super) const ATTRIBUTE_SIZE: u32 = 0x1;
const ATTRIBUTE_PERMISSIONS: u32 = 0x4;
const ATTRIBUTE_TIMES: u32 = 0x8;

/// What we add to version 3 (OpenSSH's PROTOCOL file, section 4). Answered, but not
/// offered: `hardlink`, which is refused, and `users-groups-by-id`, for which OpenSSH's `ls -l` would show the ids
/// that our files do not have in place of the line we send.
const EXTENSIONS: [(&str, &str); 9] = [
    ("posix-rename@openssh.com", "1"),
    ("fsync@openssh.com", "1"),
    ("limits@openssh.com", "1"),
    ("statvfs@openssh.com", "2"),
    ("fstatvfs@openssh.com", "2"),
    ("lsetstat@openssh.com", "1"),
    ("expand-path@openssh.com", "1"),
    ("home-directory", "1"),
    ("copy-data", "1"),
];

/// `f_frsize` of the answer to `statvfs@openssh.com`.
const BLOCK_BYTES: u64 = 4096;

/// Status codes (section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    Ok = 0,
    Eof = 1,
    NoSuchFile = 2,
    PermissionDenied = 3,
    Failure = 4,
    BadMessage = 5,
    Unsupported = 8,
}

impl Reply {
    /// The packet, its length included.
    pub(in crate::arrive::sftp) async fn into_bytes(self) -> Bytes {
        match self {
            Self::Now(bytes) => bytes,
            Self::Read { id, file, offset, size } => read(id, &file, offset, size).await,
            Self::List { id, folder } => folder.next(id),
        }
    }

    /// Whether building it takes time on purpose.
    pub(in crate::arrive::sftp) fn is_paced(&self) -> bool {
        matches!(self, Self::Read { file, .. } if file.download.is_paced())
    }

    pub(super) fn ok(id: u32) -> Self {
        Self::status(id, Code::Ok, "")
    }

    pub(super) fn status(id: u32, code: Code, text: &str) -> Self {
        Self::Now(status(id, code, text))
    }

    pub(super) fn refused(id: u32, error: &LandError) -> Self {
        Self::status(id, Code::of(error), &error.to_string())
    }

    pub(super) fn handle(id: u32, handle: u32) -> Self {
        let mut packet = Packet::new(102);
        packet.u32(id).string(handle_text(handle).as_bytes());
        Self::Now(packet.sealed())
    }

    pub(super) fn attributes(id: u32, entry: &Entry) -> Self {
        let mut packet = Packet::new(105);
        packet.u32(id).attributes(entry.kind, entry.size_bytes, entry.modified);
        Self::Now(packet.sealed())
    }

    pub(super) fn file_attributes(id: u32, size_bytes: u64, modified: Timestamp) -> Self {
        let mut packet = Packet::new(105);
        packet.u32(id).attributes(EntryKind::File, size_bytes, modified);
        Self::Now(packet.sealed())
    }

    /// The answer to REALPATH: a NAME of one entry without attributes (section 6.11).
    pub(super) fn path(id: u32, path: &str) -> Self {
        let mut packet = Packet::new(104);
        packet.u32(id).u32(1).string(path.as_bytes()).string(path.as_bytes()).u32(0);
        Self::Now(packet.sealed())
    }

    /// Version 3 and what we add to it, in the form of OpenSSH's PROTOCOL file: name and version.
    pub(super) fn version() -> Self {
        let mut packet = Packet::new(2);
        packet.u32(3);
        for (extension, version) in EXTENSIONS {
            packet.string(extension.as_bytes()).string(version.as_bytes());
        }
        Self::Now(packet.sealed())
    }

    /// The answer to `limits@openssh.com`: the longest packet, READ and WRITE, and the most handles.
    pub(super) fn limits(id: u32, handles_max: usize) -> Self {
        let mut packet = Packet::new(201);
        packet
            .u32(id)
            .u64(u64::from(super::frames::PACKET_BYTES_MAX))
            .u64(u64::from(READ_BYTES_MAX))
            .u64(u64::from(READ_BYTES_MAX))
            .u64(handles_max as u64);
        Self::Now(packet.sealed())
    }

    /// The answer to `statvfs@openssh.com`: the eleven numbers of `statvfs(3)`.
    pub(super) fn room(id: u32, room: Room) -> Self {
        let (all, free) = (room.total_bytes / BLOCK_BYTES, room.free_bytes / BLOCK_BYTES);
        let mut packet = Packet::new(201);
        packet.u32(id).u64(BLOCK_BYTES).u64(BLOCK_BYTES).u64(all).u64(free).u64(free);
        let (files, free_files) = (room.total_files.unwrap_or(all), room.free_files.unwrap_or(free));
        // No file system id; no set-uid (`SSH_FXE_STATVFS_ST_NOSUID`).
        packet.u64(files).u64(free_files).u64(free_files).u64(0).u64(2).u64(NAME_BYTES_MAX as u64);
        Self::Now(packet.sealed())
    }

    /// The answer to `users-groups-by-id@openssh.com`: files belong to nobody by name.
    pub(super) fn nobodys_names(id: u32, users: usize, groups: usize) -> Self {
        let mut packet = Packet::new(201);
        packet.u32(id).string(&vec![0; users * 4]).string(&vec![0; groups * 4]);
        Self::Now(packet.sealed())
    }
}

impl Code {
    fn of(error: &LandError) -> Self {
        match error {
            LandError::NotFound { .. } => Self::NoSuchFile,
            LandError::Refused { .. } | LandError::Forbidden { .. } | LandError::Path(_) => Self::PermissionDenied,
            _ => Self::Failure,
        }
    }
}

impl Reading {
    pub(super) fn of(download: Download) -> Self {
        Self { download, completed: AtomicBool::new(false) }
    }

    pub(super) fn size_bytes(&self) -> u64 {
        self.download.size_bytes()
    }

    pub(super) fn modified(&self) -> Timestamp {
        self.download.modified()
    }

    pub(super) fn download(&self) -> &Download {
        &self.download
    }
}

async fn read(id: u32, file: &Reading, offset: u64, size: u32) -> Bytes {
    let total = file.size_bytes();
    let wanted = u64::from(size.min(READ_BYTES_MAX)).min(total.saturating_sub(offset));
    let mut packet = Packet::new(103);
    packet.u32(id).u32(0);
    let start = packet.0.len();
    packet.0.resize(start + usize::try_from(wanted).unwrap_or(0), 0);
    let mut filled = 0;
    while let Some(rest) = packet.0.get_mut(start + filled..)
        && !rest.is_empty()
    {
        match file.download.read_at(offset.saturating_add(filled as u64), rest).await {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) => return status(id, Code::of(&error), &error.to_string()),
        }
    }
    if offset.saturating_add(filled as u64) >= total && !file.completed.swap(true, Ordering::Relaxed) {
        file.download.completed();
    }
    if filled == 0 {
        return status(id, Code::Eof, "end of file");
    }
    packet.0.truncate(start + filled);
    packet.u32_at(start - 4, filled);
    packet.sealed()
}

pub(super) fn status(id: u32, code: Code, text: &str) -> Bytes {
    let mut packet = Packet::new(101);
    packet.u32(id).u32(code as u32).string(text.as_bytes()).string(b"en");
    packet.sealed()
}

/// A packet being written; its length is filled in at the end.
pub(super) struct Packet(Vec<u8>);

impl Packet {
    pub(super) fn new(kind: u8) -> Self {
        Self(vec![0, 0, 0, 0, kind])
    }

    pub(super) fn u32(&mut self, value: u32) -> &mut Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    pub(super) fn u64(&mut self, value: u64) -> &mut Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    pub(super) fn string(&mut self, text: &[u8]) -> &mut Self {
        self.u32(u32::try_from(text.len()).unwrap_or(u32::MAX));
        self.0.extend_from_slice(text);
        self
    }

    /// File attributes (section 5). No user and group ids: there are none, and 0 would say root.
    pub(super) fn attributes(&mut self, kind: EntryKind, size_bytes: u64, modified: Timestamp) -> &mut Self {
        let permissions = match kind {
            EntryKind::Folder => 0o040_755,
            EntryKind::File => 0o100_644,
        };
        let seconds = u32::try_from(modified.seconds()).unwrap_or(0);
        self.u32(ATTRIBUTE_SIZE | ATTRIBUTE_PERMISSIONS | ATTRIBUTE_TIMES)
            .u64(size_bytes)
            .u32(permissions)
            .u32(seconds)
            .u32(seconds)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn u32_at(&mut self, at: usize, value: usize) {
        let value = u32::try_from(value).unwrap_or(u32::MAX);
        if let Some(four) = self.0.get_mut(at..at + 4) {
            four.copy_from_slice(&value.to_be_bytes());
        }
    }

    pub(super) fn sealed(mut self) -> Bytes {
        let size = self.0.len() - 4;
        self.u32_at(0, size);
        Bytes::from(self.0)
    }
}
