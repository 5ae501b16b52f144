//! Invoices and credit notes.

use jiff::civil::Date;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::party::{Address, Identifier, Party};
use super::text::Text;

/// Which of the two it is; the issuer's own type code stays in [`Invoice::type_code`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InvoiceKind {
    #[default]
    Invoice,
    CreditNote,
}

/// An invoice or credit note (EN 16931-1).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Invoice {
    pub kind: InvoiceKind,
    /// BT-1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<Text>,
    /// BT-2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issue_date: Option<Date>,
    /// BT-3, as the file says it: UNCL1001 (`380`), X12 element 640 (`DI`), an ERP's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub type_code: Option<Text>,
    /// What the message does with the document, as the file says it: X12 element 353 (`00`, `05`), UNCL1225
    /// (`9`, `7`), cXML `purpose`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Text>,
    /// BT-5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<Text>,
    /// From the document's currency to the tax currency, where the file states it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchange_rate: Option<Decimal>,
    /// BT-6.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax_currency: Option<Text>,
    /// BT-7.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax_point_date: Option<Date>,
    /// BT-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax_point_code: Option<Text>,
    /// BT-9.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_date: Option<Date>,
    /// BT-10.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buyer_reference: Option<Text>,
    /// BT-19.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buyer_accounting_reference: Option<Text>,
    /// BT-24.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub specification_id: Option<Text>,
    /// BT-23.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process_id: Option<Text>,
    pub references: References,
    /// BG-1.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
    /// BG-3.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub preceding: Vec<Preceding>,
    /// BG-4.
    pub seller: Party,
    /// BG-7.
    pub buyer: Party,
    /// BG-10.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payee: Option<Party>,
    /// BG-11.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax_representative: Option<Party>,
    /// BG-13.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery: Option<Delivery>,
    /// BG-14.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<Period>,
    /// BT-20 and its structured kin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terms: Option<PaymentTerms>,
    /// BG-16; several means are several entries.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub payments: Vec<Payment>,
    /// BG-20 and BG-21, document level.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowances_charges: Vec<AllowanceCharge>,
    /// BG-22.
    pub totals: Totals,
    /// BG-23.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tax_breakdown: Vec<TaxBreakdown>,
    /// Tax the buyer keeps back from the amount due and pays to the authority. EN 16931 has no word for it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub withholdings: Vec<Withholding>,
    /// BG-24: supporting documents. Their content stays in the original.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// BG-25.
    pub lines: Vec<Line>,
    /// Amounts the file states in another currency than [`Invoice::currency`], other than the tax total in
    /// the tax currency.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_currencies: Vec<OtherCurrency>,
}

/// An amount that is not in the currency of the document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct OtherCurrency {
    /// The amount, as the evidence names it: `lines[0].net_amount`; a tax total of no known currency by its
    /// number, `tax_totals[0]`.
    pub field: Text,
    /// The code the file has on it, of ISO 4217 if the file is right.
    pub currency: Text,
}

impl Invoice {
    /// What the document does to the balance: the payable amount, negative for a credit note.
    #[must_use]
    pub fn signed_payable(&self) -> Option<Decimal> {
        self.totals.payable.map(|payable| match self.kind {
            InvoiceKind::Invoice => payable,
            InvoiceKind::CreditNote => -payable,
        })
    }
}

/// Documents this one refers to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct References {
    /// BT-11.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<Text>,
    /// BT-12.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract: Option<Text>,
    /// BT-13.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purchase_order: Option<Text>,
    /// BT-14.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sales_order: Option<Text>,
    /// BT-15.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receiving_advice: Option<Text>,
    /// BT-16.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub despatch_advice: Option<Text>,
    /// BT-17.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tender: Option<Text>,
    /// BT-18.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<Identifier>,
    /// Anything else the file refers to, by its own qualifier.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other: Vec<Identifier>,
}

/// BG-1: a note, with its subject code if it has one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Note {
    /// BT-21.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<Text>,
    /// BT-22.
    pub text: Text,
}

/// BG-3: an earlier invoice this one corrects or credits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Preceding {
    /// BT-25.
    pub number: Text,
    /// BT-26.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issue_date: Option<Date>,
}

/// BG-24: a supporting document, named but not copied.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Attachment {
    /// BT-122.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<Text>,
    /// BT-123.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Text>,
    /// BT-124.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uri: Option<Text>,
    /// BT-125's MIME code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mime: Option<Text>,
    /// BT-125's file name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_name: Option<Text>,
}

/// BG-13: where and when goods or services were delivered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Delivery {
    /// BT-70.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Text>,
    /// BT-71.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location_id: Option<Identifier>,
    /// BT-72.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<Date>,
    /// BG-15.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
}

/// BG-14, BG-26: first and last day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Period {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<Date>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<Date>,
}

/// When and how it should be paid.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PaymentTerms {
    /// BT-20.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<Text>,
    /// Days from the issue date to the due date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub net_days: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub discounts: Vec<TermsDiscount>,
}

/// A discount for paying early.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TermsDiscount {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<Date>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<Decimal>,
}

/// BG-16: how to pay.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Payment {
    /// BT-81 (UNCL4461).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub means_code: Option<Text>,
    /// BT-82.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub means_text: Option<Text>,
    /// BT-83.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remittance_information: Option<Text>,
    /// BG-17.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub credit_transfers: Vec<CreditTransfer>,
    /// BT-87, last four to six digits only (BR-51): a longer number is never kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub card_number_masked: Option<Text>,
    /// How many characters the card number had in the file, where that was more than the ten BR-51 allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub card_number_length: Option<u32>,
    /// BT-88.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub card_holder: Option<Text>,
    /// BT-89.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mandate: Option<Text>,
    /// BT-90.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub creditor_id: Option<Text>,
    /// BT-91.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub debited_account: Option<Text>,
}

/// BG-17: an account to pay to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct CreditTransfer {
    /// BT-84.
    pub account: Text,
    /// BT-85.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Text>,
    /// BT-86.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bic: Option<Text>,
}

/// BG-20, BG-21 (document), BG-27, BG-28 (line): an allowance or a charge.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct AllowanceCharge {
    /// `true` for a charge, `false` for an allowance.
    pub is_charge: bool,
    /// BT-92, BT-99, BT-136, BT-141.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<Decimal>,
    /// BT-93, BT-100, BT-137, BT-142.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<Decimal>,
    /// BT-94, BT-101, BT-138, BT-143.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent: Option<Decimal>,
    /// BT-95, BT-102.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax_category: Option<Text>,
    /// BT-96, BT-103.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax_rate: Option<Decimal>,
    /// BT-97, BT-104, BT-139, BT-144.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text>,
    /// BT-98, BT-105, BT-140, BT-145.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason_code: Option<Text>,
}

/// BG-22: the document's totals. Absent means the file does not state it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Totals {
    /// BT-106.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line_net: Option<Decimal>,
    /// BT-107.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowances: Option<Decimal>,
    /// BT-108.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charges: Option<Decimal>,
    /// BT-109.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax_exclusive: Option<Decimal>,
    /// BT-110.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax: Option<Decimal>,
    /// BT-111.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax_in_tax_currency: Option<Decimal>,
    /// BT-112.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax_inclusive: Option<Decimal>,
    /// BT-113.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prepaid: Option<Decimal>,
    /// BT-114.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rounding: Option<Decimal>,
    /// The sum of [`Invoice::withholdings`], which makes the amount due less than the total with VAT.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withheld: Option<Decimal>,
    /// BT-115.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payable: Option<Decimal>,
}

/// Tax the buyer keeps back and pays to the authority: FatturaPA `DatiRitenuta` and split payment, Facturae
/// `TaxesWithheld`, CFDI `Retenciones`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Withholding {
    /// Which tax, as the file codes it: `RT01`, `04`, `001`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub type_code: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<Decimal>,
    /// In percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text>,
}

/// BG-23: tax by category and rate.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TaxBreakdown {
    /// BT-116.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<Decimal>,
    /// BT-117.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax: Option<Decimal>,
    /// BT-118 (UNCL5305: S, Z, E, AE, K, G, O, L, M).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<Text>,
    /// BT-119, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<Decimal>,
    /// BT-120.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exemption_reason: Option<Text>,
    /// BT-121.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exemption_code: Option<Text>,
}

/// BG-25: one line.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Line {
    /// BT-126.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Text>,
    /// The line this one is a part of (Factur-X EXTENDED `ParentLineID`, X12 SLN, EDIFACT 1082 in C829).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<Text>,
    /// BT-127.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<Text>,
    /// BT-128.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<Identifier>,
    /// BT-129.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity: Option<Decimal>,
    /// BT-130, as the file writes it (UN/ECE Rec 20, X12 element 355).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<Text>,
    /// BT-131.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub net_amount: Option<Decimal>,
    /// BT-132.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purchase_order_line: Option<Text>,
    /// BT-133.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accounting_reference: Option<Text>,
    /// BG-26.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<Period>,
    /// BG-27 and BG-28.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowances_charges: Vec<AllowanceCharge>,
    /// BT-146.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub net_price: Option<Decimal>,
    /// BT-147.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_discount: Option<Decimal>,
    /// BT-148.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gross_price: Option<Decimal>,
    /// BT-149.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_base_quantity: Option<Decimal>,
    /// BT-150.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_base_unit: Option<Text>,
    /// BT-151.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax_category: Option<Text>,
    /// BT-152, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax_rate: Option<Decimal>,
    /// BG-31.
    pub item: Item,
}

/// BG-31: what was sold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Item {
    /// BT-153.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Text>,
    /// BT-154.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Text>,
    /// BT-155.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seller_id: Option<Text>,
    /// BT-156.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buyer_id: Option<Text>,
    /// BT-157.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standard_id: Option<Identifier>,
    /// BT-158.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub classifications: Vec<ItemId>,
    /// BT-159.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Text>,
    /// BG-32: name and value.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<(Text, Text)>,
}

/// A classification: list and code.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ItemId {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub list: Option<Text>,
    pub code: Text,
}
