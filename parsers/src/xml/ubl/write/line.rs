//! Lines (BG-25).

use super::invoice::{Form, write_period};
use super::pen::Pen;
use super::settlement::{write_allowance_charge, write_category};
use crate::canonical::Line;

pub(super) fn write(pen: &mut Pen, line: &Line, form: Form) {
    pen.group(form.line, |pen| {
        pen.text("cbc:ID", line.id.as_ref());
        pen.text("cbc:Note", line.note.as_ref());
        if let Some(quantity) = line.quantity {
            pen.element(form.quantity, &[("unitCode", line.unit.as_deref())], &quantity.to_string());
        }
        pen.amount("cbc:LineExtensionAmount", line.net_amount);
        pen.text("cbc:AccountingCost", line.accounting_reference.as_ref());
        if let Some(period) = &line.period {
            pen.group("cac:InvoicePeriod", |pen| write_period(pen, period));
        }
        pen.group("cac:OrderLineReference", |pen| pen.text("cbc:LineID", line.purchase_order_line.as_ref()));
        pen.group("cac:DocumentReference", |pen| {
            pen.identifier("cbc:ID", line.object.as_ref());
            pen.text("cbc:DocumentTypeCode", line.object.as_ref().map(|_| "130"));
        });
        for item in &line.allowances_charges {
            write_allowance_charge(pen, item);
        }
        write_item(pen, line);
        write_price(pen, line);
    });
}

/// BG-31 and BG-30.
fn write_item(pen: &mut Pen, line: &Line) {
    let item = &line.item;
    pen.group("cac:Item", |pen| {
        pen.text("cbc:Description", item.description.as_ref());
        pen.text("cbc:Name", item.name.as_ref());
        pen.group("cac:BuyersItemIdentification", |pen| pen.text("cbc:ID", item.buyer_id.as_ref()));
        pen.group("cac:SellersItemIdentification", |pen| pen.text("cbc:ID", item.seller_id.as_ref()));
        pen.group("cac:StandardItemIdentification", |pen| pen.identifier("cbc:ID", item.standard_id.as_ref()));
        pen.group("cac:OriginCountry", |pen| pen.text("cbc:IdentificationCode", item.origin.as_ref()));
        for classification in &item.classifications {
            pen.group("cac:CommodityClassification", |pen| {
                let list = [("listID", classification.list.as_deref())];
                pen.element("cbc:ItemClassificationCode", &list, &classification.code);
            });
        }
        write_category(pen, "cac:ClassifiedTaxCategory", line.tax_category.as_ref(), line.tax_rate, None);
        for (name, value) in &item.attributes {
            pen.group("cac:AdditionalItemProperty", |pen| {
                pen.text("cbc:Name", Some(name));
                pen.text("cbc:Value", Some(value));
            });
        }
    });
}

/// BG-29; a gross price stands beside its discount, or not at all.
fn write_price(pen: &mut Pen, line: &Line) {
    pen.group("cac:Price", |pen| {
        pen.amount("cbc:PriceAmount", line.net_price);
        if let Some(base) = line.price_base_quantity {
            pen.element("cbc:BaseQuantity", &[("unitCode", line.price_base_unit.as_deref())], &base.to_string());
        }
        if line.price_discount.is_some() {
            pen.group("cac:AllowanceCharge", |pen| {
                pen.text("cbc:ChargeIndicator", Some("false"));
                pen.amount("cbc:Amount", line.price_discount);
                pen.amount("cbc:BaseAmount", line.gross_price);
            });
        }
    });
}
