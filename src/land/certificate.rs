//! OpenSSH user certificates (OpenSSH's PROTOCOL.certkeys): which are good for which login. The door has verified
//! both signatures, the authority's over the certificate and the client's over the session; everything else a
//! certificate says is judged here, and what is not understood is a refusal.

use std::net::IpAddr;

use super::credential::{fingerprint, is_strong_key};
use crate::domain::Network;

/// What a certificate says, and who signed it.
#[derive(Debug, Clone, Default)]
pub struct UserCertificate {
    /// The key it is about, in SSH wire format.
    pub key: Vec<u8>,
    /// The key that signed it, in SSH wire format.
    pub authority: Vec<u8>,
    /// The algorithm of that signature: `ssh-ed25519`, `rsa-sha2-512`.
    pub signed_with: String,
    /// For a user, and not for a host.
    pub is_user: bool,
    /// 0: it has none.
    pub serial: u64,
    pub key_id: String,
    pub principals: Vec<String>,
    /// Seconds since 1970: the first that is valid, and the first that is not any more.
    pub valid_after: u64,
    pub valid_before: u64,
    /// Names and values.
    pub critical_options: Vec<(String, String)>,
}

/// How an authority may have signed. Not `ssh-rsa`, which is SHA-1.
const SIGNATURES: [&str; 8] = [
    "ssh-ed25519",
    "sk-ssh-ed25519@openssh.com",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "rsa-sha2-256",
    "rsa-sha2-512",
];

impl UserCertificate {
    /// Which certificate, for the log: its id is the authority's to choose, and its own control characters are not
    /// ours to print.
    pub(super) fn shown(&self) -> String {
        let id: String = self.key_id.chars().filter(|c| !c.is_control()).take(64).collect();
        format!("`{id}`, serial {}, by {}", self.serial, fingerprint(&self.authority))
    }

    /// Whether it is good for this login, from this address, at this second. Its authority is trusted, and it is not
    /// revoked.
    pub(super) fn check(&self, login: &str, address: IpAddr, now: u64) -> Result<(), String> {
        if !self.is_user {
            return Err("it is a host's certificate, not a user's".to_owned());
        }
        if !SIGNATURES.contains(&self.signed_with.as_str()) {
            return Err(format!("it is signed with {}, which is not accepted", self.signed_with));
        }
        if !is_strong_key(&self.authority) || !is_strong_key(&self.key) {
            return Err("its key or its authority's is of a kind, or of a size, that is not accepted".to_owned());
        }
        if now < self.valid_after {
            return Err("it is not valid yet".to_owned());
        }
        if now >= self.valid_before {
            return Err("it has expired".to_owned());
        }
        // An empty list would be "anybody" to PROTOCOL.certkeys, and is nobody to sshd and to us.
        if !self.principals.iter().any(|principal| principal == login) {
            return Err(format!("it does not name `{login}` among its principals"));
        }
        self.critical_options.iter().try_for_each(|(name, value)| option(name, value, address))
    }
}

/// A critical option is obeyed or is a refusal.
fn option(name: &str, value: &str, address: IpAddr) -> Result<(), String> {
    match name {
        "source-address" => {
            let networks: Result<Vec<Network>, _> = value.split(',').map(str::parse).collect();
            match networks {
                Ok(networks) if networks.iter().any(|network| network.contains(address)) => Ok(()),
                Ok(_) => Err(format!("it is not for use from {address}")),
                Err(_) => Err("its source-address is not understood".to_owned()),
            }
        }
        // Nothing but SFTP is spoken here, so this one is obeyed.
        "force-command" if value == "internal-sftp" => Ok(()),
        "force-command" => Err("it is for one command, and only internal-sftp can be had here".to_owned()),
        other => {
            let shown: String = other.chars().filter(|c| !c.is_control()).take(64).collect();
            Err(format!("its critical option {shown} is not known here"))
        }
    }
}

/// Reads a file of trusted authorities: a public key a line, as `TrustedUserCAKeys` of OpenSSH.
pub(super) fn read_authorities(bytes: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not text".to_owned())?;
    let mut authorities = vec![];
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (fingerprint, key, _) =
            super::credential::parse_public_key(line).map_err(|why| format!("line {number}: {why}"))?;
        let blob = super::credential::blob_of(&key).ok_or_else(|| format!("line {number}: {fingerprint} is no key"))?;
        authorities.push(blob);
    }
    Ok(authorities)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::land::credential::blob_of;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEulHVVP+VycD4kL4C7RA+dvjmO5nGn6vyFOKIhpNgeS hi";

    fn good() -> UserCertificate {
        UserCertificate {
            key: blob_of(KEY).unwrap(),
            authority: blob_of(KEY).unwrap(),
            signed_with: "ssh-ed25519".to_owned(),
            is_user: true,
            serial: 1,
            key_id: "erp".to_owned(),
            principals: vec!["other".to_owned(), "acme".to_owned()],
            valid_after: 100,
            valid_before: 200,
            critical_options: vec![],
        }
    }

    fn judged(certificate: &UserCertificate, now: u64) -> Result<(), String> {
        certificate.check("acme", "192.0.2.7".parse().unwrap(), now)
    }

    #[test]
    fn a_certificate_is_good_within_its_time_for_its_principals() {
        let certificate = good();
        for (now, fine) in [(99, false), (100, true), (199, true), (200, false), (u64::MAX, false)] {
            assert_eq!(judged(&certificate, now).is_ok(), fine, "{now}");
        }
        assert!(judged(&UserCertificate { valid_before: u64::MAX, ..good() }, 150).is_ok());
        // What overflows a signed time is no time at all to russh, which then looks no further.
        assert!(judged(&UserCertificate { valid_after: u64::MAX, valid_before: u64::MAX, ..good() }, 150).is_err());
        for principals in [vec![], vec!["ac"], vec!["acmee"], vec!["ACME"], vec!["*"], vec!["acme,other"]] {
            let principals = principals.into_iter().map(str::to_owned).collect();
            assert!(judged(&UserCertificate { principals, ..good() }, 150).is_err());
        }
        assert!(judged(&UserCertificate { is_user: false, ..good() }, 150).is_err());
        for signed_with in ["ssh-rsa", "ssh-dss", "", "ssh-ed25519 "] {
            assert!(judged(&UserCertificate { signed_with: signed_with.to_owned(), ..good() }, 150).is_err());
        }
        assert!(judged(&UserCertificate { authority: b"\0\0\0\x07ssh-dss".to_vec(), ..good() }, 150).is_err());
    }

    #[test]
    fn a_critical_option_is_obeyed_or_is_a_refusal() {
        for (name, value, fine) in [
            ("source-address", "192.0.2.0/24", true),
            ("source-address", "10.0.0.1,192.0.2.7", true),
            ("source-address", "192.0.2.8", false),
            ("source-address", "192.0.2.0/24,nonsense", false),
            ("source-address", "", false),
            ("force-command", "internal-sftp", true),
            ("force-command", "internal-sftp -R", false),
            ("force-command", "/bin/sh", false),
            ("verify-required", "", false),
            ("whatever", "", false),
        ] {
            let critical_options = vec![(name.to_owned(), value.to_owned())];
            let judged = judged(&UserCertificate { critical_options, ..good() }, 150);
            assert_eq!(judged.is_ok(), fine, "{name} {value}: {judged:?}");
        }
    }

    #[test]
    fn authorities_are_strong_keys_a_line_each() {
        assert_eq!(read_authorities(format!("# ours\n{KEY}\n\n").as_bytes()).unwrap().len(), 1);
        assert!(read_authorities(b"").unwrap().is_empty());
        assert!(read_authorities(format!("{KEY}\nssh-dss AAAA\n").as_bytes()).unwrap_err().contains("line 2"));
        assert!(read_authorities(b"\xff").is_err());
    }
}
