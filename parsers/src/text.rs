//! What bytes look like, for people.

/// Whether there is nothing to read: blanks, and the mark of a byte order that is not followed by bytes.
pub(crate) fn is_blank(head: &[u8]) -> bool {
    let marks: [&[u8]; 3] = [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"];
    let rest = marks.iter().find_map(|mark| head.strip_prefix(*mark)).unwrap_or(head);
    rest.iter().all(u8::is_ascii_whitespace)
}

/// A few words on a file nobody recognised, for the message that says so.
pub(crate) fn describe(head: &[u8]) -> String {
    if head.starts_with(b"PK\x03\x04") {
        return "this is a ZIP archive".to_owned();
    }
    if head.starts_with(&[0x1f, 0x8b]) {
        return "this is a gzip file".to_owned();
    }
    if head.starts_with(b"%PDF") {
        return "this is a PDF".to_owned();
    }
    if head.starts_with(b"-----BEGIN PGP") {
        return "this is a PGP message".to_owned();
    }
    if head.trim_ascii_start().starts_with(b"STX=") {
        return "this is TRADACOMS".to_owned();
    }
    let is_utf16 = head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff");
    if let Some(at) = head.iter().position(|byte| *byte == 0).filter(|_| !is_utf16) {
        return format!("byte {at} is a NUL: this is no text, or UTF-16 without a byte order mark");
    }
    let text = String::from_utf8_lossy(head.get(..64).unwrap_or(head));
    let start: String = text.chars().map(|c| if c.is_control() { '·' } else { c }).take(40).collect();
    format!("it starts with `{start}`")
}

/// No more of a value than a sentence bears.
pub(crate) fn brief(text: &str) -> String {
    match text.char_indices().nth(60) {
        None => text.to_owned(),
        Some((cut, _)) => text.get(..cut).map_or_else(String::new, |head| format!("{head}…")),
    }
}
