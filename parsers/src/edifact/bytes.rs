//! What each byte of an interchange is: one of its service characters, or a sort of data.

use super::charset::sort;
use super::service_characters::Service;
use crate::edi::Scan;

/// What a byte is, beside the sorts of characters.
pub(super) const TERMINATOR: u16 = 1;
pub(super) const ELEMENT: u16 = 1 << 1;
pub(super) const COMPONENT: u16 = 1 << 2;
pub(super) const RELEASE: u16 = 1 << 3;
pub(super) const REPETITION: u16 = 1 << 4;
pub(super) const SERVICE: u16 = TERMINATOR | ELEMENT | COMPONENT | RELEASE | REPETITION;

/// A place in a segment: no segment has four gigabytes.
pub(super) fn as_place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

pub(super) fn scan(service: Service) -> Scan<2, 2> {
    // What is not there is a stranger that never stands before the terminator.
    let strangers = [service.release, service.repetition].map(|byte| byte.unwrap_or(service.terminator));
    Scan::new([service.element, service.component], strangers, service.terminator)
}

pub(super) fn class(classes: &[u16; 256], byte: u8) -> u16 {
    classes.get(usize::from(byte)).copied().unwrap_or_default()
}

/// What each byte is under these service characters.
pub(super) fn classes(service: Service) -> Box<[u16; 256]> {
    let mut classes = Box::new([0; 256]);
    for (byte, class) in (0..=255u8).zip(classes.iter_mut()) {
        *class = match byte {
            _ if byte == service.terminator => TERMINATOR,
            _ if byte == service.element => ELEMENT,
            _ if byte == service.component => COMPONENT,
            _ if Some(byte) == service.release => RELEASE,
            _ if Some(byte) == service.repetition => REPETITION,
            b'\r' | b'\n' => sort::NEWLINE,
            b'\t' => 0,
            0..=0x1f | 0x7f => sort::CONTROL,
            0x80.. => sort::HIGH,
            b'a'..=b'z' => sort::LOWER,
            b'@' | b'#' | b'$' | b'[' | b'\\' | b']' | b'^' | b'_' | b'`' | b'{' | b'|' | b'}' | b'~' => {
                sort::OUTSIDE_A
            }
            _ => 0,
        };
    }
    classes
}
