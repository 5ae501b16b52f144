//! The code lists of EN 16931, as the validation artefacts v1.3.16 (2026-04-10) have them. Every table is
//! sorted, so that a look-up is a search by halves.

mod documents;
mod money_and_places;
mod schemes;
mod tax;
mod units;

pub(super) use self::documents::{
    CREDIT_NOTE_TYPES, INVOICE_TYPES, MIME_TYPES, NOTE_SUBJECTS, PAYMENT_MEANS, TAX_POINT_CODES,
};
pub(super) use self::money_and_places::{COUNTRIES, CURRENCIES, OTHER_CURRENCIES};
pub(super) use self::schemes::{
    ADDRESS_SCHEMES, CLASSIFICATION_SCHEMES, IDENTIFIER_SCHEMES, OBJECT_SCHEMES, PEPPOL_ADDRESS_SCHEMES,
};
pub(super) use self::tax::{ALLOWANCE_REASONS, CHARGE_REASONS, EXEMPTION_REASONS, TAX_CATEGORIES};
pub(super) use self::units::UNITS;

/// Whether a code is in a list, letter for letter.
pub(super) fn has(list: &[&str], code: &str) -> bool {
    list.binary_search(&code).is_ok()
}

/// Whether a type code (BT-3) is one of an invoice.
pub(crate) fn is_invoice_type(code: &str) -> bool {
    has(INVOICE_TYPES, code)
}

/// Whether a type code (BT-3) is one of a credit note.
pub(crate) fn is_credit_note_type(code: &str) -> bool {
    has(CREDIT_NOTE_TYPES, code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_is_sorted_and_has_no_code_twice() {
        let lists = [
            CURRENCIES,
            OTHER_CURRENCIES,
            COUNTRIES,
            INVOICE_TYPES,
            CREDIT_NOTE_TYPES,
            TAX_POINT_CODES,
            NOTE_SUBJECTS,
            PAYMENT_MEANS,
            MIME_TYPES,
            TAX_CATEGORIES,
            ALLOWANCE_REASONS,
            CHARGE_REASONS,
            EXEMPTION_REASONS,
            IDENTIFIER_SCHEMES,
            ADDRESS_SCHEMES,
            CLASSIFICATION_SCHEMES,
            OBJECT_SCHEMES,
            PEPPOL_ADDRESS_SCHEMES,
            UNITS,
        ];
        for list in lists {
            assert!(!list.is_empty());
            assert!(list.is_sorted_by(|one, other| one < other), "{list:?}");
        }
    }

    #[test]
    fn lists_know_their_codes_letter_for_letter() {
        assert!(has(UNITS, "C62") && has(UNITS, "XPK") && has(UNITS, "KGM"));
        assert!(!has(UNITS, "c62") && !has(UNITS, "PCE "));
        assert!(has(ADDRESS_SCHEMES, "0088") && has(ADDRESS_SCHEMES, "EM") && !has(ADDRESS_SCHEMES, "9901"));
        assert!(has(EXEMPTION_REASONS, "VATEX-EU-AE"));
    }
}
