//! QUIT: goodbye (RFC 959 section 4.1.1).

use crate::arrive::ftps::control::Answer;
use crate::arrive::ftps::reply::Reply;

pub(super) fn answer() -> Answer {
    Answer::Leave(Reply::new(221, "goodbye"))
}
