//! What is wrong with how the values of a UBL document are written, whatever they say.

use super::Kind;
use crate::canonical::Evidence;
use crate::{Code, Finding};

/// UBL-DT-01: amounts have at most two decimals, counted as the text was written, white space and all,
/// as the published rule counts them.
pub(super) fn amounts(evidence: &[Evidence], kind: Kind, findings_max: usize) -> Vec<Finding> {
    let is_amount = |field: &str| {
        let name = field.rsplit('.').next().unwrap_or(field);
        (field.starts_with("totals.") || matches!(name, "amount" | "base" | "tax" | "net_amount"))
            && !field.contains("payments")
    };
    let mut findings = Vec::new();
    for item in evidence.iter().filter(|item| is_amount(&item.field)) {
        let decimals = item.raw.split_once('.').map_or(0, |(_, decimals)| decimals.chars().count());
        if decimals > 2 && findings.len() <= findings_max {
            let name = item.at.path.rsplit('/').next().unwrap_or_default().to_owned();
            let finding = Finding::error(
                Code::rule("UBL-DT-01"),
                item.at.clone(),
                format!(
                    "`{name}` of this {} is written with {decimals} characters after the point: `{}`",
                    kind.name(),
                    item.raw.escape_debug()
                ),
                "Round the amount to two decimals, and write no white space around it.",
            );
            findings.push(finding.with_rule("UBL-DT-01").with_field(name).with_value(&item.raw));
        }
    }
    findings
}
