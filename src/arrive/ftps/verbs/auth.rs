//! AUTH: from here on everything is protected (RFC 4217 section 4).

use super::say;
use crate::arrive::ftps::control::Answer;
use crate::arrive::ftps::guest::Guest;
use crate::arrive::ftps::reply::Reply;

pub(super) fn answer(guest: &mut Guest, argument: &[u8]) -> Answer {
    if guest.is_protected {
        return say(503, "this connection is protected already");
    }
    match argument.to_ascii_uppercase().as_slice() {
        // TLS-C and SSL are what drafts and old clients call it; what is spoken is TLS 1.2 or 1.3 all the same.
        b"TLS" | b"TLS-C" | b"SSL" => Answer::Protect(Reply::new(234, "begin the TLS handshake")),
        // "SSL with PROT P implied" is a draft's; nothing is implied here.
        _ => say(504, "this server knows AUTH TLS and no other"),
    }
}
