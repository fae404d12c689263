//! What makes changes: a file, and where in it.

use std::fmt;
use std::sync::Arc;

use belay_filetree::{FileTree, TreePath};

use crate::resource::Place;

/// Files of elsewhere: a repository, or a file by URL.
#[derive(Clone)]
pub(crate) struct Elsewhere {
    /// Its URL.
    pub(crate) name: String,
    /// Its files.
    pub(crate) tree: Arc<dyn FileTree>,
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
}

impl Cause {
    /// Something done to all objects at the end.
    pub(crate) fn step(by: &str) -> Cause {
        Cause { elsewhere: None, file: TreePath::root(), spot: Spot::None, by: by.to_owned() }
    }

    pub(crate) fn entry(file: &TreePath, field: &'static str, number: usize, by: &str) -> Cause {
        Cause {
            elsewhere: None,
            file: file.clone(),
            spot: Spot::Entry(field, number),
            by: format!("{field} ({by})"),
        }
    }

    /// The text of an entry, where it holds an object at this line.
    pub(crate) fn text(file: &TreePath, field: &'static str, number: usize, line: usize) -> Cause {
        Cause {
            elsewhere: None,
            file: file.clone(),
            spot: Spot::Text(field, number, line),
            by: field.to_owned(),
        }
    }

    pub(crate) fn at(place: &Place, by: &str) -> Cause {
        Cause { elsewhere: None, file: place.file.clone(), spot: Spot::Object(place.line), by: by.to_owned() }
    }

    pub(crate) fn line(file: TreePath, line: usize, by: &str) -> Cause {
        Cause { elsewhere: None, file, spot: Spot::Line(line), by: by.to_owned() }
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
