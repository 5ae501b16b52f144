//! PWD: where relative paths begin (RFC 959 section 4.1.3, appendix II).

use super::say;
use crate::arrive::ftps::control::Answer;
use crate::arrive::ftps::guest::{Folder, Guest};

pub(super) fn answer(guest: &Guest) -> Answer {
    told(guest, 257)
}

pub(super) fn told(guest: &Guest, code: u16) -> Answer {
    match guest.folder {
        Folder::Root => say(code, "\"/\" is the folder now"),
        Folder::Drop => say(code, "\"/drop\" is the folder now"),
    }
}
