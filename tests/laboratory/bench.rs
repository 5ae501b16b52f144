//! What is under test: one daemon with SQLite and a directory, or two with PostgreSQL and a bucket.

use std::net::SocketAddr;
use std::path::PathBuf;

use waybill::domain::Digest;

use crate::house::House;
use crate::openssh;
use crate::postgres::Postgres;
use crate::s3_server::S3Server;

/// What daemons stand on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Store {
    /// One daemon, SQLite, a directory.
    Embedded,
    /// Two daemons, PostgreSQL, a bucket.
    Shared,
}

/// Daemons and what they stand on.
pub(crate) struct Bench {
    pub(crate) houses: Vec<House>,
    pub(crate) s3: Option<S3Server>,
    postgres: Option<Postgres>,
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
        let houses: Vec<House> = (0..nodes).map(|_| House::with(&borrowed)).collect();
        openssh::supplier(&houses[0], LOGIN);
        Self { houses, s3, postgres }
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
