//! Reading back what landed, and the answers to it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::error::LandError;
use super::session::Session;
use crate::domain::{ArrivalId, Severity, Timestamp};
use crate::originals::Original;

/// A file or an answer, open for reading.
#[derive(Debug)]
pub struct Download {
    session: Session,
    original: Original,
    path: String,
    modified: Timestamp,
    file: ArrivalId,
    opened: Instant,
    told: AtomicBool,
}

impl Download {
    pub(super) fn new(
        session: Session,
        original: Original,
        path: String,
        modified: Timestamp,
        file: ArrivalId,
    ) -> Self {
        Self { session, original, path, modified, file, opened: Instant::now(), told: AtomicBool::new(false) }
    }

    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.original.size_bytes()
    }

    #[must_use]
    pub fn modified(&self) -> Timestamp {
        self.modified
    }

    /// Fills as much of `buffer` as the file has from `offset` on, as fast as the account may; 0 at the end.
    ///
    /// # Errors
    /// The shelf could not be read, or the account may not be inside any more.
    pub async fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, LandError> {
        self.session.still_admitted()?;
        let left = usize::try_from(self.size_bytes().saturating_sub(offset)).unwrap_or(usize::MAX);
        self.session.0.standing.pace(left.min(buffer.len())).await;
        self.original.read_at(offset, buffer).await.map_err(|error| LandError::unavailable("read an original", &error))
    }

    /// Whether reading takes time on purpose: the account has a bandwidth.
    #[must_use]
    pub fn is_paced(&self) -> bool {
        self.session.policy().bandwidth != 0
    }

    /// Notes, once, that the last byte has been read.
    pub fn completed(&self) {
        if self.told.swap(true, Ordering::Relaxed) {
            return;
        }
        let event = self
            .session
            .event("download.completed", Severity::Info, format!("{} read", self.path))
            .file(self.file)
            .data("path", self.path.clone())
            .data("size_bytes", self.size_bytes())
            .took(self.opened.elapsed());
        let record = self.session.0.dropbox.0.record.clone();
        tokio::spawn(async move {
            if let Err(error) = record.tell(vec![event]).await {
                tracing::error!(error = &error as &dyn std::error::Error, "could not note a download");
            }
        });
    }
}
