//! MFMT: clients set a file's time after an upload (draft-somers-ftp-mfxx section 3), and fail if they are
//! refused. A file here has the time it came, so it is said to be done, as in SFTP.

use super::{say, split, stat};
use crate::arrive::ftps::control::Answer;
use crate::arrive::ftps::guest::Guest;

pub(super) async fn answer(guest: &Guest, argument: &[u8]) -> Answer {
    let Some((time, path)) = split(argument) else { return say(501, "MFMT takes a time and a path") };
    if time.len() < 14 || !time.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.') {
        return say(501, "the time is YYYYMMDDHHMMSS");
    }
    match stat(guest, path).await {
        Ok(entry) => say(213, format!("Modify={}; {}", time.escape_ascii(), entry.name)),
        Err(answer) => answer,
    }
}
