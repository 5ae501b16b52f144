//! What a payment pays: `RemittanceInformation`, structured and not.

use rust_decimal::Decimal;

use crate::canonical::{Adjustment, Identifier, RemittanceLine, SettledKind, Text};
use crate::xml::draft::Draft;
use crate::xml::element::Element;
use crate::xml::values::{said, said_by};

/// What remittance information says, one part after another.
#[derive(Debug, Default)]
pub(super) struct Remitted {
    pub(super) lines: Vec<RemittanceLine>,
    /// Creditor references (`CdtrRefInf/Ref`) that belong to no document.
    pub(super) references: Vec<Identifier>,
    pub(super) notes: Vec<Text>,
}

impl Remitted {
    /// All of one `RmtInf`.
    pub(super) fn read<B>(&mut self, draft: &mut Draft<B>, information: Element<'_>, path: &str, field: &str) {
        for part in information.elements() {
            self.read_part(draft, part, &part.path_below(path), field);
        }
    }

    /// One `Ustrd` or `Strd`; `field` is what the lines belong to, with its point: `transactions[2].`.
    pub(super) fn read_part<B>(&mut self, draft: &mut Draft<B>, part: Element<'_>, path: &str, field: &str) {
        match part.name() {
            "Ustrd" => self.notes.extend(part.value().map(Text::from)),
            "Strd" => self.read_structured(draft, part, path, field),
            _ => {}
        }
    }

    fn read_structured<B>(&mut self, draft: &mut Draft<B>, part: Element<'_>, path: &str, field: &str) {
        let mut references = Vec::new();
        for reference in part.children("CdtrRefInf") {
            let kind = reference.at(&["Tp", "CdOrPrtry"]).or_else(|| reference.child("CdtrRefTp"));
            let scheme = kind.and_then(|kind| kind.text_at(&["Cd"]).or_else(|| kind.text_at(&["Prtry"])));
            let value = reference.text_at(&["Ref"]).or_else(|| reference.text_at(&["CdtrRef"]));
            references.extend(value.map(|value| Identifier { scheme, value }));
        }
        let notes: Vec<Text> = part.children("AddtlRmtInf").filter_map(Element::value).map(Text::from).collect();
        let amounts = part.child("RfrdDocAmt");
        let documents: Vec<Element<'_>> = part.children("RfrdDocInf").collect();
        if documents.is_empty() && amounts.is_none() {
            self.references.extend(references);
            self.notes.extend(notes);
            return;
        }
        for index in 0..documents.len().max(1) {
            let field = format!("{field}lines[{}]", self.lines.len());
            let mut line = RemittanceLine::default();
            if let Some(document) = documents.get(index) {
                read_document(draft, &mut line, *document, &document.path_below(path), &field);
            } else {
                line.document_type = SettledKind::Other;
            }
            // The amounts are those of all documents of this part together; they stand with the first.
            if index == 0 {
                if let Some(amounts) = amounts {
                    read_amounts(draft, &mut line, amounts, &amounts.path_below(path), &field);
                }
                line.references = std::mem::take(&mut references);
                line.note = Some(notes.join("\n")).filter(|note| !note.is_empty()).map(Into::into);
            }
            self.lines.push(line);
        }
    }
}

fn read_document<B>(draft: &mut Draft<B>, line: &mut RemittanceLine, document: Element<'_>, path: &str, field: &str) {
    draft.group(field, document, path);
    let kind = document.at(&["Tp", "CdOrPrtry"]).or_else(|| document.child("RfrdDocTp"));
    line.type_code = kind.and_then(|kind| kind.text_at(&["Cd"]).or_else(|| kind.text_at(&["Prtry"])));
    line.document_type = kind_of(line.type_code.as_deref());
    let number = said(document, path, &["Nb"]).or_else(|| said(document, path, &["RfrdDocNb"]));
    line.document_number = draft.text_said(number, &format!("{field}.document_number"));
    // `RltdDt` became a choice with a type beside it.
    let date = said(document, path, &["RltdDt"]).or_else(|| said(document, path, &["RltdDt", "Dt"]));
    line.document_date = draft.day_said(date, &format!("{field}.document_date"));
}

/// ISO 20022 external code list `DocumentType`.
fn kind_of(code: Option<&str>) -> SettledKind {
    match code {
        None | Some("CINV" | "MSIN" | "SBIN" | "HIRI" | "CMCN") => SettledKind::Invoice,
        Some("CREN" | "CNFA") => SettledKind::CreditNote,
        Some("DEBN" | "DNFA") => SettledKind::DebitNote,
        Some(_) => SettledKind::Other,
    }
}

/// `RfrdDocAmt`: an element for each amount, or since 2019 a list of amounts with their types.
fn read_amounts<B>(draft: &mut Draft<B>, line: &mut RemittanceLine, amounts: Element<'_>, path: &str, field: &str) {
    let mut credit = None;
    for amount in amounts.elements() {
        let path = amount.path_below(path);
        match amount.name() {
            "DuePyblAmt" => line.original = draft.decimal_said(said_by(amount, &path), &format!("{field}.original")),
            "RmtdAmt" => line.paid = draft.decimal_said(said_by(amount, &path), &format!("{field}.paid")),
            "CdtNoteAmt" => credit = draft.decimal_said(said_by(amount, &path), &format!("{field}.paid")),
            "DscntApldAmt" => {
                let said = said_by(amount, &path).or_else(|| said(amount, &path, &["Amt"]));
                let discount = draft.decimal_said(said, &format!("{field}.discount"));
                line.discount = added(line.discount, discount);
            }
            "AdjstmntAmtAndRsn" => line.adjustments.extend(adjustment(draft, line, amount, &path, field)),
            "RmtAmtAndTp" => {
                let said = said(amount, &path, &["Amt"]);
                match amount.text_at(&["Tp", "Cd"]).as_deref() {
                    Some("DUPA") => line.original = draft.decimal_said(said, &format!("{field}.original")),
                    Some("REMI") => line.paid = draft.decimal_said(said, &format!("{field}.paid")),
                    Some("CREN") => credit = draft.decimal_said(said, &format!("{field}.paid")),
                    Some("DISC") => {
                        let discount = draft.decimal_said(said, &format!("{field}.discount"));
                        line.discount = added(line.discount, discount);
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }
    // What is credited takes away from the payment, and ISO 20022 amounts have no sign.
    let is_credit = line.document_type == SettledKind::CreditNote;
    line.paid = match (line.paid, credit) {
        (Some(paid), _) if is_credit => Some(-paid),
        (Some(paid), _) => Some(paid),
        (None, credit) => credit.map(|credit| -credit),
    };
}

fn added(sum: Option<Decimal>, more: Option<Decimal>) -> Option<Decimal> {
    match (sum, more) {
        (Some(sum), Some(more)) => sum.checked_add(more),
        (sum, more) => sum.or(more),
    }
}

/// `AdjstmntAmtAndRsn`: a debit (`DBIT`) takes away from what is paid.
fn adjustment<B>(
    draft: &mut Draft<B>,
    line: &RemittanceLine,
    element: Element<'_>,
    path: &str,
    field: &str,
) -> Option<Adjustment> {
    let field = format!("{field}.adjustments[{}].amount", line.adjustments.len());
    let amount = draft.decimal_said(said(element, path, &["Amt"]), &field)?;
    let takes_away = element.text_at(&["CdtDbtInd"]).as_deref() == Some("DBIT");
    Some(Adjustment {
        amount: if takes_away { -amount } else { amount },
        reason_code: element.text_at(&["Rsn"]),
        reason: element.text_at(&["AddtlInf"]),
        reference: None,
    })
}
