//! What makes changes: a file, and where in it.

use std::fmt;
use std::sync::Arc;

use belay_filetree::{FileTree, Kind, MemoryTree, TreePath};

use crate::resource::Place;

/// Files of elsewhere: a repository, or a file by URL.
#[derive(Clone)]
pub(crate) struct Elsewhere {
    /// Its URL.
    pub(crate) name: String,
    /// Its files.
    pub(crate) tree: Arc<dyn FileTree>,
}

impl Elsewhere {
    /// The one file at a URL.
    pub(crate) fn file(url: &str, content: impl Into<Vec<u8>>) -> Elsewhere {
        let mut tree = MemoryTree::default();
        tree.insert(Elsewhere::path(url), Kind::File, content.into());
        Elsewhere { name: url.to_owned(), tree: Arc::new(tree) }
    }

    /// Where that file lies: a name, without the folders of its host.
    pub(crate) fn path(url: &str) -> TreePath {
        let (place, _) = url.split_once(['?', '#']).unwrap_or((url, ""));
        TreePath::root().child(place.rsplit('/').next().unwrap_or_default())
    }
}

impl fmt::Debug for Elsewhere {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Elsewhere").field(&self.name).finish()
    }
}

impl PartialEq for Elsewhere {
    fn eq(&self, other: &Elsewhere) -> bool {
        self.name == other.name
    }
}

/// What made a change.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cause {
    /// Whose file it is, if it is not one of the tree that is built.
    pub(super) elsewhere: Option<Elsewhere>,
    pub(super) file: TreePath,
    pub(super) spot: Spot,
    pub(super) by: String,
}

/// Where in the file to look for the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Spot {
    /// The field, in the object that starts at this line.
    Object(usize),
    /// A field of a kustomization and the place in its list.
    Entry(&'static str, usize),
    /// The field, in the object that starts at this line of the text of such an entry.
    Text(&'static str, usize, usize),
    /// The field, in any object or patch of the file.
    Anywhere,
    /// This item of the list that the file holds.
    Item(usize),
    /// This line.
    Line(usize),
    /// A value that stands in the entry or object at that spot.
    Inline(Box<Spot>, Vec<String>),
    /// Nowhere in particular.
    None,
}

/// The part of a transformer that made a change, where it was read from other files or from texts.
#[derive(Debug)]
pub(crate) enum Part {
    /// A whole file.
    File(TreePath),
    /// An object of a file.
    Object(Place),
    /// An object in the text of an entry, and its line there.
    Text { entry: usize, line: usize },
    /// An item of the list in a file.
    Item { file: TreePath, number: usize },
    /// An entry of the transformer's field.
    Entry(usize),
    /// A part that was read by URL.
    Elsewhere(Elsewhere, Box<Part>),
}

impl Part {
    /// The part, of what was read by URL if it was.
    pub(crate) fn of(self, elsewhere: Option<&Elsewhere>) -> Part {
        match elsewhere {
            Some(elsewhere) => Part::Elsewhere(elsewhere.clone(), Box::new(self)),
            None => self,
        }
    }
}

impl Cause {
    fn of(file: TreePath, spot: Spot, by: impl Into<String>) -> Cause {
        Cause { elsewhere: None, file, spot, by: by.into() }
    }

    /// Something done to all objects at the end.
    pub(crate) fn step(by: &str) -> Cause {
        Cause::of(TreePath::root(), Spot::None, by)
    }

    pub(crate) fn entry(file: &TreePath, field: &'static str, number: usize, by: &str) -> Cause {
        Cause::of(file.clone(), Spot::Entry(field, number), format!("{field} ({by})"))
    }

    /// The text of an entry, where it holds an object at this line.
    pub(crate) fn text(file: &TreePath, field: &'static str, number: usize, line: usize) -> Cause {
        Cause::of(file.clone(), Spot::Text(field, number, line), field)
    }

    pub(crate) fn at(place: &Place, by: &str) -> Cause {
        Cause::of(place.file.clone(), Spot::Object(place.line), by)
    }

    pub(crate) fn line(file: TreePath, line: usize, by: &str) -> Cause {
        Cause::of(file, Spot::Line(line), by)
    }

    /// A value that stands in what asks for a chart; [`Cause::inlined_in`] says where that is.
    pub(crate) fn inline(path: Vec<String>, by: &str) -> Cause {
        Cause::of(TreePath::root(), Spot::Inline(Box::new(Spot::None), path), by)
    }

    /// Puts a value into the place of what asked for the chart.
    pub(super) fn inlined_in(self, asking: &Cause) -> Cause {
        match self.spot {
            Spot::Inline(_, path) => {
                let spot = Spot::Inline(Box::new(asking.spot.clone()), path);
                Cause { spot, by: self.by, ..asking.clone() }
            }
            spot => Cause { spot, ..self },
        }
    }

    /// The same place, for another reason.
    pub(crate) fn by(self, by: &str) -> Cause {
        Cause { by: by.to_owned(), ..self }
    }

    /// The same cause, in these files unless it is known to be in others.
    pub(super) fn within(self, elsewhere: Option<&Elsewhere>) -> Cause {
        Cause { elsewhere: self.elsewhere.or_else(|| elsewhere.cloned()), ..self }
    }

    pub(super) fn is_somewhere(&self) -> bool {
        self.spot != Spot::None
    }

    /// The same cause where only a part of it made the change.
    pub(crate) fn narrowed(self, part: &Part) -> Cause {
        let (file, spot) = match (part, &self.spot) {
            (Part::Elsewhere(elsewhere, part), _) => {
                return Cause { elsewhere: Some(elsewhere.clone()), ..self.narrowed(part) };
            }
            (Part::File(file), _) => (file.clone(), Spot::Anywhere),
            (Part::Object(place), _) => (place.file.clone(), Spot::Object(place.line)),
            (Part::Item { file, number }, _) => (file.clone(), Spot::Item(*number)),
            (Part::Entry(more), Spot::Entry(field, number)) => (self.file, Spot::Entry(field, number + more)),
            (Part::Text { entry, line }, Spot::Entry(field, number)) => {
                (self.file, Spot::Text(field, number + entry, *line))
            }
            // What a plugin's configuration says itself stands there.
            (Part::Entry(_) | Part::Text { .. }, _) => return self,
        };
        Cause { elsewhere: self.elsewhere, file, spot, by: self.by }
    }
}
