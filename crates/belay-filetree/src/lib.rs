//! A read-only tree of files at one revision, and the record of what was read from it.
//!
//! Rendering is a function of (file tree, values, capabilities). Renderers get a `&dyn FileTree`;
//! wrapped in a [`RecordingTree`] it notes every path that was read, probed and missed, or listed,
//! with its content id. That record ([`Reads`]) is the cache key of a render and the index from
//! changed paths to apps. Go's two kinds of patterns over paths are here, too: [`Glob`] and [`path_match`].
//!
//! ```text
//! Git objects ─┐
//! artifact    ─┼─ dyn FileTree ── RecordingTree ── kustomize, helm, directory
//! memory      ─┘                       └── Reads
//! ```

mod changes;
mod composed;
mod glob;
mod layers;
mod memory;
mod path;
mod path_match;
mod recording;
mod tree;

pub use changes::Changes;
pub use composed::{ComposedTree, SparseTree};
pub use glob::{BadGlob, Glob};
pub use layers::{EditedTree, MountedTree};
pub use memory::MemoryTree;
pub use path::{PathError, TreePath};
pub use path_match::{BadPattern, path_match};
pub use recording::{Probe, Reads, RecordingTree};
pub use tree::{ContentId, DirEntry, Entry, FileTree, Kind, TreeError};
