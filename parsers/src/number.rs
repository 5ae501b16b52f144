//! Numbers as most formats write them: digits, a decimal mark at most, a leading minus.

use std::ops::{Add, Mul};

use rust_decimal::Decimal;

/// Reads a number; the mark is written, and the scale stays as it is written. `None` for what is no number, or
/// too large for one.
#[inline]
pub(crate) fn decimal(text: &[u8], is_mark: impl Fn(u8) -> bool) -> Option<Decimal> {
    let (is_negative, digits) = sign(text);
    let (number, scale) = unsigned(digits, is_mark)?;
    signed(is_negative, number, scale)
}

/// Reads a number whose last `scale` digits are decimals by agreement.
#[inline]
pub(crate) fn implied(text: &[u8], scale: u32) -> Option<Decimal> {
    let (is_negative, digits) = sign(text);
    let (number, _) = unsigned(digits, |_| false)?;
    signed(is_negative, number, scale)
}

#[inline]
fn unsigned(digits: &[u8], is_mark: impl Fn(u8) -> bool) -> Option<(i128, u32)> {
    if digits.len() <= WORD_DIGITS_MAX {
        let (number, scale) = mantissa::<u64>(digits, is_mark)?;
        return Some((number.into(), scale));
    }
    if digits.len() > DIGITS_MAX { None } else { mantissa::<i128>(digits, is_mark) }
}

#[inline]
fn sign(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    }
}

/// A word holds so many digits.
const WORD_DIGITS_MAX: usize = 19;
/// More than a `Decimal` holds.
const DIGITS_MAX: usize = 30;

/// The number that digits write, and how many of them stand behind the mark.
#[inline]
fn mantissa<N>(digits: &[u8], is_mark: impl Fn(u8) -> bool) -> Option<(N, u32)>
where
    N: From<u8> + Add<Output = N> + Mul<Output = N>,
{
    let (mut number, mut count, mut before_mark) = (N::from(0), 0, None);
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit < 10 {
            number = number * N::from(10) + N::from(digit);
            count += 1;
        } else if is_mark(*byte) && before_mark.is_none() {
            before_mark = Some(count);
        } else {
            return None;
        }
    }
    (count > 0).then(|| (number, before_mark.map_or(0, |before| count - before)))
}

#[inline]
fn signed(is_negative: bool, number: i128, scale: u32) -> Option<Decimal> {
    // Nearly all fit into a word.
    if let (Ok(word), 0..=Decimal::MAX_SCALE) = (u64::try_from(number), scale) {
        return Some(Decimal::from_parts(word as u32, (word >> 32) as u32, 0, is_negative, scale));
    }
    Decimal::try_from_i128_with_scale(if is_negative { -number } else { number }, scale).ok()
}
