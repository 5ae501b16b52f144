//! Which prefix means which namespace where (Namespaces in XML 1.0).

use std::hash::{BuildHasher, RandomState};

use super::stream::Space;
use super::tag::Run;
use super::vocabulary::Vocabulary;

/// The declarations that are in force.
#[derive(Debug, Default)]
pub(super) struct Namespaces {
    /// Prefixes and names, one after another.
    text: String,
    bindings: Vec<Binding>,
    /// What tells these declarations, and who looks at them, from others. Nobody knows beforehand which fall
    /// together.
    declared: u64,
    seen_by: u64,
    keys: RandomState,
}

#[derive(Debug)]
struct Binding {
    prefix: Run,
    name: Run,
    /// How deep the element stands that declares it.
    depth: usize,
    /// What the vocabulary makes of it, worked out once.
    space: Space,
    /// The state before it.
    before: u64,
}

/// What a prefix means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning<'n> {
    Bound(&'n str, Space),
    /// No prefix, and no default namespace.
    Unbound,
    Undeclared,
}

impl Namespaces {
    /// How many declarations are in force.
    pub(super) fn len(&self) -> usize {
        self.bindings.len()
    }

    /// What tells a state of the namespaces from another: where it is the same, a prefix means the same.
    pub(super) fn state(&self) -> u64 {
        self.declared ^ self.seen_by
    }

    /// An element at this depth declares a prefix; the empty one is the default.
    pub(super) fn declare(&mut self, prefix: &str, name: &str, depth: usize, vocabulary: Option<&Vocabulary>) {
        let before = self.declared;
        self.declared = self.keys.hash_one((before, prefix, name));
        let prefix = self.push(prefix);
        let run = self.push(name);
        self.bindings.push(Binding { prefix, name: run, depth, space: space_of(vocabulary, name), before });
    }

    /// The element at this depth ends, and with it what it declares.
    pub(super) fn leave(&mut self, depth: usize) {
        while self.bindings.last().is_some_and(|binding| binding.depth >= depth) {
            if let Some(binding) = self.bindings.pop() {
                self.text.truncate(binding.prefix.start);
                self.declared = binding.before;
            }
        }
    }

    pub(super) fn meaning(&self, prefix: &str) -> Meaning<'_> {
        let found = self.bindings.iter().rev().find(|binding| self.text_of(binding.prefix) == prefix);
        match found {
            Some(binding) if binding.name.start < binding.name.end => {
                Meaning::Bound(self.text_of(binding.name), binding.space)
            }
            _ if prefix.is_empty() => Meaning::Unbound,
            None if prefix == "xml" => Meaning::Bound("http://www.w3.org/XML/1998/namespace", Space::Foreign),
            _ => Meaning::Undeclared,
        }
    }

    /// From here on the namespaces are seen as another vocabulary sees them.
    pub(super) fn speak(&mut self, vocabulary: Option<&Vocabulary>) {
        self.seen_by = vocabulary.map_or(0, |vocabulary| self.keys.hash_one(vocabulary.name));
        for binding in &mut self.bindings {
            let name = self.text.get(binding.name.start..binding.name.end).unwrap_or_default();
            binding.space = space_of(vocabulary, name);
        }
    }

    fn push(&mut self, text: &str) -> Run {
        let start = self.text.len();
        self.text.push_str(text);
        Run { start, end: self.text.len() }
    }

    fn text_of(&self, run: Run) -> &str {
        self.text.get(run.start..run.end).unwrap_or_default()
    }
}

/// What a vocabulary makes of a namespace; `""` stands for none.
pub(super) fn space_of(vocabulary: Option<&Vocabulary>, namespace: &str) -> Space {
    vocabulary.map_or(Space::Foreign, |vocabulary| (vocabulary.space)(namespace))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_declaration_counts_and_ends_with_its_element() {
        let mut namespaces = Namespaces::default();
        let bound = |name| Meaning::Bound(name, Space::Foreign);
        assert_eq!(namespaces.meaning(""), Meaning::Unbound);
        assert_eq!(namespaces.meaning("a"), Meaning::Undeclared);
        assert!(matches!(namespaces.meaning("xml"), Meaning::Bound(..)));
        namespaces.declare("", "urn:one", 1, None);
        namespaces.declare("a", "urn:a", 1, None);
        namespaces.declare("", "", 2, None);
        namespaces.declare("a", "urn:b", 3, None);
        assert_eq!((namespaces.meaning(""), namespaces.meaning("a")), (Meaning::Unbound, bound("urn:b")));
        let state = namespaces.state();
        namespaces.leave(3);
        assert_ne!(namespaces.state(), state);
        namespaces.declare("a", "urn:b", 3, None);
        assert_eq!(namespaces.state(), state);
        namespaces.leave(3);
        assert_eq!((namespaces.meaning(""), namespaces.meaning("a")), (Meaning::Unbound, bound("urn:a")));
        namespaces.leave(2);
        assert_eq!(namespaces.meaning(""), bound("urn:one"));
        namespaces.leave(1);
        assert_eq!((namespaces.meaning(""), namespaces.len()), (Meaning::Unbound, 0));
    }
}
