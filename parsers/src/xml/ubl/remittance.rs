//! UBL remittance advices: which documents a payment pays, with how much of each.

use rust_decimal::Decimal;

use super::sections::{Shape, read_sections};
use super::{Kind, Reading, party};
use crate::canonical::{Account, Body, Identifier, Party, RemittanceAdvice, RemittanceLine, SettledKind, Text};
use crate::xml::draft;
use crate::xml::element::Element;
use crate::xml::stream::{Stream, Trouble};
use crate::{Code, Document, Finding, Limits, Location};

const SHAPE: Shape = Shape {
    once: &[
        "UBLVersionID",
        "ID",
        "IssueDate",
        "DocumentCurrencyCode",
        "TotalDebitAmount",
        "TotalCreditAmount",
        "TotalPaymentAmount",
        "PaymentOrderReference",
        "AccountingCustomerParty",
        "AccountingSupplierParty",
        "PayeeParty",
    ],
    many: &["Note", "PaymentMeans"],
    lines: &["RemittanceAdviceLine"],
};

type Draft = draft::Draft<Content>;

#[derive(Debug, Default)]
struct Content {
    advice: RemittanceAdvice,
    debit: Option<Decimal>,
    credit: Option<Decimal>,
    total_currency: Option<Text>,
}

/// Reads the advice whose start tag was just read, to its end tag.
pub(super) fn read(stream: &mut Stream<'_>, path: String, limits: Limits) -> Result<Reading, Trouble> {
    let mut draft = Draft::new(Content::default(), path, limits);
    let (whole, sections) = read_sections(stream, &mut draft, &SHAPE, limits, map)?;
    finish(&mut draft.body);
    if draft.body.advice.number.is_none() {
        draft.report(without_number(&whole, "remittance advice"));
    }
    if let Some(finding) = sum_finding(&draft) {
        draft.report(finding);
    }
    draft::sort(&mut draft.findings);
    let document = Document {
        ordinal: 0,
        format: Kind::RemittanceAdvice.format().into(),
        version: draft.version.map(Into::into),
        location: whole,
        control: Vec::new(),
        evidence: draft.evidence,
        body: Body::RemittanceAdvice(Box::new(draft.body.advice)),
    };
    Ok(Reading { document, findings: draft.findings, sections })
}

fn map(draft: &mut Draft, section: Element<'_>, path: &str) {
    let number = |draft: &mut Draft, field: &str| draft.number_of(section, section.location(path), field);
    match section.name() {
        "UBLVersionID" => draft.version = section.value().map(str::to_owned),
        "ID" => draft.body.advice.number = draft.text_of(section, path, "number"),
        "IssueDate" => draft.body.advice.issue_date = draft.date_of(section, section.location(path), "issue_date"),
        "DocumentCurrencyCode" => draft.body.advice.currency = draft.text_of(section, path, "currency"),
        "TotalPaymentAmount" => {
            draft.body.advice.total = number(draft, "total");
            draft.body.total_currency = section.attribute("currencyID").map(Text::from);
        }
        "TotalDebitAmount" => draft.body.debit = number(draft, "total_debit"),
        "TotalCreditAmount" => draft.body.credit = number(draft, "total_credit"),
        "Note" => draft.body.advice.notes.extend(section.value().map(Text::from)),
        "PaymentOrderReference" => trace(draft, "payment_order", section),
        "AccountingCustomerParty" => {
            let (element, path) = party::inner(section, path);
            draft.body.advice.payer = named(party::party(draft, element, &path, "payer"));
        }
        // The payee, unless somebody else is paid.
        "AccountingSupplierParty" if draft.body.advice.payee.name.is_none() => {
            let (element, path) = party::inner(section, path);
            draft.body.advice.payee = named(party::party(draft, element, &path, "payee"));
        }
        "PayeeParty" => draft.body.advice.payee = named(party::party(draft, section, path, "payee")),
        "PaymentMeans" => map_means(draft, section, path),
        "RemittanceAdviceLine" => map_line(draft, section, path),
        _ => {}
    }
}

fn trace(draft: &mut Draft, scheme: &str, element: Element<'_>) {
    let value = element.value().map(str::to_owned);
    draft.body.advice.traces.extend(value.map(|value| Identifier { scheme: Some(scheme.into()), value: value.into() }));
}

/// Outside EN 16931 a party is known by its name, legal or not.
pub(super) fn named(mut party: Party) -> Party {
    if party.name.is_none() {
        party.name = party.trading_name.take();
    }
    party
}

fn map_means(draft: &mut Draft, section: Element<'_>, path: &str) {
    if draft.body.advice.method.is_none() {
        draft.body.advice.method = section.text_at(&["PaymentMeansCode"]);
    }
    if draft.body.advice.payment_date.is_none() {
        draft.body.advice.payment_date = draft.date(section, path, "PaymentDueDate", "payment_date");
    }
    for id in section.children("PaymentID") {
        trace(draft, "payment", id);
    }
    let advice = &mut draft.body.advice;
    if advice.payer_account.is_none() {
        advice.payer_account = section.child("PayerFinancialAccount").map(account);
    }
    if advice.payee_account.is_none() {
        advice.payee_account = section.child("PayeeFinancialAccount").map(account);
    }
}

fn account(element: Element<'_>) -> Account {
    let branch = element.child("FinancialInstitutionBranch");
    let bank = branch.and_then(|branch| branch.at(&["FinancialInstitution", "ID"]).or_else(|| branch.child("ID")));
    Account {
        number: element.text_at(&["ID"]),
        bank: bank.and_then(|id| id.identifier("schemeID")).map(|id| Identifier {
            scheme: id
                .scheme
                .map(|scheme| if scheme == "BIC" { "bic".to_owned() } else { scheme.into() })
                .map(Into::into),
            ..id
        }),
        name: element.text_at(&["Name"]),
    }
}

fn map_line(draft: &mut Draft, section: Element<'_>, path: &str) {
    let field = format!("lines[{}]", draft.body.advice.lines.len());
    draft.group(field.clone(), section, path);
    let mut line = settled(draft, section, path, &field);
    line.note = section.text_at(&["Note"]);
    line.original = draft.number(section, path, "BalanceAmount", format_args!("{field}.original"));
    line.paid = match section.child("PaidAmount") {
        // A credit note that is netted takes away, whatever sign its amount is written with.
        Some(_) => draft.number(section, path, "PaidAmount", format_args!("{field}.paid")).map(|paid| {
            if line.document_type == SettledKind::CreditNote && paid > Decimal::ZERO { -paid } else { paid }
        }),
        None => {
            let debit = draft.number(section, path, "DebitLineAmount", format_args!("{field}.paid"));
            let credit = draft.number(section, path, "CreditLineAmount", format_args!("{field}.credit"));
            balance(debit, credit)
        }
    };
    draft.body.advice.lines.push(line);
}

/// Debit less credit; nothing if neither is there.
pub(super) fn balance(debit: Option<Decimal>, credit: Option<Decimal>) -> Option<Decimal> {
    match (debit, credit) {
        (None, None) => None,
        (debit, credit) => debit.unwrap_or_default().checked_sub(credit.unwrap_or_default()),
    }
}

/// The names a document that is settled may have.
const SETTLED: [(&str, SettledKind); 7] = [
    ("InvoiceDocumentReference", SettledKind::Invoice),
    ("SelfBilledInvoiceDocumentReference", SettledKind::Invoice),
    ("CreditNoteDocumentReference", SettledKind::CreditNote),
    ("SelfBilledCreditNoteDocumentReference", SettledKind::CreditNote),
    ("DebitNoteDocumentReference", SettledKind::DebitNote),
    ("ReminderDocumentReference", SettledKind::Other),
    ("AdditionalDocumentReference", SettledKind::Other),
];

/// The document a line is about, and whatever else the line refers to.
pub(super) fn settled<B>(draft: &mut draft::Draft<B>, section: Element<'_>, path: &str, field: &str) -> RemittanceLine {
    let mut line = RemittanceLine::default();
    let mut is_first = true;
    for billing in section.children("BillingReference") {
        let path = billing.path_below(path);
        for reference in billing.elements() {
            let Some((_, kind)) = SETTLED.iter().find(|(name, _)| *name == reference.name()) else { continue };
            let type_code = reference.text_at(&["DocumentTypeCode"]);
            if !is_first {
                let value = reference.text_at(&["ID"]);
                line.references.extend(value.map(|value| Identifier { scheme: type_code, value }));
                continue;
            }
            is_first = false;
            let path = reference.path_below(&path);
            line.document_type = *kind;
            line.type_code = type_code;
            line.document_number = draft.text(reference, &path, "ID", format_args!("{field}.document_number"));
            line.document_date = draft.date(reference, &path, "IssueDate", format_args!("{field}.document_date"));
        }
    }
    for reference in section.children("DocumentReference") {
        let path = reference.path_below(path);
        if is_first {
            is_first = false;
            line.type_code = reference.text_at(&["DocumentTypeCode"]);
            line.document_type = kind_by_code(line.type_code.as_deref());
            line.document_number = draft.text(reference, &path, "ID", format_args!("{field}.document_number"));
            line.document_date = draft.date(reference, &path, "IssueDate", format_args!("{field}.document_date"));
        } else if let Some(value) = reference.text_at(&["ID"]) {
            line.references.push(Identifier { scheme: reference.text_at(&["DocumentTypeCode"]), value });
        }
    }
    line
}

/// UNTDID 1001.
fn kind_by_code(code: Option<&str>) -> SettledKind {
    match code {
        None | Some("380" | "384" | "386" | "389") => SettledKind::Invoice,
        Some("381" | "396" | "261" | "262" | "83" | "532") => SettledKind::CreditNote,
        Some("383") => SettledKind::DebitNote,
        Some(_) => SettledKind::Other,
    }
}

fn finish(content: &mut Content) {
    if content.advice.total.is_none() {
        content.advice.total = balance(content.debit, content.credit);
    }
    if content.advice.currency.is_none() {
        content.advice.currency.clone_from(&content.total_currency);
    }
}

pub(super) fn without_number(whole: &Location, what: &str) -> Finding {
    let at = Location { len: 0, ..whole.clone() };
    let fix = "Write its number in `cbc:ID`.";
    Finding::error(Code::REQUIRED_MISSING, at, format!("the {what} has no number"), fix).with_field("cbc:ID")
}

/// What is paid of the lines is what is paid in all, where every line says how much.
fn sum_finding(draft: &Draft) -> Option<Finding> {
    let advice = &draft.body.advice;
    let total = advice.total?;
    let paid = advice.lines.iter().map(|line| line.paid).collect::<Option<Vec<Decimal>>>()?;
    let sum = paid.iter().try_fold(Decimal::ZERO, |sum, paid| sum.checked_add(*paid))?;
    if paid.is_empty() || sum == total {
        return None;
    }
    let stated = draft.evidence.iter().find(|item| item.field == "total")?;
    let message = format!("the payment is {total}, but its {} lines add up to {sum}", paid.len());
    let fix = "Correct the total, or the line that is wrong.";
    let finding = Finding::warning(Code::TOTAL_MISMATCH, stated.at.clone(), message, fix);
    Some(finding.with_field("cbc:TotalPaymentAmount").with_value(&stated.raw))
}
