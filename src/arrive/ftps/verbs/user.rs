//! USER: who wants to come in (RFC 959 section 4.1.1). Whether there is such an account is not told. Whose TLS client
//! certificate is proof enough is in at once (232, RFC 4217 section 5.1).

use super::say;
use crate::arrive::ftps::control::Answer;
use crate::arrive::ftps::guest::Guest;
use crate::arrive::ftps::reply::Reply;
use crate::land::{Attempt, Proof, Refused, Verdict};
use tracing::debug;

pub(super) async fn answer(guest: &mut Guest, argument: &[u8]) -> Answer {
    if guest.session.is_some() {
        return say(503, "you are logged in; send REIN first to log in as somebody else");
    }
    // Another login, or the same one again: nothing of before counts.
    guest.attempt = Attempt::default();
    guest.login = None;
    // Names of accounts have none of these; what has them is not kept, not even for the log.
    let login = match std::str::from_utf8(argument) {
        Ok(login) if !login.is_empty() && login.len() <= 128 && !login.chars().any(char::is_control) => login,
        _ => return say(501, "this is not a login"),
    };
    if let Some(certificate) = guest.certificate() {
        let (dropbox, peer) = (guest.house.dropbox.clone(), guest.peer());
        match dropbox.prove(&mut guest.attempt, login, Proof::ClientCertificate(&certificate), &peer).await {
            Ok(Verdict::In(session)) => {
                guest.session = Some(session);
                guest.presence.logged_in();
                return say(232, "come in, your certificate is known; files go into /drop");
            }
            Ok(Verdict::More) => {}
            // Perhaps the password is proof enough; if it is not, that is said then.
            Err(refused) => {
                debug!(%refused, "a client certificate was no proof");
                if refused == Refused::Denied {
                    guest.failures_left = guest.failures_left.saturating_sub(1);
                    if guest.failures_left == 0 {
                        return Answer::Leave(Reply::new(421, "too many failed logins"));
                    }
                }
            }
        }
    }
    guest.login = Some(login.to_owned());
    say(331, "now the password")
}
