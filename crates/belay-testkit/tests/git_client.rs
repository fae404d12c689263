//! The server under the original client. Without `git` on the machine these tests say so and pass.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use belay_testkit::{Author, Change, Fault, Faults, GitServer, GitServerOptions, Repository, git_router};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// A server with one repository of two commits, and room for clones.
struct World {
    room: TempDir,
    runtime: Runtime,
    server: GitServer,
    repository: Repository,
    faults: Faults,
    pushes: Arc<Mutex<Vec<String>>>,
    commits: Vec<String>,
}

impl World {
    /// `None` when there is no `git` to test with.
    fn new(login: Option<(&str, &str)>) -> Option<World> {
        if Command::new("git").arg("--version").output().is_err() {
            use std::io::Write as _;
            // Straight to the terminal: the test harness hides what a passing test prints.
            let _ = writeln!(std::io::stderr(), "SKIPPED: there is no `git` on this machine");
            return None;
        }
        let room = tempfile::tempdir().unwrap();
        let runtime = Runtime::new().unwrap();
        let (faults, pushes) = (Faults::default(), Arc::new(Mutex::new(Vec::new())));
        let seen = pushes.clone();
        let options = GitServerOptions {
            login: login.map(|(user, password)| (user.to_owned(), password.to_owned())),
            on_push: Arc::new(move |name: &str| seen.lock().unwrap().push(name.to_owned())),
            faults: faults.clone(),
            ..GitServerOptions::new(room.path().join("served"))
        };
        let server = runtime.block_on(GitServer::start(options)).unwrap();
        let repository = server.create_repository("team/app").unwrap();
        let author = Author::at("Ada", "ada@example.org", 1_700_000_000);
        let big: String = (0..20_000).map(|line| format!("{line} {}\n", line * line)).collect();
        let first = [Change::write("a.yaml", "a: 1\n"), Change::write("deep/er/b", big)];
        let first = repository.commit(&first, "First", &author).unwrap();
        let second = repository.commit(&[Change::write("a.yaml", "a: 2\n")], "Second", &author).unwrap();
        repository.annotated_tag("v1", &first, "One", &author).unwrap();
        Some(World { room, runtime, server, repository, faults, pushes, commits: vec![first, second] })
    }

    fn url(&self) -> String {
        self.server.url_of("team/app")
    }

    fn clone(&self, name: &str, options: &[&str]) -> PathBuf {
        let path = self.room.path().join(name);
        let mut arguments = vec!["clone", "--quiet"];
        let (url, target) = (self.url(), path.display().to_string());
        arguments.extend(options);
        arguments.extend([url.as_str(), target.as_str()]);
        git(self.room.path(), &arguments);
        path
    }

    fn pushes(&self) -> Vec<String> {
        self.pushes.lock().unwrap().clone()
    }
}

fn try_git(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new("git");
    command.current_dir(folder).args(arguments);
    for (name, value) in [
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_AUTHOR_NAME", "Bob"),
        ("GIT_AUTHOR_EMAIL", "bob@example.org"),
        ("GIT_COMMITTER_NAME", "Bob"),
        ("GIT_COMMITTER_EMAIL", "bob@example.org"),
        ("no_proxy", "127.0.0.1"),
    ] {
        command.env(name, value);
    }
    command.output().unwrap()
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = try_git(folder, arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn refused(folder: &Path, arguments: &[&str]) -> String {
    let output = try_git(folder, arguments);
    assert!(!output.status.success(), "git {arguments:?} succeeded");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn commit_file(folder: &Path, name: &str, content: &[u8]) -> String {
    std::fs::write(folder.join(name), content).unwrap();
    git(folder, &["add", name]);
    git(folder, &["commit", "--quiet", "-m", name]);
    git(folder, &["rev-parse", "HEAD"])
}

/// Bytes that do not compress.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..length).map(|_| next()).collect()
}

#[test]
fn clone_and_fetch_in_every_protocol_version() {
    let Some(world) = World::new(None) else { return };
    let author = Author::at("Ada", "ada@example.org", 1_700_000_100);
    for version in ["0", "1", "2"] {
        let protocol = format!("protocol.version={version}");
        let clone = world.clone(&format!("clone{version}"), &["-c", &protocol]);
        let before = world.repository.head().unwrap().unwrap();
        assert_eq!(git(&clone, &["rev-parse", "HEAD"]), before);
        assert_eq!(git(&clone, &["rev-parse", "v1^{}"]), world.commits[0]);
        let change = [Change::write("new", version)];
        let new = world.repository.commit(&change, "More", &author).unwrap();
        world.repository.tag(&format!("t{version}"), &new).unwrap();
        git(&clone, &["fetch", "--quiet"]);
        assert_eq!(git(&clone, &["rev-parse", "origin/main"]), new);
        assert_eq!(git(&clone, &["rev-parse", &format!("t{version}")]), new);
        assert_eq!(git(&clone, &["fsck", "--full", "--strict"]), "");
    }
}

#[test]
fn commits_that_are_taken_back_are_cloned_and_fetched_whole() {
    let Some(world) = World::new(None) else { return };
    let before = world.clone("before", &[]);
    let author = Author::at("Ada", "ada@example.org", 1_700_000_001);
    for content in ["b: 1\n", "b: 2\n", "b: 1\n"] {
        let changes = [Change::write("deep/est/b.yaml", content), Change::write("deep/er/c", "c")];
        world.repository.commit(&changes, content, &author).unwrap();
    }
    git(&before, &["pull", "--quiet"]);
    for folder in [before, world.clone("after", &[])] {
        git(&folder, &["fsck", "--full", "--strict"]);
        assert_eq!(std::fs::read_to_string(folder.join("deep/est/b.yaml")).unwrap(), "b: 1\n");
    }
}

/// A history for `git fast-import`, after what is there: commits of one or two parents each, at any time.
fn history(numbers: std::ops::Range<usize>, chance: &mut impl FnMut(usize) -> usize) -> String {
    let mut text = String::new();
    for number in numbers {
        let (branch, seconds) = (chance(4), 1_600_000_000 + chance(200_000_000));
        text.push_str(&format!("commit refs/heads/b{branch}\nmark :{}\n", number + 1));
        text.push_str(&format!("committer Bob <bob@example.org> {seconds} +0000\ndata 2\nC\n"));
        if number > 0 {
            text.push_str(&format!("from :{}\n", chance(number) + 1));
        }
        if number > 1 && chance(3) == 0 {
            text.push_str(&format!("merge :{}\n", chance(number) + 1));
        }
        let content = format!("{number}\n");
        text.push_str(&format!("M 644 inline f{}\ndata {}\n{content}\n", chance(5), content.len()));
    }
    text
}

#[test]
fn histories_that_part_and_meet_arrive_whole_whatever_their_clocks_say() {
    let Some(world) = World::new(None) else { return };
    let mut bytes = noise(1 << 16).into_iter();
    let mut chance = |below: usize| {
        usize::from(u16::from_le_bytes([bytes.next().unwrap(), bytes.next().unwrap()])) % below
    };
    let (author, reader) = (world.clone("author", &[]), world.clone("reader", &[]));
    let (url, marks) = (world.url(), format!("--export-marks={}", world.room.path().join("marks").display()));
    let known = marks.replace("--export", "--import");
    for round in 0..30 {
        let mut command = Command::new("git");
        command.current_dir(&author).args(["fast-import", "--quiet", "--force", &marks]);
        command.args((round > 0).then_some(&known)).stdin(std::process::Stdio::piped());
        let mut import = command.spawn().unwrap();
        let text = history(round * 5..round * 5 + 5, &mut chance);
        std::io::Write::write_all(&mut import.stdin.take().unwrap(), text.as_bytes()).unwrap();
        assert!(import.wait().unwrap().success());
        git(&author, &["push", "--quiet", "--force", &url, "refs/heads/*:refs/heads/*"]);
        git(&reader, &["fetch", "--quiet", &url, "+refs/heads/*:refs/copies/*"]);
        assert_eq!(git(&reader, &["fsck", "--full", "--strict", "--no-dangling"]), "");
        let heads = |folder: &Path, place: &str| {
            git(folder, &["for-each-ref", "--format=%(objectname) %(refname:lstrip=2)", place])
        };
        assert_eq!(heads(&reader, "refs/copies"), heads(&author, "refs/heads"));
    }
}

#[test]
fn shallow_clones_deepen() {
    let Some(world) = World::new(None) else { return };
    for version in ["0", "2"] {
        let protocol = format!("protocol.version={version}");
        let clone = world.clone(&format!("shallow{version}"), &["--depth=1", "-c", &protocol]);
        assert_eq!(git(&clone, &["rev-list", "--count", "HEAD"]), "1");
        git(&clone, &["fetch", "--quiet", "--unshallow"]);
        assert_eq!(git(&clone, &["rev-list", "--count", "HEAD"]), "2");
        assert_eq!(git(&clone, &["fsck", "--full"]), "");
    }
}

#[test]
fn an_empty_repository_is_cloned_and_filled() {
    let Some(world) = World::new(None) else { return };
    let empty = world.server.create_repository("empty").unwrap();
    let clone = world.room.path().join("empty");
    git(world.room.path(), &["clone", "--quiet", &world.server.url_of("empty"), "empty"]);
    git(&clone, &["checkout", "--quiet", "-B", "main"]);
    let commit = commit_file(&clone, "x", b"x");
    git(&clone, &["push", "--quiet", "origin", "main"]);
    assert_eq!(empty.head().unwrap(), Some(commit));
    assert_eq!(world.pushes(), ["empty"]);
}

#[test]
fn branches_are_pushed_forced_and_deleted() {
    let Some(world) = World::new(None) else { return };
    let clone = world.clone("clone", &[]);
    git(&clone, &["push", "--quiet", "origin", "HEAD:refs/heads/same"]);
    git(&clone, &["checkout", "--quiet", "-b", "feature"]);
    let first = commit_file(&clone, "feature.yaml", b"a: 1\n");
    git(&clone, &["push", "--quiet", "origin", "feature"]);
    git(&clone, &["commit", "--quiet", "--amend", "-m", "again"]);
    let second = git(&clone, &["rev-parse", "HEAD"]);
    assert_ne!(first, second);
    let error = refused(&clone, &["push", "origin", "feature"]);
    assert!(error.contains("non-fast-forward") || error.contains("fetch first"), "{error}");
    git(&clone, &["push", "--quiet", "--force", "origin", "feature"]);
    assert!(git(&clone, &["ls-remote", "origin", "feature"]).starts_with(&second));
    git(&clone, &["push", "--quiet", "origin", "--delete", "feature"]);
    assert_eq!(git(&clone, &["ls-remote", "origin", "feature"]), "");
    assert_eq!(world.pushes(), ["team/app"; 4]);
    let error = refused(&clone, &["push", "origin", "--delete", "main"]);
    assert!(error.contains("deletion of the current branch prohibited"), "{error}");
    assert_eq!(world.pushes().len(), 4);
}

#[test]
fn a_large_push_arrives_in_chunks() {
    let Some(world) = World::new(Some(("ada", "secret"))) else { return };
    let url = world.url().replace("http://", "http://ada:secret@");
    git(world.room.path(), &["clone", "--quiet", &url, "clone"]);
    let clone = world.room.path().join("clone");
    let content = noise(3_000_000);
    let commit = commit_file(&clone, "large", &content);
    git(&clone, &["push", "--quiet", "origin", "main"]);
    assert_eq!(world.repository.head().unwrap(), Some(commit));
    assert_eq!(world.repository.read("large").unwrap(), Some(content));
}

#[test]
fn an_atomic_push_changes_all_or_nothing() {
    let Some(world) = World::new(None) else { return };
    let clone = world.clone("clone", &[]);
    let commit = commit_file(&clone, "x", b"x");
    let push = ["push", "--atomic", "origin", "HEAD:refs/heads/new", ":refs/heads/main"];
    refused(&clone, &push);
    assert_eq!(git(&clone, &["ls-remote", "origin", "new"]), "");
    git(
        &clone,
        &["push", "--quiet", "--atomic", "origin", "HEAD:refs/heads/new", "HEAD:main", "v1:refs/tags/v2"],
    );
    assert_eq!(world.repository.head().unwrap(), Some(commit));
    assert_eq!(git(&clone, &["ls-remote", "origin"]).lines().count(), 7);
}

#[test]
fn a_wrong_login_is_refused() {
    let Some(world) = World::new(Some(("ada", "secret"))) else { return };
    let right = world.url().replace("http://", "http://ada:secret@");
    let wrong = world.url().replace("http://", "http://ada:wrong@");
    git(world.room.path(), &["clone", "--quiet", &right, "clone"]);
    let clone = world.room.path().join("clone");
    commit_file(&clone, "x", b"x");
    for url in [wrong, world.url()] {
        let error = refused(&clone, &["push", &url, "main"]);
        assert!(
            error.contains("Authentication failed") || error.contains("could not read Username"),
            "{error}"
        );
        refused(world.room.path(), &["clone", &url, "never"]);
    }
    assert_eq!(world.repository.head().unwrap().as_ref(), Some(&world.commits[1]));
    assert!(world.pushes().is_empty());
    git(&clone, &["push", "--quiet", &right, "main"]);
    assert_eq!(world.pushes(), ["team/app"]);
}

#[test]
fn faults_reach_the_client_and_go_away() {
    let Some(world) = World::new(None) else { return };
    let url = world.url();
    let clone = |name: &str| try_git(world.room.path(), &["clone", "--quiet", &url, name]);
    for fault in [Fault::Cut { after: 1_000 }, Fault::Cut { after: 10 }, Fault::Garbage] {
        world.faults.set("team/app", fault);
        assert!(!clone("broken").status.success(), "{fault:?}");
    }
    world.faults.set("team/app", Fault::Slow { bytes: 50_000, pause: Duration::from_millis(1) });
    assert!(clone("slow").status.success());
    world.faults.clear("team/app");
    assert!(clone("whole").status.success());
}

#[test]
fn what_is_not_there_is_named() {
    let Some(world) = World::new(None) else { return };
    for name in ["nothing", "../served/team/app"] {
        let error = refused(world.room.path(), &["ls-remote", &world.server.url_of(name)]);
        assert!(error.contains("not found"), "{error}");
    }
    assert!(world.server.create_repository("../outside").is_err());
    let World { runtime, server, .. } = world;
    runtime.block_on(server.shutdown());
}

#[test]
fn the_routes_can_lie_below_a_prefix() {
    let Some(world) = World::new(None) else { return };
    let routes = git_router(GitServerOptions::new(world.room.path().join("served")));
    let router = axum::Router::new().nest("/git", routes);
    let address = world.runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    });
    // The suffix `.git` may be left out.
    for name in ["team/app", "team/app.git"] {
        let listed = git(world.room.path(), &["ls-remote", &format!("http://{address}/git/{name}"), "HEAD"]);
        assert!(listed.starts_with(&world.commits[1]), "{listed}");
    }
}
