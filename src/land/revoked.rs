//! What is not trusted any more: the file of `revoked_keys`, as OpenSSH's `RevokedKeys` has it. Either a key
//! revocation list (KRL) made with `ssh-keygen -k` (OpenSSH's PROTOCOL.krl), or a text with a line each: a public
//! key, its `SHA256:…` fingerprint, or `serial: N`, `serial: N-M` and `id: TEXT` of certificates, as in the text that
//! `ssh-keygen -k` reads.
//!
//! What is in the file and not understood makes all of it unreadable, and then no key logs in: a line that is passed
//! over would be a key that is still trusted.

use std::collections::HashSet;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::certificate::UserCertificate;
use super::credential::{blob_of, fields::Reader};
use crate::domain::Digest;

/// Everything that is revoked.
#[derive(Debug, Default)]
pub(super) struct Revoked {
    /// By the SHA-256 of their wire format.
    keys: HashSet<[u8; 32]>,
    keys_sha1: HashSet<[u8; 20]>,
    certificates: Vec<Certificates>,
}

/// Certificates of one authority, or of any.
#[derive(Debug, Default)]
struct Certificates {
    authority: Option<Vec<u8>>,
    /// First and last.
    serials: Vec<(u64, u64)>,
    ids: HashSet<String>,
}

const KRL_MAGIC: &[u8; 8] = b"SSHKRL\n\0";
/// Serials that a bitmap may name; OpenSSH writes far smaller ones.
const BITMAP_BYTES_MAX: usize = 1 << 20;

impl Revoked {
    /// Reads a KRL or a text.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        match bytes.strip_prefix(KRL_MAGIC) {
            Some(rest) => Self::krl(rest).ok_or_else(|| {
                "it is a key revocation list with something in it that is not understood; make it again with \
                 `ssh-keygen -k`"
                    .to_owned()
            }),
            None => Self::text(bytes),
        }
    }

    /// Whether this key, in SSH wire format, is revoked.
    pub(super) fn has_key(&self, blob: &[u8]) -> bool {
        if self.keys.contains(Digest::of(blob).as_bytes()) {
            return true;
        }
        if self.keys_sha1.is_empty() {
            return false;
        }
        let sha1: Result<[u8; 20], _> = digest(&SHA1_FOR_LEGACY_USE_ONLY, blob).as_ref().try_into();
        // It is always that long; if it were not, nothing could be said for the key.
        sha1.map_or(true, |sha1| self.keys_sha1.contains(&sha1))
    }

    /// Whether this certificate is revoked: by its serial or id, with its key, or with its authority.
    pub(super) fn has_certificate(&self, certificate: &UserCertificate) -> bool {
        self.has_key(&certificate.key)
            || self.has_key(&certificate.authority)
            || self
                .certificates
                .iter()
                .filter(|list| list.authority.as_ref().is_none_or(|authority| *authority == certificate.authority))
                .any(|list| {
                    // A serial of 0 is none (PROTOCOL.certkeys).
                    (certificate.serial != 0
                        && list.serials.iter().any(|(first, last)| (*first..=*last).contains(&certificate.serial)))
                        || list.ids.contains(&certificate.key_id)
                })
    }

    fn text(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "it is neither text nor a key revocation list".to_owned())?;
        let mut all = Self::default();
        let mut any = Certificates::default();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let understood = if let Some(hash) = line.strip_prefix("SHA256:") {
                sha256_of(hash).map(|sha256| all.keys.insert(sha256)).is_some()
            } else if let Some(serial) = line.strip_prefix("serial:") {
                serials_of(serial.trim()).map(|range| any.serials.push(range)).is_some()
            } else if let Some(id) = line.strip_prefix("id:") {
                any.ids.insert(id.trim().to_owned());
                !id.trim().is_empty()
            } else {
                blob_of(line).map(|blob| all.keys.insert(*Digest::of(&blob).as_bytes())).is_some()
            };
            if !understood {
                return Err(format!(
                    "line {number} is none of: a public key, SHA256:…, serial: N, serial: N-M, id: TEXT"
                ));
            }
        }
        all.certificates.push(any);
        Ok(all)
    }

    fn krl(bytes: &[u8]) -> Option<Self> {
        let mut all = Self::default();
        let mut list = Reader(bytes);
        if list.u32()? != 1 {
            return None;
        }
        let (_version, _generated, _flags) = (list.u64()?, list.u64()?, list.u64()?);
        let (_reserved, _comment) = (list.string()?, list.string()?);
        while !list.0.is_empty() {
            let kind = list.byte()?;
            let mut section = Reader(list.string()?);
            match kind {
                1 => all.certificates.push(certificates(section)?),
                2 => {
                    while !section.0.is_empty() {
                        all.keys.insert(*Digest::of(section.string()?).as_bytes());
                    }
                }
                3 => {
                    while !section.0.is_empty() {
                        all.keys_sha1.insert(section.string()?.try_into().ok()?);
                    }
                }
                5 => {
                    while !section.0.is_empty() {
                        all.keys.insert(section.string()?.try_into().ok()?);
                    }
                }
                255 => extension(section)?,
                // Signatures (4) would have to be verified, and nobody makes them.
                _ => return None,
            }
        }
        Some(all)
    }
}

fn certificates(mut section: Reader<'_>) -> Option<Certificates> {
    let authority = section.string()?;
    let _reserved = section.string()?;
    let mut list = Certificates {
        authority: Some(authority.to_vec()).filter(|authority| !authority.is_empty()),
        ..Certificates::default()
    };
    while !section.0.is_empty() {
        let kind = section.byte()?;
        let mut part = Reader(section.string()?);
        match kind {
            0x20 => {
                while !part.0.is_empty() {
                    let serial = part.u64()?;
                    list.serials.push((serial, serial));
                }
            }
            0x21 => {
                list.serials.push((part.u64()?, part.u64()?));
                part.end()?;
            }
            0x22 => {
                let offset = part.u64()?;
                let bitmap = part.string()?;
                part.end()?;
                bits(offset, bitmap, &mut list.serials)?;
            }
            0x23 => {
                while !part.0.is_empty() {
                    list.ids.insert(std::str::from_utf8(part.string()?).ok()?.to_owned());
                }
            }
            0x39 => extension(part)?,
            _ => return None,
        }
    }
    Some(list)
}

/// An extension may be passed over unless it says that it is critical.
fn extension(mut part: Reader<'_>) -> Option<()> {
    let (_name, is_critical, _contents) = (part.string()?, part.byte()?, part.string()?);
    part.end()?;
    (is_critical == 0).then_some(())
}

/// The serials whose bits are set; the bitmap is a number, its least bit is `offset`.
fn bits(offset: u64, bitmap: &[u8], serials: &mut Vec<(u64, u64)>) -> Option<()> {
    if bitmap.len() > BITMAP_BYTES_MAX {
        return None;
    }
    let mut run: Option<(u64, u64)> = None;
    for (place, byte) in (0_u64..).zip(bitmap.iter().rev()) {
        for bit in (0..8_u64).filter(|bit| byte & (1 << bit) != 0) {
            let serial = offset.checked_add(place * 8 + bit)?;
            run = match run {
                Some((first, last)) if last.checked_add(1) == Some(serial) => Some((first, serial)),
                other => {
                    serials.extend(other);
                    Some((serial, serial))
                }
            };
        }
    }
    serials.extend(run);
    Some(())
}

fn sha256_of(text: &str) -> Option<[u8; 32]> {
    let word = text.split_whitespace().next()?;
    STANDARD_NO_PAD.decode(word.trim_end_matches('=')).ok()?.try_into().ok()
}

fn serials_of(text: &str) -> Option<(u64, u64)> {
    let number =
        |text: &str| text.trim().parse::<u64>().ok().filter(|_| text.trim().bytes().all(|b| b.is_ascii_digit()));
    let (first, last) = match text.split_once('-') {
        Some((first, last)) => (number(first)?, number(last)?),
        None => (number(text)?, number(text)?),
    };
    (first <= last).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::land::credential::blob_of;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEulHVVP+VycD4kL4C7RA+dvjmO5nGn6vyFOKIhpNgeS hi";
    const OTHER: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ erp";

    fn certificate(serial: u64, key_id: &str) -> UserCertificate {
        UserCertificate {
            key: b"a key".to_vec(),
            authority: blob_of(OTHER).unwrap(),
            serial,
            key_id: key_id.to_owned(),
            ..UserCertificate::default()
        }
    }

    #[test]
    fn a_text_names_keys_fingerprints_serials_and_ids() {
        let text = format!("# gone\n\n{KEY}\nserial: 7\nserial: 10-12\nid: lost laptop\n");
        let revoked = Revoked::read(text.as_bytes()).unwrap();
        assert!(revoked.has_key(&blob_of(KEY).unwrap()) && !revoked.has_key(&blob_of(OTHER).unwrap()));
        for (serial, id, gone) in
            [(7, "", true), (9, "", false), (10, "", true), (12, "", true), (13, "", false), (1, "lost laptop", true)]
        {
            assert_eq!(revoked.has_certificate(&certificate(serial, id)), gone, "{serial} {id}");
        }
        let by_hash = Revoked::read(b"SHA256:wYZ2u7WcNI1DyEft6fsaCdNwvEQSh9zVrGuxPkF2708").unwrap();
        assert!(by_hash.has_key(&blob_of(KEY).unwrap()));
        // An authority that is gone takes its certificates with it.
        assert!(Revoked::read(OTHER.as_bytes()).unwrap().has_certificate(&certificate(1, "")));
        for wrong in ["ssh-ed25519", "nonsense", "serial: x", "serial: 5-4", "serial: +5", "id:", "SHA256:short"] {
            let said = Revoked::read(format!("{KEY}\n{wrong}\n").as_bytes()).unwrap_err();
            assert!(said.contains("line 2"), "{wrong}: {said}");
        }
        assert!(Revoked::read(b"\xff\xfe").is_err());
    }

    #[test]
    fn a_list_of_ssh_keygen_is_understood_in_all_its_parts() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let key = file("key.pub", KEY);
        let authority = file("authority.pub", OTHER);
        let hash = "SHA256:wYZ2u7WcNI1DyEft6fsaCdNwvEQSh9zVrGuxPkF2708";
        let krl = folder.path().join("krl");
        let made = |spec: &str, options: &[&str]| {
            let spec = file("spec", spec);
            let mut keygen = Command::new("ssh-keygen");
            keygen.args(["-q", "-k", "-f"]).arg(&krl).args(options).arg(&spec);
            assert!(keygen.status().unwrap().success());
            std::fs::read(&krl).unwrap()
        };
        let ours = blob_of(KEY).unwrap();
        for spec in [std::fs::read_to_string(&key).unwrap(), format!("hash: {hash}\n"), format!("sha1: {KEY}\n")] {
            let bytes = made(&spec, &[]);
            let revoked = Revoked::read(&bytes).unwrap();
            assert!(revoked.has_key(&ours), "{spec}");
            assert!(!revoked.has_key(&blob_of(OTHER).unwrap()), "{spec}");
            // Cut anywhere, it is not half of a list.
            for length in 8..bytes.len() {
                if length == 44 {
                    continue; // The header alone is a list of nothing.
                }
                assert!(Revoked::read(&bytes[..length]).is_err(), "{spec} cut at {length}");
            }
        }
        let spec =
            "serial: 5\nserial: 9\nserial: 20-40\nserial: 100\nserial: 102\nserial: 103\nserial: 105\nid: lost\n";
        let authority = authority.to_str().unwrap().to_owned();
        let revoked = Revoked::read(&made(spec, &["-s", &authority])).unwrap();
        let gone: Vec<u64> = (1..200).filter(|serial| revoked.has_certificate(&certificate(*serial, ""))).collect();
        let expected: Vec<u64> = [5, 9].into_iter().chain(20..=40).chain([100, 102, 103, 105]).collect();
        assert_eq!(gone, expected);
        assert!(revoked.has_certificate(&certificate(1, "lost")) && !revoked.has_certificate(&certificate(1, "los")));
        let elsewhere = UserCertificate { authority: ours, ..certificate(5, "lost") };
        assert!(!revoked.has_certificate(&elsewhere), "another authority's serials are its own");
        assert!(Revoked::read(KRL_MAGIC).is_err());
    }
}
