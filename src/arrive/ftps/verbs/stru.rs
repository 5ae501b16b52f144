//! STRU: what a file consists of (RFC 959 section 3.1.2). Of bytes.

use super::say;
use crate::arrive::ftps::control::Answer;

pub(super) fn answer(argument: &[u8]) -> Answer {
    if argument.eq_ignore_ascii_case(b"F") {
        say(200, "files are bytes")
    } else {
        say(504, "only STRU F is spoken here")
    }
}
