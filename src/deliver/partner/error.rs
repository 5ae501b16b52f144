//! Why something at a partner's server did not work, in words for the operator.

use std::error::Error as StdError;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// The cause, where a library has one.
type Cause = Box<dyn StdError + Send + Sync>;

/// What went wrong at a partner's server.
#[derive(Debug, thiserror::Error)]
pub enum PartnerError {
    #[error("could not find the address of {host}")]
    Resolve {
        host: String,
        #[source]
        source: std::io::Error,
    },
    #[error("could not connect to {address}")]
    Connect {
        address: SocketAddr,
        #[source]
        source: std::io::Error,
    },
    #[error(
        "the server shows the host key {shown}, which is not one of the partner's host_keys; nothing was sent to it. If \
         the partner says that this is its new key, put it there"
    )]
    HostKey { shown: String },
    #[error(
        "the server shows a certificate with the SHA-256 {shown}, which is not the partner's tls_fingerprint; nothing was \
         sent to it. If the partner says that this is its new certificate, put it there"
    )]
    Certificate { shown: String },
    #[error("the server's certificate is not one that the partner's tls_ca vouches for; nothing was sent to it: {why}")]
    Untrusted { why: String },
    #[error("could not agree with the server on how to speak: {why}")]
    Handshake { why: String },
    #[error("the server refused the login `{user}`{}", .said.as_ref().map(|said| format!(": {said}")).unwrap_or_default())]
    Login { user: String, said: Option<String> },
    #[error("{path} can be read by others (mode {mode:03o}); it holds a secret: chmod 600 it")]
    SecretShown { path: PathBuf, mode: u32 },
    #[error("could not read {path}")]
    Secret {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{path} is no {what}")]
    NotA { path: PathBuf, what: &'static str },
    #[error("`{text}` in host_keys is no key: write SHA256:…, a public key, or a line of known_hosts")]
    NoHostKey { text: String },
    #[error("the server refused to {doing}: {said}")]
    Refused { doing: String, said: String },
    #[error("{folder} has more than {max} entries (partners.listing_max); tidy it, or raise the limit")]
    TooMany { folder: String, max: usize },
    #[error("the server said nothing for {after:?} while we wanted to {doing}")]
    Stalled { doing: String, after: Duration },
    #[error("the connection was lost while we wanted to {doing}")]
    Lost {
        doing: String,
        #[source]
        source: Cause,
    },
}
