//! Repositories of this machine, read where they are.

use belay_filetree::TreePath;
use belay_source::{GitLimits, GitStore, Repositories, Request, Revision};
use belay_testkit::{Author, Change, Repository};

#[tokio::test]
async fn a_repository_on_disk_is_read_in_place() {
    let room = tempfile::tempdir().unwrap();
    let path = room.path().join("app.git");
    let repository = Repository::create(&path).unwrap();
    let commit = |content: &str| {
        let author = Author::new("Ada", "ada@example.org");
        repository.commit(&[Change::write("a.yaml", content)], content, &author).unwrap()
    };
    let store = GitStore::new(room.path().join("mirrors"), GitLimits::default());
    let url = format!("file://{}", path.display());
    let file = TreePath::parse("a.yaml").unwrap();

    let first = commit("one");
    let seen = store.checkout(&Request::new(&url, Revision::name("HEAD"))).await.unwrap();
    assert_eq!((seen.commit.as_str(), seen.subject.as_str()), (first.as_str(), "one"));
    let second = commit("two");
    let newer = store.checkout(&Request::new(&url, Revision::name("main"))).await.unwrap();
    assert_eq!(newer.commit, second);
    assert_eq!(newer.tree.read(&file).unwrap().as_ref(), b"two");
    // What was handed out stays as it was.
    assert_eq!(seen.tree.read(&file).unwrap().as_ref(), b"one");
    assert!(!room.path().join("mirrors").exists(), "nothing is copied");

    std::fs::remove_dir_all(&path).unwrap();
    let error = store.checkout(&Request::new(&url, Revision::name("other"))).await.err().unwrap();
    assert!(error.message.starts_with(&format!("repository {url}: ")), "{error}");
}
