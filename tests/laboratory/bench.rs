//! What is under test: one daemon with SQLite and a directory, on a good disk or a bad one, or two with PostgreSQL and a
//! bucket.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use waybill::domain::Digest;

use super::forgetful::Forgetful;
use super::small::Small;
use crate::house::House;
use crate::openssh;
use crate::postgres::Postgres;
use crate::s3_server::S3Server;

/// What daemons stand on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Store {
    /// One daemon, SQLite, a directory.
    Embedded,
    /// The same, on a disk that forgets what was not synced when the power goes.
    Forgetful,
    /// The same, on a disk that is full before long.
    Small,
    /// Two daemons, PostgreSQL, a bucket.
    Shared,
}

/// Daemons and what they stand on.
pub(crate) struct Bench {
    pub(crate) houses: Vec<House>,
    pub(crate) s3: Option<S3Server>,
    postgres: Option<Postgres>,
    disk: Option<Disk>,
}

/// A disk that is worse than others.
enum Disk {
    Forgetful(Forgetful),
    Small(Small),
}

impl Disk {
    /// Mounts what the store wants, if anything.
    fn mount(store: Store, at: &Path) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        match store {
            Store::Forgetful => Some(Self::Forgetful(Forgetful::mount(at).expect("FUSE: /dev/fuse, and root"))),
            Store::Small => Some(Self::Small(Small::mount(at).expect("mount, which wants root"))),
            Store::Embedded | Store::Shared => None,
        }
    }
}

pub(crate) const LOGIN: &str = "northwind";

impl Bench {
    /// `s3_through`: where the bucket is reached, if not directly, given where it is.
    pub(crate) fn set_up(
        store: Store,
        settings: &[(&str, &str)],
        s3_through: impl FnOnce(SocketAddr) -> SocketAddr,
    ) -> Self {
        let mut all = vec![
            ("WAYBILL_INGEST_LEASE".to_owned(), "1 s".to_owned()),
            ("WAYBILL_INGEST_POLL".to_owned(), "200 ms".to_owned()),
            // Attempts that kills interrupted are not the file's fault.
            ("WAYBILL_INGEST_ATTEMPTS_MAX".to_owned(), "1000000".to_owned()),
        ];
        all.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let (mut s3, mut postgres) = (None, None);
        if store == Store::Shared {
            let server = S3Server::start();
            all.extend(S3Server::settings(s3_through(server.address())));
            let cluster = Postgres::start();
            all.push(("WAYBILL_STORE_DATABASE".to_owned(), cluster.database()));
            (s3, postgres) = (Some(server), Some(cluster));
        }
        let borrowed: Vec<(&str, &str)> = all.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let nodes = if store == Store::Shared { 2 } else { 1 };
        let mut disk = None;
        let houses: Vec<House> =
            (0..nodes).map(|_| House::over(&borrowed, |data| disk = Disk::mount(store, data))).collect();
        openssh::supplier(&houses[0], LOGIN);
        Self { houses, s3, postgres, disk }
    }

    /// Why this machine cannot give what a store stands on, if it cannot.
    pub(crate) fn lacks(store: Store) -> Option<&'static str> {
        let folder = tempfile::tempdir().unwrap();
        match store {
            Store::Forgetful => Forgetful::mount(folder.path()).is_none().then_some("no FUSE for us here"),
            Store::Small => Small::mount(folder.path()).is_none().then_some("nobody may mount a tmpfs here"),
            Store::Embedded | Store::Shared => None,
        }
    }

    /// The power of the first daemon's machine goes and comes back: the daemon is dead, and its disk has forgotten.
    pub(crate) fn cut_power(&mut self) -> usize {
        let Some(Disk::Forgetful(disk)) = &mut self.disk else { return 0 };
        let house = &mut self.houses[0];
        house.kill_if_up();
        house.look_away(|| disk.cut());
        1
    }

    /// Whether the disk has less room than this many bytes.
    pub(crate) fn is_full(&self, bytes: u64) -> bool {
        matches!(&self.disk, Some(Disk::Small(disk)) if disk.free() < bytes)
    }

    /// Makes room on a full disk.
    pub(crate) fn make_room(&mut self) {
        if let Some(Disk::Small(disk)) = &mut self.disk {
            disk.grow();
        }
    }

    /// The key of the account that sends.
    pub(crate) fn key(&self) -> PathBuf {
        self.houses[0].folder().join(format!("{LOGIN}.key"))
    }

    /// PostgreSQL ends at once, as in a power cut of its machine, and comes back.
    pub(crate) fn crash_postgres(&self) -> usize {
        let Some(postgres) = &self.postgres else { return 0 };
        postgres.control(&["restart", "-w", "-m", "immediate"]);
        1
    }

    /// PostgreSQL cuts some of the daemons' connections, whatever they are doing; how many.
    pub(crate) fn cut_connections(&self, at_most: usize) -> usize {
        let Some(postgres) = &self.postgres else { return 0 };
        postgres.cut_connections(at_most)
    }

    /// The digest of what rests under a key, read past the daemon.
    pub(crate) fn digest_of(&self, object_key: &str) -> Option<Digest> {
        let path = match &self.s3 {
            Some(s3) => s3.bucket().join("house").join(object_key),
            None => {
                let (folder, name) = object_key.rsplit_once('/').unwrap();
                let stem = name.split('.').next().unwrap();
                self.houses[0].data().join("originals").join(folder).join(&stem[stem.len() - 2..]).join(name)
            }
        };
        std::fs::read(path).ok().map(|content| Digest::of(&content))
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        for house in &mut self.houses {
            house.kill_if_up();
        }
        self.disk = None;
    }
}
