//! `waybill demo`: the real daemon on embedded defaults, with one payer and one supplier, taking the shipped
//! fixtures through its own SFTP door. Nothing in it is pretended.

mod sender;
mod shipment;

use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use self::sender::Sender;
use self::shipment::{SHIPMENT, Shipped};
use super::Exit;
use super::serve::runtime;
use crate::config::{Config, LogFormat};
use crate::daemon::{House, Ready, told_to_end};
use crate::domain::bearer::Bearer;
use crate::domain::{Scope, SessionId, counted};
use crate::land::credential::hash_password;
use crate::record::{FileFilter, FileRow, FileStatus, Record};
use crate::telemetry;

/// Shows what Waybill does: starts it, sends it files, and leaves it running
///
/// Opens a fresh gateway in a temporary folder with a payer and a supplier, drops the shipped example files
/// through its own SFTP door, and shows what became of each. Then it stays up: try the `sftp` line it
/// prints, look at the API, and stop it with Ctrl-C, which also removes the folder.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Demo {
    /// Keep everything in this folder, which must not hold a gateway yet, instead of a temporary one
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// Where SFTP listens; by default 127.0.0.1:2222, or any free port when that is taken
    #[arg(long, value_name = "ADDRESS")]
    sftp_listen: Option<SocketAddr>,

    /// Where the API listens; by default 127.0.0.1:8080, or any free port when that is taken
    #[arg(long, value_name = "ADDRESS")]
    http_listen: Option<SocketAddr>,

    /// Stop once every file has its answer
    #[arg(long)]
    once: bool,

    /// One JSON object a line: the logins, each file's outcome, the doors
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  waybill demo                      see it work, then try it yourself
  waybill demo --once               the same as a test: stop after the last answer
  waybill demo --data ./playground  keep what it did

Exit codes: 0 every file had its answer, 2 something did not work (the reason is on standard error).";

/// How long the demo waits for the answer to a file.
const PATIENCE: Duration = Duration::from_secs(60);

/// Somebody who sends files in the demo.
struct Player {
    organisation: &'static str,
    kind: &'static str,
    login: &'static str,
    password: String,
    token: String,
}

impl Demo {
    pub(super) fn run(&self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let mut config = Config::load(None, std::env::vars())?;
        // Nobody can have made this folder before us: its name is chance.
        let chance = SessionId::random().to_string().to_lowercase();
        let temporary = std::env::temp_dir().join(format!("waybill-demo-{}", chance.trim_start_matches("ses_")));
        config.store.data = self.data.clone().unwrap_or_else(|| temporary.clone());
        if config.store.data.join("waybill.db").exists() {
            bail!("{} holds a gateway already; give the demo a new folder", config.store.data.display());
        }
        config.sftp.listen = self.sftp_listen.unwrap_or_else(|| free_or_any(config.sftp.listen));
        config.http.listen = self.http_listen.unwrap_or_else(|| free_or_any(config.http.listen));
        config.log.format = LogFormat::Short;
        if std::env::var_os("WAYBILL_LOG_FILTER").is_none() {
            config.log.filter = "error".to_owned();
        }
        telemetry::start(&config.log).map_err(anyhow::Error::msg)?;
        let shown = runtime()?.block_on(self.play(config, out));
        if self.data.is_none() {
            let _ = std::fs::remove_dir_all(&temporary);
        }
        shown.map(|()| Exit::Ok)
    }

    async fn play(&self, config: Config, out: &mut dyn Write) -> anyhow::Result<()> {
        let told = told_to_end().context("could not listen to signals")?;
        let house = House::open(config).await?;
        let (ready, record) = (house.ready().clone(), house.record().clone());
        let shutdown = CancellationToken::new();
        let daemon = tokio::spawn(house.run(shutdown.clone(), None));
        let players = cast(&record).await?;
        let sftp = ready.address("sftp").context("the SFTP door is switched off; the demo needs it")?;
        self.welcome(out, &players, &ready)?;
        let sent = tokio::select! {
            sent = self.send_all(out, &players, &record, sftp, &ready) => sent,
            () = told.cancelled() => Ok(()),
        };
        if sent.is_ok() && !self.once && !told.is_cancelled() {
            self.goodbye(out, &players, &ready)?;
            told.cancelled().await;
        }
        shutdown.cancel();
        daemon.await.context("the daemon ended unexpectedly")?;
        sent
    }

    async fn send_all(
        &self,
        out: &mut dyn Write,
        players: &[Player],
        record: &Record,
        sftp: SocketAddr,
        ready: &Ready,
    ) -> anyhow::Result<()> {
        let fingerprint = ready.doors.iter().find_map(|door| door.fingerprint.clone()).unwrap_or_default();
        let progress = self.progress();
        for player in players {
            let mut sender = Sender::connect(sftp, &fingerprint, player.login, &player.password).await?;
            for shipped in SHIPMENT.iter().filter(|shipped| shipped.login == player.login) {
                progress.set_message(shipped.name);
                let started = Instant::now();
                sender.put(shipped.name, shipped.content).await?;
                let file = answered(record, shipped.name).await?;
                let took = started.elapsed();
                let answer = sender.get(file.answer.as_deref().unwrap_or_default()).await?;
                progress.suspend(|| self.outcome(out, shipped, &file, &answer, took))?;
                progress.inc(1);
            }
            sender.leave().await;
        }
        progress.finish_and_clear();
        Ok(())
    }

    fn progress(&self) -> ProgressBar {
        if self.json || !std::io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::new(SHIPMENT.len() as u64);
        if let Ok(style) = ProgressStyle::with_template("{bar:24} {pos}/{len} {msg}") {
            bar.set_style(style);
        }
        bar
    }

    fn welcome(&self, out: &mut dyn Write, players: &[Player], ready: &Ready) -> std::io::Result<()> {
        if self.json {
            for player in players {
                let line = json!({"event": "login", "organisation": player.organisation, "kind": player.kind,
                    "login": player.login, "password": player.password, "token": player.token});
                writeln!(out, "{line}")?;
            }
            return out.flush();
        }
        writeln!(out, "A gateway of your own, in {}\n", ready.data.display())?;
        for player in players {
            let Player { kind, organisation, login, password, .. } = player;
            writeln!(out, "  {kind:<9} {organisation:<16} login {login:<10} password {password}")?;
        }
        writeln!(out, "\nDropping the shipped examples over SFTP:\n")?;
        out.flush()
    }

    fn outcome(
        &self,
        out: &mut dyn Write,
        shipped: &Shipped,
        file: &FileRow,
        answer: &str,
        took: Duration,
    ) -> std::io::Result<()> {
        let answer_name = file.answer.as_deref().unwrap_or("");
        if self.json {
            let line = json!({"event": "file", "name": file.name, "login": shipped.login, "id": file.id,
                "status": file.status.as_str(), "format": file.format, "documents": file.documents,
                "errors": file.errors, "warnings": file.warnings, "answer": answer_name,
                "took_ms": u64::try_from(took.as_millis()).unwrap_or(u64::MAX)});
            writeln!(out, "{line}")?;
            return out.flush();
        }
        let (mark, format) = (if file.errors == 0 { '✓' } else { '✗' }, file.format.as_deref().unwrap_or("unknown"));
        writeln!(
            out,
            "  {mark} {:<10} {:<20} {format:<15} {}, {}   {} ms",
            shipped.login,
            file.name,
            counted(file.documents, "document"),
            counted(file.errors, "error"),
            took.as_millis()
        )?;
        writeln!(out, "      {}{}", shipped.about, if file.errors == 0 { "" } else { "; the answer beside it says:" })?;
        for row in errors_of(answer) {
            writeln!(out, "        {row}")?;
        }
        out.flush()
    }

    fn goodbye(&self, out: &mut dyn Write, players: &[Player], ready: &Ready) -> std::io::Result<()> {
        let sftp = ready.address("sftp");
        let url = ready.doors.iter().find_map(|door| door.url.clone()).unwrap_or_default();
        if self.json {
            writeln!(out, "{}", json!({"event": "ready", "doors": ready.doors}))?;
            return out.flush();
        }
        let Some(supplier) = players.iter().find(|player| player.kind == "supplier") else { return Ok(()) };
        let port = sftp.map_or(0, |address| address.port());
        writeln!(out, "\nIt is still running. Now you:\n")?;
        writeln!(out, "  sftp -P {port} {}@127.0.0.1        (password {})", supplier.login, supplier.password)?;
        writeln!(out, "    put an invoice, wait a moment, `ls`: the answer stands beside it\n")?;
        writeln!(out, "  curl -H 'Authorization: Bearer {}' '{url}/v1/invoices?limit=5'\n", supplier.token)?;
        writeln!(out, "  {url}/v1/openapi.json")?;
        let program = std::env::args().next().unwrap_or_else(|| "waybill".to_owned());
        writeln!(out, "  {program} tail -f --data {}", ready.data.display())?;
        writeln!(out, "\nCtrl-C stops it.")?;
        out.flush()
    }
}

/// A payer and a supplier, each with a login and an API token.
async fn cast(record: &Record) -> anyhow::Result<Vec<Player>> {
    let mut players = vec![];
    for (organisation, kind, login) in
        [("Northwind Mills", "supplier", "northwind"), ("Harbour Foods", "payer", "harbour")]
    {
        // Twelve characters of chance, 60 bits: enough for a gateway on loopback that lives an afternoon.
        let password: String = SessionId::random().to_string().to_lowercase().chars().rev().take(12).collect();
        let hash = hash_password(&password).map_err(anyhow::Error::msg)?;
        let row = record.add_organisation(organisation, kind).await?;
        record.add_account(row.id, login, Some(&hash), &[]).await?;
        let token = Bearer::mint()?;
        record.add_token(Some(row.id), "demo", token.id(), &token.secret_sha256(), None).await?;
        players.push(Player { organisation, kind, login, password, token: token.text() });
    }
    Ok(players)
}

/// The file of this name, once it has been read.
async fn answered(record: &Record, name: &str) -> anyhow::Result<FileRow> {
    let scope = Scope::operator("demo");
    let filter = FileFilter { name: Some(name.to_owned()), ..FileFilter::default() };
    let mut news = record.follow();
    let started = Instant::now();
    loop {
        let file = record.files(&scope, &filter, None, 1).await?.rows.into_iter().next();
        if let Some(file) = file
            && !matches!(file.status, FileStatus::Stored | FileStatus::Parsing | FileStatus::Held)
        {
            return Ok(file);
        }
        if started.elapsed() > PATIENCE {
            bail!("there is no answer to {name} after {PATIENCE:?}; `waybill tail` on the folder tells why");
        }
        let _ = tokio::time::timeout(Duration::from_secs(1), news.changed()).await;
    }
}

/// The errors an errors file lists, a line each.
fn errors_of(answer: &str) -> Vec<String> {
    let mut table = csv::Reader::from_reader(answer.as_bytes());
    let cell = |row: &csv::StringRecord, column: usize| row.get(column).unwrap_or("").to_owned();
    table
        .records()
        .flatten()
        .filter(|row| row.get(2) == Some("error"))
        .map(|row| format!("line {} {}: {}", cell(&row, 0), cell(&row, 1), cell(&row, 5)))
        .collect()
}

/// This address, or the same host with any free port when it is taken.
fn free_or_any(address: SocketAddr) -> SocketAddr {
    match std::net::TcpListener::bind(address) {
        Ok(_) => address,
        Err(_) => SocketAddr::new(address.ip(), 0),
    }
}
