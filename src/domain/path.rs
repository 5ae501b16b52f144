//! Paths as senders write them, parsed once. A [`VirtualPath`] cannot leave the two folders there are,
//! because [`VirtualPath::parse`] is the only way to have one.
//!
//! Every door, the API and the command line use this one parser (SECURITY: normalising differently in
//! two places is how others were broken into).

use std::fmt;

/// A place a sender can name: `/`, `/drop`, or a file in `/drop`. A file put into `/` is a file put
/// into `/drop`; a relative path is relative to `/drop`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum VirtualPath {
    Root,
    Drop,
    File(FileName),
}

/// The name of a file in `/drop`: 1 to 255 bytes of UTF-8 without separators, control or invisible
/// direction characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileName(String);

/// Why a path was refused, in words for its sender.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    #[error("the path is not UTF-8; send names in UTF-8")]
    NotUtf8,
    #[error("`..` is not allowed in a path; put the file into /drop by its name alone")]
    Traversal,
    #[error("the name contains {0}, which is not allowed; rename the file and send it again")]
    Character(&'static str),
    #[error("the name is longer than 255 bytes; shorten it and send it again")]
    TooLong,
    #[error("there are no folders inside /drop; put the file into /drop itself")]
    Folder,
}

impl VirtualPath {
    /// Whether no honest client sends this path: it climbs out above `/`, or hides what it is. `/drop/..` is only a
    /// way of writing `/`, and a backslash comes from Windows.
    #[must_use]
    pub fn is_hostile(bytes: &[u8]) -> bool {
        let Ok(text) = std::str::from_utf8(bytes) else { return false };
        let mut depth = usize::from(!text.starts_with('/'));
        for part in text.split('/') {
            match (part, depth) {
                ("" | ".", _) => {}
                ("..", 0) => return true,
                ("..", _) => depth -= 1,
                _ => depth += 1,
            }
        }
        text.chars().filter_map(forbidden).any(|what| matches!(what, NUL | CONTROL | INVISIBLE))
    }
}

const NUL: &str = "a NUL character";
const CONTROL: &str = "a control character";
const INVISIBLE: &str = "an invisible character";

/// A file name is at most this long, in bytes (POSIX `NAME_MAX` on every file system we meet).
pub const NAME_BYTES_MAX: usize = 255;
/// A whole path is at most this long, in bytes (POSIX `PATH_MAX`).
pub const PATH_BYTES_MAX: usize = 4096;

impl VirtualPath {
    /// Reads a path as a sender wrote it. `.` and empty components are nothing; `..` is refused.
    ///
    /// # Errors
    /// [`PathError`], in words for the sender.
    pub fn parse(bytes: &[u8]) -> Result<Self, PathError> {
        let text = text_of(bytes)?;
        if text.split('/').any(|part| part == "..") {
            return Err(PathError::Traversal);
        }
        Self::from_parts(text.starts_with('/'), text.split('/').filter(|part| !matches!(*part, "" | ".")))
    }

    /// Reads a path for REALPATH: as [`parse`](Self::parse), but `..` goes up one folder and never
    /// above `/`, as a shell's `cd ..` expects.
    ///
    /// # Errors
    /// [`PathError`], in words for the sender.
    pub fn canonical(bytes: &[u8]) -> Result<Self, PathError> {
        let text = text_of(bytes)?;
        let mut parts = if text.starts_with('/') { vec![] } else { vec!["drop"] };
        for part in text.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop();
                }
                // Also what the next `..` takes back is a name: one that hides something is refused wherever it is.
                part => {
                    FileName::parse(part)?;
                    parts.push(part);
                }
            }
        }
        Self::from_parts(true, parts.into_iter())
    }

    fn from_parts<'a>(absolute: bool, mut parts: impl Iterator<Item = &'a str>) -> Result<Self, PathError> {
        match (parts.next(), parts.next(), parts.next()) {
            (None, ..) if absolute => Ok(Self::Root),
            (None, ..) => Ok(Self::Drop),
            (Some("drop"), None, _) if absolute => Ok(Self::Drop),
            // There are no folders inside /drop, so that a relative `drop/a.edi` can only mean this.
            (Some("drop"), Some(name), None) => FileName::parse(name).map(Self::File),
            (Some(name), None, _) => FileName::parse(name).map(Self::File),
            _ => Err(PathError::Folder),
        }
    }
}

fn text_of(bytes: &[u8]) -> Result<&str, PathError> {
    if bytes.len() > PATH_BYTES_MAX {
        return Err(PathError::TooLong);
    }
    std::str::from_utf8(bytes).map_err(|_| PathError::NotUtf8)
}

impl fmt::Display for VirtualPath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => out.write_str("/"),
            Self::Drop => out.write_str("/drop"),
            Self::File(name) => write!(out, "/drop/{name}"),
        }
    }
}

impl FileName {
    /// Reads a name.
    ///
    /// # Errors
    /// [`PathError`], in words for the sender.
    pub fn parse(name: &str) -> Result<Self, PathError> {
        if name.len() > NAME_BYTES_MAX {
            return Err(PathError::TooLong);
        }
        if matches!(name, "" | "." | "..") {
            return Err(PathError::Traversal);
        }
        match name.chars().find_map(forbidden) {
            Some(what) => Err(PathError::Character(what)),
            None => Ok(Self(name.to_owned())),
        }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the name says that the file is still being sent and will be renamed: WinSCP's
    /// `.filepart`, and what other clients and ERPs use.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        let lower = self.0.to_ascii_lowercase();
        [".filepart", ".part", ".partial", ".tmp", ".temp", ".crdownload", ".uploading", ".inprogress"]
            .iter()
            .any(|suffix| lower.len() > suffix.len() && lower.ends_with(suffix))
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

fn forbidden(character: char) -> Option<&'static str> {
    match character {
        '/' | '\\' => Some("a slash or backslash"),
        '\0' => Some(NUL),
        c if c.is_control() => Some(CONTROL),
        // Bidirectional marks and overrides, zero-width characters, line separators, tags, and the replacement character: two names that
        // look the same or collapse into one.
        '\u{ad}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{e0000}'..='\u{e007f}' => Some(INVISIBLE),
        '\u{fffd}' => Some("a character that could not be decoded"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str) -> Result<VirtualPath, PathError> {
        FileName::parse(name).map(VirtualPath::File)
    }

    #[test]
    fn a_name_that_is_taken_back_is_still_a_name() {
        for bad in ["/drop\0/../..", "/a\u{202e}/../x", "a\n/../b"] {
            assert!(matches!(VirtualPath::canonical(bad.as_bytes()), Err(PathError::Character(_))), "{bad:?}");
        }
        assert_eq!(VirtualPath::canonical(b"/drop/archive/../a.edi"), file("a.edi"));
    }

    #[test]
    fn what_no_honest_client_sends_is_told_from_a_mistake() {
        for hostile in
            ["/../etc/passwd", "../../etc/passwd", "/drop/../../x", "a/../../../x", "a\0b", "a\u{202e}b", "a\nb"]
        {
            assert!(VirtualPath::is_hostile(hostile.as_bytes()), "{hostile:?}");
        }
        for honest in ["/drop/..", "..", "../drop/a.edi", "C:\\x\\a.edi", "/drop/archive/a.edi", "", "/", "a.edi"] {
            assert!(!VirtualPath::is_hostile(honest.as_bytes()), "{honest:?}");
        }
    }

    #[test]
    fn a_file_put_anywhere_is_a_file_put_into_drop() {
        for path in ["/drop/a.edi", "/a.edi", "a.edi", "./a.edi", "drop/a.edi", "/drop//a.edi", "/drop/./a.edi"] {
            assert_eq!(VirtualPath::parse(path.as_bytes()), file("a.edi"), "{path}");
        }
        assert_eq!(VirtualPath::parse(b"/"), Ok(VirtualPath::Root));
        assert_eq!(VirtualPath::parse(b"/drop/"), Ok(VirtualPath::Drop));
        assert_eq!(VirtualPath::parse(b"."), Ok(VirtualPath::Drop));
        assert_eq!(VirtualPath::parse(b""), Ok(VirtualPath::Drop));
    }

    #[test]
    fn nothing_leaves_the_folders() {
        for path in ["../x", "/drop/../x", "/drop/../../etc/passwd", "a/../b", ".."] {
            assert_eq!(VirtualPath::parse(path.as_bytes()), Err(PathError::Traversal), "{path}");
        }
        assert_eq!(VirtualPath::parse(b"/etc/passwd"), Err(PathError::Folder));
        assert_eq!(VirtualPath::parse(b"/drop/a/b"), Err(PathError::Folder));
        assert!(matches!(VirtualPath::parse(b"/drop/a\\b"), Err(PathError::Character(_))));
        assert!(matches!(VirtualPath::parse(b"/drop/a\0b"), Err(PathError::Character(_))));
        for invisible in ['\u{202e}', '\u{61c}', '\u{2028}', '\u{ad}', '\u{200d}', '\u{e0041}', '\u{feff}'] {
            let name = format!("/drop/a{invisible}b");
            assert!(matches!(VirtualPath::parse(name.as_bytes()), Err(PathError::Character(_))), "{name:?}");
        }
        assert_eq!(VirtualPath::parse(b"/drop/facture_\xe9.xml"), Err(PathError::NotUtf8));
        assert_eq!(VirtualPath::parse(&[b'a'; 256]), Err(PathError::TooLong));
    }

    #[test]
    fn cd_up_stops_at_the_root() {
        assert_eq!(VirtualPath::canonical(b"/drop/.."), Ok(VirtualPath::Root));
        assert_eq!(VirtualPath::canonical(b".."), Ok(VirtualPath::Root));
        assert_eq!(VirtualPath::canonical(b"/../../.."), Ok(VirtualPath::Root));
        assert_eq!(VirtualPath::canonical(b"."), Ok(VirtualPath::Drop));
        assert_eq!(VirtualPath::canonical(b"/drop/../drop/a"), file("a"));
    }

    #[test]
    fn temporary_names_are_known() {
        for name in ["a.edi.filepart", "A.TMP", "x.part"] {
            assert!(FileName::parse(name).unwrap().is_temporary(), "{name}");
        }
        for name in ["a.edi", "part", ".tmp"] {
            assert!(!FileName::parse(name).unwrap().is_temporary(), "{name}");
        }
    }
}
