//! What each verb means; a verb a file, with the paragraph of its standard on top.

mod abor;
mod acct;
mod allo;
mod appe;
mod auth;
mod avbl;
mod ccc;
mod cdup;
mod clnt;
mod cwd;
mod dele;
mod eprt;
mod epsv;
mod feat;
mod hash;
mod help;
mod host;
mod lang;
mod list;
mod mdtm;
mod mfmt;
mod mkd;
mod mlsd;
mod mlst;
mod mode;
mod nlst;
mod noop;
mod opts;
mod pass;
mod pasv;
mod pbsz;
mod port;
mod prot;
mod pwd;
mod quit;
mod rein;
mod rest;
mod retr;
mod rmd;
mod rnfr;
mod rnto;
mod site;
mod size;
mod stat;
mod stor;
mod stou;
mod stru;
mod syst;
mod type_;
mod user;
mod xsha256;

use super::control::Answer;
use super::guest::Guest;
use super::reply::Reply;
use super::transfer::refusal;
use crate::defend::Offence;
use crate::domain::VirtualPath;
use crate::land::Entry;

/// Every verb that has a meaning here, old spellings (RFC 775) apart.
pub(super) const VERBS: [&str; 51] = [
    "ABOR", "ACCT", "ALLO", "APPE", "AUTH", "AVBL", "CCC", "CDUP", "CLNT", "CWD", "DELE", "EPRT", "EPSV", "FEAT",
    "HASH", "HELP", "HOST", "LANG", "LIST", "MDTM", "MFMT", "MKD", "MLSD", "MLST", "MODE", "NLST", "NOOP", "OPTS",
    "PASS", "PASV", "PBSZ", "PORT", "PROT", "PWD", "QUIT", "REIN", "REST", "RETR", "RMD", "RNFR", "RNTO", "SITE",
    "SIZE", "STAT", "STOR", "STOU", "STRU", "SYST", "TYPE", "USER", "XSHA256",
];

const NO_FOLDERS: &str = "folders cannot be made or removed here; put files into /drop";

/// What a verb needs before it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    Nothing,
    Protection,
    Login,
}

/// Answers a line.
pub(super) async fn answer(guest: &mut Guest, line: &[u8]) -> Answer {
    let verb = verb_of(line);
    let argument = split(line).map_or(&b""[..], |(_, argument)| argument);
    let verb = modern(&verb);
    if verb == "PROXY" && guest.session.is_none() {
        guest.presence.blame(Offence::Probe);
        return Answer::Leave(Reply::new(421, "a PROXY header is taken from the addresses of doors.proxy_from only"));
    }
    let Some(needs) = needs(verb) else {
        if guest.session.is_none() && is_no_ftp(verb) {
            guest.presence.blame(Offence::Probe);
        }
        return say(500, "this command is not known here; HELP lists those that are");
    };
    if needs != Needs::Nothing && !guest.is_protected {
        return say(534, "this server speaks FTP over TLS only; send AUTH TLS first");
    }
    if needs == Needs::Login && guest.session.is_none() {
        return say(530, "log in first, with USER and PASS");
    }
    // In a path it is refused where paths are, in the words of every door.
    if argument.contains(&0) && !takes_path(verb) {
        return say(501, "a command has no NUL in it");
    }
    let restart = guest.restart;
    let answer = meaning(guest, verb, argument).await;
    // REST holds for the transfer that follows it, and RNFR for the RNTO (RFC 3659 section 5.3, RFC 959 section
    // 4.1.3); what opens the data connection stands between them in every client.
    if !matches!(verb, "REST" | "PASV" | "EPSV" | "PORT" | "EPRT" | "TYPE" | "NOOP") && guest.restart == restart {
        guest.restart = 0;
    }
    if !matches!(verb, "RNFR" | "NOOP") {
        guest.rename_from = None;
    }
    answer
}

async fn meaning(guest: &mut Guest, verb: &str, argument: &[u8]) -> Answer {
    match verb {
        "ABOR" => abor::answer(guest),
        "ACCT" => acct::answer(),
        "ALLO" => allo::answer(guest, argument).await,
        "APPE" => appe::answer(guest, argument).await,
        "AUTH" => auth::answer(guest, argument),
        "AVBL" => avbl::answer(guest).await,
        "CCC" => ccc::answer(),
        "CDUP" => cdup::answer(guest),
        "CLNT" => clnt::answer(guest, argument),
        "CWD" => cwd::answer(guest, argument),
        "DELE" => dele::answer(guest, argument).await,
        "EPRT" => eprt::answer(guest, argument),
        "EPSV" => epsv::answer(guest, argument),
        "FEAT" => feat::answer(guest),
        "HASH" => hash::answer(guest, argument).await,
        "HELP" => help::answer(),
        "HOST" => host::answer(guest, argument),
        "LANG" => lang::answer(argument),
        "LIST" => list::answer(guest, argument).await,
        "MDTM" => mdtm::answer(guest, argument).await,
        "MFMT" => mfmt::answer(guest, argument).await,
        "MKD" => mkd::answer(guest, argument),
        "MLSD" => mlsd::answer(guest, argument).await,
        "MLST" => mlst::answer(guest, argument).await,
        "MODE" => mode::answer(argument),
        "NLST" => nlst::answer(guest, argument).await,
        "NOOP" => noop::answer(),
        "OPTS" => opts::answer(guest, argument),
        "PASS" => pass::answer(guest, argument).await,
        "PASV" => pasv::answer(guest),
        "PBSZ" => pbsz::answer(guest, argument),
        "PORT" => port::answer(guest, argument),
        "PROT" => prot::answer(guest, argument),
        "PWD" => pwd::answer(guest),
        "QUIT" => quit::answer(),
        "REIN" => rein::answer(guest).await,
        "REST" => rest::answer(guest, argument),
        "RETR" => retr::answer(guest, argument).await,
        "RMD" => rmd::answer(),
        "RNFR" => rnfr::answer(guest, argument).await,
        "RNTO" => rnto::answer(guest, argument).await,
        "SITE" => site::answer(guest, argument).await,
        "SIZE" => size::answer(guest, argument).await,
        "STAT" => stat::answer(guest, argument).await,
        "STOR" => stor::answer(guest, argument).await,
        "STOU" => stou::answer(guest).await,
        "STRU" => stru::answer(argument),
        "SYST" => syst::answer(),
        "TYPE" => type_::answer(guest, argument),
        "USER" => user::answer(guest, argument).await,
        "XSHA256" => xsha256::answer(guest, argument).await,
        _ => say(502, "this command is not spoken here"),
    }
}

/// Plain FTP gets as far as AUTH TLS, and no further.
fn needs(verb: &str) -> Option<Needs> {
    Some(match verb {
        "AUTH" | "FEAT" | "HELP" | "HOST" | "NOOP" | "QUIT" | "SYST" | "OPTS" | "LANG" | "CLNT" | "PBSZ" | "PROT"
        | "CCC" => Needs::Nothing,
        "USER" | "PASS" | "ACCT" | "REIN" => Needs::Protection,
        known if VERBS.contains(&known) => Needs::Login,
        // Known to the standards, and not spoken here.
        "SMNT" | "ADAT" | "CONF" | "ENC" | "MIC" | "LPRT" | "LPSV" | "COMB" | "XCRC" | "XMD5" => Needs::Login,
        _ => return None,
    })
}

/// Whether the argument is a path, whole.
fn takes_path(verb: &str) -> bool {
    matches!(
        verb,
        "APPE"
            | "CWD"
            | "DELE"
            | "HASH"
            | "LIST"
            | "MDTM"
            | "MLSD"
            | "MLST"
            | "NLST"
            | "RETR"
            | "RNFR"
            | "RNTO"
            | "SIZE"
            | "STAT"
            | "STOR"
            | "XSHA256"
    )
}

/// The verb of a line, in capitals; nothing where there is none.
pub(super) fn verb_of(line: &[u8]) -> String {
    let verb = line.split(|byte| *byte == b' ').next().unwrap_or_default();
    if verb.len() > 16 || !verb.iter().all(u8::is_ascii_alphanumeric) {
        return String::new();
    }
    verb.iter().map(|byte| char::from(byte.to_ascii_uppercase())).collect()
}

/// What is said by programs that look for another protocol. A verb somebody's client has invented is no offence.
fn is_no_ftp(verb: &str) -> bool {
    matches!(verb, "" | "GET" | "POST" | "HEAD" | "PUT" | "CONNECT" | "OPTIONS" | "EHLO" | "HELO" | "PRI")
}

/// RFC 775's spellings, which RFC 1123 section 4.1.3.1 asks to be understood.
fn modern(verb: &str) -> &str {
    match verb {
        "XCUP" => "CDUP",
        "XCWD" => "CWD",
        "XMKD" => "MKD",
        "XPWD" => "PWD",
        "XRMD" => "RMD",
        verb => verb,
    }
}

/// The first word, and what follows it; a file's name may begin with blanks.
fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let blank = line.iter().position(|byte| *byte == b' ')?;
    Some((line.get(..blank)?, line.get(blank + 1..)?))
}

fn say(code: u16, text: impl Into<String>) -> Answer {
    Answer::Say(Reply::new(code, text))
}

/// The path of a file to be made, or the refusal to be sent: 553, the name is not allowed.
fn by_path(guest: &Guest, argument: &[u8]) -> Result<VirtualPath, Answer> {
    path_or(553, guest, argument)
}

/// The path of what may be there. A name that cannot be cannot be there: 550, which clients that look around go on
/// from (RFC 959 section 5.4 has no 553 for what is read).
fn by_path_of_what_is(guest: &Guest, argument: &[u8]) -> Result<VirtualPath, Answer> {
    path_or(550, guest, argument)
}

fn path_or(code: u16, guest: &Guest, argument: &[u8]) -> Result<VirtualPath, Answer> {
    if argument.is_empty() {
        return Err(say(501, "this command takes a path"));
    }
    guest.path(argument).map_err(|error| {
        if VirtualPath::is_hostile(argument) {
            guest.presence.blame(Offence::HostilePath);
        }
        say(code, error.to_string())
    })
}

async fn stat(guest: &Guest, argument: &[u8]) -> Result<Entry, Answer> {
    let path = by_path_of_what_is(guest, argument)?;
    let Some(session) = &guest.session else { return Err(say(530, "log in first")) };
    session.stat(&path).await.map_err(|error| Answer::Say(refusal(&error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_says_what_it_needs() {
        assert!(VERBS.is_sorted());
        for verb in VERBS {
            assert!(needs(verb).is_some(), "{verb}");
        }
        for verb in ["STOR", "RETR", "LIST", "DELE", "SITE", "CWD", "PWD", "PASV", "HASH", "STAT", "COMB"] {
            assert_eq!(needs(verb), Some(Needs::Login), "{verb}");
        }
        for verb in ["USER", "PASS"] {
            assert_eq!(needs(verb), Some(Needs::Protection), "{verb}");
        }
        assert_eq!(needs("GET"), None);
        assert_eq!(needs(""), None);
    }

    #[test]
    fn verbs_and_arguments_are_told_apart() {
        assert_eq!(verb_of(b"stor a b.edi"), "STOR");
        assert_eq!(split(b"STOR  a b.edi"), Some((&b"STOR"[..], &b" a b.edi"[..])));
        assert_eq!(verb_of(b"\x00\xff"), "");
        assert_eq!(verb_of(&[b'A'; 4000]), "");
    }
}
