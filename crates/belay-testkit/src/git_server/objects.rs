//! Which objects a client lacks, and the pack that holds them.

use std::collections::{BinaryHeap, HashMap, HashSet, VecDeque};
use std::io::Write;

use flate2::{Compression, write::ZlibEncoder};
use gix::ObjectId;
use gix::objs::{Kind, TreeRefIter};

use super::GitError;

/// What a client asks for and has.
#[derive(Debug, Default)]
pub(super) struct Request {
    pub(super) wants: Vec<ObjectId>,
    pub(super) haves: Vec<ObjectId>,
    /// Commits whose parents the client lacks.
    pub(super) client_shallow: HashSet<ObjectId>,
    /// Commits to send from each tip; all when absent.
    pub(super) depth: Option<usize>,
}

/// What to send.
#[derive(Debug, Default)]
pub(super) struct Selection {
    pub(super) objects: Vec<ObjectId>,
    /// Commits that become the edge of the client's history.
    pub(super) shallow: Vec<ObjectId>,
    /// Commits that were the edge and are no more.
    pub(super) unshallow: Vec<ObjectId>,
}

pub(super) fn select(repository: &gix::Repository, request: &Request) -> Result<Selection, GitError> {
    let mut selection = Selection::default();
    let mut seen = HashSet::new();
    let is_whole = request.depth.is_none() && request.client_shallow.is_empty();
    let (common, commits) = if is_whole {
        News::of(repository, request, &mut selection, &mut seen)?
    } else {
        let common = common_commits(repository, request)?;
        let commits = wanted_commits(repository, request, &common, &mut selection, &mut seen)?;
        (common, commits)
    };
    // The commits that the client will have.
    let mut clients = common;
    clients.extend(&commits);
    let mut whole = HashSet::new();
    for commit in &commits {
        selection.objects.push(*commit);
        // What a parent has that the client has, or gets, need not be sent again.
        let parent = parents_of(repository, *commit)?.into_iter().find(|parent| clients.contains(parent));
        let known = parent.map(|parent| tree_of(repository, parent)).transpose()?;
        add_news(repository, tree_of(repository, *commit)?, known, &mut whole, &mut selection.objects)?;
    }
    let mut once = HashSet::new();
    selection.objects.retain(|id| once.insert(*id));
    Ok(selection)
}

/// The commits that a client lacks, found from the newest on: what is older than all of them is not looked at.
struct News<'a> {
    repository: &'a gix::Repository,
    /// Commits that were met, and whether the client has them.
    met: HashMap<ObjectId, bool>,
    /// Those to be looked at, the newest first.
    queue: BinaryHeap<(i64, ObjectId)>,
    /// How many of them the client may lack.
    unknown: usize,
    /// Those that were looked at when it was taken to lack them.
    commits: Vec<ObjectId>,
}

impl News<'_> {
    /// What both have, as far as that was looked at, and what the client lacks.
    fn of(
        repository: &gix::Repository,
        request: &Request,
        selection: &mut Selection,
        seen: &mut HashSet<ObjectId>,
    ) -> Result<(HashSet<ObjectId>, Vec<ObjectId>), GitError> {
        let (met, queue, commits) = (HashMap::new(), BinaryHeap::new(), Vec::new());
        let mut news = News { repository, met, queue, unknown: 0, commits };
        for have in &request.haves {
            if repository.find_commit(*have).is_ok() {
                news.meet(*have, true)?;
            }
        }
        for want in &request.wants {
            if let Some(commit) = peel(repository, *want, seen, &mut selection.objects)? {
                news.meet(commit, false)?;
            }
        }
        news.walk()?;
        let News { met, commits, .. } = news;
        let commits = commits.into_iter().filter(|commit| !met[commit]).collect();
        Ok((met.into_iter().filter(|(_, is_common)| *is_common).map(|(commit, _)| commit).collect(), commits))
    }

    fn walk(&mut self) -> Result<(), GitError> {
        while self.unknown > 0 {
            let Some((_, commit)) = self.queue.pop() else { return Ok(()) };
            let is_common = self.met[&commit];
            if !is_common {
                self.unknown -= 1;
                self.commits.push(commit);
            }
            for parent in parents_of(self.repository, commit)? {
                self.meet(parent, is_common)?;
            }
        }
        Ok(())
    }

    fn meet(&mut self, commit: ObjectId, is_common: bool) -> Result<(), GitError> {
        match self.met.get_mut(&commit) {
            Some(known) if *known || !is_common => return Ok(()),
            // By a clock that goes wrong it may have been looked at already: what it comes from is common, too.
            Some(known) => {
                *known = true;
                if !self.commits.contains(&commit) {
                    self.unknown -= 1;
                }
            }
            None => {
                self.met.insert(commit, is_common);
                self.unknown += usize::from(!is_common);
            }
        }
        self.queue.push((time_of(self.repository, commit)?, commit));
        Ok(())
    }
}

fn time_of(repository: &gix::Repository, commit: ObjectId) -> Result<i64, GitError> {
    let commit = repository.find_commit(commit).map_err(GitError::object(commit))?;
    Ok(commit.time().map(|time| time.seconds).unwrap_or_default())
}

/// The client's commits, as far as its own shallow history reaches.
fn common_commits(repository: &gix::Repository, request: &Request) -> Result<HashSet<ObjectId>, GitError> {
    let mut common = HashSet::new();
    let mut queue: VecDeque<_> = request.haves.iter().copied().collect();
    while let Some(id) = queue.pop_front() {
        if !repository.has_object(id) || !common.insert(id) {
            continue;
        }
        if repository.find_commit(id).is_err() {
            common.remove(&id);
            continue;
        }
        if !request.client_shallow.contains(&id) {
            queue.extend(parents_of(repository, id)?);
        }
    }
    Ok(common)
}

fn wanted_commits(
    repository: &gix::Repository,
    request: &Request,
    common: &HashSet<ObjectId>,
    selection: &mut Selection,
    seen: &mut HashSet<ObjectId>,
) -> Result<Vec<ObjectId>, GitError> {
    let mut commits = Vec::new();
    let mut queue = VecDeque::new();
    for want in &request.wants {
        if let Some(commit) = peel(repository, *want, seen, &mut selection.objects)? {
            queue.push_back((commit, 1));
        }
    }
    let mut depths: HashMap<ObjectId, usize> = HashMap::new();
    while let Some((id, depth)) = queue.pop_front() {
        if depths.contains_key(&id) {
            continue;
        }
        depths.insert(id, depth);
        let edge = request.depth.is_some_and(|limit| depth >= limit);
        let deepens = request.depth.is_some() && request.client_shallow.contains(&id);
        if !common.contains(&id) {
            commits.push(id);
        } else if request.depth.is_none() {
            continue;
        }
        let parents = parents_of(repository, id)?;
        if edge && !parents.is_empty() {
            selection.shallow.push(id);
            continue;
        }
        if deepens {
            selection.unshallow.push(id);
        }
        queue.extend(parents.into_iter().map(|parent| (parent, depth + 1)));
    }
    Ok(commits)
}

/// Follows tag objects to a commit; other objects are taken as they are.
fn peel(
    repository: &gix::Repository,
    mut id: ObjectId,
    seen: &mut HashSet<ObjectId>,
    objects: &mut Vec<ObjectId>,
) -> Result<Option<ObjectId>, GitError> {
    loop {
        let object = repository.find_object(id).map_err(GitError::object(id))?;
        match object.kind {
            Kind::Commit => return Ok(Some(id)),
            Kind::Tag => {
                if seen.insert(id) {
                    objects.push(id);
                }
                let tag = object.into_tag();
                id = tag.target_id().map_err(GitError::object(id))?.detach();
            }
            Kind::Tree => {
                add_tree(repository, id, seen, objects)?;
                return Ok(None);
            }
            Kind::Blob => {
                objects.push(id);
                return Ok(None);
            }
        }
    }
}

fn add_tree(
    repository: &gix::Repository,
    root: ObjectId,
    seen: &mut HashSet<ObjectId>,
    objects: &mut Vec<ObjectId>,
) -> Result<(), GitError> {
    let mut pending = vec![root];
    while let Some(id) = pending.pop() {
        if !seen.insert(id) {
            continue;
        }
        objects.push(id);
        let tree = repository.find_object(id).map_err(GitError::object(id))?;
        for entry in TreeRefIter::from_bytes(&tree.data, gix::hash::Kind::Sha1) {
            let entry = entry.map_err(GitError::object(id))?;
            let child = entry.oid.to_owned();
            if entry.mode.is_tree() {
                pending.push(child);
            } else if !entry.mode.is_commit() && seen.insert(child) {
                objects.push(child);
            }
        }
    }
    Ok(())
}

/// Adds what a tree has and another one has not at the same place. `whole` are trees that are sent with all below them,
/// which is not known of one that is sent for its news: a commit that is taken back brings its tree again.
fn add_news(
    repository: &gix::Repository,
    root: ObjectId,
    known: Option<ObjectId>,
    whole: &mut HashSet<ObjectId>,
    objects: &mut Vec<ObjectId>,
) -> Result<(), GitError> {
    let mut pending = vec![(root, known)];
    while let Some((id, known)) = pending.pop() {
        if Some(id) == known {
            continue;
        }
        let Some(known) = known else {
            add_tree(repository, id, whole, objects)?;
            continue;
        };
        objects.push(id);
        let known = entries(repository, known)?;
        for (name, (child, is_tree)) in entries(repository, id)? {
            let before = known.get(&name).filter(|(_, was_tree)| *was_tree == is_tree).map(|(id, _)| *id);
            if is_tree {
                pending.push((child, before));
            } else if before != Some(child) {
                objects.push(child);
            }
        }
    }
    Ok(())
}

/// The folders and files of a tree by their names, with whether they are folders.
fn entries(
    repository: &gix::Repository,
    tree: ObjectId,
) -> Result<HashMap<Vec<u8>, (ObjectId, bool)>, GitError> {
    let found = repository.find_object(tree).map_err(GitError::object(tree))?;
    let mut entries = HashMap::new();
    for entry in TreeRefIter::from_bytes(&found.data, gix::hash::Kind::Sha1) {
        let entry = entry.map_err(GitError::object(tree))?;
        if !entry.mode.is_commit() {
            entries.insert(entry.filename.to_vec(), (entry.oid.to_owned(), entry.mode.is_tree()));
        }
    }
    Ok(entries)
}

fn tree_of(repository: &gix::Repository, commit: ObjectId) -> Result<ObjectId, GitError> {
    let found = repository.find_commit(commit).map_err(GitError::object(commit))?;
    Ok(found.tree_id().map_err(GitError::object(commit))?.detach())
}

fn parents_of(repository: &gix::Repository, commit: ObjectId) -> Result<Vec<ObjectId>, GitError> {
    let found = repository.find_commit(commit).map_err(GitError::object(commit))?;
    Ok(found.parent_ids().map(gix::Id::detach).collect())
}

/// Writes a pack of whole objects: version 2, no deltas.
pub(super) fn write_pack(
    repository: &gix::Repository,
    objects: &[ObjectId],
    output: &mut dyn Write,
) -> Result<(), GitError> {
    let mut output = Hashing { output, hasher: gix::hash::hasher(gix::hash::Kind::Sha1) };
    let count = u32::try_from(objects.len()).map_err(|_| GitError::Request("too many objects".to_owned()))?;
    output.write_all(b"PACK\0\0\0\x02")?;
    output.write_all(&count.to_be_bytes())?;
    for id in objects {
        let object = repository.find_object(*id).map_err(GitError::object(*id))?;
        let mut entry = entry_header(object.kind, object.data.len());
        let mut encoder = ZlibEncoder::new(&mut entry, Compression::fast());
        encoder.write_all(&object.data)?;
        encoder.finish()?;
        output.write_all(&entry)?;
    }
    let Hashing { output, hasher } = output;
    let trailer = hasher.try_finalize().map_err(|error| GitError::Request(error.to_string()))?;
    output.write_all(trailer.as_slice())?;
    Ok(())
}

pub(super) fn entry_header(kind: Kind, size: usize) -> Vec<u8> {
    let number: u8 = match kind {
        Kind::Commit => 1,
        Kind::Tree => 2,
        Kind::Blob => 3,
        Kind::Tag => 4,
    };
    let mut header = vec![(number << 4) | (size & 0x0f) as u8];
    let mut rest = size >> 4;
    while rest > 0 {
        if let Some(last) = header.last_mut() {
            *last |= 0x80;
        }
        header.push((rest & 0x7f) as u8);
        rest >>= 7;
    }
    header
}

struct Hashing<'a> {
    output: &'a mut dyn Write,
    hasher: gix::hash::Hasher,
}

impl Write for Hashing<'_> {
    fn write(&mut self, content: &[u8]) -> std::io::Result<usize> {
        self.output.write_all(content)?;
        self.hasher.update(content);
        Ok(content.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.output.flush()
    }
}
