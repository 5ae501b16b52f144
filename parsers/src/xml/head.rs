//! Whether a file is XML, by its first bytes. What kind of XML it is its root element says, when it is read.

use quick_xml::Reader;
use quick_xml::events::Event;

use super::source::head_text;

/// The root namespace of validator test sets. They hold UBL fragments that are wrong on purpose, with the
/// answers beside them: examples of rules, not documents anybody sends.
pub(super) const RULE_TEST_SET: &str = "http://difi.no/xsd/vefa/validator/1.0";

/// Whether the file begins as XML does: with a declaration, a document type, or an element.
pub(super) fn is_xml(head: &[u8]) -> bool {
    let text = head_text(head);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if !text.starts_with('<') {
        return false;
    }
    let mut reader = Reader::from_str(text);
    loop {
        match reader.read_event() {
            Ok(Event::Decl(_) | Event::DocType(_)) => return true,
            Ok(Event::Start(element) | Event::Empty(element)) => return is_name(element.name().into_inner()),
            Ok(Event::Comment(_) | Event::PI(_)) => {}
            Ok(Event::Text(text)) if text.trim_ascii().is_empty() => {}
            // Cut off inside its first tag, or past what is looked at here.
            Ok(Event::Eof) | Err(_) => return begins_as_xml(text),
            Ok(_) => return false,
        }
    }
}

fn begins_as_xml(text: &str) -> bool {
    let after = text.strip_prefix('<').unwrap_or_default();
    after.starts_with("?xml")
        || after.starts_with("!--")
        || after.get(..8).is_some_and(|word| word.eq_ignore_ascii_case("!DOCTYPE"))
        || after
            .split(|next: char| next.is_ascii_whitespace() || next == '/' || next == '>')
            .next()
            .is_some_and(is_name)
}

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
