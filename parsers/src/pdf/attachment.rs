//! The invoice among a PDF's attachments.

use std::collections::HashSet;

use super::Nothing;
use super::file::{Fault, File};
use super::value::{Dict, Value, text};

/// The names invoices are attached by, the surest first: Factur-X and ZUGFeRD 2.1 on, ZUGFeRD 2.0, ZUGFeRD 1,
/// XRechnung.
const NAMES: [&str; 3] = ["factur-x.xml", "zugferd-invoice.xml", "xrechnung.xml"];

/// So many nodes and attachments are looked at.
const LOOKED_AT_MAX: usize = 10_000;

/// An attached XML file.
#[derive(Debug)]
pub(super) struct Attachment {
    pub(super) name: String,
    pub(super) content: Vec<u8>,
    /// Where its bytes begin in the PDF, and how many they are there.
    pub(super) start: usize,
    pub(super) len: usize,
}

/// The attached invoice; without one of the known names, the first XML file that is attached.
pub(super) fn find(bytes: &[u8], inflated_max: usize) -> Result<Attachment, Nothing> {
    let nothing = |fault| Nothing { fault: Some(fault), names: Vec::new() };
    let mut file = File::open(bytes, inflated_max).map_err(nothing)?;
    let catalog = file.catalog().ok_or_else(|| nothing(Fault::Broken))?;
    let attached = attached(&mut file, &catalog);
    let rank = |name: &str| {
        let lower = name.to_ascii_lowercase();
        let known = NAMES.iter().position(|known| *known == lower);
        known.or_else(|| lower.ends_with(".xml").then_some(NAMES.len()))
    };
    let best = attached.iter().filter_map(|(name, stream)| Some((rank(name)?, name, stream))).min_by_key(|best| best.0);
    let Some((_, name, reference)) = best else {
        let names = attached.iter().map(|(name, _)| name.chars().take(60).collect()).collect();
        return Err(Nothing { fault: None, names });
    };
    let stream = file.stream(reference).ok_or_else(|| nothing(Fault::Broken))?;
    let content = file.content(&stream).map_err(nothing)?;
    // A name is part of every path: as short as any that is meant.
    let name = name.chars().take(60).collect();
    Ok(Attachment { name, content, start: stream.start, len: stream.end - stream.start })
}

/// Every attachment: its name, and the reference of its stream.
fn attached(file: &mut File<'_>, catalog: &Dict) -> Vec<(String, Value)> {
    let mut attached = Vec::new();
    let mut seen = HashSet::new();
    let mut nodes = Vec::new();
    if let Some(names) = file.dict(catalog.get("Names")) {
        nodes.extend(names.get("EmbeddedFiles").cloned());
    }
    // A name tree (7.9.6), from its first leaf to its last.
    while let Some(node) = nodes.pop() {
        if let Value::Reference(number) = node
            && !seen.insert(number)
        {
            continue;
        }
        if seen.len() > LOOKED_AT_MAX || attached.len() > LOOKED_AT_MAX {
            break;
        }
        let Some(node) = file.dict(Some(&node)) else { continue };
        if let Some(Value::Array(pairs)) = node.get("Names").cloned().and_then(|names| file.resolve(&names)) {
            for pair in pairs.chunks_exact(2).take(LOOKED_AT_MAX) {
                attached.extend(pair.last().and_then(|specification| named(file, specification)));
            }
        }
        if let Some(Value::Array(kids)) = node.get("Kids").cloned().and_then(|kids| file.resolve(&kids)) {
            nodes.extend(kids.into_iter().take(LOOKED_AT_MAX).rev().filter(|kid| matches!(kid, Value::Reference(_))));
        }
    }
    // PDF/A-3 lists them at the document as well; some writers only there.
    if let Some(Value::Array(files)) = catalog.get("AF").cloned().and_then(|files| file.resolve(&files)) {
        for specification in files.iter().take(LOOKED_AT_MAX) {
            attached.extend(named(file, specification));
        }
    }
    let mut streams = HashSet::new();
    attached.retain(|(_, stream)| matches!(stream, Value::Reference(number) if streams.insert(*number)));
    attached
}

/// A file specification (7.11.3) with an embedded file.
fn named(file: &mut File<'_>, specification: &Value) -> Option<(String, Value)> {
    let specification = file.dict(Some(specification))?;
    let embedded = file.dict(specification.get("EF"))?;
    let stream =
        embedded.get("F").or_else(|| embedded.get("UF")).filter(|stream| matches!(stream, Value::Reference(_)))?;
    let name = specification.get("UF").or_else(|| specification.get("F")).cloned();
    match name.and_then(|name| file.resolve(&name)) {
        Some(Value::Text(name)) => Some((text(&name), stream.clone())),
        _ => None,
    }
}
