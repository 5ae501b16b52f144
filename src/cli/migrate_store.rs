//! `waybill migrate-store`: moves an embedded house to PostgreSQL, to a bucket, or to both.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Serialize;

use super::backup::{Damage, PAGE, Wanted, digest_of, digest_of_file};
use super::serve::runtime;
use super::{Exit, progress, screen};
use crate::config::{Config, Shelf};
use crate::daemon::lock;
use crate::domain::{chain, counted};
use crate::originals::Originals;
use crate::record::{Counted, Move, NamedObject, ObjectKind, Record};

/// Move an embedded house to PostgreSQL, to S3, or to both
///
/// Copies what the data folder holds to where the settings in CONFIG say: the database row by row, originals and answers
/// one by one, each compared with its SHA-256. The daemon must be stopped meanwhile. Nothing is changed in the data
/// folder. Broken off at any moment, it goes on when it is run again; no daemon runs on the new store before all of it
/// is there.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct MigrateStore {
    /// The data folder of the house, whose daemon is stopped
    #[arg(long, env = "WAYBILL_DATA", value_name = "DIR", default_value = "waybill-data")]
    data: PathBuf,

    /// The settings of the house as it will be; only [store] and [s3] are looked at, and nothing of the environment
    #[arg(long, value_name = "CONFIG")]
    to: PathBuf,

    /// End it although some originals are damaged or gone in the data folder
    #[arg(long)]
    without_damaged: bool,

    /// Print one JSON object: ready, rows, objects, sent, bytes, damaged
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  systemctl stop waybill
  waybill backup --data /var/lib/waybill /mnt/backup/waybill
  waybill migrate-store --data /var/lib/waybill --to /etc/waybill/new.toml
  waybill serve --config /etc/waybill/new.toml

Exit codes: 0 all of it is there, 1 some originals are damaged or gone (each is named) and it was not ended, 2 it was not
moved: run it again.";

/// Objects sent at once.
const AT_ONCE: usize = 8;

#[derive(Debug, Default, Serialize)]
struct Moved {
    ready: bool,
    rows: Vec<Rows>,
    objects: u64,
    /// Of the objects, those that were not there before.
    sent: u64,
    bytes: u64,
    damaged: Damage,
}

#[derive(Debug, Serialize)]
struct Rows {
    table: String,
    rows: i64,
}

/// What one object came to.
enum Sent {
    There(u64),
    New(u64),
    Bad(String),
}

impl MigrateStore {
    pub(super) fn run(&self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        if !self.data.join("waybill.db").is_file() {
            bail!("there is no waybill.db in {}; name a daemon's data folder with --data", self.data.display());
        }
        let target = Config::load(Some(&self.to), [])?;
        let store = &target.store;
        let (to_server, to_bucket) = (!store.database.is_empty(), store.originals == Shelf::S3);
        if !to_server && !to_bucket {
            bail!(
                "{} names neither store.database nor store.originals = \"s3\": there is nothing to move to",
                self.to.display()
            );
        }
        if to_server != to_bucket && !is_same(&store.data, &self.data) {
            let stays = if to_server { "originals" } else { "database" };
            bail!(
                "the {stays} would stay in {}, and store.data in {} is {}; make it the same folder",
                self.data.display(),
                self.to.display(),
                store.data.display()
            );
        }
        let _lock = lock(&self.data).context("stop the daemon first")?;
        let moved = runtime()?.block_on(self.go(&target, to_server, to_bucket))?;
        if self.json {
            super::json_line(out, &moved)?;
        } else {
            moved.damaged.tell(out)?;
            for rows in &moved.rows {
                writeln!(out, "{:20} {}", rows.table, counted(rows.rows.unsigned_abs(), "row"))?;
            }
            if to_bucket {
                let objects = counted(moved.objects, "object");
                writeln!(out, "{objects}, {} bytes, {} of them sent now", moved.bytes, moved.sent)?;
            }
            let config = self.to.display().to_string();
            match moved.ready {
                true => writeln!(out, "all of it is there; start the daemon with {}", screen::safe(&config))?,
                false => writeln!(out, "not ended: mend what is damaged, or say --without-damaged")?,
            }
        }
        Ok(if self.without_damaged && moved.ready { Exit::Ok } else { moved.damaged.exit() })
    }

    async fn go(&self, target: &Config, to_server: bool, to_bucket: bool) -> anyhow::Result<Moved> {
        let stood = stood(&self.data)?;
        let from = Record::open_still(&self.data, 1).await.context("the house's own database")?;
        let moving = if to_server { Some(Move::begin(from.clone(), &target.store, &stood).await?) } else { None };
        let mut moved = Moved::default();
        if let Some(moving) = &moving
            && !moving.is_over()
        {
            let bar = progress::bar(moving.total().await?, self.json);
            moving
                .rows(|table, done| {
                    bar.set_message(table.to_owned());
                    bar.inc(done);
                })
                .await?;
            bar.finish_and_clear();
        }
        if to_bucket {
            self.objects(&from, target, &mut moved).await?;
        }
        if let Some(moving) = &moving {
            // Once it was ended, a daemon may have gone on with it.
            if !moving.is_over() {
                let counted = moving.counted().await?;
                let differ = |counted: &&Counted| counted.from != counted.to;
                if let Some(Counted { table, from, to }) = counted.iter().find(differ) {
                    bail!("{table} has {from} rows here and {to} there; was the database written to meanwhile?");
                }
                let rows = |counted: Counted| Rows { table: counted.table, rows: counted.from };
                moved.rows = counted.into_iter().map(rows).collect();
            }
            moved.ready = moving.is_over();
        }
        if moved.damaged.count == 0 || self.without_damaged {
            if let Some(moving) = moving.as_ref().filter(|moving| !moving.is_over()) {
                moving.end().await?;
            }
            moved.ready = true;
        }
        if let Some(moving) = moving {
            moving.close().await;
        }
        from.close().await;
        Ok(moved)
    }

    async fn objects(&self, record: &Record, target: &Config, moved: &mut Moved) -> anyhow::Result<()> {
        let from = Originals::directory(&self.data)?;
        let to = Originals::of(&target.store, &target.s3).await.context("could not open the bucket")?;
        let bar = progress::bar(record.objects().await?, self.json);
        bar.set_message("originals");
        for kind in [ObjectKind::Original, ObjectKind::Answer] {
            let mut after = String::new();
            loop {
                let page = record.objects_after(kind, &after, PAGE).await?;
                let Some(last) = page.last() else { break };
                after.clone_from(&last.id);
                let mut sent = stream::iter(page)
                    .map(|object| {
                        let (from, to, bar) = (&from, &to, &bar);
                        async move {
                            let sent = send(from, to, &object).await;
                            bar.inc(1);
                            sent.with_context(|| format!("could not move {}", object.key))
                        }
                    })
                    .buffer_unordered(AT_ONCE);
                while let Some(one) = sent.try_next().await? {
                    let (is_new, bytes) = match one {
                        Sent::There(bytes) => (0, bytes),
                        Sent::New(bytes) => (1, bytes),
                        Sent::Bad(why) => {
                            moved.damaged.push(why);
                            continue;
                        }
                    };
                    moved.objects += 1;
                    moved.sent += is_new;
                    moved.bytes += bytes;
                }
            }
        }
        bar.finish_and_clear();
        Ok(())
    }
}

/// Sends an object, unless it is there. What the source has is read and compared before, what the target has by the
/// digest it was put with, or, where it keeps none of the whole, by reading it.
async fn send(from: &Originals, to: &Originals, object: &NamedObject) -> anyhow::Result<Sent> {
    let key = object.key.as_str();
    let wanted = Wanted { key: object.key.clone(), size_bytes: object.size_bytes, digest: object.digest, known: None };
    let Some(path) = from.path_of(key) else { bail!("{key} is no key of this shelf") };
    let staged = path.clone();
    let digest = match tokio::task::spawn_blocking(move || digest_of_file(&path)).await? {
        Ok((digest, size_bytes)) => match wanted.differs(digest, size_bytes) {
            None => digest,
            Some(bad) => return Ok(Sent::Bad(bad)),
        },
        Err(error) => return Ok(Sent::Bad(format!("{key}: {}", chain(&error)))),
    };
    let mut is_new = false;
    if to.look(key).await?.is_none() {
        to.sending(key.to_owned()).finish(&staged, object.size_bytes, digest).await?;
        is_new = true;
    }
    let there = to.look(key).await?.with_context(|| format!("{key} was put, and is not there"))?;
    let found = match there.digest {
        Some(found) => found,
        None => digest_of(to.open(key).await?).await??,
    };
    if found != digest || there.size_bytes != object.size_bytes {
        bail!("what the bucket has under {key} is another file: its SHA-256 is {found}, and should be {digest}");
    }
    Ok(if is_new { Sent::New(object.size_bytes) } else { Sent::There(object.size_bytes) })
}

/// How a database stands: whether it was written to since.
fn stood(data: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    for name in ["waybill.db", "waybill.db-wal"] {
        let path = data.join(name);
        let found = match std::fs::metadata(&path) {
            Ok(found) => found,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error).with_context(|| format!("could not look at {}", path.display())),
        };
        if found.len() > 0 {
            text.push_str(&format!("{name} {} {:?};", found.len(), found.modified()?));
        }
    }
    Ok(text)
}

fn is_same(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}
