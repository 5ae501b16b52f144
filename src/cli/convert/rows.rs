//! Tables: one kind of documents each, the first one's, in the columns of Waybill's own profiles.

use std::collections::HashSet;
use std::io::{self, Write};

use waybill_parsers::canonical::Body;
use waybill_parsers::csv::{Outcome, Writer as Table};
use waybill_parsers::profile::{Documents, built_in};
use waybill_parsers::{Document, Profile};

use super::pen::{Pen, Written, read_back};

/// The table, once it is known of what.
#[derive(Default)]
pub(super) struct Rows {
    table: Option<(Documents, Table)>,
    /// The profile that reads it.
    profile: Vec<Profile>,
    /// The numbers that are in it, each with whose it is.
    numbers: HashSet<String>,
    last: String,
}

impl Pen for Rows {
    fn write(&mut self, document: &Document, out: &mut dyn Write) -> io::Result<Written> {
        let Some(kind) = Table::documents_of(document) else {
            return Ok(Written::Not("there is no table for this kind of document".to_owned()));
        };
        let (documents, table) = self.table.get_or_insert_with(|| (kind, Table::new(kind)));
        if kind != *documents {
            return Ok(Written::Not("a table holds one kind of documents, and this is another".to_owned()));
        }
        // Rows of one number that follow each other are the lines of one document.
        let number = document.number().unwrap_or_default();
        let key = format!("{number}\n{}", whose(document));
        let is_told = !number.is_empty() && kind != Documents::Voucher;
        if is_told && (number == self.last || self.numbers.contains(&key)) {
            return Ok(Written::Not(
                "its number is in the table already, and a table tells documents by it".to_owned(),
            ));
        }
        if self.profile.is_empty() {
            self.profile = profile_of(kind);
        }
        let mut alone = Vec::new();
        if let Outcome::NotWritten(why) = Table::new(kind).write(document, &mut alone)? {
            return Ok(Written::Not(why.to_owned()));
        }
        let written = read_back(&document.body, &alone, &self.profile);
        if !matches!(written, Written::Not(_)) {
            table.write(document, out)?;
            number.clone_into(&mut self.last);
            self.numbers.insert(key);
        }
        Ok(written)
    }
}

/// By what a table tells the documents of one number apart.
fn whose(document: &Document) -> String {
    let id = match &document.body {
        Body::Invoice(invoice) => invoice.seller.ids.first().map(|id| id.value.as_str()),
        Body::Vendor(vendor) => vendor.site_code.as_deref(),
        _ => None,
    };
    format!("{}\n{}", id.unwrap_or_default(), document.seller().unwrap_or_default())
}

/// The profile that reads such a table.
fn profile_of(documents: Documents) -> Vec<Profile> {
    let is_it = |profile: &&Profile| profile.documents == Some(documents) && profile.name.starts_with("waybill-");
    built_in().iter().filter(is_it).cloned().collect()
}
