//! A Git server that can be made to misbehave, with one repository, and a store that fetches from it.

#![allow(dead_code, reason = "each of the tests uses a part of it")]

use belay_source::{Checkout, CheckoutError, GitLimits, GitStore, Repositories, Request, Revision};
use belay_testkit::{Author, Change, Faults, GitServer, GitServerOptions, Repository};
use tempfile::TempDir;

pub(crate) struct World {
    pub(crate) room: TempDir,
    pub(crate) server: GitServer,
    pub(crate) repository: Repository,
    pub(crate) faults: Faults,
    pub(crate) store: GitStore,
}

impl World {
    pub(crate) async fn new(limits: GitLimits) -> World {
        let room = tempfile::tempdir().unwrap();
        let faults = Faults::default();
        let options =
            GitServerOptions { faults: faults.clone(), ..GitServerOptions::new(room.path().join("served")) };
        let server = GitServer::start(options).await.unwrap();
        let repository = server.create_repository("app").unwrap();
        let store = GitStore::new(room.path().join("mirrors"), limits);
        World { room, server, repository, faults, store }
    }

    pub(crate) fn commit(&self, content: &str) -> String {
        let author = Author::at("Ada", "ada@example.org", 1_700_000_000);
        self.repository.commit(&[Change::write("a.yaml", content)], content, &author).unwrap()
    }

    pub(crate) async fn get(&self, revision: &str) -> Result<Checkout, CheckoutError> {
        let request = Request::new(self.server.url_of("app"), Revision::name(revision));
        self.store.checkout(&request).await
    }
}
