//! Check digits and forms of the numbers that registers give out: GLN, IBAN, organisation numbers.

/// The registers of ISO 6523 Peppol has a rule for, with the rule.
pub(super) fn rule_of(scheme: &str, number: &str) -> Option<(&'static str, &'static str)> {
    let (holds, rule, what): (fn(&str) -> bool, _, _) = match scheme {
        "0007" => (is_swedish, "PEPPOL-COMMON-R049", "Swedish organisation number"),
        "0088" => (is_gln, "PEPPOL-COMMON-R040", "GLN"),
        "0151" => (is_abn, "PEPPOL-COMMON-R050", "Australian business number"),
        "0184" => (is_danish, "PEPPOL-COMMON-R042", "Danish CVR number"),
        "0192" => (is_norwegian, "PEPPOL-COMMON-R041", "Norwegian organisation number"),
        "0201" => (is_ipa, "PEPPOL-COMMON-R044", "Italian IPA code"),
        "0208" => (is_belgian, "PEPPOL-COMMON-R043", "Belgian enterprise number"),
        "0210" => (is_codice_fiscale, "PEPPOL-COMMON-R045", "Italian tax code"),
        "0211" => (is_partita_iva, "PEPPOL-COMMON-R047", "Italian VAT number"),
        "9907" => (is_codice_fiscale, "PEPPOL-COMMON-R046", "Italian tax code"),
        _ => return None,
    };
    (!holds(number.trim())).then_some((rule, what))
}

/// GS1: the last digit makes the sum, weighted 3 and 1 from the right, a multiple of ten.
pub(super) fn is_gln(number: &str) -> bool {
    let Some((body, check)) = split_check(number) else { return false };
    let sum: u32 = body.iter().rev().zip([3, 1].into_iter().cycle()).map(|(digit, weight)| digit * weight).sum();
    (10 - sum % 10) % 10 == check
}

/// Modulus 11 with weights 2 to 7 from the right, nine digits.
fn is_norwegian(number: &str) -> bool {
    let Some((body, check)) = split_check(number).filter(|(body, _)| body.len() == 8) else { return false };
    let sum: u32 = body.iter().rev().zip((2..=7).cycle()).map(|(digit, weight)| digit * weight).sum();
    body.iter().any(|digit| *digit > 0) && (11 - sum % 11) % 11 == check
}

/// Eight digits, with `DK` in front or without.
fn is_danish(number: &str) -> bool {
    let digits = number.strip_prefix("DK").unwrap_or(number);
    digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Ten digits, the last two 97 less the rest of the first eight by 97.
fn is_belgian(number: &str) -> bool {
    if number.len() != 10 || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let part = |range| number.get(range).and_then(|digits: &str| digits.parse::<u64>().ok());
    match (part(0..8), part(8..10)) {
        (Some(body), Some(check)) => 97 - body % 97 == check,
        _ => false,
    }
}

/// Luhn's algorithm over ten digits.
fn is_swedish(number: &str) -> bool {
    let Some((body, check)) = split_check(number).filter(|(body, _)| body.len() == 9) else { return false };
    let doubled = |digit: u32| (digit * 2) % 10 + digit * 2 / 10;
    let each = body.iter().rev().enumerate();
    let sum: u32 = each.map(|(place, digit)| if place % 2 == 0 { doubled(*digit) } else { *digit }).sum();
    (10 - sum % 10) % 10 == check
}

/// Eleven digits; weighted 10, 1, 3 … 19 with one off the first, a multiple of 89.
fn is_abn(number: &str) -> bool {
    let Some(digits) = digits_of(number).filter(|digits| digits.len() == 11) else { return false };
    let weights = [10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19];
    let sum: u32 = digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum();
    // One off the first digit is ten off the sum; 89 more keeps a leading zero above nothing.
    (sum + 89 - 10).is_multiple_of(89)
}

/// Six letters or digits.
fn is_ipa(code: &str) -> bool {
    code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Eleven digits (companies), or sixteen letters and digits in their places (persons).
fn is_codice_fiscale(code: &str) -> bool {
    let form = match code.len() {
        11 => "00000000000",
        16 => "AAAAAA00A00***0A",
        _ => return false,
    };
    code.bytes().zip(form.bytes()).all(|(byte, kind)| match kind {
        b'A' => byte.is_ascii_alphabetic(),
        b'0' => byte.is_ascii_digit(),
        _ => true,
    })
}

/// With `IT` in front: eleven digits whose sum, every second one folded, is a multiple of ten. Numbers of
/// other countries are not looked at.
fn is_partita_iva(number: &str) -> bool {
    let country = number.get(..2).unwrap_or_default();
    if !country.eq_ignore_ascii_case("IT") {
        return true;
    }
    let digits = number.get(2..).and_then(digits_of).filter(|digits| digits.len() == 11);
    let folded = |digit: u32| (digit * 2) % 10 + digit * 2 / 10;
    digits.is_some_and(|digits| {
        let each = digits.iter().enumerate();
        let sum: u32 = each.map(|(place, digit)| if place % 2 == 1 { folded(*digit) } else { *digit }).sum();
        sum.is_multiple_of(10)
    })
}

/// ISO 13616: two letters, two digits, up to thirty letters and digits; rearranged, one more than a multiple
/// of 97. White space does not count.
pub(super) fn is_iban(text: &str) -> bool {
    let number: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let (Some(head), Some(tail)) = (number.get(..4), number.get(4..)) else { return false };
    let in_form = matches!(head, [a, b, c, d] if a.is_ascii_uppercase() && b.is_ascii_uppercase()
        && c.is_ascii_digit() && d.is_ascii_digit());
    if !in_form || tail.len() > 30 || !tail.iter().all(u8::is_ascii_alphanumeric) {
        return false;
    }
    let remainder = tail.iter().chain(head).try_fold(0_u32, |rest, byte| {
        let digit = char::from(*byte).to_digit(36)?;
        Some((rest * if digit > 9 { 100 } else { 10 } + digit) % 97)
    });
    remainder == Some(1)
}

/// The digits of a number that has nothing else.
fn digits_of(number: &str) -> Option<Vec<u32>> {
    // No register's number is longer; a hostile one may be.
    if number.is_empty() || number.len() > 64 {
        return None;
    }
    number.chars().map(|letter| letter.to_digit(10)).collect()
}

/// The digits, and the last one apart.
fn split_check(number: &str) -> Option<(Vec<u32>, u32)> {
    let mut digits = digits_of(number)?;
    let check = digits.pop()?;
    Some((digits, check))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_register_knows_its_numbers() {
        for (scheme, right, wrong) in [
            ("0007", "5567321707", "5567321708"),
            ("0088", "7300010000001", "7300010000002"),
            ("0151", "51824753556", "51824753557"),
            ("0184", "DK16356706", "DK1635670"),
            ("0192", "974760673", "974760674"),
            ("0201", "A1B2C3", "A1B2C"),
            ("0208", "0202239951", "0202239952"),
            ("0210", "RSSMRA85T10A562S", "RSSMRA85T10A56"),
            ("0210", "12345678903", "1234567890A"),
            ("0211", "IT12345678903", "IT12345678901"),
            ("9907", "12345678903", "X"),
        ] {
            assert_eq!(rule_of(scheme, right), None, "{scheme} {right}");
            assert!(rule_of(scheme, wrong).is_some(), "{scheme} {wrong}");
            assert_eq!(rule_of(scheme, "").is_some(), scheme != "0211", "{scheme}, nothing");
        }
        assert_eq!(rule_of("0211", "SI12345678"), None);
        assert_eq!(rule_of("0160", "anything"), None);
        assert!(rule_of("0088", &"1".repeat(1_000)).is_some());
    }

    #[test]
    fn an_iban_is_known_by_its_check_digits() {
        assert!(is_iban("DE02 1203 0000 0000 2020 51"));
        assert!(is_iban("GB29NWBK60161331926819"));
        for wrong in ["", "DE", "DE03120300000000202051", "de02120300000000202051", "DE0212030000000020205é"] {
            assert!(!is_iban(wrong), "{wrong}");
        }
    }
}
