//! LIST: a folder for people (RFC 959 section 4.1.3).

use super::{by_path_of_what_is, say};
use crate::arrive::ftps::control::Answer;
use crate::arrive::ftps::data::Opening;
use crate::arrive::ftps::guest::{Folder, Guest};
use crate::arrive::ftps::listing::long;
use crate::arrive::ftps::reply::Reply;
use crate::arrive::ftps::transfer::{refusal, send_lines};
use crate::domain::{Timestamp, VirtualPath};
use crate::land::Entry;

pub(super) async fn answer(guest: &mut Guest, argument: &[u8]) -> Answer {
    let now = Timestamp::now();
    lines(guest, without_options(argument), |entry| long(entry, now)).await
}

/// Sends a line for each entry of the folder, or for the one file that was named.
pub(super) async fn lines(guest: &mut Guest, argument: &[u8], line: impl Fn(&Entry) -> String) -> Answer {
    let path = match here(guest, argument) {
        Ok(path) => path,
        Err(answer) => return answer,
    };
    let entries = match entries(guest, &path).await {
        Ok(entries) => entries,
        Err(answer) => return answer,
    };
    let lines = entries.iter().map(line).collect();
    match Opening::of(guest) {
        Ok(opening) => {
            Answer::Work(Some(Reply::new(150, format!("listing {path}"))), send_lines(guest, opening, lines))
        }
        Err(reply) => Answer::Say(reply),
    }
}

pub(super) async fn entries(guest: &Guest, path: &VirtualPath) -> Result<Vec<Entry>, Answer> {
    let Some(session) = &guest.session else { return Err(say(530, "log in first")) };
    let entries = match path {
        VirtualPath::File(_) => session.stat(path).await.map(|entry| vec![entry]),
        VirtualPath::Root | VirtualPath::Drop => session.list(path).await,
    };
    entries.map_err(|error| Answer::Say(refusal(&error)))
}

/// Clients send `-la` as if we were `ls`; no file is meant.
pub(super) fn without_options(argument: &[u8]) -> &[u8] {
    let mut rest = argument.trim_ascii_start();
    while rest.first() == Some(&b'-') {
        let end = rest.iter().position(|byte| *byte == b' ').unwrap_or(rest.len());
        rest = rest.get(end..).unwrap_or_default().trim_ascii_start();
    }
    rest
}

pub(super) fn here(guest: &Guest, argument: &[u8]) -> Result<VirtualPath, Answer> {
    match (argument, guest.folder) {
        (b"", Folder::Root) => Ok(VirtualPath::Root),
        (b"", Folder::Drop) => Ok(VirtualPath::Drop),
        _ => by_path_of_what_is(guest, argument),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_no_files() {
        for (argument, path) in
            [("-la", ""), ("-l -a /drop", "/drop"), ("a.edi", "a.edi"), ("", ""), ("-a  x y", "x y")]
        {
            assert_eq!(without_options(argument.as_bytes()), path.as_bytes(), "{argument}");
        }
    }
}
