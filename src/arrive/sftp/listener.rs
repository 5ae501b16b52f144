//! How we speak SSH: algorithms, limits and timers, each chosen here and none left to a default.

use std::borrow::Cow;
use std::time::Duration;

use russh::keys::{Algorithm, EcdsaCurve, HashAlg, PrivateKey};
use russh::server::Config;
use russh::{Limits, MethodKind, MethodSet, Preferred, SshId, cipher, compression, kex, mac};

use crate::config;

/// The SSH side of the door, for every connection.
pub(super) fn ssh(sftp: &config::Sftp, doors: &config::Doors, host_key: PrivateKey) -> Config {
    Config {
        server_id: SshId::Standard(Cow::Borrowed(concat!("SSH-2.0-Waybill_", env!("CARGO_PKG_VERSION")))),
        methods: methods(),
        // The time a rejected password takes is ours to even out (login.rs). A rejected key is not slowed
        // down: clients offer all they have, and each would cost a second.
        auth_rejection_time: Duration::ZERO,
        auth_rejection_time_initial: Some(Duration::ZERO),
        // Counts every rejection, the "none" probe and key offers too; ours (login.rs) counts them apart
        // and is reached first.
        max_auth_attempts: (sftp.login_failures_max.saturating_add(sftp.key_offers_max) as usize).saturating_add(2),
        keys: vec![host_key],
        certificates: Vec::new(),
        limits: Limits::default(),
        window_size: u32::try_from(sftp.window.bytes()).unwrap_or(u32::MAX),
        // What OpenSSH sends at most; longer packets measured the same.
        maximum_packet_size: 32 * 1024,
        // Data is handled in `Handler::data`; the channel's own queue is not used.
        channel_buffer_size: 1,
        // Replies of up to 256 KiB wait in it for the client to read.
        event_buffer_size: 2,
        preferred: algorithms(),
        // Any packet resets it, a keep-alive's answer too: it ends only writes that do not move. Silence is
        // the accept loop's business.
        inactivity_timeout: Some(doors.idle_deadline.duration()),
        // Three missed ones, and a peer that vanished without a FIN is gone.
        keepalive_interval: Some(Duration::from_secs(60)),
        keepalive_max: 3,
        nodelay: true,
    }
}

pub(super) fn methods() -> MethodSet {
    MethodSet::from(&[MethodKind::PublicKey, MethodKind::Password][..])
}

/// Post-quantum key exchange first. No SHA-1, no CBC, no compression (its memory and its side channels),
/// no finite-field groups (slow, and a cheap way to keep a server busy).
fn algorithms() -> Preferred {
    Preferred {
        kex: Cow::Borrowed(&[
            kex::MLKEM768X25519_SHA256,
            kex::CURVE25519,
            kex::CURVE25519_PRE_RFC_8731,
            kex::EXTENSION_SUPPORT_AS_SERVER,
            kex::EXTENSION_OPENSSH_STRICT_KEX_AS_SERVER,
        ]),
        // Also what we say we verify of clients (RFC 8308 `server-sig-algs`); as host keys only those count
        // that we have, which is Ed25519. Not `ssh-rsa`, which is SHA-1.
        key: Cow::Borrowed(&[
            Algorithm::Ed25519,
            Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 },
            Algorithm::Ecdsa { curve: EcdsaCurve::NistP384 },
            Algorithm::Ecdsa { curve: EcdsaCurve::NistP521 },
            Algorithm::Rsa { hash: Some(HashAlg::Sha512) },
            Algorithm::Rsa { hash: Some(HashAlg::Sha256) },
        ]),
        host_key_certificates: Cow::Borrowed(&[]),
        cipher: Cow::Borrowed(&[
            cipher::CHACHA20_POLY1305,
            cipher::AES_256_GCM,
            cipher::AES_128_GCM,
            cipher::AES_256_CTR,
            cipher::AES_128_CTR,
        ]),
        mac: Cow::Borrowed(&[mac::HMAC_SHA256_ETM, mac::HMAC_SHA512_ETM, mac::HMAC_SHA256, mac::HMAC_SHA512]),
        compression: Cow::Borrowed(&[compression::NONE]),
    }
}
