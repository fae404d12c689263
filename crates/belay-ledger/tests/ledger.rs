//! The ledger over restarts, crashes and long times.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write;

use belay_ledger::{Decision, Entry, Ledger, Rule, Trigger, read};
use jiff::{SignedDuration, Timestamp};

fn entry(app: &str, number: i64) -> Entry {
    Entry {
        time: "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(number),
        app: app.to_owned(),
        revision: format!("r{number}"),
        trigger: Trigger::Commit {
            subject: "Change the image".to_owned(),
            author: String::new(),
            files: vec!["apps/web.yaml".to_owned()],
        },
        decision: Decision::Leave { rule: Rule::Policy, message: "automated sync is off".to_owned() },
    }
}

#[test]
fn it_is_there_again_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(folder.path()).unwrap();
    ledger.record(entry("app/a/web", 1));
    ledger.record(Entry { time: entry("", 9).time, ..entry("app/a/web", 1) });
    ledger.record(entry("ks/b/web", 2));
    drop(ledger);
    let again = Ledger::open(folder.path()).unwrap();
    assert_eq!(again.of("app/a/web"), [entry("app/a/web", 1)], "what tells the same is not noted twice");
    assert_eq!(again.of("ks/b/web"), [entry("ks/b/web", 2)]);
}

#[test]
fn an_app_that_is_as_it_should_be_again_is_left_no_more() {
    let ledger = Ledger::in_memory();
    let time = entry("", 5).time;
    ledger.settled("app/a/web", "r1", time);
    assert!(ledger.of("app/a/web").is_empty(), "nothing was left");
    ledger.record(entry("app/a/web", 1));
    assert_eq!(ledger.standing("app/a/web").left, Some(Rule::Policy));
    ledger.settled("app/a/web", "r1", time);
    ledger.settled("app/a/web", "r1", time + SignedDuration::from_secs(9));
    assert_eq!(ledger.standing("app/a/web").left, None);
    let told = ledger.of("app/a/web");
    assert_eq!((told.len(), told[1].time), (2, time), "that is told once");
}

#[test]
fn bad_p8_the_record_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let room = tempfile::tempdir().unwrap();
    let folder = room.path().join("data").join("ledger");
    let ledger = Ledger::open(&folder).unwrap();
    // Enough for the file to be written anew.
    (0..1000).for_each(|number| ledger.record(entry("app/a/web", number)));
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&room.path().join("data"))), (0o700, 0o700));
    let files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(!files.is_empty());
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[test]
fn a_line_that_a_crash_cut_off_costs_itself_only() {
    let folder = tempfile::tempdir().unwrap();
    Ledger::open(folder.path()).unwrap().record(entry("app/a/web", 1));
    let path = folder.path().join("ledger.jsonl");
    let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(br#"{"time":"2026-01-01T00:00:00Z","app":"app/a/w"#).unwrap();
    Ledger::open(folder.path()).unwrap().record(entry("app/a/web", 2));
    assert_eq!(read(folder.path()).unwrap(), [entry("app/a/web", 1), entry("app/a/web", 2)]);
}

#[test]
fn file_and_memory_are_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(folder.path()).unwrap();
    (0..1000).for_each(|number| ledger.record(entry("app/a/web", number)));
    let kept = ledger.of("app/a/web");
    assert_eq!((kept.len(), kept[0].revision.as_str()), (100, "r900"));
    drop(ledger);
    let lines = read(folder.path()).unwrap();
    assert!((100..=200).contains(&lines.len()), "{}", lines.len());
    assert_eq!(lines.last(), kept.last());
}

#[test]
fn a_folder_that_cannot_be_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = Ledger::open(&file).unwrap_err().to_string();
    assert!(error.contains("ledger.jsonl: cannot be opened"), "{error}");
}

#[test]
fn who_it_was_is_added_to_what_was_noted_before_and_stays() {
    use belay_diff::Drift;
    use belay_ledger::AuditedChange;
    use belay_manifest::ObjectKey;
    let folder = tempfile::tempdir().unwrap();
    let time: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let object = ObjectKey {
        group: String::new(),
        kind: "ConfigMap".into(),
        namespace: "shop".into(),
        name: "a".into(),
    };
    let field = Drift {
        manager: "kubectl-edit".into(),
        time: time.to_string(),
        ..Drift::of_whole(object.clone(), true)
    };
    let entry = Entry {
        time,
        app: "app/argocd/web".into(),
        revision: "r".into(),
        trigger: Trigger::Drift { fields: vec![field] },
        decision: Decision::Sync { by: "self-heal".into() },
    };
    let ledger = Ledger::open(folder.path()).unwrap();
    ledger.record(entry.clone());
    let change = |user: &str, manager: &str| AuditedChange {
        object: object.clone(),
        user: user.into(),
        manager: manager.into(),
        time,
    };
    ledger.changed(vec![change("eve", "k9s"), change("ada", "kubectl-edit")]);
    ledger.record(entry);
    drop(ledger);
    let shown = |entries: &[Entry]| -> Vec<String> {
        entries.iter().map(|entry| entry.trigger.to_string()).collect()
    };
    let expected = [
        "drift: ConfigMap/shop/a (whole object): present → -, kubectl-edit, 2026-01-01T00:00:00Z, by ada (audit)",
    ];
    assert_eq!(shown(&read(folder.path()).unwrap()), expected);
    assert_eq!(shown(&Ledger::open(folder.path()).unwrap().of("app/argocd/web")), expected);
}
