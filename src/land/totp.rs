//! Second factors: time-based one-time passwords (RFC 6238) of six digits, 30 seconds and SHA-1, which is what every
//! authenticator app does, and recovery codes for when the phone is lost.
//!
//! SHA-1 is no weakness here: HMAC asks nothing of its hash that SHA-1 has lost (RFC 6238 section 1.2).

use aws_lc_rs::{hmac, rand};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::seal::{SealError, Vault};
use crate::domain::{AccountId, Digest, Timestamp};
use crate::record::{AccountRow, Record, RecordError};

/// Seconds one code is good for.
const PERIOD: i64 = 30;
/// Codes of the step before and the step after are taken too: clocks differ (RFC 6238 section 5.2).
const STEPS_ASIDE: i64 = 1;
const DIGITS: usize = 6;
/// As long as the hash (RFC 4226 section 4, R6).
const SECRET_BYTES: usize = 20;
const RECOVERY_CODES: usize = 10;
/// `abcd-efgh-ijkl-mnop`: 80 bits of chance, so that a plain SHA-256 may be stored of it.
const RECOVERY_BYTES: usize = 10;
const RECOVERY_CHARS: usize = 19;
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// What is shown of a second factor, once, when it is enrolled.
#[derive(Clone)]
pub struct Enrolment {
    /// `otpauth://totp/…`, as authenticator apps read it, mostly as a QR code.
    pub otpauth: Zeroizing<String>,
    /// The secret in base 32, for those that are typed into.
    pub secret: Zeroizing<String>,
    /// Each of them works once in place of a code.
    pub recovery_codes: Vec<Zeroizing<String>>,
}

impl std::fmt::Debug for Enrolment {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Enrolment")
    }
}

/// Why there is no second factor.
#[derive(Debug, thiserror::Error)]
pub enum TotpError {
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error(transparent)]
    Record(#[from] RecordError),
}

/// Enrols a second factor, in place of any other; its codes are asked for from the next login on.
///
/// # Errors
/// The secret cannot be sealed, or the database did not take it.
pub async fn enrol(record: &Record, vault: &Vault, account: &AccountRow) -> Result<Enrolment, TotpError> {
    let mut secret = Zeroizing::new([0_u8; SECRET_BYTES]);
    rand::fill(secret.as_mut_slice()).map_err(|_| SealError::NoRandomness)?;
    let may_make = !record.has_sealed().await?;
    let sealed = vault.seal(secret.as_slice(), &place(account.id), may_make)?;
    let mut recovery_codes = vec![];
    for _ in 0..RECOVERY_CODES {
        let mut bytes = Zeroizing::new([0_u8; RECOVERY_BYTES]);
        rand::fill(bytes.as_mut_slice()).map_err(|_| SealError::NoRandomness)?;
        let text = base32(bytes.as_slice()).to_ascii_lowercase();
        let mut code = Zeroizing::new(String::with_capacity(RECOVERY_CHARS));
        for (nth, letter) in text.chars().enumerate() {
            if nth > 0 && nth % 4 == 0 {
                code.push('-');
            }
            code.push(letter);
        }
        recovery_codes.push(code);
    }
    let hashed: Vec<String> = recovery_codes.iter().map(|code| recovery_sha256(account.id, code)).collect();
    record.enrol_totp(account, &sealed, &hashed).await?;
    let secret = base32(secret.as_slice());
    let otpauth = Zeroizing::new(format!(
        "otpauth://totp/Waybill:{}?secret={}&issuer=Waybill&algorithm=SHA1&digits={DIGITS}&period={PERIOD}",
        account.login, *secret
    ));
    Ok(Enrolment { otpauth, secret, recovery_codes })
}

/// The secret of a second factor.
///
/// # Errors
/// The master key is not the one it was sealed with, or it was sealed for another account.
pub(super) fn unseal(vault: &Vault, account: AccountId, sealed: &str) -> Result<Zeroizing<Vec<u8>>, SealError> {
    vault.open(sealed, &place(account))
}

/// Where a sealed secret stands: moved elsewhere it does not open (SECURITY E6).
fn place(account: AccountId) -> String {
    format!("account_totp|secret|{account}")
}

/// The step of time whose code this is: now, one before, one after, and later than the last that was taken.
pub(super) fn step_of(secret: &[u8], code: &str, now: Timestamp, last_step: i64) -> Option<i64> {
    let current = now.seconds().div_euclid(PERIOD);
    // All are looked at, whichever fits: the time it takes says nothing.
    let mut found = None;
    for step in current - STEPS_ASIDE..=current + STEPS_ASIDE {
        let fits: bool = code_of(secret, step).as_bytes().ct_eq(code.as_bytes()).into();
        if fits && step > last_step {
            found = Some(step);
        }
    }
    found
}

/// HOTP (RFC 4226 section 5.3) of a step of time.
fn code_of(secret: &[u8], step: i64) -> Zeroizing<String> {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let bytes = tag.as_ref();
    let offset = bytes.last().map_or(0, |last| usize::from(last & 0xf));
    let four = bytes.get(offset..offset + 4).and_then(|four| four.try_into().ok()).unwrap_or_default();
    Zeroizing::new(format!("{:0DIGITS$}", (u32::from_be_bytes(four) & 0x7fff_ffff) % 1_000_000))
}

/// Whether this is written as a recovery code, and not as a code.
pub(super) fn is_recovery_code(text: &str) -> bool {
    let normal = normal(text);
    normal.len() == RECOVERY_CHARS - 3 && normal.bytes().all(|byte| BASE32.contains(&byte.to_ascii_uppercase()))
}

/// What is stored of a recovery code.
pub(super) fn recovery_sha256(account: AccountId, code: &str) -> String {
    Digest::of(format!("{account}|{}", *normal(code)).as_bytes()).to_string()
}

fn normal(code: &str) -> Zeroizing<String> {
    Zeroizing::new(code.trim().chars().filter(|c| *c != '-').map(|c| c.to_ascii_lowercase()).collect())
}

/// A line that is a password and then, without anything between, a code or a recovery code.
pub(super) fn parted(line: &str) -> Option<(&str, &str)> {
    let cut = |count: usize| line.len().checked_sub(count).and_then(|at| line.split_at_checked(at));
    cut(RECOVERY_CHARS)
        .filter(|(_, code)| code.contains('-') && is_recovery_code(code))
        .or_else(|| cut(DIGITS).filter(|(_, code)| code.bytes().all(|byte| byte.is_ascii_digit())))
}

/// RFC 4648 section 6, without padding: the lengths used here are multiples of five bytes.
fn base32(bytes: &[u8]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(bytes.len().div_ceil(5) * 8));
    for five in bytes.chunks(5) {
        let bits = five.iter().fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte)) << (8 * (5 - five.len()));
        for place in (0..8_u32).rev() {
            if let Some(letter) = BASE32.get(usize::try_from((bits >> (place * 5)) & 31).unwrap_or(0)) {
                text.push(char::from(*letter));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Scope;

    const SECRET: &[u8] = b"12345678901234567890";

    #[test]
    fn codes_are_those_of_rfc_6238() {
        // Appendix B, SHA1; the last six of its eight digits.
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(*code_of(SECRET, seconds / PERIOD), code);
            let now = Timestamp::from_micros(seconds * 1_000_000);
            assert_eq!(step_of(SECRET, code, now, 0), Some(seconds / PERIOD));
        }
    }

    #[test]
    fn a_code_is_good_for_its_step_and_its_neighbours_and_once() {
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        let code = code_of(SECRET, 1000);
        for seconds in [999 * 30, 1000 * 30, 1001 * 30, 1001 * 30 + 29] {
            assert_eq!(step_of(SECRET, &code, at(seconds), 0), Some(1000));
            assert_eq!(step_of(SECRET, &code, at(seconds), 1000), None, "it was taken already");
        }
        for seconds in [998 * 30 + 29, 1002 * 30] {
            assert_eq!(step_of(SECRET, &code, at(seconds), 0), None);
        }
        for wrong in ["", "12345", "1234567", "abcdef", "      ", "\u{0661}\u{0662}\u{0663}"] {
            assert_eq!(step_of(SECRET, wrong, at(30_000), 0), None, "{wrong}");
        }
    }

    #[test]
    fn base_32_is_that_of_rfc_4648() {
        // Section 10, and the secret of RFC 6238 as apps write it.
        assert_eq!(*base32(b"fooba"), "MZXW6YTB");
        assert_eq!(*base32(SECRET), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    }

    #[test]
    fn a_code_is_cut_from_the_end_of_a_password() {
        assert_eq!(parted("secret123456"), Some(("secret", "123456")));
        assert_eq!(parted("123456"), Some(("", "123456")));
        assert_eq!(parted("secretabcd-efgh-ijkl-mn23"), Some(("secret", "abcd-efgh-ijkl-mn23")));
        for none in ["", "12345", "secret", "secret12345x", "é12345", "geheim\u{0661}23456"] {
            assert_eq!(parted(none), None, "{none}");
        }
    }

    #[tokio::test]
    async fn what_is_stored_is_neither_the_secret_nor_a_recovery_code() {
        let data = tempfile::tempdir().unwrap();
        let record = Record::open(data.path(), 1).await.unwrap();
        let organisation = record.add_organisation("acme", "payer").await.unwrap();
        let id = record.add_account(organisation.id, "acme", None, &[]).await.unwrap();
        let account = record.account(&Scope::operator("test"), "acme").await.unwrap().unwrap();
        assert_eq!(account.id, id);
        let vault = Vault::new(data.path());
        let enrolment = enrol(&record, &vault, &account).await.unwrap();
        assert_eq!(enrolment.secret.len(), 32);
        assert!(enrolment.otpauth.contains(&format!("Waybill:acme?secret={}&issuer=Waybill", *enrolment.secret)));
        assert_eq!(enrolment.recovery_codes.len(), 10);
        assert!(enrolment.recovery_codes.iter().all(|code| is_recovery_code(code)));
        let crate::record::Try::Go(row) = record.try_totp(id, Timestamp::now()).await.unwrap() else { panic!() };
        let secret = unseal(&vault, id, &row.secret).unwrap();
        assert_eq!(*base32(&secret), *enrolment.secret);
        assert!(unseal(&vault, AccountId::random(), &row.secret).is_err(), "moved to another account it does not open");
        let codes: Vec<_> = enrolment.recovery_codes.iter().map(|code| recovery_sha256(id, code)).collect();
        assert!(record.take_recovery_code(id, &codes[0]).await.unwrap());
        assert!(!record.take_recovery_code(id, &codes[0]).await.unwrap(), "once");
        assert_eq!(record.recovery_codes_left(id).await.unwrap(), 9);
    }

    #[tokio::test]
    async fn five_wrong_codes_and_the_sixth_is_not_looked_at() {
        use crate::record::Try;
        let data = tempfile::tempdir().unwrap();
        let record = Record::open(data.path(), 1).await.unwrap();
        let organisation = record.add_organisation("acme", "payer").await.unwrap();
        let id = record.add_account(organisation.id, "acme", None, &[]).await.unwrap();
        let account = record.account(&Scope::operator("test"), "acme").await.unwrap().unwrap();
        assert_eq!(account.id, id);
        assert!(matches!(record.try_totp(id, Timestamp::now()).await.unwrap(), Try::Nothing));
        enrol(&record, &Vault::new(data.path()), &account).await.unwrap();
        let now = Timestamp::now();
        for _ in 0..5 {
            assert!(matches!(record.try_totp(id, now).await.unwrap(), Try::Go(_)));
        }
        let Try::Locked(until) = record.try_totp(id, now).await.unwrap() else { panic!("a sixth was looked at") };
        assert_eq!(until, now.plus_micros(30_000_000));
        // One more after the delay, and the next delay is twice as long.
        assert!(matches!(record.try_totp(id, until).await.unwrap(), Try::Go(_)));
        let Try::Locked(again) = record.try_totp(id, until).await.unwrap() else { panic!() };
        assert_eq!(again, until.plus_micros(60_000_000));
        // A right one ends it, and is not taken twice.
        assert!(record.take_totp_step(id, 7).await.unwrap());
        assert!(!record.take_totp_step(id, 7).await.unwrap() && !record.take_totp_step(id, 6).await.unwrap());
        assert!(matches!(record.try_totp(id, now).await.unwrap(), Try::Go(_)));
    }
}
