//! A disk that forgets, as disks do when the power goes: what nobody synced is not there afterwards. It is as strict as
//! POSIX lets a file system be: a file's bytes are safe once the file was synced, its name once its folder was
//! (fsync(2)). It lives in memory, and is mounted through FUSE.
//!
//! A program of its own: whoever looks into a file of it must not be the process that has to answer. It says `ready`
//! when it is mounted; `cut` on standard input is the power that goes and comes back, and the end of input the end.

#![allow(
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a part of the laboratory, which may end at the first surprise"
)]

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use anyhow::{Context, ensure};
use fuser::{
    BackgroundSession, Config, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation, INodeNo,
    LockOwner, MountOption, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory, ReplyEmpty,
    ReplyEntry, ReplyStatfs, ReplyWrite, Request, TimeOrNow, WriteFlags,
};

/// The kernel asks again every time: what it remembered would survive the cut.
const REMEMBERED: Duration = Duration::ZERO;
const PAGE_BYTES: usize = 4_096;
const ROOT: u64 = 1;

fn main() -> anyhow::Result<()> {
    let at = std::env::args_os().nth(1).context("usage: forgetful-disk FOLDER")?;
    let disk = Disk::default();
    disk.lock().nodes.insert(ROOT, Node::new(Content::Folder(BTreeMap::new()), 0o700, 0, 0));
    let mut mounted = mount(&disk, &at)?;
    println!("ready");
    for line in std::io::stdin().lines() {
        ensure!(line? == "cut", "`cut` is all that can be asked for");
        mounted.umount_and_join()?;
        disk.lock().forget();
        mounted = mount(&disk, &at)?;
        println!("ready");
    }
    mounted.umount_and_join().context("unmount")
}

fn mount(disk: &Disk, at: &OsStr) -> anyhow::Result<BackgroundSession> {
    let mut config = Config::default();
    config.mount_options = vec![MountOption::FSName("forgetful".to_owned())];
    fuser::spawn_mount(disk.clone(), at, &config).context("mount")
}

#[derive(Clone, Default)]
struct Disk(Arc<Mutex<Nodes>>);

#[derive(Default)]
struct Nodes {
    nodes: HashMap<u64, Node>,
    newest: u64,
}

/// A file or a folder, as it is now and as it is after the power has gone.
struct Node {
    now: Content,
    safe: Content,
    /// Pages that differ between the two.
    unsynced: BTreeSet<usize>,
    mode: u16,
    owner: (u32, u32),
    links: u32,
    changed: SystemTime,
}

#[derive(Clone)]
enum Content {
    File(Vec<u8>),
    Folder(BTreeMap<OsString, u64>),
}

impl Node {
    fn new(now: Content, mode: u32, uid: u32, gid: u32) -> Self {
        let (safe, links) = match &now {
            Content::File(_) => (Content::File(vec![]), 1),
            Content::Folder(_) => (Content::Folder(BTreeMap::new()), 2),
        };
        let mode = (mode & 0o7777) as u16;
        Self { now, safe, unsynced: BTreeSet::new(), mode, owner: (uid, gid), links, changed: SystemTime::now() }
    }

    fn sync(&mut self) {
        match (&self.now, &mut self.safe) {
            (Content::File(now), Content::File(safe)) => {
                safe.resize(now.len(), 0);
                for page in std::mem::take(&mut self.unsynced) {
                    let from = page * PAGE_BYTES;
                    let to = now.len().min(from + PAGE_BYTES);
                    if from < to {
                        safe[from..to].copy_from_slice(&now[from..to]);
                    }
                }
            }
            (now, safe) => safe.clone_from(now),
        }
    }

    fn touch(&mut self, from: usize, to: usize) {
        self.unsynced.extend(from / PAGE_BYTES..to.div_ceil(PAGE_BYTES));
        self.changed = SystemTime::now();
    }

    fn attributes(&self, number: u64) -> FileAttr {
        let (kind, size) = match &self.now {
            Content::File(bytes) => (FileType::RegularFile, bytes.len() as u64),
            Content::Folder(names) => (FileType::Directory, names.len() as u64),
        };
        FileAttr {
            ino: INodeNo(number),
            size,
            blocks: size.div_ceil(512),
            atime: self.changed,
            mtime: self.changed,
            ctime: self.changed,
            crtime: self.changed,
            kind,
            perm: self.mode,
            nlink: self.links,
            uid: self.owner.0,
            gid: self.owner.1,
            rdev: 0,
            blksize: PAGE_BYTES as u32,
            flags: 0,
        }
    }
}

impl Nodes {
    fn forget(&mut self) {
        for node in self.nodes.values_mut() {
            node.now = node.safe.clone();
            node.unsynced.clear();
        }
        // What no folder names any more goes; and who is named how often.
        let mut named: HashMap<u64, u32> = HashMap::new();
        let (mut seen, mut open) = (HashSet::new(), vec![ROOT]);
        while let Some(number) = open.pop() {
            let Some(Node { now: Content::Folder(names), .. }) = self.nodes.get(&number) else { continue };
            for name in names.values() {
                *named.entry(*name).or_default() += 1;
                if seen.insert(*name) {
                    open.push(*name);
                }
            }
        }
        self.nodes.retain(|number, _| *number == ROOT || named.contains_key(number));
        for (number, links) in named {
            if let Some(node @ Node { now: Content::File(_), .. }) = self.nodes.get_mut(&number) {
                node.links = links;
            }
        }
    }

    fn node(&mut self, number: INodeNo) -> Result<&mut Node, Errno> {
        self.nodes.get_mut(&number.0).ok_or(Errno::ENOENT)
    }

    fn names(&mut self, folder: INodeNo) -> Result<&mut BTreeMap<OsString, u64>, Errno> {
        match &mut self.node(folder)?.now {
            Content::Folder(names) => Ok(names),
            Content::File(_) => Err(Errno::ENOTDIR),
        }
    }

    fn bytes(&mut self, file: INodeNo) -> Result<&mut Vec<u8>, Errno> {
        match &mut self.node(file)?.now {
            Content::File(bytes) => Ok(bytes),
            Content::Folder(_) => Err(Errno::EISDIR),
        }
    }

    fn find(&mut self, folder: INodeNo, name: &OsStr) -> Result<INodeNo, Errno> {
        self.names(folder)?.get(name).copied().map(INodeNo).ok_or(Errno::ENOENT)
    }

    fn attributes(&mut self, number: INodeNo) -> Result<FileAttr, Errno> {
        Ok(self.node(number)?.attributes(number.0))
    }

    fn make(&mut self, folder: INodeNo, name: &OsStr, node: Node) -> Result<FileAttr, Errno> {
        if self.find(folder, name).is_ok() {
            return Err(Errno::EEXIST);
        }
        self.newest += 1;
        let number = ROOT + self.newest;
        self.names(folder)?.insert(name.to_owned(), number);
        self.nodes.insert(number, node);
        self.attributes(INodeNo(number))
    }

    fn link(&mut self, number: INodeNo, folder: INodeNo, name: &OsStr) -> Result<FileAttr, Errno> {
        if self.find(folder, name).is_ok() {
            return Err(Errno::EEXIST);
        }
        self.node(number)?.links += 1;
        self.names(folder)?.insert(name.to_owned(), number.0);
        self.attributes(number)
    }

    /// The name goes. What it named stays: it may be open, or still be named on the disk.
    fn unlink(&mut self, folder: INodeNo, name: &OsStr) -> Result<(), Errno> {
        let number = self.find(folder, name)?;
        if matches!(&self.node(number)?.now, Content::Folder(names) if !names.is_empty()) {
            return Err(Errno::ENOTEMPTY);
        }
        self.names(folder)?.remove(name);
        let node = self.node(number)?;
        node.links = node.links.saturating_sub(1);
        Ok(())
    }

    fn resize(&mut self, number: INodeNo, size: u64) -> Result<(), Errno> {
        let bytes = self.bytes(number)?;
        let (old, new) = (bytes.len(), size as usize);
        bytes.resize(new, 0);
        self.node(number)?.touch(old.min(new), old.max(new));
        Ok(())
    }

    fn write(&mut self, number: INodeNo, offset: usize, data: &[u8]) -> Result<(), Errno> {
        let bytes = self.bytes(number)?;
        let (old, end) = (bytes.len(), offset + data.len());
        bytes.resize(old.max(end), 0);
        bytes[offset..end].copy_from_slice(data);
        self.node(number)?.touch(offset.min(old), end);
        Ok(())
    }
}

impl Disk {
    fn lock(&self) -> MutexGuard<'_, Nodes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Filesystem for Disk {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let mut nodes = self.lock();
        entry(nodes.find(parent, name).and_then(|number| nodes.attributes(number)), reply);
    }

    fn getattr(&self, _: &Request, number: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        attributes(self.lock().attributes(number), reply);
    }

    fn setattr(
        &self,
        _: &Request,
        number: INodeNo,
        mode: Option<u32>,
        uid: Option<u32>,
        gid: Option<u32>,
        size: Option<u64>,
        _: Option<TimeOrNow>,
        _: Option<TimeOrNow>,
        _: Option<SystemTime>,
        _: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<fuser::BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let mut nodes = self.lock();
        let set = || {
            if let Some(size) = size {
                nodes.resize(number, size)?;
            }
            let node = nodes.node(number)?;
            node.mode = mode.map_or(node.mode, |mode| (mode & 0o7777) as u16);
            node.owner = (uid.unwrap_or(node.owner.0), gid.unwrap_or(node.owner.1));
            Ok(node.attributes(number.0))
        };
        attributes({ set }(), reply);
    }

    fn mkdir(&self, of: &Request, parent: INodeNo, name: &OsStr, mode: u32, umask: u32, reply: ReplyEntry) {
        let node = Node::new(Content::Folder(BTreeMap::new()), mode & !umask, of.uid(), of.gid());
        entry(self.lock().make(parent, name, node), reply);
    }

    fn create(&self, of: &Request, parent: INodeNo, name: &OsStr, mode: u32, umask: u32, _: i32, reply: ReplyCreate) {
        let node = Node::new(Content::File(vec![]), mode & !umask, of.uid(), of.gid());
        match self.lock().make(parent, name, node) {
            Ok(made) => reply.created(&REMEMBERED, &made, Generation(0), FileHandle(0), FopenFlags::empty()),
            Err(error) => reply.error(error),
        }
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        done(self.lock().unlink(parent, name), reply);
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        done(self.lock().unlink(parent, name), reply);
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        new_parent: INodeNo,
        new_name: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let mut nodes = self.lock();
        let renamed = || {
            let number = nodes.find(parent, name)?;
            if nodes.find(new_parent, new_name).is_ok() {
                if flags.contains(RenameFlags::RENAME_NOREPLACE) {
                    return Err(Errno::EEXIST);
                }
                nodes.unlink(new_parent, new_name)?;
            }
            nodes.names(parent)?.remove(name);
            nodes.names(new_parent)?.insert(new_name.to_owned(), number.0);
            Ok(())
        };
        done({ renamed }(), reply);
    }

    fn link(&self, _: &Request, number: INodeNo, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        entry(self.lock().link(number, parent, name), reply);
    }

    fn read(
        &self,
        _: &Request,
        number: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        match self.lock().bytes(number) {
            Ok(bytes) => {
                let from = bytes.len().min(offset as usize);
                reply.data(&bytes[from..bytes.len().min(from + size as usize)]);
            }
            Err(error) => reply.error(error),
        }
    }

    fn write(
        &self,
        _: &Request,
        number: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        match self.lock().write(number, offset as usize, data) {
            Ok(()) => reply.written(data.len() as u32),
            Err(error) => reply.error(error),
        }
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn fsync(&self, _: &Request, number: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        done(self.lock().node(number).map(Node::sync), reply);
    }

    fn fsyncdir(&self, _: &Request, number: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        done(self.lock().node(number).map(Node::sync), reply);
    }

    fn readdir(&self, _: &Request, number: INodeNo, _: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        let mut nodes = self.lock();
        let names = match nodes.names(number) {
            Ok(names) => names.clone(),
            Err(error) => return reply.error(error),
        };
        let here = [(OsString::from("."), number.0), (OsString::from(".."), ROOT)];
        for (position, (name, number)) in here.into_iter().chain(names).enumerate().skip(offset as usize) {
            let kind = nodes.attributes(INodeNo(number)).map_or(FileType::Directory, |found| found.kind);
            if reply.add(INodeNo(number), position as u64 + 1, kind, name) {
                break;
            }
        }
        reply.ok();
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        let (blocks, nodes) = (1 << 22, 1 << 20);
        reply.statfs(blocks, blocks, blocks, nodes, nodes, PAGE_BYTES as u32, 255, PAGE_BYTES as u32);
    }
}

fn entry(found: Result<FileAttr, Errno>, reply: ReplyEntry) {
    match found {
        Ok(found) => reply.entry(&REMEMBERED, &found, Generation(0)),
        Err(error) => reply.error(error),
    }
}

fn attributes(found: Result<FileAttr, Errno>, reply: ReplyAttr) {
    match found {
        Ok(found) => reply.attr(&REMEMBERED, &found),
        Err(error) => reply.error(error),
    }
}

fn done(done: Result<(), Errno>, reply: ReplyEmpty) {
    match done {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(error),
    }
}
