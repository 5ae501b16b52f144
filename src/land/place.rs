//! How many uploads an account has open at once.

use super::error::LandError;
use super::session::Session;

/// One of the uploads an account may have open at once.
#[derive(Debug, Default)]
pub(super) struct Place(Option<Session>);

impl Place {
    pub(super) fn take(session: &Session) -> Result<Self, LandError> {
        let inner = &session.0.dropbox.0;
        let max = session.0.settings.uploads_per_account_max;
        let mut open = inner.open_uploads.lock().map_err(|_| LandError::Unavailable)?;
        let count = open.entry(session.0.principal.clone()).or_default();
        if *count >= max {
            return Err(LandError::Busy { reason: format!("{max} uploads are open for this account already") });
        }
        *count += 1;
        Ok(Self(Some(session.clone())))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(session) = self.0.take() else { return };
        let Ok(mut open) = session.0.dropbox.0.open_uploads.lock() else { return };
        if let Some(count) = open.get_mut(&session.0.principal) {
            *count -= 1;
            if *count == 0 {
                open.remove(&session.0.principal);
            }
        }
    }
}
