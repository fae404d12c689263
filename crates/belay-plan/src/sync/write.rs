//! Which one request makes a live object as it should be.

use belay_diff::{CompareOptions, Ignored, Method, Patch, PredictError, Sides, with_last_applied};
use belay_manifest::Object;
use belay_schema::KindSchema;

use super::settings::Settings;
use super::task::Task;

/// The request for one object.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// None: it is as it should be.
    Nothing {
        /// Whether it would be applied server-side.
        server_side: bool,
    },
    /// Create it, with the record of what was applied.
    Create(Object),
    /// Patch it. With `force` it is deleted and created when it cannot be changed.
    Patch {
        /// The patch.
        patch: Patch,
        /// The object to create instead.
        anew: Object,
        /// Whether that is allowed.
        force: bool,
    },
    /// Apply it server-side.
    Apply {
        /// The object.
        object: Object,
        /// Whether it is deleted and created when it cannot be changed.
        force: bool,
    },
    /// Put it in the live one's place. With `force` the live one is deleted first.
    Replace {
        /// The object.
        object: Object,
        /// Whether the live one is deleted first.
        force: bool,
    },
}

/// Decides on the request for a task that has a target.
pub fn write(
    task: &Task,
    target: &Object,
    schema: Option<&KindSchema>,
    settings: &Settings,
    options: &CompareOptions,
    ignored: &Ignored,
) -> Result<Write, PredictError> {
    let live = task.live.as_deref();
    let force = settings.forces(target, live);
    if settings.replaces(target, live) {
        return Ok(match live {
            None => Write::Create(target.clone()),
            Some(_) => {
                // To delete one of these would take everything in it along.
                let is_home = matches!(task.key.kind.as_str(), "CustomResourceDefinition" | "Namespace");
                Write::Replace { object: target.clone(), force: force && !is_home }
            }
        });
    }
    let server_side = settings.applies_server_side(target);
    let Some(live) = live else {
        return Ok(if server_side {
            Write::Apply { object: target.clone(), force }
        } else {
            Write::Create(with_last_applied(target))
        });
    };
    let sides = Sides { desired: target, live, schema };
    if server_side {
        if sides.is_applied(options, ignored)? {
            return Ok(Write::Nothing { server_side });
        }
        return Ok(Write::Apply { object: target.clone(), force });
    }
    Ok(match sides.apply_patch(options, ignored)? {
        None => Write::Nothing { server_side },
        Some(patch) => Write::Patch { patch, anew: with_last_applied(target), force },
    })
}

/// How an object is written by a sync with these settings; comparing goes the same way.
pub fn method(target: &Object, settings: &Settings) -> Method {
    if settings.applies_server_side(target) { Method::ServerSide } else { Method::ClientSide }
}
