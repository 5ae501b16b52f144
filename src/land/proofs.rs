//! Changing how an account logs in: the rules, for whoever changes it, over REST or on the command line.

use super::credential::parse_public_key;
use crate::domain::{Methods, Network, Step, Timestamp, certificate_name};
use crate::record::{AccountRow, KEYS_MAX, KeyRow, ProofsChange, Record, RecordError};

/// What is to be different, as it was written. `None` leaves it as it is.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Ways to log in; `Some(None)` is the usual.
    pub methods: Option<Option<Vec<String>>>,
    /// Networks the legacy algorithms may be spoken from.
    pub legacy_from: Option<Vec<String>>,
    /// Names in TLS client certificates.
    pub certificates: Option<Vec<String>>,
}

/// A key to be added, as it was written.
#[derive(Debug, Clone, Default)]
pub struct NewKey {
    /// A line of an OpenSSH `.pub` file.
    pub line: String,
    pub not_before: Option<Timestamp>,
    pub not_after: Option<Timestamp>,
    pub is_authority: bool,
}

/// Why a change was not made: the `Display` is the sentence.
#[derive(Debug, thiserror::Error)]
pub enum ProofsError {
    /// Something that was written is wrong: which, and why.
    #[error("{why}")]
    Wrong { at: &'static str, why: String },
    #[error("{0}")]
    NotThere(String),
    #[error("{0}")]
    NotNow(String),
    #[error(transparent)]
    Record(#[from] RecordError),
}

/// Networks, and names in certificates, that one account may list.
const LIST_MAX: usize = 50;

fn wrong(at: &'static str) -> impl Fn(String) -> ProofsError {
    move |why| ProofsError::Wrong { at, why }
}

/// Changes how an account logs in: all of it or, if anything is wrong, nothing.
///
/// # Errors
/// [`ProofsError`]
pub async fn change(record: &Record, account: &AccountRow, wanted: &Wanted) -> Result<(), ProofsError> {
    let now = record.proofs(account.id).await?;
    let bounded = |at, list: &[String]| match list.len() > LIST_MAX {
        true => Err(wrong(at)(format!("an account lists at most {LIST_MAX} of these"))),
        false => Ok(()),
    };
    let methods = match &wanted.methods {
        None => None,
        Some(None) => Some(None),
        Some(Some(ways)) => {
            let methods = ways.join(",").parse::<Methods>().map_err(|error| wrong("/methods")(error.to_string()))?;
            Some(Some(methods))
        }
    };
    let mut legacy_from = None;
    if let Some(texts) = &wanted.legacy_from {
        bounded("/legacy_from", texts)?;
        let networks: Result<Vec<Network>, _> = texts.iter().map(|text| text.parse()).collect();
        let mut networks =
            networks.map_err(|error: crate::domain::network::NotANetwork| wrong("/legacy_from")(error.to_string()))?;
        networks.sort();
        networks.dedup();
        legacy_from = Some(networks);
    }
    let mut certificates = None;
    if let Some(texts) = &wanted.certificates {
        bounded("/certificates", texts)?;
        let names: Result<Vec<String>, String> = texts.iter().map(|text| certificate_name(text)).collect();
        let mut names = names.map_err(wrong("/certificates"))?;
        names.sort();
        names.dedup();
        certificates = Some(names);
    }
    let then = methods.clone().unwrap_or(now.methods);
    if let Some(then) = then {
        if then.need(Step::Totp) && !now.has_totp {
            let why = format!(
                "no second factor is enrolled, so nobody could prove totp; enrol one first: waybill account totp enrol {}",
                account.login
            );
            return Err(wrong("/methods")(why));
        }
        let names = certificates.as_ref().unwrap_or(&now.certificates);
        if then.need(Step::Certificate) && names.is_empty() {
            let why = "nobody could prove certificate: the account lists no names in client certificates; list some";
            return Err(wrong("/certificates")(why.to_owned()));
        }
    }
    Ok(record.change_proofs(account, &ProofsChange { methods, legacy_from, certificates }).await?)
}

/// Adds a key.
///
/// # Errors
/// [`ProofsError`]
pub async fn add_key(record: &Record, account: &AccountRow, new: &NewKey) -> Result<KeyRow, ProofsError> {
    let (fingerprint, public_key, comment) = parse_public_key(&new.line).map_err(wrong("/key"))?;
    if let (Some(from), Some(until)) = (new.not_before, new.not_after)
        && from >= until
    {
        return Err(wrong("/not_after")(format!("the key would be valid from {from} until {until}, which is never")));
    }
    let key = KeyRow {
        fingerprint,
        public_key,
        comment,
        not_before: new.not_before,
        not_after: new.not_after,
        is_authority: new.is_authority,
        created_at: Timestamp::now(),
    };
    if !record.add_key(account, &key).await? {
        return Err(ProofsError::NotNow(format!(
            "the account has {KEYS_MAX} keys, which is the most; remove one that is not used any more"
        )));
    }
    Ok(key)
}

/// Removes a key.
///
/// # Errors
/// [`ProofsError`]
pub async fn remove_key(record: &Record, account: &AccountRow, fingerprint: &str) -> Result<(), ProofsError> {
    match record.remove_key(account, fingerprint).await? {
        true => Ok(()),
        false => {
            let shown: String = fingerprint.chars().filter(|c| !c.is_control()).take(64).collect();
            Err(ProofsError::NotThere(format!("account `{}` has no key {shown}", account.login)))
        }
    }
}

/// Removes a second factor.
///
/// # Errors
/// [`ProofsError`]
pub async fn remove_totp(record: &Record, account: &AccountRow) -> Result<(), ProofsError> {
    if let Some(methods) = record.proofs(account.id).await?.methods
        && methods.need(Step::Totp)
    {
        return Err(ProofsError::NotNow(format!(
            "account `{}` logs in by {methods}, and nobody could any more; change that first",
            account.login
        )));
    }
    match record.remove_totp(account).await? {
        true => Ok(()),
        false => Err(ProofsError::NotThere(format!("account `{}` has no second factor", account.login))),
    }
}
