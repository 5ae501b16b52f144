//! `waybill ban`: the addresses that are kept out of every door.

use std::io::Write;

use clap::{Args, Subcommand};

use super::moment::{self, Clock};
use super::screen::Color;
use super::serve::runtime;
use super::store::{Missing, NewBan, Place};
use super::table::{Cell, Table};
use super::{Exit, screen};
use crate::config::Span;
use crate::domain::{Network, Timestamp};

/// List, add and lift bans: addresses that are kept out of every door
///
/// An address (IPv6: its /64) at which too much goes wrong is kept out for a while, longer each time; [defend] in
/// the settings says how much is too much. Every node keeps to a ban within seconds.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES, arg_required_else_help = true)]
pub(super) struct Ban {
    #[command(subcommand)]
    action: Action,
}

const EXAMPLES: &str = "\
Examples:
  waybill ban list
  waybill ban add 203.0.113.0/24 --reason \"scans us every night\"
  waybill ban lift 203.0.113.7

Exit codes: 0 done, 2 unusable (no such ban, no store there, wrong arguments).";

#[derive(Debug, Subcommand)]
enum Action {
    /// List the bans that hold, newest first
    #[command(after_long_help = LIST)]
    List {
        /// Print one JSON object a line
        #[arg(long)]
        json: bool,

        #[command(flatten)]
        place: Place,
    },
    /// Keep an address or a network out, in place of any ban it has
    #[command(after_long_help = ADD)]
    Add {
        /// 203.0.113.7, 203.0.113.0/24, 2001:db8::/48
        #[arg(value_parser = bannable)]
        network: Network,

        /// How long: 30m, 12h, 7d; without, until it is lifted
        #[arg(long = "for", value_name = "TIME", value_parser = moment::length)]
        length: Option<Span>,

        /// Why, for whoever reads the list
        #[arg(long, default_value = "an operator said so", value_parser = super::name_of)]
        reason: String,

        /// Print the ban as a JSON object
        #[arg(long)]
        json: bool,

        #[command(flatten)]
        place: Place,
    },
    /// Let an address or a network in again
    #[command(after_long_help = LIFT)]
    Lift {
        /// As the list shows it; of an IPv6 address, the /64 it was banned with is found too
        network: Network,

        /// Print the ban that held as a JSON object
        #[arg(long)]
        json: bool,

        #[command(flatten)]
        place: Place,
    },
}

const LIST: &str = "\
Examples:
  waybill ban list
  waybill ban list --json | jq -r 'select(.source == \"automatic\") | .network'

Exit codes: 0 listed, 2 unusable (no store there, wrong arguments).";

const ADD: &str = "\
Examples:
  waybill ban add 203.0.113.7 --for 12h
  waybill ban add 2001:db8::/48 --reason \"scans us every night\" --url https://waybill.example

Exit codes: 0 added, 2 unusable (no address, a network that is too large, no store there).";

const LIFT: &str = "\
Examples:
  waybill ban lift 203.0.113.7
  waybill ban lift 203.0.113.0/24 --data /var/lib/waybill

Exit codes: 0 lifted, 2 unusable (no such ban, no store there, wrong arguments).";

impl Ban {
    pub(super) fn run(&self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        runtime()?.block_on(async {
            match &self.action {
                Action::List { json, place } => list(out, *json, place).await,
                Action::Add { network, length, reason, json, place } => {
                    let until = length.map(|length| Timestamp::now().plus_micros(length.micros()));
                    let new = NewBan { network: *network, until, reason: reason.clone() };
                    let ban = place.open(Missing::Refuse).await?.add_ban(new).await?;
                    if *json {
                        super::json_line(out, &ban)?;
                    } else {
                        let until = ban.until.map_or_else(
                            || format!("`waybill ban lift {}`", ban.network),
                            |until| Clock::new(false).full(until),
                        );
                        writeln!(out, "{} is kept out until {until}", ban.network)?;
                    }
                    Ok(Exit::Ok)
                }
                Action::Lift { network, json, place } => {
                    let ban = place.open(Missing::Refuse).await?.lift_ban(*network).await?;
                    if *json {
                        super::json_line(out, &ban)?;
                    } else {
                        writeln!(out, "{} may come in again", ban.network)?;
                    }
                    Ok(Exit::Ok)
                }
            }
        })
    }
}

fn bannable(text: &str) -> Result<Network, String> {
    let network: Network = text.parse().map_err(|error: crate::domain::network::NotANetwork| error.to_string())?;
    network.is_bannable().map(|()| network)
}

async fn list(out: &mut dyn Write, json: bool, place: &Place) -> anyhow::Result<Exit> {
    let bans = place.open(Missing::Refuse).await?.bans().await?;
    if json {
        for ban in &bans {
            super::json_line(out, ban)?;
        }
        return Ok(Exit::Ok);
    }
    let clock = Clock::new(false);
    let mut table = Table::new(&["NETWORK", "UNTIL", "SINCE", "BY", "REASON"]);
    for ban in &bans {
        let until = ban.until.map_or_else(|| "lifted".to_owned(), |until| clock.full(until));
        table.row([
            Cell::text(&ban.network),
            Cell::text(until),
            Cell::text(clock.full(ban.since)),
            Cell::text(if ban.source == "automatic" { "defender" } else { "operator" }),
            Cell::text(screen::safe(&ban.reason)),
        ]);
    }
    table.write(out, Color::Auto.paint())?;
    Ok(Exit::Ok)
}
