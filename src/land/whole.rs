//! Whether a file that came without an end its sender had declared is whole: its content is asked where files are
//! read, and the answer waited for here.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::Dropbox;
use crate::domain::ArrivalId;

/// How long a sender waits to hear whether its file has proved to be whole: most clients wait a minute for a reply.
const WAIT_FOR_PROOF: Duration = Duration::from_secs(15);

impl Dropbox {
    /// Waits for a file to be asked; whether nothing has proved that it is whole. No answer in time is none.
    pub(super) async fn proof_of(&self, file: ArrivalId) -> bool {
        let record = &self.0.record;
        let mut events = record.follow();
        let deadline = Instant::now() + WAIT_FOR_PROOF;
        loop {
            match record.unproven(file).await {
                Ok(Some(0)) => return false,
                Ok(Some(1)) => {}
                Ok(_) => return true,
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "could not ask whether a file is whole");
                    return true;
                }
            }
            // Every answer is written with an event.
            if timeout_at(deadline, events.changed()).await.is_err() {
                return true;
            }
        }
    }
}
