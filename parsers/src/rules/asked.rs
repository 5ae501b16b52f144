//! The rules a profile asks for, whatever a document says of itself: `rules = "en16931"`, `"sums"`, `"none"`.
//!
//! A reader holds its documents to what they state, and need know nothing of this. Between the reader and
//! the receiver the published rules it told of are kept, weighed anew or dropped; and where EN 16931 is
//! asked for, a document is held to those rules its reader did not ask.

use std::collections::BTreeSet;

use super::{Claim, Places, catalogue, check};
use crate::canonical::{Body, Document};
use crate::profile::Rules;
use crate::{Finding, Profile, Severity};

/// What the one profile of a file asks for.
pub(crate) struct Asked {
    rules: Rules,
    /// The rules told of the document that comes next.
    told: BTreeSet<&'static str>,
}

/// What must add up, which even a document that claims nothing is told of.
const SUMS: [&str; 8] =
    ["BR-CO-10", "BR-CO-11", "BR-CO-12", "BR-CO-13", "BR-CO-14", "BR-CO-15", "BR-CO-16", "BR-CO-17"];

impl Asked {
    /// `None` where it is left to the documents: no profile, or several candidates, or one that says so.
    pub(crate) fn of(profiles: &[Profile]) -> Option<Self> {
        let [profile] = profiles else { return None };
        let rules = profile.rules.filter(|rules| *rules != Rules::AsStated)?;
        Some(Self { rules, told: BTreeSet::new() })
    }

    /// How much a finding weighs; `None` drops it. Only published rules are weighed: their code is their id.
    pub(crate) fn weigh(&mut self, finding: &Finding) -> Option<Severity> {
        let rule = finding.code.as_str();
        if !rule.starts_with(|first: char| first.is_ascii_uppercase()) {
            return Some(finding.severity);
        }
        match self.rules {
            Rules::AsStated => Some(finding.severity),
            Rules::None => None,
            Rules::Sums => SUMS.contains(&rule).then(|| {
                self.told.insert(rule);
                Severity::Warning
            }),
            Rules::En16931 => {
                self.told.insert(rule);
                Some(catalogue::explain(rule).map_or(finding.severity, |known| known.severity))
            }
        }
    }

    /// What the rules asked for say of a document beyond what its reader has said.
    pub(crate) fn of_document(&mut self, document: &Document, findings_max: usize) -> Vec<Finding> {
        let told = std::mem::take(&mut self.told);
        let (Body::Invoice(invoice), Some(claim)) = (&document.body, self.claim()) else { return Vec::new() };
        let places = Places::new(&document.evidence, &[], document.location.clone());
        let mut findings = check(invoice, &places, claim, findings_max);
        findings.retain(|finding| !told.contains(finding.code.as_str()));
        findings.into_iter().map(|finding| finding.in_document(document.ordinal)).collect()
    }

    fn claim(&self) -> Option<Claim> {
        match self.rules {
            Rules::En16931 => Some(Claim::En16931),
            Rules::Sums => Some(Claim::None),
            Rules::AsStated | Rules::None => None,
        }
    }
}
