//! `waybill org`: organisations, the payers and suppliers files belong to.

use std::io::Write;

use clap::{Args, Subcommand, ValueEnum};

use super::Exit;
use super::moment::Clock;
use super::screen::Color;
use super::serve::runtime;
use super::store::{Missing, Place};
use super::table::{Cell, Table};

/// Make and list organisations: payers and suppliers
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES, arg_required_else_help = true)]
pub(super) struct Org {
    #[command(subcommand)]
    action: Action,
}

const EXAMPLES: &str = "\
Examples:
  waybill org create \"Acme Industries\" --kind payer
  waybill org list --json

Exit codes: 0 done, 2 unusable (the name is taken, no store there, wrong arguments).";

#[derive(Debug, Subcommand)]
enum Action {
    /// Make an organisation; begins the store where there is none
    #[command(after_long_help = CREATE)]
    Create {
        /// What it is called; 1 to 200 characters
        #[arg(value_parser = super::name_of)]
        name: String,

        /// Whether it pays invoices or sends them
        #[arg(long, value_enum, default_value = "supplier")]
        kind: Kind,

        /// Print the organisation as a JSON object
        #[arg(long)]
        json: bool,

        #[command(flatten)]
        place: Place,
    },
    /// List the organisations
    #[command(after_long_help = LIST)]
    List {
        /// Print one JSON object a line
        #[arg(long)]
        json: bool,

        #[command(flatten)]
        place: Place,
    },
}

const CREATE: &str = "\
Examples:
  waybill org create Globex
  waybill org create \"Acme Industries\" --kind payer --data /var/lib/waybill
  waybill org create Globex --json | jq -r .id

Exit codes: 0 made, 2 unusable (the name is taken, no store there, wrong arguments).";

const LIST: &str = "\
Examples:
  waybill org list
  waybill org list --url https://waybill.example --json

Exit codes: 0 listed, 2 unusable (no store there, wrong arguments).";

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    Payer,
    Supplier,
}

impl Org {
    pub(super) fn run(&self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        runtime()?.block_on(async {
            match &self.action {
                Action::Create { name, kind, json, place } => create(out, name, *kind, *json, place).await,
                Action::List { json, place } => list(out, *json, place).await,
            }
        })
    }
}

async fn create(out: &mut dyn Write, name: &str, kind: Kind, json: bool, place: &Place) -> anyhow::Result<Exit> {
    let kind = match kind {
        Kind::Payer => "payer",
        Kind::Supplier => "supplier",
    };
    let made = place.open(Missing::Make).await?.add_organisation(name, kind).await?;
    if json {
        super::json_line(out, &made)?;
    } else {
        writeln!(out, "{}  {}  {}", made.id, made.kind, super::screen::safe(&made.name))?;
    }
    Ok(Exit::Ok)
}

async fn list(out: &mut dyn Write, json: bool, place: &Place) -> anyhow::Result<Exit> {
    let organisations = place.open(Missing::Refuse).await?.organisations().await?;
    if json {
        for organisation in &organisations {
            super::json_line(out, organisation)?;
        }
        return Ok(Exit::Ok);
    }
    let clock = Clock::new(false);
    let mut table = Table::new(&["NAME", "KIND", "SINCE", "ID"]);
    for organisation in &organisations {
        table.row([
            Cell::text(&organisation.name),
            Cell::text(&organisation.kind),
            Cell::text(clock.day(organisation.created_at)),
            Cell::text(&organisation.id),
        ]);
    }
    table.write(out, Color::Auto.paint())?;
    Ok(Exit::Ok)
}
