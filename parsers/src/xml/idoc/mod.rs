//! SAP IDocs as XML: invoices (INVOIC01, INVOIC02) and payments (PEXR2001 to PEXR2003, which carry the
//! messages REMADV, PAYEXT and CREADV), as many `IDOC` to a file as there are.
//!
//! A segment is an element, a field an element in it. Numbers may have their minus behind them, and days are
//! written `YYYYMMDD`.

mod invoice;
mod invoice_line;
mod payment;

use super::closing::Cover;
use super::desk::Desk;
use super::element::Element;
use super::stream::{Space, Stream, Trouble};
use super::tag::Tag;
use super::values::follow;
use super::vocabulary::{Root, Vocabulary};
use super::walk::{Reader, Step, walk};
use crate::canonical::{Address, Contact, Identifier, Party, Text};
use crate::{Code, Finding, Limits, Location};

pub(super) const VOCABULARY: Vocabulary = Vocabulary {
    name: "sap-idoc",
    is_root: |namespace, name| namespace.is_none() && (INVOICES.contains(&name) || PAYMENTS.contains(&name)),
    space: |namespace| if namespace.is_empty() { Space::Own("") } else { Space::Foreign },
    unread: &[],
    read,
};

/// The basic types of invoices.
const INVOICES: [&str; 2] = ["INVOIC01", "INVOIC02"];

/// The basic types of payment orders and advices.
const PAYMENTS: [&str; 3] = ["PEXR2001", "PEXR2002", "PEXR2003"];

fn read(stream: &mut Stream<'_>, root: Root, desk: &mut Desk<'_, '_>) -> Result<(), Trouble> {
    let version = Some(root.name.clone());
    let cover = Cover { format: format!("sap-idoc-{}", root.name.to_ascii_lowercase()), version, control: Vec::new() };
    desk.name(&cover.format, cover.version.clone());
    let kind = if INVOICES.contains(&root.name.as_str()) { Kind::Invoice } else { Kind::Payment };
    let basic_type = root.name.clone();
    let mut reading = Idocs::new(kind, basic_type, cover, desk.limits());
    walk(stream, root, desk, &mut reading)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Invoice,
    Payment,
}

/// The IDocs of one file.
struct Idocs {
    kind: Kind,
    basic_type: String,
    cover: Cover,
    limits: Limits,
    control: Control,
    invoice: invoice::Reading,
    payment: payment::Reading,
    count: u64,
}

/// What the control record (`EDI_DC40`) says.
#[derive(Debug, Default)]
struct Control {
    number: Option<Text>,
    message: Option<Text>,
    sender: Option<Text>,
    receiver: Option<Text>,
}

impl Idocs {
    fn new(kind: Kind, basic_type: String, cover: Cover, limits: Limits) -> Self {
        let (invoice, payment) = (invoice::Reading::new(limits), payment::Reading::new(limits));
        Self { kind, basic_type, cover, limits, control: Control::default(), invoice, payment, count: 0 }
    }

    fn read_control(&mut self, record: Element<'_>) {
        self.control = Control {
            number: record.text_at(&["DOCNUM"]),
            message: record.text_at(&["MESTYP"]),
            sender: record.text_at(&["SNDPRN"]),
            receiver: record.text_at(&["RCVPRN"]),
        };
    }

    fn cover(&self) -> Cover {
        let control = [("DOCNUM", &self.control.number), ("MESTYP", &self.control.message)]
            .into_iter()
            .filter_map(|(name, value)| value.clone().map(|value| (name.into(), value)))
            .collect();
        Cover { control, ..self.cover.clone() }
    }
}

impl Reader for Idocs {
    fn step(&self, parent: &str, name: &str) -> Step {
        let is_segment = name == "EDI_DC40"
            || match self.kind {
                Kind::Invoice => invoice::SEGMENTS.contains(&name),
                Kind::Payment => payment::SEGMENTS.contains(&name),
            };
        match (parent, name) {
            // An IDOC is the root's, whatever the root is called.
            (parent, "IDOC") if parent == self.basic_type => Step::Into,
            ("IDOC", _) if is_segment => Step::Take,
            _ => Step::Over,
        }
    }

    fn repeats(&self, name: &str) -> bool {
        !matches!(name, "EDI_DC40" | "E1EDK01" | "E1IDKU1")
    }

    fn entered(&mut self, tag: &Tag, _path: &str, _desk: &mut Desk<'_, '_>) -> Result<(), Trouble> {
        if tag.name() == "IDOC" {
            self.control = Control::default();
            self.invoice = invoice::Reading::new(self.limits);
            self.payment = payment::Reading::new(self.limits);
        }
        Ok(())
    }

    fn taken(
        &mut self,
        _parent: &str,
        element: Element<'_>,
        path: &str,
        _desk: &mut Desk<'_, '_>,
    ) -> Result<(), Trouble> {
        match (element.name(), self.kind) {
            ("EDI_DC40", _) => self.read_control(element),
            (_, Kind::Invoice) => self.invoice.read(element, path),
            (_, Kind::Payment) => self.payment.read(element, path),
        }
        Ok(())
    }

    fn left(&mut self, name: &str, whole: Location, desk: &mut Desk<'_, '_>) -> Result<(), Trouble> {
        if name == "IDOC" {
            self.count += 1;
            let cover = self.cover();
            let fresh = (invoice::Reading::new(self.limits), payment::Reading::new(self.limits));
            return match self.kind {
                Kind::Invoice => std::mem::replace(&mut self.invoice, fresh.0).tell(&self.control, cover, whole, desk),
                Kind::Payment => std::mem::replace(&mut self.payment, fresh.1).tell(&self.control, cover, whole, desk),
            };
        }
        if self.count == 0 {
            let at = Location { len: 0, ..whole };
            let message = format!("`{}` holds no IDoc: there is no `IDOC` in it", self.basic_type);
            let finding = Finding::error(Code::REQUIRED_MISSING, at, message, "Write an `IDOC` for each document.");
            desk.finding(finding.with_field("IDOC"))?;
        }
        Ok(())
    }
}

/// `E1EDKA1` and its kin: who somebody is.
fn party(segment: Element<'_>) -> Party {
    let text = |name: &str| segment.text_at(&[name]);
    let mut party = Party { name: text("NAME1"), trading_name: text("NAME2"), ..Party::default() };
    for name in ["PARTN", "LIFNR"] {
        let scheme = Some(if name == "LIFNR" { "vendor_no" } else { "sap:PARTN" }.to_owned());
        party.ids.extend(text(name).map(|value| Identifier { scheme: scheme.map(Into::into), value }));
    }
    let lines: Vec<Text> = ["STRAS", "STRS2", "PFACH"].into_iter().filter_map(text).collect();
    let address = Address {
        lines,
        city: text("ORT01"),
        postal_code: text("PSTLZ"),
        region: text("REGIO"),
        country: text("LAND1"),
    };
    party.address = Some(address).filter(|address| *address != Address::default());
    let contact =
        Contact { name: text("BNAME"), phone: text("TELF1"), email: text("ILNNR").filter(|text| text.contains('@')) };
    party.contact = Some(contact).filter(|contact| *contact != Contact::default());
    party
}

/// A partner that only the control record names.
fn known(party: &mut Party, partner: Option<&Text>) {
    if party.ids.is_empty()
        && let Some(value) = partner
    {
        party.ids.push(Identifier { scheme: Some("sap:PARTN".into()), value: value.clone() });
    }
}

/// The text of a field, with its place.
fn field<'s>(segment: Element<'s>, path: &str, name: &str) -> super::values::Said<'s> {
    let (element, path) = follow(segment, path, &[name])?;
    super::values::said_by(element, &path)
}
