//! DELE: a file goes out of sight (RFC 959 section 4.1.3). Its original is kept.

use super::{by_path_of_what_is, say};
use crate::arrive::ftps::control::Answer;
use crate::arrive::ftps::guest::Guest;
use crate::arrive::ftps::transfer::refusal;

pub(super) async fn answer(guest: &Guest, argument: &[u8]) -> Answer {
    let path = match by_path_of_what_is(guest, argument) {
        Ok(path) => path,
        Err(answer) => return answer,
    };
    let Some(session) = &guest.session else { return say(530, "log in first") };
    match session.remove(&path).await {
        Ok(()) => say(250, format!("{path} is not listed any more")),
        Err(error) => Answer::Say(refusal(&error)),
    }
}
