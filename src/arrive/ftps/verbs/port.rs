//! PORT: we open the next data connection, over IPv4 (RFC 959 section 4.1.2). Off unless the operator wants it,
//! and then only to where the client comes from (RFC 2577 section 3: no bouncing).

use super::say;
use crate::arrive::ftps::control::Answer;
use crate::arrive::ftps::guest::Guest;
use std::net::{IpAddr, SocketAddr};

pub(super) fn answer(guest: &mut Guest, argument: &[u8]) -> Answer {
    let numbers: Option<Vec<u8>> = std::str::from_utf8(argument)
        .ok()
        .and_then(|text| text.split(',').map(|part| part.trim().parse().ok()).collect());
    let Some([a, b, c, d, high, low]) = numbers.as_deref() else {
        return say(501, "PORT takes six numbers: h1,h2,h3,h4,p1,p2");
    };
    let address = IpAddr::from([*a, *b, *c, *d]);
    super::eprt::connect_to(guest, SocketAddr::new(address, u16::from_be_bytes([*high, *low])))
}
