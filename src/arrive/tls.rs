//! Who the house is to clients that speak TLS: the operator's certificate, read again when it changes, or a
//! self-signed one, made once.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tracing::{error, info};

use super::client_certificate::Authority;
use crate::config;
use crate::domain::Digest;

/// The names of the self-signed certificate and its key in the data folder.
const CERTIFICATE: &str = "tls_cert.pem";
const KEY: &str = "tls_key.pem";
/// How often the files are looked at, when somebody connects.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("could not read {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{path} is no PEM file with {what}")]
    Pem { path: PathBuf, what: &'static str },
    #[error("the private key {key} does not belong to the certificate {certificate}")]
    Mismatch { certificate: PathBuf, key: PathBuf },
    #[error("others may read the private key {path} (mode {mode:03o}); run chmod 600 on it")]
    Exposed { path: PathBuf, mode: u32 },
    #[error("could not make a self-signed certificate: {reason}")]
    Make { reason: String },
    #[error("could not set up TLS")]
    Setup(#[from] rustls::Error),
}

/// The certificate in use.
#[derive(Debug)]
pub struct Certificates {
    certificate: PathBuf,
    key: PathBuf,
    provider: CryptoProvider,
    current: Mutex<Current>,
}

#[derive(Debug)]
struct Current {
    certified: Arc<CertifiedKey>,
    looked: Instant,
    seen: [Option<SystemTime>; 2],
}

impl Certificates {
    /// The operator's, or the data folder's own, made if there has never been one.
    ///
    /// # Errors
    /// [`TlsError`], naming the file.
    pub fn open(tls: &config::Tls, data: &Path) -> Result<Arc<Self>, TlsError> {
        let own = tls.certificate.as_os_str().is_empty();
        let (certificate, key) =
            if own { (data.join(CERTIFICATE), data.join(KEY)) } else { (tls.certificate.clone(), tls.key.clone()) };
        if own && !certificate.exists() {
            make(&certificate, &key)?;
        }
        let provider = aws_lc_rs::default_provider();
        let seen = [changed(&certificate), changed(&key)];
        let certified = Arc::new(read(&certificate, &key, &provider)?);
        let current = Mutex::new(Current { certified, looked: Instant::now(), seen });
        Ok(Arc::new(Self { certificate, key, provider, current }))
    }

    /// SHA-256 over the certificate, in hexadecimal, as clients show it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.certified.cert.first().map_or_else(String::new, |der| Digest::of(der).to_string())
    }

    /// TLS 1.2 and 1.3 with forward secrecy and nothing weak, which is all that rustls speaks; sessions are
    /// resumed by tickets whose keys change every six hours. With an authority, clients are asked for a certificate.
    ///
    /// # Errors
    /// The system has no randomness.
    pub(super) fn server_config(
        self: &Arc<Self>,
        authority: Option<&Arc<Authority>>,
    ) -> Result<Arc<ServerConfig>, TlsError> {
        let builder = ServerConfig::builder_with_provider(Arc::new(self.provider.clone()))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?;
        let resolver: Arc<dyn ResolvesServerCert> = Arc::<Self>::clone(self);
        let mut config = match authority {
            Some(authority) => builder.with_client_cert_verifier(Arc::<Authority>::clone(authority)),
            None => builder.with_no_client_auth(),
        }
        .with_cert_resolver(resolver);
        config.ticketer = aws_lc_rs::Ticketer::new()?;
        Ok(Arc::new(config))
    }

    /// The cryptography everything of TLS is made with.
    pub(super) fn provider(&self) -> Arc<CryptoProvider> {
        Arc::new(self.provider.clone())
    }

    /// The certificate now. One that cannot be read leaves the last one in use: half-written files are common
    /// while certificates are renewed.
    fn current(&self) -> Arc<CertifiedKey> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.looked.elapsed() < LOOK_EVERY {
            return Arc::clone(&current.certified);
        }
        current.looked = Instant::now();
        let seen = [changed(&self.certificate), changed(&self.key)];
        if seen != current.seen {
            current.seen = seen;
            match read(&self.certificate, &self.key, &self.provider) {
                Ok(certified) => {
                    current.certified = Arc::new(certified);
                    info!(certificate = %self.certificate.display(), "read the renewed certificate");
                }
                Err(error) => {
                    error!(error = &error as &dyn std::error::Error, "kept the certificate; the new one is no use");
                }
            }
        }
        Arc::clone(&current.certified)
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }
}

fn changed(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

fn read(certificate: &Path, key: &Path, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let text = |path: &Path| fs::read(path).map_err(|source| TlsError::Read { path: path.to_owned(), source });
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&text(certificate)?)
        .collect::<Result<_, _>>()
        .ok()
        .filter(|chain: &Vec<_>| !chain.is_empty())
        .ok_or_else(|| TlsError::Pem { path: certificate.to_owned(), what: "certificates" })?;
    let mode = fs::metadata(key).map_or(0, |metadata| metadata.permissions().mode());
    if mode & 0o007 != 0 {
        return Err(TlsError::Exposed { path: key.to_owned(), mode: mode & 0o777 });
    }
    let no_key = || TlsError::Pem { path: key.to_owned(), what: "an unencrypted private key" };
    let der = PrivateKeyDer::from_pem_slice(&text(key)?).map_err(|_| no_key())?;
    let signer = provider.key_provider.load_private_key(der).map_err(|_| no_key())?;
    let certified = CertifiedKey::new(chain, signer);
    match certified.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => Ok(certified),
        Err(_) => Err(TlsError::Mismatch { certificate: certificate.to_owned(), key: key.to_owned() }),
    }
}

/// Makes a certificate for the names by which a machine is called when nobody has named it. The key is
/// written first: a certificate without its key would be found at the next start and be of no use.
fn make(certificate: &Path, key: &Path) -> Result<(), TlsError> {
    let failed = |reason: String| TlsError::Make { reason };
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    let host = host.trim();
    if !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.')) {
        names.push(host.to_owned());
    }
    let pair = rcgen::KeyPair::generate().map_err(|error| failed(error.to_string()))?;
    let mut parameters = rcgen::CertificateParams::new(names).map_err(|error| failed(error.to_string()))?;
    parameters.distinguished_name.push(rcgen::DnType::CommonName, "Waybill");
    let made = parameters.self_signed(&pair).map_err(|error| failed(error.to_string()))?;
    let _ = fs::remove_file(key);
    write(key, 0o600, pair.serialize_pem().as_bytes()).map_err(|error| failed(error.to_string()))?;
    write(certificate, 0o644, made.pem().as_bytes()).map_err(|error| failed(error.to_string()))
}

fn write(path: &Path, mode: u32, bytes: &[u8]) -> io::Result<()> {
    let aside = path.with_extension(format!("new-{}", std::process::id()));
    let _ = fs::remove_file(&aside);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&aside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&aside, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_made_once_and_kept() {
        let data = tempfile::tempdir().unwrap();
        let first = Certificates::open(&config::Tls::default(), data.path()).unwrap();
        let second = Certificates::open(&config::Tls::default(), data.path()).unwrap();
        assert_eq!(first.fingerprint(), second.fingerprint());
        assert_eq!(first.fingerprint().len(), 64);
        let mode = fs::metadata(data.path().join(KEY)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        first.server_config(None).unwrap();
    }

    #[test]
    fn a_renewed_certificate_is_used_and_a_broken_one_is_not() {
        let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let certificates = Certificates::open(&config::Tls::default(), ours.path()).unwrap();
        let before = certificates.fingerprint();
        let other = Certificates::open(&config::Tls::default(), theirs.path()).unwrap();
        let look = |certificates: &Certificates| {
            let mut current = certificates.current.lock().unwrap();
            current.looked = Instant::now().checked_sub(LOOK_EVERY).unwrap();
            current.seen = [None, None];
            drop(current);
            certificates.current();
        };
        fs::write(ours.path().join(CERTIFICATE), "half a certificate").unwrap();
        look(&certificates);
        assert_eq!(certificates.fingerprint(), before);
        for file in [CERTIFICATE, KEY] {
            fs::copy(theirs.path().join(file), ours.path().join(file)).unwrap();
        }
        look(&certificates);
        assert_eq!(certificates.fingerprint(), other.fingerprint());
        // A key of another certificate is said to be that.
        let stranger = tempfile::tempdir().unwrap();
        Certificates::open(&config::Tls::default(), stranger.path()).unwrap();
        let mixed = config::Tls { certificate: ours.path().join(CERTIFICATE), key: stranger.path().join(KEY) };
        assert!(matches!(Certificates::open(&mixed, ours.path()), Err(TlsError::Mismatch { .. })));
    }
}
