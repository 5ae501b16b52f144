//! CDUP: up one folder (RFC 959 section 4.1.1).

use crate::arrive::ftps::control::Answer;
use crate::arrive::ftps::guest::Guest;

pub(super) fn answer(guest: &mut Guest) -> Answer {
    super::cwd::answer(guest, b"..")
}
