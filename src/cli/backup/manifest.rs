//! The manifest of a backup: what is in it, a JSON object a line, with the digest of everything and, in the last line,
//! of the manifest itself. It is written and read as a stream: a house may have millions of originals.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use crate::domain::{Digest, Hasher, Timestamp};

/// Its name in the folder of a backup. A folder with it is a whole backup.
pub(super) const NAME: &str = "manifest.jsonl";
/// The version of this format.
const FORMAT: u32 = 1;
const LINE_BYTES_MAX: u64 = 64 * 1024;

/// The first line.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Head {
    waybill_backup: u32,
    /// The Waybill that made it.
    pub(super) version: String,
    /// The schema of its database.
    pub(crate) schema: i64,
    pub(super) taken_at: Timestamp,
    /// The folder in it with everything but originals and answers.
    pub(crate) folder: String,
    /// Whether the keys are in it.
    pub(crate) keys: bool,
}

/// One file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Of an original or an answer: its key on the shelf, and the id of the row that names it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) key: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) id: String,
    /// Of anything else: its name in the backup's own folder.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) file: String,
    pub(crate) size_bytes: u64,
    sha256: String,
}

/// The last line.
#[derive(Debug, Serialize, Deserialize)]
struct Foot {
    files: u64,
    bytes: u64,
    /// Of every line before this one.
    sha256: String,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Line {
    Foot(Foot),
    Entry(Entry),
}

impl Head {
    pub(super) fn new(schema: i64, taken_at: Timestamp, keys: bool) -> Self {
        Self {
            waybill_backup: FORMAT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            schema,
            taken_at,
            folder: format!("{FOLDER}{}", taken_at.micros()),
            keys,
        }
    }
}

/// How the folder of a backup's own files begins; the moment is behind it.
pub(super) const FOLDER: &str = "taken-";

impl Entry {
    pub(super) fn object(id: &str, key: &str, size_bytes: u64, digest: Digest) -> Self {
        Self { key: key.to_owned(), id: id.to_owned(), file: String::new(), size_bytes, sha256: digest.to_string() }
    }

    pub(super) fn file(name: &str, size_bytes: u64, digest: Digest) -> Self {
        Self { key: String::new(), id: String::new(), file: name.to_owned(), size_bytes, sha256: digest.to_string() }
    }

    pub(crate) fn digest(&self) -> anyhow::Result<Digest> {
        Digest::from_hex(&self.sha256)
            .with_context(|| format!("the manifest has no digest of {}{}", self.key, self.file))
    }
}

/// A manifest being written. It takes the place of the one before when it is finished.
pub(super) struct Draft {
    path: PathBuf,
    target: PathBuf,
    file: BufWriter<File>,
    hasher: Hasher,
    pub(super) files: u64,
    pub(super) bytes: u64,
}

impl Draft {
    pub(super) fn begin(folder: &Path, head: &Head) -> anyhow::Result<Self> {
        let target = folder.join(NAME);
        let path = folder.join(format!("{NAME}.new"));
        let file = File::create(&path).with_context(|| format!("could not make {}", path.display()))?;
        let (file, hasher) = (BufWriter::new(file), Hasher::default());
        let mut draft = Self { path, target, file, hasher, files: 0, bytes: 0 };
        draft.line(head)?;
        Ok(draft)
    }

    pub(super) fn push(&mut self, entry: &Entry) -> anyhow::Result<()> {
        self.files += 1;
        self.bytes = self.bytes.saturating_add(entry.size_bytes);
        self.line(entry)
    }

    fn line(&mut self, object: &impl Serialize) -> anyhow::Result<()> {
        let mut line = serde_json::to_vec(object)?;
        line.push(b'\n');
        self.hasher.update(&line);
        self.file.write_all(&line).with_context(|| format!("could not write {}", self.path.display()))
    }

    /// From here on this is the backup.
    pub(super) fn finish(mut self) -> anyhow::Result<()> {
        let foot = Foot { files: self.files, bytes: self.bytes, sha256: self.hasher.clone().finish().to_string() };
        self.line(&foot)?;
        let Self { path, target, mut file, .. } = self;
        let mut put = || -> std::io::Result<()> {
            file.flush()?;
            file.get_ref().sync_all()?;
            fs::rename(&path, &target)?;
            sync_folder(target.parent().unwrap_or(Path::new(".")))
        };
        put().with_context(|| format!("could not write {}", target.display()))
    }
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

/// A manifest being read, entry by entry. It ends with an error if its last line is missing or says something else.
#[derive(Debug)]
pub(crate) struct Manifest {
    path: PathBuf,
    lines: BufReader<File>,
    pub(crate) head: Head,
    hasher: Hasher,
    files: u64,
    bytes: u64,
    is_over: bool,
}

impl Manifest {
    /// The manifest of a folder; `None` where there is none.
    pub(crate) fn open(folder: &Path) -> anyhow::Result<Option<Self>> {
        let path = folder.join(NAME);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("could not open {}", path.display())),
        };
        let mut lines = BufReader::new(file);
        let line = read_line(&mut lines).with_context(|| format!("could not read {}", path.display()))?;
        let head: Head = serde_json::from_slice(&line)
            .with_context(|| format!("{} is not the manifest of a backup", path.display()))?;
        if head.waybill_backup != FORMAT {
            bail!(
                "{} has format {}, and this Waybill knows {FORMAT}; use the Waybill that made it ({})",
                path.display(),
                head.waybill_backup,
                head.version
            );
        }
        let is_ours = head.folder.strip_prefix(FOLDER).is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit()));
        if !is_ours {
            bail!("{} names a folder that no backup has", path.display());
        }
        let mut hasher = Hasher::default();
        hasher.update(&line);
        Ok(Some(Self { path, lines, head, hasher, files: 0, bytes: 0, is_over: false }))
    }

    /// Reads all of it once; how many files and bytes it names, and its digest.
    pub(crate) fn check(folder: &Path) -> anyhow::Result<Option<(Head, u64, Digest)>> {
        let Some(mut manifest) = Self::open(folder)? else { return Ok(None) };
        while manifest.next()?.is_some() {}
        Ok(Some((manifest.head, manifest.files, manifest.hasher.finish())))
    }

    /// The next entry.
    pub(crate) fn next(&mut self) -> anyhow::Result<Option<Entry>> {
        if self.is_over {
            return Ok(None);
        }
        let broken = || format!("{} is damaged after {} entries", self.path.display(), self.files);
        let line = read_line(&mut self.lines).with_context(broken)?;
        match serde_json::from_slice(&line).with_context(broken)? {
            Line::Entry(entry) => {
                self.hasher.update(&line);
                self.files += 1;
                self.bytes = self.bytes.saturating_add(entry.size_bytes);
                Ok(Some(entry))
            }
            Line::Foot(foot) => {
                let found = self.hasher.clone().finish().to_string();
                if (foot.files, foot.bytes, &foot.sha256) != (self.files, self.bytes, &found) {
                    bail!("{} is damaged: its last line does not say what is in it", self.path.display());
                }
                self.is_over = true;
                Ok(None)
            }
        }
    }
}

fn read_line(lines: &mut BufReader<File>) -> anyhow::Result<Vec<u8>> {
    let mut line = vec![];
    lines.take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
    if line.last() != Some(&b'\n') {
        bail!("a line has no end");
    }
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(folder: &Path, entries: u64) {
        let head = Head::new(6, Timestamp::from_micros(7), false);
        let mut draft = Draft::begin(folder, &head).unwrap();
        for number in 0..entries {
            let digest = Digest::of(&number.to_le_bytes());
            draft
                .push(&Entry::object(&format!("fil_{number}"), &format!("t/org_1/fil_{number}"), number, digest))
                .unwrap();
        }
        draft.push(&Entry::file("waybill.db", 9, Digest::of(b"db"))).unwrap();
        draft.finish().unwrap();
    }

    #[test]
    fn a_manifest_reads_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Manifest::open(folder.path()).unwrap().is_none());
        manifest(folder.path(), 100);
        let (head, files, _) = Manifest::check(folder.path()).unwrap().unwrap();
        assert_eq!((head.folder.as_str(), files), ("taken-7", 101));
        let mut read = Manifest::open(folder.path()).unwrap().unwrap();
        assert_eq!(read.next().unwrap().unwrap().key, "t/org_1/fil_0");
    }

    #[test]
    fn every_flipped_byte_and_every_cut_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        manifest(folder.path(), 3);
        let path = folder.path().join(NAME);
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] ^= 1;
            fs::write(&path, &flipped).unwrap();
            assert!(Manifest::check(folder.path()).is_err(), "byte {at} flipped");
            fs::write(&path, &whole[..at]).unwrap();
            assert!(Manifest::check(folder.path()).is_err(), "cut at {at}");
        }
    }
}
