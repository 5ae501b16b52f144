//! The segment groups of a message: which of them a segment stands in, and its path.
//!
//! The directories of thirty years number and nest their groups differently; which segment opens a group
//! and which ones stay in it has hardly changed. So we follow triggers, not one directory's tables.

use super::segment::Tag;

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

/// Distinct tags counted one by one under one parent; more of them are counted together.
const TAGS_MAX: usize = 200;

/// Where the segment being read stands.
pub(super) struct Groups {
    grammar: &'static Grammar,
    /// The message, and the groups open in it; frames past `depth` are kept for their memory.
    frames: Vec<Frame>,
    depth: usize,
    tag: Tag,
    ordinal: u32,
    /// The segment opened the innermost group, which is thus its own path.
    opens: bool,
}

struct Frame {
    group: Group,
    tag: Tag,
    ordinal: u32,
    counts: Vec<(Tag, u32)>,
}

impl Groups {
    pub(super) fn new(grammar: &'static Grammar) -> Self {
        let message = Frame { group: Group::Message, tag: *b"UNH", ordinal: 1, counts: Vec::with_capacity(16) };
        Self { grammar, frames: vec![message], depth: 1, tag: *b"UNH", ordinal: 1, opens: true }
    }

    /// Steps on to the segment with this tag.
    pub(super) fn step(&mut self, tag: Tag) {
        while self.depth > 1 && !(self.grammar.holds)(self.innermost(), &tag) {
            self.depth -= 1;
        }
        let Some(parent) = self.frames.get_mut(self.depth - 1) else { return };
        self.ordinal = parent.next(tag);
        self.tag = tag;
        let opened = (self.grammar.opens)(&tag);
        self.opens = opened.is_some();
        if let Some(group) = opened {
            self.open(group);
        }
    }

    /// The innermost group the segment stands in, or opened.
    pub(super) fn innermost(&self) -> Group {
        self.frames.get(self.depth - 1).map_or(Group::Message, |frame| frame.group)
    }

    /// The group around the innermost one.
    pub(super) fn outer(&self) -> Group {
        self.depth.checked_sub(2).and_then(|at| self.frames.get(at)).map_or(Group::Message, |frame| frame.group)
    }

    /// Whether such a group is open.
    pub(super) fn within(&self, group: Group) -> bool {
        self.frames.get(..self.depth).unwrap_or_default().iter().any(|frame| frame.group == group)
    }

    /// Writes the path of the current segment below its message: `LIN[3]/MOA[1]`.
    pub(super) fn write_path(&self, path: &mut String) {
        for frame in self.frames.get(1..self.depth).unwrap_or_default() {
            write_step(path, frame.tag, frame.ordinal);
        }
        if !self.opens {
            write_step(path, self.tag, self.ordinal);
        }
    }

    /// Groups nest four deep at most; what a grammar opens beyond that is not entered.
    fn open(&mut self, group: Group) {
        const DEPTH_MAX: usize = 8;
        if self.depth >= DEPTH_MAX {
            return;
        }
        let (tag, ordinal) = (self.tag, self.ordinal);
        match self.frames.get_mut(self.depth) {
            Some(frame) => {
                (frame.group, frame.tag, frame.ordinal) = (group, tag, ordinal);
                frame.counts.clear();
            }
            None => self.frames.push(Frame { group, tag, ordinal, counts: Vec::with_capacity(8) }),
        }
        self.depth += 1;
    }
}

impl Frame {
    fn next(&mut self, tag: Tag) -> u32 {
        let found = self.counts.iter().position(|(known, _)| *known == tag);
        let slot = match found {
            None if self.counts.len() >= TAGS_MAX => TAGS_MAX - 1,
            None => {
                self.counts.push((tag, 0));
                self.counts.len() - 1
            }
            Some(slot) => slot,
        };
        self.counts.get_mut(slot).map_or(1, |(_, count)| {
            *count = count.saturating_add(1);
            *count
        })
    }
}

/// `/LIN[3]`.
fn write_step(path: &mut String, tag: Tag, ordinal: u32) {
    path.push('/');
    path.push_str(std::str::from_utf8(&tag).unwrap_or("???"));
    path.push('[');
    match u8::try_from(ordinal) {
        Ok(digit @ 0..=9) => path.push(char::from(b'0' + digit)),
        _ => path.push_str(&ordinal.to_string()),
    }
    path.push(']');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edifact::invoic;

    #[test]
    fn paths_follow_the_groups() {
        let mut groups = Groups::new(&invoic::GRAMMAR);
        let tags = "BGM DTM RFF DTM NAD RFF CTA COM NAD CUX PAT DTM ALC MOA TAX MOA LIN IMD MOA PRI ALC MOA TAX MOA LIN \
                    MOA MOA UNS MOA MOA TAX MOA ALC MOA";
        let paths: Vec<String> = tags
            .split_whitespace()
            .map(|tag| {
                groups.step(tag.as_bytes().try_into().unwrap());
                let mut path = String::new();
                groups.write_path(&mut path);
                path
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
