//! AVBL: how much more can be sent (draft-peterson-streamlined-ftp-command-extensions section 4).

use super::say;
use crate::arrive::ftps::control::Answer;
use crate::arrive::ftps::guest::Guest;
use crate::arrive::ftps::transfer::refusal;

pub(super) async fn answer(guest: &Guest) -> Answer {
    let Some(session) = &guest.session else { return say(530, "log in first") };
    match session.room().await {
        Ok(room) if room.free_files == Some(0) => say(213, "0"),
        Ok(room) => say(213, room.free_bytes.to_string()),
        Err(error) => Answer::Say(refusal(&error)),
    }
}
