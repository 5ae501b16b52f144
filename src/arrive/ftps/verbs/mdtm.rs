//! MDTM: when a file came (RFC 3659 section 3).

use super::{say, stat};
use crate::arrive::ftps::control::Answer;
use crate::arrive::ftps::guest::Guest;
use crate::arrive::ftps::listing::time_val;

pub(super) async fn answer(guest: &Guest, argument: &[u8]) -> Answer {
    match stat(guest, argument).await {
        Ok(entry) => say(213, time_val(entry.modified)),
        Err(answer) => answer,
    }
}
