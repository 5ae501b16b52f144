//! The segments of an 820 and the loops they open.

use crate::x12::loops::{Grammar, Loop, Members};

/// Every segment an 820 may hold in 003010 to 008010. BPS and RMT are of 003010 and 003020, ITA of the 003xxx
/// versions.
pub(in crate::x12) static GRAMMAR: Grammar = Grammar {
    set: "820",
    document: "payment",
    segments: &[
        "ADX", "AIN", "AMT", "ASM", "ATN", "BPR", "BPS", "CUR", "DED", "DTM", "DTP", "EMS", "ENT", "FA1", "FA2", "G53",
        "INV", "IT1", "ITA", "LE", "LOC", "LS", "LX", "N1", "N2", "N3", "N4", "N9", "NM1", "NTE", "PCT", "PEN", "PER",
        "PID", "PYD", "QTY", "RDM", "REF", "RMR", "RMT", "RPA", "RYL", "SAC", "SE", "SLN", "ST", "TRN", "TXI", "TXP",
        "VEH",
    ],
    opening,
};

fn opening(id: &[u8]) -> Option<(Loop, Members)> {
    let only = |kind, members| Some((kind, Members::Only(members)));
    match id {
        b"N1" => only(Loop::Party, &[b"N2", b"N3", b"N4", b"REF", b"PER", b"RDM", b"DTM"]),
        b"NM1" => {
            only(Loop::Other, &[b"N2", b"N3", b"N4", b"REF", b"PER", b"G53", b"AIN", b"QTY", b"DTP", b"LOC", b"PID"])
        }
        // An entity's loop holds everything until the next one or another table of the set.
        b"ENT" => Some((
            Loop::Entity,
            Members::AllBut(&[b"BPR", b"BPS", b"ENT", b"TXP", b"DED", b"LX", b"N9", b"RYL", b"LE", b"SE"]),
        )),
        b"RMR" => only(Loop::Settled, &[b"NTE", b"REF", b"DTM", b"VEH", b"IT1", b"ADX"]),
        b"RMT" => only(Loop::Settled, &[b"NTE", b"REF", b"DTM", b"ADX"]),
        b"ADX" => only(Loop::Adjustment, &[b"NTE", b"PER", b"REF", b"DTM", b"IT1"]),
        b"IT1" => only(Loop::Other, &[b"REF", b"DTM", b"SAC", b"ITA", b"TXI", b"SLN", b"RPA", b"QTY", b"PID"]),
        b"SLN" => only(Loop::Subline, &[b"REF", b"DTM", b"SAC", b"ITA", b"TXI"]),
        b"SAC" => only(Loop::Charge, &[b"TXI", b"DTM"]),
        b"FA1" => only(Loop::Other, &[b"FA2"]),
        b"TXP" => only(Loop::Other, &[b"TXI"]),
        // Contributions to pensions, deductions and royalties: not what accounts payable settles.
        b"LX" => Some((
            Loop::Other,
            Members::AllBut(&[b"LX", b"BPR", b"BPS", b"ENT", b"TXP", b"DED", b"N9", b"RYL", b"LE", b"SE"]),
        )),
        b"N9" => Some((Loop::Other, Members::AllBut(&[b"BPR", b"BPS", b"N9", b"RYL", b"LX", b"ENT", b"LE", b"SE"]))),
        b"RYL" => Some((Loop::Other, Members::AllBut(&[b"BPR", b"BPS", b"RYL", b"LE", b"SE"]))),
        _ => None,
    }
}
