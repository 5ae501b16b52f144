//! `waybill restore`: makes a house of a backup.

use std::fs::{self, DirBuilder};
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Serialize;

use super::backup::{AT_ONCE, Carried, Damage, Manifest, Wanted, Way, carry, copy_file, digest_of_file, sync_folder};
use super::serve::runtime;
use super::{Exit, note, progress, screen};
use crate::daemon::{RESTORING, lock};
use crate::domain::{Digest, counted};
use crate::originals::Originals;
use crate::record::Schema;

/// Make a house of a backup, in an empty folder
///
/// Everything is compared with the manifest on the way. A folder that is not empty is refused; one in which a restore
/// of the same backup was broken off is gone on with, and no daemon runs on it before it is whole. Keys that are not in
/// the backup must be put into the folder before the daemon starts, or it makes new ones.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Restore {
    /// The folder of the backup
    #[arg(value_name = "FROM")]
    from: PathBuf,

    /// The data folder to make: empty, or not there
    #[arg(long, env = "WAYBILL_DATA", value_name = "DIR", default_value = "waybill-data")]
    data: PathBuf,

    /// Print one JSON object: files, damaged
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  waybill restore /mnt/backup/waybill --data /var/lib/waybill
  waybill serve --data /var/lib/waybill

Exit codes: 0 all of it is there, 1 it is there but for some originals (each is named), 2 it was not restored.";

/// Entries handled at once: as many are in memory.
const CHUNK: usize = 256;

#[derive(Debug, Default, Serialize)]
struct Restored {
    files: u64,
    /// What the backup has not got whole.
    damaged: Damage,
}

impl Restore {
    pub(super) fn run(&self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let Some((head, files, digest)) = Manifest::check(&self.from)? else {
            bail!("there is no backup in {}: it has no manifest", self.from.display());
        };
        let stands = Schema::of(self.from.display().to_string(), head.schema);
        if stands.found > stands.known {
            stands.refuse_another()?;
        }
        self.claim(digest)?;
        let _lock = lock(&self.data)?;
        let restored = runtime()?.block_on(self.restore(files))?;
        if self.json {
            super::json_line(out, &restored)?;
        } else {
            restored.damaged.tell(out)?;
            let data = self.data.display().to_string();
            let damaged = restored.damaged.count;
            let files = counted(restored.files, "file");
            writeln!(out, "{}: {files} restored, {damaged} damaged or gone", screen::safe(&data))?;
        }
        if !head.keys {
            note("the private keys were not in the backup: put yours into the folder before the daemon starts");
        }
        Ok(restored.damaged.exit())
    }

    /// Takes an empty folder, or one in which the same was begun.
    fn claim(&self, backup: Digest) -> anyhow::Result<()> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&self.data);
        made.with_context(|| format!("could not make the folder {}", self.data.display()))?;
        let marker = self.data.join(RESTORING);
        let begun = fs::read_to_string(&marker).ok();
        if begun.as_deref() == Some(backup.to_string().as_str()) {
            return Ok(());
        }
        if fs::read_dir(&self.data)?.next().is_some() {
            bail!("{} is not empty; restore into an empty folder, or one that is not there", self.data.display());
        }
        fs::write(&marker, backup.to_string()).with_context(|| format!("could not write {}", marker.display()))?;
        Ok(sync_folder(&self.data)?)
    }

    async fn restore(&self, files: u64) -> anyhow::Result<Restored> {
        let Some(mut manifest) = Manifest::open(&self.from)? else { bail!("the manifest is gone") };
        let own = self.from.join(&manifest.head.folder);
        let (from, shelf) = (Originals::directory(&self.from)?, Originals::directory(&self.data)?);
        let way = Way { staging: self.data.join("spool"), link: false };
        DirBuilder::new().recursive(true).mode(0o700).create(&way.staging)?;
        let bar = progress::bar(files, self.json);
        let mut restored = Restored::default();
        let mut names = vec![];
        loop {
            let mut chunk = vec![];
            while chunk.len() < CHUNK
                && let Some(entry) = manifest.next()?
            {
                if entry.key.is_empty() {
                    names.push(entry);
                    continue;
                }
                let digest = Some(entry.digest()?);
                chunk.push(Wanted { key: entry.key, size_bytes: entry.size_bytes, digest, known: None });
            }
            if chunk.is_empty() {
                break;
            }
            let mut carried =
                stream::iter(chunk.iter().map(|wanted| carry(&from, &shelf, wanted, &way))).buffered(AT_ONCE);
            while let Some(carried) = carried.try_next().await? {
                bar.inc(1);
                match carried {
                    Carried::Bad(why) => restored.damaged.push(why),
                    Carried::Kept(_) | Carried::Copied(_) => restored.files += 1,
                }
            }
        }
        // The database last: without it the folder is no house.
        names.sort_by_key(|entry| entry.file == "waybill.db");
        for entry in names {
            let (path, to) = (own.join(&entry.file), self.data.join(plain(&entry.file)?));
            let right = entry.digest()?;
            let (digest, _) = digest_of_file(&path).with_context(|| format!("could not read {}", path.display()))?;
            if digest != right || copy_file(&path, &to)?.0 != right {
                let _ = fs::remove_file(&to);
                bail!("{} is damaged: its SHA-256 is {digest}, and should be {right}", path.display());
            }
            restored.files += 1;
            bar.inc(1);
        }
        sync_folder(&self.data)?;
        fs::remove_file(self.data.join(RESTORING))?;
        sync_folder(&self.data)?;
        bar.finish_and_clear();
        Ok(restored)
    }
}

/// A name in the data folder, and nothing that leads out of it.
fn plain(name: &str) -> anyhow::Result<&Path> {
    let path = Path::new(name);
    if path.file_name() != Some(path.as_os_str()) {
        bail!("the manifest names `{}`, which is no file of a house", screen::safe(name));
    }
    Ok(path)
}
