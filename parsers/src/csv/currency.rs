//! ISO 4217: the currencies there are, and how many decimals each has.

use std::cmp::Ordering;

/// How many decimals amounts in a currency have; `None` for a code that is not in ISO 4217.
#[must_use]
pub fn minor_units(code: &str) -> Option<u32> {
    // A sorted list of codes, four bytes apart.
    let listed = |list: &str| {
        let codes = list.as_bytes();
        let (mut low, mut high) = (0, codes.len().div_ceil(4));
        while low < high {
            let middle = low.midpoint(high);
            let known = codes.get(4 * middle..4 * middle + 3).unwrap_or_default();
            match known.cmp(code.as_bytes()) {
                Ordering::Less => low = middle + 1,
                Ordering::Equal => return true,
                Ordering::Greater => high = middle,
            }
        }
        false
    };
    match code {
        // Nearly all are of these.
        _ if listed(TWO) => Some(2),
        _ if listed(NONE) => Some(0),
        _ if listed(THREE) => Some(3),
        _ if listed(FOUR) => Some(4),
        _ => None,
    }
}

/// ISO 4217 list one, as of 2025, without the funds and metals that have no minor unit.
const TWO: &str = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD \
                   CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP \
                   GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL \
                   MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN \
                   QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD \
                   TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG";
const NONE: &str = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF";
const THREE: &str = "BHD IQD JOD KWD LYD OMR TND";
const FOUR: &str = "CLF UYW";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_the_lists_is_found_and_nothing_else() {
        for (list, units) in [(NONE, 0), (TWO, 2), (THREE, 3), (FOUR, 4)] {
            assert!(list.split(' ').is_sorted(), "{list}");
            assert!(list.split(' ').all(|code| code.len() == 3 && minor_units(code) == Some(units)), "{list}");
        }
        for code in ["", "E", "EU", "EURO", "eur", "XXX", "AAA", "ZZZ", "D A"] {
            assert_eq!(minor_units(code), None, "{code}");
        }
    }
}
