//! What bytes look like, for people; and what of a text counts.

/// Whether there is nothing to read: blanks, and the mark of a byte order that is not followed by bytes.
pub(crate) fn is_blank(head: &[u8]) -> bool {
    let marks: [&[u8]; 3] = [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"];
    let rest = marks.iter().find_map(|mark| head.strip_prefix(*mark)).unwrap_or(head);
    rest.iter().all(u8::is_ascii_whitespace)
}

/// What is packed in ways that are not read, by its first bytes.
const CONTAINERS: [(&[u8], &str); 7] = [
    (b"Rar!\x1a\x07", "a RAR archive; send gzip or zip"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive; send gzip or zip"),
    (b"BZh", "a bzip2 file; send gzip or zip"),
    (b"\xfd7zXZ\0", "an xz file; send gzip or zip"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file; send gzip or zip"),
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "an old Office file (.xls), or a workbook with a password; send .xlsx or CSV",
    ),
    (b"PK\x07\x08", "a piece of a split zip archive; send it in one"),
];

/// Whether it is an OpenPGP message: armored, or a packet that encryption begins with (RFC 9580 §4.2, §5.1,
/// §5.3). A binary packet is one only if its length and version agree: the first byte alone may be text.
pub(crate) fn is_openpgp(head: &[u8]) -> bool {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    if text.starts_with(b"-----BEGIN PGP MESSAGE-----") {
        return true;
    }
    match *head {
        // Public-key encrypted session key: version 3 or 6.
        [0x84 | 0xc1, length, 3 | 6, ..] => length >= 10,
        [0x85, 0..=8, _, 3 | 6, ..] => true,
        // Symmetric-key encrypted session key: version 4, 5 or 6.
        [0x8c | 0xc3, length, 4..=6, ..] => (4..=0x40).contains(&length),
        _ => false,
    }
}

/// A few words on a file nobody recognised, for the message that says so.
pub(crate) fn describe(head: &[u8]) -> String {
    if head.starts_with(b"%PDF") {
        return "this is a PDF".to_owned();
    }
    if let Some((_, what)) = CONTAINERS.iter().find(|(magic, _)| head.starts_with(magic)) {
        return format!("this is {what}");
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

/// What is left without the white space around it, if anything is.
#[inline(always)]
pub(crate) fn trimmed(text: &str) -> Option<&str> {
    match text.as_bytes() {
        [] => None,
        // Most are padded with nothing: no need to look for Unicode's white space.
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => Some(text),
        [only] if only.is_ascii_graphic() => Some(text),
        _ => padded(text),
    }
}

#[cold]
fn padded(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}
