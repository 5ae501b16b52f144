//! The complement Pagos: what has been paid of which invoices. Whoever was paid issues it.

use rust_decimal::Decimal;

use crate::canonical::{Account, Body, Identifier, Invoice, RemittanceAdvice, RemittanceLine};
use crate::xml::closing::{Cover, tell};
use crate::xml::desk::Desk;
use crate::xml::draft::{Draft, decimal};
use crate::xml::element::Element;
use crate::xml::stream::Trouble;
use crate::xml::values::{Doubts, sum};
use crate::{Code, Finding, Limits, Location};

/// The payments of one document. They wait for its stamp, which comes after them.
#[derive(Debug, Default)]
pub(super) struct Payments {
    payments: Vec<(Draft<RemittanceAdvice>, Location)>,
    /// `MontoTotalPagos`, in pesos.
    total: Option<(Decimal, Location, String)>,
}

impl Payments {
    /// `Totales` (Pagos 2.0).
    pub(super) fn read_totals(&mut self, element: Element<'_>, path: &str) {
        if let Some((value, at)) = element.attribute_at("MontoTotalPagos", path) {
            self.total = decimal(value).map(|number| (number, at, value.to_owned()));
        }
    }

    /// `Pago`.
    pub(super) fn read(&mut self, element: Element<'_>, path: &str, limits: Limits) {
        let mut draft = Draft::new(RemittanceAdvice::default(), path.to_owned(), limits);
        let get = |name: &str| element.attribute_at(name, path);
        draft.body.payment_date = draft.day_said(get("FechaPago"), "payment_date");
        draft.body.method = draft.text_said(get("FormaDePagoP"), "method");
        draft.body.currency = draft.text_said(get("MonedaP"), "currency");
        draft.body.total = draft.decimal_said(get("Monto"), "total");
        let text = |name: &str| element.attribute(name).filter(|value| !value.is_empty()).map(str::to_owned);
        let operation = draft.text_said(get("NumOperacion"), "traces[0].value");
        let scheme = Some("NumOperacion".to_owned());
        draft.body.traces.extend(operation.map(|value| Identifier { scheme: scheme.map(Into::into), value }));
        let account = |number: &str, bank: &str, name: &str| {
            let bank = text(bank).map(|value| Identifier { scheme: Some("rfc".into()), value: value.into() });
            let account = Account { number: text(number).map(Into::into), bank, name: text(name).map(Into::into) };
            Some(account).filter(|account| *account != Account::default())
        };
        draft.body.payer_account = account("CtaOrdenante", "RfcEmisorCtaOrd", "NomBancoOrdExt");
        draft.body.payee_account = account("CtaBeneficiario", "RfcEmisorCtaBen", "");
        for document in element.children("DoctoRelacionado") {
            read_document(&mut draft, document, &document.path_below(path));
        }
        let whole = element.location(path);
        draft.require(draft.body.total.is_some(), "total", "Monto", &whole);
        check(&mut draft, element, &whole);
        self.payments.push((draft, whole));
    }

    /// Tells each payment, with what the document around it says.
    pub(super) fn tell(
        self,
        document: Draft<Invoice>,
        cover: Cover,
        whole: Location,
        desk: &mut Desk<'_, '_>,
    ) -> Result<(), Trouble> {
        for finding in document.findings {
            desk.finding(finding)?;
        }
        if self.payments.is_empty() {
            let at = Location { len: 0, ..whole };
            let message = "the CFDI is of type P (payment), but there is no `Pago` in it";
            let finding = Finding::error(Code::REQUIRED_MISSING, at, message, "Add the complement Pagos.");
            return desk.finding(finding.with_field("Pago"));
        }
        self.check_total(desk)?;
        let about = document.body;
        let of_head = |field: &str| match field {
            "number" => Some("number"),
            "issue_date" => Some("issue_date"),
            "seller.tax_id" => Some("payee.tax_id"),
            "buyer.tax_id" => Some("payer.tax_id"),
            _ => None,
        };
        for (mut draft, whole) in self.payments {
            let advice = &mut draft.body;
            advice.number.clone_from(&about.number);
            advice.issue_date = about.issue_date;
            // The payee issues the document.
            advice.payee = about.seller.clone();
            advice.payer = about.buyer.clone();
            for item in &document.evidence {
                if let Some(field) = of_head(&item.field) {
                    let mut item = item.clone();
                    item.field = field.into();
                    draft.evidence.push(item);
                }
            }
            let advice = std::mem::take(&mut draft.body);
            tell(draft, Body::RemittanceAdvice(Box::new(advice)), cover.clone(), whole, desk)?;
        }
        Ok(())
    }

    /// The total is in pesos: it can be counted over where all payments are.
    fn check_total(&self, desk: &mut Desk<'_, '_>) -> Result<(), Trouble> {
        let Some((stated, at, raw)) = &self.total else { return Ok(()) };
        let all_in_pesos = self.payments.iter().all(|(draft, _)| draft.body.currency.as_deref() == Some("MXN"));
        let Some(paid) = sum(self.payments.iter().map(|(draft, _)| draft.body.total)).filter(|_| all_in_pesos) else {
            return Ok(());
        };
        if paid == *stated {
            return Ok(());
        }
        let message = format!("`MontoTotalPagos` says {stated}, but the payments add up to {paid}");
        let fix = "Correct the total, or the payment that is wrong.";
        let finding = Finding::error(Code::TOTAL_MISMATCH, at.clone(), message, fix);
        desk.finding(finding.with_rule("PAGO-TOTAL").with_field("MontoTotalPagos").with_value(raw))
    }
}

/// `DoctoRelacionado`: an invoice, what was open of it and what is paid.
fn read_document(draft: &mut Draft<RemittanceAdvice>, document: Element<'_>, path: &str) {
    let field = format!("lines[{}]", draft.body.lines.len());
    draft.group(field.clone(), document, path);
    let get = |name: &str| document.attribute_at(name, path);
    let text = |name: &str| document.attribute(name).filter(|value| !value.is_empty()).map(str::to_owned);
    let id = text("IdDocumento");
    let number = [text("Serie"), text("Folio")].into_iter().flatten().collect::<String>();
    let number = Some(number).filter(|number| !number.is_empty());
    let said = get("Folio").or_else(|| get("Serie")).or_else(|| get("IdDocumento"));
    draft.text_said(said, &format!("{field}.document_number"));
    let scheme = Some("UUID".to_owned());
    let line = RemittanceLine {
        document_number: number.or_else(|| id.clone()).map(Into::into),
        original: draft.decimal_said(get("ImpSaldoAnt"), &format!("{field}.original")),
        paid: draft.decimal_said(get("ImpPagado"), &format!("{field}.paid")),
        references: id
            .map(|value| Identifier { scheme: scheme.map(Into::into), value: value.into() })
            .into_iter()
            .collect(),
        // Its amounts are in its own currency.
        note: text("MonedaDR")
            .filter(|currency| Some(currency.as_str()) != draft.body.currency.as_deref())
            .map(|currency| match text("EquivalenciaDR").or_else(|| text("TipoCambioDR")) {
                Some(rate) => format!("{currency}, {rate} for one {}", draft.body.currency.as_deref().unwrap_or("?")),
                None => currency,
            })
            .map(Into::into),
        ..RemittanceLine::default()
    };
    draft.body.lines.push(line);
}

/// What is open after a payment is what was open before it, less the payment; and no more is paid of the
/// documents than is paid in all.
fn check(draft: &mut Draft<RemittanceAdvice>, payment: Element<'_>, whole: &Location) {
    let mut doubts = Doubts::default();
    let mut all_alike = true;
    for (index, document) in payment.children("DoctoRelacionado").enumerate() {
        let number = |name: &str| document.attribute(name).and_then(decimal);
        let currency = document.attribute("MonedaDR");
        all_alike &= currency.is_none() || currency == draft.body.currency.as_deref();
        if let (Some(before), Some(paid), Some(after)) =
            (number("ImpSaldoAnt"), number("ImpPagado"), number("ImpSaldoInsoluto"))
            && before.checked_sub(paid) != Some(after)
        {
            let message = format!("`ImpSaldoInsoluto` says {after}, but {before} less {paid} is something else");
            let fix = "Correct what is open before, what is paid, or what is open after.";
            doubts.add("PAGO-SALDO", &format!("lines[{index}].paid"), message, fix);
        }
    }
    let paid = sum(draft.body.lines.iter().map(|line| line.paid)).filter(|_| all_alike);
    if let (Some(total), Some(paid)) = (draft.body.total, paid)
        && paid > total
    {
        let message = format!("`Monto` says {total}, but {paid} is paid of the documents");
        doubts.add("PAGO-MONTO", "total", message, "Correct the amount of the payment, or of a document.");
    }
    draft.settle(doubts, whole);
}
