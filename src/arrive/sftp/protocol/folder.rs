//! A folder being listed: READDIR hands it out in packets of bounded size (filexfer-02 section 6.7).

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

use super::reply::{Code, Packet, status};
use crate::domain::Timestamp;
use crate::land::{Entry, EntryKind};

/// The entries of a folder and how many of them have been handed out.
#[derive(Debug)]
pub(in crate::arrive::sftp) struct Folder {
    entries: Vec<Entry>,
    told: AtomicUsize,
    /// The year it is: older entries are shown with theirs.
    now: Timestamp,
}

/// One READDIR is answered with at most this many entries and about this many bytes: OpenSSH's
/// sftp-server sends a hundred at a time.
const ENTRIES_MAX: usize = 100;
const BYTES_MAX: usize = 32 * 1024;

impl Folder {
    /// `.` and `..` lead, as everywhere: some clients take their absence for an error.
    pub(super) fn of(entries: Vec<Entry>, now: Timestamp) -> Self {
        let dots = [".", ".."].map(|name| Entry {
            name: name.to_owned(),
            kind: EntryKind::Folder,
            size_bytes: 0,
            modified: now,
        });
        Self { entries: dots.into_iter().chain(entries).collect(), told: AtomicUsize::new(0), now }
    }

    /// The next packet of entries, or EOF.
    pub(super) fn next(&self, id: u32) -> Bytes {
        let start = self.told.load(Ordering::Relaxed);
        let left = self.entries.get(start..).unwrap_or_default();
        if left.is_empty() {
            return status(id, Code::Eof, "end of listing");
        }
        let mut packet = Packet::new(104);
        packet.u32(id);
        let count_at = packet.len();
        packet.u32(0);
        let mut count = 0;
        for entry in left.iter().take(ENTRIES_MAX) {
            packet.string(entry.name.as_bytes()).string(line(entry, self.now).as_bytes()).attributes(
                entry.kind,
                entry.size_bytes,
                entry.modified,
            );
            count += 1;
            // Checked behind the entry: one always fits, names being short.
            if packet.len() > BYTES_MAX - 1024 {
                break;
            }
        }
        packet.u32_at(count_at, count);
        self.told.store(start + count, Ordering::Relaxed);
        packet.sealed()
    }
}

/// What `ls -l` shows (section 7 recommends the form; clients print it as it is).
fn line(entry: &Entry, now: Timestamp) -> String {
    let (mode, links) = match entry.kind {
        EntryKind::Folder => ("drwxr-xr-x", 2),
        EntryKind::File => ("-rw-r--r--", 1),
    };
    let when = jiff::Timestamp::from_microsecond(entry.modified.micros())
        .map(|moment| {
            // As `ls`: the time of day for half a year, then the year instead.
            let recent = now.seconds() - entry.modified.seconds() < 182 * 24 * 3600;
            moment.strftime(if recent { "%b %e %H:%M" } else { "%b %e  %Y" }).to_string()
        })
        .unwrap_or_default();
    format!("{mode}   {links:>2} {:<8} {:<8} {:>12} {when} {}", "waybill", "waybill", entry.size_bytes, entry.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_772_503_447_000_000);

    fn entry(name: String, modified: Timestamp) -> Entry {
        Entry { name, kind: EntryKind::File, size_bytes: 1234, modified }
    }

    #[test]
    fn a_line_reads_as_ls_writes_it() {
        assert_eq!(
            line(&entry("a.edi".to_owned(), NOW), NOW),
            "-rw-r--r--    1 waybill  waybill          1234 Mar  3 02:04 a.edi"
        );
        let old = NOW.plus_micros(-200 * 24 * 3600 * 1_000_000);
        assert!(line(&entry("a.edi".to_owned(), old), NOW).contains(" Aug 15  2025 a.edi"));
    }

    #[test]
    fn a_long_listing_comes_in_small_packets_and_whole() {
        let names = (0..1000).map(|number| format!("{number:0>200}")).map(|name| entry(name, NOW)).collect();
        let folder = Folder::of(names, NOW);
        let mut told = 0;
        for _ in 0..100 {
            let packet = folder.next(7);
            assert!(packet.len() <= BYTES_MAX);
            if packet[4] == 101 {
                break;
            }
            let count = u32::from_be_bytes(packet[9..13].try_into().unwrap());
            assert!(count > 0);
            told += count;
        }
        assert_eq!(told, 1002);
        assert_eq!(folder.next(7)[4], 101);
    }
}
