//! Who is at the other end, and what they have agreed on so far.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::{ServerConfig, ServerConnection};

use super::House;
use super::data::{Way, tls_of};
use crate::arrive::presence::Presence;
use crate::domain::{PathError, VirtualPath};
use crate::land::{Algorithms, Attempt, ClientCertificate, Door, Peer, Session};

/// One connection's state.
pub(super) struct Guest {
    pub(super) house: Arc<House>,
    pub(super) presence: Arc<Presence>,
    /// Our end of the control connection.
    pub(super) local: SocketAddr,
    /// The address the client sees it at: a balancer's, where one stands between.
    pub(super) seen_at: SocketAddr,
    pub(super) is_protected: bool,
    /// What USER said.
    pub(super) login: Option<String>,
    /// What the client has proved of it.
    pub(super) attempt: Attempt,
    /// The client's certificate and what was agreed on, since the handshake.
    pub(super) secured: Secured,
    pub(super) session: Option<Session>,
    pub(super) failures_left: u32,
    /// What the client calls itself (CLNT).
    pub(super) client: Option<String>,
    pub(super) folder: Folder,
    pub(super) type_letter: char,
    /// REST: where the next transfer begins. Any other command but the transfer's own takes it back.
    pub(super) restart: u64,
    /// ALLO: how long the next file will be.
    pub(super) announced: Option<u64>,
    pub(super) rename_from: Option<VirtualPath>,
    pub(super) has_pbsz: bool,
    pub(super) data_is_protected: bool,
    /// How the next data connection is opened.
    pub(super) way: Option<Way>,
    /// After EPSV ALL, nothing else opens one (RFC 2428 section 4).
    pub(super) only_epsv: bool,
    pub(super) tls: Arc<ServerConfig>,
    pub(super) facts: Facts,
}

/// What a TLS handshake has come to.
#[derive(Debug, Default)]
pub(super) struct Secured {
    /// The client's certificate and its chain, if it has one: its key is proved, and nothing else.
    certificates: Vec<CertificateDer<'static>>,
    algorithms: Algorithms,
}

impl Secured {
    pub(super) fn by(connection: &ServerConnection) -> Self {
        let chosen = [
            ("tls", connection.protocol_version().and_then(|version| version.as_str()).map(str::to_owned)),
            ("cipher", connection.negotiated_cipher_suite().map(|suite| format!("{:?}", suite.suite()))),
            ("kex", connection.negotiated_key_exchange_group().map(|group| format!("{:?}", group.name()))),
        ];
        let chosen = chosen.into_iter().filter_map(|(what, name)| Some((what, name?))).collect();
        Self {
            certificates: connection.peer_certificates().map(<[_]>::to_vec).unwrap_or_default(),
            algorithms: Algorithms { chosen, legacy: vec![] },
        }
    }
}

/// Where a relative path begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Folder {
    Root,
    Drop,
}

/// The facts of MLST and MLSD the client wants (RFC 3659 section 7.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) kind: bool,
    pub(super) size: bool,
    pub(super) modify: bool,
    pub(super) perm: bool,
}

impl Facts {
    pub(super) const ALL: Self = Self { kind: true, size: true, modify: true, perm: true };
}

impl Guest {
    pub(super) fn new(house: Arc<House>, presence: Arc<Presence>, local: SocketAddr, seen_at: SocketAddr) -> Self {
        let failures_left = house.settings.login_failures_max.max(1);
        Self {
            tls: tls_of(&house),
            house,
            presence,
            local,
            seen_at,
            is_protected: false,
            login: None,
            attempt: Attempt::default(),
            secured: Secured::default(),
            session: None,
            failures_left,
            client: None,
            folder: Folder::Drop,
            type_letter: 'A',
            restart: 0,
            announced: None,
            rename_from: None,
            has_pbsz: false,
            data_is_protected: false,
            way: None,
            only_epsv: false,
            facts: Facts::ALL,
        }
    }

    /// Back to before USER (REIN, RFC 959 section 4.1.1); the protection stays.
    pub(super) fn forget(&mut self) {
        self.login = None;
        self.attempt = Attempt::default();
        self.session = None;
        self.folder = Folder::Drop;
        self.type_letter = 'A';
        self.restart = 0;
        self.announced = None;
        self.rename_from = None;
        self.way = None;
        self.only_epsv = false;
        self.facts = Facts::ALL;
    }

    /// Where the client is, as the dropbox wants to know it.
    pub(super) fn peer(&self) -> Peer {
        Peer {
            address: self.presence.peer(),
            door: Door::Ftps,
            client: self.client.clone(),
            algorithms: self.secured.algorithms.clone(),
        }
    }

    /// Who the client's certificate says it is, if it has shown one and any are wanted.
    pub(super) fn certificate(&self) -> Option<ClientCertificate> {
        let authority = self.house.authority.as_ref().filter(|_| !self.secured.certificates.is_empty())?;
        Some(
            authority
                .judge(&self.secured.certificates)
                .unwrap_or_else(|trouble| ClientCertificate { names: vec![], trouble: Some(trouble) }),
        )
    }

    /// A path as the client means it. The parser is the one of every door; only the folder is ours.
    pub(super) fn path(&self, argument: &[u8]) -> Result<VirtualPath, PathError> {
        VirtualPath::parse(&self.below_folder(argument))
    }

    /// The same for CWD and CDUP, where `..` goes up.
    pub(super) fn folder_path(&self, argument: &[u8]) -> Result<VirtualPath, PathError> {
        match (self.folder, argument.strip_suffix(b"/").unwrap_or(argument)) {
            // curl says it for every folder of a URL, and there is no other folder to mean.
            (Folder::Drop, b"drop") => Ok(VirtualPath::Drop),
            _ => VirtualPath::canonical(&self.below_folder(argument)),
        }
    }

    fn below_folder(&self, argument: &[u8]) -> Vec<u8> {
        match self.folder {
            Folder::Root if !argument.starts_with(b"/") => [b"/", argument].concat(),
            Folder::Root | Folder::Drop => argument.to_vec(),
        }
    }
}
