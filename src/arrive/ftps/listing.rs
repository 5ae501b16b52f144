//! How entries look: to people and old programs (LIST), by name (NLST), and to programs (MLST, MLSD).

use crate::domain::Timestamp;
use crate::land::{Entry, EntryKind};

use super::guest::Facts;

/// As `ls -l` shows it. No standard says how; this is what every client reads.
pub(super) fn long(entry: &Entry, now: Timestamp) -> String {
    let mode = match entry.kind {
        EntryKind::Folder => "drwx------",
        EntryKind::File => "-rw-------",
    };
    let half_a_year = 180 * 24 * 3_600;
    let is_recent = (now.seconds() - entry.modified.seconds()).abs() < half_a_year;
    let when = moment(entry.modified, if is_recent { "%b %e %H:%M" } else { "%b %e  %Y" });
    format!("{mode} 1 waybill waybill {:>12} {when} {}", entry.size_bytes, entry.name)
}

/// Facts and the name (RFC 3659 section 7.2).
pub(super) fn facts(entry: &Entry, facts: Facts) -> String {
    let mut text = String::new();
    let (kind, perm) = match entry.kind {
        EntryKind::Folder => ("dir", "cel"),
        EntryKind::File => ("file", "adfrw"),
    };
    if facts.kind {
        text.push_str(&format!("type={kind};"));
    }
    if facts.size && entry.kind == EntryKind::File {
        text.push_str(&format!("size={};", entry.size_bytes));
    }
    if facts.modify {
        text.push_str(&format!("modify={};", time_val(entry.modified)));
    }
    if facts.perm {
        text.push_str(&format!("perm={perm};"));
    }
    format!("{text} {}", entry.name)
}

/// `YYYYMMDDHHMMSS.sss` in UTC (RFC 3659 section 2.3).
pub(super) fn time_val(moment_at: Timestamp) -> String {
    moment(moment_at, "%Y%m%d%H%M%S")
}

fn moment(at: Timestamp, form: &str) -> String {
    jiff::Timestamp::from_second(at.seconds())
        .map(|at| at.to_zoned(jiff::tz::TimeZone::UTC).strftime(form).to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_look_as_clients_expect_them() {
        let entry = Entry {
            name: "a b.edi".to_owned(),
            kind: EntryKind::File,
            size_bytes: 1234,
            modified: Timestamp::from_micros(1_772_503_447_500_000),
        };
        let now = Timestamp::from_micros(1_772_600_000_000_000);
        assert_eq!(long(&entry, now), "-rw------- 1 waybill waybill         1234 Mar  3 02:04 a b.edi");
        let later = Timestamp::from_micros(1_872_600_000_000_000);
        assert_eq!(long(&entry, later), "-rw------- 1 waybill waybill         1234 Mar  3  2026 a b.edi");
        assert_eq!(facts(&entry, Facts::ALL), "type=file;size=1234;modify=20260303020407;perm=adfrw; a b.edi");
        let folder = Entry { name: "drop".to_owned(), kind: EntryKind::Folder, ..entry };
        let only = Facts { kind: true, size: true, modify: false, perm: false };
        assert_eq!(facts(&folder, only), "type=dir; drop");
    }
}
