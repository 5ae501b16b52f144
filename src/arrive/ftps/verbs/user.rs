//! USER: who wants to come in (RFC 959 section 4.1.1). Whether there is such an account is not told.

use super::say;
use crate::arrive::ftps::control::Answer;
use crate::arrive::ftps::guest::Guest;

pub(super) fn answer(guest: &mut Guest, argument: &[u8]) -> Answer {
    if guest.session.is_some() {
        return say(503, "you are logged in; send REIN first to log in as somebody else");
    }
    // Names of accounts have none of these; what has them is not kept, not even for the log.
    match std::str::from_utf8(argument) {
        Ok(login) if !login.is_empty() && login.len() <= 128 && !login.chars().any(char::is_control) => {
            guest.login = Some(login.to_owned());
            say(331, "now the password")
        }
        _ => say(501, "this is not a login"),
    }
}
