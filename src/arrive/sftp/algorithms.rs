//! Which algorithms we speak: the modern ones, to everybody; with the legacy ones behind them, where some account
//! may; and which a client and we came to.
//!
//! russh tells nobody what was agreed on. It is known all the same: the client's offer is in clear
//! (`ear`), ours stands here, and the rule is RFC 4253 section 7.1: the client's first that the server has too.

use std::borrow::Cow;

use russh::keys::{Algorithm, EcdsaCurve, HashAlg};
use russh::{Preferred, cipher, compression, kex, mac};

use super::ear::Offer;
use crate::land::Algorithms;

/// What a connection is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Policy {
    Modern,
    Legacy,
}

/// Post-quantum key exchange first; ciphers that protect integrity themselves; MACs over what is encrypted, for
/// ciphers that need one. No SHA-1, no CBC, no compression (its memory and its side channels), no finite-field groups
/// (slow, and a cheap way to keep a server busy).
const KEX: [kex::Name; 3] = [kex::MLKEM768X25519_SHA256, kex::CURVE25519, kex::CURVE25519_PRE_RFC_8731];
const CIPHERS: [cipher::Name; 5] =
    [cipher::CHACHA20_POLY1305, cipher::AES_256_GCM, cipher::AES_128_GCM, cipher::AES_256_CTR, cipher::AES_128_CTR];
const MACS: [mac::Name; 2] = [mac::HMAC_SHA256_ETM, mac::HMAC_SHA512_ETM];
const HOST_KEYS: [Algorithm; 1] = [Algorithm::Ed25519];

/// What ERP systems of ten years ago speak, and curl with libssh2 before 1.11. Still no MD5, no DES, no RC4, no group 1, and no host key of RSA: signing
/// with one leaks time in the library we have (RUSTSEC-2023-0071).
const LEGACY_KEX: [kex::Name; 7] = [
    kex::ECDH_SHA2_NISTP256,
    kex::ECDH_SHA2_NISTP384,
    kex::ECDH_SHA2_NISTP521,
    kex::DH_G16_SHA512,
    kex::DH_G14_SHA256,
    kex::DH_GEX_SHA256,
    kex::DH_G14_SHA1,
];
const LEGACY_CIPHERS: [cipher::Name; 3] = [cipher::AES_192_CTR, cipher::AES_256_CBC, cipher::AES_128_CBC];
const LEGACY_MACS: [mac::Name; 4] = [mac::HMAC_SHA256, mac::HMAC_SHA512, mac::HMAC_SHA1_ETM, mac::HMAC_SHA1];
const LEGACY_HOST_KEYS: [Algorithm; 1] = [Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 }];

/// What we verify of clients, whatever is offered (RFC 8308 `server-sig-algs`): not `ssh-rsa`, which is SHA-1. As host
/// keys only those of them count that we have.
const SIGNATURES: [Algorithm; 6] = [
    Algorithm::Ed25519,
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 },
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP384 },
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP521 },
    Algorithm::Rsa { hash: Some(HashAlg::Sha512) },
    Algorithm::Rsa { hash: Some(HashAlg::Sha256) },
];

impl Policy {
    /// As russh takes it.
    pub(super) fn preferred(self) -> Preferred {
        let mut kex = self.with(&KEX, &LEGACY_KEX);
        kex.extend([kex::EXTENSION_SUPPORT_AS_SERVER, kex::EXTENSION_OPENSSH_STRICT_KEX_AS_SERVER]);
        Preferred {
            kex: Cow::Owned(kex),
            key: Cow::Owned(SIGNATURES.to_vec()),
            host_key_certificates: Cow::Borrowed(&[]),
            cipher: Cow::Owned(self.with(&CIPHERS, &LEGACY_CIPHERS)),
            mac: Cow::Owned(self.with(&MACS, &LEGACY_MACS)),
            compression: Cow::Borrowed(&[compression::NONE]),
        }
    }

    fn with<T: Clone>(self, modern: &[T], legacy: &[T]) -> Vec<T> {
        match self {
            Self::Modern => modern.to_vec(),
            Self::Legacy => [modern, legacy].concat(),
        }
    }

    /// What this policy and a client's offer come to. An offer that was not understood is taken for the worst.
    pub(super) fn agreed(self, offer: Option<&Offer>) -> Algorithms {
        let mut agreed = Algorithms::default();
        let Some(offer) = offer else {
            if self == Self::Legacy {
                agreed.legacy.push("an offer that was not understood".to_owned());
            }
            return agreed;
        };
        let mut choose = |what, theirs: &[String], modern: Vec<String>, legacy: Vec<String>| -> Option<String> {
            let ours = self.with(&modern, &legacy);
            let name = theirs.iter().find(|name| ours.contains(name))?.clone();
            if !modern.contains(&name) && !agreed.legacy.contains(&name) {
                agreed.legacy.push(name.clone());
            }
            agreed.chosen.push((what, name.clone()));
            Some(name)
        };
        choose("kex", &offer.kex, names(&KEX), names(&LEGACY_KEX));
        // An ECDSA host key is no weakness, and there are clients that like it best: it is held against nobody.
        let host_keys = self.with(&HOST_KEYS, &LEGACY_HOST_KEYS).iter().map(ToString::to_string).collect();
        choose("host_key", &offer.host_key, host_keys, vec![]);
        let cipher = choose("cipher", &offer.cipher, names(&CIPHERS), names(&LEGACY_CIPHERS));
        // The others protect integrity themselves, and use no MAC.
        if cipher.is_some_and(|cipher| cipher.ends_with("-ctr") || cipher.ends_with("-cbc")) {
            choose("mac", &offer.mac_in, names(&MACS), names(&LEGACY_MACS));
            if offer.mac_out != offer.mac_in {
                choose("mac_out", &offer.mac_out, names(&MACS), names(&LEGACY_MACS));
            }
        }
        agreed
    }
}

fn names<T: AsRef<str>>(names: &[T]) -> Vec<String> {
    names.iter().map(|name| name.as_ref().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(kex: &[&str], host_key: &[&str], cipher: &[&str], mac: &[&str]) -> Offer {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        Offer {
            kex: owned(kex),
            host_key: owned(host_key),
            cipher: owned(cipher),
            mac_in: owned(mac),
            mac_out: owned(mac),
        }
    }

    #[test]
    fn the_clients_first_that_we_have_is_what_is_agreed_on() {
        let new = offer(
            &["sntrup761x25519-sha512", "curve25519-sha256", "ext-info-c"],
            &["ssh-ed25519-cert-v01@openssh.com", "ecdsa-sha2-nistp256", "ssh-ed25519"],
            &["aes192-ctr", "chacha20-poly1305@openssh.com"],
            &["hmac-sha1"],
        );
        let agreed = Policy::Modern.agreed(Some(&new));
        assert_eq!(
            agreed.chosen,
            [
                ("kex", "curve25519-sha256".to_owned()),
                ("host_key", "ssh-ed25519".to_owned()),
                ("cipher", "chacha20-poly1305@openssh.com".to_owned())
            ]
        );
        assert!(agreed.legacy.is_empty());
        // The same client where the legacy ones are offered takes what it likes best, and that is told.
        let agreed = Policy::Legacy.agreed(Some(&new));
        assert_eq!(agreed.legacy, ["aes192-ctr", "hmac-sha1"]);
        assert_eq!(agreed.chosen.last(), Some(&("mac", "hmac-sha1".to_owned())));
    }

    #[test]
    fn what_was_not_understood_is_the_worst_where_the_worst_was_offered() {
        assert!(Policy::Modern.agreed(None).legacy.is_empty());
        assert_eq!(Policy::Legacy.agreed(None).legacy.len(), 1);
    }

    #[test]
    fn nothing_broken_is_in_either_list() {
        let all = Policy::Legacy.preferred();
        let all: Vec<String> = [names(&all.kex), names(&all.cipher), names(&all.mac)].concat();
        for broken in ["group1-sha1", "exchange-sha1", "3des", "arcfour", "md5", "none", "clear", "ssh-rsa", "zlib"] {
            assert!(!all.iter().any(|name| name.contains(broken)), "{broken}");
        }
        let modern = Policy::Modern.preferred();
        assert_eq!(modern.kex.first(), Some(&kex::MLKEM768X25519_SHA256));
        assert!(modern.kex.contains(&kex::EXTENSION_OPENSSH_STRICT_KEX_AS_SERVER));
        assert!(modern.mac.iter().all(|mac| mac.as_ref().ends_with("-etm@openssh.com")));
        let modern = [names(&modern.kex), names(&modern.cipher), names(&modern.mac)].concat();
        for old in ["cbc", "sha1", "diffie", "nistp"] {
            assert!(!modern.iter().any(|name| name.contains(old)), "{old}");
        }
    }
}
