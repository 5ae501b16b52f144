//! Which bytes of an upload have come: a few runs, in order.

/// Sorted, disjoint, non-adjacent runs of bytes that have been written.
#[derive(Debug, Default, Clone)]
pub(super) struct Extents(Vec<(u64, u64)>);

/// An upload with more separate runs than this is refused: no client sends like that.
const RUNS_MAX: usize = 4_096;

impl Extents {
    /// One run from byte 0.
    pub(super) fn prefix(len: u64) -> Self {
        if len == 0 { Self::default() } else { Self(vec![(0, len)]) }
    }

    /// Adds a run; `false` when there are too many.
    pub(super) fn add(&mut self, from: u64, to: u64) -> bool {
        if from >= to {
            return true;
        }
        // The common case: the next bytes of the last run.
        if let Some(last) = self.0.last_mut()
            && last.1 == from
        {
            last.1 = to;
            return true;
        }
        let start = self.0.partition_point(|run| run.1 < from);
        let end = self.0.partition_point(|run| run.0 <= to);
        let merged = self
            .0
            .get(start..end)
            .and_then(|runs| Some((runs.first()?.0.min(from), runs.last()?.1.max(to))))
            .unwrap_or((from, to));
        self.0.splice(start..end, [merged]);
        self.0.len() <= RUNS_MAX
    }

    /// The end of the last run.
    pub(super) fn len(&self) -> u64 {
        self.0.last().map_or(0, |run| run.1)
    }

    /// How many bytes there are from byte 0 without a gap.
    pub(super) fn contiguous(&self) -> u64 {
        self.0.first().filter(|run| run.0 == 0).map_or(0, |run| run.1)
    }

    /// The first gap before the end.
    pub(super) fn gap(&self) -> Option<(u64, u64)> {
        let contiguous = self.contiguous();
        let next = self.0.iter().map(|run| run.0).find(|start| *start > contiguous)?;
        Some((contiguous, next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_merge_whatever_order_they_come_in() {
        let mut extents = Extents::default();
        for (from, to) in [(10, 20), (30, 40), (0, 5), (20, 30), (5, 10)] {
            assert!(extents.add(from, to));
        }
        assert_eq!(extents.0, [(0, 40)]);
        assert_eq!(extents.gap(), None);
    }

    #[test]
    fn a_gap_is_found_and_overlaps_are_not_gaps() {
        let mut extents = Extents::prefix(10);
        extents.add(5, 8);
        extents.add(20, 30);
        assert_eq!(extents.gap(), Some((10, 20)));
        assert_eq!((extents.contiguous(), extents.len()), (10, 30));
        extents.add(0, 100);
        assert_eq!((extents.gap(), extents.len()), (None, 100));
        let mut late = Extents::default();
        late.add(5, 9);
        assert_eq!((late.contiguous(), late.gap()), (0, Some((0, 5))));
    }

    #[test]
    fn any_order_of_pieces_makes_the_whole() {
        for stride in [1_u64, 3, 7, 11, 13] {
            let mut extents = Extents::default();
            for step in 0..100_u64 {
                let piece = (step * stride) % 100;
                extents.add(piece * 4, piece * 4 + 4);
            }
            assert_eq!((extents.contiguous(), extents.gap()), (400, None), "stride {stride}");
        }
    }
}
