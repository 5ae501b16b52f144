//! One SSH connection: logs in, opens a few channels, speaks SFTP on each. Everything else SSH can do is
//! refused at once and in words, never with silence (a client that gets no answer hangs).

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use russh::keys::Certificate;
use russh::server::{
    Auth, ChannelOpenHandle, Handler, Msg, PublicKeyOffer, Response, Session as Ssh, VerifiedPublicKey,
};
use russh::{Channel, ChannelId, ChannelOpenFailure, Disconnect, Pty};
use tracing::{Instrument, Span, debug, warn};

use super::login::{Hopeless, Login};
use super::outlet::{Outlet, Trouble};
use super::protocol::{Desk, Frames};
use crate::arrive::presence::Presence;
use crate::config;
use crate::defend::Offence;
use crate::land::Session;

/// What russh calls when the client says something.
pub(super) struct Connection {
    login: Login,
    session: Arc<OnceLock<Session>>,
    presence: Arc<Presence>,
    limits: Arc<config::Sftp>,
    channels: HashMap<ChannelId, Slot>,
    channels_opened: usize,
    span: Span,
}

enum Slot {
    Opened,
    Talking(Box<Conversation>),
    /// The client has said EOF; the last replies are on their way.
    Ending(Outlet),
}

struct Conversation {
    frames: Frames,
    desk: Desk,
    outlet: Outlet,
}

/// Why a connection was ended from inside.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    #[error(transparent)]
    Ssh(#[from] russh::Error),
    #[error(transparent)]
    Login(#[from] Hopeless),
}

/// russh keeps a little of every channel until the connection ends (0.65.1); this bounds it.
const CHANNELS_OPENED_MAX: usize = 10_000;

const NO_COMMANDS: &str = "This is a file drop: commands, shells and the old scp protocol are not available.\n\
    Use sftp, or scp without -O.\n";

impl Connection {
    pub(super) fn new(
        login: Login,
        session: Arc<OnceLock<Session>>,
        presence: Arc<Presence>,
        limits: Arc<config::Sftp>,
        span: Span,
    ) -> Self {
        Self { login, session, presence, limits, channels: HashMap::new(), channels_opened: 0, span }
    }

    async fn hear(&mut self, channel: ChannelId, data: &[u8], ssh: &mut Ssh) -> Result<(), Ended> {
        let Some(Slot::Talking(conversation)) = self.channels.get_mut(&channel) else { return Ok(()) };
        match conversation.hear(data, ssh).await {
            Ok(()) => Ok(()),
            Err(Trouble::Ssh(error)) => Err(error.into()),
            Err(Trouble::Broken(broken)) => {
                self.presence.blame(Offence::Probe);
                warn!(error = %broken, "closed an SFTP channel that broke the protocol");
                self.channels.remove(&channel);
                ssh.extended_data(channel, 1, format!("waybill: {broken}; the channel is closed\n"))?;
                finish(channel, 1, ssh)
            }
        }
    }

    fn refuse_command(&mut self, channel: ChannelId, ssh: &mut Ssh) -> Result<(), Ended> {
        if !matches!(self.channels.get(&channel), Some(Slot::Opened)) {
            return Ok(ssh.channel_failure(channel)?);
        }
        self.channels.remove(&channel);
        // Said to succeed, so that there is a stderr to explain it on: `scp -O` and `ssh` print it and exit.
        ssh.channel_success(channel)?;
        ssh.extended_data(channel, 1, NO_COMMANDS)?;
        finish(channel, 1, ssh)
    }
}

impl Conversation {
    async fn hear(&mut self, data: &[u8], ssh: &mut Ssh) -> Result<(), Trouble> {
        self.outlet.new_round();
        let mut input = data;
        while let Some(piece) = self.frames.next(&mut input)? {
            if let Some(reply) = self.desk.answer(piece).await? {
                self.outlet.send(reply, ssh).await?;
            }
        }
        Ok(())
    }
}

fn finish(channel: ChannelId, status: u32, ssh: &mut Ssh) -> Result<(), Ended> {
    ssh.exit_status_request(channel, status)?;
    ssh.eof(channel)?;
    ssh.close(channel)?;
    Ok(())
}

/// What waits in here waits in a box: russh keeps room for the longest of these, as long as the connection lasts.
impl Handler for Connection {
    type Error = Ended;

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, Ended> {
        let proved = self.login.password(user, password);
        Ok(Box::pin(proved.instrument(self.span.clone())).await?)
    }

    async fn auth_publickey_offered(&mut self, user: &str, offer: PublicKeyOffer<'_>) -> Result<Auth, Ended> {
        let offered = self.login.offered(user, offer.public_key, offer.algorithm);
        Ok(Box::pin(offered.instrument(self.span.clone())).await?)
    }

    async fn auth_publickey(&mut self, user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, Ended> {
        let proved = self.login.public_key(user, key.public_key, key.algorithm);
        Ok(Box::pin(proved.instrument(self.span.clone())).await?)
    }

    async fn auth_openssh_certificate(&mut self, user: &str, certificate: &Certificate) -> Result<Auth, Ended> {
        let proved = self.login.certificate(user, certificate);
        Ok(Box::pin(proved.instrument(self.span.clone())).await?)
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        user: &str,
        _: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, Ended> {
        let proved = self.login.questions(user, response);
        Ok(Box::pin(proved.instrument(self.span.clone())).await?)
    }

    async fn auth_succeeded(&mut self, ssh: &mut Ssh) -> Result<(), Ended> {
        if let Some(sentence) = self.login.turned_away() {
            return Ok(ssh.disconnect(Disconnect::HostNotAllowedToConnect, &sentence, "en")?);
        }
        self.presence.logged_in();
        Ok(())
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Ssh,
    ) -> Result<(), Ended> {
        self.presence.heard();
        self.channels.retain(|_, slot| !matches!(slot, Slot::Ending(outlet) if outlet.is_over()));
        if self.channels.len() >= self.limits.channels_max || self.channels_opened >= CHANNELS_OPENED_MAX {
            debug!(parent: &self.span, "refused a channel: too many are open");
            reply.reject(ChannelOpenFailure::ResourceShortage).await;
            return Ok(());
        }
        self.channels_opened += 1;
        self.channels.insert(channel.id(), Slot::Opened);
        reply.accept().await;
        Ok(())
    }

    async fn subsystem_request(&mut self, channel: ChannelId, name: &str, ssh: &mut Ssh) -> Result<(), Ended> {
        self.presence.heard();
        let (Some(slot @ Slot::Opened), Some(session), "sftp") =
            (self.channels.get_mut(&channel), self.session.get(), name)
        else {
            return Ok(ssh.channel_failure(channel)?);
        };
        *slot = Slot::Talking(Box::new(Conversation {
            frames: Frames::default(),
            desk: Desk::new(session.clone(), Arc::clone(&self.presence), self.limits.handles_max),
            outlet: Outlet::new(channel, self.limits.requests_max),
        }));
        Ok(ssh.channel_success(channel)?)
    }

    async fn data(&mut self, channel: ChannelId, data: &[u8], ssh: &mut Ssh) -> Result<(), Ended> {
        self.presence.heard();
        let span = self.span.clone();
        Box::pin(self.hear(channel, data, ssh).instrument(span)).await
    }

    /// The client takes what it is sent: a download is not silence.
    async fn window_adjusted(&mut self, _: ChannelId, _: u32, _: &mut Ssh) -> Result<(), Ended> {
        self.presence.heard();
        Ok(())
    }

    /// The end of what the client has to say. Uploads it has not closed are broken off here: EOF is not
    /// CLOSE.
    async fn channel_eof(&mut self, channel: ChannelId, ssh: &mut Ssh) -> Result<(), Ended> {
        match self.channels.remove(&channel) {
            None => Ok(()),
            Some(Slot::Opened) => finish(channel, 0, ssh),
            Some(Slot::Ending(outlet)) => {
                self.channels.insert(channel, Slot::Ending(outlet));
                Ok(())
            }
            Some(Slot::Talking(conversation)) => {
                let Conversation { mut outlet, .. } = *conversation;
                outlet.end(ssh)?;
                if !outlet.is_over() {
                    self.channels.insert(channel, Slot::Ending(outlet));
                }
                Ok(())
            }
        }
    }

    async fn channel_close(&mut self, channel: ChannelId, _: &mut Ssh) -> Result<(), Ended> {
        self.channels.remove(&channel);
        Ok(())
    }

    async fn exec_request(&mut self, channel: ChannelId, _: &[u8], ssh: &mut Ssh) -> Result<(), Ended> {
        self.refuse_command(channel, ssh)
    }

    async fn shell_request(&mut self, channel: ChannelId, ssh: &mut Ssh) -> Result<(), Ended> {
        self.refuse_command(channel, ssh)
    }

    async fn pty_request(
        &mut self,
        channel: ChannelId,
        _: &str,
        _: u32,
        _: u32,
        _: u32,
        _: u32,
        _: &[(Pty, u32)],
        ssh: &mut Ssh,
    ) -> Result<(), Ended> {
        Ok(ssh.channel_failure(channel)?)
    }

    async fn x11_request(
        &mut self,
        channel: ChannelId,
        _: bool,
        _: &str,
        _: &str,
        _: u32,
        ssh: &mut Ssh,
    ) -> Result<(), Ended> {
        Ok(ssh.channel_failure(channel)?)
    }

    async fn env_request(&mut self, channel: ChannelId, _: &str, _: &str, ssh: &mut Ssh) -> Result<(), Ended> {
        Ok(ssh.channel_failure(channel)?)
    }
}
