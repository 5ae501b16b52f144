//! The parties of a UBL invoice.

use super::Draft;
use crate::xml::element::Element;
use crate::xml::ubl::party;

/// BG-4.
pub(super) fn map_seller(draft: &mut Draft, section: Element<'_>, path: &str) {
    let (element, path) = party::inner(section, path);
    draft.body.invoice.seller = party::party(draft, element, &path, "seller");
}

/// BG-7.
pub(super) fn map_buyer(draft: &mut Draft, section: Element<'_>, path: &str) {
    let (element, path) = party::inner(section, path);
    draft.body.invoice.buyer = party::party(draft, element, &path, "buyer");
}

/// BG-10, which is named by its party name (BT-59).
pub(super) fn map_payee(draft: &mut Draft, section: Element<'_>, path: &str) {
    if draft.body.invoice.payee.is_none() {
        let payee = party::party(draft, section, path, "payee");
        draft.body.invoice.payee = Some(party::named_by_party_name(payee));
    }
}

/// BG-11, which is named by its party name (BT-62).
pub(super) fn map_tax_representative(draft: &mut Draft, section: Element<'_>, path: &str) {
    let representative = party::party(draft, section, path, "tax_representative");
    draft.body.invoice.tax_representative = Some(party::named_by_party_name(representative));
}
