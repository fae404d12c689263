//! What goes wrong on a schedule, and a small controller that gets over it.

use std::time::Duration;

use belay_localkube::faults::{Fault, Faults, On};
use belay_localkube::{Clock, LocalKube, Settings};
use futures::StreamExt as _;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Client;
use kube::api::{
    Api, DeleteParams, ListParams, ObjectMeta, Patch, PatchParams, PostParams, WatchEvent, WatchParams,
};
use kube::runtime::watcher;
use serde_json::json;

fn quiet(seed: u64) -> LocalKube {
    let clock = Clock::starting_at("2026-01-01T00:00:00Z".parse().expect("a time"));
    LocalKube::new(&Settings { simulate_workloads: false, seed: Some(seed), clock, ..Settings::default() })
}

/// ConfigMaps behind faults, and the same without.
fn maps(local: &LocalKube, faults: &Faults) -> (Api<ConfigMap>, Api<ConfigMap>) {
    let faulty = Client::new(faults.over(local.service()), "default");
    (Api::default_namespaced(faulty), Api::default_namespaced(Client::new(local.service(), "default")))
}

fn map(name: &str, value: &str) -> ConfigMap {
    let metadata = ObjectMeta { name: Some(name.into()), ..ObjectMeta::default() };
    ConfigMap {
        metadata,
        data: Some([("value".to_owned(), value.to_owned())].into()),
        ..ConfigMap::default()
    }
}

fn code(error: &kube::Error) -> u16 {
    match error {
        kube::Error::Api(status) => status.code,
        _ => 0,
    }
}

#[tokio::test]
async fn what_is_too_large_is_refused_as_by_etcd() {
    let (local, faults) = (quiet(1), Faults::new(1));
    let (faulty, _) = maps(&local, &faults);
    faults.add(On::writes("/configmaps").larger_than(1000), Fault::TooLarge);
    let post = PostParams::default();
    faulty.create(&post, &map("small", "1")).await.expect("a small object passes");
    let refused =
        faulty.create(&post, &map("large", &"1".repeat(1000))).await.expect_err("a large one does not");
    assert_eq!(
        (code(&refused), refused.to_string().contains("etcdserver: request is too large")),
        (500, true)
    );
}

#[tokio::test]
async fn the_named_request_is_refused_and_no_other() {
    let (local, faults) = (quiet(1), Faults::new(1));
    let (faulty, _) = maps(&local, &faults);
    faults.add(On::writes("/configmaps").nth(2), Fault::Refuse(409));
    faults.add(On::reads("/configmaps/a"), Fault::TooMany(3));
    let post = PostParams::default();
    faulty.create(&post, &map("a", "1")).await.expect("the first write passes");
    let refused = faulty.create(&post, &map("b", "1")).await.expect_err("the second does not");
    assert_eq!(code(&refused), 409);
    faulty.create(&post, &map("b", "1")).await.expect("the third passes: the second was not carried out");
    let busy = faulty.get("a").await.expect_err("reads of a are too many");
    assert_eq!(code(&busy), 429);
    faulty.get("b").await.expect("b is another");
    faults.clear();
    faulty.get("a").await.expect("nothing goes wrong any more");
    let met: Vec<_> = faults.seen().into_iter().filter(|seen| seen.fault.is_some()).collect();
    assert_eq!(met.len(), 2, "{met:?}");
}

#[tokio::test]
async fn a_lost_reply_leaves_the_write_and_a_lost_request_leaves_none() {
    let (local, faults) = (quiet(1), Faults::new(1));
    let (faulty, sound) = maps(&local, &faults);
    faults.add(On::writes("").nth(1), Fault::LoseReply);
    faults.add(On::writes("").nth(2), Fault::LoseRequest);
    for name in ["kept", "lost"] {
        let broken = faulty.create(&PostParams::default(), &map(name, "1")).await.expect_err("no answer");
        assert_eq!(code(&broken), 0, "{broken}");
    }
    assert!(sound.get_opt("kept").await.expect("an answer").is_some());
    assert!(sound.get_opt("lost").await.expect("an answer").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_late_request_takes_its_time_by_the_clock_that_is_paused() {
    let (local, faults) = (quiet(1), Faults::new(1));
    let (faulty, _) = maps(&local, &faults);
    faults.add(On::writes(""), Fault::Delay(Duration::from_secs(90)));
    let (start, real) = (tokio::time::Instant::now(), std::time::Instant::now());
    let made = faulty.create(&PostParams::default(), &map("a", "1")).await.expect("late, but done");
    assert_eq!(start.elapsed().as_secs(), 90);
    assert!(real.elapsed() < Duration::from_secs(30));
    let time = made.metadata.creation_timestamp.expect("a time").0.to_string();
    assert_eq!(time, "2026-01-01T00:01:30Z");
}

#[tokio::test]
async fn the_same_seed_makes_the_same_names_and_meets_the_same_faults() {
    async fn life(seed: u64) -> (Vec<String>, Vec<bool>) {
        let (local, faults) = (quiet(seed), Faults::new(seed));
        let (faulty, _) = maps(&local, &faults);
        faults.add(On::writes("").chance(0.5), Fault::Refuse(500));
        let (mut names, mut refused) = (Vec::new(), Vec::new());
        for _ in 0..20 {
            let mut map = map("", "1");
            map.metadata = ObjectMeta { generate_name: Some("x-".into()), ..ObjectMeta::default() };
            let made = faulty.create(&PostParams::default(), &map).await;
            refused.push(made.is_err());
            names.extend(made.ok().map(|made| format!("{:?} {:?}", made.metadata.name, made.metadata.uid)));
        }
        (names, refused)
    }
    let (first, again, other) = (life(3).await, life(3).await, life(4).await);
    assert_eq!(first, again);
    assert_ne!(first, other);
    assert!(first.1.contains(&true) && first.1.contains(&false));
}

/// The names that a watch sees until it ends or nothing comes for a while.
async fn watched(maps: &Api<ConfigMap>, wanted: usize) -> Vec<String> {
    let stream = maps.watch(&WatchParams::default(), "0").await.expect("a watch");
    let mut stream = Box::pin(stream);
    let mut names = Vec::new();
    while names.len() < wanted {
        let next = tokio::time::timeout(Duration::from_millis(300), stream.next()).await;
        let Ok(Some(Ok(WatchEvent::Added(map)))) = next else { break };
        let name = map.metadata.name.unwrap_or_default();
        if name != "kube-root-ca.crt" {
            names.push(name);
        }
    }
    names
}

#[tokio::test]
async fn events_are_dropped_and_watches_are_cut() {
    let (local, faults) = (quiet(1), Faults::new(1));
    let (faulty, sound) = maps(&local, &faults);
    for name in ["a", "b", "c"] {
        sound.create(&PostParams::default(), &map(name, "1")).await.expect("made");
    }
    assert_eq!(watched(&faulty, 3).await, ["a", "b", "c"]);
    faults.add(On::events("/configmaps").nth(2), Fault::DropEvent);
    assert_eq!(watched(&faulty, 3).await, ["a", "c"]);
    faults.clear();
    faults.add(On::events("/configmaps").nth(2), Fault::CutWatch);
    assert_eq!(watched(&faulty, 3).await, ["a"]);
    faults.clear();
    faults.add(On::watches("/configmaps"), Fault::Refuse(410));
    let refused = faulty.watch(&WatchParams::default(), "0").await.err().expect("the watch is refused");
    assert_eq!(code(&refused), 410);
}

#[tokio::test(start_paused = true)]
async fn events_come_late() {
    let (local, faults) = (quiet(1), Faults::new(1));
    let (faulty, sound) = maps(&local, &faults);
    sound.create(&PostParams::default(), &map("a", "1")).await.expect("made");
    faults.add(On::events(""), Fault::DelayEvent(Duration::from_secs(40)));
    let mut stream = Box::pin(faulty.watch(&WatchParams::default(), "0").await.expect("a watch"));
    let start = tokio::time::Instant::now();
    assert!(matches!(stream.next().await, Some(Ok(WatchEvent::Added(_)))));
    assert_eq!(start.elapsed().as_secs(), 40);
}

#[tokio::test]
async fn a_dead_process_reaches_nothing_until_another_takes_its_place() {
    let (local, faults) = (quiet(1), Faults::new(1));
    let (faulty, sound) = maps(&local, &faults);
    faults.add(On::writes("").nth(2), Fault::Crash);
    faulty.create(&PostParams::default(), &map("a", "1")).await.expect("the first write passes");
    faulty.create(&PostParams::default(), &map("b", "1")).await.expect_err("the second kills");
    faults.crashed().await;
    faulty.get("a").await.expect_err("the dead read nothing");
    assert!(sound.get_opt("b").await.expect("an answer").is_some(), "the second write was carried out");
    faults.restart();
    faulty.get("a").await.expect("the next process reads");
}

/// A controller as small as one can be: every ConfigMap `X` has a copy `copy-X`, and no copy is without its `X`.
async fn copier(maps: Api<ConfigMap>) {
    let mut changes = Box::pin(watcher(maps.clone(), watcher::Config::default()));
    loop {
        // What happened does not matter: every look compares all. One that fails is tried again.
        let waited = tokio::time::timeout(Duration::from_millis(50), changes.next()).await;
        if matches!(waited, Ok(Some(Ok(_))) | Err(_)) {
            let _tried_again = copy_all(&maps).await;
        }
    }
}

async fn copy_all(maps: &Api<ConfigMap>) -> Result<(), kube::Error> {
    let all = maps.list(&ListParams::default()).await?.items;
    let name = |map: &ConfigMap| map.metadata.name.clone().unwrap_or_default();
    let is_copy = |map: &ConfigMap| name(map).starts_with("copy-");
    let originals: Vec<&ConfigMap> =
        all.iter().filter(|map| !is_copy(map) && name(map) != "kube-root-ca.crt").collect();
    for original in &originals {
        let wanted = format!("copy-{}", name(original));
        let is_there = all.iter().any(|map| name(map) == wanted && map.data == original.data);
        if !is_there {
            let copy = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": wanted }, "data": original.data });
            maps.patch(&wanted, &PatchParams::apply("copier").force(), &Patch::Apply(&copy)).await?;
        }
    }
    for copy in all.iter().filter(|map| is_copy(map)) {
        if !originals.iter().any(|original| format!("copy-{}", name(original)) == name(copy)) {
            maps.delete(&name(copy), &DeleteParams::default()).await?;
        }
    }
    Ok(())
}

/// The names and values of all maps, once they are as wanted or the time is over.
async fn settled(maps: &Api<ConfigMap>, wanted: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for _ in 0..400 {
        let all = maps.list(&ListParams::default()).await.expect("a sound list").items;
        found = all
            .iter()
            .filter_map(|map| Some((map.metadata.name.clone()?, map.data.as_ref()?.get("value")?.clone())))
            .collect();
        if found.iter().map(|(name, value)| (name.as_str(), value.as_str())).eq(wanted.iter().copied()) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    found
}

#[tokio::test]
async fn a_controller_that_dies_after_any_write_is_done_by_the_next_one() {
    for write in 1..=5 {
        let (local, faults) = (quiet(write), Faults::new(write));
        let (faulty, sound) = maps(&local, &faults);
        for (name, value) in [("a", "1"), ("b", "2"), ("c", "3"), ("copy-gone", "9")] {
            sound.create(&PostParams::default(), &map(name, value)).await.expect("made");
        }
        faults.add(On::writes("/configmaps").nth(write), Fault::Crash);
        faults.add(On::reads("").every(3), Fault::Refuse(503));
        faults.add(On::events("").chance(0.2), Fault::DropEvent);
        let first = tokio::spawn(copier(faulty.clone()));
        // With fewer writes than this the first one lives.
        let died = tokio::time::timeout(Duration::from_millis(800), faults.crashed()).await.is_ok();
        assert_eq!(died, write <= 4, "four writes are to be made");
        first.abort();
        faults.restart();
        let second = tokio::spawn(copier(faulty));
        let wanted = [("a", "1"), ("b", "2"), ("c", "3"), ("copy-a", "1"), ("copy-b", "2"), ("copy-c", "3")];
        let found = settled(&sound, &wanted).await;
        second.abort();
        assert!(
            found.iter().map(|(name, value)| (name.as_str(), value.as_str())).eq(wanted),
            "dead after write {write}: {found:?}"
        );
    }
}

#[tokio::test]
async fn a_short_page_leaves_the_rest_for_later() {
    let (local, faults) = (quiet(1), Faults::new(1));
    let (faulty, sound) = maps(&local, &faults);
    for name in ["a", "b", "c"] {
        sound.create(&PostParams::default(), &map(name, "1")).await.expect("created");
    }
    faults.add(On::reads("continue=").nth(1), Fault::Refuse(410));
    faults.add(On::reads("limit="), Fault::ShortPage(2));
    let page = ListParams::default().limit(500);
    let first = faulty.list(&page).await.expect("a page");
    assert_eq!(first.items.len(), 2);
    let token = first.metadata.continue_.expect("more is to come");
    let expired = faulty.list(&page.clone().continue_token(&token)).await.expect_err("too late once");
    assert_eq!(code(&expired), 410);
    let rest = faulty.list(&page.continue_token(&token)).await.expect("the rest");
    // Each namespace has one of its own.
    assert_eq!((rest.items.len(), rest.metadata.continue_), (2, None));
    assert_eq!(faulty.list(&ListParams::default()).await.expect("a list").items.len(), 4);
}

#[tokio::test]
async fn a_restored_backup_takes_back_what_came_after_it_and_ends_watches() {
    let local = quiet(1);
    let maps: Api<ConfigMap> = Api::default_namespaced(Client::new(local.service(), "default"));
    let post = PostParams::default();
    let kept = maps.create(&post, &map("kept", "1")).await.expect("created");
    maps.create(&post, &map("deleted", "1")).await.expect("created");
    let backup = local.back_up();
    maps.delete("deleted", &DeleteParams::default()).await.expect("deleted");
    let newest = maps.create(&post, &map("later", "1")).await.expect("created");
    let version = |map: &ConfigMap| map.metadata.resource_version.clone().expect("a version");
    let stream = maps.watch(&WatchParams::default(), &version(&newest)).await.expect("a watch");
    local.restore(&backup);

    let list = maps.list(&ListParams::default()).await.expect("a list");
    let names: Vec<_> = list.items.iter().filter_map(|map| map.metadata.name.as_deref()).collect();
    assert_eq!(names, ["deleted", "kept", "kube-root-ca.crt"]);
    assert_eq!(version(&list.items[1]), version(&kept), "objects are as they were");
    let number = |version: &str| version.parse::<u64>().expect("a number");
    assert!(
        number(&list.metadata.resource_version.expect("a version")) > number(&version(&newest)),
        "and lists later than ever"
    );
    let events: Vec<_> = stream.collect().await;
    assert!(matches!(&events[..], [Ok(WatchEvent::Error(status))] if status.code == 410), "{events:?}");
}
