//! RETR: a file or an answer goes out (RFC 959 section 4.1.3), from where REST said if it did.

use super::{by_path_of_what_is, say};
use crate::arrive::ftps::control::Answer;
use crate::arrive::ftps::data::Opening;
use crate::arrive::ftps::guest::Guest;
use crate::arrive::ftps::reply::Reply;
use crate::arrive::ftps::transfer::{refusal, send};

pub(super) async fn answer(guest: &mut Guest, argument: &[u8]) -> Answer {
    let path = match by_path_of_what_is(guest, argument) {
        Ok(path) => path,
        Err(answer) => return answer,
    };
    let Some(session) = guest.session.clone() else { return say(530, "log in first") };
    let file = match session.open(&path).await {
        Ok(file) => file,
        Err(error) => return Answer::Say(refusal(&error)),
    };
    let offset = guest.restart;
    if offset > file.size_bytes() {
        return say(554, format!("REST is beyond the file's {} bytes", file.size_bytes()));
    }
    match Opening::of(guest) {
        Ok(opening) => {
            let first = Reply::new(150, format!("{path}, {} bytes", file.size_bytes() - offset));
            Answer::Work(Some(first), send(guest, opening, file, offset))
        }
        Err(reply) => Answer::Say(reply),
    }
}
