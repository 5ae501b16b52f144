//! PASV: the client opens the next data connection, over IPv4 (RFC 959 section 4.1.2).

use super::say;
use crate::arrive::ftps::control::Answer;
use crate::arrive::ftps::data::{Way, listen};
use crate::arrive::ftps::guest::Guest;
use crate::arrive::ftps::plain;
use std::net::{IpAddr, Ipv4Addr};
use tracing::warn;

pub(super) fn answer(guest: &mut Guest) -> Answer {
    if guest.only_epsv {
        return say(503, "after EPSV ALL only EPSV opens data connections (RFC 2428 section 4)");
    }
    let told = guest.house.settings.passive_address.parse::<Ipv4Addr>().ok();
    let IpAddr::V4(local) = plain(guest.local) else {
        return say(425, "PASV is for IPv4; send EPSV");
    };
    // Not two ports at once: the last one is closed first.
    guest.way = None;
    let opened = listen(&guest.house.settings, guest.local.ip())
        .and_then(|listener| listener.local_addr().map(|address| (listener, address.port())));
    match opened {
        Ok((listener, port)) => {
            guest.way = Some(Way::Passive(listener));
            let [a, b, c, d] = told.unwrap_or(local).octets();
            let [high, low] = port.to_be_bytes();
            say(227, format!("Entering Passive Mode ({a},{b},{c},{d},{high},{low})"))
        }
        Err(error) => {
            warn!(%error, "no port for a data connection");
            say(425, "no port is free for a data connection; try again in a moment")
        }
    }
}
