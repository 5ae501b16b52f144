//! `waybill session`: who is inside, and the way out.

use std::io::Write;

use clap::{Args, Subcommand};

use super::moment::Clock;
use super::screen::Color;
use super::serve::runtime;
use super::store::{Missing, Place};
use super::table::{Cell, Table};
use super::{Exit, screen};
use crate::domain::SessionId;

/// List the sessions that are open on any node, and end them
///
/// Each node tells of its sessions every other second. To keep somebody away, disable the account
/// (`waybill account set LOGIN --disabled true`) or ban the address (`waybill ban add`).
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES, arg_required_else_help = true)]
pub(super) struct Session {
    #[command(subcommand)]
    action: Action,
}

const EXAMPLES: &str = "\
Examples:
  waybill session list
  waybill session list --json | jq -r 'select(.login == \"acme-erp\") | .id'
  waybill session end ses_01KQ5S0V9C3GZ4Y0M1J2T8XW7B

Exit codes: 0 done, 2 unusable (no such session, no store there, wrong arguments).";

#[derive(Debug, Subcommand)]
enum Action {
    /// List the open sessions, newest first
    #[command(after_long_help = LIST)]
    List {
        /// Print one JSON object a line
        #[arg(long)]
        json: bool,

        #[command(flatten)]
        place: Place,
    },
    /// End a session; what it was bringing can be gone on with
    #[command(after_long_help = END)]
    End {
        /// As the list shows it
        #[arg(value_parser = session_id)]
        id: SessionId,

        /// Print the session as a JSON object
        #[arg(long)]
        json: bool,

        #[command(flatten)]
        place: Place,
    },
}

const LIST: &str = "\
Examples:
  waybill session list
  waybill session list --json | jq -r 'select(.receiving != []) | .login'

Exit codes: 0 listed, 2 unusable (no store there, wrong arguments).";

const END: &str = "\
Examples:
  waybill session end ses_01KQ5S0V9C3GZ4Y0M1J2T8XW7B
  waybill session end ses_01KQ5S0V9C3GZ4Y0M1J2T8XW7B --url https://waybill.example

Exit codes: 0 it ends within seconds, 2 unusable (no such session, no store there, wrong arguments).";

impl Session {
    pub(super) fn run(&self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        runtime()?.block_on(async {
            match &self.action {
                Action::List { json, place } => list(out, *json, place).await,
                Action::End { id, json, place } => {
                    let session = place.open(Missing::Refuse).await?.end_session(*id).await?;
                    if *json {
                        super::json_line(out, &session)?;
                    } else {
                        let (login, address) = (screen::safe(&session.login), &session.address);
                        writeln!(out, "the session of {login} from {address} ends within seconds")?;
                    }
                    Ok(Exit::Ok)
                }
            }
        })
    }
}

fn session_id(text: &str) -> Result<SessionId, String> {
    SessionId::parse(text)
        .ok_or_else(|| "a session's id begins with `ses_`; `waybill session list` shows them".to_owned())
}

async fn list(out: &mut dyn Write, json: bool, place: &Place) -> anyhow::Result<Exit> {
    let sessions = place.open(Missing::Refuse).await?.sessions().await?;
    if json {
        for session in &sessions {
            super::json_line(out, session)?;
        }
        return Ok(Exit::Ok);
    }
    let clock = Clock::new(false);
    let mut table = Table::new(&["SESSION", "LOGIN", "DOOR", "FROM", "SINCE", "FILES", "BRINGING", "CLIENT", "NODE"]);
    for session in &sessions {
        table.row([
            Cell::text(&session.id),
            Cell::text(screen::safe(&session.login)),
            Cell::text(&session.door),
            Cell::text(&session.address),
            Cell::text(clock.full(session.started_at)),
            Cell::text(session.files.to_string()),
            Cell::text(screen::safe(&session.receiving.join(" "))),
            Cell::text(screen::safe(session.client.as_deref().unwrap_or(""))),
            Cell::text(&session.node),
        ]);
    }
    table.write(out, Color::Auto.paint())?;
    Ok(Exit::Ok)
}
