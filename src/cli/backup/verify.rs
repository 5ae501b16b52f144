//! `waybill backup verify`: reads all of a backup once more.

use std::io::Write;
use std::path::Path;

use anyhow::bail;
use clap::Args;
use serde::Serialize;

use super::carry::{digest_of, digest_of_file};
use super::manifest::{Entry, Manifest};
use super::{Damage, Folder, PAGE};
use crate::cli::serve::runtime;
use crate::cli::{Exit, json_line, note, progress};
use crate::domain::{Digest, Timestamp, chain, counted};
use crate::originals::{Originals, ShelfError};
use crate::record::{NamedObject, ObjectKind, Record, RecordError};

/// Read all of a backup once more, and compare it with its manifest
///
/// Every file with its SHA-256, the database by SQLite's own check, and whether every original and answer that the
/// database names is there.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Verify {
    #[command(flatten)]
    at: Folder,

    /// Print one JSON object: files, damaged, taken_at, keys
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  waybill backup verify /mnt/backup/waybill
  waybill backup verify /mnt/backup/waybill --json

Exit codes: 0 all of it is whole, 1 something is damaged or gone (each is named), 2 there is no backup, or its manifest
is damaged.";

#[derive(Debug, Serialize)]
struct Verified {
    files: u64,
    damaged: Damage,
    taken_at: Timestamp,
    keys: bool,
}

impl Verify {
    pub(super) fn run(&self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let folder = &self.at.folder;
        let Some((head, files, _)) = Manifest::check(folder)? else {
            bail!("there is no backup in {}: it has no manifest", folder.display());
        };
        let damaged = runtime()?.block_on(self.damaged(folder, files))?;
        let exit = damaged.exit();
        let verified = Verified { files, damaged, taken_at: head.taken_at, keys: head.keys };
        if self.json {
            json_line(out, &verified)?;
        } else {
            verified.damaged.tell(out)?;
            let found = match verified.damaged.count {
                0 => "all whole".to_owned(),
                count => format!("{count} damaged or gone"),
            };
            writeln!(out, "backup of {}: {}, {found}", verified.taken_at, counted(files, "file"))?;
        }
        Ok(exit)
    }

    async fn damaged(&self, folder: &Path, files: u64) -> anyhow::Result<Damage> {
        let Some(mut manifest) = Manifest::open(folder)? else { bail!("the manifest is gone") };
        let own = folder.join(&manifest.head.folder);
        let shelf = Originals::directory(folder)?;
        let bar = progress::bar(files, self.json);
        let mut damaged = Damage::default();
        // The database last in the manifest, and first here: without it there is nothing to compare with.
        let record = match Record::open_copy(&own).await {
            Ok(record) => Some(record),
            Err(error @ (RecordError::OlderSchema { .. } | RecordError::NewerSchema { .. })) => {
                note(&format!("the database was compared by its digest only: {error}"));
                None
            }
            Err(error) => {
                damaged.push(chain(&error));
                None
            }
        };
        let mut named = record.as_ref().map(Named::begin);
        while let Some(entry) = manifest.next()? {
            bar.inc(1);
            if entry.key.is_empty() {
                let path = own.join(&entry.file);
                match tokio::task::spawn_blocking(move || digest_of_file(&path)).await? {
                    Ok((digest, size)) => damaged.extend(differs(&entry, &entry.file, digest, size)?),
                    Err(error) => damaged.push(format!("{}: {}", entry.file, chain(&error))),
                }
                continue;
            }
            if let Some(named) = &mut named {
                damaged.extend(named.missing_before(&entry).await?);
            }
            match shelf.open(&entry.key).await {
                Ok(original) => {
                    let size = original.size_bytes();
                    match digest_of(original).await? {
                        Ok(digest) => damaged.extend(differs(&entry, &entry.key, digest, size)?),
                        Err(error) => damaged.push(format!("{}: {}", entry.key, chain(&error))),
                    }
                }
                Err(ShelfError::NotFound(_)) => damaged.push(format!("{} is gone", entry.key)),
                Err(error) => damaged.push(chain(&error)),
            }
        }
        if let Some(named) = &mut named {
            damaged.extend(named.rest().await?);
        }
        if let Some(record) = record {
            damaged.extend(record.check_integrity().await?.into_iter().map(|text| format!("waybill.db: {text}")));
            record.close().await;
        }
        bar.finish_and_clear();
        Ok(damaged)
    }
}

fn differs(entry: &Entry, name: &str, digest: Digest, size: u64) -> anyhow::Result<Option<String>> {
    let right = entry.digest()?;
    Ok((size != entry.size_bytes || digest != right)
        .then(|| format!("{name} is damaged: its SHA-256 is {digest}, and should be {right}")))
}

/// The objects that the database names, walked beside the manifest.
struct Named<'a> {
    record: &'a Record,
    kind: ObjectKind,
    page: std::vec::IntoIter<NamedObject>,
    after: String,
    next: Option<NamedObject>,
    is_over: bool,
}

impl<'a> Named<'a> {
    fn begin(record: &'a Record) -> Self {
        let page = vec![].into_iter();
        Self { record, kind: ObjectKind::Original, page, after: String::new(), next: None, is_over: false }
    }

    async fn peek(&mut self) -> anyhow::Result<Option<&NamedObject>> {
        while self.next.is_none() && !self.is_over {
            self.next = self.page.next();
            if self.next.is_some() {
                break;
            }
            let page = self.record.objects_after(self.kind, &self.after, PAGE).await?;
            match (page.last(), self.kind) {
                (Some(last), _) => self.after.clone_from(&last.id),
                (None, ObjectKind::Original) => (self.kind, self.after) = (ObjectKind::Answer, String::new()),
                (None, ObjectKind::Answer) => self.is_over = true,
            }
            self.page = page.into_iter();
        }
        Ok(self.next.as_ref())
    }

    /// What is named before this entry, and in no entry.
    async fn missing_before(&mut self, entry: &Entry) -> anyhow::Result<Vec<String>> {
        let mut missing = vec![];
        let is_answer = !entry.key.starts_with("t/");
        while let Some(named) = self.peek().await? {
            let here = (!named.key.starts_with("t/"), named.id.as_str());
            if here > (is_answer, entry.id.as_str()) {
                break;
            }
            if named.key != entry.key {
                missing.push(format!("{} is not in the backup", named.key));
            }
            self.next = None;
        }
        Ok(missing)
    }

    async fn rest(&mut self) -> anyhow::Result<Vec<String>> {
        let mut missing = vec![];
        while let Some(named) = self.peek().await? {
            missing.push(format!("{} is not in the backup", named.key));
            self.next = None;
        }
        Ok(missing)
    }
}
