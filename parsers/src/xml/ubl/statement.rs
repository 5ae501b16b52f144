//! UBL statements: what a customer owes, document by document.

use rust_decimal::Decimal;

use super::remittance::{balance, named, settled, without_number};
use super::sections::{Shape, read_sections};
use super::{Kind, Reading, party};
use crate::canonical::{Body, Party, Statement, StatementTransaction, Text};
use crate::xml::draft;
use crate::xml::element::Element;
use crate::xml::stream::{Stream, Trouble};
use crate::{Document, Limits};

const SHAPE: Shape = Shape {
    once: &[
        "UBLVersionID",
        "ID",
        "IssueDate",
        "DocumentCurrencyCode",
        "TotalDebitAmount",
        "TotalCreditAmount",
        "TotalBalanceAmount",
        "StatementTypeCode",
        "AccountingCustomerParty",
        "AccountingSupplierParty",
        "PayeeParty",
    ],
    many: &[],
    lines: &["StatementLine"],
};

type Draft = draft::Draft<Content>;

#[derive(Debug, Default)]
struct Content {
    statement: Statement,
    debit: Option<Decimal>,
    credit: Option<Decimal>,
    total_currency: Option<Text>,
    payer: Option<Party>,
    payee: Option<Party>,
}

/// Reads the statement whose start tag was just read, to its end tag.
pub(super) fn read(stream: &mut Stream<'_>, path: String, limits: Limits) -> Result<Reading, Trouble> {
    let mut draft = Draft::new(Content::default(), path, limits);
    let (whole, sections) = read_sections(stream, &mut draft, &SHAPE, limits, map)?;
    let Content { statement, debit, credit, total_currency, payer, payee } = std::mem::take(&mut draft.body);
    let mut statement = statement;
    statement.amount = statement.amount.or_else(|| balance(debit, credit));
    statement.currency = statement.currency.or(total_currency);
    for transaction in &mut statement.transactions {
        transaction.payer.clone_from(&payer);
        transaction.payee.clone_from(&payee);
        transaction.currency = transaction.currency.take().or_else(|| statement.currency.clone());
    }
    if statement.number.is_none() {
        draft.report(without_number(&whole, "statement"));
    }
    draft::sort(&mut draft.findings);
    let document = Document {
        ordinal: 0,
        format: Kind::Statement.format().into(),
        version: draft.version.map(Into::into),
        location: whole,
        control: Vec::new(),
        evidence: draft.evidence,
        body: Body::Statement(Box::new(statement)),
    };
    Ok(Reading { document, findings: draft.findings, sections })
}

fn map(draft: &mut Draft, section: Element<'_>, path: &str) {
    let number = |draft: &mut Draft, field: &str| draft.number_of(section, section.location(path), field);
    match section.name() {
        "UBLVersionID" => draft.version = section.value().map(str::to_owned),
        "ID" => draft.body.statement.number = draft.text_of(section, path, "number"),
        "IssueDate" => draft.body.statement.issue_date = draft.date_of(section, section.location(path), "issue_date"),
        "DocumentCurrencyCode" => draft.body.statement.currency = draft.text_of(section, path, "currency"),
        "TotalBalanceAmount" => {
            draft.body.statement.amount = number(draft, "amount");
            draft.body.total_currency = section.attribute("currencyID").map(Text::from);
        }
        "TotalDebitAmount" => draft.body.debit = number(draft, "total_debit"),
        "TotalCreditAmount" => draft.body.credit = number(draft, "total_credit"),
        "StatementTypeCode" => draft.body.statement.status = section.value().map(Text::from),
        "AccountingCustomerParty" => {
            let (element, path) = party::inner(section, path);
            draft.body.payer = Some(named(party::party(draft, element, &path, "payer")));
        }
        "AccountingSupplierParty" if draft.body.payee.is_none() => {
            let (element, path) = party::inner(section, path);
            draft.body.payee = Some(named(party::party(draft, element, &path, "payee")));
        }
        "PayeeParty" => draft.body.payee = Some(named(party::party(draft, section, path, "payee"))),
        "StatementLine" => map_line(draft, section, path),
        _ => {}
    }
}

fn map_line(draft: &mut Draft, section: Element<'_>, path: &str) {
    let field = format!("transactions[{}]", draft.body.statement.transactions.len());
    draft.group(field.clone(), section, path);
    let mut line = settled(draft, section, path, &format!("{field}.lines[0]"));
    let debit = draft.number(section, path, "DebitLineAmount", format_args!("{field}.debit"));
    let credit = draft.number(section, path, "CreditLineAmount", format_args!("{field}.credit"));
    let open = draft.number(section, path, "BalanceAmount", format_args!("{field}.amount"));
    let amount = open.or_else(|| balance(debit, credit));
    line.original = amount;
    let currency = section.child("BalanceAmount").and_then(|amount| amount.attribute("currencyID"));
    draft.body.statement.transactions.push(StatementTransaction {
        amount,
        currency: currency.map(Text::from),
        notes: section.children("Note").filter_map(Element::value).map(Text::from).collect(),
        lines: vec![line],
        ..StatementTransaction::default()
    });
}
