//! API tokens as text: `waybill_<id>_<secret>`. The prefix lets secret scanners find one that leaked, the
//! id finds its row, and the secret proves it.
//!
//! The secret has 256 bits of chance, so that a plain SHA-256 of it may be stored: there is nothing to
//! guess (SECURITY E5).

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::digest::Digest;
use super::id::TokenId;

const PREFIX: &str = "waybill_";
const SECRET_CHARS: usize = 43;
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A token as its holder has it. Never logged: its `Debug` shows the id only.
#[derive(Clone)]
pub struct Bearer {
    id: TokenId,
    secret: Zeroizing<String>,
}

/// The system gave no randomness, so no secret can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no randomness, so no token can be made")]
pub struct NoRandomness;

impl Bearer {
    /// A new token that nobody has seen.
    ///
    /// # Errors
    /// The system gives no randomness.
    pub fn mint() -> Result<Self, NoRandomness> {
        let mut secret = Zeroizing::new(String::with_capacity(SECRET_CHARS));
        let mut bytes = Zeroizing::new([0_u8; 64]);
        while secret.len() < SECRET_CHARS {
            aws_lc_rs::rand::fill(bytes.as_mut_slice()).map_err(|_| NoRandomness)?;
            for byte in bytes.iter().filter(|byte| **byte < 248) {
                // 248 is the largest multiple of 62 in a byte: every character is equally likely.
                if let Some(digit) = BASE62.get(usize::from(byte % 62)) {
                    secret.push(char::from(*digit));
                }
                if secret.len() == SECRET_CHARS {
                    break;
                }
            }
        }
        Ok(Self { id: TokenId::random(), secret })
    }

    /// The token with this text; `None` for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        if secret.len() != SECRET_CHARS || !secret.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return None;
        }
        Some(Self { id: TokenId::parse(&format!("tok_{id}"))?, secret: Zeroizing::new(secret.to_owned()) })
    }

    /// What the holder sends, to be shown once.
    #[must_use]
    pub fn text(&self) -> String {
        let id = self.id.to_string();
        format!("{PREFIX}{}_{}", id.trim_start_matches("tok_"), *self.secret)
    }

    #[must_use]
    pub fn id(&self) -> TokenId {
        self.id
    }

    /// What is stored of the secret: its SHA-256, in hexadecimal.
    #[must_use]
    pub fn secret_sha256(&self) -> String {
        Digest::of(self.secret.as_bytes()).to_string()
    }

    /// Whether this is the secret whose SHA-256 was stored; compared in constant time.
    #[must_use]
    pub fn fits(&self, stored_sha256: &str) -> bool {
        Digest::from_hex(stored_sha256).is_some_and(|stored| {
            Digest::of(self.secret.as_bytes()).as_bytes().as_slice().ct_eq(stored.as_bytes().as_slice()).into()
        })
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Bearer({})", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_and_fits_its_own_row_only() {
        let token = Bearer::mint().unwrap();
        let text = token.text();
        assert_eq!(text.len(), "waybill_".len() + 26 + 1 + 43, "{text}");
        let read = Bearer::parse(&text).unwrap();
        assert_eq!(read.id(), token.id());
        assert!(read.fits(&token.secret_sha256()));
        assert!(!read.fits(&Bearer::mint().unwrap().secret_sha256()));
        assert!(!read.fits("") && !read.fits("zz"));
    }

    #[test]
    fn what_is_not_a_token_is_none() {
        let text = Bearer::mint().unwrap().text();
        for bad in [
            "",
            "waybill_",
            "waybill__",
            &text[1..],
            &text[..text.len() - 1],
            &format!("{text}x"),
            &text.replace('_', "-"),
        ] {
            assert!(Bearer::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_token_in_a_log_line_shows_no_secret() {
        let token = Bearer::mint().unwrap();
        let shown = format!("{token:?}");
        assert!(shown.contains(&token.id().to_string()) && !token.text().contains(&shown));
        assert!(!shown.contains(&token.text()[35..]));
    }
}
