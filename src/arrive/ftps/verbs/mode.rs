//! MODE: how data is sent (RFC 959 section 3.4). As a stream.

use super::say;
use crate::arrive::ftps::control::Answer;

pub(super) fn answer(argument: &[u8]) -> Answer {
    if argument.eq_ignore_ascii_case(b"S") {
        say(200, "data is sent as a stream")
    } else {
        say(504, "only MODE S is spoken here")
    }
}
