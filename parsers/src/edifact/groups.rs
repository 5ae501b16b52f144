//! The segment groups of a message: which of them a segment stands in, and its path.
//!
//! The directories of thirty years number and nest their groups differently; which segment opens a group
//! and which ones stay in it has hardly changed. So we follow triggers, not one directory's tables.

use super::segment::Tag;
use crate::path::Steps;

/// A group, by the segment that opens it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    /// The message itself.
    Message,
    /// NAD.
    Party,
    /// CTA.
    Contact,
    /// RFF.
    Reference,
    /// CUX.
    Currency,
    /// PAT, PYT.
    Terms,
    /// TAX.
    Tax,
    /// ALC.
    Allowance,
    /// LIN.
    Line,
    /// EFI.
    File,
    /// PRI.
    Price,
    /// DOC of a remittance advice.
    Settled,
    /// AJT.
    Adjustment,
    /// DLI: a line of a settled document.
    SettledLine,
    /// ERC of an APERAK; UCM, UCF and UCS of a CONTRL.
    Fault,
}

/// What a kind of message makes of segments.
pub(super) struct Grammar {
    /// The group a segment opens.
    pub(super) opens: fn(&Tag) -> Option<Group>,
    /// Whether a group holds a segment.
    pub(super) holds: fn(Group, &Tag) -> bool,
}

/// So many groups are entered, one within the other.
const DEPTH_MAX: usize = 7;
/// Distinct tags counted one by one under one parent; more of them are counted together.
const TAGS_MAX: usize = 200;

/// Where the segment being read stands.
pub(super) struct Groups {
    grammar: &'static Grammar,
    /// The groups open in the message, each with the place where its counts begin.
    open: Vec<(Group, usize)>,
    /// The same as a set, a bit for each.
    within: u32,
    /// How often each tag was met in the message itself, then in each open group.
    counts: Vec<(Tag, u32)>,
    /// The path of the message, the open groups, and the segment.
    path: Steps,
    /// How many steps the path of the message has.
    depth: usize,
}

impl Groups {
    /// `message` is the path of the message.
    pub(super) fn new(grammar: &'static Grammar, message: Steps) -> Self {
        Self {
            grammar,
            open: Vec::with_capacity(4),
            within: 0,
            counts: Vec::with_capacity(24),
            path: message,
            depth: message.depth(),
        }
    }

    /// Steps on to the segment with this tag.
    #[inline]
    pub(super) fn step(&mut self, tag: Tag) {
        while let Some((group, counts)) = self.open.last()
            && !(self.grammar.holds)(*group, &tag)
        {
            self.counts.truncate(*counts);
            self.open.pop();
            self.within = self.open.iter().fold(0, |within, (group, _)| within | 1 << *group as u32);
        }
        self.path.truncate(self.depth + self.open.len());
        let ordinal = self.count(tag);
        self.path.push(&tag, ordinal);
        // Groups nest four deep at most; what a grammar opens beyond that is not entered.
        if let Some(group) = (self.grammar.opens)(&tag)
            && self.open.len() < DEPTH_MAX
        {
            self.open.push((group, self.counts.len()));
            self.within |= 1 << group as u32;
        }
    }

    /// The path of the segment.
    #[inline]
    pub(super) fn path(&self) -> &Steps {
        &self.path
    }

    /// The innermost group the segment stands in, or opened.
    pub(super) fn innermost(&self) -> Group {
        self.open.last().map_or(Group::Message, |(group, _)| *group)
    }

    /// The group around the innermost one.
    pub(super) fn outer(&self) -> Group {
        self.open.iter().nth_back(1).map_or(Group::Message, |(group, _)| *group)
    }

    /// Whether such a group is open.
    #[inline]
    pub(super) fn within(&self, group: Group) -> bool {
        self.within & (1 << group as u32) != 0
    }

    /// One more segment with this tag in the innermost group.
    #[inline]
    fn count(&mut self, tag: Tag) -> u32 {
        let first = self.open.last().map_or(0, |(_, counts)| *counts);
        let among = self.counts.get_mut(first..).unwrap_or_default();
        let known = among.iter().position(|(known, _)| *known == tag);
        let slot = known.or_else(|| (among.len() >= TAGS_MAX).then_some(TAGS_MAX - 1));
        match slot.and_then(|slot| among.get_mut(slot)) {
            Some((_, count)) => {
                *count = count.saturating_add(1);
                *count
            }
            None => {
                self.counts.push((tag, 1));
                1
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edifact::invoic;

    #[test]
    fn paths_follow_the_groups() {
        let mut groups = Groups::new(&invoic::GRAMMAR, Steps::new());
        let tags = "BGM DTM RFF DTM NAD RFF CTA COM NAD CUX PAT DTM ALC MOA TAX MOA LIN IMD MOA PRI ALC MOA TAX MOA LIN \
                    MOA MOA UNS MOA MOA TAX MOA ALC MOA";
        let paths: Vec<String> = tags
            .split_whitespace()
            .map(|tag| {
                groups.step(tag.as_bytes().try_into().unwrap());
                format!("/{}", groups.path())
            })
            .collect();
        let expected = "/BGM[1] /DTM[1] /RFF[1] /RFF[1]/DTM[1] /NAD[1] /NAD[1]/RFF[1] /NAD[1]/CTA[1] /NAD[1]/CTA[1]/COM[1] \
                        /NAD[2] /CUX[1] /PAT[1] /PAT[1]/DTM[1] /ALC[1] /ALC[1]/MOA[1] /ALC[1]/TAX[1] /ALC[1]/TAX[1]/MOA[1] \
                        /LIN[1] /LIN[1]/IMD[1] /LIN[1]/MOA[1] /LIN[1]/PRI[1] /LIN[1]/ALC[1] /LIN[1]/ALC[1]/MOA[1] \
                        /LIN[1]/ALC[1]/TAX[1] /LIN[1]/ALC[1]/TAX[1]/MOA[1] /LIN[2] /LIN[2]/MOA[1] /LIN[2]/MOA[2] /UNS[1] \
                        /MOA[1] /MOA[2] /TAX[1] /TAX[1]/MOA[1] /ALC[2] /ALC[2]/MOA[1]";
        assert_eq!(paths.join(" "), expected.split_whitespace().collect::<Vec<_>>().join(" "));
    }
}
