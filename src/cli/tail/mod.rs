//! `waybill tail`: what happened, and what happens.

mod short;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IsTerminal, Write};

use clap::{Args, ValueEnum};

pub(super) use short::Short;

use super::file::file_id;
use super::moment::{self, Clock};
use super::screen::Color;
use super::serve::runtime;
use super::store::{EventsAsked, Missing, Place, Store};
use super::{Exit, json_line};
use crate::domain::{ArrivalId, Event, SessionId, Severity, Timestamp};

/// Show what happened, and follow what happens
///
/// On a terminal: the last 20 events, then every new one until Ctrl-C. Elsewhere: JSON lines, and an end,
/// unless -f. All filters given must hold; inside a list separated by commas, any one.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Tail {
    /// Go on with what happens from now on, until Ctrl-C
    #[arg(long, short, conflicts_with = "until")]
    follow: bool,

    /// How many events to begin with; 20, or all that --since, --file or --session names
    #[arg(long, short = 'n', value_name = "N")]
    lines: Option<usize>,

    /// One organisation, by name or id
    #[arg(long)]
    org: Option<String>,

    /// Logins
    #[arg(long, value_delimiter = ',', value_name = "LOGIN,…")]
    user: Vec<String>,

    /// Types; one with a `-` before it is left out: `file.applied,-dir.listed`
    #[arg(long = "type", value_delimiter = ',', value_name = "TYPE,…", allow_hyphen_values = true)]
    kind: Vec<String>,

    /// That and worse: debug+, info+, warn+, error
    #[arg(long, value_name = "SEVERITY", value_parser = at_least)]
    sev: Option<Severity>,

    /// One file's whole life, from the connection that brought it
    #[arg(long, value_name = "ID", value_parser = file_id)]
    file: Option<ArrivalId>,

    /// One connection
    #[arg(long, value_name = "ID", value_parser = session_id)]
    session: Option<SessionId>,

    /// From this moment on: 2h (ago), 2026-03-03, 2026-03-03T02:14:07Z
    #[arg(long, value_name = "TIME", value_parser = moment::moment)]
    since: Option<Timestamp>,

    /// Up to this moment
    #[arg(long, value_name = "TIME", value_parser = moment::moment)]
    until: Option<Timestamp>,

    /// Codes of the catalogue: amount_invalid
    #[arg(long, value_delimiter = ',', value_name = "CODE,…")]
    code: Vec<String>,

    /// Text in the message, whatever its case
    #[arg(long, value_name = "TEXT")]
    grep: Option<String>,

    /// Only what went wrong, counted by code at the end
    #[arg(long, conflicts_with = "kind")]
    errors: bool,

    /// How to print an event; `short` on a terminal, `json` elsewhere
    #[arg(long, short, value_enum, value_name = "FORM")]
    output: Option<Form>,

    /// The same as -o json
    #[arg(long, conflicts_with = "output")]
    json: bool,

    /// Show times in UTC
    #[arg(long)]
    utc: bool,

    /// When to colour
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    color: Color,

    /// Exit with 1 if an event this severe was shown
    #[arg(long, value_name = "SEVERITY", value_parser = at_least)]
    fail_on: Option<Severity>,

    #[command(flatten)]
    place: Place,
}

const EXAMPLES: &str = "\
Examples:
  waybill tail                                   the last 20, then whatever happens
  waybill tail -f --org Globex --sev warn+
  waybill tail --file fil_01KA6T5VZ3Q9Y0C2N8W4J7H1DX
  waybill tail --since 2h --type file.applied -o json | jq -c '[.ts, .data.name, .data.errors]'
  waybill tail --since 1d --fail-on error -o short

Exit codes: 0 shown (also when ended with Ctrl-C), 1 --fail-on was met, 2 unusable (no store there, the
server refused, wrong arguments).";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// A line for people
    Short,
    /// The event as a JSON object, one a line
    Json,
}

/// Events without `-n`.
const LAST: usize = 20;

impl Tail {
    pub(super) fn run(&self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        runtime()?.block_on(async {
            let on_terminal = io::stdout().is_terminal();
            let store = self.place.open(Missing::Refuse).await?;
            let form = match self.output {
                _ if self.json => Form::Json,
                Some(form) => form,
                None if on_terminal => Form::Short,
                None => Form::Json,
            };
            let follows = self.follow || (on_terminal && self.until.is_none());
            let mut printed = Printed::new(out, form, self.color, Clock::new(self.utc));
            let ended = tokio::signal::ctrl_c();
            let shown = async {
                let seen = self.begin(&store, &mut printed).await?;
                if follows { self.go_on(&store, &mut printed, seen).await } else { Ok(()) }
            };
            tokio::select! {
                done = shown => done?,
                _ = ended => {}
            }
            if self.errors && form == Form::Short {
                printed.count()?;
            }
            let met = self.fail_on.is_some_and(|severity| printed.worst >= Some(severity));
            Ok(if met { Exit::Findings } else { Exit::Ok })
        })
    }

    /// What has happened; up to where, so that nothing is missed or shown twice after it.
    async fn begin(&self, store: &Store, printed: &mut Printed<'_>) -> anyhow::Result<i64> {
        let asked = self.asked();
        // Asked before the rest: what is written in between is after it, and comes when following.
        let newest = store.last_events(&EventsAsked::default(), 1).await?;
        let mut seen = newest.last().map_or(0, |event| event.seq);
        let is_whole = self.since.is_some() || self.file.is_some() || self.session.is_some();
        match self.lines {
            None if is_whole => {
                let mut after = 0;
                loop {
                    let events = store.events_after(&asked, after).await?;
                    let Some(last) = events.last() else { break };
                    after = last.seq;
                    printed.write(&events)?;
                }
                seen = seen.max(after);
            }
            lines => {
                let events = store.last_events(&asked, lines.unwrap_or(LAST)).await?;
                seen = seen.max(events.last().map_or(0, |event| event.seq));
                printed.write(&events)?;
            }
        }
        Ok(seen)
    }

    async fn go_on(&self, store: &Store, printed: &mut Printed<'_>, seen: i64) -> anyhow::Result<()> {
        let mut following = store.follow(&self.asked(), seen).await?;
        loop {
            let events = following.next().await?;
            printed.write(&events)?;
        }
    }

    fn asked(&self) -> EventsAsked {
        let (left_out, kinds): (BTreeSet<_>, BTreeSet<_>) =
            self.kind.iter().cloned().partition(|kind| kind.starts_with('-'));
        EventsAsked {
            kinds: if self.errors { short::FAILURES.map(str::to_owned).into() } else { kinds },
            not_kinds: left_out.iter().map(|kind| kind.trim_start_matches('-').to_owned()).collect(),
            severity: self.sev,
            org: self.org.clone(),
            file: self.file,
            session: self.session,
            users: self.user.iter().cloned().collect(),
            codes: self.code.iter().cloned().collect(),
            since: self.since,
            until: self.until,
            text: self.grep.clone(),
        }
    }
}

/// The events that were printed, and how.
struct Printed<'a> {
    out: &'a mut dyn Write,
    form: Form,
    short: Short,
    worst: Option<Severity>,
    codes: BTreeMap<String, u64>,
}

impl<'a> Printed<'a> {
    fn new(out: &'a mut dyn Write, form: Form, color: Color, clock: Clock) -> Self {
        Self { out, form, short: Short::new(color.paint(), clock), worst: None, codes: BTreeMap::new() }
    }

    /// Prints events and hands them on at once: somebody waits for them.
    fn write(&mut self, events: &[Event]) -> io::Result<()> {
        for event in events {
            self.worst = self.worst.max(Some(event.sev));
            *self.codes.entry(event.code.clone().unwrap_or_else(|| event.kind.clone())).or_default() += 1;
            match self.form {
                Form::Short => self.short.write(self.out, event)?,
                Form::Json => json_line(self.out, event)?,
            }
        }
        self.out.flush()
    }

    /// How often each code was there, the most frequent first.
    fn count(&mut self) -> io::Result<()> {
        let mut codes: Vec<_> = std::mem::take(&mut self.codes).into_iter().collect();
        codes.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        for (code, count) in codes {
            writeln!(self.out, "{count:>7}  {}", super::screen::safe(&code))?;
        }
        Ok(())
    }
}

fn at_least(text: &str) -> Result<Severity, String> {
    let severity = text.strip_suffix('+').or((text == "error").then_some(text)).and_then(Severity::parse);
    severity.ok_or_else(|| "write debug+, info+, warn+ or error: that and worse".to_owned())
}

fn session_id(text: &str) -> Result<SessionId, String> {
    SessionId::parse(text).ok_or_else(|| "a session's id is whole and reads ses_01KA6T5VZ3Q9Y0C2N8W4J7H1DX".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_severity_says_that_worse_counts_too() {
        assert_eq!(at_least("warn+"), Ok(Severity::Warn));
        assert_eq!(at_least("error"), Ok(Severity::Error));
        for bad in ["warn", "", "+", "loud+"] {
            assert!(at_least(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_went_wrong_is_counted_the_most_frequent_first() {
        let mut out = vec![];
        let mut printed = Printed::new(&mut out, Form::Json, Color::Never, Clock::new(true));
        let coded =
            |code: &str| Event { code: Some(code.to_owned()), ..Event::new("record.rejected", Severity::Info, "") };
        printed.write(&[coded("b"), coded("a"), coded("b"), Event::new("parse.failed", Severity::Warn, "")]).unwrap();
        assert_eq!(printed.worst, Some(Severity::Warn));
        printed.count().unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.ends_with("      2  b\n      1  a\n      1  parse.failed\n"), "{text}");
    }
}
