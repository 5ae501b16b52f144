//! EPSV: the client opens the next data connection, over whatever this one uses (RFC 2428 section 3).

use super::say;
use crate::arrive::ftps::control::Answer;
use crate::arrive::ftps::data::{Way, listen};
use crate::arrive::ftps::guest::Guest;
use crate::arrive::ftps::plain;
use tracing::warn;

pub(super) fn answer(guest: &mut Guest, argument: &[u8]) -> Answer {
    let ours = if guest.local.is_ipv4() || plain(guest.local).is_ipv4() { b"1" } else { b"2" };
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
    guest.way = None;
    let opened = listen(&guest.house.settings, guest.local.ip())
        .and_then(|listener| listener.local_addr().map(|address| (listener, address.port())));
    match opened {
        Ok((listener, port)) => {
            guest.way = Some(Way::Passive(listener));
            say(229, format!("Entering Extended Passive Mode (|||{port}|)"))
        }
        Err(error) => {
            warn!(%error, "no port for a data connection");
            say(425, "no port is free for a data connection; try again in a moment")
        }
    }
}
