//! Elements onto a page: indented, escaped, and none that would be empty.

use rust_decimal::Decimal;

use super::WriteError;
use crate::canonical::Identifier;

/// A document while it is written.
pub(super) struct Pen {
    page: String,
    depth: usize,
    /// `currencyID` of every amount.
    currency: String,
    /// The first value that XML cannot hold.
    fault: Option<WriteError>,
}

impl Pen {
    /// Begins a document by the name of its root.
    pub(super) fn new(root: &str, currency: &str) -> Self {
        let schema = "urn:oasis:names:specification:ubl:schema:xsd";
        let page = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <{root} xmlns=\"{schema}:{root}-2\"\n    \
             xmlns:cac=\"{schema}:CommonAggregateComponents-2\"\n    \
             xmlns:cbc=\"{schema}:CommonBasicComponents-2\">\n"
        );
        Self { page, depth: 1, currency: currency.to_owned(), fault: None }
    }

    /// The whole document.
    pub(super) fn finish(mut self, root: &str) -> Result<Vec<u8>, WriteError> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        self.page.push_str(&format!("</{root}>\n"));
        Ok(self.page.into_bytes())
    }

    /// An element with what `inside` writes; none at all if it writes nothing.
    pub(super) fn group(&mut self, name: &str, inside: impl FnOnce(&mut Self)) {
        let before = self.page.len();
        self.indent();
        self.page.push_str(&format!("<{name}>\n"));
        let opened = self.page.len();
        self.depth += 1;
        inside(self);
        self.depth -= 1;
        if self.page.len() == opened {
            self.page.truncate(before);
            return;
        }
        self.indent();
        self.page.push_str(&format!("</{name}>\n"));
    }

    /// An element with a text, if there is one.
    pub(super) fn text<T: AsRef<str>>(&mut self, name: &str, text: Option<T>) {
        if let Some(text) = text {
            self.element(name, &[], text.as_ref());
        }
    }

    /// An element with a value that writes itself: a day, a number.
    pub(super) fn value(&mut self, name: &str, value: Option<impl ToString>) {
        self.text(name, value.map(|value| value.to_string()));
    }

    /// An amount in the currency of the document.
    pub(super) fn amount(&mut self, name: &str, amount: Option<Decimal>) {
        if let Some(amount) = amount {
            let currency = self.currency.clone();
            self.element(name, &[("currencyID", Some(currency.as_str()))], &amount.to_string());
        }
    }

    /// An identifier with its scheme.
    pub(super) fn identifier(&mut self, name: &str, id: Option<&Identifier>) {
        if let Some(id) = id {
            self.element(name, &[("schemeID", id.scheme.as_deref())], &id.value);
        }
    }

    /// An element with attributes; those without a value are left out.
    pub(super) fn element(&mut self, name: &str, attributes: &[(&str, Option<&str>)], text: &str) {
        self.indent();
        self.page.push_str(&format!("<{name}"));
        for (key, value) in attributes {
            if let Some(value) = value {
                self.page.push_str(&format!(" {key}=\""));
                self.escape(name, value);
                self.page.push('"');
            }
        }
        self.page.push('>');
        self.escape(name, text);
        self.page.push_str(&format!("</{name}>\n"));
    }

    fn indent(&mut self) {
        self.page.extend(std::iter::repeat_n("  ", self.depth));
    }

    fn escape(&mut self, name: &str, text: &str) {
        for character in text.chars() {
            match character {
                '&' => self.page.push_str("&amp;"),
                '<' => self.page.push_str("&lt;"),
                '>' => self.page.push_str("&gt;"),
                '"' => self.page.push_str("&quot;"),
                // As they are, a reader would make spaces of them in an attribute, and LF of CR anywhere.
                '\t' | '\n' | '\r' => self.page.push_str(&format!("&#{};", u32::from(character))),
                '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {
                    let value = text.chars().take(40).collect::<String>().escape_debug().to_string();
                    self.fault.get_or_insert(WriteError::Character { element: name.to_owned(), value });
                }
                other => self.page.push(other),
            }
        }
    }
}
