//! ABOR: whatever is under way ends (RFC 959 section 4.1.3). While something is, `control` answers it.

use super::say;
use crate::arrive::ftps::control::Answer;
use crate::arrive::ftps::guest::Guest;

pub(super) fn answer(guest: &mut Guest) -> Answer {
    guest.way = None;
    say(226, "nothing is under way")
}
