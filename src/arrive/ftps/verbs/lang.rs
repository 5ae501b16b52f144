//! LANG: which language sentences are in (RFC 2640 section 4). English.

use super::say;
use crate::arrive::ftps::control::Answer;

pub(super) fn answer(argument: &[u8]) -> Answer {
    let language = argument.to_ascii_uppercase();
    if language.is_empty() || language == b"EN" || language.starts_with(b"EN-") {
        say(200, "sentences are in English")
    } else {
        say(504, "sentences are in English only")
    }
}
