//! CLNT: what the client calls itself (no standard; FileZilla and others send it). It goes into the log.

use super::say;
use crate::arrive::ftps::control::Answer;
use crate::arrive::ftps::guest::Guest;

pub(super) fn answer(guest: &mut Guest, argument: &[u8]) -> Answer {
    let name: String = String::from_utf8_lossy(argument).chars().filter(|c| !c.is_control()).take(128).collect();
    guest.client = Some(name).filter(|name| !name.is_empty());
    say(200, "noted")
}
