//! A chart rendered for this release, by what the cluster can do.

use std::sync::Arc;

use belay_cluster::KindError;
use belay_helm::{Capabilities, KubeVersion, RenderError, Rendered, Values, render};
use belay_render::controller_options;
use tokio::runtime::Handle;

use super::Look;
use super::cluster::{ClusterLookup, SystemClock, SystemRandom};
use crate::chart_build::BuiltChart;

/// Why a chart is not rendered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RenderFault {
    #[error("the cluster's version is not known")]
    Version(#[from] kube::Error),
    #[error("the cluster's version cannot be read")]
    VersionText(#[from] belay_helm::KubeVersionError),
    #[error(transparent)]
    Kinds(#[from] KindError),
    #[error(transparent)]
    Render(#[from] RenderError),
    #[error("rendering the chart ended unexpectedly")]
    Ended,
}

/// Renders the chart as one revision of the release. Templates may ask the cluster.
pub(crate) async fn rendered(
    look: &Look<'_>,
    chart: &BuiltChart,
    values: &Values,
    revision: i64,
) -> Result<Rendered, RenderFault> {
    let live = &look.context.live;
    let parsed = look.context.renders.parsed_templates();
    let mut options = controller_options(&look.target.name, &look.target.namespace, parsed);
    options.revision = revision;
    options.is_upgrade = revision > 1;
    options.values = values.clone();
    options.capabilities = capabilities(look).await?;
    options.clock = Some(Arc::new(SystemClock));
    options.random = Some(Arc::new(SystemRandom));
    options.lookup = Some(Arc::new(ClusterLookup {
        client: live.client().clone(),
        kinds: live.kinds().clone(),
        runtime: Handle::current(),
    }));
    let chart = chart.chart.clone();
    match belay_cluster::aside(move || render(&chart, &options)).await {
        Ok(rendered) => Ok(rendered?),
        Err(_panicked) => Err(RenderFault::Ended),
    }
}

async fn capabilities(look: &Look<'_>) -> Result<Capabilities, RenderFault> {
    let live = &look.context.live;
    Ok(Capabilities {
        kube_version: KubeVersion::parse(&look.context.kube_version().await?)?,
        api_versions: live.kinds().api_versions(),
        ..Capabilities::default()
    })
}
