//! What the sections of a UBL invoice or credit note mean in the canonical model, after the UBL binding of
//! EN 16931 (CEN/TS 16931-3-2). Self-billed ones, debit notes and freight invoices have the same parts.

mod as_written;
mod head;
mod line;
mod parties;
mod settlement;
mod syntax;

use std::fmt::Display;

use rust_decimal::Decimal;

use super::sections::{Shape, read_sections};
use super::{Kind, Reading};
use crate::canonical::{Body, Invoice, InvoiceKind, Text};
use crate::rules::{self, Claim};
use crate::xml::draft;
use crate::xml::element::Element;
use crate::xml::invoice::{TaxTotal, assign_tax_totals, kind_of};
use crate::xml::stream::{Stream, Trouble};
use crate::{Code, Document, Finding, Limits, Location};

/// A document while it is read.
type Draft = draft::Draft<Content>;

#[derive(Debug)]
struct Content {
    kind: Kind,
    invoice: Invoice,
    /// `currencyID` of the amount due.
    payable_currency: Option<Text>,
    /// The tax totals as they came, each with its currency.
    tax_totals: Vec<TaxTotal>,
    syntax: syntax::Syntax,
}

const SHAPE: Shape = Shape {
    once: &[
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
        "RequestedMonetaryTotal",
        "TaxExchangeRate",
    ],
    many: &[
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
    ],
    lines: &["InvoiceLine", "CreditNoteLine", "DebitNoteLine"],
};

/// Reads the document whose start tag was just read, to its end tag.
pub(super) fn read(
    stream: &mut Stream<'_>,
    kind: Kind,
    path: String,
    limits: Limits,
    claim: Claim,
) -> Result<Reading, Trouble> {
    let mut syntax = syntax::Syntax::default();
    syntax.is_claimed = claim == Claim::En16931;
    let content = Content { kind, invoice: Invoice::default(), payable_currency: None, tax_totals: Vec::new(), syntax };
    let mut draft = Draft::new(content, path, limits);
    let (whole, sections) = read_sections(stream, &mut draft, &SHAPE, limits, map)?;
    Ok(finished(draft, whole, claim, limits.findings_max, sections))
}

fn map(draft: &mut Draft, section: Element<'_>, path: &str) {
    match section.name() {
        "TaxExchangeRate" => settlement::map_exchange_rate(draft, section, path),
        "AccountingSupplierParty" => parties::map_seller(draft, section, path),
        "AccountingCustomerParty" => parties::map_buyer(draft, section, path),
        "PayeeParty" => parties::map_payee(draft, section, path),
        "TaxRepresentativeParty" => parties::map_tax_representative(draft, section, path),
        "PaymentMeans" => settlement::map_payment(draft, section, path),
        "PaymentTerms" => settlement::map_terms(draft, section),
        "AllowanceCharge" => settlement::map_allowance_charge(draft, section, path),
        "TaxTotal" => settlement::map_tax_total(draft, section, path),
        "LegalMonetaryTotal" | "RequestedMonetaryTotal" => settlement::map_totals(draft, section, path),
        "InvoiceLine" | "CreditNoteLine" | "DebitNoteLine" => line::map(draft, section, path),
        _ => head::map(draft, section, path),
    }
    syntax::check(draft, section, path);
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
        Kind::CreditNote | Kind::SelfBilledCreditNote => InvoiceKind::CreditNote,
        // A credit note may come in an invoice's clothes.
        _ => kind_of(draft.body.invoice.type_code.as_deref()),
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
    settlement::name_creditor(&mut draft.body.invoice);
    // To Peppol's documents the rules say it of every amount.
    let other_currency = if draft.body.syntax.is_peppol { None } else { other_currency(&draft) };
    let mut broken = draft.broken_rules(&draft.body.invoice, &whole, claim);
    if !said_for_all {
        draft.body.invoice.currency.clone_from(&draft.body.payable_currency);
    }
    let currency = draft.body.invoice.currency.clone();
    draft.body.invoice.other_currencies.retain(|other| Some(&other.currency) != currency.as_ref());
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
        format: draft.body.kind.format().into(),
        version: draft.version.map(Into::into),
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

/// An amount below `parent`, with its evidence; and its currency, if it is not the document's.
fn amount(
    draft: &mut Draft,
    parent: Element<'_>,
    path: &str,
    name: &str,
    field: impl Display + Copy,
) -> Option<Decimal> {
    let element = parent.child(name)?;
    draft.body.note_currency(element, &field);
    draft.number(parent, path, name, field)
}

fn brief(text: &str) -> String {
    text.chars().take(20).collect()
}
