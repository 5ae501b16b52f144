//! A row of a payer's vendor list.

use super::cells::Cells;
use super::currency::minor_units;
use super::sheet::Sheet;
use crate::Code;
use crate::canonical::{Address, Contact, Identifier, Text, Vendor};
use crate::profile::{Documents, FIELDS, FieldId, Words, is_among};

const fn field(name: &str) -> FieldId {
    FieldId::of(Documents::Vendor, name)
}

/// What tells one vendor of a file from another: a number may have several remit-to sites.
pub(super) const KEY: [FieldId; 3] = [field("company_code"), NUMBER, field("site_code")];
pub(super) const NUMBER: FieldId = field("vendor_no");

/// Reads the vendor of a row.
pub(super) fn read(sheet: &Sheet<'_>, cells: &mut Cells<'_>) -> Vendor {
    let profile = sheet.plan.profile;
    let (deleted, says_deleted) = says(cells, &profile.deleted);
    let (inactive, says_inactive) = says(cells, &profile.inactive);
    // A row that takes a vendor off the list need not say more of it.
    if !deleted {
        cells.require(false);
    }
    let id = |scheme: &str, value: Option<String>| {
        value.map(|value| Identifier { scheme: Some(scheme.into()), value: value.into() })
    };
    let ids = [
        id("tax_id", cells.text(const { field("tax_id") }).map(Into::into)),
        id("vat", cells.text(const { field("vat_id") }).map(Into::into)),
        id("duns", cells.text(const { field("duns") }).map(Into::into)),
    ];
    let address = Address {
        lines: [const { field("street") }, const { field("street_2") }, const { field("street_3") }]
            .into_iter()
            .filter_map(|line| cells.text(line))
            .collect(),
        city: cells.text(const { field("city") }),
        postal_code: cells.text(const { field("postal_code") }),
        region: cells.text(const { field("region") }),
        country: cells.text(const { field("country") }),
    };
    let contact = Contact {
        name: cells.text(const { field("contact_name") }),
        phone: cells.text(const { field("contact_phone") }),
        email: cells.text(const { field("contact_email") }),
    };
    let name = cells.text(NAME);
    // PaymentWorks' marker stands where the name does.
    let is_marker = |name: &str| profile.deleted.get("vendor_name").is_some_and(|words| is_among(words, name));
    Vendor {
        company_code: cells
            .text(const { field("company_code") })
            .or_else(|| profile.defaults.company_code.clone().map(Into::into)),
        vendor_no: cells.text(NUMBER),
        site_code: cells.text(const { field("site_code") }),
        name: name.filter(|name| !is_marker(name)),
        ids: ids.into_iter().flatten().collect(),
        address: Some(address).filter(|address| *address != Address::default()),
        contact: Some(contact).filter(|contact| *contact != Contact::default()),
        remittance_email: cells.text(const { field("remittance_email") }),
        currency: currency(cells),
        terms: cells.text(const { field("terms") }),
        payment_method: cells.text(const { field("payment_method") }),
        is_active: match (deleted || inactive, says_deleted || says_inactive) {
            (true, _) => Some(false),
            (false, true) => Some(true),
            (false, false) => None,
        },
        is_deleted: deleted,
    }
}

const NAME: FieldId = field("vendor_name");
const CURRENCY: FieldId = field("currency");

/// The vendor's currency: a vendor without one is not wrong, one with a code nobody knows is.
fn currency(cells: &mut Cells<'_>) -> Option<Text> {
    let code = cells.text(CURRENCY)?.to_ascii_uppercase();
    if minor_units(&code).is_none() {
        let what = "no currency of ISO 4217";
        cells.report(Code::CURRENCY_UNKNOWN, None, CURRENCY, &code, what, "Write a code of three letters: USD, EUR.");
    }
    Some(code.into())
}

/// Whether one of the fields has one of its words; and whether a field that is about nothing else is filled
/// at all. A name that is not `DEL` does not say that its vendor is active.
fn says(cells: &mut Cells<'_>, words: &std::collections::BTreeMap<String, Words>) -> (bool, bool) {
    let (mut yes, mut is_said) = (false, false);
    for (name, words) in words {
        let index = FIELDS.iter().position(|field| field.of == Documents::Vendor && field.name == name);
        let Some(text) = index.and_then(FieldId::at).and_then(|field| cells.text(field)) else { continue };
        yes |= is_among(words, &text);
        is_said |= name == "status";
    }
    (yes, is_said)
}
