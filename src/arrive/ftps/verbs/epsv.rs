//! EPSV: the client opens the next data connection, over whatever this one uses (RFC 2428 section 3).

use super::say;
use crate::arrive::ftps::control::Answer;
use crate::arrive::ftps::data::await_client;
use crate::arrive::ftps::guest::Guest;
use crate::arrive::ftps::plain;

pub(super) fn answer(guest: &mut Guest, argument: &[u8]) -> Answer {
    let ours = if plain(guest.seen_at).is_ipv4() { b"1" } else { b"2" };
    match argument {
        b"" => {}
        family if family == ours => {}
        all if all.eq_ignore_ascii_case(b"ALL") => {
            guest.only_epsv = true;
            return say(200, "only EPSV from here on");
        }
        b"1" | b"2" => return say(522, format!("use ({}) for this connection", ours.escape_ascii())),
        _ => return say(501, "send EPSV alone, or EPSV ALL"),
    }
    match await_client(guest) {
        Ok(port) => say(229, format!("Entering Extended Passive Mode (|||{port}|)")),
        Err(reply) => Answer::Say(reply),
    }
}
