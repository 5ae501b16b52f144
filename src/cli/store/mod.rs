//! Where the commands ask: the store of a data folder, or a server over its REST API. One method a
//! question, so that every command is written once.

mod here;
mod objects;
mod proofs;
mod remote;
mod sse;

use std::collections::BTreeSet;
use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use zeroize::Zeroizing;

pub(super) use here::Here;
pub(super) use objects::{Account, AccountDetail, Ban, File, Finding, MadeToken, Organisation, Profile, Session};
pub(super) use proofs::{Authentication, Key};
pub(super) use remote::Remote;

use crate::domain::{ArrivalId, Event, Network, SessionId, Severity, Timestamp};

/// Which store is asked. What is typed counts before the environment.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Where to ask")]
pub(super) struct Place {
    /// The data folder of a daemon, which may run or not [env: WAYBILL_DATA=] [default: ./waybill-data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// A running server, asked over its REST API: `https://waybill.example` [env: WAYBILL_URL=]
    #[arg(long, value_name = "URL")]
    url: Option<String>,

    /// The API token for --url; in the environment other users of this machine cannot see it
    #[arg(long, env = "WAYBILL_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    token: Option<String>,
}

/// What to do about a data folder without a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    Refuse,
    Make,
}

impl Place {
    /// The store of this data folder.
    pub(super) fn of_folder(data: &Path) -> Self {
        Self { data: Some(data.to_owned()), url: None, token: None }
    }

    /// Opens the store that was named.
    pub(super) async fn open(&self, missing: Missing) -> anyhow::Result<Store> {
        match self.choose(|name| env::var(name).ok().filter(|value| !value.is_empty()))? {
            Chosen::Folder(data) => Ok(Store::Here(Here::open(&data, missing).await?)),
            Chosen::Server(url) => Ok(Store::There(Remote::new(&url, self.token.as_deref())?)),
        }
    }

    /// Whether nobody said where: then there may be no store at all.
    pub(super) fn names_nothing(&self) -> bool {
        let given = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
        self.data.is_none() && self.url.is_none() && !given("WAYBILL_DATA") && !given("WAYBILL_URL")
    }

    fn choose(&self, environment: impl Fn(&str) -> Option<String>) -> anyhow::Result<Chosen> {
        Ok(match (&self.data, &self.url) {
            (Some(_), Some(_)) => bail!("--data and --url name two different stores; give one of them"),
            (Some(data), None) => Chosen::Folder(data.clone()),
            (None, Some(url)) => Chosen::Server(url.clone()),
            (None, None) => match (environment("WAYBILL_DATA"), environment("WAYBILL_URL")) {
                (Some(_), Some(_)) => {
                    bail!("WAYBILL_DATA and WAYBILL_URL are both set; say which one with --data or --url")
                }
                (Some(data), None) => Chosen::Folder(data.into()),
                (None, Some(url)) => Chosen::Server(url),
                (None, None) => Chosen::Folder("waybill-data".into()),
            },
        })
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Chosen {
    Folder(PathBuf),
    Server(String),
}

/// An account to be made.
pub(super) struct NewAccount {
    pub(super) login: String,
    /// Id or name.
    pub(super) org: String,
    pub(super) password: Option<Zeroizing<String>>,
    /// Lines of `.pub` files.
    pub(super) keys: Vec<String>,
}

/// What is to change of a policy, by setting; null goes back to what holds for every account.
pub(super) type PolicyChanges = serde_json::Map<String, serde_json::Value>;

/// A token to be made.
#[derive(Debug)]
pub(super) struct NewToken {
    pub(super) name: String,
    /// Id or name; `None`: an operator's.
    pub(super) org: Option<String>,
    pub(super) expires_days: Option<u32>,
}

/// A ban to be made.
#[derive(Debug)]
pub(super) struct NewBan {
    pub(super) network: Network,
    /// `None`: until it is lifted.
    pub(super) until: Option<Timestamp>,
    pub(super) reason: String,
}

/// Which files.
#[derive(Debug, Clone, Default)]
pub(super) struct FilesAsked {
    pub(super) statuses: Vec<String>,
    /// Id or name.
    pub(super) org: Option<String>,
    pub(super) user: Option<String>,
    pub(super) name: Option<String>,
    pub(super) with_errors: bool,
    pub(super) limit: usize,
}

/// Which events. Everything given must hold; inside a list, any one.
#[derive(Debug, Clone, Default)]
pub(super) struct EventsAsked {
    pub(super) kinds: BTreeSet<String>,
    pub(super) not_kinds: BTreeSet<String>,
    pub(super) severity: Option<Severity>,
    /// Id or name.
    pub(super) org: Option<String>,
    pub(super) file: Option<ArrivalId>,
    pub(super) session: Option<SessionId>,
    pub(super) users: BTreeSet<String>,
    pub(super) codes: BTreeSet<String>,
    pub(super) since: Option<Timestamp>,
    pub(super) until: Option<Timestamp>,
    pub(super) text: Option<String>,
}

/// Where the commands ask.
#[derive(Debug)]
pub(super) enum Store {
    Here(Here),
    There(Remote),
}

impl Store {
    pub(super) async fn organisations(&self) -> anyhow::Result<Vec<Organisation>> {
        match self {
            Self::Here(here) => here.organisations().await,
            Self::There(there) => there.organisations().await,
        }
    }

    pub(super) async fn add_organisation(&self, name: &str, kind: &str) -> anyhow::Result<Organisation> {
        match self {
            Self::Here(here) => here.add_organisation(name, kind).await,
            Self::There(there) => there.add_organisation(name, kind).await,
        }
    }

    pub(super) async fn accounts(&self) -> anyhow::Result<Vec<Account>> {
        match self {
            Self::Here(here) => here.accounts().await,
            Self::There(there) => there.accounts().await,
        }
    }

    pub(super) async fn add_account(&self, new: NewAccount) -> anyhow::Result<Account> {
        match self {
            Self::Here(here) => here.add_account(new).await,
            Self::There(there) => there.add_account(new).await,
        }
    }

    /// An account with its policy.
    pub(super) async fn account(&self, login: &str) -> anyhow::Result<AccountDetail> {
        match self {
            Self::Here(here) => here.account(login).await,
            Self::There(there) => there.account(login).await,
        }
    }

    /// Changes an account's policy: a JSON merge patch.
    pub(super) async fn change_policy(&self, login: &str, changes: &PolicyChanges) -> anyhow::Result<AccountDetail> {
        match self {
            Self::Here(here) => here.change_policy(login, changes).await,
            Self::There(there) => there.change_policy(login, changes).await,
        }
    }

    pub(super) async fn add_token(&self, new: NewToken) -> anyhow::Result<MadeToken> {
        match self {
            Self::Here(here) => here.add_token(new).await,
            Self::There(there) => there.add_token(new).await,
        }
    }

    /// The open sessions, newest first.
    pub(super) async fn sessions(&self) -> anyhow::Result<Vec<Session>> {
        match self {
            Self::Here(here) => here.sessions().await,
            Self::There(there) => there.sessions().await,
        }
    }

    /// Asks for the end of a session.
    pub(super) async fn end_session(&self, id: SessionId) -> anyhow::Result<Session> {
        let ended = match self {
            Self::Here(here) => here.end_session(id).await?,
            Self::There(there) => there.end_session(id).await?,
        };
        ended.with_context(|| format!("there is no session {id}; it may have ended"))
    }

    /// The bans that hold, newest first.
    pub(super) async fn bans(&self) -> anyhow::Result<Vec<Ban>> {
        match self {
            Self::Here(here) => here.bans().await,
            Self::There(there) => there.bans().await,
        }
    }

    pub(super) async fn add_ban(&self, new: NewBan) -> anyhow::Result<Ban> {
        match self {
            Self::Here(here) => here.add_ban(new).await,
            Self::There(there) => there.add_ban(new).await,
        }
    }

    /// Lifts the ban of a network; of a single address, the one its subscriber has too.
    pub(super) async fn lift_ban(&self, network: Network) -> anyhow::Result<Ban> {
        for network in [network, Network::subscriber(network.first())] {
            let lifted = match self {
                Self::Here(here) => here.lift_ban(network).await?,
                Self::There(there) => there.lift_ban(network).await?,
            };
            if let Some(ban) = lifted {
                return Ok(ban);
            }
            if !network.is_one_address() {
                break;
            }
        }
        bail!("{network} is not banned; `waybill ban list` shows what is")
    }

    /// The profiles that were applied and the built-in ones.
    pub(super) async fn profiles(&self) -> anyhow::Result<Vec<Profile>> {
        let mut profiles = match self {
            Self::Here(here) => here.profiles().await?,
            Self::There(there) => there.profiles().await?,
        };
        profiles.extend(waybill_parsers::profile::built_in().iter().map(Profile::from));
        Ok(profiles)
    }

    /// Applies a profile, already checked.
    pub(super) async fn apply_profile(&self, name: &str, text: &str, org: Option<&str>) -> anyhow::Result<Profile> {
        match self {
            Self::Here(here) => here.apply_profile(name, text, org).await,
            Self::There(there) => there.apply_profile(name, text, org).await,
        }
    }

    /// Files, newest first.
    pub(super) async fn files(&self, asked: &FilesAsked) -> anyhow::Result<Vec<File>> {
        match self {
            Self::Here(here) => here.files(asked).await,
            Self::There(there) => there.files(asked).await,
        }
    }

    pub(super) async fn file(&self, id: ArrivalId) -> anyhow::Result<File> {
        match self {
            Self::Here(here) => here.file(id).await,
            Self::There(there) => there.file(id).await,
        }
    }

    /// A page of a file's findings, and where the next one begins.
    pub(super) async fn findings(&self, id: ArrivalId, from: Option<String>) -> anyhow::Result<Found> {
        match self {
            Self::Here(here) => here.findings(id, from).await,
            Self::There(there) => there.findings(id, from).await,
        }
    }

    /// Releases a held file to be read.
    pub(super) async fn release(&self, id: ArrivalId) -> anyhow::Result<File> {
        match self {
            Self::Here(here) => here.release(id).await,
            Self::There(there) => there.release(id).await,
        }
    }

    /// Puts a file back into the queue.
    pub(super) async fn reprocess(&self, id: ArrivalId) -> anyhow::Result<File> {
        match self {
            Self::Here(here) => here.reprocess(id).await,
            Self::There(there) => there.reprocess(id).await,
        }
    }

    /// The last `limit` events, oldest first.
    pub(super) async fn last_events(&self, asked: &EventsAsked, limit: usize) -> anyhow::Result<Vec<Event>> {
        match self {
            Self::Here(here) => here.last_events(asked, limit).await,
            Self::There(there) => there.last_events(asked, limit).await,
        }
    }

    /// Up to a page of events after a sequence number, oldest first; empty at the end of the log.
    pub(super) async fn events_after(&self, asked: &EventsAsked, after: i64) -> anyhow::Result<Vec<Event>> {
        match self {
            Self::Here(here) => here.events_after(asked, after).await,
            Self::There(there) => there.events_after(asked, after).await,
        }
    }

    /// Everything that happens after a sequence number, as it happens.
    pub(super) async fn follow(&self, asked: &EventsAsked, after: i64) -> anyhow::Result<Following> {
        Ok(match self {
            Self::Here(here) => Following::Here(Box::new(here.follow(asked, after).await?)),
            Self::There(there) => Following::There(Box::new(there.follow(asked, after))),
        })
    }

    /// Whether something will read a file that is put into the queue.
    pub(super) fn is_attended(&self) -> bool {
        match self {
            Self::Here(here) => here.is_attended(),
            Self::There(_) => true,
        }
    }
}

/// A page of findings.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) findings: Vec<Finding>,
    /// Given back for the next page.
    pub(super) next: Option<String>,
}

/// Events as they happen.
#[derive(Debug)]
pub(super) enum Following {
    Here(Box<here::Poll>),
    There(Box<sse::Stream>),
}

impl Following {
    /// Waits for the next events. Dropping the wait loses none of them.
    pub(super) async fn next(&mut self) -> anyhow::Result<Vec<Event>> {
        match self {
            Self::Here(poll) => poll.next().await,
            Self::There(stream) => stream.next().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(typed: (Option<&str>, Option<&str>), environment: &[(&str, &str)]) -> Option<Chosen> {
        let place = Place { data: typed.0.map(Into::into), url: typed.1.map(Into::into), token: None };
        place
            .choose(|name| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
            .ok()
    }

    #[test]
    fn what_is_typed_counts_before_the_environment() {
        let both = [("WAYBILL_DATA", "d"), ("WAYBILL_URL", "u")];
        assert_eq!(chosen((None, None), &[]), Some(Chosen::Folder("waybill-data".into())));
        assert_eq!(chosen((None, None), &both[..1]), Some(Chosen::Folder("d".into())));
        assert_eq!(chosen((None, None), &both[1..]), Some(Chosen::Server("u".into())));
        assert_eq!(chosen((Some("x"), None), &both), Some(Chosen::Folder("x".into())));
        assert_eq!(chosen((None, Some("y")), &both), Some(Chosen::Server("y".into())));
        assert_eq!(chosen((None, None), &both), None, "two stores, and nothing says which");
        assert_eq!(chosen((Some("x"), Some("y")), &[]), None);
    }
}
