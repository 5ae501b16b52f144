//! Remittance advices.

use super::pen::Pen;
use super::{WriteError, party, required};
use crate::canonical::{Account, RemittanceAdvice, RemittanceLine, SettledKind};

/// Writes a remittance advice.
pub(crate) fn write(advice: &RemittanceAdvice) -> Result<Vec<u8>, WriteError> {
    required(advice.number.as_ref(), "number", "cbc:ID")?;
    required(advice.issue_date.as_ref(), "issue_date", "cbc:IssueDate")?;
    let currency = required(advice.currency.as_ref(), "currency", "cbc:DocumentCurrencyCode")?;
    let mut pen = Pen::new("RemittanceAdvice", currency);
    pen.text("cbc:ID", advice.number.as_ref());
    pen.value("cbc:IssueDate", advice.issue_date);
    for note in &advice.notes {
        pen.text("cbc:Note", Some(note));
    }
    pen.text("cbc:DocumentCurrencyCode", Some(currency));
    pen.amount("cbc:TotalPaymentAmount", advice.total);
    let orders = || advice.traces.iter().filter(|trace| trace.scheme.as_deref() == Some("payment_order"));
    pen.text("cbc:PaymentOrderReference", orders().next().map(|order| &order.value));
    pen.group("cac:AccountingCustomerParty", |pen| {
        pen.group("cac:Party", |pen| party::write(pen, &advice.payer, None));
    });
    pen.group("cac:AccountingSupplierParty", |pen| {
        pen.group("cac:Party", |pen| party::write(pen, &advice.payee, None));
    });
    write_means(&mut pen, advice);
    for (index, line) in advice.lines.iter().enumerate() {
        write_line(&mut pen, line, index + 1);
    }
    pen.finish("RemittanceAdvice")
}

fn write_means(pen: &mut Pen, advice: &RemittanceAdvice) {
    let mut order_seen = false;
    // The first payment order has its own element.
    let ids: Vec<&str> = advice
        .traces
        .iter()
        .filter(|trace| trace.scheme.as_deref() != Some("payment_order") || std::mem::replace(&mut order_seen, true))
        .map(|trace| trace.value.as_str())
        .collect();
    let is_said = advice.method.is_some()
        || advice.payment_date.is_some()
        || !ids.is_empty()
        || advice.payer_account.is_some()
        || advice.payee_account.is_some();
    if !is_said {
        return;
    }
    pen.group("cac:PaymentMeans", |pen| {
        pen.text("cbc:PaymentMeansCode", Some(advice.method.as_deref().unwrap_or("1")));
        pen.value("cbc:PaymentDueDate", advice.payment_date);
        for id in ids {
            pen.text("cbc:PaymentID", Some(id));
        }
        for (name, account) in
            [("cac:PayerFinancialAccount", &advice.payer_account), ("cac:PayeeFinancialAccount", &advice.payee_account)]
        {
            if let Some(account) = account {
                write_account(pen, name, account);
            }
        }
    });
}

fn write_account(pen: &mut Pen, name: &str, account: &Account) {
    pen.group(name, |pen| {
        pen.text("cbc:ID", account.number.as_ref());
        pen.text("cbc:Name", account.name.as_ref());
        pen.group("cac:FinancialInstitutionBranch", |pen| {
            if let Some(bank) = &account.bank {
                let scheme = bank.scheme.as_deref().map(|scheme| if scheme == "bic" { "BIC" } else { scheme });
                pen.element("cbc:ID", &[("schemeID", scheme)], &bank.value);
            }
        });
    });
}

fn write_line(pen: &mut Pen, line: &RemittanceLine, number: usize) {
    pen.group("cac:RemittanceAdviceLine", |pen| {
        pen.value("cbc:ID", Some(number));
        pen.text("cbc:Note", line.note.as_ref());
        // A debit is what the payer settles, a credit what it takes away.
        let is_credit = line.paid.is_some_and(|paid| paid.is_sign_negative() && !paid.is_zero());
        pen.amount("cbc:DebitLineAmount", line.paid.filter(|_| !is_credit));
        pen.amount("cbc:CreditLineAmount", line.paid.filter(|_| is_credit).map(|paid| -paid));
        pen.amount("cbc:BalanceAmount", line.original);
        if line.document_number.is_none() {
            return;
        }
        let name = match line.document_type {
            SettledKind::Invoice => "cac:InvoiceDocumentReference",
            SettledKind::CreditNote => "cac:CreditNoteDocumentReference",
            SettledKind::DebitNote => "cac:DebitNoteDocumentReference",
            SettledKind::Other => "cac:AdditionalDocumentReference",
        };
        pen.group("cac:BillingReference", |pen| {
            pen.group(name, |pen| {
                pen.text("cbc:ID", line.document_number.as_ref());
                pen.value("cbc:IssueDate", line.document_date);
                pen.text("cbc:DocumentTypeCode", line.type_code.as_ref());
            });
        });
        for reference in &line.references {
            pen.group("cac:BillingReference", |pen| {
                pen.group("cac:AdditionalDocumentReference", |pen| {
                    pen.text("cbc:ID", Some(&reference.value));
                    pen.text("cbc:DocumentTypeCode", reference.scheme.as_ref());
                });
            });
        }
    });
}
