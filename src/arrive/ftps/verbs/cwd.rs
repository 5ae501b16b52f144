//! CWD: where relative paths begin (RFC 959 section 4.1.1).

use super::say;
use crate::arrive::ftps::control::Answer;
use crate::arrive::ftps::guest::{Folder, Guest};
use crate::domain::VirtualPath;

pub(super) fn answer(guest: &mut Guest, argument: &[u8]) -> Answer {
    match guest.folder_path(argument) {
        Ok(VirtualPath::Root) => guest.folder = Folder::Root,
        Ok(VirtualPath::Drop) => guest.folder = Folder::Drop,
        Ok(VirtualPath::File(_)) => return say(550, "there is no such folder; the folder is /drop"),
        Err(error) => return say(550, error.to_string()),
    }
    super::pwd::told(guest, 250)
}
