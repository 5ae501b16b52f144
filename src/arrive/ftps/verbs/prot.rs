//! PROT: how data connections are protected: P, and nothing less (RFC 4217 section 9).

use super::say;
use crate::arrive::ftps::control::Answer;
use crate::arrive::ftps::guest::Guest;

pub(super) fn answer(guest: &mut Guest, argument: &[u8]) -> Answer {
    if !guest.has_pbsz {
        return say(503, "send PBSZ 0 first");
    }
    match argument.to_ascii_uppercase().as_slice() {
        b"P" => {
            guest.data_is_protected = true;
            say(200, "data connections are protected")
        }
        b"C" => say(534, "data is never sent in clear here; send PROT P"),
        b"S" | b"E" => say(536, "TLS protects all or nothing (RFC 4217 section 9); send PROT P"),
        _ => say(504, "send PROT P"),
    }
}
