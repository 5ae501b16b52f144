//! Reads one INVOIC (D.93A to D.14B and later; plain, EANCOM, the German energy market's, EN 16931's
//! binding) into an invoice or a credit note.
//!
//! Segment by segment: [`InvoicReader::take`] each of them, then [`InvoicReader::finish`]. What is wrong
//! is recorded with its place and reading goes on, so that every INVOIC becomes a document.

mod charge;
mod checks;
mod header;
mod line;
mod parties;
mod tax;
mod terms;
mod totals;

use self::charge::OpenCharge;
use self::line::OpenLine;
use self::parties::{OpenParty, Parties};
use self::terms::OpenTerms;
use self::totals::Found;
use super::groups::{Grammar, Group};
use super::record::{Kept, Record, Told};
use super::segment::{Segment, Tag};
use crate::canonical::{Body, Invoice, Payment, TaxBreakdown, Text};
use crate::finding::Finding;
use crate::location::Location;
use crate::path::Steps;
use crate::short::Short;
use crate::{Halt, Limits};

/// The groups of an INVOIC, in any directory.
pub(super) static GRAMMAR: Grammar = Grammar { opens, holds };

/// Every segment an INVOIC may hold in D.93A to D.23A, sorted.
const SEGMENTS: [&str; 66] = [
    "AGR", "AJT", "ALC", "ALI", "APR", "BGM", "BII", "BUS", "CCI", "CAV", "CED", "CNT", "COM", "COT", "CTA", "CUX",
    "DGS", "DLM", "DOC", "DTM", "EFI", "EQD", "ERI", "FII", "FTX", "GDS", "GEI", "GIN", "GIR", "GIS", "GPO", "HAN",
    "ICD", "IDE", "IMD", "INP", "LIN", "LOC", "MEA", "MOA", "MTD", "NAD", "PAC", "PAI", "PAT", "PCD", "PCI", "PIA",
    "PRI", "PYT", "QTY", "QVR", "RCS", "RFF", "RNG", "RTE", "SCC", "SGU", "STS", "TAX", "TCC", "TDT", "TMD", "TOD",
    "TSR", "UNS",
];

fn opens(tag: &Tag) -> Option<Group> {
    match tag {
        b"NAD" => Some(Group::Party),
        b"CTA" => Some(Group::Contact),
        b"RFF" => Some(Group::Reference),
        b"CUX" => Some(Group::Currency),
        b"PAT" | b"PYT" => Some(Group::Terms),
        b"TAX" => Some(Group::Tax),
        b"ALC" => Some(Group::Allowance),
        b"LIN" => Some(Group::Line),
        b"PRI" => Some(Group::Price),
        b"EFI" => Some(Group::File),
        _ => None,
    }
}

fn holds(group: Group, tag: &Tag) -> bool {
    match group {
        Group::Message => true,
        Group::Line => !matches!(tag, b"LIN" | b"UNS" | b"CNT" | b"UNT"),
        Group::Party => matches!(tag, b"LOC" | b"FII" | b"RFF" | b"DOC" | b"CTA" | b"COM"),
        Group::Contact => tag == b"COM",
        Group::Reference => matches!(tag, b"DTM" | b"GIR"),
        Group::Currency => tag == b"DTM",
        Group::Terms => matches!(tag, b"DTM" | b"PCD" | b"MOA" | b"PAI" | b"FII"),
        Group::Tax => matches!(tag, b"MOA" | b"LOC"),
        Group::Allowance => matches!(tag, b"ALI" | b"QTY" | b"RNG" | b"PCD" | b"MOA" | b"RTE" | b"TAX"),
        Group::Price => matches!(tag, b"APR" | b"RNG" | b"DTM" | b"CUX"),
        Group::File => matches!(tag, b"CED" | b"COM" | b"RFF" | b"DTM" | b"QTY"),
        _ => false,
    }
}

/// An INVOIC while it is read.
pub(super) struct InvoicReader {
    record: Record,
    invoice: Box<Invoice>,
    parties: Parties,
    party: Option<OpenParty>,
    line: Option<OpenLine>,
    charge: Option<OpenCharge>,
    terms: Option<OpenTerms>,
    payment: Option<Payment>,
    /// What a DTM in the group of an RFF belongs to: the last of the preceding invoices.
    dates_preceding: bool,
    /// A total stands in the message, readable or not.
    found_any: bool,
    /// The amounts that belong to the invoice as a whole.
    found: Vec<Found>,
    /// A TAX before the lines: it holds for all that say nothing else.
    default_tax: (Option<Text>, Option<rust_decimal::Decimal>),
    /// The TAX group at hand has its entry in the breakdown.
    tax_is_listed: bool,
    tax_at_hand: TaxBreakdown,
    /// FTX+AGM: why no tax is due.
    exemption: Option<String>,
    /// DTM+137 came; DTM+3 stands behind it.
    has_document_date: bool,
    /// CNT+2: its place, its text, its segment.
    lines_declared: Option<(Location, Text, Short)>,
    seen_bgm: bool,
    /// UNS has come.
    in_summary: bool,
    /// Where lines and parties begin.
    places: Vec<(Short, Location)>,
}

impl InvoicReader {
    /// `prefix` is the path of the message, `unh` its first segment.
    pub(super) fn new(prefix: Steps, ordinal: u32, unh: &Segment<'_>, limits: Limits) -> Self {
        // 0057 names the guide the message follows: EAN008, 2.8d. FTX+DOC says it better.
        let mut invoice = Box::<Invoice>::default();
        invoice.specification_id = unh.owned(2, 5);
        Self {
            record: Record::new(prefix, ordinal, &GRAMMAR, limits),
            invoice,
            parties: Parties::default(),
            party: None,
            line: None,
            charge: None,
            terms: None,
            payment: None,
            dates_preceding: false,
            found_any: false,
            found: Vec::new(),
            default_tax: (None, None),
            tax_is_listed: false,
            tax_at_hand: TaxBreakdown::default(),
            exemption: None,
            has_document_date: false,
            lines_declared: None,
            seen_bgm: false,
            in_summary: false,
            places: Vec::new(),
        }
    }

    pub(super) fn record(&mut self) -> &mut Record {
        &mut self.record
    }

    /// Takes a segment between UNH and UNT.
    pub(super) fn take(&mut self, segment: &Segment<'_>) -> Result<(), Halt> {
        self.record.step(segment)?;
        self.close_left_groups(&segment.tag);
        if self.record.groups.within(Group::Line) {
            return self.take_in_line(segment);
        }
        match self.record.groups.innermost() {
            Group::Message | Group::Reference if self.record.groups.outer() == Group::Message => {
                self.take_in_message(segment)
            }
            Group::Party if &segment.tag == b"NAD" => self.open_party(segment),
            Group::Party | Group::Contact | Group::Reference if self.party.is_some() => self.take_in_party(segment),
            Group::Currency => self.take_currency(segment),
            Group::Terms => self.take_in_terms(segment),
            Group::Tax if self.record.groups.outer() == Group::Allowance => self.take_in_charge(segment),
            Group::Tax => self.take_in_tax(segment),
            Group::Allowance => self.take_in_charge(segment),
            _ if self.record.groups.within(Group::File) => self.take_in_file(segment),
            _ => Ok(()),
        }
    }

    /// The message ends. Only a complete one can lack something.
    pub(super) fn finish(mut self, unh: &Kept, complete: bool) -> Told {
        self.close_charge();
        self.close_party();
        self.close_terms();
        self.close_line();
        self.invoice.payments.extend(self.payment.take());
        self.settle_totals();
        self.settle_taxes();
        self.settle_due_date();
        self.turn_credit_positive();
        if complete {
            self.check_present(unh);
            self.check_line_count();
            self.check_sums(unh);
        }
        let Record { evidence, findings, faults, .. } = self.record;
        Told { body: Body::Invoice(self.invoice), evidence, findings, faults }
    }

    pub(super) fn report(&mut self, finding: Finding) {
        self.record.report(finding);
    }

    /// A group that the segment at hand has left, or opens anew, is complete.
    fn close_left_groups(&mut self, tag: &Tag) {
        let groups = &self.record.groups;
        let (in_charge, in_party) = (groups.within(Group::Allowance), groups.within(Group::Party));
        let (in_terms, in_line) = (groups.within(Group::Terms), groups.within(Group::Line));
        if self.charge.is_some() && (!in_charge || tag == b"ALC") {
            self.close_charge();
        }
        if self.party.is_some() && (!in_party || tag == b"NAD") {
            self.close_party();
        }
        if self.terms.is_some() && (!in_terms || matches!(tag, b"PAT" | b"PYT")) {
            self.close_terms();
        }
        if self.line.is_some() && (!in_line || tag == b"LIN") {
            self.close_line();
        }
    }

    /// A segment we do nothing with: of no INVOIC, or of one but without a place in an invoice.
    fn pass(&mut self, segment: &Segment<'_>) {
        let known = SEGMENTS.iter().any(|known| known.as_bytes() == segment.tag);
        if !known {
            self.record.unknown(segment, "an INVOIC");
        }
    }
}
