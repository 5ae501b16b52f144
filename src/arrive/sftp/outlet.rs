//! Replies on their way out of one channel, in bounded memory.
//!
//! russh queues without bound what does not fit the client's window, and its `writable_packet_size` tells
//! our own receive window, not the client's (0.65.1). So a reply is built and handed to the session only
//! when nothing waits there; otherwise it stays a question in a short queue, and a task of the channel
//! builds one reply after the other and hands it over through the session's bounded queue, which russh
//! reads only while the client takes what it is sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use russh::ChannelId;
use russh::server::{Handle, Session};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::AbortHandle;

use super::protocol::{Broken, Reply};

/// The way out of one channel. Dropping it ends the channel's task.
pub(super) struct Outlet {
    channel: ChannelId,
    requests_max: usize,
    state: Arc<State>,
    task: Option<Task>,
    /// Bytes this call may still send before the session writes to the wire.
    round_left: usize,
}

#[derive(Default)]
struct State {
    /// What waits, in [`weight`]s.
    waiting: AtomicUsize,
    ended: AtomicBool,
}

struct Task {
    // Unbounded, but never heavier than `requests_max`: `waiting` counts.
    jobs: UnboundedSender<Job>,
    abort: AbortHandle,
}

enum Job {
    Reply(Reply),
    End,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error(transparent)]
    Broken(#[from] Broken),
    #[error(transparent)]
    Ssh(#[from] russh::Error),
}

/// What one packet of a client may make us send before the wire takes it; more goes through the task. A
/// client can ask for a thousand READs in one packet and have a window of 4 GiB.
const ROUND: usize = 512 * 1024;

impl Outlet {
    pub(super) fn new(channel: ChannelId, requests_max: usize) -> Self {
        Self { channel, requests_max, state: Arc::default(), task: None, round_left: ROUND }
    }

    /// A new packet of the client: what was sent for the last one is on the wire.
    pub(super) fn new_round(&mut self) {
        self.round_left = ROUND;
    }

    pub(super) async fn send(&mut self, reply: Reply, session: &mut Session) -> Result<(), Trouble> {
        let waiting = self.state.waiting.load(Ordering::Acquire);
        // What an account's bandwidth holds back waits in the task: here it would hold back the whole connection.
        let at_once = waiting == 0 && self.round_left > 0 && !reply.is_paced();
        if at_once && !session.has_pending_data(self.channel) {
            let bytes = reply.into_bytes().await;
            self.round_left = self.round_left.saturating_sub(bytes.len());
            session.data(self.channel, bytes)?;
            return Ok(());
        }
        if waiting >= self.requests_max {
            return Err(Broken::TooManyRequests(waiting).into());
        }
        self.state.waiting.fetch_add(weight(&reply), Ordering::AcqRel);
        // The task ends only with the connection, and then there is nobody to answer.
        let _ = self.task(session).jobs.send(Job::Reply(reply));
        Ok(())
    }

    /// Ends the channel behind the last reply, as sftp-server ends: status 0, EOF, close.
    pub(super) fn end(&mut self, session: &mut Session) -> Result<(), russh::Error> {
        match &self.task {
            Some(task) => {
                let _ = task.jobs.send(Job::End);
                Ok(())
            }
            None => {
                self.state.ended.store(true, Ordering::Release);
                session.exit_status_request(self.channel, 0)?;
                session.eof(self.channel)?;
                session.close(self.channel)
            }
        }
    }

    /// The channel is closed as far as we are concerned.
    pub(super) fn is_over(&self) -> bool {
        self.state.ended.load(Ordering::Acquire)
    }

    fn task(&mut self, session: &Session) -> &Task {
        self.task.get_or_insert_with(|| {
            let (jobs, queue) = unbounded_channel();
            let work = run(queue, session.handle(), self.channel, Arc::clone(&self.state));
            Task { jobs, abort: tokio::spawn(work).abort_handle() }
        })
    }
}

/// A READ waits as a question of some 64 bytes: a client may ask for a file of 2 GiB in one go, as paramiko
/// does. An answer that is made already weighs what it is long.
fn weight(reply: &Reply) -> usize {
    match reply {
        Reply::Read { .. } | Reply::List { .. } => 1,
        Reply::Now(bytes) => 1 + bytes.len() / 64,
    }
}

async fn run(mut queue: UnboundedReceiver<Job>, handle: Handle, channel: ChannelId, state: Arc<State>) {
    while let Some(job) = queue.recv().await {
        match job {
            // A whole packet in one message: a reply sent directly meanwhile may stand before or behind it,
            // which SFTP allows, but never inside.
            Job::Reply(reply) => {
                let weight = weight(&reply);
                if handle.data(channel, reply.into_bytes().await).await.is_err() {
                    return;
                }
                state.waiting.fetch_sub(weight, Ordering::AcqRel);
            }
            Job::End => {
                let _ = handle.exit_status_request(channel, 0).await;
                let _ = handle.eof(channel).await;
                let _ = handle.close(channel).await;
                state.ended.store(true, Ordering::Release);
                return;
            }
        }
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort.abort();
        }
    }
}
