//! Git servers that ask for too much, or are not who they should be. In each test what was fetched before stays good, and
//! the server's repository is fetched again when it is well.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod world;

use std::sync::Arc;
use std::time::{Duration, Instant};

use belay_filetree::TreePath;
use belay_source::{Access, GitLimits, Repositories, Request, Revision, Tls};
use belay_testkit::{BadPack, Clients, Fault, GitServerOptions, HttpsServer, ServerCertificate};

use world::World;

const MEBIBYTE: u64 = 1024 * 1024;

impl World {
    /// What the store says of a server that does this. It says the same when asked again, keeps what it had, and goes on
    /// where it was when the server is well.
    async fn refusal(&self, fault: Fault) -> String {
        let first = self.commit("before");
        assert_eq!(self.get("main").await.unwrap().commit, first);
        let second = self.commit(&format!("{fault:?}"));
        self.faults.set("app", fault);
        let error = self.get("main").await.err().unwrap();
        let again = self.get("main").await.err().unwrap();
        assert_eq!(error.message, again.message);
        assert!(error.transient && error.message.contains(&self.server.url_of("app")), "{error}");
        let known = self.get(&first).await.unwrap();
        let file = known.tree.read(&TreePath::parse("a.yaml").unwrap()).unwrap();
        assert_eq!(&file[..], b"before");
        self.faults.clear("app");
        assert_eq!(self.get("main").await.unwrap().commit, second);
        error.message
    }

    /// Files that a failed fetch left behind.
    fn left_over(&self) -> Vec<String> {
        let packs = std::fs::read_dir(self.room.path().join("mirrors")).unwrap();
        let folders = packs.flatten().map(|mirror| mirror.path().join("objects").join("pack"));
        let files = folders.flat_map(|folder| std::fs::read_dir(folder).unwrap().flatten());
        let names = files.map(|file| file.file_name().to_string_lossy().into_owned());
        names.filter(|name| !name.starts_with("pack-") || name.ends_with(".keep")).collect()
    }
}

/// The most memory that this process ever had, where the system tells.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

#[tokio::test]
async fn bad_r11_endless_references_are_cut_off() {
    let world = World::new(GitLimits::DEFAULT).await;
    let refusal = world.refusal(Fault::References { count: u64::MAX }).await;
    assert!(refusal.ends_with(": more than 200000 references"), "{refusal}");
}

#[tokio::test]
async fn bad_r11_many_references_are_taken_in_linear_time() {
    let world = World::new(GitLimits::DEFAULT).await;
    let commit = world.commit("one");
    world.get("main").await.unwrap();
    world.faults.set("app", Fault::References { count: 5000 });
    let begin = Instant::now();
    assert_eq!(world.get("000000004999").await.unwrap().commit, commit);
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
    assert!(world.get("main").await.is_err(), "a branch that the server does not name is gone");
}

#[tokio::test]
async fn bad_r11_messages_and_signs_of_life_without_end_are_cut_off() {
    let bytes = 20 * MEBIBYTE;
    let world = World::new(GitLimits { bytes, ..GitLimits::DEFAULT }).await;
    for fault in [Fault::Chatter, Fault::KeepAlives] {
        let refusal = world.refusal(fault).await;
        assert!(refusal.ends_with(": more than 20971520 bytes"), "{fault:?}: {refusal}");
    }
    let fetch = Duration::from_secs(2);
    let world = World::new(GitLimits { fetch, bytes: u64::MAX, ..GitLimits::DEFAULT }).await;
    let begin = Instant::now();
    let refusal = world.refusal(Fault::Chatter).await;
    assert!(refusal.ends_with(": no answer within 2 s"), "{refusal}");
    assert!(begin.elapsed() < Duration::from_secs(15));
}

#[tokio::test]
async fn bad_r11_packs_that_ask_for_too_much_are_refused() {
    let limits = GitLimits { object: 64 * MEBIBYTE, unpacking: 64 * MEBIBYTE, ..GitLimits::DEFAULT };
    let world = World::new(limits).await;
    let before = peak();
    for (bad, reason) in [
        (BadPack::Claims(u32::MAX), "a pack of 4294967295 objects, more than 5000000"),
        (BadPack::Bomb(600), "an object that is longer than the 10 bytes it says"),
        (BadPack::Large(1 << 40), "an object of 1099511627776 bytes, more than 67108864"),
        (BadPack::Copies(1000), "an object of 1048576000 bytes, more than 67108864"),
        (
            BadPack::Chain(5000),
            "objects that differ from objects that differ from others, more than 4095 times",
        ),
        (BadPack::Comb { mebibytes: 16, times: 12 }, "objects that take more than 67108864 bytes to unpack"),
        (BadPack::Comb { mebibytes: 16, times: 60 }, "objects that take more than 268435456 bytes to unpack"),
        (
            BadPack::NamedComb { mebibytes: 16, times: 60 },
            "objects that take more than 67108864 bytes to unpack",
        ),
    ] {
        let begin = Instant::now();
        let refusal = world.refusal(Fault::Pack(bad)).await;
        assert!(refusal.ends_with(&format!(": {reason}")), "{bad:?}: {refusal}");
        assert!(begin.elapsed() < Duration::from_secs(20), "{bad:?}: {:?}", begin.elapsed());
    }
    let taken = before.zip(peak()).map_or(0, |(before, after)| after - before);
    assert!(taken < 400 * MEBIBYTE, "{} MiB", taken / MEBIBYTE);
    assert_eq!(world.left_over(), [""; 0]);
}

#[tokio::test]
async fn bad_r11_differences_from_nothing_are_refused() {
    let world = World::new(GitLimits::DEFAULT).await;
    let refusal = world.refusal(Fault::Pack(BadPack::WithoutBase)).await;
    assert!(refusal.contains("0707070707070707070707070707070707070707"), "{refusal}");
    assert!(world.refusal(Fault::Pack(BadPack::Claims(3))).await.contains("pack"));
    assert_eq!(world.left_over(), [""; 0]);
}

/// What is refused above is taken where it is small. It is not what was asked for, though.
#[tokio::test]
async fn differences_from_differences_are_unpacked() {
    let world = World::new(GitLimits::DEFAULT).await;
    let first = world.commit("one");
    assert_eq!(world.get("main").await.unwrap().commit, first);
    for bad in [
        BadPack::Copies(3),
        BadPack::Chain(4000),
        BadPack::Comb { mebibytes: 1, times: 20 },
        BadPack::NamedComb { mebibytes: 1, times: 20 },
    ] {
        let second = world.commit(&format!("{bad:?}"));
        world.faults.set("app", Fault::Pack(bad));
        // Whether the old commit is found or none, it is not one that is not here.
        if let Ok(found) = world.get("main").await {
            assert_ne!(found.commit, second, "{bad:?}");
        }
        assert_eq!(world.get(&first).await.unwrap().commit, first);
        world.faults.clear("app");
        assert_eq!(world.get("main").await.unwrap().commit, second, "{bad:?}");
    }
    let mirrors = std::fs::read_dir(world.room.path().join("mirrors")).unwrap();
    let mirror = mirrors.flatten().next().unwrap().path();
    let files = std::fs::read_dir(mirror.join("objects").join("pack")).unwrap().flatten();
    let kept = files.filter(|file| file.path().extension().is_some_and(|kind| kind == "idx")).count();
    assert_eq!(kept, 1 + 2 * 4, "they were sound");
}

/// As many as want it get it, whoever else asks with another login at that time, while people push.
#[tokio::test(flavor = "multi_thread")]
async fn bad_x9_a_hundred_at_once_get_what_is_theirs() {
    let world = Arc::new(World::new(GitLimits::DEFAULT).await);
    let known = world.commit("known");
    let mut clients = tokio::task::JoinSet::new();
    for number in 0..100 {
        let world = world.clone();
        clients.spawn(async move {
            let login = Access::basic("ada", format!("password {}", number % 3));
            let access = if number % 2 == 0 { Access::default() } else { login };
            let url = world.server.url_of("app");
            let asked = Request { access, ..Request::new(url.clone(), Revision::name("main")) };
            if number % 10 == 0 {
                world.store.forget(&url);
            }
            if number == 50 {
                world.commit("last");
            }
            let found = world.store.checkout(&asked).await.unwrap();
            let file = found.tree.read(&TreePath::parse("a.yaml").unwrap()).unwrap();
            (found.commit, String::from_utf8(file.to_vec()).unwrap())
        });
    }
    let results = clients.join_all().await;
    assert_eq!(results.len(), 100);
    let last = world.get("main").await.unwrap().commit;
    assert_ne!(last, known);
    for (commit, content) in &results {
        let is_one_of_both =
            (*commit == known && content == "known") || (*commit == last && content == "last");
        assert!(is_one_of_both, "{commit}: {content}");
    }
    assert!(results.iter().any(|(commit, _)| *commit == last), "nobody saw the last commit");
}

#[tokio::test]
async fn bad_s3_servers_with_bad_certificates_are_not_trusted() {
    let world = World::new(GitLimits::DEFAULT).await;
    let commit = world.commit("one");
    let get = async |server: &HttpsServer, tls: Tls| {
        let access = Access { tls, ..Access::default() };
        let asked = Request { access, ..Request::new(server.url_of("app"), Revision::name("main")) };
        world.store.checkout(&asked).await
    };
    use ServerCertificate::{Expired, Good, OtherName, SelfSigned};
    for certificate in [Good, Expired, OtherName, SelfSigned] {
        let options = GitServerOptions::new(world.room.path().join("served"));
        let server = HttpsServer::start(options, certificate, Clients::Anybody).await.unwrap();
        let vouched = Tls { authorities: server.authority().to_owned(), ..Tls::default() };
        let trusted = get(&server, vouched).await;
        if certificate == Good {
            assert_eq!(trusted.unwrap().commit, commit);
        } else {
            let error = trusted.err().unwrap();
            let says = error.message.contains(&server.url_of("app")) && error.message.contains("certificate");
            assert!(says, "{certificate:?}: {error}");
        }
        let unknown = get(&server, Tls::default()).await.err().unwrap();
        assert!(unknown.message.contains("certificate"), "{certificate:?}: {unknown}");
        // Only who says so takes whatever it is.
        let insecure = Tls { insecure: true, ..Tls::default() };
        assert_eq!(get(&server, insecure).await.unwrap().commit, commit, "{certificate:?}");
    }
}
