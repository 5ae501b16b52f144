//! Which TLS certificate a server may show: one that an authority vouches for, or one that is known.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use super::error::PartnerError;
use crate::config::Partner;
use crate::domain::Digest;

/// How we speak TLS with a partner, and the certificate that was refused, once one was.
pub(super) fn client(partner: &Partner) -> Result<(Arc<ClientConfig>, Arc<OnceLock<String>>), PartnerError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let shown = Arc::new(OnceLock::new());
    let verifier: Arc<dyn ServerCertVerifier> = if partner.tls_fingerprint.is_empty() {
        let roots = roots(&partner.tls_ca)?;
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build();
        verifier.map_err(|_| PartnerError::NotA { path: partner.tls_ca.clone(), what: "list of authorities" })?
    } else {
        // As openssl prints it, and as people copy it.
        let wanted: String = partner.tls_fingerprint.chars().filter(char::is_ascii_alphanumeric).collect();
        let wanted = Digest::from_hex(&wanted.to_ascii_lowercase()).ok_or_else(|| PartnerError::NotA {
            path: PathBuf::from(&partner.tls_fingerprint),
            what: "SHA-256 of a certificate: 64 hexadecimal digits",
        })?;
        let algorithms = provider.signature_verification_algorithms;
        Arc::new(Pinned { wanted, shown: Arc::clone(&shown), algorithms })
    };
    let config = build(provider, verifier).map_err(|error| PartnerError::Handshake { why: error.to_string() })?;
    Ok((Arc::new(config), shown))
}

fn build(provider: Arc<CryptoProvider>, verifier: Arc<dyn ServerCertVerifier>) -> Result<ClientConfig, rustls::Error> {
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        // Not the door out of checking it seems to be: both verifiers above check.
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth())
}

fn roots(path: &PathBuf) -> Result<RootCertStore, PartnerError> {
    let not_a = || PartnerError::NotA { path: path.clone(), what: "PEM file of authorities' certificates" };
    let text = std::fs::read(path).map_err(|source| PartnerError::Secret { path: path.clone(), source })?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&text) {
        roots.add(certificate.map_err(|_| not_a())?).map_err(|_| not_a())?;
    }
    if roots.is_empty() { Err(not_a()) } else { Ok(roots) }
}

/// Takes one certificate, whoever issued it and whatever it says: it is the partner's because it is this one.
#[derive(Debug)]
struct Pinned {
    wanted: Digest,
    shown: Arc<OnceLock<String>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let found = Digest::of(certificate);
        if found == self.wanted {
            return Ok(ServerCertVerified::assertion());
        }
        let _ = self.shown.set(found.to_string());
        Err(rustls::Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
    }

    // That whoever shows it also has its key is checked as for any other.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
