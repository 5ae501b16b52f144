//! NLST: the names in a folder (RFC 959 section 4.1.3).

use super::list::{lines, without_options};
use crate::arrive::ftps::control::Answer;
use crate::arrive::ftps::guest::Guest;

pub(super) async fn answer(guest: &mut Guest, argument: &[u8]) -> Answer {
    lines(guest, without_options(argument), |entry| entry.name.clone()).await
}
