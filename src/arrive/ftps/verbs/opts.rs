//! OPTS: how a command is to behave from here on (RFC 2389 section 4).

use super::{say, split, verb_of};
use crate::arrive::ftps::control::Answer;
use crate::arrive::ftps::guest::{Facts, Guest};

pub(super) fn answer(guest: &mut Guest, argument: &[u8]) -> Answer {
    let (_, options) = split(argument).unwrap_or((argument, b""));
    match (verb_of(argument).as_str(), options.to_ascii_uppercase().as_slice()) {
        ("UTF8", b"" | b"ON") => say(200, "names are UTF-8, always"),
        ("UTF8", _) => say(504, "names are UTF-8, always"),
        ("HASH", b"" | b"SHA-256") => say(200, "SHA-256"),
        ("HASH", _) => say(504, "this server knows SHA-256"),
        ("MLST", wanted) => mlst(guest, wanted),
        _ => say(501, "there is nothing to set about that"),
    }
}

/// RFC 3659 section 7.9: what is not known is not given, and the reply says what will be.
fn mlst(guest: &mut Guest, wanted: &[u8]) -> Answer {
    let has = |fact: &[u8]| wanted.split(|byte| *byte == b';').any(|part| part.trim_ascii() == fact);
    guest.facts = Facts { kind: has(b"TYPE"), size: has(b"SIZE"), modify: has(b"MODIFY"), perm: has(b"PERM") };
    let Facts { kind, size, modify, perm } = guest.facts;
    let given: String = [(kind, "type;"), (size, "size;"), (modify, "modify;"), (perm, "perm;")]
        .into_iter()
        .filter_map(|(given, fact)| given.then_some(fact))
        .collect();
    say(200, format!("MLST OPTS {given}").trim_end().to_owned())
}
