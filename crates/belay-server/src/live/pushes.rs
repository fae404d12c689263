//! Pushes that were taken and not acted on yet.
//!
//! Taking one is noting it, so that a thousand a second cost their senders no wait. They are acted on in rounds: the first
//! push at once, those that come meanwhile together, no sooner than [`PAUSE`] after the last round began and never beside
//! it. So a repository is asked at most once a round, whoever says how often that it has changed, and once after the last
//! push.
//!
//! Git hosts say at which commit a reference is. Pushes that only say again what the last one said wait for [`REPEATS`], so
//! that a storm of them leaves the next commit its round.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::engine::{Push, TooManyPushes};

/// From the beginning of a round to that of the next.
const PAUSE: Duration = Duration::from_millis(100);
/// The same where all say again what was said before. They are acted on at last: a push between them may have been lost.
const REPEATS: Duration = Duration::from_secs(1);
/// Most references whose commits are remembered; all are forgotten for one more.
const MOST_COMMITS: usize = 1000;
/// Longest commit that is remembered: SHA-256 in hexadecimal digits.
const LONGEST_COMMIT: usize = 64;
/// Most repositories of a round.
const MOST_REPOSITORIES: usize = 1000;
/// Most references that are told apart; of a repository with more, every reference may have moved.
const MOST_REFERENCES: usize = 20;
/// Longest URL or reference that is remembered; Git hosts' are shorter by far.
const LONGEST_NAME: usize = 1000;

/// What waits for the next round.
#[derive(Default)]
pub(super) struct Pushes {
    waiting: Mutex<Waiting>,
    news: Notify,
}

#[derive(Default)]
struct Waiting {
    pushed: Pushed,
    /// Whether one of them says what was not said before.
    has_news: bool,
    /// The commit that was said last of a repository's reference.
    commits: HashMap<(String, String), String>,
}

/// The references that moved, by repository.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Pushed(HashMap<String, HashSet<String>>);

impl Pushes {
    /// Notes a push for the next round.
    pub(super) fn add(&self, push: &Push) -> Result<(), TooManyPushes> {
        let mut waiting = self.lock();
        let before = waiting.pause();
        for url in push.repositories.iter().filter(|url| url.len() <= LONGEST_NAME) {
            let repository = same_repository(url);
            waiting.pushed.add(repository.clone(), &push.reference)?;
            waiting.has_news |= waiting.is_news(repository, push);
        }
        if waiting.pause() != before {
            self.news.notify_one();
        }
        Ok(())
    }

    /// Acts on pushes, round after round, until the future is dropped.
    pub(super) async fn rounds<Round: Future<Output = ()>>(&self, act: impl Fn(Pushed) -> Round) {
        let mut last: Option<Instant> = None;
        loop {
            let pause = self.lock().pause();
            let now = Instant::now();
            let due = pause.map(|pause| last.map_or(now, |last| last + pause));
            match due {
                Some(due) if due <= now => {
                    last = Some(now);
                    let pushed = self.lock().take();
                    act(pushed).await;
                }
                Some(due) => tokio::select! {
                    () = tokio::time::sleep_until(due) => {}
                    () = self.news.notified() => {}
                },
                None => self.news.notified().await,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// How long after the last round the next may begin; nothing while there is nothing to do.
    fn pause(&self) -> Option<Duration> {
        let pause = if self.has_news { PAUSE } else { REPEATS };
        (self.pushed.len() > 0).then_some(pause)
    }

    /// Whether a push says what the last one about the same reference did not say.
    fn is_news(&mut self, repository: String, push: &Push) -> bool {
        let is_too_long = push.commit.len() > LONGEST_COMMIT || push.reference.len() > LONGEST_NAME;
        if push.commit.is_empty() || is_too_long {
            return true;
        }
        if self.commits.len() >= MOST_COMMITS {
            self.commits.clear();
        }
        let before = self.commits.insert((repository, push.reference.clone()), push.commit.clone());
        before.as_ref() != Some(&push.commit)
    }

    fn take(&mut self) -> Pushed {
        self.has_news = false;
        std::mem::take(&mut self.pushed)
    }
}

impl Pushed {
    fn add(&mut self, repository: String, reference: &str) -> Result<(), TooManyPushes> {
        if self.0.len() >= MOST_REPOSITORIES && !self.0.contains_key(&repository) {
            return Err(TooManyPushes);
        }
        let references = self.0.entry(repository).or_default();
        if references.contains(reference) {
            return Ok(());
        }
        if references.len() >= MOST_REFERENCES || reference.len() > LONGEST_NAME {
            // Without a name it may be any.
            references.insert(String::new());
        } else {
            references.insert(reference.to_owned());
        }
        Ok(())
    }

    /// How many repositories were pushed to.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// One of the repositories.
    pub(super) fn first(&self) -> &str {
        self.0.keys().min().map(String::as_str).unwrap_or_default()
    }

    /// Whether somebody who reads this revision of a repository has to look.
    pub(super) fn concerns(&self, url: &str, revision: &str) -> bool {
        let references = self.0.get(&same_repository(url)).into_iter().flatten();
        references.into_iter().any(|reference| is_about(reference, revision))
    }
}

/// Whether a reference that moved is the one that is asked for. Ranges and commits cannot be told
/// from here, so they are looked at.
fn is_about(reference: &str, target: &str) -> bool {
    match reference.strip_prefix("refs/heads/") {
        Some(branch) => {
            let is_branch_name =
                !target.is_empty() && target != "HEAD" && !target.contains(['*', '>', '<', '~', '^']);
            !is_branch_name || target == branch || target == reference
        }
        None => true,
    }
}

/// A repository's URL without scheme, user and `.git`: what all spellings have in common.
fn same_repository(url: &str) -> String {
    let rest = url.split_once("://").map_or_else(|| url.replacen(':', "/", 1), |(_, rest)| rest.to_owned());
    let (authority, path) = rest.split_once('/').unwrap_or((&rest, ""));
    let host = authority.rsplit('@').next().unwrap_or_default().to_lowercase();
    let path = path.trim_matches('/');
    format!("{host}/{}", path.strip_suffix(".git").unwrap_or(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(repository: &str, reference: &str) -> Push {
        push_of(repository, reference, "")
    }

    fn push_of(repository: &str, reference: &str, commit: &str) -> Push {
        let [repository, reference, commit] = [repository, reference, commit].map(str::to_owned);
        Push { repositories: vec![repository], reference, commit }
    }

    /// When rounds began, and whether they were about this reference of `https://g/a`, while pushes are told.
    async fn rounds_while(
        pushes: &Pushes,
        takes: Duration,
        last: &str,
        told: impl Future<Output = ()>,
    ) -> Vec<(Duration, bool)> {
        let start = Instant::now();
        let begun = Mutex::new(Vec::new());
        let busy = Mutex::new(());
        let rounds = pushes.rounds(|pushed| {
            let is_last = pushed.concerns("https://g/a", last);
            begun.lock().expect("nobody panics with it").push((start.elapsed(), is_last));
            let alone = busy.try_lock().expect("no round runs beside another");
            async move {
                tokio::time::sleep(takes).await;
                drop(alone);
            }
        });
        tokio::select! {
            () = rounds => {}
            () = told => {}
        }
        begun.into_inner().expect("nobody panics with it")
    }

    #[tokio::test(start_paused = true)]
    async fn a_storm_of_pushes_is_a_round_every_pause() {
        let pushes = Pushes::default();
        let storm = async {
            for turn in 0..30_000 {
                let last = if turn == 29_999 { "last" } else { "main" };
                pushes.add(&push("https://g/a.git", &format!("refs/heads/{last}"))).expect("there is room");
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            tokio::time::sleep(Duration::from_secs(5)).await;
        };
        let rounds = rounds_while(&pushes, Duration::from_millis(20), "last", storm).await;
        assert_eq!(rounds[0].0, Duration::ZERO, "nothing to wait for");
        assert!(rounds.windows(2).all(|two| two[1].0 - two[0].0 >= PAUSE));
        assert!(rounds.len() <= 302, "{} rounds in 30 s", rounds.len());
        let about: Vec<&(Duration, bool)> = rounds.iter().filter(|(_, is_last)| *is_last).collect();
        assert_eq!(about.len(), 1, "the last push is acted on once");
        assert!(about[0].0 <= Duration::from_secs(30) + PAUSE, "{:?}", about[0].0);
        assert_eq!(rounds.last(), about.first().copied(), "and nothing after it");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_pushed_during_a_long_round_is_one_round_after_it() {
        let pushes = Pushes::default();
        let told = async {
            for _ in 0..500 {
                pushes.add(&push("https://g/a", "refs/heads/main")).expect("there is room");
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            tokio::time::sleep(Duration::from_secs(5)).await;
        };
        let rounds = rounds_while(&pushes, Duration::from_secs(1), "main", told).await;
        assert_eq!(rounds, [(Duration::ZERO, true), (Duration::from_secs(1), true)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_commit_does_not_wait_for_those_that_say_again_what_is_known() {
        let pushes = Pushes::default();
        let milliseconds = Duration::from_millis;
        let storm = async {
            for turn in 0..3_550 {
                let (branch, commit) = match turn {
                    0..2_750 => ("main", "one"),
                    2_750 => ("two", "two"),
                    _ => ("main", "two"),
                };
                let reference = format!("refs/heads/{branch}");
                pushes.add(&push_of("https://g/a.git", &reference, commit)).expect("there is room");
                tokio::time::sleep(milliseconds(1)).await;
            }
            tokio::time::sleep(Duration::from_secs(5)).await;
        };
        let rounds = rounds_while(&pushes, Duration::ZERO, "two", storm).await;
        let expected = [(0, false), (1000, false), (2000, false), (2750, true), (2850, false), (3850, false)];
        assert_eq!(rounds, expected.map(|(when, is_about_two)| (milliseconds(when), is_about_two)));
    }

    #[test]
    fn a_commit_that_comes_back_is_news() {
        let mut waiting = Waiting::default();
        let mut is_news = |repository: &str, commit: &str| {
            waiting.is_news(repository.to_owned(), &push_of(repository, "refs/heads/main", commit))
        };
        assert!(is_news("g/a", "one") && !is_news("g/a", "one"));
        assert!(is_news("g/b", "one") && is_news("g/a", "two") && is_news("g/a", "one"));
        assert!(is_news("g/a", "") && is_news("g/a", ""), "nobody knows what it is about");
        for number in 0..MOST_COMMITS {
            is_news(&number.to_string(), "one");
        }
        assert!(is_news("g/a", "one") && waiting.commits.len() <= MOST_COMMITS);
    }

    #[test]
    fn what_is_remembered_is_bounded_and_never_too_little() {
        let mut pushed = Pushed::default();
        for turn in 0..=MOST_REFERENCES {
            pushed.add("g/a".to_owned(), &format!("refs/heads/{turn}")).expect("there is room");
        }
        assert!(pushed.concerns("https://g/a", "another"), "which one of so many is not known any more");
        assert!(pushed.0["g/a"].len() <= MOST_REFERENCES + 1);
        for turn in 1..MOST_REPOSITORIES {
            pushed.add(format!("g/a{turn}"), "refs/heads/main").expect("there is room");
        }
        assert_eq!(pushed.add("g/b".to_owned(), "refs/heads/main"), Err(TooManyPushes));
        assert_eq!(pushed.add("g/a1".to_owned(), "refs/heads/main"), Ok(()));
        let pushes = Pushes::default();
        pushes.add(&push(&"a".repeat(LONGEST_NAME + 1), "refs/heads/main")).expect("passed over");
        assert_eq!(pushes.lock().pause(), None);
    }

    #[test]
    fn spellings_of_one_repository_are_the_same() {
        for url in [
            "https://github.com/acme/config",
            "https://GitHub.com/acme/config.git",
            "ssh://git@github.com/acme/config.git",
            "git@github.com:acme/config.git",
            "https://user:secret@github.com/acme/config/",
        ] {
            assert_eq!(same_repository(url), "github.com/acme/config", "{url}");
        }
        assert_ne!(same_repository("https://github.com/acme/other"), "github.com/acme/config");
    }

    #[test]
    fn a_push_to_another_branch_is_passed_over() {
        assert!(is_about("refs/heads/main", "main"));
        assert!(is_about("refs/heads/main", ""));
        assert!(is_about("refs/heads/main", "HEAD"));
        assert!(is_about("", "main"));
        assert!(is_about("refs/tags/v1.2.0", "1.*"));
        assert!(!is_about("refs/heads/feature", "main"));
    }
}
