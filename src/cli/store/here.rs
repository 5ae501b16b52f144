//! The store of a data folder, opened directly: its daemon may run or not.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};

use super::{
    Account, AccountDetail, Ban, EventsAsked, File, FilesAsked, Finding, Found, MadeToken, Missing, NewAccount, NewBan,
    NewToken, Organisation, PolicyChanges, Profile, Session,
};
use crate::config;
use crate::domain::policy::PolicyFault;
use crate::domain::{ArrivalId, Bearer, Event, Network, Policy, Scope, SessionId, Timestamp};
use crate::land::credential;
use crate::record::{AccountRow, Banned, EventFilter, FileFilter, FileStatus, OrganisationRow, Record, SessionFilter};

/// Whoever can write the folder can do anything with it: an operator.
#[derive(Debug)]
pub(in super::super) struct Here {
    pub(super) record: Record,
    pub(super) data: PathBuf,
    pub(super) scope: Scope,
}

/// Readers of the database; a command asks one thing at a time.
const READERS_MAX: u32 = 2;
const WRITERS_MAX: u32 = 1;
/// Rows asked for at once.
const PAGE: u32 = 500;
const DAY_MICROS: i64 = 86_400_000_000;

impl Here {
    pub(super) async fn open(data: &Path, missing: Missing) -> anyhow::Result<Self> {
        let store = config::Store::of_folder(data, std::env::vars())?;
        if store.database.is_empty() && missing == Missing::Refuse && !data.join("waybill.db").is_file() {
            bail!(
                "there is no waybill.db in {0}: name a daemon's data folder with --data (or WAYBILL_DATA), or begin \
                 one with `waybill org create NAME --data {0}`",
                data.display()
            );
        }
        let record = Record::of(&config::Store { readers_max: READERS_MAX, writers_max: WRITERS_MAX, ..store }).await?;
        Ok(Self { record, data: data.to_owned(), scope: Scope::operator("cli") })
    }

    pub(super) async fn organisations(&self) -> anyhow::Result<Vec<Organisation>> {
        Ok(self.record.organisations(&self.scope).await?.into_iter().map(Organisation::from).collect())
    }

    pub(super) async fn add_organisation(&self, name: &str, kind: &str) -> anyhow::Result<Organisation> {
        Ok(self.record.add_organisation(name, kind).await?.into())
    }

    pub(super) async fn accounts(&self) -> anyhow::Result<Vec<Account>> {
        Ok(self.record.accounts(&self.scope).await?.into_iter().map(Account::from).collect())
    }

    pub(super) async fn add_account(&self, new: NewAccount) -> anyhow::Result<Account> {
        let organisation = self.organisation(&new.org).await?;
        let mut keys = vec![];
        for line in &new.keys {
            keys.push(credential::parse_public_key(line).map_err(anyhow::Error::msg)?);
        }
        let hash = match &new.password {
            None => None,
            Some(password) => Some(credential::hash_password(password).map_err(anyhow::Error::msg)?),
        };
        let id = self.record.add_account(organisation.id, &new.login, hash.as_deref(), &keys).await?;
        let made = self.record.accounts(&self.scope).await?.into_iter().find(|account| account.id == id);
        made.map(Account::from).context("the account was made, but is not there")
    }

    pub(super) async fn account(&self, login: &str) -> anyhow::Result<AccountDetail> {
        let row = self.account_row(login).await?;
        self.detail(row).await
    }

    pub(super) async fn change_policy(&self, login: &str, changes: &PolicyChanges) -> anyhow::Result<AccountDetail> {
        let row = self.account_row(login).await?;
        let changed = self.record.change_policy(row.id, |known| {
            let policy = known.changed(changes)?;
            let event = known.change_event(&policy, &row.login, row.organisation, self.scope.principal());
            Ok((policy, event))
        });
        changed.await?.map_err(|faults: Vec<PolicyFault>| {
            let told: Vec<String> =
                faults.iter().map(|fault| format!("{}: {}", fault.setting, fault.message)).collect();
            anyhow::anyhow!(told.join("\n"))
        })?;
        self.detail(row).await
    }

    async fn detail(&self, row: AccountRow) -> anyhow::Result<AccountDetail> {
        let policy = self.record.policy(row.id).await?.policy;
        // A store that no daemon has run on yet: what a daemon without settings would say.
        let kept = self.record.account_defaults().await?;
        let (defaults, listed) = kept.unwrap_or_else(|| (Policy::default(), config::Land::default().listed.micros()));
        let since = Timestamp::now().plus_micros(-listed);
        let usage = self.record.drop_usage(&row.id.to_string(), since).await?;
        Ok(AccountDetail { account: row.into(), effective: policy.over(&defaults), policy, usage })
    }

    pub(super) async fn account_row(&self, login: &str) -> anyhow::Result<AccountRow> {
        self.record.account(&self.scope, login).await?.with_context(|| no_such_account(login))
    }

    pub(super) async fn release(&self, id: ArrivalId) -> anyhow::Result<File> {
        let file = self.file(id).await?;
        if !self.record.release_held(&self.scope, id).await? {
            bail!("the file is {}, and not held", file.status);
        }
        self.file(id).await
    }

    pub(super) async fn add_token(&self, new: NewToken) -> anyhow::Result<MadeToken> {
        let organisation = match &new.org {
            None => None,
            Some(org) => Some(self.organisation(org).await?.id),
        };
        let expires_at =
            new.expires_days.map(|days| Timestamp::now().plus_micros(i64::from(days).saturating_mul(DAY_MICROS)));
        let bearer = Bearer::mint()?;
        self.record.add_token(organisation, &new.name, bearer.id(), &bearer.secret_sha256(), expires_at).await?;
        Ok(MadeToken {
            id: bearer.id().to_string(),
            name: new.name,
            organisation: organisation.map(|id| id.to_string()),
            token: bearer.text(),
            expires_at,
        })
    }

    pub(super) async fn sessions(&self) -> anyhow::Result<Vec<Session>> {
        let page = self.record.sessions(&self.scope, &SessionFilter::default(), None, u32::MAX - 1).await?;
        Ok(page.rows.into_iter().map(Session::from).collect())
    }

    pub(super) async fn end_session(&self, id: SessionId) -> anyhow::Result<Option<Session>> {
        Ok(self.record.end_session(&self.scope, id, "cli").await?.map(Session::from))
    }

    pub(super) async fn bans(&self) -> anyhow::Result<Vec<Ban>> {
        let rows = self.record.bans(Timestamp::now(), u32::MAX).await?;
        Ok(rows.into_iter().map(Ban::from).collect())
    }

    pub(super) async fn add_ban(&self, new: NewBan) -> anyhow::Result<Ban> {
        // The daemon's own limit is in its settings, which are not here.
        let max = crate::config::Defend::default().bans_max;
        match self.record.ban(new.network, new.until, &new.reason, "cli", max).await? {
            Banned::Added(row) | Banned::Already(row) => Ok(row.into()),
            Banned::Full => bail!("there are {max} operators' bans; lift some"),
        }
    }

    pub(super) async fn lift_ban(&self, network: Network) -> anyhow::Result<Option<Ban>> {
        Ok(self.record.lift_ban(network, "cli").await?.map(Ban::from))
    }

    pub(super) async fn profiles(&self) -> anyhow::Result<Vec<Profile>> {
        Ok(self.record.profiles(&self.scope).await?.into_iter().map(Profile::from).collect())
    }

    pub(super) async fn apply_profile(&self, name: &str, text: &str, org: Option<&str>) -> anyhow::Result<Profile> {
        let organisation = match org {
            None => None,
            Some(org) => Some(self.organisation(org).await?.id),
        };
        self.record.apply_profile(organisation, name, text).await?;
        let rows = self.record.profiles(&self.scope).await?;
        let row = rows.into_iter().find(|row| row.organisation == organisation && row.name == name);
        row.map(Profile::from).context("the profile was applied, but is not there")
    }

    pub(super) async fn files(&self, asked: &FilesAsked) -> anyhow::Result<Vec<File>> {
        let scope = match &asked.org {
            None => self.scope.clone(),
            Some(org) => Scope::of_organisation(self.organisation(org).await?.id, "cli"),
        };
        let filter = FileFilter {
            statuses: asked.statuses.iter().filter_map(|status| FileStatus::parse(status)).collect(),
            name: asked.name.clone(),
            user: asked.user.clone(),
            has_errors: asked.with_errors.then_some(true),
            ..FileFilter::default()
        };
        let mut files = vec![];
        let mut after = None;
        loop {
            let left = u32::try_from(asked.limit - files.len()).unwrap_or(PAGE).min(PAGE);
            let page = self.record.files(&scope, &filter, after.as_ref(), left).await?;
            files.extend(page.rows.into_iter().map(File::from));
            match page.next {
                Some(next) if files.len() < asked.limit => after = Some(next),
                _ => return Ok(files),
            }
        }
    }

    pub(super) async fn file(&self, id: ArrivalId) -> anyhow::Result<File> {
        let row = self.record.file(&self.scope, id).await?;
        row.map(File::from).with_context(|| no_such_file(id))
    }

    pub(super) async fn findings(&self, id: ArrivalId, from: Option<String>) -> anyhow::Result<Found> {
        let after = from.and_then(|ordinal| ordinal.parse().ok()).unwrap_or(-1);
        let rows = self.record.findings(&self.scope, id, after, PAGE).await?;
        let next = rows.last().filter(|_| rows.len() == PAGE as usize).map(|row| row.ordinal.to_string());
        Ok(Found { findings: rows.into_iter().map(Finding::from).collect(), next })
    }

    pub(super) async fn reprocess(&self, id: ArrivalId) -> anyhow::Result<File> {
        let file = self.file(id).await?;
        if !self.record.reprocess(&self.scope, id).await? {
            bail!("the file is {}; it can be read again once it has been read", file.status);
        }
        self.file(id).await
    }

    pub(super) async fn last_events(&self, asked: &EventsAsked, limit: usize) -> anyhow::Result<Vec<Event>> {
        let filter = self.filter(asked).await?;
        let mut events = vec![];
        let mut before = i64::MAX;
        loop {
            let left = u32::try_from(limit.saturating_sub(events.len())).unwrap_or(PAGE).min(PAGE);
            let page = self.record.events_before(&self.scope, &filter, before, left).await?;
            let Some(oldest) = page.last() else { break };
            before = oldest.seq;
            events.extend(page);
        }
        events.reverse();
        Ok(events)
    }

    pub(super) async fn events_after(&self, asked: &EventsAsked, after: i64) -> anyhow::Result<Vec<Event>> {
        Ok(self.record.events_after(&self.scope, &self.filter(asked).await?, after, PAGE).await?)
    }

    pub(super) async fn follow(&self, asked: &EventsAsked, after: i64) -> anyhow::Result<Poll> {
        let filter = self.filter(asked).await?;
        Ok(Poll { record: self.record.clone(), scope: self.scope.clone(), filter, after })
    }

    /// A daemon says where it is, and takes that back when it closes.
    pub(super) fn is_attended(&self) -> bool {
        self.data.join("ready.json").is_file()
    }

    async fn filter(&self, asked: &EventsAsked) -> anyhow::Result<EventFilter> {
        let organisation = match &asked.org {
            None => None,
            Some(org) => Some(self.organisation(org).await?.id),
        };
        Ok(EventFilter {
            kinds: asked.kinds.clone(),
            not_kinds: asked.not_kinds.clone(),
            severity: asked.severity,
            organisation,
            file: asked.file,
            session: asked.session,
            users: asked.users.clone(),
            codes: asked.codes.clone(),
            since: asked.since,
            until: asked.until,
            text: asked.text.clone(),
            ..EventFilter::default()
        })
    }

    async fn organisation(&self, id_or_name: &str) -> anyhow::Result<OrganisationRow> {
        let found = self.record.organisation(id_or_name).await?;
        found.with_context(|| format!("there is no organisation `{id_or_name}`; `waybill org list` shows them"))
    }
}

pub(super) fn no_such_account(login: &str) -> String {
    format!("there is no account `{login}`; `waybill account list` shows them")
}

pub(super) fn no_such_file(id: ArrivalId) -> String {
    format!("there is no file {id}; `waybill file list` shows them")
}

/// Events as they are written, looked for again and again: another process writes them, so nothing rings.
#[derive(Debug)]
pub(in super::super) struct Poll {
    record: Record,
    scope: Scope,
    filter: EventFilter,
    after: i64,
}

const POLL: Duration = Duration::from_millis(250);

impl Poll {
    pub(super) async fn next(&mut self) -> anyhow::Result<Vec<Event>> {
        loop {
            // Asked before the events: what is committed up to here and fits is among them, so that what
            // does not fit need not be looked at again.
            let newest = self.record.newest_event().await?;
            if newest > self.after {
                let events = self.record.events_after(&self.scope, &self.filter, self.after, PAGE).await?;
                if let Some(last) = events.last() {
                    self.after = last.seq;
                    return Ok(events);
                }
                self.after = newest;
            }
            tokio::time::sleep(POLL).await;
        }
    }
}
