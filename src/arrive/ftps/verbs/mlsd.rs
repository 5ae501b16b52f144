//! MLSD: a folder, for programs (RFC 3659 section 7).

use super::list::{here, lines};
use super::say;
use crate::arrive::ftps::control::Answer;
use crate::arrive::ftps::guest::Guest;
use crate::arrive::ftps::listing::facts;
use crate::domain::VirtualPath;

pub(super) async fn answer(guest: &mut Guest, argument: &[u8]) -> Answer {
    if let Ok(VirtualPath::File(_)) = here(guest, argument) {
        return say(501, "MLSD lists folders; send MLST for a file");
    }
    let wanted = guest.facts;
    lines(guest, argument, |entry| facts(entry, wanted)).await
}
