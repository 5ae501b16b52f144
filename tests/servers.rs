//! Other people's servers, which partners have: OpenSSH's sshd and vsftpd, on loopback, in a folder of the test's.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::clients_openssh::make_key;
use crate::house::wait_for;

/// A server that ends with the test.
pub(crate) struct Server {
    program: &'static str,
    arguments: Vec<String>,
    folder: PathBuf,
    process: Option<Child>,
    pub(crate) port: u16,
}

/// sshd with internal-sftp; the key that logs in is `client` in its folder.
pub(crate) struct Sshd {
    pub(crate) server: Server,
    pub(crate) user: String,
    /// Of its host key.
    pub(crate) fingerprint: String,
}

/// vsftpd over TLS for everybody, in `root` of its folder, of which only `root/drop` can be written.
pub(crate) struct Vsftpd {
    pub(crate) server: Server,
    pub(crate) authority: PathBuf,
    /// SHA-256 of its certificate.
    pub(crate) fingerprint: String,
}

fn is_root() -> bool {
    text_of("id", &["-u"]) == "0"
}

fn text_of(program: &str, arguments: &[&str]) -> String {
    let done = Command::new(program).args(arguments).output().unwrap();
    assert!(done.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

impl Server {
    fn new(program: &'static str, arguments: Vec<String>, folder: &Path, port: u16) -> Self {
        assert!(Path::new(program).exists(), "{program} is missing; ./scripts/test installs it");
        let mut server = Self { program, arguments, folder: folder.to_owned(), process: None, port };
        server.start();
        server
    }

    pub(crate) fn start(&mut self) {
        let log = std::fs::File::options().create(true).append(true).open(self.folder.join("log")).unwrap();
        let mut command = Command::new(self.program);
        command.args(&self.arguments).stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        self.process = Some(command.spawn().unwrap());
        let port = self.port;
        wait_for("the partner's server", || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok());
    }

    /// Ends it and whoever it serves.
    pub(crate) fn stop(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        // All at one moment: what is left of it must not go on without the rest.
        let mut all = vec![process.id().to_string()];
        let mut at = 0;
        while let Some(pid) = all.get(at) {
            let _ = Command::new("kill").args(["-STOP", pid]).status();
            let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
            all.extend(children.split_whitespace().map(str::to_owned));
            at += 1;
        }
        let _ = Command::new("kill").arg("-KILL").args(&all).status();
        let _ = process.wait();
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
        if std::thread::panicking() {
            eprintln!("---- what {} said ----\n{}", self.program, self.log());
        }
    }
}

impl Sshd {
    pub(crate) fn start(folder: &Path) -> Self {
        let folder = folder.join("sshd");
        std::fs::create_dir(&folder).unwrap();
        let host = make_key(&folder, "host", &["-t", "ed25519"]);
        make_key(&folder, "client", &["-t", "ed25519"]);
        if is_root() {
            // Where it gives up its rights; its package makes it when it starts.
            std::fs::create_dir_all("/run/sshd").unwrap();
        }
        let port = free_port();
        let config = folder.join("config");
        let text = format!(
            "ListenAddress 127.0.0.1\nPort {port}\nHostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nUsePAM no\n\
             PidFile none\nSubsystem sftp internal-sftp\nPasswordAuthentication no\nPermitRootLogin yes\n",
            host.display(),
            folder.join("client.pub").display()
        );
        std::fs::write(&config, text).unwrap();
        let arguments = ["-D", "-e", "-f", config.to_str().unwrap()].map(str::to_owned).to_vec();
        let fingerprint = text_of("ssh-keygen", &["-l", "-f", host.with_extension("pub").to_str().unwrap()]);
        let fingerprint = fingerprint.split(' ').nth(1).unwrap().to_owned();
        Self {
            server: Server::new("/usr/sbin/sshd", arguments, &folder, port),
            user: text_of("id", &["-un"]),
            fingerprint,
        }
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.server.folder.join("client")
    }
}

impl Vsftpd {
    /// With more lines of configuration.
    pub(crate) fn start(folder: &Path, more: &str) -> Self {
        let folder = folder.join("vsftpd");
        let (root, drop) = (folder.join("root"), folder.join("root/drop"));
        std::fs::create_dir_all(&drop).unwrap();
        let (authority, fingerprint) = certificate(&folder);
        let mut whose = "run_as_launching_user=YES\n";
        if is_root() {
            std::fs::create_dir_all("/var/run/vsftpd/empty").unwrap();
            text_of("chown", &["ftp", drop.to_str().unwrap()]);
            whose = "";
        }
        // It lets nobody in whose root can be written.
        text_of("chmod", &["0555", root.to_str().unwrap()]);
        for open in folder.ancestors().take(2) {
            text_of("chmod", &["a+rx", open.to_str().unwrap()]);
        }
        let port = free_port();
        let config = folder.join("config");
        let text = format!(
            "listen=YES\nlisten_address=127.0.0.1\nlisten_port={port}\nbackground=NO\n{whose}anonymous_enable=YES\n\
             local_enable=NO\nwrite_enable=YES\nanon_upload_enable=YES\nanon_other_write_enable=YES\nanon_umask=022\n\
             anon_root={}\nssl_enable=YES\nallow_anon_ssl=YES\nforce_anon_data_ssl=YES\nforce_anon_logins_ssl=YES\n\
             require_ssl_reuse=YES\nssl_tlsv1=NO\nssl_ciphers=HIGH\nrsa_cert_file={}\nrsa_private_key_file={}\n\
             seccomp_sandbox=NO\nxferlog_enable=NO\n{more}",
            root.display(),
            folder.join("certificate.pem").display(),
            folder.join("key.pem").display(),
        );
        std::fs::write(&config, text).unwrap();
        let server = Server::new("/usr/sbin/vsftpd", vec![config.to_str().unwrap().to_owned()], &folder, port);
        Self { server, authority, fingerprint }
    }

    pub(crate) fn drop_folder(&self) -> PathBuf {
        self.server.folder.join("root/drop")
    }
}

/// A certificate for 127.0.0.1 by an authority, in files of the folder; the authority's file, and the SHA-256 of the
/// certificate.
pub(crate) fn certificate(folder: &Path) -> (PathBuf, String) {
    let mut parameters = rcgen::CertificateParams::new(vec![]).unwrap();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let authority = parameters.self_signed(&authority_key).unwrap();
    let issuer = rcgen::Issuer::new(parameters, authority_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let parameters = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let certificate = parameters.signed_by(&key, &issuer).unwrap();
    std::fs::write(folder.join("certificate.pem"), certificate.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
    let path = folder.join("authority.pem");
    std::fs::write(&path, authority.pem()).unwrap();
    (path, waybill::domain::Digest::of(certificate.der()).to_string())
}

/// A cable that can be cut: passes connections on to a port until so many bytes have gone through it, then drops them,
/// and is whole again.
pub(crate) struct Cable {
    pub(crate) port: u16,
    left: Arc<AtomicU64>,
    cuts: Arc<AtomicU64>,
}

impl Cable {
    pub(crate) fn to(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let cable = Self {
            port: listener.local_addr().unwrap().port(),
            left: Arc::new(u64::MAX.into()),
            cuts: Arc::new(0.into()),
        };
        let (left, cuts) = (Arc::clone(&cable.left), Arc::clone(&cable.cuts));
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.unwrap();
                let Ok(server) = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))) else { continue };
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let (left, cuts) = (Arc::clone(&left), Arc::clone(&cuts));
                    std::thread::spawn(move || pass(from, to, &left, &cuts));
                }
            }
        });
        cable
    }

    /// Will be cut once, after so many more bytes.
    pub(crate) fn cut_after(&self, bytes: u64) {
        self.left.store(bytes, Ordering::SeqCst);
    }

    pub(crate) fn cuts(&self) -> u64 {
        self.cuts.load(Ordering::SeqCst)
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, left: &AtomicU64, cuts: &AtomicU64) {
    let mut buffer = vec![0; 32 * 1024];
    loop {
        let count = from.read(&mut buffer).unwrap_or(0);
        if count == 0 || to.write_all(&buffer[..count]).is_err() {
            break;
        }
        let before = left.load(Ordering::SeqCst);
        if before == u64::MAX {
            continue;
        }
        if before > count as u64 {
            left.fetch_sub(count as u64, Ordering::SeqCst);
        } else if left.swap(u64::MAX, Ordering::SeqCst) != u64::MAX {
            cuts.fetch_add(1, Ordering::SeqCst);
            break;
        }
    }
    let _ = from.shutdown(std::net::Shutdown::Both);
    let _ = to.shutdown(std::net::Shutdown::Both);
}
