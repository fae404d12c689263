//! Git repositories over SSH, from a real server in process.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::time::Duration;

use belay_source::{
    Access, Checkout, CheckoutError, GitLimits, GitStore, Repositories, Request, Revision, SecretText,
    SshAccess,
};
use belay_testkit::{Author, Change, Repository, SshServer, SshServerOptions};
use russh::keys::{PrivateKey, PublicKey};
use tempfile::TempDir;

/// Keys of a test, made by `ssh-keygen -t TYPE -N PASSPHRASE`.
const HOST: &str = include_str!("keys/host");
const OTHER_HOST: &str = include_str!("keys/other_host.pub");
const USERS: [(&str, &str, &str); 4] = [
    ("ed25519", include_str!("keys/ed25519"), ""),
    ("ecdsa", include_str!("keys/ecdsa"), ""),
    ("rsa", include_str!("keys/rsa"), ""),
    ("encrypted", include_str!("keys/encrypted"), "open sesame"),
];

struct World {
    room: TempDir,
    server: SshServer,
    repository: Repository,
    store: GitStore,
}

impl World {
    async fn new() -> World {
        let room = tempfile::tempdir().unwrap();
        let folder = room.path().join("served");
        let repository = Repository::create(folder.join("team/app.git")).unwrap();
        let public = |pem: &str, passphrase: &str| {
            let key = russh::keys::decode_secret_key(pem, Some(passphrase).filter(|text| !text.is_empty()));
            key.unwrap().public_key().clone()
        };
        let users = USERS.iter().map(|(_, pem, passphrase)| public(pem, passphrase)).collect();
        let host_key = PrivateKey::from_openssh(HOST).unwrap();
        let server = SshServer::start(SshServerOptions { folder, host_key, users }).await.unwrap();
        let store = GitStore::new(room.path().join("mirrors"), GitLimits::default());
        World { room, server, repository, store }
    }

    fn commit(&self, content: &str) -> String {
        let author = Author::new("Ada", "ada@example.org");
        self.repository.commit(&[Change::write("a.yaml", content)], content, &author).unwrap()
    }

    fn known(&self) -> String {
        let key = PrivateKey::from_openssh(HOST).unwrap();
        self.line(key.public_key())
    }

    fn line(&self, key: &PublicKey) -> String {
        format!("[127.0.0.1]:{} {}\n", self.server.port(), key.to_openssh().unwrap())
    }

    async fn get(&self, name: &str, ssh: SshAccess) -> Result<Checkout, CheckoutError> {
        let access = Access { ssh: Some(ssh), ..Access::default() };
        let url = self.server.url_of(name);
        let request = Request {
            access,
            timeout: Some(Duration::from_secs(20).into()),
            ..Request::new(url, Revision::name("main"))
        };
        self.store.checkout(&request).await
    }

    fn access(&self, number: usize) -> SshAccess {
        let (_, key, passphrase) = USERS[number];
        SshAccess {
            key: SecretText::new(key),
            passphrase: SecretText::new(passphrase),
            known_hosts: self.known(),
            ..SshAccess::default()
        }
    }

    async fn failure(&self, ssh: SshAccess) -> String {
        let error = self.get("team/app", ssh).await.err().unwrap();
        assert!(error.message.starts_with(&format!("repository {}: ", self.server.url_of("team/app"))));
        error.message
    }
}

#[tokio::test]
async fn every_kind_of_key_is_let_in() {
    let world = World::new().await;
    let first = world.commit("one");
    for (number, (kind, ..)) in USERS.iter().enumerate() {
        let found = world.get("team/app", world.access(number)).await;
        assert_eq!(found.unwrap_or_else(|error| panic!("{kind}: {error}")).commit, first);
    }
    // The mirror is brought up to date over a new connection.
    let second = world.commit("two");
    assert_eq!(world.get("team/app", world.access(0)).await.unwrap().commit, second);
    assert_eq!(std::fs::read_dir(world.room.path().join("mirrors")).unwrap().count(), USERS.len());
}

#[tokio::test]
async fn bad_s3_servers_with_other_keys_are_not_trusted() {
    let world = World::new().await;
    world.commit("one");
    let with = |known_hosts: String| SshAccess { known_hosts, ..world.access(0) };
    let unknown = world.failure(with(String::new())).await;
    assert!(unknown.ends_with("knownhosts: key is unknown"), "{unknown}");
    let other = PublicKey::from_openssh(OTHER_HOST).unwrap();
    let changed = world.failure(with(world.line(&other))).await;
    assert!(changed.ends_with("knownhosts: key mismatch"), "{changed}");
    let insecure = SshAccess { insecure: true, ..with(String::new()) };
    assert!(world.get("team/app", insecure).await.is_ok());
}

#[tokio::test]
async fn faults_are_told_and_nothing_secret_with_them() {
    let world = World::new().await;
    world.commit("one");
    let stranger = SshAccess { key: SecretText::new(HOST), ..world.access(0) };
    assert!(world.failure(stranger).await.ends_with("the server rejects the login"));
    let none = SshAccess { key: SecretText::default(), ..world.access(0) };
    assert!(world.failure(none).await.ends_with("the SSH key cannot be read: there is none"));
    let closed = SshAccess { passphrase: SecretText::new("canary"), ..world.access(3) };
    let message = world.failure(closed).await;
    assert!(message.contains("the passphrase is another") && !message.contains("canary"), "{message}");
    let missing = world.get("team/nothing", world.access(0)).await.err().unwrap();
    assert!(missing.message.ends_with("repository not found"), "{missing}");
}
