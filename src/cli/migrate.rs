//! `waybill migrate`: brings the schema of a store up to date, or says how it stands.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::serve::runtime;
use super::{Exit, screen};
use crate::config;
use crate::record::{Record, Schema};

/// Bring the schema of a store up to date
///
/// Says which version the database has and which one this Waybill knows, and takes the steps between them, all in one
/// transaction. A daemon does the same when it starts, unless `store.migrate_at_start` is false. There is no way back:
/// back it up first. A newer schema is refused.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Migrate {
    /// The data folder of a daemon: its database, or the one it was last told to use [default: as the settings say]
    #[arg(long, env = "WAYBILL_DATA", value_name = "DIR")]
    data: Option<PathBuf>,

    /// The settings that name the store
    #[arg(long, env = "WAYBILL_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    /// Only say how it stands, and change nothing
    #[arg(long)]
    check: bool,

    /// Print one JSON object: place, found, known, now
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  waybill migrate --check --config /etc/waybill/waybill.toml
  waybill migrate --config /etc/waybill/waybill.toml
  waybill migrate --data /var/lib/waybill --json

Exit codes: 0 up to date, 1 it is older (with --check), 2 it is newer, or cannot be reached.";

/// How the schema stands.
#[derive(Debug, Serialize)]
struct Stands<'a> {
    place: &'a str,
    found: i64,
    known: i64,
    now: i64,
}

impl Migrate {
    pub(super) fn run(&self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let store = store_of(self.config.as_ref(), self.data.as_ref())?;
        let before = runtime()?.block_on(async {
            if self.check { Record::schema(&store).await } else { Record::migrate(&store).await }
        })?;
        let Schema { place, found, known } = &before;
        if found > known {
            before.refuse_another()?;
            return Ok(Exit::Unusable);
        }
        let now = if self.check { *found } else { *known };
        if self.json {
            super::json_line(out, &Stands { place, found: *found, known: *known, now })?;
        } else {
            let place = screen::safe(place);
            match (found, now) {
                (_, now) if now < *known => {
                    writeln!(out, "{place}: schema {found}, this Waybill needs {known}; run `waybill migrate`")?;
                }
                (found, now) if *found == now => writeln!(out, "{place}: schema {now}, up to date")?,
                (found, now) => writeln!(out, "{place}: schema {now}, was {found}")?,
            }
        }
        Ok(if now < *known { Exit::Findings } else { Exit::Ok })
    }
}

/// The store that a file of settings, the environment and a data folder name together.
pub(super) fn store_of(config: Option<&PathBuf>, data: Option<&PathBuf>) -> anyhow::Result<config::Store> {
    let mut environment: Vec<(String, String)> = std::env::vars().collect();
    if let Some(config) = config {
        environment.retain(|(name, _)| name != "WAYBILL_CONFIG");
        environment.push(("WAYBILL_CONFIG".to_owned(), config.display().to_string()));
    }
    let data = match data {
        Some(data) => data.clone(),
        None => config::Config::load(config.map(PathBuf::as_path), environment.iter().cloned())?.store.data,
    };
    Ok(config::Store::of_folder(&data, environment)?)
}
