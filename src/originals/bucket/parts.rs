//! A large object, sent in parts while it still arrives.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use aws_sdk_s3::primitives::{ByteStream, Length};
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::sync::OnceCell;
use tokio::task::JoinSet;

use super::failure::{Budget, Failure};
use super::{Bucket, encryption, kms_key, lock_mode, locked_until, stored};
use crate::domain::Hasher;
use crate::originals::ShelfError;

/// The parts of one object. Dropping them takes back what was sent.
#[derive(Debug)]
pub(in crate::originals) struct Parts {
    upload: Arc<PartsUpload>,
    /// Bytes given to a part, sent or under way.
    sent_bytes: u64,
    next: i32,
    under_way: JoinSet<(Piece, Result<CompletedPart, Failure>)>,
    /// What the server confirmed.
    done: BTreeMap<i32, CompletedPart>,
    /// What did not go and is tried again at the end.
    failed: Vec<Piece>,
    settled: bool,
}

#[derive(Debug)]
struct PartsUpload {
    bucket: Bucket,
    key: String,
    /// The server's name for it, once it has given one.
    id: OnceCell<String>,
}

/// One part: its number, from 1, and which bytes of the staged file it is.
#[derive(Debug, Clone, Copy)]
struct Piece {
    number: i32,
    offset: u64,
    length: u64,
}

impl Parts {
    pub(super) fn begin(bucket: Bucket, key: String) -> Self {
        Self {
            upload: Arc::new(PartsUpload { bucket, key, id: OnceCell::new() }),
            sent_bytes: 0,
            next: 1,
            under_way: JoinSet::new(),
            done: BTreeMap::new(),
            failed: vec![],
            settled: false,
        }
    }

    pub(in crate::originals) fn sent_bytes(&self) -> u64 {
        self.sent_bytes
    }

    /// Sends the whole parts that have arrived, as many at once as may be. Never waits.
    pub(in crate::originals) fn send_whole(&mut self, staged: &Path, whole: u64) {
        while let Some(ended) = self.under_way.try_join_next() {
            self.note(ended);
        }
        let part = self.upload.bucket.part_bytes();
        // The last part is the end's: an object has at least one, and it may be as large as the others.
        while whole - self.sent_bytes > part && self.under_way.len() < self.upload.bucket.0.settings.parts_in_flight {
            self.send_next(staged, part);
        }
    }

    fn send_next(&mut self, staged: &Path, length: u64) {
        let piece = Piece { number: self.next, offset: self.sent_bytes, length };
        self.next += 1;
        self.sent_bytes += length;
        self.send(staged, piece);
    }

    fn send(&mut self, staged: &Path, piece: Piece) {
        let (upload, staged) = (Arc::clone(&self.upload), staged.to_owned());
        self.under_way.spawn(async move {
            let mut budget = upload.bucket.budget();
            let sent = budget.attempts(|| upload.send(&staged, piece)).await;
            (piece, sent)
        });
    }

    fn note(
        &mut self,
        ended: Result<(Piece, Result<CompletedPart, Failure>), tokio::task::JoinError>,
    ) -> Option<Failure> {
        match ended {
            Ok((piece, Ok(part))) => {
                self.done.insert(piece.number, part);
                None
            }
            Ok((piece, Err(failure))) => {
                self.failed.push(piece);
                Some(failure)
            }
            Err(error) => Some(Failure::Lasting(Box::new(error))),
        }
    }

    /// Sends what is left and has the server put it together.
    pub(in crate::originals) async fn finish(mut self, staged: &Path, size_bytes: u64) -> Result<(), ShelfError> {
        let key = self.upload.key.clone();
        let ended = self.send_rest(staged, size_bytes).await;
        ended.map_err(|failure| failure.into_shelf("take a part of", &key))?;
        let mut budget = self.upload.bucket.budget();
        let completed = self.complete(&mut budget, size_bytes).await;
        self.settled = completed.is_ok();
        completed.map_err(|failure| failure.into_shelf("put together", &key))
    }

    async fn send_rest(&mut self, staged: &Path, size_bytes: u64) -> Result<(), Failure> {
        let part = self.upload.bucket.part_bytes();
        let at_once = self.upload.bucket.0.settings.parts_in_flight;
        let mut once_more = std::mem::take(&mut self.failed);
        loop {
            while self.under_way.len() < at_once && self.sent_bytes < size_bytes {
                self.send_next(staged, part.min(size_bytes - self.sent_bytes));
            }
            while self.under_way.len() < at_once
                && let Some(piece) = once_more.pop()
            {
                self.send(staged, piece);
            }
            let Some(ended) = self.under_way.join_next().await else { return Ok(()) };
            if let Some(failure) = self.note(ended) {
                return Err(failure);
            }
        }
    }

    async fn complete(&self, budget: &mut Budget, size_bytes: u64) -> Result<(), Failure> {
        let bucket = &self.upload.bucket;
        loop {
            let failure = match budget.attempt(self.complete_once()).await {
                Ok(()) => return Ok(()),
                Err(Failure::NotImplemented) if bucket.0.conditional.swap(false, Ordering::Relaxed) => continue,
                // What was put together is not there to be put together again (NoSuchUpload).
                Err(failure @ (Failure::Passing(_) | Failure::NotFound | Failure::Exists)) => failure,
                Err(failure) => return Err(failure),
            };
            // Whether it was done all the same: the key is ours alone, and its parts carried their digests.
            match budget.attempt(bucket.head(&self.upload.key)).await {
                Ok(found) if stored(&self.upload.key, &found).size_bytes == size_bytes => return Ok(()),
                Ok(_) => return Err(failure),
                Err(Failure::NotFound) if matches!(failure, Failure::NotFound) => return Err(failure),
                Err(_) => {}
            }
            if !budget.another().await {
                return Err(failure);
            }
        }
    }

    async fn complete_once(&self) -> Result<(), Failure> {
        let upload = &self.upload;
        let parts = self.done.values().cloned().collect();
        let mut request = upload
            .bucket
            .0
            .client
            .complete_multipart_upload()
            .bucket(upload.bucket.name())
            .key(upload.bucket.full(&upload.key))
            .upload_id(upload.id.get().cloned().unwrap_or_default())
            .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(parts)).build());
        if upload.bucket.0.conditional.load(Ordering::Relaxed) {
            request = request.if_none_match("*");
        }
        request.send().await?;
        Ok(())
    }
}

impl PartsUpload {
    async fn id(&self) -> Result<&String, Failure> {
        let settings = &self.bucket.0.settings;
        self.id
            .get_or_try_init(|| async {
                let made = self
                    .bucket
                    .0
                    .client
                    .create_multipart_upload()
                    .bucket(self.bucket.name())
                    .key(self.bucket.full(&self.key))
                    .checksum_algorithm(ChecksumAlgorithm::Sha256)
                    .set_server_side_encryption(encryption(settings))
                    .set_ssekms_key_id(kms_key(settings))
                    .set_object_lock_mode(lock_mode(settings))
                    .set_object_lock_retain_until_date(locked_until(settings))
                    .send()
                    .await?;
                made.upload_id.ok_or_else(|| Failure::Passing("the server gave no id for the parts".into()))
            })
            .await
    }

    async fn send(&self, staged: &Path, piece: Piece) -> Result<CompletedPart, Failure> {
        let id = self.id().await?;
        let path = staged.to_owned();
        let digest = tokio::task::spawn_blocking(move || digest_of(&path, piece))
            .await
            .map_err(|error| Failure::Lasting(Box::new(error)))?
            .map_err(|error| Failure::Lasting(Box::new(error)))?;
        let checksum = STANDARD.encode(digest.as_bytes());
        let body = ByteStream::read_from()
            .path(staged)
            .offset(piece.offset)
            .length(Length::Exact(piece.length))
            .build()
            .await
            .map_err(|error| Failure::Lasting(Box::new(error)))?;
        let sent = self
            .bucket
            .0
            .client
            .upload_part()
            .bucket(self.bucket.name())
            .key(self.bucket.full(&self.key))
            .upload_id(id)
            .part_number(piece.number)
            .content_length(i64::try_from(piece.length).unwrap_or(i64::MAX))
            .checksum_sha256(&checksum)
            .body(body)
            .send()
            .await?;
        let part = CompletedPart::builder().part_number(piece.number).set_e_tag(sent.e_tag);
        // Servers that keep no checksum of a part refuse one when it is put together.
        let part = if sent.checksum_sha256.is_some() { part.checksum_sha256(checksum) } else { part };
        Ok(part.build())
    }

    async fn take_back(&self) {
        let Some(id) = self.id.get() else { return };
        let abort = || async {
            let request = self.bucket.0.client.abort_multipart_upload().bucket(self.bucket.name());
            request.key(self.bucket.full(&self.key)).upload_id(id).send().await?;
            Ok(())
        };
        match self.bucket.budget().attempts(abort).await {
            Ok(()) | Err(Failure::NotFound) => {}
            Err(failure) => {
                let error = failure.into_shelf("take back the parts of", &self.key);
                tracing::warn!(error = &error as &dyn std::error::Error, "the sweep takes them back later");
            }
        }
    }
}

fn digest_of(path: &PathBuf, piece: Piece) -> io::Result<crate::domain::Digest> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(piece.offset))?;
    let mut hasher = Hasher::default();
    let count = hasher.copy(&mut file.take(piece.length), &mut io::sink())?;
    if count != piece.length {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the staged file is shorter than it was"));
    }
    Ok(hasher.finish())
}

impl Drop for Parts {
    fn drop(&mut self) {
        if self.settled || self.next == 1 {
            return;
        }
        self.under_way.abort_all();
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let upload = Arc::clone(&self.upload);
        runtime.spawn(async move { upload.take_back().await });
    }
}
