//! An object on its way to the shelf while its bytes still arrive: a bucket takes a large one in parts, so that the end
//! of the upload waits for the last part only. A directory waits for the end.

use std::path::Path;

use futures_util::FutureExt;

use super::bucket::Parts;
use super::{Originals, Shelf, ShelfError};
use crate::domain::Digest;
use crate::laboratory::is_planted;

/// What is being sent. Dropping it takes back what was sent.
#[derive(Debug)]
pub struct Sending {
    shelf: Originals,
    key: String,
    /// The parts under way, from the first one on.
    parts: Option<Parts>,
    /// Bytes that were sent have been written again: everything is sent at the end.
    spoiled: bool,
}

impl Sending {
    pub(super) fn begin(shelf: Originals, key: String) -> Self {
        Self { shelf, key, parts: None, spoiled: false }
    }

    /// The key it will rest under.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The staged file now holds its first `whole` bytes without a gap. Never waits.
    pub fn arrived(&mut self, staged: &Path, whole: u64) {
        let Shelf::Bucket(bucket) = &self.shelf.0 else { return };
        if self.spoiled || whole <= bucket.part_bytes() {
            return;
        }
        self.parts.get_or_insert_with(|| bucket.parts(&self.key)).send_whole(staged, whole);
    }

    /// Bytes from this offset on have been written again.
    pub fn rewritten(&mut self, from: u64) {
        if self.parts.as_ref().is_some_and(|parts| from < parts.sent_bytes()) {
            self.parts = None;
            self.spoiled = true;
        }
    }

    /// The staged file is whole: returns once it is on the shelf for good.
    ///
    /// # Errors
    /// Another object is under that key, or the shelf refused.
    pub async fn finish(self, staged: &Path, size_bytes: u64, digest: Digest) -> Result<(), ShelfError> {
        if is_planted("commit before object") {
            let late = staged.with_extension("late");
            std::fs::hard_link(staged, &late).map_err(ShelfError::io("link", &late))?;
            tokio::spawn(async move { self.put(&late, size_bytes, digest).await });
            return Ok(());
        }
        self.put(staged, size_bytes, digest).await
    }

    async fn put(mut self, staged: &Path, size_bytes: u64, digest: Digest) -> Result<(), ShelfError> {
        if let Shelf::Bucket(bucket) = &self.shelf.0
            && size_bytes > bucket.part_bytes()
        {
            let parts = self.parts.take().unwrap_or_else(|| bucket.parts(&self.key));
            return parts.finish(staged, size_bytes).boxed().await;
        }
        self.shelf.put(&self.key, staged, digest).await
    }
}
