//! What a document says of itself, and with it, what it is held to.

/// What a document claims to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claim {
    /// What its specification identifier says.
    AsStated,
    /// EN 16931 or a specification built on it: every rule holds.
    En16931,
    /// Nothing: only the sums are looked at, and what is off is a warning.
    None,
}

/// What a specification identifier (BT-24) claims.
pub(crate) fn claim_of(specification_id: Option<&str>) -> Claim {
    match specification_id {
        Some(id) if id.contains("urn:cen.eu:en16931:2017") => Claim::En16931,
        _ => Claim::None,
    }
}

/// Whether a specification identifier claims EN 16931.
pub(crate) fn claims_en16931(specification_id: Option<&str>) -> bool {
    claim_of(specification_id) == Claim::En16931
}

/// Whether a specification identifier claims Peppol BIS Billing 3.
pub(crate) fn claims_peppol(specification_id: Option<&str>) -> bool {
    Follows::of(specification_id).peppol
}

/// Which specifications beyond EN 16931 a document says it follows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Follows {
    /// Peppol BIS Billing 3.
    pub(super) peppol: bool,
    /// XRechnung.
    pub(super) xrechnung: bool,
}

impl Follows {
    pub(super) fn of(specification_id: Option<&str>) -> Self {
        let says = |part: &str| specification_id.is_some_and(|id| id.contains(part));
        Self { peppol: says("urn:fdc:peppol.eu:2017:poacc:billing:3.0"), xrechnung: says("xrechnung") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_specification_identifier_says_what_is_claimed() {
        let peppol = Some("urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0");
        assert_eq!(claim_of(peppol), Claim::En16931);
        assert_eq!(Follows::of(peppol), Follows { peppol: true, xrechnung: false });
        let xrechnung = Some("urn:cen.eu:en16931:2017#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0");
        assert_eq!(Follows::of(xrechnung), Follows { peppol: false, xrechnung: true });
        assert_eq!(claim_of(Some("004010")), Claim::None);
        assert_eq!(Follows::of(None), Follows::default());
    }
}
