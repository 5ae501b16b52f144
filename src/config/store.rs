//! Where everything rests: the folder of this node, the database, and the shelf of originals.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{ByteSize, Config, ConfigError, Span};

/// `[store]`: where everything rests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// The folder of this node: spool, host key, and all of the embedded store (database, originals).
    pub data: PathBuf,
    /// How many connections read the database at once.
    pub readers_max: u32,
    /// Where originals rest.
    pub originals: Shelf,
    /// Empty: SQLite in the data folder. Otherwise the URL of a PostgreSQL database, without a password.
    pub database: String,
    /// The file with its password; empty: none, or as `PGPASSFILE` says.
    pub database_password: PathBuf,
    /// How many connections write to PostgreSQL at once; SQLite has one.
    pub writers_max: u32,
    /// Whether a daemon brings an older schema up to date when it starts, or refuses to.
    pub migrate_at_start: bool,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            data: PathBuf::from("waybill-data"),
            readers_max: 4,
            originals: Shelf::Directory,
            database: String::new(),
            database_password: PathBuf::new(),
            writers_max: 16,
            migrate_at_start: true,
        }
    }
}

/// Where originals rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shelf {
    /// In `originals/` of the data folder.
    Directory,
    /// In a bucket: `[s3]`.
    S3,
}

/// `[s3]`: the bucket of originals. Credentials come from where AWS's own tools look for them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct S3 {
    pub bucket: String,
    /// Empty: as the environment or the instance says.
    pub region: String,
    /// Empty: AWS's own. Anything else is the URL of a server that speaks S3.
    pub endpoint: String,
    /// The bucket in the path, not in the host name; most servers that are not AWS want it.
    pub path_style: bool,
    /// What every key begins with; the organisation's own folder comes after it.
    pub prefix: String,
    /// Encryption by the server: as the bucket says, with its own key, or with a key of KMS.
    pub encryption: Encryption,
    /// The key of KMS; empty: the account's default.
    pub kms_key: String,
    /// Days for which nobody can delete an original (Object Lock); 0 for none.
    pub retention_days: u32,
    /// Who can shorten it: somebody with a special permission, or nobody.
    pub retention_mode: Retention,
    /// A file larger than this goes in parts of this size, while it still arrives. 5 MiB to 5 GiB.
    pub part: ByteSize,
    /// Parts of one file under way at once.
    pub parts_in_flight: usize,
    pub connect_timeout: Span,
    /// One request, the bytes included.
    pub request_timeout: Span,
    /// How long the end of an upload is tried again before its sender is told that it failed: senders wait 20 s.
    pub budget: Span,
}

impl Default for S3 {
    fn default() -> Self {
        Self {
            bucket: String::new(),
            region: String::new(),
            endpoint: String::new(),
            path_style: false,
            prefix: String::new(),
            encryption: Encryption::Bucket,
            kms_key: String::new(),
            retention_days: 0,
            retention_mode: Retention::Governance,
            part: ByteSize::mib(16),
            parts_in_flight: 2,
            connect_timeout: Span::seconds(3),
            request_timeout: Span::seconds(30),
            budget: Span::seconds(12),
        }
    }
}

/// Who encrypts an original where it rests (Amazon S3 User Guide, *Protecting data with encryption*).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encryption {
    /// As the bucket's own settings say.
    Bucket,
    /// SSE-S3.
    Aes256,
    /// SSE-KMS.
    Kms,
}

/// The mode of an Object Lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Retention {
    Governance,
    Compliance,
}

/// Parts of one object, at most (Amazon S3 User Guide, *Amazon S3 multipart upload limits*).
const PARTS_MAX: u64 = 10_000;

/// What a daemon leaves in its folder, for the command line to find its database by.
#[derive(Debug, Serialize, Deserialize)]
#[serde(default)]
struct Whereabouts {
    database: String,
    database_password: PathBuf,
    migrate_at_start: bool,
}

impl Default for Whereabouts {
    fn default() -> Self {
        Self { database: String::new(), database_password: PathBuf::new(), migrate_at_start: true }
    }
}

const WHEREABOUTS: &str = "store.toml";

impl Store {
    /// The store of a data folder, for the command line: as the settings say (`WAYBILL_CONFIG`, `WAYBILL_STORE_…`), or
    /// as the daemon that ran on the folder last had it.
    ///
    /// # Errors
    /// The settings cannot be read.
    pub fn of_folder(
        data: &Path,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let environment: Vec<_> = environment.into_iter().collect();
        let file = environment.iter().find(|(name, value)| name == "WAYBILL_CONFIG" && !value.is_empty());
        let file = file.map(|(_, path)| PathBuf::from(path));
        let store = Config::load(file.as_deref(), environment)?.store;
        let store = Self { data: data.to_owned(), ..store };
        let left = std::fs::read_to_string(data.join(WHEREABOUTS)).ok();
        match left.filter(|_| store.database.is_empty()).map(|text| toml::from_str::<Whereabouts>(&text)) {
            None => Ok(store),
            Some(Ok(left)) => Ok(Self {
                database: left.database,
                database_password: left.database_password,
                migrate_at_start: left.migrate_at_start,
                ..store
            }),
            Some(Err(error)) => Err(ConfigError::Parse {
                origin: data.join(WHEREABOUTS).display().to_string(),
                message: error.message().to_owned(),
            }),
        }
    }

    /// Leaves word in the data folder where the database is.
    ///
    /// # Errors
    /// The folder does not take it.
    pub fn leave_word(&self) -> std::io::Result<()> {
        let path = self.data.join(WHEREABOUTS);
        if self.database.is_empty() {
            return match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
        }
        let left = Whereabouts {
            database: self.database.clone(),
            database_password: std::path::absolute(&self.database_password).unwrap_or_default(),
            migrate_at_start: self.migrate_at_start,
        };
        let text = toml::to_string(&left).map_err(std::io::Error::other)?;
        let draft = path.with_extension("new");
        std::fs::write(&draft, text)?;
        std::fs::rename(draft, path)
    }

    /// What is wrong with these settings.
    pub(super) fn check(&self) -> Result<(), String> {
        let Some(rest) = self.database.strip_prefix("postgres://").or(self.database.strip_prefix("postgresql://"))
        else {
            return match self.database.as_str() {
                "" => Ok(()),
                _ => {
                    Err("store.database is no URL of PostgreSQL; write postgres://user@host:5432/name, or nothing for \
                          SQLite"
                        .to_owned())
                }
            };
        };
        let user = rest.split('/').next().and_then(|server| server.rsplit_once('@')).map_or("", |(user, _)| user);
        if user.contains(':') || rest.contains("password=") {
            return Err("store.database holds a password; write it into a file, and the file's name into \
                        store.database_password"
                .to_owned());
        }
        Ok(())
    }
}

impl S3 {
    /// What is wrong with these settings, where originals rest in a bucket; `file_max` is the largest file taken.
    pub(super) fn check(&self, file_max: ByteSize) -> Result<(), String> {
        if self.bucket.is_empty() {
            return Err("s3.bucket is empty, and store.originals is `s3`; name the bucket".to_owned());
        }
        if !(ByteSize::mib(5)..=ByteSize::gib(5)).contains(&self.part) {
            return Err(format!("s3.part is {}; S3 takes parts of 5 MiB to 5 GiB", self.part));
        }
        if file_max.bytes() > self.part.bytes().saturating_mul(PARTS_MAX) {
            return Err(format!(
                "land.file_max is {file_max}, which is more than {PARTS_MAX} parts of s3.part, {}; make one smaller or \
                 the other larger",
                self.part
            ));
        }
        if self.prefix.starts_with('/') || self.prefix.contains("//") {
            return Err(format!("s3.prefix is `{}`; a prefix has no empty part", self.prefix));
        }
        if !self.kms_key.is_empty() && self.encryption != Encryption::Kms {
            return Err("s3.kms_key is nothing without s3.encryption = \"kms\"; set both".to_owned());
        }
        Ok(())
    }
}
