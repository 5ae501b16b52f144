//! RNFR: the file that is to have another name (RFC 959 section 4.1.3).

use super::{by_path_of_what_is, say, stat};
use crate::arrive::ftps::control::Answer;
use crate::arrive::ftps::guest::Guest;

pub(super) async fn answer(guest: &mut Guest, argument: &[u8]) -> Answer {
    let path = match by_path_of_what_is(guest, argument) {
        Ok(path) => path,
        Err(answer) => return answer,
    };
    match stat(guest, argument).await {
        Ok(_) => {
            guest.rename_from = Some(path);
            say(350, "now the new name")
        }
        Err(answer) => answer,
    }
}
