//! What the sections of a UBL invoice or credit note mean in the canonical model, after the UBL binding of
//! EN 16931 (CEN/TS 16931-3-2).

mod field;
mod head;
mod line;
mod party;
mod settlement;

use std::collections::HashMap;

use self::field::Draft;
use super::element::{self, Element};
use super::stream::{Piece, Space, Stream, Trouble, past};
use crate::canonical::{Body, InvoiceKind};
use crate::rules::{self, Claim, Places};
use crate::{Code, Document, Finding, Limits, Location, Severity};

/// Which of the two documents it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Root {
    Invoice,
    CreditNote,
}

impl Root {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Invoice => "Invoice",
            Self::CreditNote => "CreditNote",
        }
    }

    fn format(self) -> &'static str {
        match self {
            Self::Invoice => "ubl-invoice",
            Self::CreditNote => "ubl-creditnote",
        }
    }
}

/// A document with what is to be said about it.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) document: Document,
    pub(super) findings: Vec<Finding>,
    pub(super) sections: u64,
}

/// All that is kept of one document is at most this many times as long as one token may be.
const DOCUMENT_TOKENS: usize = 64;

/// The parts of a document that stand once. Twice is against the schema, and the second is not read.
const ONCE: [&str; 17] = [
    "UBLVersionID",
    "CustomizationID",
    "ProfileID",
    "ID",
    "IssueDate",
    "DueDate",
    "InvoiceTypeCode",
    "CreditNoteTypeCode",
    "TaxPointDate",
    "DocumentCurrencyCode",
    "TaxCurrencyCode",
    "BuyerReference",
    "AccountingCost",
    "AccountingSupplierParty",
    "AccountingCustomerParty",
    "TaxRepresentativeParty",
    "LegalMonetaryTotal",
];

/// The parts that may stand several times.
const MANY: [&str; 17] = [
    "Note",
    "InvoicePeriod",
    "OrderReference",
    "BillingReference",
    "DespatchDocumentReference",
    "ReceiptDocumentReference",
    "OriginatorDocumentReference",
    "ContractDocumentReference",
    "AdditionalDocumentReference",
    "ProjectReference",
    "PayeeParty",
    "Delivery",
    "PaymentMeans",
    "PaymentTerms",
    "AllowanceCharge",
    "TaxTotal",
    "StatementDocumentReference",
];

/// Reads the document whose start tag was just read, to its end tag.
pub(super) fn read(
    stream: &mut Stream<'_>,
    root: Root,
    path: String,
    ordinal: u32,
    limits: Limits,
    claim: Claim,
) -> Result<Reading, Trouble> {
    let start = stream.start();
    let mut draft = Draft::new(root, path, limits.findings_max);
    let mut bytes_left = limits.token_bytes_max.saturating_mul(DOCUMENT_TOKENS);
    let mut positions: HashMap<String, u32> = HashMap::new();
    let mut sections = 0;
    let mut other_sections = 0_usize;
    loop {
        let opened = match stream.next()? {
            Piece::Open(space, name, attributes) => (space, name, attributes),
            Piece::Close => break,
            Piece::Text(_) | Piece::Nothing | Piece::End => continue,
        };
        sections += 1;
        let (space, name) = (opened.0, opened.1.as_str());
        let is_line = matches!(name, "InvoiceLine" | "CreditNoteLine");
        let known = is_line || ONCE.contains(&name) || MANY.contains(&name);
        if !known || !matches!(space, Space::Aggregate | Space::Basic) {
            skip(stream)?;
            continue;
        }
        if !is_line {
            other_sections += 1;
        }
        if draft.invoice.lines.len() >= limits.lines_max && is_line {
            return Err(past("invoice lines", "lines_max", limits.lines_max, stream.start()));
        }
        if other_sections > limits.lines_max {
            return Err(past("parts of one document", "lines_max", limits.lines_max, stream.start()));
        }
        let position = positions.entry(opened.1.clone()).or_insert(0);
        *position += 1;
        let position = *position;
        let section = element::read(stream, opened, limits.token_bytes_max, &mut bytes_left)?;
        let mut section_path = format!("{}/{}", draft.path, section.qualified_name());
        if is_line || position > 1 {
            section_path.push_str(&format!("[{position}]"));
        }
        if position > 1 && ONCE.contains(&section.name()) {
            draft.report(twice(&section, section_path));
            continue;
        }
        map(&mut draft, &section, &section_path);
    }
    let end = stream.end();
    let whole = Location::new(start.byte, start.line, draft.path.clone())
        .spanning(usize::try_from(end.byte - start.byte).unwrap_or(usize::MAX));
    Ok(finished(draft, whole, ordinal, claim, limits.findings_max, sections))
}

fn skip(stream: &mut Stream<'_>) -> Result<(), Trouble> {
    let mut depth = 1_usize;
    while depth > 0 {
        match stream.next()? {
            Piece::Open(..) => depth += 1,
            Piece::Close => depth -= 1,
            Piece::Text(_) | Piece::Nothing | Piece::End => {}
        }
    }
    Ok(())
}

fn twice(section: &Element, path: String) -> Finding {
    let name = section.qualified_name();
    Finding::error(
        Code::XML_SCHEMA,
        section.location(path),
        format!("`{name}` stands twice in one document; only the first was read"),
        format!("Write `{name}` once."),
    )
    .with_field(name)
}

fn map(draft: &mut Draft, section: &Element, path: &str) {
    match section.name() {
        "AccountingSupplierParty" => party::map_seller(draft, section, path),
        "AccountingCustomerParty" => party::map_buyer(draft, section, path),
        "PayeeParty" => party::map_payee(draft, section, path),
        "TaxRepresentativeParty" => party::map_tax_representative(draft, section, path),
        "PaymentMeans" => settlement::map_payment(draft, section, path),
        "PaymentTerms" => settlement::map_terms(draft, section),
        "AllowanceCharge" => settlement::map_allowance_charge(draft, section, path),
        "TaxTotal" => settlement::map_tax_total(draft, section, path),
        "LegalMonetaryTotal" => settlement::map_totals(draft, section, path),
        "InvoiceLine" | "CreditNoteLine" => line::map(draft, section, path),
        _ => head::map(draft, section, path),
    }
}

fn finished(
    mut draft: Draft,
    whole: Location,
    ordinal: u32,
    claim: Claim,
    findings_max: usize,
    sections: u64,
) -> Reading {
    settlement::assign_tax_totals(&mut draft);
    let claim = match claim {
        Claim::AsStated => rules::claim_of(draft.invoice.specification_id.as_deref()),
        forced => forced,
    };
    draft.invoice.kind = kind_of(draft.root, draft.invoice.type_code.as_deref());
    if claim == Claim::None {
        // EN 16931 wants the legal name; elsewhere the party's name is all there is.
        for party in [&mut draft.invoice.seller, &mut draft.invoice.buyer] {
            party.name = party.name.take().or_else(|| party.trading_name.clone());
        }
    }
    // UBL 2.0 says the currency on the amounts only; EN 16931 wants it said once for all (BR-05), so the
    // rules look before the amounts' word is taken.
    let said_for_all = draft.invoice.currency.is_some();
    if claim == Claim::None && !said_for_all {
        draft.invoice.currency.clone_from(&draft.payable_currency);
    }
    let other_currency = other_currency(&draft);
    let places = Places::new(&draft.evidence, &draft.groups, whole.clone());
    let mut findings = draft.findings;
    findings.extend(other_currency);
    let mut broken = rules::check(&draft.invoice, &places, claim, findings_max);
    if !said_for_all {
        draft.invoice.currency.clone_from(&draft.payable_currency);
    }
    broken.retain(|finding| !finding.field.as_ref().is_some_and(|field| draft.unreadable.contains(field)));
    findings.extend(broken.into_iter().map(|finding| in_ubl_words(finding, &whole)));
    if claim == Claim::En16931 {
        findings.extend(draft.claimed);
        findings.extend(field::amounts_as_written(&draft.evidence, draft.root, findings_max));
    }
    findings.sort_by_key(|finding| (finding.location.byte, std::cmp::Reverse(finding.severity == Severity::Error)));
    let document = Document {
        ordinal,
        format: draft.root.format().to_owned(),
        version: draft.version,
        location: whole,
        control: Vec::new(),
        evidence: draft.evidence,
        body: Body::Invoice(Box::new(draft.invoice)),
    };
    Reading { document, findings, sections }
}

/// Peppol R051 asks it of every amount; here the amount due speaks for them all. A document in one currency
/// that is to be paid in another is worth a look, whoever wrote it.
fn other_currency(draft: &Draft) -> Option<Finding> {
    let (of_document, of_amount) = (draft.invoice.currency.as_ref()?, draft.payable_currency.as_ref()?);
    let payable = draft.evidence.iter().find(|item| item.field == "totals.payable")?;
    if of_document == of_amount {
        return None;
    }
    let finding = Finding::warning(
        Code::rule("PEPPOL-EN16931-R051"),
        payable.at.clone(),
        format!("the amount due is in `{}`, the document in `{}`", brief(of_amount), brief(of_document)),
        "Write all amounts in the currency of the document (BT-5).",
    );
    Some(finding.with_rule("PEPPOL-EN16931-R051").with_field("cbc:PayableAmount").with_value(&payable.raw))
}

fn brief(text: &str) -> String {
    text.chars().take(20).collect()
}

/// The rules name canonical fields; the sender knows elements.
fn in_ubl_words(mut finding: Finding, whole: &Location) -> Finding {
    let element = finding.location.path.rsplit('/').next().unwrap_or_default();
    let name = element.split('[').next().unwrap_or_default().to_owned();
    finding.field = Some(name).filter(|_| finding.location.path != whole.path);
    finding
}

/// A credit note may come in an invoice's clothes: UNTDID 1001 tells (BT-3; the codes are the credit note
/// types of the EN 16931 code list).
fn kind_of(root: Root, type_code: Option<&str>) -> InvoiceKind {
    match (root, type_code) {
        (Root::CreditNote, _) | (Root::Invoice, Some("381" | "396" | "261" | "262" | "83" | "532")) => {
            InvoiceKind::CreditNote
        }
        (Root::Invoice, _) => InvoiceKind::Invoice,
    }
}
