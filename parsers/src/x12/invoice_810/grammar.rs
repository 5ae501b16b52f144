//! The segments of an 810 and the loops they open.

use crate::x12::loops::{Grammar, Loop, Members};

/// Every segment an 810 may hold in 003010 to 008010. ITA and IT8 are of the 003xxx versions.
pub(in crate::x12) static GRAMMAR: Grammar = Grammar {
    set: "810",
    document: "invoice",
    segments: &[
        "AMT", "BAL", "BIG", "CAD", "CRC", "CTP", "CTT", "CUR", "DMG", "DTM", "FA1", "FA2", "FOB", "INC", "ISS", "IT1",
        "IT3", "IT8", "ITA", "ITD", "L7", "LE", "LM", "LQ", "LS", "MEA", "MSG", "MTX", "N1", "N2", "N3", "N4", "N9",
        "NM1", "NTE", "PAM", "PER", "PID", "PKG", "PO4", "PWK", "QTY", "R4", "REF", "SAC", "SDQ", "SE", "SLN", "SR",
        "ST", "TC2", "TDS", "TXI", "V1", "YNQ",
    ],
    opening,
};

fn opening(id: &[u8]) -> Option<(Loop, Members)> {
    match id {
        // A line's loop holds everything until the next line or the summary area.
        b"IT1" => Some((Loop::Line, Members::AllBut(&[b"IT1", b"TDS", b"CTT", b"ISS", b"AMT", b"SE"]))),
        b"N1" => Some((Loop::Party, Members::Only(&[b"N2", b"N3", b"N4", b"REF", b"PER", b"DMG"]))),
        b"SAC" => Some((Loop::Charge, Members::Only(&[b"TXI"]))),
        b"SLN" => Some((Loop::Subline, Members::Only(&[b"DTM", b"REF", b"PID", b"SAC", b"TC2", b"TXI"]))),
        b"N9" => Some((Loop::Other, Members::Only(&[b"MSG"]))),
        b"LM" => Some((Loop::Other, Members::Only(&[b"LQ"]))),
        b"V1" => Some((Loop::Other, Members::Only(&[b"R4", b"DTM"]))),
        b"FA1" => Some((Loop::Other, Members::Only(&[b"FA2"]))),
        b"ISS" => Some((Loop::Other, Members::Only(&[b"PID"]))),
        _ => None,
    }
}
