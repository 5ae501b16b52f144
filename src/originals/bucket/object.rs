//! Reading an object of the bucket, a range at a time, with the next range asked for while the last one is read.

use std::io;
use std::sync::Mutex;

use bytes::Bytes;
use tokio::task::JoinHandle;

use super::Bucket;
use super::failure::Failure;

/// An object that is open for reading.
#[derive(Debug)]
pub(in crate::originals) struct Object {
    bucket: Bucket,
    key: String,
    ranges: Mutex<Ranges>,
}

/// What has been read, and what is under way.
#[derive(Debug, Default)]
struct Ranges {
    at: u64,
    bytes: Bytes,
    next: Option<(u64, JoinHandle<io::Result<Bytes>>)>,
}

/// How much is asked for at once. Two of them is what an open object costs.
const RANGE_BYTES: u64 = 4 << 20;
/// The first one is smaller: most files are, and a door that asks for the head only wants no more.
const FIRST_BYTES: u64 = 256 << 10;

impl Object {
    pub(super) fn new(bucket: Bucket, key: String) -> Self {
        Self { bucket, key, ranges: Mutex::default() }
    }

    /// Copies what there is of a range into `buffer`; 0 at the end.
    pub(in crate::originals) async fn read_at(&self, offset: u64, buffer: &mut [u8], size: u64) -> io::Result<usize> {
        if offset >= size || buffer.is_empty() {
            return Ok(0);
        }
        if let Some(count) = self.copy(offset, buffer) {
            return Ok(count);
        }
        let under_way = self.lock().next.take().filter(|(at, _)| *at == offset);
        let sequential = under_way.is_some();
        let bytes = match under_way {
            Some((_, asked)) => asked.await.map_err(io::Error::other)??,
            None => {
                self.bucket.range(&self.key, offset, FIRST_BYTES.max(buffer.len() as u64).min(size - offset)).await?
            }
        };
        let end = offset.saturating_add(bytes.len() as u64);
        if bytes.is_empty() {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the bucket's object is shorter than it was"));
        }
        let mut ranges = self.lock();
        (ranges.at, ranges.bytes) = (offset, bytes);
        // Read ahead for whoever reads on: from the start, or where the last range ended.
        if end < size && (offset == 0 || sequential) {
            let (bucket, key) = (self.bucket.clone(), self.key.clone());
            let asked = tokio::spawn(async move { bucket.range(&key, end, RANGE_BYTES.min(size - end)).await });
            ranges.next = Some((end, asked));
        }
        drop(ranges);
        Ok(self.copy(offset, buffer).unwrap_or(0))
    }

    fn copy(&self, offset: u64, buffer: &mut [u8]) -> Option<usize> {
        let ranges = self.lock();
        let from = usize::try_from(offset.checked_sub(ranges.at)?).ok()?;
        let held = ranges.bytes.get(from..).filter(|held| !held.is_empty())?;
        let count = held.len().min(buffer.len());
        buffer.get_mut(..count)?.copy_from_slice(held.get(..count)?);
        Some(count)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Ranges> {
        self.ranges.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        if let Some((_, asked)) = self.lock().next.take() {
            asked.abort();
        }
    }
}

impl Bucket {
    /// The bytes of a range.
    async fn range(&self, key: &str, offset: u64, length: u64) -> io::Result<Bytes> {
        let last = offset.saturating_add(length).saturating_sub(1);
        let get = || async {
            let request = self.0.client.get_object().bucket(self.name()).key(self.full(key));
            let answer = request.range(format!("bytes={offset}-{last}")).send().await?;
            let body = answer.body.collect().await.map_err(|error| Failure::Passing(Box::new(error)))?;
            let bytes = body.into_bytes();
            // A server that knows no ranges sends the whole; one that breaks off sends less.
            if bytes.len() as u64 != length {
                return Err(Failure::Passing(format!("{} bytes came of {length}", bytes.len()).into()));
            }
            Ok(bytes)
        };
        let got = self.budget().attempts(get).await;
        got.map_err(|failure| io::Error::other(failure.into_shelf("read", key)))
    }
}
