//! The state in a file, for those who want it kept.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::cluster::Cluster;
use crate::service::{LocalKube, Settings};
use crate::store::GroupResource;

const SAVE_EVERY: Duration = Duration::from_secs(1);

/// A saved state that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The file cannot be read.
    #[error("cannot read {0}")]
    Read(PathBuf, #[source] std::io::Error),
    /// The file cannot be written.
    #[error("cannot write {0}")]
    Write(PathBuf, #[source] std::io::Error),
    /// The file is not what was saved.
    #[error("{0} is not a saved state")]
    Malformed(PathBuf, #[source] serde_json::Error),
}

/// What a file held.
#[derive(Debug, serde::Deserialize)]
pub(crate) struct Saved {
    version: u64,
    objects: Vec<(String, String, Value)>,
}

/// The saved state, if there is a file.
pub(crate) fn read(file: &Path) -> Result<Option<Saved>, DataError> {
    let bytes = match std::fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(DataError::Read(file.to_owned(), error)),
    };
    serde_json::from_slice(&bytes).map(Some).map_err(|error| DataError::Malformed(file.to_owned(), error))
}

/// Replace a file whole; only its owner can read it.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&beside, path)
}

impl LocalKube {
    pub(crate) fn with_saved(settings: &Settings, saved: Option<Saved>) -> Self {
        let Some(saved) = saved else { return Self::new(settings) };
        let cluster = Arc::new(Cluster::new(settings));
        cluster.with(|state| {
            let objects = saved.objects.into_iter();
            let objects = objects
                .map(|(group, resource, object)| (GroupResource::new(&group, &resource), object))
                .collect();
            state.store.restore(saved.version, objects);
            let definitions = GroupResource::new("apiextensions.k8s.io", "customresourcedefinitions");
            let crds: Vec<Arc<Value>> = state.store.list(&definitions, "").cloned().collect();
            crds.iter().for_each(|crd| state.serve_definition(crd));
        });
        crate::controllers::bootstrap(&cluster);
        let tasks = crate::controllers::spawn(&cluster, settings.simulate_workloads);
        Self { cluster, tasks: Arc::new(tasks) }
    }
}

/// Writes the state when it changed, and at the end.
#[derive(Debug)]
pub(crate) struct Saver {
    cluster: Arc<Cluster>,
    file: PathBuf,
    task: JoinHandle<()>,
}

impl Saver {
    pub(crate) fn start(cluster: Arc<Cluster>, file: PathBuf) -> Self {
        let task = tokio::spawn(save_often(cluster.clone(), file.clone()));
        Self { cluster, file, task }
    }

    pub(crate) fn finish(self) -> Result<(), DataError> {
        self.task.abort();
        save(&self.cluster, &self.file)
    }
}

async fn save_often(cluster: Arc<Cluster>, file: PathBuf) {
    let mut saved = 0;
    loop {
        tokio::time::sleep(SAVE_EVERY).await;
        let version = cluster.with(|state| state.store.version());
        if version == saved {
            continue;
        }
        match save(&cluster, &file) {
            Ok(()) => saved = version,
            Err(error) => tracing::warn!(%error, "the state was not saved"),
        }
    }
}

fn save(cluster: &Cluster, file: &Path) -> Result<(), DataError> {
    let (version, objects) = cluster.with(|state| {
        let objects: Vec<(GroupResource, Arc<Value>)> =
            state.store.all().map(|(resource, object)| (resource.clone(), object.clone())).collect();
        (state.store.version(), objects)
    });
    let objects: Vec<Value> =
        objects.iter().map(|(key, object)| json!([key.group, key.resource, **object])).collect();
    let text = json!({ "version": version, "objects": objects }).to_string();
    write_private(file, text.as_bytes()).map_err(|error| DataError::Write(file.to_owned(), error))
}
