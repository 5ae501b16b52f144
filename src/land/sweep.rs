//! Tidying the spool: what no upload needs any more goes.

use std::time::Duration;

use super::{Dropbox, OpenError};
use crate::domain::{ArrivalId, Timestamp};

/// How often a node says that it is there, and after how long a silence its uploads are given up.
const BEAT_EVERY: Duration = Duration::from_secs(10);
const SILENT_AFTER: Duration = Duration::from_secs(300);
/// How often the spool is looked through.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

impl Dropbox {
    /// Deletes spool files that belong to no upload under way and to none that can be resumed.
    ///
    /// # Errors
    /// The spool cannot be listed, or the database does not answer.
    pub async fn sweep_spool(&self) -> Result<usize, OpenError> {
        let inner = &self.0;
        let since = Timestamp::now().plus_micros(-inner.settings.now().resume.micros());
        let listed =
            std::fs::read_dir(&inner.spool).map_err(|source| OpenError::Spool { path: inner.spool.clone(), source })?;
        let mut swept = 0;
        for file in listed.flatten() {
            let name = file.file_name();
            let id = name.to_str().and_then(|name| name.strip_suffix(".part")).and_then(ArrivalId::parse);
            let Some(id) = id else { continue };
            if !inner.record.spool_is_wanted(id, inner.epoch, since).await? && std::fs::remove_file(file.path()).is_ok()
            {
                swept += 1;
            }
        }
        if swept > 0 {
            tracing::info!(files = swept, "swept {swept} spool files that no upload needs");
        }
        Ok(swept)
    }

    /// Makes what a killed daemon had written durable, before any of it is offered to be gone on with: after
    /// that not even a power cut can leave a hole in it.
    pub(super) fn sync_spool(&self) -> Result<(), OpenError> {
        let spool = |source| OpenError::Spool { path: self.0.spool.clone(), source };
        for file in std::fs::read_dir(&self.0.spool).map_err(spool)?.flatten() {
            std::fs::File::open(file.path()).and_then(|file| file.sync_all()).map_err(spool)?;
        }
        Ok(())
    }

    /// Says again and again that this node is there, and ends the uploads of nodes that have not said so for long.
    pub async fn keep_beating(self) {
        let inner = &self.0;
        loop {
            tokio::time::sleep(BEAT_EVERY).await;
            match inner.record.beat(&inner.node, inner.epoch, SILENT_AFTER).await {
                Ok(true) => {}
                Ok(false) => tracing::error!(
                    node = inner.node,
                    "another daemon runs under the name of this node: was its data folder copied? Remove node_id there"
                ),
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "could not say that this node is there")
                }
            }
        }
    }

    /// Sweeps again and again, until the house closes.
    pub async fn keep_swept(self) {
        loop {
            tokio::time::sleep(SWEEP_EVERY).await;
            if let Err(error) = self.sweep_spool().await {
                tracing::warn!(error = &error as &dyn std::error::Error, "could not sweep the spool");
            }
        }
    }
}
