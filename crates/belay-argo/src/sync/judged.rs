//! What webhooks and admission policies may refuse is tried with the API server before any of its stage is written.

use belay_apply::{ApplyError, rehearse};
use belay_manifest::GroupVersionKind;
use belay_plan::sync::{ADMISSION_GROUP, ADMISSION_KINDS, Action, Judges, Progress, Stage, Write};

use super::run::Means;
use crate::admission::concern;
use crate::context::Context;

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
    let judges = judges(means.context).await;
    if judges.is_empty() {
        return Vec::new();
    }
    let concerned: Vec<usize> = requests
        .filter(|(_, action)| matches!(action, Action::Write(_)))
        .map(|(place, _)| *place)
        .filter(|place| {
            let task = &progress.tasks[*place];
            let is_new = task.live.is_none();
            task.target.as_deref().is_some_and(|target| concern(means.context, &judges, target, is_new))
        })
        .collect();
    rehearse(stages, &concerned, &progress.tasks, &means.context.live, &means.stage.apply).await
}

fn is_request(action: &Action) -> bool {
    !matches!(action, Action::Keep(_) | Action::Refuse(_) | Action::Write(Write::Nothing { .. }))
}

/// Whoever judges writes in the app's cluster, from watches. Where they may not be listed, nobody is known.
async fn judges(context: &Context) -> Judges {
    let mut known = Vec::new();
    for name in ADMISSION_KINDS {
        let kind = GroupVersionKind::new(&format!("{ADMISSION_GROUP}/v1"), name);
        match context.live.ensure(&kind).await {
            Ok(()) => known.extend(context.live.of_kind(ADMISSION_GROUP, name)),
            Err(error) => tracing::debug!(%error, "written without asking whom it concerns"),
        }
    }
    Judges::of(&known)
}
