//! FEAT: what is spoken here beyond RFC 959 (RFC 2389 section 3).

use crate::arrive::ftps::control::Answer;
use crate::arrive::ftps::guest::{Facts, Guest};
use crate::arrive::ftps::reply::Reply;

pub(super) fn answer(guest: &Guest) -> Answer {
    let star = |wanted| if wanted { "*" } else { "" };
    let Facts { kind, size, modify, perm } = guest.facts;
    let mlst = format!("MLST type{};size{};modify{};perm{};", star(kind), star(size), star(modify), star(perm));
    let mut lines: Vec<String> = [
        "AUTH TLS",
        "PBSZ",
        "PROT",
        "CLNT",
        "EPSV",
        "HASH SHA-256*",
        "HOST",
        "LANG EN*",
        "MDTM",
        "MFMT",
        "PASV",
        "REST STREAM",
        "SIZE",
        "TVFS",
        "UTF8",
        "XSHA256",
        "AVBL",
    ]
    .map(str::to_owned)
    .to_vec();
    if guest.house.settings.active {
        lines.push("EPRT".to_owned());
    }
    lines.push(mlst);
    lines.sort_unstable();
    Answer::Say(Reply::long(211, "What is spoken here:", lines))
}
