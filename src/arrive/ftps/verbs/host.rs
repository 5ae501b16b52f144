//! HOST: which of a server's names is meant (RFC 7151). This one has one house behind all of them.

use super::say;
use crate::arrive::ftps::control::Answer;
use crate::arrive::ftps::guest::Guest;

pub(super) fn answer(guest: &Guest, argument: &[u8]) -> Answer {
    if guest.login.is_some() || guest.session.is_some() {
        return say(503, "HOST comes before USER (RFC 7151 section 3)");
    }
    if argument.is_empty() { say(501, "HOST takes a name") } else { say(220, "welcome") }
}
