//! What webhooks and admission policies may refuse is tried with the API server before any of its stage is written.

use belay_apply::{ApplyError, concern, judges, rehearse};
use belay_plan::sync::{Action, Progress, Stage, Write};

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
    if judges.is_empty() {
        return Vec::new();
    }
    let concerned: Vec<usize> = requests
        .filter(|(_, action)| matches!(action, Action::Write(_)))
        .map(|(place, _)| *place)
        .filter(|place| {
            let task = &progress.tasks[*place];
            let is_new = task.live.is_none();
            task.target.as_deref().is_some_and(|target| concern(&means.context.live, &judges, target, is_new))
        })
        .collect();
    rehearse(stages, &concerned, &progress.tasks, &means.context.live, &means.stage.apply).await
}

fn is_request(action: &Action) -> bool {
    !matches!(action, Action::Keep(_) | Action::Refuse(_) | Action::Write(Write::Nothing { .. }))
}
