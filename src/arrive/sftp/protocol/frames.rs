//! Where one packet ends and the next begins (filexfer-02 section 3), for bytes that come in pieces of any
//! size. A length that cannot be is the end of the conversation: there is no way to find the next packet,
//! and guessing one turns a stranger's file into requests.

/// Cuts the bytes of a channel into [`Piece`]s.
#[derive(Debug, Default)]
pub(in crate::arrive::sftp) struct Frames {
    /// The start of a packet that is not here in full: a length, a request, the head of a WRITE.
    begun: Vec<u8>,
    /// The packet `begun` held has been handed out; the next one starts afresh.
    spent: bool,
    /// What is left of the data of the WRITE whose head has been handed out.
    data_left: usize,
}

/// What the packets consist of, in their order.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::arrive::sftp) enum Piece<'a> {
    /// A whole packet, without its length; never a WRITE.
    Request(&'a [u8]),
    /// The head of a WRITE. Exactly `size` bytes of [`Piece::Data`] follow.
    Write { id: u32, handle: &'a [u8], offset: u64, size: usize },
    /// Never empty.
    Data(&'a [u8]),
}

/// Why a channel is closed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::arrive::sftp) enum Broken {
    #[error("a packet of {size} bytes; at most {max} are read")]
    Length { size: u32, max: u32 },
    #[error("a packet of {0} bytes; a request has at least 5")]
    Short(usize),
    #[error("a WRITE whose lengths do not agree")]
    Write,
    #[error("more than {0} requests wait for an answer")]
    TooManyRequests(usize),
}

/// The longest packet, without its length: what OpenSSH's sftp-server reads (`SFTP_MAX_MSG_LENGTH`), and
/// 255 KiB of data with its head fit in.
pub(super) const PACKET_BYTES_MAX: u32 = 256 * 1024;
/// The longest packet that is not a WRITE: two paths of 4096 bytes and an attribute block fit in many
/// times over. The draft's own limit is 34000.
const REQUEST_BYTES_MAX: u32 = 34_000;
/// filexfer-02 section 6.3: "the length of the handle string MUST NOT exceed 256 data bytes".
const HANDLE_BYTES_MAX: usize = 256;

const LENGTH: usize = 4;
/// A WRITE up to the length of its handle: length, type, id, length of handle.
const WRITE_START: usize = LENGTH + 1 + 4 + 4;
/// A WRITE behind its handle, up to its data: offset, length of data.
const WRITE_REST: usize = 8 + 4;

impl Frames {
    /// The next piece of `input`, which is left behind it; `None` when `input` is used up.
    pub(in crate::arrive::sftp) fn next<'s, 'i: 's>(
        &'s mut self,
        input: &mut &'i [u8],
    ) -> Result<Option<Piece<'s>>, Broken> {
        if self.data_left > 0 {
            let here = take(input, self.data_left);
            self.data_left -= here.len();
            return Ok((!here.is_empty()).then_some(Piece::Data(here)));
        }
        if std::mem::take(&mut self.spent) {
            self.begun.clear();
        }
        // The common case, without a copy: nothing is begun and the whole request is here.
        if self.begun.is_empty()
            && let Some(size) = wanted(input)?
            && input.len() >= size
        {
            let packet = take(input, size);
            return self.piece(packet).map(Some);
        }
        loop {
            let size = match wanted(&self.begun)? {
                Some(size) if self.begun.len() >= size => break,
                Some(size) => size,
                // As many bytes as it takes to know more.
                None => known_after(&self.begun),
            };
            let more = take(input, size - self.begun.len());
            if more.is_empty() {
                return Ok(None);
            }
            self.begun.extend_from_slice(more);
        }
        self.spent = true;
        let (data_left, piece) = cut(&self.begun)?;
        self.data_left = data_left;
        Ok(Some(piece))
    }

    fn piece<'a>(&mut self, packet: &'a [u8]) -> Result<Piece<'a>, Broken> {
        let (data_left, piece) = cut(packet)?;
        self.data_left = data_left;
        Ok(piece)
    }
}

fn take<'a>(input: &mut &'a [u8], most: usize) -> &'a [u8] {
    let (here, rest) = input.split_at_checked(most).unwrap_or((input, &[]));
    *input = rest;
    here
}

/// How many bytes `begun` must have to be handed out, its length included: a whole request, or the head of
/// a WRITE. `None` while it is too short to tell.
fn wanted(begun: &[u8]) -> Result<Option<usize>, Broken> {
    let Some(size) = u32_at(begun, 0) else { return Ok(None) };
    if size == 0 || size > PACKET_BYTES_MAX {
        return Err(Broken::Length { size, max: PACKET_BYTES_MAX });
    }
    let Some(kind) = begun.get(LENGTH) else { return Ok(None) };
    if *kind != super::request::WRITE {
        if size > REQUEST_BYTES_MAX {
            return Err(Broken::Length { size, max: REQUEST_BYTES_MAX });
        }
        return Ok(Some(LENGTH + size as usize));
    }
    let Some(handle) = u32_at(begun, WRITE_START - 4) else { return Ok(None) };
    let handle = handle as usize;
    if handle > HANDLE_BYTES_MAX || WRITE_START - LENGTH + handle + WRITE_REST > size as usize {
        return Err(Broken::Write);
    }
    Ok(Some(WRITE_START + handle + WRITE_REST))
}

/// The length at which `wanted` knows more than it does of `begun`.
fn known_after(begun: &[u8]) -> usize {
    match begun.len() {
        0..LENGTH => LENGTH,
        LENGTH => LENGTH + 1,
        _ => WRITE_START,
    }
}

/// The piece a whole request or the whole head of a WRITE is, and how much data follows it.
fn cut(packet: &[u8]) -> Result<(usize, Piece<'_>), Broken> {
    let (length, body) = packet.split_first_chunk::<LENGTH>().ok_or(Broken::Write)?;
    if body.first() != Some(&super::request::WRITE) {
        return Ok((0, Piece::Request(body)));
    }
    let id = u32_at(packet, LENGTH + 1).ok_or(Broken::Write)?;
    let handle_end = packet.len() - WRITE_REST;
    let handle = packet.get(WRITE_START..handle_end).ok_or(Broken::Write)?;
    let offset = packet.get(handle_end..).and_then(|rest| rest.first_chunk::<8>()).ok_or(Broken::Write)?;
    let size = u32_at(packet, handle_end + 8).ok_or(Broken::Write)? as usize;
    // The data ends where the packet ends, or one of the two is a lie.
    if u32::from_be_bytes(*length) as usize != packet.len() - LENGTH + size {
        return Err(Broken::Write);
    }
    Ok((size, Piece::Write { id, handle, offset: u64::from_be_bytes(*offset), size }))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk::<4>().map(|four| u32::from_be_bytes(*four))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(body: &[u8]) -> Vec<u8> {
        [&u32::try_from(body.len()).unwrap().to_be_bytes(), body].concat()
    }

    fn write(id: u32, handle: &[u8], offset: u64, data: &[u8]) -> Vec<u8> {
        let mut body = vec![super::super::request::WRITE];
        body.extend(id.to_be_bytes());
        body.extend(u32::try_from(handle.len()).unwrap().to_be_bytes());
        body.extend(handle);
        body.extend(offset.to_be_bytes());
        body.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
        body.extend(data);
        packet(&body)
    }

    /// The pieces, with neighbouring data joined, so that they do not depend on how the bytes came.
    fn pieces(chunks: &[&[u8]]) -> Result<Vec<String>, Broken> {
        let mut frames = Frames::default();
        let mut seen: Vec<String> = Vec::new();
        let mut data = Vec::new();
        for chunk in chunks {
            let mut input = *chunk;
            while let Some(piece) = frames.next(&mut input)? {
                match piece {
                    Piece::Data(bytes) => {
                        assert!(!bytes.is_empty());
                        data.extend_from_slice(bytes);
                        continue;
                    }
                    other => {
                        if !data.is_empty() {
                            seen.push(format!("data {data:?}"));
                            data.clear();
                        }
                        seen.push(format!("{other:?}"));
                    }
                }
            }
            assert!(input.is_empty());
        }
        if !data.is_empty() {
            seen.push(format!("data {data:?}"));
        }
        Ok(seen)
    }

    fn conversation() -> Vec<u8> {
        [
            packet(&[1, 0, 0, 0, 3]),
            write(7, b"abcd", 1 << 40, b"hello world"),
            packet(&[4, 0, 0, 0, 8, 0, 0, 0, 4, b'a', b'b', b'c', b'd']),
            write(9, b"", 0, b""),
            write(10, &[b'h'; 256], 5, &[0; 300]),
            packet(&[200]),
        ]
        .concat()
    }

    #[test]
    fn a_conversation_reads_the_same_however_it_is_cut() {
        let bytes = conversation();
        let whole = pieces(&[&bytes]).unwrap();
        assert_eq!(whole.len(), 8);
        for at in 0..=bytes.len() {
            let (left, right) = bytes.split_at(at);
            assert_eq!(pieces(&[left, right]).unwrap(), whole, "cut at {at}");
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(pieces(&single).unwrap(), whole);
        for size in [2, 3, 5, 7, 11, 13, 64] {
            let chunks: Vec<&[u8]> = bytes.chunks(size).collect();
            assert_eq!(pieces(&chunks).unwrap(), whole, "pieces of {size}");
        }
    }

    #[test]
    fn a_length_that_cannot_be_breaks_the_channel_at_its_fourth_byte() {
        assert_eq!(pieces(&[&[0, 0, 0, 0]]), Err(Broken::Length { size: 0, max: PACKET_BYTES_MAX }));
        assert_eq!(pieces(&[&[0xff; 4]]), Err(Broken::Length { size: u32::MAX, max: PACKET_BYTES_MAX }));
        assert_eq!(
            pieces(&[&[0, 4, 0, 1, 6]]),
            Err(Broken::Length { size: PACKET_BYTES_MAX + 1, max: PACKET_BYTES_MAX })
        );
        // A READ of 34001 bytes: only a WRITE may be that long.
        assert_eq!(pieces(&[&[0, 0, 0x84, 0xd1, 5]]), Err(Broken::Length { size: 34_001, max: REQUEST_BYTES_MAX }));
    }

    #[test]
    fn a_write_whose_lengths_disagree_breaks_the_channel() {
        let mut long = write(1, b"abcd", 0, b"hello");
        long[3] += 1;
        assert_eq!(pieces(&[&long]), Err(Broken::Write));
        let mut short = write(1, b"abcd", 0, b"hello");
        short[3] -= 1;
        assert_eq!(pieces(&[&short]), Err(Broken::Write));
        let handle = write(1, &[0; 257], 0, b"");
        assert_eq!(pieces(&[&handle]), Err(Broken::Write));
        assert_eq!(pieces(&[&packet(&[6, 0, 0, 0, 1, 0, 0, 0, 200])]), Err(Broken::Write));
    }

    #[test]
    fn no_more_than_a_small_request_is_ever_kept() {
        let bytes = write(1, b"abcd", 0, &vec![1; 255 * 1024]);
        let mut frames = Frames::default();
        for chunk in bytes.chunks(1000) {
            let mut input = chunk;
            while frames.next(&mut input).unwrap().is_some() {}
            assert!(frames.begun.capacity() < 100);
        }
    }

    #[test]
    fn any_bytes_are_pieces_or_broken_and_nothing_else() {
        // A linear congruential generator (Knuth's MMIX constants): the same bytes every time.
        let mut state = 42_u64;
        for _ in 0..2_000 {
            let bytes: Vec<u8> = (0..64)
                .map(|at| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    // Small lengths, so that more than the first four bytes are read.
                    if at % 16 < 3 { 0 } else { (state >> 56) as u8 & 0x1f }
                })
                .collect();
            let whole = pieces(&[&bytes]);
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            assert_eq!(pieces(&single), whole);
        }
    }
}
