//! ALLO: how long the next file will be (RFC 959 section 4.1.3). Too long is better said before it is sent.

use super::say;
use crate::arrive::ftps::control::Answer;
use crate::arrive::ftps::guest::Guest;
use crate::arrive::ftps::transfer::refusal;

pub(super) async fn answer(guest: &mut Guest, argument: &[u8]) -> Answer {
    let size = std::str::from_utf8(argument).ok().and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
    let Some(size) = size else { return say(501, "ALLO takes a number of bytes") };
    let Some(session) = &guest.session else { return say(530, "log in first") };
    match session.has_room_for(size).await {
        Ok(()) => {
            guest.announced = Some(size);
            say(202, "no room needs to be kept, and there is enough")
        }
        Err(error) => Answer::Say(refusal(&error)),
    }
}
