//! Passwords and public keys: hashed, checked, and named by fingerprint. Argon2id with OWASP's minimum
//! parameters (m = 19 MiB, t = 2, p = 1).

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use crate::domain::Digest;

/// Shortest password an account may be given, in characters.
pub const PASSWORD_CHARS_MIN: usize = 8;
/// Longest password looked at, in bytes: longer ones are wrong without being hashed.
pub const PASSWORD_BYTES_MAX: usize = 1_024;

/// The PHC string of a password, with a fresh salt.
///
/// # Errors
/// The sentence to show: the password is too short or too long.
pub fn hash_password(password: &str) -> Result<String, String> {
    if password.chars().count() < PASSWORD_CHARS_MIN {
        return Err(format!("the password is shorter than {PASSWORD_CHARS_MIN} characters; choose a longer one"));
    }
    if password.len() > PASSWORD_BYTES_MAX {
        return Err(format!("the password is longer than {PASSWORD_BYTES_MAX} bytes; choose a shorter one"));
    }
    let mut salt = [0_u8; 16];
    aws_lc_rs::rand::fill(&mut salt).map_err(|_| "the system has no randomness".to_owned())?;
    let hash = || -> argon2::password_hash::Result<String> {
        let params = Params::default();
        let mut fitting = [0_u8; Params::DEFAULT_OUTPUT_LEN];
        fill(&params, password, &salt, &mut fitting, &mut vec![])?;
        let hash = PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(&params)?,
            salt: Some(Salt::new(&salt)?),
            hash: Some(Output::new(&fitting)?),
        };
        Ok(hash.to_string())
    };
    hash().map_err(|error| format!("the password could not be hashed: {error}"))
}

/// Whether a password is the one of this PHC string. Costs about 15 ms and 19 MiB: bound how many run.
#[must_use]
pub fn verify_password(password: &str, hash: &str) -> bool {
    Checks::default().verify(password, hash)
}

/// Checks of passwords, and the memory of those that were just over: to have 19 MiB from the system and to give them
/// back takes a third as long again as the check.
#[derive(Debug, Default)]
pub(super) struct Checks(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    memory: Vec<Vec<Block>>,
    used: Option<Instant>,
}

/// How long memory is kept after a check.
const KEPT_FOR: Duration = Duration::from_secs(1);

impl Checks {
    /// As [`verify_password`]. Until [`give_back`](Self::give_back), there is as much memory as checks were under way
    /// at once.
    pub(super) fn verify(&self, password: &str, hash: &str) -> bool {
        if password.len() > PASSWORD_BYTES_MAX {
            return false;
        }
        let mut memory = self.kept().memory.pop().unwrap_or_default();
        let fits = fits(password, hash, &mut memory).unwrap_or(false);
        let mut kept = self.kept();
        kept.memory.push(memory);
        kept.used = Some(Instant::now());
        fits
    }

    /// Gives the memory back if there was no check for a while; otherwise, how long that may still take.
    pub(super) fn give_back(&self) -> Option<Duration> {
        let mut kept = self.kept();
        let left = KEPT_FOR.checked_sub(kept.used?.elapsed()).filter(|left| !left.is_zero());
        if left.is_none() {
            *kept = Kept::default();
        }
        left
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn fits(password: &str, hash: &str, memory: &mut Vec<Block>) -> Option<bool> {
    let hash = PasswordHash::new(hash).ok()?;
    if hash.algorithm != Algorithm::Argon2id.ident() || hash.version != Some(Version::V0x13.into()) {
        return None;
    }
    let (salt, known) = (hash.salt?, hash.hash?);
    let mut fitting = [0_u8; Output::MAX_LENGTH];
    let fitting = fitting.get_mut(..known.len())?;
    fill(&Params::try_from(&hash).ok()?, password, &salt, fitting, memory).ok()?;
    // `Output` compares in constant time.
    Some(Output::new(fitting).ok()? == known)
}

/// A hash no password fits, checked for logins that do not exist so that they take as long as others.
pub(super) const NOBODYS_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$d2F5YmlsbG5vYm9keXM$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn fill(params: &Params, password: &str, salt: &[u8], out: &mut [u8], memory: &mut Vec<Block>) -> argon2::Result<()> {
    if memory.capacity() < params.block_count() {
        *memory = Vec::with_capacity(params.block_count().max(RETURNED_BLOCKS));
    }
    // What is in it does not matter: the first pass writes each block before it reads it.
    memory.resize(params.block_count(), Block::new());
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone()).hash_password_into_with_memory(
        password.as_bytes(),
        salt,
        out,
        memory.as_mut_slice(),
    )
}

/// Memory is asked for in a piece so large that glibc takes it from the system and gives it back when it is
/// free: beyond 32 MiB (`DEFAULT_MMAP_THRESHOLD_MAX`) it always does. A smaller piece it keeps for the thread
/// that had it: 320 logins left 500 MiB behind. What is not touched of it costs nothing.
const RETURNED_BLOCKS: usize = 33 * 1024;

/// Reads one line of an OpenSSH `.pub` file; its fingerprint, the key as `type base64`, and its comment.
///
/// # Errors
/// The sentence to show: it is no key, or one that is too weak to log in with.
pub fn parse_public_key(line: &str) -> Result<(String, String, String), String> {
    let not_a_key = || "this is not an OpenSSH public key; it reads `ssh-ed25519 AAAA… comment`, one line".to_owned();
    if line.contains("PRIVATE KEY") {
        return Err("this is a private key: keep it secret and give the .pub file".to_owned());
    }
    let mut words = line.trim().splitn(3, char::is_whitespace);
    let (kind, data) = words.next().zip(words.next()).ok_or_else(not_a_key)?;
    let comment = words.next().unwrap_or("").trim();
    let blob = STANDARD.decode(data).map_err(|_| not_a_key())?;
    if fields::Reader(&blob).string() != Some(kind.as_bytes()) {
        return Err(not_a_key());
    }
    if kind == "ssh-rsa" {
        let bits = rsa_bits(&blob).ok_or_else(not_a_key)?;
        if bits < RSA_BITS_MIN {
            return Err(format!(
                "this RSA key has {bits} bits; at least {RSA_BITS_MIN} are needed, or better, make one with \
                 `ssh-keygen -t ed25519`"
            ));
        }
    } else if !is_strong_key(&blob) {
        return Err(format!("keys of type {kind} are not accepted; make one with `ssh-keygen -t ed25519`"));
    }
    Ok((fingerprint(&blob), format!("{kind} {data}"), comment.to_owned()))
}

/// The key of a line of an OpenSSH `.pub` file in SSH wire format (RFC 4253 §6.6), weak or not.
pub(super) fn blob_of(line: &str) -> Option<Vec<u8>> {
    let mut words = line.split_whitespace();
    let (kind, data) = words.next().zip(words.next())?;
    let blob = STANDARD.decode(data).ok()?;
    (fields::Reader(&blob).string() == Some(kind.as_bytes())).then_some(blob)
}

/// Whether a key in SSH wire format is of a kind, and of a size, that may prove anything.
#[must_use]
pub(super) fn is_strong_key(blob: &[u8]) -> bool {
    match fields::Reader(blob).string() {
        Some(
            b"ssh-ed25519"
            | b"sk-ssh-ed25519@openssh.com"
            | b"ecdsa-sha2-nistp256"
            | b"ecdsa-sha2-nistp384"
            | b"ecdsa-sha2-nistp521"
            | b"sk-ecdsa-sha2-nistp256@openssh.com",
        ) => true,
        Some(b"ssh-rsa") => rsa_bits(blob).is_some_and(|bits| bits >= RSA_BITS_MIN),
        _ => false,
    }
}

/// The size of an RSA key's modulus: `ssh-rsa`, exponent, modulus (RFC 4253 §6.6).
fn rsa_bits(blob: &[u8]) -> Option<u32> {
    let mut key = fields::Reader(blob);
    let (_kind, _exponent) = (key.string()?, key.string()?);
    let modulus = key.string()?;
    let zeros = modulus.iter().take_while(|byte| **byte == 0).count();
    let bytes = u32::try_from(modulus.len() - zeros).ok()?;
    let first = modulus.get(zeros).map_or(0, |byte| byte.leading_zeros());
    Some((bytes * 8).saturating_sub(first))
}

/// NIST SP 800-131A asks for 2048 bits, and for 3072 beyond 2030.
const RSA_BITS_MIN: u32 = 3072;

/// The fingerprint of a key in SSH wire format, as OpenSSH shows it: `SHA256:…`.
#[must_use]
pub fn fingerprint(blob: &[u8]) -> String {
    format!("SHA256:{}", STANDARD_NO_PAD.encode(Digest::of(blob).as_bytes()))
}

/// SSH's wire format (RFC 4251 §5).
pub(super) mod fields {
    /// What is still to be read. Every read that finds too little is `None`.
    #[derive(Debug, Clone, Copy)]
    pub(in super::super) struct Reader<'a>(pub(in super::super) &'a [u8]);

    impl<'a> Reader<'a> {
        pub(in super::super) fn byte(&mut self) -> Option<u8> {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            Some(*byte)
        }

        pub(in super::super) fn u32(&mut self) -> Option<u32> {
            let (bytes, rest) = self.0.split_first_chunk()?;
            self.0 = rest;
            Some(u32::from_be_bytes(*bytes))
        }

        pub(in super::super) fn u64(&mut self) -> Option<u64> {
            let (bytes, rest) = self.0.split_first_chunk()?;
            self.0 = rest;
            Some(u64::from_be_bytes(*bytes))
        }

        /// A length of four bytes, then that many.
        pub(in super::super) fn string(&mut self) -> Option<&'a [u8]> {
            let length = usize::try_from(self.u32()?).ok()?;
            let (field, rest) = self.0.split_at_checked(length)?;
            self.0 = rest;
            Some(field)
        }

        /// There is nothing more.
        pub(in super::super) fn end(&self) -> Option<()> {
            self.0.is_empty().then_some(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_fits_its_own_hash_only() {
        let hash = hash_password("correct horse").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(verify_password("correct horse", &hash));
        assert!(!verify_password("correct horsf", &hash));
        assert!(!verify_password("", &hash));
        assert!(!verify_password("anything", NOBODYS_HASH));
        assert_eq!(fits("anything", NOBODYS_HASH, &mut vec![]), Some(false), "or unknown logins would be faster");
        // Made by the reference implementation (argon2-cffi).
        let foreign =
            "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$k9ohroejZy1PN5E1SbHNPug6vB8eQAahb5SOAp6iGF4";
        assert!(verify_password("correct horse", foreign));
        assert!(!verify_password("correct horse", &foreign.replace("v=19", "v=16")));
        assert!(hash_password("short").is_err());
        // The memory of one check is the next one's, whatever that is about.
        let checks = Checks::default();
        for _ in 0..2 {
            assert!(checks.verify("correct horse", &hash) && checks.verify("correct horse", foreign));
            assert!(!checks.verify("correct horsf", &hash) && !checks.verify("anything", NOBODYS_HASH));
            assert_eq!(checks.kept().memory.len(), 1);
        }
        assert!(checks.give_back().is_some() && !checks.kept().memory.is_empty(), "another check may come at once");
        std::thread::sleep(KEPT_FOR);
        assert!(checks.give_back().is_none() && checks.kept().memory.is_empty());
    }

    #[test]
    fn a_public_key_is_named_as_openssh_names_it() {
        // Made with `ssh-keygen -t ed25519` and `-t rsa -b 2048`; the fingerprint is what `ssh-keygen -lf` says.
        let line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEulHVVP+VycD4kL4C7RA+dvjmO5nGn6vyFOKIhpNgeS hi there";
        let (fingerprint, key, comment) = parse_public_key(line).unwrap();
        assert_eq!(fingerprint, "SHA256:wYZ2u7WcNI1DyEft6fsaCdNwvEQSh9zVrGuxPkF2708");
        assert!(key.ends_with("NgeS") && comment == "hi there");
        let weak = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQCrrd49yhF+T6w1sMabogUtx2rlS3FTjuj6Vh50lX5NNS59DqJmkH09tsizPhB/V23LRAo+2oZkg3VoNLuG3ElaqiNE+hsWn1QV/UvS5W2GBCYB12ZdtepxaN52d2Yx17G+DoKTKrw5jjxc4FZUcjsfI2LjrUz3aR0G4Jz2tFHWIGzlFQAdogJJEUCyVlb33Bw2gBHsie+XEVTG5Y1M9uEkWA9rapitbEPXkauCjtNZImV/IiiHxB7lIHEjF2pQZ5EMDeM5jbviHpXxyerSqf9NlsqfCz+zeW/PDMp/av8pW7m4YGXHgOtYI0c03qrR8IimhcA90UljtBYlUQw/u2LH weak";
        assert!(parse_public_key(weak).unwrap_err().contains("2048 bits"));
        for bad in
            ["", "ssh-ed25519", "ssh-ed25519 AAAA", "ssh-dss AAAAB3NzaC1kc3M=", "-----BEGIN OPENSSH PRIVATE KEY-----"]
        {
            assert!(parse_public_key(bad).is_err(), "{bad}");
        }
    }
}
