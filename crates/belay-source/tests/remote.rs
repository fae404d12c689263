//! Git repositories over HTTP, from a real server, well and ill.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::time::{Duration, Instant};

use belay_filetree::TreePath;
use belay_source::{
    Access, Checkout, CheckoutError, FetchLimits, GitLimits, GitStore, GithubApp, GithubAppData, Login,
    Repositories, Request, Revision, SecretText,
};
use belay_testkit::{Author, Change, Fault, Faults, GitServer, GitServerOptions, Repository};
use tempfile::TempDir;

struct World {
    _room: TempDir,
    server: GitServer,
    repository: Repository,
    faults: Faults,
    store: GitStore,
}

impl World {
    async fn new(login: Option<(&str, &str)>) -> World {
        let room = tempfile::tempdir().unwrap();
        let faults = Faults::default();
        let options = GitServerOptions {
            login: login.map(|(user, password)| (user.to_owned(), password.to_owned())),
            faults: faults.clone(),
            ..GitServerOptions::new(room.path().join("served"))
        };
        let server = GitServer::start(options).await.unwrap();
        let repository = server.create_repository("app").unwrap();
        let limits = within(Duration::from_secs(20));
        let store = GitStore::new(room.path().join("mirrors"), limits);
        World { _room: room, server, repository, faults, store }
    }

    fn commit(&self, content: &str) -> String {
        self.commit_on("main", content)
    }

    fn commit_on(&self, branch: &str, content: &str) -> String {
        let author = Author::at("Ada", "ada@example.org", 1_700_000_000);
        self.repository.commit_on(branch, &[Change::write("a.yaml", content)], content, &author).unwrap()
    }

    async fn get(&self, revision: &str) -> Result<Checkout, CheckoutError> {
        self.store.checkout(&request(&self.server.url_of("app"), revision, 0)).await
    }

    /// What the store says when a fetch goes wrong.
    async fn failure(&self, fault: Fault) -> CheckoutError {
        self.faults.set("app", fault);
        let result = self.get("main").await;
        self.faults.clear("app");
        match result {
            Ok(found) => panic!("{fault:?} was not noticed: {}", found.commit),
            Err(error) => error,
        }
    }
}

fn within(fetch: Duration) -> GitLimits {
    GitLimits { fetch, ..GitLimits::default() }
}

fn request(url: &str, revision: &str, max_age: u64) -> Request {
    Request { max_age: Duration::from_secs(max_age), ..Request::new(url, Revision::name(revision)) }
}

/// Digits that hardly compress.
fn noise(count: u64) -> String {
    (0..count).map(|number| number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_string()).collect()
}

fn content(checkout: &Checkout) -> String {
    let file = checkout.tree.read(&TreePath::parse("a.yaml").unwrap()).unwrap();
    String::from_utf8(file.to_vec()).unwrap()
}

/// A push may come when the server has told its branches already.
#[tokio::test]
async fn what_was_forgotten_during_a_fetch_is_asked_anew() {
    let world = World::new(None).await;
    let first = world.commit("one");
    let asked = request(&world.server.url_of("app"), "main", 3600);
    world.faults.set("app", Fault::Slow { bytes: 64, pause: Duration::from_millis(50) });
    let forgotten = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        world.store.forget(&world.server.url_of("app"));
    };
    let start = Instant::now();
    let (found, ()) = tokio::join!(world.store.checkout(&asked), forgotten);
    assert_eq!(found.unwrap().commit, first);
    assert!(start.elapsed() > Duration::from_millis(150), "the fetch was over before");
    world.faults.clear("app");
    let second = world.commit("two");
    assert_eq!(world.store.checkout(&asked).await.unwrap().commit, second);
    world.commit("three");
    assert_eq!(world.store.checkout(&asked).await.unwrap().commit, second, "nothing was forgotten since");
}

#[tokio::test]
async fn branches_tags_and_commits_are_checked_out() {
    let world = World::new(None).await;
    let (first, second) = (world.commit("one"), world.commit("two"));
    let other = world.commit_on("team/other", "three");
    let author = Author::at("Ada", "ada@example.org", 1_700_000_000);
    world.repository.tag("light", &first).unwrap();
    world.repository.annotated_tag("v1.0.0", &first, "One", &author).unwrap();
    for (revision, commit, reference, text) in [
        ("", &second, "refs/belay/HEAD", "two"),
        ("HEAD", &second, "refs/belay/HEAD", "two"),
        ("main", &second, "refs/heads/main", "two"),
        ("team/other", &other, "refs/heads/team/other", "three"),
        ("light", &first, "refs/tags/light", "one"),
        ("v1.0.0", &first, "refs/tags/v1.0.0", "one"),
        (&first, &first, "", "one"),
        (&first[..9], &first, "", "one"),
    ] {
        let found = world.get(revision).await.unwrap();
        assert_eq!((&found.commit, found.reference.as_str()), (commit, reference), "{revision}");
        assert_eq!(content(&found), text, "{revision}");
        assert_eq!((found.subject.as_str(), found.date), (text, 1_700_000_000));
        assert_eq!(found.author, "Ada <ada@example.org>");
    }
    let error = world.get("nothing").await.err().unwrap();
    assert!(error.message.contains("unable to resolve 'nothing'"), "{error}");
    assert!(!error.transient);
}

#[tokio::test]
async fn later_fetches_bring_what_is_new_and_drop_what_is_gone() {
    let world = World::new(None).await;
    world.commit(&noise(60_000));
    let gone = world.commit_on("short-lived", "x");
    assert_eq!(world.get("short-lived").await.unwrap().commit, gone);
    let new = world.commit("small");
    world.repository.delete_reference("refs/heads/short-lived").unwrap();
    // The whole history would not pass.
    world.faults.set("app", Fault::Cut { after: 20_000 });
    let found = world.get("main").await.unwrap();
    assert_eq!((found.commit.as_str(), content(&found).as_str()), (new.as_str(), "small"));
    assert!(world.get("short-lived").await.is_err());
}

#[tokio::test]
async fn a_moved_tag_and_a_rewritten_branch_are_followed() {
    let world = World::new(None).await;
    let first = world.commit("one");
    world.repository.tag("stable", &first).unwrap();
    let second = world.commit("two");
    assert_eq!(world.get("stable").await.unwrap().commit, first);
    world.repository.tag("stable", &second).unwrap();
    world.repository.set_branch("main", &first).unwrap();
    assert_eq!(world.get("stable").await.unwrap().commit, second);
    assert_eq!(world.get("main").await.unwrap().commit, first);
    // A commit that was fetched stays readable, and needs no remote.
    world.faults.set("app", Fault::Garbage);
    assert_eq!(content(&world.get(&second).await.unwrap()), "two");
}

#[tokio::test]
async fn the_remote_is_asked_again_when_the_answer_is_old_or_forgotten() {
    let world = World::new(None).await;
    let url = world.server.url_of("app");
    let request = request(&url, "main", 3600);
    let get = || world.store.checkout(&request);
    let first = world.commit("one");
    assert_eq!(get().await.unwrap().commit, first);
    let second = world.commit("two");
    assert_eq!(get().await.unwrap().commit, first);
    world.store.forget(url.trim_end_matches(".git"));
    assert_eq!(get().await.unwrap().commit, second);
    let third = world.commit("three");
    world.store.forget(&url.replace("://", "://ada:secret@"));
    assert_eq!(get().await.unwrap().commit, third, "a login is no part of where it lies");
}

#[tokio::test]
async fn a_revision_younger_than_the_answer_is_asked_for_at_once() {
    let world = World::new(None).await;
    let url = world.server.url_of("app");
    world.commit("one");
    world.store.checkout(&request(&url, "main", 3600)).await.unwrap();
    let second = world.commit_on("release", "two");
    assert_eq!(world.store.checkout(&request(&url, "release", 3600)).await.unwrap().commit, second);
}

#[tokio::test]
async fn a_failure_is_not_hidden_by_an_earlier_answer() {
    let world = World::new(None).await;
    let url = world.server.url_of("app");
    let get = async |max_age| world.store.checkout(&request(&url, "main", max_age)).await;
    world.commit("one");
    get(3600).await.unwrap();
    let error = world.failure(Fault::Garbage).await.message;
    // The server is well again, but nobody asked it since.
    assert_eq!(get(3600).await.err().unwrap().message, error);
    let second = world.commit("two");
    assert_eq!(get(0).await.unwrap().commit, second);
    assert_eq!(get(3600).await.unwrap().commit, second);
}

#[tokio::test]
async fn a_login_is_used_and_never_shown() {
    let world = World::new(Some(("ada", "s3cr3t"))).await;
    let commit = world.commit("one");
    let url = world.server.url_of("app");
    let login = |password: &str| Access::basic("ada", password);
    let get = async |url: &str, access: Option<&Access>| {
        let access = access.cloned().unwrap_or_default();
        world.store.checkout(&Request { access, ..request(url, "main", 0) }).await
    };
    assert_eq!(get(&url, Some(&login("s3cr3t"))).await.unwrap().commit, commit);
    assert_eq!(get(&url.replace("//", "//ada:s3cr3t@"), None).await.unwrap().commit, commit);
    let wrong = login("wr0ng");
    let inside = url.replace("//", "//ada:wr0ng@");
    for (url, login) in [(&url, None), (&url, Some(&wrong)), (&inside, None)] {
        let error = get(url, login).await.err().unwrap();
        assert!(error.message.contains(&world.server.url_of("app")), "{error}");
        assert!(!error.message.contains("wr0ng"), "{error}");
        let reason = if login.is_none() && url != &inside {
            "authentication required"
        } else {
            "the server rejects the login"
        };
        assert!(error.message.contains(reason), "{error}");
    }
}

#[tokio::test]
async fn a_hanging_server_is_left_at_the_deadline() {
    let mut world = World::new(None).await;
    let room = tempfile::tempdir().unwrap();
    world.store = GitStore::new(room.path(), within(Duration::from_millis(300)));
    world.commit("one");
    world.faults.set("app", Fault::Hang);
    let url = world.server.url_of("app");
    let begin = Instant::now();
    let with_login = url.replace("//", "//ada:s3cr3t@");
    let error = world.store.checkout(&request(&with_login, "main", 0)).await.err().unwrap();
    assert!(begin.elapsed() < Duration::from_secs(5));
    assert!(error.transient);
    assert!(error.message.contains(&url) && error.message.contains("no answer within 0.3 s"), "{error}");
    assert!(!error.message.contains("s3cr3t"), "{error}");
    world.server.shutdown().await;
}

#[tokio::test]
async fn nobody_waits_longer_for_another_than_for_oneself() {
    let world = World::new(None).await;
    world.commit("one");
    world.faults.set("app", Fault::Hang);
    let url = world.server.url_of("app");
    let patient = Request { timeout: Some(Duration::from_secs(5).into()), ..request(&url, "main", 0) };
    let hasty = Request { timeout: Some(Duration::from_millis(300).into()), ..request(&url, "main", 0) };
    let begin = Instant::now();
    let second = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let error = world.store.checkout(&hasty).await.err().unwrap();
        (begin.elapsed(), error)
    };
    let (first, (waited, error)) = tokio::join!(world.store.checkout(&patient), second);
    assert!(waited < Duration::from_secs(4), "{waited:?}");
    assert!(error.transient && error.message.contains("no answer within 0.3 s"), "{error}");
    assert!(first.err().unwrap().message.contains("no answer within 5 s"));
}

#[tokio::test]
async fn bad_r11_more_than_the_limit_is_not_read() {
    let mut world = World::new(None).await;
    let room = tempfile::tempdir().unwrap();
    world.store = GitStore::new(room.path(), GitLimits { bytes: 100_000, ..GitLimits::default() });
    let small = world.commit("one");
    assert_eq!(world.get("main").await.unwrap().commit, small);
    world.commit(&noise(60_000));
    let error = world.get("main").await.err().unwrap();
    assert!(error.message.contains("more than 100000 bytes"), "{error}");
    // What was there is still there.
    assert_eq!(world.get(&small).await.unwrap().commit, small);
}

#[tokio::test]
async fn a_mirror_keeps_few_packs_however_many_commits_come() {
    let world = World::new(None).await;
    world.commit("first");
    let first = world.get("main").await.unwrap();
    let mut commits = Vec::new();
    for number in 0..60 {
        commits.push(world.commit(&number.to_string()));
        world.get("main").await.unwrap();
    }
    let mirror = std::fs::read_dir(world._room.path().join("mirrors")).unwrap().next().unwrap().unwrap();
    let packs = || {
        let files = std::fs::read_dir(mirror.path().join("objects/pack")).unwrap().flatten();
        files.filter(|file| file.path().extension().is_some_and(|extension| extension == "idx")).count()
    };
    // They are merged beside the fetches.
    let begin = Instant::now();
    while packs() >= 24 {
        assert!(begin.elapsed() < Duration::from_secs(60), "{} packs", packs());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(packs() > 0);
    assert_eq!(first.tree.read(&TreePath::parse("a.yaml").unwrap()).unwrap(), "first");
    for (number, commit) in commits.iter().enumerate() {
        let found = world.get(commit).await.unwrap();
        assert_eq!(found.tree.read(&TreePath::parse("a.yaml").unwrap()).unwrap(), number.to_string());
    }
}

/// A server that sends everybody to another one.
async fn redirecting(to: String) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = vec![0; 4096];
            let count = stream.read(&mut buffer).await.unwrap_or_default();
            let asked = String::from_utf8_lossy(&buffer[..count]).into_owned();
            let path = asked.split(' ').nth(1).unwrap_or_default().to_owned();
            let head = "HTTP/1.1 302 Found\r\nConnection: close\r\nContent-Length: 0\r\n";
            let _ = stream.write_all(format!("{head}Location: {to}{path}\r\n\r\n").as_bytes()).await;
        }
    });
    format!("http://{address}/app.git")
}

#[tokio::test]
async fn bad_s2_a_login_goes_to_its_own_server_alone() {
    let access = Access::basic("ada", "s3cr3t");
    let open = World::new(None).await;
    let commit = open.commit("one");
    let url = redirecting(open.server.url()).await;
    let asked = Request { access: access.clone(), ..request(&url, "main", 0) };
    assert_eq!(open.store.checkout(&asked).await.unwrap().commit, commit);

    let guarded = World::new(Some(("ada", "s3cr3t"))).await;
    guarded.commit("one");
    let url = redirecting(guarded.server.url()).await;
    let asked = Request { access: access.clone(), ..request(&url, "main", 0) };
    let error = guarded.store.checkout(&asked).await.err().unwrap();
    assert!(error.message.contains("the login is for another server"), "{error}");

    for to in ["http://169.254.169.254", "file://", "ftp://127.0.0.1"] {
        let url = redirecting(to.to_owned()).await;
        let error = open.store.checkout(&request(&url, "main", 0)).await.err().unwrap();
        assert!(error.message.contains("which is refused"), "{to}: {error}");
    }
}

#[tokio::test]
async fn bad_s2_a_single_file_comes_from_servers_alone() {
    let world = World::new(Some(("ada", "s3cr3t"))).await;
    world.commit("one");
    let url = format!("{}/raw/a.yaml", world.server.url_of("app"));
    let none = Access::default();
    let of_ada = url.replacen("http://", "http://ada:s3cr3t@", 1);
    let get = async |world: &World, url: &str, access: &Access| {
        world.store.file(url, access, FetchLimits::default()).await
    };
    assert_eq!(get(&world, &of_ada, &none).await.unwrap(), b"one");
    let login = Access::basic("ada", "s3cr3t");
    assert_eq!(get(&world, &url, &login).await.unwrap(), b"one");
    let there = redirecting(world.server.url()).await;
    let error = get(&world, &format!("{there}/raw/a.yaml"), &login).await.unwrap_err();
    assert!(error.message.ends_with("401 Unauthorized"), "the login is for another server: {error}");
    let error = get(&world, &url.replacen("http://", "http://bob:s3cr3t@", 1), &none).await.unwrap_err();
    assert_eq!(
        (error.message, error.transient),
        (format!("failed to fetch {url} : 401 Unauthorized"), false)
    );

    let open = World::new(None).await;
    open.commit("two");
    let there = redirecting(open.server.url()).await;
    assert_eq!(get(&open, &format!("{there}/raw/a.yaml"), &none).await.unwrap(), b"two");
    let error = get(&open, &format!("{there}/raw/gone.yaml"), &none).await.unwrap_err();
    assert_eq!(error.message, format!("failed to fetch {there}/raw/gone.yaml : 404 Not Found"));
    for to in ["http://169.254.169.254", "file:///etc", "ftp://127.0.0.1"] {
        let url = redirecting(to.to_owned()).await;
        let error = get(&open, &url, &none).await.unwrap_err();
        assert!(error.message.ends_with("which is refused") && !error.transient, "{to}: {error}");
    }
    for url in ["http://169.254.169.254/a", "file:///etc/passwd", "http://"] {
        assert!(!get(&open, url, &none).await.unwrap_err().transient, "{url}");
    }
    let gone = open.server.url_of("app");
    let World { server, store, .. } = open;
    server.shutdown().await;
    assert!(store.file(&gone, &none, FetchLimits::default()).await.unwrap_err().transient);
}

#[tokio::test]
async fn a_dripping_server_is_left_at_the_deadline() {
    let mut world = World::new(None).await;
    let room = tempfile::tempdir().unwrap();
    world.store = GitStore::new(room.path(), within(Duration::from_millis(700)));
    let first = world.commit(&noise(1000));
    world.faults.set("app", Fault::Slow { bytes: 50, pause: Duration::from_millis(10) });
    let begin = Instant::now();
    let error = world.get("main").await.err().unwrap();
    assert!(begin.elapsed() < Duration::from_secs(5));
    assert!(error.message.contains("no answer within 0.7 s"), "{error}");
    world.faults.clear("app");
    // On a busy machine a good server may miss so short a deadline, too.
    let mut found = world.get("main").await;
    while begin.elapsed() < Duration::from_secs(60) && found.is_err() {
        found = world.get("main").await;
    }
    assert_eq!(found.unwrap().commit, first);
}

#[tokio::test]
async fn what_is_not_git_is_an_error_and_harms_nothing() {
    let world = World::new(None).await;
    // Long enough for the cuts to be within the pack.
    let first = world.commit(&noise(100));
    for fault in
        [Fault::Garbage, Fault::Cut { after: 0 }, Fault::Cut { after: 30 }, Fault::Cut { after: 250 }]
    {
        let error = world.failure(fault).await;
        assert!(error.transient, "{fault:?}");
        assert!(error.message.contains(&world.server.url_of("app")), "{error}");
    }
    assert_eq!(world.get("main").await.unwrap().commit, first);
    let second = world.commit(&noise(101));
    world.failure(Fault::Cut { after: 250 }).await;
    assert_eq!(world.get("main").await.unwrap().commit, second);
}

#[tokio::test]
async fn bad_x8_packs_that_are_not_what_they_say_are_refused() {
    let world = World::new(None).await;
    let first = world.commit(&noise(100));
    // The pack's own checksum, which the answer's end follows; then its objects.
    for from_end in [6, 20, 40, 200] {
        let error = world.failure(Fault::Flip { from_end }).await;
        assert!(error.message.contains(&world.server.url_of("app")), "{from_end}: {error}");
    }
    assert_eq!(world.get("main").await.unwrap().commit, first);
    let second = world.commit(&noise(101));
    world.failure(Fault::Flip { from_end: 6 }).await;
    let known = world.store.checkout(&request(&world.server.url_of("app"), &first, 60)).await.unwrap();
    assert_eq!(content(&known), noise(100), "what was fetched before is still good");
    assert_eq!(world.get("main").await.unwrap().commit, second);
}

/// GitHub's API, as far as a token is asked for: `POST /app/installations/7/access_tokens`.
async fn github(answer: &'static str) -> String {
    use axum::routing::post;
    let tokens = post(move |headers: http::HeaderMap| async move {
        let says_who =
            headers.get("authorization").is_some_and(|value| value.as_bytes().starts_with(b"Bearer ey"));
        if says_who { (http::StatusCode::CREATED, answer) } else { (http::StatusCode::UNAUTHORIZED, "") }
    });
    let router = axum::Router::new().route("/app/installations/7/access_tokens", tokens);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

#[tokio::test]
async fn an_app_of_github_fetches_with_its_token() {
    let world = World::new(Some(("x-access-token", "ghs_1"))).await;
    let commit = world.commit("one");
    let get = |base_url: String| {
        let data = GithubAppData {
            app: "12".to_owned(),
            installation: "7".to_owned(),
            key: SecretText::new(include_str!("../src/github_app/key.pem")),
            base_url,
            ..GithubAppData::default()
        };
        let login = Some(Login::GithubApp(GithubApp::new(&data).unwrap()));
        let access = Access { login, ..Access::default() };
        let asked = Request { access, ..request(&world.server.url_of("app"), "main", 0) };
        async { world.store.checkout(&{ asked }).await }
    };
    let found = get(github(r#"{"token": "ghs_1", "expires_at": "2999-01-01T00:00:00Z"}"#).await).await;
    assert_eq!(found.unwrap().commit, commit);
    let refused = get(github(r#"{"token": "ghs_2", "expires_at": "2999-01-01T00:00:00Z"}"#).await).await;
    let refused = refused.err().unwrap();
    assert!(refused.message.contains("rejects the login") && !refused.message.contains("ghs_2"), "{refused}");
    let nobody = get("http://127.0.0.1:1".to_owned()).await.err().unwrap();
    assert!(
        nobody.message.contains("the GitHub App gets no token: POST http://127.0.0.1:1/app/"),
        "{nobody}"
    );
}
