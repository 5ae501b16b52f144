//! The bodies (`FatturaElettronicaBody`): each is an invoice. Element numbers in the comments are those of the
//! format's specification.

use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::canonical::{
    AllowanceCharge, CreditTransfer, Identifier, Invoice, InvoiceKind, Note, Payment, PaymentTerms, Preceding,
    TaxBreakdown, Text, Withholding,
};
use crate::xml::draft::Draft;
use crate::xml::element::Element;
use crate::xml::values::{said, sum};

/// What is gathered of a body besides its invoice.
#[derive(Debug, Default)]
pub(super) struct Body {
    /// `ImportoPagamento` of each instalment, and when it is due.
    instalments: Vec<(Option<Decimal>, Option<Date>)>,
    /// `DatiCassaPrevidenziale`: contributions to a pension fund, which are taxed like lines.
    pub(super) funds: Vec<Fund>,
    /// Whether a line says that tax is withheld on it.
    pub(super) line_withholds: Option<usize>,
}

/// A contribution to a pension fund (2.1.1.7).
#[derive(Debug)]
pub(super) struct Fund {
    pub(super) amount: Option<Decimal>,
    pub(super) rate: Option<Decimal>,
}

impl Body {
    /// What `DatiGenerali` (2.1) holds.
    pub(super) fn read_general(&mut self, draft: &mut Draft<Invoice>, part: Element<'_>, path: &str) {
        let id = part.text_at(&["IdDocumento"]);
        let references = &mut draft.body.references;
        match part.name() {
            "DatiGeneraliDocumento" => self.read_document(draft, part, path),
            "DatiOrdineAcquisto" => {
                for (scheme, name) in [("CIG", "CodiceCIG"), ("CUP", "CodiceCUP")] {
                    let value = part.text_at(&[name]);
                    references.other.extend(value.map(|value| Identifier { scheme: Some(scheme.into()), value }));
                }
                references.purchase_order = references.purchase_order.take().or(id);
            }
            "DatiContratto" => references.contract = references.contract.take().or(id),
            "DatiConvenzione" => {
                let scheme = Some("DatiConvenzione".to_owned());
                references.other.extend(id.map(|value| Identifier { scheme: scheme.map(Into::into), value }));
            }
            "DatiRicezione" => references.receiving_advice = references.receiving_advice.take().or(id),
            "DatiDDT" => {
                let number = part.text_at(&["NumeroDDT"]);
                references.despatch_advice = references.despatch_advice.take().or(number);
            }
            "DatiFattureCollegate" => {
                let field = format!("preceding[{}]", draft.body.preceding.len());
                draft.group(field.clone(), part, path);
                let issue_date = draft.day_said(said(part, path, &["Data"]), &format!("{field}.issue_date"));
                draft.body.preceding.push(Preceding { number: id.unwrap_or_default(), issue_date });
            }
            _ => {
                let day = draft.day_said(said(part, path, &["DataOraConsegna"]), "delivery.date");
                if day.is_some() {
                    draft.body.delivery.get_or_insert_default().date = day;
                }
            }
        }
    }

    /// 2.1.1.
    fn read_document(&mut self, draft: &mut Draft<Invoice>, part: Element<'_>, path: &str) {
        draft.body.type_code = draft.text_said(said(part, path, &["TipoDocumento"]), "type_code");
        draft.body.kind = match draft.body.type_code.as_deref() {
            Some("TD04" | "TD08") => InvoiceKind::CreditNote,
            _ => InvoiceKind::Invoice,
        };
        draft.body.currency = draft.text_said(said(part, path, &["Divisa"]), "currency");
        draft.body.issue_date = draft.day_said(said(part, path, &["Data"]), "issue_date");
        draft.body.number = draft.text_said(said(part, path, &["Numero"]), "number");
        draft.body.totals.tax_inclusive =
            draft.decimal_said(said(part, path, &["ImportoTotaleDocumento"]), "totals.tax_inclusive");
        draft.body.totals.rounding = draft.decimal_said(said(part, path, &["Arrotondamento"]), "totals.rounding");
        for cause in part.children("Causale").filter_map(Element::value) {
            draft.body.notes.push(Note { subject: None, text: cause.into() });
        }
        for element in part.children("DatiRitenuta") {
            let path = element.path_below(path);
            let field = format!("withholdings[{}]", draft.body.withholdings.len());
            draft.group(field.clone(), element, &path);
            let withholding = Withholding {
                type_code: element.text_at(&["TipoRitenuta"]),
                rate: draft.decimal_said(said(element, &path, &["AliquotaRitenuta"]), &format!("{field}.rate")),
                amount: draft.decimal_said(said(element, &path, &["ImportoRitenuta"]), &format!("{field}.amount")),
                reason: element.text_at(&["CausalePagamento"]),
                base: None,
            };
            draft.body.withholdings.push(withholding);
        }
        for element in part.children("DatiCassaPrevidenziale") {
            let path = element.path_below(path);
            let index = draft.body.allowances_charges.len();
            let charge = AllowanceCharge {
                is_charge: true,
                amount: draft.decimal_said(
                    said(element, &path, &["ImportoContributoCassa"]),
                    &format!("allowances_charges[{index}].amount"),
                ),
                base: draft.decimal_said(
                    said(element, &path, &["ImponibileCassa"]),
                    &format!("allowances_charges[{index}].base"),
                ),
                percent: draft
                    .decimal_said(said(element, &path, &["AlCassa"]), &format!("allowances_charges[{index}].percent")),
                tax_rate: draft.decimal_said(
                    said(element, &path, &["AliquotaIVA"]),
                    &format!("allowances_charges[{index}].tax_rate"),
                ),
                reason: Some("DatiCassaPrevidenziale".into()),
                reason_code: element.text_at(&["TipoCassa"]),
                ..AllowanceCharge::default()
            };
            self.funds.push(Fund { amount: charge.amount, rate: charge.tax_rate });
            draft.body.allowances_charges.push(charge);
        }
        for element in part.children("ScontoMaggiorazione") {
            let path = element.path_below(path);
            let index = draft.body.allowances_charges.len();
            let part = discount(draft, element, &path, &format!("allowances_charges[{index}]"));
            draft.body.allowances_charges.push(part);
        }
    }

    /// 2.2.2: VAT by rate.
    pub(super) fn read_summary(&mut self, draft: &mut Draft<Invoice>, part: Element<'_>, path: &str) {
        let field = format!("tax_breakdown[{}]", draft.body.tax_breakdown.len());
        draft.group(field.clone(), part, path);
        let nature = part.text_at(&["Natura"]);
        let breakdown = TaxBreakdown {
            rate: draft.decimal_said(said(part, path, &["AliquotaIVA"]), &format!("{field}.rate")),
            base: draft.decimal_said(said(part, path, &["ImponibileImporto"]), &format!("{field}.base")),
            tax: draft.decimal_said(said(part, path, &["Imposta"]), &format!("{field}.tax")),
            exemption_reason: part.text_at(&["RiferimentoNormativo"]),
            category: None,
            exemption_code: nature.clone(),
        };
        let breakdown =
            TaxBreakdown { category: category(breakdown.rate, nature.as_deref()).map(Text::from), ..breakdown };
        // Split payment: the buyer pays this VAT to the treasury, not to the seller.
        if part.text_at(&["EsigibilitaIVA"]).as_deref() == Some("S") {
            draft.body.withholdings.push(Withholding {
                type_code: Some("S".into()),
                base: breakdown.base,
                rate: breakdown.rate,
                amount: breakdown.tax,
                reason: Some("EsigibilitaIVA".into()),
            });
        }
        draft.body.tax_breakdown.push(breakdown);
    }

    /// 2.4: how to pay, and the instalments.
    pub(super) fn read_payment(&mut self, draft: &mut Draft<Invoice>, part: Element<'_>, path: &str) {
        if part.name() == "CondizioniPagamento" {
            draft.body.terms.get_or_insert_with(PaymentTerms::default).text = part.value().map(Text::from);
            return;
        }
        let index = draft.body.payments.len();
        draft.group(format!("payments[{index}]"), part, path);
        let due = draft.day_said(said(part, path, &["DataScadenzaPagamento"]), "due_date");
        let amount = draft.decimal_said(said(part, path, &["ImportoPagamento"]), "totals.payable");
        self.instalments.push((amount, due));
        let days = part.text_at(&["GiorniTerminiPagamento"]).and_then(|days| days.parse().ok());
        if let Some(days) = days {
            draft.body.terms.get_or_insert_with(PaymentTerms::default).net_days = Some(days);
        }
        let transfer = part.text_at(&["IBAN"]).map(|account| CreditTransfer {
            account,
            name: part.text_at(&["Beneficiario"]).or_else(|| part.text_at(&["IstitutoFinanziario"])),
            bic: part.text_at(&["BIC"]),
        });
        draft.body.payments.push(Payment {
            means_text: part.text_at(&["ModalitaPagamento"]),
            remittance_information: part.text_at(&["CodicePagamento"]),
            credit_transfers: transfer.into_iter().collect(),
            ..Payment::default()
        });
    }

    /// What follows from all of it: what is due, and when. Of several instalments the first day counts.
    pub(super) fn finish(&self, draft: &mut Draft<Invoice>) {
        let is_paid = !self.instalments.is_empty() && !draft.unreadable.contains("totals.payable");
        draft.body.totals.payable = sum(self.instalments.iter().map(|(amount, _)| *amount)).filter(|_| is_paid);
        draft.body.due_date = self.instalments.iter().filter_map(|(_, due)| *due).min();
        let withheld = draft.body.withholdings.iter().map(|withholding| withholding.amount);
        draft.body.totals.withheld = sum(withheld).filter(|_| !draft.body.withholdings.is_empty());
    }
}

/// The VAT category (UNCL5305) of a rate and a nature (`Natura`), where they have the same bounds.
fn category(rate: Option<Decimal>, nature: Option<&str>) -> Option<&'static str> {
    match (rate, nature.and_then(|nature| nature.get(..2))) {
        (Some(rate), None) if !rate.is_zero() => Some("S"),
        (_, Some("N2")) => Some("O"),
        (_, Some("N4" | "N5")) => Some("E"),
        (_, Some("N6")) => Some("AE"),
        _ => None,
    }
}

/// `ScontoMaggiorazione`: a discount (`SC`) or a surcharge (`MG`), by percent or amount.
pub(super) fn discount(draft: &mut Draft<Invoice>, element: Element<'_>, path: &str, field: &str) -> AllowanceCharge {
    draft.group(field, element, path);
    AllowanceCharge {
        is_charge: element.text_at(&["Tipo"]).as_deref() == Some("MG"),
        amount: draft.decimal_said(said(element, path, &["Importo"]), &format!("{field}.amount")),
        percent: draft.decimal_said(said(element, path, &["Percentuale"]), &format!("{field}.percent")),
        reason: Some("ScontoMaggiorazione".into()),
        ..AllowanceCharge::default()
    }
}

/// 2.5: an attachment, named but not copied.
pub(super) fn read_attachment(draft: &mut Draft<Invoice>, part: Element<'_>) {
    let value = part.value().map(str::to_owned);
    let Some(attachment) = draft.body.attachments.last_mut() else { return };
    match part.name() {
        "NomeAttachment" => attachment.file_name = value.map(Into::into),
        "FormatoAttachment" => attachment.mime = value.map(Into::into),
        _ => attachment.description = value.map(Into::into),
    }
}
