//! Who pays and who is paid: `PartyIdentification`, `CashAccount`, `FinancialInstitutionIdentification` in
//! the shapes they have had from version to version.

use crate::canonical::{Account, Address, Contact, Identifier, Party, Text};
use crate::xml::element::Element;

/// A party; newer versions wrap it in a choice (`Dbtr/Pty`).
pub(super) fn party(element: Element<'_>) -> Party {
    let element = element.child("Pty").unwrap_or(element);
    let mut party = Party {
        name: element.text_at(&["Nm"]),
        address: element.child("PstlAdr").map(address),
        contact: element.child("CtctDtls").map(contact),
        ..Party::default()
    };
    let organisation = element.at(&["Id", "OrgId"]);
    let person = element.at(&["Id", "PrvtId"]);
    let id = |scheme: &str, value: Option<String>| {
        value.map(|value| Identifier { scheme: scheme_of(scheme), value: value.into() })
    };
    if let Some(organisation) = organisation {
        let bic = ["AnyBIC", "BICOrBEI", "BIC"].iter().find_map(|name| organisation.text_at(&[name]));
        party.ids.extend(id("bic", bic.map(Into::into)));
        party.ids.extend(id("lei", organisation.text_at(&["LEI"]).map(Into::into)));
    }
    for other in organisation.into_iter().chain(person).flat_map(|holder| holder.children("Othr")) {
        let scheme = other.text_at(&["SchmeNm", "Cd"]).or_else(|| other.text_at(&["SchmeNm", "Prtry"]));
        party.ids.extend(other.text_at(&["Id"]).map(|value| Identifier { scheme, value }));
    }
    party
}

fn scheme_of(scheme: &str) -> Option<Text> {
    Some(scheme.into())
}

fn address(element: Element<'_>) -> Address {
    let mut lines = Vec::new();
    let street = element.text_at(&["StrtNm"]);
    let number = element.text_at(&["BldgNb"]);
    match (street, number) {
        (Some(street), Some(number)) => lines.push(format!("{street} {number}").into()),
        (street, number) => lines.extend(street.or(number)),
    }
    lines.extend(element.children("AdrLine").filter_map(Element::value).map(Text::from));
    Address {
        lines,
        city: element.text_at(&["TwnNm"]),
        postal_code: element.text_at(&["PstCd"]),
        region: element.text_at(&["CtrySubDvsn"]),
        country: element.text_at(&["Ctry"]),
    }
}

fn contact(element: Element<'_>) -> Contact {
    Contact {
        name: element.text_at(&["Nm"]),
        phone: element.text_at(&["PhneNb"]).or_else(|| element.text_at(&["MobNb"])),
        email: element.text_at(&["EmailAdr"]),
    }
}

/// An account, if it has a number: an IBAN or another.
pub(super) fn account(element: Element<'_>) -> Option<Account> {
    let number = element.text_at(&["Id", "IBAN"]).or_else(|| element.text_at(&["Id", "Othr", "Id"]));
    let number = number.or_else(|| element.text_at(&["Id", "PrtryAcct", "Id"]));
    let name = element.text_at(&["Nm"]);
    (number.is_some() || name.is_some()).then_some(Account { number, bank: None, name })
}

/// The bank of an agent: its BIC, or its number in a clearing system.
pub(super) fn bank(agent: Element<'_>) -> Option<Identifier> {
    let institution = agent.child("FinInstnId")?;
    // The first versions wrapped both in a combination.
    let institution = institution.child("CmbndId").unwrap_or(institution);
    if let Some(value) = ["BICFI", "BIC"].iter().find_map(|name| institution.text_at(&[name])) {
        return Some(Identifier { scheme: scheme_of("bic"), value });
    }
    if let Some(member) = institution.child("ClrSysMmbId") {
        let scheme = member.text_at(&["ClrSysId", "Cd"]).or_else(|| member.text_at(&["ClrSysId", "Prtry"]));
        return member.text_at(&["MmbId"]).map(|value| Identifier { scheme, value });
    }
    institution.text_at(&["Othr", "Id"]).map(|value| Identifier { scheme: None, value })
}

/// Puts a bank into an account, which need not have a number for that.
pub(super) fn at_bank(account: Option<Account>, bank: Option<Identifier>) -> Option<Account> {
    match (account, bank) {
        (None, None) => None,
        (account, bank) => {
            let account = account.unwrap_or_default();
            Some(Account { bank: bank.or(account.bank), ..account })
        }
    }
}
