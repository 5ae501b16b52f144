//! SIZE: how long a file is (RFC 3659 section 4); of one that was broken off, how much of it came.

use super::{say, stat};
use crate::arrive::ftps::control::Answer;
use crate::arrive::ftps::guest::Guest;
use crate::land::EntryKind;

pub(super) async fn answer(guest: &Guest, argument: &[u8]) -> Answer {
    match stat(guest, argument).await {
        Ok(entry) if entry.kind == EntryKind::File => say(213, entry.size_bytes.to_string()),
        Ok(_) => say(550, "this is a folder"),
        Err(answer) => answer,
    }
}
