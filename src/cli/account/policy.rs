//! `waybill account set` and `show`: what an account may do.

use std::io::Write;

use anyhow::bail;
use clap::Args;
use serde_json::{Value, json};

use super::login;
use crate::cli::Exit;
use crate::cli::moment::Clock;
use crate::cli::screen::{Color, safe};
use crate::cli::store::{AccountDetail, Missing, Place, PolicyChanges};
use crate::cli::table::{Cell, Table};
use crate::config::ByteSize;
use crate::domain::Permission;

#[derive(Debug, Args)]
pub(super) struct Set {
    /// Its login
    #[arg(value_parser = login)]
    login: String,

    /// Nobody comes in any more, and who is inside leaves
    #[arg(long, conflicts_with = "enable")]
    disable: bool,

    /// Lift --disable
    #[arg(long)]
    enable: bool,

    /// Valid until the end of this day, or this moment; `none` is for ever
    #[arg(long, value_name = "WHEN")]
    valid_until: Option<String>,

    /// Where logins may come from, separated by commas: 192.0.2.7,2001:db8::/32; `any`, or `default`
    #[arg(long, value_name = "NETWORKS")]
    allowed_addresses: Option<String>,

    /// Of upload, list, download_answers, download_files, delete, separated by commas; `all`, `none`, or `default`
    #[arg(long, value_name = "LIST")]
    permissions: Option<String>,

    /// What may stand in its drop: \"10 GiB\"; `none` is no limit, or `default`
    #[arg(long, value_name = "SIZE")]
    quota_bytes: Option<String>,

    /// How many files may stand in its drop; `none` is no limit, or `default`
    #[arg(long, value_name = "N")]
    quota_files: Option<String>,

    /// Per second, over all its sessions, in both directions: \"1 MiB\"; `none` is no limit, or `default`
    #[arg(long, value_name = "SIZE")]
    bandwidth: Option<String>,

    /// What names of files must look like, separated by commas: `*.edi,INV[0-9]*.csv`; `any`, or `default`
    #[arg(long, value_name = "PATTERNS")]
    name_patterns: Option<String>,

    /// The largest file: \"100 MiB\"; `none` is as large as the server takes, or `default`
    #[arg(long, value_name = "SIZE")]
    file_max: Option<String>,

    /// Hold FTPS uploads that end without TLS close_notify, instead of refusing them: yes, no, or `default`
    #[arg(long, value_name = "YES|NO")]
    tolerate_missing_close_notify: Option<String>,

    /// Print the account as a JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    place: Place,
}

pub(super) const SET: &str = "\
What is not named stays as it is. `default` follows [accounts] of the server's settings. A change holds within
seconds for sessions that are open; where the account may not be inside any more, they end.

In a pattern, * is any run of characters, ? one, [0-9] one of a set, [!0-9] one that is not in it. Temporary names
(.filepart, .part, .tmp ...) are always taken: the pattern is asked when the file is renamed.

Examples:
  waybill account set acme-erp --allowed-addresses 192.0.2.0/24,2001:db8::/32 --quota-bytes \"10 GiB\"
  waybill account set globex --permissions upload,list,download_answers --name-patterns '*.edi,*.csv'
  waybill account set globex --valid-until 2026-12-31 --bandwidth \"1 MiB\" --quota-files none
  waybill account set globex --disable

Exit codes: 0 changed, 2 unusable (no such account, a value that cannot be, no store there, wrong arguments).";

#[derive(Debug, Args)]
pub(super) struct Show {
    /// Its login
    #[arg(value_parser = login)]
    login: String,

    /// Print the account as a JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    place: Place,
}

pub(super) const SHOW: &str = "\
Examples:
  waybill account show acme-erp
  waybill account show acme-erp --json | jq .usage

Exit codes: 0 shown, 2 unusable (no such account, no store there, wrong arguments).";

impl Set {
    pub(super) async fn run(&self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let changes = self.changes().map_err(anyhow::Error::msg)?;
        if changes.is_empty() {
            bail!("nothing is to be changed; `waybill account set --help` lists what can be");
        }
        let account = self.place.open(Missing::Refuse).await?.change_policy(&self.login, &changes).await?;
        write(out, &account, self.json)
    }

    fn changes(&self) -> Result<PolicyChanges, String> {
        let mut changes = PolicyChanges::new();
        if self.disable || self.enable {
            changes.insert("disabled".to_owned(), json!(self.disable));
        }
        let settings: [(&str, &Option<String>, Read); 9] = [
            ("valid_until", &self.valid_until, |text| Ok(if text == "none" { Value::Null } else { json!(text) })),
            ("allowed_addresses", &self.allowed_addresses, |text| Ok(list(text, "any"))),
            ("permissions", &self.permissions, |text| {
                Ok(match text {
                    "all" => json!(Permission::ALL.map(Permission::as_str)),
                    text => list(text, "none"),
                })
            }),
            ("quota_bytes", &self.quota_bytes, size),
            ("quota_files", &self.quota_files, |text| {
                let number = if text == "none" { Ok(0) } else { text.parse::<u64>() };
                number.map(|number| json!(number)).map_err(|_| format!("`{text}` is not a number of files"))
            }),
            ("bandwidth", &self.bandwidth, size),
            ("name_patterns", &self.name_patterns, |text| Ok(list(text, "any"))),
            ("file_max", &self.file_max, size),
            ("tolerate_missing_close_notify", &self.tolerate_missing_close_notify, |text| match text {
                "yes" => Ok(json!(true)),
                "no" => Ok(json!(false)),
                _ => Err(format!("`{text}` is not yes or no")),
            }),
        ];
        for (setting, text, read) in settings {
            let value = match text.as_deref() {
                None => continue,
                Some("default") => Value::Null,
                Some(text) => read(text).map_err(|why| format!("--{}: {why}", setting.replace('_', "-")))?,
            };
            changes.insert(setting.to_owned(), value);
        }
        Ok(changes)
    }
}

/// From what was typed to what the setting is.
type Read = fn(&str) -> Result<Value, String>;

fn size(text: &str) -> Result<Value, String> {
    if text == "none" {
        return Ok(json!(0));
    }
    text.parse::<ByteSize>().map(|size| json!(size.bytes()))
}

fn list(text: &str, empty: &str) -> Value {
    match text {
        text if text == empty => json!([]),
        text => json!(text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect::<Vec<_>>()),
    }
}

impl Show {
    pub(super) async fn run(&self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let account = self.place.open(Missing::Refuse).await?.account(&self.login).await?;
        write(out, &account, self.json)
    }
}

fn write(out: &mut dyn Write, detail: &AccountDetail, json: bool) -> anyhow::Result<Exit> {
    if json {
        crate::cli::json_line(out, detail)?;
        return Ok(Exit::Ok);
    }
    let AccountDetail { account, policy, effective, usage } = detail;
    writeln!(out, "{}  {}  {}", account.id, safe(&account.login), safe(&account.organisation_name))?;
    let limit = |number: u64, shown: String| if number == 0 { "no limit".to_owned() } else { shown };
    let bytes = |number: u64| limit(number, ByteSize::of(number).to_string());
    let words = |words: Vec<String>, empty: &str| {
        if words.is_empty() { empty.to_owned() } else { words.join(", ") }
    };
    let clock = Clock::new(false);
    let used = |used: String, max: u64, shown: String| {
        if max == 0 { format!("no limit ({used} used)") } else { format!("{shown} ({used} used)") }
    };
    let mut table = Table::new(&["SETTING", "HOLDS", "FROM"]);
    for (setting, holds, is_own) in [
        ("disabled", if effective.disabled { "yes" } else { "no" }.to_owned(), policy.disabled),
        (
            "valid_until",
            effective.valid_until.map_or_else(|| "for ever".to_owned(), |until| clock.full(until)),
            policy.valid_until.is_some(),
        ),
        (
            "allowed_addresses",
            words(effective.allowed_addresses.iter().map(ToString::to_string).collect(), "any"),
            policy.allowed_addresses.is_some(),
        ),
        (
            "permissions",
            words(effective.permissions.iter().map(|permission| permission.as_str().to_owned()).collect(), "none"),
            policy.permissions.is_some(),
        ),
        (
            "quota_bytes",
            used(ByteSize::of(usage.bytes).to_string(), effective.quota_bytes, bytes(effective.quota_bytes)),
            policy.quota_bytes.is_some(),
        ),
        (
            "quota_files",
            used(usage.files.to_string(), effective.quota_files, effective.quota_files.to_string()),
            policy.quota_files.is_some(),
        ),
        (
            "bandwidth",
            limit(effective.bandwidth, format!("{} a second", ByteSize::of(effective.bandwidth))),
            policy.bandwidth.is_some(),
        ),
        (
            "name_patterns",
            words(effective.name_patterns.iter().map(ToString::to_string).collect(), "any"),
            policy.name_patterns.is_some(),
        ),
        ("file_max", bytes(effective.file_max).replace("no limit", "as the server's"), policy.file_max.is_some()),
        (
            "tolerate_missing_close_notify",
            if effective.tolerate_missing_close_notify { "yes" } else { "no" }.to_owned(),
            policy.tolerate_missing_close_notify.is_some(),
        ),
    ] {
        let from = if is_own { "account" } else { "default" };
        table.row([Cell::text(setting), Cell::text(holds), Cell::text(from)]);
    }
    table.write(out, Color::Auto.paint())?;
    Ok(Exit::Ok)
}
