//! Where a command writes: standard output as it comes, or a file that is there whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

pub(super) enum Output<'a> {
    /// Standard output, or a pipe that was named: what is written is gone.
    Stream(Box<dyn Write + 'a>),
    File(Draft),
}

impl<'a> Output<'a> {
    /// Begins the output; `-` is `stdout`.
    pub(super) fn open(path: &Path, stdout: &'a mut dyn Write) -> io::Result<Self> {
        if path == Path::new("-") {
            return Ok(Self::Stream(Box::new(stdout)));
        }
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => Err(io::Error::other("it is a directory; name a file in it")),
            // A device or a pipe cannot be put in place afterwards.
            Ok(metadata) if !metadata.is_file() => {
                let file = OpenOptions::new().write(true).open(path)?;
                Ok(Self::Stream(Box::new(BufWriter::new(file))))
            }
            Ok(_) => Draft::begin(path).map(Self::File),
            Err(error) if error.kind() == ErrorKind::NotFound => Draft::begin(path).map(Self::File),
            Err(error) => Err(error),
        }
    }

    /// What was written is what was wanted.
    pub(super) fn publish(&mut self) -> io::Result<()> {
        match self {
            Self::Stream(out) => out.flush(),
            Self::File(draft) => draft.publish(),
        }
    }

    /// What was written is of no use. What went to a stream is gone all the same.
    pub(super) fn discard(&mut self) -> io::Result<()> {
        match self {
            Self::Stream(out) => out.flush(),
            Self::File(draft) => draft.discard(),
        }
    }
}

impl Write for Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stream(out) => out.write(bytes),
            Self::File(draft) => draft.file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stream(out) => out.flush(),
            Self::File(draft) => draft.file.flush(),
        }
    }
}

/// A file that takes the place of another, or of nothing, in one step.
pub(super) struct Draft {
    file: BufWriter<File>,
    draft: PathBuf,
    target: PathBuf,
    is_there: bool,
}

impl Draft {
    fn begin(target: &Path) -> io::Result<Self> {
        // The file itself, not the link to it: a link stays one.
        let target = fs::canonicalize(target).unwrap_or_else(|_| target.to_owned());
        let name = target.file_name().ok_or_else(|| io::Error::other("this names no file"))?;
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}.part", std::process::id()));
        let draft = target.with_file_name(hidden);
        let file = OpenOptions::new().write(true).create_new(true).open(&draft)?;
        if let Ok(metadata) = fs::metadata(&target) {
            file.set_permissions(metadata.permissions())?;
        }
        Ok(Self { file: BufWriter::with_capacity(64 * 1024, file), draft, target, is_there: true })
    }

    fn publish(&mut self) -> io::Result<()> {
        self.file.flush()?;
        self.file.get_ref().sync_all()?;
        fs::rename(&self.draft, &self.target)?;
        self.is_there = false;
        // The name, too. Where folders cannot be synced, the file is whole all the same.
        let folder = self.target.parent().filter(|folder| !folder.as_os_str().is_empty());
        let _ = File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all());
        Ok(())
    }

    fn discard(&mut self) -> io::Result<()> {
        self.is_there = false;
        fs::remove_file(&self.draft)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if self.is_there {
            let _ = fs::remove_file(&self.draft);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_there_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out.jsonl");
        fs::write(&target, "old").unwrap();

        let mut nowhere = io::sink();
        let mut output = Output::open(&target, &mut nowhere).unwrap();
        output.write_all(b"half").unwrap();
        drop(output);
        assert_eq!(
            (fs::read_to_string(&target).unwrap(), names(folder.path())),
            ("old".into(), vec!["out.jsonl".into()])
        );

        let mut nowhere = io::sink();
        let mut output = Output::open(&target, &mut nowhere).unwrap();
        output.write_all(b"half").unwrap();
        output.discard().unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "old");

        let mut nowhere = io::sink();
        let mut output = Output::open(&target, &mut nowhere).unwrap();
        output.write_all(b"new").unwrap();
        output.publish().unwrap();
        drop(output);
        assert_eq!(
            (fs::read_to_string(&target).unwrap(), names(folder.path())),
            ("new".into(), vec!["out.jsonl".into()])
        );
    }

    #[test]
    fn a_folder_is_no_file() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Output::open(folder.path(), &mut io::sink()).is_err());
        assert!(Output::open(&folder.path().join("missing/out"), &mut io::sink()).is_err());
    }
}
