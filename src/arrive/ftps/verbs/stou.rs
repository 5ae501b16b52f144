//! STOU: a file comes in under a name nobody has (RFC 959 section 4.1.3); the reply says which.

use super::say;
use super::stor::{From, take};
use crate::arrive::ftps::control::Answer;
use crate::arrive::ftps::guest::Guest;
use crate::domain::{ArrivalId, VirtualPath};

pub(super) async fn answer(guest: &mut Guest) -> Answer {
    // As the reply is to be written (RFC 1123 section 4.1.2.9).
    let name = format!("{}.upload", ArrivalId::random());
    match VirtualPath::parse(name.as_bytes()) {
        Ok(path) => take(guest, &path, From::Beginning, format!("FILE: {name}")).await,
        Err(error) => say(553, error.to_string()),
    }
}
