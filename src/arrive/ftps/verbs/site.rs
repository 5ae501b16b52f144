//! SITE: what no standard says (RFC 959 section 4.1.3). Clients set modes and times after an upload and fail
//! if they are refused; a file here has neither, so it is said to be done, as in SFTP.

use super::{say, split, stat, verb_of};
use crate::arrive::ftps::control::Answer;
use crate::arrive::ftps::guest::Guest;

pub(super) async fn answer(guest: &Guest, argument: &[u8]) -> Answer {
    match verb_of(argument).as_str() {
        "HELP" | "" => say(214, "SITE HELP and SITE CHMOD are known; modes are not kept"),
        "CHMOD" => {
            let named = split(argument).and_then(|(_, rest)| split(rest));
            let Some((_, path)) = named else { return say(501, "SITE CHMOD takes a mode and a path") };
            match stat(guest, path).await {
                Ok(_) => say(200, "files have no modes here; nothing was changed"),
                Err(answer) => answer,
            }
        }
        _ => say(504, "there is no such SITE command"),
    }
}
