//! `waybill serve`: the daemon.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::Exit;
use crate::config::Config;
use crate::daemon::{House, Reloading, told_to_end};
use crate::telemetry;

/// Opens the doors: SFTP and FTPS for files, HTTP for the API
///
/// Needs no configuration: everything rests in one folder (./waybill-data unless you say otherwise). Each
/// door says where it listens once it is open, and <DATA>/ready.json says the same for scripts. Stop it
/// with Ctrl-C or SIGTERM: uploads under way are finished first. SIGHUP (`waybill reload`) reads the settings again.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Serve {
    /// The settings; config/waybill.toml shows them all at their defaults
    #[arg(long, env = "WAYBILL_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    /// The folder everything rests in
    #[arg(long, env = "WAYBILL_DATA", value_name = "DIR")]
    data: Option<PathBuf>,

    /// Where SFTP listens; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS")]
    sftp_listen: Option<SocketAddr>,

    /// Opens the FTPS door, here; it is off otherwise unless the settings open it
    #[arg(long, value_name = "ADDRESS")]
    ftps_listen: Option<SocketAddr>,

    /// Where the API listens
    #[arg(long, value_name = "ADDRESS")]
    http_listen: Option<SocketAddr>,
}

const EXAMPLES: &str = "\
Examples:
  waybill serve                                    everything at its default
  waybill serve --data /var/lib/waybill            another folder
  waybill serve --config /etc/waybill/waybill.toml
  waybill serve --ftps-listen 127.0.0.1:2121       FTP over TLS too
  WAYBILL_SFTP_LISTEN=0.0.0.0:22 waybill serve     any setting, from the environment

Exit codes: 0 stopped when told to, 2 could not start (the reason is on standard error).";

impl Serve {
    /// The settings: the file's, the environment's, and what was typed.
    fn settings(&self) -> anyhow::Result<Config> {
        let mut config = Config::load(self.config.as_deref(), std::env::vars())?;
        if let Some(data) = &self.data {
            config.store.data.clone_from(data);
        }
        config.sftp.listen = self.sftp_listen.unwrap_or(config.sftp.listen);
        if let Some(listen) = self.ftps_listen {
            config.ftps.enabled = true;
            config.ftps.listen = listen;
        }
        config.http.listen = self.http_listen.unwrap_or(config.http.listen);
        Ok(config)
    }

    pub(super) fn run(&self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let config = self.settings()?;
        telemetry::start(&config.log).map_err(anyhow::Error::msg)?;
        runtime()?.block_on(async {
            let shutdown = told_to_end().context("could not listen to signals")?;
            let serve = self.clone();
            let reloading = Reloading::on_sighup(move || serve.settings()).context("could not listen to signals")?;
            let house = House::open(config).await?;
            for door in &house.ready().doors {
                let more = door.fingerprint.as_deref().or(door.url.as_deref()).unwrap_or("");
                writeln!(out, "ready {} {} {more}", door.door, door.address)?;
            }
            out.flush()?;
            house.run(shutdown, Some(reloading)).await;
            Ok(Exit::Ok)
        })
    }
}

/// The threads everything runs on.
pub(super) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("could not start the runtime")
}
