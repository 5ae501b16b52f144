//! Who may do what: the table of roles and capabilities.
//!
//! Whose data somebody sees is settled before this table is asked: every question to the record is
//! asked within a [`Scope`](crate::domain::Scope), and a foreign id is not there. The table says what may be done to
//! what is there.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    SupplierViewer,
    SupplierMember,
    SupplierAdmin,
    ApViewer,
    ApClerk,
    ApManager,
    PayerAdmin,
    /// A program with a token: it may do what the token's scopes name.
    Integrator,
    Operator,
    Auditor,
}

impl Role {
    pub const ALL: [Self; 10] = [
        Self::SupplierViewer,
        Self::SupplierMember,
        Self::SupplierAdmin,
        Self::ApViewer,
        Self::ApClerk,
        Self::ApManager,
        Self::PayerAdmin,
        Self::Integrator,
        Self::Operator,
        Self::Auditor,
    ];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SupplierViewer => "supplier_viewer",
            Self::SupplierMember => "supplier_member",
            Self::SupplierAdmin => "supplier_admin",
            Self::ApViewer => "ap_viewer",
            Self::ApClerk => "ap_clerk",
            Self::ApManager => "ap_manager",
            Self::PayerAdmin => "payer_admin",
            Self::Integrator => "integrator",
            Self::Operator => "operator",
            Self::Auditor => "auditor",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// What may be done. Its name is also the scope of a token that may do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// Invoices, payments, vendors and their history.
    ReadDocuments,
    /// Submit and withdraw invoices, attach to them.
    SubmitInvoice,
    /// Write messages, open and close disputes.
    Discuss,
    AcceptDiscount,
    SetDiscountProgramme,
    /// Confirm and undo matches, decide about suspected duplicates.
    ConfirmMatch,
    /// Users, keys, tokens and the settings of one's own organisation.
    Administer,
    /// Feed profiles, reprocessing, release from quarantine.
    ManageFeeds,
    ReadIngestionLog,
    DownloadOriginals,
}

impl Capability {
    pub const ALL: [Self; 10] = [
        Self::ReadDocuments,
        Self::SubmitInvoice,
        Self::Discuss,
        Self::AcceptDiscount,
        Self::SetDiscountProgramme,
        Self::ConfirmMatch,
        Self::Administer,
        Self::ManageFeeds,
        Self::ReadIngestionLog,
        Self::DownloadOriginals,
    ];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReadDocuments => "read_documents",
            Self::SubmitInvoice => "submit_invoice",
            Self::Discuss => "discuss",
            Self::AcceptDiscount => "accept_discount",
            Self::SetDiscountProgramme => "set_discount_programme",
            Self::ConfirmMatch => "confirm_match",
            Self::Administer => "administer",
            Self::ManageFeeds => "manage_feeds",
            Self::ReadIngestionLog => "read_ingestion_log",
            Self::DownloadOriginals => "download_originals",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|capability| capability.as_str() == text)
    }

    /// Whether it changes something.
    #[must_use]
    pub fn writes(self) -> bool {
        !matches!(self, Self::ReadDocuments | Self::ReadIngestionLog | Self::DownloadOriginals)
    }
}

/// A cell of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    No,
    /// Within the organisation.
    Yes,
    /// Of what one did oneself: own sessions, own files.
    Own,
    /// Where the token names the capability.
    TokenScope,
    /// Where the user has the flag.
    Flag,
    /// Of every organisation.
    Everywhere,
    /// Of every organisation, with amounts masked where the payer wants it so.
    Masked,
    /// Of every organisation, with a reason, and the reading is audited.
    BreakGlass,
    /// Of every organisation, and the reading is audited.
    Audited,
}

/// What the table gives a role, a row for each capability, a column for each role of [`Role::ALL`].
const TABLE: [(Capability, [Grant; 10]); 10] = {
    use Grant::{Audited, BreakGlass, Everywhere, Flag, Masked, No, Own, TokenScope as Token, Yes};
    // Supplier: viewer, member, admin; AP: viewer, clerk, manager; payer admin; integrator; operator; auditor.
    [
        (Capability::ReadDocuments, [Yes, Yes, Yes, Yes, Yes, Yes, Yes, Token, Masked, Everywhere]),
        (Capability::SubmitInvoice, [No, Yes, Yes, No, No, No, No, Token, No, No]),
        (Capability::Discuss, [No, Yes, Yes, No, Yes, Yes, Yes, No, No, No]),
        (Capability::AcceptDiscount, [No, Flag, Yes, No, No, No, No, Token, No, No]),
        (Capability::SetDiscountProgramme, [No, No, No, No, No, Yes, No, No, No, No]),
        (Capability::ConfirmMatch, [No, No, No, No, Yes, Yes, Yes, No, No, No]),
        (Capability::Administer, [No, No, Yes, No, No, No, Yes, No, Everywhere, No]),
        (Capability::ManageFeeds, [No, No, No, No, Yes, Yes, Yes, Token, Everywhere, No]),
        (Capability::ReadIngestionLog, [Own, Yes, Yes, Yes, Yes, Yes, Yes, Token, Everywhere, Everywhere]),
        (Capability::DownloadOriginals, [Yes, Yes, Yes, Yes, Yes, Yes, Yes, Token, BreakGlass, Audited]),
    ]
};

/// What the table gives this role for this capability.
#[must_use]
pub fn grant(role: Role, capability: Capability) -> Grant {
    let column = Role::ALL.iter().position(|known| *known == role);
    let row = TABLE.iter().find(|(known, _)| *known == capability).map(|(_, row)| row);
    row.zip(column).and_then(|(row, column)| row.get(column)).copied().unwrap_or(Grant::No)
}

/// What else counts, besides the role.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Circumstances<'a> {
    /// The capabilities a token names.
    pub token_scopes: &'a [Capability],
    /// The user's flag: may accept discounts.
    pub may_accept_discounts: bool,
    /// Why an operator breaks the glass.
    pub reason: Option<&'a str>,
    /// The payer wants amounts masked for operators.
    pub masks_amounts: bool,
}

/// How far a grant goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    pub over: Over,
    /// Amounts are not shown.
    pub is_masked: bool,
    /// It goes into the audit, reading too.
    pub is_audited: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// What one did oneself.
    Own,
    Organisation,
    /// Every organisation.
    All,
}

/// Why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    #[error("the role {role} may not {}", capability.as_str())]
    Role { role: Role, capability: Capability },
    #[error("this token does not name the scope {}", .0.as_str())]
    Scope(Capability),
    #[error("an administrator of your organisation has to allow you to accept discounts")]
    Flag,
    #[error("give a reason: the reading of originals by an operator is audited")]
    Reason,
}

/// Whether somebody may, and how far.
///
/// # Errors
/// Not: with the reason.
pub fn may(role: Role, capability: Capability, circumstances: &Circumstances<'_>) -> Result<Reach, Forbidden> {
    let reach = |over, is_masked, is_audited| Ok(Reach { over, is_masked, is_audited });
    match grant(role, capability) {
        Grant::No => Err(Forbidden::Role { role, capability }),
        Grant::Yes => reach(Over::Organisation, false, false),
        Grant::Own => reach(Over::Own, false, false),
        Grant::TokenScope if circumstances.token_scopes.contains(&capability) => {
            reach(Over::Organisation, false, false)
        }
        Grant::TokenScope => Err(Forbidden::Scope(capability)),
        Grant::Flag if circumstances.may_accept_discounts => reach(Over::Organisation, false, false),
        Grant::Flag => Err(Forbidden::Flag),
        Grant::Everywhere => reach(Over::All, false, false),
        Grant::Masked => reach(Over::All, circumstances.masks_amounts, false),
        Grant::BreakGlass if circumstances.reason.is_some_and(|reason| !reason.trim().is_empty()) => {
            reach(Over::All, false, true)
        }
        Grant::BreakGlass => Err(Forbidden::Reason),
        Grant::Audited => reach(Over::All, false, true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table as people wrote it: a letter a role. `y` within the organisation, `o` own, `t` token scope, `f` flag,
    /// `e` everywhere, `m` masked, `b` break-glass, `a` audited.
    const WRITTEN: [(&str, &str); 10] = [
        ("read_documents", "yyyyyyytme"),
        ("submit_invoice", ".yy....t.."),
        ("discuss", ".yy.yyy..."),
        ("accept_discount", ".fy....t.."),
        ("set_discount_programme", ".....y...."),
        ("confirm_match", "....yyy..."),
        ("administer", "..y...y.e."),
        ("manage_feeds", "....yyyte."),
        ("read_ingestion_log", "oyyyyyytee"),
        ("download_originals", "yyyyyyytba"),
    ];

    #[test]
    fn every_cell_is_as_it_is_written() {
        for (name, row) in WRITTEN {
            let capability = Capability::parse(name).unwrap();
            assert_eq!(row.len(), Role::ALL.len());
            for (role, letter) in Role::ALL.into_iter().zip(row.chars()) {
                let expected = match letter {
                    'y' => Grant::Yes,
                    'o' => Grant::Own,
                    't' => Grant::TokenScope,
                    'f' => Grant::Flag,
                    'e' => Grant::Everywhere,
                    'm' => Grant::Masked,
                    'b' => Grant::BreakGlass,
                    'a' => Grant::Audited,
                    _ => Grant::No,
                };
                assert_eq!(grant(role, capability), expected, "{role} {name}");
            }
        }
    }

    #[test]
    fn a_token_may_what_it_names_and_nothing_else() {
        let scopes = [Capability::SubmitInvoice];
        let token = Circumstances { token_scopes: &scopes, ..Circumstances::default() };
        let organisation = Reach { over: Over::Organisation, is_masked: false, is_audited: false };
        assert_eq!(may(Role::Integrator, Capability::SubmitInvoice, &token), Ok(organisation));
        assert_eq!(
            may(Role::Integrator, Capability::ReadDocuments, &token),
            Err(Forbidden::Scope(Capability::ReadDocuments))
        );
        // No scope gives what the table does not.
        let all = Circumstances { token_scopes: &Capability::ALL, ..Circumstances::default() };
        assert!(may(Role::Integrator, Capability::Administer, &all).is_err());
        assert!(may(Role::SupplierViewer, Capability::SubmitInvoice, &all).is_err());
    }

    #[test]
    fn a_member_accepts_discounts_where_it_is_allowed() {
        let flagged = Circumstances { may_accept_discounts: true, ..Circumstances::default() };
        assert!(may(Role::SupplierMember, Capability::AcceptDiscount, &flagged).is_ok());
        let not = may(Role::SupplierMember, Capability::AcceptDiscount, &Circumstances::default());
        assert_eq!(not, Err(Forbidden::Flag));
        assert!(may(Role::SupplierViewer, Capability::AcceptDiscount, &flagged).is_err());
    }

    #[test]
    fn an_operator_reads_originals_with_a_reason_and_it_is_audited() {
        let because = |reason| Circumstances { reason, ..Circumstances::default() };
        let read = |reason| may(Role::Operator, Capability::DownloadOriginals, &because(reason));
        assert_eq!(read(None), Err(Forbidden::Reason));
        assert_eq!(read(Some("  ")), Err(Forbidden::Reason));
        assert!(read(Some("ticket 4711")).unwrap().is_audited);
        assert!(may(Role::Auditor, Capability::DownloadOriginals, &because(None)).unwrap().is_audited);
        let masking = Circumstances { masks_amounts: true, ..Circumstances::default() };
        assert!(may(Role::Operator, Capability::ReadDocuments, &masking).unwrap().is_masked);
        assert!(!may(Role::Auditor, Capability::ReadDocuments, &masking).unwrap().is_masked);
    }

    #[test]
    fn an_auditor_changes_nothing_and_a_viewer_neither() {
        for capability in Capability::ALL.into_iter().filter(|capability| capability.writes()) {
            for role in [Role::Auditor, Role::SupplierViewer, Role::ApViewer] {
                assert_eq!(grant(role, capability), Grant::No, "{role} {}", capability.as_str());
            }
        }
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
        assert_eq!(Role::parse("root"), None);
    }
}
