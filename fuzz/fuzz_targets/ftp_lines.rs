//! A control connection in pieces of any size: lines come out bounded and in order, whatever the pieces.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../src/arrive"]
mod arrive {
    pub mod ftps {
        pub mod lines;

        fn heard(said: &[u8], size: usize, line_max: usize) -> (Vec<Vec<u8>>, bool) {
            let mut lines = lines::Lines::new(line_max);
            let (mut heard, mut rest) = (Vec::new(), said);
            loop {
                while let Some(line) = lines.next() {
                    let Ok(line) = line else { return (heard, true) };
                    assert!(line.len() < line_max && !line.contains(&b'\n'));
                    heard.push(line);
                }
                let count = size.min(lines.room()).min(rest.len());
                if count == 0 {
                    assert!(rest.is_empty(), "no room, and nothing to say");
                    return (heard, false);
                }
                let (here, more) = rest.split_at(count);
                lines.push(here);
                rest = more;
            }
        }

        pub fn check(input: &[u8]) {
            let [size, line_max, said @ ..] = input else { return };
            let (size, line_max) = (usize::from(*size).max(1), usize::from(*line_max).max(1));
            assert_eq!(heard(said, size, line_max), heard(said, usize::MAX, line_max));
        }
    }
}

fuzz_target!(|input: &[u8]| arrive::ftps::check(input));
