//! MLST: one entry, for programs (RFC 3659 section 7). Without a path it is the folder one is in.

use super::stat;
use crate::arrive::ftps::control::Answer;
use crate::arrive::ftps::guest::{Folder, Guest};
use crate::arrive::ftps::listing::facts;
use crate::arrive::ftps::reply::Reply;

pub(super) async fn answer(guest: &Guest, argument: &[u8]) -> Answer {
    let argument: &[u8] = match (argument, guest.folder) {
        (b"", Folder::Root) => b"/",
        (b"", Folder::Drop) => b"/drop",
        (argument, _) => argument,
    };
    match stat(guest, argument).await {
        Ok(entry) => {
            let line = facts(&entry, guest.facts);
            Answer::Say(Reply::long(250, "Listing", vec![line]))
        }
        Err(answer) => answer,
    }
}
