//! The apps of a cluster, and the sources that tell whether Flux's are in sync.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use belay_cluster::{Kinds, Resource};
use belay_manifest::{GroupVersionKind, Object, ObjectKey};
use belay_server::{AppRef, AppSummary, source_of, summary};
use kube::Client;
use kube::api::{Api, DynamicObject, ListParams};
use serde_json::{Value, json};

use crate::failure::Failure;

/// The kinds that are apps: API version, kind.
const APP_KINDS: [(&str, &str); 3] = [
    ("argoproj.io/v1alpha1", "Application"),
    ("kustomize.toolkit.fluxcd.io/v1", "Kustomization"),
    ("helm.toolkit.fluxcd.io/v2", "HelmRelease"),
];
/// The kinds that apps read from.
const SOURCE_KINDS: [(&str, &str); 1] = [("source.toolkit.fluxcd.io/v1", "GitRepository")];

/// One app: its resource, and its row.
#[derive(Debug, Clone)]
pub(super) struct App {
    pub(super) object: Arc<Object>,
    pub(super) summary: AppSummary,
}

impl App {
    /// None for objects that are no app.
    pub(super) fn new(object: impl Into<Arc<Object>>, source: Option<&Object>) -> Option<App> {
        let object = object.into();
        Some(App { summary: summary(&object, source)?, object })
    }
}

/// What is known of the cluster's apps.
pub(super) struct Apps {
    pub(super) client: Client,
    /// Kinds to watch, and in which namespace.
    pub(super) kinds: Vec<(Resource, Option<String>)>,
    objects: BTreeMap<ObjectKey, Arc<Object>>,
    sources: BTreeMap<ObjectKey, Arc<Object>>,
    only: Option<AppRef>,
}

impl Apps {
    /// Lists the apps of a namespace, or of all.
    pub(super) async fn list(client: Client, namespace: Option<&str>) -> anyhow::Result<Apps> {
        Apps::list_kinds(client, namespace, &APP_KINDS, &SOURCE_KINDS).await
    }

    /// Lists the Applications of a namespace, or of all.
    pub(super) async fn list_applications(client: Client, namespace: Option<&str>) -> anyhow::Result<Apps> {
        Apps::list_kinds(client, namespace, &APP_KINDS[..1], &[]).await
    }

    async fn list_kinds(
        client: Client,
        namespace: Option<&str>,
        app_kinds: &[(&str, &str)],
        source_kinds: &[(&str, &str)],
    ) -> anyhow::Result<Apps> {
        let kinds = Kinds::new(client.clone());
        kinds.refresh(Duration::ZERO).await?;
        let known =
            |(api_version, kind): &(&str, &str)| kinds.known(&GroupVersionKind::new(api_version, kind));
        let app_kinds: Vec<Resource> = app_kinds.iter().filter_map(known).collect();
        if app_kinds.is_empty() {
            bail!(
                Failure::new("the cluster knows no kind of app")
                    .hint("`belay crds | kubectl apply --server-side -f -` defines them")
            );
        }
        let mut apps = Apps {
            client,
            kinds: Vec::new(),
            objects: BTreeMap::new(),
            sources: BTreeMap::new(),
            only: None,
        };
        for kind in app_kinds {
            apps.list_kind(kind, namespace).await?;
        }
        for kind in source_kinds.iter().filter_map(known) {
            // Sources may be in other namespaces; who may not read these sees those of the own one.
            if apps.list_kind(kind.clone(), None).await.is_err() && namespace.is_some() {
                apps.list_kind(kind, namespace).await?;
            }
        }
        Ok(apps)
    }

    async fn list_kind(&mut self, kind: Resource, namespace: Option<&str>) -> anyhow::Result<()> {
        let what = kind.api.plural.clone();
        let listed = self.api(&kind, namespace).list(&ListParams::default()).await;
        for object in listed.with_context(|| format!("{what} cannot be listed"))? {
            self.take(object_of(&kind, object)?);
        }
        self.kinds.push((kind, namespace.map(str::to_owned)));
        Ok(())
    }

    /// The API of a kind in a namespace, or in all.
    pub(super) fn api(&self, kind: &Resource, namespace: Option<&str>) -> Api<DynamicObject> {
        match namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &kind.api),
            None => Api::all_with(self.client.clone(), &kind.api),
        }
    }

    /// Forgets all apps but one.
    pub(super) fn keep_only(&mut self, app: &AppRef) {
        self.only = Some(app.clone());
    }

    /// Takes an object as it is now.
    pub(super) fn take(&mut self, object: Object) {
        let key = object.key();
        let place =
            if key.group == "source.toolkit.fluxcd.io" { &mut self.sources } else { &mut self.objects };
        place.insert(key, Arc::new(object));
    }

    /// Forgets an object that is gone.
    pub(super) fn forget(&mut self, key: &ObjectKey) {
        self.objects.remove(key);
        self.sources.remove(key);
    }

    /// Forgets the objects of a kind that are not among these.
    pub(super) fn keep_of_kind(&mut self, kind: &str, keys: &BTreeSet<ObjectKey>) {
        let stays = |key: &ObjectKey, _: &mut Arc<Object>| key.kind != kind || keys.contains(key);
        self.objects.retain(stays);
        self.sources.retain(stays);
    }

    /// All rows, by kind, namespace and name.
    pub(super) fn rows(&self) -> Vec<App> {
        let mut rows: Vec<App> = self.objects.values().filter_map(|object| self.row(object)).collect();
        rows.retain(|row| self.only.as_ref().is_none_or(|only| *only == row.summary.app));
        rows.sort_by(|one, other| one.summary.app.cmp(&other.summary.app));
        rows
    }

    fn row(&self, object: &Arc<Object>) -> Option<App> {
        let source = source_of(object).and_then(|key| self.sources.get(&key));
        App::new(object.clone(), source.map(|source| &**source))
    }
}

/// The client leaves kind and version out of what a list holds.
pub(super) fn object_of(kind: &Resource, object: DynamicObject) -> anyhow::Result<Object> {
    let mut value = serde_json::to_value(object)?;
    if let Some(metadata) = value.pointer_mut("/metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    let mut whole = json!({"apiVersion": kind.api.api_version, "kind": kind.api.kind});
    if let (Some(whole), Some(fields)) = (whole.as_object_mut(), value.as_object_mut()) {
        for (name, field) in std::mem::take(fields) {
            whole.insert(name, field);
        }
        whole.insert("apiVersion".to_owned(), json!(kind.api.api_version));
        whole.insert("kind".to_owned(), json!(kind.api.kind));
    }
    Ok(Object::new(whole)?)
}
