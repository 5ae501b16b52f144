//! Facturae 3.2, the Spanish electronic invoice (3.2, 3.2.1, 3.2.2): a batch header, the two parties, and as
//! many invoices as the batch has. What the header counts and sums is counted over.
//!
//! Of a corrective invoice with negative totals (rectification by differences) is made a credit note with
//! positive ones; one that replaces an invoice stays an invoice.

mod invoice;
mod parties;

use rust_decimal::Decimal;

use self::invoice::Invoicing;
use super::closing::{Cover, tell_invoice, turn_if_negative};
use super::desk::Desk;
use super::draft::{Draft, decimal};
use super::element::Element;
use super::stream::{Space, Stream, Trouble};
use super::tag::Tag;
use super::values::{Stated, follow, mismatch};
use super::vocabulary::{Root, Vocabulary};
use super::walk::{Reader, Step, walk};
use crate::canonical::{Attachment, Invoice, Text};
use crate::{Code, Finding, Limits, Location};

pub(super) const VOCABULARY: Vocabulary = Vocabulary {
    name: "facturae",
    is_root: |namespace, name| name == "Facturae" && namespace.is_none_or(|namespace| namespace.contains("facturae")),
    space: |namespace| if namespace.contains("xmldsig") { Space::Foreign } else { Space::Own("") },
    unread: &["AttachmentData"],
    read,
};

fn read(stream: &mut Stream<'_>, root: Root, desk: &mut Desk<'_, '_>) -> Result<(), Trouble> {
    let cover = Cover { format: "facturae".to_owned(), version: None, control: Vec::new() };
    desk.name(&cover.format, None);
    let limits = desk.limits();
    let draft = || Draft::new(Invoice::default(), String::new(), limits);
    let (parties, draft) = (draft(), draft());
    walk(
        stream,
        root,
        desk,
        &mut Reading { cover, limits, parties, draft, batch: Batch::default(), invoicing: Invoicing::default() },
    )
}

/// One file while it is read.
struct Reading {
    cover: Cover,
    limits: Limits,
    /// What each of its invoices begins with.
    parties: Draft<Invoice>,
    draft: Draft<Invoice>,
    batch: Batch,
    invoicing: Invoicing,
}

/// What the batch header states, and what the invoices are.
#[derive(Debug, Default)]
struct Batch {
    currency: Option<Text>,
    count: Option<Stated>,
    totals: [Option<Stated>; 3],
    told: u64,
    sums: [Sum; 3],
    is_mixed: bool,
}

/// `None` once an amount was not there, or the sum too large.
#[derive(Debug, Clone, Copy)]
struct Sum(Option<Decimal>);

impl Default for Sum {
    fn default() -> Self {
        Self(Some(Decimal::ZERO))
    }
}

/// The rules on the three totals of a batch, and their elements.
const TOTALS: [(&str, &str, &str); 3] = [
    ("TOTALINVOICESAMOUNT", "TotalInvoicesAmount", "totals of the invoices"),
    ("TOTALOUTSTANDINGAMOUNT", "TotalOutstandingAmount", "outstanding amounts of the invoices"),
    ("TOTALEXECUTABLEAMOUNT", "TotalExecutableAmount", "executable amounts of the invoices"),
];

impl Batch {
    fn check(&self, desk: &mut Desk<'_, '_>) -> Result<(), Trouble> {
        if let Some(stated) = self.count.as_ref().filter(|stated| stated.raw.parse() != Ok(self.told)) {
            let message = format!("`InvoicesCount` says {} invoices, but the batch holds {}", stated.raw, self.told);
            desk.finding(mismatch("INVOICESCOUNT", stated, message, "Correct the count, or send what is missing."))?;
        }
        for ((rule, name, what), (stated, sum)) in TOTALS.into_iter().zip(self.totals.iter().zip(self.sums)) {
            let (Some(stated), Some(sum)) = (stated, sum.0) else { continue };
            if !self.is_mixed && decimal(&stated.raw) != Some(sum) {
                let message = format!("`{name}` says {}, but the {what} add up to {sum}", stated.raw);
                desk.finding(mismatch(
                    rule,
                    stated,
                    message,
                    "Correct the batch's total, or the invoice that is wrong.",
                ))?;
            }
        }
        Ok(())
    }
}

impl Reading {
    fn read_file_header(&mut self, header: Element<'_>, path: &str) {
        self.cover.version = header.text_at(&["SchemaVersion"]).map(Into::into);
        let Some((batch, path)) = follow(header, path, &["Batch"]) else { return };
        let stated = |way: &[&str]| follow(batch, &path, way).and_then(|(found, path)| Stated::new(found, &path));
        self.batch.count = stated(&["InvoicesCount"]);
        self.batch.totals = TOTALS.map(|(_, name, _)| stated(&[name, "TotalAmount"]));
        self.batch.currency = batch.text_at(&["InvoiceCurrencyCode"]);
        let id = batch.text_at(&["BatchIdentifier"]);
        self.cover.control = id.map(|id| ("BatchIdentifier".into(), id)).into_iter().collect();
    }

    fn tell_invoice(&mut self, whole: Location, desk: &mut Desk<'_, '_>) -> Result<(), Trouble> {
        let empty = Draft::new(Invoice::default(), String::new(), self.limits);
        let mut draft = std::mem::replace(&mut self.draft, empty);
        let invoicing = std::mem::take(&mut self.invoicing);
        self.batch.told += 1;
        for (sum, amount) in self.batch.sums.iter_mut().zip(invoicing.for_batch()) {
            sum.0 = sum.0.zip(amount).and_then(|(sum, amount)| sum.checked_add(amount));
        }
        let is_other = |currency: &Text| draft.body.currency.as_ref() != Some(currency);
        self.batch.is_mixed |= self.batch.currency.as_ref().is_some_and(is_other);
        draft.require(draft.body.number.is_some(), "number", "InvoiceNumber", &whole);
        draft.require(draft.body.issue_date.is_some(), "issue_date", "IssueDate", &whole);
        draft.require(draft.body.currency.is_some(), "currency", "InvoiceCurrencyCode", &whole);
        draft.require(draft.body.totals.payable.is_some(), "totals.payable", "TotalExecutableAmount", &whole);
        invoicing.finish(&mut draft, &whole);
        turn_if_negative(&mut draft.body);
        tell_invoice(draft, self.cover.clone(), whole, desk)
    }
}

impl Reader for Reading {
    fn step(&self, parent: &str, name: &str) -> Step {
        match (parent, name) {
            ("Facturae", "Invoices")
            | ("Invoices", "Invoice")
            | ("Invoice", "Items" | "AdditionalData")
            | ("AdditionalData", "RelatedDocuments")
            | ("RelatedDocuments", "Attachment") => Step::Into,
            ("Facturae", "FileHeader" | "Parties")
            | (
                "Invoice",
                "InvoiceHeader" | "InvoiceIssueData" | "TaxesOutputs" | "TaxesWithheld" | "InvoiceTotals"
                | "PaymentDetails",
            )
            | ("Items", "InvoiceLine")
            | ("AdditionalData", "InvoiceAdditionalInformation")
            | ("Attachment", "AttachmentFormat" | "AttachmentDescription") => Step::Take,
            _ => Step::Over,
        }
    }

    fn repeats(&self, name: &str) -> bool {
        matches!(name, "Invoice" | "InvoiceLine" | "Attachment")
    }

    fn entered(&mut self, tag: &Tag, path: &str, desk: &mut Desk<'_, '_>) -> Result<(), Trouble> {
        match tag.name() {
            "Invoice" => {
                for finding in self.parties.findings.drain(..) {
                    desk.finding(finding)?;
                }
                self.draft = Draft::new(self.parties.body.clone(), path.to_owned(), self.limits);
                self.draft.evidence.clone_from(&self.parties.evidence);
                self.draft.groups.clone_from(&self.parties.groups);
                self.invoicing = Invoicing::default();
            }
            "Attachment" => self.draft.body.attachments.push(Attachment::default()),
            _ => {}
        }
        Ok(())
    }

    fn taken(
        &mut self,
        parent: &str,
        element: Element<'_>,
        path: &str,
        _desk: &mut Desk<'_, '_>,
    ) -> Result<(), Trouble> {
        match (parent, element.name()) {
            (_, "FileHeader") => self.read_file_header(element, path),
            (_, "Parties") => parties::read(&mut self.parties, element, path),
            ("Attachment", name) => {
                let value = element.value().map(str::to_owned);
                if let Some(attachment) = self.draft.body.attachments.last_mut() {
                    let place =
                        if name == "AttachmentFormat" { &mut attachment.mime } else { &mut attachment.description };
                    *place = value.map(Into::into);
                }
            }
            _ => self.invoicing.read(&mut self.draft, element, path),
        }
        Ok(())
    }

    fn left(&mut self, name: &str, whole: Location, desk: &mut Desk<'_, '_>) -> Result<(), Trouble> {
        match name {
            "Invoice" => self.tell_invoice(whole, desk),
            "Facturae" => {
                for finding in self.parties.findings.drain(..) {
                    desk.finding(finding)?;
                }
                if self.batch.told == 0 {
                    let at = Location { len: 0, ..whole };
                    let message = "the file holds no invoice: there is no `Invoice` in `Invoices`";
                    let finding =
                        Finding::error(Code::REQUIRED_MISSING, at, message, "Write an `Invoice` for each invoice.");
                    desk.finding(finding.with_field("Invoice"))?;
                }
                self.batch.check(desk)
            }
            _ => Ok(()),
        }
    }
}
