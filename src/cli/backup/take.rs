//! Taking a backup.

use std::fs::{self, DirBuilder, File};
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Serialize;

use super::carry::{Carried, Wanted, Way, carry, copy_file, digest_of_file};
use super::manifest::{Draft, Entry, FOLDER, Head, Manifest, NAME, sync_folder};
use super::{AT_ONCE, Damage, KEY_ID, KEYS, PAGE};
use crate::cli::serve::runtime;
use crate::cli::{Exit, json_line, note, progress, screen};
use crate::config::{self, Shelf};
use crate::domain::{Timestamp, counted};
use crate::originals::Originals;
use crate::record::{NamedObject, ObjectKind, Record};

#[derive(Debug, Args)]
pub(super) struct Take {
    /// The data folder of the house, whose daemon may run or not
    #[arg(long, env = "WAYBILL_DATA", value_name = "DIR", default_value = "waybill-data")]
    data: PathBuf,

    /// The folder of the backup: empty at first, later the same one again
    #[arg(value_name = "TO", required = true)]
    to: Option<PathBuf>,

    /// The private keys too: SSH host key, TLS key, master key
    #[arg(long)]
    with_keys: bool,

    /// Originals by a second name of the same bytes, where the folder is on the same file system: needs no room, and
    /// does not help against a broken disk
    #[arg(long)]
    link: bool,

    /// Print one JSON object: copied, kept, damaged, bytes, taken_at
    #[arg(long)]
    json: bool,
}

/// What came of it.
#[derive(Debug, Default, Serialize)]
struct Taken {
    copied: u64,
    kept: u64,
    /// What the house itself has not got whole; not in the backup.
    damaged: Damage,
    files: u64,
    bytes: u64,
    taken_at: Option<Timestamp>,
}

/// Its lock, which also says that the folder is a backup's.
const LOCK: &str = "backup.lock";

impl Take {
    pub(super) fn run(&self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let to = self.to.as_deref().context("name the folder of the backup")?;
        let store = config::Store::of_folder(&self.data, std::env::vars())?;
        if !store.database.is_empty() {
            bail!("the record of this house is in PostgreSQL: back it up with PostgreSQL's means (docs/OPERATIONS.md)");
        }
        if store.originals == Shelf::S3 {
            bail!(
                "the originals of this house are in a bucket: back up bucket and database apart (docs/OPERATIONS.md)"
            );
        }
        let _lock = claim(to)?;
        let taken = runtime()?.block_on(self.take(to))?;
        if self.json {
            json_line(out, &taken)?;
        } else {
            taken.damaged.tell(out)?;
            writeln!(
                out,
                "{}: {}, {} bytes; {} copied, {} there already, {} damaged or gone",
                screen::safe(&to.display().to_string()),
                counted(taken.files, "file"),
                taken.bytes,
                taken.copied,
                taken.kept,
                taken.damaged.count
            )?;
        }
        if !self.with_keys {
            note("the private keys are not in it; keep them elsewhere (--with-keys)");
        }
        Ok(taken.damaged.exit())
    }

    async fn take(&self, to: &Path) -> anyhow::Result<Taken> {
        let path = self.data.join("waybill.db");
        if !path.is_file() {
            bail!("there is no waybill.db in {}; name a daemon's data folder with --data", self.data.display());
        }
        let record = Record::open_still(&self.data, 1).await?;
        let schema = Record::schema(&config::Store { data: self.data.clone(), ..config::Store::default() }).await?;
        let head = Head::new(schema.found, Timestamp::now(), self.with_keys);
        let folder = to.join(&head.folder);
        DirBuilder::new()
            .mode(0o700)
            .create(&folder)
            .with_context(|| format!("could not make {}", folder.display()))?;
        // The database first: whatever it names was on the shelf before, and stays there.
        record.copy_into(&folder).await?;
        record.close().await;
        let (from, shelf) = (Originals::directory(&self.data)?, Originals::directory(to)?);
        let way = Way { staging: staging(to)?, link: self.link };
        let mut draft = Draft::begin(to, &head)?;
        let mut taken = Taken { taken_at: Some(head.taken_at), ..Taken::default() };
        let copy = Record::open_copy(&folder).await?;
        let bar = progress::bar(copy.objects().await?, self.json);
        let mut before = Before::open(to);
        for kind in [ObjectKind::Original, ObjectKind::Answer] {
            let mut after = String::new();
            loop {
                let page = copy.objects_after(kind, &after, PAGE).await?;
                let Some(last) = page.last() else { break };
                after.clone_from(&last.id);
                let page: Vec<(NamedObject, Wanted)> =
                    page.into_iter().map(|object| before.wanted(kind, object)).collect();
                let mut carried = stream::iter(page)
                    .map(|(object, wanted)| {
                        let (from, shelf, way, bar) = (&from, &shelf, &way, &bar);
                        async move {
                            let carried = carry(from, shelf, &wanted, way).await;
                            bar.inc(1);
                            carried.map(|carried| (object, carried))
                        }
                    })
                    .buffered(AT_ONCE);
                while let Some((object, carried)) = carried.try_next().await? {
                    let digest = match carried {
                        Carried::Kept(digest) => {
                            taken.kept += 1;
                            digest
                        }
                        Carried::Copied(digest) => {
                            taken.copied += 1;
                            digest
                        }
                        Carried::Bad(why) => {
                            taken.damaged.push(why);
                            continue;
                        }
                    };
                    draft.push(&Entry::object(&object.id, &object.key, object.size_bytes, digest))?;
                }
            }
        }
        copy.close().await;
        bar.finish_and_clear();
        self.own_files(&folder, &mut draft)?;
        (taken.files, taken.bytes) = (draft.files, draft.bytes);
        draft.finish()?;
        // What the backups before had of their own.
        for entry in fs::read_dir(to)?.flatten() {
            let name = entry.file_name();
            if name.to_str().is_some_and(|name| name.starts_with(FOLDER) && name != head.folder) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        let _ = fs::remove_dir_all(&way.staging);
        Ok(taken)
    }

    /// What there is but originals and answers.
    fn own_files(&self, folder: &Path, draft: &mut Draft) -> anyhow::Result<()> {
        let database = folder.join("waybill.db");
        File::open(&database)?.sync_all()?;
        let (digest, size) = digest_of_file(&database)?;
        draft.push(&Entry::file("waybill.db", size, digest))?;
        let names = KEYS.iter().filter(|_| self.with_keys).chain([&KEY_ID]);
        for name in names {
            let path = self.data.join(name);
            if path.is_file() {
                let (digest, size) = copy_file(&path, &folder.join(name))?;
                draft.push(&Entry::file(name, size, digest))?;
            }
        }
        Ok(sync_folder(folder)?)
    }
}

/// What the backup before was found to hold, walked beside what is wanted now: both are in one order.
struct Before {
    manifest: Option<Manifest>,
    next: Option<Entry>,
}

impl Before {
    /// Of a manifest that cannot be read nothing is known: then everything is compared.
    fn open(folder: &Path) -> Self {
        let mut before = Self { manifest: Manifest::open(folder).ok().flatten(), next: None };
        before.step();
        before
    }

    fn step(&mut self) {
        self.next = self.manifest.as_mut().and_then(|manifest| manifest.next().ok().flatten());
    }

    fn wanted(&mut self, kind: ObjectKind, object: NamedObject) -> (NamedObject, Wanted) {
        let place = |kind: ObjectKind, id: &str| (kind == ObjectKind::Answer, id.to_owned());
        let now = place(kind, &object.id);
        while let Some(next) = self.next.as_ref().filter(|next| !next.key.is_empty()) {
            let kind = if next.key.starts_with("t/") { ObjectKind::Original } else { ObjectKind::Answer };
            if place(kind, &next.id) >= now {
                break;
            }
            self.step();
        }
        let known = self.next.as_ref().filter(|next| next.key == object.key).and_then(|next| next.digest().ok());
        let wanted = Wanted { key: object.key.clone(), size_bytes: object.size_bytes, digest: object.digest, known };
        (object, wanted)
    }
}

/// Takes a folder for backups, alone.
fn claim(folder: &Path) -> anyhow::Result<File> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.with_context(|| format!("could not make the folder {}", folder.display()))?;
    let path = folder.join(LOCK);
    let is_ours = path.exists() || folder.join(NAME).exists();
    if !is_ours && fs::read_dir(folder)?.next().is_some() {
        bail!("{} is not empty, and no backup; name a new folder, or that of an earlier backup", folder.display());
    }
    let lock = File::options().create(true).truncate(false).write(true).open(&path);
    let lock = lock.with_context(|| format!("could not open {}", path.display()))?;
    if lock.try_lock().is_err() {
        bail!("another backup into {} is under way", folder.display());
    }
    Ok(lock)
}

/// An empty folder for what is on its way.
fn staging(to: &Path) -> anyhow::Result<PathBuf> {
    let path = to.join("staged");
    let _ = fs::remove_dir_all(&path);
    DirBuilder::new().mode(0o700).create(&path).with_context(|| format!("could not make {}", path.display()))?;
    Ok(path)
}
