//! CCC: back to clear text (RFC 4217 section 12.3). Not here: the next command could be anybody's.

use super::say;
use crate::arrive::ftps::control::Answer;

pub(super) fn answer() -> Answer {
    say(534, "the control connection stays protected")
}
