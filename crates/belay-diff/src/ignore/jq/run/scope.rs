//! The names that are known at a place.

use std::rc::Rc;

use serde_json::Value;

use super::super::parse::{Definition, Expression};

/// What was bound last, with everything that was bound before.
pub(super) type Scope<'e> = Option<Rc<Link<'e>>>;

pub(super) struct Link<'e> {
    pub(super) binding: Binding<'e>,
    pub(super) before: Scope<'e>,
}

pub(super) enum Binding<'e> {
    Value(&'e str, Value),
    Function(&'e Definition),
    /// An argument of a function, with the names that are known where it was given.
    Argument(&'e str, &'e Expression, Scope<'e>),
}

/// The same names and one more.
pub(super) fn bound<'e>(scope: &Scope<'e>, binding: Binding<'e>) -> Scope<'e> {
    Some(Rc::new(Link { binding, before: scope.clone() }))
}

fn links<'s, 'e>(scope: &'s Scope<'e>) -> impl Iterator<Item = &'s Rc<Link<'e>>> {
    std::iter::successors(scope.as_ref(), |link| link.before.as_ref())
}

/// The value of a variable.
pub(super) fn variable(scope: &Scope<'_>, name: &str) -> Option<Value> {
    links(scope).find_map(|link| match &link.binding {
        Binding::Value(known, value) if *known == name => Some(value.clone()),
        _ => None,
    })
}

/// Where a function or an argument of this name was bound.
pub(super) fn callable<'e>(scope: &Scope<'e>, name: &str, arguments: usize) -> Option<Rc<Link<'e>>> {
    let mut links = links(scope);
    let found = links.find(|link| match &link.binding {
        Binding::Function(known) => known.name == name && known.parameters.len() == arguments,
        Binding::Argument(known, ..) => *known == name && arguments == 0,
        Binding::Value(..) => false,
    });
    found.cloned()
}
