//! The names in an X.509 certificate (RFC 5280) whose signature has been verified: the subject's common name, and
//! those of the subject alternative name that accounts can list. rustls-webpki verifies certificates and tells no
//! names but a server's; this is what is missing, and no more.
//!
//! A name that is not well formed is left out, so that nothing is matched by it.

use crate::domain::Digest;

/// `cn:…`, `dns:…`, `email:…`, `uri:…`, `upn:…`, and `sha256:…`.
pub(super) fn names(der: &[u8]) -> Vec<String> {
    let mut names = vec![format!("sha256:{}", Digest::of(der))];
    if let Some((subject, extensions)) = parts(der) {
        names.extend(common_name(subject).map(|name| format!("cn:{name}")));
        names.extend(extensions.map(alternative_names).unwrap_or_default());
    }
    names
}

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const OID: u8 = 0x06;
const BOOLEAN: u8 = 0x01;
const UTF8: u8 = 0x0c;
const PRINTABLE: u8 = 0x13;
const IA5: u8 = 0x16;
/// `[0]`, `[3]`: the version and the extensions.
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;

/// 2.5.4.3, 2.5.29.17, 1.3.6.1.4.1.311.20.2.3.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1d, 0x11];
const USER_PRINCIPAL_NAME: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x14, 0x02, 0x03];

/// Names of one certificate that are looked at.
const NAMES_MAX: usize = 64;

/// DER: tag, length, content.
#[derive(Clone, Copy)]
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    fn any(&mut self) -> Option<(u8, &'a [u8])> {
        let (tag, rest) = self.0.split_first()?;
        let (first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(*first), rest),
            0x81..=0x84 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                (bytes.iter().fold(0_usize, |sum, byte| (sum << 8) | usize::from(*byte)), rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((*tag, content))
    }

    fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        let mut ahead = *self;
        let (found, content) = ahead.any()?;
        if found != tag {
            return None;
        }
        *self = ahead;
        Some(content)
    }
}

/// The subject, and the extensions if there are any.
fn parts(der: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    let mut certificate = Der(Der(der).expect(SEQUENCE)?);
    let mut signed = Der(certificate.expect(SEQUENCE)?);
    let _version = signed.expect(VERSION);
    let _serial = signed.expect(INTEGER)?;
    let (_algorithm, _issuer, _validity) =
        (signed.expect(SEQUENCE)?, signed.expect(SEQUENCE)?, signed.expect(SEQUENCE)?);
    let subject = signed.expect(SEQUENCE)?;
    let _key = signed.expect(SEQUENCE)?;
    while let Some((tag, content)) = signed.any() {
        if tag == EXTENSIONS {
            return Some((subject, Some(Der(content).expect(SEQUENCE)?)));
        }
    }
    Some((subject, None))
}

/// The common name; a subject with several has none that could be meant.
fn common_name(subject: &[u8]) -> Option<String> {
    let mut found = None;
    let mut sets = Der(subject);
    while let Some(set) = sets.expect(SET) {
        let mut set = Der(set);
        while let Some(attribute) = set.expect(SEQUENCE) {
            let mut attribute = Der(attribute);
            if attribute.expect(OID)? != COMMON_NAME {
                continue;
            }
            let (kind, value) = attribute.any()?;
            if found.is_some() {
                return None;
            }
            found = Some(match kind {
                UTF8 | PRINTABLE => printable(value)?,
                IA5 => ascii(value)?,
                // What nobody writes any more, and everybody reads differently (T61, BMP).
                _ => return None,
            });
        }
    }
    found
}

fn alternative_names(extensions: &[u8]) -> Vec<String> {
    let mut extensions = Der(extensions);
    let mut found = vec![];
    while let Some(extension) = extensions.expect(SEQUENCE) {
        let mut extension = Der(extension);
        if extension.expect(OID) != Some(ALTERNATIVE_NAME) {
            continue;
        }
        let _critical = extension.expect(BOOLEAN);
        let names = extension.expect(OCTETS).and_then(|octets| Der(octets).expect(SEQUENCE)).unwrap_or_default();
        let mut names = Der(names);
        while let Some((tag, value)) = names.any() {
            let name = match tag {
                0x81 => ascii(value).map(|name| format!("email:{name}")),
                0x82 => ascii(value).map(|name| format!("dns:{}", name.to_ascii_lowercase())),
                0x86 => ascii(value).map(|name| format!("uri:{name}")),
                0xa0 => principal(value).map(|name| format!("upn:{name}")),
                _ => None,
            };
            found.extend(name);
            if found.len() >= NAMES_MAX {
                return found;
            }
        }
    }
    found
}

fn principal(other_name: &[u8]) -> Option<String> {
    let mut other_name = Der(other_name);
    if other_name.expect(OID)? != USER_PRINCIPAL_NAME {
        return None;
    }
    printable(Der(other_name.expect(0xa0)?).expect(UTF8)?)
}

fn ascii(value: &[u8]) -> Option<String> {
    value.is_ascii().then(|| printable(value)).flatten()
}

/// No NUL in the middle of a name, and nothing else that is not seen.
fn printable(value: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(value).ok()?;
    (!text.is_empty() && !text.chars().any(char::is_control)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn made(subject: &str, extension: &str) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("c.der");
        let mut openssl = Command::new("openssl");
        openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-utf8"]);
        openssl.args(["-keyout", "/dev/null", "-outform", "DER", "-subj", subject]);
        if !extension.is_empty() {
            openssl.args(["-addext", extension]);
        }
        let done = openssl.arg("-out").arg(&out).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        std::fs::read(out).unwrap()
    }

    #[test]
    fn names_are_read_as_openssl_writes_them() {
        let der = made(
            "/C=DE/O=Acme/CN=Acme Büro",
            "subjectAltName=email:erp@acme.example,DNS:ERP.acme.example,URI:spiffe://acme/erp,IP:192.0.2.1,\
             otherName:1.3.6.1.4.1.311.20.2.3;UTF8:erp@ad.acme.example,otherName:1.2.3.4;UTF8:not this",
        );
        assert_eq!(
            names(&der)[1..],
            [
                "cn:Acme Büro",
                "email:erp@acme.example",
                "dns:erp.acme.example",
                "uri:spiffe://acme/erp",
                "upn:erp@ad.acme.example"
            ]
        );
        assert_eq!(names(&der)[0], format!("sha256:{}", Digest::of(&der)));
        assert_eq!(names(&made("/CN=one", ""))[1..], ["cn:one"]);
        assert!(names(&made("/O=Acme", "")).len() == 1);
        assert!(names(&made("/CN=one/CN=two", "")).len() == 1, "which of them would it be?");
    }

    #[test]
    fn no_certificate_makes_it_stumble() {
        let der = made("/CN=acme", "subjectAltName=email:erp@acme.example,DNS:erp.acme.example");
        for length in 0..der.len() {
            names(&der[..length]);
        }
        for place in 0..der.len() {
            for change in [0x00, 0x01, 0x7f, 0x80, 0x84, 0xff] {
                let mut other = der.clone();
                other[place] = change;
                assert!(names(&other).iter().all(|name| !name.chars().any(char::is_control)));
            }
        }
    }
}
