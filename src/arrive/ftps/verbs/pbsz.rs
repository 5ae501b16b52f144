//! PBSZ: the size of protected pieces, which TLS decides: 0 (RFC 4217 section 8).

use super::say;
use crate::arrive::ftps::control::Answer;
use crate::arrive::ftps::guest::Guest;

pub(super) fn answer(guest: &mut Guest, argument: &[u8]) -> Answer {
    if !guest.is_protected {
        return say(503, "send AUTH TLS first");
    }
    if argument.is_empty() || !argument.iter().all(u8::is_ascii_digit) {
        return say(501, "send PBSZ 0");
    }
    guest.has_pbsz = true;
    say(200, "PBSZ=0")
}
