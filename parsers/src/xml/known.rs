//! The start tags that a file has had: nearly all of them come again, and mean the same.

use super::stream::Space;
use crate::short::Short;

/// So many are remembered; one takes the place of another.
const SLOTS: usize = 256;

/// A longer name is looked at each time.
const NAME_BYTES_MAX: usize = 48;

/// What start tags mean, by their names and the namespaces in force.
#[derive(Debug, Default)]
pub(super) struct KnownTags(Vec<Known>);

/// A name, as it was written, and what it means.
#[derive(Debug, Clone)]
struct Known {
    name: Short,
    /// The state of the namespaces that it means this in.
    state: u64,
    meant: Meant,
}

/// What the name of a start tag means.
#[derive(Debug, Clone, Copy)]
pub(super) struct Meant {
    /// Where in the name the local name begins.
    pub(super) local_at: usize,
    pub(super) space: Space,
    /// Nobody keeps the text of such an element.
    pub(super) is_unread: bool,
}

impl KnownTags {
    /// The name of a start tag that begins here and has nothing but its name, with what it means, if it is known
    /// to mean it in this state of the namespaces; and whether its element is empty.
    #[inline]
    pub(super) fn find<'t>(&self, ahead: &'t str, state: u64) -> Option<(&'t str, Meant, bool)> {
        let inner = ahead.get(1..)?;
        let (mut digest, mut length) = (0, 0);
        for byte in inner.as_bytes().iter().take(NAME_BYTES_MAX) {
            if matches!(byte, b'>' | b'/') || *byte <= b' ' {
                break;
            }
            digest = mixed(digest, *byte);
            length += 1;
        }
        let (name, behind) = inner.split_at_checked(length)?;
        let is_empty = match behind.as_bytes() {
            [b'>', ..] => false,
            [b'/', b'>', ..] => true,
            _ => return None,
        };
        let known = self.0.get(slot(digest)).filter(|_| length > 0)?;
        (known.state == state && known.name.as_bytes() == name.as_bytes()).then_some((name, known.meant, is_empty))
    }

    /// Remembers what a start tag of this name means.
    pub(super) fn keep(&mut self, name: &str, state: u64, meant: Meant) {
        if name.len() >= NAME_BYTES_MAX {
            return;
        }
        if self.0.is_empty() {
            self.0.resize(SLOTS, Known { name: Short::new(), state, meant });
        }
        if let Some(known) = self.0.get_mut(slot(name.bytes().fold(0, mixed))) {
            *known = Known { name: name.into(), state, meant };
        }
    }
}

#[inline]
fn mixed(digest: u64, byte: u8) -> u64 {
    digest.rotate_left(5) ^ u64::from(byte)
}

#[inline]
fn slot(digest: u64) -> usize {
    (digest.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_known_while_the_namespaces_are_the_same() {
        let mut tags = KnownTags::default();
        let meant = Meant { local_at: 4, space: Space::Own("cbc"), is_unread: false };
        let find = |tags: &KnownTags, tag: &str, state| {
            let found = tags.find(tag, state);
            found.map(|(name, meant, is_empty)| (name.to_owned(), meant.local_at, is_empty))
        };
        assert_eq!(find(&tags, "<cbc:ID>1", 7), None);
        tags.keep("cbc:ID", 7, meant);
        assert_eq!(find(&tags, "<cbc:ID>1", 7), Some(("cbc:ID".to_owned(), 4, false)));
        assert_eq!(find(&tags, "<cbc:ID/>", 7), Some(("cbc:ID".to_owned(), 4, true)));
        assert_eq!(find(&tags, "<cbc:ID>1", 8), None);
        for other in ["<cbc:ID a='1'>", "<cbc:ID", "<cbc:ID/", "<cbc:I>", "<cac:ID>", "<>", "<"] {
            assert_eq!(find(&tags, other, 7), None, "{other}");
        }
        let long = "n".repeat(NAME_BYTES_MAX);
        tags.keep(&long, 7, meant);
        assert_eq!(find(&tags, &format!("<{long}>"), 7), None);
    }
}
