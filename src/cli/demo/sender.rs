//! An SFTP client for the demo, so that its files come in as anybody's do.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, bail};
use russh::client::{self, Handle};
use russh::keys::{HashAlg, PublicKeyOrCertificate};
use russh_sftp::client::SftpSession;
use tokio::io::AsyncWriteExt;

/// A logged-in client.
pub(super) struct Sender {
    connection: Handle<Trust>,
    sftp: SftpSession,
}

impl Sender {
    /// Logs in, if the server shows the host key with this fingerprint.
    pub(super) async fn connect(
        address: SocketAddr,
        fingerprint: &str,
        login: &str,
        password: &str,
    ) -> anyhow::Result<Self> {
        let trust = Trust { fingerprint: fingerprint.to_owned() };
        let mut connection = client::connect(Arc::new(client::Config::default()), address, trust)
            .await
            .with_context(|| format!("could not connect to the SFTP door at {address}"))?;
        let known = connection.authenticate_password(login, password).await.context("could not log in")?;
        if !known.success() {
            bail!("the login `{login}` was refused");
        }
        let channel = connection.channel_open_session().await.context("could not open a channel")?;
        channel.request_subsystem(true, "sftp").await.context("could not start SFTP")?;
        let sftp = SftpSession::new(channel.into_stream()).await.context("could not start SFTP")?;
        Ok(Self { connection, sftp })
    }

    /// Puts a file; returns once the server has answered CLOSE with OK.
    pub(super) async fn put(&mut self, name: &str, content: &[u8]) -> anyhow::Result<()> {
        let doing = || format!("could not put {name}");
        let mut file = self.sftp.create(format!("/drop/{name}")).await.with_context(doing)?;
        file.write_all(content).await.with_context(doing)?;
        file.close().await.with_context(doing)
    }

    /// Reads a file back as text.
    pub(super) async fn get(&mut self, name: &str) -> anyhow::Result<String> {
        let bytes = self.sftp.read(format!("/drop/{name}")).await.with_context(|| format!("could not get {name}"))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    pub(super) async fn leave(self) {
        let _ = self.sftp.close().await;
        let _ = self.connection.disconnect(russh::Disconnect::ByApplication, "done", "en").await;
    }
}

/// Trusts one host key.
struct Trust {
    fingerprint: String,
}

impl client::Handler for Trust {
    type Error = russh::Error;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        let PublicKeyOrCertificate::PublicKey { key, .. } = key else { return Ok(false) };
        Ok(key.fingerprint(HashAlg::Sha256).to_string() == self.fingerprint)
    }
}
