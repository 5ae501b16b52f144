//! A load client for the SFTP doors, ours or anybody's: many connections, little work on its own side.
//!
//! ```text
//! doors-load connect ADDRESS LOGIN KEY FOLDER --count 400 --parallel 50 --bytes 10240
//! doors-load puts ADDRESS LOGIN KEY FOLDER --count 3000 --parallel 8 --bytes 10240
//! doors-load idle ADDRESS LOGIN KEY --count 1000 --parallel 50
//! ```
//!
//! `connect` makes a new connection for each small file it puts, and prints how many a second. `puts` keeps its
//! connections, puts invoices one after the other through each, and prints how many a second, and how long a CLOSE was
//! waited for. `idle` opens SFTP sessions, prints how many are open, and holds them until standard input ends.

#![allow(clippy::print_stdout, clippy::float_arithmetic, reason = "a benchmark prints, and its figures are no money")]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, ensure};
use clap::{Args, Parser, Subcommand};
use russh::client::{self, Handle};
use russh::keys::{PrivateKey, PrivateKeyWithHashAlg, PublicKeyOrCertificate};
use russh::{Preferred, kex};
use russh_sftp::client::SftpSession;
use tokio::io::AsyncWriteExt;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

#[derive(Parser)]
struct Command {
    #[command(subcommand)]
    work: Work,
    /// Cargo says so to every benchmark
    #[arg(long, global = true, hide = true)]
    bench: bool,
}

#[derive(Subcommand)]
enum Work {
    /// A new connection for each small file
    Connect {
        #[command(flatten)]
        to: To,
        /// Where files are put
        folder: String,
        /// Size of each file
        #[arg(long, default_value_t = 10_240)]
        bytes: usize,
    },
    /// Small invoices one after the other, over connections that stay
    Puts {
        #[command(flatten)]
        to: To,
        /// Where files are put
        folder: String,
        /// Size of each file
        #[arg(long, default_value_t = 10_240)]
        bytes: usize,
    },
    /// Sessions that are open and say nothing
    Idle {
        #[command(flatten)]
        to: To,
    },
}

#[derive(Args, Clone)]
struct To {
    address: SocketAddr,
    login: String,
    /// An OpenSSH private key without a passphrase
    key: PathBuf,
    #[arg(long, default_value_t = 400)]
    count: usize,
    /// Connections being made at once
    #[arg(long, default_value_t = 50)]
    parallel: usize,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Command::parse().work {
        Work::Connect { to, folder, bytes } => connect(to, folder, bytes).await,
        Work::Puts { to, folder, bytes } => puts(to, folder, bytes).await,
        Work::Idle { to } => idle(to).await,
    }
}

async fn connect(to: To, folder: String, bytes: usize) -> anyhow::Result<()> {
    let (key, gate, failed) = (to.key()?, Arc::new(Semaphore::new(to.parallel)), Arc::new(AtomicUsize::new(0)));
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for number in 0..to.count {
        let (to, key, gate, failed, folder) =
            (to.clone(), Arc::clone(&key), Arc::clone(&gate), Arc::clone(&failed), folder.clone());
        tasks.spawn(async move {
            let _turn = gate.acquire().await;
            if let Err(error) =
                put_one(&to, key, &format!("{folder}{}-{number}.bin", std::process::id()), number, bytes).await
            {
                failed.fetch_add(1, Ordering::Relaxed);
                println!("failed: {error:#}");
            }
        });
    }
    while tasks.join_next().await.is_some() {}
    let seconds = began.elapsed().as_secs_f64();
    let failed = failed.load(Ordering::Relaxed);
    println!(
        "{{\"count\":{},\"failed\":{failed},\"seconds\":{seconds:.3},\"per_second\":{:.1}}}",
        to.count,
        to.count as f64 / seconds
    );
    Ok(())
}

async fn put_one(to: &To, key: Arc<PrivateKey>, name: &str, number: usize, bytes: usize) -> anyhow::Result<()> {
    let mut connection = to.open(key).await?;
    let sftp = sftp(&mut connection).await?;
    let mut content = vec![b'x'; bytes];
    // Other bytes each time: the same ones would be a duplicate.
    let marked = format!("{}-{number}-", std::process::id());
    content.iter_mut().zip(marked.bytes()).for_each(|(to, from)| *to = from);
    let mut file = sftp.create(name).await?;
    file.write_all(&content).await?;
    file.close().await?;
    connection.disconnect(russh::Disconnect::ByApplication, "", "").await?;
    Ok(())
}

const INVOICE: &str = include_str!("../../fixtures/x12/ok/minimal/input.edi");

async fn puts(to: To, folder: String, bytes: usize) -> anyhow::Result<()> {
    let (key, next) = (to.key()?, Arc::new(AtomicUsize::new(0)));
    // No two runs send the same bytes: that would be a duplicate.
    let run = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_nanos();
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..to.parallel {
        let (to, key, next, folder) = (to.clone(), Arc::clone(&key), Arc::clone(&next), folder.clone());
        tasks.spawn(async move {
            let mut connection = to.open(key).await?;
            let sftp = sftp(&mut connection).await?;
            let mut waited = vec![];
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= to.count {
                    return anyhow::Ok(waited);
                }
                let mut content = INVOICE.replace("NW-1001", &format!("NW-{run}-{number}")).into_bytes();
                content.resize(bytes.max(content.len()), b'\n');
                let mut file = sftp.create(format!("{folder}{run}-{number}.edi")).await?;
                file.write_all(&content).await?;
                file.flush().await?;
                let closing = Instant::now();
                file.close().await?;
                waited.push(closing.elapsed());
            }
        });
    }
    let (mut waited, mut failed) = (vec![], 0);
    while let Some(done) = tasks.join_next().await {
        match done? {
            Ok(some) => waited.extend(some),
            Err(error) => {
                failed += 1;
                println!("failed: {error:#}");
            }
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    waited.sort_unstable();
    println!(
        "{{\"count\":{},\"failed\":{failed},\"seconds\":{seconds:.3},\"per_second\":{:.1},\"close_p50_ms\":{:.2},\"close_p99_ms\":{:.2}}}",
        waited.len(),
        waited.len() as f64 / seconds,
        percentile(&waited, 50),
        percentile(&waited, 99),
    );
    Ok(())
}

/// In milliseconds; of sorted times.
fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    sorted.get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1))).map_or(0.0, Duration::as_secs_f64)
        * 1_000.0
}

async fn idle(to: To) -> anyhow::Result<()> {
    let (key, gate) = (to.key()?, Arc::new(Semaphore::new(to.parallel)));
    let mut tasks = JoinSet::new();
    for _ in 0..to.count {
        let (to, key, gate) = (to.clone(), Arc::clone(&key), Arc::clone(&gate));
        tasks.spawn(async move {
            let _turn = gate.acquire().await;
            let mut connection = to.open(key).await?;
            let sftp = sftp(&mut connection).await?;
            anyhow::Ok((connection, sftp))
        });
    }
    let mut held = Vec::with_capacity(to.count);
    while let Some(opened) = tasks.join_next().await {
        match opened? {
            Ok(session) => held.push(session),
            Err(error) => println!("failed: {error:#}"),
        }
    }
    println!("{{\"open\":{}}}", held.len());
    tokio::task::spawn_blocking(|| std::io::read_to_string(std::io::stdin())).await??;
    Ok(())
}

impl To {
    fn key(&self) -> anyhow::Result<Arc<PrivateKey>> {
        Ok(Arc::new(russh::keys::load_secret_key(&self.key, None).context("could not read the key")?))
    }

    async fn open(&self, key: Arc<PrivateKey>) -> anyhow::Result<Handle<Trusting>> {
        // What both servers have: a fair comparison needs the same key exchange.
        let preferred = Preferred { kex: vec![kex::CURVE25519].into(), ..Preferred::default() };
        let config = client::Config { preferred, ..client::Config::default() };
        let mut connection = client::connect(Arc::new(config), self.address, Trusting).await.context("connect")?;
        let known = connection.authenticate_publickey(&*self.login, PrivateKeyWithHashAlg::new(key, None)).await?;
        ensure!(known.success(), "the login was refused");
        Ok(connection)
    }
}

async fn sftp(connection: &mut Handle<Trusting>) -> anyhow::Result<SftpSession> {
    let channel = connection.channel_open_session().await.context("channel")?;
    channel.request_subsystem(true, "sftp").await?;
    Ok(SftpSession::new(channel.into_stream()).await?)
}

struct Trusting;

impl client::Handler for Trusting {
    type Error = russh::Error;

    async fn check_server_key(&mut self, _: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        Ok(true)
    }
}
