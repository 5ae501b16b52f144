//! The name of a field of the canonical model, spelled out only when something is said about it: most
//! rules hold, and a rule that holds should cost no text.

use std::fmt;

/// `number`, `lines[2].net_amount`, `lines[2].allowances_charges[0].amount`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct At {
    group: &'static str,
    index: Option<usize>,
    inner: &'static str,
    inner_index: Option<usize>,
    name: &'static str,
}

impl At {
    /// A field by its whole name: `totals.payable`.
    pub(super) const fn field(name: &'static str) -> Self {
        Self { group: name, index: None, inner: "", inner_index: None, name: "" }
    }

    /// A field of a part that stands once: `seller` and `address.country`.
    pub(super) const fn of(part: &'static str, name: &'static str) -> Self {
        Self { group: part, index: None, inner: "", inner_index: None, name }
    }

    /// A field of a part that stands several times: `lines`, 2 and `net_amount`. Without a name, the part.
    pub(super) const fn nth(part: &'static str, index: usize, name: &'static str) -> Self {
        Self { group: part, index: Some(index), inner: "", inner_index: None, name }
    }

    /// The same, one level down: a field of one allowance or charge of a line.
    pub(super) const fn nested(self, inner: &'static str, index: usize) -> Self {
        Self { inner, inner_index: Some(index), ..self }
    }

    /// Another field of the same part.
    pub(super) const fn named(self, name: &'static str) -> Self {
        Self { name, ..self }
    }
}

impl From<&'static str> for At {
    fn from(name: &'static str) -> Self {
        Self::field(name)
    }
}

impl fmt::Display for At {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.group)?;
        if let Some(index) = self.index {
            write!(out, "[{index}]")?;
        }
        if !self.inner.is_empty() {
            write!(out, ".{}", self.inner)?;
        }
        if let Some(index) = self.inner_index {
            write!(out, "[{index}]")?;
        }
        if self.name.is_empty() { Ok(()) } else { write!(out, ".{}", self.name) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_spelled_as_the_evidence_spells_them() {
        assert_eq!(At::from("totals.payable").to_string(), "totals.payable");
        assert_eq!(At::of("seller", "address.country").to_string(), "seller.address.country");
        assert_eq!(At::nth("lines", 2, "net_amount").to_string(), "lines[2].net_amount");
        assert_eq!(At::nth("payments", 0, "").to_string(), "payments[0]");
        let item = At::nth("lines", 2, "").nested("allowances_charges", 1);
        assert_eq!(item.to_string(), "lines[2].allowances_charges[1]");
        assert_eq!(item.named("base").to_string(), "lines[2].allowances_charges[1].base");
    }
}
