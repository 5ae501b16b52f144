//! The segments of a transaction set and the loops they stand in: where we are, and its path.

use std::collections::BTreeMap;

use crate::path::Steps;

/// What a transaction set may hold, in every version we read.
pub(super) struct Grammar {
    /// Its identifier code (element 143): `810`.
    pub(super) set: &'static str,
    /// What one set of it is, for people: `invoice`.
    pub(super) document: &'static str,
    /// Its segments, with the loop controls LS and LE that may stand anywhere (X12.6 §3.12).
    pub(super) segments: Known,
    /// The loop a segment opens.
    pub(super) opening: fn(&[u8]) -> Option<(Loop, Members)>,
}

/// What stays inside a loop.
#[derive(Clone, Copy)]
pub(super) enum Members {
    Only(&'static [Key]),
    /// Everything but what begins the loop's next repetition or the area after it.
    AllBut(&'static [Key]),
}

/// A segment's id as a number; what is longer than an id may be is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key(u32);

impl Key {
    const fn of(id: &[u8]) -> Self {
        Self(match *id {
            [a, b] => u32::from_be_bytes([a, b, 0, 0]),
            [a, b, c] => u32::from_be_bytes([a, b, c, 0]),
            _ => 0,
        })
    }

    /// Where it stands among the known.
    const fn place(self) -> usize {
        (self.0.wrapping_mul(0x9e37_79b1) >> 24) as usize
    }
}

/// A set of ids in which each is found at its first place, or a few further on: no search, for every segment of
/// every file is looked up.
pub(super) struct Known([Key; Known::PLACES]);

#[expect(clippy::indexing_slicing, reason = "a place is less than there are, and this is run by the compiler")]
impl Known {
    /// Several times as many as any set has.
    const PLACES: usize = 256;

    pub(super) const fn of<const N: usize>(ids: [&str; N]) -> Self {
        let keys = keys(ids);
        let mut places = [Key(0); Self::PLACES];
        let mut at = 0;
        while at < N {
            let mut place = keys[at].place();
            while places[place].0 != 0 {
                place = (place + 1) % Self::PLACES;
            }
            places[place] = keys[at];
            at += 1;
        }
        Self(places)
    }
}

impl Known {
    #[inline]
    fn know(&self, key: Key) -> bool {
        let mut place = key.place();
        // It ends at a place that is empty: most are.
        while let Some(known) = self.0.get(place % Self::PLACES).filter(|known| known.0 != 0) {
            if *known == key {
                return true;
            }
            place += 1;
        }
        false
    }
}

/// The keys of these ids, made by the compiler.
#[expect(clippy::indexing_slicing, reason = "a constant function has no iterators, and this is run by the compiler")]
pub(super) const fn keys<const N: usize>(ids: [&str; N]) -> [Key; N] {
    let mut keys = [Key(0); N];
    let mut at = 0;
    while at < N {
        keys[at] = Key::of(ids[at].as_bytes());
        at += 1;
    }
    keys
}

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
    /// How often each id was met at the level of the set, then in each open loop.
    counts: Vec<(Key, u32)>,
    unknown: BTreeMap<String, u32>,
    /// The path of the transaction set, the open loops, and the segment.
    path: Steps,
    /// How many steps the path of the set has.
    depth: usize,
    /// The path of an unknown segment, which no loop of ours is the parent of.
    stray: Option<Steps>,
}

struct Open {
    kind: Loop,
    members: Members,
    /// Where its counts begin.
    counts: usize,
}

/// Distinct unknown ids counted one by one; more of them are counted together.
const UNKNOWN_IDS_MAX: usize = 1_000;

impl Loops {
    /// `set` is the path of the transaction set.
    pub(super) fn new(grammar: &'static Grammar, set: Steps) -> Self {
        Self {
            grammar,
            open: Vec::with_capacity(4),
            counts: Vec::with_capacity(24),
            unknown: BTreeMap::new(),
            path: set,
            depth: set.depth(),
            stray: None,
        }
    }

    /// Steps on to the segment with this id; `false` when the set has no such segment.
    #[inline]
    pub(super) fn step(&mut self, id: &[u8]) -> bool {
        let key = Key::of(id);
        if !self.grammar.segments.know(key) {
            self.step_unknown(id);
            return false;
        }
        while let Some(open) = self.open.last()
            && !open.members.hold(key)
        {
            self.counts.truncate(open.counts);
            self.open.pop();
        }
        self.stray = None;
        self.path.truncate(self.depth + self.open.len());
        let ordinal = self.count(key);
        self.path.push(id, ordinal);
        if let Some((kind, members)) = (self.grammar.opening)(id) {
            self.open.push(Open { kind, members, counts: self.counts.len() });
        }
        true
    }

    /// The path of the segment.
    #[inline]
    pub(super) fn path(&self) -> &Steps {
        self.stray.as_ref().unwrap_or(&self.path)
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

    /// One more segment of this kind in the innermost loop.
    #[inline]
    fn count(&mut self, key: Key) -> u32 {
        let first = self.open.last().map_or(0, |open| open.counts);
        for (known, count) in self.counts.get_mut(first..).unwrap_or_default() {
            if *known == key {
                *count = count.saturating_add(1);
                return *count;
            }
        }
        self.counts.push((key, 1));
        1
    }

    /// An unknown segment belongs to no loop we know: its path is that of the transaction set.
    fn step_unknown(&mut self, id: &[u8]) {
        let name: String =
            String::from_utf8_lossy(id).chars().filter(|char| char.is_ascii_alphanumeric()).take(3).collect();
        let name = if name.is_empty() { "?".to_owned() } else { name };
        let key = if self.unknown.len() < UNKNOWN_IDS_MAX { name.as_str() } else { "" };
        let count = self.unknown.entry(key.to_owned()).or_default();
        *count = count.saturating_add(1);
        let mut set = self.path;
        set.truncate(self.depth);
        self.stray = Some(set.within(name.as_bytes(), *count));
    }
}

impl Members {
    fn hold(self, key: Key) -> bool {
        match self {
            Self::Only(members) => members.contains(&key),
            Self::AllBut(others) => !others.contains(&key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x12::{acknowledgment_997, adjustment_812, advice_824, invoice_810, remittance_820};

    #[test]
    fn a_grammar_knows_its_segments_and_no_others() {
        for grammar in [
            &invoice_810::GRAMMAR,
            &adjustment_812::GRAMMAR,
            &remittance_820::GRAMMAR,
            &advice_824::GRAMMAR,
            &acknowledgment_997::GRAMMAR,
        ] {
            let knows = |id: &str| grammar.segments.know(Key::of(id.as_bytes()));
            assert!(["ST", "SE", "LS", "LE"].into_iter().all(knows), "{}", grammar.set);
            assert!(!["", "S", "SX", "ZZQ", "STST"].into_iter().any(knows), "{}", grammar.set);
        }
    }

    fn paths(grammar: &'static Grammar, ids: &str) -> String {
        let mut loops = Loops::new(grammar, Steps::new());
        let paths = ids.split(' ').map(|id| {
            loops.step(id.as_bytes());
            loops.path().to_string()
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
