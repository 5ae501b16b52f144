//! `waybill account`: the logins of the doors.

mod policy;
mod proofs;

use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use zeroize::Zeroizing;

use super::Exit;
use super::moment::Clock;
use super::screen::{Color, safe};
use super::serve::runtime;
use super::store::{Missing, NewAccount, Place};
use super::table::{Cell, Table};
use crate::land::credential;

/// Make and list accounts, the logins files are sent with, and say what each may do
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES, arg_required_else_help = true)]
pub(super) struct Account {
    #[command(subcommand)]
    action: Action,
}

const EXAMPLES: &str = "\
Examples:
  waybill account create acme-erp --org \"Acme Industries\" --key erp_key.pub
  waybill account set acme-erp --allowed-addresses 192.0.2.0/24 --quota-bytes \"10 GiB\"
  waybill account show acme-erp
  waybill account list

Exit codes: 0 done, 2 unusable (the login is taken, a bad key, no store there, wrong arguments).";

#[derive(Debug, Subcommand)]
enum Action {
    /// Make an account with a password, keys, or both
    #[command(after_long_help = CREATE)]
    Create(Create),
    /// Say what an account may do: from where, how much, until when
    #[command(after_long_help = policy::SET)]
    Set(Box<policy::Set>),
    /// Show one account: what it may do, and what stands in its drop
    #[command(after_long_help = policy::SHOW)]
    Show(policy::Show),
    /// List the accounts
    #[command(after_long_help = LIST)]
    List {
        /// Print one JSON object a line
        #[arg(long)]
        json: bool,

        #[command(flatten)]
        place: Place,
    },
    Auth(proofs::Auth),
    Key(proofs::KeyCommand),
    Totp(proofs::TotpCommand),
}

#[derive(Debug, Args)]
struct Create {
    /// 1 to 64 of a-z, 0-9, `.`, `_` and `-`, beginning with a letter or a digit
    #[arg(value_parser = login)]
    login: String,

    /// The organisation it belongs to, by name or id
    #[arg(long)]
    org: String,

    /// Read the password from standard input: its first line, at least 8 characters
    #[arg(long)]
    password_stdin: bool,

    /// An OpenSSH public key that may log in; can be given several times
    #[arg(long = "key", value_name = "FILE.pub")]
    keys: Vec<PathBuf>,

    /// Print the account as a JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    place: Place,
}

const CREATE: &str = "\
Examples:
  waybill account create acme-erp --org \"Acme Industries\" --key ~/.ssh/id_ed25519.pub
  waybill account create globex --org Globex --password-stdin < password.txt
  read -rs P; printf %s \"$P\" | waybill account create globex --org Globex --password-stdin

Exit codes: 0 made, 2 unusable (the login is taken, a bad key, no store there, wrong arguments).";

const LIST: &str = "\
Examples:
  waybill account list
  waybill account list --json | jq -r .login

Exit codes: 0 listed, 2 unusable (no store there, wrong arguments).";

impl Account {
    pub(super) fn run(&self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        match &self.action {
            Action::Create(create) => create.run(out),
            Action::Set(set) => runtime()?.block_on(set.run(out)),
            Action::Show(show) => runtime()?.block_on(show.run(out)),
            Action::List { json, place } => runtime()?.block_on(list(out, *json, place)),
            Action::Auth(auth) => auth.run(out),
            Action::Key(key) => key.run(out),
            Action::Totp(totp) => totp.run(out),
        }
    }
}

impl Create {
    fn run(&self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        if !self.password_stdin && self.keys.is_empty() {
            bail!(
                "the account could not log in: give it a key (--key FILE.pub), or a password on standard input: \
                 read -rs P; printf %s \"$P\" | waybill account create {} --org ORG --password-stdin",
                self.login
            );
        }
        let mut keys = vec![];
        for path in &self.keys {
            keys.extend(keys_of(path)?);
        }
        let password = if self.password_stdin { Some(password()?) } else { None };
        let new = NewAccount { login: self.login.clone(), org: self.org.clone(), password, keys };
        let made = runtime()?.block_on(async { self.place.open(Missing::Refuse).await?.add_account(new).await })?;
        if self.json {
            super::json_line(out, &made)?;
            return Ok(Exit::Ok);
        }
        writeln!(out, "{}  {}  {}", made.id, safe(&made.login), safe(&made.organisation_name))?;
        for key in &made.keys {
            writeln!(out, "  key {}", safe(key))?;
        }
        Ok(Exit::Ok)
    }
}

fn login(text: &str) -> Result<String, String> {
    let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
    let begins = text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    if begins && text.len() <= 64 && text.chars().all(fine) {
        return Ok(text.to_owned());
    }
    Err("a login has 1 to 64 of a-z, 0-9, `.`, `_` and `-`, and begins with a letter or a digit".to_owned())
}

/// A `.pub` file is a line or a few.
const KEY_FILE_BYTES_MAX: u64 = 64 * 1024;

/// The lines of a `.pub` file, each looked at before anything is made.
fn keys_of(path: &Path) -> anyhow::Result<Vec<String>> {
    let shown = path.display();
    let mut text = String::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(KEY_FILE_BYTES_MAX).read_to_string(&mut text))
        .with_context(|| format!("could not read the key {shown}"))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let lines: Vec<String> = lines.map(str::to_owned).collect();
    for line in &lines {
        credential::parse_public_key(line).map_err(|why| anyhow::anyhow!("{shown}: {why}"))?;
    }
    if lines.is_empty() {
        bail!("{shown} is empty; it should be an OpenSSH public key: `ssh-ed25519 AAAA… comment`");
    }
    Ok(lines)
}

/// The first line of standard input.
fn password() -> anyhow::Result<Zeroizing<String>> {
    let input = io::stdin();
    if input.is_terminal() {
        bail!("the password would be shown while you type; pipe it in: read -rs P; printf %s \"$P\" | waybill …");
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(credential::PASSWORD_BYTES_MAX + 2));
    // One byte more than is fine and a line's end: what is longer is refused, not cut.
    input
        .lock()
        .take(credential::PASSWORD_BYTES_MAX as u64 + 2)
        .read_to_end(&mut bytes)
        .context("could not read the password from standard input")?;
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let text = std::str::from_utf8(line).ok().context("the password is not UTF-8")?;
    if text.chars().count() < credential::PASSWORD_CHARS_MIN {
        bail!("the password is shorter than {} characters; choose a longer one", credential::PASSWORD_CHARS_MIN);
    }
    Ok(Zeroizing::new(text.to_owned()))
}

async fn list(out: &mut dyn Write, json: bool, place: &Place) -> anyhow::Result<Exit> {
    let accounts = place.open(Missing::Refuse).await?.accounts().await?;
    if json {
        for account in &accounts {
            super::json_line(out, account)?;
        }
        return Ok(Exit::Ok);
    }
    let clock = Clock::new(false);
    let mut table = Table::new(&["LOGIN", "ORGANISATION", "LOGS IN WITH", "SINCE", "ID"]);
    for account in &accounts {
        let mut ways = vec![];
        if account.has_password {
            ways.push("password".to_owned());
        }
        match account.keys.len() {
            0 => {}
            1 => ways.push("1 key".to_owned()),
            count => ways.push(format!("{count} keys")),
        }
        table.row([
            Cell::text(&account.login),
            Cell::text(&account.organisation_name),
            Cell::text(ways.join(", ")),
            Cell::text(clock.day(account.created_at)),
            Cell::text(&account.id),
        ]);
    }
    table.write(out, Color::Auto.paint())?;
    Ok(Exit::Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_short_plain_and_no_option() {
        for good in ["a", "acme-erp", "7.x_y", &"a".repeat(64)] {
            assert_eq!(login(good).as_deref(), Ok(good));
        }
        for bad in ["", "-a", ".a", "Acme", "a b", "é", "a/b", "a\n", &"a".repeat(65)] {
            assert!(login(bad).is_err(), "{bad:?}");
        }
    }
}
