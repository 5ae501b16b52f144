//! HELP: the verbs (RFC 959 section 4.1.3).

use super::VERBS;
use crate::arrive::ftps::control::Answer;
use crate::arrive::ftps::reply::Reply;

pub(super) fn answer() -> Answer {
    let lines = VERBS.chunks(10).map(|names| names.join(" ")).collect();
    Answer::Say(Reply::long(214, "These are known; put files into /drop, and read the answers beside them:", lines))
}
