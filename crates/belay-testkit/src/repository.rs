//! A bare Git repository that is written in process: commits from lists of changes, no checkout.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use gix::ObjectId;
use gix::bstr::{BString, ByteSlice};
use gix::objs::tree::{Entry, EntryKind, EntryMode};
use gix::objs::{Kind, Tree, Write as _};
use gix::refs::transaction::{Change as RefChange, LogChange, PreviousValue, RefEdit, RefLog};
use gix::refs::{FullName, Target};

/// The branch that `HEAD` of a new repository names, and that [`Repository::commit`] writes.
pub const DEFAULT_BRANCH: &str = "main";

/// One change of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Puts a regular file at the path.
    Write {
        /// Where, relative to the root: `apps/web/deployment.yaml`.
        path: String,
        /// The file's bytes.
        content: Vec<u8>,
    },
    /// Puts a file with the executable bit at the path.
    WriteExecutable {
        /// Where, relative to the root.
        path: String,
        /// The file's bytes.
        content: Vec<u8>,
    },
    /// Puts a symbolic link at the path.
    Link {
        /// Where, relative to the root.
        path: String,
        /// What the link points to, as written.
        target: String,
    },
    /// Puts the marker of a submodule at the path.
    Submodule {
        /// Where, relative to the root.
        path: String,
        /// The commit that the marker names, as 40 hexadecimal digits.
        commit: String,
    },
    /// Takes a file, or a folder with everything below it, away.
    Delete {
        /// Where, relative to the root.
        path: String,
    },
}

impl Change {
    /// A regular file with this content.
    pub fn write(path: &str, content: impl Into<Vec<u8>>) -> Change {
        Change::Write { path: path.to_owned(), content: content.into() }
    }

    /// The end of a file or a folder.
    pub fn delete(path: &str) -> Change {
        Change::Delete { path: path.to_owned() }
    }

    /// A symbolic link.
    pub fn link(path: &str, target: &str) -> Change {
        Change::Link { path: path.to_owned(), target: target.to_owned() }
    }
}

/// Who commits, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// The name.
    pub name: String,
    /// The mail address.
    pub email: String,
    /// Seconds since 1970; the time of the commit when absent.
    pub seconds: Option<i64>,
}

impl Author {
    /// An author whose commits carry the time at which they are made.
    pub fn new(name: &str, email: &str) -> Author {
        Author { name: name.to_owned(), email: email.to_owned(), seconds: None }
    }

    /// An author whose commits carry this time, so that their ids repeat.
    pub fn at(name: &str, email: &str, seconds: i64) -> Author {
        Author { name: name.to_owned(), email: email.to_owned(), seconds: Some(seconds) }
    }

    fn line(&self) -> String {
        let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs() as i64);
        format!("{} <{}> {} +0000", self.name, self.email, self.seconds.unwrap_or_else(now))
    }
}

/// Why a repository could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// The folder holds no repository, or none could be made there.
    #[error("{path}: is no usable Git repository")]
    Open {
        /// The folder.
        path: PathBuf,
        /// What Git said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A path that no Git tree may hold.
    #[error("{path:?} is no path inside a repository")]
    Path {
        /// The path as written.
        path: String,
    },
    /// A file to delete is not there.
    #[error("{path}: no such file to delete")]
    Missing {
        /// The path.
        path: String,
    },
    /// The text names no commit of this repository.
    #[error("{revision:?} names no commit")]
    Revision {
        /// The text.
        revision: String,
    },
    /// The commit cannot be taken back because later commits changed the same file.
    #[error("cannot revert {commit}: {path} has changed since")]
    Conflict {
        /// The commit to take back.
        commit: String,
        /// The file.
        path: String,
    },
    /// The object store or a reference could not be read or written.
    #[error("cannot {action}")]
    Store {
        /// What was being done.
        action: &'static str,
        /// What Git said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

fn store<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
    action: &'static str,
) -> impl FnOnce(E) -> RepositoryError {
    move |source| RepositoryError::Store { action, source: source.into() }
}

type Files = BTreeMap<String, (EntryMode, ObjectId)>;

/// A bare repository in a folder.
#[derive(Clone)]
pub struct Repository {
    path: PathBuf,
    inner: gix::ThreadSafeRepository,
}

impl Repository {
    /// Makes an empty bare repository whose `HEAD` names [`DEFAULT_BRANCH`]; opens it if it is there.
    pub fn create(path: impl AsRef<Path>) -> Result<Repository, RepositoryError> {
        let path = path.as_ref();
        if path.join("HEAD").is_file() {
            return Repository::open(path);
        }
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| RepositoryError::Open {
            path: path.to_owned(),
            source,
        };
        std::fs::create_dir_all(path).map_err(|error| failed(error.into()))?;
        gix::ThreadSafeRepository::init_opts(
            path,
            gix::create::Kind::Bare,
            gix::create::Options::default(),
            gix::open::Options::isolated(),
        )
        .map_err(|error| failed(error.into()))?;
        std::fs::write(path.join("HEAD"), format!("ref: refs/heads/{DEFAULT_BRANCH}\n"))
            .map_err(|error| failed(error.into()))?;
        Repository::open(path)
    }

    /// Opens the bare repository in the folder.
    pub fn open(path: impl AsRef<Path>) -> Result<Repository, RepositoryError> {
        let path = path.as_ref();
        let inner = gix::open::Options::isolated()
            .open_path_as_is(true)
            .with(gix::sec::Trust::Full)
            .open(path)
            .map_err(|error| RepositoryError::Open { path: path.to_owned(), source: error.into() })?;
        Ok(Repository { path: path.to_owned(), inner })
    }

    /// The folder of the repository.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Commits the changes on [`DEFAULT_BRANCH`] and returns the commit's id.
    pub fn commit(
        &self,
        changes: &[Change],
        message: &str,
        author: &Author,
    ) -> Result<String, RepositoryError> {
        self.commit_on(DEFAULT_BRANCH, changes, message, author)
    }

    /// Commits the changes on a branch, which starts empty if it is not there.
    pub fn commit_on(
        &self,
        branch: &str,
        changes: &[Change],
        message: &str,
        author: &Author,
    ) -> Result<String, RepositoryError> {
        let parent = self.branch_tip(branch)?;
        let mut files = match parent {
            Some(commit) => self.files_of(commit)?,
            None => Files::new(),
        };
        for change in changes {
            self.apply(&mut files, change)?;
        }
        self.write_commit(branch, &files, parent, message, author)
    }

    /// Takes one commit of [`DEFAULT_BRANCH`] back with a new commit, as `git revert` does.
    pub fn revert(&self, commit: &str, author: &Author) -> Result<String, RepositoryError> {
        let id = self.find_commit(commit)?;
        let (after, before) = (self.files_of(id)?, self.files_of_parent(id)?);
        let head = self.branch_tip(DEFAULT_BRANCH)?.unwrap_or(id);
        let mut files = self.files_of(head)?;
        for path in after.keys().chain(before.keys()) {
            if after.get(path) == before.get(path) || files.get(path) == before.get(path) {
                continue;
            }
            if files.get(path) != after.get(path) {
                return Err(RepositoryError::Conflict { commit: id.to_string(), path: path.clone() });
            }
            match before.get(path) {
                Some(entry) => files.insert(path.clone(), *entry),
                None => files.remove(path),
            };
        }
        let message = format!("Revert {:?}\n\nThis reverts commit {id}.", self.subject(id)?);
        self.write_commit(DEFAULT_BRANCH, &files, Some(head), &message, author)
    }

    /// The first parent of a commit; none if it is the first one.
    pub fn parent(&self, commit: &str) -> Result<Option<String>, RepositoryError> {
        let parent = self.parent_of(self.find_commit(commit)?)?;
        Ok(parent.map(|id| id.to_string()))
    }

    /// The content of a file at the tip of [`DEFAULT_BRANCH`].
    pub fn read(&self, path: &str) -> Result<Option<Vec<u8>>, RepositoryError> {
        let Some(head) = self.branch_tip(DEFAULT_BRANCH)? else { return Ok(None) };
        let Some((_, id)) = self.files_of(head)?.get(path).copied() else { return Ok(None) };
        let local = self.inner.to_thread_local();
        let blob = local.find_object(id).map_err(store("read a file"))?;
        Ok(Some(blob.data.clone()))
    }

    /// The paths of all files at the tip of [`DEFAULT_BRANCH`], sorted.
    pub fn list(&self) -> Result<Vec<String>, RepositoryError> {
        match self.branch_tip(DEFAULT_BRANCH)? {
            Some(head) => Ok(self.files_of(head)?.into_keys().collect()),
            None => Ok(Vec::new()),
        }
    }

    /// The id of the last commit of [`DEFAULT_BRANCH`].
    pub fn head(&self) -> Result<Option<String>, RepositoryError> {
        Ok(self.branch_tip(DEFAULT_BRANCH)?.map(|id| id.to_string()))
    }

    /// Points a branch at a commit, over what it pointed at.
    pub fn set_branch(&self, branch: &str, commit: &str) -> Result<(), RepositoryError> {
        let id = self.find_commit(commit)?;
        self.set_reference(&format!("refs/heads/{branch}"), id)
    }

    /// Points a light tag at a commit.
    pub fn tag(&self, name: &str, commit: &str) -> Result<(), RepositoryError> {
        let id = self.find_commit(commit)?;
        self.set_reference(&format!("refs/tags/{name}"), id)
    }

    /// Makes a tag object for a commit and points the tag at it; returns the object's id.
    pub fn annotated_tag(
        &self,
        name: &str,
        commit: &str,
        message: &str,
        author: &Author,
    ) -> Result<String, RepositoryError> {
        let id = self.find_commit(commit)?;
        let text = format!("object {id}\ntype commit\ntag {name}\ntagger {}\n\n{message}\n", author.line());
        let tag = self.write_object(Kind::Tag, text.as_bytes())?;
        self.set_reference(&format!("refs/tags/{name}"), tag)?;
        Ok(tag.to_string())
    }

    /// Deletes a reference by its full name.
    pub fn delete_reference(&self, name: &str) -> Result<(), RepositoryError> {
        let change = RefChange::Delete { expected: PreviousValue::MustExist, log: RefLog::AndReference };
        self.edit(name, change)
    }

    /// Points any reference at any object: for tests of hostile repositories.
    pub fn set_reference_to(&self, name: &str, object: &str) -> Result<(), RepositoryError> {
        let id = ObjectId::from_hex(object.as_bytes())
            .map_err(|_| RepositoryError::Revision { revision: object.to_owned() })?;
        self.set_reference(name, id)
    }

    /// Writes an object as it is, valid or not, and returns its id: for tests of hostile repositories.
    pub fn write_raw(&self, kind: Kind, content: &[u8]) -> Result<String, RepositoryError> {
        Ok(self.write_object(kind, content)?.to_string())
    }

    /// Writes a commit or a tag as somebody signed it, and returns its id.
    pub fn write_signed(&self, content: &str) -> Result<String, RepositoryError> {
        let kind = if content.starts_with("object ") { Kind::Tag } else { Kind::Commit };
        self.write_raw(kind, content.as_bytes())
    }

    fn apply(&self, files: &mut Files, change: &Change) -> Result<(), RepositoryError> {
        let (path, kind, id) = match change {
            Change::Delete { path } => return delete(files, path),
            Change::Write { path, content } => {
                (path, EntryKind::Blob, self.write_object(Kind::Blob, content)?)
            }
            Change::WriteExecutable { path, content } => {
                (path, EntryKind::BlobExecutable, self.write_object(Kind::Blob, content)?)
            }
            Change::Link { path, target } => {
                (path, EntryKind::Link, self.write_object(Kind::Blob, target.as_bytes())?)
            }
            Change::Submodule { path, commit } => {
                let id = ObjectId::from_hex(commit.as_bytes())
                    .map_err(|_| RepositoryError::Revision { revision: commit.clone() })?;
                (path, EntryKind::Commit, id)
            }
        };
        check_path(path)?;
        let below = format!("{path}/");
        files.retain(|other, _| !other.starts_with(&below) && !path.starts_with(&format!("{other}/")));
        files.insert(path.clone(), (kind.into(), id));
        Ok(())
    }

    fn write_commit(
        &self,
        branch: &str,
        files: &Files,
        parent: Option<ObjectId>,
        message: &str,
        author: &Author,
    ) -> Result<String, RepositoryError> {
        let tree = self.write_tree(files, "")?;
        let parents = parent.map(|id| format!("parent {id}\n")).unwrap_or_default();
        let who = author.line();
        let message = message.trim_end();
        let text = format!("tree {tree}\n{parents}author {who}\ncommitter {who}\n\n{message}\n");
        let id = self.write_object(Kind::Commit, text.as_bytes())?;
        self.set_reference(&format!("refs/heads/{branch}"), id)?;
        Ok(id.to_string())
    }

    /// Writes the tree of everything below `folder`, which is empty or ends in a slash.
    fn write_tree(&self, files: &Files, folder: &str) -> Result<ObjectId, RepositoryError> {
        let mut tree = Tree::empty();
        let mut last_folder = None;
        for (path, (mode, oid)) in files.range(folder.to_owned()..) {
            let Some(rest) = path.strip_prefix(folder) else { break };
            let Some((name, _)) = rest.split_once('/') else {
                tree.entries.push(Entry { mode: *mode, filename: BString::from(rest), oid: *oid });
                continue;
            };
            if last_folder != Some(name) {
                last_folder = Some(name);
                let oid = self.write_tree(files, &format!("{folder}{name}/"))?;
                let mode = EntryKind::Tree.into();
                tree.entries.push(Entry { mode, filename: BString::from(name), oid });
            }
        }
        tree.entries.sort();
        let local = self.inner.to_thread_local();
        Ok(local.write_object(&tree).map_err(store("write a tree"))?.detach())
    }

    fn write_object(&self, kind: Kind, content: &[u8]) -> Result<ObjectId, RepositoryError> {
        let local = self.inner.to_thread_local();
        local.objects.write_buf(kind, content).map_err(store("write an object"))
    }

    fn files_of(&self, commit: ObjectId) -> Result<Files, RepositoryError> {
        let local = self.inner.to_thread_local();
        let commit = local.find_commit(commit).map_err(store("read a commit"))?;
        let mut files = Files::new();
        let tree = commit.tree_id().map_err(store("read a commit"))?.detach();
        collect(&local, tree, "", &mut files)?;
        Ok(files)
    }

    fn files_of_parent(&self, commit: ObjectId) -> Result<Files, RepositoryError> {
        self.parent_of(commit)?.map_or(Ok(Files::new()), |parent| self.files_of(parent))
    }

    fn parent_of(&self, commit: ObjectId) -> Result<Option<ObjectId>, RepositoryError> {
        let local = self.inner.to_thread_local();
        let commit = local.find_commit(commit).map_err(store("read a commit"))?;
        Ok(commit.parent_ids().next().map(gix::Id::detach))
    }

    fn subject(&self, commit: ObjectId) -> Result<String, RepositoryError> {
        let local = self.inner.to_thread_local();
        let commit = local.find_commit(commit).map_err(store("read a commit"))?;
        let message = commit.message_raw().map_err(store("read a commit"))?;
        Ok(message.lines().next().unwrap_or_default().to_str_lossy().into_owned())
    }

    fn find_commit(&self, revision: &str) -> Result<ObjectId, RepositoryError> {
        let unknown = || RepositoryError::Revision { revision: revision.to_owned() };
        let id = ObjectId::from_hex(revision.as_bytes()).map_err(|_| unknown())?;
        self.inner.to_thread_local().find_commit(id).map_err(|_| unknown())?;
        Ok(id)
    }

    fn branch_tip(&self, branch: &str) -> Result<Option<ObjectId>, RepositoryError> {
        let local = self.inner.to_thread_local();
        let name = format!("refs/heads/{branch}");
        let reference = local.try_find_reference(name.as_str()).map_err(store("read a branch"))?;
        Ok(reference.and_then(|reference| reference.try_id().map(gix::Id::detach)))
    }

    fn set_reference(&self, name: &str, id: ObjectId) -> Result<(), RepositoryError> {
        let change = RefChange::Update {
            log: LogChange::default(),
            expected: PreviousValue::Any,
            new: Target::Object(id),
        };
        self.edit(name, change)
    }

    fn edit(&self, name: &str, change: RefChange) -> Result<(), RepositoryError> {
        let name = FullName::try_from(name).map_err(store("name a reference"))?;
        let local = self.inner.to_thread_local();
        local.edit_reference(RefEdit { change, name, deref: false }).map_err(store("write a reference"))?;
        Ok(())
    }
}

fn collect(
    local: &gix::Repository,
    tree: ObjectId,
    folder: &str,
    files: &mut Files,
) -> Result<(), RepositoryError> {
    let tree = local.find_tree(tree).map_err(store("read a tree"))?;
    for entry in tree.iter() {
        let entry = entry.map_err(store("read a tree"))?;
        let path = format!("{folder}{}", entry.filename());
        if entry.mode().is_tree() {
            collect(local, entry.object_id(), &format!("{path}/"), files)?;
        } else {
            files.insert(path, (entry.mode(), entry.object_id()));
        }
    }
    Ok(())
}

fn delete(files: &mut Files, path: &str) -> Result<(), RepositoryError> {
    let before = files.len();
    let below = format!("{path}/");
    files.retain(|other, _| other != path && !other.starts_with(&below));
    if files.len() == before {
        return Err(RepositoryError::Missing { path: path.to_owned() });
    }
    Ok(())
}

fn check_path(path: &str) -> Result<(), RepositoryError> {
    let refused = |part: &str| part.is_empty() || matches!(part, "." | "..") || part.contains('\0');
    if path.split('/').any(refused) {
        return Err(RepositoryError::Path { path: path.to_owned() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn author() -> Author {
        Author::at("Ada", "ada@example.org", 1_700_000_000)
    }

    #[test]
    fn commits_change_delete_and_revert() {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::create(folder.path().join("a.git")).unwrap();
        assert_eq!(repository.head().unwrap(), None);
        let files = [Change::write("a/x.yaml", "1"), Change::write("a-b", "2"), Change::write("a/y/z", "3")];
        let first = repository.commit(&files, "First", &author()).unwrap();
        let second = repository
            .commit(&[Change::write("a/x.yaml", "9"), Change::delete("a/y")], "Second", &author())
            .unwrap();
        assert_ne!(first, second);
        assert_eq!(repository.list().unwrap(), ["a-b", "a/x.yaml"]);
        repository.revert(&second, &author()).unwrap();
        assert_eq!(repository.list().unwrap(), ["a-b", "a/x.yaml", "a/y/z"]);
        assert_eq!(repository.read("a/x.yaml").unwrap().unwrap(), b"1");
    }

    #[test]
    fn what_has_changed_since_is_not_reverted() {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::create(folder.path().join("a.git")).unwrap();
        repository.commit(&[Change::write("x", "1")], "First", &author()).unwrap();
        let second = repository.commit(&[Change::write("x", "2")], "Second", &author()).unwrap();
        repository.commit(&[Change::write("x", "3")], "Third", &author()).unwrap();
        let error = repository.revert(&second, &author()).unwrap_err();
        assert!(matches!(error, RepositoryError::Conflict { .. }), "{error}");
    }

    #[test]
    fn mistakes_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::create(folder.path().join("a.git")).unwrap();
        let missing = repository.commit(&[Change::delete("nothing")], "x", &author()).unwrap_err();
        assert_eq!(missing.to_string(), "nothing: no such file to delete");
        let outside = repository.commit(&[Change::write("../x", "")], "x", &author()).unwrap_err();
        assert!(matches!(outside, RepositoryError::Path { .. }));
    }
}
