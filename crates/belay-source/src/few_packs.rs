//! Keeps the packs of a mirror few. Each fetch brings one, and to know that an object is not there all of them are asked: a
//! mirror that nobody looks after gets slower with every commit.
//!
//! Small packs become one when there are many, as with Git's geometric repacking: a pack is written anew only together with
//! others that hold as much, so that each object is written some few times however many commits come. Who reads meanwhile
//! finds the objects in the new pack; the old ones go when it is complete.

use std::collections::HashSet;
use std::io::{self, BufReader, Cursor, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use gix::ObjectId;
use gix::objs::Kind;
use gix::odb::pack;
use gix::odb::pack::data::entry::Header;
use gix::progress::Discard;
use sha1::{Digest, Sha1};

/// As many packs may lie side by side.
const MANY: usize = 24;
/// Packs of more bytes stay as they are: to write them anew would take seconds and save little.
const LARGE: u64 = 64 << 20;
/// A pack is taken as long as it is at most this many times as large as the smaller ones together.
const GROWTH: u64 = 2;

const HASH: gix::hash::Kind = gix::hash::Kind::Sha1;

/// Why packs were not merged. They stay as they are.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MergeError {
    #[error("{path}")]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{message}")]
    Git { message: String },
}

fn git(error: impl std::fmt::Display) -> MergeError {
    MergeError::Git { message: format!("{error:#}").replace('\n', " ") }
}

/// Merges the small packs of a repository if there are many; says how many became one. Blocks.
pub(crate) fn merge(repository: &Path) -> Result<usize, MergeError> {
    let folder = repository.join("objects").join("pack");
    let packs = small_packs(&folder)?;
    if packs.len() < MANY {
        return Ok(0);
    }
    let chosen: Vec<PathBuf> = chosen(packs).into_iter().map(|pack| pack.index).collect();
    let repository = crate::fetch::open(repository).map_err(git)?;
    let kept = write(&repository, &objects_of(&chosen)?, &folder)?;
    for index in chosen.iter().filter(|index| **index != kept) {
        // Without its index a pack is not seen any more.
        for path in [index.clone(), index.with_extension("pack")] {
            std::fs::remove_file(&path).map_err(|source| MergeError::File { path, source })?;
        }
    }
    Ok(chosen.len())
}

/// A pack, by its index.
struct Pack {
    index: PathBuf,
    bytes: u64,
}

/// The packs that are not large, the smallest first; those that a fetch holds on to are left out.
fn small_packs(folder: &Path) -> Result<Vec<Pack>, MergeError> {
    let fault = |source| MergeError::File { path: folder.to_owned(), source };
    let mut packs = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(fault)? {
        let index = entry.map_err(fault)?.path();
        let is_index = index.extension().is_some_and(|extension| extension == "idx");
        if !is_index || index.with_extension("keep").exists() {
            continue;
        }
        // One that has gone meanwhile is none.
        let Ok(metadata) = index.with_extension("pack").metadata() else { continue };
        if metadata.len() <= LARGE {
            packs.push(Pack { index, bytes: metadata.len() });
        }
    }
    packs.sort_by(|one, other| (one.bytes, &one.index).cmp(&(other.bytes, &other.index)));
    Ok(packs)
}

/// Those that become one: the smallest, and larger ones as long as they are not much larger than what they are merged with.
fn chosen(packs: Vec<Pack>) -> Vec<Pack> {
    let mut together = 0;
    let mut chosen = Vec::new();
    for pack in packs {
        if chosen.len() > MANY / 2 && pack.bytes > GROWTH * together {
            break;
        }
        together += pack.bytes;
        chosen.push(pack);
    }
    chosen
}

fn objects_of(indices: &[PathBuf]) -> Result<Vec<ObjectId>, MergeError> {
    let mut seen = HashSet::new();
    let mut objects = Vec::new();
    for index in indices {
        let index = pack::index::File::at(index, HASH).map_err(git)?;
        objects.extend(index.iter().map(|entry| entry.oid).filter(|id| seen.insert(*id)));
    }
    Ok(objects)
}

/// Writes a pack of these objects and its index, which is given.
fn write(repository: &gix::Repository, objects: &[ObjectId], folder: &Path) -> Result<PathBuf, MergeError> {
    let bundle = pack::Bundle::write_to_directory(
        &mut BufReader::new(PackOf::new(repository, objects)?),
        Some(folder),
        &mut Discard,
        &AtomicBool::new(false),
        None::<gix::OdbHandle>,
        HASH,
        pack::bundle::write::Options { thread_limit: Some(1), ..Default::default() },
    )
    .map_err(git)?;
    if let Some(path) = bundle.keep_path {
        std::fs::remove_file(&path).map_err(|source| MergeError::File { path, source })?;
    }
    bundle.index_path.ok_or_else(|| git("the merged pack has no name"))
}

/// A pack of objects, each whole, made as it is read.
struct PackOf<'a> {
    repository: &'a gix::Repository,
    objects: std::slice::Iter<'a, ObjectId>,
    /// What of it is to be read next.
    part: Cursor<Vec<u8>>,
    /// Of all parts so far; nothing when the last one, which is the digest, was begun.
    digest: Option<Sha1>,
}

impl<'a> PackOf<'a> {
    fn new(repository: &'a gix::Repository, objects: &'a [ObjectId]) -> Result<PackOf<'a>, MergeError> {
        let count = u32::try_from(objects.len()).map_err(git)?;
        let header = [&b"PACK\0\0\0\x02"[..], &count.to_be_bytes()].concat();
        let digest = Some(Sha1::new_with_prefix(&header));
        Ok(PackOf { repository, objects: objects.iter(), part: Cursor::new(header), digest })
    }

    /// Nothing when that was all.
    fn next_part(&mut self) -> io::Result<Option<Vec<u8>>> {
        let Some(digest) = &mut self.digest else { return Ok(None) };
        let Some(id) = self.objects.next() else {
            return Ok(self.digest.take().map(|digest| digest.finalize().to_vec()));
        };
        let part = entry(self.repository, *id)?;
        digest.update(&part);
        Ok(Some(part))
    }
}

fn entry(repository: &gix::Repository, id: ObjectId) -> io::Result<Vec<u8>> {
    let object = repository.find_object(id).map_err(io::Error::other)?;
    let header = match object.kind {
        Kind::Commit => Header::Commit,
        Kind::Tree => Header::Tree,
        Kind::Blob => Header::Blob,
        Kind::Tag => Header::Tag,
    };
    let mut entry = Vec::new();
    header.write_to(object.data.len() as u64, &mut entry)?;
    let mut encoder = ZlibEncoder::new(entry, Compression::fast());
    encoder.write_all(&object.data)?;
    encoder.finish()
}

impl Read for PackOf<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.part.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            match self.next_part()? {
                Some(part) => self.part = Cursor::new(part),
                None => return Ok(0),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use belay_testkit::{Author, Change, Repository};

    fn sizes(packs: &[u64]) -> Vec<u64> {
        let mut packs: Vec<Pack> = packs
            .iter()
            .map(|bytes| Pack { index: PathBuf::from(bytes.to_string()), bytes: *bytes })
            .collect();
        packs.sort_by_key(|pack| pack.bytes);
        chosen(packs).into_iter().map(|pack| pack.bytes).collect()
    }

    #[test]
    fn a_pack_is_merged_with_others_that_hold_as_much() {
        assert_eq!(sizes(&[10; 24]), [10; 24]);
        let mut packs = vec![10; 23];
        packs.push(300);
        assert_eq!(sizes(&packs).len(), 24, "230 and 300 are alike");
        *packs.last_mut().unwrap() = 1000;
        assert_eq!(sizes(&packs), [10; 23]);
        // A thousand commits, one pack each: how often something is written again.
        let (mut packs, mut written) = (Vec::new(), 0);
        for bytes in [10; 1000] {
            packs.push(bytes);
            if packs.len() >= MANY {
                let merged = sizes(&packs);
                packs.sort_unstable();
                packs.drain(..merged.len());
                written += merged.iter().sum::<u64>();
                packs.push(merged.iter().sum());
            }
        }
        assert!(packs.len() < MANY && written < 10 * 10_000, "{written} bytes for 10 000");
    }

    /// A repository in which each of many packs holds a commit, and the ids of these.
    fn with_packs(place: &Path) -> Vec<String> {
        let author = Author::at("Ada", "ada@example.org", 1_700_000_000);
        let repository = Repository::create(place).unwrap();
        let folder = place.join("objects").join("pack");
        std::fs::create_dir_all(&folder).unwrap();
        let commits = (0..MANY).map(|number| {
            let change = Change::write(&format!("{number}/a.yaml"), number.to_string());
            repository.commit(&[change], &number.to_string(), &author).unwrap()
        });
        let commits: Vec<String> = commits.collect();
        let opened = crate::fetch::open(place).unwrap();
        let objects: Vec<ObjectId> = opened.objects.iter().unwrap().map(|id| id.unwrap()).collect();
        for part in objects.chunks(objects.len().div_ceil(MANY)) {
            write(&opened, part, &folder).unwrap();
        }
        // Loose objects would be found whatever becomes of the packs.
        for entry in std::fs::read_dir(place.join("objects")).unwrap().flatten() {
            if entry.file_name().len() == 2 {
                std::fs::remove_dir_all(entry.path()).unwrap();
            }
        }
        commits
    }

    #[test]
    fn whoever_reads_meanwhile_finds_everything() {
        let room = tempfile::tempdir().unwrap();
        let place = room.path().join("app.git");
        let commits = with_packs(&place);
        let id = |text: &String| ObjectId::from_hex(text.as_bytes()).unwrap();
        let folder = place.join("objects").join("pack");
        let before = small_packs(&folder).unwrap().len();
        assert!(before >= MANY, "{before}");
        let (unused, used, shared) = [(); 3].map(|()| crate::fetch::open(&place).unwrap().into_sync()).into();
        let used = used.to_thread_local();
        // It knows all indices, and has some packs open.
        assert!(!used.has_object(ObjectId::null(HASH)));
        used.find_commit(id(&commits[3])).unwrap();
        let unused = unused.to_thread_local();
        let reader = std::thread::spawn({
            let (shared, commits) = (shared.clone(), commits.clone());
            move || {
                for _ in 0..200 {
                    let shared = shared.to_thread_local();
                    for commit in &commits {
                        assert_eq!(shared.find_object(id(commit)).unwrap().kind, Kind::Commit);
                    }
                }
            }
        });
        assert_eq!(merge(&place).unwrap(), before);
        assert_eq!(small_packs(&folder).unwrap().len(), 1);
        for commit in commits.iter().map(id) {
            for handle in [&unused, &used, &crate::fetch::open(&place).unwrap()] {
                let tree = handle.find_commit(commit).unwrap().tree().unwrap();
                assert!(tree.iter().count() > 0);
            }
        }
        reader.join().unwrap();
        assert_eq!(merge(&place).unwrap(), 0, "they are few now");
    }
}
