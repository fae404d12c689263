//! The names that are known at a place.

use std::borrow::Cow;
use std::rc::Rc;

use serde_json::Value;

use super::super::parse::{Definition, Expression};

/// What was bound last, with everything that was bound before.
pub(super) type Scope<'a, 'e> = Option<Rc<Link<'a, 'e>>>;

pub(super) struct Link<'a, 'e> {
    pub(super) binding: Binding<'a, 'e>,
    pub(super) before: Scope<'a, 'e>,
}

pub(super) enum Binding<'a, 'e> {
    Value(&'e str, Cow<'a, Value>),
    Function(&'e Definition),
    /// An argument of a function, with the names that are known where it was given.
    Argument(&'e str, &'e Expression, Scope<'a, 'e>),
}

/// The same names and one more.
pub(super) fn bound<'a, 'e>(scope: &Scope<'a, 'e>, binding: Binding<'a, 'e>) -> Scope<'a, 'e> {
    Some(Rc::new(Link { binding, before: scope.clone() }))
}

fn links<'s, 'a, 'e>(scope: &'s Scope<'a, 'e>) -> impl Iterator<Item = &'s Rc<Link<'a, 'e>>> {
    std::iter::successors(scope.as_ref(), |link| link.before.as_ref())
}

/// The value of a variable.
pub(super) fn variable<'s, 'a>(scope: &'s Scope<'a, '_>, name: &str) -> Option<&'s Cow<'a, Value>> {
    links(scope).find_map(|link| match &link.binding {
        Binding::Value(known, value) if *known == name => Some(value),
        _ => None,
    })
}

/// Where a function or an argument of this name was bound.
pub(super) fn callable<'a, 'e>(
    scope: &Scope<'a, 'e>,
    name: &str,
    arguments: usize,
) -> Option<Rc<Link<'a, 'e>>> {
    let mut links = links(scope);
    let found = links.find(|link| match &link.binding {
        Binding::Function(known) => known.name == name && known.parameters.len() == arguments,
        Binding::Argument(known, ..) => *known == name && arguments == 0,
        Binding::Value(..) => false,
    });
    found.cloned()
}
