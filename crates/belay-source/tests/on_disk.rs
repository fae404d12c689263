//! Repositories of this machine, read where they are.

#![expect(clippy::unwrap_used, reason = "a test may fail where its own input is wrong")]

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use belay_filetree::TreePath;
use belay_source::{GitLimits, GitStore, Repositories, Request, Revision};
use belay_testkit::{Author, Change, Repository};
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

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

    fs::remove_dir_all(&path).unwrap();
    let error = store.checkout(&Request::new(&url, Revision::name("other"))).await.err().unwrap();
    assert!(error.message.starts_with(&format!("repository {url}: ")), "{error}");
}

/// Every object of a repository that lies in a file of its own.
fn loose_objects(folder: &Path) -> Vec<PathBuf> {
    let folders = fs::read_dir(folder.join("objects")).unwrap().map(|entry| entry.unwrap().path());
    let folders = folders.filter(|path| path.file_name().unwrap().len() == 2);
    folders.flat_map(|path| fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path())).collect()
}

fn inflated(file: &Path) -> Vec<u8> {
    let mut content = Vec::new();
    ZlibDecoder::new(fs::read(file).unwrap().as_slice()).read_to_end(&mut content).unwrap();
    content
}

fn put(file: &Path, content: &[u8]) {
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(content).unwrap();
    // Git makes them read-only.
    fs::remove_file(file).unwrap();
    fs::write(file, packed.finish().unwrap()).unwrap();
}

#[tokio::test]
async fn bad_x8_objects_that_are_not_what_their_ids_say_are_refused() {
    let kinds: [(&[u8], &[u8], &[u8]); 3] =
        [(b"blob ", b"one", b"two"), (b"tree ", b"a.yaml", b"b.yaml"), (b"commit ", b"Ada", b"Eve")];
    for (kind, from, to) in kinds {
        let room = tempfile::tempdir().unwrap();
        let path = room.path().join("app.git");
        let repository = Repository::create(&path).unwrap();
        let author = Author::new("Ada", "ada@example.org");
        repository.commit(&[Change::write("a.yaml", "one")], "First", &author).unwrap();
        for file in loose_objects(&path) {
            let content = inflated(&file);
            if content.starts_with(kind) {
                let text = content.windows(from.len()).position(|window| window == from).unwrap();
                put(&file, &[&content[..text], to, &content[text + to.len()..]].concat());
            }
        }
        let store = GitStore::new(room.path().join("mirrors"), GitLimits::default());
        let url = format!("file://{}", path.display());
        let said = match store.checkout(&Request::new(&url, Revision::name("HEAD"))).await {
            Err(error) => error.to_string(),
            Ok(seen) => {
                let error = seen.tree.read(&TreePath::parse("a.yaml").unwrap()).unwrap_err();
                format!(
                    "{error}: {}",
                    std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default()
                )
            }
        };
        assert!(said.contains("is damaged"), "{}: {said}", String::from_utf8_lossy(kind));
    }
}
