//! Names in TLS client certificates as accounts list them: what kind of name, and the name, whole.

/// Kinds of names: the subject's common name; names of the subject alternative name extension (RFC 5280 section
/// 4.2.1.6, and Microsoft's user principal name); the SHA-256 of the certificate itself.
const KINDS: [&str; 6] = ["cn", "dns", "email", "uri", "upn", "sha256"];

/// Longest name.
const CHARS_MAX: usize = 255;

/// A name as it is compared: `cn:Acme ERP`, `dns:erp.acme.example`. Names are compared whole and exactly, those of
/// machines in lower case.
///
/// # Errors
/// The sentence to show: it is none.
pub fn certificate_name(text: &str) -> Result<String, String> {
    let text = text.trim();
    let wrong = || {
        format!(
            "`{}` is no name in a certificate; write cn:Acme ERP, dns:erp.acme.example, email:erp@acme.example, \
             uri:spiffe://acme/erp, upn:erp@acme.example, or sha256: and the 64 digits of its fingerprint",
            text.chars().filter(|c| !c.is_control()).take(64).collect::<String>()
        )
    };
    let (kind, name) = text.split_once(':').ok_or_else(wrong)?;
    let name = match kind {
        "dns" => name.to_ascii_lowercase(),
        "sha256" => name.replace(':', "").to_ascii_lowercase(),
        _ => name.to_owned(),
    };
    let fits = match kind {
        "sha256" => name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit()),
        kind => KINDS.contains(&kind) && !name.is_empty() && name.chars().count() <= CHARS_MAX,
    };
    if !fits || name.chars().any(char::is_control) {
        return Err(wrong());
    }
    Ok(format!("{kind}:{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_of_which_kind_it_is() {
        let hash = "AB".repeat(32);
        for (written, name) in [
            ("cn:Acme ERP", "cn:Acme ERP"),
            ("dns:ERP.Acme.Example", "dns:erp.acme.example"),
            ("email:Erp@acme.example", "email:Erp@acme.example"),
            ("uri:spiffe://acme/erp", "uri:spiffe://acme/erp"),
            (&format!("sha256:{hash}"), &format!("sha256:{}", hash.to_lowercase())),
            (&format!("sha256:{}", ["AB"; 32].join(":")), &format!("sha256:{}", hash.to_lowercase())),
        ] {
            assert_eq!(certificate_name(written).as_deref(), Ok(name));
        }
        let long = format!("cn:{}", "x".repeat(256));
        for wrong in ["", "acme", "cn:", "o:Acme", "CN:acme", "cn:a\0b", "cn:a\nb", "sha256:abc", &long] {
            assert!(certificate_name(wrong).is_err(), "{wrong:?}");
        }
    }
}
