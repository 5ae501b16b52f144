//! The segments of a transaction set and the loops they stand in: where we are, and its path.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::short::Short;

/// What a transaction set may hold, in every version we read.
pub(super) struct Grammar {
    /// Its identifier code (element 143): `810`.
    pub(super) set: &'static str,
    /// What one set of it is, for people: `invoice`.
    pub(super) document: &'static str,
    /// The ids of its segments, sorted, with the loop controls LS and LE that may stand anywhere
    /// (X12.6 §3.12).
    pub(super) segments: &'static [&'static str],
    /// The loop a segment opens.
    pub(super) opening: fn(&[u8]) -> Option<(Loop, Members)>,
}

/// What stays inside a loop.
#[derive(Clone, Copy)]
pub(super) enum Members {
    Only(&'static [&'static [u8]]),
    /// Everything but what begins the loop's next repetition or the area after it.
    AllBut(&'static [&'static [u8]]),
}

/// No grammar has more segments than this.
const SEGMENTS_MAX: usize = 64;

/// Which loop we are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loop {
    /// IT1 of an 810, CDD of an 812.
    Line,
    Party,
    Charge,
    Subline,
    /// ENT of an 820.
    Entity,
    /// RMR of an 820, RMT of an old one.
    Settled,
    /// ADX of an 820.
    Adjustment,
    /// OTI of an 824.
    Original,
    /// TED of an 824, AK3 or IK3 of a 997 or 999.
    Fault,
    Other,
}

/// Where the segment being read stands.
pub(super) struct Loops {
    grammar: &'static Grammar,
    open: Vec<Open>,
    header: Counts,
    unknown: HashMap<Vec<u8>, u32>,
    path: Leaf,
}

struct Open {
    kind: Loop,
    members: Members,
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

struct Counts([u32; SEGMENTS_MAX]);

/// Distinct unknown ids counted one by one; more of them are counted together.
const UNKNOWN_IDS_MAX: usize = 1_000;

impl Loops {
    pub(super) fn new(grammar: &'static Grammar) -> Self {
        Self { grammar, open: Vec::new(), header: Counts::new(), unknown: HashMap::new(), path: Leaf::default() }
    }

    /// Steps on to the segment with this id; `false` when the set has no such segment.
    pub(super) fn step(&mut self, id: &[u8]) -> bool {
        let segments = self.grammar.segments;
        let wanted = key(id);
        let known = segments.binary_search_by(|known| key(known.as_bytes()).cmp(&wanted));
        let Some((index, name)) = known.ok().and_then(|index| Some((index, *segments.get(index)?))) else {
            self.step_unknown(id);
            return false;
        };
        while self.open.last().is_some_and(|open| !open.holds(id)) {
            self.open.pop();
        }
        let counts = self.open.last_mut().map_or(&mut self.header, |open| &mut open.counts);
        let ordinal = counts.next(index);
        let opened = (self.grammar.opening)(id);
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

    /// In a loop of this kind, or in one within it.
    pub(super) fn within(&self, kind: Loop) -> bool {
        self.open.iter().any(|open| open.kind == kind)
    }

    /// How many loops are open, one within the other.
    pub(super) fn depth(&self) -> usize {
        self.open.len()
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
                path.push_ascii(b'/');
            }
            open.leaf.add_to(path);
        }
        if !self.path.opens {
            if !self.open.is_empty() {
                path.push_ascii(b'/');
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
        let wanted = key(id);
        let is_among = |ids: &[&[u8]]| ids.iter().any(|id| key(id) == wanted);
        match self.members {
            Members::Only(members) => is_among(members),
            Members::AllBut(others) => !is_among(others),
        }
    }
}

impl Counts {
    fn new() -> Self {
        Self([0; SEGMENTS_MAX])
    }

    fn next(&mut self, index: usize) -> u32 {
        self.0.get_mut(index).map_or(0, |count| {
            *count = count.saturating_add(1);
            *count
        })
    }
}

/// An id as a number that sorts as the id does; what is longer than an id may be is none.
fn key(id: &[u8]) -> u32 {
    match *id {
        [a, b] => u32::from_be_bytes([a, b, 0, 0]),
        [a, b, c] => u32::from_be_bytes([a, b, c, 0]),
        _ => 0,
    }
}

impl Leaf {
    fn add_to(&self, path: &mut Short) {
        for byte in self.id.bytes().filter(u8::is_ascii) {
            path.push_ascii(byte);
        }
        path.push_ascii(b'[');
        path.push_number(u64::from(self.ordinal));
        path.push_ascii(b']');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x12::{acknowledgment_997, adjustment_812, advice_824, invoice_810, remittance_820};

    #[test]
    fn the_segments_of_every_grammar_are_sorted_and_few_enough_to_be_counted() {
        for grammar in [
            &invoice_810::GRAMMAR,
            &adjustment_812::GRAMMAR,
            &remittance_820::GRAMMAR,
            &advice_824::GRAMMAR,
            &acknowledgment_997::GRAMMAR,
        ] {
            assert!(grammar.segments.is_sorted() && grammar.segments.len() <= SEGMENTS_MAX, "{}", grammar.set);
        }
    }

    fn paths(grammar: &'static Grammar, ids: &str) -> String {
        let mut loops = Loops::new(grammar);
        let paths = ids.split(' ').map(|id| {
            loops.step(id.as_bytes());
            let mut path = Short::new();
            loops.add_path(&mut path);
            path.into()
        });
        paths.collect::<Vec<String>>().join(" ")
    }

    #[test]
    fn paths_follow_the_loops() {
        let ids = "BIG N1 N3 REF N1 N3 ITD IT1 PID SAC TXI N1 N3 IT1 PID SLN PID ZZQ PID TDS TXI SAC TXI CTT";
        let expected = "BIG[1] N1[1] N1[1]/N3[1] N1[1]/REF[1] N1[2] N1[2]/N3[1] ITD[1] IT1[1] IT1[1]/PID[1] IT1[1]/SAC[1] \
                        IT1[1]/SAC[1]/TXI[1] IT1[1]/N1[1] IT1[1]/N1[1]/N3[1] IT1[2] IT1[2]/PID[1] IT1[2]/SLN[1] \
                        IT1[2]/SLN[1]/PID[1] ZZQ[1] IT1[2]/SLN[1]/PID[2] TDS[1] TXI[1] SAC[1] SAC[1]/TXI[1] CTT[1]";
        assert_eq!(paths(&invoice_810::GRAMMAR, ids), expected);
    }

    #[test]
    fn an_adjustment_belongs_to_what_it_follows() {
        let ids = "BPR N1 N3 ENT ADX NTE RMR REF ADX REF RMR DTM ENT NM1 REF RMR SE";
        let expected = "BPR[1] N1[1] N1[1]/N3[1] ENT[1] ENT[1]/ADX[1] ENT[1]/ADX[1]/NTE[1] ENT[1]/RMR[1] \
                        ENT[1]/RMR[1]/REF[1] ENT[1]/RMR[1]/ADX[1] ENT[1]/RMR[1]/ADX[1]/REF[1] ENT[1]/RMR[2] \
                        ENT[1]/RMR[2]/DTM[1] ENT[2] ENT[2]/NM1[1] ENT[2]/NM1[1]/REF[1] ENT[2]/RMR[1] SE[1]";
        assert_eq!(paths(&remittance_820::GRAMMAR, ids), expected);
    }
}
