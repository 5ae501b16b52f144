//! How we speak SSH: limits and timers, each chosen here and none left to a default; the algorithms are chosen in
//! `algorithms`.

use std::borrow::Cow;
use std::time::Duration;

use russh::keys::PrivateKey;
use russh::server::Config;
use russh::{Limits, MethodKind, MethodSet, SshId};

use super::algorithms::Policy;
use crate::config;
use crate::domain::Step;

/// The SSH side of the door, for every connection of a policy.
pub(super) fn ssh(sftp: &config::Sftp, doors: &config::Doors, host_keys: Vec<PrivateKey>, policy: Policy) -> Config {
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
        keys: host_keys,
        certificates: Vec::new(),
        limits: Limits::default(),
        window_size: u32::try_from(sftp.window.bytes()).unwrap_or(u32::MAX),
        // What OpenSSH sends at most; longer packets measured the same.
        maximum_packet_size: 32 * 1024,
        // Data is handled in `Handler::data`; the channel's own queue is not used.
        channel_buffer_size: 1,
        // Replies of up to 256 KiB wait in it for the client to read.
        event_buffer_size: 2,
        preferred: policy.preferred(),
        // Any packet resets it, a keep-alive's answer too: it ends only writes that do not move. Silence is
        // the accept loop's business.
        inactivity_timeout: Some(doors.idle_deadline.duration()),
        // Three missed ones, and a peer that vanished without a FIN is gone.
        keepalive_interval: Some(Duration::from_secs(60)),
        keepalive_max: 3,
        nodelay: true,
    }
}

/// What everybody is told to begin with, whatever the account: a list that differed would tell who has one.
pub(super) fn methods() -> MethodSet {
    MethodSet::from(&[MethodKind::PublicKey, MethodKind::Password, MethodKind::KeyboardInteractive][..])
}

/// By which methods these steps are proved. A password can also be asked for, as PAM does.
pub(super) fn methods_for(steps: &[Step]) -> MethodSet {
    let mut methods = MethodSet::empty();
    for step in steps {
        match step {
            Step::PublicKey => methods.push(MethodKind::PublicKey),
            Step::Password => {
                methods.push(MethodKind::Password);
                methods.push(MethodKind::KeyboardInteractive);
            }
            Step::Totp => methods.push(MethodKind::KeyboardInteractive),
            // Of TLS.
            Step::Certificate => {}
        }
    }
    methods
}
