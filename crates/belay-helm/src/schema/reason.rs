//! Why a document does not fit a schema, as a tree of reasons.

use std::cell::RefCell;
use std::rc::Rc;

use super::address::escape;
use super::words::quoted;

/// A step into a document.
#[derive(Clone, Copy, Debug)]
pub(super) enum Token<'v> {
    Name(&'v str),
    Index(usize),
}

/// Where in the document a schema is applied.
///
/// The library that Helm uses keeps the way there in an array that places share as long as it has room, so that the
/// place of a bad property name is told by what was looked at last. The place is Helm's for that reason only.
#[derive(Clone, Debug)]
pub(super) struct Location<'v> {
    way: Rc<RefCell<Vec<Token<'v>>>>,
    length: usize,
    room: usize,
}

const FIRST_ROOM: usize = 8;

impl<'v> Location<'v> {
    pub(super) fn root() -> Self {
        Self { way: Rc::default(), length: 0, room: FIRST_ROOM }
    }

    pub(super) fn below(&self, token: Token<'v>) -> Self {
        let length = self.length + 1;
        if length <= self.room {
            let mut way = self.way.borrow_mut();
            match way.get_mut(self.length) {
                Some(taken) => *taken = token,
                None => way.push(token),
            }
            return Self { way: Rc::clone(&self.way), length, room: self.room };
        }
        let mut way = self.way.borrow()[..self.length].to_vec();
        way.push(token);
        Self { way: Rc::new(RefCell::new(way)), length, room: self.room * 2 }
    }

    pub(super) fn with_way<T>(&self, look: impl FnOnce(&[Token<'v>]) -> T) -> T {
        look(&self.way.borrow()[..self.length])
    }

    fn pointer(&self) -> String {
        let write = |token: &Token<'v>| match token {
            Token::Name(name) => format!("/{}", escape(name)),
            Token::Index(index) => format!("/{index}"),
        };
        self.with_way(|way| way.iter().map(write).collect())
    }
}

#[derive(Debug)]
enum Place<'v> {
    Told(String),
    /// Told when all is done.
    Open(Location<'v>),
}

/// How a reason is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Plain,
    /// Several reasons of one schema, without one of its own.
    Group,
    /// A reference; with a single cause it is not shown.
    Reference,
}

/// Something that does not fit, and what lies behind it.
#[derive(Debug)]
pub(super) struct Reason<'v> {
    place: Place<'v>,
    text: String,
    causes: Vec<Reason<'v>>,
    shape: Shape,
}

const FAILED: &str = "validation failed";

impl<'v> Reason<'v> {
    pub(super) fn new(location: &Location<'v>, text: String, causes: Vec<Self>) -> Self {
        Self { place: Place::Told(location.pointer()), text, causes, shape: Shape::Plain }
    }

    /// Where only the verdict counts.
    pub(super) fn untold() -> Self {
        Self {
            place: Place::Told(String::new()),
            text: String::new(),
            causes: Vec::new(),
            shape: Shape::Plain,
        }
    }

    pub(super) fn group(location: &Location<'v>, causes: Vec<Self>) -> Self {
        Self { shape: Shape::Group, ..Self::new(location, FAILED.to_owned(), causes) }
    }

    pub(super) fn reference(location: &Location<'v>, cause: Self) -> Self {
        Self { shape: Shape::Reference, ..Self::new(location, FAILED.to_owned(), cause.ungrouped()) }
    }

    pub(super) fn of_name(location: &Location<'v>, name: &str, causes: Vec<Self>) -> Self {
        let text = format!("invalid propertyName {}", quoted(name));
        Self { place: Place::Open(location.clone()), text, causes, shape: Shape::Plain }
    }

    /// The reasons of a group, or this one.
    pub(super) fn ungrouped(self) -> Vec<Self> {
        if self.shape == Shape::Group { self.causes } else { vec![self] }
    }

    /// With all places told, once everything was looked at.
    pub(super) fn settled<'longer>(self) -> Reason<'longer> {
        let place = match self.place {
            Place::Told(pointer) => pointer,
            Place::Open(location) => location.pointer(),
        };
        Reason {
            place: Place::Told(place),
            text: self.text,
            causes: self.causes.into_iter().map(Reason::settled).collect(),
            shape: self.shape,
        }
    }

    /// How much of the memory it takes.
    pub(super) fn size(&self) -> usize {
        let place = match &self.place {
            Place::Told(pointer) => pointer.len(),
            Place::Open(_) => 0,
        };
        size_of::<Self>() + place + self.text.len()
    }

    /// Writes the reason and its causes, one a line, each after a newline.
    pub(super) fn print(&self, indent: usize, text: &mut String) {
        let is_hidden = self.shape == Shape::Reference && self.causes.len() == 1;
        if !is_hidden {
            let place = match &self.place {
                Place::Told(pointer) => quoted(pointer),
                Place::Open(location) => quoted(&location.pointer()),
            };
            text.push_str(&format!("\n{}- at {place}: {}", "  ".repeat(indent), self.text));
        }
        for cause in &self.causes {
            cause.print(if is_hidden { indent } else { indent + 1 }, text);
        }
    }
}
