//! TYPE: how bytes are meant (RFC 959 section 3.1.1). Originals are kept as they come: what is text to the
//! client is bytes here, and comes back as it went in.

use super::say;
use crate::arrive::ftps::control::Answer;
use crate::arrive::ftps::guest::Guest;

pub(super) fn answer(guest: &mut Guest, argument: &[u8]) -> Answer {
    match argument.to_ascii_uppercase().as_slice() {
        b"I" | b"L 8" | b"L8" => guest.type_letter = 'I',
        b"A" | b"A N" => guest.type_letter = 'A',
        _ => return say(504, "send TYPE I or TYPE A; files are kept byte for byte either way"),
    }
    say(200, format!("type is {}; files are kept byte for byte", guest.type_letter))
}
