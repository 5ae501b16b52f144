//! What being paid early costs.

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::ledger::calendar::PayRun;
use crate::ledger::money::{Currency, ratio};

/// How many days a year of interest has. The programme says which; it is shown with every rate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Basis {
    #[default]
    #[serde(rename = "365")]
    Days365,
    #[serde(rename = "360")]
    Days360,
}

impl Basis {
    #[must_use]
    pub fn days(self) -> u32 {
        match self {
            Self::Days365 => 365,
            Self::Days360 => 360,
        }
    }
}

/// How the discount depends on the days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Curve {
    /// A rate a year: amount × rate × days early / basis.
    Apr { percent: Decimal },
    /// The whole rate for being paid at once, less every day, nothing at the due date ("1.5 % NET 30, ASAP"):
    /// amount × rate × days early / net days.
    Sliding { percent: Decimal, net_days: u32 },
    /// The whole rate up to a day after the invoice date, and nothing from then on ("2/10 net 30").
    Cliff { percent: Decimal, within_days: u32 },
}

/// A payer's offer to all of its suppliers, or to some.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Programme {
    curve: Curve,
    basis: Basis,
    currency: Currency,
    /// An invoice must be paid at least so many days early.
    days_early_min: u32,
    /// And have so much open.
    open_min: Decimal,
}

/// Why a programme is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProgrammeError {
    #[error("the rate must be more than 0 % and at most 100 %")]
    Percent,
    #[error("the days of a sliding scale or a cliff must be 1 to 365")]
    Days,
    #[error("the least amount must not be negative")]
    OpenMin,
}

impl Programme {
    /// A programme that has been looked at.
    ///
    /// # Errors
    /// A number is out of its range.
    pub fn new(
        curve: Curve,
        basis: Basis,
        currency: Currency,
        days_early_min: u32,
        open_min: Decimal,
    ) -> Result<Self, ProgrammeError> {
        let (percent, days) = match curve {
            Curve::Apr { percent } => (percent, 1),
            Curve::Sliding { percent, net_days } => (percent, net_days),
            Curve::Cliff { percent, within_days } => (percent, within_days),
        };
        if percent <= Decimal::ZERO || percent > Decimal::ONE_HUNDRED {
            return Err(ProgrammeError::Percent);
        }
        if !(1..=365).contains(&days) {
            return Err(ProgrammeError::Days);
        }
        if open_min.is_sign_negative() && !open_min.is_zero() {
            return Err(ProgrammeError::OpenMin);
        }
        Ok(Self { curve, basis, currency, days_early_min, open_min })
    }

    #[must_use]
    pub fn curve(&self) -> Curve {
        self.curve
    }

    #[must_use]
    pub fn basis(&self) -> Basis {
        self.basis
    }

    #[must_use]
    pub fn currency(&self) -> Currency {
        self.currency
    }

    /// The price of being paid in a run.
    ///
    /// # Errors
    /// There is none for this invoice and this run.
    pub fn price(&self, priced: &Priced, run: PayRun) -> Result<Price, Unpriced> {
        if priced.currency != self.currency {
            return Err(Unpriced::OtherCurrency);
        }
        if priced.base <= Decimal::ZERO {
            return Err(Unpriced::CreditsExceed);
        }
        if priced.base < self.open_min {
            return Err(Unpriced::TooSmall { least: self.open_min });
        }
        let days_early = days(run.date, priced.due).filter(|days| *days > 0).ok_or(Unpriced::NotEarly)?;
        if days_early < self.days_early_min {
            return Err(Unpriced::TooFewDays { days: days_early, least: self.days_early_min });
        }
        let discount = self.discount(priced, run.date, days_early)?;
        if discount.is_zero() {
            return Err(Unpriced::NothingOff);
        }
        // At 100 % a year and more than a year early, or 100 % at once, nothing would be left to pay.
        let net = priced.base.checked_sub(discount).filter(|net| *net > Decimal::ZERO).ok_or(Unpriced::NothingLeft)?;
        let hundred = Decimal::ONE_HUNDRED;
        let (basis, early) = (Decimal::from(self.basis.days()), Decimal::from(days_early));
        let yearly = |of: Decimal| ratio(discount, &[basis, hundred], &[of, early], 2).ok_or(Unpriced::TooLarge);
        Ok(Price {
            pay_date: run.date,
            cut_off: run.cut_off,
            currency: self.currency,
            days_early,
            due: priced.due,
            base: priced.base,
            discount,
            net,
            percent: ratio(discount, &[hundred], &[priced.base], 2).ok_or(Unpriced::TooLarge)?,
            apr: yearly(priced.base)?,
            effective_apr: yearly(net)?,
            basis: self.basis,
        })
    }

    /// The discount, rounded once.
    fn discount(&self, priced: &Priced, pay_date: Date, days_early: u32) -> Result<Decimal, Unpriced> {
        let hundred = Decimal::ONE_HUNDRED;
        let early = Decimal::from(days_early);
        let share =
            |times: &[Decimal], by: &[Decimal]| self.currency.share(priced.base, times, by).ok_or(Unpriced::TooLarge);
        match self.curve {
            Curve::Apr { percent } => share(&[percent, early], &[hundred, Decimal::from(self.basis.days())]),
            Curve::Sliding { percent, net_days } => {
                let left = early.min(Decimal::from(net_days));
                share(&[percent, left], &[hundred, Decimal::from(net_days)])
            }
            Curve::Cliff { percent, within_days } => {
                let issued = priced.issued.ok_or(Unpriced::NoInvoiceDate)?;
                // Paid before it is dated is paid at once.
                match days(issued, pay_date) {
                    Some(day) if day > within_days => Err(Unpriced::PastCliff { within_days }),
                    _ => share(&[percent], &[hundred]),
                }
            }
        }
    }
}

/// How many days from one date to a later one; `None` where it is earlier.
fn days(from: Date, to: Date) -> Option<u32> {
    u32::try_from(from.until(to).ok()?.get_days()).ok()
}

/// What of an invoice is priced.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Priced {
    pub currency: Currency,
    /// What is open, less credits ([`super::basket`]).
    pub base: Decimal,
    pub due: Date,
    pub issued: Option<Date>,
}

/// What being paid in one pay run costs. Frozen when it is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    /// The day the payment starts; how long the money is on its way is the bank's.
    pub pay_date: Date,
    /// The first moment that is too late to accept it, or to take it back.
    pub cut_off: crate::domain::Timestamp,
    pub currency: Currency,
    pub days_early: u32,
    pub due: Date,
    /// What is open, less credits.
    pub base: Decimal,
    pub discount: Decimal,
    /// base − discount: what will be paid.
    pub net: Decimal,
    /// discount / base, in percent to two decimals.
    pub percent: Decimal,
    /// discount / base × basis / days, in percent a year to two decimals: the simple yearly rate.
    pub apr: Decimal,
    /// discount / net × basis / days: the same on the cash that is advanced, which is what a bank would be asked for.
    pub effective_apr: Decimal,
    pub basis: Basis,
}

impl Price {
    /// What the supplier reads beside the button.
    #[must_use]
    pub fn sentence(&self) -> String {
        format!(
            "{} {} ({} %) for payment on {}, {} days early: {} {} will be paid. {} % a year, {} % on the cash advanced \
             ({} days a year).",
            self.discount,
            self.currency,
            self.percent,
            self.pay_date,
            self.days_early,
            self.net,
            self.currency,
            self.apr,
            self.effective_apr,
            self.basis.days()
        )
    }
}

/// Why an invoice has no price for a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unpriced {
    #[error("this programme is for another currency")]
    OtherCurrency,
    #[error("your credits are as much as this invoice")]
    CreditsExceed,
    #[error("this programme begins at {least} open")]
    TooSmall { least: Decimal },
    #[error("it is due by then anyway")]
    NotEarly,
    #[error("that is {days} days early; this programme begins at {least}")]
    TooFewDays { days: u32, least: u32 },
    #[error("the invoice has no date to count from")]
    NoInvoiceDate,
    #[error("this discount is for payment within {within_days} days of the invoice date")]
    PastCliff { within_days: u32 },
    #[error("the discount would be less than half of the smallest coin")]
    NothingOff,
    #[error("the discount would be the whole amount")]
    NothingLeft,
    #[error("the amount is too large to reckon")]
    TooLarge,
}
