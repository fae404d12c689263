//! One life of a replica: from the making of its Lease until that has gone.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::time::Duration;

use futures::{StreamExt, pin_mut};
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{Api, DeleteParams, PostParams, Preconditions};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{Config, Event, watcher};
use kube::{Error, ResourceExt};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::Replica;
use super::record::{Record, Seen};
use super::step::{FOLLOWED, Step, TABLE, View, table_of};
use super::table::Table;
use crate::simulation::now;

/// Marks our Leases.
const LABEL: &str = "belay.dev/lease";
/// The longest part of a name that comes from the host's.
const HOST: usize = 40;
/// How often the leader weighs the work.
const WEIGHING: Duration = Duration::from_secs(10);

/// How a life ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Somebody wants it to.
    Stopped,
    /// The Lease could not be renewed, or has gone.
    Lost,
}

/// A life.
pub(super) struct Life<'a> {
    replica: &'a Replica,
    api: Api<Lease>,
    pub(super) name: String,
    /// The Lease of the life before, whose work has ended.
    former: Option<String>,
    leader: Option<Seen>,
    members: BTreeMap<String, Seen>,
    renewed: Instant,
    led: Instant,
    loads: Vec<(String, u64)>,
    weighed: Option<Instant>,
    /// No request before then, as one has failed.
    not_before: Option<Instant>,
    failure: String,
}

impl<'a> Life<'a> {
    pub(super) fn new(replica: &'a Replica, former: Option<String>) -> Life<'a> {
        let settings = &replica.settings;
        let (host, random) = (host_name(&settings.host), fastrand::u32(..));
        Life {
            replica,
            api: Api::namespaced(replica.client.clone(), &settings.namespace),
            name: format!("{}-{host}-{random:08x}", settings.name),
            former,
            leader: None,
            members: BTreeMap::new(),
            renewed: Instant::now(),
            led: Instant::now(),
            loads: Vec::new(),
            weighed: None,
            not_before: None,
            failure: String::new(),
        }
    }

    /// Holds a share of the work until `stop` is over or the Lease is lost.
    pub(super) async fn live(
        &mut self,
        loads: &impl Fn() -> Vec<(String, u64)>,
        mut stop: Pin<&mut impl Future<Output = ()>>,
    ) -> End {
        tokio::select! {
            biased;
            () = stop.as_mut() => return End::Stopped,
            () = self.begin() => {}
        }
        let stream = watcher(self.api.clone(), Config::default().labels(LABEL)).default_backoff();
        pin_mut!(stream);
        let mut listed = BTreeSet::new();
        while self.members.contains_key(&self.name) && Instant::now() < self.deadline() {
            self.weigh(loads);
            let step = self.next();
            let until = match (step, self.not_before.filter(|not_before| Instant::now() < *not_before)) {
                (Step::Wait(until), _) => until,
                (_, Some(not_before)) => not_before,
                (step, None) => {
                    tokio::select! {
                        biased;
                        () = stop.as_mut() => return End::Stopped,
                        () = self.take_in_time(step) => continue,
                    }
                }
            };
            let share = &self.replica.share;
            let is_settled = share.is_settled();
            tokio::select! {
                biased;
                () = stop.as_mut() => return End::Stopped,
                Some(event) = stream.next() => self.take_in(event, &mut listed),
                () = share.settled(), if !is_settled => {}
                () = sleep_until(until.min(self.deadline())) => {}
            }
        }
        tracing::warn!(lease = self.name, "the lease was lost: nothing is written until there is another");
        End::Lost
    }

    /// Hands over: lets go of everything first. What is ours has to have been given up before.
    pub(super) async fn leave(&mut self) {
        self.replica.share.settled().await;
        self.replica.gate.open(None);
        if !self.members.contains_key(&self.name) {
            return;
        }
        if let Err(error) = self.api.delete(&self.name, &DeleteParams::default()).await {
            tracing::warn!(lease = self.name, error = belay_causes::chain(&error), "not removed");
        }
        while let Some(leader) = self.leader.clone().filter(|leader| leader.record.holder == self.name) {
            let lease = with(&leader.lease, &leader.record.released(now()), None);
            match self.put(&lease).await {
                Ok(()) => return,
                Err(error) if is(&error, 409) && self.read(&self.replica.settings.name).await.is_ok() => {}
                Err(error) => {
                    tracing::warn!(error = belay_causes::chain(&error), "leadership not released");
                    return;
                }
            }
        }
    }

    /// Makes the own Lease, as often as it takes.
    async fn begin(&mut self) {
        let (settings, params) = (&self.replica.settings, PostParams::default());
        if let Some(former) = self.former.take() {
            // The leader does it otherwise, in a while.
            let _ = self.api.delete(&former, &DeleteParams::default()).await;
        }
        loop {
            let started = Instant::now();
            let record = Record::taken(&self.name, settings.lease_duration, now(), None);
            let lease = with(&named(&self.name, "replica"), &record, None);
            let created = self.api.create(&params, &lease);
            match timeout_at(started + settings.renew_deadline, created).await {
                Ok(Ok(lease)) => {
                    self.know(lease);
                    self.was_renewed(started);
                    tracing::info!(lease = self.name, "this replica is there");
                    return;
                }
                Ok(Err(error)) => self.tell(&error),
                Err(_late) => tracing::warn!(lease = self.name, "not made in time, trying again"),
            }
            tokio::time::sleep(settings.retry_period).await;
        }
    }

    /// When the own Lease counts no more, on our side.
    fn deadline(&self) -> Instant {
        self.renewed + self.replica.settings.renew_deadline
    }

    /// What was asked for at `started` was granted then at the earliest: others count from later.
    fn was_renewed(&mut self, started: Instant) {
        self.renewed = started;
        self.replica.gate.open(Some(self.deadline()));
    }

    fn next(&self) -> Step {
        let view = View {
            own: &self.name,
            leader: self.leader.as_ref(),
            members: &self.members,
            renewed: self.renewed,
            led: self.led,
            retry_period: self.replica.settings.retry_period,
            is_settled: self.replica.share.is_settled(),
            loads: &self.loads,
        };
        view.next(Instant::now(), now())
    }

    /// The leader weighs the work now and then.
    fn weigh(&mut self, loads: &impl Fn() -> Vec<(String, u64)>) {
        let is_leader = self.leader.as_ref().is_some_and(|leader| leader.record.holder == self.name);
        if !is_leader {
            self.weighed = None;
        } else if self.weighed.is_none_or(|weighed| weighed.elapsed() >= WEIGHING) {
            self.loads = loads();
            self.weighed = Some(Instant::now());
        }
    }

    async fn take_in_time(&mut self, step: Step) {
        let pause = self.replica.settings.retry_period;
        match timeout_at(self.deadline(), self.take(step)).await {
            Ok(Ok(())) => (self.not_before, self.failure) = (None, String::new()),
            Ok(Err(error)) => {
                self.tell(&error);
                self.not_before = Some(Instant::now() + pause);
            }
            // The deadline has passed, which the loop sees.
            Err(_late) => {}
        }
    }

    /// Does one step. What somebody else has changed meanwhile is read, and decided anew.
    async fn take(&mut self, step: Step) -> Result<(), Error> {
        let started = Instant::now();
        let (done, name) = match step {
            Step::Wait(_) => return Ok(()),
            Step::Renew => (self.renew(None, started).await, self.name.clone()),
            Step::Follow(mark) => (self.renew(Some((FOLLOWED, mark)), started).await, self.name.clone()),
            Step::Lead => (self.lead(started).await, self.leader_name()),
            Step::KeepLeading => (self.keep_leading(None, started).await, self.leader_name()),
            Step::Write(table) => (self.keep_leading(Some(&table), started).await, self.leader_name()),
            Step::Bury(name) => (self.bury(&name).await, name),
        };
        match done {
            Err(error) if is(&error, 409) || is(&error, 404) => self.read(&name).await,
            done => done,
        }
    }

    async fn renew(&mut self, mark: Option<(&str, String)>, started: Instant) -> Result<(), Error> {
        let Some(own) = self.members.get(&self.name) else { return Ok(()) };
        let lease = with(&own.lease, &own.record.renewed(now()), mark);
        self.put(&lease).await?;
        self.was_renewed(started);
        Ok(())
    }

    async fn lead(&mut self, started: Instant) -> Result<(), Error> {
        let settings = &self.replica.settings;
        let before = self.leader.as_ref();
        let record =
            Record::taken(&self.name, settings.lease_duration, now(), before.map(|before| &before.record));
        match before.map(|before| before.lease.clone()) {
            Some(lease) => self.put(&with(&lease, &record, None)).await?,
            None => {
                let lease = with(&named(&settings.name, "leader"), &record, None);
                let lease = self.api.create(&PostParams::default(), &lease).await?;
                self.know(lease);
            }
        }
        self.led = started;
        tracing::info!(lease = self.name, "this replica leads");
        Ok(())
    }

    async fn keep_leading(&mut self, table: Option<&Table>, started: Instant) -> Result<(), Error> {
        let Some(leader) = &self.leader else { return Ok(()) };
        let record = leader.record.renewed(now());
        let lease = with(&leader.lease, &record, table.map(|table| (TABLE, table.write())));
        self.put(&lease).await?;
        self.led = started;
        Ok(())
    }

    /// Removes a Lease in exactly the version that was not renewed.
    async fn bury(&mut self, name: &str) -> Result<(), Error> {
        let Some(seen) = self.members.get(name) else { return Ok(()) };
        let metadata = &seen.lease.metadata;
        let preconditions =
            Preconditions { resource_version: metadata.resource_version.clone(), uid: metadata.uid.clone() };
        let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
        self.api.delete(name, &params).await?;
        tracing::info!(lease = name, "a replica was not heard of for too long");
        self.members.remove(name);
        Ok(())
    }

    async fn put(&mut self, lease: &Lease) -> Result<(), Error> {
        let lease = self.api.replace(&lease.name_any(), &PostParams::default(), lease).await?;
        self.know(lease);
        Ok(())
    }

    async fn read(&mut self, name: &str) -> Result<(), Error> {
        match self.api.get_opt(name).await? {
            Some(lease) => self.know(lease),
            None => self.forget(name),
        }
        Ok(())
    }

    fn leader_name(&self) -> String {
        self.replica.settings.name.clone()
    }

    fn take_in(
        &mut self,
        event: Result<Event<Lease>, kube::runtime::watcher::Error>,
        listed: &mut BTreeSet<String>,
    ) {
        match event {
            Ok(Event::Init) => listed.clear(),
            Ok(Event::InitApply(lease)) => {
                listed.insert(lease.name_any());
                self.know(lease);
            }
            Ok(Event::InitDone) => {
                let known =
                    self.members.keys().chain(self.leader.as_ref().map(|_| &self.replica.settings.name));
                let gone: Vec<String> = known.filter(|name| !listed.contains(*name)).cloned().collect();
                gone.iter().for_each(|name| self.forget(name));
            }
            Ok(Event::Apply(lease)) => self.know(lease),
            Ok(Event::Delete(lease)) => {
                let name = lease.name_any();
                let known =
                    self.members.get(&name).or(self.leader.as_ref().filter(|_| name == self.leader_name()));
                if known.is_some_and(|known| known.lease.metadata.uid == lease.metadata.uid) {
                    self.forget(&name);
                }
            }
            Err(error) => self.tell(&error),
        }
    }

    fn know(&mut self, lease: Lease) {
        let (name, now) = (lease.name_any(), Instant::now());
        if name == self.replica.settings.name {
            match &mut self.leader {
                Some(leader) => leader.take_in(lease, now),
                None => self.leader = Some(Seen::new(lease, now)),
            }
            self.follow();
        } else if name.starts_with(&format!("{}-", self.replica.settings.name)) {
            match self.members.get_mut(&name) {
                Some(member) => member.take_in(lease, now),
                None => drop(self.members.insert(name, Seen::new(lease, now))),
            }
        }
    }

    fn forget(&mut self, name: &str) {
        if name == self.replica.settings.name {
            self.leader = None;
        } else {
            self.members.remove(name);
        }
    }

    /// Works on what the table says, and on nothing else.
    fn follow(&self) {
        match self.leader.as_ref().and_then(table_of) {
            Some(table) => self.replica.share.take(table.count(), table.of(&self.name)),
            None => self.replica.share.give_up(false),
        }
    }

    /// Logs a failure once.
    fn tell(&mut self, error: &(dyn std::error::Error + 'static)) {
        let failure = belay_causes::chain(error);
        if failure != self.failure {
            tracing::warn!(lease = self.name, failure, "trying again");
            self.failure = failure;
        }
    }
}

fn is(error: &Error, code: u16) -> bool {
    matches!(error, Error::Api(status) if status.code == code)
}

/// A Lease without a record.
fn named(name: &str, kind: &str) -> Lease {
    let mut lease = Lease::default();
    lease.metadata.name = Some(name.to_owned());
    lease.metadata.labels = Some(BTreeMap::from([(LABEL.to_owned(), kind.to_owned())]));
    lease
}

/// A Lease with another record, and another annotation.
fn with(lease: &Lease, record: &Record, annotation: Option<(&str, String)>) -> Lease {
    let mut lease = lease.clone();
    lease.spec = Some(record.spec());
    lease.metadata.managed_fields = None;
    // One that was made by others is found by it from now on.
    let labels = lease.metadata.labels.get_or_insert_default();
    labels.entry(LABEL.to_owned()).or_insert_with(|| "leader".to_owned());
    if let Some((name, value)) = annotation {
        lease.metadata.annotations.get_or_insert_default().insert(name.to_owned(), value);
    }
    lease
}

/// A host's name as a part of an object's.
fn host_name(host: &str) -> String {
    let letter = |letter: char| match letter.to_ascii_lowercase() {
        letter if letter.is_ascii_alphanumeric() => letter,
        _ => '-',
    };
    let name: String = host.chars().take(HOST).map(letter).collect();
    name.trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_become_parts_of_names() {
        assert_eq!(host_name("belay-7d4b9c-x2x"), "belay-7d4b9c-x2x");
        assert_eq!(host_name("Ada's Laptop.local."), "ada-s-laptop-local");
        assert_eq!(host_name(&"x".repeat(300)).len(), HOST);
    }
}
