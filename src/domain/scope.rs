//! Whose data a caller may see. No query runs without one.

use super::id::OrganisationId;

/// The right to see one organisation's rows, or, for an operator, all of them. A foreign id is, through a
/// scope, not there.
///
/// The two constructors are called by the code that has just checked a credential, and by nothing else:
/// a house rule lists those files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    organisation: Option<OrganisationId>,
    principal: String,
}

impl Scope {
    /// For a caller who has proved to belong to this organisation. `principal` names the credential in
    /// the log.
    #[must_use]
    pub fn of_organisation(organisation: OrganisationId, principal: impl Into<String>) -> Self {
        Self { organisation: Some(organisation), principal: principal.into() }
    }

    /// For a caller who has proved to be an operator, and for the house's own work.
    #[must_use]
    pub fn operator(principal: impl Into<String>) -> Self {
        Self { organisation: None, principal: principal.into() }
    }

    /// The one organisation it shows; `None` shows all.
    #[must_use]
    pub fn organisation(&self) -> Option<OrganisationId> {
        self.organisation
    }

    #[must_use]
    pub fn is_operator(&self) -> bool {
        self.organisation.is_none()
    }

    #[must_use]
    pub fn principal(&self) -> &str {
        &self.principal
    }
}
