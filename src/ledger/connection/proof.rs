//! Proof by knowledge: who was paid knows its invoice's number and what was paid of it.
//!
//! The comparison takes the same time whatever is right in it: digests of one size, always as many, every one compared.
//! What is refused does not say which part was wrong.

use rust_decimal::Decimal;
use subtle::{Choice, ConstantTimeEq};

use crate::domain::{Digest, Hasher};
use crate::ledger::money::Currency;
use crate::ledger::number::Keys;

/// How many of a payer's facts are compared with each claim. A caller that finds more has asked too widely.
pub const PROOF_SLOTS: usize = 32;

/// An invoice and what was paid of it, as a digest: claimed by a supplier, or known from the payer's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fact(Digest);

impl Fact {
    /// `paid` is what was paid of the invoice, in all, to the currency's decimals; zeros and punctuation of the
    /// number do not count.
    #[must_use]
    pub fn new(number: &Keys, paid: Decimal, currency: Currency) -> Self {
        let mut hasher = Hasher::default();
        for part in ["proof 1", &number.k1, &currency.round(paid).to_string(), currency.code()] {
            hasher.update(&(part.len() as u64).to_be_bytes());
            hasher.update(part.as_bytes());
        }
        Self(hasher.finish())
    }
}

/// What a payer's files know, of one vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known<Vendor> {
    pub vendor: Vendor,
    pub fact: Fact,
}

/// What became of a proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof<Vendor> {
    /// All the claims are true of this vendor.
    Proved(Vendor),
    NotProved,
}

impl<Vendor> Proof<Vendor> {
    /// What the supplier reads.
    #[must_use]
    pub fn sentence(&self) -> &'static str {
        match self {
            Self::Proved(_) => "Your details match your customer's payments.",
            Self::NotProved => {
                "Your details do not match a payment of this customer's. Check number, amount and currency against \
                 your bank statement, or ask your customer to invite you."
            }
        }
    }
}

/// Whether one more try is allowed: so many were made today by this supplier or against this payer's vendor, whichever
/// is more.
#[must_use]
pub fn may_try(attempts_today: u32, attempts_per_day: u32) -> bool {
    attempts_today < attempts_per_day
}

/// Whether the claims show who the supplier is. At least `needed` different ones must be given, all must be true, and
/// all of the same vendor.
///
/// The caller first counts the try ([`may_try`]), whatever comes of it; then looks up, within the payer, the paid
/// vouchers with the k1s that are claimed, and passes each with its vendor and the sum paid. Facts past
/// [`PROOF_SLOTS`] are not looked at. Two vendors that fit equally prove neither.
#[must_use]
pub fn prove<Vendor: Clone + Ord>(claims: &[Fact], needed: usize, known: &[Known<Vendor>]) -> Proof<Vendor> {
    let nothing = Fact(Digest::of(b"no fact has this digest"));
    let mut slots: Vec<Fact> = known.iter().map(|known| known.fact).take(PROOF_SLOTS).collect();
    slots.resize(PROOF_SLOTS, nothing);
    // Every claim with every slot, always.
    let matches: Vec<Vec<Choice>> = claims
        .iter()
        .map(|claim| slots.iter().map(|slot| slot.0.as_bytes().ct_eq(claim.0.as_bytes())).collect())
        .collect();
    let mut different: Vec<&Fact> = claims.iter().collect();
    different.sort_by_key(|fact| fact.0.as_bytes());
    different.dedup();
    let mut vendors: Vec<&Vendor> = known.iter().take(PROOF_SLOTS).map(|known| &known.vendor).collect();
    vendors.sort();
    vendors.dedup();
    let is_true_of = |vendor: &&&Vendor| {
        matches.iter().all(|row| {
            let of_vendor = row.iter().zip(known).filter(|(_, known)| known.vendor == ***vendor);
            of_vendor.fold(Choice::from(0), |any, (is_equal, _)| any | *is_equal).into()
        })
    };
    let proved: Vec<&&Vendor> = vendors.iter().filter(is_true_of).collect();
    match proved.as_slice() {
        [vendor] if different.len() >= needed.max(1) => Proof::Proved((**vendor).clone()),
        _ => Proof::NotProved,
    }
}
