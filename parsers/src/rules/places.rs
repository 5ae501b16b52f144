//! Where the fields of a document stand in its original.

use std::cell::OnceCell;

use crate::Location;
use crate::canonical::Evidence;

/// Looks fields up: the field itself, or else the nearest part around it that is known. Nothing is put in
/// order before the first look, since most documents break no rule.
#[derive(Debug)]
pub(crate) struct Places<'a> {
    evidence: &'a [Evidence],
    parts: &'a [(String, Location)],
    whole: Location,
    order: OnceCell<Vec<Place>>,
}

/// What is known of a name, the best first: its own text, its place, the first field of the part it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Field(usize),
    Part(usize),
    Around(usize),
}

impl<'a> Places<'a> {
    /// From the evidence of a document, the places of its parts, and the place of the whole.
    pub(crate) fn new(evidence: &'a [Evidence], parts: &'a [(String, Location)], whole: Location) -> Self {
        Self { evidence, parts, whole, order: OnceCell::new() }
    }

    /// Where a field stands; where its part does if the field is not there: `lines[2].net_price`, else
    /// `lines[2]`, else the document. The document as a whole is a point: its start.
    pub(crate) fn locate(&self, field: &str) -> Location {
        let mut part = field;
        loop {
            if let Some((_, location, _)) = self.find(part) {
                return location.clone();
            }
            match part.rsplit_once('.') {
                Some((around, _)) => part = around,
                None => return Location { len: 0, ..self.whole.clone() },
            }
        }
    }

    /// The text of a field as it was written.
    pub(crate) fn raw(&self, field: &str) -> Option<&'a str> {
        self.find(field).and_then(|(_, _, raw)| raw)
    }

    /// Every text as it was written, with its field.
    pub(crate) fn evidence(&self) -> &'a [Evidence] {
        self.evidence
    }

    fn find(&self, name: &str) -> Option<(&'a str, &'a Location, Option<&'a str>)> {
        let order = self.order.get_or_init(|| self.in_order());
        let known = |place: &Place| self.at(*place).map_or("", |(known, ..)| known);
        let first = order.partition_point(|place| known(place) < name);
        order.get(first).and_then(|place| self.at(*place)).filter(|(known, ..)| *known == name)
    }

    fn in_order(&self) -> Vec<Place> {
        let fields = (0..self.evidence.len()).flat_map(|index| [Place::Field(index), Place::Around(index)]);
        let mut order: Vec<Place> = fields.chain((0..self.parts.len()).map(Place::Part)).collect();
        order.sort_unstable_by(|one, other| {
            let name = |place: &Place| self.at(*place).map_or("", |(name, ..)| name);
            name(one).cmp(name(other)).then(one.cmp(other))
        });
        order
    }

    /// The name of a place, where it is, and its text if it is a field's.
    fn at(&self, place: Place) -> Option<(&'a str, &'a Location, Option<&'a str>)> {
        match place {
            Place::Field(index) => {
                let item = self.evidence.get(index)?;
                Some((item.field.as_str(), &item.at, Some(item.raw.as_str())))
            }
            Place::Part(index) => self.parts.get(index).map(|(name, at)| (name.as_str(), at, None)),
            Place::Around(index) => {
                let item = self.evidence.get(index)?;
                let (part, _) = item.field.as_str().rsplit_once('.').unwrap_or_default();
                Some((part, &item.at, None))
            }
        }
    }

    /// No places at all.
    #[cfg(test)]
    pub(crate) fn nowhere() -> Self {
        Self::new(&[], &[], Location::file())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(field: &str, byte: u64) -> Evidence {
        Evidence::new(field, Location::new(byte, 1, ""), "1")
    }

    #[test]
    fn a_missing_field_is_where_its_part_is() {
        let evidence = [evidence("lines[0].net_amount", 20)];
        let parts = [("lines[0]".to_owned(), Location::new(10, 1, ""))];
        let places = Places::new(&evidence, &parts, Location::new(5, 1, ""));
        assert_eq!(places.locate("lines[0].net_amount").byte, 20);
        assert_eq!(places.locate("lines[0].item.name").byte, 10);
        assert_eq!(places.locate("number").byte, 5);
        assert_eq!(places.raw("lines[0].net_amount"), Some("1"));
    }

    #[test]
    fn a_part_whose_place_is_not_known_is_where_its_first_field_is() {
        let evidence = [evidence("lines[1].quantity", 30), evidence("lines[1].net_price", 40)];
        let places = Places::new(&evidence, &[], Location::new(5, 1, ""));
        assert_eq!(places.locate("lines[1].net_amount").byte, 30);
        assert_eq!(places.raw("lines[1]"), None);
    }
}
