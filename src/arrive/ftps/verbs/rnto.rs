//! RNTO: its other name (RFC 959 section 4.1.3). A file loses its temporary name this way, and only then has
//! arrived.

use super::{by_path, say};
use crate::arrive::ftps::control::Answer;
use crate::arrive::ftps::guest::Guest;
use crate::arrive::ftps::transfer::refusal;

pub(super) async fn answer(guest: &mut Guest, argument: &[u8]) -> Answer {
    let Some(from) = guest.rename_from.take() else { return say(503, "send RNFR first") };
    let to = match by_path(guest, argument) {
        Ok(path) => path,
        Err(answer) => return answer,
    };
    let Some(session) = &guest.session else { return say(530, "log in first") };
    match session.rename(&from, &to, true).await {
        Ok(()) => say(250, format!("{from} is {to} now")),
        Err(error) => Answer::Say(refusal(&error)),
    }
}
