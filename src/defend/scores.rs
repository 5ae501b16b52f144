//! Points that leak away, for a bounded number of names: the one heard of longest ago makes room.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::time::{Duration, Instant};

/// What somebody has collected, and of which kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Score<const KINDS: usize> {
    /// Thousandths of a point.
    millis: u64,
    at: Instant,
    turn: u64,
    pub(super) counts: [u32; KINDS],
}

/// The scores of all.
#[derive(Debug)]
pub(super) struct Scores<K, const KINDS: usize> {
    of: HashMap<K, Score<KINDS>>,
    /// In the order in which they were heard of last.
    by_turn: BTreeMap<u64, K>,
    turn: u64,
}

impl<K: Hash + Eq + Clone, const KINDS: usize> Scores<K, KINDS> {
    pub(super) fn new() -> Self {
        Self { of: HashMap::new(), by_turn: BTreeMap::new(), turn: 0 }
    }

    /// Adds points; what is there then, a begun point as one: so many failures in a row are so many points, although
    /// a little has leaked away meanwhile.
    pub(super) fn add(&mut self, key: &K, kind: usize, points: u32, leak: Leak, max: usize, now: Instant) -> u64 {
        let known = self.of.get(key).copied();
        if let Some(known) = known {
            self.by_turn.remove(&known.turn);
        }
        while known.is_none() && self.of.len() >= max.max(1) {
            let Some((_, oldest)) = self.by_turn.pop_first() else { break };
            self.of.remove(&oldest);
        }
        self.turn += 1;
        let mut score = known.unwrap_or(Score { millis: 0, at: now, turn: 0, counts: [0; KINDS] });
        score.millis = leak.left(score.millis, now.saturating_duration_since(score.at));
        if score.millis == 0 {
            score.counts = [0; KINDS];
        }
        score.millis = score.millis.saturating_add(u64::from(points).saturating_mul(1_000));
        (score.at, score.turn) = (now, self.turn);
        if let Some(count) = score.counts.get_mut(kind) {
            *count = count.saturating_add(1);
        }
        self.by_turn.insert(self.turn, key.clone());
        self.of.insert(key.clone(), score);
        score.millis.div_ceil(1_000)
    }

    /// The points there are now; a begun one counts, for what leaked away within a second.
    pub(super) fn points(&self, key: &K, leak: Leak, now: Instant) -> u64 {
        let Some(score) = self.of.get(key) else { return 0 };
        leak.left(score.millis, now.saturating_duration_since(score.at)).div_ceil(1_000)
    }

    /// Forgets one; what it had.
    pub(super) fn take(&mut self, key: &K) -> Option<Score<KINDS>> {
        let score = self.of.remove(key)?;
        self.by_turn.remove(&score.turn);
        Some(score)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        assert_eq!(self.of.len(), self.by_turn.len());
        self.of.len()
    }
}

/// How fast points go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leak {
    pub(super) points: u32,
    pub(super) window: Duration,
}

impl Leak {
    fn left(self, millis: u64, elapsed: Duration) -> u64 {
        let gone = elapsed.as_micros().saturating_mul(u128::from(self.points)).saturating_mul(1_000)
            / self.window.as_micros().max(1);
        millis.saturating_sub(u64::try_from(gone).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAK: Leak = Leak { points: 15, window: Duration::from_secs(1800) };

    #[test]
    fn points_leak_away_evenly() {
        let (mut scores, start) = (Scores::<&str, 2>::new(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(scores.add(&"a", 0, 10, LEAK, 10, start), 10);
        assert_eq!(scores.points(&"a", LEAK, at(600)), 5);
        assert_eq!(scores.add(&"a", 1, 2, LEAK, 10, at(600)), 7);
        assert_eq!(scores.points(&"a", LEAK, at(600 + 839)), 1);
        assert_eq!(scores.points(&"a", LEAK, at(600 + 840)), 0);
        assert_eq!(scores.points(&"b", LEAK, start), 0);
        assert_eq!(scores.take(&"a").unwrap().counts, [1, 1]);
        // One failure every two minutes is never enough; one every minute is, in half an hour.
        let slow = (0..1_000).map(|turn| scores.add(&"slow", 0, 1, LEAK, 10, at(turn * 120))).max();
        assert_eq!(slow, Some(1));
        assert!((0..60).any(|turn| scores.add(&"quick", 0, 1, LEAK, 10, at(turn * 60)) >= 15));
    }

    #[test]
    fn whoever_was_heard_of_longest_ago_makes_room() {
        let (mut scores, start) = (Scores::<u64, 1>::new(), Instant::now());
        scores.add(&0, 0, 5, LEAK, 100, start);
        for other in 1..100_000 {
            scores.add(&other, 0, 1, LEAK, 100, start);
            // Who goes on is not forgotten for the many.
            if other % 50 == 0 {
                scores.add(&0, 0, 0, LEAK, 100, start);
            }
            assert!(scores.len() <= 100);
        }
        assert_eq!(scores.points(&0, LEAK, start), 5);
        assert_eq!(scores.points(&1, LEAK, start), 0);
        assert!(scores.of.capacity() < 1_000);
    }
}
