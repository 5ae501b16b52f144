//! Identifiers: a prefix that says what it names, and a ULID. On the wire and in the database they are
//! the same text, `fil_01K…`. A ULID's clock part is never used to order anything.

use std::fmt;
use std::marker::PhantomData;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use ulid::Ulid;

/// What an identifier names.
pub trait Named {
    /// Its prefix, without the underscore.
    const PREFIX: &'static str;
}

macro_rules! named {
    ($($(#[$doc:meta])* $kind:ident, $alias:ident, $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $kind;
        impl Named for $kind {
            const PREFIX: &'static str = $prefix;
        }
        $(#[$doc])*
        pub type $alias = Id<$kind>;
    )*};
}

named! {
    /// A payer or a supplier.
    Organisation, OrganisationId, "org";
    /// A login of an organisation.
    Account, AccountId, "acc";
    /// An upload, and the file it becomes when it lands.
    File, ArrivalId, "fil";
    /// A document read from a file.
    Record, DocumentId, "doc";
    /// A bearer token of the API.
    Token, TokenId, "tok";
    /// A node: one daemon and its folder.
    Node, NodeId, "nod";
    /// A connection through a door.
    Session, SessionId, "ses";
    /// A request over HTTP.
    Request, RequestId, "req";
}

/// The identifier of a `K`.
#[derive(PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id<K>(Ulid, PhantomData<fn() -> K>);

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Id<K> {}

impl<K: Named> Id<K> {
    /// A new one, never used before.
    #[must_use]
    pub fn random() -> Self {
        let mut bytes = [0_u8; 10];
        // The system's randomness does not fail once it has started; should it, the clock part still
        // differs, and the database's primary key refuses a repeat.
        let _ = aws_lc_rs::rand::fill(&mut bytes);
        let random = bytes.iter().fold(0_u128, |sum, byte| (sum << 8) | u128::from(*byte));
        let millis = u64::try_from(super::Timestamp::now().micros() / 1_000).unwrap_or(0);
        Self(Ulid::from_parts(millis, random), PhantomData)
    }

    /// The identifier a digest stands for: the same digest, the same identifier.
    #[must_use]
    pub fn derived(digest: super::Digest) -> Self {
        let value = digest.as_bytes().iter().take(16).fold(0_u128, |sum, byte| (sum << 8) | u128::from(*byte));
        Self(Ulid::from(value), PhantomData)
    }

    /// The identifier with this text; `None` for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let ulid = text.strip_prefix(K::PREFIX)?.strip_prefix('_')?;
        Ulid::from_string(ulid).ok().map(|ulid| Self(ulid, PhantomData)).filter(|id| id.to_string() == text)
    }
}

impl<K: Named> fmt::Display for Id<K> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}_{}", K::PREFIX, self.0)
    }
}

impl<K: Named> fmt::Debug for Id<K> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl<K: Named> Serialize for Id<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, K: Named> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("`{text}` is not a {} id", K::PREFIX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_as_itself_and_as_nothing_else() {
        let id = ArrivalId::random();
        assert_eq!(ArrivalId::parse(&id.to_string()), Some(id));
        assert_eq!(OrganisationId::parse(&id.to_string()), None);
        assert_eq!(ArrivalId::parse("fil_nonsense"), None);
        assert_eq!(ArrivalId::parse(&id.to_string().to_lowercase()), None);
        assert_ne!(ArrivalId::random(), ArrivalId::random());
    }
}
