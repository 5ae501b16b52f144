//! What a caller who came in sees and may do: one flat folder, `/drop`, with its files and the answers
//! beside them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use tokio::sync::Notify;

use super::Dropbox;
use super::admit::Peer;
use super::download::Download;
use super::error::LandError;
use super::standing::Standing;
use super::upload::Upload;
use crate::config;
use crate::domain::{
    ArrivalId, Event, FileName, OrganisationId, Permission, SessionId, Severity, Timestamp, VirtualPath,
};
use crate::record::Listing;

/// A caller who came in. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Session(pub(super) Arc<SessionInner>);

#[derive(Debug)]
pub(super) struct SessionInner {
    pub(super) dropbox: Dropbox,
    pub(super) standing: Arc<Standing>,
    /// As they were at the login: what somebody has begun is not judged by other rules at its end.
    pub(super) settings: Arc<config::Land>,
    pub(super) id: SessionId,
    pub(super) organisation: OrganisationId,
    pub(super) principal: String,
    pub(super) login: String,
    pub(super) peer: Peer,
    pub(super) started: Instant,
    pub(super) began: Timestamp,
    pub(super) files: AtomicU64,
    pub(super) bytes: AtomicU64,
    /// An operator has asked for its end.
    pub(super) sent_away: Notify,
}

impl Drop for SessionInner {
    fn drop(&mut self) {
        self.dropbox.0.inside.left(self.id);
    }
}

/// One line of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub name: String,
    pub kind: EntryKind,
    pub size_bytes: u64,
    pub modified: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    Folder,
    File,
}

/// How much fits, and how much more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    pub total_bytes: u64,
    pub free_bytes: u64,
    /// `None`: as many as there is room for.
    pub total_files: Option<u64>,
    pub free_files: Option<u64>,
}

/// How an upload is opened. Without `truncate`, what was broken off under the name, or what lies there, is
/// gone on with.
#[derive(Debug, Clone, Copy, Default)]
pub struct Creation {
    pub truncate: bool,
    /// Only if there is no such file.
    pub exclusive: bool,
    /// If something is gone on with, then this upload and no other: the sender knows what it has sent of what.
    pub only: Option<ArrivalId>,
}

/// Whether this is the name of an answer, if there is one.
fn answers(name: &FileName) -> bool {
    ANSWER_SUFFIXES.iter().any(|suffix| name.as_str().ends_with(suffix))
}

fn takes_no_answers_name(name: &FileName) -> Result<(), LandError> {
    match ANSWER_SUFFIXES.iter().find(|suffix| name.as_str().ends_with(**suffix)) {
        None => Ok(()),
        Some(suffix) => Err(LandError::refused(format!(
            "names ending in {suffix} are kept for this server's answers; send the file under another name"
        ))),
    }
}

/// What an answer's name ends with.
pub(super) const ANSWER_SUFFIXES: [&str; 2] = [".OK", ".ERRORS.csv"];

impl Session {
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.0.id
    }

    #[must_use]
    pub fn organisation(&self) -> OrganisationId {
        self.0.organisation
    }

    #[must_use]
    pub fn login(&self) -> &str {
        &self.0.login
    }

    /// What is in a folder, by name: `/` holds `drop`; `/drop` holds the newest files and their answers.
    ///
    /// # Errors
    /// It is a file, or the database does not answer.
    pub async fn list(&self, folder: &VirtualPath) -> Result<Vec<Entry>, LandError> {
        match folder {
            VirtualPath::Root => Ok(vec![folder_entry("drop")]),
            VirtualPath::File(_) => Err(LandError::refused(format!("{folder} is not a folder"))),
            VirtualPath::Drop => {
                self.permits(Permission::List, folder).await?;
                let inner = &self.0.dropbox.0;
                let listings = inner
                    .record
                    .drop_listing(&self.0.principal, self.listed_since(), self.0.settings.listing_max)
                    .await
                    .map_err(|error| LandError::unavailable("list a drop folder", &error))?;
                let mut entries: Vec<Entry> = listings.into_iter().flat_map(entries_of).collect();
                entries.sort_by(|a, b| a.name.cmp(&b.name));
                Ok(entries)
            }
        }
    }

    /// What is known of one path; of a broken-off upload, how far it came.
    ///
    /// # Errors
    /// There is nothing, or the database does not answer.
    pub async fn stat(&self, path: &VirtualPath) -> Result<Entry, LandError> {
        let name = match path {
            VirtualPath::Root => return Ok(folder_entry("/")),
            VirtualPath::Drop => return Ok(folder_entry("drop")),
            VirtualPath::File(name) => name,
        };
        let listing = self.listing(name).await?;
        if let Some((entry, opened_at)) = self.broken_off(name).await?
            && listing.as_ref().is_none_or(|listing| listing.committed_at < opened_at)
        {
            return Ok(entry);
        }
        if let Some(listing) = listing {
            return Ok(file_entry(&listing));
        }
        let answer = self.answer(name).await?;
        answer.map(|(entry, _)| entry).ok_or_else(|| LandError::NotFound { path: path.to_string() })
    }

    /// Opens a file or an answer for reading.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub async fn open(&self, path: &VirtualPath) -> Result<Download, LandError> {
        let VirtualPath::File(name) = path else {
            return Err(LandError::refused(format!("{path} is a folder; list it instead")));
        };
        let (key, modified, file) = match self.listing(name).await? {
            Some(listing) => {
                self.permits(Permission::DownloadFiles, path).await?;
                (listing.object_key, listing.committed_at, listing.id)
            }
            None => {
                if answers(name) {
                    self.permits(Permission::DownloadAnswers, path).await?;
                }
                let answer = self.answer(name).await?;
                let (entry, listing) = answer.ok_or_else(|| LandError::NotFound { path: path.to_string() })?;
                let key = listing.answer.map(|answer| answer.object_key).unwrap_or_default();
                (key, entry.modified, listing.id)
            }
        };
        let original = self
            .0
            .dropbox
            .0
            .originals
            .open(&key)
            .await
            .map_err(|error| LandError::unavailable("open an original", &error))?;
        Ok(Download::new(self.clone(), original, path.to_string(), modified, file))
    }

    /// Opens an upload.
    ///
    /// # Errors
    /// The path is no file's, the account has too many uploads open, or the server is out of room.
    pub async fn create(&self, path: &VirtualPath, how: Creation) -> Result<Upload, LandError> {
        let VirtualPath::File(name) = path else {
            return Err(LandError::refused(format!("{path} is a folder; give the file a name")));
        };
        self.permits(Permission::Upload, path).await?;
        takes_no_answers_name(name)?;
        let policy = self.policy();
        self.unless_forbidden(policy.takes_name(name), path).await?;
        Upload::open(self, name, how).await
    }

    /// Gives a file another name. A file loses its temporary name this way, and only then has arrived.
    ///
    /// # Errors
    /// There is no such file, or the other name is taken and `replace` is not set.
    pub async fn rename(&self, from: &VirtualPath, to: &VirtualPath, replace: bool) -> Result<(), LandError> {
        let (VirtualPath::File(old), VirtualPath::File(new)) = (from, to) else {
            return Err(LandError::refused("only files can be renamed; /drop stays where it is"));
        };
        self.permits(Permission::Upload, from).await?;
        takes_no_answers_name(new)?;
        let policy = self.policy();
        self.unless_forbidden(policy.takes_name(new), to).await?;
        let not_found = || LandError::NotFound { path: from.to_string() };
        let listing = self.listing(old).await?.ok_or_else(not_found)?;
        if old == new {
            return Ok(());
        }
        if !replace && self.listing(new).await?.is_some() {
            return Err(LandError::Exists { path: to.to_string() });
        }
        let event = self
            .event("upload.renamed", Severity::Info, format!("{from} renamed to {to}"))
            .file(listing.id)
            .data("from", from.to_string())
            .data("path", to.to_string());
        let renamed = self
            .0
            .dropbox
            .0
            .record
            .rename_in_drop(listing.id, &self.0.principal, new, event)
            .await
            .map_err(|error| LandError::unavailable("rename a file", &error))?;
        self.0.standing.forget_drop();
        if renamed { Ok(()) } else { Err(not_found()) }
    }

    /// Takes a file or an answer out of sight. Originals stay: this only tidies the listing.
    ///
    /// # Errors
    /// There is no such file.
    pub async fn remove(&self, path: &VirtualPath) -> Result<(), LandError> {
        let VirtualPath::File(name) = path else {
            return Err(LandError::refused(format!("{path} cannot be removed")));
        };
        self.permits(Permission::Delete, path).await?;
        let record = &self.0.dropbox.0.record;
        let not_found = || LandError::NotFound { path: path.to_string() };
        let event = |file| {
            self.event(
                "file.unlisted",
                Severity::Info,
                format!("{path} removed from the listing; its original is kept"),
            )
            .file(file)
            .data("path", path.to_string())
        };
        let removed = if let Some(listing) = self.listing(name).await? {
            record.unlist(listing.id, &self.0.principal, event(listing.id)).await
        } else if let Some((_, listing)) = self.answer(name).await? {
            record.unlist_answer(listing.id, &self.0.principal, event(listing.id)).await
        } else {
            // What was broken off is given up: it takes room of the quota, and would otherwise for a day.
            let event =
                self.event("upload.given_up", Severity::Info, format!("what was broken off of {path} is given up"));
            record.forget_partial(&self.0.principal, name, event.data("path", path.to_string())).await
        };
        self.0.standing.forget_drop();
        match removed {
            Ok(true) => Ok(()),
            Ok(false) => Err(not_found()),
            Err(error) => Err(LandError::unavailable("take a file out of a listing", &error)),
        }
    }

    /// Says that the connection has ended, and why.
    pub async fn end(&self, reason: &str) {
        let event = self
            .event("session.ended", Severity::Info, format!("{} left: {reason}", self.0.login))
            .data("reason", reason)
            .data("files", self.0.files.load(Ordering::Relaxed))
            .data("bytes", self.0.bytes.load(Ordering::Relaxed))
            .took(self.0.started.elapsed());
        if let Err(error) = self.0.dropbox.0.record.tell(vec![event]).await {
            tracing::error!(error = &error as &dyn std::error::Error, "could not note the end of a session");
        }
    }

    /// An event of this session, who and where filled in.
    pub(super) fn event(&self, kind: &str, sev: Severity, msg: impl Into<String>) -> Event {
        let mut event = Event::new(kind, sev, msg).org(self.0.organisation);
        event.session = Some(self.0.id);
        event.user = Some(self.0.login.clone());
        event.proto = Some(self.0.peer.door.as_str().to_owned());
        event.ip = Some(self.0.peer.address.ip().to_string());
        event
    }

    pub(super) async fn listing(&self, name: &FileName) -> Result<Option<Listing>, LandError> {
        let record = &self.0.dropbox.0.record;
        record
            .in_drop(&self.0.principal, name.as_str(), self.listed_since())
            .await
            .map_err(|error| LandError::unavailable("look for a file", &error))
    }

    /// The answer of this name, with the file it answers.
    async fn answer(&self, name: &FileName) -> Result<Option<(Entry, Listing)>, LandError> {
        let Some(base) = ANSWER_SUFFIXES.iter().find_map(|suffix| name.as_str().strip_suffix(suffix)) else {
            return Ok(None);
        };
        let Ok(base) = FileName::parse(base) else { return Ok(None) };
        let Some(listing) = self.listing(&base).await? else { return Ok(None) };
        let entry = entries_of(listing.clone()).into_iter().find(|entry| entry.name == name.as_str());
        Ok(entry.map(|entry| (entry, listing)))
    }

    /// How far a broken-off upload of this name came, and when it was begun.
    async fn broken_off(&self, name: &FileName) -> Result<Option<(Entry, Timestamp)>, LandError> {
        let inner = &self.0.dropbox.0;
        let since = Timestamp::now().plus_micros(-self.0.settings.resume.micros());
        let partial = inner
            .record
            .partial_upload(&self.0.principal, name, &inner.node, since)
            .await
            .map_err(|error| LandError::unavailable("look for a broken-off upload", &error))?;
        Ok(partial.and_then(|partial| {
            let size_bytes = std::fs::metadata(inner.spool_path(partial.id)).ok()?.len();
            let name = name.as_str().to_owned();
            let entry = Entry { name, kind: EntryKind::File, size_bytes, modified: partial.opened_at };
            Some((entry, partial.opened_at))
        }))
    }

    fn listed_since(&self) -> Timestamp {
        self.0.dropbox.listed_since()
    }
}

fn folder_entry(name: &str) -> Entry {
    Entry { name: name.to_owned(), kind: EntryKind::Folder, size_bytes: 0, modified: Timestamp::now() }
}

fn file_entry(listing: &Listing) -> Entry {
    Entry {
        name: listing.name.clone(),
        kind: EntryKind::File,
        size_bytes: listing.size_bytes,
        modified: listing.committed_at,
    }
}

fn entries_of(listing: Listing) -> Vec<Entry> {
    let mut entries = vec![file_entry(&listing)];
    entries.extend(listing.answer.map(|answer| Entry {
        name: format!("{}{}", listing.name, answer.suffix),
        kind: EntryKind::File,
        size_bytes: answer.size_bytes,
        modified: answer.published_at,
    }));
    entries
}
