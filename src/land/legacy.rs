//! From where the legacy algorithms are offered: SSH agrees on algorithms before it knows who is there, so that they
//! are offered to addresses, those that some account lists. Which account it then is, is looked at when it logs in.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Dropbox;
use crate::domain::Network;

/// The networks, as they were a moment ago.
#[derive(Debug, Default)]
pub(super) struct Legacy(Mutex<Option<(Instant, Arc<Vec<Network>>)>>);

/// How old the list may be: connections come faster than it changes.
const FRESH: Duration = Duration::from_secs(1);

impl Dropbox {
    /// Whether the legacy algorithms are offered to this address. Where that cannot be told, they are not.
    pub async fn offers_legacy_to(&self, address: IpAddr) -> bool {
        let known = {
            let known = self.0.legacy.0.lock().unwrap_or_else(PoisonError::into_inner);
            known.as_ref().filter(|(at, _)| at.elapsed() < FRESH).map(|(_, networks)| Arc::clone(networks))
        };
        let networks = match known {
            Some(networks) => networks,
            None => match self.0.record.legacy_networks().await {
                Ok(networks) => {
                    let networks = Arc::new(networks);
                    let mut known = self.0.legacy.0.lock().unwrap_or_else(PoisonError::into_inner);
                    *known = Some((Instant::now(), Arc::clone(&networks)));
                    networks
                }
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "could not look up the legacy policy");
                    return false;
                }
            },
        };
        networks.iter().any(|network| network.contains(address))
    }
}
