//! `waybill backup`: a copy of the embedded house in a folder, made while it runs, and made again into the same folder.
//!
//! The folder holds `originals/` as the house has it, a folder `taken-…` with the database and what else there is, and
//! the manifest, whose last step into place makes it a backup.

mod carry;
mod manifest;
mod take;
mod verify;

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::{Exit, screen};
pub(super) use carry::{Carried, Wanted, Way, carry, copy_file, digest_of, digest_of_file};
pub(super) use manifest::{Manifest, sync_folder};

/// Copy the embedded house into a folder, while it runs
///
/// What was acknowledged before it began is in it: the database at one moment, and every original and answer that it
/// names, each compared with its SHA-256. Done again into the same folder, only what is new is copied; broken off, it is
/// gone on with. `restore` makes a house of it, `backup verify` reads all of it once more.
///
/// The private keys (SSH host key, TLS key, master key) are left out unless you say --with-keys: keep them apart. A
/// house on PostgreSQL or S3 is backed up with their own means.
#[derive(Debug, Args)]
#[command(
    after_long_help = EXAMPLES,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    disable_help_subcommand = true
)]
pub(super) struct Backup {
    #[command(subcommand)]
    command: Option<More>,

    #[command(flatten)]
    take: take::Take,
}

#[derive(Debug, Subcommand)]
enum More {
    Verify(verify::Verify),
}

const EXAMPLES: &str = "\
Examples:
  waybill backup --data /var/lib/waybill /mnt/backup/waybill
  waybill backup --data /var/lib/waybill --with-keys /mnt/safe/waybill
  waybill backup verify /mnt/backup/waybill
  waybill restore /mnt/backup/waybill --data /var/lib/waybill

Exit codes: 0 all of it is there, 1 some originals are damaged or gone (each is named), 2 there is no new backup.";

impl Backup {
    pub(super) fn run(&self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        match &self.command {
            Some(More::Verify(verify)) => verify.run(out),
            None => self.take.run(out),
        }
    }
}

/// Where a backup is.
#[derive(Debug, Clone, Args)]
pub(super) struct Folder {
    /// The folder of the backup
    #[arg(value_name = "FOLDER")]
    pub(super) folder: PathBuf,
}

/// Files that are no one's but the house's, and may be in a backup.
const KEYS: [&str; 6] =
    ["ssh_host_ed25519_key", "ssh_host_ecdsa_key", "tls_cert.pem", "tls_key.pem", "master.key", "cursor.key"];
/// Which master key it is: no secret, and without it a house would quietly make another one.
const KEY_ID: &str = "master.key.id";
/// Objects on their way at once.
pub(super) const AT_ONCE: usize = 4;
/// Objects asked for at once.
pub(super) const PAGE: u32 = 500;

/// What is not whole: all of it counted, the first of it named.
#[derive(Debug, Default, Serialize)]
pub(super) struct Damage {
    pub(super) count: u64,
    named: Vec<String>,
}

/// What is named of it.
const NAMED_MAX: usize = 1_000;

impl Damage {
    pub(super) fn push(&mut self, what: String) {
        self.count += 1;
        if self.named.len() < NAMED_MAX {
            self.named.push(what);
        }
    }

    pub(super) fn extend(&mut self, all: impl IntoIterator<Item = String>) {
        all.into_iter().for_each(|what| self.push(what));
    }

    pub(super) fn tell(&self, out: &mut dyn Write) -> std::io::Result<()> {
        for what in &self.named {
            writeln!(out, "{}", screen::safe(what))?;
        }
        match self.count.saturating_sub(self.named.len() as u64) {
            0 => Ok(()),
            more => writeln!(out, "… and {more} more"),
        }
    }

    pub(super) fn exit(&self) -> Exit {
        if self.count == 0 { Exit::Ok } else { Exit::Findings }
    }
}
