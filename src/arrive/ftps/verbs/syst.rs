//! SYST: what kind of system this is (RFC 959 section 4.1.3): the kind whose listings clients can read.

use super::say;
use crate::arrive::ftps::control::Answer;

pub(super) fn answer() -> Answer {
    say(215, "UNIX Type: L8")
}
