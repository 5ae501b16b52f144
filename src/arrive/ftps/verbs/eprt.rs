//! EPRT: we open the next data connection, over either IP (RFC 2428 section 2). Off unless the operator wants
//! it, and then only to where the client comes from (RFC 2577 section 3: no bouncing).

use std::net::{IpAddr, SocketAddr};

use super::say;
use crate::arrive::ftps::control::Answer;
use crate::arrive::ftps::data::Way;
use crate::arrive::ftps::guest::Guest;
use crate::arrive::ftps::plain;

pub(super) fn answer(guest: &mut Guest, argument: &[u8]) -> Answer {
    match address_of(argument) {
        Some(address) => connect_to(guest, address),
        None => say(501, "EPRT takes |1|address|port| or |2|address|port|"),
    }
}

pub(super) fn connect_to(guest: &mut Guest, address: SocketAddr) -> Answer {
    if !guest.house.settings.active {
        return say(502, "this server does not connect to clients; send EPSV or PASV");
    }
    if guest.only_epsv {
        return say(503, "after EPSV ALL only EPSV opens data connections (RFC 2428 section 4)");
    }
    if plain(address) != plain(guest.presence.peer()) || address.port() < 1024 {
        return say(504, "data goes to the address this connection comes from, to a port above 1023");
    }
    guest.way = Some(Way::Active(address));
    say(200, "ready to connect")
}

fn address_of(argument: &[u8]) -> Option<SocketAddr> {
    let text = std::str::from_utf8(argument).ok()?;
    let delimiter = text.chars().next().filter(char::is_ascii_graphic)?;
    let parts: Vec<&str> = text.split(delimiter).collect();
    let ["", family, address, port, ""] = parts.as_slice() else { return None };
    let address: IpAddr = address.parse().ok()?;
    let fits = matches!((*family, address), ("1", IpAddr::V4(_)) | ("2", IpAddr::V6(_)));
    fits.then_some(SocketAddr::new(address, port.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_either_family_are_read() {
        assert_eq!(address_of(b"|1|127.0.0.1|2000|"), "127.0.0.1:2000".parse().ok());
        assert_eq!(address_of(b"|2|::1|2000|"), "[::1]:2000".parse().ok());
        for bad in
            [&b""[..], b"|1|::1|2000|", b"|1|127.0.0.1|2000", b"|3|127.0.0.1|1|", b"|1|127.0.0.1|70000|", b"||||"]
        {
            assert_eq!(address_of(bad), None, "{}", bad.escape_ascii());
        }
    }
}
