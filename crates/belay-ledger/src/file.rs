//! The ledger on disk: a line of JSON for each entry, appended; written anew when most of it is old.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use belay_diff::DigestKey;

use crate::entry::Entry;

/// The file's name in its folder.
const NAME: &str = "ledger.jsonl";
/// The name of the key's file.
const KEY: &str = "ledger.key";
/// A longer line is not ours.
const LONGEST_LINE: usize = 1 << 20;

/// Why the ledger's file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: cannot be {action}", path.display())]
pub struct LedgerError {
    path: PathBuf,
    action: &'static str,
    #[source]
    source: std::io::Error,
}

/// Everything that a folder's ledger holds, oldest first. A line that a crash cut off is passed over; no file is an empty
/// ledger.
pub fn read(folder: &Path) -> Result<Vec<Entry>, LedgerError> {
    let path = folder.join(NAME);
    let failed = |source| LedgerError { path: path.clone(), action: "read", source };
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut entries: Vec<Entry> = Vec::new();
    let mut places = HashMap::new();
    for line in BufReader::new(file).split(b'\n') {
        let line = line.map_err(failed)?;
        if line.len() <= LONGEST_LINE
            && let Ok(entry) = serde_json::from_slice::<Entry>(&line)
        {
            // An entry that was amended stands there twice.
            match places.get(&(entry.app.clone(), entry.time)) {
                Some(place) if Entry::is_amended_by(&entries[*place], &entry) => {
                    entries[*place] = entry.cut()
                }
                _ => {
                    places.insert((entry.app.clone(), entry.time), entries.len());
                    entries.push(entry.cut());
                }
            }
        }
    }
    Ok(entries)
}

/// The key of a folder, which is made when there is none, for its owner alone.
pub(crate) fn digest_key(folder: &Path) -> Result<DigestKey, LedgerError> {
    let path = folder.join(KEY);
    if let Some(bytes) = fs::read(&path).ok().and_then(|bytes| bytes.try_into().ok()) {
        return Ok(DigestKey::new(bytes));
    }
    let bytes: [u8; 32] = rand::random();
    let write = || {
        make_folder(folder)?;
        let mut file = private().create(true).write(true).truncate(true).open(&path)?;
        file.write_all(&bytes)
    };
    match write() {
        Ok(()) => Ok(DigestKey::new(bytes)),
        Err(source) => Err(LedgerError { path, action: "written", source }),
    }
}

/// A folder for its owner alone. One that is there stays as it is.
fn make_folder(folder: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// How files are opened: new ones are their owner's alone.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

/// The end of the file, to write to.
#[derive(Debug)]
pub(crate) struct Tail {
    path: PathBuf,
    file: File,
}

impl Tail {
    /// Opens the file, or makes it.
    pub(crate) fn open(folder: &Path) -> Result<Tail, LedgerError> {
        let path = folder.join(NAME);
        let open = || {
            make_folder(folder)?;
            let file = private().create(true).read(true).append(true).open(&path)?;
            end_last_line(&file)?;
            Ok(file)
        };
        match open() {
            Ok(file) => Ok(Tail { path, file }),
            Err(source) => Err(LedgerError { path, action: "opened", source }),
        }
    }

    /// Adds one entry.
    pub(crate) fn append(&mut self, entry: &Entry) -> Result<(), LedgerError> {
        let written = line(entry).and_then(|line| self.file.write_all(&line));
        written.map_err(|source| LedgerError { path: self.path.clone(), action: "written", source })
    }

    /// Writes the file anew with these entries; whoever reads meanwhile sees the old file or the new one.
    pub(crate) fn rewrite(&mut self, entries: &[Entry]) -> Result<(), LedgerError> {
        let fresh = self.path.with_extension("jsonl.new");
        let write = || {
            let file = private().create(true).write(true).truncate(true).open(&fresh)?;
            let mut writer = BufWriter::new(file);
            for entry in entries {
                writer.write_all(&line(entry)?)?;
            }
            writer.flush()?;
            fs::rename(&fresh, &self.path)?;
            OpenOptions::new().append(true).open(&self.path)
        };
        match write() {
            Ok(file) => {
                self.file = file;
                Ok(())
            }
            Err(source) => Err(LedgerError { path: self.path.clone(), action: "written anew", source }),
        }
    }
}

fn line(entry: &Entry) -> std::io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(entry)?;
    line.push(b'\n');
    Ok(line)
}

/// What a crash cut off must not become the beginning of the next entry.
fn end_last_line(file: &File) -> std::io::Result<()> {
    use std::os::unix::fs::FileExt;
    let length = file.metadata()?.len();
    let mut last = [b'\n'];
    if length > 0 {
        file.read_exact_at(&mut last, length - 1)?;
    }
    let mut file = file;
    if last == *b"\n" { Ok(()) } else { file.write_all(b"\n") }
}
