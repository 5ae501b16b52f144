//! Money as the ledger reckons: exact decimals in a currency of ISO 4217, rounded half up and only where a rule says
//! so, every sum checked.

use std::fmt;

use rust_decimal::{Decimal, RoundingStrategy};
use waybill_parsers::csv::minor_units;

/// Two amounts this close are the same amount to the rules that allow for rounding: 0.01, in any currency.
pub const CENT: Decimal = Decimal::from_parts(1, 0, 0, false, 2);

/// A currency of ISO 4217. `Currency::parse` is the only way to have one, so that its minor units are known.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency {
    code: [u8; 3],
    minor_units: u8,
}

impl Currency {
    /// The currency with this code, in capitals; `None` for a code ISO 4217 does not list.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        let minor_units = u8::try_from(minor_units(code)?).ok()?;
        Some(Self { code: code.as_bytes().try_into().ok()?, minor_units })
    }

    #[must_use]
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.code).unwrap_or_default()
    }

    /// How many decimals its amounts have: 2 for the euro, 0 for the yen, 3 for the dinar of Kuwait.
    #[must_use]
    pub fn minor_units(self) -> u32 {
        u32::from(self.minor_units)
    }

    /// The amount at the currency's own decimals, rounded half up: half a cent goes away from zero.
    #[must_use]
    pub fn round(self, amount: Decimal) -> Decimal {
        let mut rounded = amount.round_dp_with_strategy(self.minor_units(), RoundingStrategy::MidpointAwayFromZero);
        rounded.rescale(self.minor_units());
        rounded
    }

    /// `amount × Π times ÷ Π by`, rounded half up to the currency's decimals, once and exactly: no product in between
    /// is rounded. `None` where a divisor is zero or a product passes 38 digits.
    #[must_use]
    pub fn share(self, amount: Decimal, times: &[Decimal], by: &[Decimal]) -> Option<Decimal> {
        ratio(amount, times, by, self.minor_units())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.code())
    }
}

/// `amount × Π times ÷ Π by` with so many decimals, rounded half up (away from zero), in whole numbers throughout.
#[must_use]
pub fn ratio(amount: Decimal, times: &[Decimal], by: &[Decimal], decimals: u32) -> Option<Decimal> {
    let (above, above_scale) = product(std::iter::once(&amount).chain(times))?;
    let (below, below_scale) = product(by.iter())?;
    if below == 0 {
        return None;
    }
    // above / 10^above_scale ÷ (below / 10^below_scale) × 10^decimals.
    let above = above.checked_mul(power_of_ten(below_scale.checked_add(decimals)?)?)?;
    let below = below.checked_mul(power_of_ten(above_scale)?)?;
    let (size, unit) = (above.checked_abs()?, below.checked_abs()?);
    let doubled = size.checked_mul(2)?.checked_add(unit)?;
    let rounded = doubled.checked_div(unit.checked_mul(2)?)?;
    let signed = if (above < 0) == (below < 0) { rounded } else { -rounded };
    Decimal::try_from_i128_with_scale(signed, decimals).ok()
}

/// The product of the numbers without their decimal points, and how many decimals it has.
fn product<'a>(factors: impl Iterator<Item = &'a Decimal>) -> Option<(i128, u32)> {
    let (mut product, mut scale) = (1_i128, 0_u32);
    for factor in factors {
        let factor = factor.normalize();
        product = product.checked_mul(factor.mantissa())?;
        scale = scale.checked_add(factor.scale())?;
    }
    Some((product, scale))
}

fn power_of_ten(exponent: u32) -> Option<i128> {
    10_i128.checked_pow(exponent)
}

/// The sum; `None` past what a decimal can hold.
#[must_use]
pub fn sum(amounts: impl IntoIterator<Item = Decimal>) -> Option<Decimal> {
    amounts.into_iter().try_fold(Decimal::ZERO, Decimal::checked_add)
}

/// Whether two amounts differ by no more than a cent.
#[must_use]
pub fn is_close(one: Decimal, other: Decimal) -> bool {
    one.checked_sub(other).is_some_and(|difference| difference.abs() <= CENT)
}

/// Whether both take or both give; zero goes with either.
#[must_use]
pub fn same_direction(one: Decimal, other: Decimal) -> bool {
    one.is_zero() || other.is_zero() || one.is_sign_negative() == other.is_sign_negative()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn a_half_goes_up_at_the_decimals_of_the_currency() {
        for (code, amount, rounded) in [
            ("EUR", "0.005", "0.01"),
            ("EUR", "2.675", "2.68"),
            ("EUR", "-0.005", "-0.01"),
            ("EUR", "7", "7.00"),
            ("JPY", "0.5", "1"),
            ("KWD", "0.0005", "0.001"),
        ] {
            assert_eq!(Currency::parse(code).unwrap().round(decimal(amount)).to_string(), rounded, "{code} {amount}");
        }
    }

    #[test]
    fn only_listed_currencies_are_currencies() {
        assert_eq!(Currency::parse("EUR").unwrap().to_string(), "EUR");
        for code in ["", "eur", "EURO", "XXX", "€"] {
            assert_eq!(Currency::parse(code), None, "{code}");
        }
    }

    #[test]
    fn a_share_too_large_to_reckon_is_none_and_never_a_panic() {
        let eur = Currency::parse("EUR").unwrap();
        assert_eq!(eur.share(Decimal::MAX, &[Decimal::MAX], &[Decimal::ONE]), None);
        assert_eq!(eur.share(Decimal::ONE, &[], &[Decimal::ZERO]), None);
        assert_eq!(sum([Decimal::MAX, Decimal::MAX]), None);
        assert!(!is_close(Decimal::MAX, Decimal::MIN));
    }

    proptest! {
        #[test]
        fn a_share_is_within_half_a_cent_of_the_exact_value(
            cents in 0_i64..1_000_000_000_000, rate in 0_i64..10_000, days in 1_i64..400,
        ) {
            let eur = Currency::parse("EUR").unwrap();
            let (amount, rate, days) = (Decimal::new(cents, 2), Decimal::new(rate, 2), Decimal::from(days));
            let share = eur.share(amount, &[rate, days], &[Decimal::from(36_500)]).unwrap();
            // share × 36500 differs from amount × rate × days by at most half a cent × 36500.
            let difference = share * Decimal::from(36_500) - amount * rate * days;
            prop_assert!(difference.abs() <= decimal("182.5"), "{share}");
        }
    }
}
