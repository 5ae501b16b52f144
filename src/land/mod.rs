//! The dropbox behind every door. A door translates its protocol into what stands here and decides
//! nothing: who may come in ([`Dropbox::prove`]), what they see ([`Session`]), and when a file has
//! landed ([`Upload::finish`]), which is the only place where "OK" comes from.

mod admit;
mod allowance;
mod attempt;
mod certificate;
pub mod credential;
mod download;
mod error;
mod extents;
mod inside;
mod legacy;
mod place;
pub mod proofs;
mod revoked;
pub mod seal;
mod session;
mod shelf;
mod spool;
mod standing;
mod sweep;
pub mod totp;
mod trust;
mod upload;
mod whole;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

pub use admit::{Algorithms, Door, NotEntered, Peer, Refused};
pub use allowance::SentAway;
pub use attempt::{Attempt, ClientCertificate, Proof, Verdict};
pub use certificate::UserCertificate;
pub use download::Download;
pub use error::LandError;
pub use session::{Creation, Entry, EntryKind, Room, Session};
use standing::Standings;
use tokio::sync::Semaphore;
pub use trust::TrustError;
pub use upload::{Receipt, Upload};

use crate::config;
use crate::defend::Defender;
use crate::originals::{Originals, ShelfError};
use crate::record::{Record, RecordError};

/// The one dropbox of a house. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Dropbox(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    record: Record,
    defender: Defender,
    originals: Originals,
    settings: config::Live<config::Land>,
    /// Where uploads are until they land.
    spool: PathBuf,
    node: String,
    epoch: i64,
    /// Bounds how many passwords are checked at once; each costs memory.
    password_checks: Semaphore,
    checks: credential::Checks,
    /// Whether somebody waits to give the memory of checks back.
    memory_is_watched: std::sync::atomic::AtomicBool,
    /// Uploads open now, by whose drop folder they are for.
    open_uploads: Mutex<HashMap<String, usize>>,
    /// Failed logins written to the log in the current second: the rest is only spoken.
    noted_failures: Mutex<(std::time::Instant, u32)>,
    /// The same for what a policy refused.
    noted_refusals: Mutex<(std::time::Instant, u32)>,
    standings: Standings,
    /// The sessions that are open on this node.
    inside: inside::Inside,
    vault: seal::Vault,
    trust: trust::Trust,
    legacy: legacy::Legacy,
}

/// Why the dropbox could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error(transparent)]
    Shelf(#[from] ShelfError),
    #[error(transparent)]
    Trust(#[from] TrustError),
    #[error("could not make the spool folder {path}")]
    Spool {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
}

impl Dropbox {
    /// Opens the dropbox of a data folder and marks what an earlier run left open as broken off.
    ///
    /// # Errors
    /// The spool cannot be made, or the database does not answer.
    pub async fn open(
        record: Record,
        defender: Defender,
        originals: Originals,
        settings: config::Land,
        accounts: &config::Accounts,
        data: &Path,
        node: String,
    ) -> Result<Self, OpenError> {
        let spool = data.join("spool");
        std::fs::create_dir_all(&spool).map_err(|source| OpenError::Spool { path: spool.clone(), source })?;
        // The kernel's boot id: only while it stays the same is what was written but not synced still there.
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let (epoch, same_boot) = record.start_boot(&node, boot.trim()).await?;
        let same_boot = same_boot && !boot.is_empty();
        record.abort_left_open(&node, epoch, same_boot).await?;
        let seen = record.newest_policy().await?;
        record.keep_account_defaults(&accounts.policy(), settings.listed.micros()).await?;
        let dropbox = Self(Arc::new(Inner {
            record,
            defender,
            originals,
            password_checks: Semaphore::new(settings.password_checks_max),
            checks: credential::Checks::default(),
            memory_is_watched: false.into(),
            trust: trust::Trust::open(&settings)?,
            settings: config::Live::new(settings),
            vault: seal::Vault::new(data),
            legacy: legacy::Legacy::default(),
            spool,
            node,
            epoch,
            open_uploads: Mutex::default(),
            noted_failures: Mutex::new((std::time::Instant::now(), 0)),
            noted_refusals: Mutex::new((std::time::Instant::now(), 0)),
            standings: Standings::new(accounts.policy(), seen),
            inside: inside::Inside::default(),
        }));
        dropbox.sweep_spool().await?;
        dropbox.sync_spool()?;
        Ok(dropbox)
    }

    /// Changes the settings for every session that is begun from now on; `password_checks_max` and the names of the
    /// files of trust stay.
    pub fn set(&self, settings: config::Land) {
        self.0.settings.set(settings);
    }

    /// What seals secrets in the data folder.
    #[must_use]
    pub fn vault(&self) -> &seal::Vault {
        &self.0.vault
    }

    /// Whether the spool takes files; for readiness.
    ///
    /// # Errors
    /// It does not.
    pub fn spool_is_writable(&self) -> std::io::Result<()> {
        let probe = self.0.spool.join(".probe");
        std::fs::write(&probe, b"")?;
        std::fs::remove_file(probe)
    }

    /// How many uploads are open now.
    #[must_use]
    pub fn uploads_open(&self) -> usize {
        self.0.open_uploads.lock().map_or(0, |open| open.values().sum())
    }
}
