//! ACCT: an account beside the login (RFC 959 section 4.1.1). There is no such thing here.

use super::say;
use crate::arrive::ftps::control::Answer;

pub(super) fn answer() -> Answer {
    say(502, "there are no accounts beside logins here")
}
