//! The newest entries of every app, in memory, and a thread that keeps them on disk.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use belay_diff::{DigestKey, Drift};
use belay_manifest::ObjectKey;
use jiff::{SignedDuration, Timestamp};

use crate::audit::{AuditedChange, Trail};
use crate::contest::{Contest, contests};
use crate::entry::{Decision, Entry, Rule, Trigger};
use crate::file::{LedgerError, Tail, digest_key, read};

/// Entries kept of one app.
const OF_ONE_APP: usize = 100;
/// Entries kept of all apps; then those of the app go first that was quiet longest.
const OF_ALL: usize = 100_000;
/// An entry is not older than the change that it tells of, but for clocks that differ.
const BEFORE: SignedDuration = SignedDuration::from_secs(5);

/// The ledger. A copy is another handle on the same one.
#[derive(Debug, Clone)]
pub struct Ledger {
    apps: Arc<Mutex<Apps>>,
    /// Who changed what, where somebody tells.
    trail: Arc<Mutex<Trail>>,
    /// Of the digests that stand for Secrets' values in it.
    key: DigestKey,
    /// Dropped with the last handle, which ends the thread when everything is written.
    writer: Option<Arc<Writer>>,
}

/// How an app stands, as the newest entries tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// When it was synced last.
    pub synced: Option<Timestamp>,
    /// The rule by which it is left, where that was the last that was decided.
    pub left: Option<Rule>,
}

#[derive(Debug, Default)]
struct Apps {
    entries: BTreeMap<String, VecDeque<Entry>>,
    count: usize,
}

impl Default for Ledger {
    fn default() -> Ledger {
        Ledger::in_memory()
    }
}

impl Ledger {
    /// A ledger that ends with the process.
    pub fn in_memory() -> Ledger {
        Ledger {
            apps: Arc::default(),
            trail: Arc::default(),
            key: DigestKey::new(rand::random()),
            writer: None,
        }
    }

    /// The same with another key for digests.
    pub fn with_key(self, key: DigestKey) -> Ledger {
        Ledger { key, ..self }
    }

    /// The ledger of a folder, with what it held before.
    pub fn open(folder: &Path) -> Result<Ledger, LedgerError> {
        let mut apps = Apps::default();
        let (mut tail, before) = (Tail::open(folder)?, read(folder)?);
        let key = digest_key(folder)?;
        let lines = before.len();
        before.into_iter().for_each(|entry| apps.push(entry));
        if lines > apps.count {
            tail.rewrite(&apps.all())?;
        }
        let apps = Arc::new(Mutex::new(apps));
        let writer = Some(Arc::new(Writer::start(tail, apps.clone())));
        Ok(Ledger { apps, trail: Arc::default(), key, writer })
    }

    /// The key of the digests that stand for Secrets' values: the same in each process of a folder.
    pub fn key(&self) -> &DigestKey {
        &self.key
    }

    /// Notes an entry, unless it tells what the app's last one told.
    pub fn record(&self, entry: Entry) {
        let mut entry = entry.cut();
        if let Trigger::Drift { fields } = &mut entry.trigger {
            lock(&self.trail).name(fields);
        }
        {
            let mut apps = lock(&self.apps);
            if apps.newest(&entry.app).is_some_and(|newest| entry.repeats(newest)) {
                return;
            }
            apps.push(entry.clone());
        }
        if let Some(writer) = &self.writer {
            writer.send(entry);
        }
    }

    /// Notes that an app which was left at last is as it should be.
    pub fn settled(&self, app: &str, revision: &str, time: Timestamp) {
        if self.standing(app).left.is_none() {
            return;
        }
        let decision =
            Decision::Finish { phase: "Succeeded".to_owned(), message: "as it should be again".to_owned() };
        let (app, revision) = (app.to_owned(), revision.to_owned());
        self.record(Entry { time, app, revision, trigger: Trigger::Look, decision });
    }

    /// Who changed an object by a manager at a time (RFC 3339); nothing where nobody has told.
    pub fn author(&self, object: &ObjectKey, manager: &str, time: &str) -> Option<String> {
        lock(&self.trail).author(object, manager, time).map(str::to_owned)
    }

    /// Takes in who changed something. Entries about it that were noted before anybody told are amended.
    pub fn changed(&self, changes: Vec<AuditedChange>) {
        let Some(since) = changes.iter().map(|change| change.time).min() else { return };
        let mut trail = lock(&self.trail);
        changes.into_iter().for_each(|change| trail.add(change));
        let amended = lock(&self.apps).amend(since.saturating_sub(BEFORE).unwrap_or(since), &trail);
        drop(trail);
        if let Some(writer) = &self.writer {
            amended.into_iter().for_each(|entry| writer.send(entry));
        }
    }

    /// What is known of one app, oldest first.
    pub fn of(&self, app: &str) -> Vec<Entry> {
        lock(&self.apps).entries.get(app).into_iter().flatten().cloned().collect()
    }

    /// When an app was synced last, and by which rule it is left since.
    pub fn standing(&self, app: &str) -> Standing {
        let apps = lock(&self.apps);
        let Some(entries) = apps.entries.get(app) else { return Standing::default() };
        let is_sync = |entry: &&Entry| matches!(entry.decision, Decision::Sync { .. });
        let synced = entries.iter().rev().find(is_sync).map(|entry| entry.time);
        let left = entries.back().and_then(|entry| match &entry.decision {
            Decision::Leave { rule, .. } => Some(*rule),
            Decision::Sync { .. } | Decision::Finish { .. } => None,
        });
        Standing { synced, left }
    }

    /// A field of an app that differs now, and that somebody changes back each time it is repaired. A request, or a
    /// change in Git, after the repairs gives these another chance.
    pub fn contest(&self, app: &str, drift: &[Drift], now: Timestamp) -> Option<Contest> {
        if drift.is_empty() {
            return None;
        }
        let entries = self.of(app);
        let is_new_start =
            |entry: &Entry| matches!(entry.trigger, Trigger::User { .. } | Trigger::Commit { .. });
        let start = entries.iter().rposition(is_new_start).map_or(0, |position| position + 1);
        let differs = |contest: &Contest| {
            drift.iter().any(|one| one.object == contest.drift.object && one.field == contest.drift.field)
        };
        contests(&entries[start..], now).into_iter().find(differs)
    }
}

impl Apps {
    fn newest(&self, app: &str) -> Option<&Entry> {
        self.entries.get(app)?.back()
    }

    fn push(&mut self, entry: Entry) {
        let entries = self.entries.entry(entry.app.clone()).or_default();
        if let Some(earlier) = entries.iter_mut().rev().find(|earlier| earlier.is_amended_by(&entry)) {
            *earlier = entry;
            return;
        }
        entries.push_back(entry);
        self.count += 1;
        if entries.len() > OF_ONE_APP {
            entries.pop_front();
            self.count -= 1;
        }
        if self.count > OF_ALL {
            self.forget_the_quietest();
        }
    }

    /// Names in entries since a time who changed what they tell of, and gives these entries.
    fn amend(&mut self, since: Timestamp, trail: &Trail) -> Vec<Entry> {
        let mut amended = Vec::new();
        for entry in self
            .entries
            .values_mut()
            .flat_map(|entries| entries.iter_mut().rev().take_while(|entry| entry.time >= since))
        {
            if let Trigger::Drift { fields } = &mut entry.trigger
                && trail.name(fields)
            {
                amended.push(entry.clone());
            }
        }
        amended
    }

    fn forget_the_quietest(&mut self) {
        let newest = |entries: &VecDeque<Entry>| entries.back().map(|entry| entry.time);
        let quietest = self.entries.iter().min_by_key(|(_, entries)| newest(entries));
        if let Some(app) = quietest.map(|(app, _)| app.clone()) {
            self.count -= self.entries.remove(&app).map_or(0, |entries| entries.len());
        }
    }

    /// Every entry, in the order of their times.
    fn all(&self) -> Vec<Entry> {
        let mut all: Vec<Entry> = self.entries.values().flatten().cloned().collect();
        all.sort_by_key(|entry| entry.time);
        all
    }
}

/// The thread that writes, and the way to it.
#[derive(Debug)]
struct Writer {
    entries: Mutex<Option<Sender<Entry>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    fn start(tail: Tail, apps: Arc<Mutex<Apps>>) -> Writer {
        let (sender, receiver) = channel();
        let thread = std::thread::Builder::new().name("ledger".to_owned());
        let thread = thread.spawn(move || write(tail, &receiver, &apps)).ok();
        Writer { entries: Mutex::new(Some(sender)), thread: Mutex::new(thread) }
    }

    fn send(&self, entry: Entry) {
        if let Some(sender) = lock(&self.entries).as_ref() {
            // It fails only when the thread has ended, which has said why.
            let _ = sender.send(entry);
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        lock(&self.entries).take();
        if let Some(thread) = lock(&self.thread).take() {
            let _ = thread.join();
        }
    }
}

/// Appends what comes; writes the file anew when it has twice as many lines as there are entries to keep. A full disk
/// costs the lines that come meanwhile, never the work they tell of.
fn write(mut tail: Tail, entries: &Receiver<Entry>, apps: &Mutex<Apps>) {
    let mut lines = lock(apps).count;
    let mut is_failing = false;
    for entry in entries {
        let kept = lock(apps).count;
        lines += 1;
        let written = if lines > 2 * kept.max(OF_ONE_APP) {
            lines = kept;
            let all = lock(apps).all();
            tail.rewrite(&all)
        } else {
            tail.append(&entry)
        };
        match written {
            Ok(()) => is_failing = false,
            Err(error) if !is_failing => {
                is_failing = true;
                tracing::warn!(error = ?error, "the ledger misses entries");
            }
            Err(_known) => {}
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
