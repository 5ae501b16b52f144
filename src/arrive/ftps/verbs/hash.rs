//! HASH: a file's digest, so that a client can be sure of what is here (draft-bryan-ftpext-hash section 3).

use std::sync::Arc;

use super::{by_path_of_what_is, say};
use crate::arrive::ftps::control::{Answer, Work};
use crate::arrive::ftps::guest::Guest;
use crate::arrive::ftps::reply::Reply;
use crate::arrive::ftps::transfer::refusal;
use crate::domain::{Digest, Hasher};

pub(super) async fn answer(guest: &Guest, argument: &[u8]) -> Answer {
    of_file(guest, argument, |digest, size, name| Reply::new(213, format!("SHA-256 0-{size} {digest} {name}"))).await
}

pub(super) async fn of_file(
    guest: &Guest,
    argument: &[u8],
    told: impl FnOnce(Digest, u64, &str) -> Reply + Send + 'static,
) -> Answer {
    let path = match by_path_of_what_is(guest, argument) {
        Ok(path) => path,
        Err(answer) => return answer,
    };
    let Some(session) = guest.session.clone() else { return say(530, "log in first") };
    let file = match session.open(&path).await {
        Ok(file) => file,
        Err(error) => return Answer::Say(refusal(&error)),
    };
    let presence = Arc::clone(&guest.presence);
    let work: Work = Box::pin(async move {
        let mut hasher = Hasher::default();
        let mut buffer = vec![0; 256 * 1024];
        let mut offset = 0;
        loop {
            match file.read_at(offset, &mut buffer).await {
                Ok(0) => return told(hasher.finish(), offset, &path.to_string()),
                Ok(count) => {
                    hasher.update(buffer.get(..count).unwrap_or_default());
                    offset += count as u64;
                    presence.heard();
                    // A file of gigabytes must not keep a thread to itself.
                    tokio::task::yield_now().await;
                }
                Err(error) => return refusal(&error),
            }
        }
    });
    Answer::Work(None, work)
}
