//! Which vendor a row speaks of, and which vendors are one.

use waybill_parsers::canonical::Text;

use crate::domain::Digest;
use crate::ledger::number::Keys;

/// How a payer's row names a vendor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VendorKey {
    /// k0 of the payer's company.
    pub company: Option<String>,
    pub number: Keys,
    /// k0 of the remit-to site.
    pub site: Option<String>,
}

impl VendorKey {
    /// `None` without a vendor number.
    #[must_use]
    pub fn new(company: Option<&Text>, vendor_no: Option<&Text>, site: Option<&Text>) -> Option<Self> {
        let k0 = |text: Option<&Text>| text.and_then(|text| Keys::of(text)).map(|keys| keys.k0);
        Some(Self { company: k0(company), number: vendor_no.and_then(|number| Keys::of(number))?, site: k0(site) })
    }
}

/// Under which key rows wait for their vendor: the k1 of the vendor's number, within the payer. When a vendor arrives,
/// the rows parked under its key are tried again with [`vendor_of`]; some may stay, for their site.
#[must_use]
pub fn parking_key(key: &VendorKey) -> &str {
    &key.number.k1
}

/// A row of a payer's vendor master. `Id` is the caller's name for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VendorRow<Id> {
    pub id: Id,
    pub key: VendorKey,
}

/// Which vendor a row speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VendorResolution<Id> {
    Found(Id),
    /// No vendor, or several, none better than the others: the row waits.
    Parked,
}

impl<Id> VendorResolution<Id> {
    /// What the payer reads of a parked row (`vendor_unknown`).
    #[must_use]
    pub fn sentence(&self) -> Option<&'static str> {
        match self {
            Self::Found(_) => None,
            Self::Parked => Some(
                "No vendor of this number and site is known yet. The row waits, and is taken by itself when the vendor \
                 file brings the vendor; you need not send it again.",
            ),
        }
    }
}

/// Which vendor a row names.
///
/// The caller looks up the payer's vendors with the same k1 of the number; fifty are plenty. Companies that are both
/// named must be the same. The number as it is written goes before the number without its zeros (an ERP pads
/// `0000100234` in one file and not in the other), and the same site before no site: a row without a site is taken
/// where the number has one vendor only, and a vendor without a site stands for all of its sites.
#[must_use]
pub fn vendor_of<Id: Clone>(row: &VendorKey, vendors: &[VendorRow<Id>]) -> VendorResolution<Id> {
    let same_company = |vendor: &&VendorRow<Id>| {
        row.company.as_ref().zip(vendor.key.company.as_ref()).is_none_or(|(one, other)| one == other)
    };
    let of_number: Vec<_> =
        vendors.iter().filter(|vendor| vendor.key.number.k1 == row.number.k1).filter(same_company).collect();
    let is_exact = |vendor: &&&VendorRow<Id>| vendor.key.number.k0 == row.number.k0;
    let exact: Vec<_> = of_number.iter().filter(is_exact).copied().collect();
    for numbered in [exact, of_number] {
        let same_site: Vec<_> = numbered.iter().filter(|vendor| vendor.key.site == row.site).collect();
        let whole: Vec<_> = numbered.iter().filter(|vendor| vendor.key.site.is_none()).collect();
        match (same_site.as_slice(), row.site.is_some(), whole.as_slice(), numbered.as_slice()) {
            ([vendor], ..) | ([], true, [vendor], _) => return VendorResolution::Found(vendor.id.clone()),
            ([], false, _, [vendor]) => return VendorResolution::Found(vendor.id.clone()),
            _ => {}
        }
    }
    VendorResolution::Parked
}

/// What of a vendor tells whether it is another again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VendorFacts<Id> {
    pub id: Id,
    /// A digest of the tax number; the number itself is not kept.
    pub tax_id: Option<Digest>,
    pub name: Option<Text>,
    pub postal_code: Option<Text>,
}

/// Another vendor number of the same vendor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sibling<Id> {
    /// The tax number is the same: it may be offered to join the connection.
    Same(Id),
    /// Name and postal code are the same, and no tax number says otherwise: for accounts payable to confirm.
    Likely(Id),
}

/// The other vendor numbers that belong to the vendor, those that are sure first, each in the order given.
///
/// The caller looks up the payer's vendors with the same digest of the tax number, and those of the same postal code.
#[must_use]
pub fn siblings<Id: Clone + PartialEq>(of: &VendorFacts<Id>, others: &[VendorFacts<Id>]) -> Vec<Sibling<Id>> {
    let key = |text: &Option<Text>| text.as_deref().and_then(Keys::of).map(|keys| keys.k1);
    let both = |one: Option<String>, other: Option<String>| one.is_some() && one == other;
    let (mut same, mut likely) = (Vec::new(), Vec::new());
    for other in others.iter().filter(|other| other.id != of.id) {
        match (of.tax_id, other.tax_id) {
            (Some(one), Some(another)) if one == another => same.push(Sibling::Same(other.id.clone())),
            (Some(_), Some(_)) => {}
            _ if both(key(&of.name), key(&other.name)) && both(key(&of.postal_code), key(&other.postal_code)) => {
                likely.push(Sibling::Likely(other.id.clone()));
            }
            _ => {}
        }
    }
    same.append(&mut likely);
    same
}
