//! What a client says in clear, before everything is encrypted: what it calls itself (RFC 4253 section 4.2), and
//! which algorithms it speaks (section 7.1).

use std::sync::{Arc, OnceLock};

use super::algorithms::Policy;
use crate::land::Algorithms;

/// What was heard, for whoever has a copy.
#[derive(Debug, Clone)]
pub(super) struct Greeting(Arc<Heard>);

#[derive(Debug)]
struct Heard {
    /// What the client is offered.
    policy: Policy,
    /// `SSH-2.0-OpenSSH_9.2p1 …`
    text: OnceLock<String>,
    /// What the two offers come to. The client's itself is not kept: it may be long, and connections last.
    agreed: OnceLock<Algorithms>,
}

/// A client's KEXINIT: names in the order it likes them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) kex: Vec<String>,
    pub(super) host_key: Vec<String>,
    /// From the client to the server; russh uses the same one both ways.
    pub(super) cipher: Vec<String>,
    pub(super) mac_in: Vec<String>,
    pub(super) mac_out: Vec<String>,
}

/// Listens until there is nothing left that is said in clear.
#[derive(Debug)]
pub(super) struct Ear {
    greeting: Greeting,
    heard: Vec<u8>,
}

/// "The maximum length of the string is 255 characters, including the CR and LF."
pub(super) const GREETING_MAX: usize = 255;
/// The longest packet everybody must take (RFC 4253 section 6.1).
const PACKET_MAX: usize = 35_000;
/// Names in a list that are looked at; a client knows some dozens.
const NAMES_MAX: usize = 256;

const IGNORE: u8 = 2;
const DEBUG: u8 = 4;
const KEXINIT: u8 = 20;

impl Greeting {
    pub(super) fn new(policy: Policy) -> Self {
        Self(Arc::new(Heard { policy, text: OnceLock::new(), agreed: OnceLock::new() }))
    }

    pub(super) fn text(&self) -> Option<String> {
        self.0.text.get().cloned()
    }

    /// What the connection speaks, as far as it was understood.
    pub(super) fn algorithms(&self) -> Algorithms {
        self.0.agreed.get().cloned().unwrap_or_else(|| self.0.policy.agreed(None))
    }
}

impl Ear {
    pub(super) fn new(greeting: Greeting) -> Self {
        Self { greeting, heard: Vec::new() }
    }

    /// Hears the next bytes. False: there is nothing more to listen to.
    pub(super) fn hear(&mut self, bytes: &[u8]) -> bool {
        let room = GREETING_MAX + PACKET_MAX - self.heard.len().min(GREETING_MAX + PACKET_MAX);
        self.heard.extend(bytes.iter().take(room));
        if self.greeting.0.text.get().is_none() && !self.name() {
            return self.heard.len() < GREETING_MAX;
        }
        loop {
            match self.packet() {
                Packet::Incomplete => return self.heard.len() < PACKET_MAX,
                Packet::Said { kind: IGNORE | DEBUG, length, .. } => {
                    self.heard.drain(..length);
                }
                Packet::Said { kind: KEXINIT, offer, .. } => {
                    let _ = self.greeting.0.agreed.set(self.greeting.0.policy.agreed(offer.as_ref()));
                    return false;
                }
                Packet::Said { .. } => return false,
            }
        }
    }

    /// Takes the name, once it is there.
    fn name(&mut self) -> bool {
        let end = self.heard.iter().take(GREETING_MAX).position(|byte| *byte == b'\n');
        if end.is_none() && self.heard.len() < GREETING_MAX {
            return false;
        }
        let end = end.unwrap_or(GREETING_MAX);
        let text = self.heard.iter().take(end).filter(|byte| (0x20..0x7f).contains(*byte));
        let _ = self.greeting.0.text.set(text.map(|byte| char::from(*byte)).collect());
        self.heard.drain(..(end + 1).min(self.heard.len()));
        true
    }

    /// The packet at the beginning of what was heard (RFC 4253 section 6): length, length of the padding, payload.
    fn packet(&self) -> Packet {
        let mut rest = self.heard.as_slice();
        let Some(length) = u32_of(&mut rest).and_then(|length| usize::try_from(length).ok()) else {
            return Packet::Incomplete;
        };
        let end = Packet::Said { kind: 0, length: 0, offer: None };
        if !(2..=PACKET_MAX - 4).contains(&length) {
            return end;
        }
        let Some(packet) = rest.get(..length) else { return Packet::Incomplete };
        let Some((padding, payload)) = packet.split_first() else { return end };
        let Some(payload) = payload.len().checked_sub(usize::from(*padding)).and_then(|length| payload.get(..length))
        else {
            return end;
        };
        match payload.split_first() {
            Some((&KEXINIT, lists)) => Packet::Said { kind: KEXINIT, length: length + 4, offer: offer_of(lists) },
            Some((kind, _)) => Packet::Said { kind: *kind, length: length + 4, offer: None },
            None => end,
        }
    }
}

enum Packet {
    Incomplete,
    Said {
        kind: u8,
        /// With the four bytes that say it.
        length: usize,
        offer: Option<Offer>,
    },
}

fn offer_of(lists: &[u8]) -> Option<Offer> {
    // Sixteen bytes of chance come first.
    let mut rest = lists.get(16..)?;
    let kex = names_of(&mut rest)?;
    let host_key = names_of(&mut rest)?;
    let cipher = names_of(&mut rest)?;
    let _cipher_out = names_of(&mut rest)?;
    let mac_in = names_of(&mut rest)?;
    let mac_out = names_of(&mut rest)?;
    Some(Offer { kex, host_key, cipher, mac_in, mac_out })
}

/// A name-list (RFC 4251 section 5).
fn names_of(rest: &mut &[u8]) -> Option<Vec<String>> {
    let length = usize::try_from(u32_of(rest)?).ok()?;
    let (list, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    let list = std::str::from_utf8(list).ok()?;
    Some(list.split(',').take(NAMES_MAX).map(str::to_owned).collect())
}

fn u32_of(rest: &mut &[u8]) -> Option<u32> {
    let (bytes, behind) = rest.split_first_chunk()?;
    *rest = behind;
    Some(u32::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len() + 5).unwrap();
        [&length.to_be_bytes()[..], &[4], payload, &[0; 4]].concat()
    }

    fn kexinit(lists: [&str; 10]) -> Vec<u8> {
        let mut payload = vec![KEXINIT];
        payload.extend([7; 16]);
        for list in lists {
            payload.extend(u32::try_from(list.len()).unwrap().to_be_bytes());
            payload.extend(list.as_bytes());
        }
        payload.extend([0; 5]);
        packet(&payload)
    }

    const LISTS: [&str; 10] = [
        "a,curve25519-sha256",
        "ssh-ed25519",
        "aes192-ctr,aes256-ctr",
        "x",
        "hmac-sha1",
        "hmac-sha2-256",
        "none",
        "none",
        "",
        "",
    ];

    #[test]
    fn a_client_says_its_name_and_its_offer_in_pieces_of_any_size() {
        let said = [
            b"SSH-2.0-Test_1.0 old\r\n".as_slice(),
            &packet(&[IGNORE, 0, 0, 0, 0]),
            &kexinit(LISTS),
            b"and what comes then is not listened to",
        ]
        .concat();
        for size in [1, 7, 1000] {
            let greeting = Greeting::new(Policy::Legacy);
            let mut ear = Ear::new(greeting.clone());
            let left = said.chunks(size).skip_while(|piece| ear.hear(piece)).count();
            assert!(size == 1000 || left > 0, "it stopped listening");
            assert_eq!(greeting.text().as_deref(), Some("SSH-2.0-Test_1.0 old"));
            let agreed = greeting.algorithms();
            assert_eq!(agreed.chosen[0], ("kex", "curve25519-sha256".to_owned()));
            assert_eq!(agreed.legacy, ["aes192-ctr", "hmac-sha1", "hmac-sha2-256"]);
            assert!(ear.heard.capacity() <= GREETING_MAX + PACKET_MAX);
        }
    }

    #[test]
    fn what_is_no_offer_is_none_and_keeps_nothing() {
        let mut cut = kexinit(LISTS);
        cut[30] = 0xff;
        for said in [
            packet(&[21]),
            packet(&[KEXINIT, 1, 2]),
            packet(&[]),
            cut,
            vec![0xff; 100_000],
            vec![0, 0, 0, 0],
            vec![0, 0, 0, 2, 9, 20],
        ] {
            let greeting = Greeting::new(Policy::Legacy);
            let mut ear = Ear::new(greeting.clone());
            ear.hear(b"SSH-2.0-x\r\n");
            assert!(!ear.hear(&said), "{:?}", &said[..said.len().min(20)]);
            assert_eq!(greeting.algorithms(), Policy::Legacy.agreed(None));
        }
        // Never an end: it is listened to for so long and no longer.
        let mut ear = Ear::new(Greeting::new(Policy::Legacy));
        assert!(ear.hear(b"SSH-2.0-x\n"));
        let endless = (0..200).take_while(|_| ear.hear(&packet(&[IGNORE; 1000]))).count();
        assert_eq!(endless, 200, "ignored packets are not kept");
        assert!(ear.heard.is_empty());
        let mut ear = Ear::new(Greeting::new(Policy::Legacy));
        assert!(!ear.hear(&[b'x'; 100_000]) || !ear.hear(&[b'x'; 100_000]));
    }
}
