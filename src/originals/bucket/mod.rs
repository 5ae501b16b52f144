//! The shelf as a bucket of S3. Every key belongs to one upload, so no object can be overwritten even where the server
//! knows no conditions; `If-None-Match: *` is sent all the same. Requests are tried again by us, within a budget, not by
//! the library: after a time-out we ask what has become of it first.

mod failure;
mod object;
mod parts;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use aws_config::BehaviorVersion;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{Region, RequestChecksumCalculation, ResponseChecksumValidation};
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::{ChecksumMode, ObjectLockMode, ServerSideEncryption};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use self::failure::{Budget, Failure};
pub(super) use self::object::Object;
pub(super) use self::parts::Parts;
use super::{Original, ShelfError, Stored};
use crate::config::{Encryption, Retention, S3};
use crate::domain::Digest;
use crate::laboratory::crash_point;

/// The bucket. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Bucket(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    client: Client,
    settings: S3,
    /// Cleared by a server that does not know `If-None-Match`.
    conditional: AtomicBool,
}

/// The name of the digest among an object's metadata: kept by servers that keep no checksums.
const SHA256: &str = "sha256";

impl Bucket {
    pub(super) async fn open(settings: &S3) -> Result<Self, ShelfError> {
        let mut loader = aws_config::defaults(BehaviorVersion::latest());
        if !settings.region.is_empty() {
            loader = loader.region(Region::new(settings.region.clone()));
        }
        let shared = loader.load().await;
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(settings.connect_timeout.duration())
            .operation_attempt_timeout(settings.request_timeout.duration())
            .build();
        let mut config = aws_sdk_s3::config::Builder::from(&shared)
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts)
            // Ours are SHA-256, and in the header: servers that are not AWS refuse trailers.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .force_path_style(settings.path_style);
        if !settings.endpoint.is_empty() {
            config = config.endpoint_url(&settings.endpoint);
        }
        if shared.region().is_none() {
            config = config.region(Region::new("us-east-1"));
        }
        let client = Client::from_conf(config.build());
        let conditional = AtomicBool::new(true);
        let bucket = Self(Arc::new(Inner { client, settings: settings.clone(), conditional }));
        bucket.budget().attempts(|| bucket.greet()).await.map_err(|error| match error {
            Failure::NotFound => ShelfError::NotFound(format!("the name of the bucket, {}", settings.bucket)),
            failure => failure.into_shelf("open", &settings.bucket),
        })?;
        Ok(bucket)
    }

    async fn greet(&self) -> Result<(), Failure> {
        self.0.client.head_bucket().bucket(&self.0.settings.bucket).send().await?;
        Ok(())
    }

    pub(super) fn part_bytes(&self) -> u64 {
        self.0.settings.part.bytes()
    }

    pub(super) fn parts(&self, key: &str) -> Parts {
        Parts::begin(self.clone(), key.to_owned())
    }

    fn budget(&self) -> Budget {
        Budget::of(self.0.settings.budget.duration())
    }

    fn name(&self) -> &str {
        &self.0.settings.bucket
    }

    /// The key with the prefix in front.
    fn full(&self, key: &str) -> String {
        format!("{}{key}", self.0.settings.prefix)
    }

    /// One conditional PUT, its outcome looked into where it is not known.
    pub(super) async fn put(&self, key: &str, staged: &Path, digest: Digest) -> Result<(), ShelfError> {
        let size_bytes = std::fs::metadata(staged).map_err(ShelfError::io("look at", staged))?.len();
        let mut budget = self.budget();
        loop {
            let failure = match budget.attempt(self.put_once(key, staged, size_bytes, digest)).await {
                Ok(()) => return Ok(()),
                Err(failure) => failure,
            };
            let again = match failure {
                Failure::NotImplemented if self.0.conditional.swap(false, Ordering::Relaxed) => {
                    tracing::warn!("the bucket's server knows no If-None-Match: uniqueness rests on our keys alone");
                    continue;
                }
                Failure::Exists | Failure::Passing(_) => budget.attempt(self.head(key)).await,
                _ => return Err(failure.into_shelf("store", key)),
            };
            match (again, failure) {
                (Ok(found), failure) => {
                    if stored(key, &found).is_what_was_sent(size_bytes, digest) {
                        return Ok(());
                    }
                    // Somebody else's, or what is left of ours: only the first can be said for sure.
                    if matches!(failure, Failure::Exists) {
                        return Err(ShelfError::Exists(key.to_owned()));
                    }
                    return Err(failure.into_shelf("store", key));
                }
                (Err(_), failure) => {
                    if !budget.another().await {
                        return Err(failure.into_shelf("store", key));
                    }
                }
            }
        }
    }

    async fn put_once(&self, key: &str, staged: &Path, size_bytes: u64, digest: Digest) -> Result<(), Failure> {
        let settings = &self.0.settings;
        let body = ByteStream::from_path(staged).await.map_err(|error| Failure::Lasting(Box::new(error)))?;
        let mut request = self
            .0
            .client
            .put_object()
            .bucket(self.name())
            .key(self.full(key))
            .content_length(i64::try_from(size_bytes).unwrap_or(i64::MAX))
            .checksum_sha256(STANDARD.encode(digest.as_bytes()))
            .metadata(SHA256, digest.to_string())
            .set_server_side_encryption(encryption(settings))
            .set_ssekms_key_id(kms_key(settings))
            .set_object_lock_mode(lock_mode(settings))
            .set_object_lock_retain_until_date(locked_until(settings))
            .body(body);
        if self.0.conditional.load(Ordering::Relaxed) {
            request = request.if_none_match("*");
        }
        request.send().await?;
        crash_point("storing");
        Ok(())
    }

    async fn head(&self, key: &str) -> Result<HeadObjectOutput, Failure> {
        let head = self.0.client.head_object().bucket(self.name()).key(self.full(key));
        Ok(head.checksum_mode(ChecksumMode::Enabled).send().await?)
    }

    pub(super) async fn look(&self, key: &str) -> Result<Option<Stored>, ShelfError> {
        match self.budget().attempts(|| self.head(key)).await {
            Ok(found) => Ok(Some(stored(key, &found))),
            Err(Failure::NotFound) => Ok(None),
            Err(failure) => Err(failure.into_shelf("look at", key)),
        }
    }

    pub(super) async fn keys_after(&self, after: &str) -> Result<Vec<String>, ShelfError> {
        let list = || async {
            let request = self.0.client.list_objects_v2().bucket(self.name()).prefix(&self.0.settings.prefix);
            // Waybill's own folders only: the bucket may hold other things.
            let listed = request.start_after(self.full(if after.is_empty() { "a/" } else { after })).send().await?;
            Ok(listed)
        };
        let listed = self.budget().attempts(list).await.map_err(|failure| failure.into_shelf("list", after))?;
        let keys = listed.contents().iter().filter_map(|object| object.key()?.strip_prefix(&self.0.settings.prefix));
        let ours = |key: &&str| ["a/", "p/", "t/"].iter().any(|kind| key.starts_with(kind));
        Ok(keys.filter(ours).map(str::to_owned).collect())
    }

    /// Ends uploads of parts that were begun so long ago.
    pub(super) async fn take_back_parts(&self, begun_before: Duration) -> Result<usize, ShelfError> {
        let list = || async {
            let request = self.0.client.list_multipart_uploads().bucket(self.name()).prefix(&self.0.settings.prefix);
            Ok(request.send().await?)
        };
        let listed = match self.budget().attempts(list).await {
            Ok(listed) => listed,
            // A server that cannot list them cannot be tidied by us; its lifecycle rule does it.
            Err(Failure::NotImplemented) => return Ok(0),
            Err(failure) => return Err(failure.into_shelf("list the parts of", "every object")),
        };
        let since = DateTime::from(SystemTime::now().checked_sub(begun_before).unwrap_or(SystemTime::UNIX_EPOCH));
        let mut count = 0;
        for upload in listed.uploads().iter().filter(|upload| upload.initiated().is_some_and(|begun| *begun < since)) {
            let (Some(key), Some(id)) = (upload.key(), upload.upload_id()) else { continue };
            let abort = || async {
                let request = self.0.client.abort_multipart_upload().bucket(self.name());
                request.key(key).upload_id(id).send().await?;
                Ok(())
            };
            match self.budget().attempts(abort).await {
                Ok(()) => count += 1,
                Err(Failure::NotFound) => {}
                Err(failure) => return Err(failure.into_shelf("take back the parts of", key)),
            }
        }
        Ok(count)
    }

    pub(super) async fn object(&self, key: &str) -> Result<Original, ShelfError> {
        let Some(found) = self.look(key).await? else { return Err(ShelfError::NotFound(key.to_owned())) };
        Ok(Original::of_object(Object::new(self.clone(), key.to_owned()), found.size_bytes))
    }

    pub(super) async fn remove(&self, key: &str) -> Result<(), ShelfError> {
        let remove = || async {
            self.0.client.delete_object().bucket(self.name()).key(self.full(key)).send().await?;
            Ok(())
        };
        match self.budget().attempts(remove).await {
            Ok(()) | Err(Failure::NotFound) => Ok(()),
            Err(failure) => Err(failure.into_shelf("remove", key)),
        }
    }
}

impl Stored {
    /// Whether it is the bytes that were sent: by the digest where there is one, else by the size. The key is of one
    /// upload alone, and every request carried the digest of what it sent.
    fn is_what_was_sent(&self, size_bytes: u64, digest: Digest) -> bool {
        self.size_bytes == size_bytes && self.digest.is_none_or(|found| found == digest)
    }
}

fn stored(key: &str, found: &HeadObjectOutput) -> Stored {
    // A checksum of parts has a dash and their count behind it, and is not the digest of the whole.
    let digest = found
        .checksum_sha256()
        .and_then(|text| STANDARD.decode(text).ok())
        .and_then(|bytes| Digest::from_bytes(&bytes))
        .or_else(|| Digest::from_hex(found.metadata()?.get(SHA256)?));
    let size_bytes = found.content_length().and_then(|length| u64::try_from(length).ok()).unwrap_or(0);
    Stored { key: key.to_owned(), size_bytes, digest }
}

fn encryption(settings: &S3) -> Option<ServerSideEncryption> {
    match settings.encryption {
        Encryption::Bucket => None,
        Encryption::Aes256 => Some(ServerSideEncryption::Aes256),
        Encryption::Kms => Some(ServerSideEncryption::AwsKms),
    }
}

fn kms_key(settings: &S3) -> Option<String> {
    (!settings.kms_key.is_empty()).then(|| settings.kms_key.clone())
}

fn lock_mode(settings: &S3) -> Option<ObjectLockMode> {
    (settings.retention_days > 0).then_some(match settings.retention_mode {
        Retention::Governance => ObjectLockMode::Governance,
        Retention::Compliance => ObjectLockMode::Compliance,
    })
}

fn locked_until(settings: &S3) -> Option<DateTime> {
    let length = Duration::from_secs(u64::from(settings.retention_days) * 86_400);
    (settings.retention_days > 0).then(|| DateTime::from(SystemTime::now() + length))
}
