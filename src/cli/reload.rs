//! `waybill reload`: the daemon reads its settings again.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::bail;
use clap::Args;

use super::serve::runtime;
use super::store::{EventsAsked, Missing, Place};
use super::{Exit, screen};
use crate::daemon::tell_to_reload;

/// Tell the daemon to read its settings, certificates and SSH host key again
///
/// Nobody inside is disturbed: who comes from then on meets the new settings. What can only change with a restart is
/// named. A file that is broken changes nothing. The same as SIGHUP, and waits for what comes of it.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Reload {
    /// The daemon's data folder
    #[arg(long, env = "WAYBILL_DATA", value_name = "DIR", default_value = "waybill-data")]
    data: PathBuf,

    /// Print what came of it as a JSON object: the event of the log
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  waybill reload --data /var/lib/waybill
  systemctl reload waybill

Exit codes: 0 read again, 1 the settings are broken and were kept as they were, 2 no daemon there.";

/// How long a daemon may take over it.
const PATIENCE: Duration = Duration::from_secs(15);

impl Reload {
    pub(super) fn run(&self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        runtime()?.block_on(async {
            let store = Place::of_folder(&self.data).open(Missing::Refuse).await?;
            let asked = EventsAsked {
                kinds: ["settings.reloaded".to_owned(), "settings.rejected".to_owned()].into(),
                ..EventsAsked::default()
            };
            let newest = store.last_events(&EventsAsked::default(), 1).await?.last().map_or(0, |event| event.seq);
            tell_to_reload(&self.data)?;
            let mut events = store.follow(&asked, newest).await?;
            let Ok(told) = tokio::time::timeout(PATIENCE, events.next()).await else {
                bail!("the daemon was told, and has not said within {PATIENCE:?} what came of it; see its log");
            };
            let told = told?;
            let Some(event) = told.first() else { bail!("the daemon has not said what came of it; see its log") };
            if self.json {
                super::json_line(out, event)?;
            } else {
                writeln!(out, "{}", screen::safe(&event.msg))?;
            }
            Ok(if event.kind == "settings.reloaded" { Exit::Ok } else { Exit::Findings })
        })
    }
}
