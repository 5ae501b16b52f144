//! An object that is open for reading: in any order for a door, front to back for a parser.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use futures_util::FutureExt;

use super::bucket::Object;

/// An object that is open for reading. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Original {
    source: Source,
    size_bytes: u64,
}

#[derive(Debug, Clone)]
enum Source {
    File(Arc<File>),
    Object(Arc<Object>),
}

impl Original {
    pub(super) fn of_file(file: File, size_bytes: u64) -> Self {
        Self { source: Source::File(Arc::new(file)), size_bytes }
    }

    pub(super) fn of_object(object: Object, size_bytes: u64) -> Self {
        Self { source: Source::Object(Arc::new(object)), size_bytes }
    }

    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Fills as much of `buffer` as there is from `offset` on; 0 at the end.
    ///
    /// # Errors
    /// The shelf refused.
    pub async fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let from = offset.saturating_add(filled as u64);
            let count = match &self.source {
                Source::File(file) => match file.read_at(rest, from) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    read => read?,
                },
                Source::Object(object) => object.read_at(from, rest, self.size_bytes).boxed().await?,
            };
            if count == 0 {
                break;
            }
            filled += count;
        }
        Ok(filled)
    }

    /// Reads front to back, for a thread that may wait; a bucket's object only on a thread of the runtime's.
    #[must_use]
    pub fn reader(&self) -> impl io::Read + Send + 'static {
        Reading { original: self.clone(), offset: 0, runtime: tokio::runtime::Handle::try_current().ok() }
    }
}

struct Reading {
    original: Original,
    offset: u64,
    runtime: Option<tokio::runtime::Handle>,
}

impl io::Read for Reading {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match (&self.original.source, &self.runtime) {
            (Source::File(file), _) => file.read_at(buffer, self.offset)?,
            (Source::Object(object), Some(runtime)) => {
                runtime.block_on(object.read_at(self.offset, buffer, self.original.size_bytes))?
            }
            (Source::Object(_), None) => return Err(io::Error::other("a bucket is read inside of a runtime only")),
        };
        self.offset += count as u64;
        Ok(count)
    }
}
