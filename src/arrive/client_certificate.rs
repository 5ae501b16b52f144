//! TLS client certificates: asked for where an authority is configured, and judged when somebody logs in with one.
//!
//! The handshake proves that the client has the certificate's key, and nothing else. Whether the certificate is good
//! is asked at the login, from the files as they are then: a session that was resumed from a ticket is judged as any
//! other, a revoked certificate is refused with a sentence, and a client whose certificate is for somebody else can
//! still log in with a password.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme};
use tracing::error;

use super::tls::TlsError;
use super::x509;
use crate::land::ClientCertificate;

/// Whose client certificates are good.
#[derive(Debug)]
pub(super) struct Authority {
    /// Certificates of authorities, PEM.
    authorities: PathBuf,
    /// Their revocation lists, PEM; empty: nothing is revoked.
    revoked: PathBuf,
    provider: Arc<CryptoProvider>,
    current: Mutex<Current>,
}

#[derive(Debug)]
struct Current {
    seen: [Option<Stamp>; 2],
    /// `None`: the files are of no use, and neither is any certificate.
    verifier: Option<Arc<dyn ClientCertVerifier>>,
}

type Stamp = (SystemTime, u64);

impl Authority {
    /// The authority of these files.
    ///
    /// # Errors
    /// [`TlsError`], naming the file.
    pub(super) fn open(
        authorities: &Path,
        revoked: &Path,
        provider: Arc<CryptoProvider>,
    ) -> Result<Arc<Self>, TlsError> {
        let seen = [stamp(authorities), stamp(revoked)];
        let verifier = Some(read(authorities, revoked, &provider)?);
        let current = Mutex::new(Current { seen, verifier });
        Ok(Arc::new(Self { authorities: authorities.to_owned(), revoked: revoked.to_owned(), provider, current }))
    }

    /// Who the holder of this chain is, or why it is not good.
    pub(super) fn judge(&self, chain: &[CertificateDer<'_>]) -> Result<ClientCertificate, String> {
        let (end, between) = chain.split_first().ok_or("there is no client certificate")?;
        let verifier = self.verifier().ok_or("client certificates cannot be checked at the moment")?;
        match verifier.verify_client_cert(end, between, UnixTime::now()) {
            Ok(_) => Ok(ClientCertificate { names: x509::names(end), trouble: None }),
            Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {
                Err("its authority is not trusted".to_owned())
            }
            Err(Error::InvalidCertificate(CertificateError::Revoked)) => Err("it is revoked".to_owned()),
            Err(Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. })) => {
                Err("it has expired".to_owned())
            }
            Err(error) => Err(error.to_string()),
        }
    }

    /// What the files say now.
    fn verifier(&self) -> Option<Arc<dyn ClientCertVerifier>> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = [stamp(&self.authorities), stamp(&self.revoked)];
        if seen != current.seen || current.verifier.is_none() {
            let verifier = read(&self.authorities, &self.revoked, &self.provider);
            if let Err(error) = &verifier {
                error!(error = error as &dyn std::error::Error, "no client certificate is good until this is");
            }
            *current = Current { seen, verifier: verifier.ok() };
        }
        current.verifier.clone()
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    fs::metadata(path).and_then(|metadata| Ok((metadata.modified()?, metadata.len()))).ok()
}

fn read(
    authorities: &Path,
    revoked: &Path,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let text = |path: &Path| fs::read(path).map_err(|source| TlsError::Read { path: path.to_owned(), source });
    let wrong = |path: &Path, what| TlsError::Pem { path: path.to_owned(), what };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&text(authorities)?) {
        let certificate = certificate.map_err(|_| wrong(authorities, "certificates of authorities"))?;
        roots.add(certificate).map_err(|_| wrong(authorities, "certificates of authorities"))?;
    }
    if roots.is_empty() {
        return Err(wrong(authorities, "certificates of authorities"));
    }
    let mut lists = vec![];
    if !revoked.as_os_str().is_empty() {
        for list in CertificateRevocationListDer::pem_slice_iter(&text(revoked)?) {
            lists.push(list.map_err(|_| wrong(revoked, "revocation lists"))?);
        }
        if lists.is_empty() {
            return Err(wrong(revoked, "revocation lists"));
        }
    }
    let mut builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    if !lists.is_empty() {
        // A list that is overdue is one that somebody keeps from us (RFC 5280 section 6.3.3).
        builder = builder.with_crls(lists).enforce_revocation_expiration();
    }
    builder.build().map_err(|_| wrong(revoked, "revocation lists"))
}

impl ClientCertVerifier for Authority {
    fn offer_client_auth(&self) -> bool {
        true
    }

    fn client_auth_mandatory(&self) -> bool {
        false
    }

    /// None: the client may choose. Hints would tell everybody whose certificates are good here.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    /// Taken for what it is until somebody logs in with it ([`Authority::judge`]).
    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
