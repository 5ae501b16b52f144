//! `waybill file`: what arrived, and what became of it.

mod errors;
mod release;
mod show;

use std::io::Write;
use std::time::Duration;

use anyhow::bail;
use clap::{Args, Subcommand};

use super::Exit;
use super::moment::Clock;
use super::screen::{Color, safe};
use super::serve::runtime;
use super::store::{File as Arrived, FilesAsked, Missing, Place};
use super::table::{Cell, Table, Tone, size};
use crate::domain::ArrivalId;
use crate::domain::counted;
use crate::record::FileStatus;

/// List and show files, say what is wrong with one, read one again, release one that is held
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES, arg_required_else_help = true)]
pub(super) struct File {
    #[command(subcommand)]
    action: Action,
}

const EXAMPLES: &str = "\
Examples:
  waybill file list --errors
  waybill file errors fil_01KA6T5VZ3Q9Y0C2N8W4J7H1DX
  waybill file reprocess fil_01KA6T5VZ3Q9Y0C2N8W4J7H1DX --wait

Exit codes: 0 done, 1 the file has errors, 2 unusable (no such file, no store there, wrong arguments).";

#[derive(Debug, Subcommand)]
enum Action {
    /// List the files, newest first
    #[command(after_long_help = LIST)]
    List(List),
    /// Show one file: what is known of it, and how it went
    #[command(after_long_help = show::EXAMPLES)]
    Show(show::Show),
    /// Print what is wrong with a file: where, why, and how to mend it
    #[command(after_long_help = errors::EXAMPLES)]
    Errors(errors::Errors),
    /// Read a file again: after a profile was put right, or Waybill was
    ///
    /// What it showed stays in sight until the new reading is complete.
    #[command(after_long_help = REPROCESS)]
    Reprocess(Reprocess),
    /// Release a held file: it is read as it is
    ///
    /// It came under a temporary name and was not renamed, or nothing has proved that it is whole.
    #[command(after_long_help = release::EXAMPLES)]
    Release(release::Release),
}

#[derive(Debug, Args)]
struct List {
    /// Only these, separated by commas: held, stored, parsing, applied, applied_with_errors, rejected,
    /// duplicate, quarantined
    #[arg(long, value_delimiter = ',', value_parser = status)]
    status: Vec<String>,

    /// Only this organisation's, by name or id
    #[arg(long)]
    org: Option<String>,

    /// Only those this login sent
    #[arg(long)]
    user: Option<String>,

    /// Only those of this name
    #[arg(long)]
    name: Option<String>,

    /// Only those with errors
    #[arg(long)]
    errors: bool,

    /// At most this many
    #[arg(long, short = 'n', value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,

    /// Show times in UTC
    #[arg(long)]
    utc: bool,

    /// Print one JSON object a line
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    place: Place,
}

const LIST: &str = "\
Examples:
  waybill file list
  waybill file list --status rejected,quarantined --org Globex
  waybill file list --errors -n 1000 --json | jq -r .id

Exit codes: 0 listed, 2 unusable (no such organisation, no store there, wrong arguments).";

#[derive(Debug, Args)]
struct Reprocess {
    /// Its id, whole: `fil_…`
    #[arg(value_parser = file_id)]
    id: ArrivalId,

    /// Wait until it has been read, and say how it went
    #[arg(long)]
    wait: bool,

    /// Print the file as a JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    place: Place,
}

const REPROCESS: &str = "\
Examples:
  waybill file reprocess fil_01KA6T5VZ3Q9Y0C2N8W4J7H1DX --wait
  waybill file list --status quarantined --json | jq -r .id | xargs -n 1 waybill file reprocess

Exit codes: 0 it waits to be read (--wait: it was read), 1 --wait: it has errors, 2 unusable (no such file,
it is being read already, no store there).";

impl File {
    pub(super) fn run(&self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        runtime()?.block_on(async {
            match &self.action {
                Action::List(list) => list.run(out).await,
                Action::Show(show) => show.run(out).await,
                Action::Errors(errors) => errors.run(out).await,
                Action::Reprocess(reprocess) => reprocess.run(out).await,
                Action::Release(release) => release.run(out).await,
            }
        })
    }
}

impl List {
    async fn run(&self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let store = self.place.open(Missing::Refuse).await?;
        let asked = FilesAsked {
            statuses: self.status.clone(),
            org: self.org.clone(),
            user: self.user.clone(),
            name: self.name.clone(),
            with_errors: self.errors,
            limit: self.limit as usize,
        };
        let files = store.files(&asked).await?;
        if self.json {
            for file in &files {
                super::json_line(out, file)?;
            }
            return Ok(Exit::Ok);
        }
        let clock = Clock::new(self.utc);
        let mut table = Table::new(&["RECEIVED", "STATUS", "DOCS", "ERRORS", "SIZE", "USER", "NAME", "ID"]);
        for file in &files {
            table.row([
                Cell::text(clock.full(file.received_at)),
                Cell::text(&file.status).toned(tone(file)),
                Cell::number(file.documents),
                Cell::number(file.errors),
                Cell::number(size(file.size_bytes)),
                Cell::text(&file.user),
                Cell::text(&file.name),
                Cell::text(&file.id),
            ]);
        }
        table.write(out, Color::Auto.paint())?;
        Ok(Exit::Ok)
    }
}

/// How often a file is looked at while it is waited for.
const LOOK: Duration = Duration::from_millis(250);

impl Reprocess {
    async fn run(&self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let store = self.place.open(Missing::Refuse).await?;
        if self.wait && !store.is_attended() {
            bail!(
                "no daemon runs on this folder, so the file would not be read; start `waybill serve`, or leave out --wait"
            );
        }
        let mut file = store.reprocess(self.id).await?;
        if self.wait {
            // A duplicate shares the records of the first file with its bytes: that one is read.
            let read = file.duplicate_of.as_deref().and_then(ArrivalId::parse).unwrap_or(self.id);
            while store.file(read).await?.waits() {
                tokio::time::sleep(LOOK).await;
            }
            file = store.file(self.id).await?;
        }
        if self.json {
            super::json_line(out, &file)?;
        } else if self.wait {
            writeln!(out, "{}", summary(&file))?;
        } else {
            writeln!(out, "{} waits to be read again", safe(&file.name))?;
        }
        let bad = file.errors > 0 || file.status == "quarantined";
        Ok(if self.wait && bad { Exit::Findings } else { Exit::Ok })
    }
}

/// `a.edi: applied, x12-810 004010, 3 documents, 0 errors, 1 warning`
fn summary(file: &Arrived) -> String {
    let mut text = format!("{}: {}", safe(&file.name), file.status);
    for word in [&file.format, &file.format_version].into_iter().flatten() {
        let comma = if file.format.as_ref() == Some(word) { "," } else { "" };
        text.push_str(&format!("{comma} {}", safe(word)));
    }
    format!(
        "{text}, {}, {}, {}",
        counted(file.documents, "document"),
        counted(file.errors, "error"),
        counted(file.warnings, "warning")
    )
}

fn tone(file: &Arrived) -> Tone {
    match file.status.as_str() {
        "applied" => Tone::Good,
        "applied_with_errors" | "held" => Tone::Warning,
        "rejected" | "quarantined" => Tone::Bad,
        _ => Tone::Plain,
    }
}

fn status(text: &str) -> Result<String, String> {
    let known = FileStatus::parse(text).map(|status| status.as_str().to_owned());
    known.ok_or_else(|| format!("known are {}", FileStatus::ALL.map(FileStatus::as_str).join(", ")))
}

/// The id of a file, whole.
pub(super) fn file_id(text: &str) -> Result<ArrivalId, String> {
    ArrivalId::parse(text).ok_or_else(|| {
        "a file's id is whole and reads fil_01KA6T5VZ3Q9Y0C2N8W4J7H1DX; `waybill file list` shows them".to_owned()
    })
}
