//! What a PROXY header says, version 1 (a line) or 2 (binary): bytes in, who the client is out. It never asks for a
//! byte that is not the header's.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Where a connection comes from, and where its client thinks it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::arrive) struct Route {
    pub(in crate::arrive) client: SocketAddr,
    /// The address the client connected to.
    pub(in crate::arrive) to: SocketAddr,
}

/// How far the header has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::arrive) enum Step {
    /// At least so many bytes more belong to it. Never more than do: what follows is the client's.
    More(usize),
    /// It is whole. `None`: the balancer speaks for itself, a health check for instance.
    Whole(Option<Route>),
}

/// It is no header, or one that nobody sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no PROXY header: {0}")]
pub(in crate::arrive) struct Garbage(&'static str);

const V1: &[u8] = b"PROXY ";
/// "The maximum line lengths … including the CRLF": 107 (section 2.1).
const V1_BYTES_MAX: usize = 107;
/// What a header is read into first; most are shorter.
pub(in crate::arrive) const LONG_ENOUGH: usize = V1_BYTES_MAX;
const V2: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// Signature, version and command, family, length (section 2.2).
const V2_HEAD: usize = 16;
/// Addresses and what follows them (TLVs: 1 KiB of a TLS subject is the largest that is common). The field could
/// say 64 KiB.
const V2_BODY_MAX: usize = 4096;
/// Both versions are at least this long, and tell themselves apart before.
const SHORTEST: usize = 12;

/// Looks at the bytes that have come.
///
/// # Errors
/// [`Garbage`], as soon as no header can begin like this.
pub(in crate::arrive) fn read(heard: &[u8]) -> Result<Step, Garbage> {
    let same = |sign: &[u8]| heard.iter().zip(sign).all(|(a, b)| a == b);
    if heard.is_empty() {
        Ok(Step::More(SHORTEST))
    } else if same(V2) {
        v2(heard)
    } else if same(V1) {
        v1(heard)
    } else {
        Err(Garbage("it begins neither with PROXY nor with the signature of version 2"))
    }
}

fn v1(heard: &[u8]) -> Result<Step, Garbage> {
    let Some(end) = heard.iter().position(|byte| *byte == b'\n') else {
        if heard.len() >= V1_BYTES_MAX {
            return Err(Garbage("a line of more than 107 bytes"));
        }
        // Up to `SHORTEST` all of it belongs to the header; from there on any byte may be the last.
        return Ok(Step::More(SHORTEST.saturating_sub(heard.len()).max(1)));
    };
    if end + 1 != heard.len() || end >= V1_BYTES_MAX {
        return Err(Garbage("a line that is too short or too long"));
    }
    let line = heard.get(..end).and_then(|line| line.strip_suffix(b"\r")).ok_or(Garbage("a line without CR"))?;
    let text = std::str::from_utf8(line).map_err(|_| Garbage("a line that is not ASCII"))?;
    let mut words = text.split(' ');
    let (Some("PROXY"), Some(family)) = (words.next(), words.next()) else { return Err(Garbage("no family")) };
    if family == "UNKNOWN" {
        // "the receiver must ignore anything presented before the CRLF".
        return Ok(Step::Whole(None));
    }
    let (Some(client), Some(to), Some(client_port), Some(to_port), None) =
        (words.next(), words.next(), words.next(), words.next(), words.next())
    else {
        return Err(Garbage("a line that is not PROXY, family, two addresses and two ports"));
    };
    let address = |text: &str| -> Result<IpAddr, Garbage> {
        match family {
            "TCP4" => text.parse::<Ipv4Addr>().map(IpAddr::from).map_err(|_| Garbage("no IPv4 address")),
            "TCP6" => text.parse::<Ipv6Addr>().map(IpAddr::from).map_err(|_| Garbage("no IPv6 address")),
            _ => Err(Garbage("a family that is not TCP4, TCP6 or UNKNOWN")),
        }
    };
    Ok(Step::Whole(Some(Route {
        client: plain(address(client)?, port(client_port)?),
        to: plain(address(to)?, port(to_port)?),
    })))
}

/// "A TCP port represented as a decimal integer in the range [0..65535]", without leading zeros.
fn port(text: &str) -> Result<u16, Garbage> {
    let wrong = Garbage("no port");
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) || (text.len() > 1 && text.starts_with('0')) {
        return Err(wrong);
    }
    text.parse().map_err(|_| wrong)
}

fn v2(heard: &[u8]) -> Result<Step, Garbage> {
    let Some((head, body)) = heard.split_first_chunk::<V2_HEAD>() else {
        return Ok(Step::More(V2_HEAD - heard.len()));
    };
    let [.., version_and_command, family, high, low] = *head;
    let local = match version_and_command {
        0x20 => true,
        0x21 => false,
        _ => return Err(Garbage("a version that is not 2, or a command that is not LOCAL or PROXY")),
    };
    let size = usize::from(u16::from_be_bytes([high, low]));
    if size > V2_BODY_MAX {
        return Err(Garbage("more than 4096 bytes of addresses and extensions"));
    }
    if body.len() > size {
        return Err(Garbage("more bytes than it says"));
    }
    if body.len() < size {
        return Ok(Step::More(size - body.len()));
    }
    if local {
        // "the receiver must … use the real connection endpoints and … discard the protocol block".
        return Ok(Step::Whole(None));
    }
    let short = Garbage("fewer bytes than its addresses take");
    let route = match family {
        // AF_UNSPEC: "the receiver should ignore address information".
        0x00 => None,
        0x11 => {
            let addresses = body.first_chunk::<12>().ok_or(short)?;
            let [a, b, c, d, e, f, g, h, ports @ ..] = *addresses;
            let [client_port, to_port] = two_ports(ports);
            Some(Route {
                client: plain(IpAddr::from([a, b, c, d]), client_port),
                to: plain(IpAddr::from([e, f, g, h]), to_port),
            })
        }
        0x21 => {
            let (client, rest) = body.split_first_chunk::<16>().ok_or(short)?;
            let (to, rest) = rest.split_first_chunk::<16>().ok_or(short)?;
            let [client_port, to_port] = two_ports(*rest.first_chunk::<4>().ok_or(short)?);
            Some(Route { client: plain(IpAddr::from(*client), client_port), to: plain(IpAddr::from(*to), to_port) })
        }
        _ => return Err(Garbage("a family that is not TCP over IPv4 or IPv6")),
    };
    // What follows the addresses are extensions (TLVs), and not for us.
    Ok(Step::Whole(route))
}

fn two_ports([a, b, c, d]: [u8; 4]) -> [u16; 2] {
    [u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])]
}

fn plain(address: IpAddr, port: u16) -> SocketAddr {
    SocketAddr::new(address.to_canonical(), port)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What the wire's side does, without a wire: asks for bytes until it is content; what it left of the input.
    fn parse(mut input: &[u8]) -> Result<(Option<Route>, &[u8]), &'static str> {
        let mut heard = Vec::new();
        loop {
            match read(&heard).map_err(|Garbage(why)| why)? {
                Step::Whole(route) => return Ok((route, input)),
                Step::More(more) => {
                    assert!(more > 0);
                    let (here, rest) = input.split_at(more.min(input.len()));
                    if here.is_empty() {
                        return Err("it ends too early");
                    }
                    heard.extend_from_slice(here);
                    input = rest;
                    assert!(heard.len() <= V2_HEAD + V2_BODY_MAX);
                }
            }
        }
    }

    fn v2(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
        let size = u16::try_from(body.len()).unwrap().to_be_bytes();
        [&V2[..], &[command, family], &size, body].concat()
    }

    fn route(client: &str, to: &str) -> Option<Route> {
        Some(Route { client: client.parse().unwrap(), to: to.parse().unwrap() })
    }

    #[test]
    fn version_1_says_who_the_client_is() {
        let cases: [(&[u8], Option<Route>); 5] = [
            (b"PROXY TCP4 203.0.113.7 192.0.2.1 56324 22\r\n", route("203.0.113.7:56324", "192.0.2.1:22")),
            (b"PROXY TCP6 2001:db8::7 2001:db8::1 1 65535\r\n", route("[2001:db8::7]:1", "[2001:db8::1]:65535")),
            (b"PROXY TCP6 ::ffff:203.0.113.7 ::1 1 2\r\n", route("203.0.113.7:1", "[::1]:2")),
            (b"PROXY UNKNOWN\r\n", None),
            (b"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", None),
        ];
        for (header, expected) in cases {
            let input = [header, b"SSH-2.0-x\r\n"].concat();
            assert_eq!(parse(&input), Ok((expected, &b"SSH-2.0-x\r\n"[..])), "{}", header.escape_ascii());
        }
    }

    #[test]
    fn version_2_says_who_the_client_is_and_its_extensions_are_skipped() {
        let v4 = [203, 0, 113, 7, 192, 0, 2, 1, 0xdc, 4, 0, 22];
        let v6: Vec<u8> = [&[0x20, 1, 0xd, 0xb8][..], &[0; 11], &[7], &[0; 15], &[1], &[0, 9, 0, 22]].concat();
        let more = [&v4[..], &[0x04, 0, 3, 1, 2, 3, 0xe0, 0, 1, 9]].concat();
        for (header, expected) in [
            (v2(0x21, 0x11, &v4), route("203.0.113.7:56324", "192.0.2.1:22")),
            (v2(0x21, 0x11, &more), route("203.0.113.7:56324", "192.0.2.1:22")),
            (v2(0x21, 0x21, &v6), route("[2001:db8::7]:9", "[::1]:22")),
            (v2(0x20, 0x00, &[]), None),
            (v2(0x20, 0x11, &v4), None),
            (v2(0x20, 0xff, &[1; V2_BODY_MAX]), None),
            (v2(0x21, 0x00, &[]), None),
        ] {
            let input = [&header[..], b"SSH"].concat();
            assert_eq!(parse(&input), Ok((expected, &b"SSH"[..])), "{}", header.escape_ascii());
        }
    }

    #[test]
    fn what_is_no_header_is_refused_as_soon_as_that_is_known() {
        let long = [&b"PROXY UNKNOWN "[..], &[b'a'; 200], b"\r\n"].concat();
        let cases = [
            b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(),
            b"GET / HTTP/1.1\r\n\r\n".to_vec(),
            b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n".to_vec(),
            b"PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n".to_vec(),
            b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n".to_vec(),
            b"PROXY TCP4 1.2.3.4  1.2.3.4 1 2\r\n".to_vec(),
            b"PROXY TCP4 ::1 ::1 1 2\r\n".to_vec(),
            b"PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n".to_vec(),
            b"PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n".to_vec(),
            b"PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n".to_vec(),
            b"PROXY TCP4 1.2.3.4 1.2.3.4 +1 2\r\n".to_vec(),
            b"PROXY TCP4 01.2.3.4 1.2.3.4 1 2\r\n".to_vec(),
            b"PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n".to_vec(),
            b"proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n".to_vec(),
            b"PROXY \r\n\r\n\r\n\r\n".to_vec(),
            long,
            v2(0x11, 0x11, &[0; 12]),
            v2(0x22, 0x11, &[0; 12]),
            v2(0x21, 0x11, &[0; 11]),
            v2(0x21, 0x21, &[0; 35]),
            v2(0x21, 0x12, &[0; 12]),
            v2(0x21, 0x31, &[0; 216]),
            v2(0x20, 0x00, &[0; V2_BODY_MAX + 1]),
            V2[..11].to_vec(),
            Vec::new(),
        ];
        for input in cases {
            assert!(parse(&input).is_err(), "{}", input.escape_ascii());
        }
    }

    proptest! {
        /// Whatever comes: an end, no panic, and no byte taken that is not the header's.
        #[test]
        fn any_bytes_come_to_an_end(input in proptest::collection::vec(any::<u8>(), 0..300), sign in 0..3) {
            let head: &[u8] = [&b""[..], V1, V2][sign as usize];
            let _ = parse(&[head, &input].concat());
        }

        #[test]
        fn what_is_written_is_read(
            client in any::<IpAddr>(), to in any::<IpAddr>(), ports in any::<[u16; 2]>(),
            extensions in proptest::collection::vec(any::<u8>(), 0..200), rest in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            let expected = Some(Route { client: plain(client, ports[0]), to: plain(to, ports[1]) });
            let both = match (client, to) {
                (IpAddr::V4(a), IpAddr::V4(b)) => Some((0x11, "TCP4", [a.octets(), b.octets()].concat())),
                (IpAddr::V6(a), IpAddr::V6(b)) => Some((0x21, "TCP6", [a.octets(), b.octets()].concat())),
                _ => None,
            };
            if let Some((family, word, addresses)) = both {
                let line = format!("PROXY {word} {client} {to} {} {}\r\n", ports[0], ports[1]);
                let ports = [ports[0].to_be_bytes(), ports[1].to_be_bytes()].concat();
                let binary = v2(0x21, family, &[addresses, ports, extensions].concat());
                for header in [line.into_bytes(), binary] {
                    let input = [&header[..], &rest].concat();
                    prop_assert_eq!(parse(&input), Ok((expected, &rest[..])));
                    // One byte less is not enough.
                    prop_assert!(parse(&header[..header.len() - 1]).is_err());
                }
            }
        }
    }

    /// Mutations of good headers reach what random bytes do not.
    #[test]
    fn half_a_million_mutated_headers_come_to_an_end() {
        let seeds = [
            b"PROXY TCP4 203.0.113.7 192.0.2.1 56324 22\r\n".to_vec(),
            b"PROXY TCP6 2001:db8::7 2001:db8::1 1 65535\r\n".to_vec(),
            b"PROXY UNKNOWN a b c d\r\n".to_vec(),
            v2(0x21, 0x11, &[7; 20]),
            v2(0x21, 0x21, &[7; 60]),
            v2(0x20, 0x00, &[]),
        ];
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut chance = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as usize
        };
        let mut whole = 0;
        for round in 0..500_000 {
            let mut input = seeds[round % seeds.len()].clone();
            for _ in 0..=chance() % 4 {
                let at = chance() % input.len();
                match chance() % 4 {
                    0 => input[at] = chance() as u8,
                    1 => input[at] ^= 1 << (chance() % 8),
                    2 => input.insert(at, chance() as u8),
                    _ => drop(input.remove(at)),
                }
            }
            whole += usize::from(parse(&input).is_ok());
        }
        assert!((1_000..499_000).contains(&whole), "{whole} were whole: it does not reach both");
    }
}
