//! Cursors: where a list goes on, opaque to clients. Sealed with a key of this data folder and bound to
//! the list, the filter and the scope, so that a cursor is good for nothing else.

use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::problem::{Code, Problem};
use crate::domain::Scope;
use crate::record::Cursor;

/// The key cursors are sealed with.
#[derive(Debug)]
pub(super) struct Seal(hmac::Key);

/// What a cursor is good for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bound<'a> {
    /// The list: `files`, `invoices`, `findings of fil_…`.
    pub(super) list: &'a str,
    pub(super) filter: &'a str,
    pub(super) scope: &'a Scope,
}

/// SHA-256's, cut in half: 128 bits are more than anyone can guess.
const TAG_BYTES: usize = 16;
/// A cursor we made is far shorter.
const TEXT_BYTES_MAX: usize = 1_024;

impl Seal {
    /// The key of a data folder, made when it is missing: a restart does not end anybody's list.
    pub(super) fn open(data: &Path) -> io::Result<Self> {
        let path = data.join("cursor.key");
        let mut key = [0_u8; 32];
        let made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        match made {
            Ok(mut file) => {
                aws_lc_rs::rand::fill(&mut key).map_err(|_| io::Error::other("the system gives no randomness"))?;
                file.write_all(&key)?;
                file.sync_all()?;
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                // A file cut short by a crash while it was made is an error rather than a weak key.
                std::fs::File::open(&path)?.read_exact(&mut key).map_err(|error| {
                    io::Error::new(error.kind(), format!("{} is cut short; remove it: {error}", path.display()))
                })?;
            }
            Err(error) => return Err(error),
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &key)))
    }

    pub(super) fn seal(&self, bound: Bound<'_>, cursor: &Cursor) -> String {
        let payload = serde_json::to_vec(cursor).unwrap_or_default();
        let mut sealed = self.tag(bound, &payload);
        sealed.extend_from_slice(&payload);
        URL_SAFE_NO_PAD.encode(sealed)
    }

    /// The place a client's cursor names; `None` given, `None` back.
    pub(super) fn unseal(&self, bound: Bound<'_>, text: Option<&String>) -> Result<Option<Cursor>, Problem> {
        let Some(text) = text else { return Ok(None) };
        let cursor = if text.len() > TEXT_BYTES_MAX { None } else { self.read(bound, text) };
        cursor.map(Some).ok_or_else(|| {
            Problem::new(
                Code::CursorInvalid,
                "this cursor was not given out for this list with these filters; start again without `cursor`",
            )
        })
    }

    fn read(&self, bound: Bound<'_>, text: &str) -> Option<Cursor> {
        let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (tag, payload) = sealed.split_at_checked(TAG_BYTES)?;
        let fits = subtle::ConstantTimeEq::ct_eq(tag, self.tag(bound, payload).as_slice());
        if !bool::from(fits) {
            return None;
        }
        serde_json::from_slice(payload).ok()
    }

    fn tag(&self, bound: Bound<'_>, payload: &[u8]) -> Vec<u8> {
        let organisation = bound.scope.organisation().map(|id| id.to_string()).unwrap_or_default();
        let mut context = hmac::Context::with_key(&self.0);
        // Lengths first: no two different lists of parts read the same.
        for part in [bound.list.as_bytes(), bound.filter.as_bytes(), organisation.as_bytes(), payload] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut tag = context.sign().as_ref().to_vec();
        tag.truncate(TAG_BYTES);
        tag
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::OrganisationId;

    #[test]
    fn a_cursor_is_good_for_its_list_filter_scope_and_house_only() {
        let data = tempfile::tempdir().unwrap();
        let seal = Seal::open(data.path()).unwrap();
        let cursor = Cursor { at: 1, id: "fil_x".to_owned(), ordinal: 2 };
        let (scope, other) = (
            Scope::of_organisation(OrganisationId::random(), "a"),
            Scope::of_organisation(OrganisationId::random(), "b"),
        );
        let bound = Bound { list: "files", filter: "[]", scope: &scope };
        let text = seal.seal(bound, &cursor);
        assert_eq!(seal.unseal(bound, Some(&text)).unwrap(), Some(cursor));
        for wrong in [
            Bound { list: "invoices", ..bound },
            Bound { filter: "[[\"name\",\"a\"]]", ..bound },
            Bound { scope: &other, ..bound },
        ] {
            assert_eq!(seal.unseal(wrong, Some(&text)).unwrap_err().code, Code::CursorInvalid);
        }
        // One letter of the tag is another: it is base64, so the letter that was there may be any of 64.
        let mut changed = text.clone();
        changed.replace_range(20..21, if &text[20..21] == "-" { "_" } else { "-" });
        for bad in ["", "x", "AAAA", &text[1..], &"A".repeat(5_000), &changed] {
            assert!(seal.unseal(bound, Some(&bad.to_owned())).is_err(), "{bad}");
        }
        let again = Seal::open(data.path()).unwrap();
        assert!(again.unseal(bound, Some(&text)).is_ok(), "a restart must not end lists");
        let elsewhere = tempfile::tempdir().unwrap();
        assert!(Seal::open(elsewhere.path()).unwrap().unseal(bound, Some(&text)).is_err());
    }
}
