//! The conversation on the control connection: a line, a reply; while a transfer runs, ABOR and STAT are
//! answered at once and everything else waits its turn.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::time::timeout;
use tracing::debug;

use super::House;
use super::data;
use super::guest::{Guest, Secured};
use super::reply::Reply;
use super::verbs;
use super::wire::{Heard, Wire};
use crate::arrive::presence::Presence;
use crate::defend::Offence;
use crate::land::{SentAway, Session};

/// One control connection.
pub(super) struct Control {
    wire: Wire,
    guest: Guest,
    work: Option<Work>,
    waiting: VecDeque<Vec<u8>>,
}

/// Something that takes its time; the reply comes at its end. Dropping it breaks it off.
pub(super) type Work = Pin<Box<dyn Future<Output = Reply> + Send>>;

/// What a verb comes to.
pub(super) enum Answer {
    Say(Reply),
    /// The reply before the work, if there is one (`150`).
    Work(Option<Reply>, Work),
    /// Say it, then shake hands.
    Protect(Reply),
    Leave(Reply),
}

/// Lines that wait for a transfer's end; a client that says more is not read until then.
const WAITING_MAX: usize = 16;

enum Next {
    Heard(Heard),
    Done(Reply),
    Leaving,
    SentAway(SentAway),
    Cut,
}

impl Control {
    pub(super) fn new(
        house: Arc<House>,
        stream: TcpStream,
        presence: Arc<Presence>,
        local: SocketAddr,
        to: SocketAddr,
    ) -> Self {
        let line_max = usize::try_from(house.settings.line_max.bytes()).unwrap_or(usize::MAX);
        Self {
            wire: Wire::clear(stream, line_max),
            guest: Guest::new(house, presence, local, to),
            work: None,
            waiting: VecDeque::new(),
        }
    }

    pub(super) fn session(&self) -> Option<&Session> {
        self.guest.session.as_ref()
    }

    /// Talks until somebody leaves; says why.
    pub(super) async fn run(&mut self, begins_with_tls: bool) -> io::Result<&'static str> {
        if begins_with_tls && !self.shake_hands().await? {
            return Ok("the TLS handshake failed");
        }
        self.say(Reply::new(220, "Waybill: files go in, answers come out")).await?;
        loop {
            let Self { wire, guest, work, waiting } = self;
            let next = tokio::select! {
                biased;
                () = guest.presence.cut().cancelled() => Next::Cut,
                () = guest.presence.leaving().cancelled() => Next::Leaving,
                why = sent_away(guest.session.as_ref()) => Next::SentAway(why),
                reply = at_work(work), if work.is_some() => Next::Done(reply),
                heard = wire.line(), if work.is_none() || waiting.len() < WAITING_MAX => Next::Heard(heard?),
            };
            let left = match next {
                Next::Cut => return Ok("it was cut off"),
                Next::SentAway(why) => {
                    self.guest.presence.leave(why.into());
                    continue;
                }
                Next::Leaving => {
                    self.work = None;
                    let why = self.guest.presence.why().map_or("closing", |why| why.sentence());
                    Some(Reply::new(421, why))
                }
                Next::Done(reply) => {
                    self.work = None;
                    self.guest.presence.heard();
                    self.say(reply).await?;
                    self.catch_up().await?
                }
                Next::Heard(Heard::Line(line)) => {
                    self.guest.presence.heard();
                    if self.work.is_some() { self.hear_at_work(line).await? } else { self.hear(&line).await? }
                }
                Next::Heard(Heard::TooLong) => {
                    self.guest.presence.blame(Offence::Probe);
                    let max = self.guest.house.settings.line_max;
                    Some(Reply::new(421, format!("a command line is at most {max} long; closing")))
                }
                Next::Heard(Heard::End) => return Ok("the client left"),
            };
            if let Some(reply) = left {
                self.say(reply).await?;
                self.wire.goodbye().await;
                return Ok("the client left");
            }
        }
    }

    /// A line while something is under way.
    async fn hear_at_work(&mut self, line: Vec<u8>) -> io::Result<Option<Reply>> {
        match verbs::verb_of(&line).as_str() {
            "ABOR" => {
                self.work = None;
                self.say(Reply::new(426, "the transfer was broken off because you asked for it")).await?;
                self.say(Reply::new(226, "nothing is under way now")).await?;
                self.catch_up().await
            }
            "STAT" if line.len() == 4 => {
                self.say(Reply::new(213, "a transfer is under way")).await?;
                Ok(None)
            }
            _ => {
                self.waiting.push_back(line);
                Ok(None)
            }
        }
    }

    /// What was said meanwhile, in its order, up to the next transfer.
    async fn catch_up(&mut self) -> io::Result<Option<Reply>> {
        while self.work.is_none() {
            let Some(line) = self.waiting.pop_front() else { break };
            if let Some(reply) = self.hear(&line).await? {
                return Ok(Some(reply));
            }
        }
        Ok(None)
    }

    /// Answers one line; a reply that is returned is the last.
    async fn hear(&mut self, line: &[u8]) -> io::Result<Option<Reply>> {
        match verbs::answer(&mut self.guest, line).await {
            Answer::Say(reply) => self.say(reply).await?,
            Answer::Work(first, work) => {
                if let Some(first) = first {
                    self.say(first).await?;
                }
                self.work = Some(work);
            }
            Answer::Protect(reply) => {
                self.say(reply).await?;
                if !self.shake_hands().await? {
                    return Ok(Some(Reply::new(421, "the TLS handshake failed; connect again")));
                }
            }
            Answer::Leave(reply) => return Ok(Some(reply)),
        }
        Ok(None)
    }

    async fn shake_hands(&mut self) -> io::Result<bool> {
        let Some(stream) = self.wire.for_handshake() else {
            debug!("commands were sent behind AUTH TLS; closing");
            self.guest.presence.blame(Offence::Probe);
            return Ok(false);
        };
        let handshake = data::protect(&self.guest.tls, stream);
        match timeout(self.guest.house.settings.handshake_deadline.duration(), handshake).await {
            Ok(Ok(stream)) => {
                self.guest.secured = Secured::by(stream.get_ref().1);
                self.wire.protected(stream);
                self.guest.is_protected = true;
                Ok(true)
            }
            Ok(Err(error)) => {
                debug!(%error, "a TLS handshake failed");
                if data::is_probe(&error) {
                    self.guest.presence.blame(Offence::Probe);
                }
                Err(error)
            }
            Err(_) => {
                self.guest.presence.blame(Offence::Probe);
                Err(io::ErrorKind::TimedOut.into())
            }
        }
    }

    /// Says something, to a client that listens: one that does not is not waited for.
    async fn say(&mut self, reply: Reply) -> io::Result<()> {
        debug!(code = reply.code(), text = reply.text(), "replied");
        let stall = self.guest.house.settings.stall_deadline.duration();
        let cut = self.guest.presence.cut().clone();
        let bytes = reply.into_bytes();
        tokio::select! {
            () = cut.cancelled() => Err(io::ErrorKind::ConnectionAborted.into()),
            said = timeout(stall, self.wire.say(&bytes)) => said.unwrap_or(Err(io::ErrorKind::TimedOut.into())),
        }
    }
}

/// Returns when this session has to end.
async fn sent_away(session: Option<&Session>) -> SentAway {
    match session {
        Some(session) => session.sent_away().await,
        None => std::future::pending().await,
    }
}

async fn at_work(work: &mut Option<Work>) -> Reply {
    match work {
        Some(work) => work.await,
        None => std::future::pending().await,
    }
}
