//! `waybill account auth`, `key` and `totp`: how an account logs in.

use std::io::Write;
use std::path::PathBuf;

use anyhow::bail;
use clap::{Args, Subcommand};

use super::{keys_of, login};
use crate::cli::Exit;
use crate::cli::moment::Clock;
use crate::cli::screen::{Color, safe};
use crate::cli::serve::runtime;
use crate::cli::store::{Authentication, Key, Missing, Place};
use crate::cli::table::{Cell, Table};
use crate::domain::Timestamp;
use crate::land::proofs::{NewKey, Wanted};

/// Show and change by what an account logs in: methods, client certificates, legacy algorithms
#[derive(Debug, Args)]
#[command(after_long_help = AUTH)]
pub(super) struct Auth {
    /// The account, by login or id
    #[arg(value_parser = login_or_id)]
    login: String,

    /// Ways to log in, any one of which is enough, each of steps joined by `+`: publickey, certificate, password, totp;
    /// `usual` is any one proof, and once a second factor is enrolled a password with its code
    #[arg(long, value_name = "WAY,…", value_delimiter = ',')]
    methods: Option<Vec<String>>,

    /// Names in TLS client certificates that stand for the account, in place of those there were: cn:, dns:, email:,
    /// uri:, upn: or sha256: and the whole name; `none` takes all away
    #[arg(long = "certificate", value_name = "NAME")]
    certificates: Option<Vec<String>>,

    /// Addresses and networks from which the account may speak the legacy SSH algorithms; `none` takes all away
    #[arg(long, value_name = "NETWORK,…", value_delimiter = ',')]
    legacy_from: Option<Vec<String>>,

    /// Print it as a JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    place: Place,
}

const AUTH: &str = "\
Examples:
  waybill account auth acme-erp
  waybill account auth acme-erp --methods publickey+totp,password+totp
  waybill account auth acme-erp --methods certificate+password --certificate dns:erp.acme.example
  waybill account auth acme-erp --legacy-from 192.0.2.7

Legacy algorithms are offered to the addresses listed and to nobody else. A client that chose one is told to update,
unless its account lists the address.

Exit codes: 0 done, 2 unusable (no such account, nothing that could be proved, no store there, wrong arguments).";

/// List, add and remove the keys of an account
#[derive(Debug, Args)]
#[command(after_long_help = KEY, arg_required_else_help = true)]
pub(super) struct KeyCommand {
    #[command(subcommand)]
    action: KeyAction,
}

const KEY: &str = "\
Examples:
  waybill account key add acme-erp erp-2027.pub --from 2026-12-01
  waybill account key list acme-erp
  waybill account key remove acme-erp SHA256:wYZ2u7WcNI1DyEft6fsaCdNwvEQSh9zVrGuxPkF2708

Exit codes: 0 done, 2 unusable (no such account or key, no store there, wrong arguments).";

#[derive(Debug, Subcommand)]
enum KeyAction {
    /// Add an OpenSSH public key, for good or for a time
    #[command(after_long_help = KEY_ADD)]
    Add {
        /// The account, by login or id
        #[arg(value_parser = login_or_id)]
        login: String,

        /// The public key, as `ssh-keygen` writes it
        #[arg(value_name = "FILE.pub")]
        file: PathBuf,

        /// It logs in from then on: a day or a moment, 2026-12-01 or 2026-12-01T08:00:00Z
        #[arg(long, value_parser = Timestamp::parse)]
        from: Option<Timestamp>,

        /// It logs in until then, and not any more
        #[arg(long, value_parser = Timestamp::parse)]
        until: Option<Timestamp>,

        /// It is an authority: it does not log in itself, but the OpenSSH user certificates it signs do, if they name
        /// the login among their principals
        #[arg(long)]
        authority: bool,

        /// Print the key as a JSON object
        #[arg(long)]
        json: bool,

        #[command(flatten)]
        place: Place,
    },
    /// List the keys, those that are expired and not yet valid among them
    #[command(after_long_help = KEY_LIST)]
    List {
        /// The account, by login or id
        #[arg(value_parser = login_or_id)]
        login: String,

        /// Print one JSON object a line
        #[arg(long)]
        json: bool,

        #[command(flatten)]
        place: Place,
    },
    /// Remove a key: it logs in no more
    #[command(after_long_help = KEY_REMOVE)]
    Remove {
        /// The account, by login or id
        #[arg(value_parser = login_or_id)]
        login: String,

        /// `SHA256:…`, as `key list` shows it
        fingerprint: String,

        #[command(flatten)]
        place: Place,
    },
}

const KEY_ADD: &str = "\
Examples:
  waybill account key add acme-erp ~/.ssh/id_ed25519.pub
  waybill account key add acme-erp erp-2027.pub --from 2026-12-01 --until 2028-01-01
  waybill account key add acme-erp acme-ca.pub --authority

Exit codes: 0 added, 2 unusable (no such account, a weak key, the account has it, no store there, wrong arguments).";

const KEY_LIST: &str = "\
Examples:
  waybill account key list acme-erp
  waybill account key list acme-erp --json | jq -r 'select(.state == \"expired\").fingerprint'

Exit codes: 0 listed, 2 unusable (no such account, no store there, wrong arguments).";

const KEY_REMOVE: &str = "\
Examples:
  waybill account key remove acme-erp SHA256:wYZ2u7WcNI1DyEft6fsaCdNwvEQSh9zVrGuxPkF2708

Exit codes: 0 removed, 2 unusable (no such account or key, no store there, wrong arguments).";

/// Enrol and remove an account's second factor
#[derive(Debug, Args)]
#[command(after_long_help = TOTP, arg_required_else_help = true)]
pub(super) struct TotpCommand {
    #[command(subcommand)]
    action: TotpAction,
}

const TOTP: &str = "\
Examples:
  waybill account totp enrol acme-erp
  waybill account totp remove acme-erp

SFTP asks for the code (keyboard-interactive); with FTPS it is typed right behind the password.

Exit codes: 0 done, 2 unusable (no such account, no store there, wrong arguments).";

#[derive(Debug, Subcommand)]
enum TotpAction {
    /// Enrol a second factor, in place of any other, and print it: once
    #[command(after_long_help = TOTP_ENROL)]
    Enrol {
        /// The account, by login or id
        #[arg(value_parser = login_or_id)]
        login: String,

        /// Print it as a JSON object
        #[arg(long)]
        json: bool,

        #[command(flatten)]
        place: Place,
    },
    /// Remove the second factor and its recovery codes
    #[command(after_long_help = TOTP_REMOVE)]
    Remove {
        /// The account, by login or id
        #[arg(value_parser = login_or_id)]
        login: String,

        #[command(flatten)]
        place: Place,
    },
}

const TOTP_ENROL: &str = "\
Examples:
  waybill account totp enrol acme-erp
  waybill account totp enrol acme-erp --json | jq -r .otpauth | qrencode -t ANSIUTF8

From the next login on a password alone is not enough; a key is, unless the methods say otherwise
(`waybill account auth acme-erp --methods publickey+totp,password+totp`).

Exit codes: 0 enrolled, 2 unusable (no such account, no master key, no store there, wrong arguments).";

const TOTP_REMOVE: &str = "\
Examples:
  waybill account totp remove acme-erp

Exit codes: 0 removed, 2 unusable (it has none, its methods need it, no store there, wrong arguments).";

fn login_or_id(text: &str) -> Result<String, String> {
    if text.starts_with("acc_") { Ok(text.to_owned()) } else { login(text) }
}

/// A list in which `none` stands for nothing.
fn or_none(list: Option<&Vec<String>>) -> Option<Vec<String>> {
    list.map(|list| if list.iter().all(|word| word == "none") { vec![] } else { list.clone() })
}

impl Auth {
    pub(super) fn run(&self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let wanted = Wanted {
            methods: self.methods.as_ref().map(|ways| {
                let is_usual = ways.iter().all(|way| way == "usual");
                (!is_usual).then(|| ways.clone())
            }),
            legacy_from: or_none(self.legacy_from.as_ref()),
            certificates: or_none(self.certificates.as_ref()),
        };
        let changes = wanted.methods.is_some() || wanted.legacy_from.is_some() || wanted.certificates.is_some();
        let shown = runtime()?.block_on(async {
            let store = self.place.open(Missing::Refuse).await?;
            if changes {
                store.change_authentication(&self.login, &wanted).await
            } else {
                store.authentication(&self.login).await
            }
        })?;
        if self.json {
            super::super::json_line(out, &shown)?
        } else {
            show(out, &shown)?
        }
        Ok(Exit::Ok)
    }
}

fn show(out: &mut dyn Write, shown: &Authentication) -> anyhow::Result<()> {
    let listed =
        |list: &[String]| if list.is_empty() { "none".to_owned() } else { safe(&list.join(", ")).into_owned() };
    writeln!(out, "{}  {}", shown.account, safe(&shown.login))?;
    let usual = if shown.usual_methods { "  (the usual)" } else { "" };
    writeln!(out, "  logs in by           {}{usual}", shown.methods.join(", or "))?;
    let factor =
        if shown.totp { format!("yes, {} recovery codes left", shown.recovery_codes_left) } else { "no".into() };
    writeln!(out, "  second factor        {factor}")?;
    writeln!(out, "  client certificates  {}", listed(&shown.certificates))?;
    writeln!(out, "  legacy algorithms    {}", listed(&shown.legacy_from))?;
    table(&shown.keys).write(out, Color::Auto.paint())?;
    Ok(())
}

fn table(keys: &[Key]) -> Table {
    let clock = Clock::new(false);
    let day = |moment: Option<Timestamp>| moment.map_or_else(|| "-".to_owned(), |moment| clock.day(moment));
    let mut table = Table::new(&["FINGERPRINT", "STATE", "FROM", "UNTIL", "USE", "COMMENT"]);
    for key in keys {
        table.row([
            Cell::text(&key.fingerprint),
            Cell::text(key.state.replace('_', " ")),
            Cell::text(day(key.not_before)),
            Cell::text(day(key.not_after)),
            Cell::text(if key.authority { "authority" } else { "login" }),
            Cell::text(&key.comment),
        ]);
    }
    table
}

impl KeyCommand {
    pub(super) fn run(&self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        match &self.action {
            KeyAction::Add { login, file, from, until, authority, json, place } => {
                let lines = keys_of(file)?;
                let [line] = lines.as_slice() else {
                    bail!(
                        "{} has {} keys; give one a file, so that each has its own time",
                        file.display(),
                        lines.len()
                    );
                };
                let new = NewKey { line: line.clone(), not_before: *from, not_after: *until, is_authority: *authority };
                let added =
                    runtime()?.block_on(async { place.open(Missing::Refuse).await?.add_key(login, &new).await })?;
                if *json {
                    super::super::json_line(out, &added)?;
                } else {
                    writeln!(out, "{}  {}", safe(&added.fingerprint), added.state.replace('_', " "))?;
                }
            }
            KeyAction::List { login, json, place } => {
                let keys = runtime()?.block_on(async { place.open(Missing::Refuse).await?.keys(login).await })?;
                if *json {
                    for key in &keys {
                        super::super::json_line(out, key)?;
                    }
                } else {
                    table(&keys).write(out, Color::Auto.paint())?;
                }
            }
            KeyAction::Remove { login, fingerprint, place } => {
                runtime()?
                    .block_on(async { place.open(Missing::Refuse).await?.remove_key(login, fingerprint).await })?;
            }
        }
        Ok(Exit::Ok)
    }
}

impl TotpCommand {
    pub(super) fn run(&self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        match &self.action {
            TotpAction::Enrol { login, json, place } => {
                let enrolled =
                    runtime()?.block_on(async { place.open(Missing::Refuse).await?.enrol_totp(login).await })?;
                if *json {
                    super::super::json_line(out, &enrolled)?;
                    return Ok(Exit::Ok);
                }
                writeln!(out, "{}", enrolled.otpauth)?;
                writeln!(out, "secret  {}", enrolled.secret)?;
                for code in &enrolled.recovery_codes {
                    writeln!(out, "recovery  {code}")?;
                }
                super::super::note("this is shown once: give it to its owner over a way you trust, and keep no copy");
            }
            TotpAction::Remove { login, place } => {
                runtime()?.block_on(async { place.open(Missing::Refuse).await?.remove_totp(login).await })?;
            }
        }
        Ok(Exit::Ok)
    }
}
