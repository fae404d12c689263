//! What the API server may refuse, by its own rules or because a webhook or an admission policy says so, is tried before any of
//! its stage is written.

use std::collections::HashSet;

use belay_apply::{ApplyError, concern, is_suspect, judges, rehearse};
use belay_manifest::Object;
use belay_plan::sync::{Action, Judges, Progress, Stage, Task, Write};

use super::run::Means;

/// The tasks of these stages that would be refused. A request that stands alone is not tried: it fails as well in
/// earnest, and nothing goes with it.
pub(super) async fn refused(
    means: &Means<'_>,
    progress: &Progress<'_>,
    stages: &[Stage],
) -> Vec<(usize, ApplyError)> {
    let requests = stages.iter().flat_map(|stage| &stage.actions).filter(|(_, action)| is_request(action));
    if requests.clone().count() < 2 {
        return Vec::new();
    }
    let judges = judges(&means.context.live).await;
    let writes = requests.filter_map(|(place, action)| match action {
        Action::Write(write) => Some((*place, write)),
        _ => None,
    });
    let doubtful: HashSet<usize> = writes
        .filter(|(place, write)| is_doubtful(means, &judges, &progress.tasks[*place], write))
        .map(|(place, _)| place)
        .collect();
    rehearse(stages, &doubtful, &progress.tasks, &means.context.live, &means.stage.apply).await
}

fn is_doubtful(means: &Means<'_>, judges: &Judges, task: &Task, write: &Write) -> bool {
    let (context, before) = (means.context, task.live.as_deref());
    let is_judged = |target: &Object| concern(&context.live, judges, target, before.is_none());
    task.target.as_deref().is_some_and(is_judged)
        || is_suspect(write, before, &context.live, &means.stage.apply, &context.schemas)
}

fn is_request(action: &Action) -> bool {
    !matches!(action, Action::Keep(_) | Action::Refuse(_) | Action::Write(Write::Nothing { .. }))
}
