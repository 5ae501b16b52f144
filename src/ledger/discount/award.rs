//! Awards: what was accepted, for the payer's system to read.
//!
//! One file for every cut-off, also where nothing was accepted: files are numbered without a gap, so that a lost one
//! shows. A line is written once, in the file its offer says, and a file that is written again is the same.

use jiff::civil::Date;
use rust_decimal::Decimal;
use waybill_parsers::canonical::Text;

use super::offer::{Offer, OfferState};

/// The columns of an award file, in order.
pub const AWARD_COLUMNS: [&str; 15] = [
    "award_id",
    "company_code",
    "vendor_no",
    "site_code",
    "voucher_number",
    "invoice_number",
    "currency",
    "open_amount",
    "discount_amount",
    "net_to_pay",
    "apr",
    "original_due_date",
    "new_pay_date",
    "accepted_by",
    "accepted_at",
];

/// A locked offer, with the payer's names for its invoice.
#[derive(Debug, Clone, PartialEq)]
pub struct Award {
    pub company_code: Option<Text>,
    pub vendor_no: Option<Text>,
    pub site_code: Option<Text>,
    pub voucher_number: Option<Text>,
    pub invoice_number: Option<Text>,
    /// What is open of the invoice, before credits.
    pub open: Decimal,
    pub offer: Offer,
}

/// A line of an award file.
#[derive(Debug, Clone, PartialEq)]
pub struct AwardLine {
    /// Its file's number and its own, from 1: `000017-0003`.
    pub award_id: String,
    pub line: u32,
    pub award: Award,
}

impl AwardLine {
    /// The cells, in the order of [`AWARD_COLUMNS`].
    #[must_use]
    pub fn cells(&self) -> [String; 15] {
        let text = |text: &Option<Text>| text.as_ref().map(ToString::to_string).unwrap_or_default();
        let Award { offer, .. } = &self.award;
        let price = &offer.price;
        let (by, at) = offer
            .acceptance
            .as_ref()
            .map(|acceptance| (acceptance.by.clone(), acceptance.at.to_string()))
            .unwrap_or_default();
        [
            self.award_id.clone(),
            text(&self.award.company_code),
            text(&self.award.vendor_no),
            text(&self.award.site_code),
            text(&self.award.voucher_number),
            text(&self.award.invoice_number),
            price.currency.code().to_owned(),
            price.currency.round(self.award.open).to_string(),
            price.discount.to_string(),
            price.net.to_string(),
            price.apr.to_string(),
            price.due.to_string(),
            price.pay_date.to_string(),
            by,
            at,
        ]
    }
}

/// The lines of award file `file_seq`: every locked offer among these, in the order of the payer's numbers. Others are
/// left out.
#[must_use]
pub fn award_lines(file_seq: u64, awards: &[Award]) -> Vec<AwardLine> {
    let mut locked: Vec<&Award> = awards.iter().filter(|award| award.offer.state == OfferState::Locked).collect();
    locked.sort_by_key(|award| {
        (&award.company_code, &award.vendor_no, &award.site_code, &award.voucher_number, &award.invoice_number)
    });
    let line = |(line, award): (u32, &Award)| AwardLine {
        award_id: format!("{file_seq:06}-{line:04}"),
        line,
        award: award.clone(),
    };
    (1..).zip(locked).map(line).collect()
}

/// `awards_20260303_000017.csv`: the day of the cut-off, where the payer is, and the file's number.
#[must_use]
pub fn award_file_name(day: Date, file_seq: u64) -> String {
    format!("awards_{}_{file_seq:06}.csv", day.strftime("%Y%m%d"))
}
