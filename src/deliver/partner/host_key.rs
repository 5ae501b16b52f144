//! SSH host keys that are known beforehand. No key is ever trusted because it was the first to be seen.

use std::sync::{Arc, OnceLock};

use russh::client;
use russh::keys::{Algorithm, EcdsaCurve, HashAlg, PublicKey, PublicKeyOrCertificate, parse_public_key_base64};

use super::error::PartnerError;

/// The keys a server may show.
#[derive(Debug, Clone)]
pub(super) struct HostKeys(Vec<Pin>);

#[derive(Debug, Clone)]
enum Pin {
    /// `SHA256:…`
    Fingerprint(String),
    Key(Box<PublicKey>),
}

impl HostKeys {
    /// Reads them as they are written: a fingerprint, a public key, a line of `known_hosts`.
    pub(super) fn parse(texts: &[String]) -> Result<Self, PartnerError> {
        texts.iter().map(|text| pin(text)).collect::<Result<_, _>>().map(Self)
    }

    fn know(&self, key: &PublicKey) -> bool {
        self.0.iter().any(|pin| match pin {
            Pin::Fingerprint(wanted) => key.fingerprint(HashAlg::Sha256).to_string() == *wanted,
            Pin::Key(wanted) => wanted.key_data() == key.key_data(),
        })
    }

    /// The kinds of key to ask the server for: it has several, and must show the one that is known.
    pub(super) fn algorithms(&self) -> Vec<Algorithm> {
        let rsa = [HashAlg::Sha512, HashAlg::Sha256].map(|hash| Algorithm::Rsa { hash: Some(hash) });
        let all = [
            Algorithm::Ed25519,
            Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 },
            Algorithm::Ecdsa { curve: EcdsaCurve::NistP384 },
            Algorithm::Ecdsa { curve: EcdsaCurve::NistP521 },
        ];
        let all: Vec<Algorithm> = all.into_iter().chain(rsa).collect();
        let kinds: Option<Vec<Algorithm>> = self
            .0
            .iter()
            .map(|pin| match pin {
                Pin::Fingerprint(_) => None,
                Pin::Key(key) => Some(key.algorithm()),
            })
            .collect();
        let Some(kinds) = kinds else { return all };
        let same = |one: &Algorithm, other: &Algorithm| {
            one == other || matches!((one, other), (Algorithm::Rsa { .. }, Algorithm::Rsa { .. }))
        };
        all.into_iter().filter(|algorithm| kinds.iter().any(|kind| same(kind, algorithm))).collect()
    }
}

fn pin(text: &str) -> Result<Pin, PartnerError> {
    let no_key = || PartnerError::NoHostKey { text: text.chars().take(100).collect() };
    let text = text.trim();
    if text.starts_with("SHA256:") {
        // As `ssh-keygen -l` shows it: 32 bytes in base64, without its end.
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/');
        let digits = text.trim_start_matches("SHA256:");
        let right = digits.len() == 43 && digits.chars().all(plain);
        return if right { Ok(Pin::Fingerprint(text.to_owned())) } else { Err(no_key()) };
    }
    // `ssh-ed25519 AAAA… comment`, or the same behind the names of a host.
    let words = text.split_ascii_whitespace().take(8);
    words
        .filter(|word| word.starts_with("AAAA"))
        .find_map(|word| parse_public_key_base64(word).ok())
        .map(|key| Pin::Key(Box::new(key)))
        .ok_or_else(no_key)
}

/// Looks at what the server shows.
pub(super) struct Doorman {
    known: HostKeys,
    /// The key that was refused.
    shown: Arc<OnceLock<String>>,
}

impl Doorman {
    pub(super) fn new(known: HostKeys) -> (Self, Arc<OnceLock<String>>) {
        let shown = Arc::new(OnceLock::new());
        (Self { known, shown: Arc::clone(&shown) }, shown)
    }
}

impl client::Handler for Doorman {
    type Error = russh::Error;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        let PublicKeyOrCertificate::PublicKey { key, .. } = key else { return Ok(false) };
        let known = self.known.know(key);
        if !known {
            let _ = self.shown.set(key.fingerprint(HashAlg::Sha256).to_string());
        }
        Ok(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
    const OTHER: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA6rWI3G1sz07DnfFlrouTcysQlj2P+jpNSOEWD9OJ3X";

    #[test]
    fn a_key_is_known_however_it_is_written_and_no_other_is() {
        let key = parse_public_key_base64(KEY.split(' ').nth(1).unwrap()).unwrap();
        let other = parse_public_key_base64(OTHER.split(' ').nth(1).unwrap()).unwrap();
        let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
        for text in [&fingerprint, KEY, &format!("{KEY} root@host"), &format!("[sftp.example]:2222,192.0.2.1 {KEY}")] {
            let known = HostKeys::parse(&[text.to_owned()]).unwrap();
            assert!(known.know(&key) && !known.know(&other), "{text}");
        }
        let both = HostKeys::parse(&[KEY.to_owned(), OTHER.to_owned()]).unwrap();
        assert!(both.know(&key) && both.know(&other));
        assert_eq!(both.algorithms(), [Algorithm::Ed25519]);
        assert!(HostKeys::parse(&[fingerprint]).unwrap().algorithms().len() > 4);
        for wrong in ["", "SHA256:", "SHA256:short", "MD5:aa:bb", "ssh-ed25519", "ssh-ed25519 AAAAnonsense"] {
            assert!(HostKeys::parse(&[wrong.to_owned()]).is_err(), "{wrong}");
        }
    }
}
