//! The cluster that `--dry-run=server` asks: what it can do, what is in it, and what it would say to the objects.

mod arguments;
mod check;

use std::collections::{BTreeSet, HashMap};
use std::error::Error;
use std::sync::{Mutex, PoisonError};

use belay_helm::{Capabilities, KubeVersion, Lookup};
use futures::future::join_all;
use kube::Client;
use reqwest::Url;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

pub(super) use self::arguments::ClusterArguments;
pub(super) use self::check::Check;
use super::dial;
use crate::failure::Original;

/// A kind as the server serves it.
#[derive(Clone)]
struct ServedKind {
    kind: String,
    plural: String,
    is_namespaced: bool,
}

/// Why a request gave nothing.
#[derive(Clone)]
enum NoAnswer {
    /// There is no such thing.
    NotFound(String),
    /// Anything else.
    Failed(String),
}

impl NoAnswer {
    fn text(&self) -> &str {
        let (NoAnswer::NotFound(text) | NoAnswer::Failed(text)) = self;
        text
    }
}

/// A cluster that answers.
pub(super) struct Cluster {
    runtime: Runtime,
    client: Client,
    server: Url,
    /// What each group and version has, once asked for.
    kinds: Mutex<HashMap<String, Result<Vec<ServedKind>, NoAnswer>>>,
}

impl Cluster {
    /// A cluster that was reached.
    pub(super) fn reach(arguments: &ClusterArguments) -> Result<Cluster, Original> {
        let unreachable = |reason: &str| {
            Original::new(format!(
                "cluster reachability check failed: kubernetes cluster unreachable: {reason}"
            ))
        };
        let cluster = Cluster::of(arguments).map_err(|error| unreachable(&error.to_string()))?;
        match cluster.get("/version") {
            Ok(_) => Ok(cluster),
            Err(error) => Err(unreachable(error.text())),
        }
    }

    fn of(arguments: &ClusterArguments) -> Result<Cluster, Original> {
        let runtime = crate::commands::runtime().map_err(|error| Original::new(format!("{error:#}")))?;
        let config = runtime.block_on(arguments.config())?;
        let server = Url::parse(&config.cluster_url.to_string()).map_err(|error| Original::of(&error))?;
        let context = runtime.enter();
        let client = Client::try_from(config).map_err(|error| Original::of(&error))?;
        drop(context);
        Ok(Cluster { runtime, client, server, kinds: Mutex::default() })
    }

    /// What the server says at the path.
    fn get(&self, path: &str) -> Result<Value, NoAnswer> {
        self.runtime.block_on(self.ask(path))
    }

    async fn ask(&self, path: &str) -> Result<Value, NoAnswer> {
        let failed = |error: &dyn Error| NoAnswer::Failed(error.to_string());
        let request = http::Request::get(path).body(Vec::new()).map_err(|error| failed(&error))?;
        self.client.request(request).await.map_err(|error| self.no_answer(path, &error))
    }

    fn no_answer(&self, path: &str, error: &kube::Error) -> NoAnswer {
        let kube::Error::Api(status) = error else {
            let mut address = self.server.clone();
            address.set_path(path);
            let reason = dial::reason(error, &address);
            return NoAnswer::Failed(format!("Get \"{}\": {reason}", dial::shown(&address)));
        };
        match (status.code, status.reason.as_str()) {
            // The server said no more than the code.
            (404, reason) if reason.starts_with("Failed to parse") => {
                NoAnswer::NotFound("the server could not find the requested resource".to_owned())
            }
            (404, _) => NoAnswer::NotFound(status.message.clone()),
            _ => NoAnswer::Failed(status.message.clone()),
        }
    }

    /// Its version, and everything that it serves; what a group does not tell is warned of.
    pub(super) fn capabilities(&self, warnings: &mut Vec<String>) -> Result<Capabilities, Original> {
        let version = self.get("/version").map_err(|error| {
            Original::new(format!("could not get server version from Kubernetes: {}", error.text()))
        })?;
        let text = |name: &str| version[name].as_str().unwrap_or_default().to_owned();
        let kube_version = KubeVersion::of_server(text("gitVersion"), text("major"), text("minor"));
        let versions = self.group_versions().map_err(|error| {
            let could_not = "could not get apiVersions from Kubernetes";
            Original::new(format!("{could_not}: {could_not}: {}", error.text()))
        })?;
        let mut api_versions: BTreeSet<String> = BTreeSet::new();
        let asked = versions.iter().map(|version| async move { (version, self.ask(&root(version)).await) });
        for (version, answer) in self.runtime.block_on(join_all(asked)) {
            api_versions.insert(version.clone());
            match answer {
                Ok(list) => {
                    let kinds = resources(&list).filter_map(|resource| resource["kind"].as_str());
                    api_versions.extend(kinds.map(|kind| format!("{version}/{kind}")));
                    self.note_kinds(version, Ok(served_kinds(&list)));
                }
                Err(error) => warnings.push(format!(
                    "the kubernetes server has an orphaned API service: {version}: {}",
                    error.text()
                )),
            }
        }
        let api_versions = api_versions.into_iter().collect();
        Ok(Capabilities { kube_version, api_versions, ..Capabilities::default() })
    }

    fn group_versions(&self) -> Result<Vec<String>, NoAnswer> {
        let core = self.get("/api")?;
        let groups = self.get("/apis")?;
        let core = core["versions"].as_array().into_iter().flatten();
        let named = groups["groups"].as_array().into_iter().flatten();
        let named = named.flat_map(|group| group["versions"].as_array().into_iter().flatten());
        let named = named.map(|version| &version["groupVersion"]);
        Ok(core.chain(named).filter_map(Value::as_str).map(str::to_owned).collect())
    }

    fn note_kinds(&self, api_version: &str, kinds: Result<Vec<ServedKind>, NoAnswer>) {
        let mut known = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(api_version.to_owned(), kinds);
    }

    /// The kinds of a group and version.
    fn kinds_of(&self, api_version: &str) -> Result<Vec<ServedKind>, NoAnswer> {
        let known = self.kinds.lock().unwrap_or_else(PoisonError::into_inner).get(api_version).cloned();
        known.unwrap_or_else(|| {
            let kinds = self.get(&root(api_version)).map(|list| served_kinds(&list));
            self.note_kinds(api_version, kinds.clone());
            kinds
        })
    }

    /// An object, or, without a name, all of them.
    fn object(
        &self,
        api_version: &str,
        served: &ServedKind,
        namespace: &str,
        name: &str,
    ) -> Result<Value, NoAnswer> {
        let mut segments: Vec<&str> = Vec::new();
        if served.is_namespaced && !namespace.is_empty() {
            segments.extend(["namespaces", namespace]);
        }
        segments.push(&served.plural);
        segments.extend((!name.is_empty()).then_some(name));
        if let Some(problem) = segments.iter().find_map(|segment| segment_problem(segment)) {
            return Err(NoAnswer::Failed(problem));
        }
        self.get(&format!("{}/{}", root(api_version), segments.join("/")))
    }
}

impl Lookup for Cluster {
    fn lookup(&self, api_version: &str, kind: &str, namespace: &str, name: &str) -> Result<Value, String> {
        let kinds = self.kinds_of(api_version).map_err(|error| {
            let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
            let kind = format!("{group}/{version}, Kind={kind}");
            format!("unable to get apiresource from unstructured: {kind}: {}", error.text())
        })?;
        let Some(served) = kinds.iter().find(|served| served.kind == kind) else { return Ok(json!({})) };
        match self.object(api_version, served, namespace, name) {
            Err(NoAnswer::NotFound(_)) => Ok(json!({})),
            answer => answer.map_err(|error| error.text().to_owned()),
        }
    }
}

/// Where a group and version is served.
fn root(api_version: &str) -> String {
    if api_version.contains('/') { format!("/apis/{api_version}") } else { format!("/api/{api_version}") }
}

fn resources(list: &Value) -> impl Iterator<Item = &Value> {
    list["resources"].as_array().into_iter().flatten()
}

/// The kinds that have objects of their own.
fn served_kinds(list: &Value) -> Vec<ServedKind> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let served = resources(list).map(|resource| ServedKind {
        kind: text(&resource["kind"]),
        plural: text(&resource["name"]),
        is_namespaced: resource["namespaced"].as_bool().unwrap_or_default(),
    });
    served.filter(|served| !served.plural.contains('/')).collect()
}

/// Why a name cannot be a part of a path.
fn segment_problem(name: &str) -> Option<String> {
    let problem = match name {
        "." | ".." => format!("may not be '{name}'"),
        _ if name.contains('/') => "may not contain '/'".to_owned(),
        _ if name.contains('%') => "may not contain '%'".to_owned(),
        _ if !name.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#\"<>\\^`{|}".contains(&byte)) => {
            "is no part of an address".to_owned()
        }
        _ => return None,
    };
    Some(format!("invalid resource name {name:?}: [{problem}]"))
}
