//! What happens in the scenario's repository.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use belay_helm::Chart;
use belay_manifest::GroupVersionKind;
use belay_testkit::{Author, Change, Fault, Repository};
use kube::api::{Api, DynamicObject, ListParams, Patch, PatchParams};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::run::{POLL, Run};
use crate::scenario::{Commit, Content, FaultKind, Packaged, Reference, Repeated};

/// The annotation that asks for a look at an app, and goes away with it.
const REFRESH: &str = "argocd.argoproj.io/refresh";
/// How often who is not Belay is asked for a look while something is waited for.
const NUDGE: Duration = Duration::from_secs(5);
/// How long a look that was asked for may take to begin.
const REFRESHED: Duration = Duration::from_secs(10);

impl Run<'_> {
    pub(crate) async fn commit(&self, commit: &Commit) -> anyhow::Result<()> {
        let written = commit.files.iter().map(|(path, content)| self.written(path, content));
        let written = written.collect::<anyhow::Result<Vec<Change>>>()?.into_iter();
        let linked = commit.links.iter().map(|(path, target)| Change::link(path, target));
        let pinned = commit.submodules.iter().map(|(path, commit)| Change::Submodule {
            path: path.clone(),
            commit: self.variables.text(commit),
        });
        let deleted = commit.delete.iter().map(|path| Change::delete(&self.variables.text(path)));
        let changes: Vec<Change> = written.chain(linked).chain(pinned).chain(deleted).collect();
        let repository = if commit.second { self.second_repository()? } else { &self.repository };
        let id = match &commit.branch {
            None => repository.commit(&changes, &commit.message, &author())?,
            Some(branch) => repository.commit_on(branch, &changes, &commit.message, &author())?,
        };
        self.variables.set("HEAD", &id)?;
        self.touched.committed(&id);
        if let Some(word) = &commit.save {
            self.variables.set(word, &id)?;
        }
        let url = if commit.second { &self.second_url } else { &self.url };
        if commit.announce { self.announce(url).await } else { Ok(()) }
    }

    fn second_repository(&self) -> anyhow::Result<&Repository> {
        if self.second.get().is_none() {
            let (repository, _) = self.runner.repository(&format!("{}-second", self.name))?;
            // Steps are taken one by one: nobody else has set it.
            let _ = self.second.set(repository);
        }
        self.second.get().context("the second repository")
    }

    fn written(&self, path: &str, content: &Content) -> anyhow::Result<Change> {
        let content = match content {
            Content::Text(text) => self.variables.text(text).into_bytes(),
            Content::Repeated(repeated) => self.variables.text(&written_out(repeated)).into_bytes(),
            Content::Packaged(Packaged { chart }) => {
                let file = |(name, text): (&String, &String)| belay_helm::File {
                    name: name.clone(),
                    data: self.variables.text(text).into(),
                };
                Chart::from_files(chart.iter().map(file).collect()).context("a chart")?.to_archive()?
            }
        };
        Ok(Change::write(&self.variables.text(path), content))
    }

    pub(crate) async fn revert(&self) -> anyhow::Result<()> {
        let head = self.repository.head()?.context("nothing was committed yet")?;
        let id = self.repository.revert(&head, &author())?;
        self.variables.set("HEAD", &id)?;
        self.touched.committed(&id);
        self.announce(&self.url).await
    }

    pub(crate) async fn reference(&self, reference: &Reference) -> anyhow::Result<()> {
        let commit = self.variables.text(&reference.commit);
        if !reference.object.is_empty() {
            let id = self.repository.write_signed(&reference.object)?;
            let tag = reference.tag.as_ref().map(|tag| format!("refs/tags/{tag}"));
            let branch = reference.branch.as_ref().map(|branch| format!("refs/heads/{branch}"));
            let name = tag.or(branch).context("a reference is a tag or a branch")?;
            self.repository.set_reference_to(&name, &id)?;
            return self.announce(&self.url).await;
        }
        match (&reference.tag, &reference.branch) {
            (Some(tag), None) => self.repository.tag(tag, &commit)?,
            (None, Some(branch)) => self.repository.set_branch(branch, &commit)?,
            _ => bail!("a reference is a tag or a branch"),
        }
        self.announce(&self.url).await
    }

    pub(crate) fn fault(&self, kind: FaultKind) {
        let faults = &self.runner.faults;
        match kind {
            FaultKind::None => faults.clear(self.name),
            FaultKind::Hang => faults.set(self.name, Fault::Hang),
            FaultKind::Garbage => faults.set(self.name, Fault::Garbage),
            FaultKind::Cut => faults.set(self.name, Fault::Cut { after: 100 }),
        }
    }

    /// Asks for a look at what follows the repository, as a webhook would cause one: through the
    /// API alone.
    async fn announce(&self, url: &str) -> anyhow::Result<()> {
        let refresh = json!({"metadata": {"annotations": {REFRESH: "normal"}}});
        self.annotate(url, "argoproj.io/v1alpha1", "Application", &refresh).await?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos().to_string();
        let request = json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": now}}});
        self.annotate(url, "source.toolkit.fluxcd.io/v1", "GitRepository", &request).await
    }

    /// Who is not Belay may do at its next look only what is waited for. It is asked for one now and then, as people do.
    pub(crate) async fn nudge(&self, asked: &mut Instant) -> anyhow::Result<()> {
        if self.runner.is_belay() || asked.elapsed() < NUDGE {
            return Ok(());
        }
        *asked = Instant::now();
        let kind = GroupVersionKind::new("argoproj.io/v1alpha1", "Application");
        let Ok(resource) = self.runner.kinds.find(&kind).await else { return Ok(()) };
        let refresh = Patch::Merge(json!({"metadata": {"annotations": {REFRESH: "normal"}}}));
        let everywhere: Api<DynamicObject> = Api::all_with(self.runner.client.clone(), &resource.api);
        for object in everywhere.list(&ListParams::default()).await? {
            if follows(&object.data, &self.url) || follows(&object.data, &self.second_url) {
                let namespace = object.metadata.namespace.unwrap_or_default();
                let api = resource.objects(&self.runner.client, &namespace);
                // One that has gone needs no look.
                let _ = api
                    .patch(&object.metadata.name.unwrap_or_default(), &PatchParams::default(), &refresh)
                    .await;
            }
        }
        Ok(())
    }

    async fn annotate(&self, url: &str, version: &str, kind: &str, patch: &Value) -> anyhow::Result<()> {
        let Ok(resource) = self.runner.kinds.find(&GroupVersionKind::new(version, kind)).await else {
            return Ok(());
        };
        let client = self.runner.client.clone();
        let everywhere: Api<DynamicObject> = Api::all_with(client.clone(), &resource.api);
        for object in everywhere.list(&ListParams::default()).await? {
            if follows(&object.data, url) {
                let namespace = object.metadata.namespace.unwrap_or_default();
                let name = object.metadata.name.unwrap_or_default();
                let api = Api::namespaced_with(client.clone(), &namespace, &resource.api);
                ask(&api, &name, patch).await.with_context(|| format!("{kind}/{name}"))?;
            }
        }
        Ok(())
    }
}

/// Annotates one object, unless it has gone. A refresh that was asked for and not begun yet would
/// swallow the next one.
async fn ask(api: &Api<DynamicObject>, name: &str, patch: &Value) -> anyhow::Result<()> {
    let deadline = Instant::now() + REFRESHED;
    while let Some(object) = api.get_opt(name).await? {
        let is_asked = object.metadata.annotations.is_some_and(|known| known.contains_key(REFRESH));
        if is_asked && Instant::now() < deadline {
            sleep(POLL).await;
            continue;
        }
        return match api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await {
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            answer => Ok(answer.map(drop)?),
        };
    }
    Ok(())
}

fn follows(object: &Value, url: &str) -> bool {
    let at = |pointer| object.pointer(pointer).and_then(Value::as_str) == Some(url);
    let sources = object.pointer("/spec/sources").and_then(Value::as_array);
    let is_one_of_many = sources.into_iter().flatten().any(|source| source["repoURL"] == url);
    at("/spec/source/repoURL") || at("/spec/url") || is_one_of_many
}

fn written_out(repeated: &Repeated) -> String {
    let mut text = repeated.before.clone();
    for turn in 0..repeated.times {
        match repeated.repeat.contains("$N") {
            true => text.push_str(&repeated.repeat.replace("$N", &turn.to_string())),
            false => text.push_str(&repeated.repeat),
        }
    }
    text.push_str(&repeated.after);
    text
}

fn author() -> Author {
    Author::new("Scenario", "scenario@example.com")
}
