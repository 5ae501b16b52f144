//! An SFTP channel's bytes in pieces of any size: the same requests come out, each WRITE has exactly its data, and a
//! length that cannot be ends it.
#![no_main]
#![allow(dead_code, reason = "of the house's modules only the decoders are needed")]

use libfuzzer_sys::fuzz_target;

#[path = "../../src/arrive"]
mod arrive {
    pub mod sftp {
        pub mod protocol {
            pub mod frames;
            pub mod request;
            /// What the requests know of the replies.
            pub mod reply {
                pub const ATTRIBUTE_SIZE: u32 = 1;
            }

            use frames::{Frames, Piece};

            /// What was said, as one sees it who does not see the pieces.
            fn heard(said: &[u8], size: usize) -> (Vec<Vec<u8>>, Option<String>) {
                let (mut frames, mut heard, mut data_left) = (Frames::default(), Vec::new(), 0);
                for mut input in said.chunks(size) {
                    loop {
                        match frames.next(&mut input) {
                            Ok(None) => break,
                            Ok(Some(Piece::Request(packet))) => {
                                assert_eq!(data_left, 0);
                                // Any request is read or refused.
                                let _ = request::read(packet);
                                heard.push(packet.to_vec());
                            }
                            Ok(Some(Piece::Write { id, handle, offset, size })) => {
                                assert_eq!(data_left, 0);
                                assert!(handle.len() <= 256 && size <= 256 * 1024);
                                data_left = size;
                                heard.push(format!("{id} {handle:?} {offset} {size}").into_bytes());
                                heard.push(Vec::new());
                            }
                            Ok(Some(Piece::Data(data))) => {
                                assert!(!data.is_empty() && data.len() <= data_left);
                                data_left -= data.len();
                                heard.last_mut().unwrap().extend_from_slice(data);
                            }
                            Err(broken) => return (heard, Some(broken.to_string())),
                        }
                    }
                    assert!(input.is_empty());
                }
                (heard, None)
            }

            pub fn check(input: &[u8]) {
                let [size, said @ ..] = input else { return };
                assert_eq!(heard(said, usize::from(*size).max(1)), heard(said, usize::MAX));
            }
        }
    }
}

fuzz_target!(|input: &[u8]| arrive::sftp::protocol::check(input));
