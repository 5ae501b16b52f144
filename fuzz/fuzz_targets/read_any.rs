//! Any bytes, read as whatever they look like: no panic, and every place that is named lies inside.
#![no_main]

use std::io::BufReader;
use std::ops::ControlFlow;

use libfuzzer_sys::fuzz_target;
use waybill_parsers::{Context, Event, Limits, Location, profile, read};

fuzz_target!(|bytes: &[u8]| {
    let context = Context { profiles: profile::built_in(), limits: Limits::default() };
    let end = bytes.len() as u64;
    // Of an archive or a PDF, places are those inside of the file that was unpacked.
    let head = &bytes[..bytes.len().min(1024)];
    let is_packed = head.starts_with(b"PK") || head.starts_with(&[0x1f, 0x8b]) || head.windows(5).any(|w| w == b"%PDF-");
    let inside = |place: &Location| {
        if is_packed {
            return;
        }
        assert!(place.byte + u64::from(place.len) <= end, "{place:?} is outside of {end} bytes");
    };
    // In pieces of seven bytes, so that every token is cut somewhere.
    let mut input = BufReader::with_capacity(7, bytes);
    // A halt is an answer too: the file passed a limit.
    let _ = read(&mut input, &context, &mut |event| {
        match event {
            Event::Document(document) => {
                inside(&document.location);
                document.evidence.iter().for_each(|evidence| inside(&evidence.at));
            }
            Event::Finding(finding) => inside(&finding.location),
            Event::Unlisted { .. } => {}
        }
        ControlFlow::Continue(())
    });
});
