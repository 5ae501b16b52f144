//! What the sections of a UBL invoice or credit note mean in the canonical model, after the UBL binding of
//! EN 16931 (CEN/TS 16931-3-2).

mod as_written;
mod head;
mod line;
mod party;
mod settlement;

use super::draft::{self, Positions};
use super::element::{Budget, Element, Section};
use super::invoice::{TaxTotal, assign_tax_totals, kind_of};
use super::stream::{Piece, Space, Stream, Trouble, past};
use super::vocabulary::Vocabulary;
use crate::canonical::{Body, Invoice, InvoiceKind};
use crate::rules::{self, Claim};
use crate::{Code, Document, Finding, Limits, Location};

const SCHEMA: &str = "urn:oasis:names:specification:ubl:schema:xsd:";
const AGGREGATE: &str = "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2";
const BASIC: &str = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2";

/// UBL 2 (OASIS; ISO/IEC 19845).
pub(super) const VOCABULARY: Vocabulary = Vocabulary {
    name: "ubl",
    is_root: |namespace, name| Kind::of(namespace, name).is_some(),
    space: |namespace| match namespace {
        AGGREGATE => Space::Own("cac"),
        BASIC => Space::Own("cbc"),
        _ => Space::Foreign,
    },
    unread: &["EmbeddedDocumentBinaryObject"],
    read: |stream, root, desk| {
        let Some(kind) = Kind::of(root.namespace.as_deref(), &root.name) else { return stream.skip() };
        let Reading { document, findings, sections } = read(stream, kind, root.path, desk.limits(), Claim::AsStated)?;
        desk.count(sections);
        desk.document(document, findings)
    },
};

/// Which of the documents it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Invoice,
    CreditNote,
}

impl Kind {
    /// What a root element begins.
    pub(super) fn of(namespace: Option<&str>, name: &str) -> Option<Self> {
        let kind = match name {
            "Invoice" => Self::Invoice,
            "CreditNote" => Self::CreditNote,
            _ => return None,
        };
        let document = namespace?.strip_prefix(SCHEMA)?.strip_suffix("-2")?;
        Some(kind).filter(|_| document == name)
    }

    fn name(self) -> &'static str {
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

/// A document while it is read.
type Draft = draft::Draft<Content>;

#[derive(Debug)]
struct Content {
    kind: Kind,
    invoice: Invoice,
    /// `currencyID` of the amount due.
    payable_currency: Option<String>,
    /// The tax totals as they came, each with its currency.
    tax_totals: Vec<TaxTotal>,
}

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
    kind: Kind,
    path: String,
    limits: Limits,
    claim: Claim,
) -> Result<Reading, Trouble> {
    let start = stream.start();
    let content = Content { kind, invoice: Invoice::default(), payable_currency: None, tax_totals: Vec::new() };
    let mut draft = Draft::new(content, path, limits);
    let mut budget = Budget::new(limits);
    let mut room = Section::default();
    let mut positions = Positions::default();
    let mut sections = 0;
    let mut other_sections = 0_usize;
    loop {
        match stream.next()? {
            Piece::Open => {}
            Piece::Close => break,
            Piece::Text(_) | Piece::Nothing | Piece::End => continue,
        }
        sections += 1;
        let (space, name) = (stream.tag().space(), stream.tag().name());
        let is_line = matches!(name, "InvoiceLine" | "CreditNoteLine");
        let known = is_line || ONCE.contains(&name) || MANY.contains(&name);
        if !known || space == Space::Foreign {
            stream.skip()?;
            continue;
        }
        if !is_line {
            other_sections += 1;
        }
        if draft.body.invoice.lines.len() >= limits.lines_max && is_line {
            return Err(past("invoice lines", "lines_max", limits.lines_max, stream.start()));
        }
        if other_sections > limits.lines_max {
            return Err(past("parts of one document", "lines_max", limits.lines_max, stream.start()));
        }
        let position = positions.next(name);
        let section = room.read(stream, &mut budget)?;
        let mut section_path = format!("{}/{}", draft.path, section.qualified_name());
        if is_line || position > 1 {
            section_path.push_str(&format!("[{position}]"));
        }
        if position > 1 && ONCE.contains(&section.name()) {
            draft.report(twice(section, section_path));
            continue;
        }
        map(&mut draft, section, &section_path);
    }
    let end = stream.end();
    let whole = Location::new(start.byte, start.line, draft.path.clone())
        .spanning(usize::try_from(end.byte - start.byte).unwrap_or(usize::MAX));
    Ok(finished(draft, whole, claim, limits.findings_max, sections))
}

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

fn map(draft: &mut Draft, section: Element<'_>, path: &str) {
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

fn finished(mut draft: Draft, whole: Location, claim: Claim, findings_max: usize, sections: u64) -> Reading {
    let totals = std::mem::take(&mut draft.body.tax_totals);
    let again = assign_tax_totals(totals, &mut draft.body.invoice, &mut draft.evidence, "cbc:TaxAmount");
    draft.claimed.extend(again);
    let claim = match claim {
        Claim::AsStated => rules::claim_of(draft.body.invoice.specification_id.as_deref()),
        forced => forced,
    };
    draft.body.invoice.kind = match draft.body.kind {
        Kind::CreditNote => InvoiceKind::CreditNote,
        // A credit note may come in an invoice's clothes.
        Kind::Invoice => kind_of(draft.body.invoice.type_code.as_deref()),
    };
    if claim == Claim::None {
        // EN 16931 wants the legal name; elsewhere the party's name is all there is.
        for party in [&mut draft.body.invoice.seller, &mut draft.body.invoice.buyer] {
            party.name = party.name.take().or_else(|| party.trading_name.clone());
        }
    }
    // UBL 2.0 says the currency on the amounts only; EN 16931 wants it said once for all (BR-05), so the
    // rules look before the amounts' word is taken.
    let said_for_all = draft.body.invoice.currency.is_some();
    if claim == Claim::None && !said_for_all {
        draft.body.invoice.currency.clone_from(&draft.body.payable_currency);
    }
    let other_currency = other_currency(&draft);
    let mut broken = draft.broken_rules(&draft.body.invoice, &whole, claim);
    if !said_for_all {
        draft.body.invoice.currency.clone_from(&draft.body.payable_currency);
    }
    let mut findings = draft.findings;
    findings.extend(other_currency);
    findings.append(&mut broken);
    if claim == Claim::En16931 {
        findings.extend(draft.claimed);
        findings.extend(as_written::amounts(&draft.evidence, draft.body.kind, findings_max));
    }
    draft::sort(&mut findings);
    let document = Document {
        ordinal: 0,
        format: draft.body.kind.format().to_owned(),
        version: draft.version,
        location: whole,
        control: Vec::new(),
        evidence: draft.evidence,
        body: Body::Invoice(Box::new(draft.body.invoice)),
    };
    Reading { document, findings, sections }
}

/// Peppol R051 asks it of every amount; here the amount due speaks for them all. A document in one currency
/// that is to be paid in another is worth a look, whoever wrote it.
fn other_currency(draft: &Draft) -> Option<Finding> {
    let (of_document, of_amount) = (draft.body.invoice.currency.as_ref()?, draft.body.payable_currency.as_ref()?);
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
