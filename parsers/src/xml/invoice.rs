//! What invoices have in common in every vocabulary that follows EN 16931: which of the two kinds it is,
//! whose currency a tax total is in, and what is never kept of a card.

use rust_decimal::Decimal;

use crate::canonical::{Evidence, Invoice, InvoiceKind, Text};
use crate::{Code, Finding};

/// What a type code (BT-3, UNTDID 1001) says it is: the credit note types of the EN 16931 code list.
pub(super) fn kind_of(type_code: Option<&str>) -> InvoiceKind {
    match type_code {
        Some("381" | "396" | "261" | "262" | "83" | "532") => InvoiceKind::CreditNote,
        _ => InvoiceKind::Invoice,
    }
}

/// The last four digits of a card number (BR-51): the rest is never kept.
pub(super) fn masked(number: &str) -> String {
    let last: Vec<char> = number.chars().filter(char::is_ascii_alphanumeric).rev().take(4).collect();
    last.into_iter().rev().collect()
}

/// How long a card number is, if that is longer than BR-51 allows.
pub(super) fn too_long(number: &str) -> Option<u32> {
    u32::try_from(number.chars().count()).ok().filter(|length| *length > 10)
}

/// A tax total before we know which currency is the document's.
#[derive(Debug)]
pub(super) struct TaxTotal {
    pub(super) currency: Option<Text>,
    pub(super) amount: Option<Decimal>,
    pub(super) evidence: Option<Evidence>,
}

/// Says which tax total is in the currency of the document (BT-110) and which in the tax currency (BT-111);
/// what is told of a second one, to those who claim EN 16931.
pub(super) fn assign_tax_totals(
    totals: Vec<TaxTotal>,
    invoice: &mut Invoice,
    known: &mut Vec<Evidence>,
    element: &str,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for total in totals {
        let is_document = match (&total.currency, &invoice.currency) {
            (Some(of_amount), Some(of_document)) => of_amount == of_document,
            _ => true,
        };
        let is_tax = total.currency.is_some() && total.currency == invoice.tax_currency;
        let field = if is_document && invoice.totals.tax.is_none() {
            invoice.totals.tax = total.amount;
            "totals.tax"
        } else if is_tax && invoice.totals.tax_in_tax_currency.is_none() {
            invoice.totals.tax_in_tax_currency = total.amount;
            "totals.tax_in_tax_currency"
        } else {
            if is_document && let Some(again) = total.evidence {
                let message = format!(
                    "there is a second VAT total in the currency of the document, {}; only the first was read",
                    again.raw.trim()
                );
                let fix = "Write one VAT total in the currency of the document.";
                let finding = Finding::error(Code::rule("BR-CO-15"), again.at, message, fix);
                findings.push(finding.with_rule("BR-CO-15").with_field(element).with_value(again.raw));
            }
            continue;
        };
        if let Some(evidence) = total.evidence {
            known.push(Evidence { field: field.into(), ..evidence });
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_card_number_keeps_its_last_four() {
        assert_eq!(super::masked("5555 4444 3333 2222"), "2222");
        assert_eq!(super::masked("12"), "12");
        assert_eq!(super::too_long("555544******2222"), Some(16));
        assert_eq!(super::too_long("2222"), None);
    }
}
