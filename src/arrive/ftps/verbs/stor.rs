//! STOR: a file comes in (RFC 959 section 4.1.3), from where REST said if it did (RFC 3659 section 5).

use super::{by_path, say};
use crate::arrive::ftps::control::Answer;
use crate::arrive::ftps::data::Opening;
use crate::arrive::ftps::guest::Guest;
use crate::arrive::ftps::reply::Reply;
use crate::arrive::ftps::transfer::{receive, refusal};
use crate::domain::VirtualPath;
use crate::land::Creation;

pub(super) async fn answer(guest: &mut Guest, argument: &[u8]) -> Answer {
    let path = match by_path(guest, argument) {
        Ok(path) => path,
        Err(answer) => return answer,
    };
    let from = match guest.restart {
        0 => From::Beginning,
        offset => From::Offset(offset),
    };
    take(guest, &path, from, format!("send {path}")).await
}

/// Where an upload begins.
pub(super) enum From {
    Beginning,
    Offset(u64),
    End,
}

pub(super) async fn take(guest: &mut Guest, path: &VirtualPath, from: From, first: String) -> Answer {
    let Some(session) = guest.session.clone() else { return say(530, "log in first") };
    // It was said of this file, whatever becomes of it.
    let announced = guest.announced.take();
    // Asked first: an upload is not opened where no byte of it could come.
    if let Err(reply) = Opening::is_prepared(guest) {
        return Answer::Say(reply);
    }
    let how = Creation { truncate: matches!(from, From::Beginning), ..Creation::default() };
    let upload = match session.create(path, how).await {
        Ok(upload) => upload,
        Err(error) => return Answer::Say(refusal(&error)),
    };
    let offset = match from {
        From::Beginning => 0,
        From::End => upload.size_bytes(),
        // What lies behind the offset is written again: the client knows best what it has sent.
        From::Offset(offset) if offset <= upload.size_bytes() => offset,
        From::Offset(_) => {
            let text = format!("REST is beyond the {} bytes that are here; ask with SIZE", upload.size_bytes());
            return say(554, text);
        }
    };
    let opening = match Opening::of(guest) {
        Ok(opening) => opening,
        Err(reply) => return Answer::Say(reply),
    };
    Answer::Work(Some(Reply::new(150, first)), receive(guest, opening, upload, (offset, announced)))
}
