//! APPE: more of a file (RFC 959 section 4.1.3): what was broken off, or what lies there, is gone on with.

use super::by_path;
use super::stor::{From, take};
use crate::arrive::ftps::control::Answer;
use crate::arrive::ftps::guest::Guest;

pub(super) async fn answer(guest: &mut Guest, argument: &[u8]) -> Answer {
    let path = match by_path(guest, argument) {
        Ok(path) => path,
        Err(answer) => return answer,
    };
    take(guest, &path, From::End, format!("send the rest of {path}")).await
}
