//! What happens to a world, step by step: by hand for the reference run, or drawn from a seed.

use std::time::Duration;

use rand::Rng as _;
use rand::rngs::StdRng;

use crate::bulk::{HEAVY, HUGE};
use crate::estate::{Kind, Manner};
use crate::gate::Mood;
use crate::hooks::{HOOKED, Mishap};
use crate::storm::Gust;

/// How webhooks tell of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Telling {
    /// The push is lost.
    Lost,
    /// Once.
    Once,
    /// Many times, and again when it is old.
    Repeated,
}

/// One thing that happens.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    /// Time goes by.
    Wait(Duration),
    /// A commit, and how webhooks tell of it.
    Commit(Vec<Edit>, Telling),
    /// The branch goes back to the commit before the last one.
    ForcePush,
    /// The branch is gone.
    DeleteBranch,
    /// The branch is there again.
    RestoreBranch,
    /// Somebody changes an app's object by hand.
    Tamper(Target, Hand),
    /// An app is created.
    Create(&'static str),
    /// An app is deleted, with its objects or without.
    Delete(&'static str, bool),
    /// A Kustomization rests, or goes on.
    Suspend(&'static str, bool),
    /// Somebody asks for a look.
    Ask(&'static str),
    /// The process is killed, and started again a while later.
    Crash(Duration),
    /// The process is killed while it writes: some of its files are cut short or lost. It is started again a while later.
    Tear(Duration),
    /// The process's folder cannot be used any more.
    LoseFolder,
    /// The folder can be used again.
    FindFolder,
    /// Somebody backs the cluster up.
    BackUp,
    /// Somebody restores the last backup, after the API server was away.
    Restore,
    /// The API server forgets the past.
    Compact,
    /// The machine's clock jumps by so many seconds.
    ClockJump(i64),
    /// A generator makes many apps, or takes them away.
    Storm(Gust),
    /// A commit to an app with hooks, one of which comes to grief.
    Hook(&'static str, Mishap),
    /// Somebody ends the operation that runs.
    Terminate,
    /// From now on admission webhooks see what is written.
    Gate(Mood),
    /// The API server cannot be reached for so long.
    Partition(Duration),
    /// From now on things go wrong.
    Weather(Vec<Weather>),
    /// From now on nothing goes wrong any more.
    Calm,
}

impl Step {
    /// What it is called where steps are counted; crashes are counted as they happen.
    pub(crate) fn name(&self) -> Option<String> {
        Some(match self {
            Step::Wait(_) | Step::Crash(_) | Step::Weather(_) | Step::Calm | Step::Ask(_) => return None,
            // Counted when there is something to restore.
            Step::BackUp | Step::Restore | Step::FindFolder => return None,
            Step::Storm(_) | Step::Hook(..) | Step::Terminate | Step::Gate(_) => return None,
            Step::Partition(_) => "a partition".to_owned(),
            Step::Tear(_) => "files torn by a crash".to_owned(),
            Step::LoseFolder => "a folder that cannot be used".to_owned(),
            Step::Commit(edits, _) if edits.iter().any(Edit::is_bulky) => return None,
            Step::Commit(edits, _) => {
                let manner = edits.iter().find_map(|edit| match edit.change {
                    FolderChange::Manner(manner) if manner != Manner::Sound => Some(manner),
                    _ => None,
                });
                return manner.map(|manner| format!("a folder that is {manner:?}"));
            }
            Step::ForcePush => "a force-push".to_owned(),
            Step::DeleteBranch => "a branch deleted".to_owned(),
            Step::RestoreBranch => return None,
            Step::Tamper(_, hand) => format!("a hand that does {hand:?}"),
            Step::Create(_) => "an app created".to_owned(),
            Step::Delete(_, true) => "an app deleted with its objects".to_owned(),
            Step::Delete(_, false) => "an app deleted without its objects".to_owned(),
            Step::Suspend(..) => "an app at rest".to_owned(),
            Step::Compact => "a compaction".to_owned(),
            Step::ClockJump(_) => "a jump of the clock".to_owned(),
        })
    }
}

/// A change of one folder.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Edit {
    pub(crate) app: &'static str,
    pub(crate) change: FolderChange,
}

impl Edit {
    /// Whether it is about sizes, which are counted when it is made.
    pub(crate) fn is_bulky(&self) -> bool {
        match &self.change {
            FolderChange::Put(_, name) | FolderChange::Remove(_, name) => name == HUGE || name == HEAVY,
            FolderChange::Many(_) => true,
            FolderChange::Manner(_) => false,
        }
    }
}

/// What changes in a folder.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum FolderChange {
    /// An object is added, or changed.
    Put(Kind, String),
    /// An object is removed.
    Remove(Kind, String),
    /// Many objects are added, or those that were are removed.
    Many(bool),
    /// The folder as a whole.
    Manner(Manner),
}

/// Whose object is changed by hand: the app's first, second, … one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) app: &'static str,
    pub(crate) place: usize,
}

/// What somebody does to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hand {
    /// Changes what Git says.
    Change,
    /// Adds a label that Git does not know.
    Label,
    /// Deletes it.
    Delete,
    /// Makes a copy of another name, marks and all.
    Copy,
    /// Puts a finalizer on it that nobody takes off until the end.
    Hold,
}

/// A kind of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Weather {
    /// Requests are slow.
    Slow,
    /// Writes are refused for conflicts.
    Conflict,
    /// 429 with a time to wait.
    Busy,
    /// 500 and 503.
    ServerError,
    /// Writes are carried out, their answers are lost.
    LostReply,
    /// Requests are lost.
    LostRequest,
    /// Events of watches are never seen, and the watch breaks off later.
    DroppedEvent,
    /// Events of watches come late.
    LateEvent,
    /// Events of watches come a minute late.
    Backlog,
    /// Watches break off.
    CutWatch,
    /// Watches cannot be opened: 410.
    Expired,
    /// Lists fail.
    FailedList,
    /// The kinds cannot be asked for.
    Discovery,
    /// Requests are forbidden for a while.
    Forbidden,
    /// An object of some kind is refused whatever it says.
    Refused,
    /// Lists come in short pages, of which later ones may be asked for too late.
    ShortPages,
    /// What is larger than usual is not stored.
    SmallStore,
    /// Git hangs.
    GitHangs,
    /// Git sends garbage.
    GitGarbage,
    /// Git rejects the login.
    GitRejects,
}

/// All troubles.
pub(crate) const WEATHER: [Weather; 17] = [
    Weather::Slow,
    Weather::Conflict,
    Weather::Busy,
    Weather::ServerError,
    Weather::LostReply,
    Weather::LostRequest,
    Weather::DroppedEvent,
    Weather::LateEvent,
    Weather::CutWatch,
    Weather::Expired,
    Weather::FailedList,
    Weather::Discovery,
    Weather::Forbidden,
    Weather::Refused,
    Weather::GitHangs,
    Weather::GitGarbage,
    Weather::GitRejects,
];

/// Apps whose folders change.
pub(crate) const FOLDERS: [&str; 6] = ["web", "archive", "base", "shop", "attic", "store"];

fn put(app: &'static str, kind: Kind, name: &str) -> Edit {
    Edit { app, change: FolderChange::Put(kind, name.to_owned()) }
}

fn remove(app: &'static str, kind: Kind, name: &str) -> Edit {
    Edit { app, change: FolderChange::Remove(kind, name.to_owned()) }
}

fn manner(app: &'static str, manner: Manner) -> Edit {
    Edit { app, change: FolderChange::Manner(manner) }
}

/// How every run begins: something in each folder, and every app created.
pub(crate) fn beginning() -> Vec<Step> {
    let mut edits = Vec::new();
    for app in FOLDERS {
        edits.push(put(app, Kind::ConfigMap, "one"));
        edits.push(put(app, Kind::ConfigMap, "two"));
    }
    edits.push(put("web", Kind::Deployment, "main"));
    edits.push(put("web", Kind::Secret, "login"));
    edits.push(put("base", Kind::Widget, "gear"));
    edits.push(put("shop", Kind::Deployment, "main"));
    edits.push(put("store", Kind::Secret, "login"));
    let mut steps = vec![Step::Commit(edits, Telling::Lost)];
    steps.extend(["ghost", "web", "archive", "base", "shop", "attic", "store"].map(Step::Create));
    steps
}

/// One of everything: the run that is crashed after each of its writes.
pub(crate) fn reference() -> Vec<Step> {
    let wait = |seconds| Step::Wait(Duration::from_secs(seconds));
    let mut steps = beginning();
    steps.extend([
        wait(30),
        Step::Commit(
            vec![
                put("web", Kind::ConfigMap, "one"),
                put("web", Kind::ConfigMap, "three"),
                remove("web", Kind::ConfigMap, "two"),
                put("shop", Kind::ConfigMap, "one"),
                remove("shop", Kind::ConfigMap, "two"),
                remove("attic", Kind::ConfigMap, "two"),
                remove("archive", Kind::ConfigMap, "two"),
                put("store", Kind::ConfigMap, "three"),
                remove("store", Kind::ConfigMap, "two"),
            ],
            Telling::Once,
        ),
        wait(40),
        Step::Tamper(Target { app: "web", place: 0 }, Hand::Change),
        Step::Tamper(Target { app: "shop", place: 0 }, Hand::Change),
        Step::Tamper(Target { app: "base", place: 1 }, Hand::Delete),
        Step::Tamper(Target { app: "store", place: 0 }, Hand::Change),
        Step::Tamper(Target { app: "web", place: 1 }, Hand::Copy),
        wait(130),
        Step::Commit(
            vec![
                manner("web", Manner::Empty),
                manner("shop", Manner::Empty),
                manner("store", Manner::Broken),
            ],
            Telling::Once,
        ),
        wait(40),
        Step::Commit(
            vec![
                manner("web", Manner::Missing),
                manner("shop", Manner::Broken),
                manner("base", Manner::Missing),
            ],
            Telling::Once,
        ),
        wait(40),
        Step::Commit(
            vec![
                manner("web", Manner::Sound),
                manner("shop", Manner::Sound),
                manner("base", Manner::Sound),
                manner("store", Manner::Sound),
                put("base", Kind::Widget, "wheel"),
                remove("base", Kind::Widget, "gear"),
            ],
            Telling::Once,
        ),
        wait(60),
        Step::Delete("shop", true),
        Step::Delete("archive", false),
        wait(30),
        Step::Create("shop"),
        Step::Delete("store", true),
        Step::Delete("web", true),
        wait(40),
        Step::Create("web"),
        Step::Create("store"),
        wait(60),
    ]);
    steps
}

/// Steps drawn by chance, with trouble or without.
pub(crate) fn drawn(random: &mut StdRng) -> Vec<Step> {
    let mut steps = beginning();
    if random.random_bool(0.5) {
        steps.insert(random.random_range(0..steps.len()), Step::Weather(weather(random)));
    }
    let mut serial = 0;
    for _ in 0..random.random_range(6..16) {
        steps.push(Step::Wait(pause(random)));
        serial += 1;
        steps.push(step(random, serial));
    }
    steps
}

/// Puts rarer trouble between steps that are drawn already.
pub(crate) fn add_rarer(steps: &mut Vec<Step>, random: &mut StdRng) {
    let first = beginning().len();
    for _ in 0..random.random_range(1..4) {
        let place = random.random_range(first..=steps.len());
        let target = Target { app: one_of(random, &FOLDERS), place: random.random_range(0..4) };
        let (now, later) = match random.random_range(0..5) {
            0 => (Step::Tamper(target, Hand::Hold), None),
            1 => (Step::Tear(Duration::from_millis(random.random_range(10..20_000))), None),
            2 => (Step::LoseFolder, Some(Step::FindFolder)),
            3 => (Step::BackUp, Some(Step::Restore)),
            _ => (Step::Weather(vec![Weather::ShortPages, one_of(random, &WEATHER)]), None),
        };
        if let Some(later) = later {
            let later_place = random.random_range(place..=steps.len());
            steps.insert(later_place, later);
        }
        steps.insert(place, now);
    }
}

/// Storms of apps, sizes and hooks, two of these three, between steps that are drawn already.
pub(crate) fn add_heavier(steps: &mut Vec<Step>, random: &mut StdRng) {
    let left_out = random.random_range(0..3);
    let draws: [fn(&mut StdRng) -> Vec<Step>; 3] = [storm, sizes, mishaps];
    for (number, draw) in draws.iter().enumerate() {
        if number == left_out {
            continue;
        }
        let mut place = random.random_range(beginning().len()..=steps.len());
        for step in draw(random) {
            steps.insert(place, step);
            place = random.random_range(place + 1..=steps.len());
        }
    }
}

/// Admission webhooks, in several moods one after the other, between steps that are drawn already.
pub(crate) fn add_gates(steps: &mut Vec<Step>, random: &mut StdRng) {
    let mut place = random.random_range(0..steps.len());
    for _ in 0..random.random_range(1..4) {
        steps.insert(place, Step::Gate(one_of(random, &[Mood::Open, Mood::Slow, Mood::Strict, Mood::Away])));
        place = random.random_range(place + 1..=steps.len());
    }
}

/// Troubles that last for minutes, between steps that are drawn already.
pub(crate) fn add_longer(steps: &mut Vec<Step>, random: &mut StdRng) {
    for _ in 0..random.random_range(1..4) {
        let place = random.random_range(0..=steps.len());
        let seconds = random.random_range(30..300);
        steps.insert(
            place,
            match random.random_bool(0.5) {
                true => Step::Partition(Duration::from_secs(seconds)),
                false => Step::Weather(vec![Weather::Backlog]),
            },
        );
    }
}

/// Many apps come at once, and most of them go at once; they may come back before all are gone.
fn storm(random: &mut StdRng) -> Vec<Step> {
    let mut steps = vec![Step::Storm(Gust::Rise)];
    if random.random_bool(0.8) {
        steps.push(Step::Storm(one_of(random, &[Gust::Thin, Gust::Vanish])));
    }
    if random.random_bool(0.4) {
        steps.push(Step::Storm(Gust::Rise));
    }
    steps
}

/// An object that is large or much too large, or many; and a store in which there is little room.
fn sizes(random: &mut StdRng) -> Vec<Step> {
    let app = one_of(random, &FOLDERS);
    let (come, go) = match random.random_range(0..3) {
        0 => {
            let kind = one_of(random, &[Kind::ConfigMap, Kind::Secret]);
            (put(app, kind, HUGE), remove(app, kind, HUGE))
        }
        1 => (put(app, Kind::ConfigMap, HEAVY), remove(app, Kind::ConfigMap, HEAVY)),
        _ => {
            (Edit { app, change: FolderChange::Many(true) }, Edit { app, change: FolderChange::Many(false) })
        }
    };
    let mut steps = vec![Step::Commit(vec![come], Telling::Once)];
    if random.random_bool(0.7) {
        steps.insert(0, Step::Weather(vec![Weather::SmallStore]));
    }
    if random.random_bool(0.5) {
        steps.push(Step::Commit(vec![go], Telling::Once));
    }
    steps
}

/// Hooks that come to grief.
fn mishaps(random: &mut StdRng) -> Vec<Step> {
    let all = [Mishap::Evicted, Mishap::Deleted, Mishap::Forgotten, Mishap::Endless];
    let hook = |random: &mut StdRng| Step::Hook(one_of(random, &HOOKED), one_of(random, &all));
    let mut steps: Vec<Step> = (0..random.random_range(2..5)).map(|_| hook(random)).collect();
    if random.random_bool(0.5) {
        steps.push(Step::Terminate);
    }
    steps
}

fn telling(random: &mut StdRng) -> Telling {
    match random.random_range(0..10) {
        0..3 => Telling::Lost,
        3..8 => Telling::Once,
        _ => Telling::Repeated,
    }
}

fn pause(random: &mut StdRng) -> Duration {
    let most = if random.random_bool(0.3) { 200_000 } else { 15_000 };
    Duration::from_millis(random.random_range(0..most))
}

fn one_of<T: Copy>(random: &mut StdRng, choices: &[T]) -> T {
    choices[random.random_range(0..choices.len())]
}

fn step(random: &mut StdRng, serial: usize) -> Step {
    let deletable = ["web", "archive", "base", "shop", "attic", "store"];
    match random.random_range(0..100) {
        0..36 => {
            let edits =
                (0..random.random_range(1..5)).map(|place| edit(random, serial * 10 + place)).collect();
            Step::Commit(edits, telling(random))
        }
        36..39 => Step::ForcePush,
        39..41 => Step::DeleteBranch,
        41..44 => Step::RestoreBranch,
        44..58 => {
            let target = Target { app: one_of(random, &FOLDERS), place: random.random_range(0..4) };
            Step::Tamper(target, one_of(random, &[Hand::Change, Hand::Label, Hand::Delete, Hand::Copy]))
        }
        58..63 => Step::Delete(one_of(random, &deletable), random.random_bool(0.7)),
        63..68 => Step::Create(one_of(random, &deletable)),
        68..70 => Step::Suspend(one_of(random, &["base", "shop", "attic"]), random.random_bool(0.5)),
        70..73 => Step::Ask(one_of(random, &deletable)),
        73..80 => Step::Crash(Duration::from_millis(random.random_range(10..60_000))),
        80..83 => Step::Compact,
        83..85 => Step::ClockJump(random.random_range(-3600..3600)),
        85..95 => Step::Weather(weather(random)),
        _ => Step::Calm,
    }
}

fn edit(random: &mut StdRng, serial: usize) -> Edit {
    let app = one_of(random, &FOLDERS);
    let names = ["one", "two", "three", "four", "main", "login", "gear"];
    let name = one_of(random, &names);
    let kind = match name {
        "main" => Kind::Deployment,
        "login" => Kind::Secret,
        "gear" if app == "base" => Kind::Widget,
        _ => Kind::ConfigMap,
    };
    match random.random_range(0..10) {
        0..5 => put(app, kind, name),
        5..7 => remove(app, kind, name),
        7 => put(app, Kind::ConfigMap, &format!("new-{serial}")),
        _ if app == "store" => manner(app, one_of(random, &[Manner::Sound, Manner::Broken, Manner::Missing])),
        _ => manner(app, one_of(random, &[Manner::Sound, Manner::Broken, Manner::Missing, Manner::Empty])),
    }
}

fn weather(random: &mut StdRng) -> Vec<Weather> {
    (0..random.random_range(1..4)).map(|_| one_of(random, &WEATHER)).collect()
}
