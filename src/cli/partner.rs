//! `waybill partner`: partners' own servers, which files are fetched from and brought to.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::moment::Clock;
use super::screen::{self, Color};
use super::serve::runtime;
use super::table::{Cell, Table};
use super::{Exit, json_line};
use crate::config::{self, Config};
use crate::daemon::{lock, post_room};
use crate::deliver::{self, Queued};
use crate::domain::{Timestamp, counted};
use crate::originals::Originals;
use crate::record::{Direction, PushState, Record, TurnRow};

/// List and try partners' servers, fetch from them, and send to them
///
/// A partner is a [[partner]] block of the settings: an SFTP or FTPS server of somebody else's, from which the daemon
/// fetches files on a schedule and to which it brings answers. Each file is taken once and sent once, whatever breaks.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES, arg_required_else_help = true)]
pub(super) struct Partner {
    #[command(subcommand)]
    action: Action,
}

const EXAMPLES: &str = "\
Examples:
  waybill partner list
  waybill partner test northwind
  waybill partner pull northwind
  waybill partner push northwind remittance.edi

Exit codes: 0 done, 1 it did not work at the partner's server, 2 unusable (no such partner, no store there).";

#[derive(Debug, Subcommand)]
enum Action {
    /// List the partners, how their last turn went, and when the next one is
    #[command(after_long_help = LIST)]
    List {
        /// Print one JSON object a line
        #[arg(long)]
        json: bool,

        #[command(flatten)]
        house: House,
    },
    /// Connect, log in and look into the folders; change nothing
    #[command(after_long_help = TEST)]
    Test {
        /// As the settings name it
        name: String,

        /// Print one JSON object a line, a step each
        #[arg(long)]
        json: bool,

        #[command(flatten)]
        house: House,
    },
    /// Fetch now, also what was refused before
    #[command(after_long_help = PULL)]
    Pull {
        /// As the settings name it
        name: String,

        /// Print how it went as a JSON object
        #[arg(long)]
        json: bool,

        #[command(flatten)]
        house: House,
    },
    /// Send files now; without any, what waits
    #[command(after_long_help = PUSH)]
    Push {
        /// As the settings name it
        name: String,

        /// They are sent under the names they have
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,

        /// Send them once more, even if the same bytes were sent under the same name before
        #[arg(long)]
        again: bool,

        /// Print one JSON object a line, a file each
        #[arg(long)]
        json: bool,

        #[command(flatten)]
        house: House,
    },
}

const LIST: &str = "\
Examples:
  waybill partner list
  waybill partner list --json | jq -r 'select(.failures > 0) | .partner + \": \" + .failure'

Exit codes: 0 listed, 2 unusable (no store there, broken settings).";

const TEST: &str = "\
Examples:
  waybill partner test northwind
  waybill partner test northwind --json --config /etc/waybill/waybill.toml

Exit codes: 0 everything works, 1 something does not, 2 unusable (no such partner, broken settings).";

const PULL: &str = "\
Examples:
  waybill partner pull northwind
  waybill partner pull northwind --json | jq .files

The daemon does it, if one runs on the folder; otherwise this command does.

Exit codes: 0 fetched, 1 it did not work, 2 unusable (no such partner, no store there).";

const PUSH: &str = "\
Examples:
  waybill partner push northwind remittance.edi vouchers.csv
  waybill partner push northwind remittance.edi --again
  waybill partner push northwind

What is in line is sent even if this command is ended. The daemon sends it, if one runs on the folder; otherwise this
command does.

Exit codes: 0 sent, now or before, 1 it did not work and is tried again, 2 unusable (no such partner, no such file).";

/// Where the settings and the store are.
#[derive(Debug, Args)]
#[command(next_help_heading = "Where to look")]
struct House {
    /// The settings that name the partners
    #[arg(long, env = "WAYBILL_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    /// The daemon's data folder, if the settings do not say
    #[arg(long, env = "WAYBILL_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
}

/// How long a daemon may take to begin with what it was asked for.
const PATIENCE: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(100);

impl House {
    fn settings(&self) -> anyhow::Result<Config> {
        let mut environment: Vec<(String, String)> = std::env::vars().collect();
        if let Some(config) = &self.config {
            environment.retain(|(name, _)| name != "WAYBILL_CONFIG");
            environment.push(("WAYBILL_CONFIG".to_owned(), config.display().to_string()));
        }
        let mut config = Config::load(self.config.as_deref(), environment.clone())?;
        let data = self.data.clone().unwrap_or_else(|| config.store.data.clone());
        // Where its database is, if the settings do not say, the daemon has left word of.
        config.store = config::Store::of_folder(&data, environment)?;
        Ok(config)
    }

    async fn record(config: &Config) -> anyhow::Result<Record> {
        let (store, data) = (&config.store, &config.store.data);
        if store.database.is_empty() && !data.join("waybill.db").is_file() {
            bail!("there is no store at {}; name the daemon's folder with --data", data.display());
        }
        Ok(Record::of(store).await?)
    }
}

fn partner<'a>(config: &'a Config, name: &str, direction: Option<Direction>) -> anyhow::Result<&'a config::Partner> {
    let Some(partner) = config.partner.iter().find(|partner| partner.name == name) else {
        let names: Vec<&str> = config.partner.iter().map(|partner| partner.name.as_str()).collect();
        let known =
            if names.is_empty() { "they name none".to_owned() } else { format!("they name {}", names.join(", ")) };
        bail!("the settings name no partner `{name}`; {known}");
    };
    if let Some(direction) = direction
        && !partner.directions().any(|known| known == direction)
    {
        bail!("the settings have no [partner.{}] for `{name}`", direction.as_str());
    }
    Ok(partner)
}

impl Partner {
    pub(super) fn run(&self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        runtime()?.block_on(async {
            match &self.action {
                Action::List { json, house } => list(out, *json, house).await,
                Action::Test { name, json, house } => {
                    let config = house.settings()?;
                    let partner = partner(&config, name, None)?;
                    test(out, *json, &config, partner).await
                }
                Action::Pull { name, json, house } => {
                    let config = house.settings()?;
                    let partner = partner(&config, name, Some(Direction::Pull))?;
                    let record = House::record(&config).await?;
                    let row = turn(&record, &config, partner, Direction::Pull).await?;
                    if *json {
                        json_line(out, &shown(partner, Direction::Pull, Some(&row)))?;
                    } else {
                        writeln!(out, "{}: {}", partner.name, screen::safe(&sentence(&row, "fetched")))?;
                    }
                    Ok(if row.failure.is_some() { Exit::Findings } else { Exit::Ok })
                }
                Action::Push { name, files, again, json, house } => {
                    let config = house.settings()?;
                    let partner = partner(&config, name, Some(Direction::Push))?;
                    push(out, *json, &config, partner, files, *again).await
                }
            }
        })
    }
}

async fn list(out: &mut dyn Write, json: bool, house: &House) -> anyhow::Result<Exit> {
    let config = house.settings()?;
    let rows = House::record(&config).await?.partners().await?;
    let clock = Clock::new(false);
    let mut table = Table::new(&["PARTNER", "WHAT", "SERVER", "NEXT", "LAST", "HOW IT WENT"]);
    for partner in &config.partner {
        for direction in partner.directions() {
            let row = rows.iter().find(|row| row.partner == partner.name && row.direction == direction.as_str());
            if json {
                json_line(out, &shown(partner, direction, row))?;
                continue;
            }
            let time = |moment: Option<Timestamp>| moment.map_or_else(|| "-".to_owned(), |moment| clock.full(moment));
            let verb = if direction == Direction::Pull { "fetched" } else { "sent" };
            table.row([
                Cell::text(&partner.name),
                Cell::text(direction.as_str()),
                Cell::text(format!("{}:{}", partner.host, partner.port())),
                Cell::text(match row {
                    Some(row) if row.running => "now".to_owned(),
                    row => time(row.map(|row| row.due)),
                }),
                Cell::text(time(row.and_then(|row| row.ended))),
                Cell::text(screen::safe(
                    &row.filter(|row| row.ended.is_some()).map_or("-".to_owned(), |row| sentence(row, verb)),
                )),
            ]);
        }
    }
    if !json {
        table.write(out, Color::Auto.paint())?;
    }
    Ok(Exit::Ok)
}

async fn test(out: &mut dyn Write, json: bool, config: &Config, partner: &config::Partner) -> anyhow::Result<Exit> {
    let mut exit = Exit::Ok;
    for tested in deliver::test(&config.partners, partner).await {
        let (works, text) = match &tested.found {
            Ok(text) => (true, text),
            Err(text) => (false, text),
        };
        if !works {
            exit = Exit::Findings;
        }
        if json {
            json_line(out, &json!({"partner": partner.name, "step": tested.step, "works": works, "text": text}))?;
        } else {
            let mark = if works { "works" } else { "fails" };
            writeln!(out, "{:7}  {mark}  {}", tested.step, screen::safe(text))?;
        }
    }
    Ok(exit)
}

async fn push(
    out: &mut dyn Write,
    json: bool,
    config: &Config,
    partner: &config::Partner,
    files: &[PathBuf],
    again: bool,
) -> anyhow::Result<Exit> {
    let record = House::record(config).await?;
    let queued = queue(&record, config, partner, files, again).await?;
    let sent = queued.iter().all(|queued| queued.row.state == PushState::Sent);
    // All of them may have been sent before; and without any, nothing may wait.
    let nothing = if files.is_empty() { record.pushes_left(&partner.name).await? == 0 } else { sent };
    let row = if nothing { None } else { Some(turn(&record, config, partner, Direction::Push).await?) };
    let mut exit = Exit::Ok;
    for Queued { row, known } in &queued {
        let now = record.push(row.id).await?.with_context(|| format!("{} is not in line any more", row.name))?;
        if now.state != PushState::Sent {
            exit = Exit::Findings;
        }
        if json {
            json_line(
                out,
                &json!({"partner": now.partner, "id": now.id.to_string(), "name": now.name, "state": now.state.as_str(),
                    "before": known, "placed_as": now.placed_as, "size_bytes": now.size_bytes, "sent": now.sent,
                    "attempts": now.attempts, "reason": now.reason}),
            )?;
            continue;
        }
        let text = match (now.state, known) {
            (PushState::Sent, true) if row.state == PushState::Sent => {
                let when = now.sent.map_or_else(String::new, |sent| format!(", {}", Clock::new(false).full(sent)));
                format!("was sent before{when}; --again sends it once more")
            }
            (PushState::Sent, _) => format!("sent as {}", now.placed_as.as_deref().unwrap_or(&now.name)),
            (PushState::GivenUp, _) => {
                format!("was given up: {}; --again tries it anew", now.reason.as_deref().unwrap_or("no reason"))
            }
            _ => format!("waits: {}", now.reason.as_deref().unwrap_or("it is tried again")),
        };
        writeln!(out, "{}: {}", screen::safe(&now.name), screen::safe(&text))?;
    }
    match row {
        Some(row) => {
            if row.failure.is_some() {
                exit = Exit::Findings;
            }
            if files.is_empty() && json {
                json_line(out, &shown(partner, Direction::Push, Some(&row)))?;
            } else if files.is_empty() || row.failure.is_some() {
                writeln!(out, "{}: {}", partner.name, screen::safe(&sentence(&row, "sent")))?;
            }
        }
        None if files.is_empty() && !json => writeln!(out, "{}: nothing waits to be sent", partner.name)?,
        None => {}
    }
    Ok(exit)
}

async fn queue(
    record: &Record,
    config: &Config,
    partner: &config::Partner,
    files: &[PathBuf],
    again: bool,
) -> anyhow::Result<Vec<Queued>> {
    let data: &Path = &config.store.data;
    let originals = Originals::of(&config.store, &config.s3).await?;
    let mut queued = Vec::new();
    for file in files {
        queued.push(deliver::queue(record, &originals, partner, data, file, again).await?);
    }
    Ok(queued)
}

/// Asks for a turn and waits until it has been; how it went. A daemon does it if there is one.
async fn turn(
    record: &Record,
    config: &Config,
    partner: &config::Partner,
    direction: Direction,
) -> anyhow::Result<TurnRow> {
    let asked = record.ask_partner(&partner.name, direction).await?;
    // Where no daemon has the folder, this process does it.
    if lock(&config.store.data).is_ok() {
        let (deliver, _lock) = post_room(config).await?;
        deliver.once(partner, direction, &CancellationToken::new()).await?;
    }
    let since = Instant::now();
    loop {
        let row = record.partners().await?.into_iter();
        let row = row.filter(|row| row.partner == partner.name).find(|row| row.direction == direction.as_str());
        if let Some(row) = row {
            // One that began after we asked, and has ended.
            if row.began.is_some_and(|began| began >= asked) && row.ended.is_some_and(|ended| Some(ended) >= row.began)
            {
                return Ok(row);
            }
            if !row.running && since.elapsed() > PATIENCE {
                bail!(
                    "the daemon on {} has not taken it up within {PATIENCE:?}; do its settings name this partner \
                     (waybill reload)?",
                    config.store.data.display()
                );
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn sentence(row: &TurnRow, verb: &str) -> String {
    let mut text = format!("{} {verb}", counted(row.files, "file"));
    if row.waiting > 0 {
        text.push_str(&format!(", {} left for later", row.waiting));
    }
    if row.refused > 0 {
        text.push_str(&format!(", {} refused", row.refused));
    }
    if let Some(failure) = &row.failure {
        text.push_str(&format!("; failed: {failure}"));
    }
    text
}

fn shown(partner: &config::Partner, direction: Direction, row: Option<&TurnRow>) -> Value {
    json!({
        "partner": partner.name,
        "direction": direction.as_str(),
        "host": partner.host,
        "port": partner.port(),
        "running": row.is_some_and(|row| row.running),
        "due": row.map(|row| row.due),
        "began": row.and_then(|row| row.began),
        "ended": row.and_then(|row| row.ended),
        "files": row.map_or(0, |row| row.files),
        "waiting": row.map_or(0, |row| row.waiting),
        "refused": row.map_or(0, |row| row.refused),
        "failures": row.map_or(0, |row| row.failures),
        "failure": row.and_then(|row| row.failure.clone()),
    })
}
