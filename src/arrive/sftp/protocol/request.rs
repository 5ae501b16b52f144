//! What a client asks (filexfer-02 section 6), read from one packet. Lengths are checked against the
//! packet, so nothing is copied and nothing can be larger than the packet it came in.

/// A packet's type and its request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Request<'a> {
    Init,
    Open {
        path: &'a [u8],
        flags: u32,
    },
    Close {
        handle: &'a [u8],
    },
    Read {
        handle: &'a [u8],
        offset: u64,
        size: u32,
    },
    Stat {
        path: &'a [u8],
    },
    Fstat {
        handle: &'a [u8],
    },
    SetStat {
        path: &'a [u8],
        size: Option<u64>,
    },
    FsetStat {
        handle: &'a [u8],
        size: Option<u64>,
    },
    OpenDir {
        path: &'a [u8],
    },
    ReadDir {
        handle: &'a [u8],
    },
    Remove {
        path: &'a [u8],
    },
    MakeDir {
        path: &'a [u8],
    },
    RemoveDir {
        path: &'a [u8],
    },
    RealPath {
        path: &'a [u8],
    },
    Rename {
        from: &'a [u8],
        to: &'a [u8],
        replace: bool,
    },
    Fsync {
        handle: &'a [u8],
    },
    Limits,
    /// Of a path or a handle: there is one file system.
    StatVfs {
        path: Option<&'a [u8]>,
        handle: Option<&'a [u8]>,
    },
    HardLink,
    ExpandPath {
        path: &'a [u8],
    },
    HomeDirectory,
    CopyData {
        from: &'a [u8],
        from_offset: u64,
        size: u64,
        to: &'a [u8],
        to_offset: u64,
    },
    UsersGroups {
        users: usize,
        groups: usize,
    },
    /// A type or an extension we do not know.
    Unknown,
}

pub(super) const WRITE: u8 = 6;

/// OPEN's flags (section 6.3).
pub(super) const WRITING: u32 = 0x02;
pub(super) const APPEND: u32 = 0x04;
pub(super) const CREATE: u32 = 0x08;
pub(super) const TRUNCATE: u32 = 0x10;
pub(super) const EXCLUSIVE: u32 = 0x20;

/// The id of a packet, and its request if its body is well formed. `None` for a packet too short to have an
/// id: nobody could be answered.
pub(super) fn read(packet: &[u8]) -> Option<(u32, Option<Request<'_>>)> {
    let (kind, rest) = packet.split_first()?;
    let mut body = Body(rest);
    let id = body.u32()?;
    Some((id, request(*kind, &mut body)))
}

fn request<'a>(kind: u8, body: &mut Body<'a>) -> Option<Request<'a>> {
    Some(match kind {
        1 => Request::Init,
        3 => Request::Open { path: body.string()?, flags: body.u32()? },
        4 => Request::Close { handle: body.string()? },
        5 => Request::Read { handle: body.string()?, offset: body.u64()?, size: body.u32()? },
        // LSTAT and STAT are one: there are no links.
        7 | 17 => Request::Stat { path: body.string()? },
        8 => Request::Fstat { handle: body.string()? },
        9 => Request::SetStat { path: body.string()?, size: body.size_in_attributes()? },
        10 => Request::FsetStat { handle: body.string()?, size: body.size_in_attributes()? },
        11 => Request::OpenDir { path: body.string()? },
        12 => Request::ReadDir { handle: body.string()? },
        13 => Request::Remove { path: body.string()? },
        14 => Request::MakeDir { path: body.string()? },
        15 => Request::RemoveDir { path: body.string()? },
        16 => Request::RealPath { path: body.string()? },
        18 => Request::Rename { from: body.string()?, to: body.string()?, replace: false },
        200 => match body.string()? {
            // OpenSSH's PROTOCOL file, section 4.
            b"posix-rename@openssh.com" => Request::Rename { from: body.string()?, to: body.string()?, replace: true },
            b"fsync@openssh.com" => Request::Fsync { handle: body.string()? },
            b"limits@openssh.com" => Request::Limits,
            b"statvfs@openssh.com" => Request::StatVfs { path: Some(body.string()?), handle: None },
            b"fstatvfs@openssh.com" => Request::StatVfs { path: None, handle: Some(body.string()?) },
            b"hardlink@openssh.com" => body.string().and(body.string()).map(|_| Request::HardLink)?,
            b"lsetstat@openssh.com" => Request::SetStat { path: body.string()?, size: body.size_in_attributes()? },
            b"expand-path@openssh.com" => Request::ExpandPath { path: body.string()? },
            b"home-directory" => body.string().map(|_| Request::HomeDirectory)?,
            b"copy-data" => Request::CopyData {
                from: body.string()?,
                from_offset: body.u64()?,
                size: body.u64()?,
                to: body.string()?,
                to_offset: body.u64()?,
            },
            b"users-groups-by-id@openssh.com" => {
                Request::UsersGroups { users: body.string()?.len() / 4, groups: body.string()?.len() / 4 }
            }
            _ => Request::Unknown,
        },
        _ => Request::Unknown,
    })
}

struct Body<'a>(&'a [u8]);

impl<'a> Body<'a> {
    fn u32(&mut self) -> Option<u32> {
        let (four, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*four))
    }

    fn u64(&mut self) -> Option<u64> {
        let (eight, rest) = self.0.split_first_chunk::<8>()?;
        self.0 = rest;
        Some(u64::from_be_bytes(*eight))
    }

    fn string(&mut self) -> Option<&'a [u8]> {
        let size = usize::try_from(self.u32()?).ok()?;
        let (string, rest) = self.0.split_at_checked(size)?;
        self.0 = rest;
        Some(string)
    }

    /// The size among file attributes (section 5), the only one of them we look at. It stands first.
    fn size_in_attributes(&mut self) -> Option<Option<u64>> {
        let flags = self.u32()?;
        if flags & super::reply::ATTRIBUTE_SIZE != 0 { self.u64().map(Some) } else { Some(None) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_cut_short_keeps_its_id() {
        let whole = [&[5, 0, 0, 0, 9, 0, 0, 0, 2, b'h', b'h'][..], &[0; 8], &[0, 0, 1, 0]].concat();
        assert_eq!(read(&whole), Some((9, Some(Request::Read { handle: b"hh", offset: 0, size: 256 }))));
        for end in 5..whole.len() {
            assert_eq!(read(&whole[..end]), Some((9, None)), "{end} bytes");
        }
        for end in 0..5 {
            assert_eq!(read(&whole[..end]), None, "{end} bytes");
        }
    }

    #[test]
    fn an_unknown_type_is_unknown_and_has_its_id() {
        for kind in [0, 2, 19, 20, 21, 101, 199, 201, 255] {
            assert_eq!(read(&[kind, 1, 2, 3, 4]), Some((0x0102_0304, Some(Request::Unknown))), "type {kind}");
        }
        let extension = [&[200, 0, 0, 0, 5, 0, 0, 0, 4][..], b"nope"].concat();
        assert_eq!(read(&extension), Some((5, Some(Request::Unknown))));
    }

    #[test]
    fn a_string_longer_than_its_packet_is_malformed() {
        assert_eq!(read(&[17, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, b'a']), Some((1, None)));
    }
}
