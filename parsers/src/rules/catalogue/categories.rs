//! What VAT wants of each category: one family of rules for each, and the rules only some have.

use super::{Explanation, error};

const SOURCE: &str = "EN 16931-1:2017, CEN validation artefacts v1.3.16 (2026-04-10)";

/// Rules 01 to 10 of a family.
macro_rules! family {
    ($table:ident, $family:literal, $name:literal, $numbers:literal, $rate:literal, $tax:literal, $reason:literal) => {
        #[doc = concat!("BR-", $family, ": ", $name, ".")]
        static $table: [Explanation; 10] = [
            error(
                concat!("BR-", $family, "-01"),
                SOURCE,
                "BT-118",
                concat!("What is ", $name, " on lines, allowances and charges is in the VAT breakdown, and only that."),
                "Write one VAT breakdown entry for each category (and rate) that is used, and none for others.",
            ),
            error(
                concat!("BR-", $family, "-02"),
                SOURCE,
                "BT-151, BT-31, BT-32, BT-48, BT-63",
                concat!("With a line that is ", $name, ", ", $numbers, "."),
                "Write the VAT numbers the category wants, or another category.",
            ),
            error(
                concat!("BR-", $family, "-03"),
                SOURCE,
                "BT-95, BT-31, BT-32, BT-48, BT-63",
                concat!("With an allowance that is ", $name, ", ", $numbers, "."),
                "Write the VAT numbers the category wants, or another category.",
            ),
            error(
                concat!("BR-", $family, "-04"),
                SOURCE,
                "BT-102, BT-31, BT-32, BT-48, BT-63",
                concat!("With a charge that is ", $name, ", ", $numbers, "."),
                "Write the VAT numbers the category wants, or another category.",
            ),
            error(
                concat!("BR-", $family, "-05"),
                SOURCE,
                "BT-151, BT-152",
                concat!("A line that is ", $name, " has ", $rate, "."),
                concat!("Write ", $rate, " there."),
            ),
            error(
                concat!("BR-", $family, "-06"),
                SOURCE,
                "BT-95, BT-96",
                concat!("An allowance that is ", $name, " has ", $rate, "."),
                concat!("Write ", $rate, " there."),
            ),
            error(
                concat!("BR-", $family, "-07"),
                SOURCE,
                "BT-102, BT-103",
                concat!("A charge that is ", $name, " has ", $rate, "."),
                concat!("Write ", $rate, " there."),
            ),
            error(
                concat!("BR-", $family, "-08"),
                SOURCE,
                "BT-116, BT-131, BT-92, BT-99",
                concat!("The taxable amount of what is ", $name, " is its lines, less allowances, plus charges."),
                "Correct the taxable amount (BT-116), or the category or rate of a line.",
            ),
            error(
                concat!("BR-", $family, "-09"),
                SOURCE,
                "BT-117, BT-116, BT-119",
                concat!("The tax on what is ", $name, " is ", $tax, "."),
                "Correct the tax amount (BT-117): taxable amount times rate, 0 where there is no tax.",
            ),
            error(
                concat!("BR-", $family, "-10"),
                SOURCE,
                "BT-120, BT-121",
                concat!("The VAT breakdown of what is ", $name, " ", $reason, "."),
                "Write the exemption reason (BT-120, BT-121) where there is no VAT, and only there.",
            ),
        ];
    };
}

family!(
    STANDARD,
    "S",
    "standard rated (S)",
    "the seller has a VAT number or tax registration, or a tax representative",
    "a rate above zero",
    "base times rate, less than one unit of currency off",
    "gives no exemption reason"
);
family!(
    ZERO,
    "Z",
    "zero rated (Z)",
    "the seller has a VAT number or tax registration, or a tax representative",
    "the rate 0",
    "0",
    "gives no exemption reason"
);
family!(
    EXEMPT,
    "E",
    "exempt (E)",
    "the seller has a VAT number or tax registration, or a tax representative",
    "the rate 0",
    "0",
    "gives the exemption reason"
);
family!(
    REVERSE_CHARGE,
    "AE",
    "under reverse charge (AE)",
    "the seller has a VAT number or tax registration, and the buyer a VAT number or registration",
    "the rate 0",
    "0",
    "gives the exemption reason"
);
family!(
    INTRA_COMMUNITY,
    "IC",
    "an intra-community supply (K)",
    "seller (or tax representative) and buyer have VAT numbers",
    "the rate 0",
    "0",
    "gives the exemption reason"
);
family!(
    EXPORT,
    "G",
    "an export outside the EU (G)",
    "the seller (or its tax representative) has a VAT number",
    "the rate 0",
    "0",
    "gives the exemption reason"
);
family!(
    NOT_SUBJECT,
    "O",
    "not subject to VAT (O)",
    "no VAT number of seller, tax representative or buyer is given",
    "no rate",
    "0",
    "gives the exemption reason"
);
family!(
    IGIC,
    "AF",
    "under Canary Islands IGIC (L)",
    "the seller has a VAT number or tax registration, or a tax representative",
    "a rate of zero or more",
    "base times rate, less than one unit of currency off",
    "gives no exemption reason"
);
family!(
    IPSI,
    "AG",
    "under IPSI of Ceuta and Melilla (M)",
    "the seller has a VAT number or tax registration, or a tax representative",
    "a rate of zero or more",
    "base times rate, less than one unit of currency off",
    "gives no exemption reason"
);

pub(super) static FAMILIES: [&[Explanation]; 10] =
    [&STANDARD, &ZERO, &EXEMPT, &REVERSE_CHARGE, &INTRA_COMMUNITY, &EXPORT, &NOT_SUBJECT, &IGIC, &IPSI, &OTHERS];

/// What only some categories have.
static OTHERS: [Explanation; 8] = [
    error(
        "BR-IC-11",
        SOURCE,
        "BT-72, BG-14",
        "An intra-community supply says when it was delivered, by a day or a period.",
        "Write the day of delivery or the invoicing period.",
    ),
    error(
        "BR-IC-12",
        SOURCE,
        "BT-80",
        "An intra-community supply says to which country it was delivered.",
        "Write the country the goods were delivered to.",
    ),
    error(
        "BR-O-11",
        SOURCE,
        "BT-118",
        "What is not subject to VAT (O) has no other category beside it in the VAT breakdown.",
        "Send what is not subject to VAT on a document of its own.",
    ),
    error(
        "BR-O-12",
        SOURCE,
        "BT-151",
        "Beside what is not subject to VAT (O) no line has another category.",
        "Send what is not subject to VAT on a document of its own.",
    ),
    error(
        "BR-O-13",
        SOURCE,
        "BT-95",
        "Beside what is not subject to VAT (O) no allowance has another category.",
        "Send what is not subject to VAT on a document of its own.",
    ),
    error(
        "BR-O-14",
        SOURCE,
        "BT-102",
        "Beside what is not subject to VAT (O) no charge has another category.",
        "Send what is not subject to VAT on a document of its own.",
    ),
    error(
        "BR-B-01",
        SOURCE,
        "BT-151, BT-95, BT-102",
        "Split payment (B) is for invoices inside Italy.",
        "Write another VAT category, or correct the countries.",
    ),
    error(
        "BR-B-02",
        SOURCE,
        "BT-151, BT-95, BT-102, BT-118",
        "Split payment (B) and the standard rate (S) exclude each other.",
        "Send what is under split payment on a document of its own.",
    ),
];
