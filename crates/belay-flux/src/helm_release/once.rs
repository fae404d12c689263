//! What an upgrade would change, for whoever asks.

use std::sync::Arc;

use belay_flux_api::HelmRelease;
use belay_helm::Values;
use belay_manifest::{Object, ObjectKey};
use belay_plan::Plan;

use super::hidden::Hidden;
use super::state::{self, Desired, State};
use super::storage::{Storage, deployed};
use super::target::Target;
use super::values::Composed;
use super::{Look, check, digest, objects, release, render, uninstall};
use crate::chart_build::BuiltChart;
use crate::context::Context;
use belay_causes::chain;

/// The HelmChart that is made for a release.
pub(crate) fn chart_of(release: &HelmRelease) -> ObjectKey {
    Target::of(release).chart
}

/// What a release of this chart, with the values as they are now, would write. Writes nothing.
pub(crate) async fn plan_once(
    context: &Context,
    object: Arc<Object>,
    release: HelmRelease,
    chart: &BuiltChart,
) -> Result<Plan, String> {
    check(&object, &release).map_err(|fault| fault.message)?;
    let target = Target::of(&release);
    let mut look = Look { context, object, target, release, hidden: Hidden::default(), turn: None };
    let Composed { values, hidden } = look.values().await.map_err(|fault| fault.message)?;
    look.hidden = hidden;
    planned(&look, chart, &values).await.map_err(|error| look.hidden.mask(&error))
}

async fn planned(look: &Look<'_>, chart: &BuiltChart, values: &Values) -> Result<Plan, String> {
    let storage = Storage::new(look.context.live.client(), &look.target.storage);
    let history = look.history(&storage).await.map_err(|fault| fault.message)?;
    let desired = Desired {
        chart_name: chart.name().to_owned(),
        chart_version: chart.version().to_owned(),
        config_digest: digest::of_values(values.as_map()),
    };
    let last = history.last().map_or(0, |stored| stored.release.version);
    // A release that stays is shown as the revision that it is.
    let (state, _why) = state::determine(&history, look.release.status.history.first(), &desired);
    let number = if state == State::InSync { last } else { last + 1 };
    let rendered = render::rendered(look, chart, values, number).await.map_err(|error| chain(&error))?;
    let content = release::content(look, rendered).await?;
    let before = match deployed(&history).or(history.last()) {
        Some(stored) => uninstall::recorded(look, &stored.release.manifest).await?,
        None => Vec::new(),
    };
    look.watch(&content.objects).await?;
    look.watch(&before).await?;
    Ok(objects::plan(&content.objects, &before, &look.target, &|key| look.live(key)))
}
