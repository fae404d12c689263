//! A step of a build: a generator or a transformer works, and what it changed is recorded.

use crate::absorb::absorb;
use crate::error::Error;
use crate::explain::{Cause, Trace};
use crate::resource::{Place, Resource};
use crate::resources::Resources;
use crate::target::{Gathered, Session};
use crate::transformers::Transformer;
use crate::transformers::labels::OWN_ANNOTATIONS;

/// What the object that configures a plugin brings about.
pub(crate) fn cause_of(configuration: &Resource, place: &Place) -> Cause {
    let known = configuration.trace.as_ref().and_then(|trace| trace.made().or(trace.read()));
    let cause = known.cloned().unwrap_or_else(|| Cause::at(place, ""));
    cause.by(configuration.kind())
}

/// Lets a transformer work; each of its parts is a cause of its own.
pub(crate) fn transform(
    transformer: &dyn Transformer,
    resources: &mut Resources,
    session: &Session<'_>,
    cause: &dyn Fn() -> Cause,
) -> Result<(), Error> {
    if session.tracer.is_none() {
        return transformer.transform(resources);
    }
    transformer.transform_by_part(resources, &mut |resources, part| {
        session.note(resources, || cause().narrowed(part));
    })
}

/// Adds what a generator made.
pub(crate) fn add_generated(
    gathered: &mut Gathered,
    generated: Vec<Resource>,
    place: &Place,
    origin: Option<&String>,
    session: &Session<'_>,
    cause: impl Fn() -> Cause,
) -> Result<(), Error> {
    if generated.is_empty() {
        return Ok(());
    }
    for mut resource in generated {
        resource.place = Some(place.clone());
        resource.origin = resource.origin.take().or_else(|| origin.cloned());
        if session.tracer.is_some() {
            resource.trace = Trace::generated(resource.trace.take(), session.here(cause()));
        }
        absorb(&mut gathered.resources, resource)?;
    }
    session.note(&mut gathered.resources, cause);
    Ok(())
}

/// What follows every transformer: its change is recorded, and what it emptied goes.
pub(crate) fn finish_step(
    resources: &mut Resources,
    session: &Session<'_>,
    change: impl FnOnce() -> String,
    cause: impl FnOnce() -> Cause,
) {
    if session.records {
        let change = change();
        for at in 0..resources.len() {
            let resource = resources.content_mut(at);
            // The original writes all annotations anew beside this one.
            resource.reread_annotations.clear();
            resource.take_annotations_for_texts();
            resource.stop_sharing(OWN_ANNOTATIONS);
            match resource.origin {
                Some(_) => resource.transformations.push(change.clone()),
                // What has lost its origin counts as made here.
                None => resource.origin = Some(change.clone()),
            }
        }
    }
    resources.drop_deleted();
    session.note(resources, cause);
}
