//! PASV: the client opens the next data connection, over IPv4 (RFC 959 section 4.1.2).

use std::net::{IpAddr, Ipv4Addr};

use super::say;
use crate::arrive::ftps::control::Answer;
use crate::arrive::ftps::data::await_client;
use crate::arrive::ftps::guest::Guest;
use crate::arrive::ftps::plain;

pub(super) fn answer(guest: &mut Guest) -> Answer {
    if guest.only_epsv {
        return say(503, "after EPSV ALL only EPSV opens data connections (RFC 2428 section 4)");
    }
    let told = guest.house.settings.passive_address.parse::<Ipv4Addr>().ok();
    let IpAddr::V4(local) = plain(guest.seen_at) else {
        return say(425, "PASV is for IPv4; send EPSV");
    };
    match await_client(guest) {
        Ok(port) => {
            let [a, b, c, d] = told.unwrap_or(local).octets();
            let [high, low] = port.to_be_bytes();
            say(227, format!("Entering Passive Mode ({a},{b},{c},{d},{high},{low})"))
        }
        Err(reply) => Answer::Say(reply),
    }
}
