//! UN/CEFACT Cross Industry Invoices, after the CII binding of EN 16931 (CEN/TS 16931-3-3): Factur-X and
//! ZUGFeRD 2 in every profile, XRechnung, and ZUGFeRD 1, which has older names for the same parts.

mod agreement;
mod line;
mod party;
mod settlement;
mod values;

use std::collections::HashSet;

use super::draft::{self, Positions};
use super::element::{Budget, Element, Section};
use super::invoice::{TaxTotal, assign_tax_totals, kind_of};
use super::stream::{Piece, Space, Stream, Trouble, past};
use super::vocabulary::{Root, Vocabulary};
use crate::canonical::{Body, Evidence, Invoice, Payment};
use crate::rules::{self, Claim};
use crate::{Code, Document, Finding, Limits, Location};

/// UN/CEFACT CII.
pub(super) const VOCABULARY: Vocabulary = Vocabulary {
    name: "cii",
    is_root: |namespace, name| format_of(namespace, name).is_some(),
    space: |namespace| {
        let Some(name) = namespace.strip_prefix(UNCEFACT) else {
            return if namespace == ZUGFERD_1 { Space::Own("rsm") } else { Space::Foreign };
        };
        match name.split(':').next() {
            Some("CrossIndustryInvoice") => Space::Own("rsm"),
            Some("ReusableAggregateBusinessInformationEntity") => Space::Own("ram"),
            Some("UnqualifiedDataType") => Space::Own("udt"),
            Some("QualifiedDataType") => Space::Own("qdt"),
            _ => Space::Foreign,
        }
    },
    unread: &["AttachmentBinaryObject"],
    read: |stream, root, desk| {
        let Some(format) = format_of(root.namespace.as_deref(), &root.name) else { return stream.skip() };
        let (document, findings, sections) = read(stream, root, format, desk.limits())?;
        desk.count(sections);
        desk.document(document, findings)
    },
};

const UNCEFACT: &str = "urn:un:unece:uncefact:data:standard:";
const ZUGFERD_1: &str = "urn:ferd:CrossIndustryDocument:invoice:1p0";

fn format_of(namespace: Option<&str>, name: &str) -> Option<&'static str> {
    match (name, namespace?) {
        ("CrossIndustryInvoice", namespace) => {
            let version = namespace.strip_prefix(UNCEFACT)?.strip_prefix("CrossIndustryInvoice:")?;
            Some("cii-d16b").filter(|_| !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit()))
        }
        ("CrossIndustryDocument", ZUGFERD_1) => Some("zugferd-1"),
        _ => None,
    }
}

/// A document while it is read.
type Draft = draft::Draft<Content>;

#[derive(Debug, Default)]
struct Content {
    invoice: Invoice,
    /// The tax totals as they came, each with its currency.
    tax_totals: Vec<TaxTotal>,
    /// BT-83, BT-89 and BT-90, which stand once for all payment means.
    payment: Payment,
    /// Lines by their index that group or explain others and are not added up (EXTENDED).
    uncounted: HashSet<usize>,
}

/// What a part of the document is, by its name; ZUGFeRD 1 has another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Context,
    Head,
    /// Its parts are parts of the document.
    Transaction,
    Line,
    Agreement,
    Delivery,
    Settlement,
}

impl Part {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "ExchangedDocumentContext" | "SpecifiedExchangedDocumentContext" => Self::Context,
            "ExchangedDocument" | "HeaderExchangedDocument" => Self::Head,
            "SupplyChainTradeTransaction" | "SpecifiedSupplyChainTradeTransaction" => Self::Transaction,
            "IncludedSupplyChainTradeLineItem" => Self::Line,
            "ApplicableHeaderTradeAgreement" | "ApplicableSupplyChainTradeAgreement" => Self::Agreement,
            "ApplicableHeaderTradeDelivery" | "ApplicableSupplyChainTradeDelivery" => Self::Delivery,
            "ApplicableHeaderTradeSettlement" | "ApplicableSupplyChainTradeSettlement" => Self::Settlement,
            _ => return None,
        })
    }
}

/// Reads the document whose start tag was just read, to its end tag.
fn read(
    stream: &mut Stream<'_>,
    root: Root,
    format: &'static str,
    limits: Limits,
) -> Result<(Document, Vec<Finding>, u64), Trouble> {
    let start = stream.start();
    let mut draft = Draft::new(Content::default(), root.path, limits);
    let mut budget = Budget::new(limits);
    let mut room = Section::default();
    let mut positions = Positions::default();
    let mut sections = 0;
    // The path of the transaction that is open.
    let mut inside: Option<String> = None;
    loop {
        match stream.next()? {
            Piece::Open => {}
            Piece::Close if inside.is_some() => {
                inside = None;
                continue;
            }
            Piece::Close => break,
            Piece::Blank(_) | Piece::Text(_) | Piece::Nothing | Piece::End => continue,
        }
        sections += 1;
        let part = Part::of(stream.tag().name()).filter(|_| stream.tag().space() != Space::Foreign);
        let Some(part) = part else {
            stream.skip()?;
            continue;
        };
        let position = positions.next(stream.tag().name());
        if part == Part::Line && draft.body.invoice.lines.len() >= limits.lines_max {
            return Err(past("invoice lines", "lines_max", limits.lines_max, stream.start()));
        }
        if part == Part::Transaction && inside.is_none() && position == 1 {
            inside = Some(format!("{}/rsm:{}", draft.path, stream.tag().name()));
            continue;
        }
        let section = room.read(stream, &mut budget)?;
        let mut path = section.path_below(inside.as_ref().unwrap_or(&draft.path));
        if part == Part::Line || position > 1 {
            path.push_str(&format!("[{position}]"));
        }
        if part != Part::Line && position > 1 {
            draft.report(twice(section, path));
            continue;
        }
        map(&mut draft, part, section, &path);
    }
    let end = stream.end();
    let whole = Location::new(start.byte, start.line, draft.path.clone())
        .spanning(usize::try_from(end.byte - start.byte).unwrap_or(usize::MAX));
    let (document, findings) = finished(draft, whole, format);
    Ok((document, findings, sections))
}

fn map(draft: &mut Draft, part: Part, section: Element<'_>, path: &str) {
    match part {
        Part::Context => agreement::map_context(draft, section, path),
        Part::Head => agreement::map_head(draft, section, path),
        Part::Line => line::map(draft, section, path),
        Part::Agreement => agreement::map(draft, section, path),
        Part::Delivery => agreement::map_delivery(draft, section, path),
        Part::Settlement => settlement::map(draft, section, path),
        // A second one, or one inside another, has been told.
        Part::Transaction => {}
    }
}

/// A part that stands once, and came again: against the schema, and not read.
fn twice(section: Element<'_>, path: String) -> Finding {
    let name = section.qualified_name();
    Finding::error(
        Code::XML_SCHEMA,
        section.location(path),
        format!("`{name}` stands twice in one document; only the first was read"),
        format!("Write `{name}` once."),
    )
    .with_field(name)
}

fn finished(mut draft: Draft, whole: Location, format: &'static str) -> (Document, Vec<Finding>) {
    let totals = std::mem::take(&mut draft.body.tax_totals);
    let again = assign_tax_totals(totals, &mut draft.body.invoice, &mut draft.evidence, "ram:TaxTotalAmount");
    draft.claimed.extend(again);
    let claim = rules::claim_of(draft.body.invoice.specification_id.as_deref());
    draft.body.invoice.kind = kind_of(draft.body.invoice.type_code.as_deref());
    settlement::spread_payment(&mut draft);
    let mut broken = if draft.body.uncounted.is_empty() {
        draft.broken_rules(&draft.body.invoice, &whole, claim)
    } else {
        broken_by_counted(&mut draft, &whole, claim)
    };
    // The binding lets the VAT total out where the totals with and without VAT are the same.
    let totals = &draft.body.invoice.totals;
    if totals.tax.is_none() && totals.tax_inclusive == totals.tax_exclusive {
        broken.retain(|finding| finding.rule != Some("BR-CO-15"));
    }
    // MINIMUM and BASIC WL have no lines: nothing that could add up.
    if claim == Claim::None && draft.body.invoice.lines.is_empty() {
        broken.retain(|finding| finding.rule != Some("BR-CO-10"));
    }
    settlement::keep_payment_without_means(&mut draft);
    let mut findings = std::mem::take(&mut draft.findings);
    findings.extend(broken);
    if claim == Claim::En16931 {
        findings.append(&mut draft.claimed);
    }
    draft::sort(&mut findings);
    let document = Document {
        ordinal: 0,
        format: format.into(),
        version: draft.version.map(Into::into),
        location: whole,
        control: Vec::new(),
        evidence: draft.evidence,
        body: Body::Invoice(Box::new(draft.body.invoice)),
    };
    (document, findings)
}

/// The rules over the lines that are added up: those that group others or only inform (EXTENDED,
/// `LineStatusReasonCode`) are left out, and the rest keep their places.
fn broken_by_counted(draft: &mut Draft, whole: &Location, claim: Claim) -> Vec<Finding> {
    let mut counted = draft.body.invoice.clone();
    let mut index = 0;
    let mut now_at = vec![None; counted.lines.len()];
    let mut next = 0;
    counted.lines.retain(|_| {
        let is_counted = !draft.body.uncounted.contains(&index);
        if is_counted && let Some(slot) = now_at.get_mut(index) {
            *slot = Some(next);
            next += 1;
        }
        index += 1;
        is_counted
    });
    let moved = |field: &str| -> Option<String> {
        let Some((number, rest)) = field.strip_prefix("lines[").and_then(|rest| rest.split_once(']')) else {
            return Some(field.to_owned());
        };
        let now = number.parse::<usize>().ok().and_then(|index| now_at.get(index).copied().flatten())?;
        Some(format!("lines[{now}]{rest}"))
    };
    let evidence = |item: &Evidence| moved(&item.field).map(|field| Evidence { field: field.into(), ..item.clone() });
    let moved_evidence = draft.evidence.iter().filter_map(evidence).collect();
    let kept = std::mem::replace(&mut draft.evidence, moved_evidence);
    let groups = draft.move_groups(moved);
    let broken = draft.broken_rules(&counted, whole, claim);
    draft.evidence = kept;
    draft.set_groups(groups);
    broken
}
