//! SFTP by hand: a client that says exactly what a test wants it to say, polite or not.

use std::sync::Arc;

use russh::client::{self, Handle};
use russh::keys::ssh_key::private::Ed25519Keypair;
use russh::keys::{PrivateKey, PrivateKeyWithHashAlg};
use russh::{Channel, ChannelMsg, Disconnect};
use tokio::time::timeout;

use crate::house::{House, PATIENCE};

pub(crate) const OPEN: u8 = 3;
pub(crate) const CLOSE: u8 = 4;
pub(crate) const READ: u8 = 5;
pub(crate) const WRITE: u8 = 6;
pub(crate) const FOR_READING: u32 = 0x01;
pub(crate) const FOR_WRITING: u32 = 0x02 | 0x08 | 0x10;

/// A client with a smaller window than this opens it once, and then stops taking anything.
pub(crate) const STUBBORN: u32 = 32 * 1024;

/// A logged-in SSH connection.
pub(crate) struct Connection {
    handle: Handle<Trusting>,
}

/// A channel that speaks SFTP.
pub(crate) struct Wire {
    channel: Channel<client::Msg>,
    begun: Vec<u8>,
}

/// A packet of the server's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) kind: u8,
    pub(crate) id: u32,
    pub(crate) body: Vec<u8>,
}

/// How a channel ended.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) status: Option<u32>,
    pub(crate) stderr: String,
}

struct Trusting;

impl client::Handler for Trusting {
    type Error = russh::Error;

    /// Asked when the window has been opened again, for how far it is to be opened the next time. A window of
    /// less than [`STUBBORN`] is never opened again: its half is never fallen short of.
    fn adjust_window(&mut self, _: russh::ChannelId, window: u32) -> u32 {
        if window < STUBBORN { 1 } else { window }
    }

    async fn check_server_key(&mut self, _: &russh::keys::PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        Ok(true)
    }
}

impl Connection {
    pub(crate) async fn open(house: &House, login: &str) -> Self {
        Self::with(house, login, client::Config::default()).await
    }

    pub(crate) async fn with(house: &House, login: &str, config: client::Config) -> Self {
        let mut handle = client::connect(Arc::new(config), house.sftp(), Trusting).await.unwrap();
        let key = PrivateKeyWithHashAlg::new(Arc::new(key()), None);
        assert!(handle.authenticate_publickey(login, key).await.unwrap().success());
        Self { handle }
    }

    pub(crate) async fn channel(&self) -> Result<Channel<client::Msg>, russh::Error> {
        self.handle.channel_open_session().await
    }

    /// A channel on which SFTP has been started and the versions exchanged.
    pub(crate) async fn sftp(&self) -> Wire {
        let mut wire = self.sftp_unread().await;
        let version = wire.receive().await.unwrap();
        assert_eq!((version.kind, version.id), (2, 3), "version 3");
        wire
    }

    /// The same, with nothing read of what the server says.
    pub(crate) async fn sftp_unread(&self) -> Wire {
        let channel = self.channel().await.unwrap();
        channel.request_subsystem(false, "sftp").await.unwrap();
        let wire = Wire { channel, begun: Vec::new() };
        wire.send(&[0, 0, 0, 5, 1, 0, 0, 0, 3]).await;
        wire
    }

    pub(crate) async fn hang_up(self) {
        self.handle.disconnect(Disconnect::ByApplication, "", "").await.unwrap();
    }
}

impl Wire {
    /// Says these bytes, whatever they are.
    pub(crate) async fn send(&self, bytes: &[u8]) {
        self.channel.data_bytes(bytes.to_vec()).await.unwrap();
    }

    pub(crate) async fn ask(&mut self, kind: u8, id: u32, fields: &[&[u8]]) -> Reply {
        self.send(&packet(kind, id, fields)).await;
        self.receive().await.expect("an answer")
    }

    /// The next packet; the end of the channel if that comes first.
    pub(crate) async fn receive(&mut self) -> Result<Reply, End> {
        let mut end = End::default();
        loop {
            if let Some(size) = self.begun.first_chunk::<4>().map(|four| u32::from_be_bytes(*four) as usize)
                && self.begun.len() >= 4 + size
            {
                let packet: Vec<u8> = self.begun.drain(..4 + size).skip(4).collect();
                let id = u32::from_be_bytes(packet[1..5].try_into().unwrap());
                return Ok(Reply { kind: packet[0], id, body: packet[5..].to_vec() });
            }
            match timeout(PATIENCE, self.channel.wait()).await.expect("the server says nothing") {
                Some(ChannelMsg::Data { data }) => self.begun.extend_from_slice(&data),
                Some(ChannelMsg::ExtendedData { data, .. }) => end.stderr.push_str(&String::from_utf8_lossy(&data)),
                Some(ChannelMsg::ExitStatus { exit_status }) => end.status = Some(exit_status),
                Some(ChannelMsg::Close) | None => return Err(end),
                Some(_) => {}
            }
        }
    }

    pub(crate) async fn open(&mut self, path: &str, flags: u32) -> Result<Vec<u8>, Reply> {
        let reply = self.ask(OPEN, 1, &[&string(path.as_bytes()), &flags.to_be_bytes(), &[0; 4]]).await;
        if reply.kind == 102 { Ok(reply.body) } else { Err(reply) }
    }

    pub(crate) async fn write(&mut self, handle: &[u8], offset: u64, data: &[u8]) -> Reply {
        self.ask(WRITE, 2, &[handle, &offset.to_be_bytes(), &string(data)]).await
    }

    pub(crate) async fn eof(&self) {
        self.channel.eof().await.unwrap();
    }
}

impl Reply {
    /// The code and the text of a STATUS.
    pub(crate) fn status(&self) -> (u32, String) {
        assert_eq!(self.kind, 101, "not a STATUS: {self:?}");
        let code = u32::from_be_bytes(self.body[..4].try_into().unwrap());
        let size = u32::from_be_bytes(self.body[4..8].try_into().unwrap()) as usize;
        (code, String::from_utf8(self.body[8..8 + size].to_vec()).unwrap())
    }
}

/// The key every such client logs in with: checking a password costs memory, and tests measure memory.
fn key() -> PrivateKey {
    PrivateKey::from(Ed25519Keypair::from_seed(&[7; 32]))
}

/// A supplier who may log in with it.
pub(crate) fn supplier(house: &House, login: &str) {
    house.supplier_with_keys(login, &[&key().public_key().to_openssh().unwrap()]);
}

pub(crate) fn packet(kind: u8, id: u32, fields: &[&[u8]]) -> Vec<u8> {
    let body = fields.concat();
    let size = u32::try_from(5 + body.len()).unwrap();
    [&size.to_be_bytes()[..], &[kind], &id.to_be_bytes(), &body].concat()
}

pub(crate) fn string(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
}
