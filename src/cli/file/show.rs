//! `waybill file show`: what is known of one file, and how it went.

use std::io::Write;

use clap::Args;

use super::super::Exit;
use super::super::moment::Clock;
use super::super::screen::{Color, safe};
use super::super::store::{EventsAsked, File, Missing, Place};
use super::super::table::size;
use super::super::tail::Short;
use super::{file_id, tone};
use crate::domain::ArrivalId;
use crate::domain::counted;

#[derive(Debug, Args)]
pub(super) struct Show {
    /// Its id, whole: `fil_…`
    #[arg(value_parser = file_id)]
    id: ArrivalId,

    /// Show times in UTC
    #[arg(long)]
    utc: bool,

    /// Print the file as a JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    place: Place,
}

pub(super) const EXAMPLES: &str = "\
Examples:
  waybill file show fil_01KA6T5VZ3Q9Y0C2N8W4J7H1DX
  waybill file show fil_01KA6T5VZ3Q9Y0C2N8W4J7H1DX --json | jq -r .status

Exit codes: 0 shown, 2 unusable (no such file, no store there, wrong arguments).";

/// Events shown of a file; `waybill tail --file` has them all.
const EVENTS_MAX: usize = 40;

impl Show {
    pub(super) async fn run(&self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let store = self.place.open(Missing::Refuse).await?;
        let file = store.file(self.id).await?;
        if self.json {
            super::super::json_line(out, &file)?;
            return Ok(Exit::Ok);
        }
        let known = store.organisations().await?;
        let organisation =
            known.iter().find(|org| org.id == file.organisation).map_or(&file.organisation, |org| &org.name);
        let paint = Color::Auto.paint();
        let clock = Clock::new(self.utc);
        writeln!(out, "{}  {}", paint.bold(&safe(&file.name)), tone(&file).paint(paint, &safe(&file.status)))?;
        for (name, value) in facts(&file, organisation, &clock) {
            writeln!(out, "  {name:<14} {}", safe(&value))?;
        }
        let asked = EventsAsked { file: Some(self.id), ..EventsAsked::default() };
        let events = store.last_events(&asked, EVENTS_MAX).await?;
        writeln!(out)?;
        let mut short = Short::new(paint, clock);
        for event in &events {
            short.write(out, event)?;
        }
        if events.len() == EVENTS_MAX {
            writeln!(out, "… the last {EVENTS_MAX} events; all of them: waybill tail --file {}", self.id)?;
        }
        Ok(Exit::Ok)
    }
}

fn facts(file: &File, organisation: &str, clock: &Clock) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("id", file.id.clone()),
        ("organisation", organisation.to_owned()),
        ("sent by", format!("{} over {}", file.user, file.protocol)),
        ("received", clock.full(file.received_at)),
        ("size", if file.size_bytes < 1_024 { size(file.size_bytes) } else { both(file.size_bytes) }),
        ("sha256", file.sha256.clone()),
    ];
    let mut add = |name, value: Option<String>| facts.extend(value.map(|value| (name, value)));
    add("duplicate of", file.duplicate_of.clone());
    add("set aside", file.reason.clone());
    if let Some(moment) = file.published_at {
        add("read", Some(clock.full(moment)));
        let format = [&file.format, &file.format_version, &file.encoding].into_iter().flatten();
        add("format", Some(format.cloned().collect::<Vec<_>>().join(" ")));
        add("profile", file.profile.clone());
        let found = [(file.documents, "document"), (file.errors, "error"), (file.warnings, "warning")];
        add("found", Some(found.map(|(count, what)| counted(count, what)).join(", ")));
        add("answer", file.answer.as_ref().map(|answer| format!("/drop/{answer}")));
    }
    if file.errors > 0 {
        add("what is wrong", Some(format!("waybill file errors {}", file.id)));
    }
    facts
}

fn both(bytes: i64) -> String {
    format!("{} ({bytes} bytes)", size(bytes))
}
