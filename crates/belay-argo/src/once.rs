//! One look at an app for whoever asks: what differs, what can be done with its objects. No status is written, and
//! nothing is watched on.

mod actions;

use std::convert::Infallible;
use std::sync::Arc;

use belay_argo_api::Application;
use belay_diff::Drift;
use belay_manifest::{GroupVersionKind, Object, ObjectKey};
use tokio::sync::mpsc;

pub use actions::{ActionFault, ActionOf};

use crate::compare::{Comparison, compare, ignored, refused_rules, try_applies};
use crate::context::{Context, application_kind};
use crate::controller::Controller;
use crate::desired::{self, Asked, Purpose};
use crate::fault::Fault;
use crate::project::{self, Checked};
use crate::sync::{compare_settings, counts_webhooks};
use crate::tracking::Target;
use crate::{clusters, drift, repositories, settings, traces};

/// What an app would change.
#[derive(Debug, Clone, PartialEq)]
pub struct Differences {
    /// The commits that were compared, one for each source.
    pub revisions: Vec<String>,
    /// The objects that differ, in the order of their sync.
    pub objects: Vec<(ObjectKey, Vec<Drift>)>,
}

/// Why an app cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// It is not there.
    #[error("there is no Application {0}")]
    NotFound(ObjectKey),
    /// Its definition says otherwise.
    #[error("application cannot be read")]
    Unreadable(#[source] serde_json::Error),
    /// The cluster did not tell of the apps.
    #[error("the apps cannot be listed")]
    Listed(#[source] belay_cluster::LiveError),
    /// Its spec, its source or its cluster; in the words of the app's condition.
    #[error("{0}")]
    Fault(String),
}

impl From<Fault> for LookError {
    fn from(fault: Fault) -> LookError {
        LookError::Fault(fault.messages().join("; "))
    }
}

/// An app, where it deploys to.
struct Known {
    context: Context,
    object: Arc<Object>,
    app: Application,
}

impl Controller {
    /// What a sync of the app would change; at these revisions, one for each source, where there are any.
    pub async fn differences_once(
        &self,
        app: &ObjectKey,
        revisions: &[String],
    ) -> Result<Differences, LookError> {
        self.informed(async {
            let known = self.known(app).await?;
            let (revisions, comparison) = known.compare(revisions).await?;
            let differing = comparison.objects.iter().filter(|one| one.is_out_of_sync());
            let objects = differing.map(|one| {
                let records = if one.requires_pruning() {
                    vec![Drift::of_whole(one.key.clone(), false)]
                } else {
                    drift::of(one, self.context.settings.ledger.key())
                };
                (one.key.clone(), records)
            });
            Ok(Differences { revisions, objects: objects.collect() })
        })
        .await
    }

    /// Does some work while settings, repositories and clusters are known.
    async fn informed<T>(&self, work: impl Future<Output = T>) -> T {
        let Context { home, settings, clusters, .. } = self.context.as_ref();
        let (announcements, _announced) = mpsc::unbounded_channel();
        let follow = async {
            tokio::join!(
                settings::follow(home.client().clone(), &settings.namespace, &settings.live, None),
                repositories::follow(home.client().clone(), &settings.namespace, &settings.repositories),
                clusters::follow(
                    home.client().clone(),
                    &settings.namespace,
                    clusters,
                    &announcements,
                    &settings.allowed_commands,
                ),
            );
            std::future::pending::<Infallible>().await
        };
        let work = async {
            settings.live.are_read().await;
            clusters.are_read().await;
            settings.repositories.are_read().await;
            home.reassign().await;
            work.await
        };
        tokio::select! {
            never = follow => match never {},
            done = work => done,
        }
    }

    async fn known(&self, app: &ObjectKey) -> Result<Known, LookError> {
        let home = &self.context.home;
        for kind in [application_kind(), GroupVersionKind::new("argoproj.io/v1alpha1", "AppProject")] {
            home.ensure(&kind).await.map_err(LookError::Listed)?;
        }
        let object = home.get(app).ok_or_else(|| LookError::NotFound(app.clone()))?;
        let app: Application =
            serde_json::from_value(object.value().clone()).map_err(LookError::Unreadable)?;
        let context = &self.context;
        context.settings.live.checked().map_err(|error| LookError::Fault(error.to_string()))?;
        let found = context.clusters.find(&app.spec.destination, context.system().in_cluster_enabled);
        let cluster = found.map_err(|none| LookError::Fault(none.message))?;
        cluster.reached().await?;
        Ok(Known { context: context.at(cluster), object, app })
    }
}

impl Known {
    async fn compare(&self, revisions: &[String]) -> Result<(Vec<String>, Comparison), Fault> {
        let Known { context, object, app } = self;
        let Checked { sources, bounds } = project::check(context, object, app, None)?;
        let target = Target::of_app(context, object, app);
        traces::watch(context, app).await?;
        let revisions = sources.revisions(revisions);
        let purpose = Purpose::Comparison;
        let asked = Asked { object, app, sources: &sources, revisions, target: &target, purpose };
        let desired = desired::read(context, &asked).await?;
        let ignored = ignored(app, &target.system)?;
        if let Some(refused) = refused_rules(&target.system, &desired.prepared) {
            return Err(refused);
        }
        let settings = compare_settings(app, object, &target.system);
        let key = object.key();
        try_applies(context, &key, &desired.prepared, &settings, counts_webhooks(object, &target.system))
            .await?;
        let comparison = compare(context, &key, &desired.prepared, &target, &settings, &ignored, &bounds);
        Ok((desired.revisions(), comparison))
    }
}
