//! Codes that must be from their list: currencies (ISO 4217), countries (ISO 3166-1), VAT categories
//! (UNCL5305), and the country in front of a VAT number (BR-CO-09).

use super::Case;

pub(super) fn check(case: &mut Case<'_>) {
    let invoice = case.invoice;
    for (code, rule, field) in
        [(&invoice.currency, "BR-CL-04", "currency"), (&invoice.tax_currency, "BR-CL-05", "tax_currency")]
    {
        if let Some(code) = code.as_deref().filter(|code| !is_in(CURRENCIES, code)) {
            let message = format!("`{}` is no ISO 4217 currency code", brief(code));
            case.fail(rule, field, message, "Write the three-letter code, such as EUR.");
        }
    }
    let representative = invoice.tax_representative.as_ref();
    for (party, name) in
        [(Some(&invoice.seller), "seller"), (Some(&invoice.buyer), "buyer"), (representative, "tax_representative")]
    {
        let Some(party) = party else { continue };
        if let Some(number) = party.vat_id.as_deref().filter(|number| !has_country(number)) {
            let message = format!("the VAT number `{}` does not begin with a country code", brief(number));
            let fix = "Write the VAT number with its country in front: DE, FR, EL for Greece.";
            case.fail("BR-CO-09", &format!("{name}.vat_id"), message, fix);
        }
        let country = party.address.as_ref().and_then(|address| address.country.as_deref());
        check_country(case, country, "BR-CL-14", &format!("{name}.address.country"));
    }
    let address = invoice.delivery.as_ref().and_then(|delivery| delivery.address.as_ref());
    let country = address.and_then(|address| address.country.as_deref());
    check_country(case, country, "BR-CL-14", "delivery.address.country");
    for (index, line) in invoice.lines.iter().enumerate() {
        check_country(case, line.item.origin.as_deref(), "BR-CL-15", &format!("lines[{index}].item.origin"));
        check_category(case, line.tax_category.as_deref(), "BR-CL-18", &format!("lines[{index}].tax_category"));
    }
    for (index, tax) in invoice.tax_breakdown.iter().enumerate() {
        check_category(case, tax.category.as_deref(), "BR-CL-17", &format!("tax_breakdown[{index}].category"));
    }
    for (index, item) in invoice.allowances_charges.iter().enumerate() {
        let field = format!("allowances_charges[{index}].tax_category");
        check_category(case, item.tax_category.as_deref(), "BR-CL-17", &field);
    }
}

fn check_country(case: &mut Case<'_>, code: Option<&str>, rule: &'static str, field: &str) {
    if let Some(code) = code.filter(|code| !is_in(COUNTRIES, code)) {
        let message = format!("`{}` is no ISO 3166-1 country code", brief(code));
        case.fail(rule, field, message, "Write the two-letter code, such as DE.");
    }
}

fn check_category(case: &mut Case<'_>, code: Option<&str>, rule: &'static str, field: &str) {
    if let Some(code) = code.filter(|code| !is_in("AE E S Z G O K L M B", code)) {
        let message = format!("`{}` is no VAT category EN 16931 knows", brief(code));
        case.fail(rule, field, message, "Write one of S, Z, E, AE, K, G, O, L, M.");
    }
}

/// The first two letters; Greece writes EL, Northern Ireland XI.
fn has_country(number: &str) -> bool {
    number.get(..2).is_some_and(|country| matches!(country, "EL" | "XI") || is_in(COUNTRIES, country))
}

fn is_in(list: &str, code: &str) -> bool {
    list.split_ascii_whitespace().any(|known| known == code)
}

fn brief(text: &str) -> String {
    text.chars().take(40).collect()
}

/// ISO 4217, with the fund codes and metals the EN 16931 code list has, and Croatia's and Bulgaria's old
/// ones, which old invoices bear.
const CURRENCIES: &str = "\
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD \
    CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS \
    GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD \
    KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR \
    NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP STN \
    SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST XAF XAG \
    XAU XBA XBB XBC XBD XCD XCG XDR XOF XPD XPF XPT XSU XTS XUA XXX YER ZAR ZMW ZWG ZWL";

/// ISO 3166-1 alpha-2, with `1A` (Kosovo) and `XI` as in the EN 16931 code list.
const COUNTRIES: &str = "\
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ \
    CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO \
    FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE \
    JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO \
    MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW \
    PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM \
    TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW 1A XI";

#[cfg(test)]
mod tests {
    use super::super::sample::{broken, invoice};

    #[test]
    fn codes_must_be_from_their_lists() {
        let mut spoiled = invoice();
        spoiled.currency = Some("EUX".to_owned());
        assert_eq!(broken(&spoiled), ["BR-CL-04"]);
        let mut spoiled = invoice();
        spoiled.seller.vat_id = Some("111111111".to_owned());
        assert_eq!(broken(&spoiled), ["BR-CO-09"]);
        let mut spoiled = invoice();
        spoiled.buyer.vat_id = Some("EL123456789".to_owned());
        assert!(broken(&spoiled).is_empty());
    }
}
