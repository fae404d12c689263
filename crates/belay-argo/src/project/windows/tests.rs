use serde_json::{Value, json};

use super::*;

fn windows(list: &Value, name: &str, destination: &Value) -> Windows {
    let app = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": name},
        "spec": {"project": "team", "destination": destination}});
    let list: Vec<SyncWindow> = serde_json::from_value(list.clone()).unwrap();
    Windows::of(&list, &serde_json::from_value(app).unwrap())
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Answers of Argo CD 3.6's SyncWindows to random windows (`Matches`, then `canSyncAtTime`). Offsets of time zones are
/// those of the day of the recording.
#[test]
fn random_windows_permit_what_they_do_in_argo_cd() {
    let mut wrong = Vec::new();
    for line in include_str!("cases.jsonl").lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let windows = windows(&case["windows"], case["app"].as_str().unwrap(), &case["destination"]);
        let today = time(case["today"].as_str().unwrap());
        let at = time(case["at"].as_str().unwrap());
        let found = match windows.0 {
            Ok(windows) => {
                (verdict(&windows, case["manual"] == true, at, today) == Verdict::Open).to_string()
            }
            Err(error) => error.to_string(),
        };
        if found != case["answer"] {
            wrong.push(format!("{line}, and not {found}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

fn one(kind: &str, schedule: &str, duration: &str, more: &Value) -> Windows {
    let mut window = json!({"kind": kind, "schedule": schedule, "duration": duration, "applications": ["*"]});
    for (field, value) in more.as_object().unwrap() {
        window[field] = value.clone();
    }
    windows(&json!([window]), "web", &json!({"namespace": "a"}))
}

#[test]
fn what_began_in_time_may_go_on_where_overrun_is_allowed() {
    let noon = time("2026-06-01T12:00:00Z");
    let before = Some(time("2026-06-01T09:30:00Z"));
    let within = Some(time("2026-06-01T11:30:00Z"));
    for (kind, overrun, started, expected) in [
        ("deny", true, before, true),
        ("deny", false, before, false),
        ("deny", true, within, false),
        ("deny", true, None, false),
    ] {
        let windows = one(kind, "0 10 * * *", "4h", &json!({"syncOverrun": overrun}));
        let asking = Asking { is_manual: false, started };
        assert_eq!(windows.permit(asking, noon), Ok(expected), "{kind} {overrun} {started:?}");
    }
    let allow = one("allow", "0 9 * * *", "1h", &json!({"syncOverrun": true}));
    assert_eq!(allow.permit(Asking { is_manual: false, started: before }, noon), Ok(true));
    assert_eq!(allow.permit(Asking { is_manual: false, started: within }, noon), Ok(false));
}

#[test]
fn a_window_that_is_not_read_closes_and_says_why() {
    let asking = Asking { is_manual: true, started: None };
    let said = |schedule: &str, duration: &str| {
        one("allow", schedule, duration, &json!({}))
            .permit(asking, Timestamp::UNIX_EPOCH)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        said("* * *", "1h"),
        "invalid sync windows: cannot parse schedule '* * *': expected exactly 5 fields, found 3: [* * *]"
    );
    assert_eq!(
        said("* * * * *", "1 hour"),
        "invalid sync windows: cannot parse duration '1 hour': time: unknown unit \" hour\" in duration \"1 hour\""
    );
}

#[test]
fn the_next_change_is_when_a_window_begins_or_ends() {
    let at = |windows: &Windows, now: &str| windows.until_change(time(now)).map(|wait| wait.as_secs());
    let nightly = one("deny", "0 22 * * *", "2h", &json!({}));
    assert_eq!(at(&nightly, "2026-06-01T21:00:00Z"), Some(3600));
    assert_eq!(at(&nightly, "2026-06-01T23:30:00Z"), Some(1800));
    assert_eq!(at(&nightly, "2026-06-02T00:00:00Z"), Some(22 * 3600));
    let berlin = one("allow", "0 22 * * *", "2h", &json!({"timeZone": "Europe/Berlin"}));
    assert_eq!(at(&berlin, "2026-06-01T19:00:00Z"), Some(3600));
    // The clocks change before the window begins.
    assert_eq!(at(&berlin, "2026-10-25T00:30:00Z"), Some(1800));
    let never = one("deny", "0 0 30 2 *", "1h", &json!({}));
    assert_eq!(at(&never, "2026-06-01T00:00:00Z"), None);
    assert_eq!(windows(&json!([]), "web", &json!({})).until_change(Timestamp::UNIX_EPOCH), None);
}

/// At the next change, and not before, the verdict is another one.
#[test]
fn the_verdict_holds_until_the_next_change() {
    for (schedule, duration) in [("*/7 3-5 * * *", "3m"), ("0 22 * * 1-5", "9h"), ("* * * * *", "30s")] {
        let windows = one("deny", schedule, duration, &json!({"timeZone": "America/New_York"}));
        let asking = Asking { is_manual: false, started: None };
        let mut now = time("2026-05-04T01:02:03.5Z");
        for _ in 0..40 {
            let verdict = windows.permit(asking, now);
            let wait = windows.until_change(now).unwrap();
            let just_before = now + SignedDuration::try_from(wait.saturating_sub(2 * MARGIN)).unwrap();
            let then = now + SignedDuration::try_from(wait).unwrap();
            assert_eq!(windows.permit(asking, just_before), verdict, "{schedule} at {just_before}");
            assert_ne!(windows.permit(asking, then), verdict, "{schedule} at {then}");
            now = then;
        }
    }
}
