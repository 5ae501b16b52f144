//! The segments of an 810 and the loops they open.

use crate::x12::loops::{Grammar, Known, Loop, Members, keys};

/// Every segment an 810 may hold in 003010 to 008010. ITA and IT8 are of the 003xxx versions.
pub(in crate::x12) static GRAMMAR: Grammar = Grammar {
    set: "810",
    document: "invoice",
    segments: Known::of([
        "AMT", "BAL", "BIG", "CAD", "CRC", "CTP", "CTT", "CUR", "DMG", "DTM", "FA1", "FA2", "FOB", "INC", "ISS", "IT1",
        "IT3", "IT8", "ITA", "ITD", "L7", "LE", "LM", "LQ", "LS", "MEA", "MSG", "MTX", "N1", "N2", "N3", "N4", "N9",
        "NM1", "NTE", "PAM", "PER", "PID", "PKG", "PO4", "PWK", "QTY", "R4", "REF", "SAC", "SDQ", "SE", "SLN", "SR",
        "ST", "TC2", "TDS", "TXI", "V1", "YNQ",
    ]),
    opening,
};

fn opening(id: &[u8]) -> Option<(Loop, Members)> {
    match id {
        // A line's loop holds everything until the next line or the summary area.
        b"IT1" => Some((Loop::Line, Members::AllBut(const { &keys(["IT1", "TDS", "CTT", "ISS", "AMT", "SE"]) }))),
        b"N1" => Some((Loop::Party, Members::Only(const { &keys(["N2", "N3", "N4", "REF", "PER", "DMG"]) }))),
        b"SAC" => Some((Loop::Charge, Members::Only(const { &keys(["TXI"]) }))),
        b"SLN" => Some((Loop::Subline, Members::Only(const { &keys(["DTM", "REF", "PID", "SAC", "TC2", "TXI"]) }))),
        b"N9" => Some((Loop::Other, Members::Only(const { &keys(["MSG"]) }))),
        b"LM" => Some((Loop::Other, Members::Only(const { &keys(["LQ"]) }))),
        b"V1" => Some((Loop::Other, Members::Only(const { &keys(["R4", "DTM"]) }))),
        b"FA1" => Some((Loop::Other, Members::Only(const { &keys(["FA2"]) }))),
        b"ISS" => Some((Loop::Other, Members::Only(const { &keys(["PID"]) }))),
        _ => None,
    }
}
