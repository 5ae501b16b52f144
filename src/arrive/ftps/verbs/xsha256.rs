//! XSHA256: a file's digest, as older clients ask for it (no standard; as GlobalSCAPE and ProFTPD answer it).

use super::hash::of_file;
use crate::arrive::ftps::control::Answer;
use crate::arrive::ftps::guest::Guest;
use crate::arrive::ftps::reply::Reply;

pub(super) async fn answer(guest: &Guest, argument: &[u8]) -> Answer {
    // A quoted path, and no part of a file: START and END are refused by there being no such file.
    let path = argument.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(argument);
    of_file(guest, path, |digest, _, _| Reply::new(250, digest.to_string().to_uppercase())).await
}
