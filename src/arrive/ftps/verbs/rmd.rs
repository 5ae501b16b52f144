//! RMD: a folder less (RFC 959 section 4.1.3). There is one, and it stays.

use super::{NO_FOLDERS, say};
use crate::arrive::ftps::control::Answer;

pub(super) fn answer() -> Answer {
    say(550, NO_FOLDERS)
}
