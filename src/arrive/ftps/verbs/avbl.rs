//! AVBL: how much more can be sent (draft-peterson-streamlined-ftp-command-extensions section 4).

use super::say;
use crate::arrive::ftps::control::Answer;
use crate::arrive::ftps::guest::Guest;
use crate::land::Session;

pub(super) fn answer(guest: &Guest) -> Answer {
    let room = guest.session.as_ref().map(Session::room);
    match room {
        Some(Ok(room)) => say(213, room.free_bytes.to_string()),
        _ => say(550, "it is not known how much room there is"),
    }
}
