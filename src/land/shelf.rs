//! Keeping the shelf: what lies there and belongs to nobody goes, and what belongs to somebody is looked at in turn.

use std::io;
use std::time::Duration;

use super::Dropbox;
use crate::domain::{ArrivalId, Digest, Event, Hasher, Severity, chain};
use crate::laboratory::crash_point;
use crate::originals::Original;
use crate::record::{NamedObject, ObjectKind, TOMBSTONES_FOR};

/// Parts that a killed daemon had begun to send are taken back after so long.
const PARTS_FOR: Duration = Duration::from_secs(2 * 86_400);
const MINUTE: Duration = Duration::from_secs(60);

impl Dropbox {
    /// Takes away, again and again, what no row has named for `land.orphans_after`.
    pub async fn keep_shelf_tidy(self) {
        loop {
            tokio::time::sleep(self.0.settings.now().orphans_every.duration()).await;
            match self.tidy_shelf().await {
                Ok(0) => {}
                Ok(gone) => tracing::info!(objects = gone, "took {gone} objects away that no row names"),
                Err(error) => tracing::warn!(error = %error, "could not tidy the shelf"),
            }
        }
    }

    /// Notes what lies on the shelf unnamed, and takes away what has lain there for long; how many objects.
    ///
    /// # Errors
    /// The shelf or the database did not do it; the sentence says what.
    pub async fn tidy_shelf(&self) -> Result<usize, String> {
        let inner = &self.0;
        let mut after = String::new();
        loop {
            let found = inner.originals.keys_after(&after).await.map_err(|error| chain(&error))?;
            let Some(last) = found.last() else { break };
            after.clone_from(last);
            inner.record.note_orphans(&found).await.map_err(|error| chain(&error))?;
        }
        let seen_for = inner.settings.now().orphans_after.duration();
        let mut gone = 0;
        while let Some(key) = inner.record.bury_orphan(seen_for).await.map_err(|error| chain(&error))? {
            crash_point("buried");
            inner.originals.remove(&key).await.map_err(|error| chain(&error))?;
            inner.record.orphan_gone(&key, TOMBSTONES_FOR).await.map_err(|error| chain(&error))?;
            gone += 1;
        }
        inner.originals.take_back_parts(PARTS_FOR).await.map_err(|error| chain(&error))?;
        Ok(gone)
    }

    /// Looks at the originals, one after the other and then again, `land.looked_at_per_minute` each minute: whether each
    /// is there, and still what was received. What is not is told to the operator.
    pub async fn keep_looking(self) {
        let inner = &self.0;
        let mut after = String::new();
        loop {
            tokio::time::sleep(MINUTE).await;
            let count = inner.settings.now().looked_at_per_minute;
            if count == 0 {
                continue;
            }
            match inner.record.objects_after(ObjectKind::Original, &after, count).await {
                Ok(kept) => {
                    after = kept.last().map(|last| last.id.clone()).unwrap_or_default();
                    for kept in kept {
                        self.look_at(&kept).await;
                    }
                }
                Err(error) => tracing::warn!(error = chain(&error), "could not list originals to look at"),
            }
        }
    }

    async fn look_at(&self, kept: &NamedObject) {
        let wrong = match self.what_is_wrong(kept).await {
            Ok(None) => return,
            Ok(Some(wrong)) => wrong,
            // The shelf does not answer: that is said elsewhere, and it is looked at again in its turn.
            Err(error) => return tracing::warn!(error = %error, "could not look at an original"),
        };
        let msg = format!("the original under {} {wrong}; restore it from a backup or another copy", kept.key);
        let event = Event::new("original.damaged", Severity::Error, msg)
            .data("key", kept.key.clone())
            .data("sha256", kept.digest.map(|digest| digest.to_string()));
        let event = match ArrivalId::parse(&kept.id) {
            Some(file) => event.file(file),
            None => event,
        };
        if let Err(error) = self.0.record.tell(vec![event]).await {
            tracing::error!(error = chain(&error), "could not tell of a damaged original");
        }
    }

    async fn what_is_wrong(&self, kept: &NamedObject) -> Result<Option<String>, String> {
        let originals = &self.0.originals;
        let stored = originals.look(&kept.key).await.map_err(|error| chain(&error))?;
        let Some(stored) = stored else { return Ok(Some("is not there".to_owned())) };
        if stored.size_bytes != kept.size_bytes {
            return Ok(Some(format!("has {} bytes, not {}", stored.size_bytes, kept.size_bytes)));
        }
        let Some(expected) = kept.digest else { return Ok(None) };
        let digest = match stored.digest {
            Some(digest) => digest,
            None => {
                let original = originals.open(&kept.key).await.map_err(|error| chain(&error))?;
                let read = tokio::task::spawn_blocking(move || digest_of(&original));
                read.await.map_err(|error| chain(&error))?.map_err(|error| chain(&error))?
            }
        };
        Ok((digest != expected).then(|| format!("has the digest {digest}, not {expected}")))
    }
}

fn digest_of(original: &Original) -> io::Result<Digest> {
    let mut hasher = Hasher::default();
    hasher.copy(&mut original.reader(), &mut io::sink())?;
    Ok(hasher.finish())
}
