//! NOOP: still there (RFC 959 section 4.1.3).

use super::say;
use crate::arrive::ftps::control::Answer;

pub(super) fn answer() -> Answer {
    say(200, "still here")
}
