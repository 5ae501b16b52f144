//! ISO 20022 messages between payers, payees and banks: payment orders (pain.001), what a bank says of them
//! (pain.002), what happened on an account (camt.052, camt.053, camt.054), remittance advices (remt.001); in
//! the versions 02 to 13 and in the namespaces of ISO and of the Swiss banks.
//!
//! A message is read a transaction, an entry or an advice at a time, however many it holds. Messages of other
//! kinds are recognised and refused by name: a direct debit (pain.008) collects what others owe, a request to
//! cancel (camt.055) asks a bank; neither is anything that accounts payable receives.

mod account_report;
mod parties;
mod payment_order;
mod remittance;
mod remittance_advice;
mod status_report;

use super::closing::Cover;
use super::desk::Desk;
use super::element::Element;
use super::stream::{Space, Stream, Trouble};
use super::vocabulary::{Root, Vocabulary};
use super::walk::walk;
use crate::{Code, Finding, Location};

pub(super) const VOCABULARY: Vocabulary = Vocabulary {
    name: "iso20022",
    is_root: |namespace, name| name == "Document" && namespace.and_then(message_of).is_some(),
    space: |_| Space::Own(""),
    unread: &[],
    read,
};

/// Where messages have their names: the namespaces end in them.
const NAMESPACES: [&str; 3] =
    ["urn:iso:std:iso:20022:tech:xsd:", "http://www.six-interbank-clearing.com/de/", "urn:swift:xsd:"];

/// The message a namespace is of: `pain.001.001.03`, `pain.001.001.03.ch.02`.
fn message_of(namespace: &str) -> Option<&str> {
    let name = NAMESPACES.iter().find_map(|start| namespace.strip_prefix(start))?;
    let name = name.trim_start_matches('$');
    let name = name.strip_suffix(".xsd").unwrap_or(name);
    let (area, rest) = name.split_once('.')?;
    let is_area = area.len() == 4 && area.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_rest = rest.len() <= 24
        && rest.starts_with(|first: char| first.is_ascii_digit())
        && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
    (is_area && is_rest).then_some(name)
}

fn read(stream: &mut Stream<'_>, root: Root, desk: &mut Desk<'_, '_>) -> Result<(), Trouble> {
    let Some(message) = root.namespace.as_deref().and_then(message_of).map(str::to_owned) else {
        return stream.skip();
    };
    let version = message.splitn(3, '.').nth(2).map(str::to_owned);
    let cover = Cover { format: format!("iso20022-{message}"), version, control: Vec::new() };
    desk.name(&cover.format, cover.version.clone());
    stream.locate_attributes();
    let limits = desk.limits();
    match message.get(..8) {
        Some("pain.001") => walk(stream, root, desk, &mut payment_order::Orders::new(cover, limits)),
        Some("pain.002") => walk(stream, root, desk, &mut status_report::Status::new(cover, limits)),
        Some("camt.052" | "camt.053" | "camt.054") => {
            walk(stream, root, desk, &mut account_report::Entries::new(cover, limits))
        }
        Some("remt.001") => walk(stream, root, desk, &mut remittance_advice::Advices::new(cover, limits)),
        _ => {
            let start = stream.start();
            let at = Location::new(start.byte, start.line, root.path);
            stream.skip()?;
            desk.finding(Finding::error(
                Code::UNKNOWN_FORMAT,
                at,
                format!("{message} is an ISO 20022 message that is not read here"),
                "Send remt.001, pain.001, pain.002, camt.052, camt.053 or camt.054.",
            ))
        }
    }
}

/// A count that a message states of itself.
fn count(element: Element<'_>) -> Option<u64> {
    element.value()?.parse().ok()
}

/// A message that holds nothing of what it is for.
fn holds_none(what: &str, name: &str, whole: Location) -> Finding {
    let at = Location { len: 0, ..whole };
    let message = format!("the message holds no {what}: there is no `{name}`");
    let fix = format!("Write a `{name}` for each {what}.");
    Finding::error(Code::REQUIRED_MISSING, at, message, fix).with_field(name)
}

#[cfg(test)]
mod tests {
    use super::message_of;

    #[test]
    fn a_message_is_named_by_its_namespace() {
        let swiss = "http://www.six-interbank-clearing.com/de/pain.001.001.03.ch.02.xsd";
        assert_eq!(message_of(swiss), Some("pain.001.001.03.ch.02"));
        assert_eq!(message_of("urn:iso:std:iso:20022:tech:xsd:camt.054.001.13"), Some("camt.054.001.13"));
        for other in ["urn:iso:std:iso:20022:tech:xsd:", "urn:iso:std:iso:20022:tech:xsd:Pain.1", "camt.054.001.04", ""]
        {
            assert_eq!(message_of(other), None, "{other}");
        }
    }
}
