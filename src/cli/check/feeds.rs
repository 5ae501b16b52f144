//! Which feed profiles a file may be read by.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};
use waybill_parsers::Profile;
use waybill_parsers::profile::{self, ProfileError};

/// A profile is a page of text; more is something else.
const PROFILE_BYTES_MAX: u64 = 1024 * 1024;

/// The profile that was named, by its file or by its name; all built-in ones, when none was.
pub(in super::super) fn candidates(named: Option<&str>) -> anyhow::Result<Vec<Profile>> {
    let Some(named) = named else { return Ok(built_in()) };
    if named.contains('/') || Path::new(named).extension().is_some_and(|extension| extension == "toml") {
        return Ok(vec![of_file(named)?]);
    }
    let mut known = built_in();
    if let Some(index) = known.iter().position(|profile| profile.name == named) {
        return Ok(vec![known.swap_remove(index)]);
    }
    let names: Vec<_> = known.iter().map(|profile| profile.name.as_str()).collect();
    bail!(
        "no built-in profile is called `{named}`; there are: {}. A profile of your own is given by its file, `{named}.toml`",
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    )
}

fn of_file(path: &str) -> anyhow::Result<Profile> {
    let file = File::open(path).with_context(|| format!("could not open the profile {path}"))?;
    let mut text = String::new();
    file.take(PROFILE_BYTES_MAX)
        .read_to_string(&mut text)
        .with_context(|| format!("could not read the profile {path}"))?;
    from_toml(&text).with_context(|| format!("the profile {path} is unusable"))
}

fn built_in() -> Vec<Profile> {
    profile::built_in().to_vec()
}

fn from_toml(text: &str) -> Result<Profile, ProfileError> {
    Profile::from_toml(text)
}
