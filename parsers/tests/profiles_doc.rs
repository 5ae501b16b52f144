//! `docs/PROFILES.md` and the profiles agree: its example loads, every key and every field is in it.

use std::collections::BTreeSet;

use waybill_parsers::profile::{FIELDS, Profile};

const PAGE: &str = include_str!("../../docs/PROFILES.md");

#[test]
fn the_example_of_the_page_is_a_profile() {
    let example = PAGE.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let profile = Profile::from_toml(example).unwrap();
    assert_eq!(profile.name, "elm-and-sons");
    let again = Profile::from_toml(&profile.to_toml()).unwrap();
    assert_eq!(again, profile);
}

#[test]
fn every_field_and_every_key_is_explained() {
    let missing: BTreeSet<&str> =
        FIELDS.iter().map(|field| field.name).filter(|name| !PAGE.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
    // An unknown key is answered with the list of those there are.
    let allowed = Profile::from_toml("no_such_key = 1").unwrap_err().allowed;
    let keys: Vec<&str> =
        allowed.split('`').filter(|word| word.chars().all(|c| c.is_ascii_lowercase() || c == '_')).collect();
    assert!(keys.contains(&"delimiter"), "{allowed}");
    for key in keys.into_iter().filter(|key| !key.is_empty()) {
        assert!(PAGE.contains(&format!("| `{key}` |")) || PAGE.contains(&format!("| `[{key}]` |")), "{key}");
    }
}
