//! Whether a file is XML, by its first bytes. What kind of XML it is its root element says, when it is read.

use super::source::head_text;

/// The root namespace of validator test sets. They hold UBL fragments that are wrong on purpose, with the
/// answers beside them: examples of rules, not documents anybody sends.
pub(super) const RULE_TEST_SET: &str = "http://difi.no/xsd/vefa/validator/1.0";

/// Whether the file begins as XML does: with a declaration, a comment, a document type, or an element.
pub(super) fn is_xml(head: &[u8]) -> bool {
    let text = head_text(head.get(..LOOKED_AT_BYTES).unwrap_or(head));
    let Some(after) = text.trim_start_matches('\u{feff}').trim_start().strip_prefix('<') else { return false };
    let word = after.split(|next: char| next.is_ascii_whitespace() || matches!(next, '/' | '>')).next();
    after.starts_with("?xml")
        || after.starts_with("!--")
        || after.get(..8).is_some_and(|word| word.eq_ignore_ascii_case("!DOCTYPE"))
        || word.is_some_and(is_name)
}

/// How much of a file is looked at: white space, and the first word.
const LOOKED_AT_BYTES: usize = 4 * 1024;

/// Whether it could be the name of an element (XML 1.0 §2.3, near enough to tell XML from a table).
fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_alphabetic() || first == '_')
        && name.chars().all(|next| next.is_alphanumeric() || matches!(next, '_' | '-' | '.' | ':' | '·'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xml_is_known_by_how_it_begins() {
        for file in [
            "<Invoice xmlns='urn:x'/>",
            "\u{feff}\n <?xml version='1.0'?><!-- c --><p:CreditNote xmlns:p=\"urn:x\">",
            "<!-- c --><a>",
            "<!DOCTYPE cXML SYSTEM 'http://cxml.example/cXML.dtd'>",
            "<!doctype html><html>",
            "<Invoice xmlns='cut off here",
            "<?xml version='1.0'",
        ] {
            assert!(is_xml(file.as_bytes()), "{file}");
            let utf16: Vec<u8> = format!("\u{feff}{}", file.trim_start_matches('\u{feff}'))
                .encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect();
            assert!(is_xml(&utf16), "{file} in UTF-16");
        }
        for other in ["", "ISA*00*", "a;b\n<c>;d", "< 5;> 6", "<5>;<6>", "<>", "<"] {
            assert!(!is_xml(other.as_bytes()), "{other}");
        }
    }
}
