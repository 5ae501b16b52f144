//! ALLO: how long the next file will be (RFC 959 section 4.1.3). Too long is better said before it is sent.

use super::say;
use crate::arrive::ftps::control::Answer;
use crate::arrive::ftps::guest::Guest;
use crate::land::Session;

pub(super) fn answer(guest: &Guest, argument: &[u8]) -> Answer {
    let size = std::str::from_utf8(argument).ok().and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
    match (size, guest.session.as_ref().map(Session::file_max)) {
        (None, _) => say(501, "ALLO takes a number of bytes"),
        (Some(size), Some(max)) if size > max.bytes() => {
            say(552, format!("a file may be {max} long; split it and send the parts"))
        }
        _ => say(202, "no room needs to be kept"),
    }
}
