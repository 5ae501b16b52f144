//! The segments of an 810 and the loops they stand in: where we are, and its path.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::short::Short;

/// Every segment an 810 may hold in 003010 to 008010, sorted, with the loop controls LS and LE that may
/// stand anywhere (X12.6 §3.12). ITA and IT8 are of the 003xxx versions.
const SEGMENTS: [&str; 55] = [
    "AMT", "BAL", "BIG", "CAD", "CRC", "CTP", "CTT", "CUR", "DMG", "DTM", "FA1", "FA2", "FOB", "INC", "ISS", "IT1",
    "IT3", "IT8", "ITA", "ITD", "L7", "LE", "LM", "LQ", "LS", "MEA", "MSG", "MTX", "N1", "N2", "N3", "N4", "N9", "NM1",
    "NTE", "PAM", "PER", "PID", "PKG", "PO4", "PWK", "QTY", "R4", "REF", "SAC", "SDQ", "SE", "SLN", "SR", "ST", "TC2",
    "TDS", "TXI", "V1", "YNQ",
];

/// Which loop we are in, beside the line's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loop {
    Line,
    Party,
    Charge,
    Subline,
    Other,
}

/// Where the segment being read stands.
pub(super) struct Loops {
    open: Vec<Open>,
    header: Counts,
    unknown: HashMap<Vec<u8>, u32>,
    path: Leaf,
}

struct Open {
    kind: Loop,
    members: &'static [&'static [u8]],
    leaf: Leaf,
    counts: Counts,
}

/// A segment within its parent: `IT1[3]`.
#[derive(Default, Clone)]
struct Leaf {
    id: Cow<'static, str>,
    ordinal: u32,
    /// It opened the innermost loop, which is thus its own path.
    opens: bool,
    /// It is unknown: no loop of ours is its parent.
    stray: bool,
}

struct Counts([u32; SEGMENTS.len()]);

/// Distinct unknown ids counted one by one; more of them are counted together.
const UNKNOWN_IDS_MAX: usize = 1_000;

impl Loops {
    pub(super) fn new() -> Self {
        Self { open: Vec::new(), header: Counts::new(), unknown: HashMap::new(), path: Leaf::default() }
    }

    /// Steps on to the segment with this id; `false` when an 810 has no such segment.
    pub(super) fn step(&mut self, id: &[u8]) -> bool {
        let known = SEGMENTS.binary_search_by(|known| known.as_bytes().cmp(id));
        let Some((index, name)) = known.ok().and_then(|index| Some((index, *SEGMENTS.get(index)?))) else {
            self.step_unknown(id);
            return false;
        };
        while self.open.last().is_some_and(|open| !open.holds(id)) {
            self.open.pop();
        }
        let counts = self.open.last_mut().map_or(&mut self.header, |open| &mut open.counts);
        let ordinal = counts.next(index);
        let opened = opening(id);
        let leaf = Leaf { id: Cow::Borrowed(name), ordinal, opens: opened.is_some(), stray: false };
        self.path = leaf.clone();
        if let Some((kind, members)) = opened {
            self.open.push(Open { kind, members, leaf, counts: Counts::new() });
        }
        true
    }

    /// In the loop of a line, or in one within it.
    pub(super) fn in_line(&self) -> bool {
        self.open.first().is_some_and(|open| open.kind == Loop::Line)
    }

    /// The innermost loop; `None` at the level of the transaction set.
    pub(super) fn innermost(&self) -> Option<Loop> {
        self.open.last().map(|open| open.kind)
    }

    /// Adds the path of the current segment below its transaction set: `IT1[3]/PID[1]`.
    pub(super) fn add_path(&self, path: &mut Short) {
        if self.path.stray {
            return self.path.add_to(path);
        }
        for (depth, open) in self.open.iter().enumerate() {
            if depth > 0 {
                path.push_str("/");
            }
            open.leaf.add_to(path);
        }
        if !self.path.opens {
            if !self.open.is_empty() {
                path.push_str("/");
            }
            self.path.add_to(path);
        }
    }

    /// An unknown segment belongs to no loop we know: its path is that of the transaction set.
    fn step_unknown(&mut self, id: &[u8]) {
        let name: String =
            String::from_utf8_lossy(id).chars().filter(|char| char.is_ascii_alphanumeric()).take(3).collect();
        let name = if name.is_empty() { "?".to_owned() } else { name };
        let key = if self.unknown.len() < UNKNOWN_IDS_MAX { name.as_bytes() } else { b"" };
        let count = self.unknown.entry(key.to_vec()).or_default();
        *count = count.saturating_add(1);
        self.path = Leaf { id: Cow::Owned(name), ordinal: *count, opens: false, stray: true };
    }
}

impl Open {
    fn holds(&self, id: &[u8]) -> bool {
        match self.kind {
            // A line's loop holds everything until the next line or the summary area.
            Loop::Line => !matches!(id, b"IT1" | b"TDS" | b"CTT" | b"ISS" | b"AMT" | b"SE"),
            _ => self.members.contains(&id),
        }
    }
}

/// The loop a segment opens, and the segments that stay in it.
fn opening(id: &[u8]) -> Option<(Loop, &'static [&'static [u8]])> {
    match id {
        b"IT1" => Some((Loop::Line, &[])),
        b"N1" => Some((Loop::Party, &[b"N2", b"N3", b"N4", b"REF", b"PER", b"DMG"])),
        b"SAC" => Some((Loop::Charge, &[b"TXI"])),
        b"SLN" => Some((Loop::Subline, &[b"DTM", b"REF", b"PID", b"SAC", b"TC2", b"TXI"])),
        b"N9" => Some((Loop::Other, &[b"MSG"])),
        b"LM" => Some((Loop::Other, &[b"LQ"])),
        b"V1" => Some((Loop::Other, &[b"R4", b"DTM"])),
        b"FA1" => Some((Loop::Other, &[b"FA2"])),
        b"ISS" => Some((Loop::Other, &[b"PID"])),
        _ => None,
    }
}

impl Counts {
    fn new() -> Self {
        Self([0; SEGMENTS.len()])
    }

    fn next(&mut self, index: usize) -> u32 {
        self.0.get_mut(index).map_or(0, |count| {
            *count = count.saturating_add(1);
            *count
        })
    }
}

impl Leaf {
    fn add_to(&self, path: &mut Short) {
        path.push_str(&self.id);
        path.push_str("[");
        path.push_number(u64::from(self.ordinal));
        path.push_str("]");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_segments_are_sorted() {
        assert!(SEGMENTS.is_sorted());
    }

    #[test]
    fn paths_follow_the_loops() {
        let mut loops = Loops::new();
        let paths: Vec<String> =
            "BIG N1 N3 REF N1 N3 ITD IT1 PID SAC TXI N1 N3 IT1 PID SLN PID ZZQ PID TDS TXI SAC TXI CTT"
                .split(' ')
                .map(|id| {
                    loops.step(id.as_bytes());
                    let mut path = Short::new();
                    loops.add_path(&mut path);
                    path.into()
                })
                .collect();
        let expected = "BIG[1] N1[1] N1[1]/N3[1] N1[1]/REF[1] N1[2] N1[2]/N3[1] ITD[1] IT1[1] IT1[1]/PID[1] IT1[1]/SAC[1] \
                        IT1[1]/SAC[1]/TXI[1] IT1[1]/N1[1] IT1[1]/N1[1]/N3[1] IT1[2] IT1[2]/PID[1] IT1[2]/SLN[1] \
                        IT1[2]/SLN[1]/PID[1] ZZQ[1] IT1[2]/SLN[1]/PID[2] TDS[1] TXI[1] SAC[1] SAC[1]/TXI[1] CTT[1]";
        assert_eq!(paths.join(" "), expected);
    }
}
