//! `waybill token`: tokens for the API, shown once.

use std::io::Write;

use clap::{Args, Subcommand};

use super::serve::runtime;
use super::store::{Missing, NewToken, Place};
use super::{Exit, moment};

/// Make tokens for the REST API
#[derive(Debug, Args)]
#[command(after_long_help = CREATE, arg_required_else_help = true)]
pub(super) struct Token {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a token; its text is printed once, and cannot be shown again
    ///
    /// Only a digest of the secret is stored. The token alone goes to standard output, so that a script
    /// can take it as it is; what it is good for is said on standard error.
    #[command(after_long_help = CREATE)]
    Create(Create),
}

#[derive(Debug, Args)]
struct Create {
    /// The organisation it shows, by name or id
    #[arg(long, required_unless_present = "operator", conflicts_with = "operator")]
    org: Option<String>,

    /// An operator's token: it shows every organisation and may administer
    #[arg(long)]
    operator: bool,

    /// What it is for: shown in the log with what it does
    #[arg(long, default_value = "cli", value_parser = super::name_of)]
    name: String,

    /// When it ends; without, it does not
    #[arg(long, value_name = "DAYS", value_parser = moment::days)]
    expires: Option<u32>,

    /// Print the token as a JSON object with its id
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    place: Place,
}

const CREATE: &str = "\
Examples:
  waybill token create --org Globex --name erp --expires 90d
  export WAYBILL_TOKEN=$(waybill token create --operator --data /var/lib/waybill)
  waybill token create --operator --json | jq -r .id

Exit codes: 0 made, 2 unusable (no such organisation, no store there, wrong arguments).";

impl Token {
    pub(super) fn run(&self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let Action::Create(create) = &self.action;
        runtime()?.block_on(create.run(out))
    }
}

impl Create {
    async fn run(&self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let new = NewToken { name: self.name.clone(), org: self.org.clone(), expires_days: self.expires };
        let made = self.place.open(Missing::Refuse).await?.add_token(new).await?;
        if self.json {
            super::json_line(out, &made)?;
            return Ok(Exit::Ok);
        }
        writeln!(out, "{}", made.token)?;
        out.flush()?;
        let whose = self.org.as_ref().map_or_else(|| "an operator's".to_owned(), |org| format!("for `{org}`"));
        let until = made.expires_at.map_or_else(|| "does not expire".to_owned(), |moment| format!("ends {moment}"));
        super::note(&format!("{} ({whose}) {until}; keep it, it cannot be shown again", made.id));
        Ok(Exit::Ok)
    }
}
