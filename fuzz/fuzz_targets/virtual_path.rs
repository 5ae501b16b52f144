//! A path as a stranger writes it: it is refused, or it lies in the one folder there is, and reading what it is
//! written as gives the same again.
#![no_main]
#![allow(dead_code, reason = "of the house's module only the parser is needed")]

use libfuzzer_sys::fuzz_target;

#[path = "../../src/domain"]
mod domain {
    pub mod path;
}

use domain::path::VirtualPath;

fn inside(path: &VirtualPath) {
    let shown = path.to_string();
    match path {
        VirtualPath::Root => assert_eq!(shown, "/"),
        VirtualPath::Drop => assert_eq!(shown, "/drop"),
        VirtualPath::File(name) => {
            let name = name.as_str();
            assert_eq!(shown, format!("/drop/{name}"));
            assert!(!name.is_empty() && name.len() <= 255 && name != "." && name != "..");
            assert!(!name.contains(['/', '\\', '\0', '\u{fffd}', '\u{202e}']) && !name.chars().any(char::is_control));
        }
    }
    assert_eq!(VirtualPath::parse(shown.as_bytes()).as_ref(), Ok(path));
    assert_eq!(VirtualPath::canonical(shown.as_bytes()).as_ref(), Ok(path));
}

fuzz_target!(|input: &[u8]| {
    let parsed = VirtualPath::parse(input);
    if let Ok(path) = &parsed {
        inside(path);
    }
    if let Ok(path) = VirtualPath::canonical(input) {
        inside(&path);
        // `..` is all in which the two may differ.
        let goes_up = input.split(|byte| *byte == b'/').any(|part| part == b"..");
        assert!(goes_up || parsed.as_ref() == Ok(&path), "{parsed:?} {path:?}");
    }
});
