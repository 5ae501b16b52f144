//! PASS: the password (RFC 959 section 4.1.1), and for accounts with a second factor its code right behind it, since
//! FTP has no third question that clients ask. A wrong one takes a second to be told.

use super::say;
use crate::arrive::ftps::control::Answer;
use crate::arrive::ftps::guest::Guest;
use crate::arrive::ftps::reply::Reply;
use crate::defend::Offence;
use crate::land::{Attempt, Proof, Refused, Verdict};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use tracing::debug;

/// A rejected password takes at least this long.
const REJECTION: Duration = Duration::from_secs(1);

pub(super) async fn answer(guest: &mut Guest, argument: &[u8]) -> Answer {
    if guest.session.is_some() {
        return say(202, "you are logged in already");
    }
    let Some(login) = guest.login.take() else {
        return say(503, "send USER first");
    };
    // One password for one USER: after a wrong one the certificate is looked at again too.
    let mut attempt = std::mem::take(&mut guest.attempt);
    let since = Instant::now();
    let told = match std::str::from_utf8(argument) {
        Ok(password) => prove(guest, &mut attempt, &login, password).await,
        Err(_) => Err(Refused::Denied.to_string()),
    };
    match told {
        Ok(()) => say(230, "come in; files go into /drop, and their answers appear beside them"),
        Err(sentence) => {
            debug!(sentence, "rejected a login");
            sleep_until(since + REJECTION).await;
            guest.failures_left = guest.failures_left.saturating_sub(1);
            if guest.failures_left == 0 {
                guest.presence.blame(Offence::Limit);
                return Answer::Leave(Reply::new(421, "too many failed logins"));
            }
            say(530, sentence)
        }
    }
}

async fn prove(guest: &mut Guest, attempt: &mut Attempt, login: &str, password: &str) -> Result<(), String> {
    let (dropbox, peer) = (guest.house.dropbox.clone(), guest.peer());
    match dropbox.prove(attempt, login, Proof::PasswordAndCode(password), &peer).await {
        Ok(Verdict::In(session)) => {
            guest.session = Some(session);
            guest.presence.logged_in();
            Ok(())
        }
        Ok(Verdict::More) => Err("this account logs in with more than FTPS can ask for; use SFTP".to_owned()),
        Err(refused) => Err(refused.to_string()),
    }
}
