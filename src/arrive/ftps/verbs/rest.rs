//! REST: where the next transfer begins (RFC 3659 section 5).

use super::say;
use crate::arrive::ftps::control::Answer;
use crate::arrive::ftps::guest::Guest;

pub(super) fn answer(guest: &mut Guest, argument: &[u8]) -> Answer {
    match std::str::from_utf8(argument).ok().and_then(|text| text.parse().ok()) {
        Some(offset) => {
            guest.restart = offset;
            say(350, format!("the next transfer begins at byte {offset}"))
        }
        None => say(501, "REST takes a number of bytes"),
    }
}
