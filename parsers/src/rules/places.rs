//! Where the fields of a document stand in its original.

use std::collections::HashMap;

use crate::Location;
use crate::canonical::Evidence;

/// Looks fields up: the field itself, or else the nearest part around it that is known.
#[derive(Debug)]
pub(crate) struct Places<'a> {
    fields: HashMap<&'a str, (&'a Location, Option<&'a str>)>,
    whole: Location,
}

impl<'a> Places<'a> {
    /// From the evidence of a document, the places of its parts, and the place of the whole.
    pub(crate) fn new(evidence: &'a [Evidence], parts: &'a [(String, Location)], whole: Location) -> Self {
        let mut fields = HashMap::with_capacity(evidence.len() + parts.len());
        for (field, location) in parts {
            fields.insert(field.as_str(), (location, None));
        }
        for item in evidence {
            fields.insert(item.field.as_str(), (&item.at, Some(item.raw.as_str())));
        }
        Self { fields, whole }
    }

    /// Where a field stands; where its part does if the field is not there: `lines[2].net_price`, else
    /// `lines[2]`, else the document. The document as a whole is a point: its start.
    pub(crate) fn locate(&self, field: &str) -> Location {
        let mut part = field;
        loop {
            if let Some((location, _)) = self.fields.get(part) {
                return (*location).clone();
            }
            match part.rsplit_once('.') {
                Some((around, _)) => part = around,
                None => return Location { len: 0, ..self.whole.clone() },
            }
        }
    }

    /// The text of a field as it was written.
    pub(crate) fn raw(&self, field: &str) -> Option<&'a str> {
        self.fields.get(field).and_then(|(_, raw)| *raw)
    }

    /// No places at all.
    #[cfg(test)]
    pub(crate) fn nowhere() -> Self {
        Self { fields: HashMap::new(), whole: Location::file() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_field_is_where_its_part_is() {
        let at = |byte| Location::new(byte, 1, "");
        let evidence = [Evidence::new("lines[0].net_amount", at(20), "1")];
        let parts = [("lines[0]".to_owned(), at(10))];
        let places = Places::new(&evidence, &parts, at(5));
        assert_eq!(places.locate("lines[0].net_amount").byte, 20);
        assert_eq!(places.locate("lines[0].item.name").byte, 10);
        assert_eq!(places.locate("number").byte, 5);
        assert_eq!(places.raw("lines[0].net_amount"), Some("1"));
    }
}
