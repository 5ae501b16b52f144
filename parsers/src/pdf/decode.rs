//! Filters undone (ISO 32000-1, 7.4), within bounds: what comes out is limited in all, and by how much went
//! in.

use std::io::Read;

use flate2::read::ZlibDecoder;

use super::file::Fault;
use super::value::{Dict, Value};

/// A stream may grow by this much; more than text ever does.
const GROWTH_MAX: usize = 250;

/// Below this nobody asks how much it grew.
const SMALL_BYTES: usize = 1024 * 1024;

/// How much may still come out.
#[derive(Debug)]
pub(super) struct Room {
    left: usize,
}

impl Room {
    pub(super) fn new(bytes: usize) -> Self {
        Self { left: bytes }
    }
}

/// What a stream's bytes are, its filters undone one after another.
pub(super) fn decoded(raw: &[u8], filter: Option<&Value>, room: &mut Room) -> Result<Vec<u8>, Fault> {
    let names = match filter {
        None | Some(Value::Nothing) => Vec::new(),
        Some(Value::Array(names)) => names.clone(),
        Some(name) => vec![name.clone()],
    };
    let mut content = None;
    for name in &names {
        let Value::Text(name) = name else { return Err(Fault::Broken) };
        match name.as_slice() {
            b"FlateDecode" | b"Fl" => content = Some(inflated(content.as_deref().unwrap_or(raw), room)?),
            other => return Err(Fault::Filter(String::from_utf8_lossy(other).chars().take(40).collect())),
        }
    }
    content.map_or_else(
        || {
            room.left = room.left.checked_sub(raw.len()).ok_or(Fault::TooLarge)?;
            Ok(raw.to_vec())
        },
        Ok,
    )
}

fn inflated(deflated: &[u8], room: &mut Room) -> Result<Vec<u8>, Fault> {
    let max = room.left.min(deflated.len().saturating_mul(GROWTH_MAX).max(SMALL_BYTES));
    let mut content = Vec::new();
    let more = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    ZlibDecoder::new(deflated).take(more).read_to_end(&mut content).map_err(|_| Fault::Broken)?;
    if content.len() > max {
        return Err(Fault::TooLarge);
    }
    room.left = room.left.saturating_sub(content.len());
    Ok(content)
}

/// PNG predictors (7.4.4.4), which cross-reference streams use.
pub(super) fn predicted(content: Vec<u8>, parameters: &Dict) -> Option<Vec<u8>> {
    if parameters.integer("Predictor").unwrap_or(1) < 10 {
        return Some(content).filter(|_| parameters.integer("Predictor") != Some(2));
    }
    let number = |key: &str, default: i64| usize::try_from(parameters.integer(key).unwrap_or(default)).ok();
    let pixel_bits = number("Colors", 1)?.checked_mul(number("BitsPerComponent", 8)?)?;
    let pixel_bytes = pixel_bits.div_ceil(8).max(1);
    let row_bytes = pixel_bits.checked_mul(number("Columns", 1)?)?.div_ceil(8);
    if row_bytes == 0 {
        return None;
    }
    let mut before = vec![0_u8; row_bytes.min(content.len())];
    let mut all = Vec::with_capacity(content.len());
    for row in content.chunks(row_bytes.checked_add(1)?) {
        let (kind, row) = row.split_first()?;
        let mut now: Vec<u8> = Vec::with_capacity(row.len());
        for (at, byte) in row.iter().enumerate() {
            let left = at.checked_sub(pixel_bytes).and_then(|at| now.get(at)).copied().unwrap_or(0);
            let up = before.get(at).copied().unwrap_or(0);
            let corner = at.checked_sub(pixel_bytes).and_then(|at| before.get(at)).copied().unwrap_or(0);
            now.push(byte.wrapping_add(match kind {
                0 => 0,
                1 => left,
                2 => up,
                3 => u8::try_from(u16::midpoint(left.into(), up.into())).unwrap_or(0),
                4 => paeth(left, up, corner),
                _ => return None,
            }));
        }
        all.extend_from_slice(&now);
        before = now;
    }
    Some(all)
}

/// The neighbour that is nearest to left + up − corner (PNG, 9.4).
fn paeth(left: u8, up: u8, corner: u8) -> u8 {
    let guess = i16::from(left) + i16::from(up) - i16::from(corner);
    let distance = |neighbour: u8| (guess - i16::from(neighbour)).abs();
    if distance(left) <= distance(up) && distance(left) <= distance(corner) {
        left
    } else if distance(up) <= distance(corner) {
        up
    } else {
        corner
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::read::ZlibEncoder;

    use super::super::value::Cursor;
    use super::*;

    #[test]
    fn rows_are_put_together_from_their_neighbours() {
        let parameters = |text: &str| match Cursor::new(text.as_bytes(), 0).value() {
            Some(Value::Dict(dict)) => dict,
            other => panic!("{other:?}"),
        };
        let columns = parameters("<</Predictor 12/Columns 3>>");
        let rows = vec![0, 1, 2, 3, 2, 1, 1, 1, 1, 5, 1, 1, 3, 1, 1, 1, 4, 1, 1, 1];
        let expected = vec![1, 2, 3, 2, 3, 4, 5, 6, 7, 3, 5, 7, 4, 6, 8];
        assert_eq!(predicted(rows, &columns), Some(expected));
        assert_eq!(predicted(vec![9, 1, 1, 1], &columns), None);
        assert_eq!(predicted(vec![1], &parameters("<</Predictor 2>>")), None);
        assert_eq!(
            predicted(vec![1], &parameters("<</Predictor 12/Columns 99999999999>>")).map(|all| all.len()),
            Some(0)
        );
    }

    #[test]
    fn what_grows_too_much_is_not_let_out() {
        let deflate = |bytes: &[u8]| {
            let mut deflated = Vec::new();
            ZlibEncoder::new(bytes, Compression::best()).read_to_end(&mut deflated).expect("bytes in memory");
            deflated
        };
        let zeros = deflate(&vec![0; 8 * SMALL_BYTES]);
        let filter = Value::Text(b"FlateDecode".to_vec());
        let decode = |bytes: usize| decoded(&zeros, Some(&filter), &mut Room::new(bytes));
        assert_eq!(decode(usize::MAX), Err(Fault::TooLarge), "{} bytes in", zeros.len());
        let text = deflate(b"<a/>");
        assert_eq!(decoded(&text, Some(&filter), &mut Room::new(4)).as_deref(), Ok(b"<a/>".as_slice()));
        assert_eq!(decoded(&text, Some(&filter), &mut Room::new(3)), Err(Fault::TooLarge));
        let other = Value::Text(b"LZWDecode".to_vec());
        assert_eq!(decoded(b"", Some(&other), &mut Room::new(9)), Err(Fault::Filter("LZWDecode".to_owned())));
    }
}
