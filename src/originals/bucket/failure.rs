//! What an answer of the bucket means for us, and trying again within a budget.

use std::error::Error;
use std::time::{Duration, Instant};

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::RequestId;

use crate::originals::ShelfError;

/// Why a request did not do what it was asked.
#[derive(Debug)]
pub(super) enum Failure {
    /// There is an object under that key (412).
    Exists,
    /// There is none, or no such upload of parts (404).
    NotFound,
    /// The server does not know that condition (501).
    NotImplemented,
    /// It may go another time, and it may have been done: a time-out, a broken connection, 5xx, 429, 409.
    Passing(Box<dyn Error + Send + Sync>),
    /// It will not go another time.
    Lasting(Box<dyn Error + Send + Sync>),
}

impl Failure {
    pub(super) fn into_shelf(self, doing: &'static str, key: &str) -> ShelfError {
        let key = key.to_owned();
        match self {
            Self::Exists => ShelfError::Exists(key),
            Self::NotFound => ShelfError::NotFound(key),
            Self::NotImplemented => {
                ShelfError::Bucket { doing, key, passing: false, source: "the server does not implement that".into() }
            }
            Self::Passing(source) => ShelfError::Bucket { doing, key, passing: true, source },
            Self::Lasting(source) => ShelfError::Bucket { doing, key, passing: false, source },
        }
    }
}

/// What the server said, in one line: its code, its message, its request's id.
#[derive(Debug, thiserror::Error)]
#[error("{status} {code}: {message} (request {request})")]
struct Said {
    status: u16,
    code: String,
    message: String,
    request: String,
}

impl<E> From<SdkError<E>> for Failure
where
    E: ProvideErrorMetadata + RequestId + Error + Send + Sync + 'static,
{
    fn from(error: SdkError<E>) -> Self {
        let SdkError::ServiceError(service) = &error else {
            return match error {
                SdkError::ConstructionFailure(_) => Self::Lasting(Box::new(error)),
                _ => Self::Passing(Box::new(error)),
            };
        };
        let status = service.raw().status().as_u16();
        let said = service.err();
        let code = said.code().unwrap_or_default();
        match (status, code) {
            (412, _) => return Self::Exists,
            (404, _) if code != "NoSuchBucket" => return Self::NotFound,
            (501, _) => return Self::NotImplemented,
            _ => {}
        }
        // A clock that is off, or a token that has run out, is put right by the next request (its own or the chain's).
        let passing = matches!(status, 408 | 409 | 429 | 500..=599)
            || matches!(code, "RequestTimeout" | "ExpiredToken" | "RequestTimeTooSkewed");
        let said = Box::new(Said {
            status,
            code: code.to_owned(),
            message: said.message().unwrap_or("no reason given").to_owned(),
            request: said.request_id().unwrap_or("-").to_owned(),
        });
        if passing { Self::Passing(said) } else { Self::Lasting(said) }
    }
}

/// How long until a deadline, with longer and longer pauses between.
#[derive(Debug)]
pub(super) struct Budget {
    until: Instant,
    pause: Duration,
}

/// Pauses grow from the first to the last.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

impl Budget {
    pub(super) fn of(length: Duration) -> Self {
        Self { until: Instant::now() + length, pause: PAUSES.0 }
    }

    /// Waits before another attempt; `false` when there is no time for one.
    pub(super) async fn another(&mut self) -> bool {
        if Instant::now() + self.pause >= self.until {
            return false;
        }
        // Many that failed at once do not all come back at once.
        let mut random = [0_u8; 1];
        let _ = aws_lc_rs::rand::fill(&mut random);
        let [random] = random;
        tokio::time::sleep(self.pause / 2 + self.pause * u32::from(random) / 512).await;
        self.pause = (self.pause * 2).min(PAUSES.1);
        true
    }

    /// One attempt; it fails when the budget ends before it does.
    pub(super) async fn attempt<T>(&self, doing: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        match tokio::time::timeout_at(self.until.into(), doing).await {
            Ok(done) => done,
            Err(_) => Err(Failure::Passing("no answer in time".into())),
        }
    }

    /// Attempts until it is done, it cannot be done, or the budget ends.
    pub(super) async fn attempts<T, F>(&mut self, mut doing: impl FnMut() -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        loop {
            match self.attempt(doing()).await {
                Err(Failure::Passing(source)) => {
                    if !self.another().await {
                        return Err(Failure::Passing(source));
                    }
                }
                done => return done,
            }
        }
    }
}
