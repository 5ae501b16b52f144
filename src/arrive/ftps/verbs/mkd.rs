//! MKD: a folder (RFC 959 section 4.1.3). There is one, and there will be no other.

use super::{NO_FOLDERS, say};
use crate::arrive::ftps::control::Answer;
use crate::arrive::ftps::guest::Guest;
use crate::domain::{PathError, VirtualPath};

pub(super) fn answer(guest: &Guest, argument: &[u8]) -> Answer {
    match guest.folder_path(argument) {
        Ok(VirtualPath::Root | VirtualPath::Drop) => say(550, "this folder already exists"),
        Ok(VirtualPath::File(_)) | Err(PathError::Folder) => say(550, NO_FOLDERS),
        Err(error) => say(550, error.to_string()),
    }
}
