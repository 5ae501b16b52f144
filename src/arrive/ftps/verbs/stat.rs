//! STAT: how things stand, or an entry without a data connection (RFC 959 section 4.1.3).

use super::list::{entries, here, without_options};
use super::say;
use crate::arrive::ftps::control::Answer;
use crate::arrive::ftps::guest::Guest;
use crate::arrive::ftps::listing::long;
use crate::arrive::ftps::reply::Reply;
use crate::domain::Timestamp;

/// A listing over the control connection is one reply, and has to stay one.
const ENTRIES_MAX: usize = 1_000;

pub(super) async fn answer(guest: &Guest, argument: &[u8]) -> Answer {
    if argument.is_empty() {
        let who = guest.session.as_ref().map_or("nobody", |session| session.login());
        let protected = if guest.data_is_protected { "P" } else { "not said yet" };
        let lines =
            vec![format!("logged in: {who}"), format!("TYPE {}, MODE S, STRU F, PROT {protected}", guest.type_letter)];
        return Answer::Say(Reply::long(211, "Waybill", lines));
    }
    let path = match here(guest, without_options(argument)) {
        Ok(path) => path,
        Err(answer) => return answer,
    };
    match entries(guest, &path).await {
        Ok(entries) if entries.len() > ENTRIES_MAX => say(450, "too many entries for here; send MLSD or LIST"),
        Ok(entries) => {
            let now = Timestamp::now();
            Answer::Say(Reply::long(213, format!("{path}:"), entries.iter().map(|entry| long(entry, now)).collect()))
        }
        Err(answer) => answer,
    }
}
