//! Who is inside on this node: what the record is told of it, and whom it sends away.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use super::Dropbox;
use super::session::SessionInner;
use crate::domain::SessionId;
use crate::record::{RecordError, SessionChanges, SessionRow};

/// How often the record is told, and asked.
const TELL_EVERY: Duration = Duration::from_secs(2);
/// Shorter sessions are not told of: they would cost a write each, and be over before anybody looked.
const TOLD_AFTER: Duration = Duration::from_secs(1);

/// The sessions of this node.
#[derive(Debug, Default)]
pub(super) struct Inside(Mutex<HashMap<SessionId, Weak<SessionInner>>>);

/// What the record knows of each session: files, bytes.
type Told = HashMap<SessionId, (u64, u64)>;

impl Inside {
    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Weak<SessionInner>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn came(&self, session: &Arc<SessionInner>) {
        self.lock().insert(session.id, Arc::downgrade(session));
    }

    pub(super) fn left(&self, session: SessionId) {
        self.lock().remove(&session);
    }

    fn of(&self, session: SessionId) -> Option<Arc<SessionInner>> {
        self.lock().get(&session).and_then(Weak::upgrade)
    }

    /// What has changed since the record was told.
    fn changes(&self, told: &Told) -> SessionChanges {
        // Outlives the lock: the last of a session, when it is dropped, wants it.
        let inside: HashMap<_, _> =
            self.lock().iter().filter_map(|(id, session)| Some((*id, session.upgrade()?))).collect();
        let mut changes = SessionChanges::default();
        for session in inside.values() {
            let (files, bytes) = session.brought();
            match told.get(&session.id) {
                None if session.started.elapsed() >= TOLD_AFTER => changes.new.push(session.row()),
                Some(known) if *known != (files, bytes) => changes.counted.push((session.id, files, bytes)),
                _ => {}
            }
        }
        changes.over = told.keys().filter(|id| !inside.contains_key(id)).copied().collect();
        changes
    }
}

impl SessionInner {
    /// Files and bytes it has brought.
    fn brought(&self) -> (u64, u64) {
        (self.files.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed))
    }

    fn row(&self) -> SessionRow {
        let (files, bytes) = self.brought();
        SessionRow {
            id: self.id,
            node: self.dropbox.0.node.clone(),
            organisation: self.organisation,
            login: self.login.clone(),
            door: self.peer.door.as_str().to_owned(),
            address: self.peer.address.to_string(),
            client: self.peer.client.clone(),
            started_at: self.began,
            files,
            bytes,
            receiving: vec![],
            is_ending: false,
        }
    }
}

impl Dropbox {
    /// Tells the record again and again who is inside, and sends away whose end was asked for, until the house closes.
    pub async fn keep_sessions(self) {
        let mut told = Told::new();
        if let Err(error) = self.forget_sessions().await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "could not forget the sessions of an earlier start"
            );
        }
        loop {
            tokio::time::sleep(TELL_EVERY).await;
            if let Err(error) = self.tell_sessions(&mut told).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "could not tell who is inside");
            }
        }
    }

    /// Nobody is inside any more.
    ///
    /// # Errors
    /// The record did not take it.
    pub async fn forget_sessions(&self) -> Result<(), RecordError> {
        self.0.record.forget_sessions(&self.0.node).await
    }

    async fn tell_sessions(&self, told: &mut Told) -> Result<(), RecordError> {
        let inner = &self.0;
        let changes = inner.inside.changes(told);
        if !changes.is_empty() {
            inner.record.tell_sessions(&inner.node, &changes).await?;
            told.extend(changes.new.iter().map(|row| (row.id, (row.files, row.bytes))));
            told.extend(changes.counted.iter().map(|(id, files, bytes)| (*id, (*files, *bytes))));
            for id in &changes.over {
                told.remove(id);
            }
        }
        if told.is_empty() {
            return Ok(());
        }
        for id in inner.record.sessions_to_end(&inner.node).await? {
            if let Some(session) = inner.inside.of(id) {
                session.sent_away.notify_one();
            }
        }
        Ok(())
    }
}
