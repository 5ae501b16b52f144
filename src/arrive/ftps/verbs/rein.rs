//! REIN: as if just connected, but for the protection (RFC 959 section 4.1.1, RFC 4217 section 11).

use super::say;
use crate::arrive::ftps::control::Answer;
use crate::arrive::ftps::guest::Guest;

pub(super) async fn answer(guest: &mut Guest) -> Answer {
    if let Some(session) = guest.session.take() {
        session.end("the client started over").await;
    }
    guest.forget();
    say(220, "start over with USER")
}
