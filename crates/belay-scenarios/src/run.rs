//! Carries a scenario out.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use belay_cluster::{Kinds, Scope};
use belay_manifest::{GroupVersionKind, Limits, Object};
use belay_testkit::{Author, Change, Repository};
use kube::Client;
use kube::api::{Api, DeleteParams, DynamicObject, Patch as KubePatch, PatchParams, PostParams};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::scenario::{Commit, Create, Expectation, Patch, Scenario, Stays, Step, Target};

/// How long a kind that was just defined may take to be served.
const NEW_KIND: Duration = Duration::from_secs(5);
/// How often a condition is looked at.
const POLL: Duration = Duration::from_millis(50);

/// A cluster and a place for repositories.
pub(crate) struct Runner {
    client: Client,
    kinds: Kinds,
    repositories: PathBuf,
}

/// One run of one scenario.
struct Run<'a> {
    runner: &'a Runner,
    name: &'a str,
    repository: Repository,
    url: String,
}

impl Runner {
    pub(crate) fn new(client: Client, repositories: PathBuf) -> Runner {
        Runner { kinds: Kinds::new(client.clone()), client, repositories }
    }

    /// Applies every object of a file, such as definitions that the scenarios need.
    pub(crate) async fn apply_file(&self, file: &Path) -> anyhow::Result<()> {
        let content = std::fs::read(file).with_context(|| file.display().to_string())?;
        for manifest in belay_manifest::parse(&file.display().to_string(), &content, &Limits::default())? {
            let object = manifest.object;
            let resource = self.kinds.find(&object.gvk()).await?;
            let api: Api<DynamicObject> = match resource.scope {
                Scope::Cluster => Api::all_with(self.client.clone(), &resource.api),
                Scope::Namespaced => {
                    Api::namespaced_with(self.client.clone(), object.namespace(), &resource.api)
                }
            };
            let params = PatchParams::apply("scenario").force();
            api.patch(object.name(), &params, &KubePatch::Apply(object.value()))
                .await
                .with_context(|| object.key().to_string())?;
        }
        Ok(())
    }

    /// Runs every step; the first that does not hold ends the scenario.
    pub(crate) async fn run(&self, name: &str, scenario: &Scenario) -> anyhow::Result<()> {
        let path = self.repositories.join(format!("{name}.git"));
        if path.exists() {
            std::fs::remove_dir_all(&path)?;
        }
        std::fs::create_dir_all(&self.repositories)?;
        let repository = Repository::create(&path).context("the scenario's repository")?;
        let url = format!("file://{}", std::path::absolute(&path)?.display());
        let run = Run { runner: self, name, repository, url };
        for (position, step) in scenario.steps.iter().enumerate() {
            run.step(step).await.with_context(|| format!("step {}", position + 1))?;
        }
        Ok(())
    }
}

impl Run<'_> {
    async fn step(&self, step: &Step) -> anyhow::Result<()> {
        match step {
            Step::Commit(commit) => self.commit(commit).await,
            Step::Revert {} => self.revert().await,
            Step::Apply(objects) => self.apply(objects).await,
            Step::Create(create) => self.create(create).await,
            Step::Patch(patch) => self.patch(patch).await,
            Step::Delete(target) => self.delete(target).await,
            Step::Expect(expectation) => self.expect(expectation).await,
            Step::Absent(target) => self.absent(target).await,
            Step::Stays(stays) => self.stays(stays).await,
        }
    }

    async fn commit(&self, commit: &Commit) -> anyhow::Result<()> {
        let written = commit.files.iter().map(|(path, text)| Change::write(path, text.as_bytes()));
        let deleted = commit.delete.iter().map(|path| Change::delete(path));
        let changes: Vec<Change> = written.chain(deleted).collect();
        self.repository.commit(&changes, &commit.message, &author())?;
        self.announce().await
    }

    async fn revert(&self) -> anyhow::Result<()> {
        let head = self.repository.head()?.context("nothing was committed yet")?;
        self.repository.revert(&head, &author())?;
        self.announce().await
    }

    /// Asks for a look at the app, as a webhook would cause one: through the API alone.
    async fn announce(&self) -> anyhow::Result<()> {
        let Ok(resource) =
            self.runner.kinds.find(&GroupVersionKind::new("argoproj.io/v1alpha1", "Application")).await
        else {
            return Ok(());
        };
        let api: Api<DynamicObject> =
            Api::namespaced_with(self.runner.client.clone(), "argocd", &resource.api);
        let refresh =
            serde_json::json!({"metadata": {"annotations": {"argocd.argoproj.io/refresh": "normal"}}});
        for app in api.list(&kube::api::ListParams::default()).await? {
            let source = app.data.pointer("/spec/source/repoURL").and_then(Value::as_str);
            if source == Some(self.url.as_str()) {
                let name = app.metadata.name.unwrap_or_default();
                api.patch(&name, &PatchParams::default(), &KubePatch::Merge(&refresh)).await?;
            }
        }
        Ok(())
    }

    async fn apply(&self, objects: &[Value]) -> anyhow::Result<()> {
        for object in objects {
            let object = Object::new(self.filled(object)?)?;
            let api = self.api(&object.gvk(), object.namespace()).await?;
            let params = PatchParams::apply("scenario").force();
            api.patch(object.name(), &params, &KubePatch::Apply(object.value()))
                .await
                .with_context(|| object.key().to_string())?;
        }
        Ok(())
    }

    async fn create(&self, create: &Create) -> anyhow::Result<()> {
        let object = Object::new(self.filled(&create.body)?)?;
        let api = self.api(&object.gvk(), object.namespace()).await?;
        let body: DynamicObject = serde_json::from_value(object.value().clone())?;
        judge(api.create(&PostParams::default(), &body).await, &create.error)
    }

    async fn patch(&self, patch: &Patch) -> anyhow::Result<()> {
        let (api, name) = self.target(&patch.object).await?;
        let body = self.filled(&patch.body)?;
        let manager = (!patch.manager.is_empty()).then(|| patch.manager.clone());
        let params = PatchParams { field_manager: manager, force: patch.force, ..PatchParams::default() };
        let answer = match patch.kind.as_str() {
            "merge" => api.patch(&name, &params, &KubePatch::Merge(&body)).await,
            "strategic" => api.patch(&name, &params, &KubePatch::Strategic(&body)).await,
            "apply" => api.patch(&name, &params, &KubePatch::Apply(&body)).await,
            "json" => {
                let operations = serde_json::from_value(body)?;
                api.patch(&name, &params, &KubePatch::<()>::Json(operations)).await
            }
            other => bail!("{other:?} is no type of patch"),
        };
        judge(answer, &patch.error)
    }

    async fn delete(&self, target: &Target) -> anyhow::Result<()> {
        let (api, name) = self.target(&target.object).await?;
        api.delete(&name, &DeleteParams::background()).await?;
        Ok(())
    }

    async fn expect(&self, expectation: &Expectation) -> anyhow::Result<()> {
        let (api, name) = self.target(&expectation.object).await?;
        let wanted = self.filled(&expectation.holds)?;
        let deadline = Instant::now() + Duration::from_secs_f64(expectation.within);
        loop {
            let seen = api.get_opt(&name).await?.map(serde_json::to_value).transpose()?;
            let fault = match &seen {
                None => Some("it is not there".to_owned()),
                Some(seen) => first_fault(seen, &wanted, "").or_else(|| present(seen, &expectation.lacks)),
            };
            match fault {
                None => return Ok(()),
                Some(_) if Instant::now() < deadline => sleep(POLL).await,
                Some(fault) => bail!("{}: {fault}, after {} s", expectation.object, expectation.within),
            }
        }
    }

    async fn absent(&self, target: &Target) -> anyhow::Result<()> {
        let (api, name) = self.target(&target.object).await?;
        let deadline = Instant::now() + Duration::from_secs_f64(target.within);
        while api.get_opt(&name).await?.is_some() {
            ensure!(Instant::now() < deadline, "{}: is still there after {} s", target.object, target.within);
            sleep(POLL).await;
        }
        Ok(())
    }

    async fn stays(&self, stays: &Stays) -> anyhow::Result<()> {
        let (api, name) = self.target(&stays.object).await?;
        let wanted = self.filled(&stays.holds)?;
        let end = Instant::now() + Duration::from_secs_f64(stays.seconds);
        while Instant::now() < end {
            let seen = api.get_opt(&name).await?.with_context(|| format!("{}: has gone", stays.object))?;
            if let Some(fault) = first_fault(&serde_json::to_value(seen)?, &wanted, "") {
                bail!("{}: {fault}", stays.object);
            }
            sleep(POLL).await;
        }
        Ok(())
    }

    /// `$NAME` is the scenario's name, `$REPOSITORY` the URL of its repository.
    fn filled(&self, value: &Value) -> anyhow::Result<Value> {
        let text = value.to_string().replace("$NAME", self.name).replace("$REPOSITORY", &self.url);
        Ok(serde_json::from_str(&text)?)
    }

    async fn target(&self, text: &str) -> anyhow::Result<(Api<DynamicObject>, String)> {
        let text = text.replace("$NAME", self.name);
        let mut words = text.split_whitespace();
        let (Some(version), Some(kind), Some(place), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            bail!("{text:?} is not of the form `apps/v1 Deployment namespace/name`");
        };
        let (namespace, name) = place.split_once('/').unwrap_or(("", place));
        let api = self.api(&GroupVersionKind::new(version, kind), namespace).await?;
        Ok((api, name.to_owned()))
    }

    /// A kind may be a moment old: discovery follows its definition.
    async fn resource(&self, kind: &GroupVersionKind) -> anyhow::Result<belay_cluster::Resource> {
        let deadline = Instant::now() + NEW_KIND;
        loop {
            match self.runner.kinds.find(kind).await {
                Err(_) if Instant::now() < deadline => sleep(POLL).await,
                result => return Ok(result?),
            }
        }
    }

    async fn api(&self, kind: &GroupVersionKind, namespace: &str) -> anyhow::Result<Api<DynamicObject>> {
        let resource = self.resource(kind).await?;
        let client = self.runner.client.clone();
        Ok(match resource.scope {
            Scope::Cluster => Api::all_with(client, &resource.api),
            Scope::Namespaced => Api::namespaced_with(client, namespace, &resource.api),
        })
    }
}

fn author() -> Author {
    Author::new("Scenario", "scenario@example.com")
}

fn judge<T>(answer: Result<T, kube::Error>, error: &str) -> anyhow::Result<()> {
    match (answer, error) {
        (Ok(_), "") => Ok(()),
        (Ok(_), error) => bail!("expected an error with {error:?}, but it was accepted"),
        (Err(fault), "") => Err(fault.into()),
        (Err(fault), error) => {
            let text = match &fault {
                kube::Error::Api(status) => status.message.clone(),
                other => other.to_string(),
            };
            ensure!(text.contains(error), "expected an error with {error:?}, seen {text:?}");
            Ok(())
        }
    }
}

/// The first field of `wanted` that `seen` does not hold.
fn first_fault(seen: &Value, wanted: &Value, path: &str) -> Option<String> {
    match (seen, wanted) {
        (_, Value::Null) => None,
        (Value::Object(seen), Value::Object(wanted)) => wanted.iter().find_map(|(name, value)| {
            first_fault(seen.get(name).unwrap_or(&Value::Null), value, &format!("{path}/{name}"))
        }),
        (Value::Array(seen), Value::Array(wanted)) => wanted.iter().find_map(|item| {
            let found = seen.iter().any(|candidate| first_fault(candidate, item, "").is_none());
            (!found).then(|| format!("{path}: expected an item {item}, seen {}", Value::from(seen.clone())))
        }),
        (Value::String(text), Value::String(word)) if word.starts_with('~') && text.contains(&word[1..]) => {
            None
        }
        (seen, wanted) if seen == wanted => None,
        (seen, wanted) => Some(format!("{path}: expected {wanted}, seen {seen}")),
    }
}

fn present(seen: &Value, pointers: &[String]) -> Option<String> {
    let found =
        pointers.iter().find(|pointer| seen.pointer(pointer).is_some_and(|value| !value.is_null()))?;
    Some(format!("{found}: expected nothing, seen {}", seen.pointer(found).unwrap_or(&Value::Null)))
}
