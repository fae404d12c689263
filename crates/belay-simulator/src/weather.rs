//! Troubles as rules of the fault layer, and how often each has struck.

use std::collections::BTreeMap;
use std::time::Duration;

use belay_localkube::faults::{Fault, Faults, On};

use crate::bulk::SMALL_STORE;
use crate::remote::{FetchFault, Remote};
use crate::script::Weather;

const MINUTE: Duration = Duration::from_secs(60);

/// What has to happen in at least so many of 200 runs; less would prove nothing.
pub(crate) const WANTED: [(&str, u64); 62] = [
    ("a slow request", 10),
    ("403 for a read", 8),
    ("403 for a write", 8),
    ("409 for a write", 8),
    ("410 for a watch", 10),
    ("422 for a write", 4),
    ("429 with a time to wait", 10),
    ("500 for a read", 8),
    ("500 for a write", 8),
    ("503 for a read", 10),
    ("503 for a watch", 6),
    ("503 for a write", 8),
    ("a lost request", 10),
    ("a lost reply", 8),
    ("a dropped event", 8),
    ("a late event", 8),
    ("a watch cut off", 10),
    ("git: Garbage", 8),
    ("git: Hang", 8),
    ("git: Rejected", 8),
    ("a crash", 60),
    ("a compaction", 20),
    ("a jump of the clock", 15),
    ("a deletion", 100),
    ("a revision said to be applied", 190),
    ("a revision said to be applied and up", 190),
    ("a force-push", 15),
    ("a push told of again and again", 100),
    ("a branch deleted", 15),
    ("an app created", 150),
    ("an app deleted with its objects", 30),
    ("an app deleted without its objects", 15),
    ("an app at rest", 5),
    ("a folder that is Broken", 30),
    ("a folder that is Missing", 30),
    ("a folder that is Empty", 20),
    ("a hand that does Change", 30),
    ("a hand that does Delete", 30),
    ("a hand that does Copy", 30),
    ("an object that is held", 10),
    ("files torn by a crash", 15),
    ("a folder that cannot be used", 15),
    ("a backup restored", 15),
    ("a list in short pages", 10),
    ("a page asked for too late", 4),
    ("many apps created at once", 15),
    ("many apps deleted at once", 15),
    ("an object that no cluster takes", 10),
    ("an object with long annotations", 10),
    ("a folder of many objects", 10),
    ("a write too large to be stored", 5),
    ("a hook that is Evicted", 5),
    ("a hook that is Deleted", 5),
    ("a hook that is Forgotten", 5),
    ("a hook that is Endless", 5),
    ("an operation that is ended", 5),
    ("an object that a webhook changes", 20),
    ("an object that a webhook refuses", 3),
    ("a webhook that is away", 4),
    ("a slow webhook", 3),
    ("a partition", 4),
    ("an event a minute late", 4),
];

/// From now on all of this goes wrong, and nothing else.
pub(crate) fn set(faults: &Faults, remote: &Remote, weather: &[Weather]) {
    faults.clear();
    let mut fetches = Vec::new();
    for trouble in weather {
        match trouble {
            Weather::GitHangs => fetches.push((FetchFault::Hang, 0.3)),
            Weather::GitGarbage => fetches.push((FetchFault::Garbage, 0.4)),
            Weather::GitRejects => fetches.push((FetchFault::Rejected, 0.4)),
            _ => rules(*trouble).into_iter().for_each(|(on, fault)| faults.add(on, fault)),
        }
    }
    remote.set_faults(fetches);
}

/// From now on no request is answered.
pub(crate) fn away(faults: &Faults) {
    answer_all(faults, Fault::Refuse(503));
}

/// From now on no request arrives, and no watch lasts.
pub(crate) fn part(faults: &Faults) {
    answer_all(faults, Fault::LoseRequest);
    faults.add(On::events(""), Fault::CutWatch);
}

fn answer_all(faults: &Faults, fault: Fault) {
    faults.clear();
    for on in [On::reads(""), On::writes(""), On::watches("")] {
        faults.add(on, fault);
    }
}

fn rules(trouble: Weather) -> Vec<(On, Fault)> {
    let seconds = Duration::from_secs;
    match trouble {
        Weather::Slow => vec![
            (On::writes("").chance(0.3), Fault::Delay(seconds(3))),
            (On::reads("").chance(0.2), Fault::Delay(seconds(5))),
        ],
        Weather::Conflict => vec![(On::writes("").chance(0.3), Fault::Refuse(409))],
        Weather::Busy => vec![
            (On::writes("").chance(0.4), Fault::TooMany(2)),
            (On::reads("").chance(0.3), Fault::TooMany(1)),
            (On::watches("").chance(0.3), Fault::TooMany(1)),
        ],
        Weather::ServerError => vec![
            (On::writes("").chance(0.2), Fault::Refuse(500)),
            (On::writes("").chance(0.2), Fault::Refuse(503)),
            (On::reads("").chance(0.2), Fault::Refuse(503)),
            (On::watches("").chance(0.2), Fault::Refuse(503)),
        ],
        Weather::LostReply => vec![(On::writes("").chance(0.3), Fault::LoseReply)],
        Weather::LostRequest => vec![
            (On::writes("").chance(0.2), Fault::LoseRequest),
            (On::reads("").chance(0.2), Fault::LoseRequest),
        ],
        Weather::DroppedEvent => {
            vec![
                (On::events("").chance(0.2), Fault::DropEvent),
                (On::events("").chance(0.1), Fault::CutWatch),
                // What a watch has lost comes back with a list.
                (On::watches("").chance(0.5), Fault::Refuse(410)),
            ]
        }
        Weather::LateEvent => vec![(On::events("").chance(0.2), Fault::DelayEvent(seconds(7)))],
        Weather::Backlog => vec![(On::events("").chance(0.1), Fault::DelayEvent(MINUTE))],
        Weather::CutWatch => vec![(On::events("").chance(0.3), Fault::CutWatch)],
        Weather::Expired => vec![
            (On::watches("").chance(0.5), Fault::Refuse(410)),
            (On::events("").chance(0.3), Fault::CutWatch),
        ],
        Weather::FailedList => vec![(On::reads("").chance(0.5), Fault::Refuse(500))],
        Weather::Discovery => vec![(On::reads("/apis").chance(0.5), Fault::Refuse(503))],
        Weather::Forbidden => vec![
            (On::writes("").chance(0.3), Fault::Refuse(403)),
            (On::reads("").chance(0.3), Fault::Refuse(403)),
        ],
        Weather::Refused => vec![(On::writes("/configmaps/two"), Fault::Refuse(422))],
        Weather::ShortPages => vec![
            (On::reads("continue=").chance(0.3), Fault::Refuse(410)),
            (On::reads("limit="), Fault::ShortPage(2)),
            // Whoever is late begins anew.
            (On::watches("").chance(0.3), Fault::Refuse(410)),
            (On::events("").chance(0.2), Fault::CutWatch),
        ],
        Weather::SmallStore => vec![(On::writes("").larger_than(SMALL_STORE), Fault::TooLarge)],
        Weather::GitHangs | Weather::GitGarbage | Weather::GitRejects => Vec::new(),
    }
}

/// How often each fault struck, by its name.
pub(crate) fn struck(faults: &Faults, remote: &Remote) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    let mut count = |name: String| *counts.entry(name).or_insert(0) += 1;
    for seen in faults.seen() {
        let is_watch = seen.path.contains("watch=");
        match (seen.fault, seen.method.as_str()) {
            (None, _) => {}
            (Some(Fault::Delay(_)), _) => count("a slow request".to_owned()),
            (Some(Fault::Refuse(410)), "GET") if seen.path.contains("continue=") => {
                count("a page asked for too late".to_owned());
            }
            (Some(Fault::Refuse(code)), "GET") if is_watch => count(format!("{code} for a watch")),
            (Some(Fault::Refuse(code)), "GET") => count(format!("{code} for a read")),
            (Some(Fault::Refuse(code)), _) => count(format!("{code} for a write")),
            (Some(Fault::TooMany(_)), _) => count("429 with a time to wait".to_owned()),
            (Some(Fault::ShortPage(_)), _) => count("a list in short pages".to_owned()),
            (Some(Fault::TooLarge), _) => count("a write too large to be stored".to_owned()),
            (Some(Fault::LoseRequest), _) => count("a lost request".to_owned()),
            (Some(Fault::LoseReply), _) => count("a lost reply".to_owned()),
            (Some(other), _) => count(format!("{other:?}")),
        }
    }
    for fault in faults.seen_of_events() {
        count(match fault {
            Fault::DropEvent => "a dropped event".to_owned(),
            Fault::DelayEvent(MINUTE) => "an event a minute late".to_owned(),
            Fault::DelayEvent(_) => "a late event".to_owned(),
            Fault::CutWatch => "a watch cut off".to_owned(),
            other => format!("{other:?}"),
        });
    }
    for fault in remote.struck() {
        count(format!("git: {fault:?}"));
    }
    counts
}
