//! What bytes look like, for people.

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
    let text = String::from_utf8_lossy(head.get(..64).unwrap_or(head));
    let start: String = text.chars().map(|c| if c.is_control() { '·' } else { c }).take(40).collect();
    format!("it starts with `{start}`")
}
