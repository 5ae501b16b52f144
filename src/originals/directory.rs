//! The shelf as a directory. An object appears under its key in one step, by a hard link to a file that
//! is already synced; a link never overwrites, which is the directory's `If-None-Match: *`.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Original, ShelfError, Stored};
use crate::laboratory::{crash_point, is_planted};

/// The folder `originals/` of a data folder.
#[derive(Clone, Debug)]
pub(super) struct Directory {
    root: Arc<PathBuf>,
}

impl Directory {
    pub(super) fn open(data: &Path) -> Result<Self, ShelfError> {
        let root = data.join("originals");
        fs::create_dir_all(&root).map_err(ShelfError::io("make the folder", &root))?;
        sync_folder(data)?;
        Ok(Self { root: Arc::new(root) })
    }

    /// The staged file stays where it is, as a second name of the same bytes.
    pub(super) async fn put(&self, key: &str, staged: &Path) -> Result<(), ShelfError> {
        let shelf = self.clone();
        let (key, staged) = (key.to_owned(), staged.to_owned());
        tokio::task::spawn_blocking(move || shelf.put_blocking(&key, &staged))
            .await
            .unwrap_or_else(|_| Err(ShelfError::NotFound("the storing task".to_owned())))
    }

    fn put_blocking(&self, key: &str, staged: &Path) -> Result<(), ShelfError> {
        let path = self.path_of(key)?;
        let folder = path.parent().unwrap_or(&self.root);
        self.make_folders(folder)?;
        let file = File::open(staged).map_err(ShelfError::io("open", staged))?;
        if !is_planted("missing fsync") {
            file.sync_all().map_err(ShelfError::io("sync", staged))?;
        }
        file.set_permissions(fs::Permissions::from_mode(0o400)).map_err(ShelfError::io("seal", staged))?;
        match fs::hard_link(staged, &path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let (ours, theirs) = (file.metadata(), fs::metadata(&path));
                let same = matches!((ours, theirs), (Ok(a), Ok(b)) if a.dev() == b.dev() && a.ino() == b.ino());
                if !same {
                    return Err(ShelfError::Exists(key.to_owned()));
                }
            }
            Err(error) => return Err(ShelfError::io("store", &path)(error)),
        }
        crash_point("storing");
        if is_planted("missing fsync") {
            return Ok(());
        }
        sync_folder(folder)
    }

    pub(super) fn remove(&self, key: &str) -> Result<(), ShelfError> {
        let path = self.path_of(key)?;
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(ShelfError::io("remove", &path)(error)),
            _ => Ok(()),
        }
    }

    pub(super) fn open_file(&self, key: &str) -> Result<Original, ShelfError> {
        let path = self.path_of(key)?;
        let file = File::open(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => ShelfError::NotFound(key.to_owned()),
            _ => ShelfError::io("open", &path)(error),
        })?;
        let size_bytes = file.metadata().map_err(ShelfError::io("read the size of", &path))?.len();
        Ok(Original::of_file(file, size_bytes))
    }

    /// One folder of a folder of an organisation at a time: `t/org_…/ab`.
    pub(super) async fn keys_after(&self, after: &str) -> Result<Vec<String>, ShelfError> {
        let (shelf, after) = (self.clone(), after.to_owned());
        let listed = tokio::task::spawn_blocking(move || shelf.keys_after_blocking(&after)).await;
        listed.unwrap_or_else(|_| Err(ShelfError::NotFound("the listing task".to_owned())))
    }

    fn keys_after_blocking(&self, after: &str) -> Result<Vec<String>, ShelfError> {
        // The order is that of the paths, which have the shard between folder and name.
        let from = if after.is_empty() { PathBuf::new() } else { self.path_of(after)? };
        let mut keys = vec![];
        for kind in ["a", "p", "t"] {
            let top = self.root.join(kind);
            for organisation in names(&top)? {
                for shard in names(&top.join(&organisation))? {
                    let folder = top.join(&organisation).join(&shard);
                    if folder.as_path() < from.parent().unwrap_or(Path::new("")) {
                        continue;
                    }
                    let listed = names(&folder)?;
                    let fresh = listed.into_iter().filter(|name| folder.join(name) > from);
                    keys.extend(fresh.map(|name| format!("{kind}/{organisation}/{name}")));
                    if keys.len() >= KEYS_AT_ONCE {
                        return Ok(keys);
                    }
                }
            }
        }
        Ok(keys)
    }

    pub(super) fn look(&self, key: &str) -> Result<Option<Stored>, ShelfError> {
        let path = self.path_of(key)?;
        match fs::metadata(&path) {
            Ok(found) => Ok(Some(Stored { key: key.to_owned(), size_bytes: found.len(), digest: None })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(ShelfError::io("look at", &path)(error)),
        }
    }

    /// `t/org_…/fil_…ab` rests in `t/org_…/ab/fil_…ab`, so that no folder grows without bound.
    pub(super) fn path_of(&self, key: &str) -> Result<PathBuf, ShelfError> {
        let known = |part: &str| {
            !part.is_empty()
                && !part.starts_with('.')
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
        };
        let (folder, name) = key.rsplit_once('/').ok_or_else(|| ShelfError::Key(key.to_owned()))?;
        if !key.split('/').all(known) {
            return Err(ShelfError::Key(key.to_owned()));
        }
        let stem = name.split('.').next().unwrap_or(name);
        let shard = stem.get(stem.len().saturating_sub(2)..).unwrap_or(stem);
        Ok(self.root.join(folder).join(shard).join(name))
    }

    /// Makes the folders down to `folder`, each made durable in its parent.
    fn make_folders(&self, folder: &Path) -> Result<(), ShelfError> {
        if folder.is_dir() {
            return Ok(());
        }
        if let Some(parent) = folder.parent()
            && parent.starts_with(self.root.as_path())
        {
            self.make_folders(parent)?;
        }
        match fs::create_dir(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                Err(ShelfError::io("make the folder", folder)(error))
            }
            _ => folder.parent().map_or(Ok(()), sync_folder),
        }
    }
}

/// How many keys are listed at once, about: a folder is never cut in two.
const KEYS_AT_ONCE: usize = 500;

/// The names in a folder, in the order of their bytes; none where there is no folder.
fn names(folder: &Path) -> Result<Vec<String>, ShelfError> {
    let listed = match fs::read_dir(folder) {
        Ok(listed) => listed,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
        Err(error) => return Err(ShelfError::io("list", folder)(error)),
    };
    let mut names: Vec<String> = listed.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort_unstable();
    Ok(names)
}

/// Makes the names in a folder durable.
fn sync_folder(folder: &Path) -> Result<(), ShelfError> {
    File::open(folder).and_then(|file| file.sync_all()).map_err(ShelfError::io("sync the folder", folder))
}
