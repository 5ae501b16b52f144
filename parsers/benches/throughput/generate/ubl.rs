//! UBL 2.1 invoices that satisfy EN 16931.

use std::io::Write;

use super::{Invoice, money};

const DECLARATION: &[u8] = b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// One of many in a wrapper.
pub(super) fn write_in_batch(out: &mut Vec<u8>, invoice: &Invoice) {
    if invoice.index == 0 {
        out.extend_from_slice(DECLARATION);
        out.extend_from_slice(b"<Batch xmlns=\"urn:example:batch\">\n");
    }
    write(out, invoice);
}

pub(super) fn end_batch(out: &mut Vec<u8>) {
    out.extend_from_slice(b"</Batch>\n");
}

/// A file of its own.
pub(super) fn write_file(out: &mut Vec<u8>, invoice: &Invoice) {
    out.extend_from_slice(DECLARATION);
    write(out, invoice);
}

fn write(out: &mut Vec<u8>, invoice: &Invoice) {
    let Invoice { index, day, month, order, .. } = invoice;
    write!(
        out,
        "<Invoice xmlns=\"urn:oasis:names:specification:ubl:schema:xsd:Invoice-2\" \
         xmlns:cac=\"urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2\" \
         xmlns:cbc=\"urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2\">\n\
         \x20 <cbc:CustomizationID>urn:cen.eu:en16931:2017</cbc:CustomizationID>\n\
         \x20 <cbc:ID>NW-{index:09}</cbc:ID>\n\
         \x20 <cbc:IssueDate>2026-{month:02}-{day:02}</cbc:IssueDate>\n\
         \x20 <cbc:DueDate>2027-{month:02}-{day:02}</cbc:DueDate>\n\
         \x20 <cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode>\n\
         \x20 <cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>\n\
         \x20 <cbc:BuyerReference>B-{order}</cbc:BuyerReference>\n\
         \x20 <cac:OrderReference>\n    <cbc:ID>PO-{order}</cbc:ID>\n  </cac:OrderReference>\n",
    )
    .unwrap();
    write_party(out, "AccountingSupplierParty", invoice.seller, invoice.city, "GB", invoice.seller_id);
    write_party(out, "AccountingCustomerParty", invoice.buyer, invoice.city, "DE", invoice.buyer_id);
    let (net, tax) = (money(invoice.net()), money(invoice.tax()));
    let total = money(invoice.net() + invoice.tax());
    write!(
        out,
        "  <cac:PaymentMeans>\n    <cbc:PaymentMeansCode>30</cbc:PaymentMeansCode>\n    <cbc:PaymentID>NW-{index:09}</cbc:PaymentID>\n\
         \x20   <cac:PayeeFinancialAccount>\n      <cbc:ID>DE89370400440532013000</cbc:ID>\n    </cac:PayeeFinancialAccount>\n  </cac:PaymentMeans>\n\
         \x20 <cac:PaymentTerms>\n    <cbc:Note>Net 30 days</cbc:Note>\n  </cac:PaymentTerms>\n\
         \x20 <cac:TaxTotal>\n    <cbc:TaxAmount currencyID=\"EUR\">{tax}</cbc:TaxAmount>\n    <cac:TaxSubtotal>\n\
         \x20     <cbc:TaxableAmount currencyID=\"EUR\">{net}</cbc:TaxableAmount>\n      <cbc:TaxAmount currencyID=\"EUR\">{tax}</cbc:TaxAmount>\n\
         \x20     <cac:TaxCategory>\n        <cbc:ID>S</cbc:ID>\n        <cbc:Percent>20</cbc:Percent>\n        <cac:TaxScheme>\n          <cbc:ID>VAT</cbc:ID>\n        </cac:TaxScheme>\n      </cac:TaxCategory>\n\
         \x20   </cac:TaxSubtotal>\n  </cac:TaxTotal>\n\
         \x20 <cac:LegalMonetaryTotal>\n    <cbc:LineExtensionAmount currencyID=\"EUR\">{net}</cbc:LineExtensionAmount>\n\
         \x20   <cbc:TaxExclusiveAmount currencyID=\"EUR\">{net}</cbc:TaxExclusiveAmount>\n    <cbc:TaxInclusiveAmount currencyID=\"EUR\">{total}</cbc:TaxInclusiveAmount>\n\
         \x20   <cbc:PayableAmount currencyID=\"EUR\">{total}</cbc:PayableAmount>\n  </cac:LegalMonetaryTotal>\n",
    )
    .unwrap();
    for (at, line) in invoice.lines.iter().enumerate() {
        write!(
            out,
            "  <cac:InvoiceLine>\n    <cbc:ID>{number}</cbc:ID>\n    <cbc:InvoicedQuantity unitCode=\"C62\">{quantity}</cbc:InvoicedQuantity>\n\
             \x20   <cbc:LineExtensionAmount currencyID=\"EUR\">{amount}</cbc:LineExtensionAmount>\n    <cac:Item>\n      <cbc:Name>{name}</cbc:Name>\n\
             \x20     <cac:SellersItemIdentification>\n        <cbc:ID>SKU-{sku}</cbc:ID>\n      </cac:SellersItemIdentification>\n\
             \x20     <cac:ClassifiedTaxCategory>\n        <cbc:ID>S</cbc:ID>\n        <cbc:Percent>20</cbc:Percent>\n        <cac:TaxScheme>\n          <cbc:ID>VAT</cbc:ID>\n        </cac:TaxScheme>\n      </cac:ClassifiedTaxCategory>\n\
             \x20   </cac:Item>\n    <cac:Price>\n      <cbc:PriceAmount currencyID=\"EUR\">{price}</cbc:PriceAmount>\n    </cac:Price>\n  </cac:InvoiceLine>\n",
            number = at + 1,
            quantity = line.quantity,
            amount = money(line.amount()),
            name = line.name,
            sku = line.sku,
            price = money(line.price),
        )
        .unwrap();
    }
    out.extend_from_slice(b"</Invoice>\n");
}

fn write_party(out: &mut Vec<u8>, role: &str, name: &str, city: &str, country: &str, id: u64) {
    write!(
        out,
        "  <cac:{role}>\n    <cac:Party>\n      <cbc:EndpointID schemeID=\"0088\">{id:013}</cbc:EndpointID>\n\
         \x20     <cac:PartyName>\n        <cbc:Name>{name}</cbc:Name>\n      </cac:PartyName>\n\
         \x20     <cac:PostalAddress>\n        <cbc:StreetName>1 Mill Lane</cbc:StreetName>\n        <cbc:CityName>{city}</cbc:CityName>\n        <cbc:PostalZone>10001</cbc:PostalZone>\n\
         \x20       <cac:Country>\n          <cbc:IdentificationCode>{country}</cbc:IdentificationCode>\n        </cac:Country>\n      </cac:PostalAddress>\n\
         \x20     <cac:PartyTaxScheme>\n        <cbc:CompanyID>{country}{id}</cbc:CompanyID>\n        <cac:TaxScheme>\n          <cbc:ID>VAT</cbc:ID>\n        </cac:TaxScheme>\n      </cac:PartyTaxScheme>\n\
         \x20     <cac:PartyLegalEntity>\n        <cbc:RegistrationName>{name}</cbc:RegistrationName>\n        <cbc:CompanyID>{id}</cbc:CompanyID>\n      </cac:PartyLegalEntity>\n\
         \x20     <cac:Contact>\n        <cbc:Name>Accounts</cbc:Name>\n        <cbc:ElectronicMail>ar@example.org</cbc:ElectronicMail>\n      </cac:Contact>\n    </cac:Party>\n  </cac:{role}>\n",
    )
    .unwrap();
}
