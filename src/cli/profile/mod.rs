//! `waybill profile`: feed profiles, how an organisation's files are read.

mod guess;

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};

use super::Exit;
use super::screen::{Color, safe};
use super::serve::runtime;
use super::store::{Missing, Place, Profile as Applied};
use super::table::{Cell, Table};

/// Propose, apply, list and show feed profiles: how tables are read
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES, arg_required_else_help = true)]
pub(super) struct Profile {
    #[command(subcommand)]
    action: Action,
}

const EXAMPLES: &str = "\
Examples:
  waybill profile show sap-open-items > my-erp.toml
  waybill profile guess open-items.csv --out my-erp.toml
  waybill check open-items.csv --profile my-erp.toml
  waybill profile apply my-erp.toml --org \"Acme Industries\"

Exit codes: 0 done, 2 unusable (the profile is wrong, no such organisation, no store there).

docs/PROFILES.md explains every key of a profile.";

#[derive(Debug, Subcommand)]
enum Action {
    Guess(guess::Propose),
    /// Check a profile and make it the newest version of its name
    ///
    /// Files that arrive from now on are read by it; `waybill file reprocess` reads earlier ones again. The
    /// same text once more changes nothing.
    #[command(after_long_help = APPLY)]
    Apply {
        /// The profile, a .toml file
        file: PathBuf,

        /// Whose files are read by it, by name or id; without, everybody's
        #[arg(long)]
        org: Option<String>,

        /// Print the profile as a JSON object
        #[arg(long)]
        json: bool,

        #[command(flatten)]
        place: Place,
    },
    /// List the profiles that were applied, and the built-in ones
    #[command(after_long_help = LIST)]
    List {
        /// Print one JSON object a line
        #[arg(long)]
        json: bool,

        #[command(flatten)]
        place: Place,
    },
    /// Print a profile's text: the newest that was applied, or the built-in one
    #[command(after_long_help = SHOW)]
    Show {
        /// Its name
        name: String,

        /// The organisation's own, by name or id; without, everybody's
        #[arg(long)]
        org: Option<String>,

        /// Print the profile as a JSON object
        #[arg(long)]
        json: bool,

        #[command(flatten)]
        place: Place,
    },
}

const APPLY: &str = "\
Examples:
  waybill profile apply my-erp.toml
  waybill profile apply my-erp.toml --org \"Acme Industries\"

Exit codes: 0 applied, 2 unusable (the profile is wrong, no such organisation, no store there).";

const LIST: &str = "\
Examples:
  waybill profile list
  waybill profile list --json | jq 'select(.version > 0)'

Exit codes: 0 listed, 2 unusable (no store there, wrong arguments).";

const SHOW: &str = "\
Examples:
  waybill profile show waybill-vouchers > my-erp.toml
  waybill profile show my-erp --org \"Acme Industries\"

Exit codes: 0 shown, 2 unusable (no such profile, no store there).";

impl Profile {
    pub(super) fn run(&self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        runtime()?.block_on(async {
            match &self.action {
                Action::Guess(propose) => propose.run(out),
                Action::Apply { file, org, json, place } => apply(out, file, org.as_deref(), *json, place).await,
                Action::List { json, place } => list(out, *json, place).await,
                Action::Show { name, org, json, place } => show(out, name, org.as_deref(), *json, place).await,
            }
        })
    }
}

/// A profile is a page of text; more is something else.
const PROFILE_BYTES_MAX: u64 = 1024 * 1024;

async fn apply(out: &mut dyn Write, file: &Path, org: Option<&str>, json: bool, place: &Place) -> anyhow::Result<Exit> {
    let shown = file.display();
    let mut text = String::new();
    std::fs::File::open(file)
        .and_then(|file| file.take(PROFILE_BYTES_MAX + 1).read_to_string(&mut text))
        .with_context(|| format!("could not read the profile {shown}"))?;
    if text.len() as u64 > PROFILE_BYTES_MAX {
        bail!("{shown} is longer than 1 MiB; it is no profile");
    }
    let profile =
        waybill_parsers::Profile::from_toml(&text).with_context(|| format!("the profile {shown} is unusable"))?;
    let applied = place.open(Missing::Refuse).await?.apply_profile(&profile.name, &text, org).await?;
    if json {
        super::json_line(out, &applied)?;
    } else {
        writeln!(out, "{} is at version {}", safe(&applied.name), applied.version)?;
    }
    Ok(Exit::Ok)
}

async fn list(out: &mut dyn Write, json: bool, place: &Place) -> anyhow::Result<Exit> {
    let store = place.open(Missing::Refuse).await?;
    let profiles = store.profiles().await?;
    if json {
        for profile in &profiles {
            super::json_line(out, profile)?;
        }
        return Ok(Exit::Ok);
    }
    let organisations = store.organisations().await?;
    let mut table = Table::new(&["NAME", "FOR", "VERSION", "TITLE"]);
    for profile in &profiles {
        let known = organisations.iter().find(|org| Some(&org.id) == profile.organisation.as_ref());
        let whose = match (&profile.organisation, known) {
            (None, _) => "everybody",
            (Some(_), Some(org)) => &org.name,
            (Some(id), None) => id,
        };
        let version = if profile.version == 0 { "built in".to_owned() } else { profile.version.to_string() };
        let title = waybill_parsers::Profile::from_toml(&profile.text).map(|profile| profile.title).unwrap_or_default();
        table.row([Cell::text(&profile.name), Cell::text(whose), Cell::text(version), Cell::text(title)]);
    }
    table.write(out, Color::Auto.paint())?;
    Ok(Exit::Ok)
}

async fn show(out: &mut dyn Write, name: &str, org: Option<&str>, json: bool, place: &Place) -> anyhow::Result<Exit> {
    let profile = match place.open(Missing::Refuse).await {
        Ok(store) => {
            let org = match org {
                None => None,
                Some(text) => {
                    let known = store.organisations().await?.into_iter();
                    let found = known.into_iter().find(|org| org.id == text || org.name == text);
                    Some(
                        found
                            .with_context(|| {
                                format!("there is no organisation `{text}`; `waybill org list` shows them")
                            })?
                            .id,
                    )
                }
            };
            chosen(store.profiles().await?, name, org.as_deref())
        }
        // A built-in profile needs no store: it is what one begins a profile of one's own with.
        Err(error) => match (org, chosen(built_in(), name, None)) {
            (None, Some(profile)) if place.names_nothing() => Some(profile),
            _ => return Err(error),
        },
    };
    let Some(profile) = profile else {
        bail!("there is no profile `{name}`; `waybill profile list` shows them");
    };
    if json {
        super::json_line(out, &profile)?;
    } else {
        // TOML has no control characters but tabs and line ends; what is not TOML was never applied.
        for line in profile.text.lines() {
            writeln!(out, "{}", shown(line))?;
        }
    }
    Ok(Exit::Ok)
}

fn built_in() -> Vec<Applied> {
    waybill_parsers::profile::built_in().iter().map(Applied::from).collect()
}

/// The organisation's own before everybody's, and that before the built-in one: as files are read.
fn chosen(profiles: Vec<Applied>, name: &str, org: Option<&str>) -> Option<Applied> {
    let fits = |profile: &Applied| {
        profile.name == name && (profile.organisation.is_none() || profile.organisation.as_deref() == org)
    };
    profiles.into_iter().filter(fits).max_by_key(|profile| (profile.organisation.is_some(), profile.version))
}

/// A line as it is, tabs included: it may go to a file.
fn shown(line: &str) -> String {
    line.split('\t').map(safe).collect::<Vec<_>>().join("\t")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_organisations_own_profile_comes_before_everybodys_and_that_before_the_built_in_one() {
        let profile = |organisation: Option<&str>, version| Applied {
            name: "a".to_owned(),
            organisation: organisation.map(str::to_owned),
            version,
            text: String::new(),
            applied_at: None,
        };
        let all = || vec![profile(Some("acme"), 1), profile(None, 4), profile(None, 0)];
        assert_eq!(chosen(all(), "a", Some("acme")), Some(profile(Some("acme"), 1)));
        assert_eq!(chosen(all(), "a", Some("globex")), Some(profile(None, 4)));
        assert_eq!(chosen(all(), "a", None), Some(profile(None, 4)));
        assert_eq!(chosen(all(), "b", None), None);
        assert_eq!(shown("a = 1\t# x\x1b[2J"), "a = 1\t# x\\x1B[2J");
    }
}
