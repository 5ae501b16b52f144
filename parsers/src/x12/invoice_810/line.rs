//! The lines: IT1 and what follows in its loop.

use rust_decimal::Decimal;

use super::totals::product;
use crate::canonical::{AllowanceCharge, Identifier, ItemId, Line};
use crate::edi::Segment;
use crate::finding::{Code, Finding, Severity};
use crate::short::Short;
use crate::x12::party::scheme;
use crate::x12::record::{Record, field};

/// Room for so many lines is made at once.
const LINES_EXPECTED: usize = 8;

/// What is open of the invoice's last line while its loop is read.
pub(super) struct OpenLine {
    /// Quantity or price lacks its counterpart; a CTP may still bring the price.
    unpaired: Option<Box<Finding>>,
    position: u64,
    /// Quantity × price.
    pub(super) product: Option<Decimal>,
    /// Σ TXI02 of the line.
    pub(super) tax: Decimal,
    /// An allowance or charge without an amount.
    pub(super) charge_unknown: bool,
    /// Repeated parts, to be held against a limit.
    pub(super) parts: usize,
}

impl OpenLine {
    /// IT1: one more line.
    pub(super) fn open(it1: &Segment<'_>, lines: &mut Vec<Line>, record: &mut Record) -> Self {
        let index = lines.len();
        let quantity = record.number(it1, 2, Code::TYPE_INVALID);
        let net_price = record.number(it1, 4, Code::AMOUNT_INVALID);
        if quantity.is_some() {
            record.prove(Short::part("lines", index, "quantity"), it1, 2);
        }
        if net_price.is_some() {
            record.prove(Short::part("lines", index, "net_price"), it1, 4);
        }
        let unpaired = match (quantity.is_some() || it1.says(2), net_price.is_some() || it1.says(4)) {
            (false, true) => Some(Box::new(record.missing(it1, 2, "the quantity invoiced"))),
            (true, false) => Some(Box::new(record.missing(it1, 4, "the unit price"))),
            _ => None,
        };
        if lines.is_empty() {
            lines.reserve(LINES_EXPECTED);
        }
        lines.push(Line {
            id: Some(it1.text(1).unwrap_or_else(|| (index + 1).to_string().into())),
            quantity,
            unit: it1.text(3),
            net_price,
            price_base_quantity: basis(it1.value(5).as_deref()),
            ..Line::default()
        });
        let position = record.position;
        let mut open = Self { unpaired, position, product: None, tax: Decimal::ZERO, charge_unknown: false, parts: 0 };
        if let Some(line) = lines.last_mut() {
            identify(line, it1, 6);
            open.parts = line.item.classifications.len();
            open.multiply(line, it1, 4, record);
        }
        open
    }

    /// A segment directly in the line's loop.
    pub(super) fn take(&mut self, line: &mut Line, segment: &Segment<'_>, index: usize, record: &mut Record) {
        match segment.id {
            b"CTP" => self.take_price(line, segment, index, record),
            b"PID" => self.take_description(line, segment),
            b"REF" if segment.value(1).as_deref() == Some("PL") => {
                line.purchase_order_line = line.purchase_order_line.take().or_else(|| segment.text(2));
            }
            b"DTM" => match segment.value(1).as_deref() {
                Some("150") => line.period.get_or_insert_default().start = record.date(segment, 2),
                Some("151") => line.period.get_or_insert_default().end = record.date(segment, 2),
                _ => {}
            },
            b"TXI" => self.take_tax(line, segment, record),
            _ => {}
        }
    }

    /// SAC in the line's loop.
    pub(super) fn take_charge(&mut self, line: &mut Line, segment: &Segment<'_>, record: &mut Record) {
        let Some(charge) = charge(segment, record) else { return };
        self.charge_unknown |= charge.amount.is_none();
        line.allowances_charges.push(charge);
        self.parts += 1;
    }

    /// The loop ends: what is still unpaired is reported.
    pub(super) fn close(&mut self, record: &mut Record) {
        if let Some(finding) = self.unpaired.take() {
            record.report_at(*finding, self.position);
        }
    }

    /// CTP03 gives the price where IT104 does not.
    fn take_price(&mut self, line: &mut Line, ctp: &Segment<'_>, index: usize, record: &mut Record) {
        if line.net_price.is_some() || !ctp.says(3) {
            return;
        }
        line.net_price = record.number(ctp, 3, Code::AMOUNT_INVALID);
        if line.net_price.is_some() {
            record.prove(Short::part("lines", index, "net_price"), ctp, 3);
            if line.quantity.is_some() {
                self.unpaired = None;
            }
            self.multiply(line, ctp, 3, record);
        }
    }

    fn take_description(&mut self, line: &mut Line, pid: &Segment<'_>) {
        let Some(text) = pid.text(5) else { return };
        let item = &mut line.item;
        self.parts += 1;
        match pid.text(2) {
            // A characteristic (color, size) is an attribute; free text is the name, then the description.
            Some(characteristic) => item.attributes.push((characteristic, text)),
            None if item.name.is_none() => item.name = Some(text),
            None => match &mut item.description {
                Some(description) => {
                    description.push(' ');
                    description.push_str(&text);
                }
                None => item.description = Some(text),
            },
        }
    }

    fn take_tax(&mut self, line: &mut Line, txi: &Segment<'_>, record: &mut Record) {
        let amount = record.number(txi, 2, Code::AMOUNT_INVALID);
        let percent = record.number(txi, 3, Code::TYPE_INVALID);
        let base = record.number(txi, 8, Code::AMOUNT_INVALID);
        if let Some(sum) = amount.and_then(|amount| self.tax.checked_add(amount)) {
            self.tax = sum;
        }
        if line.tax_rate.is_none() {
            line.tax_rate = rate(percent, amount, base);
            line.tax_category = txi.text(1);
        }
    }

    /// Quantity and price may each be a number, and their product too large for one.
    fn multiply(&mut self, line: &Line, segment: &Segment<'_>, element: usize, record: &mut Record) {
        self.product = product(line);
        if line.quantity.is_none() || line.net_price.is_none() || self.product.is_some() {
            return;
        }
        let field = field(segment, element);
        let finding = Finding::error(
            Code::AMOUNT_INVALID,
            record.place(segment, element),
            format!("the quantity and the price in {field} are too large to be multiplied"),
            "Check the quantity and the price of this line: their product exceeds 28 digits.",
        );
        let finding = finding.with_rule("BAD-NUMBER").with_field(field).with_value(segment.written(element));
        record.report(finding.with_excerpt(segment.excerpt()));
    }
}

/// IT105 (element 639): the price is for a hundred, or for a thousand.
fn basis(code: Option<&str>) -> Option<Decimal> {
    match code {
        Some("HP") => Some(Decimal::ONE_HUNDRED),
        Some("TP") => Some(Decimal::ONE_THOUSAND),
        _ => None,
    }
}

/// IT106 to IT125, LIN02 to LIN31: pairs of a qualifier (element 235) and an id.
pub(in crate::x12) fn identify(line: &mut Line, segment: &Segment<'_>, first: usize) {
    for element in (first..=segment.count().min(first + 28)).step_by(2) {
        let Some(value) = segment.text(element + 1) else { continue };
        let item = &mut line.item;
        match segment.value(element).as_deref() {
            Some("VP" | "VN") if item.seller_id.is_none() => item.seller_id = Some(value),
            Some("BP" | "IN") if item.buyer_id.is_none() => item.buyer_id = Some(value),
            Some("PL") if line.purchase_order_line.is_none() => line.purchase_order_line = Some(value),
            Some("CH") if item.origin.is_none() => item.origin = Some(value),
            code => {
                let Some(list) = code else { continue };
                let scheme = Some(scheme(list));
                if matches!(code, Some("UP" | "UK" | "EN" | "UI" | "UA")) && item.standard_id.is_none() {
                    item.standard_id = Some(Identifier { scheme, value });
                } else {
                    item.classifications.push(ItemId { list: scheme, code: value });
                }
            }
        }
    }
}

/// SAC: an allowance (A) or a charge (C); anything else (N, neither) is not in the sum.
pub(in crate::x12) fn charge(sac: &Segment<'_>, record: &mut Record) -> Option<AllowanceCharge> {
    let is_charge = match sac.value(1).as_deref() {
        Some("C") => true,
        Some("A") => false,
        _ => return None,
    };
    // SAC06 says what SAC07 is a percentage of; most senders leave it out, so it is not weighed.
    let percent = record.number(sac, 7, Code::TYPE_INVALID);
    let amount = record.implied(sac, 5);
    if !sac.says(5) {
        // A promise of an allowance rather than one taken, perhaps: nothing is proven wrong, nothing proven right.
        let mut unknown = record.missing(sac, 5, "the amount");
        unknown.severity = Severity::Warning;
        unknown.message.push_str("; the total of this 810 cannot be checked");
        record.report(unknown);
    }
    Some(AllowanceCharge {
        is_charge,
        amount,
        percent,
        reason: sac.text(15),
        reason_code: sac.text(2),
        ..AllowanceCharge::default()
    })
}

/// TXI03 is a "percentage as decimal" (element 954): 0.0825. Many write 8.25. Base and amount tell which;
/// without them, nothing over 1 can be a fraction.
pub(in crate::x12) fn rate(
    percent: Option<Decimal>,
    amount: Option<Decimal>,
    base: Option<Decimal>,
) -> Option<Decimal> {
    let percent = percent?;
    let as_fraction = percent.checked_mul(Decimal::ONE_HUNDRED)?;
    let computed = match (amount, base) {
        (Some(amount), Some(base)) if !base.is_zero() => {
            amount.checked_mul(Decimal::ONE_HUNDRED).and_then(|amount| amount.checked_div(base))
        }
        _ => None,
    };
    let is_fraction = match computed {
        Some(computed) => {
            let off = |candidate: Decimal| computed.checked_sub(candidate).map_or(Decimal::MAX, |off| off.abs());
            off(as_fraction) < off(percent)
        }
        None => percent < Decimal::ONE,
    };
    Some(if is_fraction { as_fraction.normalize() } else { percent })
}
