//! What happens to objects in the cluster, and what is expected of them.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use belay_manifest::{GroupVersionKind, Object};
use kube::api::{
    Api, DeleteParams, DynamicObject, ListParams, Patch as KubePatch, PatchParams, PostParams,
    PropagationPolicy,
};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::compare::{first_fault, present};
use crate::run::{POLL, Run};
use crate::scenario::{Create, Delete, Event, Expectation, Patch, Propagation, Stays, Target};

/// How long a kind that was just defined may take to be served.
const NEW_KIND: Duration = Duration::from_secs(5);

impl Run<'_> {
    pub(crate) async fn apply(&self, objects: &[Value]) -> anyhow::Result<()> {
        for object in objects {
            let object = Object::new(self.variables.value(object))?;
            let api = self.api(&object.gvk(), object.namespace()).await?;
            self.touched.add(&object.gvk(), object.namespace(), object.name());
            let params = PatchParams::apply("scenario").force();
            api.patch(object.name(), &params, &KubePatch::Apply(object.value()))
                .await
                .map_err(plain)
                .with_context(|| object.key().to_string())?;
        }
        Ok(())
    }

    pub(crate) async fn create(&self, create: &Create) -> anyhow::Result<()> {
        let object = Object::new(self.variables.value(&create.body))?;
        let api = self.api(&object.gvk(), object.namespace()).await?;
        self.touched.add(&object.gvk(), object.namespace(), object.name());
        let body: DynamicObject = serde_json::from_value(object.value().clone())?;
        let answer = api.create(&PostParams::default(), &body).await;
        judge(answer, &self.variables.text(&create.error)).with_context(|| object.key().to_string())
    }

    pub(crate) async fn patch(&self, patch: &Patch) -> anyhow::Result<()> {
        let (api, name) = self.target(&patch.object).await?;
        let body = self.variables.value(&patch.body);
        let manager = (!patch.manager.is_empty()).then(|| patch.manager.clone());
        let params = PatchParams { field_manager: manager, force: patch.force, ..PatchParams::default() };
        let body = match patch.kind.as_str() {
            "merge" => KubePatch::Merge(body),
            "strategic" => KubePatch::Strategic(body),
            "apply" => KubePatch::Apply(body),
            "json" => KubePatch::Json(serde_json::from_value(body)?),
            other => bail!("{other:?} is no type of patch"),
        };
        let answer = match patch.subresource.as_str() {
            "" => api.patch(&name, &params, &body).await,
            "status" => api.patch_status(&name, &params, &body).await,
            other => api.patch_subresource(other, &name, &params, &body).await,
        };
        judge(answer, &self.variables.text(&patch.error)).with_context(|| patch.object.clone())
    }

    pub(crate) async fn delete(&self, delete: &Delete) -> anyhow::Result<()> {
        let (api, name) = self.target(&delete.object).await?;
        let policy = match delete.propagation {
            Propagation::Background => PropagationPolicy::Background,
            Propagation::Foreground => PropagationPolicy::Foreground,
            Propagation::Orphan => PropagationPolicy::Orphan,
        };
        let params = DeleteParams { propagation_policy: Some(policy), ..DeleteParams::default() };
        api.delete(&name, &params).await.map_err(plain).with_context(|| delete.object.clone())?;
        Ok(())
    }

    pub(crate) async fn expect(&self, expectation: &Expectation) -> anyhow::Result<()> {
        let (api, name) = self.target(&expectation.object).await?;
        let wanted = self.variables.value(&expectation.holds);
        let deadline = Instant::now() + Duration::from_secs_f64(expectation.within);
        let mut asked = Instant::now();
        loop {
            self.nudge(&mut asked).await?;
            let seen = api.get_opt(&name).await?.map(serde_json::to_value).transpose()?;
            let fault = match &seen {
                None => Some("it is not there".to_owned()),
                Some(seen) => first_fault(seen, &wanted, "").or_else(|| present(seen, &expectation.lacks)),
            };
            match fault {
                None => return self.variables.save(&seen.unwrap_or_default(), &expectation.save),
                Some(_) if Instant::now() < deadline => sleep(POLL).await,
                Some(fault) => {
                    let status = seen.as_ref().and_then(|seen| seen.get("status")).map(Value::to_string);
                    bail!(
                        "{}: {fault}, after {} s\n  status: {}",
                        self.variables.text(&expectation.object),
                        expectation.within,
                        status.unwrap_or_else(|| "none".to_owned())
                    )
                }
            }
        }
    }

    pub(crate) async fn absent(&self, target: &Target) -> anyhow::Result<()> {
        let (api, name) = self.target(&target.object).await?;
        let deadline = Instant::now() + Duration::from_secs_f64(target.within);
        let mut asked = Instant::now();
        while let Some(seen) = api.get_opt(&name).await? {
            ensure!(
                Instant::now() < deadline,
                "{}: is still there after {} s\n  metadata: {}",
                self.variables.text(&target.object),
                target.within,
                serde_json::to_string(&seen.metadata)?
            );
            self.nudge(&mut asked).await?;
            sleep(POLL).await;
        }
        Ok(())
    }

    pub(crate) async fn stays(&self, stays: &Stays) -> anyhow::Result<()> {
        let (api, name) = self.target(&stays.object).await?;
        let wanted = self.variables.value(&stays.holds);
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

    pub(crate) async fn event(&self, event: &Event) -> anyhow::Result<()> {
        let about = self.variables.text(&event.about);
        let (_, kind, namespace, name) = words(&about)?;
        let namespace = if namespace.is_empty() { "default" } else { namespace };
        let api = self.api(&GroupVersionKind::new("v1", "Event"), namespace).await?;
        let params =
            ListParams::default().fields(&format!("involvedObject.kind={kind},involvedObject.name={name}"));
        let wanted = self.variables.value(&event.holds);
        let deadline = Instant::now() + Duration::from_secs_f64(event.within);
        loop {
            let seen: Vec<Value> =
                api.list(&params).await?.into_iter().map(serde_json::to_value).collect::<Result<_, _>>()?;
            if seen.iter().any(|seen| first_fault(seen, &wanted, "").is_none()) {
                return Ok(());
            }
            if Instant::now() >= deadline {
                let seen: Vec<String> = seen.iter().map(shown_event).collect();
                bail!("{about}: expected an Event {wanted}, seen:\n    {}", seen.join("\n    "));
            }
            sleep(POLL).await;
        }
    }

    async fn target(&self, text: &str) -> anyhow::Result<(Api<DynamicObject>, String)> {
        let text = self.variables.text(text);
        let (version, kind, namespace, name) = words(&text)?;
        let kind = GroupVersionKind::new(version, kind);
        let api = self.api(&kind, namespace).await?;
        self.touched.add(&kind, namespace, name);
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

    pub(crate) async fn api(
        &self,
        kind: &GroupVersionKind,
        namespace: &str,
    ) -> anyhow::Result<Api<DynamicObject>> {
        let resource = self.resource(kind).await?;
        Ok(resource.objects(&self.runner.client, namespace))
    }
}

/// Version, kind, namespace and name.
fn words(text: &str) -> anyhow::Result<(&str, &str, &str, &str)> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [version, kind, place] = words[..] else {
        bail!("{text:?} is not of the form `apps/v1 Deployment namespace/name`");
    };
    let (namespace, name) = place.split_once('/').unwrap_or(("", place));
    Ok((version, kind, namespace, name))
}

fn shown_event(event: &Value) -> String {
    let word = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
    format!("{} {}: {}", word("type"), word("reason"), word("message"))
}

/// What the API server said, without the rest of its answer.
fn plain(error: kube::Error) -> anyhow::Error {
    match error {
        kube::Error::Api(status) => anyhow::anyhow!("{} ({})", status.message, status.code),
        other => other.into(),
    }
}

fn judge<T>(answer: Result<T, kube::Error>, error: &str) -> anyhow::Result<()> {
    match (answer, error) {
        (Ok(_), "") => Ok(()),
        (Ok(_), error) => bail!("expected an error with {error:?}, but it was accepted"),
        (Err(fault), "") => Err(plain(fault)),
        (Err(fault), error) => {
            let text = plain(fault).to_string();
            ensure!(text.contains(error), "expected an error with {error:?}, seen {text:?}");
            Ok(())
        }
    }
}
