//! The person at the keyboard: one command a file, in the order one would read them.
//!
//! `serve`, `reload`, `demo`, `check`, `convert`, `explain`, `schema`, `org`, `account`, `token`, `ban`, `partner`,
//! `profile`, `file`, `backup`, `restore`, `migrate`, `migrate-store`, `tail`. A command is a struct of its arguments with
//! `fn run(&self, out: &mut dyn Write) -> anyhow::Result<Exit>`; adding one is a file, and its name in each of the three
//! lists below: `mod`, [`Command`], [`Command::run`].
//!
//! What a command finds goes to the writer it is given; what kept it from working is its `Err`, which is
//! said once, here, on standard error.

mod account;
mod backup;
mod ban;
mod check;
mod convert;
mod demo;
mod explain;
mod file;
mod migrate;
mod migrate_store;
mod moment;
mod org;
mod output;
mod partner;
mod profile;
mod progress;
mod reload;
mod restore;
mod schema;
mod screen;
mod serve;
mod session;
mod store;
mod table;
mod tail;
mod token;

use std::io::{self, BufWriter, ErrorKind, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Runs the program with the arguments of this process.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(said) => return told(&said),
    };
    let mut out = BufWriter::new(io::stdout().lock());
    let done = cli.command.run(&mut out).and_then(|exit| match out.flush() {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(exit),
    });
    match done {
        Ok(exit) => exit.into(),
        // `waybill … | head` has read what it wanted; there is nobody left to tell.
        Err(error) if is_closed(&error) => Exit::Ok.into(),
        Err(error) => {
            let said = format!("waybill: {error:#}");
            for line in said.lines() {
                let _ = writeln!(io::stderr(), "{}", screen::safe(line));
            }
            Exit::Unusable.into()
        }
    }
}

/// The secure file-transfer gateway that reads what it receives.
///
/// Waybill takes invoices, remittances and their kin (X12, EDIFACT, UBL, CII and other XML, CSV), keeps every
/// original exactly as it came, reads it into one canonical model and says what is wrong with it: where, why,
/// and how to mend it.
#[derive(Debug, Parser)]
#[command(
    name = "waybill",
    version,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_help = EXIT_CODES,
    after_long_help = FIRST_STEPS
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 ok, 1 findings, 2 unusable (wrong arguments, nothing to read).";

const FIRST_STEPS: &str = "\
First steps:
  waybill check invoice.edi        what is in this file, and what is wrong with it
  waybill explain BR-CO-10         what a code means, and how to mend it
  waybill convert invoice.edi --to json
  waybill org create Acme          then an account for it, and it can send files
  waybill tail -f                  what the daemon is doing
  waybill check --help             every command explains itself, with examples

Exit codes, of every command:
  0  ok
  1  it worked, and there are findings to look at
  2  unusable: wrong arguments, a file that cannot be read, no answer";

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    Reload(reload::Reload),
    Demo(demo::Demo),
    Check(check::Check),
    Convert(convert::Convert),
    Explain(explain::Explain),
    Schema(schema::Schema),
    Org(org::Org),
    Account(account::Account),
    Token(token::Token),
    Session(session::Session),
    Ban(ban::Ban),
    Partner(partner::Partner),
    Profile(profile::Profile),
    File(file::File),
    Backup(backup::Backup),
    Restore(restore::Restore),
    Migrate(migrate::Migrate),
    MigrateStore(migrate_store::MigrateStore),
    Tail(tail::Tail),
}

impl Command {
    fn run(&self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        match self {
            Self::Serve(serve) => serve.run(out),
            Self::Reload(reload) => reload.run(out),
            Self::Demo(demo) => demo.run(out),
            Self::Check(check) => check.run(out),
            Self::Convert(convert) => convert.run(out),
            Self::Explain(explain) => explain.run(out),
            Self::Schema(schema) => schema.run(out),
            Self::Org(org) => org.run(out),
            Self::Account(account) => account.run(out),
            Self::Token(token) => token.run(out),
            Self::Session(session) => session.run(out),
            Self::Ban(ban) => ban.run(out),
            Self::Partner(partner) => partner.run(out),
            Self::Profile(profile) => profile.run(out),
            Self::File(file) => file.run(out),
            Self::Backup(backup) => backup.run(out),
            Self::Restore(restore) => restore.run(out),
            Self::Migrate(migrate) => migrate.run(out),
            Self::MigrateStore(moving) => moving.run(out),
            Self::Tail(tail) => tail.run(out),
        }
    }
}

/// How a command ended, as scripts see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    Ok,
    Findings,
    Unusable,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Ok => 0,
            Exit::Findings => 1,
            Exit::Unusable => 2,
        })
    }
}

/// Help and version are answers; anything else clap has to say is about unusable arguments.
fn told(said: &clap::Error) -> ExitCode {
    let _ = said.print();
    if said.use_stderr() { Exit::Unusable.into() } else { Exit::Ok.into() }
}

/// One JSON object a line.
fn json_line(out: &mut dyn Write, object: &impl serde::Serialize) -> io::Result<()> {
    // `?` on the conversion keeps the kind of the error: a closed pipe stays a closed pipe.
    serde_json::to_writer(&mut *out, object)?;
    out.write_all(b"\n")
}

/// A sentence beside the output. Where standard error is closed, there is nobody to tell.
fn note(text: &str) {
    let _ = writeln!(io::stderr(), "waybill: {}", screen::safe(text));
}

/// A name for people: something to see, nothing that hides.
fn name_of(text: &str) -> Result<String, String> {
    let name = text.trim();
    if name.is_empty() || name.chars().count() > 200 || name.chars().any(char::is_control) {
        return Err("a name has 1 to 200 characters and no control characters".to_owned());
    }
    Ok(name.to_owned())
}

/// Whether whoever read our output has gone.
fn is_closed(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_teaches_with_an_example_and_its_exit_codes() {
        fn teaches(command: &clap::Command, name: &str) {
            let help = command.clone().render_long_help().to_string();
            for part in ["Examples:", "Exit codes:", &format!("{name} ")] {
                assert!(help.contains(part), "`{name} --help` lacks `{part}`");
            }
            for inner in command.get_subcommands() {
                teaches(inner, &format!("{name} {}", inner.get_name()));
            }
        }
        for command in Cli::command().get_subcommands() {
            teaches(command, &format!("waybill {}", command.get_name()));
        }
    }
}
