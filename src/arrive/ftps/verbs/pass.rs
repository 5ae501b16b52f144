//! PASS: the password (RFC 959 section 4.1.1). A wrong one takes a second to be told.

use super::say;
use crate::arrive::ftps::control::Answer;
use crate::arrive::ftps::guest::Guest;
use crate::arrive::ftps::reply::Reply;
use crate::defend::Offence;
use crate::land::{Door, Peer, Proof, Refused};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use tracing::debug;

/// A rejected password takes at least this long.
const REJECTION: Duration = Duration::from_secs(1);

pub(super) async fn answer(guest: &mut Guest, argument: &[u8]) -> Answer {
    let Some(login) = guest.login.take() else {
        return say(503, "send USER first");
    };
    let since = Instant::now();
    let peer = Peer { address: guest.presence.peer(), door: Door::Ftps, client: guest.client.clone() };
    let admitted = match std::str::from_utf8(argument) {
        Ok(password) => guest.house.dropbox.admit(&login, Proof::Password(password), &peer).await,
        Err(_) => Err(Refused::Denied),
    };
    match admitted {
        Ok(session) => {
            guest.session = Some(session);
            guest.presence.logged_in();
            say(230, "come in; files go into /drop, and their answers appear beside them")
        }
        Err(refused) => {
            debug!(%refused, "rejected a login");
            sleep_until(since + REJECTION).await;
            guest.failures_left = guest.failures_left.saturating_sub(1);
            if guest.failures_left == 0 {
                guest.presence.blame(Offence::Limit);
                return Answer::Leave(Reply::new(421, "too many failed logins"));
            }
            say(530, refused.to_string())
        }
    }
}
